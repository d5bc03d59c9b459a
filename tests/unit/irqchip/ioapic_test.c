// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the I/O APIC: registers, edge and level pins, remote IRR, EOI, destinations, saved
 * state.
 */
#include "tests/unit/irqchip/irqchip_tests.h"
#include "tests/unit/irqchip/machine.h"

#define LEVEL (1ULL << 15)
#define MASKED (1ULL << 16)
#define REMOTE_IRR (1ULL << 14)
#define TO(id) ((u64)(id) << 56)

static int line(unsigned int gsi, bool level)
{
	return rd_irqchip_set_gsi(&m.chip, gsi, RD_IRQ_SOURCE_USER, level);
}

static u64 redir(unsigned int pin)
{
	return (u64)ioapic_read(0x11 + 2 * pin) << 32 | ioapic_read(0x10 + 2 * pin);
}

/* Take the vector that must be next, and end it. */
static void serve(struct rd_lapic *l, int vector)
{
	ck_assert_int_eq(apic_take(l), vector);
	rd_lapic_eoi(l);
}

START_TEST(registers)
{
	unsigned int pin;

	ck_assert_uint_eq(ioapic_read(1), 0x00170011);
	ck_assert_uint_eq(ioapic_read(0), 0);
	ioapic_write(0, U32_MAX);
	ck_assert_uint_eq(ioapic_read(0), 0x0f000000);
	ck_assert_uint_eq(ioapic_read(2), 0x0f000000);
	ioapic_write(1, 0);
	ck_assert_uint_eq(ioapic_read(1), 0x00170011);
	for (pin = 0; pin < 24; pin++) {
		ck_assert_uint_eq(redir(pin), MASKED);
		ioapic_redir(pin, U64_MAX);
		ck_assert_uint_eq(redir(pin), TO(0xff) | 0x1afff);
	}
	ck_assert_uint_eq(ioapic_read(3), 0);
	ck_assert_uint_eq(ioapic_read(0x40), 0);
	ioapic_write(0x40, U32_MAX);
}
END_TEST

START_TEST(window)
{
	u32 val = 1;
	u8 byte;
	u16 half;
	u64 quad = 0x1234;

	rd_ioapic_write(&m.chip, 0, 1, &val);
	rd_ioapic_read(&m.chip.ioapic, 0, 4, &val);
	ck_assert_uint_eq(val, 1);
	rd_ioapic_read(&m.chip.ioapic, 0x10, 1, &byte);
	ck_assert_uint_eq(byte, 0x11);
	rd_ioapic_read(&m.chip.ioapic, 0x10, 2, &half);
	ck_assert_uint_eq(half, 0x11);
	rd_ioapic_read(&m.chip.ioapic, 0x10, 8, &quad);
	ck_assert_uint_eq(quad, U64_MAX);
	rd_ioapic_write(&m.chip, 0, 8, &quad);
	rd_ioapic_read(&m.chip.ioapic, 0, 4, &val);
	ck_assert_uint_eq(val, 1);
	rd_ioapic_read(&m.chip.ioapic, 0x40, 4, &val);
	ck_assert_uint_eq(val, 0);
	val = 0x30;
	rd_ioapic_write(&m.chip, 0x40, 4, &val); /* version 0x11 has no EOI register */
}
END_TEST

START_TEST(edge_pin)
{
	struct rd_lapic *l = m.lapic[1];

	ck_assert_int_eq(line(18, true), -1); /* masked */
	ck_assert_int_eq(line(18, false), 0);
	ioapic_redir(18, 0x61 | TO(1));
	ck_assert_int_eq(rd_lapic_next(l), -1); /* an edge while masked is lost */
	ck_assert_int_eq(line(18, true), 1);
	ck_assert_int_eq(line(18, true), 0); /* no new edge */
	serve(l, 0x61);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	line(18, false);
	ck_assert_int_eq(line(18, true), 1);
	line(18, false);
	ck_assert_int_eq(line(18, true), 0); /* coalesced with the one pending */
	serve(l, 0x61);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_uint_eq(m.pin_eois[KVM_IRQCHIP_IOAPIC][18], 0);
	ck_assert(!(redir(18) & REMOTE_IRR));
}
END_TEST

