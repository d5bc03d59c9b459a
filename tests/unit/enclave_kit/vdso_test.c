// SPDX-License-Identifier: GPL-2.0-only
/*
 * The search in a vDSO: in this machine's own, and in one that is made here, whole and damaged.
 * Images lie at the end of allocations, so that a read beyond them is caught.
 */
#include "tests/unit/enclave_kit/enclave_kit_test.h"
#include "tools/enclave-kit/outside/vdso.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define LINKED_AT 0x10000u

/* Three functions, of which one is not defined and one is no function. */
struct made {
	Elf64_Ehdr head;
	Elf64_Phdr part[2];
	Elf64_Dyn dynamic[6];
	Elf64_Sym symbol[5];
	uint32_t hash[3];
	uint32_t gnu_hash[4 + 2 + 2 + 4]; /* head, a filter of 8 bytes, 2 buckets, chains */
	char strings[64];
	uint8_t code[64];
};

#define AT(field) (LINKED_AT + offsetof(struct made, field))

static Elf64_Sym symbol(uint32_t name, unsigned int type, uint16_t where, uint64_t value)
{
	return (Elf64_Sym){
		.st_name = name,
		.st_info = (unsigned char)ELF64_ST_INFO(STB_GLOBAL, type),
		.st_shndx = where,
		.st_value = value,
	};
}

static struct made *make(bool gnu)
{
	static const char strings[] = "\0first\0undefined\0data\0second";
	struct made *m = calloc(1, sizeof(*m));

	memcpy(m->head.e_ident, ELFMAG, SELFMAG);
	m->head.e_ident[EI_CLASS] = ELFCLASS64;
	m->head.e_phoff = offsetof(struct made, part);
	m->head.e_phentsize = sizeof(Elf64_Phdr);
	m->head.e_phnum = 2;
	m->part[0] =
		(Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = LINKED_AT, .p_filesz = sizeof(*m) };
	m->part[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
				   .p_offset = offsetof(struct made, dynamic),
				   .p_filesz = sizeof(m->dynamic) };
	m->dynamic[0] = (Elf64_Dyn){ DT_STRTAB, { AT(strings) } };
	m->dynamic[1] = (Elf64_Dyn){ DT_STRSZ, { sizeof(strings) } };
	m->dynamic[2] = (Elf64_Dyn){ DT_SYMTAB, { AT(symbol) } };
	m->dynamic[3] = gnu ? (Elf64_Dyn){ DT_GNU_HASH, { AT(gnu_hash) } }
			    : (Elf64_Dyn){ DT_HASH, { AT(hash) } };
	m->symbol[1] = symbol(1, STT_FUNC, 1, AT(code));
	m->symbol[2] = symbol(7, STT_FUNC, SHN_UNDEF, AT(code));
	m->symbol[3] = symbol(17, STT_OBJECT, 1, AT(code));
	m->symbol[4] = symbol(22, STT_FUNC, 1, AT(code) + 8);
	m->hash[1] = 5;
	/* Buckets with the symbols 1 and 3 as their first, chains that end at 2 and 4. */
	memcpy(m->gnu_hash, (uint32_t[]){ 2, 1, 1, 0, 0, 0, 1, 3, 2, 3, 4, 5 },
	       sizeof(m->gnu_hash));
	memcpy(m->strings, strings, sizeof(strings));
	return m;
}

static const void *find(const struct made *m, const char *name)
{
	return rd_kit_vdso_find(m, sizeof(*m), name);
}

static void finds(bool gnu)
{
	struct made *m = make(gnu);

	ck_assert_uint_eq(rd_kit_vdso_size(m, sizeof(*m)), sizeof(*m));
	ck_assert_ptr_eq(find(m, "first"), m->code);
	ck_assert_ptr_eq(find(m, "second"), m->code + 8);
	ck_assert_ptr_null(find(m, "undefined"));
	ck_assert_ptr_null(find(m, "data"));
	ck_assert_ptr_null(find(m, "firs"));
	ck_assert_ptr_null(find(m, "first2"));
	ck_assert_ptr_null(find(m, ""));
	/* What comes behind the end of the dynamic section is nothing. */
	m->dynamic[5] = (Elf64_Dyn){ DT_STRTAB, { AT(code) } };
	ck_assert_ptr_eq(find(m, "first"), m->code);
	m->part[0].p_offset = 1;
	ck_assert_uint_eq(rd_kit_vdso_size(m, sizeof(*m)), 0);
	free(m);
}

