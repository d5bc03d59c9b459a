// SPDX-License-Identifier: GPL-2.0-only
/* Snapshot streams: what is written comes back, and nothing else is taken for a snapshot. */
#include "tests/unit/lifecycle/lifecycle_test.h"
#include "tools/src/vmctl/mem_save.h"
#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/stream.h"
#include "tools/src/vmctl/util.h"

#include <stdlib.h>
#include <string.h>

static char *image;
static size_t image_len;

/* A stream with a description, two vCPUs, an empty section, and the end. */
static void write_sample(void)
{
	FILE *f = open_memstream(&image, &image_len);
	static const char text[] = "{\"cpus\":2}";
	uint8_t big[5000];
	struct rd_stream s;

	memset(big, 0x5a, sizeof(big));
	ck_assert_int_eq(rd_stream_create(&s, f, "sample"), 0);
	ck_assert_int_eq(rd_stream_put(&s, RD_SECTION_DESCRIPTION, 0, text, strlen(text), NULL, 0),
			 0);
	ck_assert_int_eq(rd_stream_put(&s, RD_SECTION_VCPU, 0, "ab", 2, big, sizeof(big)), 0);
	ck_assert_int_eq(rd_stream_put(&s, RD_SECTION_VCPU, 1, "c", 1, NULL, 0), 0);
	ck_assert_int_eq(rd_stream_put(&s, RD_SECTION_CLOCKS, 7, "", 0, NULL, 0), 0);
	ck_assert_int_eq(rd_stream_finish(&s), 0);
	fclose(f);
	ck_assert_uint_eq(s.bytes, image_len);
}

static void setup(void)
{
	catch_messages();
	write_sample();
}

static void teardown(void)
{
	free(image);
	rd_messages_capture(NULL, 0);
}

/* Read all of LEN bytes. The status; *N is how many sections came. */
static int read_through(const void *data, size_t len, unsigned int *n)
{
	FILE *f = fmemopen((void *)data, len ? len : 1, "r");
	struct rd_section section = { 0 };
	struct rd_stream s;
	int status;

	*n = 0;
	if (!len)
		ck_assert_int_eq(fgetc(f) >= 0, 1);
	status = rd_stream_open(&s, f, "sample");
	while (!status) {
		status = rd_stream_next(&s, &section);
		if (status || section.type == RD_SECTION_END)
			break;
		/* The sanitizer looks whether the data is there. */
		for (size_t i = 0; i < section.len; i++)
			*n += section.data[i] & 0x100u;
		++*n;
	}
	rd_stream_close(&s);
	fclose(f);
	return status;
}

START_TEST(comes_back)
{
	FILE *f = fmemopen(image, image_len, "r");
	struct rd_section section;
	struct rd_stream s;

	ck_assert_int_eq(rd_stream_open(&s, f, "sample"), 0);
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	ck_assert_int_eq(section.type, RD_SECTION_DESCRIPTION);
	ck_assert(section.len == 10 && !memcmp(section.data, "{\"cpus\":2}", 10));
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	ck_assert(section.type == RD_SECTION_VCPU && section.instance == 0 && section.len == 5002);
	ck_assert(section.data[0] == 'a' && section.data[5001] == 0x5a);
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	ck_assert(section.instance == 1 && section.len == 1 && section.data[0] == 'c');
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	ck_assert(section.type == RD_SECTION_CLOCKS && section.instance == 7 && !section.len);
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	ck_assert_int_eq(section.type, RD_SECTION_END);
	ck_assert_int_eq(rd_stream_next(&s, &section), RD_USAGE);
	rd_stream_close(&s);
	fclose(f);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	unsigned int n;

	for (size_t len = 1; len < image_len; len++) {
		/* A copy of just that size, so that reading beyond it is found. */
		char *part = malloc(len);

		memcpy(part, image, len);
		ck_assert_int_eq(read_through(part, len, &n), RD_USAGE);
		ck_assert_ptr_nonnull(strstr(message, len < 8 ? "not a snapshot" : "truncated"));
		free(part);
	}
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
	unsigned int n;

	for (size_t i = 0; i < image_len * 8; i++) {
		image[i / 8] ^= (char)(1 << (i % 8));
		ck_assert_int_eq(read_through(image, image_len, &n), RD_USAGE);
		ck_assert(strstr(message, "sample: ") == message);
		image[i / 8] ^= (char)(1 << (i % 8));
	}
	ck_assert_int_eq(read_through(image, image_len, &n), 0);
	ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(garbage_never_crashes)
{
	unsigned int n;

	for (unsigned int round = 0; round < 3000; round++) {
		char *copy = malloc(image_len);

		random_seed(round);
		memcpy(copy, image, image_len);
		for (unsigned int i = random_u32() % 8 + 1; i; i--)
			copy[random_u32() % image_len] = (char)random_u32();
		if (memcmp(copy, image, image_len) != 0)
			ck_assert_int_ne(read_through(copy, image_len, &n), 0);
		free(copy);
	}
}
END_TEST

START_TEST(appended_bytes_and_lost_sections)
{
	const size_t end = sizeof(struct rd_section_head) + 8;
	char *more = malloc(image_len + end);
	unsigned int n;

	memcpy(more, image, image_len);
	more[image_len] = 0;
	ck_assert_int_eq(read_through(more, image_len + 1, &n), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "something follows"));
	/* The empty section before the end is cut out: everything left is sound by itself. */
	memmove(more + image_len - end - sizeof(struct rd_section_head), image + image_len - end,
		end);
	ck_assert_int_eq(read_through(more, image_len - sizeof(struct rd_section_head), &n),
			 RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "sections are missing"));
	free(more);
}
END_TEST

