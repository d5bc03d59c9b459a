// SPDX-License-Identifier: GPL-2.0-only
/* Events and counters of write traces. */
#include "tests/selftests/lib/traces.h"

#include <fcntl.h>

static int events = -1;

int rdt_events_open(struct rdt_vm *vm)
{
	events = RDT_OK(ioctl(vm->fd, RD_VM_TRACE_EVENTS, 0));
	RDT_OK(fcntl(events, F_SETFL, O_NONBLOCK));
	return events;
}

bool rdt_event_next(struct rd_trace_event *e)
{
	ssize_t n = read(events, e, sizeof(*e));

	if (n < 0 && errno == EAGAIN)
		return false;
	RDT_EQ(n, sizeof(*e));
	return true;
}

struct rd_trace_event rdt_event(void)
{
	struct rd_trace_event e;

	if (!rdt_event_next(&e))
		rdt_fail("no event");
	return e;
}

void rdt_no_event(void)
{
	struct rd_trace_event e;

	if (rdt_event_next(&e))
		rdt_fail("an event nobody expects: gpa 0x%llx hit %u decision %u",
			 (unsigned long long)e.gpa, e.hit, e.decision);
}

struct rd_trace_stats rdt_trace_stats(struct rdt_vm *vm)
{
	struct rd_trace_stats s;

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_STATS, &s));
	return s;
}
