/* SPDX-License-Identifier: GPL-2.0-only */
/* Events and counters of write traces, for the tests of them. */
#ifndef RDT_TRACES_H
#define RDT_TRACES_H

#include "kmod/uapi/redoubt_trace.h"
#include "tests/selftests/lib/rdt.h"

/* Read the machine's events from now on; its descriptor, which does not block. */
int rdt_events_open(struct rdt_vm *vm);
/* The next one of the descriptor opened last. False: there is none. */
bool rdt_event_next(struct rd_trace_event *e);
/* The next one, which must be there; and that there is none. */
struct rd_trace_event rdt_event(void);
void rdt_no_event(void);
struct rd_trace_stats rdt_trace_stats(struct rdt_vm *vm);

#endif
