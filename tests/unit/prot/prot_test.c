// SPDX-License-Identifier: GPL-2.0-only
/* The page-protection layer: all sets of reasons with all accesses, against the rules in prose. */
#include "tests/unit/prot/prot_tests.h"
#include "vmm/prot.h"

#define HAS(reasons, r) (((reasons) >> (r)) & 1)

static bool is_write(unsigned int acc)
{
	return acc & RD_ACC_WRITE;
}

START_TEST(test_no_reason_maps_everything)
{
	unsigned int acc;

	for (acc = 1; acc < 8; acc++) {
		struct rd_prot_verdict v = rd_prot_decide(0, acc);

		ck_assert_int_eq(v.action, RD_PROT_MAP);
		ck_assert_int_eq(v.allow, RD_ACC_ALL);
		ck_assert(!v.small);
	}
}
END_TEST

/* The first reason that stops the access decides. */
START_TEST(test_action)
{
	unsigned int acc;

	for (acc = 1; acc < 8; acc++) {
		int want = RD_PROT_MAP;

		if (HAS(_i, RD_PROT_OWNED))
			want = RD_PROT_ASK;
		else if (is_write(acc) && HAS(_i, RD_PROT_READONLY))
			want = RD_PROT_EMULATE;
		else if (is_write(acc) && (_i & RD_PROT_TRACES))
			want = RD_PROT_ASK;
		else if (is_write(acc) && HAS(_i, RD_PROT_DIRTY))
			want = RD_PROT_LOG;
		ck_assert_int_eq(rd_prot_decide(_i, acc).action, want);
	}
}
END_TEST

/* A mapping never lets through what a reason stops, but for the write that was just logged. */
START_TEST(test_mapping_is_as_narrow_as_the_reasons)
{
	unsigned int acc;

	for (acc = 1; acc < 8; acc++) {
		struct rd_prot_verdict v = rd_prot_decide(_i, acc);
		unsigned int want = RD_ACC_ALL;

		if (HAS(_i, RD_PROT_OWNED))
			want = 0;
		if (HAS(_i, RD_PROT_READONLY) || (_i & RD_PROT_TRACES))
			want &= ~RD_ACC_WRITE;
		if (HAS(_i, RD_PROT_DIRTY) && v.action != RD_PROT_LOG)
			want &= ~RD_ACC_WRITE;
		ck_assert_uint_eq(v.allow, want);
		if (v.action == RD_PROT_MAP || v.action == RD_PROT_LOG)
			ck_assert_uint_eq(acc & v.allow, acc);
	}
}
END_TEST

START_TEST(test_reasons_of_single_pages_forbid_large_ones)
{
	unsigned int pages = BIT(RD_PROT_OWNED) | RD_PROT_TRACES | BIT(RD_PROT_DIRTY);
	unsigned int acc;

	for (acc = 1; acc < 8; acc++)
		ck_assert_int_eq(rd_prot_decide(_i, acc).small, !!(_i & pages));
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("prot");
	TCase *c = tcase_create("prot");

	tcase_add_test(c, test_no_reason_maps_everything);
	tcase_add_loop_test(c, test_action, 0, BIT(RD_NR_PROT));
	tcase_add_loop_test(c, test_mapping_is_as_narrow_as_the_reasons, 0, BIT(RD_NR_PROT));
	tcase_add_loop_test(c, test_reasons_of_single_pages_forbid_large_ones, 0, BIT(RD_NR_PROT));
	suite_add_tcase(s, c);
	add_map_tests(s);
	return s;
}