START_TEST(level_pin)
{
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(20, 0x71 | LEVEL);
	ck_assert_int_eq(line(20, true), 1);
	ck_assert(redir(20) & REMOTE_IRR);
	ck_assert(test_bit(0x71, l->tmr));
	ck_assert_int_eq(line(20, true), 0);
	ck_assert_int_eq(apic_take(l), 0x71);
	/* Still high at EOI: again. */
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.pin_eois[KVM_IRQCHIP_IOAPIC][20], 1);
	ck_assert(redir(20) & REMOTE_IRR);
	ck_assert_int_eq(apic_take(l), 0x71);
	line(20, false);
	rd_lapic_eoi(l);
	ck_assert(!(redir(20) & REMOTE_IRR));
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_int_eq(line(20, true), 1);
}
END_TEST

START_TEST(level_mask_and_unmask)
{
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(20, 0x71 | LEVEL);
	line(20, true);
	ck_assert_int_eq(apic_take(l), 0x71);
	/* As Linux does it: mask, EOI, later unmask with the line still high. */
	ioapic_redir(20, 0x71 | LEVEL | MASKED);
	ck_assert(redir(20) & REMOTE_IRR);
	rd_lapic_eoi(l);
	ck_assert(!(redir(20) & REMOTE_IRR));
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ioapic_redir(20, 0x71 | LEVEL);
	ck_assert_int_eq(apic_take(l), 0x71);
	line(20, false);
	rd_lapic_eoi(l);
	/* Low again before the unmask: nothing. */
	ioapic_redir(20, 0x71 | LEVEL | MASKED);
	line(20, true);
	line(20, false);
	ioapic_redir(20, 0x71 | LEVEL);
	ck_assert_int_eq(rd_lapic_next(l), -1);
}
END_TEST

/* Version 0x11 has no EOI register: software clears a stuck remote IRR by way of the edge mode. */
START_TEST(edge_trick_clears_remote_irr)
{
	ioapic_redir(20, 0x71 | LEVEL);
	line(20, true);
	ck_assert(redir(20) & REMOTE_IRR);
	line(20, false);
	ioapic_write(0x10 + 40, 0x71 | MASKED);
	ck_assert(!(redir(20) & REMOTE_IRR));
	ioapic_write(0x10 + 40, 0x71 | LEVEL);
	ck_assert(!(redir(20) & REMOTE_IRR));
	ck_assert_int_eq(line(20, true), 0); /* IRR still has the first */
}
END_TEST

START_TEST(resampled_line)
{
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(21, 0x81 | LEVEL);
	line(21, true);
	m.lower_gsi = 21;
	serve(l, 0x81);
	ck_assert_uint_eq(m.pin_eois[KVM_IRQCHIP_IOAPIC][21], 1);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert(!(redir(21) & REMOTE_IRR));
}
END_TEST

START_TEST(shared_vector)
{
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(5, 0x91 | LEVEL);
	ioapic_redir(6, 0x91 | LEVEL);
	ck_assert_int_eq(line(5, true), 1);
	ck_assert_int_eq(line(6, true), 0);
	ck_assert_int_eq(apic_take(l), 0x91);
	line(5, false);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.pin_eois[KVM_IRQCHIP_IOAPIC][5], 1);
	ck_assert_uint_eq(m.pin_eois[KVM_IRQCHIP_IOAPIC][6], 1);
	ck_assert_int_eq(apic_take(l), 0x91); /* pin 6 */
	line(6, false);
	rd_lapic_eoi(l);
	ck_assert_int_eq(rd_lapic_next(l), -1);
}
END_TEST

/* An IPI with the vector of a level pin is not that pin's interrupt. */
START_TEST(eoi_of_an_edge_with_a_level_vector)
{
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(5, 0x91 | LEVEL);
	rd_lapic_deliver(l, RD_DM_FIXED, 0x91, false);
	serve(l, 0x91);
	ck_assert_uint_eq(m.pin_eois[KVM_IRQCHIP_IOAPIC][5], 0);
}
END_TEST

START_TEST(refused_level_is_offered_again)
{
	struct rd_lapic *l = m.lapic[2];

	apic_write(l, RD_APIC_SVR, 0xff);
	ioapic_redir(7, 0x91 | LEVEL | TO(2));
	ck_assert_int_eq(line(7, true), -1);
	ck_assert(!(redir(7) & REMOTE_IRR));
	apic_write(l, RD_APIC_SVR, 0x1ff);
	ioapic_redir(7, 0x91 | LEVEL | TO(2));
	ck_assert_int_eq(rd_lapic_next(l), 0x91);
}
END_TEST

