// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the 8254 and port 0x61 on the virtual clock: modes, latches, gate, ticks of channel 0
 * and their reinjection, state.
 */
#include "tests/unit/irqchip/machine.h"
#include "tests/unit/unit.h"

#define HZ 1193182ULL

static void out(u16 port, u8 val)
{
	ck_assert(rd_pit_port_write(&m.chip, port, val));
}

static u8 in(u16 port)
{
	u8 val = 0xcc;

	ck_assert(rd_pit_port_read(&m.chip, port, &val));
	return val;
}

/* Let so many clocks of the PIT pass; exact however often it is called, as it counts from t0. */
static u64 t0, clocks;

static void restart_clock(void)
{
	t0 = rd_host_now_ns();
	clocks = 0;
}

static void pass(u64 n)
{
	u64 ns;

	clocks += n;
	ns = (clocks * 1000000000ULL + HZ - 1) / HZ;
	rd_shim_advance(t0 + ns - rd_host_now_ns());
}

static void program(unsigned int channel, unsigned int mode, u32 count)
{
	out(0x43, (u8)(channel << 6 | 3 << 4 | mode << 1));
	out((u16)(0x40 + channel), count & 0xff);
	out((u16)(0x40 + channel), count >> 8 & 0xff);
	restart_clock();
}

static u16 word(u16 port)
{
	u16 low = in(port);

	return (u16)(low | in(port) << 8);
}

static u16 latched(unsigned int channel)
{
	out(0x43, (u8)(channel << 6));
	return word((u16)(0x40 + channel));
}

static bool output(unsigned int channel)
{
	out(0x43, (u8)(0xe0 | 2 << channel));
	return in((u16)(0x40 + channel)) & 0x80;
}

static void gate2(bool on)
{
	out(0x61, on);
	restart_clock();
}

static void init_pic(void)
{
	static const u8 words[] = { 0x11, 0x20, 0x04, 0x01 };
	unsigned int i;

	for (i = 0; i < 4; i++)
		ck_assert(rd_pic_port_write(&m.chip, i ? 0x21 : 0x20, words[i]));
	ck_assert(rd_pic_port_write(&m.chip, 0x21, 0xfe));
}

/* The guest takes a tick from the PIC, if there is one. */
static bool tick(void)
{
	if (!m.chip.pic.output)
		return false;
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x20);
	return true;
}

static void eoi(void)
{
	ck_assert(rd_pic_port_write(&m.chip, 0x20, 0x20));
}

START_TEST(ports)
{
	u32 port;
	u8 val;
	bool mine;

	for (port = 0; port < 0x10000; port++) {
		mine = (port >= 0x40 && port < 0x44) || port == 0x61;
		if (rd_pit_port_read(&m.chip, (u16)port, &val) != mine)
			ck_abort_msg("port %x", port);
	}
	machine_destroy();
	machine_create(1, RD_IRQCHIP_KERNEL);
	ck_assert(!rd_pit_port_read(&m.chip, 0x40, &val));
	ck_assert(!rd_pit_port_write(&m.chip, 0x43, 0));
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, 0), 0);
	ck_assert(rd_pit_port_read(&m.chip, 0x40, &val));
	ck_assert(!rd_pit_port_read(&m.chip, 0x61, &val));
	ck_assert(!rd_pit_port_write(&m.chip, 0x61, 1));
	/* Before it is programmed nothing ticks. */
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
}
END_TEST

START_TEST(mode0)
{
	out(0x43, 0x30);
	ck_assert(!output(0)); /* low from the control word on */
	program(0, 0, 1000);
	ck_assert_uint_eq(latched(0), 1000);
	pass(999);
	ck_assert(!output(0));
	ck_assert_uint_eq(latched(0), 1);
	pass(1);
	ck_assert(output(0));
	ck_assert_uint_eq(latched(0), 0);
	pass(10);
	ck_assert(output(0));
	ck_assert_uint_eq(latched(0), 0xfff6); /* it goes on round */
	/* The first byte of a new count stops it. */
	program(0, 0, 1000);
	pass(500);
	out(0x40, 0x10);
	pass(2000);
	ck_assert(!output(0));
	out(0x40, 0x00);
	restart_clock();
	pass(16);
	ck_assert(output(0));
}
END_TEST