START_TEST(too_large_a_section)
{
	uint8_t *data = calloc(1, RD_SECTION_MAX + 1);
	char *out;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct rd_stream s;

	ck_assert_int_eq(rd_stream_create(&s, f, "large"), 0);
	ck_assert_int_eq(rd_stream_put(&s, RD_SECTION_VCPU, 0, data, RD_SECTION_MAX + 1, NULL, 0),
			 RD_HOST_ERROR);
	fclose(f);
	free(out);
	free(data);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	FILE *f = fopen("/dev/full", "w");
	struct rd_stream s;
	int status;

	ck_assert_ptr_nonnull(f);
	status = rd_stream_create(&s, f, "full");
	ck_assert(status || rd_stream_finish(&s) == RD_HOST_ERROR);
	ck_assert_ptr_nonnull(strstr(message, "No space left"));
	fclose(f);
}
END_TEST

START_TEST(pack_both_ways)
{
	uint8_t u8 = 1, fixed[3] = { 1, 2, 3 };
	uint16_t u16 = 0x102;
	uint32_t u32 = 0x1020304;
	uint64_t u64 = 0x102030405060708;
	bool yes = true;
	struct rd_pack p = { 0 }, q = { 0 };

	for (unsigned int loading = 0; loading < 2; loading++) {
		struct rd_pack *k = loading ? &q : &p;

		if (loading)
			rd_pack_load(&q, p.data, p.len);
		else
			rd_pack_save(&p);
		rd_pack_u8(k, &u8);
		rd_pack_u16(k, &u16);
		rd_pack_u32(k, &u32);
		rd_pack_u64(k, &u64);
		rd_pack_bool(k, &yes);
		rd_pack_sized(k, fixed, sizeof(fixed));
		ck_assert(rd_pack_ok(k));
		ck_assert(u8 == 1 && u16 == 0x102 && u32 == 0x1020304 && yes && fixed[2] == 3);
		ck_assert(u64 == 0x102030405060708);
		if (!loading) {
			u8 = 0, u16 = 0, u32 = 0, u64 = 0, yes = false;
			memset(fixed, 0, sizeof(fixed));
		}
	}
	rd_pack_free(&p);
	rd_pack_free(&q);
}
END_TEST

START_TEST(pack_refuses)
{
	const uint8_t bytes[] = { 2, 0, 0, 0, 9, 9 };
	uint8_t two[2];
	uint64_t u64 = 5;
	bool b = true;
	struct rd_pack p;

	rd_pack_load(&p, bytes, sizeof(bytes));
	rd_pack_u64(&p, &u64);
	ck_assert(p.bad && u64 == 0);
	rd_pack_load(&p, bytes, sizeof(bytes));
	rd_pack_sized(&p, two, 2);
	ck_assert(rd_pack_ok(&p) && two[1] == 9);
	rd_pack_load(&p, bytes, sizeof(bytes));
	rd_pack_sized(&p, two, 1);
	ck_assert(!rd_pack_ok(&p));
	rd_pack_load(&p, bytes, sizeof(bytes));
	rd_pack_bool(&p, &b);
	ck_assert(p.bad && !b);
	rd_pack_load(&p, bytes, sizeof(bytes));
	ck_assert(!rd_pack_ok(&p));	/* not used up */
}
END_TEST

#define PAGES 700u

/* Memory of PAGES pages of which every one with a bit in the pattern is not zero. */
static void fill_ram(struct rd_ram *ram, uint32_t pattern)
{
	memset(ram, 0, sizeof(*ram));
	ram->size = (uint64_t)PAGES * RD_STREAM_PAGE;
	ram->host = aligned_alloc(RD_STREAM_PAGE, ram->size);
	memset(ram->host, 0, ram->size);
	for (unsigned int i = 0; i < PAGES; i++)
		if (pattern >> (i % 32) & 1)
			ram->host[(uint64_t)i * RD_STREAM_PAGE + i] = (uint8_t)(i | 1);
}