START_TEST(delivery_modes)
{
	static const struct {
		unsigned int mode;
		unsigned long event;
		int r;
	} cases[] = { { 0, 0, 1 },
		      { 1, 0, 1 },
		      { 2, BIT(RD_LAPIC_EV_SMI), 1 },
		      { 3, 0, -1 },
		      { 4, BIT(RD_LAPIC_EV_NMI), 1 },
		      { 5, BIT(RD_LAPIC_EV_INIT), 1 },
		      { 7, 0, -1 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ioapic_redir(4,
			     0xa1 | cases[i].mode << 8 | TO(1) | (cases[i].mode > 1 ? LEVEL : 0));
		ck_assert_int_eq(line(4, true), cases[i].r);
		line(4, false);
		ck_assert_uint_eq(m.lapic[1]->events, cases[i].event);
		ck_assert_int_eq(irr_has(m.lapic[1], 0xa1), cases[i].mode <= 1);
		ck_assert(!(redir(4) & REMOTE_IRR));
		m.lapic[1]->events = 0;
		clear_bit(0xa1, m.lapic[1]->irr);
	}
}
END_TEST

START_TEST(destinations)
{
	apic_write(m.lapic[0], RD_APIC_LDR, 0x01000000);
	apic_write(m.lapic[1], RD_APIC_LDR, 0x02000000);
	apic_write(m.lapic[2], RD_APIC_LDR, 0x04000000);
	ioapic_redir(9, 0xb1 | 1 << 11 | TO(5));
	ck_assert_int_eq(line(9, true), 2);
	line(9, false);
	ck_assert(irr_has(m.lapic[0], 0xb1) && !irr_has(m.lapic[1], 0xb1) &&
		  irr_has(m.lapic[2], 0xb1));
	ioapic_redir(9, 0xb2 | TO(0xff));
	ck_assert_int_eq(line(9, true), 3);
	line(9, false);
	ioapic_redir(9, 0xb3 | TO(77));
	ck_assert_int_eq(line(9, true), -1);
	line(9, false);
	/* Lowest priority: one of the three. */
	ioapic_redir(9, 0xb4 | 1 << 8 | 1 << 11 | TO(7));
	ck_assert_int_eq(line(9, true), 1);
	ck_assert_int_eq(irr_has(m.lapic[0], 0xb4) + irr_has(m.lapic[1], 0xb4) +
				 irr_has(m.lapic[2], 0xb4),
			 1);
}
END_TEST

START_TEST(several_sources_share_a_line)
{
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(10, 0x71 | LEVEL);
	line(10, true);
	rd_irqchip_set_gsi(&m.chip, 10, RD_IRQ_SOURCE_IRQFD, true);
	ck_assert_int_eq(apic_take(l), 0x71);
	line(10, false);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), 0x71);
	rd_irqchip_set_gsi(&m.chip, 10, RD_IRQ_SOURCE_IRQFD, false);
	rd_lapic_eoi(l);
	ck_assert_int_eq(rd_lapic_next(l), -1);
}
END_TEST