START_TEST(mode0_gate)
{
	gate2(true);
	program(2, 0, 1000);
	pass(400);
	gate2(false);
	pass(5000);
	ck_assert_uint_eq(latched(2), 600);
	gate2(true);
	pass(599);
	ck_assert(!(in(0x61) & 0x20));
	pass(2);
	ck_assert(in(0x61) & 0x20);
}
END_TEST

START_TEST(mode1)
{
	gate2(false);
	program(2, 1, 500);
	ck_assert(output(2));
	pass(1000);
	ck_assert(output(2)); /* waits for its trigger */
	gate2(true);
	ck_assert(!output(2));
	pass(499);
	ck_assert(!output(2));
	/* A new count waits for the next trigger, the gate going low does nothing. */
	out(0x42, 100);
	out(0x42, 0);
	out(0x61, 0);
	pass(1);
	ck_assert(output(2));
	gate2(true);
	pass(50);
	ck_assert(!output(2));
	/* Retriggered: it starts again. */
	out(0x61, 0);
	gate2(true);
	pass(99);
	ck_assert(!output(2));
	pass(1);
	ck_assert(output(2));
}
END_TEST

START_TEST(mode2)
{
	unsigned int i;

	gate2(true);
	program(2, 2, 4);
	for (i = 0; i < 16; i++) {
		ck_assert_int_eq(output(2), i % 4 != 3); /* low for the last clock of the period */
		ck_assert_uint_eq(latched(2), 4 - i % 4);
		pass(1);
	}
	pass(2);
	/* The gate stops it with the output high, and its rising edge reloads. */
	out(0x61, 0);
	pass(1);
	ck_assert(output(2));
	ck_assert_uint_eq(latched(2), 2);
	gate2(true);
	ck_assert_uint_eq(latched(2), 4);
}
END_TEST

START_TEST(mode3)
{
	unsigned int i;

	gate2(true);
	program(2, 3, 6);
	for (i = 0; i < 18; i++) {
		ck_assert_int_eq(output(2), i % 6 < 3);
		ck_assert_uint_eq(latched(2), 6 - i * 2 % 6);
		pass(1);
	}
	program(2, 3, 5); /* odd: high one clock longer than low */
	for (i = 0; i < 15; i++) {
		ck_assert_int_eq(output(2), i % 5 < 3);
		pass(1);
	}
}
END_TEST

START_TEST(mode4)
{
	gate2(true);
	program(2, 4, 10);
	ck_assert(output(2));
	pass(9);
	ck_assert(output(2));
	pass(1);
	ck_assert(!output(2)); /* strobe of one clock */
	pass(1);
	ck_assert(output(2));
	pass(100000);
	ck_assert(output(2));
}
END_TEST

START_TEST(mode5)
{
	gate2(false);
	program(2, 5, 10);
	pass(100);
	ck_assert(output(2));
	gate2(true);
	pass(10);
	ck_assert(!output(2));
	pass(1);
	ck_assert(output(2));
}
END_TEST

START_TEST(modes_6_and_7_are_2_and_3)
{
	out(0x43, 0xbc);
	out(0x43, 0xe8);
	ck_assert_uint_eq(in(0x42) >> 1 & 7, 2);
	out(0x43, 0xbe);
	out(0x43, 0xe8);
	ck_assert_uint_eq(in(0x42) >> 1 & 7, 3);
}
END_TEST

START_TEST(count_of_zero)
{
	gate2(true);
	program(2, 0, 0);
	pass(65535);
	ck_assert(!output(2));
	ck_assert_uint_eq(latched(2), 1);
	pass(1);
	ck_assert(output(2));
}
END_TEST

