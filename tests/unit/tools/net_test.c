// SPDX-License-Identifier: GPL-2.0-only
/* --net as it is written, and the network card between a driver and a pair of packet sockets. */
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <arpa/inet.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define RX 0u
#define TX 1u
#define HDR ((uint32_t)sizeof(struct virtio_net_hdr_v1))
#define FRAME 60u

static struct driver driver;
static struct rd_netdev backend;
static int wire;

static void backend_close(struct rd_netdev *nd)
{
	close(nd->fd);
}

static void bring_up(bool offloads, uint64_t features)
{
	static const uint8_t mac[RD_NET_MAC_LEN] = { 2, 1, 2, 3, 4, 5 };
	struct rd_virtio_slot *slot;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	backend = (struct rd_netdev){ .fd = fds[0], .offloads = offloads, .close = backend_close };
	wire = fds[1];
	driver_memory(&driver);
	ck_assert_int_eq(rd_net_new(&driver.ram, &backend, mac, &slot), 0);
	ck_assert_int_eq(memcmp(slot->v.config, mac, sizeof(mac)), 0);
	driver_bind(&driver, &slot->v, features);
}

static void teardown(void)
{
	driver_free(&driver);
	close(wire);
}

/* Send a frame of LEN bytes with header H. Returns what came out, -1 for nothing. */
static ssize_t send_frame(const struct virtio_net_hdr_v1 *h, uint32_t len, uint8_t *out,
			  size_t room, unsigned int n)
{
	struct driver_part p[2] = { { .gpa = DRIVER_DATA, .len = HDR },
				    { .gpa = DRIVER_DATA + 0x1000, .len = len } };

	memcpy(driver_at(&driver, DRIVER_DATA), h, HDR);
	memset(driver_at(&driver, DRIVER_DATA + 0x1000), 0x5a, len);
	driver_send(&driver, TX, p, 2);
	ck_assert_uint_eq(driver_used(&driver, TX, n), n);
	return recv(wire, out, room, MSG_DONTWAIT);
}

START_TEST(frames_pass)
{
	struct virtio_net_hdr_v1 h = { 0 };
	struct driver_part in = { .gpa = DRIVER_DATA, .len = 2048, .in = true };
	uint8_t out[2048];
	const uint8_t *got = driver_at((bring_up(false, 0), &driver), DRIVER_DATA);

	ck_assert_int_eq(send_frame(&h, FRAME, out, sizeof(out), 1), FRAME);
	ck_assert_int_eq(out[FRAME - 1], 0x5a);
	memset(out, 0xa5, sizeof(out));
	ck_assert_int_eq(send(wire, out, FRAME, 0), FRAME);
	driver_send(&driver, RX, &in, 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 1), 1);
	ck_assert_uint_eq(driver_used_len(&driver, RX, 0), HDR + FRAME);
	memcpy(&h, got, sizeof(h));
	ck_assert_uint_eq(h.num_buffers, 1);
	ck_assert_uint_eq(got[HDR], 0xa5);
	teardown();
}
END_TEST

/* While the card is cut, nothing passes, and what came is not there afterwards either. */
START_TEST(card_that_is_cut)
{
	struct virtio_net_hdr_v1 h = { 0 };
	struct driver_part in = { .gpa = DRIVER_DATA, .len = 2048, .in = true };
	uint8_t out[2048] = { 0 };
	struct rd_net_info info;
	uint16_t status = 0;

	bring_up(false, 0);
	driver_send(&driver, RX, &in, 1);
	driver_used(&driver, RX, 0);
	ck_assert(rd_net_cut(driver.v, true));
	rd_net_info(driver.v, &info);
	ck_assert(!info.link);
	rd_virtio_config_read(driver.v, RD_NET_MAC_LEN, &status, sizeof(status));
	ck_assert_uint_eq(status, 0);
	ck_assert_uint_eq(driver.interrupts[RD_VIRTIO_QUEUES_MAX], 1);
	ck_assert_int_eq(send_frame(&h, FRAME, out, sizeof(out), 1), -1);
	ck_assert_int_eq(send(wire, out, FRAME, 0), FRAME);
	for (int i = 0; i < 4; i++)
		rd_virtio_poll(driver.v, 1);
	ck_assert(rd_net_cut(driver.v, false));
	for (int i = 0; i < 4; i++)
		rd_virtio_poll(driver.v, 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 0), 0);
	rd_virtio_config_read(driver.v, RD_NET_MAC_LEN, &status, sizeof(status));
	ck_assert_uint_eq(status, VIRTIO_NET_S_LINK_UP);
	rd_net_info(driver.v, &info);
	ck_assert_uint_eq(info.counters.rx_dropped, 1);
	ck_assert_uint_eq(info.counters.tx_dropped, 1);
	ck_assert_int_eq(send_frame(&h, FRAME, out, sizeof(out), 2), FRAME);
	ck_assert_int_eq(send(wire, out, FRAME, 0), FRAME);
	ck_assert_uint_eq(driver_used(&driver, RX, 1), 1);
	teardown();
}
END_TEST

