/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one clock of a VM and the TSCs of its vCPUs (K), beyond what vmm/vcpu.h declares.
 * Invariant: while the host's TSC is stable, every reader derives the time from the same pair (host
 * TSC, ns) of the VM, so no two vCPUs disagree.
 */
#ifndef RD_VMM_CLOCK_H
#define RD_VMM_CLOCK_H

#include <linux/sched.h>
#include "vmm/pvclock.h"
#include "vmm/vm.h"

/* At VM creation: the clock starts at 0. */
void rd_vm_clock_init(struct rd_vm *vm);
/*
 * The host resumed from sleep, its TSC may have started again: pick the clock up where it was.
 * Process context.
 */
void rd_vm_clock_resume(struct rd_vm *vm);
/* KVM_GET_CLOCK, KVM_SET_CLOCK. set: -EINVAL on unknown flags. */
void rd_vm_get_clock_data(struct rd_vm *vm, struct kvm_clock_data *d);
int rd_vm_set_clock_data(struct rd_vm *vm, const struct kvm_clock_data *d);

/* A moment: the host's TSC, and the VM's clock at it. */
struct rd_moment {
	u64 host_tsc, ns;
	bool stable; /* the same pair for all vCPUs */
};

void rd_vm_moment(struct rd_vm *vm, struct rd_moment *m);

/* KVM_KVMCLOCK_CTRL: tell the guest that it was stopped. -EINVAL: it has no clock page. */
int rd_vcpu_clock_ctrl(struct rd_vcpu *v);

/* Give a new vCPU its TSC: the VM's rate, synchronized with the others. */
void rd_vcpu_tsc_init(struct rd_vcpu *v);
/* The guest moved its TSC by writing it or IA32_TSC_ADJUST. */
void rd_vcpu_shift_tsc(struct rd_vcpu *v, u64 delta);
/* KVM_VCPU_TSC_CTRL device attributes. -ENXIO: no such attribute. */
int rd_vcpu_tsc_attr_get(struct rd_vcpu *v, u64 attr, u64 *val);
int rd_vcpu_tsc_attr_set(struct rd_vcpu *v, u64 attr, u64 val);

/* May the guest touch this paravirtual MSR? Only with KVM_CAP_ENFORCE_PV_FEATURE_CPUID not all. */
bool rd_pv_msr_allowed(struct rd_vcpu *v, u32 msr);

/*
 * The vCPU was loaded on a host CPU, moved if that is another than before. Asks for what is due:
 * the clock page, where TSCs are not to be trusted; steal time, when the thread waited. Preemption
 * off.
 */
static inline void rd_clock_sched_in(struct rd_vcpu *v, bool moved)
{
	if (unlikely(moved && !v->vm->clock.stable) && (v->pv.system_time_msr & 1))
		rd_vcpu_set_request(v, RD_REQ_CLOCK);
#ifdef CONFIG_SCHED_INFO
	if ((v->pv.steal_msr & 1) && current->sched_info.run_delay != v->pv.last_steal)
		rd_vcpu_set_request(v, RD_REQ_STEAL);
#endif
}

#endif
