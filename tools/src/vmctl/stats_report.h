/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking the counters of a machine, and showing them: as JSON and as text. */
#ifndef RD_TOOLS_STATS_REPORT_H
#define RD_TOOLS_STATS_REPORT_H

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/stats.h"

#include <jansson.h>

/*
 * rd_stats_open - open the statistics of a VM or vCPU, -1 when there are none. Before the vCPU
 * runs: an ioctl on a running vCPU waits for its next exit, which may be never.
 */
int rd_stats_open(const struct rd_kvm *kvm, int fd);

/*
 * rd_stats_add_machine - add the counters of M as they are now. A counter that cannot be read is
 * left out. Main thread; the vCPUs may be running.
 */
void rd_stats_add_machine(struct rd_stats *stats, const struct rd_machine *m);

/* rd_stats_json - the counters as an object; a new reference, NULL when out of memory. */
json_t *rd_stats_json(const struct rd_stats *stats);

/*
 * rd_stats_vcpus - each vCPU of M by itself: its counters, and of its thread the processor time and
 * the part of it that was spent in the guest, in milliseconds. An array; NULL: out of memory.
 */
json_t *rd_stats_vcpus(const struct rd_machine *m);

/* rd_stats_print - the counters that are not zero, as lines on stderr. */
void rd_stats_print(const struct rd_stats *stats);

#endif
