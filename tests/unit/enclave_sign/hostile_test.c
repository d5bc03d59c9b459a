// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are no enclaves: each row changes one field of a good one, and must be refused with
 * these words.
 */
#include "tests/unit/enclave_sign/enclave_sign_test.h"
#include "tests/unit/enclave_sign/made_elf.h"
#include "tools/enclave-kit/layout.h"

#define AT(field) offsetof(struct made_elf, field)
#define WIDTH(field) sizeof(((struct made_elf *)NULL)->field)
#define ROW(field, value, words)                                                                   \
	{                                                                                          \
		AT(field), WIDTH(field), value, words                                              \
	}
#define IMAGE(field, value, words) ROW(the_note.image.field, value, words)

static const struct {
	size_t at, width;
	u64 value;
	const char *words;
} rows[] = {
	ROW(head.e_ident[1], 'F', "not an ELF file"),
	ROW(head.e_ident[EI_CLASS], ELFCLASS32, "x86-64"),
	ROW(head.e_ident[EI_DATA], ELFDATA2MSB, "x86-64"),
	ROW(head.e_machine, EM_386, "x86-64"),
	ROW(head.e_type, ET_REL, "not a linked"),
	ROW(head.e_phentsize, 32, "program headers of"),
	ROW(head.e_phnum, 0, "program headers of"),
	ROW(head.e_phnum, 65, "program headers of"),
	ROW(head.e_phnum, PN_XNUM, "program headers of"),
	ROW(head.e_phoff, 0x6000 - 6 * 56 + 1, "not all in the file"),
	ROW(head.e_phoff, U64_MAX - 10, "not all in the file"),
	ROW(head.e_entry, MADE_BASE + 0x2810, "entry is not"),
	ROW(head.e_entry, MADE_BASE + 0x100, "entry is not"),
	ROW(head.e_entry, 0, "entry is not"),
	ROW(load[0].p_offset, 0x5000, "segment 0 is not all"),
	ROW(load[0].p_offset, U64_MAX - 0xfff, "segment 0 is not all"),
	ROW(load[0].p_filesz, U64_MAX, "segment 0 is not all"),
	ROW(load[0].p_memsz, 0x1233, "longer in the file"),
	ROW(load[0].p_memsz, 0x2011, "overlaps"),
	ROW(load[0].p_memsz, RD_KIT_SIZE_MAX + 1, "beyond 2^36"),
	ROW(load[0].p_memsz, U64_MAX - MADE_BASE, "beyond all addresses"),
	ROW(load[0].p_memsz, U64_MAX, "beyond all addresses"),
	ROW(load[0].p_vaddr, MADE_BASE + 0x8000, "out of order"),
	ROW(load[0].p_vaddr, MADE_BASE + 0x10, "not aligned"),
	ROW(load[0].p_align, 3, "not aligned"),
	ROW(load[0].p_align, 0x20000, "not aligned"),
	ROW(load[1].p_vaddr, MADE_BASE + 0x1010, "overlaps"),
	ROW(load[1].p_vaddr, 0x2010, "overlaps"),
	ROW(load[1].p_vaddr, U64_MAX - 0xfef, "beyond all addresses"),
	ROW(load[1].p_flags, PF_R, "entry is not"),
	ROW(load[2].p_flags, PF_W, "written but not read"),
	ROW(load[2].p_flags, PF_W | PF_X, "written but not read"),
	ROW(load[2].p_vaddr, (1ULL << 40) + 0xf00, "beyond 2^36"),
	ROW(load[2].p_memsz, RD_KIT_PAGES_MAX * 0x1000, "more than 1048576 pages"),
	ROW(load[2].p_type, PT_INTERP, "dynamic linker"),
	ROW(dyn[0].d_tag, DT_NEEDED, "shared libraries"),
	ROW(dynamic.p_offset, 0x5fff, "dynamic section"),
	ROW(dynamic.p_filesz, U64_MAX, "dynamic section"),
	ROW(note.p_type, PT_NULL, "no enclave note"),
	ROW(note.p_offset, 0x6000 - 100, "notes are not all"),
	ROW(note.p_filesz, U64_MAX, "notes are not all"),
	ROW(note.p_filesz, 147, "cut off"),
	ROW(note.p_filesz, 11, "no enclave note"),
	ROW(spare.p_type, PT_INTERP, "dynamic linker"),
	ROW(the_note.namesz, 7, "no enclave note"),
	ROW(the_note.namesz, U32_MAX, "cut off"),
	ROW(the_note.descsz, U32_MAX, "cut off"),
	ROW(the_note.descsz, 11, "too short"),
	ROW(the_note.descsz, 124, "124 bytes, not 128"),
	ROW(the_note.type, 2, "no enclave note"),
	ROW(the_note.name[0], 'r', "no enclave note"),
	IMAGE(magic, 0, "does not begin as one"),
	IMAGE(version, 0, "version 0, not 1"),
	IMAGE(version, 2, "version 2, not 1"),
	IMAGE(flags, 2, "unknown flags"),
	IMAGE(size_pages, 3, "no power of two"),
	IMAGE(size_pages, 32, "too small: 64 are needed"),
	IMAGE(size_pages, 1ULL << 25, "no power of two up to 2^24"),
	IMAGE(size_pages, 1ULL << 63, "no power of two up to 2^24"),
	IMAGE(threads, 0, "0 threads"),
	IMAGE(threads, RD_KIT_THREADS_MAX + 1, "4097 threads"),
	IMAGE(nssa, 0, "0 SSA frames"),
	IMAGE(nssa, U32_MAX, "SSA frames"),
	IMAGE(ssa_frame_pages, 0, "SSA frames of 0"),
	IMAGE(ssa_frame_pages, U32_MAX, "SSA frames of"),
	IMAGE(stack_pages, 0, "stack of 0"),
	IMAGE(stack_pages, U32_MAX, "stack of"),
	IMAGE(stack_pages, RD_KIT_PAGES_MAX, "more than 1048576 pages"),
	IMAGE(heap_pages, RD_KIT_PAGES_MAX, "more than 1048576 pages"),
	IMAGE(heap_pages, U64_MAX, "more than 1048576 pages"),
	IMAGE(heap_pages, 1ULL << 52, "more than 1048576 pages"),
	IMAGE(entry, 0x1fff, "entry is not"),
	IMAGE(entry, U64_MAX, "entry is not"),
	IMAGE(attributes, RD_ATTR_INIT, "attributes"),
	IMAGE(attributes, RD_ATTR_DEBUG, "attributes"),
	IMAGE(xfrm, 4, "XFRM"),
	IMAGE(reserved[51], 1, "reserved"),
};

