/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last events of a VM's write traces (P): any number of readers, each with a place of its own.
 * Invariant: putting an event never waits for a reader; a reader gets the events in order, each
 * once, and knows how many it was too slow for.
 */
#ifndef RD_VMM_TRACE_RING_H
#define RD_VMM_TRACE_RING_H

#include "kmod/base.h"
#include "kmod/uapi/redoubt_trace.h"

struct rd_trace_ring {
	struct rd_lock lock;
	u64 next;  /* sequence number of the next event; they begin with 1 */
	u64 lost;  /* added up over readers */
	struct rd_trace_event event[RD_TRACE_RING];
};

/* r is zeroed. */
void rd_trace_ring_init(struct rd_trace_ring *r);
/* Any context. Numbers the event, in e too. */
void rd_trace_ring_put(struct rd_trace_ring *r, struct rd_trace_event *e);
/* Where a reader begins that wants what comes from now on. */
u64 rd_trace_ring_end(struct rd_trace_ring *r);
/*
 * The event at *place, or the oldest that is left if that is later (with RD_EVENT_LOST): true, and
 * *place moves behind it. False: there is none yet. Any context; one caller per place.
 */
bool rd_trace_ring_get(struct rd_trace_ring *r, u64 *place, struct rd_trace_event *e);

#endif
