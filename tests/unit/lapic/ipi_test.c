// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the ICR: delivery modes, shorthands, and destinations in every addressing mode against a
 * plain model.
 */
#include "tests/unit/irqchip/machine.h"
#include "tests/unit/lapic/lapic_tests.h"

static const u32 ids[] = { 0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 64, 130, 200, 253 };

static void setup(void)
{
	unsigned int i;

	machine_create(0, RD_IRQCHIP_KERNEL);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		machine_add(ids[i]);
}

static void all_x2apic(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		apic_x2(m.lapic[ids[i]]);
}

static void send(struct rd_lapic *l, u32 low, u32 dest)
{
	if (rd_lapic_x2apic(l)) {
		ck_assert_int_eq(rd_lapic_msr_write(l, 0x830, (u64)dest << 32 | low), 0);
	} else {
		apic_write(l, RD_APIC_ICR2, dest << 24);
		apic_write(l, RD_APIC_ICR, low);
	}
}

/*
 * Which of the machine's APICs a message reaches, by the letter of the manual, one APIC at a time.
 */
static bool reaches(const struct rd_lapic *from, const struct rd_lapic *to, u32 low, u32 dest)
{
	u32 ldr = to->regs[RD_APIC_LDR / 4], cluster_model = !(to->regs[RD_APIC_DFR / 4] >> 28);

	switch (low >> 18 & 3) {
	case 1:
		return from == to;
	case 2:
		return true;
	case 3:
		return from != to;
	}
	if (rd_lapic_x2apic(from)) {
		if (dest == U32_MAX)
			return true;
		if (!(low & 1 << 11))
			return dest == to->id;
		return dest >> 16 == to->id >> 4 && (dest & 1U << (to->id & 15));
	}
	if (dest == 0xff)
		return true;
	if (!(low & 1 << 11))
		return dest == to->id;
	if (cluster_model)
		return dest >> 4 == ldr >> 28 && (dest & ldr >> 24 & 15);
	return dest & ldr >> 24;
}

static void check_send(struct rd_lapic *from, u32 low, u32 dest)
{
	u32 how = low & (3U << 18 | 1 << 11);
	bool hit, direct = how == 1 << 18 || (!how && dest == from->id);
	u8 vector = low & 0xff;
	unsigned int i;

	send(from, low, dest);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		struct rd_lapic *l = m.lapic[ids[i]];

		hit = reaches(from, l, low, dest);
		ck_assert_msg(irr_has(l, vector) == hit, "ICR %x destination %x from %u: %u %s",
			      low, dest, from->id, ids[i], hit ? "missed" : "hit");
		/* Nobody kicks himself where the destination says so directly. */
		if (hit)
			ck_assert_int_eq(rd_lapic_next(l), vector);
		if (hit && l != from)
			ck_assert_uint_eq(m.kicks[ids[i]], 1);
		if (!hit || (l == from && direct))
			ck_assert_uint_eq(m.kicks[ids[i]], 0);
		clear_bit(vector, l->irr);
		m.kicks[ids[i]] = 0;
	}
}

START_TEST(xapic_physical)
{
	u32 dest;

	for (dest = 0; dest < 256; dest++) {
		check_send(m.lapic[0], 0x4041, dest);
		check_send(m.lapic[200], 0x40fe, dest);
	}
}
END_TEST

START_TEST(x2apic_physical)
{
	static const u32 more[] = { 256,	0x10000,     0x10001, 0x1000000,
				    0xff000000, U32_MAX - 1, U32_MAX };
	unsigned int i;
	u32 dest;

	all_x2apic();
	for (dest = 0; dest < 256; dest++)
		check_send(m.lapic[1], 0x4041, dest);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		check_send(m.lapic[1], 0x4041, more[i]);
}
END_TEST

START_TEST(shorthands)
{
	unsigned int x2, shorthand;

	for (x2 = 0; x2 < 2; x2++) {
		for (shorthand = 1; shorthand < 4; shorthand++) {
			check_send(m.lapic[0], shorthand << 18 | 0x4055, 0);
			check_send(m.lapic[17], shorthand << 18 | 0x4055, 3);
			check_send(m.lapic[17], shorthand << 18 | 0x4855, 0xff);
		}
		if (!x2)
			all_x2apic();
	}
}
END_TEST

START_TEST(xapic_flat)
{
	unsigned int i;
	u32 dest;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		apic_write(m.lapic[ids[i]], RD_APIC_LDR,
			   i < 8 ? 1U << (24 + i) : 0xa5000000 & i << 24);
	for (dest = 0; dest < 256; dest++)
		check_send(m.lapic[2], 0x4861, dest);
}
END_TEST

