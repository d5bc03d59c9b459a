// SPDX-License-Identifier: GPL-2.0-only
/* Write traces: lists of actions, and the ring of events. */
#include <stdlib.h>
#include "tests/unit/unit.h"
#include "vmm/trace_act.h"
#include "vmm/trace_ring.h"

/* --- lists of actions --- */

START_TEST(test_lists)
{
	u8 list[RD_TRACE_MAX_ACTIONS] = { 0 };
	unsigned int i;

	ck_assert(rd_trace_actions_ok(list));
	for (i = 0; i < RD_TRACE_MAX_ACTIONS; i++) {
		list[i] = 1 + i % (RD_TRACE_NR_ACTIONS - 1);
		ck_assert(rd_trace_actions_ok(list));
	}
	list[3] = 0;
	ck_assert(!rd_trace_actions_ok(list));
	list[3] = RD_TRACE_NR_ACTIONS;
	ck_assert(!rd_trace_actions_ok(list));
	list[3] = 255;
	ck_assert(!rd_trace_actions_ok(list));
}
END_TEST

static bool is_vmms(u8 action)
{
	return action == RD_TRACE_SUSPEND || action == RD_TRACE_SNAPSHOT ||
	       action == RD_TRACE_ISOLATE || action == RD_TRACE_NOTIFY;
}

/* What the list says, in the words of the interface. */
static u8 decision_of(const u8 *list)
{
	u8 d = RD_TRACE_ALLOW;
	unsigned int i;

	for (i = 0; i < RD_TRACE_MAX_ACTIONS; i++) {
		if (list[i] == RD_TRACE_ALLOW || list[i] == RD_TRACE_REFUSE ||
		    list[i] == RD_TRACE_SKIP)
			d = list[i];
		if (list[i] == RD_TRACE_KILL)
			d = RD_TRACE_REFUSE;
	}
	return d;
}

/* The driver is asked: it lets the write through, or says no, or at even places nobody is there. */
static bool ask(struct rd_trace_act *a, const u8 *list, bool yes)
{
	unsigned int at = a->next % RD_TRACE_MAX_ACTIONS;
	int answer = yes ? 1 : at & 1 ? 0 : -2;

	ck_assert_uint_eq(list[at], RD_TRACE_ASK);
	rd_trace_act_answer(a, RD_TRACE_DONE); /* the VMM was not asked */
	ck_assert_uint_eq(a->next, at);
	rd_trace_act_asked(a, answer);
	ck_assert_uint_eq(a->e.outcome[at], answer < 0 ? RD_TRACE_UNSUPPORTED : RD_TRACE_DONE);
	return yes;
}

static void random_list(u8 *list)
{
	unsigned int n = random() % (RD_TRACE_MAX_ACTIONS + 1), i;

	memset(list, 0, RD_TRACE_MAX_ACTIONS);
	for (i = 0; i < n; i++)
		list[i] = 1 + random() % (RD_TRACE_NR_ACTIONS - 1);
}

static void run_list(const u8 *list, bool may_exit)
{
	struct rd_trace_act a = { .e = { .gpa = 0x1234 } };
	u32 answers[RD_TRACE_MAX_ACTIONS];
	enum rd_trace_stage stage;
	unsigned int i;

	rd_trace_act_begin(&a, list);
	while ((stage = rd_trace_act_step(&a, may_exit)) != RD_STEP_DECIDED) {
		if (stage == RD_STEP_ASK) {
			ask(&a, list, false);
			continue;
		}
		ck_assert(may_exit && is_vmms(list[a.next]));
		/* Asked again, it asks again: the exit did not get through. */
		ck_assert_int_eq(rd_trace_act_step(&a, may_exit), RD_STEP_EXIT);
		answers[a.next] = random() % 6;
		rd_trace_act_answer(&a, answers[a.next]);
		rd_trace_act_answer(&a, RD_TRACE_DONE); /* to nothing */
	}
	ck_assert_uint_eq(a.e.gpa, 0x1234);
	ck_assert_uint_eq(a.e.decision, decision_of(list));
	for (i = 0; i < RD_TRACE_MAX_ACTIONS; i++) {
		u8 want = list[i] ? RD_TRACE_DONE : RD_TRACE_NOT_RUN;

		if ((is_vmms(list[i]) && !may_exit) || (list[i] == RD_TRACE_ASK && !(i & 1)))
			want = RD_TRACE_UNSUPPORTED;
		else if (is_vmms(list[i]) && answers[i] != RD_TRACE_DONE)
			want = answers[i] == RD_TRACE_UNSUPPORTED ? RD_TRACE_UNSUPPORTED
								  : RD_TRACE_FAILED;
		ck_assert_uint_eq(a.e.outcome[i], want);
	}
	ck_assert_int_eq(a.kill, !!memchr(list, RD_TRACE_KILL, RD_TRACE_MAX_ACTIONS));
	ck_assert_int_eq(a.log, !!memchr(list, RD_TRACE_LOG, RD_TRACE_MAX_ACTIONS));
}

