// SPDX-License-Identifier: GPL-2.0-only
/* The UART as the usual drivers use it: probing, polled and interrupt-driven output, input. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/dev_serial.h"
#include "tools/src/vmctl/layout.h"

#include <string.h>

enum { DATA = RD_PORT_COM1, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static struct rd_bus bus;
static struct rd_serial serial;
static struct probe_line line;
static struct {
	uint8_t bytes[256];
	size_t n;
	unsigned int room;
} host;

static void on_transmit(void *ctx, uint8_t byte)
{
	(void)ctx;
	host.bytes[host.n++ % sizeof(host.bytes)] = byte;
}

static void on_room(void *ctx)
{
	(void)ctx;
	host.room++;
}

static void setup(void)
{
	struct rd_serial_host h = { .transmit = on_transmit, .rx_room = on_room };

	memset(&line, 0, sizeof(line));
	memset(&host, 0, sizeof(host));
	rd_bus_init(&bus);
	ck_assert(rd_serial_init(&serial, &bus, RD_PORT_COM1, probe_irq(&line, RD_GSI_COM1), h));
}

static void out(uint16_t port, uint8_t v)
{
	port_out(&bus, port, v);
}

static uint8_t in(uint16_t port)
{
	return port_in(&bus, port);
}

/* As a driver opens the port: FIFOs, 8N1, RTS, DTR and OUT2. */
static void open_port(void)
{
	out(IIR, 0x07);
	out(LCR, 0x03);
	out(MCR, 0x0b);
}

START_TEST(reset_state)
{
	ck_assert_uint_eq(in(IER), 0);
	ck_assert_uint_eq(in(IIR), 0x01);
	ck_assert_uint_eq(in(LSR), 0x60);
	ck_assert_uint_eq(in(MSR), 0xb0);
	out(SCR, 0x5a);
	ck_assert_uint_eq(in(SCR), 0x5a);
}
END_TEST

START_TEST(is_a_16550a)
{
	out(IIR, 0x01);
	ck_assert_uint_eq(in(IIR) & 0xc0, 0xc0);
	out(IIR, 0x00);
	ck_assert_uint_eq(in(IIR) & 0xc0, 0);
	out(IER, 0xff);
	ck_assert_uint_eq(in(IER), 0x0f);
}
END_TEST

START_TEST(divisor_latch)
{
	out(LCR, 0x83);
	out(DATA, 0x34);
	out(IER, 0x12);
	ck_assert_uint_eq(in(DATA), 0x34);
	ck_assert_uint_eq(in(IER), 0x12);
	out(LCR, 0x03);
	ck_assert_uint_eq(in(IER), 0);
	ck_assert_uint_eq(host.n, 0);
	ck_assert_uint_eq(serial.divisor, 0x1234);
}
END_TEST

START_TEST(loopback)
{
	out(MCR, 0x1a);
	ck_assert_uint_eq(in(MSR), 0x90);
	out(MCR, 0x15);
	ck_assert_uint_eq(in(MSR), 0x60);
	out(DATA, 'x');
	ck_assert_uint_eq(host.n, 0);
	ck_assert_uint_eq(in(LSR) & 1, 1);
	out(DATA, 'y');			/* one-byte receiver: overrun */
	ck_assert_uint_eq(in(LSR) & 2, 2);
	ck_assert_uint_eq(in(LSR) & 2, 0);
	ck_assert_uint_eq(in(DATA), 'x');
	ck_assert_uint_eq(in(LSR) & 1, 0);
}
END_TEST

START_TEST(polled_output)
{
	open_port();
	for (const char *p = "hello\n"; *p; p++) {
		ck_assert_uint_eq(in(LSR) & 0x20, 0x20);
		out(DATA, (uint8_t)*p);
	}
	ck_assert_uint_eq(host.n, 6);
	ck_assert_mem_eq(host.bytes, "hello\n", 6);
	ck_assert(!line.level);
}
END_TEST

