// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of acceptance and priorities: IRR to ISR, TPR, PPR, EOI, trigger modes, events, errors,
 * LINT0.
 */
#include "tests/unit/irqchip/machine.h"
#include "tests/unit/lapic/lapic_tests.h"

static void setup(void)
{
	machine_create(1, RD_IRQCHIP_KERNEL);
}

static int fixed(struct rd_lapic *l, u8 vector)
{
	return rd_lapic_deliver(l, RD_DM_FIXED, vector, false);
}

START_TEST(nothing_pending)
{
	struct rd_lapic *l = m.lapic[0];

	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert(!rd_lapic_has_pending(l));
	rd_lapic_eoi(l); /* a stray EOI does nothing */
	ck_assert_int_eq(l->isrv, -1);
	ck_assert_uint_eq(apic_read(l, RD_APIC_PPR), 0);
}
END_TEST

static void check_vector(unsigned int vector)
{
	struct rd_lapic *l = m.lapic[0];
	int r = fixed(l, (u8)vector);

	if (vector < 16) {
		ck_assert_int_eq(r, -1);
		ck_assert_int_eq(rd_lapic_next(l), -1);
		ck_assert_uint_eq(m.kicks[0], 0);
		apic_write(l, RD_APIC_ESR, 0);
		ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), BIT(RD_ESR_RECEIVE_ILLEGAL));
		return;
	}
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(m.kicks[0], 1);
	ck_assert(rd_lapic_has_pending(l));
	ck_assert_uint_eq(apic_read(l, RD_APIC_IRR + (vector >> 5 << 4)), 1U << (vector & 31));
	/* A second one coalesces and wakes nobody. */
	ck_assert_int_eq(fixed(l, (u8)vector), 0);
	ck_assert_uint_eq(m.kicks[0], 1);
	ck_assert_int_eq(apic_take(l), (int)vector);
	ck_assert_uint_eq(apic_read(l, RD_APIC_IRR + (vector >> 5 << 4)), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ISR + (vector >> 5 << 4)), 1U << (vector & 31));
	ck_assert_uint_eq(apic_read(l, RD_APIC_PPR), vector & 0xf0);
	/* While in service the next one pends. */
	ck_assert_int_eq(fixed(l, (u8)vector), 1);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert(!rd_lapic_has_pending(l));
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), (int)vector);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(apic_read(l, RD_APIC_PPR), 0);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_uint_eq(l->irr_pending, 0);
}

START_TEST(every_vector)
{
	unsigned int vector;

	for (vector = 0; vector < 256; vector++) {
		check_vector(vector);
		machine_destroy();
		setup();
	}
}
END_TEST

/*
 * "Task and Processor Priorities": class of the vector above class of PPR = max(TPR, highest in
 * service).
 */
START_TEST(processor_priority)
{
	static const struct {
		int in_service;
		u32 tpr, ppr;
	} cases[] = { { -1, 0, 0 },	    { -1, 0x3f, 0x3f },	  { 0x31, 0, 0x30 },
		      { 0x31, 0x25, 0x30 }, { 0x3f, 0x35, 0x35 }, { 0x31, 0x41, 0x41 },
		      { 0xff, 0xff, 0xff }, { 0xff, 0xef, 0xf0 } };
	struct rd_lapic *l = m.lapic[0];
	unsigned int vector;

	if (cases[_i].in_service >= 0) {
		fixed(l, (u8)cases[_i].in_service);
		ck_assert_int_eq(apic_take(l), cases[_i].in_service);
	}
	apic_write(l, RD_APIC_TPR, cases[_i].tpr);
	ck_assert_uint_eq(apic_read(l, RD_APIC_PPR), cases[_i].ppr);
	for (vector = 16; vector < 256; vector++) {
		fixed(l, (u8)vector);
		ck_assert_int_eq(rd_lapic_next(l),
				 vector >> 4 > cases[_i].ppr >> 4 ? (int)vector : -1);
		clear_bit(vector, l->irr);
	}
}
END_TEST

START_TEST(highest_first_and_nesting)
{
	struct rd_lapic *l = m.lapic[0];

	fixed(l, 0x31);
	fixed(l, 0x3e);
	fixed(l, 0x70);
	ck_assert_int_eq(apic_take(l), 0x70);
	ck_assert_int_eq(apic_take(l), -1);
	fixed(l, 0x75); /* same class: waits */
	ck_assert_int_eq(apic_take(l), -1);
	fixed(l, 0xc1);
	ck_assert_int_eq(apic_take(l), 0xc1);
	ck_assert_int_eq(l->isrv, 0xc1);
	rd_lapic_eoi(l);
	ck_assert_int_eq(l->isrv, 0x70);
	ck_assert_uint_eq(apic_read(l, RD_APIC_PPR), 0x70);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), 0x75);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), 0x3e);
	apic_write(l, RD_APIC_EOI, 0);
	ck_assert_int_eq(apic_take(l), 0x31);
	apic_write(l, RD_APIC_EOI, 0);
	ck_assert_int_eq(apic_take(l), -1);
}
END_TEST

