// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices in memory of which some must not be written: what they then leave, what they answer, and
 * that they write all of it when nobody forbids it.
 */
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER DRIVER_DATA
#define STATUS (DRIVER_DATA + 0x100u)
#define DATA (DRIVER_DATA + 0x1000u)
#define USED 0x1000u	/* of queue 0 */

static struct driver driver;
static uint64_t forbidden;
static unsigned int refused;
static char path[] = "/tmp/rd-traced-XXXXXX";
static int wire = -1;

/* The page at `forbidden`. */
static bool ask(void *ctx, uint64_t gpa, uint64_t len)
{
	bool hit = gpa < forbidden + 4096 && gpa + len > forbidden;

	ck_assert_ptr_eq(ctx, &driver);
	ck_assert_uint_gt(len, 0);
	refused += hit;
	return !hit;
}

static void forbid(uint64_t gpa)
{
	driver.ram.ask = ask;
	driver.ram.ask_ctx = &driver;
	driver.ram.traced = 1;
	forbidden = gpa;
}

static void setup(void)
{
	refused = 0;
	driver_memory(&driver);
}

static void teardown(void)
{
	driver_free(&driver);
}

static void open_disk(void)
{
	static struct rd_disk_config config;
	struct rd_virtio_slot *slot;
	uint8_t sector[512];
	int file;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	memset(sector, 0x5a, sizeof(sector));
	ck_assert_int_eq(write(file, sector, sizeof(sector)), 512);
	close(file);
	ck_assert_int_eq(rd_disk_parse(path, &config), 0);
	ck_assert_int_eq(rd_blk_new(&driver.ram, &config, &slot), 0);
	unlink(path);
	driver_bind(&driver, &slot->v, ~0ull);
}

/* Read the first sector to DATA. Returns the status byte, 0xee when there is none. */
static uint8_t read_sector(unsigned int n)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN };
	struct driver_part p[3] = { { HEADER, sizeof(h), false }, { DATA, 512, true },
				    { STATUS, 1, true } };

	memcpy(driver_at(&driver, HEADER), &h, sizeof(h));
	*(uint8_t *)driver_at(&driver, STATUS) = 0xee;
	driver_send(&driver, 0, p, 3);
	ck_assert_uint_eq(driver_used(&driver, 0, n), n);
	return *(uint8_t *)driver_at(&driver, STATUS);
}

START_TEST(disk_leaves_a_forbidden_buffer)
{
	uint8_t *data = driver_at(&driver, DATA);

	open_disk();
	forbid(DATA);
	ck_assert_uint_eq(read_sector(1), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(data[0], 0);
	ck_assert_uint_eq(driver_used_len(&driver, 0, 0), 1);
	ck_assert_uint_eq(refused, 1);
	forbid(DATA + 0x1000);
	ck_assert_uint_eq(read_sector(2), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(data[0], 0x5a);
	ck_assert_uint_eq(refused, 1);
}
END_TEST

START_TEST(disk_leaves_a_forbidden_status)
{
	open_disk();
	forbid(STATUS & ~0xfffu);
	ck_assert_uint_eq(read_sector(1), 0xee);
	ck_assert_uint_eq(driver_used_len(&driver, 0, 0), 512);
}
END_TEST

START_TEST(ring_that_is_forbidden_breaks_the_device)
{
	struct driver_part p = { .gpa = DATA, .len = 64, .in = true };
	struct rd_virtio_slot *slot;

	ck_assert_int_eq(rd_rng_new(&driver.ram, &slot), 0);
	driver_bind(&driver, &slot->v, 0);
	forbid(USED);
	driver_send(&driver, 0, &p, 1);
	for (int i = 0; i < 10; i++)
		rd_virtio_poll(driver.v, 2);
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_eq(*(uint16_t *)driver_at(&driver, USED + 2), 0);
	ck_assert(rd_virtio_status(driver.v) & VIRTIO_CONFIG_S_NEEDS_RESET);
	driver_reset(&driver);
	driver.ram.traced = 0;
	driver_bind(&driver, &slot->v, 0);
	driver_send(&driver, 0, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, 0, 1), 1);
}
END_TEST

START_TEST(balloon_keeps_forbidden_pages)
{
	uint32_t pfns[] = { DATA / 4096, DATA / 4096 + 4 };
	struct driver_part p = { HEADER, sizeof(pfns), false };
	struct driver_part page = { DATA, 8192, true };
	uint8_t *data = driver_at(&driver, DATA);
	struct rd_virtio_slot *slot;

	ck_assert_int_eq(rd_balloon_new(&driver.ram, &slot), 0);
	driver_bind(&driver, &slot->v, ~(1ull << 4));	/* without page poison */
	memset(data, 0x5a, 5 * 4096);
	memcpy(driver_at(&driver, HEADER), pfns, sizeof(pfns));
	forbid(DATA);
	driver_send(&driver, 0, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, 0, 1), 1);
	ck_assert_uint_eq(data[0], 0x5a);
	ck_assert_uint_eq(data[4 * 4096], 0);
	/* A page that is reported as free is zero afterwards, too. */
	driver_send(&driver, 3, &page, 1);
	ck_assert_uint_eq(driver_used(&driver, 3, 1), 1);
	ck_assert_uint_eq(data[0], 0x5a);
	driver.ram.traced = 0;
	driver_send(&driver, 3, &page, 1);
	ck_assert_uint_eq(driver_used(&driver, 3, 2), 2);
	ck_assert_uint_eq(data[0], 0);
}
END_TEST

