// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the 8259A pair: initialization, priorities and their rotation, EOI modes, special modes,
 * cascade, ELCR, state.
 */
#include "tests/unit/irqchip/irqchip_tests.h"
#include "tests/unit/irqchip/machine.h"

static void out(u16 port, u8 val)
{
	ck_assert(rd_pic_port_write(&m.chip, port, val));
}

static u8 in(u16 port)
{
	u8 val = 0xcc;

	ck_assert(rd_pic_port_read(&m.chip, port, &val));
	return val;
}

static int line(unsigned int gsi, bool level)
{
	return rd_irqchip_set_gsi(&m.chip, gsi, RD_IRQ_SOURCE_USER, level);
}

static void pulse(unsigned int gsi)
{
	line(gsi, true);
	line(gsi, false);
}

static void init(u8 icw4)
{
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, icw4);
	out(0xa0, 0x11);
	out(0xa1, 0x28);
	out(0xa1, 0x02);
	out(0xa1, icw4 & ~0x10);
	out(0x21, 0);
	out(0xa1, 0);
}

static u8 isr(u16 port)
{
	out(port, 0x0b);
	return in(port);
}

static u8 irr(u16 port)
{
	out(port, 0x0a);
	return in(port);
}

static bool intr(void)
{
	return m.chip.pic.output;
}

START_TEST(ports)
{
	static const u16 mine[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	u32 port;
	u8 val;
	unsigned int i;
	bool found;

	for (port = 0; port < 0x10000; port++) {
		found = false;
		for (i = 0; i < ARRAY_SIZE(mine); i++)
			found |= port == mine[i];
		if (rd_pic_port_read(&m.chip, (u16)port, &val) != found)
			ck_abort_msg("port %x", port);
		if (!found && rd_pic_port_write(&m.chip, (u16)port, 0))
			ck_abort_msg("port %x", port);
	}
	m.chip.mode = RD_IRQCHIP_SPLIT;
	ck_assert(!rd_pic_port_read(&m.chip, 0x20, &val));
	ck_assert(!rd_pic_port_write(&m.chip, 0x4d0, 0));
	m.chip.mode = RD_IRQCHIP_KERNEL;
}
END_TEST

START_TEST(initialization)
{
	init(1);
	out(0x21, 0x5a);
	ck_assert_uint_eq(in(0x21), 0x5a);
	out(0x21, 0);
	pulse(3);
	ck_assert(intr());
	/* ICW1 clears the mask, the requests and what is in service. */
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x23);
	pulse(4);
	out(0x21, 0xff);
	out(0x20, 0x11);
	ck_assert_uint_eq(in(0x21), 0);
	ck_assert_uint_eq(isr(0x20), 0);
	ck_assert_uint_eq(irr(0x20), 0);
	out(0x21, 0x47); /* the low bits of the base come from the input */
	out(0x21, 0x04);
	out(0x21, 0x01);
	pulse(1);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x41);
	/* Without ICW4. */
	out(0x20, 0x10);
	out(0x21, 0x60);
	out(0x21, 0x04);
	out(0x21, 0x02); /* already the mask */
	ck_assert_uint_eq(in(0x21), 0x02);
	pulse(0);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x60);
}
END_TEST

/* A line that is high over ICW1 must go low before it requests again; a level input requests on. */
START_TEST(lines_over_initialization)
{
	init(1);
	out(0x4d0, 0x10 | 0x20);
	line(3, true);
	line(5, true);
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, 0x01);
	ck_assert_uint_eq(irr(0x20), 0x20);
	line(3, true);
	ck_assert_uint_eq(irr(0x20), 0x20);
	line(3, false);
	line(3, true);
	ck_assert_uint_eq(irr(0x20), 0x28);
}
END_TEST

