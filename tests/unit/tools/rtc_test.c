// SPDX-License-Identifier: GPL-2.0-only
/* Reading and setting the clock in every format, and its interrupts. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/dev_rtc.h"
#include "tools/src/vmctl/layout.h"

#include <poll.h>
#include <string.h>
#include <time.h>

static struct rd_bus bus;
static struct rd_rtc rtc;
static struct probe_line line;

static void setup(void)
{
	memset(&line, 0, sizeof(line));
	rd_bus_init(&bus);
	ck_assert_int_eq(rd_rtc_init(&rtc, &bus, probe_irq(&line, RD_GSI_RTC)), 0);
}

static void teardown(void)
{
	rd_rtc_destroy(&rtc);
}

static uint8_t get(uint8_t reg)
{
	port_out(&bus, 0x70, reg | 0x80);	/* bit 7 masks NMIs */
	return port_in(&bus, 0x71);
}

static void set(uint8_t reg, uint8_t v)
{
	port_out(&bus, 0x70, reg);
	port_out(&bus, 0x71, v);
}

static int bcd(uint8_t v)
{
	ck_assert_uint_le(v & 0xf, 9);
	return (v >> 4) * 10 + (v & 0xf);
}

/* The clock's time, read in BCD and 24 hours, retried across a change of the second. */
static time_t read_clock(void)
{
	struct tm tm;
	int second;

	do {
		memset(&tm, 0, sizeof(tm));
		second = get(0);
		tm.tm_sec = bcd((uint8_t)second);
		tm.tm_min = bcd(get(2));
		tm.tm_hour = bcd(get(4));
		tm.tm_mday = bcd(get(7));
		tm.tm_mon = bcd(get(8)) - 1;
		tm.tm_year = bcd(get(9)) + (bcd(get(0x32)) - 19) * 100;
	} while (get(0) != second);
	return timegm(&tm);
}

/* Not time(): that is the time of the last tick. */
static time_t host_seconds(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &ts), 0);
	return ts.tv_sec;
}

START_TEST(tells_the_time)
{
	time_t before = host_seconds(), clock = read_clock();

	ck_assert_int_ge(clock, before);
	ck_assert_int_le(clock, host_seconds());
	ck_assert_uint_eq(get(0x0d), 0x80);
	ck_assert_uint_eq(get(0x0b), 0x02);
	ck_assert_uint_eq(get(0x0a) & 0x7f, 0x26);
	ck_assert_uint_eq(port_in(&bus, 0x70), 0xff);
}
END_TEST

/* 2031-05-07 23:58:59 */
static void set_clock(void)
{
	static const uint8_t regs[][2] = {
		{ 0, 0x59 }, { 2, 0x58 }, { 4, 0x23 }, { 6, 0x04 }, { 7, 0x07 }, { 8, 0x05 },
		{ 9, 0x31 }, { 0x32, 0x20 },
	};

	set(0x0b, 0x82);
	for (size_t i = 0; i < 8; i++)
		set(regs[i][0], regs[i][1]);
	ck_assert_uint_eq(get(2), 0x58);	/* stands still */
	set(0x0b, 0x02);
}

START_TEST(can_be_set)
{
	struct tm want = { .tm_year = 131, .tm_mon = 4, .tm_mday = 7, .tm_hour = 23,
			   .tm_min = 58, .tm_sec = 59 };
	time_t t;

	set_clock();
	t = read_clock();
	ck_assert_int_ge(t, timegm(&want));
	ck_assert_int_le(t, timegm(&want) + 5);
}
END_TEST

START_TEST(one_register_can_be_set_alone)
{
	set_clock();
	set(9, 0x27);
	ck_assert_uint_eq(get(9), 0x27);
	ck_assert_uint_eq(get(8), 0x05);
}
END_TEST