START_TEST(state)
{
	struct kvm_irqchip s = { .chip_id = KVM_IRQCHIP_IOAPIC }, back;
	struct rd_lapic *l = m.lapic[0];

	ioapic_redir(20, 0x71 | LEVEL);
	ioapic_redir(21, 0x72 | LEVEL | MASKED);
	ioapic_redir(3, 0x33 | TO(2));
	ioapic_write(0, 5 << 24);
	line(20, true);
	line(21, true);
	m.chip.ioapic.base = 0xfed10000;
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &s), 0);
	ck_assert_uint_eq(s.chip.ioapic.base_address, 0xfed10000);
	ck_assert_uint_ne(s.chip.ioapic.ioregsel, 1);
	ck_assert_uint_eq(s.chip.ioapic.id, 5);
	ck_assert_uint_eq(s.chip.ioapic.irr, 3U << 20);
	ck_assert_uint_eq(s.chip.ioapic.redirtbl[20].bits, 0x71 | LEVEL | REMOTE_IRR);
	machine_destroy();
	machine_create(1, RD_IRQCHIP_KERNEL);
	l = m.lapic[0];
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), 0);
	back = s;
	memset(&back.chip, 0xcc, sizeof(back.chip));
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &back), 0);
	ck_assert_mem_eq(&back.chip.ioapic, &s.chip.ioapic, sizeof(s.chip.ioapic));
	/* 20 waits for its EOI; 21 is high and may go when unmasked. */
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ioapic_redir(21, 0x72 | LEVEL);
	serve(l, 0x72);
	/* A level that was asserted and not yet delivered goes out on restore. */
	s.chip.ioapic.redirtbl[20].bits &= ~REMOTE_IRR;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), 0);
	ck_assert(irr_has(l, 0x71));
	s.chip.ioapic.irr = 1U << 24;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), -EINVAL);
	s.chip.ioapic.irr = 0;
	s.chip.ioapic.base_address = 0xfec00001;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), -EINVAL);
	s.chip_id = 3;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), -EINVAL);
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &s), -EINVAL);
}
END_TEST

/*
 * Any accesses and lines: remote IRR only on level entries, and a high, unmasked, idle level pin
 * has been offered.
 */
START_TEST(random_traffic)
{
	unsigned int n, pin, i;
	u32 r[4], val;

	for (n = 0; n < 20000; n++) {
		rd_host_random(r, sizeof(r));
		val = (r[1] & 0x1a8ff) | 0x20;
		switch (r[0] % 6) {
		case 0:
			ioapic_write(0x10 + 2 * (r[2] % 24), val);
			break;
		case 1:
			ioapic_write(0x11 + 2 * (r[2] % 24), r[1] % 4 << 24);
			break;
		case 2 ... 3:
			line(r[2] % 24, r[3] & 1);
			break;
		default:
			if (apic_take(m.lapic[r[2] % 3]) < 0 || r[3] & 1)
				rd_lapic_eoi(m.lapic[r[2] % 3]);
			break;
		}
		for (pin = 0; pin < 24; pin++) {
			u64 e = m.chip.ioapic.redir[pin];

			if (!(e & LEVEL) && (e & REMOTE_IRR))
				ck_abort_msg("remote IRR on an edge entry");
			if ((e & LEVEL) && !test_bit(e & 0xff, m.chip.ioapic.handled))
				ck_abort_msg("a level vector that EOI would miss");
			if ((e & LEVEL) && !(e & (MASKED | REMOTE_IRR | 1 << 11)) &&
			    (m.chip.ioapic.irr >> pin & 1) && e >> 56 < 3)
				ck_abort_msg("a level pin forgotten");
		}
	}
	/* Let everything drain: no level pin may stay waiting for an EOI that was given. */
	for (pin = 0; pin < 24; pin++)
		line(pin, false);
	for (i = 0; i < 3; i++) {
		apic_write(m.lapic[i], RD_APIC_TPR, 0);
		do {
			while (m.lapic[i]->isrv >= 0)
				rd_lapic_eoi(m.lapic[i]);
		} while (apic_take(m.lapic[i]) >= 0);
	}
	ck_assert_uint_eq(m.chip.ioapic.irr, 0);
}
END_TEST

static void setup(void)
{
	machine_create(3, RD_IRQCHIP_KERNEL);
	/* The PIC has the same lines. */
	m.chip.pic.chip[0].imr = 0xff;
	m.chip.pic.chip[1].imr = 0xff;
}

TCase *ioapic_tests(void)
{
	TCase *tc = tcase_create("ioapic");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, registers);
	tcase_add_test(tc, window);
	tcase_add_test(tc, edge_pin);
	tcase_add_test(tc, level_pin);
	tcase_add_test(tc, level_mask_and_unmask);
	tcase_add_test(tc, edge_trick_clears_remote_irr);
	tcase_add_test(tc, resampled_line);
	tcase_add_test(tc, shared_vector);
	tcase_add_test(tc, eoi_of_an_edge_with_a_level_vector);
	tcase_add_test(tc, refused_level_is_offered_again);
	tcase_add_test(tc, delivery_modes);
	tcase_add_test(tc, destinations);
	tcase_add_test(tc, several_sources_share_a_line);
	tcase_add_test(tc, state);
	tcase_add_test(tc, random_traffic);
	return tc;
}