START_TEST(bcd)
{
	gate2(true);
	out(0x43, 0xb1);
	out(0x42, 0x34);
	out(0x42, 0x12);
	restart_clock();
	ck_assert_uint_eq(latched(2), 0x1234);
	pass(235);
	ck_assert_uint_eq(latched(2), 0x0999);
	pass(999);
	ck_assert(output(2));
	pass(1);
	ck_assert_uint_eq(latched(2), 0x9999);
	out(0x43, 0xb1);
	out(0x42, 0);
	out(0x42, 0);
	restart_clock();
	pass(9999);
	ck_assert(!output(2));
	pass(1);
	ck_assert(output(2));
}
END_TEST

START_TEST(byte_access)
{
	gate2(true);
	out(0x43, 0x90); /* low byte only */
	out(0x42, 200);
	restart_clock();
	pass(50);
	ck_assert_uint_eq(in(0x42), 150);
	ck_assert_uint_eq(in(0x42), 150);
	out(0x43, 0x80);
	pass(10);
	ck_assert_uint_eq(in(0x42), 150); /* latched */
	ck_assert_uint_eq(in(0x42), 140);
	out(0x43, 0xa0); /* high byte only */
	out(0x42, 3);
	restart_clock();
	pass(0x100);
	ck_assert_uint_eq(in(0x42), 2);
	out(0x43, 0x80);
	pass(0x100);
	ck_assert_uint_eq(in(0x42), 2);
	ck_assert_uint_eq(in(0x42), 1);
	/* Both bytes, unlatched: low then high. */
	program(2, 0, 0x1234);
	ck_assert_uint_eq(in(0x42), 0x34);
	ck_assert_uint_eq(in(0x42), 0x12);
	ck_assert_uint_eq(in(0x42), 0x34);
}
END_TEST

START_TEST(latches)
{
	gate2(true);
	program(2, 0, 1000);
	out(0x43, 0x80);
	pass(100);
	out(0x43, 0x80); /* a second latch before the read is ignored */
	ck_assert_uint_eq(word(0x42), 1000);
	ck_assert_uint_eq(latched(2), 900);
	/* Read-back of status and count together: status first. */
	out(0x43, 0xc8);
	ck_assert_uint_eq(in(0x42), 0x30);
	ck_assert_uint_eq(word(0x42), 900);
	/* Of several channels at once, and no null count once it is loaded. */
	out(0x43, 0x34);
	out(0x43, 0xee);
	ck_assert_uint_eq(in(0x40), 0x80 | 0x40 | 0x34);
	ck_assert_uint_eq(in(0x42), 0x30);
	out(0x40, 0);
	out(0x40, 0);
	out(0x43, 0xe2);
	ck_assert_uint_eq(in(0x40), 0x80 | 0x34);
	ck_assert_uint_eq(in(0x43), 0);
	out(0x43, 0x34);
	out(0x43, 0xe2);
	ck_assert_uint_eq(in(0x40), 0x80 | 0x40 | 0x34);
	/* A new control word drops what was latched. */
	out(0x43, 0x80);
	program(2, 0, 50);
	ck_assert_uint_eq(word(0x42), 50);
}
END_TEST

START_TEST(port_61)
{
	unsigned int i, toggles = 0;
	u8 before, now;

	out(0x61, 0xff);
	ck_assert_uint_eq(in(0x61) & 3, 3);
	out(0x61, 0);
	ck_assert_uint_eq(in(0x61) & 3, 0);
	before = in(0x61) & 0x10;
	for (i = 0; i < 1000; i++) {
		rd_shim_advance(1000);
		now = in(0x61) & 0x10;
		toggles += now != before;
		before = now;
	}
	ck_assert_uint_ge(toggles, 65);
	ck_assert_uint_le(toggles, 67);
}
END_TEST

