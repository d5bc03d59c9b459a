// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SYNC_REGS: registers that travel in struct kvm_run with KVM_RUN itself.
 * Invariant: user space may write to struct kvm_run at any time, so what is taken from it is copied
 * first and checked then. v->mutex held and the vCPU loaded.
 */
#include "vmm/vm.h"

static noinline void take_regs(struct rd_vcpu *v, const struct kvm_sync_regs *from)
{
	struct kvm_regs regs = from->regs;

	barrier_data(&regs);
	rd_vcpu_set_regs(v, &regs);
}

static noinline int take_sregs(struct rd_vcpu *v, const struct kvm_sync_regs *from)
{
	struct kvm_sregs sregs = from->sregs;

	barrier_data(&sregs);
	return rd_vcpu_set_sregs(v, &sregs);
}

static noinline int take_events(struct rd_vcpu *v, const struct kvm_sync_regs *from)
{
	struct kvm_vcpu_events events = from->events;

	barrier_data(&events);
	return rd_vcpu_set_events(v, &events);
}

int rd_sync_regs_in(struct rd_vcpu *v)
{
	struct kvm_run *run = v->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);

	if ((READ_ONCE(run->kvm_valid_regs) | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (dirty & KVM_SYNC_X86_REGS) {
		take_regs(v, &run->s.regs);
		run->kvm_dirty_regs &= ~KVM_SYNC_X86_REGS;
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		if (take_sregs(v, &run->s.regs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~KVM_SYNC_X86_SREGS;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		if (take_events(v, &run->s.regs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~KVM_SYNC_X86_EVENTS;
	}
	return 0;
}

void rd_sync_regs_out(struct rd_vcpu *v)
{
	struct kvm_sync_regs *to = &v->run->s.regs;
	u64 wanted = READ_ONCE(v->run->kvm_valid_regs);

	BUILD_BUG_ON(sizeof(*to) > SYNC_REGS_SIZE_BYTES);
	if (wanted & KVM_SYNC_X86_REGS)
		rd_vcpu_get_regs(v, &to->regs);
	if (wanted & KVM_SYNC_X86_SREGS)
		rd_vcpu_get_sregs(v, &to->sregs);
	if (wanted & KVM_SYNC_X86_EVENTS)
		rd_vcpu_get_events(v, &to->events);
}