START_TEST(short_and_long_frames)
{
	struct virtio_net_hdr_v1 h = { 0 };
	struct driver_part runt = { .gpa = DRIVER_DATA, .len = HDR - 1 };
	struct driver_part vast = { .gpa = DRIVER_DATA, .len = 0x20000 };
	struct driver_part in = { .gpa = DRIVER_DATA, .len = 32, .in = true };
	uint8_t out[2048] = { 0 };

	bring_up(false, 0);
	driver_send(&driver, TX, &runt, 1);
	driver_send(&driver, TX, &vast, 1);
	ck_assert_uint_eq(driver_used(&driver, TX, 2), 2);
	ck_assert_int_eq(recv(wire, out, sizeof(out), MSG_DONTWAIT), -1);
	ck_assert_int_eq(send_frame(&h, 13, out, sizeof(out), 3), -1);
	ck_assert_int_eq(send_frame(&h, 14, out, sizeof(out), 4), 14);
	/* Does not fit: dropped, and the buffer takes the next one. */
	ck_assert_int_eq(send(wire, out, FRAME, 0), FRAME);
	ck_assert_int_eq(send(wire, out, 20, 0), 20);
	driver_send(&driver, RX, &in, 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 1), 1);
	ck_assert_uint_eq(driver_used_len(&driver, RX, 0), HDR + 20);
	teardown();
}
END_TEST

#define CSUM VIRTIO_NET_HDR_F_NEEDS_CSUM
#define TSO4 VIRTIO_NET_HDR_GSO_TCPV4

static const struct {
	struct virtio_net_hdr_v1 h;
	uint64_t features;
	bool pass;
} headers[] = {
	{ { .flags = 0 }, 0, true },
	{ { .flags = CSUM, .csum_start = 34, .csum_offset = 16 }, 0, false },
	{ { .flags = CSUM, .csum_start = 34, .csum_offset = 16 }, 1, true },
	{ { .flags = CSUM, .csum_start = 34, .csum_offset = 24 }, 1, true },
	{ { .flags = CSUM, .csum_start = 34, .csum_offset = 25 }, 1, false },
	{ { .flags = CSUM, .csum_start = 0xffff, .csum_offset = 0xffff }, 1, false },
	{ { .flags = 0x80 }, ~0ull, false },
	{ { .flags = CSUM, .gso_type = TSO4, .gso_size = 1448 }, ~0ull, true },
	{ { .flags = CSUM, .gso_type = TSO4, .gso_size = 1448 }, 1, false },
	{ { .flags = CSUM, .gso_type = TSO4, .gso_size = 0 }, ~0ull, false },
	{ { .flags = 0, .gso_type = TSO4, .gso_size = 1448 }, ~0ull, false },
	{ { .flags = CSUM, .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 9 }, ~0ull, false },
	{ { .flags = CSUM, .gso_type = TSO4 | 0x80, .gso_size = 9 }, ~0ull, false },
};