START_TEST(fully_nested)
{
	init(1);
	pulse(5);
	ck_assert(intr());
	ck_assert_uint_eq(m.pic_changes, 1);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
	ck_assert(!intr());
	ck_assert_uint_eq(isr(0x20), 0x20);
	pulse(6);
	ck_assert(!intr());
	pulse(5);
	ck_assert(!intr());
	pulse(1);
	ck_assert(intr());
	ck_assert_uint_eq(m.pic_changes, 2);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x21);
	ck_assert_uint_eq(isr(0x20), 0x22);
	out(0x20, 0x20); /* the highest in service: 1 */
	ck_assert_uint_eq(isr(0x20), 0x20);
	ck_assert(!intr());
	out(0x20, 0x20);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
	out(0x20, 0x65); /* specific */
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x26);
	out(0x20, 0x20);
	ck_assert(!intr());
	ck_assert_uint_eq(m.pin_eois[0][5], 2);
	ck_assert_uint_eq(m.pin_eois[0][1], 1);
	ck_assert_uint_eq(m.pin_eois[0][6], 1);
	out(0x20, 0x20); /* nothing in service */
	ck_assert_uint_eq(m.pin_eois[0][0], 0);
}
END_TEST

START_TEST(mask)
{
	init(1);
	out(0x21, 0x10);
	ck_assert_int_eq(line(4, true), -1);
	ck_assert(!intr());
	ck_assert_uint_eq(irr(0x20), 0x10);
	out(0x21, 0);
	ck_assert(intr());
	out(0x21, 0x10);
	ck_assert(!intr());
	/* Gone between INTR and INTA: spurious, without an in-service bit. */
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x27);
	ck_assert_uint_eq(isr(0x20), 0);
}
END_TEST

START_TEST(return_values)
{
	init(1);
	ck_assert_int_eq(line(4, true), 1);
	ck_assert_int_eq(line(4, true), 0);
	line(4, false);
	ck_assert_int_eq(line(4, true), 0); /* still requested */
	rd_pic_ack(&m.chip);
	line(4, false);
	ck_assert_int_eq(line(4, true), 1);
}
END_TEST

START_TEST(cascade)
{
	init(1);
	pulse(12);
	ck_assert(intr());
	ck_assert_uint_eq(irr(0x20), 0x04);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x2c);
	ck_assert_uint_eq(isr(0x20), 0x04);
	ck_assert_uint_eq(isr(0xa0), 0x10);
	/* Without special fully nested mode the slave's better input waits for the master. */
	pulse(9);
	ck_assert(!intr());
	pulse(1);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x21);
	out(0x20, 0x20);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	ck_assert_uint_eq(m.pin_eois[1][4], 1);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x29);
}
END_TEST

START_TEST(spurious_of_the_slave)
{
	init(1);
	line(11, true);
	ck_assert(intr());
	/* The slave's request is masked after the master latched its edge. */
	m.chip.pic.chip[1].imr = 0xff;
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x2f);
	ck_assert_uint_eq(isr(0x20), 0x04);
	ck_assert_uint_eq(isr(0xa0), 0);
}
END_TEST

START_TEST(special_fully_nested)
{
	init(0x11);
	pulse(12);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x2c);
	pulse(9);
	ck_assert(intr());
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x29);
	ck_assert_uint_eq(isr(0xa0), 0x12);
	pulse(13);
	ck_assert(!intr());
}
END_TEST

START_TEST(auto_eoi)
{
	init(3);
	pulse(5);
	pulse(6);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
	ck_assert_uint_eq(isr(0x20), 0);
	ck_assert_uint_eq(m.pin_eois[0][5], 1);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x26);
	/* The slave goes on with its next input at once. */
	pulse(9);
	pulse(12);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x29);
	ck_assert(intr());
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x2c);
	ck_assert(!intr());
	/* With rotation: the served input becomes the last. */
	out(0x20, 0x80);
	pulse(3);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x23);
	pulse(3);
	pulse(4);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x24);
	out(0x20, 0x00);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x23);
	pulse(4);
	pulse(5);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
}
END_TEST

