// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing MSRs, by the guest and by ioctls: the hot ones directly, the rest through the
 * table of vmm/msr_table.c. Invariant: a failed access changes nothing. The guest's access asks the
 * filter first, as KVM_X86_SET_MSR_FILTER promises; the x2APIC range is outside the filter.
 */
#include <asm/msr-index.h>
#include "vmm/clock.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/msr.h"

#define X2APIC_FIRST 0x800U
#define X2APIC_COUNT 0x100U

static const struct rd_msr_range *find_range(u32 msr)
{
	unsigned int lo = 0, hi = rd_msr_nr_ranges, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (msr > rd_msr_ranges[mid].last)
			lo = mid + 1;
		else if (msr < rd_msr_ranges[mid].first)
			hi = mid;
		else
			return &rd_msr_ranges[mid];
	}
	return NULL;
}

static int read_any(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	const struct rd_msr_range *r;

	if (msr - X2APIC_FIRST < X2APIC_COUNT)
		return v->has_lapic && !rd_lapic_msr_read(&v->lapic, msr, val) ? RD_MSR_OK :
										 RD_MSR_GP;
	r = find_range(msr);
	if (!r)
		return RD_MSR_UNKNOWN;
	return r->read ? r->read(v, msr, val, host) : RD_MSR_GP;
}

static int write_any(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	const struct rd_msr_range *r;

	if (msr - X2APIC_FIRST < X2APIC_COUNT)
		return v->has_lapic && !rd_lapic_msr_write(&v->lapic, msr, val) ? RD_MSR_OK :
										  RD_MSR_GP;
	r = find_range(msr);
	if (!r)
		return RD_MSR_UNKNOWN;
	return r->write ? r->write(v, msr, val, host) : RD_MSR_GP;
}

int rd_msr_read(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return read_any(v, msr, val, host) ? RD_MSR_GP : RD_MSR_OK;
}

int rd_msr_write(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return write_any(v, msr, val, host) ? RD_MSR_GP : RD_MSR_OK;
}

/* An access that cannot be carried out: to user space if that was asked for, else #GP. */
static noinline int refuse(struct rd_vcpu *v, u32 msr, u64 val, bool write, u32 reason)
{
	struct kvm_run *run = v->run;

	if (!(v->vm->user_msr_mask & reason))
		return RD_MSR_GP;
	v->umsr.index = msr;
	v->umsr.data = val;
	v->umsr.write = write;
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = msr;
	run->msr.data = val;
	return RD_MSR_USER;
}

static int finish(struct rd_vcpu *v, u32 msr, u64 val, bool write, int r)
{
	if (likely(r == RD_MSR_OK))
		return RD_MSR_OK;
	return refuse(v, msr, val, write,
		      r == RD_MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN :
					    KVM_MSR_EXIT_REASON_INVAL);
}

static bool filtered(struct rd_vcpu *v, u32 msr, bool write)
{
	return unlikely(rcu_access_pointer(v->vm->msr_filter)) &&
	       !rd_msr_filter_allows(v, msr, write);
}

int rd_msr_guest_read(struct rd_vcpu *v, u32 msr, u64 *val)
{
	if (msr - X2APIC_FIRST < X2APIC_COUNT)
		return finish(v, msr, 0, false, read_any(v, msr, val, false));
	if (filtered(v, msr, false))
		return refuse(v, msr, 0, false, KVM_MSR_EXIT_REASON_FILTER);
	if (msr == MSR_IA32_TSC_ADJUST) {
		*val = v->tsc.adjust;
		return RD_MSR_OK;
	}
	if (msr == MSR_IA32_TSC_DEADLINE && v->has_lapic) {
		*val = rd_lapic_get_tsc_deadline(&v->lapic);
		return RD_MSR_OK;
	}
	return finish(v, msr, 0, false, read_any(v, msr, val, false));
}

int rd_msr_guest_write(struct rd_vcpu *v, u32 msr, u64 val)
{
	if (msr - X2APIC_FIRST < X2APIC_COUNT)
		return finish(v, msr, val, true, write_any(v, msr, val, false));
	if (filtered(v, msr, true))
		return refuse(v, msr, val, true, KVM_MSR_EXIT_REASON_FILTER);
	if (msr == MSR_IA32_TSC_DEADLINE && v->has_lapic) {
		rd_lapic_set_tsc_deadline(&v->lapic, val);
		return RD_MSR_OK;
	}
	return finish(v, msr, val, true, write_any(v, msr, val, false));
}
