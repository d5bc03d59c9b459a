// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF files of enclaves. Everything comes from the file by memcpy() after a check that it is there.
 * Invariant: segments that are taken over lie in the file, ascend, share no page, and end below
 * RD_KIT_SIZE_MAX.
 */
#include "tools/enclave-kit/elf.h"

#include "enclave/arch.h"

#include <elf.h>

struct elf {
	struct rd_kit_layout *l;
	const u8 *file;
	size_t len;
	Elf64_Ehdr head;
	bool has_note;
};

static bool within(const struct elf *e, u64 off, u64 n)
{
	return off <= e->len && n <= e->len - off;
}

static bool read_head(struct elf *e)
{
	const Elf64_Ehdr *h = &e->head;

	if (!within(e, 0, sizeof(*h)) || memcmp(e->file, ELFMAG, SELFMAG) != 0)
		return rd_kit_fail(e->l, "not an ELF file");
	memcpy(&e->head, e->file, sizeof(*h));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64)
		return rd_kit_fail(e->l, "not an ELF file for x86-64");
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return rd_kit_fail(e->l, "not a linked ELF file");
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum > RD_KIT_HEADERS_MAX)
		return rd_kit_fail(e->l, "it must have 1 to %u program headers of %zu bytes",
				   RD_KIT_HEADERS_MAX, sizeof(Elf64_Phdr));
	if (!within(e, h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr)))
		return rd_kit_fail(e->l, "its program headers are not all in the file");
	return true;
}

/* --- segments --- */

static bool check_load(struct elf *e, unsigned int n, const Elf64_Phdr *p)
{
	u64 end;

	if (!within(e, p->p_offset, p->p_filesz))
		return rd_kit_fail(e->l, "segment %u is not all in the file", n);
	if (p->p_filesz > p->p_memsz)
		return rd_kit_fail(e->l, "segment %u is longer in the file than in memory", n);
	/* Room for rounding up, and for what follows. */
	if (__builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end > U64_MAX - RD_SGX_PAGE)
		return rd_kit_fail(e->l, "segment %u ends beyond all addresses", n);
	if (p->p_align & (p->p_align - 1) ||
	    (p->p_align > 1 && (p->p_vaddr - p->p_offset) & (p->p_align - 1)))
		return rd_kit_fail(e->l, "segment %u is not aligned as it says", n);
	if ((p->p_flags & (PF_R | PF_W)) == PF_W)
		return rd_kit_fail(e->l, "segment %u can be written but not read", n);
	return true;
}

static u64 perms_of(u32 flags)
{
	return (flags & PF_R ? RD_SI_R : 0) | (flags & PF_W ? RD_SI_W : 0) |
	       (flags & PF_X ? RD_SI_X : 0);
}

/* Does a segment begin on a page behind all that are there? */
static bool behind_others(const struct rd_kit_layout *l, u64 vaddr)
{
	const struct rd_kit_segment *last;

	if (!l->n_segments)
		return true;
	last = &l->segment[l->n_segments - 1];
	return vaddr >= l->link_base && ALIGN_DOWN(vaddr - l->link_base, (u64)RD_SGX_PAGE) >=
						ALIGN(last->at + last->memsz, (u64)RD_SGX_PAGE);
}

static bool add_load(struct elf *e, unsigned int n, const Elf64_Phdr *p)
{
	struct rd_kit_layout *l = e->l;
	struct rd_kit_segment *s = &l->segment[l->n_segments];

	if (!check_load(e, n, p))
		return false;
	if (!p->p_memsz)
		return true;
	if (l->n_segments == RD_KIT_SEGMENTS_MAX)
		return rd_kit_fail(l, "it has more than %u segments", RD_KIT_SEGMENTS_MAX);
	if (!behind_others(l, p->p_vaddr))
		return rd_kit_fail(l, "segment %u overlaps a page of another, or is out of order",
				   n);
	if (!l->n_segments)
		l->link_base = ALIGN_DOWN(p->p_vaddr, (u64)RD_SGX_PAGE);
	if (p->p_vaddr - l->link_base + p->p_memsz > RD_KIT_SIZE_MAX)
		return rd_kit_fail(l, "segment %u ends beyond 2^36 bytes", n);
	*s = (struct rd_kit_segment){
		.at = p->p_vaddr - l->link_base,
		.memsz = p->p_memsz,
		.filesz = p->p_filesz,
		.data = e->file + p->p_offset,
		.perms = perms_of(p->p_flags),
	};
	l->n_segments++;
	if (s->perms & RD_SI_W && s->perms & RD_SI_X)
		l->writable_code = true;
	return true;
}

