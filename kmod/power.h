/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtualization on and off on the host's CPUs.
 * Invariant: between rd_power_on() and rd_power_off() it is on wherever a vCPU may run.
 */
#ifndef RD_KMOD_POWER_H
#define RD_KMOD_POWER_H

/*
 * -EBUSY: another hypervisor has it (said in the log); -errno of a CPU that refused. Process
 * context.
 */
int rd_power_on(void);
void rd_power_off(void);

#endif
