// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of an enclave and their measurement, against a list of pages that is written down here
 * by hand and hashed in one piece.
 */
#include "tests/unit/enclave_sign/enclave_sign_test.h"
#include "tests/unit/enclave_sign/made_elf.h"
#include "tools/enclave-kit/layout.h"
#include "tools/src/vmctl/enclave_file.h"

#include <openssl/sha.h>

#define R 1U
#define RW 3U
#define RX 5U
#define REG 0x200U
#define TCS 0x100U

/* Everything that the measurement takes in, one after the other. */
static u8 stream[1 << 20];
static size_t stream_len;
static u64 expected[64];
static unsigned int n_expected;

static void put(const void *p, size_t n)
{
	ck_assert_uint_le(stream_len + n, sizeof(stream));
	memcpy(stream + stream_len, p, n);
	stream_len += n;
}

static void put_zeros(size_t n)
{
	static const u8 none[64];

	put(none, n);
}

static void begin(u32 ssa_frame_pages, u64 size)
{
	stream_len = 0;
	n_expected = 0;
	put("ECREATE", 8);
	put(&ssa_frame_pages, 4);
	put(&size, 8);
	put_zeros(44);
}

static void page(u64 offset, u64 flags, const u8 *data)
{
	expected[n_expected++] = offset;
	put("EADD\0\0\0", 8);
	put(&offset, 8);
	put(&flags, 8);
	put_zeros(40);
	for (unsigned int n = 0; data && n < 4096; n += 256) {
		u64 at = offset + n;

		put("EEXTEND", 8);
		put(&at, 8);
		put_zeros(48);
		put(data + n, 256);
	}
}

static u8 zero_page[4096], scratch[4096];

/* A page with N bytes of the file at FROM, AT bytes behind its beginning. */
static const u8 *partial(const struct made_elf *e, u32 from, u32 n, u32 at)
{
	memset(scratch, 0, sizeof(scratch));
	memcpy(scratch + at, e->bytes + from, n);
	return scratch;
}

static const u8 *tcs_page(u64 ssa, u32 nssa, u64 entry, u64 own, u64 flags)
{
	u64 words[5] = { 0, flags, ssa, (u64)nssa << 32, entry };

	memset(scratch, 0, sizeof(scratch));
	memcpy(scratch, words, sizeof(words));
	memcpy(scratch + 48, &own, 8);
	memcpy(scratch + 56, &own, 8);
	memcpy(scratch + 64, "\xff\x0f\0\0\xff\x0f\0\0", 8);
	return scratch;
}

static const u8 *own_page(u64 stack, u64 tcs, u64 own, u32 index)
{
	u64 words[] = { own, tcs, tcs + 0x1000, stack, 0x2000, 0x8000, 0x3000, 0x40000 };
	u32 halves[] = { index, 2, 2, 3 };

	memset(scratch, 0, sizeof(scratch));
	memcpy(scratch + 64, words, sizeof(words));
	memcpy(scratch + 128, halves, sizeof(halves));
	return scratch;
}

/* What made_elf() lays out: 8 pages of segments, heap of 3, two threads of 13 pages with guards. */
static void expect_made(const struct made_elf *e, const u8 *heap, u64 tcs_flags)
{
	begin(3, 0x40000);
	page(0x0000, REG | R, e->bytes + 0x1000);
	page(0x1000, REG | R, partial(e, 0x2000, 0x234, 0));
	page(0x2000, REG | RX, partial(e, 0x3010, 0x800, 0x10));
	page(0x5000, REG | RW, partial(e, 0x4f00, 0x100, 0xf00));
	page(0x6000, REG | RW, partial(e, 0x5000, 0x100, 0));
	page(0x7000, REG | RW, zero_page);
	for (u64 at = 0x8000; at < 0xb000; at += 0x1000)
		page(at, REG | RW, heap);
	for (u32 n = 0; n < 2; n++) {
		u64 guard = 0xb000 + n * 0xc000, tcs = guard + 0x4000, own = tcs + 0x7000;

		page(guard + 0x1000, REG | RW, zero_page);
		page(guard + 0x2000, REG | RW, zero_page);
		page(tcs, TCS, tcs_page(tcs + 0x1000, 2, MADE_ENTRY, own, tcs_flags));
		for (u64 at = tcs + 0x1000; at < own; at += 0x1000)
			page(at, REG | RW, zero_page);
		page(own, REG | RW, own_page(guard + 0x1000, tcs, own, n));
	}
}

static int check_page(void *ctx, const struct rd_kit_page *p)
{
	unsigned int *n = ctx;

	ck_assert_uint_lt(*n, n_expected);
	ck_assert_uint_eq(p->offset, expected[*n]);
	++*n;
	return 0;
}

static void check_measurement(const struct rd_kit_layout *l)
{
	u8 want[32], got[32];
	unsigned int n = 0;

	ck_assert_int_eq(rd_kit_layout_walk(l, check_page, &n), 0);
	ck_assert_uint_eq(n, n_expected);
	ck_assert_uint_eq(l->pages, n_expected);
	SHA256(stream, stream_len, want);
	ck_assert_int_eq(rd_enclave_measure(l, got), 0);
	ck_assert_mem_eq(got, want, 32);
}

static struct made_elf elf;
static struct rd_kit_layout layout;

static void open_it(const struct rd_kit_raw *raw)
{
	if (!rd_kit_layout_open(&layout, &elf, sizeof(elf), raw))
		ck_abort_msg("refused: %s", layout.error);
}