START_TEST(xapic_cluster)
{
	unsigned int i;
	u32 dest;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		apic_write(m.lapic[ids[i]], RD_APIC_LDR, (i / 4) << 28 | 1U << (24 + i % 4));
		apic_write(m.lapic[ids[i]], RD_APIC_DFR, 0x0fffffff);
	}
	for (dest = 0; dest < 256; dest++)
		check_send(m.lapic[3], 0x4861, dest);
}
END_TEST

START_TEST(x2apic_cluster)
{
	u32 cluster, n, mask;

	all_x2apic();
	for (cluster = 0; cluster < 18; cluster++) {
		for (n = 0; n < 16; n++)
			check_send(m.lapic[8], 0x4861, cluster << 16 | 1U << n);
		for (n = 0; n < 20; n++) {
			rd_host_random(&mask, sizeof(mask));
			check_send(m.lapic[8], 0x4861, cluster << 16 | (mask & 0xffff));
		}
	}
	check_send(m.lapic[8], 0x4861, U32_MAX);
	check_send(m.lapic[8], 0x4861, 0xffff0000);
}
END_TEST

/*
 * The boot processor goes to x2APIC mode first and then starts the others, which are still in xAPIC
 * mode.
 */
START_TEST(x2apic_sender_starts_xapic_receivers)
{
	struct rd_lapic *bsp = m.lapic[0], *ap = m.lapic[200];

	apic_x2(bsp);
	send(bsp, 0xc500, 200);
	ck_assert_uint_eq(ap->events, BIT(RD_LAPIC_EV_INIT));
	send(bsp, 0x8500, 200); /* de-assert */
	ap->events = 0;
	send(bsp, 0x8500, 200);
	ck_assert_uint_eq(ap->events, 0);
	send(bsp, 0x4608, 200);
	ck_assert_uint_eq(ap->events, BIT(RD_LAPIC_EV_SIPI));
	ck_assert_uint_eq(ap->sipi_vector, 8);
	ck_assert_uint_eq(m.lapic[3]->events, 0);
	/* Its logical ids are not theirs. */
	apic_write(m.lapic[3], RD_APIC_LDR, 0x01000000);
	send(bsp, 0x4841, 1);
	ck_assert(irr_has(bsp, 0x41) && !irr_has(m.lapic[3], 0x41));
	send(bsp, 0xc4500, 0);
	ck_assert_uint_eq(m.lapic[3]->events, BIT(RD_LAPIC_EV_INIT));
	ck_assert_uint_eq(bsp->events, 0);
}
END_TEST

START_TEST(delivery_modes)
{
	static const unsigned long event[8] = { 0,
						0,
						BIT(RD_LAPIC_EV_SMI),
						0,
						BIT(RD_LAPIC_EV_NMI),
						BIT(RD_LAPIC_EV_INIT),
						BIT(RD_LAPIC_EV_SIPI),
						0 };
	struct rd_lapic *to = m.lapic[7];
	u32 mode;

	for (mode = 0; mode < 8; mode++) {
		send(m.lapic[0], 0x4000 | mode << 8 | 0x77, 7);
		ck_assert_uint_eq(to->events, event[mode]);
		ck_assert_int_eq(irr_has(to, 0x77), mode < 2);
		ck_assert_uint_eq(m.kicks[7], mode < 2 || event[mode] ? 1 : 0);
		clear_bit(0x77, to->irr);
		to->events = 0;
		m.kicks[7] = 0;
		/*
		 * The trigger mode means nothing except to INIT, and there with assert it is an
		 * INIT.
		 */
		send(m.lapic[0], 0xc000 | mode << 8 | 0x77, 7);
		ck_assert_uint_eq(to->events, event[mode]);
		ck_assert(!test_bit(0x77, to->tmr));
		clear_bit(0x77, to->irr);
		to->events = 0;
		m.kicks[7] = 0;
	}
	send(m.lapic[7], 0x44400, 0); /* NMI to oneself */
	ck_assert_uint_eq(to->events, BIT(RD_LAPIC_EV_NMI));
}
END_TEST