START_TEST(test_random_lists)
{
	u8 list[RD_TRACE_MAX_ACTIONS];
	unsigned int i;

	srandom(_i);
	for (i = 0; i < 20000; i++) {
		random_list(list);
		ck_assert(rd_trace_actions_ok(list));
		ck_assert_uint_eq(rd_trace_decision(list), decision_of(list));
		run_list(list, i & 1);
	}
}
END_TEST

/* Yes ends the list: what stands behind it is not carried out. */
START_TEST(test_driver_lets_through)
{
	const u8 list[RD_TRACE_MAX_ACTIONS] = { RD_TRACE_LOG, RD_TRACE_ASK, RD_TRACE_ASK,
						RD_TRACE_KILL, RD_TRACE_REFUSE };
	int yes, i;

	for (yes = 1; yes <= 3; yes++) {
		struct rd_trace_act a = { 0 };

		rd_trace_act_begin(&a, list);
		while (rd_trace_act_step(&a, false) == RD_STEP_ASK && !ask(&a, list, a.next == yes))
			;
		ck_assert_int_eq(rd_trace_act_step(&a, false), RD_STEP_DECIDED);
		ck_assert_uint_eq(a.e.decision, yes < 3 ? RD_TRACE_ALLOW : RD_TRACE_REFUSE);
		ck_assert_int_eq(a.kill, yes == 3);
		ck_assert(a.log);
		for (i = yes + 1; yes < 3 && i < RD_TRACE_MAX_ACTIONS; i++)
			ck_assert_uint_eq(a.e.outcome[i], RD_TRACE_NOT_RUN);
	}
	ck_assert_uint_eq(rd_trace_decision(list), RD_TRACE_REFUSE);
}
END_TEST

/* --- the ring --- */

static struct rd_trace_ring *ring;

static void ring_setup(void)
{
	ring = calloc(1, sizeof(*ring));
	rd_trace_ring_init(ring);
}

static void ring_teardown(void)
{
	free(ring);
}

static void put(u64 n)
{
	struct rd_trace_event e = { .gpa = n };

	rd_trace_ring_put(ring, &e);
	ck_assert_uint_eq(e.seq, n);
}

START_TEST(test_a_reader_gets_each_event_once)
{
	u64 place = rd_trace_ring_end(ring), late, n;
	struct rd_trace_event e;

	ck_assert(!rd_trace_ring_get(ring, &place, &e));
	for (n = 1; n <= 3 * RD_TRACE_RING; n++) {
		put(n);
		ck_assert(rd_trace_ring_get(ring, &place, &e));
		ck_assert_uint_eq(e.seq, n);
		ck_assert_uint_eq(e.gpa, n);
		ck_assert_uint_eq(e.flags, 0);
		ck_assert(!rd_trace_ring_get(ring, &place, &e));
	}
	late = rd_trace_ring_end(ring);
	ck_assert(!rd_trace_ring_get(ring, &late, &e));
	ck_assert_uint_eq(ring->lost, 0);
}
END_TEST

START_TEST(test_a_slow_reader_knows_what_it_lost)
{
	u64 place = rd_trace_ring_end(ring), n, lost = _i;
	struct rd_trace_event e;

	for (n = 1; n <= RD_TRACE_RING + lost; n++)
		put(n);
	for (n = 1 + lost; n <= RD_TRACE_RING + lost; n++) {
		ck_assert(rd_trace_ring_get(ring, &place, &e));
		ck_assert_uint_eq(e.seq, n);
		ck_assert_uint_eq(e.flags, lost && n == 1 + lost ? RD_EVENT_LOST : 0);
	}
	ck_assert(!rd_trace_ring_get(ring, &place, &e));
	ck_assert_uint_eq(ring->lost, lost);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("trace");
	TCase *act = tcase_create("act"), *r = tcase_create("ring");

	tcase_add_test(act, test_lists);
	tcase_add_test(act, test_driver_lets_through);
	tcase_add_loop_test(act, test_random_lists, 0, 4);
	tcase_add_checked_fixture(r, ring_setup, ring_teardown);
	tcase_add_test(r, test_a_reader_gets_each_event_once);
	tcase_add_loop_test(r, test_a_slow_reader_knows_what_it_lost, 0, 4);
	suite_add_tcase(s, act);
	suite_add_tcase(s, r);
	return s;
}