START_TEST(rotation)
{
	unsigned int i;

	init(1);
	/* Set priority: 4 is the lowest, so 5 is the highest. */
	out(0x20, 0xc4);
	for (i = 0; i < 8; i++)
		if (i != 2)
			pulse(i);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
	/* Rotate on non-specific EOI: 5 becomes the lowest. */
	out(0x20, 0xa0);
	pulse(5);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x26);
	/* Rotate on specific EOI. */
	out(0x20, 0xe6);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x27);
	out(0x20, 0x20);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x20);
	out(0x20, 0x20);
	out(0x20, 0x40); /* no operation */
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x21);
}
END_TEST

START_TEST(special_mask)
{
	init(1);
	pulse(1);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x21);
	pulse(4);
	ck_assert(!intr());
	out(0x20, 0x68);
	ck_assert(!intr());
	out(0x21, 0x02); /* masking the one in service lets all others through */
	ck_assert(intr());
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x24);
	out(0x20, 0x20); /* does not end the masked one */
	ck_assert_uint_eq(isr(0x20), 0x02);
	out(0x20, 0x48);
	pulse(4);
	ck_assert(!intr());
	out(0x20, 0x61);
	ck_assert(intr());
}
END_TEST

START_TEST(poll)
{
	init(1);
	out(0x20, 0x0c);
	ck_assert_uint_eq(in(0x20), 0);
	pulse(6);
	out(0x20, 0x0c);
	ck_assert_uint_eq(in(0x20), 0x86);
	ck_assert_uint_eq(isr(0x20), 0x40);
	ck_assert(!intr());
	out(0x20, 0x20);
	pulse(10);
	out(0x20, 0x0c);
	ck_assert_uint_eq(in(0x21), 0x82);
	out(0xa0, 0x0c);
	ck_assert_uint_eq(in(0xa0), 0x82);
	ck_assert_uint_eq(isr(0xa0), 0x04);
	ck_assert_uint_eq(in(0x21), 0); /* the mask again */
}
END_TEST

START_TEST(level_triggered)
{
	init(1);
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	ck_assert_uint_eq(in(0x4d0), 0xf8);
	ck_assert_uint_eq(in(0x4d1), 0xde);
	line(5, true);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
	ck_assert_uint_eq(irr(0x20), 0x20);
	out(0x20, 0x20);
	ck_assert(intr());
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x25);
	line(5, false);
	out(0x20, 0x20);
	ck_assert(!intr());
	/* Resampled: the listener takes the line down at EOI. */
	line(11, true);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x2b);
	m.lower_gsi = 11;
	out(0xa0, 0x20);
	out(0x20, 0x20);
	ck_assert_uint_eq(m.pin_eois[1][3], 1);
	ck_assert(!intr());
	/*
	 * A high line whose input becomes level-triggered asks at once; a latched edge of a low one
	 * is dropped.
	 */
	out(0x4d0, 0);
	line(6, true);
	rd_pic_ack(&m.chip);
	out(0x20, 0x20);
	pulse(7);
	ck_assert_uint_eq(irr(0x20), 0x80);
	out(0x4d0, 0xc0);
	ck_assert_uint_eq(irr(0x20), 0x40);
}
END_TEST

/* No IOAPIC, no APIC vectors: the PIC's output reaches a vCPU by LINT0 alone. */
START_TEST(virtual_wire)
{
	struct rd_lapic *l = m.lapic[0];

	init(1);
	apic_write(l, RD_APIC_LVT_LINT0, 0x10700);
	ck_assert(!rd_lapic_has_pending(l));
	pulse(3);
	ck_assert(!rd_lapic_has_pending(l));
	apic_write(l, RD_APIC_LVT_LINT0, 0x700);
	ck_assert(rd_lapic_has_pending(l));
	ck_assert(!rd_lapic_has_pending(m.lapic[1]));
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x23);
	ck_assert(!rd_lapic_has_pending(l));
}
END_TEST