START_TEST(formats)
{
	set_clock();
	set(0x0b, 0x06);			/* binary, 24 hours */
	ck_assert_uint_eq(get(4), 23);
	set(0x0b, 0x00);			/* BCD, 12 hours */
	ck_assert_uint_eq(get(4), 0x91);
	set(0x0b, 0x80);
	set(4, 0x12);				/* midnight */
	set(0x0b, 0x00);
	ck_assert_uint_eq(get(4), 0x12);
	set(0x0b, 0x02);
	ck_assert_uint_eq(get(4), 0x00);
}
END_TEST

START_TEST(nonsense_does_no_harm)
{
	set(0x0b, 0x86);
	for (uint8_t reg = 0; reg < 10; reg++)
		set(reg, 0xff);
	set(0x32, 0xff);
	set(0x0b, 0x06);
	for (uint8_t reg = 0; reg < 10; reg++)
		get(reg);
	set(0x0b, 0x82);
	for (uint8_t reg = 0; reg < 10; reg++)
		set(reg, 0x00);
	set(0x0b, 0x02);
	read_clock();
}
END_TEST

START_TEST(memory_keeps_bytes)
{
	for (int reg = 14; reg < 128; reg++)
		if (reg != 0x32)
			set((uint8_t)reg, (uint8_t)~reg);
	for (int reg = 14; reg < 128; reg++)
		if (reg != 0x32)
			ck_assert_uint_eq(get((uint8_t)reg), (uint8_t)~reg);
}
END_TEST

static void wait_for_timer(void)
{
	struct pollfd p = { .fd = rtc.timer_fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 3000), 1);
	rd_rtc_tick(&rtc);
}

START_TEST(periodic_interrupt)
{
	set(0x0a, 0x26);			/* 1024 Hz */
	set(0x0b, 0x42);
	wait_for_timer();
	ck_assert(line.level);
	wait_for_timer();
	ck_assert_uint_eq(get(0x0c) & 0xc0, 0xc0);
	ck_assert(!line.level);
	ck_assert_uint_eq(get(0x0c) & 0xc0, 0);
	set(0x0b, 0x02);
	rd_rtc_tick(&rtc);
	ck_assert(!line.level);
}
END_TEST

START_TEST(update_interrupt)
{
	uint8_t second;

	set(0x0b, 0x12);
	wait_for_timer();
	second = get(0);
	ck_assert(line.level);
	ck_assert_uint_eq(get(0x0c) & 0x90, 0x90);
	wait_for_timer();
	ck_assert(line.level);
	ck_assert_uint_ne(get(0), second);
	ck_assert_uint_eq(line.raised, 2);
}
END_TEST

START_TEST(alarm_interrupt)
{
	set_clock();				/* 23:58:59 */
	set(1, 0x00);
	set(3, 0x59);
	set(5, 0xc0);				/* any hour */
	set(0x0b, 0x22);
	wait_for_timer();
	ck_assert(line.level);
	ck_assert_uint_eq(get(0x0c) & 0xa0, 0xa0);
	wait_for_timer();
	ck_assert(!line.level);
}
END_TEST

START_TEST(no_timer_without_interrupts)
{
	struct pollfd p = { .fd = rtc.timer_fd, .events = POLLIN };

	set(0x0b, 0x42);
	set(0x0b, 0x02);
	ck_assert_int_eq(poll(&p, 1, 20), 0);
}
END_TEST

TCase *rtc_case(void)
{
	TCase *tc = tcase_create("rtc");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tells_the_time);
	tcase_add_test(tc, can_be_set);
	tcase_add_test(tc, one_register_can_be_set_alone);
	tcase_add_test(tc, formats);
	tcase_add_test(tc, nonsense_does_no_harm);
	tcase_add_test(tc, memory_keeps_bytes);
	tcase_add_test(tc, periodic_interrupt);
	tcase_add_test(tc, update_interrupt);
	tcase_add_test(tc, alarm_interrupt);
	tcase_add_test(tc, no_timer_without_interrupts);
	return tc;
}
