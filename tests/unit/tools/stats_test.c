// SPDX-License-Identifier: GPL-2.0-only
/* Images of statistics descriptors, sound and broken. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/stats.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 48u

struct image {
	struct kvm_stats_header h;
	char id[NAME_SIZE];
	struct {
		struct kvm_stats_desc d;
		char name[NAME_SIZE];
	} desc[4];
	uint64_t data[8];
};

static struct image image;
static struct rd_stats stats;

static void describe(unsigned int i, const char *name, uint32_t type, uint16_t size,
		     uint32_t offset)
{
	memset(&image.desc[i], 0, sizeof(image.desc[i]));
	image.desc[i].d.flags = type;
	image.desc[i].d.size = size;
	image.desc[i].d.offset = offset;
	strcpy(image.desc[i].name, name);
}

static void setup(void)
{
	memset(&image, 0, sizeof(image));
	image.h.name_size = NAME_SIZE;
	image.h.num_desc = 4;
	image.h.desc_offset = offsetof(struct image, desc);
	image.h.data_offset = offsetof(struct image, data);
	describe(0, "exits", KVM_STATS_TYPE_CUMULATIVE, 1, 0);
	describe(1, "guest_mode", KVM_STATS_TYPE_INSTANT, 1, 8);
	describe(2, "peak", KVM_STATS_TYPE_PEAK, 1, 16);
	describe(3, "hist", KVM_STATS_TYPE_LOG_HIST, 4, 24);
	image.data[0] = 100;
	image.data[1] = 1;
	image.data[2] = 7;
	image.data[3] = 5;
	rd_stats_init(&stats);
}

static void teardown(void)
{
	rd_stats_free(&stats);
}

static uint64_t value(const char *name)
{
	for (size_t i = 0; i < stats.n; i++)
		if (!strcmp(stats.list[i].name, name))
			return stats.list[i].value;
	return UINT64_MAX;
}

START_TEST(counters_add_up)
{
	rd_stats_parse(&stats, &image, sizeof(image));
	image.data[2] = 3;
	rd_stats_parse(&stats, &image, sizeof(image));
	ck_assert_uint_eq(value("exits"), 200);
	ck_assert_uint_eq(value("guest_mode"), 2);
	ck_assert_uint_eq(value("peak"), 7);
	ck_assert_uint_eq(value("hist"), UINT64_MAX);
	ck_assert_uint_eq(rd_stats_exits(&stats), 200);
}
END_TEST

START_TEST(user_exits_stand_in)
{
	stats.user_exits[2] = 5;
	stats.user_exits[6] = 6;
	ck_assert_uint_eq(rd_stats_exits(&stats), 11);
	ck_assert_uint_eq(rd_stats_user_exits(&stats), 11);
}
END_TEST

START_TEST(copies_add)
{
	struct rd_stats sum;

	rd_stats_parse(&stats, &image, sizeof(image));
	stats.user_exits[1] = 3;
	rd_stats_init(&sum);
	rd_stats_copy(&sum, &stats);
	rd_stats_copy(&sum, &stats);
	ck_assert_uint_eq(rd_stats_exits(&sum), 200);
	ck_assert_uint_eq(sum.user_exits[1], 6);
	rd_stats_free(&sum);
}
END_TEST

START_TEST(short_images)
{
	for (size_t len = 0; len < sizeof(image); len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, &image, len);
		rd_stats_parse(&stats, exact, len);
		free(exact);
	}
	ck_assert_uint_le(stats.n, 3);
}
END_TEST

START_TEST(wild_offsets)
{
	image.desc[0].d.offset = 0xfffffff0;
	image.desc[1].d.offset = sizeof(image);
	rd_stats_parse(&stats, &image, sizeof(image));
	ck_assert_uint_eq(value("exits"), UINT64_MAX);
	ck_assert_uint_eq(value("peak"), 7);
	image.h.desc_offset = 0xffffffff;
	image.h.num_desc = 0xffffffff;
	rd_stats_parse(&stats, &image, sizeof(image));
	image.h.name_size = 0;
	rd_stats_parse(&stats, &image, sizeof(image));
	ck_assert_uint_eq(stats.n, 1);
}
END_TEST

START_TEST(names_without_an_end)
{
	memset(image.desc[0].name, 'n', NAME_SIZE);
	rd_stats_parse(&stats, &image, sizeof(image));
	ck_assert_uint_eq(strlen(stats.list[0].name), NAME_SIZE);
}
END_TEST

TCase *stats_case(void)
{
	TCase *tc = tcase_create("stats");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, counters_add_up);
	tcase_add_test(tc, user_exits_stand_in);
	tcase_add_test(tc, copies_add);
	tcase_add_test(tc, short_images);
	tcase_add_test(tc, wild_offsets);
	tcase_add_test(tc, names_without_an_end);
	return tc;
}