START_TEST(cancelled_injection)
{
	struct rd_lapic *l = m.lapic[0];

	fixed(l, 0x41);
	ck_assert_int_eq(apic_take(l), 0x41);
	fixed(l, 0x91);
	ck_assert_int_eq(apic_take(l), 0x91);
	rd_lapic_unack(l, 0x91);
	ck_assert_int_eq(l->isrv, 0x41);
	ck_assert_uint_eq(apic_read(l, RD_APIC_PPR), 0x40);
	ck_assert(irr_has(l, 0x91) && !isr_has(l, 0x91));
	ck_assert_int_eq(apic_take(l), 0x91);
	rd_lapic_unack(l, 0x91);
	rd_lapic_unack(l, 0x41);
	ck_assert_int_eq(l->isrv, -1);
	ck_assert_int_eq(apic_take(l), 0x91);
}
END_TEST

START_TEST(task_priority_by_cr8)
{
	struct rd_lapic *l = m.lapic[0];
	unsigned int cr8;

	fixed(l, 0x81);
	for (cr8 = 0; cr8 < 16; cr8++) {
		rd_lapic_set_tpr(l, cr8);
		ck_assert_uint_eq(rd_lapic_get_tpr(l), cr8);
		ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), cr8 << 4);
		ck_assert_int_eq(rd_lapic_next(l), cr8 < 8 ? 0x81 : -1);
		ck_assert_int_eq(rd_lapic_has_pending(l), cr8 < 8);
	}
	apic_write(l, RD_APIC_TPR, 0x7f);
	ck_assert_uint_eq(rd_lapic_get_tpr(l), 7);
}
END_TEST

START_TEST(trigger_mode)
{
	struct rd_lapic *l = m.lapic[0];

	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_LOWEST, 0x51, true), 1);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TMR + 0x20), 1U << 17);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_FIXED, 0x51, true), 0);
	/* Still pending as level: an edge of the same vector must not lose the EOI broadcast. */
	ck_assert_int_eq(fixed(l, 0x51), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TMR + 0x20), 1U << 17);
	ck_assert_int_eq(apic_take(l), 0x51);
	rd_lapic_eoi(l);
	ck_assert_int_eq(fixed(l, 0x51), 1);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TMR + 0x20), 0);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_FIXED, 0x0f, true), -1);
}
END_TEST

START_TEST(events)
{
	static const struct {
		unsigned int mode, event;
	} cases[] = { { RD_DM_SMI, RD_LAPIC_EV_SMI },
		      { RD_DM_NMI, RD_LAPIC_EV_NMI },
		      { RD_DM_INIT, RD_LAPIC_EV_INIT },
		      { RD_DM_SIPI, RD_LAPIC_EV_SIPI } };
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_SVR, 0xff); /* they get through to a software-disabled APIC */
	ck_assert_int_eq(rd_lapic_deliver(l, cases[_i].mode, 0x9a, false), 1);
	ck_assert_uint_eq(l->events, BIT(cases[_i].event));
	ck_assert_uint_eq(m.kicks[0], 1);
	ck_assert_int_eq(rd_lapic_deliver(l, cases[_i].mode, 0x9b, false), 0);
	ck_assert_uint_eq(m.kicks[0], 1);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert(rd_lapic_has_pending(l));
	if (cases[_i].mode == RD_DM_SIPI)
		ck_assert_uint_eq(l->sipi_vector, 0x9b);
	rd_lapic_set_base(l, 0, true);
	l->events = 0;
	ck_assert_int_eq(rd_lapic_deliver(l, cases[_i].mode, 0x9a, false), -1);
	ck_assert_uint_eq(l->events, 0);
}
END_TEST

START_TEST(init_takes_a_sipi_back)
{
	struct rd_lapic *l = m.lapic[0];

	rd_lapic_deliver(l, RD_DM_SIPI, 0x10, false);
	rd_lapic_deliver(l, RD_DM_INIT, 0, false);
	ck_assert_uint_eq(l->events, BIT(RD_LAPIC_EV_INIT));
	rd_lapic_deliver(l, RD_DM_SIPI, 0x20, false);
	ck_assert_uint_eq(l->events, BIT(RD_LAPIC_EV_INIT) | BIT(RD_LAPIC_EV_SIPI));
	ck_assert_uint_eq(l->sipi_vector, 0x20);
}
END_TEST

