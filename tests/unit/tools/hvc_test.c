// SPDX-License-Identifier: GPL-2.0-only
/* The virtio console between a driver and two pipes. */
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <string.h>
#include <unistd.h>

#define RX 0u
#define TX 1u
#define PIPE_LEN 4096

static struct driver driver;
static struct rd_console host;
static int to_guest[2], from_guest[2];
static unsigned int quits;

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	ck_assert_int_eq(why, RD_END_QUIT);
	quits++;
}

static struct rd_virtio_slot *slot;

static void setup(void)
{

	quits = 0;
	ck_assert_int_eq(pipe(to_guest), 0);
	ck_assert_int_eq(pipe(from_guest), 0);
	fcntl(from_guest[1], F_SETPIPE_SZ, PIPE_LEN);
	rd_console_init(&host);
	host.in_fd = to_guest[0];
	host.out_fd = from_guest[1];
	driver_memory(&driver);
	ck_assert_int_eq(rd_hvc_new(&driver.ram, &host, (struct rd_ender){ .end = on_end },
				    &slot), 0);
	driver_bind(&driver, &slot->v, ~(1ull << VIRTIO_CONSOLE_F_MULTIPORT));
}

static void teardown(void)
{
	driver_free(&driver);
	close(to_guest[0]);
	close(to_guest[1]);
	close(from_guest[0]);
	close(from_guest[1]);
}

static void steps(unsigned int n)
{
	while (n--)
		rd_virtio_poll(driver.v, 2);
}

START_TEST(output_arrives)
{
	struct driver_part p[2] = { { DRIVER_DATA, 3, false }, { DRIVER_DATA + 10, 3, false } };
	char got[16] = "";

	memcpy(driver_at(&driver, DRIVER_DATA), "abc", 3);
	memcpy(driver_at(&driver, DRIVER_DATA + 10), "def", 3);
	driver_send(&driver, TX, p, 2);
	ck_assert_uint_eq(driver_used(&driver, TX, 1), 1);
	ck_assert_int_eq(read(from_guest[0], got, sizeof(got)), 6);
	ck_assert_str_eq(got, "abcdef");
	ck_assert_uint_eq(driver.interrupts[TX], 1);
}
END_TEST

START_TEST(keys_arrive)
{
	struct driver_part p = { DRIVER_DATA, 4, true };

	ck_assert_int_eq(write(to_guest[1], "hello", 5), 5);
	steps(3);			/* no buffer yet: nothing is lost */
	driver_send(&driver, RX, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 1), 1);
	ck_assert_uint_eq(driver_used_len(&driver, RX, 0), 4);
	ck_assert_mem_eq(driver_at(&driver, DRIVER_DATA), "hell", 4);
	driver_send(&driver, RX, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 2), 2);
	ck_assert_uint_eq(driver_used_len(&driver, RX, 1), 1);
	ck_assert_mem_eq(driver_at(&driver, DRIVER_DATA), "o", 1);
	driver_send(&driver, RX, &p, 1);
	ck_assert_int_eq(write(to_guest[1], "!", 1), 1);
	ck_assert_uint_eq(driver_used(&driver, RX, 3), 3);
}
END_TEST

START_TEST(escape_quits)
{
	host.escape_keys = true;
	ck_assert_int_eq(write(to_guest[1], "\001x", 2), 2);
	steps(3);
	ck_assert_uint_eq(quits, 1);
}
END_TEST

START_TEST(end_of_input_is_no_end)
{
	close(to_guest[1]);
	steps(3);
	ck_assert_int_eq(host.in_fd, -1);
	to_guest[1] = dup(from_guest[0]);
}
END_TEST

/* A reader that does not read: the request waits, reset and pause do not. */
START_TEST(slow_reader_holds_nothing_up)
{
	struct driver_part p = { DRIVER_DATA, 3 * PIPE_LEN, false };
	static char got[3 * PIPE_LEN];
	ssize_t n, total = 0;

	for (unsigned int i = 0; i < p.len; i++)
		((char *)driver_at(&driver, DRIVER_DATA))[i] = (char)(i % 91 + 33);
	driver_send(&driver, TX, &p, 1);
	steps(5);
	ck_assert_uint_eq(driver.interrupts[TX], 0);
	rd_virtio_pause(driver.v);
	steps(1);
	rd_virtio_resume(driver.v);
	steps(1);
	fcntl(from_guest[0], F_SETFL, O_NONBLOCK);
	while (total < (ssize_t)sizeof(got)) {
		n = read(from_guest[0], got + total, sizeof(got) - (size_t)total);
		if (n > 0)
			total += n;
		steps(1);
	}
	ck_assert_uint_eq(driver_used(&driver, TX, 1), 1);
	ck_assert_mem_eq(got, driver_at(&driver, DRIVER_DATA), sizeof(got));
	driver_send(&driver, TX, &p, 1);
	steps(3);
	driver_reset(&driver);
}
END_TEST

