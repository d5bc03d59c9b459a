/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of one vCPU as it goes into a snapshot and comes out of it: CPUID, registers, FPU,
 * MSRs, local APIC, pending events. Its time is the affair of clocks.h.
 */
#ifndef RD_TOOLS_CPU_SAVE_H
#define RD_TOOLS_CPU_SAVE_H

#include "tools/src/vmctl/cpu.h"
#include "tools/src/vmctl/pack.h"

/* rd_cpu_save - the state of a vCPU that does not run. A status. */
int rd_cpu_save(const struct rd_cpu *cpu, struct rd_pack *p);

/*
 * rd_cpu_load - put it into a vCPU that never ran. NAME is the snapshot's, for messages. A status:
 * RD_USAGE when the state does not fit this host or is damaged.
 */
int rd_cpu_load(const struct rd_cpu *cpu, struct rd_pack *p, const char *name);

#endif