static struct made_elf elf;
static struct rd_kit_layout layout;

START_TEST(one_field_is_wrong)
{
	made_elf(&elf);
	memcpy(elf.bytes + rows[_i].at, &rows[_i].value, rows[_i].width);
	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), NULL));
	ck_assert_msg(strstr(layout.error, rows[_i].words) != NULL, "\"%s\", not \"%s\"",
		      layout.error, rows[_i].words);
	ck_assert(!strchr(layout.error, '\n'));
}
END_TEST

START_TEST(cut_off_anywhere)
{
	/* A copy of just that length: a byte too far is seen. */
	made_elf(&elf);
	for (size_t len = 0; len <= sizeof(elf); len += len < 0x400 ? 1 : 61) {
		u8 *copy = malloc(len);

		memcpy(copy, &elf, len);
		ck_assert_int_eq(rd_kit_layout_open(&layout, copy, len, NULL),
				 len >= MADE_DATA + 0x200);
		free(copy);
	}
}
END_TEST

START_TEST(two_notes)
{
	made_elf(&elf);
	elf.spare = elf.note;
	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), NULL));
	ck_assert_str_eq(layout.error, "it has two enclave notes");
}
END_TEST

START_TEST(too_many_segments)
{
	Elf64_Phdr *p = (Elf64_Phdr *)(elf.bytes + 0x1000);

	made_elf(&elf);
	elf.head.e_phoff = 0x1000;
	elf.head.e_phnum = RD_KIT_SEGMENTS_MAX + 1;
	for (unsigned int n = 0; n <= RD_KIT_SEGMENTS_MAX; n++) {
		p[n] = elf.load[0];
		p[n].p_vaddr += n * 0x2000;
	}
	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), NULL));
	ck_assert_str_eq(layout.error, "it has more than 32 segments");
	elf.head.e_phnum = 1;
	p->p_memsz = 0;
	p->p_filesz = 0;
	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), NULL));
	ck_assert_str_eq(layout.error, "it has no segment to load");
}
END_TEST

static void refused_raw(u64 pages, const char *words)
{
	struct rd_kit_raw raw = { .tcs_pages = pages };

	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), &raw));
	ck_assert_msg(strstr(layout.error, words) != NULL, "%s", layout.error);
}

START_TEST(raw_files)
{
	struct rd_tcs *tcs = (struct rd_tcs *)(elf.bytes + 0x1000);
	struct rd_kit_raw raw = { .tcs_pages = 2, .heap_pages = U64_MAX };

	made_elf(&elf);
	refused_raw(2, "it has an enclave note");
	made_raw(&elf, 2);
	refused_raw(1, "has 2 pages, not 1");
	refused_raw(3, "has 2 pages, not 3");
	tcs[1].reserved[4023] = 1;
	refused_raw(2, "0x1000 cannot be a TCS");
	tcs[1].reserved[4023] = 0;
	tcs[0].flags = 4;
	refused_raw(2, "0x0 cannot be a TCS");
	tcs[0].flags = 0;
	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), &raw));
	ck_assert(strstr(layout.error, "more than 1048576 pages") != NULL);
	raw.heap_pages = 0;
	ck_assert(rd_kit_layout_open(&layout, &elf, sizeof(elf), &raw));
	raw.tcs_pages = 0;
	ck_assert(!rd_kit_layout_open(&layout, &elf, sizeof(elf), &raw));
	ck_assert_str_eq(layout.error, "it has no enclave note");
}
END_TEST

TCase *hostile_case(void)
{
	TCase *t = tcase_create("hostile");

	tcase_add_loop_test(t, one_field_is_wrong, 0, (int)ARRAY_SIZE(rows));
	tcase_add_test(t, cut_off_anywhere);
	tcase_add_test(t, two_notes);
	tcase_add_test(t, too_many_segments);
	tcase_add_test(t, raw_files);
	return t;
}