#define CONTROL_RX 2u
#define CONTROL_TX 3u

static void say(uint16_t event, uint16_t value, unsigned int n)
{
	struct virtio_console_control m = { .event = event, .value = value };
	struct driver_part p = { DRIVER_DATA + 0x800, sizeof(m), false };

	memcpy(driver_at(&driver, p.gpa), &m, sizeof(m));
	driver_send(&driver, CONTROL_TX, &p, 1);
	ck_assert_uint_eq(driver_used(&driver, CONTROL_TX, n), n);
}

static uint16_t heard(unsigned int i)
{
	struct virtio_console_control m;

	memcpy(&m, driver_at(&driver, DRIVER_DATA + 0x1000 + i * 64), sizeof(m));
	ck_assert_uint_eq(driver_used_len(&driver, CONTROL_RX, i), sizeof(m));
	ck_assert_uint_eq(m.id, 0);
	ck_assert_uint_eq(m.value, 1);
	return m.event;
}

/* Keys that are typed before the guest has opened the port are not lost. */
START_TEST(port_is_announced)
{
	struct driver_part p = { DRIVER_DATA, 64, true };

	driver_reset(&driver);
	driver_bind(&driver, &slot->v, ~0ull);
	for (unsigned int i = 0; i < 5; i++) {
		struct driver_part room = { DRIVER_DATA + 0x1000 + i * 64, 64, true };

		driver_send(&driver, CONTROL_RX, &room, 1);
	}
	driver_send(&driver, RX, &p, 1);
	ck_assert_int_eq(write(to_guest[1], "early", 5), 5);
	steps(3);
	say(VIRTIO_CONSOLE_DEVICE_READY, 1, 1);
	ck_assert_uint_eq(driver_used(&driver, CONTROL_RX, 1), 1);
	ck_assert_uint_eq(heard(0), VIRTIO_CONSOLE_PORT_ADD);
	say(VIRTIO_CONSOLE_PORT_READY, 1, 2);
	ck_assert_uint_eq(driver_used(&driver, CONTROL_RX, 3), 3);
	ck_assert_uint_eq(heard(1), VIRTIO_CONSOLE_CONSOLE_PORT);
	ck_assert_uint_eq(heard(2), VIRTIO_CONSOLE_PORT_OPEN);
	ck_assert_uint_eq(driver.interrupts[RX], 0);
	say(VIRTIO_CONSOLE_PORT_OPEN, 1, 3);
	ck_assert_uint_eq(driver_used(&driver, RX, 1), 1);
	ck_assert_mem_eq(driver_at(&driver, DRIVER_DATA), "early", 5);
}
END_TEST

/* What a snapshot holds of a console, half-way through some output and its announcement. */
START_TEST(saved_half_way)
{
	struct driver_part p = { DRIVER_DATA, 3 * PIPE_LEN, false };
	struct rd_pack out, in;

	driver_send(&driver, TX, &p, 1);
	steps(5);
	rd_virtio_pause(driver.v);
	steps(1);
	rd_pack_save(&out);
	driver.v->ops->transfer(driver.v, &out);
	ck_assert(!out.bad);
	ck_assert_uint_eq(out.len, 8 + 4 + 1);
	ck_assert_uint_ne(out.data[0] | out.data[1] << 8, 0);
	rd_pack_load(&in, out.data, out.len);
	driver.v->ops->transfer(driver.v, &in);
	ck_assert(rd_pack_ok(&in));
	/* A message that there is not. */
	out.data[8] = 0x10;
	rd_pack_load(&in, out.data, out.len);
	driver.v->ops->transfer(driver.v, &in);
	ck_assert(in.bad);
	rd_pack_free(&out);
	rd_virtio_resume(driver.v);
	steps(1);
}
END_TEST

TCase *hvc_case(void)
{
	TCase *tc = tcase_create("hvc");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, output_arrives);
	tcase_add_test(tc, keys_arrive);
	tcase_add_test(tc, port_is_announced);
	tcase_add_test(tc, escape_quits);
	tcase_add_test(tc, end_of_input_is_no_end);
	tcase_add_test(tc, slow_reader_holds_nothing_up);
	tcase_add_test(tc, saved_half_way);
	return tc;
}
