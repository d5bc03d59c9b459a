// SPDX-License-Identifier: GPL-2.0-only
/* Balloon and entropy device: pages that go, pages that stay, numbers that come. */
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/balloon.h"
#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <string.h>

#define PAGES (DRIVER_RAM_LEN / 4096)
#define LIST DRIVER_DATA
#define VICTIMS (DRIVER_DATA + 0x10000u)

static struct driver driver;

static void open_balloon(uint64_t features)
{
	struct rd_virtio_slot *slot;

	driver_memory(&driver);
	ck_assert_int_eq(rd_balloon_new(&driver.ram, &slot), 0);
	driver_bind(&driver, &slot->v, features);
	memset(driver_at(&driver, VICTIMS), 0x5a, 0x10000);
}

static void teardown(void)
{
	driver_free(&driver);
}

static bool kept(unsigned int page)
{
	return *(uint8_t *)driver_at(&driver, VICTIMS + page * 4096) == 0x5a;
}

START_TEST(pages_are_given_back)
{
	uint32_t first = VICTIMS / 4096;
	uint32_t pfns[] = { first + 5, first + 4, first + 6, first + 9, UINT32_MAX, PAGES, first };
	struct driver_part p = { LIST, sizeof(pfns), false };

	open_balloon(~0ull);
	memcpy(driver_at(&driver, LIST), pfns, sizeof(pfns));
	driver_send(&driver, 0, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, 0, 1), 1);
	for (unsigned int i = 0; i < 12; i++)
		ck_assert_int_eq(kept(i), i != 0 && i != 4 && i != 5 && i != 6 && i != 9);
	driver_send(&driver, 1, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, 1, 1), 1);
	ck_assert_uint_eq(rd_virtio_status(driver.v), 0xf);
}
END_TEST

START_TEST(target_and_actual)
{
	struct rd_balloon_info info;
	uint32_t num = 0, actual = 16;

	open_balloon(~0ull);
	rd_balloon_get(driver.v, &info);
	ck_assert(info.active);
	ck_assert_uint_eq(info.target, DRIVER_RAM_LEN);
	ck_assert_int_eq(info.age_ms, -1);
	rd_balloon_set(driver.v, DRIVER_RAM_LEN - 16 * 4096);
	ck_assert_uint_eq(driver.interrupts[RD_VIRTIO_QUEUES_MAX], 1);
	rd_virtio_config_read(driver.v, 0, &num, 4);
	ck_assert_uint_eq(num, 16);
	rd_virtio_config_write(driver.v, 0, &actual, 4);	/* not the driver's */
	rd_virtio_config_write(driver.v, 4, &actual, 4);
	rd_balloon_get(driver.v, &info);
	ck_assert_uint_eq(info.target, DRIVER_RAM_LEN - 16 * 4096);
	ck_assert_uint_eq(info.actual, DRIVER_RAM_LEN - 16 * 4096);
	rd_balloon_set(driver.v, 0);
	rd_virtio_config_read(driver.v, 0, &num, 4);
	ck_assert_uint_eq(num, PAGES - 1);
	rd_balloon_set(driver.v, UINT64_MAX);
	rd_virtio_config_read(driver.v, 0, &num, 4);
	ck_assert_uint_eq(num, 0);
}
END_TEST

START_TEST(statistics)
{
	struct virtio_balloon_stat s[] = { { VIRTIO_BALLOON_S_MEMFREE, 12345 }, { 9999, 1 } };
	struct driver_part p = { LIST, sizeof(s), false };
	struct rd_balloon_info info;

	open_balloon(~0ull);
	memcpy(driver_at(&driver, LIST), s, sizeof(s));
	driver_send(&driver, 2, &p, 1);
	rd_virtio_poll(driver.v, 2);
	ck_assert_uint_eq(driver_used(&driver, 2, 0), 0);	/* it is kept */
	rd_balloon_get(driver.v, &info);
	ck_assert_uint_eq(info.known, 1u << VIRTIO_BALLOON_S_MEMFREE);
	ck_assert_uint_eq(info.stats[VIRTIO_BALLOON_S_MEMFREE], 12345);
	ck_assert_int_ge(info.age_ms, 0);
	ck_assert_uint_eq(driver_used(&driver, 2, 1), 1);	/* and that was the question */
	ck_assert_str_eq(rd_balloon_stat_name(VIRTIO_BALLOON_S_AVAIL), "available");
	ck_assert_ptr_null(rd_balloon_stat_name(RD_BALLOON_STATS));
}
END_TEST