START_TEST(modes_that_deliver_nothing)
{
	struct rd_lapic *l = m.lapic[0];

	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_RESERVED, 0x40, false), -1);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_EXTINT, 0x40, false), -1);
	ck_assert_int_eq(rd_lapic_deliver(l, 8, 0x40, false), -1);
	ck_assert(!rd_lapic_has_pending(l));
	rd_lapic_local_nmi(l);
	ck_assert_uint_eq(l->events, BIT(RD_LAPIC_EV_NMI));
	ck_assert_uint_eq(m.kicks[0], 1);
}
END_TEST

START_TEST(error_interrupt)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_ERROR, 0x66);
	fixed(l, 3);
	ck_assert_uint_eq(m.kicks[0], 1);
	ck_assert_int_eq(apic_take(l), 0x66);
	rd_lapic_eoi(l);
	/* Again the same error: logged, and quiet until ESR is written. */
	fixed(l, 4);
	ck_assert_int_eq(apic_take(l), -1);
	/* Another one is news. */
	apic_read(l, 0x040);
	ck_assert_int_eq(apic_take(l), 0x66);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), 0);
	apic_write(l, RD_APIC_ESR, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR),
			  BIT(RD_ESR_RECEIVE_ILLEGAL) | BIT(RD_ESR_ILLEGAL_REGISTER));
	fixed(l, 5);
	ck_assert_int_eq(apic_take(l), 0x66);
	rd_lapic_eoi(l);
	apic_write(l, RD_APIC_ESR, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), BIT(RD_ESR_RECEIVE_ILLEGAL));
	apic_write(l, RD_APIC_ESR, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), 0);
	/* The error entry itself may be wrong: logged, no endless loop. */
	apic_write(l, RD_APIC_LVT_ERROR, 0x06);
	apic_read(l, 0x040);
	ck_assert_int_eq(apic_take(l), -1);
	apic_write(l, RD_APIC_ESR, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR),
			  BIT(RD_ESR_RECEIVE_ILLEGAL) | BIT(RD_ESR_ILLEGAL_REGISTER));
	apic_write(l, RD_APIC_LVT_ERROR, 0x10);
	apic_write(l, RD_APIC_ESR, 0);
	fixed(l, 5);
	ck_assert_int_eq(apic_take(l), 0x10);
	rd_lapic_eoi(l);
	apic_write(l, RD_APIC_LVT_ERROR, 0x10066);
	apic_write(l, RD_APIC_ESR, 0);
	fixed(l, 5);
	ck_assert_int_eq(apic_take(l), -1);
}
END_TEST

START_TEST(lint0_takes_the_pic)
{
	static const struct {
		u32 lint0;
		bool takes;
	} cases[] = { { 0x10700, false },
		      { 0x00700, true },
		      { 0x08700, true },
		      { 0x00030, false },
		      { 0x00400, false } };
	struct rd_lapic *l = m.lapic[0];
	unsigned int i;

	m.chip.pic.output = true;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		apic_write(l, RD_APIC_LVT_LINT0, cases[i].lint0);
		ck_assert_int_eq(rd_lapic_accepts_pic(l), cases[i].takes);
		ck_assert_int_eq(rd_lapic_has_pending(l), cases[i].takes);
	}
}
END_TEST

/* The owner finds IRR empty and clears its flag; whoever delivers after that sets it again. */
START_TEST(pending_flag)
{
	struct rd_lapic *l = m.lapic[0];

	fixed(l, 0x40);
	ck_assert_int_eq(apic_take(l), 0x40);
	ck_assert_uint_eq(l->irr_pending, 1);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_uint_eq(l->irr_pending, 0);
	fixed(l, 0x30);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_uint_eq(l->irr_pending, 1);
	rd_lapic_eoi(l);
	ck_assert_int_eq(rd_lapic_next(l), 0x30);
}
END_TEST

TCase *priority_tests(void)
{
	TCase *tc = tcase_create("priority");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, nothing_pending);
	tcase_add_test(tc, every_vector);
	tcase_add_loop_test(tc, processor_priority, 0, 8);
	tcase_add_test(tc, highest_first_and_nesting);
	tcase_add_test(tc, cancelled_injection);
	tcase_add_test(tc, task_priority_by_cr8);
	tcase_add_test(tc, trigger_mode);
	tcase_add_loop_test(tc, events, 0, 4);
	tcase_add_test(tc, init_takes_a_sipi_back);
	tcase_add_test(tc, modes_that_deliver_nothing);
	tcase_add_test(tc, error_interrupt);
	tcase_add_test(tc, lint0_takes_the_pic);
	tcase_add_test(tc, pending_flag);
	return tc;
}