/* --- notes --- */

static bool take_note(struct elf *e, const Elf64_Nhdr *n, const u8 *desc)
{
	struct rd_kit_image *i = &e->l->image;

	if (e->has_note)
		return rd_kit_fail(e->l, "it has two enclave notes");
	if (n->n_descsz < offsetof(struct rd_kit_image, flags))
		return rd_kit_fail(e->l, "its enclave note is too short");
	memcpy(i, desc, offsetof(struct rd_kit_image, flags));
	if (i->magic != RD_KIT_MAGIC)
		return rd_kit_fail(e->l, "its enclave note does not begin as one");
	if (i->version != RD_KIT_VERSION)
		return rd_kit_fail(e->l, "its enclave note has version %u, not %u", i->version,
				   RD_KIT_VERSION);
	if (n->n_descsz != sizeof(*i))
		return rd_kit_fail(e->l, "its enclave note has %u bytes, not %zu", n->n_descsz,
				   sizeof(*i));
	memcpy(i, desc, sizeof(*i));
	e->has_note = true;
	return true;
}

/* Names and contents of notes are padded to 4 bytes, or to 8 where the segment says so. */
static bool read_notes(struct elf *e, const Elf64_Phdr *p)
{
	u64 align = p->p_align == 8 ? 8 : 4, at = 0;

	if (!within(e, p->p_offset, p->p_filesz))
		return rd_kit_fail(e->l, "its notes are not all in the file");
	while (p->p_filesz - at >= sizeof(Elf64_Nhdr)) {
		const u8 *note = e->file + p->p_offset + at;
		Elf64_Nhdr n;
		u64 desc, next;

		memcpy(&n, note, sizeof(n));
		desc = ALIGN(sizeof(n) + (u64)n.n_namesz, align);
		if (desc + n.n_descsz > p->p_filesz - at)
			return rd_kit_fail(e->l, "a note of it is cut off");
		if (n.n_type == RD_KIT_NOTE_TYPE && n.n_namesz == sizeof(RD_KIT_NOTE_NAME) &&
		    !memcmp(note + sizeof(n), RD_KIT_NOTE_NAME, sizeof(RD_KIT_NOTE_NAME)) &&
		    !take_note(e, &n, note + desc))
			return false;
		next = ALIGN(desc + n.n_descsz, align);
		if (next > p->p_filesz - at)
			break;
		at += next;
	}
	return true;
}

/* --- what an enclave cannot have --- */

static bool check_dynamic(struct elf *e, const Elf64_Phdr *p)
{
	Elf64_Dyn d;

	if (!within(e, p->p_offset, p->p_filesz))
		return rd_kit_fail(e->l, "its dynamic section is not all in the file");
	for (u64 at = 0; p->p_filesz - at >= sizeof(d); at += sizeof(d)) {
		memcpy(&d, e->file + p->p_offset + at, sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_NEEDED)
			return rd_kit_fail(e->l, "it needs shared libraries, which no enclave has");
	}
	return true;
}

static bool read_part(struct elf *e, unsigned int n)
{
	Elf64_Phdr p;

	memcpy(&p, e->file + e->head.e_phoff + n * sizeof(p), sizeof(p));
	switch (p.p_type) {
	case PT_LOAD:
		return add_load(e, n, &p);
	case PT_NOTE:
		return read_notes(e, &p);
	case PT_DYNAMIC:
		return check_dynamic(e, &p);
	case PT_INTERP:
		return rd_kit_fail(e->l, "it needs a dynamic linker, which no enclave has");
	default:
		return true;
	}
}

bool rd_kit_elf_read(struct rd_kit_layout *l, const uint8_t *file, size_t len, bool *has_note)
{
	struct elf e = { .l = l, .file = file, .len = len };

	if (!read_head(&e))
		return false;
	for (unsigned int n = 0; n < e.head.e_phnum; n++)
		if (!read_part(&e, n))
			return false;
	if (!l->n_segments)
		return rd_kit_fail(l, "it has no segment to load");
	l->fixed = e.head.e_type == ET_EXEC;
	/* An address below the first segment becomes an offset that lies in none. */
	if (!l->image.entry)
		l->image.entry = e.head.e_entry - l->link_base;
	*has_note = e.has_note;
	return true;
}
