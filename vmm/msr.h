/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: what vmm/msr.c, vmm/msr_table.c and vmm/msr_filter.c give each other
 * and the ioctls (K). Invariant: an MSR filter is immutable once published in vm->msr_filter
 * (srcu).
 */
#ifndef RD_VMM_MSR_H
#define RD_VMM_MSR_H

#include "vmm/vm.h"

/*
 * Besides RD_MSR_OK and RD_MSR_GP, for the exit reasons of KVM_CAP_X86_USER_SPACE_MSR: nobody knows
 * this MSR.
 */
#define RD_MSR_UNKNOWN 3

struct rd_msr_range {
	u32 first, last;
	int (*read)(struct rd_vcpu *v, u32 msr, u64 *val, bool host);
	int (*write)(struct rd_vcpu *v, u32 msr, u64 val, bool host);
};

/* Sorted by number, disjoint. */
extern const struct rd_msr_range rd_msr_ranges[];
extern const unsigned int rd_msr_nr_ranges;

/* Reset values; init_event: INIT, which keeps most. */
void rd_msr_reset(struct rd_vcpu *v, bool init_event);

/*
 * KVM_X86_SET_MSR_FILTER. The bitmaps are copied in from user space. -EINVAL on bad flags or
 * ranges, -ENOMEM, -EFAULT. Takes vm->lock; may sleep.
 */
int rd_vm_set_msr_filter(struct rd_vm *vm, const struct kvm_msr_filter *f);
void rd_vm_free_msr_filter(struct rd_vm *vm); /* all vCPUs gone */
/* Hot when a filter is set. vm->srcu held. */
bool rd_msr_filter_allows(struct rd_vcpu *v, u32 msr, bool write);

/* KVM_X86_SETUP_MCE, KVM_X86_GET_MCE_CAP_SUPPORTED, KVM_X86_SET_MCE. -EINVAL. */
int rd_vcpu_setup_mce(struct rd_vcpu *v, u64 mcg_cap);
u64 rd_mce_cap_supported(void);
int rd_vcpu_set_mce(struct rd_vcpu *v, const struct kvm_x86_mce *m);

#endif
