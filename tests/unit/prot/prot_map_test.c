// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of single pages' reasons, against a plain array: contents, the size a mapping may have,
 * the order in which pages are found, and running out of memory.
 */
#include <stdlib.h>
#include "tests/unit/host_shim.h"
#include "tests/unit/prot/prot_tests.h"
#include "vmm/pt.h"
#include "vmm/prot_map.h"

#define SPAN (1U << 19) /* pages of the flat list: 2 GiB */

static u8 *flat;
static u64 base; /* page number of its first page: a multiple of SPAN */
static struct rd_prot_map map;

static u64 rnd(u64 limit)
{
	return (((u64)random() << 31) ^ random()) % limit;
}

static void setup(void)
{
	srandom(1);
	flat = calloc(SPAN, 1);
	memset(&map, 0, sizeof(map));
}

static void teardown(void)
{
	rd_prot_map_destroy(&map);
	free(flat);
}

static unsigned int flat_level(u64 i, unsigned int max)
{
	unsigned int l;

	for (l = max; l > 1; l--) {
		u64 n = 1ULL << (9 * (l - 1)), first = i & ~(n - 1);

		/* All zero: the first byte is, and each is like the one before. */
		if (!flat[first] && !memcmp(flat + first, flat + first + 1, n - 1))
			break;
	}
	return l;
}

static u64 flat_next(u64 i, u8 reasons)
{
	while (i < SPAN && !(flat[i] & reasons))
		i++;
	return i;
}

static void check_page(u64 i)
{
	ck_assert_uint_eq(rd_prot_map_get(&map, base + i), flat[i]);
	ck_assert_uint_eq(rd_prot_map_level(&map, base + i, 3), flat_level(i, 3));
	ck_assert_uint_eq(rd_prot_map_level(&map, base + i, 2), flat_level(i, 2));
	ck_assert_uint_eq(rd_prot_map_level(&map, base + i, 1), 1);
}

static void check_next(u64 i, u8 reasons)
{
	u64 gfn = base + i, want = flat_next(i, reasons);
	bool found = rd_prot_map_next(&map, &gfn, base + SPAN, reasons);

	ck_assert_int_eq(found, want < SPAN);
	ck_assert_uint_eq(gfn, found ? base + want : base + i);
}

/* Set or clear reasons of a page that is often near others, so that blocks fill and empty. */
static void change(u64 near)
{
	u64 i = (near + rnd(rnd(8) ? 16 : 4096)) % SPAN;
	u8 reasons = 1U << rnd(8), old;

	if (rnd(2)) {
		ck_assert_int_eq(rd_prot_map_reserve(&map, base + i, 1), 0);
		old = rd_prot_map_set(&map, base + i, reasons);
		ck_assert_uint_eq(old, flat[i]);
		flat[i] |= reasons;
	} else {
		old = rd_prot_map_clear(&map, base + i, reasons);
		ck_assert_uint_eq(old, flat[i]);
		flat[i] &= ~reasons;
	}
	check_page(i);
}

static const u64 bases[] = { 0, 1ULL << 19, 3ULL << 19, 1ULL << 27, 1ULL << 36,
			     RD_PROT_MAX_GFN - SPAN };

START_TEST(test_random_changes)
{
	unsigned int i;
	u64 n = 0;

	base = bases[_i];
	for (i = 0; i < 5000; i++) {
		change(rnd(4) * (SPAN / 4) + rnd(2) * 500);
		check_page(rnd(SPAN));
		if (i % 500 == 0)
			check_next(rnd(SPAN), 1U << rnd(8) | 1);
	}
	for (i = 0; i < SPAN; i++)
		n += !!flat[i];
	ck_assert_uint_eq(map.nr, n);
	for (i = 0; i < SPAN; i++)
		rd_prot_map_clear(&map, base + i, 0xff);
	ck_assert_uint_eq(map.nr, 0);
	ck_assert_uint_eq(rd_prot_map_fit(&map, base, 3), 3);
}
END_TEST

START_TEST(test_empty_map_has_no_reasons)
{
	u64 gfn = 5;

	ck_assert_uint_eq(rd_prot_map_get(&map, 0), 0);
	ck_assert_uint_eq(rd_prot_map_find(&map, ~0ULL), 0);
	ck_assert_uint_eq(rd_prot_map_level(&map, 7, 3), 3);
	ck_assert_uint_eq(rd_prot_map_clear(&map, 7, 0xff), 0);
	ck_assert(!rd_prot_map_next(&map, &gfn, ~0ULL, 0xff));
}
END_TEST

