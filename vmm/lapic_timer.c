// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline. Its input clock is 1 GHz, as CPUID
 * 0x40000010 tells guests. Invariant: the owner alone keeps the state and decides from the clock
 * whether the timer has expired; the host timer's callback only wakes the owner, so one that fires
 * early, late or for a forgotten expiry changes nothing.
 */
#include "vmm/lapic_priv.h"
#include "vmm/tsc_math.h"

/* Shorter periods would let a guest keep a host CPU busy with host timers alone. */
#define MIN_PERIOD_NS 100000ULL

/*
 * A deadline's host timer goes off early by what it takes from there to the injection, as measured
 * on earlier ones; what is left of the time is waited for. Later than LATE_NS is not the way's
 * length but somebody else's turn.
 */
#define MAX_LEAD_NS 5000U
#define LATE_NS 20000ULL

#define LVT_MODE (RD_APIC_LVT_PERIODIC | RD_APIC_LVT_DEADLINE)

static bool deadline_mode(const struct rd_lapic *l)
{
	return l->regs[RD_APIC_LVT_TIMER / 4] & RD_APIC_LVT_DEADLINE;
}

static bool periodic_mode(const struct rd_lapic *l)
{
	return (l->regs[RD_APIC_LVT_TIMER / 4] & LVT_MODE) == RD_APIC_LVT_PERIODIC;
}

static u64 guest_tsc(const struct rd_lapic *l)
{
	return rd_tsc_guest(rd_host_tsc(), l->tsc_ratio_48, l->tsc_offset);
}

u64 rd_apic_timer_callback(struct rd_timer *t)
{
	struct rd_lapic *l = container_of(t, struct rd_lapic, timer);

	set_bit(RD_LAPIC_EV_TIMER, &l->events);
	rd_lapic_kick(l);
	return 0;
}

static void arm(struct rd_lapic *l, u64 expires_ns)
{
	if (l->timer_armed_ns == expires_ns)
		return;
	l->timer_armed_ns = expires_ns;
	rd_timer_start(&l->timer, expires_ns);
}

static void arm_deadline(struct rd_lapic *l, u64 now)
{
	u64 ns = rd_tsc_ticks_to_ns(l->tsc_deadline - now, l->tsc_ns_mult);

	/* Round up: a wake-up just before the deadline would only have to wait. */
	arm(l, rd_host_now_ns() + ns + 1 - min_t(u64, ns, l->deadline_lead_ns));
}

/* The host timer went off: is this its deadline? Learns from how early or late it is. */
static bool deadline_is_here(struct rd_lapic *l)
{
	u64 now = guest_tsc(l), off;

	if (l->tsc_deadline <= now) {
		off = rd_tsc_ticks_to_ns(now - l->tsc_deadline, l->tsc_ns_mult);
		if (off < LATE_NS)
			l->deadline_lead_ns =
				min_t(u32, l->deadline_lead_ns + (u32)off / 8, MAX_LEAD_NS);
		return true;
	}
	off = rd_tsc_ticks_to_ns(l->tsc_deadline - now, l->tsc_ns_mult);
	if (off > MAX_LEAD_NS) {
		arm_deadline(l, now);
		return false;
	}
	l->deadline_lead_ns -= min_t(u32, l->deadline_lead_ns, (u32)off / 8);
	while (guest_tsc(l) < l->tsc_deadline)
		rd_host_relax();
	return true;
}

static void expire_deadline(struct rd_lapic *l)
{
	l->tsc_deadline = 0;
	rd_apic_raise_timer(l);
}

void rd_lapic_set_tsc_deadline(struct rd_lapic *l, u64 deadline)
{
	u64 now;

	if (unlikely(!deadline_mode(l)))
		return;
	now = guest_tsc(l);
	if (unlikely(l->tsc_deadline)) {
		/*
		 * The old deadline has passed and the host timer has not said so yet: the guest
		 * gets both interrupts.
		 */
		if (l->tsc_deadline <= now)
			expire_deadline(l);
		else if (l->tsc_deadline == deadline)
			return;
	}
	l->tsc_deadline = deadline;
	if (unlikely(!deadline))
		return;
	if (deadline <= now)
		expire_deadline(l);
	else
		arm_deadline(l, now);
}

u64 rd_lapic_get_tsc_deadline(const struct rd_lapic *l)
{
	return l->tsc_deadline;
}

/* Periods that went by while nobody looked are one interrupt, as with IRR; the phase is kept. */
static void expire_count(struct rd_lapic *l, u64 now)
{
	u64 next;

	rd_apic_raise_timer(l);
	if (!periodic_mode(l)) {
		l->timer_expires_ns = 0;
		return;
	}
	next = l->timer_expires_ns + l->timer_period_ns;
	if (unlikely(next <= now))
		next += (div64_u64(now - next, l->timer_period_ns) + 1) * l->timer_period_ns;
	l->timer_expires_ns = next;
	arm(l, next);
}

