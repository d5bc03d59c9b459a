// SPDX-License-Identifier: GPL-2.0-only
/* Pins, masks, levels and acknowledgement of the split irqchip's I/O APIC. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/layout.h"

#include <string.h>

static struct rd_bus bus;
static struct rd_ioapic io;
static struct {
	unsigned int sent, routed;
	struct rd_msi last;
	struct rd_msi routes[RD_IOAPIC_PINS];
} host;

static void on_send(void *ctx, const struct rd_msi *msi)
{
	(void)ctx;
	host.sent++;
	host.last = *msi;
}

static void on_route(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS])
{
	(void)ctx;
	host.routed++;
	memcpy(host.routes, msi, sizeof(host.routes));
}

static void setup(void)
{
	memset(&host, 0, sizeof(host));
	rd_bus_init(&bus);
	ck_assert(rd_ioapic_init(&io, &bus, (struct rd_ioapic_host){ .send = on_send,
								      .route = on_route }));
}

static uint32_t get(uint8_t reg)
{
	uint32_t select = reg, v = 0;

	rd_bus_mmio(&bus, RD_IOAPIC_GPA, true, 4, &select);
	rd_bus_mmio(&bus, RD_IOAPIC_GPA + 0x10, false, 4, &v);
	return v;
}

static void set(uint8_t reg, uint32_t v)
{
	uint32_t select = reg;

	rd_bus_mmio(&bus, RD_IOAPIC_GPA, true, 4, &select);
	rd_bus_mmio(&bus, RD_IOAPIC_GPA + 0x10, true, 4, &v);
}

static void set_rte(unsigned int pin, uint32_t low, uint32_t high)
{
	set((uint8_t)(0x11 + 2 * pin), high);
	set((uint8_t)(0x10 + 2 * pin), low);
}

START_TEST(registers_after_reset)
{
	ck_assert_uint_eq(get(0x01), 0x00170011);
	for (uint8_t pin = 0; pin < RD_IOAPIC_PINS; pin++)
		ck_assert_uint_eq(get((uint8_t)(0x10 + 2 * pin)), 0x10000);
	ck_assert_uint_eq(get(0x40), 0xffffffff);
	set(0x00, 0x05000000);
	ck_assert_uint_eq(get(0x00), 0x05000000);
}
END_TEST

START_TEST(edge_is_sent_once)
{
	rd_ioapic_set(&io, 4, true);
	rd_ioapic_set(&io, 4, false);
	ck_assert_uint_eq(host.sent, 0);	/* masked */
	set_rte(4, 0x0031, 0x03000000);
	rd_ioapic_set(&io, 4, true);
	rd_ioapic_set(&io, 4, true);
	ck_assert_uint_eq(host.sent, 1);
	ck_assert_uint_eq(host.last.address, 0xfee03000);
	ck_assert_uint_eq(host.last.data, 0x31);
	rd_ioapic_set(&io, 4, false);
	rd_ioapic_set(&io, 4, true);
	ck_assert_uint_eq(host.sent, 2);
}
END_TEST

START_TEST(level_waits_for_acknowledgement)
{
	set_rte(9, 0x8059, 0);
	rd_ioapic_set(&io, 9, true);
	ck_assert_uint_eq(host.sent, 1);
	ck_assert_uint_eq(host.last.data, 0xc059);
	ck_assert_uint_eq(get(0x10 + 18) & 0x4000, 0x4000);
	rd_ioapic_set(&io, 9, true);
	ck_assert_uint_eq(host.sent, 1);
	rd_ioapic_eoi(&io, 0x58);
	ck_assert_uint_eq(host.sent, 1);
	rd_ioapic_eoi(&io, 0x59);		/* still asserted: again */
	ck_assert_uint_eq(host.sent, 2);
	rd_ioapic_set(&io, 9, false);
	rd_ioapic_eoi(&io, 0x59);
	ck_assert_uint_eq(host.sent, 2);
	ck_assert_uint_eq(get(0x10 + 18) & 0x4000, 0);
}
END_TEST

START_TEST(unmasking_delivers_a_waiting_level)
{
	set_rte(9, 0x18059, 0);
	rd_ioapic_set(&io, 9, true);
	ck_assert_uint_eq(host.sent, 0);
	set(0x10 + 18, 0x8059);
	ck_assert_uint_eq(host.sent, 1);
	set(0x10 + 18, 0xd059);			/* read-only bits stay as they are */
	ck_assert_uint_eq(get(0x10 + 18), 0xc059);
	ck_assert_uint_eq(host.sent, 1);
}
END_TEST

START_TEST(routes_follow_the_entries)
{
	unsigned int routed = host.routed;

	set_rte(3, 0x0941, 0x0f000000);
	ck_assert_uint_gt(host.routed, routed);
	ck_assert(!host.routes[3].masked);
	ck_assert(host.routes[2].masked);
	ck_assert_uint_eq(host.routes[3].address, 0xfee0f004);
	ck_assert_uint_eq(host.routes[3].data, 0x141);
	set_rte(5, 0x0041, 0x04060000);		/* APIC id 0x304 */
	ck_assert_uint_eq(host.routes[5].address, 0x300fee04000ull);
	routed = host.routed;
	set_rte(3, 0x0941, 0x0f000000);
	ck_assert_uint_eq(host.routed, routed);	/* nothing changed */
}
END_TEST

TCase *ioapic_case(void)
{
	TCase *tc = tcase_create("ioapic");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, registers_after_reset);
	tcase_add_test(tc, edge_is_sent_once);
	tcase_add_test(tc, level_waits_for_acknowledgement);
	tcase_add_test(tc, unmasking_delivers_a_waiting_level);
	tcase_add_test(tc, routes_follow_the_entries);
	return tc;
}
