// SPDX-License-Identifier: GPL-2.0-only
/* The block device on a file: what a request does to it, and what a bad one does not. */
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER DRIVER_DATA
#define STATUS (DRIVER_DATA + 0x100u)
#define DATA (DRIVER_DATA + 0x1000u)
#define DISK_LEN (1u << 20)
#define SECTORS (DISK_LEN / 512)

static char path[64];
static int file;
static struct rd_disk_config config;
static struct driver driver;
static unsigned int sent;

static void open_disk(const char *options, uint64_t features)
{
	static char value[128];
	struct rd_virtio_slot *slot;

	snprintf(value, sizeof(value), "%s%s", path, options);
	ck_assert_int_eq(rd_disk_parse(value, &config), 0);
	driver_memory(&driver);
	ck_assert_int_eq(rd_blk_new(&driver.ram, &config, &slot), 0);
	driver_bind(&driver, &slot->v, features);
	sent = 0;
}

static void setup(void)
{
	uint8_t sector[512];

	snprintf(path, sizeof(path), "/tmp/rd-blk-XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	for (unsigned int i = 0; i < SECTORS; i++) {
		memset(sector, (int)(i % 251) + 1, sizeof(sector));
		ck_assert_int_eq(write(file, sector, sizeof(sector)), 512);
	}
}

static void teardown(void)
{
	driver_free(&driver);
	close(file);
	unlink(path);
}

/* One request; returns its status byte. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t len, bool in)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	struct driver_part p[3] = { { HEADER, sizeof(h), false }, { DATA, len, in },
				    { STATUS, 1, true } };

	memcpy(driver_at(&driver, HEADER), &h, sizeof(h));
	*(uint8_t *)driver_at(&driver, STATUS) = 0xee;
	driver_send(&driver, 0, p, 3);
	ck_assert_uint_eq(driver_used(&driver, 0, ++sent), sent);
	return *(uint8_t *)driver_at(&driver, STATUS);
}

static uint8_t file_byte(uint64_t off)
{
	uint8_t b = 0xee;

	ck_assert_int_eq(pread(file, &b, 1, (off_t)off), 1);
	return b;
}

START_TEST(reads)
{
	uint8_t *data;

	open_disk("", ~0ull);
	data = driver_at(&driver, DATA);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, 5, 1024, true), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(data[0], 6);
	ck_assert_uint_eq(data[1023], 7);
	ck_assert_uint_eq(driver_used_len(&driver, 0, 0), 1025);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, SECTORS - 1, 512, true), VIRTIO_BLK_S_OK);
	ck_assert_uint_ge(driver.interrupts[0], 1);
}
END_TEST

START_TEST(writes_and_flushes)
{
	open_disk("", ~0ull);
	memset(driver_at(&driver, DATA), 0x5a, 512);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_OUT, 3, 512, false), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_FLUSH, 0, 0, false), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(file_byte(3 * 512), 0x5a);
	ck_assert_uint_eq(file_byte(4 * 512 - 1), 0x5a);
	ck_assert_uint_eq(file_byte(4 * 512), 5);
}
END_TEST

/* Sector, length: none of these is on the disk. */
static const struct { uint64_t sector; uint32_t len; } outside[] = {
	{ SECTORS, 512 }, { SECTORS - 1, 1024 }, { UINT64_MAX, 512 }, { UINT64_MAX / 512, 1024 },
	{ 1ull << 55, 512 }, { 0, 511 }, { 0, 513 },
};

START_TEST(outside_is_an_error)
{
	open_disk("", ~0ull);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, outside[_i].sector, outside[_i].len, true),
			  VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_OUT, outside[_i].sector, outside[_i].len, false),
			  VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(rd_virtio_status(driver.v), 0xf);
}
END_TEST