static void save_and_load(uint32_t pattern, size_t *file_len)
{
	struct rd_ram ram, copy;
	struct rd_section section;
	uint64_t done = 0, next = 0;
	uint32_t cancel = 0;
	struct rd_mem_save how = { .done = &done, .cancel = &cancel };
	struct rd_stream s;
	char *out;
	FILE *f = open_memstream(&out, file_len);

	fill_ram(&ram, pattern);
	fill_ram(&copy, 0);
	ck_assert_int_eq(rd_stream_create(&s, f, "memory"), 0);
	ck_assert_int_eq(rd_mem_save(&ram, &s, &how), 0);
	ck_assert_int_eq(rd_stream_finish(&s), 0);
	ck_assert_uint_eq(done, ram.size);
	fclose(f);
	f = fmemopen(out, *file_len, "r");
	ck_assert_int_eq(rd_stream_open(&s, f, "memory"), 0);
	while (!rd_stream_next(&s, &section) && section.type == RD_SECTION_MEMORY)
		ck_assert_int_eq(rd_mem_load(&copy, &s, &section, &next), 0);
	ck_assert_int_eq(section.type, RD_SECTION_END);
	ck_assert(!memcmp(ram.host, copy.host, ram.size));
	rd_stream_close(&s);
	fclose(f);
	free(out);
	free(ram.host);
	free(copy.host);
}

START_TEST(memory_leaves_zeros_out)
{
	size_t empty, one, all;

	save_and_load(0, &empty);
	save_and_load(1, &one);
	save_and_load(UINT32_MAX, &all);
	ck_assert_uint_lt(empty, 100);
	ck_assert_uint_lt(one, (PAGES / 32 + 1) * (RD_STREAM_PAGE + 64) + 100);
	ck_assert_uint_lt(all, PAGES * RD_STREAM_PAGE + 500);
	for (unsigned int i = 0; i < 20; i++)
		save_and_load(random_u32(), &all);
}
END_TEST

START_TEST(memory_elsewhere_is_refused)
{
	static const struct {
		uint64_t start, len;
	} bad[] = {
		{ 0, 0 }, { 1, 4096 }, { 0, 4095 }, { 8192, 4096 }, { 4096, 8192 },
		{ UINT64_MAX - 4095, 4096 }, { 1ull << 63, 4096 }, { 0, 4096 },
	};
	struct rd_ram ram = { .size = 8192 };
	uint8_t payload[8 + 8192] = { 0 };
	struct rd_stream s = { .name = "memory" };

	ram.host = calloc(1, ram.size);
	for (size_t i = 0; i < RD_ARRAY_SIZE(bad); i++) {
		struct rd_section section = { .data = payload, .len = 8 + bad[i].len };
		uint64_t next = i + 1 == RD_ARRAY_SIZE(bad) ? 4096 : 0;

		memcpy(payload, &bad[i].start, sizeof(bad[i].start));
		ck_assert_int_eq(rd_mem_load(&ram, &s, &section, &next), RD_USAGE);
	}
	free(ram.host);
}
END_TEST

START_TEST(memory_can_be_cancelled)
{
	uint64_t done = 0;
	uint32_t cancel = 1;
	struct rd_mem_save how = { .done = &done, .cancel = &cancel };
	struct rd_stream s;
	struct rd_ram ram;
	char *out;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	fill_ram(&ram, 0xff);
	ck_assert_int_eq(rd_stream_create(&s, f, "memory"), 0);
	ck_assert_int_eq(rd_mem_save(&ram, &s, &how), RD_STOPPED);
	fclose(f);
	free(out);
	free(ram.host);
}
END_TEST

TCase *stream_case(void)
{
	TCase *t = tcase_create("stream");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, comes_back);
	tcase_add_test(t, every_truncation_is_refused);
	tcase_add_test(t, every_flipped_bit_is_found);
	tcase_add_test(t, garbage_never_crashes);
	tcase_add_test(t, appended_bytes_and_lost_sections);
	tcase_add_test(t, too_large_a_section);
	tcase_add_test(t, a_full_disk_is_an_error);
	tcase_add_test(t, pack_both_ways);
	tcase_add_test(t, pack_refuses);
	tcase_add_test(t, memory_leaves_zeros_out);
	tcase_add_test(t, memory_elsewhere_is_refused);
	tcase_add_test(t, memory_can_be_cancelled);
	return t;
}
