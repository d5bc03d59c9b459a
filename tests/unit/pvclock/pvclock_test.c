// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock's scale against 128-bit references, TSC ratios, and which TSC writes are taken for a
 * synchronization.
 */
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/pvclock.h"

typedef unsigned __int128 u128;

static const u32 rates[] = { 1,	      2,       3,	999,	 1000,	      32768,
			     249999,  250000,  499999,	500000,	 500001,      999999,
			     1000000, 1000001, 1193182, 1999999, 2000000,     2000001,
			     2399998, 2400000, 3000000, 5000000, 4000000000U, U32_MAX };

/* The formula that guests use. */
static u64 guest_ns(struct rd_clock_scale s, u64 ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return (u64)(((u128)ticks * s.mul) >> 32);
}

START_TEST(scale_uses_all_its_bits)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		struct rd_clock_scale s = rd_clock_scale(rates[i]);

		/* At least 30 significant bits, so that an hour is right to a few microseconds. */
		ck_assert_uint_ge(s.mul, 1U << 30);
		ck_assert_int_ge(s.shift, -31);
		ck_assert_int_le(s.shift, 31);
	}
	ck_assert_int_eq(rd_clock_scale(2000000).shift, 0);
	ck_assert_uint_eq(rd_clock_scale(2000000).mul, 0x80000000U);
}
END_TEST

START_TEST(one_hour_is_one_hour)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		struct rd_clock_scale s = rd_clock_scale(rates[i]);
		u64 ticks = (u64)rates[i] * 1000 * 3600, ns;

		if (s.shift > 0 && fls64(ticks) + s.shift > 64)
			continue;
		ns = rd_clock_ticks_to_ns(&s, ticks);
		ck_assert_uint_eq(ns, guest_ns(s, ticks));
		/* Below by at most one in 2^30, and what the shift drops. */
		ck_assert_uint_le(ns, 3600000000000ULL);
		ck_assert_uint_ge(ns, 3600000000000ULL - 3600000000000ULL / (1 << 30) - 1000);
	}
}
END_TEST

START_TEST(time_never_goes_back)
{
	struct rd_clock_scale s = rd_clock_scale(2399998);
	u64 last = 0, t = 0, step, ns;
	int i;

	for (i = 0; i < 100000; i++) {
		rd_host_random(&step, sizeof(step));
		t += step >> (24 + (step & 31));
		ns = rd_clock_ticks_to_ns(&s, t);
		ck_assert_uint_ge(ns, last);
		last = ns;
	}
}
END_TEST

START_TEST(ns_to_ticks)
{
	ck_assert_uint_eq(rd_clock_ns_to_ticks(2400000, 1000000000), 2400000000ULL);
	ck_assert_uint_eq(rd_clock_ns_to_ticks(1, 999999), 0);
	ck_assert_uint_eq(rd_clock_ns_to_ticks(1, 1000000), 1);
	ck_assert_uint_eq(rd_clock_ns_to_ticks(2599999, 1234567), 1234567ULL * 2599999 / 1000000);
	/* Wraps, as the counter does, and does not trap. */
	ck_assert_uint_eq(rd_clock_ns_to_ticks(U32_MAX, U64_MAX),
			  (u64)(((u128)U64_MAX * U32_MAX) / 1000000));
	ck_assert_uint_eq(rd_clock_ns_to_ticks(3000000, 1ULL << 60),
			  (u64)(((u128)3000000 << 60) / 1000000));
}
END_TEST

START_TEST(rates_within_tolerance_do_not_scale)
{
	ck_assert_uint_eq(rd_tsc_ratio_for(2400000, 2400000, 0, 8), RD_TSC_RATIO_ONE);
	ck_assert_uint_eq(rd_tsc_ratio_for(2400600, 2400000, 0, 8), RD_TSC_RATIO_ONE);
	ck_assert_uint_eq(rd_tsc_ratio_for(2399400, 2400000, 32, 8), RD_TSC_RATIO_ONE);
	ck_assert_uint_eq(rd_tsc_ratio_for(2400601, 2400000, 0, 8), 0);
	ck_assert_uint_eq(rd_tsc_ratio_for(2399399, 2400000, 0, 8), 0);
	ck_assert_uint_eq(rd_tsc_ratio_for(U32_MAX, U32_MAX, 0, 8), RD_TSC_RATIO_ONE);
}
END_TEST

START_TEST(ratios_have_the_cpu_s_precision)
{
	u64 r32 = rd_tsc_ratio_for(1000000, 3000000, 32, 8),
	    r48 = rd_tsc_ratio_for(1000000, 3000000, 48, 16);

	ck_assert_uint_eq(r48, RD_TSC_RATIO_ONE / 3);
	ck_assert_uint_eq(r32, r48 & ~0xffffULL);
	ck_assert_uint_eq(rd_tsc_ratio_for(4000000, 2000000, 32, 8), 2 * RD_TSC_RATIO_ONE);
	/* 8 bits before the point hold 255, not 256. */
	ck_assert_uint_eq(rd_tsc_ratio_for(255000, 1000, 32, 8), 255 * RD_TSC_RATIO_ONE);
	ck_assert_uint_eq(rd_tsc_ratio_for(256000, 1000, 32, 8), 0);
	ck_assert_uint_eq(rd_tsc_ratio_for(65536000, 1000, 48, 16), 0);
	ck_assert_uint_ne(rd_tsc_ratio_for(65535000, 1000, 48, 16), 0);
}
END_TEST

START_TEST(writes_that_match)
{
	const u32 khz = 1000000; /* one tick per ns */
	const struct rd_tsc_write none = { 0 },
				  last = { .tsc = 5000000000ULL, .ns = 100, .khz = khz };

	/* The first write of a VM matches nothing, creation of further vCPUs always does. */
	ck_assert(!rd_tsc_write_matches(&none, 0, 100, khz, true));
	ck_assert(rd_tsc_write_matches(&last, 0, 1ULL << 40, khz, true));
	/* A guest that writes 0 means it, unless its clock is near 0 anyway. */
	ck_assert(!rd_tsc_write_matches(&last, 0, 100, khz, false));
	/* Same value a moment later; up to a second off the clock that goes on. */
	ck_assert(rd_tsc_write_matches(&last, last.tsc, 100 + 999999999, khz, false));
	ck_assert(!rd_tsc_write_matches(&last, last.tsc, 100 + 1000000000, khz, false));
	ck_assert(rd_tsc_write_matches(&last, last.tsc + 3000000000ULL, 100 + 3000000000ULL, khz,
				       true));
	ck_assert(rd_tsc_write_matches(&last, last.tsc + 999999999, 100, khz, true));
	ck_assert(!rd_tsc_write_matches(&last, last.tsc + 1000000000, 100, khz, true));
	ck_assert(!rd_tsc_write_matches(&last, last.tsc - 1000000000, 100, khz, true));
	/* Another rate is another clock. */
	ck_assert(!rd_tsc_write_matches(&last, last.tsc, 100, khz + 1, true));
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("pvclock");
	TCase *t = tcase_create("arithmetic");

	tcase_add_test(t, scale_uses_all_its_bits);
	tcase_add_test(t, one_hour_is_one_hour);
	tcase_add_test(t, time_never_goes_back);
	tcase_add_test(t, ns_to_ticks);
	tcase_add_test(t, rates_within_tolerance_do_not_scale);
	tcase_add_test(t, ratios_have_the_cpu_s_precision);
	tcase_add_test(t, writes_that_match);
	suite_add_tcase(s, t);
	return s;
}
