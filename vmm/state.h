/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State of a vCPU that is saved and restored, beyond what vmm/vcpu.h declares (K).
 * Invariant: a SET ioctl checks everything before it changes anything.
 */
#ifndef RD_VMM_STATE_H
#define RD_VMM_STATE_H

#include "vmm/vcpu.h"

/* Write of IA32_APIC_BASE. 0, or 1: #GP. */
int rd_set_apic_base(struct rd_vcpu *v, u64 val, bool host);

#endif
