// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the local APIC's timer on the virtual clock: one-shot, periodic, TSC deadline, and
 * changes between them.
 */
#include "tests/unit/irqchip/machine.h"
#include "tests/unit/lapic/lapic_tests.h"
#include "vmm/tsc_math.h"

#define VECTOR 0xec
#define ONE_SHOT VECTOR
#define PERIODIC (VECTOR | 1 << 17)
#define DEADLINE (VECTOR | 1 << 18)

/*
 * Let the time pass and do what the vCPU's thread does when the timer's event is set; returns the
 * interrupts that came.
 */
static unsigned int run(struct rd_lapic *l, u64 ns)
{
	u64 end = rd_host_now_ns() + ns, next;
	unsigned int got = 0;

	for (;;) {
		next = rd_shim_next_expiry();
		if (!next || next > end)
			break;
		rd_shim_advance(next > rd_host_now_ns() ? next - rd_host_now_ns() : 0);
		if (!test_bit(RD_LAPIC_EV_TIMER, &l->events))
			continue;
		ck_assert(rd_lapic_has_pending(l));
		rd_lapic_inject_timer(l);
		ck_assert(!test_bit(RD_LAPIC_EV_TIMER, &l->events));
		if (apic_take(l) == VECTOR) {
			got++;
			rd_lapic_eoi(l);
		}
	}
	rd_shim_advance(end - rd_host_now_ns());
	return got;
}

START_TEST(divider)
{
	static const struct {
		u32 code, divisor;
	} codes[] = { { 0, 2 },	 { 1, 4 },  { 2, 8 },	 { 3, 16 },
		      { 8, 32 }, { 9, 64 }, { 10, 128 }, { 11, 1 } };
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, codes[_i].code);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 1000);
	ck_assert_uint_eq(run(l, codes[_i].divisor * 500), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 500);
	ck_assert_uint_eq(run(l, codes[_i].divisor * 500 - 1), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 1);
	ck_assert_uint_eq(run(l, 1), 1);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 0);
	ck_assert_uint_eq(run(l, 1000000), 0);
}
END_TEST

START_TEST(one_shot)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	apic_write(l, RD_APIC_INITIAL_COUNT, 5000);
	run(l, 3000);
	/* A new count starts again; 0 stops. */
	apic_write(l, RD_APIC_INITIAL_COUNT, 4000);
	ck_assert_uint_eq(run(l, 3999), 0);
	ck_assert_uint_eq(run(l, 1), 1);
	apic_write(l, RD_APIC_INITIAL_COUNT, 4000);
	apic_write(l, RD_APIC_INITIAL_COUNT, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 0);
	ck_assert_uint_eq(run(l, 100000), 0);
	/* Masked: it counts, and its expiry is lost. */
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT | RD_APIC_LVT_MASKED);
	run(l, 500);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 500);
	ck_assert_uint_eq(run(l, 1000), 0);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	ck_assert_uint_eq(run(l, 100000), 0);
	/* The longest count at the widest divider is beyond 9 minutes. */
	apic_write(l, RD_APIC_DIVIDE, 10);
	apic_write(l, RD_APIC_INITIAL_COUNT, U32_MAX);
	ck_assert_uint_eq(run(l, (u64)U32_MAX * 128 - 1), 0);
	ck_assert_uint_eq(run(l, 1), 1);
}
END_TEST

START_TEST(periodic)
{
	struct rd_lapic *l = m.lapic[0];
	u64 start;

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, PERIODIC);
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000003);
	start = rd_host_now_ns();
	ck_assert_uint_eq(run(l, 1000003 * 1000ULL), 1000);
	ck_assert_uint_eq(rd_shim_next_expiry(), start + 1000003 * 1001ULL);
	run(l, 400000);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 600003);
	/*
	 * Nobody looks for a while: one interrupt, in phase, and the count goes round all the same.
	 */
	rd_shim_advance(10 * 1000003);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 600003);
	rd_lapic_inject_timer(l);
	ck_assert_int_eq(apic_take(l), VECTOR);
	rd_lapic_eoi(l);
	ck_assert_int_eq(apic_take(l), -1);
	ck_assert_uint_eq(rd_shim_next_expiry(), start + 1000003 * 1011ULL);
	ck_assert_uint_eq(run(l, 1000003 * 5), 5);
	apic_write(l, RD_APIC_INITIAL_COUNT, 0);
	ck_assert_uint_eq(run(l, 1000003 * 5), 0);
}
END_TEST

START_TEST(short_periods_are_bounded)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, PERIODIC);
	apic_write(l, RD_APIC_INITIAL_COUNT, 10);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 10);
	ck_assert_uint_eq(run(l, 1000000), 10);
	ck_assert_uint_le(apic_read(l, RD_APIC_CURRENT_COUNT), 10);
	/* A short one-shot is not. */
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	apic_write(l, RD_APIC_INITIAL_COUNT, 10);
	ck_assert_uint_eq(run(l, 10), 1);
}
END_TEST