/* Far pages neither show in each other's blocks nor hide each other. */
START_TEST(test_far_apart)
{
	static const u64 at[] = { 0, 511, 512, (1ULL << 18) - 1, 1ULL << 18, 1ULL << 27,
				  (1ULL << 36) + 3, RD_PROT_MAX_GFN - 1 };
	u64 gfn = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		ck_assert_int_eq(rd_prot_map_reserve(&map, at[i], 1), 0);
		rd_prot_map_set(&map, at[i], 1U << i);
	}
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		ck_assert_uint_eq(rd_prot_map_get(&map, at[i]), 1U << i);
		ck_assert(rd_prot_map_next(&map, &gfn, RD_PROT_MAX_GFN, 0xff));
		ck_assert_uint_eq(gfn++, at[i]);
	}
	ck_assert(!rd_prot_map_next(&map, &gfn, RD_PROT_MAX_GFN, 0xff));
	gfn = 1;
	ck_assert(rd_prot_map_next(&map, &gfn, RD_PROT_MAX_GFN, 1U << 7));
	ck_assert_uint_eq(gfn, RD_PROT_MAX_GFN - 1);
	gfn = 1;
	ck_assert(!rd_prot_map_next(&map, &gfn, 511, 0xff));
	ck_assert_uint_eq(rd_prot_map_level(&map, 1ULL << 30, 3), 3);
	ck_assert_uint_eq(rd_prot_map_level(&map, RD_PROT_MAX_GFN - 513, 3), 2);
}
END_TEST

START_TEST(test_bad_ranges)
{
	ck_assert_int_eq(rd_prot_map_reserve(&map, 0, 0), -EINVAL);
	ck_assert_int_eq(rd_prot_map_reserve(&map, RD_PROT_MAX_GFN, 1), -EINVAL);
	ck_assert_int_eq(rd_prot_map_reserve(&map, RD_PROT_MAX_GFN - 1, 2), -EINVAL);
	ck_assert_int_eq(rd_prot_map_reserve(&map, 1, ~0ULL), -EINVAL);
	ck_assert_ptr_null(map.root);
}
END_TEST

/* Blocks stay, so there is an end to them; those that are there can still be used. */
START_TEST(test_blocks_have_an_end)
{
	const u64 all = RD_PROT_MAX_BLOCKS * 512ULL;

	ck_assert_int_eq(rd_prot_map_reserve(&map, 0, all), 0);
	ck_assert_int_eq(rd_prot_map_reserve(&map, all, 1), -ENOSPC);
	ck_assert_int_eq(rd_prot_map_reserve(&map, 1ULL << 36, 1), -ENOSPC);
	ck_assert_int_eq(rd_prot_map_reserve(&map, all - 1, 1), 0);
	ck_assert_uint_eq(rd_prot_map_set(&map, all - 1, 4), 0);
	ck_assert_uint_eq(rd_prot_map_get(&map, all - 1), 4);
}
END_TEST

/* Whichever allocation fails, the map is as it was and the next try works. */
START_TEST(test_no_memory)
{
	unsigned int n;

	for (n = 1;; n++) {
		int ret;

		rd_shim_fail_alloc(n);
		ret = rd_prot_map_reserve(&map, 1ULL << 36, 1025);
		rd_shim_fail_alloc(0);
		ck_assert_uint_eq(map.nr, 0);
		ck_assert_uint_eq(rd_prot_map_get(&map, 1ULL << 36), 0);
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		if (n % 2)
			rd_prot_map_destroy(&map);
	}
	ck_assert_uint_gt(n, 3);
	rd_prot_map_set(&map, (1ULL << 36) + 1024, 1);
	ck_assert_uint_eq(rd_prot_map_get(&map, (1ULL << 36) + 1024), 1);
	rd_prot_map_destroy(&map);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

void add_map_tests(Suite *s)
{
	TCase *c = tcase_create("map");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_random_changes, 0, ARRAY_SIZE(bases));
	tcase_add_test(c, test_empty_map_has_no_reasons);
	tcase_add_test(c, test_far_apart);
	tcase_add_test(c, test_bad_ranges);
	tcase_add_test(c, test_no_memory);
	tcase_add_test(c, test_blocks_have_an_end);
	suite_add_tcase(s, c);
}
