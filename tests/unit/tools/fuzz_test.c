// SPDX-License-Identifier: GPL-2.0-only
/*
 * All devices on one bus under random accesses: whatever a guest does to ports and addresses, no
 * device may touch memory that is not its own. The sanitizers are the judges.
 */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/dev_rtc.h"
#include "tools/src/vmctl/dev_serial.h"
#include "tools/src/vmctl/layout.h"

#include <string.h>

#define ACCESSES 300000

static struct rd_bus bus;
static struct rd_serial serial;
static struct rd_rtc rtc;
static struct rd_pm pm;
static struct rd_ioapic io;
static struct rd_ender ender;
static unsigned long messages, ends, transmitted;

static void on_byte(void *ctx, uint8_t byte)
{
	(void)ctx;
	transmitted += byte | 1;
}

static void on_room(void *ctx)
{
	(void)ctx;
}

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	ck_assert(why == RD_END_POWER_OFF || why == RD_END_RESET || why == RD_END_PANIC);
	ends++;
}

static void on_send(void *ctx, const struct rd_msi *msi)
{
	(void)ctx;
	ck_assert(!msi->masked);
	messages++;
}

static void on_route(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS])
{
	(void)ctx;
	(void)msi;
}

static struct rd_irq line(unsigned int gsi)
{
	return (struct rd_irq){ .set = rd_ioapic_set, .ctx = &io, .gsi = gsi };
}

static void setup(void)
{
	struct rd_serial_host sh = { .transmit = on_byte, .rx_room = on_room };
	struct rd_ioapic_host ih = { .send = on_send, .route = on_route };

	ender = (struct rd_ender){ .end = on_end };
	rd_bus_init(&bus);
	ck_assert(rd_ioapic_init(&io, &bus, ih));
	ck_assert(rd_serial_init(&serial, &bus, RD_PORT_COM1, line(RD_GSI_COM1), sh));
	ck_assert_int_eq(rd_rtc_init(&rtc, &bus, line(RD_GSI_RTC)), 0);
	ck_assert(rd_pm_init(&pm, &bus, line(RD_GSI_SCI), ender));
	ck_assert(rd_reset_ports_init(&ender, &bus));
	ck_assert(rd_pvpanic_init(&ender, &bus));
}

static void teardown(void)
{
	rd_rtc_destroy(&rtc);
}

static uint32_t seed;

static uint32_t rnd(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void random_port(uint8_t data[8])
{
	static const uint16_t bases[] = { RD_PORT_COM1, RD_PORT_CMOS, RD_PORT_PM1_EVT,
					  RD_PORT_I8042, RD_PORT_RESET - 2, RD_PORT_PVPANIC };
	uint16_t port = (uint16_t)(bases[rnd() % 6] + rnd() % 12);

	rd_bus_pio(&bus, port, rnd() & 1, 1u << rnd() % 3, 1 + (rnd() & 1), data);
}

static void random_address(uint8_t data[8])
{
	uint64_t gpa = RD_IOAPIC_GPA + (rnd() & 1 ? 0x10 : rnd() % 0x20);

	data[0] &= 0x3f;	/* select registers that are there */
	rd_bus_mmio(&bus, gpa, rnd() & 1, 1 + rnd() % 8, data);
}

START_TEST(random_accesses_do_no_harm)
{
	uint8_t data[8];

	seed = (uint32_t)_i + 1;
	for (unsigned int i = 0; i < ACCESSES; i++) {
		for (unsigned int j = 0; j < sizeof(data); j++)
			data[j] = (uint8_t)rnd();
		switch (rnd() % 16) {
		case 0:
			rd_serial_receive(&serial, data, sizeof(data));
			break;
		case 1:
			rd_rtc_tick(&rtc);
			break;
		case 2:
			rd_pm_power_button(&pm);
			break;
		case 3:
			rd_ioapic_eoi(&io, data[0]);
			break;
		case 4:
			rd_ioapic_set(&io, 10 + rnd() % 14, rnd() & 1);
			break;
		case 5 ... 8:
			random_address(data);
			break;
		default:
			random_port(data);
		}
	}
	ck_assert_uint_gt(transmitted, 0);
	ck_assert_uint_gt(ends, 0);
	ck_assert_uint_gt(messages, 0);
}
END_TEST

TCase *fuzz_case(void)
{
	TCase *tc = tcase_create("fuzz");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, random_accesses_do_no_harm, 0, 4);
	return tc;
}