START_TEST(divider_while_running)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000);
	run(l, 600);
	apic_write(l, RD_APIC_DIVIDE, 3);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 400);
	ck_assert_uint_eq(run(l, 400 * 16 - 1), 0);
	ck_assert_uint_eq(run(l, 1), 1);
	/* Not running: no interrupt out of nowhere. */
	apic_write(l, RD_APIC_DIVIDE, 11);
	ck_assert_uint_eq(run(l, 1000000), 0);
}
END_TEST

START_TEST(mode_switches)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	apic_write(l, RD_APIC_INITIAL_COUNT, 200000);
	run(l, 50000);
	/* One-shot and periodic change over in flight. */
	apic_write(l, RD_APIC_LVT_TIMER, PERIODIC);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 150000);
	ck_assert_uint_eq(run(l, 150000 + 200000 * 3), 4);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	ck_assert_uint_eq(run(l, 1000000), 1);
	/* Into TSC-deadline mode: the count is gone and cannot be written. */
	apic_write(l, RD_APIC_LVT_TIMER, PERIODIC);
	apic_write(l, RD_APIC_INITIAL_COUNT, 200000);
	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	ck_assert_uint_eq(apic_read(l, RD_APIC_INITIAL_COUNT), 0);
	apic_write(l, RD_APIC_INITIAL_COUNT, 200000);
	ck_assert_uint_eq(apic_read(l, RD_APIC_INITIAL_COUNT), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_CURRENT_COUNT), 0);
	ck_assert_uint_eq(run(l, 1000000), 0);
	/* And out of it: the deadline is gone, and writes of it are ignored. */
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	apic_write(l, RD_APIC_LVT_TIMER, ONE_SHOT);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), 0);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), 0);
	ck_assert_uint_eq(run(l, 1000000), 0);
}
END_TEST

START_TEST(deadline)
{
	struct rd_lapic *l = m.lapic[0];
	u64 now = rd_host_tsc();

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, now + 5000);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), now + 5000);
	ck_assert_uint_eq(run(l, 4999), 0);
	ck_assert_uint_eq(m.kicks[0], 0);
	ck_assert_uint_eq(run(l, 2), 1);
	ck_assert_uint_eq(m.kicks[0], 1);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), 0);
	ck_assert_uint_eq(run(l, 100000), 0);
	/* 0 disarms. */
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 5000);
	rd_lapic_set_tsc_deadline(l, 0);
	ck_assert_uint_eq(run(l, 100000), 0);
	/* Earlier and later again. */
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 90000);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	ck_assert_uint_eq(run(l, 1001), 1);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 90000);
	ck_assert_uint_eq(run(l, 89999), 0);
	ck_assert_uint_eq(run(l, 2), 1);
	/* Masked: it expires unheard. */
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE | RD_APIC_LVT_MASKED);
	ck_assert_uint_eq(run(l, 2000), 0);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), 0);
	/* So far away that it never comes. */
	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, U64_MAX);
	ck_assert_uint_gt(rd_shim_next_expiry(), rd_host_now_ns() + (1ULL << 61));
}
END_TEST

START_TEST(deadline_in_the_past)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_shim_advance(1000);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc());
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), 0);
	ck_assert_uint_eq(m.kicks[0], 0);
	ck_assert_int_eq(apic_take(l), VECTOR);
	rd_lapic_eoi(l);
	rd_lapic_set_tsc_deadline(l, 1);
	ck_assert_int_eq(apic_take(l), VECTOR);
}
END_TEST

START_TEST(deadline_rewritten_after_it_passed)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	rd_shim_advance(1500);
	/* The event waits; the guest writes the next one first, and must get both. */
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	ck_assert_int_eq(apic_take(l), VECTOR);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(run(l, 1001), 1);
}
END_TEST