START_TEST(offload_fields)
{
	uint8_t out[2048];
	ssize_t got;

	bring_up(true, headers[_i].features);
	got = send_frame(&headers[_i].h, FRAME, out, sizeof(out), 1);
	ck_assert_int_eq(got, headers[_i].pass ? (ssize_t)(HDR + FRAME) : -1);
	teardown();
}
END_TEST

START_TEST(full_backend_holds_frames)
{
	struct driver_part p[2] = { { .gpa = DRIVER_DATA, .len = HDR },
				    { .gpa = DRIVER_DATA + 0x1000, .len = 1500 } };
	uint8_t out[2048];
	unsigned int sent = 0, got = 0, used;
	int bytes = 4096;

	bring_up(false, 0);
	setsockopt(backend.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	for (; sent < 8; sent++)
		driver_send(&driver, TX, p, 2);
	for (unsigned int i = 0; i < 20; i++)
		rd_virtio_poll(driver.v, 1);
	used = driver_used(&driver, TX, 0);
	ck_assert_uint_lt(used, sent);
	for (unsigned int i = 0; i < 100; i++) {
		while (recv(wire, out, sizeof(out), MSG_DONTWAIT) == 1500)
			got++;
		rd_virtio_poll(driver.v, 1);
	}
	ck_assert_uint_eq(driver_used(&driver, TX, sent), sent);
	ck_assert_uint_eq(got, sent);
	teardown();
}
END_TEST

START_TEST(frames_are_counted)
{
	struct virtio_net_hdr_v1 h = { 0 };
	struct driver_part in = { .gpa = DRIVER_DATA, .len = 64, .in = true };
	uint8_t out[2048] = { 0 };
	struct rd_net_info info;

	bring_up(false, 0);
	rd_net_info(driver.v, &info);
	ck_assert(info.driver && info.link && !info.vhost);
	ck_assert_int_eq(send_frame(&h, FRAME, out, sizeof(out), 1), FRAME);
	ck_assert_int_eq(send_frame(&h, 5, out, sizeof(out), 2), -1);
	ck_assert_int_eq(send(wire, out, FRAME, 0), FRAME);
	ck_assert_int_eq(send(wire, out, 20, 0), 20);
	driver_send(&driver, RX, &in, 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 1), 1);
	rd_net_info(driver.v, &info);
	ck_assert(info.counters.tx_frames == 1 && info.counters.tx_bytes == FRAME &&
		  info.counters.tx_dropped == 1);
	ck_assert(info.counters.rx_frames == 1 && info.counters.rx_bytes == 20 &&
		  info.counters.rx_dropped == 1);
	driver_reset(&driver);
	rd_net_info(driver.v, &info);
	ck_assert(!info.driver && info.counters.tx_frames == 1);
	teardown();
}
END_TEST

static bool link_up;

static bool backend_link(struct rd_netdev *nd)
{
	(void)nd;
	return link_up;
}

static void backend_link_seen(struct rd_netdev *nd)
{
	eventfd_t count;

	ck_assert_int_eq(eventfd_read(nd->link_fd, &count), 0);
}

/* The link changes; the status that the driver reads when it was told of that. */
static uint16_t after_link(bool up, unsigned int told)
{
	struct virtio_net_config config;

	link_up = up;
	ck_assert_int_eq(eventfd_write(backend.link_fd, 1), 0);
	rd_virtio_poll(driver.v, 1);
	ck_assert_uint_eq(driver.interrupts[RD_VIRTIO_QUEUES_MAX], told);
	rd_virtio_config_read(driver.v, 0, &config, sizeof(config));
	return config.status;
}

START_TEST(link_is_followed)
{
	bring_up(true, 0);
	driver_reset(&driver);
	backend.link = backend_link;
	backend.link_seen = backend_link_seen;
	backend.link_fd = eventfd(0, EFD_NONBLOCK);
	link_up = true;
	driver_bind(&driver, driver.v, 0);
	ck_assert_uint_eq(after_link(true, 0), VIRTIO_NET_S_LINK_UP);
	ck_assert_uint_eq(after_link(false, 1), 0);
	ck_assert_uint_eq(after_link(false, 1), 0);
	ck_assert_uint_eq(after_link(true, 2), VIRTIO_NET_S_LINK_UP);
	/* Nobody looks while there is no driver; the next one finds what is. */
	driver_reset(&driver);
	ck_assert_uint_eq(after_link(false, 2), VIRTIO_NET_S_LINK_UP);
	driver_bind(&driver, driver.v, 0);
	ck_assert_uint_eq(after_link(false, 3), 0);
	close(backend.link_fd);
	teardown();
}
END_TEST