START_TEST(whole_enclave)
{
	made_elf(&elf);
	open_it(NULL);
	expect_made(&elf, zero_page, 0);
	check_measurement(&layout);
	ck_assert_uint_eq(layout.link_base, MADE_BASE);
	ck_assert(!layout.fixed && !layout.writable_code);
	ck_assert_uint_eq(layout.image.attributes, RD_ATTR_MODE64);
	ck_assert_uint_eq(layout.image.xfrm, 3);
}
END_TEST

START_TEST(heap_without_contents)
{
	made_elf(&elf);
	elf.the_note.image.flags = RD_KIT_HEAP_UNMEASURED;
	open_it(NULL);
	expect_made(&elf, NULL, 0);
	check_measurement(&layout);
}
END_TEST

START_TEST(aex_notify_is_in_each_tcs)
{
	made_elf(&elf);
	elf.the_note.image.attributes = RD_ATTR_AEXNOTIFY;
	open_it(NULL);
	expect_made(&elf, zero_page, RD_TCS_AEXNOTIFY);
	check_measurement(&layout);
}
END_TEST

START_TEST(size_and_entry_of_the_note)
{
	u8 small[32], large[32], other[32];

	made_elf(&elf);
	open_it(NULL);
	ck_assert_uint_eq(layout.size, 0x40000);
	ck_assert_int_eq(rd_enclave_measure(&layout, small), 0);
	elf.the_note.image.size_pages = 0x80;
	open_it(NULL);
	ck_assert_uint_eq(layout.size, 0x80000);
	ck_assert_int_eq(rd_enclave_measure(&layout, large), 0);
	ck_assert_mem_ne(small, large, 32);
	elf.the_note.image.size_pages = 0;
	elf.the_note.image.entry = MADE_ENTRY + 1;
	open_it(NULL);
	ck_assert_int_eq(rd_enclave_measure(&layout, other), 0);
	ck_assert_mem_ne(small, other, 32);
}
END_TEST

START_TEST(kinds_of_files)
{
	made_elf(&elf);
	elf.head.e_type = ET_EXEC;
	elf.load[1].p_flags |= PF_W;
	open_it(NULL);
	ck_assert(layout.fixed && layout.writable_code);
	/* A segment that takes no room is none, wherever it says it is. */
	made_elf(&elf);
	elf.spare = elf.load[0];
	elf.spare.p_filesz = 0;
	elf.spare.p_memsz = 0;
	open_it(NULL);
	ck_assert_uint_eq(layout.n_segments, 3);
}
END_TEST

START_TEST(foreign_notes_are_passed_over)
{
	Elf64_Nhdr other = { .n_namesz = 3, .n_descsz = 5, .n_type = 1 };
	u32 at = 0x800;

	made_elf(&elf);
	memset(elf.bytes + at, 0, 0x200);
	memcpy(elf.bytes + at, &other, sizeof(other));
	memcpy(elf.bytes + at + 24, &elf.the_note, sizeof(elf.the_note));
	elf.note.p_offset = at;
	elf.note.p_filesz = 24 + sizeof(elf.the_note);
	open_it(NULL);
	expect_made(&elf, zero_page, 0);
	check_measurement(&layout);
	/* Padded to 8 bytes the first one ends at the same place, the image begins 4 later. */
	elf.note.p_align = 8;
	memmove(elf.bytes + at + 48, elf.bytes + at + 44, sizeof(struct rd_kit_image));
	elf.note.p_filesz += 4;
	open_it(NULL);
	check_measurement(&layout);
}
END_TEST

/* --- files with TCS pages of their own --- */

static struct rd_tcs *raw_tcs(unsigned int n)
{
	return (struct rd_tcs *)(elf.bytes + 0x1000) + n;
}

/* DBGOPTIN, STATE, CSSA and AEP are not what the file says: EADD clears them first. */
START_TEST(raw_tcs_pages)
{
	struct rd_kit_raw raw = { .tcs_pages = 2, .heap_pages = 2 };

	made_raw(&elf, 2);
	raw_tcs(0)->oentry = 0x2000;
	*raw_tcs(1) = (struct rd_tcs){ .ossa = 0x3000, .nssa = 1, .fslimit = ~0U };
	begin(1, 0x8000);
	page(0, TCS, elf.bytes + 0x1000);
	page(0x1000, TCS, elf.bytes + 0x2000);
	page(0x2000, REG | RX, elf.bytes + 0x3000);
	page(0x3000, REG | RW, partial(&elf, 0x4000, 0x10, 0));
	page(0x4000, REG | RW, NULL);
	page(0x5000, REG | RW, NULL);
	raw_tcs(1)->state = 1;
	raw_tcs(1)->flags = RD_TCS_DBGOPTIN;
	raw_tcs(1)->cssa = 1;
	raw_tcs(1)->aep = 0x1234;
	open_it(&raw);
	check_measurement(&layout);
}
END_TEST

static int stop_at_third(void *ctx, const struct rd_kit_page *p)
{
	unsigned int *n = ctx;

	(void)p;
	return ++*n == 3 ? 77 : 0;
}

START_TEST(a_walk_ends_when_told)
{
	unsigned int n = 0;

	made_elf(&elf);
	open_it(NULL);
	ck_assert_int_eq(rd_kit_layout_walk(&layout, stop_at_third, &n), 77);
	ck_assert_uint_eq(n, 3);
}
END_TEST

TCase *layout_case(void)
{
	TCase *t = tcase_create("layout");

	tcase_add_test(t, whole_enclave);
	tcase_add_test(t, heap_without_contents);
	tcase_add_test(t, aex_notify_is_in_each_tcs);
	tcase_add_test(t, size_and_entry_of_the_note);
	tcase_add_test(t, kinds_of_files);
	tcase_add_test(t, foreign_notes_are_passed_over);
	tcase_add_test(t, raw_tcs_pages);
	tcase_add_test(t, a_walk_ends_when_told);
	return t;
}