/* The deadline is the guest's, whatever the relation to the host's counter. */
START_TEST(deadline_scaled)
{
	static const struct {
		u32 host_khz, guest_khz;
		u64 offset;
	} cases[] = { { 1000000, 2000000, 0 },
		      { 3000000, 1000000, 12345 },
		      { 2400000, 2399999, 1ULL << 63 },
		      { 2000000, 5000000, -1000ULL },
		      { 1000000, 100, 0 },
		      { 4000000, 4000000, 77 } };
	struct rd_lapic *l = m.lapic[0];
	u64 before, due, guest;

	rd_shim_set_tsc_khz(cases[_i].host_khz);
	l->tsc_ratio_48 = rd_tsc_ratio(cases[_i].guest_khz, cases[_i].host_khz);
	l->tsc_offset = cases[_i].offset;
	rd_lapic_timer_rearm(l);
	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_shim_advance(123456789);
	due = rd_tsc_guest(rd_host_tsc(), l->tsc_ratio_48, l->tsc_offset) +
	      cases[_i].guest_khz * 10 + 1;
	rd_lapic_set_tsc_deadline(l, due);
	before = rd_host_now_ns();
	ck_assert_uint_eq(run(l, 9900000), 0);
	while (!run(l, 1))
		if (rd_host_now_ns() - before > 30000000)
			ck_abort_msg("the deadline does not come");
	guest = rd_tsc_guest(rd_host_tsc(), l->tsc_ratio_48, l->tsc_offset);
	ck_assert_uint_ge(guest - due, 0);
	ck_assert_uint_le(guest - due, cases[_i].guest_khz / 50000 + 20);
}
END_TEST

/*
 * The host timer's clock and the TSC drift apart: an early wake-up waits on, and a new relation
 * re-arms.
 */
START_TEST(deadline_is_decided_by_the_tsc)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000000);
	rd_shim_set_tsc_khz(990000);
	ck_assert_uint_eq(run(l, 1005000), 0);
	ck_assert_uint_ne(rd_shim_next_expiry(), 0);
	ck_assert_uint_eq(run(l, 5200), 1);
	rd_shim_set_tsc_khz(1000000);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000000);
	l->tsc_offset += 900000;
	rd_lapic_timer_rearm(l);
	ck_assert_uint_eq(run(l, 100001), 1);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + l->tsc_offset + 1000000);
	l->tsc_offset += 5000000;
	rd_lapic_timer_rearm(l);
	ck_assert_int_eq(apic_take(l), VECTOR);
}
END_TEST

/* The host timer learns to go off as early as its way to the guest is long, and no vector early. */
START_TEST(deadline_lead_is_learned)
{
	struct rd_lapic *l = m.lapic[0];
	u64 at, way = 1600;
	int i;

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	for (i = 0; i < 200; i++) {
		at = rd_host_tsc() + 50000;
		rd_lapic_set_tsc_deadline(l, at);
		rd_shim_advance(rd_shim_next_expiry() - rd_host_now_ns());
		rd_shim_advance(way);
		rd_lapic_inject_timer(l);
		ck_assert_uint_ge(rd_host_tsc(), at);
		ck_assert_int_eq(apic_take(l), VECTOR);
		rd_lapic_eoi(l);
		if (i > 100)
			ck_assert_uint_lt(rd_host_tsc(), at + 20);
	}
	/* The way got shorter: what is left is waited for, and unlearned. */
	for (i = 0; i < 100; i++) {
		at = rd_host_tsc() + 50000;
		rd_lapic_set_tsc_deadline(l, at);
		rd_shim_advance(rd_shim_next_expiry() - rd_host_now_ns());
		rd_lapic_inject_timer(l);
		ck_assert_uint_ge(rd_host_tsc(), at);
		ck_assert_uint_lt(rd_host_tsc(), at + 20);
		ck_assert_int_eq(apic_take(l), VECTOR);
		rd_lapic_eoi(l);
	}
	ck_assert_uint_lt(l->deadline_lead_ns, 20);
	/* Somebody else's turn teaches nothing. */
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 50000);
	rd_shim_advance(1000000);
	rd_lapic_inject_timer(l);
	ck_assert_uint_lt(l->deadline_lead_ns, 20);
}
END_TEST

START_TEST(reset_stops)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	rd_lapic_reset(l, true);
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
	ck_assert_uint_eq(rd_lapic_get_tsc_deadline(l), 0);
	apic_write(l, RD_APIC_SVR, 0x1ff);
	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 1000);
	rd_shim_advance(2000);
	ck_assert(test_bit(RD_LAPIC_EV_TIMER, &l->events));
	rd_lapic_reset(l, true);
	ck_assert_uint_eq(l->events, 0);
	apic_write(l, RD_APIC_SVR, 0x1ff);
	apic_write(l, RD_APIC_LVT_TIMER, PERIODIC);
	apic_write(l, RD_APIC_INITIAL_COUNT, 200000);
	rd_lapic_set_base(l, 0, false);
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
}
END_TEST

/* An illegal vector is an error, not an interrupt. */
START_TEST(illegal_vector)
{
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_ERROR, 0xfe);
	apic_write(l, RD_APIC_LVT_TIMER, 0x0f | 1 << 18);
	rd_lapic_set_tsc_deadline(l, 1);
	rd_shim_advance(10);
	rd_lapic_set_tsc_deadline(l, 1);
	ck_assert_int_eq(apic_take(l), 0xfe);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), 0);
	apic_write(l, RD_APIC_ESR, 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ESR), BIT(RD_ESR_RECEIVE_ILLEGAL));
}
END_TEST