START_TEST(options)
{
	struct rd_net_config c, d;

	ck_assert_int_eq(rd_net_parse("user,mac=52:54:00:12:34:56,hostfwd=tcp:127.0.0.2:80-:8080,"
				      "hostfwd=udp::53-:5353", &c), RD_OK);
	ck_assert_int_eq(c.kind, RD_NET_USER);
	ck_assert_int_eq(memcmp(c.mac, "\x52\x54\x00\x12\x34\x56", 6), 0);
	ck_assert_uint_eq(c.n_forwards, 2);
	ck_assert_uint_eq(c.forwards[0].host.s_addr, htonl(0x7f000002));
	ck_assert_uint_eq(c.forwards[0].host_port, 80);
	ck_assert_uint_eq(c.forwards[0].guest_port, 8080);
	ck_assert(c.forwards[1].udp);
	ck_assert_uint_eq(c.forwards[1].host.s_addr, htonl(0x7f000001));
	ck_assert_int_eq(rd_net_parse("tap:br0-tap", &c), RD_OK);
	ck_assert_str_eq(c.ifname, "br0-tap");
	ck_assert_int_eq(c.vhost, RD_VHOST_AUTO);
	ck_assert_int_eq(rd_net_parse("tap:x,vhost=on", &c), RD_OK);
	ck_assert_int_eq(c.vhost, RD_VHOST_ON);
	ck_assert_int_eq(rd_net_parse("tap:x,vhost=off", &c), RD_OK);
	ck_assert_int_eq(c.vhost, RD_VHOST_OFF);
	ck_assert_int_eq(rd_net_parse("none", &d), RD_OK);
	ck_assert_uint_eq(d.mac[0] & 3, 2);
	ck_assert_int_ne(memcmp(c.mac, d.mac, 6), 0);
}
END_TEST

static const char *const wrong[] = {
	"", "usr", "user,", "tap", "tap:", "tap:a-name-too-long-for-it", "tap:a/b", "user,mac=1",
	"user,mac=01:00:00:00:00:00", "user,mac=52:54:00:12:34:5", "user,mac=52:54:00:12:34:567",
	"user,hostfwd=tcp", "user,hostfwd=tcp::0-:1", "user,hostfwd=tcp::1-:65536",
	"user,hostfwd=sctp::1-:1", "user,hostfwd=tcp:localhost:1-:1", "user,hostfwd=tcp:1-:1",
	"tap:x,hostfwd=tcp::1-:1", "user,vhost=on", "tap:x,vhost=", "tap:x,vhost=yes",
	"user,hostfwd=tcp:"
	"1111111111111111111111111111111111111111111111111111111111111111:1-:1",
};

START_TEST(wrong_options)
{
	char said[256];
	struct rd_net_config c;

	rd_messages_capture(said, sizeof(said));
	ck_assert_int_eq(rd_net_parse(wrong[_i], &c), RD_USAGE);
	rd_messages_capture(NULL, 0);
}
END_TEST

TCase *net_case(void)
{
	TCase *c = tcase_create("net");

	tcase_add_test(c, frames_pass);
	tcase_add_test(c, card_that_is_cut);
	tcase_add_test(c, short_and_long_frames);
	tcase_add_loop_test(c, offload_fields, 0, (int)RD_ARRAY_SIZE(headers));
	tcase_add_test(c, full_backend_holds_frames);
	tcase_add_test(c, frames_are_counted);
	tcase_add_test(c, link_is_followed);
	tcase_add_test(c, options);
	tcase_add_loop_test(c, wrong_options, 0, (int)RD_ARRAY_SIZE(wrong));
	return c;
}
