// SPDX-License-Identifier: GPL-2.0-only
/* Dispatch: who answers, in what width, and what an open bus reads as. */
#include "tests/unit/tools/tools_test.h"

#include <string.h>

struct dev {
	uint64_t off, value;
	unsigned int size, reads, writes;
};

static uint64_t dev_read(void *ctx, uint64_t off, unsigned int size)
{
	struct dev *d = ctx;

	d->off = off;
	d->size = size;
	d->reads++;
	return 0x8877665544332211ull >> (off % 8 * 8);
}

static void dev_write(void *ctx, uint64_t off, unsigned int size, uint64_t value)
{
	struct dev *d = ctx;

	d->off = off;
	d->size = size;
	d->value = value;
	d->writes++;
}

static const struct rd_range_ops ops = { .read = dev_read, .write = dev_write };
static struct rd_bus bus;
static struct dev dev;

static void setup(void)
{
	memset(&dev, 0, sizeof(dev));
	rd_bus_init(&bus);
}

static struct rd_range range(uint64_t base, uint64_t len, unsigned int max_size)
{
	return (struct rd_range){ .base = base, .len = len, .max_size = max_size, .ops = &ops,
				  .dev = &dev };
}

static uint32_t in32(uint16_t port)
{
	uint32_t v = 0;

	rd_bus_pio(&bus, port, false, 4, 1, &v);
	return v;
}

START_TEST(nobody_reads_ones)
{
	uint64_t v = 0;

	ck_assert_uint_eq(in32(0xcf8), 0xffffffff);
	ck_assert_uint_eq(in32(0xffff), 0xffffffff);
	rd_bus_mmio(&bus, 0xfed00000, false, 8, &v);
	ck_assert_uint_eq(v, UINT64_MAX);
	port_out(&bus, 0x80, 1);
	rd_bus_mmio(&bus, UINT64_MAX - 3, true, 8, &v);
}
END_TEST

START_TEST(ranges_are_checked)
{
	ck_assert(rd_bus_add_pio(&bus, range(0x3f8, 8, 1)));
	ck_assert(!rd_bus_add_pio(&bus, range(0x3ff, 1, 1)));
	ck_assert(!rd_bus_add_pio(&bus, range(0x3f0, 9, 1)));
	ck_assert(rd_bus_add_pio(&bus, range(0x3f0, 8, 1)));
	ck_assert(!rd_bus_add_pio(&bus, range(0x500, 0, 1)));
	ck_assert(!rd_bus_add_pio(&bus, range(0xffff, 2, 1)));
	ck_assert(rd_bus_add_pio(&bus, range(0xffff, 1, 1)));
	ck_assert(!rd_bus_add_pio(&bus, range(0x10000, 1, 1)));
	ck_assert(rd_bus_add_mmio(&bus, range(0x1000, 0x1000, 8)));
	ck_assert(!rd_bus_add_mmio(&bus, range(0x1fff, 1, 8)));
	ck_assert(!rd_bus_add_mmio(&bus, range(0, UINT64_MAX, 8)));
	ck_assert(!rd_bus_add_mmio(&bus, range(0x3000, 0, 8)));
	ck_assert(rd_bus_add_mmio(&bus, range(0x2000, 1, 8)));
	ck_assert(!rd_bus_add_mmio(&bus, range(UINT64_MAX, 2, 8)));
}
END_TEST

START_TEST(registry_is_finite)
{
	for (unsigned int i = 0; i < RD_BUS_PIO_RANGES; i++)
		ck_assert(rd_bus_add_pio(&bus, range(i, 1, 1)));
	ck_assert(!rd_bus_add_pio(&bus, range(0x100, 1, 1)));
	for (unsigned int i = 0; i < RD_BUS_MMIO_RANGES; i++)
		ck_assert(rd_bus_add_mmio(&bus, range(i, 1, 1)));
	ck_assert(!rd_bus_add_mmio(&bus, range(0x100, 1, 1)));
}
END_TEST

