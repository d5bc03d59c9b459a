// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vDSO is a shared library in memory: one segment, with a dynamic section that names its tables
 * by address, relative to where it was linked.
 * Invariant: nothing outside of the image is read, whatever is in it.
 */
#include "tools/enclave-kit/outside/vdso.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

struct image {
	const uint8_t *bytes;
	size_t len;
	uint64_t linked_at;
	uint64_t strings, strings_size, symbols, hash, gnu_hash; /* offsets; 0: not there */
};

static bool get(const struct image *i, uint64_t at, void *to, size_t n)
{
	if (at > i->len || n > i->len - at)
		return false;
	memcpy(to, i->bytes + at, n);
	return true;
}

static bool get_u32(const struct image *i, uint64_t at, uint32_t *v)
{
	return get(i, at, v, sizeof(*v));
}

static bool head(const struct image *i, Elf64_Ehdr *h)
{
	return get(i, 0, h, sizeof(*h)) && !memcmp(h->e_ident, ELFMAG, SELFMAG) &&
	       h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_phentsize == sizeof(Elf64_Phdr);
}

static bool part(const struct image *i, const Elf64_Ehdr *h, uint32_t type, Elf64_Phdr *p)
{
	for (unsigned int n = 0; n < h->e_phnum; n++)
		if (get(i, h->e_phoff + n * sizeof(*p), p, sizeof(*p)) && p->p_type == type)
			return true;
	return false;
}

size_t rd_kit_vdso_size(const void *image, size_t have)
{
	struct image i = { .bytes = image, .len = have };
	Elf64_Ehdr h;
	Elf64_Phdr p;

	if (!head(&i, &h) || !part(&i, &h, PT_LOAD, &p) || p.p_offset)
		return 0;
	return p.p_filesz;
}

static bool read_dynamic(struct image *i, const Elf64_Phdr *p)
{
	Elf64_Dyn d;

	for (uint64_t at = 0; at + sizeof(d) <= p->p_filesz; at += sizeof(d)) {
		uint64_t where;

		if (!get(i, p->p_offset + at, &d, sizeof(d)))
			return false;
		where = d.d_un.d_ptr - i->linked_at;
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_STRTAB)
			i->strings = where;
		else if (d.d_tag == DT_STRSZ)
			i->strings_size = d.d_un.d_val;
		else if (d.d_tag == DT_SYMTAB)
			i->symbols = where;
		else if (d.d_tag == DT_HASH)
			i->hash = where;
		else if (d.d_tag == DT_GNU_HASH)
			i->gnu_hash = where;
	}
	return i->strings && i->strings < i->len && i->strings_size <= i->len - i->strings &&
	       i->symbols;
}

/* One more than the last symbol of any bucket's chain; there is no field that says it. */
static uint32_t count_by_gnu_hash(const struct image *i)
{
	uint32_t n[4], last = 0, v; /* buckets, first symbol, words of the filter, shift */
	uint64_t buckets, chains;

	if (!get(i, i->gnu_hash, n, sizeof(n)))
		return 0;
	buckets = i->gnu_hash + sizeof(n) + n[2] * 8ULL;
	chains = buckets + n[0] * 4ULL;
	for (uint32_t b = 0; b < n[0]; b++) {
		if (!get_u32(i, buckets + b * 4ULL, &v))
			return 0;
		last = v > last ? v : last;
	}
	if (last < n[1])
		return 0;
	do {
		if (!get_u32(i, chains + (last - n[1]) * 4ULL, &v))
			return 0;
		last++;
	} while (!(v & 1));
	return last;
}

static uint32_t count_symbols(const struct image *i)
{
	uint32_t n;

	if (i->hash)
		return get_u32(i, i->hash + 4, &n) ? n : 0;
	return i->gnu_hash ? count_by_gnu_hash(i) : 0;
}

static bool is_named(const struct image *i, const Elf64_Sym *s, const char *name)
{
	size_t n = strlen(name) + 1;

	return s->st_name < i->strings_size && n <= i->strings_size - s->st_name &&
	       !memcmp(i->bytes + i->strings + s->st_name, name, n);
}

const void *rd_kit_vdso_find(const void *image, size_t len, const char *name)
{
	struct image i = { .bytes = image, .len = len };
	Elf64_Ehdr h;
	Elf64_Phdr load, dynamic;
	uint32_t n;

	if (!head(&i, &h) || !part(&i, &h, PT_LOAD, &load) || load.p_offset ||
	    !part(&i, &h, PT_DYNAMIC, &dynamic))
		return NULL;
	i.linked_at = load.p_vaddr;
	if (!read_dynamic(&i, &dynamic))
		return NULL;
	n = count_symbols(&i);
	for (uint32_t k = 0; k < n; k++) {
		Elf64_Sym s;

		if (!get(&i, i.symbols + k * sizeof(s), &s, sizeof(s)))
			return NULL;
		if (s.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s.st_info) == STT_FUNC &&
		    is_named(&i, &s, name) && s.st_value - i.linked_at < len)
			return i.bytes + (s.st_value - i.linked_at);
	}
	return NULL;
}
