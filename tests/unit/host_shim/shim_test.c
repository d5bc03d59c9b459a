// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the user-space host itself: clocks, timer order, re-arming, planned allocation failure.
 */
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"

static struct {
	struct rd_timer timer;
	u64 period, fired_at[8];
	unsigned int fired;
} probe;

static u64 on_probe(struct rd_timer *t)
{
	ck_assert_ptr_eq(t, &probe.timer);
	probe.fired_at[probe.fired++ % 8] = rd_host_now_ns();
	return probe.period ? rd_host_now_ns() + probe.period : 0;
}

static void setup(void)
{
	rd_shim_reset();
	memset(&probe, 0, sizeof(probe));
	rd_timer_init(&probe.timer, on_probe);
}

START_TEST(clocks_move_together)
{
	u64 now = rd_host_now_ns(), real = rd_host_real_ns();

	rd_shim_set_tsc(500);
	rd_shim_set_tsc_khz(2000000);
	rd_shim_advance(1000);
	ck_assert_uint_eq(rd_host_now_ns(), now + 1000);
	ck_assert_uint_eq(rd_host_real_ns(), real + 1000);
	ck_assert_uint_eq(rd_host_tsc(), 2500);
	rd_shim_set_tsc_khz(1000);
	ck_assert_uint_eq(rd_host_tsc(), 2500);
	rd_shim_advance(1000000);
	ck_assert_uint_eq(rd_host_tsc(), 3500);
}
END_TEST

START_TEST(timer_fires_at_its_expiry)
{
	u64 now = rd_host_now_ns();

	rd_timer_start(&probe.timer, now + 100);
	ck_assert_uint_eq(rd_shim_next_expiry(), now + 100);
	rd_shim_advance(99);
	ck_assert_uint_eq(probe.fired, 0);
	rd_shim_advance(50);
	ck_assert_uint_eq(probe.fired, 1);
	ck_assert_uint_eq(probe.fired_at[0], now + 100);
	ck_assert_uint_eq(rd_host_now_ns(), now + 149);
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
}
END_TEST

START_TEST(periodic_timer_goes_on)
{
	u64 now = rd_host_now_ns();

	probe.period = 10;
	rd_timer_start(&probe.timer, now + 10);
	rd_shim_advance(35);
	ck_assert_uint_eq(probe.fired, 3);
	ck_assert_uint_eq(probe.fired_at[2], now + 30);
	rd_timer_cancel(&probe.timer);
	rd_shim_advance(100);
	ck_assert_uint_eq(probe.fired, 3);
}
END_TEST

START_TEST(past_expiry_waits_for_the_next_advance)
{
	rd_timer_start(&probe.timer, rd_host_now_ns() - 5);
	ck_assert_uint_eq(probe.fired, 0);
	rd_shim_advance(0);
	ck_assert_uint_eq(probe.fired, 1);
	ck_assert(rd_timer_try_cancel(&probe.timer));
}
END_TEST

START_TEST(planned_allocation_fails_once)
{
	unsigned int before = rd_shim_allocations();
	void *a, *b;

	rd_shim_fail_alloc(2);
	a = rd_host_zalloc(10);
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_null(rd_host_page_alloc());
	b = rd_host_page_alloc();
	ck_assert_ptr_nonnull(b);
	ck_assert_uint_eq(rd_host_page_pa(b) % RD_PAGE_SIZE, 0);
	ck_assert_uint_eq(rd_shim_allocations(), before + 2);
	rd_host_free(a);
	rd_host_page_free(b);
	ck_assert_uint_eq(rd_shim_allocations(), before);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("host_shim");
	TCase *tc = tcase_create("shim");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, clocks_move_together);
	tcase_add_test(tc, timer_fires_at_its_expiry);
	tcase_add_test(tc, periodic_timer_goes_on);
	tcase_add_test(tc, past_expiry_waits_for_the_next_advance);
	tcase_add_test(tc, planned_allocation_fails_once);
	suite_add_tcase(s, tc);
	return s;
}