START_TEST(finds_by_either_table)
{
	finds(false);
	finds(true);
}
END_TEST

START_TEST(finds_in_this_machine_s)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	size_t len;

	/* There is none in some sandboxes. */
	if (!image)
		return;
	len = rd_kit_vdso_size(image, 4096);
	ck_assert_uint_gt(len, 0);
	ck_assert_ptr_nonnull(rd_kit_vdso_find(image, len, "__vdso_clock_gettime"));
	ck_assert_ptr_null(rd_kit_vdso_find(image, len, "__vdso_clock_getti"));
}
END_TEST

static void refused(struct made *m)
{
	ck_assert_ptr_null(find(m, "second"));
	free(m);
}

#define WITH(gnu, change)                                                                          \
	do {                                                                                       \
		struct made *m = make(gnu);                                                        \
		change;                                                                            \
		refused(m);                                                                        \
	} while (0)

START_TEST(damage_is_seen)
{
	WITH(false, m->head.e_ident[0] = 0);
	WITH(false, m->head.e_ident[EI_CLASS] = ELFCLASS32);
	WITH(false, m->head.e_phentsize--);
	WITH(false, m->head.e_phoff = UINT64_MAX - 60);
	WITH(false, m->head.e_phnum = 1);
	WITH(false, m->part[0].p_type = PT_NULL);
	WITH(false, m->part[0].p_offset = 1);
	WITH(false, m->part[1].p_offset = UINT64_MAX - 8);
	WITH(false, m->part[1].p_filesz = 0);
	WITH(false, m->dynamic[0].d_tag = DT_NULL);
	WITH(false, m->dynamic[0].d_un.d_ptr = LINKED_AT + sizeof(*m));
	WITH(false, m->dynamic[1].d_un.d_val = sizeof(*m));
	WITH(false, m->dynamic[1].d_un.d_val = 28);
	WITH(false, m->dynamic[2].d_un.d_ptr = LINKED_AT - 8);
	WITH(false, m->dynamic[3].d_tag = DT_DEBUG);
	WITH(false, m->dynamic[3].d_un.d_ptr = LINKED_AT + sizeof(*m) - 7);
	WITH(false, m->hash[1] = 4);
	WITH(false, m->symbol[4].st_name = UINT32_MAX);
	WITH(false, m->symbol[4].st_value = LINKED_AT - 1);
	WITH(false, m->symbol[4].st_value = LINKED_AT + sizeof(*m));
	WITH(true, m->gnu_hash[0] = UINT32_MAX);
	WITH(true, m->gnu_hash[1] = 4);
	WITH(true, m->gnu_hash[2] = UINT32_MAX);
	WITH(true, m->gnu_hash[7] = UINT32_MAX);
	WITH(true, m->gnu_hash[7] = 1);
}
END_TEST

/* Whatever comes of it, nothing outside is read, and what is found lies inside. */
START_TEST(random_damage)
{
	srand(3);
	for (unsigned int round = 0; round < 50000; round++) {
		struct made *m = make(round & 1);
		unsigned int n = 1 + (unsigned int)rand() % 4;
		const uint8_t *p;

		while (n--)
			((uint8_t *)m)[(size_t)rand() % sizeof(*m)] = (uint8_t)rand();
		p = find(m, "second");
		ck_assert(!p || (p >= (uint8_t *)m && p < (uint8_t *)(m + 1)));
		free(m);
	}
}
END_TEST

START_TEST(short_images)
{
	struct made *m = make(false);

	for (size_t len = 0; len < sizeof(*m); len++) {
		void *image = malloc(len ? len : 1);

		memcpy(image, m, len);
		rd_kit_vdso_size(image, len);
		rd_kit_vdso_find(image, len, "second");
		free(image);
	}
	free(m);
}
END_TEST

TCase *vdso_case(void)
{
	TCase *t = tcase_create("vdso");

	tcase_add_test(t, finds_by_either_table);
	tcase_add_test(t, finds_in_this_machine_s);
	tcase_add_test(t, damage_is_seen);
	tcase_add_test(t, random_damage);
	tcase_add_test(t, short_images);
	return t;
}