/* One second of Linux's 1000 Hz and of the BIOS's 18.2 Hz, each tick served at once. */
START_TEST(periodic_ticks)
{
	static const u32 counts[] = { 1193, 0, 11932, 4772 };
	u32 n = counts[_i] ? counts[_i] : 65536;
	u64 ticks = 0, start;

	init_pic();
	program(0, 2 + (_i & 1), counts[_i]);
	start = t0;
	while (rd_host_now_ns() < start + 10000000000ULL) {
		rd_shim_advance(rd_shim_next_expiry() - rd_host_now_ns());
		ck_assert(tick());
		eoi();
		ticks++;
		/* No drift: each tick on its own place. */
		if (rd_host_now_ns() - start != (ticks * n * 1000000000ULL + HZ - 1) / HZ)
			ck_abort_msg("tick %lu at %lu ns", (unsigned long)ticks,
				     (unsigned long)(rd_host_now_ns() - start));
	}
	ck_assert_uint_ge(ticks, 10 * HZ / n);
	ck_assert_uint_le(ticks, 10 * HZ / n + 1);
}
END_TEST

START_TEST(one_shot_ticks)
{
	static const unsigned int modes[] = { 0, 4 };

	init_pic();
	program(0, modes[_i], 10000);
	pass(9999);
	ck_assert(!tick());
	pass(1);
	ck_assert(tick());
	eoi();
	pass(1000000);
	ck_assert(!tick());
	/* Rewritten before it comes. */
	program(0, modes[_i], 10000);
	pass(5000);
	program(0, modes[_i], 10000);
	pass(9999);
	ck_assert(!tick());
	pass(1);
	ck_assert(tick());
	eoi();
	/* A control word stops it. */
	program(0, modes[_i], 10000);
	out(0x43, 0x30);
	pass(100000);
	ck_assert(!tick());
}
END_TEST

START_TEST(channel_0_has_no_trigger)
{
	init_pic();
	program(0, 1, 1000);
	pass(100000);
	program(0, 5, 1000);
	pass(100000);
	ck_assert(!tick());
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
}
END_TEST

/* Ticks that the guest could not take yet are owed, and come one by one as it acknowledges. */
START_TEST(reinjection)
{
	unsigned int i;

	init_pic();
	program(0, 2, 11932);
	pass(11932);
	ck_assert(tick());
	pass(11932 * 5);
	ck_assert(!m.chip.pic.output);
	ck_assert_uint_eq(m.chip.pit.pending, 5);
	for (i = 0; i < 5; i++) {
		eoi();
		ck_assert(tick());
	}
	eoi();
	ck_assert(!tick());
	pass(11932);
	ck_assert(tick());
}
END_TEST

START_TEST(no_reinjection)
{
	init_pic();
	rd_pit_reinject(&m.chip, false);
	program(0, 2, 11932);
	pass(11932);
	ck_assert(tick());
	pass(11932 * 5);
	eoi();
	ck_assert(tick()); /* those five are one */
	eoi();
	ck_assert(!tick());
	rd_pit_reinject(&m.chip, true);
	pass(11932 * 3);
	ck_assert(tick());
	eoi();
	ck_assert(tick());
	eoi();
	ck_assert(tick());
	eoi();
	ck_assert(!tick());
}
END_TEST

START_TEST(late_host)
{
	unsigned int i;

	init_pic();
	program(0, 2, 11932);
	/* The host does not run for a while: the timer fires once, late, for nine periods. */
	m.chip.pit.timer.expires += 85000000;
	pass(11932 * 10);
	ck_assert_uint_eq(m.chip.pit.ticks_done, 10);
	for (i = 0; i < 10; i++) {
		ck_assert(tick());
		eoi();
	}
	ck_assert(!tick());
	pass(11932);
	ck_assert(tick());
}
END_TEST