static void backend_close(struct rd_netdev *nd)
{
	close(nd->fd);
}

START_TEST(card_drops_the_frame)
{
	static const uint8_t mac[RD_NET_MAC_LEN] = { 2, 1, 2, 3, 4, 5 };
	static struct rd_netdev backend;
	struct driver_part in[2] = { { .gpa = DATA, .len = 2048, .in = true },
				     { .gpa = DATA + 0x1000, .len = 2048, .in = true } };
	const uint8_t *got = driver_at(&driver, DATA);
	struct rd_virtio_slot *slot;
	struct rd_net_info info;
	uint8_t frame[60];
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	backend = (struct rd_netdev){ .fd = fds[0], .close = backend_close };
	wire = fds[1];
	ck_assert_int_eq(rd_net_new(&driver.ram, &backend, mac, &slot), 0);
	driver_bind(&driver, &slot->v, 0);
	memset(frame, 0xa5, sizeof(frame));
	forbid(DATA);
	driver_send(&driver, 0, &in[0], 1);
	driver_send(&driver, 0, &in[1], 1);
	ck_assert_int_eq(send(wire, frame, sizeof(frame), 0), sizeof(frame));
	ck_assert_int_eq(send(wire, frame, sizeof(frame), 0), sizeof(frame));
	ck_assert_uint_eq(driver_used(&driver, 0, 2), 2);
	ck_assert_uint_eq(driver_used_len(&driver, 0, 0), 0);
	ck_assert_uint_eq(got[sizeof(struct virtio_net_hdr_v1)], 0);
	ck_assert_uint_eq(got[0x1000 + sizeof(struct virtio_net_hdr_v1)], 0xa5);
	rd_net_info(driver.v, &info);
	ck_assert_uint_eq(info.counters.rx_dropped, 1);
	ck_assert_uint_eq(info.counters.rx_frames, 1);
	close(wire);
}
END_TEST

/* Memory above the gap has other addresses than places. */
START_TEST(asks_by_guest_address)
{
	struct rd_ram two = driver.ram;

	forbid(RD_RAM_HIGH_START + 0x1000);
	two.low_size = 0x10000;
	two.high_size = 0x10000;
	two.traced = 1;
	two.ask = ask;
	two.ask_ctx = &driver;
	ck_assert(rd_ram_may_write(&two, two.host, 0x10000));
	ck_assert(rd_ram_may_write(&two, two.host + 0x10000, 0x1000));
	ck_assert(!rd_ram_may_write(&two, two.host + 0x10000, 0x1001));
	ck_assert(!rd_ram_may_write(&two, two.host + 0x11fff, 1));
	ck_assert(rd_ram_may_write(&two, two.host + 0x11fff, 0));
}
END_TEST

TCase *traced_case(void)
{
	TCase *tc = tcase_create("traced");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, disk_leaves_a_forbidden_buffer);
	tcase_add_test(tc, disk_leaves_a_forbidden_status);
	tcase_add_test(tc, ring_that_is_forbidden_breaks_the_device);
	tcase_add_test(tc, balloon_keeps_forbidden_pages);
	tcase_add_test(tc, card_drops_the_frame);
	tcase_add_test(tc, asks_by_guest_address);
	return tc;
}
