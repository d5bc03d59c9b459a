/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrying out a list of actions (kmod/uapi/redoubt_trace.h) step by step (P): some are the
 * module's, some need the VMM in between.
 * Invariant: every action of the list gets exactly one outcome; what becomes of the write is the
 * last decision in the list, or that it is allowed.
 */
#ifndef RD_VMM_TRACE_ACT_H
#define RD_VMM_TRACE_ACT_H

#include "kmod/base.h"
#include "kmod/uapi/redoubt_trace.h"

/* An event on its way: action, outcome and decision in e are this state's, next is its place. */
struct rd_trace_act {
	struct rd_trace_event e;
	u8 next;
	bool log;       /* the list says that the event is reported */
	bool asked;     /* the VMM has action[next], its answer is awaited */
	bool kill;      /* the VM is to die when the event has been reported */
	bool let;       /* the guest's driver let the write through, as memory was then */
};

enum rd_trace_stage {
	RD_STEP_DECIDED, /* the list is through: a->e.decision holds */
	RD_STEP_EXIT,    /* the VMM must carry out the action that a->e.action[a->next] names */
	RD_STEP_ASK,     /* the guest's driver is to be asked: rd_trace_act_asked() */
};

/* What a list leaves of a write: RD_TRACE_ALLOW, RD_TRACE_REFUSE or RD_TRACE_SKIP. */
u8 rd_trace_decision(const u8 *action);
/* Is this a list: known actions, nothing behind its end? */
bool rd_trace_actions_ok(const u8 *action);
/* Begin a list. Fields of the event that are not the list's stay. */
void rd_trace_act_begin(struct rd_trace_act *a, const u8 *action);
/* Carry on. may_exit: the VMM serves exits, and this is a place where it can be left to. */
enum rd_trace_stage rd_trace_act_step(struct rd_trace_act *a, bool may_exit);
/* The VMM's answer: any number, what is not an enum rd_trace_outcome counts as failed. */
void rd_trace_act_answer(struct rd_trace_act *a, u32 outcome);
/* The driver's: 1 it lets the write through, which ends the list; 0 no; negative: nobody to ask. */
void rd_trace_act_asked(struct rd_trace_act *a, int answer);

#endif