START_TEST(state)
{
	struct kvm_irqchip s = { .chip_id = KVM_IRQCHIP_PIC_MASTER },
			   slave = { .chip_id = KVM_IRQCHIP_PIC_SLAVE }, back;

	init(1);
	out(0x21, 0x81);
	out(0x4d0, 0x20);
	pulse(4);
	pulse(9);
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &s), 0);
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &slave), 0);
	ck_assert_uint_eq(s.chip.pic.imr, 0x81);
	ck_assert_uint_eq(s.chip.pic.irq_base, 0x20);
	ck_assert_uint_eq(s.chip.pic.elcr, 0x20);
	ck_assert_uint_eq(s.chip.pic.irr, 0x14);
	ck_assert_uint_eq(slave.chip.pic.irr, 0x02);
	machine_destroy();
	machine_create(1, RD_IRQCHIP_KERNEL);
	ck_assert(!intr());
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &slave), 0);
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), 0);
	ck_assert(intr());
	ck_assert_uint_ge(m.pic_changes, 1);
	back.chip_id = KVM_IRQCHIP_PIC_MASTER;
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &back), 0);
	ck_assert_mem_eq(&back.chip.pic, &s.chip.pic, sizeof(s.chip.pic));
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x29);
	ck_assert_int_eq(rd_pic_ack(&m.chip), 0x27); /* 4 waits for 2 to end */
	s.chip.pic.init_state = 4;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), -EINVAL);
	s.chip.pic.init_state = 0;
	s.chip.pic.priority_add = 8;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), -EINVAL);
	memset(&s.chip, 0xff, sizeof(s.chip));
	s.chip.pic.init_state = 3;
	s.chip.pic.priority_add = 7;
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), 0);
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &back), 0);
	ck_assert_uint_eq(back.chip.pic.elcr, 0xf8);
	ck_assert_uint_eq(back.chip.pic.elcr_mask, 0xf8);
	ck_assert_uint_eq(back.chip.pic.auto_eoi, 1);
}
END_TEST

/*
 * Output follows from the registers after any access, and an acknowledged input is in service
 * unless it is spurious or automatic.
 */
START_TEST(random_traffic)
{
	static const u16 ports_used[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	unsigned int n;
	u32 r[3];
	int vector;

	init(1);
	for (n = 0; n < 50000; n++) {
		rd_host_random(r, sizeof(r));
		switch (r[0] % 8) {
		case 0:
			out(ports_used[r[1] % 6], (u8)r[2]);
			break;
		case 1:
			in(ports_used[r[1] % 6]);
			break;
		case 2 ... 5:
			line(r[1] % 16, r[2] & 1);
			break;
		case 6:
			if (!intr())
				break;
			vector = rd_pic_ack(&m.chip);
			if (vector < 0 || vector > 255)
				ck_abort_msg("vector %d", vector);
			break;
		default:
			out(0xa0, 0x20);
			out(0x20, 0x20);
			break;
		}
		if (r[0] % 97 == 0)
			init(r[1] & 0x13);
		/* With nothing in service and something unmasked requested, INTR is high. */
		if (!m.chip.pic.chip[0].isr && (m.chip.pic.chip[0].irr & ~m.chip.pic.chip[0].imr) &&
		    !intr())
			ck_abort_msg("a request was lost");
		if (!(m.chip.pic.chip[0].irr & ~m.chip.pic.chip[0].imr) && intr())
			ck_abort_msg("INTR without a request");
	}
}
END_TEST

static void setup(void)
{
	machine_create(2, RD_IRQCHIP_KERNEL);
}

TCase *pic_tests(void)
{
	TCase *tc = tcase_create("pic");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, ports);
	tcase_add_test(tc, initialization);
	tcase_add_test(tc, lines_over_initialization);
	tcase_add_test(tc, fully_nested);
	tcase_add_test(tc, mask);
	tcase_add_test(tc, return_values);
	tcase_add_test(tc, cascade);
	tcase_add_test(tc, spurious_of_the_slave);
	tcase_add_test(tc, special_fully_nested);
	tcase_add_test(tc, auto_eoi);
	tcase_add_test(tc, rotation);
	tcase_add_test(tc, special_mask);
	tcase_add_test(tc, poll);
	tcase_add_test(tc, level_triggered);
	tcase_add_test(tc, virtual_wire);
	tcase_add_test(tc, state);
	tcase_add_test(tc, random_traffic);
	return tc;
}