/* Which queue reports depends on whether there is one for statistics. */
START_TEST(free_pages_are_reported)
{
	unsigned int q = _i ? 3 : 2;
	struct driver_part p[] = { { VICTIMS + 100, 8192, true },
				   { VICTIMS + 0x5000, 4096, true } };
	struct rd_balloon_info info;

	open_balloon(1ull << VIRTIO_BALLOON_F_REPORTING |
		     (_i ? 1ull << VIRTIO_BALLOON_F_STATS_VQ : 0));
	driver_send(&driver, q, p, 2);
	ck_assert_uint_eq(driver_used(&driver, q, 1), 1);
	for (unsigned int i = 0; i < 8; i++)
		ck_assert_int_eq(kept(i), i != 1 && i != 5);
	rd_balloon_get(driver.v, &info);
	ck_assert_uint_eq(info.reported, 8192);
}
END_TEST

START_TEST(poisoned_pages_stay)
{
	struct driver_part p = { VICTIMS, 4096, true };
	uint32_t poison = 0xaaaaaaaa;

	open_balloon(~0ull);
	rd_virtio_config_write(driver.v, 12, &poison, 4);
	driver_send(&driver, 3, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, 3, 1), 1);
	ck_assert(kept(0));
}
END_TEST

START_TEST(state_is_saved)
{
	struct driver_part p = { LIST, 10, false };
	uint8_t bad[] = { 1, 0xff, 0xff };
	struct rd_pack pack;

	open_balloon(~0ull);
	driver_send(&driver, 2, &p, 1);
	rd_virtio_poll(driver.v, 2);
	rd_pack_save(&pack);
	driver.v->ops->transfer(driver.v, &pack);
	ck_assert_uint_eq(pack.len, 3);
	ck_assert_uint_eq(pack.data[0], 1);	/* the driver's buffer is here */
	rd_pack_free(&pack);
	rd_pack_load(&pack, bad, sizeof(bad));
	driver.v->ops->transfer(driver.v, &pack);
	ck_assert(pack.bad);
}
END_TEST

START_TEST(random_numbers)
{
	struct driver_part p[] = { { LIST, 100, true }, { LIST + 0x1000, 0x8000, true } };
	struct rd_virtio_slot *slot;
	unsigned int zeroes = 0;

	driver_memory(&driver);
	ck_assert_int_eq(rd_rng_new(&driver.ram, &slot), 0);
	driver_bind(&driver, &slot->v, ~0ull);
	driver_send(&driver, 0, p, 2);
	ck_assert_uint_eq(driver_used(&driver, 0, 1), 1);
	ck_assert_uint_eq(driver_used_len(&driver, 0, 0), 4096);
	for (unsigned int i = 0; i < 100; i++)
		zeroes += !*(uint8_t *)driver_at(&driver, LIST + i);
	ck_assert_uint_lt(zeroes, 20);
	p[0].in = false;
	driver_send(&driver, 0, p, 1);		/* nothing to write to */
	ck_assert_uint_eq(driver_used(&driver, 0, 2), 2);
	ck_assert_uint_eq(driver_used_len(&driver, 0, 1), 0);
}
END_TEST

TCase *balloon_case(void)
{
	TCase *tc = tcase_create("balloon");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, pages_are_given_back);
	tcase_add_test(tc, target_and_actual);
	tcase_add_test(tc, statistics);
	tcase_add_loop_test(tc, free_pages_are_reported, 0, 2);
	tcase_add_test(tc, poisoned_pages_stay);
	tcase_add_test(tc, state_is_saved);
	tcase_add_test(tc, random_numbers);
	return tc;
}
