// SPDX-License-Identifier: GPL-2.0-only
/* The guest's ways to end itself, and the power button. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/layout.h"

#include <string.h>

static struct rd_bus bus;
static struct rd_pm pm;
static struct probe_line sci;
static struct rd_ender ender;
static enum rd_end ended;

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	ended = why;
}

static void setup(void)
{
	memset(&sci, 0, sizeof(sci));
	ended = RD_END_NONE;
	ender = (struct rd_ender){ .end = on_end };
	rd_bus_init(&bus);
	ck_assert(rd_pm_init(&pm, &bus, probe_irq(&sci, RD_GSI_SCI), ender));
	ck_assert(rd_reset_ports_init(&ender, &bus));
	ck_assert(rd_pvpanic_init(&ender, &bus));
}

static void out16(uint16_t port, uint16_t v)
{
	rd_bus_pio(&bus, port, true, 2, 1, &v);
}

static uint16_t in16(uint16_t port)
{
	uint16_t v = 0;

	rd_bus_pio(&bus, port, false, 2, 1, &v);
	return v;
}

START_TEST(power_off)
{
	ck_assert_uint_eq(in16(RD_PORT_PM1_CNT), 1);
	out16(RD_PORT_PM1_CNT, 3 << 10 | 1 << 13);	/* some other sleep state */
	out16(RD_PORT_PM1_CNT, RD_SLP_TYP_S5 << 10);	/* not yet */
	ck_assert_int_eq(ended, RD_END_NONE);
	ck_assert_uint_eq(in16(RD_PORT_PM1_CNT), RD_SLP_TYP_S5 << 10 | 1);
	out16(RD_PORT_PM1_CNT, RD_SLP_TYP_S5 << 10 | 1 << 13);
	ck_assert_int_eq(ended, RD_END_POWER_OFF);
}
END_TEST

START_TEST(power_off_by_bytes)
{
	port_out(&bus, RD_PORT_PM1_CNT, 0);
	ck_assert_int_eq(ended, RD_END_NONE);
	port_out(&bus, RD_PORT_PM1_CNT + 1, (RD_SLP_TYP_S5 << 10 | 1 << 13) >> 8);
	ck_assert_int_eq(ended, RD_END_POWER_OFF);
}
END_TEST

START_TEST(power_button)
{
	rd_pm_power_button(&pm);
	ck_assert(!sci.level);
	ck_assert_uint_eq(in16(RD_PORT_PM1_EVT), 0x100);
	out16(RD_PORT_PM1_EVT + 2, 0x100);
	ck_assert(sci.level);
	ck_assert_uint_eq(in16(RD_PORT_PM1_EVT + 2), 0x100);
	out16(RD_PORT_PM1_EVT, 0x100);		/* a status bit is cleared by writing it */
	ck_assert(!sci.level);
	ck_assert_uint_eq(in16(RD_PORT_PM1_EVT), 0);
	rd_pm_power_button(&pm);
	ck_assert(sci.level);
	port_out(&bus, RD_PORT_PM1_EVT + 1, 1);
	ck_assert(!sci.level);
}
END_TEST

START_TEST(timer_runs_forward)
{
	uint32_t a, b;

	rd_bus_pio(&bus, RD_PORT_PM_TIMER, false, 4, 1, &a);
	do {
		rd_bus_pio(&bus, RD_PORT_PM_TIMER, false, 4, 1, &b);
	} while (a == b);
	ck_assert_uint_lt(b - a, 3579545 * 10u);
}
END_TEST

START_TEST(reset_ports)
{
	port_out(&bus, RD_PORT_RESET, 0x02);
	port_out(&bus, 0x64, 0xd1);
	port_out(&bus, 0x60, 0xfe);
	ck_assert_int_eq(ended, RD_END_NONE);
	port_out(&bus, RD_PORT_RESET, RD_RESET_VALUE);
	ck_assert_int_eq(ended, RD_END_RESET);
	ended = RD_END_NONE;
	port_out(&bus, 0x64, 0xfe);
	ck_assert_int_eq(ended, RD_END_RESET);
	ck_assert_uint_eq(port_in(&bus, 0x64), 0);	/* never busy */
}
END_TEST

START_TEST(panic_port)
{
	ck_assert_uint_eq(port_in(&bus, RD_PORT_PVPANIC), 3);
	port_out(&bus, RD_PORT_PVPANIC, 2);		/* a crash kernel takes over */
	ck_assert_int_eq(ended, RD_END_NONE);
	port_out(&bus, RD_PORT_PVPANIC, 1);
	ck_assert_int_eq(ended, RD_END_PANIC);
}
END_TEST

TCase *pm_case(void)
{
	TCase *tc = tcase_create("pm");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, power_off);
	tcase_add_test(tc, power_off_by_bytes);
	tcase_add_test(tc, power_button);
	tcase_add_test(tc, timer_runs_forward);
	tcase_add_test(tc, reset_ports);
	tcase_add_test(tc, panic_port);
	return tc;
}