void rd_lapic_inject_timer(struct rd_lapic *l)
{
	u64 now;

	clear_bit(RD_LAPIC_EV_TIMER, &l->events);
	l->timer_armed_ns = 0;
	if (likely(deadline_mode(l))) {
		if (l->tsc_deadline && deadline_is_here(l))
			expire_deadline(l);
		return;
	}
	if (!l->timer_expires_ns)
		return;
	now = rd_host_now_ns();
	if (likely(l->timer_expires_ns <= now))
		expire_count(l, now);
	else
		arm(l, l->timer_expires_ns);
}

void rd_apic_timer_catch_up(struct rd_lapic *l)
{
	u64 now = rd_host_now_ns();

	if (!deadline_mode(l) && l->timer_expires_ns && l->timer_expires_ns <= now)
		expire_count(l, now);
}

/* The count reaches 0 at the expiry and never before: round up. */
u32 rd_apic_timer_current(const struct rd_lapic *l)
{
	u64 now, left, initial = rd_apic_reg(l, RD_APIC_INITIAL_COUNT);

	if (deadline_mode(l) || !l->timer_expires_ns)
		return 0;
	now = rd_host_now_ns();
	if (l->timer_expires_ns > now) {
		left = l->timer_expires_ns - now;
	} else if (periodic_mode(l)) {
		div64_u64_rem(now - l->timer_expires_ns, l->timer_period_ns, &left);
		left = l->timer_period_ns - left;
	} else {
		return 0;
	}
	left = (left + BIT_ULL(l->divide_shift) - 1) >> l->divide_shift;
	return min_t(u64, left, initial);
}

/* Go on from count, which is at most the initial count; a period starts where it is 0. */
static void start_count(struct rd_lapic *l, u32 count)
{
	u32 initial = rd_apic_reg(l, RD_APIC_INITIAL_COUNT);
	u64 ns = (u64)count << l->divide_shift;

	l->timer_period_ns = max_t(u64, (u64)initial << l->divide_shift, MIN_PERIOD_NS);
	if (!initial) {
		l->timer_expires_ns = 0;
		return;
	}
	if (periodic_mode(l) && (!count || count == initial))
		ns = l->timer_period_ns;
	l->timer_expires_ns = rd_host_now_ns() + ns;
	arm(l, l->timer_expires_ns);
}

void rd_apic_timer_set_count(struct rd_lapic *l, u32 initial)
{
	if (deadline_mode(l))
		return;
	rd_apic_set_reg(l, RD_APIC_INITIAL_COUNT, initial);
	start_count(l, initial);
}

/* A running count goes on from where it is, at the new rate. */
void rd_apic_timer_set_divide(struct rd_lapic *l, u32 divide)
{
	u32 count = rd_apic_timer_current(l);

	divide &= 0xb;
	rd_apic_set_reg(l, RD_APIC_DIVIDE, divide);
	l->divide_shift = (((divide & 8) >> 1 | (divide & 3)) + 1) & 7;
	if (!deadline_mode(l) && l->timer_expires_ns)
		start_count(l, count);
}

/*
 * One-shot and periodic share the count and may change over while it runs; the TSC deadline is
 * another timer.
 */
void rd_apic_timer_set_lvt(struct rd_lapic *l, u32 lvt)
{
	u32 changed = rd_apic_reg(l, RD_APIC_LVT_TIMER) ^ lvt;

	rd_apic_set_reg(l, RD_APIC_LVT_TIMER, lvt);
	if (changed & RD_APIC_LVT_DEADLINE) {
		l->tsc_deadline = 0;
		l->timer_expires_ns = 0;
		rd_apic_set_reg(l, RD_APIC_INITIAL_COUNT, 0);
	}
}

void rd_apic_timer_stop(struct rd_lapic *l)
{
	rd_timer_cancel(&l->timer);
	clear_bit(RD_LAPIC_EV_TIMER, &l->events);
	l->timer_armed_ns = 0;
	l->timer_expires_ns = 0;
	l->tsc_deadline = 0;
}

/*
 * After the registers were set as a whole: go on with the count that was saved; a deadline stays.
 * Some VMMs do not save the current count. So a one-shot at 0 expires now: a guest bears a second
 * interrupt, but not one that never comes.
 */
void rd_apic_timer_restore(struct rd_lapic *l, u32 current_count)
{
	u64 deadline = l->tsc_deadline;

	rd_apic_timer_stop(l);
	if (!deadline_mode(l)) {
		start_count(l, min(current_count, rd_apic_reg(l, RD_APIC_INITIAL_COUNT)));
		return;
	}
	l->tsc_deadline = deadline;
	rd_lapic_timer_rearm(l);
}

void rd_lapic_timer_rearm(struct rd_lapic *l)
{
	l->tsc_ns_mult = rd_tsc_ns_mult(rd_tsc_ratio_khz(l->tsc_ratio_48, rd_host_tsc_khz()));
	if (l->tsc_deadline) {
		u64 now = guest_tsc(l);

		clear_bit(RD_LAPIC_EV_TIMER, &l->events);
		l->timer_armed_ns = 0;
		if (l->tsc_deadline <= now)
			expire_deadline(l);
		else
			arm_deadline(l, now);
	} else if (l->timer_expires_ns) {
		rd_lapic_inject_timer(l);
	}
}
