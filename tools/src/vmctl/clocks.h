/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time of a machine that is stopped. What the guest takes for time (its TSCs, the paravirtual
 * clock, the timer chip, TSC deadlines) is noted when the vCPUs have stopped and put back before
 * they run again, on this machine or on one that was built from a snapshot: for the guest the
 * pause took no time. Only the real-time clock follows the host.
 *
 * TSCs of different vCPUs keep their distances to the tick.
 */
#ifndef RD_TOOLS_CLOCKS_H
#define RD_TOOLS_CLOCKS_H

#include "tools/src/vmctl/pack.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct rd_machine;

struct rd_cpu_clock {
	uint64_t tsc;
	uint64_t offset;	/* of the TSC to the host's; only differences have a meaning */
	uint64_t deadline;	/* TSC value of the armed timer, 0: none */
};

struct rd_clocks {
	bool held;
	bool has_offsets;	/* the hypervisor tells and takes TSC offsets */
	bool has_pit;
	uint64_t clock_ns;
	struct kvm_pit_state2 pit;
	struct rd_cpu_clock *cpus;
	uint32_t n_cpus;
};

/* rd_clocks_hold - note the time now. No vCPU runs. A status; nothing was changed in any case. */
int rd_clocks_hold(struct rd_machine *m);

/* rd_clocks_release - put back what was noted or loaded. No vCPU runs. A status. */
int rd_clocks_release(struct rd_machine *m);

/*
 * rd_clocks_transfer - what was noted, to or from a snapshot. A machine that loads has its vCPUs.
 * The pack is bad when the snapshot does not fit the machine.
 */
void rd_clocks_transfer(struct rd_machine *m, struct rd_pack *p);

void rd_clocks_free(struct rd_clocks *c);

#endif