START_TEST(illegal_vectors)
{
	struct rd_lapic *l = m.lapic[0];
	u32 vector;

	for (vector = 0; vector < 16; vector++) {
		send(l, 0x4000 | vector, 1);
		apic_write(l, RD_APIC_ESR, 0);
		ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), BIT(RD_ESR_SEND_ILLEGAL));
		ck_assert_uint_eq(m.lapic[1]->esr_pending, 0);
		ck_assert(!irr_has(m.lapic[1], vector));
	}
	apic_x2(l);
	ck_assert_int_eq(rd_lapic_msr_write(l, 0x83f, 0x0f), 0);
	apic_write(l, RD_APIC_ESR, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), BIT(RD_ESR_RECEIVE_ILLEGAL));
	ck_assert_uint_eq(m.lapic[1]->events, 0);
}
END_TEST

START_TEST(self_ipi_register)
{
	struct rd_lapic *l = m.lapic[16];

	apic_x2(l);
	ck_assert_int_eq(rd_lapic_msr_write(l, 0x83f, 0xd1), 0);
	ck_assert_uint_eq(m.kicks[16], 0);
	ck_assert_int_eq(apic_take(l), 0xd1);
	ck_assert_int_eq(rd_lapic_msr_write(l, 0x83f, 0x1d1), -EINVAL);
}
END_TEST

/* All bits are kept but delivery status: so KVM's selftest of the register wants it. */
START_TEST(icr_reads_back)
{
	struct rd_lapic *l = m.lapic[0];
	u64 val;

	send(l, 0x5a5a58ff, 0xf0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ICR), 0x5a5a48ff);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ICR2), 0xf0000000);
	apic_x2(l);
	ck_assert_int_eq(rd_lapic_msr_write(l, 0x830, 0xfedcba98765438ffULL), 0);
	ck_assert_int_eq(rd_lapic_msr_read(l, 0x830, &val), 0);
	ck_assert_uint_eq(val, 0xfedcba98765428ffULL);
}
END_TEST

START_TEST(lowest_priority)
{
	unsigned int i, hits[254] = { 0 };

	for (i = 0; i < 4; i++)
		apic_write(m.lapic[i], RD_APIC_LDR, 1U << (24 + i));
	apic_write(m.lapic[0], RD_APIC_TPR, 0x20);
	apic_write(m.lapic[1], RD_APIC_TPR, 0x10);
	apic_write(m.lapic[2], RD_APIC_TPR, 0x1f);
	apic_write(m.lapic[3], RD_APIC_SVR, 0xff); /* does not take part */
	for (i = 0; i < 20; i++) {
		send(m.lapic[7], 0x4900 | (0x90 + i), 0x0f);
		hits[0] += irr_has(m.lapic[0], 0x90 + i);
		hits[1] += irr_has(m.lapic[1], 0x90 + i);
		hits[2] += irr_has(m.lapic[2], 0x90 + i);
		hits[3] += irr_has(m.lapic[3], 0x90 + i);
	}
	ck_assert_uint_eq(hits[0], 0);
	ck_assert_uint_eq(hits[1], 10);
	ck_assert_uint_eq(hits[2], 10);
	ck_assert_uint_eq(hits[3], 0);
	/* Nobody there. */
	send(m.lapic[7], 0x4995, 0x40);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert(!irr_has(m.lapic[ids[i]], 0x95) || ids[i] == 1 || ids[i] == 2);
}
END_TEST

START_TEST(disabled_receivers)
{
	apic_write(m.lapic[1], RD_APIC_SVR, 0xff);
	rd_lapic_set_base(m.lapic[2], 0, true);
	send(m.lapic[0], 0x4041, 1);
	send(m.lapic[0], 0x4041, 2);
	send(m.lapic[0], 0x4400, 2);
	ck_assert_uint_eq(m.kicks[1] + m.kicks[2], 0);
	ck_assert(!rd_lapic_has_pending(m.lapic[1]));
	ck_assert_uint_eq(m.lapic[2]->events, 0);
}
END_TEST

TCase *ipi_tests(void)
{
	TCase *tc = tcase_create("ipi");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, xapic_physical);
	tcase_add_test(tc, x2apic_physical);
	tcase_add_test(tc, shorthands);
	tcase_add_test(tc, xapic_flat);
	tcase_add_test(tc, xapic_cluster);
	tcase_add_test(tc, x2apic_cluster);
	tcase_add_test(tc, x2apic_sender_starts_xapic_receivers);
	tcase_add_test(tc, delivery_modes);
	tcase_add_test(tc, illegal_vectors);
	tcase_add_test(tc, self_ipi_register);
	tcase_add_test(tc, icr_reads_back);
	tcase_add_test(tc, lowest_priority);
	tcase_add_test(tc, disabled_receivers);
	return tc;
}