/* A masked input loses its ticks and does not wait for an acknowledge that cannot come. */
START_TEST(masked)
{
	init_pic();
	ck_assert(rd_pic_port_write(&m.chip, 0x21, 0xff));
	program(0, 2, 11932);
	pass(11932 * 10);
	ck_assert_uint_eq(m.chip.pit.pending, 0);
	ck_assert_uint_eq(m.chip.pit.acked, 1);
	ck_assert(rd_pic_port_write(&m.chip, 0x21, 0xfe));
	ck_assert(tick()); /* the last edge is latched */
	eoi();
	ck_assert(!tick());
	pass(11932);
	ck_assert(tick());
	/* Unmasking forgets what was owed. */
	pass(11932 * 3);
	ck_assert_uint_eq(m.chip.pit.pending, 3);
	ck_assert(rd_pic_port_write(&m.chip, 0x21, 0xff));
	ck_assert_uint_eq(m.chip.pit.pending, 3);
	ck_assert(rd_pic_port_write(&m.chip, 0x21, 0xfe));
	ck_assert_uint_eq(m.chip.pit.pending, 0);
	eoi();
	ck_assert(!tick());
	pass(11932);
	ck_assert(tick());
	/* In service, and now the guest initializes the PIC: nothing is owed any more. */
	pass(11932 * 3);
	init_pic();
	ck_assert_uint_eq(m.chip.pit.acked, 1);
	while (tick())
		eoi();
	pass(11932);
	ck_assert(tick());
}
END_TEST

START_TEST(through_the_ioapic)
{
	struct rd_lapic *l = m.lapic[0];
	unsigned int i;

	ck_assert(rd_pic_port_write(&m.chip, 0x21, 0xff));
	ioapic_redir(0, 0x30);
	program(0, 2, 11932);
	pass(11932);
	ck_assert_int_eq(apic_take(l), 0x30);
	pass(11932 * 3);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	for (i = 0; i < 3; i++) {
		rd_lapic_eoi(l);
		ck_assert_int_eq(apic_take(l), 0x30);
	}
	rd_lapic_eoi(l);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	/* Unmasking forgets. */
	pass(11932);
	ck_assert_int_eq(apic_take(l), 0x30);
	pass(11932 * 4);
	ioapic_redir(0, 0x10030);
	ioapic_redir(0, 0x30);
	ck_assert_uint_eq(m.chip.pit.pending, 0);
	rd_lapic_eoi(l);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	/* Another vector, and another pin by another route. */
	ioapic_redir(0, 0x31);
	pass(11932);
	ck_assert_int_eq(apic_take(l), 0x31);
	pass(11932);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), 0x31);
	rd_lapic_eoi(l);
}
END_TEST

START_TEST(rerouted_to_pin_2)
{
	struct kvm_irq_routing_entry e = { .gsi = 0,
					   .type = KVM_IRQ_ROUTING_IRQCHIP,
					   .u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC,
							  .pin = 2 } };
	struct rd_lapic *l = m.lapic[0];

	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, &e, 1), 0);
	ioapic_redir(2, 0x30);
	program(0, 2, 11932);
	pass(11932);
	ck_assert_int_eq(apic_take(l), 0x30);
	pass(11932 * 2);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), 0x30);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), 0x30);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), -1);
	/* Unmasking this pin forgets, unmasking the old one does not. */
	pass(11932);
	ck_assert_int_eq(apic_take(l), 0x30);
	pass(11932 * 4);
	ioapic_redir(0, 0x31);
	ck_assert_uint_eq(m.chip.pit.pending, 4);
	ioapic_redir(2, 0x10030);
	ioapic_redir(2, 0x30);
	ck_assert_uint_eq(m.chip.pit.pending, 0);
}
END_TEST

START_TEST(short_periods_are_bounded)
{
	unsigned int n = 0;
	u64 end;

	init_pic();
	program(0, 2, 2);
	end = rd_host_now_ns() + 10000000;
	while (rd_shim_next_expiry() <= end) {
		rd_shim_advance(rd_shim_next_expiry() - rd_host_now_ns());
		while (tick())
			eoi();
		n++;
	}
	ck_assert_uint_ge(n, 90);
	ck_assert_uint_le(n, 101);
}
END_TEST