START_TEST(restore_in_deadline_mode)
{
	struct kvm_lapic_state s;
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 5000);
	rd_lapic_get_state(l, &s, false);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
	ck_assert_uint_eq(run(l, 4999), 0);
	ck_assert_uint_eq(run(l, 2), 1);
}
END_TEST

/* The current count that a VMM did not save, or made up. */
START_TEST(restore_of_a_count)
{
	static const struct {
		u32 lvt, current;
		u64 expires;
	} cases[] = {
		{ ONE_SHOT, 300000, 300000 },	 { ONE_SHOT, 0, 0 },
		{ ONE_SHOT, 2000000, 1000000 },	 { PERIODIC, 300000, 300000 },
		{ PERIODIC, 0, 1000000 },	 { PERIODIC, 2000000, 1000000 },
	};
	struct kvm_lapic_state s;
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, cases[_i].lvt);
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000000);
	rd_lapic_get_state(l, &s, false);
	memcpy(s.regs + RD_APIC_CURRENT_COUNT, &cases[_i].current, 4);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
	if (cases[_i].expires)
		ck_assert_uint_eq(run(l, cases[_i].expires - 1), 0);
	ck_assert_uint_eq(run(l, 1), 1);
	ck_assert_uint_eq(run(l, 1000000), cases[_i].lvt == PERIODIC);
	/* Stopped stays stopped. */
	apic_write(l, RD_APIC_INITIAL_COUNT, 0);
	rd_lapic_get_state(l, &s, false);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
	ck_assert_uint_eq(run(l, 3000000), 0);
}
END_TEST

/* A count that ran out and was not taken yet is in the saved IRR, and comes once where it goes. */
START_TEST(saved_when_it_has_run_out)
{
	u32 lvt = _i ? PERIODIC : ONE_SHOT;
	struct kvm_lapic_state s;
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_DIVIDE, 11);
	apic_write(l, RD_APIC_LVT_TIMER, lvt);
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000000);
	rd_shim_advance(1200000);
	rd_lapic_get_state(l, &s, false);
	ck_assert_uint_eq(s.regs[RD_APIC_IRR + VECTOR / 32 * 16 + VECTOR % 32 / 8],
			  1 << VECTOR % 8);
	ck_assert_int_eq(apic_take(l), VECTOR);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(run(l, 799999), 0);
	ck_assert_uint_eq(run(l, 1), lvt == PERIODIC);
	rd_lapic_reset(l, false);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
	if (test_bit(RD_LAPIC_EV_TIMER, &l->events))
		rd_lapic_inject_timer(l);
	ck_assert_int_eq(apic_take(l), VECTOR);
	ck_assert_int_eq(apic_take(l), -1);
	rd_lapic_eoi(l);
}
END_TEST

/* The same registers again, after the deadline has passed and before anybody has looked. */
START_TEST(restore_after_the_deadline)
{
	struct kvm_lapic_state s;
	struct rd_lapic *l = m.lapic[0];

	apic_write(l, RD_APIC_LVT_TIMER, DEADLINE);
	rd_lapic_set_tsc_deadline(l, rd_host_tsc() + 5000);
	rd_shim_advance(10000);
	rd_lapic_get_state(l, &s, false);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
	if (test_bit(RD_LAPIC_EV_TIMER, &l->events))
		rd_lapic_inject_timer(l);
	ck_assert_int_eq(apic_take(l), VECTOR);
	ck_assert_int_eq(apic_take(l), -1);
}
END_TEST

static void setup(void)
{
	machine_create(1, RD_IRQCHIP_KERNEL);
}

TCase *timer_tests(void)
{
	TCase *tc = tcase_create("timer");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_loop_test(tc, divider, 0, 8);
	tcase_add_test(tc, one_shot);
	tcase_add_test(tc, periodic);
	tcase_add_test(tc, short_periods_are_bounded);
	tcase_add_test(tc, divider_while_running);
	tcase_add_test(tc, mode_switches);
	tcase_add_test(tc, deadline);
	tcase_add_test(tc, deadline_in_the_past);
	tcase_add_test(tc, deadline_rewritten_after_it_passed);
	tcase_add_loop_test(tc, deadline_scaled, 0, 6);
	tcase_add_test(tc, deadline_is_decided_by_the_tsc);
	tcase_add_test(tc, deadline_lead_is_learned);
	tcase_add_test(tc, reset_stops);
	tcase_add_test(tc, illegal_vector);
	tcase_add_test(tc, restore_in_deadline_mode);
	tcase_add_loop_test(tc, restore_of_a_count, 0, 6);
	tcase_add_loop_test(tc, saved_when_it_has_run_out, 0, 2);
	tcase_add_test(tc, restore_after_the_deadline);
	return tc;
}