START_TEST(offset_and_width_arrive)
{
	ck_assert(rd_bus_add_pio(&bus, range(0x600, 4, 4)));
	ck_assert_uint_eq(in32(0x600), 0x44332211);
	ck_assert_uint_eq(dev.size, 4);
	ck_assert_uint_eq(port_in(&bus, 0x602), 0x33);
	ck_assert_uint_eq(dev.off, 2);
	ck_assert_uint_eq(dev.size, 1);
	port_out(&bus, 0x603, 0x5a);
	ck_assert_uint_eq(dev.off, 3);
	ck_assert_uint_eq(dev.value, 0x5a);
	ck_assert_uint_eq(dev.writes, 1);
}
END_TEST

START_TEST(wide_access_is_split)
{
	ck_assert(rd_bus_add_pio(&bus, range(0x70, 2, 1)));
	ck_assert_uint_eq(in32(0x70), 0xffff2211);
	ck_assert_uint_eq(dev.reads, 2);
	ck_assert_uint_eq(dev.size, 1);
}
END_TEST

START_TEST(open_port_does_not_spill)
{
	uint32_t v = 0x80000006;

	ck_assert(rd_bus_add_pio(&bus, range(0xcf9, 1, 1)));
	rd_bus_pio(&bus, 0xcf8, true, 4, 1, &v);
	ck_assert_uint_eq(in32(0xcf8), 0xffffffff);
	ck_assert_uint_eq(dev.writes + dev.reads, 0);
}
END_TEST

START_TEST(overhang_is_taken_whole)
{
	struct rd_range r = range(0xcf8, 1, 4);
	uint32_t v = 0x80000000;

	r.overhang = true;
	ck_assert(rd_bus_add_pio(&bus, r));
	ck_assert(rd_bus_add_pio(&bus, range(0xcf9, 1, 1)));
	rd_bus_pio(&bus, 0xcf8, true, 4, 1, &v);
	ck_assert_uint_eq(dev.size, 4);
	ck_assert_uint_eq(dev.value, 0x80000000);
	port_out(&bus, 0xcf9, 6);
	ck_assert_uint_eq(dev.size, 1);
	ck_assert_uint_eq(dev.writes, 2);
}
END_TEST

START_TEST(string_access_repeats)
{
	uint8_t data[5] = { 1, 2, 3, 4, 5 };

	ck_assert(rd_bus_add_pio(&bus, range(0x3f8, 1, 1)));
	rd_bus_pio(&bus, 0x3f8, true, 1, sizeof(data), data);
	ck_assert_uint_eq(dev.writes, 5);
	ck_assert_uint_eq(dev.value, 5);
	rd_bus_pio(&bus, 0x3f8, false, 1, sizeof(data), data);
	for (size_t i = 0; i < sizeof(data); i++)
		ck_assert_uint_eq(data[i], 0x11);
}
END_TEST

START_TEST(mmio_widths)
{
	uint64_t v = 0;

	ck_assert(rd_bus_add_mmio(&bus, range(0xfec00000, 0x20, 8)));
	rd_bus_mmio(&bus, 0xfec00000, false, 8, &v);
	ck_assert_uint_eq(v, 0x8877665544332211ull);
	v = 0;
	rd_bus_mmio(&bus, 0xfec00001, false, 3, &v);	/* no device knows three bytes */
	ck_assert_uint_eq(v, 0x443322);
	ck_assert_uint_eq(dev.size, 1);
	v = 0;
	rd_bus_mmio(&bus, 0xfec0001e, false, 4, &v);
	ck_assert_uint_eq(v >> 16, 0xffff);
}
END_TEST

TCase *bus_case(void)
{
	TCase *tc = tcase_create("bus");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, nobody_reads_ones);
	tcase_add_test(tc, ranges_are_checked);
	tcase_add_test(tc, registry_is_finite);
	tcase_add_test(tc, offset_and_width_arrive);
	tcase_add_test(tc, wide_access_is_split);
	tcase_add_test(tc, open_port_does_not_spill);
	tcase_add_test(tc, overhang_is_taken_whole);
	tcase_add_test(tc, string_access_repeats);
	tcase_add_test(tc, mmio_widths);
	return tc;
}
