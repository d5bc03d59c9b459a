// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the TSC arithmetic against 128-bit references, at the edges and at random. */
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/tsc_math.h"

typedef unsigned __int128 u128;

static const u32 rates[] = { 1,	      2,       999,	1000,	 32768,	  1000000, 1193182,
			     2400000, 2400001, 3000000, 3999999, 5000000, U32_MAX };

static u64 random_u64(void)
{
	u64 v;

	rd_host_random(&v, sizeof(v));
	/* All magnitudes alike. */
	return v >> (v & 63);
}

static void check_inverse(u64 guest, u64 ratio)
{
	u64 host = rd_tsc_inverse(guest, ratio);

	if (host == U64_MAX) {
		ck_assert((((u128)(U64_MAX - 1) * ratio) >> 48) < guest);
		return;
	}
	ck_assert((((u128)host * ratio) >> 48) >= guest);
	if (host)
		ck_assert((((u128)(host - 1) * ratio) >> 48) < guest);
}

START_TEST(ratio_of_two_rates)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (j = 0; j < ARRAY_SIZE(rates); j++) {
			u128 want = ((u128)rates[i] << 48) / rates[j];
			u64 ratio = rd_tsc_ratio(rates[i], rates[j]);

			ck_assert_uint_eq(ratio, want >> 64 ? 0 : (u64)want);
			if (i == j)
				ck_assert_uint_eq(ratio, RD_TSC_RATIO_ONE);
		}
		ck_assert_uint_eq(rd_tsc_ratio(rates[i], 0), 0);
	}
	ck_assert_uint_eq(rd_tsc_ratio(0, 1000), 0);
	ck_assert_uint_eq(rd_tsc_ratio(65536, 1), 0);
	ck_assert_uint_eq(rd_tsc_ratio(65537, 1), 0);
	ck_assert_uint_eq(rd_tsc_ratio(0x30001, 3), 0);
	ck_assert_uint_eq(rd_tsc_ratio(65535, 1), 65535 * RD_TSC_RATIO_ONE);
}
END_TEST

START_TEST(rate_of_a_ratio)
{
	ck_assert_uint_eq(rd_tsc_ratio_khz(RD_TSC_RATIO_ONE, 2400000), 2400000);
	ck_assert_uint_eq(rd_tsc_ratio_khz(RD_TSC_RATIO_ONE / 2, 2400000), 1200000);
	ck_assert_uint_eq(rd_tsc_ratio_khz(0, 2400000), 1);
	ck_assert_uint_eq(rd_tsc_ratio_khz(U64_MAX, U32_MAX), U32_MAX);
}
END_TEST

START_TEST(scale_is_the_product)
{
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		u64 host = random_u64(), ratio = random_u64(), offset = random_u64();

		ck_assert_uint_eq(rd_tsc_scale(host, ratio), (u64)(((u128)host * ratio) >> 48));
		ck_assert_uint_eq(rd_tsc_scale(host, RD_TSC_RATIO_ONE), host);
		ck_assert_uint_eq(rd_tsc_guest(host, ratio, offset),
				  rd_tsc_scale(host, ratio) + offset);
	}
}
END_TEST

START_TEST(inverse_is_the_first_tick)
{
	static const u64 ratios[] = { 0,
				      1,
				      2,
				      1 << 16,
				      RD_TSC_RATIO_ONE - 1,
				      RD_TSC_RATIO_ONE,
				      RD_TSC_RATIO_ONE + 1,
				      RD_TSC_RATIO_ONE / 3,
				      RD_TSC_RATIO_ONE * 3,
				      U64_MAX };
	static const u64 guests[] = { 0,       1,	   2,		0xffff, 0x10000,
				      U32_MAX, 1ULL << 63, U64_MAX - 1, U64_MAX };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(ratios); i++)
		for (j = 0; j < ARRAY_SIZE(guests); j++)
			check_inverse(guests[j], ratios[i]);
	for (i = 0; i < 20000; i++)
		check_inverse(random_u64(), random_u64());
	ck_assert_uint_eq(rd_tsc_inverse(12345, RD_TSC_RATIO_ONE), 12345);
	ck_assert_uint_eq(rd_tsc_inverse(0, 0), 0);
	ck_assert_uint_eq(rd_tsc_inverse(1, 0), U64_MAX);
}
END_TEST

START_TEST(ticks_to_nanoseconds)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 mult = rd_tsc_ns_mult(rates[i]);

		ck_assert_uint_eq(mult, ((u64)1000000 << 32) / rates[i]);
		for (j = 0; j < 2000; j++) {
			u64 ticks = random_u64();
			u128 exact = (u128)ticks * 1000000 / rates[i];
			u64 ns = rd_tsc_ticks_to_ns(ticks, mult);

			ck_assert_uint_le(ns, RD_TSC_NS_MAX);
			ck_assert(ns == RD_TSC_NS_MAX ? exact + (exact >> 10) + 1 >= RD_TSC_NS_MAX
						      : ns <= exact);
			/* The multiplier's last bit is the only error. */
			if (ns != RD_TSC_NS_MAX)
				ck_assert(exact - ns <= (u128)(ticks >> 32) + 1);
		}
	}
	ck_assert_uint_eq(rd_tsc_ns_mult(0), rd_tsc_ns_mult(1));
	ck_assert_uint_eq(rd_tsc_ticks_to_ns(2400000, rd_tsc_ns_mult(2400000)), 999999);
	ck_assert_uint_eq(rd_tsc_ticks_to_ns(U64_MAX, rd_tsc_ns_mult(1)), RD_TSC_NS_MAX);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("tsc_math");
	TCase *tc = tcase_create("arithmetic");

	tcase_add_checked_fixture(tc, rd_shim_reset, NULL);
	tcase_add_test(tc, ratio_of_two_rates);
	tcase_add_test(tc, rate_of_a_ratio);
	tcase_add_test(tc, scale_is_the_product);
	tcase_add_test(tc, inverse_is_the_first_tick);
	tcase_add_test(tc, ticks_to_nanoseconds);
	suite_add_tcase(s, tc);
	return s;
}
