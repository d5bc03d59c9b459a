// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of events (P).
 * Invariant: as in vmm/trace_ring.h; event n lies at n modulo the size, and those in the ring are
 * the last ones that were put.
 */
#include "vmm/trace_ring.h"

void rd_trace_ring_init(struct rd_trace_ring *r)
{
	BUILD_BUG_ON(RD_TRACE_RING & (RD_TRACE_RING - 1));
	rd_lock_init(&r->lock);
	r->next = 1;
}

void rd_trace_ring_put(struct rd_trace_ring *r, struct rd_trace_event *e)
{
	unsigned long flags = rd_lock(&r->lock);

	e->seq = r->next++;
	r->event[e->seq % RD_TRACE_RING] = *e;
	rd_unlock(&r->lock, flags);
}

u64 rd_trace_ring_end(struct rd_trace_ring *r)
{
	unsigned long flags = rd_lock(&r->lock);
	u64 end = r->next;

	rd_unlock(&r->lock, flags);
	return end;
}

bool rd_trace_ring_get(struct rd_trace_ring *r, u64 *place, struct rd_trace_event *e)
{
	unsigned long flags = rd_lock(&r->lock);
	u64 oldest = r->next > RD_TRACE_RING ? r->next - RD_TRACE_RING : 1, lost = 0;
	bool found;

	if (*place < oldest) {
		lost = oldest - *place;
		*place = oldest;
	}
	found = *place < r->next;
	if (found)
		*e = r->event[(*place)++ % RD_TRACE_RING];
	r->lost += lost;
	rd_unlock(&r->lock, flags);
	if (lost)
		e->flags |= RD_EVENT_LOST;
	return found;
}