START_TEST(hpet_takes_the_ticks)
{
	struct kvm_pit_state2 s;

	init_pic();
	program(0, 2, 11932);
	rd_pit_get_state(&m.chip, &s);
	s.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
	pass(11932 * 3);
	ck_assert(!tick());
	rd_pit_get_state(&m.chip, &s);
	ck_assert_uint_eq(s.flags, KVM_PIT_FLAGS_HPET_LEGACY);
	s.flags = 0;
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
	pass(11932);
	ck_assert(tick());
}
END_TEST

START_TEST(state_round_trip)
{
	struct kvm_pit_state2 s, back;
	u64 start;

	init_pic();
	gate2(true);
	program(2, 0, 5000);
	program(0, 2, 11932);
	start = t0;
	pass(11932 * 2 + 1000);
	while (tick())
		eoi();
	out(0x61, 2); /* stops channel 2 */
	out(0x43, 0x00);
	in(0x40);
	rd_pit_get_state(&m.chip, &s);
	ck_assert_uint_eq(s.channels[0].count, 11932);
	ck_assert_uint_eq(s.channels[0].count_load_time, start);
	ck_assert_uint_eq(s.channels[0].mode, 2);
	ck_assert_uint_eq(s.channels[2].gate, 0);
	ck_assert_uint_eq(s.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	rd_irqchip_destroy(&m.chip);
	rd_irqchip_init(&m.chip);
	ck_assert_int_eq(rd_irqchip_create(&m.chip), 0);
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, KVM_PIT_SPEAKER_DUMMY), 0);
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
	rd_pit_get_state(&m.chip, &back);
	ck_assert_mem_eq(&s, &back, sizeof(s));
	ck_assert_uint_eq(in(0x40), (11932 - 1000) >> 8); /* the second byte of the latched count */
	init_pic();
	/* In phase with what it was, and channel 2 where it stopped. */
	pass(11932 - 1000 - 1);
	ck_assert(!tick());
	pass(1);
	ck_assert(tick());
	ck_assert_uint_eq(latched(2), (u16)(5000 - 11932 * 2 - 1000));
	ck_assert(in(0x61) & 2);
}
END_TEST

START_TEST(state_of_an_unprogrammed_pit)
{
	struct kvm_pit_state2 s;

	rd_pit_get_state(&m.chip, &s);
	/* Never programmed, and no VMM divides by zero. */
	ck_assert_uint_eq(s.channels[0].count, 0x10000);
	ck_assert_uint_eq(s.channels[0].mode, 0xff);
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
	s.channels[0].count = 0;
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
	/* What a VMM sets at reset: 18.2 Hz. A load time of another host's clock counts as now. */
	s.channels[0].mode = 3;
	s.channels[0].count = 0x10000;
	s.channels[0].count_load_time = S64_MAX;
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
	ck_assert_uint_eq(rd_shim_next_expiry(),
			  rd_host_now_ns() + (65536 * 1000000000ULL + HZ - 1) / HZ);
	s.channels[0].count_load_time = -1;
	ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), 0);
}
END_TEST

START_TEST(bad_states)
{
	struct kvm_pit_state2 good, s, after;
	unsigned int n;

	program(0, 2, 11932);
	rd_pit_get_state(&m.chip, &good);
#define BAD(field, value) \
	do { \
		s = good; \
		s.field = value; \
		ck_assert_int_eq(rd_pit_set_state(&m.chip, &s), -EINVAL); \
	} while (0)
	for (n = 0; n < 3; n++) {
		BAD(channels[n].count, 0x10001);
		BAD(channels[n].mode, 6);
		BAD(channels[n].rw_mode, 4);
		BAD(channels[n].read_state, 5);
		BAD(channels[n].write_state, 5);
		BAD(channels[n].count_latched, 5);
	}
	BAD(flags, 4);
	rd_pit_get_state(&m.chip, &after);
	ck_assert_mem_eq(&good, &after, sizeof(good));
}
END_TEST

