/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's write traces: calls to the hypervisor, what the devices ask before they write, and
 * what the VMM does when a vCPU hits one.
 *
 * Invariant: whenever the hypervisor has a trace, ram.traced is set. Traces are added and removed
 * in the main thread; they end with the machine, so a guest that resets itself has none.
 *
 * A vCPU thread that is told to suspend or to save the VM leaves its loop with its instruction
 * unfinished: `held` in its struct rd_cpu says why, and the main thread does the rest when all
 * vCPUs stand still. The hypervisor goes on with the list of actions when the vCPU runs again.
 */
#ifndef RD_TOOLS_TRACES_H
#define RD_TOOLS_TRACES_H

#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_trace.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_cpu;
struct rd_machine;

#define RD_TRACE_NOTES 64u

struct rd_traces {
	bool supported;			/* the hypervisor has them, and was told of us */
	int wake_fd;			/* eventfd: the main thread has something to do, -1: none */
	uint64_t dma_refused;		/* atomic: writes of devices */
	pthread_mutex_t isolating;	/* guards m->isolated and that the cards are as it says */
	pthread_mutex_t lock;		/* guards what follows; innermost */
	struct rd_trace_event notes[RD_TRACE_NOTES];	/* to be told */
	unsigned int n_notes;
};

/* rd_traces_init - whether the VM has traces; serve them if so. A status; destroy in any case. */
int rd_traces_init(struct rd_machine *m);
void rd_traces_destroy(struct rd_machine *m);

/*
 * rd_traces_add - all of the N ranges, or none. rd_traces_remove - one after the other. Return 0 or
 * an errno, and in *FAILED the range that it is of.
 */
int rd_traces_add(struct rd_machine *m, const struct rd_trace_range *r, size_t n, size_t *failed);
int rd_traces_remove(struct rd_machine *m, const struct rd_trace_range *r, size_t n,
		     size_t *failed);

/* rd_traces_clear - remove all. An errno, 0 when all are gone. */
int rd_traces_clear(struct rd_machine *m);

/*
 * rd_traces_next - the first one that ends above *FROM, which is moved to its end. False: there is
 * none.
 */
bool rd_traces_next(const struct rd_machine *m, uint64_t *from, struct rd_trace_range *out);

/*
 * rd_traces_get_tree - what the guest said of the trace tree that it handed over. False: it has
 * none. rd_traces_set_tree - put that in force again, when the memory is back. 0 or an errno.
 */
bool rd_traces_get_tree(const struct rd_machine *m, struct rd_guest_attach *tree);
int rd_traces_set_tree(struct rd_machine *m, const struct rd_guest_attach *tree);

/*
 * rd_traces_want - what the guest's driver is to do: 0 or an errno. rd_traces_driver - how it
 * fares. False: there are no traces at all.
 */
int rd_traces_want(struct rd_machine *m, bool want, uint32_t allow,
		   const uint8_t action[RD_TRACE_MAX_ACTIONS]);
bool rd_traces_driver(const struct rd_machine *m, struct rd_guest_driver_status *out);

/* rd_traces_exit - the vCPU's thread: RD_EXIT_TRACE. */
void rd_traces_exit(struct rd_cpu *cpu);

/* rd_traces_event - of the trace exit that a vCPU was held by. Its thread has ended. */
struct rd_trace_event *rd_traces_event(const struct rd_cpu *cpu);

/* rd_traces_release - the vCPU, held, may go on: OUTCOME is what became of the action. */
void rd_traces_release(struct rd_cpu *cpu, enum rd_trace_outcome outcome);

/* rd_traces_held - whether a vCPU is held, or about to be. Any thread. */
bool rd_traces_held(const struct rd_machine *m);

/* rd_traces_notes - take the events that are to be told. Returns how many. */
unsigned int rd_traces_notes(struct rd_traces *t, struct rd_trace_event out[RD_TRACE_NOTES]);

/*
 * rd_traces_isolate - cut the network cards, or connect them again. False: not all. Any thread but
 * those of devices.
 */
bool rd_traces_isolate(struct rd_machine *m, bool cut);

#endif