START_TEST(read_only)
{
	open_disk(",ro", ~0ull);
	ck_assert(driver.v->features & 1ull << VIRTIO_BLK_F_RO);
	ck_assert(!(driver.v->features & 1ull << VIRTIO_BLK_F_DISCARD));
	ck_assert_uint_eq(request(VIRTIO_BLK_T_OUT, 3, 512, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 16, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, 3, 512, true), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(file_byte(3 * 512), 4);
}
END_TEST

static void range(unsigned int i, uint64_t sector, uint32_t n, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes d = { .sector = sector, .num_sectors = n,
						     .flags = flags };

	memcpy((uint8_t *)driver_at(&driver, DATA) + i * sizeof(d), &d, sizeof(d));
}

START_TEST(discard_frees_space)
{
	struct stat before, after;

	open_disk("", ~0ull);
	fsync(file);
	ck_assert_int_eq(fstat(file, &before), 0);
	range(0, 0, 512, 0);
	range(1, 1024, 256, 0);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 32, false), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(fstat(file, &after), 0);
	ck_assert_int_eq(after.st_size, DISK_LEN);
	ck_assert_int_le(after.st_blocks, before.st_blocks - 512 - 256);
	ck_assert_uint_eq(file_byte(0), 0);
	ck_assert_uint_ne(file_byte(512 * 512), 0);
}
END_TEST

START_TEST(zeroes_are_written)
{
	open_disk("", ~0ull);
	range(0, 7, 1, 0);
	range(1, 9, 1, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 32, false), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(file_byte(7 * 512), 0);
	ck_assert_uint_eq(file_byte(8 * 512), 9);
	ck_assert_uint_eq(file_byte(10 * 512 - 1), 0);
	ck_assert_uint_eq(file_byte(10 * 512), 11);
}
END_TEST

START_TEST(bad_ranges_change_nothing)
{
	open_disk("", ~0ull);
	range(0, 0, 8, 0);
	range(1, SECTORS - 1, 2, 0);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 32, false), VIRTIO_BLK_S_IOERR);
	range(1, 8, 8, 1);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 32, false), VIRTIO_BLK_S_UNSUPP);
	range(1, 8, UINT32_MAX, 0);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 32, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 15, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 0, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_DISCARD, 0, 16 * 65, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(file_byte(0), 1);
}
END_TEST

START_TEST(identity)
{
	open_disk(",id=disk-of-this-machine", ~0ull);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_GET_ID, 0, 20, true), VIRTIO_BLK_S_OK);
	ck_assert_mem_eq(driver_at(&driver, DATA), "disk-of-this-machine", 20);
	ck_assert_uint_eq(request(77, 0, 20, true), VIRTIO_BLK_S_UNSUPP);
}
END_TEST

START_TEST(headers_in_pieces)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN, .sector = 1 };
	struct driver_part p[] = { { HEADER, 3, false }, { HEADER + 3, 13, false },
				   { DATA, 100, true }, { DATA + 100, 412, true },
				   { STATUS, 1, true } };

	open_disk("", ~0ull);
	memcpy(driver_at(&driver, HEADER), &h, sizeof(h));
	driver_send(&driver, 0, p, 5);
	ck_assert_uint_eq(driver_used(&driver, 0, 1), 1);
	ck_assert_uint_eq(((uint8_t *)driver_at(&driver, DATA))[511], 2);
	p[1].len = 12;		/* a header that is a byte too short */
	driver_send(&driver, 0, p, 5);
	ck_assert_uint_eq(driver_used(&driver, 0, 2), 2);
	ck_assert_uint_eq(*(uint8_t *)driver_at(&driver, STATUS), VIRTIO_BLK_S_IOERR);
}
END_TEST

START_TEST(no_room_for_the_status)
{
	struct driver_part p = { HEADER, 16, false };

	open_disk("", ~0ull);
	driver_send(&driver, 0, &p, 1);
	driver_used(&driver, 0, 1);
	ck_assert(rd_virtio_status(driver.v) & VIRTIO_CONFIG_S_NEEDS_RESET);
	driver_reset(&driver);
	driver_bind(&driver, driver.v, ~0ull);
	sent = 0;
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, 0, 512, true), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(many_at_once)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN };
	struct driver_part p[3] = { { HEADER, sizeof(h), false }, { DATA, 512, true },
				    { STATUS, 1, true } };

	open_disk("", ~0ull);
	for (unsigned int round = 0; round < 200; round++) {
		for (unsigned int i = 0; i < 5; i++) {
			h.sector = round * 5 + i;
			p[0].gpa = HEADER + i * 16;
			p[1].gpa = DATA + i * 512;
			p[2].gpa = STATUS + i;
			memcpy(driver_at(&driver, p[0].gpa), &h, sizeof(h));
			driver_send(&driver, 0, p, 3);
		}
		ck_assert_uint_eq(driver_used(&driver, 0, (round + 1) * 5), (round + 1) * 5);
		for (unsigned int i = 0; i < 5; i++)
			ck_assert_uint_eq(*(uint8_t *)driver_at(&driver, DATA + i * 512),
					  (round * 5 + i) % 251 + 1);
	}
}
END_TEST

