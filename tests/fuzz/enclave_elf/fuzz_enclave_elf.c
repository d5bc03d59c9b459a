// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF files of enclaves: what the input says, or a good file with some bytes of its headers and
 * its note changed; with and without TCS pages of its own.
 * Invariant checked: no crash; pages that are accepted come at ascending offsets within the size of
 * the enclave, with permissions that EADD takes, as many as were announced, and their contents can
 * be read.
 */
#include "tests/fuzz/input.h"

#include "enclave/arch.h"
#include "tools/enclave-kit/layout.h"

#include <elf.h>

#define WALK_MAX 2048u
#define FILE_LEN 0x5000u

struct file {
	Elf64_Ehdr head;
	Elf64_Phdr part[6];
	struct rd_kit_note note;
};

struct seen {
	const struct rd_kit_layout *l;
	u64 pages, end;
	unsigned int sum;
};

static int look(void *ctx, const struct rd_kit_page *p)
{
	struct seen *s = ctx;
	u64 perms = p->secinfo & RD_SI_RWX;
	u64 type = p->secinfo & ~RD_SI_RWX;

	if (p->offset % RD_SGX_PAGE || p->offset < s->end || p->offset >= s->l->size)
		fuzz_die("a page lies where none can be");
	if (type != RD_SI_PT(RD_PT_REG) && (type != RD_SI_PT(RD_PT_TCS) || perms || !p->data))
		fuzz_die("a page of no type");
	if ((perms & (RD_SI_R | RD_SI_W)) == RD_SI_W)
		fuzz_die("permissions that EADD refuses");
	for (unsigned int n = 0; p->data && n < RD_SGX_PAGE; n++)
		s->sum += p->data[n];
	s->end = p->offset + RD_SGX_PAGE;
	return ++s->pages >= WALK_MAX;
}

static void check(const u8 *file, size_t len, const struct rd_kit_raw *raw)
{
	struct rd_kit_layout l;
	struct seen s = { .l = &l };

	if (!rd_kit_layout_open(&l, file, len, raw)) {
		if (!l.error[0] || strchr(l.error, '\n'))
			fuzz_die("a refusal without its one line");
		return;
	}
	if (l.size & (l.size - 1) || l.size > RD_KIT_SIZE_MAX || l.pages > RD_KIT_PAGES_MAX)
		fuzz_die("a size that cannot be");
	if (!rd_kit_layout_walk(&l, look, &s) && s.pages != l.pages)
		fuzz_die("not the pages that were announced");
}

static void good_file(struct file *f)
{
	static const Elf64_Phdr load[3] = {
		{ PT_LOAD, PF_R | PF_W, 0x1000, 0x0, 0, 0x1000, 0x1000, 0x1000 },
		{ PT_LOAD, PF_R | PF_X, 0x2010, 0x1010, 0, 0x800, 0x900, 0x1000 },
		{ PT_LOAD, PF_R | PF_W, 0x3f00, 0x3f00, 0, 0x200, 0x3000, 0x100 },
	};

	memset(f, 0, sizeof(*f));
	memcpy(f->head.e_ident, ELFMAG, SELFMAG);
	f->head.e_ident[EI_CLASS] = ELFCLASS64;
	f->head.e_ident[EI_DATA] = ELFDATA2LSB;
	f->head.e_type = ET_DYN;
	f->head.e_machine = EM_X86_64;
	f->head.e_entry = 0x1010;
	f->head.e_phoff = offsetof(struct file, part);
	f->head.e_phentsize = sizeof(Elf64_Phdr);
	f->head.e_phnum = 4;
	memcpy(f->part, load, sizeof(load));
	f->part[3] = (Elf64_Phdr){ .p_type = PT_NOTE,
				   .p_offset = offsetof(struct file, note),
				   .p_filesz = sizeof(f->note),
				   .p_align = 4 };
	f->part[4] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_offset = 0x1000, .p_filesz = 64 };
	f->note = (struct rd_kit_note){ RD_KIT_NOTE_HEAD, .image = { .magic = RD_KIT_MAGIC,
								     .version = RD_KIT_VERSION,
								     .threads = 1 + take() % 3,
								     .nssa = 1 + take() % 3,
								     .ssa_frame_pages = 1,
								     .stack_pages = 1 + take() % 3,
								     .heap_pages = take() } };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd_kit_raw raw = { 0 };
	struct file f;
	u8 *file, first;

	fuzz_begin(data, size);
	first = take();
	if (first & 1)
		raw = (struct rd_kit_raw){ .tcs_pages = 1 + take() % 2, .heap_pages = take() };
	if (first & 2) {
		check(in.data + in.at, in.size - in.at, &raw);
		return 0;
	}
	good_file(&f);
	if (first & 1)
		f.part[3].p_type = PT_NULL;
	if (first & 4)
		f.head.e_phnum = 6;
	/* Segments, note and the rest have a chance each. */
	take_damage(&f, first & 8 ? sizeof(f.head) : sizeof(f));
	take_damage(f.part, first & 16 ? sizeof(f.part) : sizeof(f.part[0]));
	take_damage(&f.note, first & 32 ? sizeof(f.note) : 0);
	file = calloc(1, FILE_LEN);
	memcpy(file, &f, sizeof(f));
	if (first & 64)
		take_bytes(file + 0x1000, 128);
	check(file, first & 128 ? take_n(2) % FILE_LEN : FILE_LEN, &raw);
	free(file);
	return 0;
}
