// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of actions (P).
 * Invariant: as in vmm/trace_act.h.
 */
#include "vmm/trace_act.h"

bool rd_trace_actions_ok(const u8 *action)
{
	bool ended = false;
	unsigned int i;

	for (i = 0; i < RD_TRACE_MAX_ACTIONS; i++) {
		if (action[i] >= RD_TRACE_NR_ACTIONS || (ended && action[i]))
			return false;
		ended |= !action[i];
	}
	return true;
}

u8 rd_trace_decision(const u8 *action)
{
	u8 decision = RD_TRACE_ALLOW;
	unsigned int i;

	for (i = 0; i < RD_TRACE_MAX_ACTIONS; i++) {
		if (action[i] == RD_TRACE_KILL)
			decision = RD_TRACE_REFUSE;
		else if (action[i] >= RD_TRACE_ALLOW && action[i] <= RD_TRACE_SKIP)
			decision = action[i];
	}
	return decision;
}

void rd_trace_act_begin(struct rd_trace_act *a, const u8 *action)
{
	memcpy(a->e.action, action, sizeof(a->e.action));
	memset(a->e.outcome, RD_TRACE_NOT_RUN, sizeof(a->e.outcome));
	a->e.decision = RD_TRACE_ALLOW;
	a->next = 0;
	a->log = false;
	a->asked = false;
	a->kill = false;
	a->let = false;
}

static void end_one(struct rd_trace_act *a, u8 outcome)
{
	a->e.outcome[a->next++] = outcome;
	a->asked = false;
}

enum rd_trace_stage rd_trace_act_step(struct rd_trace_act *a, bool may_exit)
{
	while (a->next < RD_TRACE_MAX_ACTIONS) {
		switch (a->e.action[a->next]) {
		case RD_TRACE_NONE:
			return RD_STEP_DECIDED;
		case RD_TRACE_LOG:
			a->log = true;
			break;
		case RD_TRACE_ALLOW:
		case RD_TRACE_REFUSE:
		case RD_TRACE_SKIP:
			a->e.decision = a->e.action[a->next];
			break;
		case RD_TRACE_KILL:
			a->kill = true;
			a->e.decision = RD_TRACE_REFUSE;
			break;
		case RD_TRACE_ASK:
			return RD_STEP_ASK;
		default: /* the VMM's */
			if (!may_exit) {
				end_one(a, RD_TRACE_UNSUPPORTED);
				continue;
			}
			a->asked = true;
			return RD_STEP_EXIT;
		}
		end_one(a, RD_TRACE_DONE);
	}
	return RD_STEP_DECIDED;
}

void rd_trace_act_answer(struct rd_trace_act *a, u32 outcome)
{
	if (!a->asked)
		return;
	if (outcome != RD_TRACE_DONE && outcome != RD_TRACE_UNSUPPORTED)
		outcome = RD_TRACE_FAILED;
	end_one(a, outcome);
}

void rd_trace_act_asked(struct rd_trace_act *a, int answer)
{
	end_one(a, answer < 0 ? RD_TRACE_UNSUPPORTED : RD_TRACE_DONE);
	if (answer <= 0)
		return;
	a->e.decision = RD_TRACE_ALLOW;
	a->next = RD_TRACE_MAX_ACTIONS;
	a->let = true;
}