START_TEST(transmitter_interrupt)
{
	open_port();
	out(IER, 0x02);
	ck_assert(line.level);			/* enabling it raises it */
	ck_assert_uint_eq(in(IIR), 0xc2);
	ck_assert(!line.level);			/* reading IIR acknowledges it */
	ck_assert_uint_eq(in(IIR), 0xc1);
	for (int i = 0; i < 16; i++)
		out(DATA, 'a');
	ck_assert(line.level);
	ck_assert_uint_eq(line.raised, 2);	/* not once per byte */
	out(IER, 0x00);
	ck_assert(!line.level);
}
END_TEST

START_TEST(interrupt_needs_out2)
{
	out(MCR, 0x03);
	out(IER, 0x02);
	ck_assert(!line.level);
	out(MCR, 0x0b);
	ck_assert(line.level);
	out(MCR, 0x1b);
	ck_assert(!line.level);
}
END_TEST

START_TEST(receiver_interrupt)
{
	open_port();
	out(IER, 0x01);
	ck_assert_uint_eq(rd_serial_receive(&serial, (const uint8_t *)"ab", 2), 2);
	ck_assert(line.level);
	ck_assert_uint_eq(in(IIR), 0xc4);
	ck_assert_uint_eq(in(LSR) & 1, 1);
	ck_assert_uint_eq(in(DATA), 'a');
	ck_assert(line.level);
	ck_assert_uint_eq(in(DATA), 'b');
	ck_assert(!line.level);
	ck_assert_uint_eq(in(DATA), 0);
}
END_TEST

START_TEST(receiver_goes_first)
{
	open_port();
	out(IER, 0x03);
	rd_serial_receive(&serial, (const uint8_t *)"a", 1);
	ck_assert_uint_eq(in(IIR), 0xc4);
	ck_assert_uint_eq(in(DATA), 'a');
	ck_assert_uint_eq(in(IIR), 0xc2);
	ck_assert_uint_eq(in(IIR), 0xc1);
}
END_TEST

START_TEST(sender_waits_for_room)
{
	uint8_t text[20];

	memset(text, 'z', sizeof(text));
	open_port();
	ck_assert_uint_eq(rd_serial_receive(&serial, text, sizeof(text)), RD_SERIAL_FIFO);
	for (unsigned int i = 0; i < RD_SERIAL_FIFO - 1; i++)
		ck_assert_uint_eq(in(DATA), 'z');
	ck_assert_uint_eq(host.room, 0);
	in(DATA);
	ck_assert_uint_eq(host.room, 1);
	ck_assert_uint_eq(in(LSR) & 2, 0);	/* nothing was lost */
	in(LSR);
	ck_assert_uint_eq(host.room, 1);
}
END_TEST

START_TEST(sender_honours_rts)
{
	ck_assert_uint_eq(rd_serial_receive(&serial, (const uint8_t *)"a", 1), 0);
	out(MCR, 0x12);
	ck_assert_uint_eq(rd_serial_receive(&serial, (const uint8_t *)"a", 1), 0);
	ck_assert_uint_eq(host.room, 0);
	open_port();
	ck_assert_uint_eq(host.room, 1);
	ck_assert_uint_eq(rd_serial_receive(&serial, (const uint8_t *)"a", 1), 1);
}
END_TEST

START_TEST(clearing_the_fifo)
{
	open_port();
	rd_serial_receive(&serial, (const uint8_t *)"abc", 3);
	out(IIR, 0x03);
	ck_assert_uint_eq(in(LSR) & 1, 0);
	out(IIR, 0x00);
	ck_assert_uint_eq(rd_serial_receive(&serial, (const uint8_t *)"abc", 3), 1);
}
END_TEST

TCase *serial_case(void)
{
	TCase *tc = tcase_create("serial");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, reset_state);
	tcase_add_test(tc, is_a_16550a);
	tcase_add_test(tc, divisor_latch);
	tcase_add_test(tc, loopback);
	tcase_add_test(tc, polled_output);
	tcase_add_test(tc, transmitter_interrupt);
	tcase_add_test(tc, interrupt_needs_out2);
	tcase_add_test(tc, receiver_interrupt);
	tcase_add_test(tc, receiver_goes_first);
	tcase_add_test(tc, sender_waits_for_room);
	tcase_add_test(tc, sender_honours_rts);
	tcase_add_test(tc, clearing_the_fifo);
	return tc;
}
