// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random guests: any sequence of register accesses, deliveries, injections and time leaves the APIC
 * consistent, delivers only above the processor's priority, and loses no accepted vector. Plus the
 * same with senders on other threads.
 */
#include "tests/unit/irqchip/machine.h"
#include "tests/unit/lapic/lapic_tests.h"

#define VCPUS 4

/* libcheck records every assertion that passes, which is too slow for millions of them. */
#define MUST(c) \
	do { \
		if (!(c)) \
			ck_abort_msg("%s", #c); \
	} while (0)

/* What each vCPU owes: vectors accepted and not yet taken. */
static bool owed[VCPUS][256];
static u64 seed;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

static int highest(const unsigned long *map)
{
	int v;

	for (v = 255; v >= 0; v--)
		if (test_bit((unsigned int)v, map))
			return v;
	return -1;
}

static void check_invariants(struct rd_lapic *l)
{
	u32 tpr = l->regs[RD_APIC_TPR / 4], ppr = l->regs[RD_APIC_PPR / 4], in_service;
	int top = highest(l->isr), next;
	unsigned int v;

	MUST(l->isrv == top);
	in_service = top < 0 ? 0 : (u32)top & 0xf0;
	MUST(ppr == (tpr >> 4 >= in_service >> 4 ? tpr : in_service));
	MUST(l->sw_enabled == (rd_lapic_enabled(l) && (l->regs[RD_APIC_SVR / 4] & 0x100)));
	if (highest(l->irr) >= 0)
		MUST(l->irr_pending);
	next = rd_lapic_next(l);
	MUST(next == (highest(l->irr) >> 4 > (int)(ppr >> 4) ? highest(l->irr) : -1));
	for (v = 0; v < 256; v++)
		MUST(owed[l->id][v] == irr_has(l, v));
	if (rd_lapic_x2apic(l))
		MUST(l->regs[RD_APIC_LDR / 4] == rd_apic_x2apic_ldr(l->id));
	MUST(!l->timer_expires_ns || !l->tsc_deadline);
}

/*
 * What reaches whom is the IPI tests' business: believe IRR, once, for messages that were sent by
 * register.
 */
static void adopt_irr(void)
{
	unsigned int i, v;

	for (i = 0; i < VCPUS; i++) {
		for (v = 0; v < 256; v++) {
			MUST(!owed[i][v] || irr_has(m.lapic[i], v));
			owed[i][v] = irr_has(m.lapic[i], v);
		}
	}
}

static void accept(struct rd_lapic *l, unsigned int vector, bool level)
{
	int r = rd_lapic_deliver(l, rnd(2), (u8)vector, level);

	if (!l->sw_enabled || vector < 16) {
		MUST(r == -1);
		adopt_irr(); /* the error interrupt */
		return;
	}
	MUST(r == (owed[l->id][vector] ? 0 : 1));
	owed[l->id][vector] = true;
}

static void reset_model(struct rd_lapic *l)
{
	memset(owed[l->id], 0, sizeof(owed[0]));
}

static void random_register(struct rd_lapic *l)
{
	static const u16 offsets[] = { 0x80,  0xb0,  0xd0,  0xe0,  0x280, 0x300,
				       0x310, 0x320, 0x330, 0x340, 0x350, 0x360,
				       0x370, 0x380, 0x3e0, 0x3f0, 0x000, 0x0a0 };
	u32 offset = rnd(8) ? offsets[rnd(ARRAY_SIZE(offsets))] : rnd(0x400),
	    val = rnd(4) ? rnd(0x100000) : rnd(U32_MAX);
	u64 wide;

	/* TPR mostly low, or nothing happens for long. */
	if (offset == 0x80 && rnd(3))
		val &= 0x3f;
	if (rd_lapic_x2apic(l)) {
		rd_lapic_msr_read(l, 0x800 + offset / 16, &wide);
		rd_lapic_msr_write(l, 0x800 + offset / 16, val);
	} else {
		rd_lapic_mmio_read(l, offset, 1U << rnd(4), &wide);
		rd_lapic_mmio_write(l, offset, 4, &val);
	}
	adopt_irr();
}

static void random_base(struct rd_lapic *l)
{
	u64 base = RD_APIC_DEFAULT_BASE | (u64)rnd(4) << 10;

	if (!rd_lapic_set_base(l, base, rnd(2)) && !rd_lapic_enabled(l))
		reset_model(l);
}

static void random_reset(struct rd_lapic *l)
{
	rd_lapic_reset(l, rnd(2));
	reset_model(l);
}

static void step(struct rd_lapic *l)
{
	struct kvm_lapic_state s;
	int vector;

	switch (rnd(16)) {
	case 0 ... 4:
		accept(l, rnd(256), rnd(4) == 0);
		break;
	case 5 ... 8:
		vector = rd_lapic_next(l);
		if (vector < 0)
			break;
		MUST(owed[l->id][vector]);
		rd_lapic_ack(l, vector);
		if (rnd(5))
			owed[l->id][vector] = false;
		else
			rd_lapic_unack(l, vector);
		break;
	case 9 ... 10:
		rd_lapic_eoi(l);
		break;
	case 11 ... 12:
		random_register(l);
		break;
	case 13:
		rd_lapic_set_tsc_deadline(l, rnd(2) ? rd_host_tsc() + rnd(100000) : rnd(3));
		rd_shim_advance(rnd(200000));
		if (test_bit(RD_LAPIC_EV_TIMER, &l->events))
			rd_lapic_inject_timer(l);
		adopt_irr();
		break;
	case 14:
		rd_lapic_get_state(l, &s, true);
		MUST(rd_lapic_set_state(l, &s, true) == 0);
		adopt_irr(); /* a deadline that has passed */
		break;
	default:
		if (!rnd(20))
			random_base(l);
		else if (!rnd(20))
			random_reset(l);
		else if (rd_lapic_enabled(l) && !l->sw_enabled)
			apic_write(l, RD_APIC_SVR, 0x1ff);
		break;
	}
}

START_TEST(random_guest)
{
	unsigned int n, i;

	memset(owed, 0, sizeof(owed));
	seed = (u64)_i * 7919 + 1;
	for (n = 0; n < 10000; n++) {
		step(m.lapic[rnd(VCPUS)]);
		for (i = 0; i < VCPUS; i++)
			check_invariants(m.lapic[i]);
	}
}
END_TEST

#define ROUNDS 60000

/*
 * Each sender owns one vector of each class and counts what was accepted; the receiver counts what
 * it took.
 */
static void *sender(void *arg)
{
	unsigned int n, base = (unsigned int)(uintptr_t)arg;
	u64 *accepted = calloc(256, sizeof(*accepted));

	for (n = 0; n < ROUNDS; n++) {
		u8 vector = (u8)(0x20 + (n % 13) * 16 + base);

		if (rd_lapic_deliver(m.lapic[1], RD_DM_FIXED, vector, n % 3 == 0) == 1)
			accepted[vector]++;
	}
	return accepted;
}

START_TEST(senders_on_other_threads)
{
	struct rd_lapic *l = m.lapic[1];
	u64 taken[256] = { 0 }, *accepted[3];
	pthread_t threads[3];
	unsigned int i, v, idle = 0;
	int vector;

	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sender, (void *)(uintptr_t)i),
				 0);
	/* Long idle only after the senders are done: then nothing may be left behind. */
	while (idle < 2000000) {
		vector = apic_take(l);
		if (vector < 0) {
			idle++;
			continue;
		}
		idle = 0;
		taken[vector]++;
		rd_lapic_eoi(l);
	}
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_join(threads[i], (void **)&accepted[i]), 0);
	while ((vector = apic_take(l)) >= 0) {
		taken[vector]++;
		rd_lapic_eoi(l);
	}
	ck_assert_int_eq(highest(l->irr), -1);
	for (v = 0; v < 256; v++)
		ck_assert_uint_eq(taken[v], accepted[0][v] + accepted[1][v] + accepted[2][v]);
	for (i = 0; i < 3; i++)
		free(accepted[i]);
}
END_TEST

static void setup(void)
{
	machine_create(VCPUS, RD_IRQCHIP_KERNEL);
}

TCase *random_tests(void)
{
	TCase *tc = tcase_create("random");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_loop_test(tc, random_guest, 0, 16);
	tcase_add_test(tc, senders_on_other_threads);
	return tc;
}