START_TEST(direct_io)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_OUT, .sector = 8 };
	struct driver_part p[] = { { HEADER, 16, false }, { DATA + 1, 4096, false },
				   { STATUS, 1, true } };
	static char value[128];
	struct rd_disk d;

	snprintf(value, sizeof(value), "%s,direct", path);
	ck_assert_int_eq(rd_disk_parse(value, &config), 0);
	if (rd_disk_open(&d, &config)) {
		rd_disk_close(&d);
		return;		/* the file system of /tmp has no direct I/O */
	}
	rd_disk_close(&d);
	open_disk(",direct", ~0ull);
	memset(driver_at(&driver, DATA + 1), 0x77, 4096);
	memcpy(driver_at(&driver, HEADER), &h, sizeof(h));
	driver_send(&driver, 0, p, 3);
	ck_assert_uint_eq(driver_used(&driver, 0, ++sent), 1);
	ck_assert_uint_eq(*(uint8_t *)driver_at(&driver, STATUS), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(file_byte(8 * 512), 0x77);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, 8, 4096, true), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(*(uint8_t *)driver_at(&driver, DATA + 4095), 0x77);
}
END_TEST

START_TEST(images_are_locked)
{
	struct rd_disk_config ro = { .path = path, .path_len = strlen(path), .read_only = true };
	struct rd_disk_config rw = { .path = path, .path_len = strlen(path) };
	struct rd_disk a, b, c;

	ck_assert_int_eq(rd_disk_open(&a, &rw), 0);
	ck_assert_int_eq(rd_disk_open(&b, &rw), RD_HOST_ERROR);
	ck_assert_int_eq(rd_disk_open(&c, &ro), RD_HOST_ERROR);
	rd_disk_close(&a);
	rd_disk_close(&b);
	rd_disk_close(&c);
	ck_assert_int_eq(rd_disk_open(&a, &ro), 0);
	ck_assert_int_eq(rd_disk_open(&b, &ro), 0);
	ck_assert_int_eq(rd_disk_open(&c, &rw), RD_HOST_ERROR);
	rd_disk_close(&a);
	rd_disk_close(&b);
	rd_disk_close(&c);
}
END_TEST

START_TEST(options)
{
	static const char *const bad[] = { "", ",ro", "f,rw", "f,", "f,id=", "f,ro,,direct",
					   "f,id=123456789012345678901" };

	for (size_t i = 0; i < RD_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(rd_disk_parse(bad[i], &config), RD_USAGE);
	ck_assert_int_eq(rd_disk_parse("dir/f,direct,id=x,ro", &config), 0);
	ck_assert(config.read_only && config.direct && !strcmp(config.id, "x"));
	ck_assert_uint_eq(config.path_len, 5);
}
END_TEST

TCase *blk_case(void)
{
	TCase *tc = tcase_create("blk");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reads);
	tcase_add_test(tc, writes_and_flushes);
	tcase_add_loop_test(tc, outside_is_an_error, 0, RD_ARRAY_SIZE(outside));
	tcase_add_test(tc, read_only);
	tcase_add_test(tc, discard_frees_space);
	tcase_add_test(tc, zeroes_are_written);
	tcase_add_test(tc, bad_ranges_change_nothing);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, headers_in_pieces);
	tcase_add_test(tc, no_room_for_the_status);
	tcase_add_test(tc, many_at_once);
	tcase_add_test(tc, direct_io);
	tcase_add_test(tc, images_are_locked);
	tcase_add_test(tc, options);
	return tc;
}