/*
 * Any accesses at any time: no fault, the output agrees with port 0x61, and a periodic channel 0
 * always has its next tick.
 */
START_TEST(random_accesses)
{
	struct kvm_pit_state2 s;
	unsigned int n;
	u32 r[3];

	init_pic();
	for (n = 0; n < 30000; n++) {
		rd_host_random(r, sizeof(r));
		switch (r[0] % 8) {
		case 0 ... 1:
			rd_pit_port_write(&m.chip, 0x43, (u8)r[1]);
			break;
		case 2 ... 3:
			rd_pit_port_write(&m.chip, (u16)(0x40 + r[1] % 3), (u8)r[2]);
			break;
		case 4:
			in((u16)(0x40 + r[1] % 4));
			break;
		case 5:
			rd_pit_port_write(&m.chip, 0x61, (u8)r[1]);
			break;
		case 6:
			rd_pit_get_state(&m.chip, &s);
			if (rd_pit_set_state(&m.chip, &s))
				ck_abort_msg("a state that was read is refused");
			break;
		default:
			rd_shim_advance(r[1] % 1000000);
			while (tick())
				eoi();
			break;
		}
		if (m.chip.pit.ch[0].started && (m.chip.pit.ch[0].mode & 6) == 2 &&
		    !rd_shim_next_expiry())
			ck_abort_msg("channel 0 has stopped");
	}
}
END_TEST

static void setup(void)
{
	machine_create(1, RD_IRQCHIP_KERNEL);
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, KVM_PIT_SPEAKER_DUMMY), 0);
	apic_write(m.lapic[0], RD_APIC_LVT_LINT0, 0x700);
	restart_clock();
}

static TCase *counter_tests(void)
{
	TCase *tc = tcase_create("counters");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, ports);
	tcase_add_test(tc, mode0);
	tcase_add_test(tc, mode0_gate);
	tcase_add_test(tc, mode1);
	tcase_add_test(tc, mode2);
	tcase_add_test(tc, mode3);
	tcase_add_test(tc, mode4);
	tcase_add_test(tc, mode5);
	tcase_add_test(tc, modes_6_and_7_are_2_and_3);
	tcase_add_test(tc, count_of_zero);
	tcase_add_test(tc, bcd);
	tcase_add_test(tc, byte_access);
	tcase_add_test(tc, latches);
	tcase_add_test(tc, port_61);
	return tc;
}

static TCase *tick_tests(void)
{
	TCase *tc = tcase_create("ticks");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_loop_test(tc, periodic_ticks, 0, 4);
	tcase_add_loop_test(tc, one_shot_ticks, 0, 2);
	tcase_add_test(tc, channel_0_has_no_trigger);
	tcase_add_test(tc, reinjection);
	tcase_add_test(tc, no_reinjection);
	tcase_add_test(tc, late_host);
	tcase_add_test(tc, masked);
	tcase_add_test(tc, through_the_ioapic);
	tcase_add_test(tc, rerouted_to_pin_2);
	tcase_add_test(tc, short_periods_are_bounded);
	tcase_add_test(tc, hpet_takes_the_ticks);
	tcase_add_test(tc, random_accesses);
	return tc;
}

static TCase *state_tests(void)
{
	TCase *tc = tcase_create("state");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, state_round_trip);
	tcase_add_test(tc, state_of_an_unprogrammed_pit);
	tcase_add_test(tc, bad_states);
	return tc;
}

Suite *rd_suite(void)
{
	Suite *s = suite_create("pit");

	suite_add_tcase(s, counter_tests());
	suite_add_tcase(s, tick_tests());
	suite_add_tcase(s, state_tests());
	return s;
}
