// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest asks for by paravirtual MSRs: clock page, wall clock, steal time, end of interrupt
 * by memory. Invariant: a page is written only while its MSR's enable bit is set, in the version
 * protocol that the guest reads it by: odd while the fields change, even when they agree.
 */
#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/pvclock-abi.h>
#include "kmod/host.h"
#include "vmm/clock.h"
#include "vmm/cpuid.h"

#define STEAL_RESERVED 0x3eULL
#define ENABLED 1ULL

static_assert(sizeof(struct pvclock_vcpu_time_info) == 32);

static int write_gpa(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len)
{
	int idx = srcu_read_lock(&v->vm->srcu), r;

	r = rd_vcpu_write_gpa(v, gpa, buf, len);
	srcu_read_unlock(&v->vm->srcu, idx);
	return r;
}

static int read_gpa(struct rd_vcpu *v, u64 gpa, void *buf, unsigned int len)
{
	int idx = srcu_read_lock(&v->vm->srcu), r;

	r = rd_vm_read_gpa(v->vm, gpa, buf, len);
	srcu_read_unlock(&v->vm->srcu, idx);
	return r;
}

static void __user *hva_of(const struct rd_slot *slot, u64 gpa)
{
	return (void __user *)(rd_slot_hva(slot, gpa >> RD_PAGE_SHIFT) + (gpa & ~RD_PAGE_MASK));
}

/* --- clock --- */

static void clock_fill(struct rd_vcpu *v, struct pvclock_vcpu_time_info *t)
{
	struct rd_clock_scale scale = rd_clock_scale(v->tsc.khz);
	u8 stopped = t->flags & PVCLOCK_GUEST_STOPPED; /* stays until the guest takes it */
	struct rd_moment m;

	rd_vm_moment(v->vm, &m);
	t->tsc_timestamp = rd_tsc_guest(m.host_tsc, v->tsc.ratio_48, v->tsc.offset);
	t->system_time = m.ns;
	t->tsc_to_system_mul = scale.mul;
	t->tsc_shift = scale.shift;
	t->flags = stopped;
	if (m.stable)
		t->flags |= PVCLOCK_TSC_STABLE_BIT;
	if (v->pv.guest_paused)
		t->flags |= PVCLOCK_GUEST_STOPPED;
	v->pv.guest_paused = false;
}

void rd_pv_clock_update(struct rd_vcpu *v)
{
	struct pvclock_vcpu_time_info t;
	u64 gpa = v->pv.system_time_msr & ~ENABLED;

	if (!(v->pv.system_time_msr & ENABLED))
		return;
	if (read_gpa(v, gpa, &t, sizeof(t)))
		return;
	clock_fill(v, &t);
	v->pv.version = max(v->pv.version, t.version & ~1U) + 2;
	t.version = v->pv.version - 1;
	if (write_gpa(v, gpa, &t.version, sizeof(t.version)))
		return;
	smp_wmb();
	write_gpa(v, gpa + sizeof(t.version), (u8 *)&t + sizeof(t.version),
		  sizeof(t) - sizeof(t.version));
	smp_wmb();
	t.version++;
	write_gpa(v, gpa, &t.version, sizeof(t.version));
}

/* Wall-clock time at which the VM's clock was 0, written once per request. */
static void wall_clock_write(struct rd_vcpu *v, u64 gpa)
{
	struct pvclock_wall_clock w;
	u64 ns;

	if (!gpa || read_gpa(v, gpa, &w.version, sizeof(w.version)))
		return;
	w.version = (w.version & ~1U) + 1;
	if (write_gpa(v, gpa, &w.version, sizeof(w.version)))
		return;
	smp_wmb();
	ns = rd_host_real_ns() - rd_vm_clock_ns(v->vm);
	w.nsec = do_div(ns, NSEC_PER_SEC);
	w.sec = ns;
	write_gpa(v, gpa + offsetof(struct pvclock_wall_clock, sec), &w.sec, 8);
	smp_wmb();
	w.version++;
	write_gpa(v, gpa, &w.version, sizeof(w.version));
}

/* --- steal time --- */

/*
 * Time that this thread waited for a CPU since the last update; true if there is any. A VMM may
 * move a vCPU to another thread: start anew there.
 */
static bool steal_since_last(struct rd_vcpu *v, u64 *delta)
{
	u64 now = 0, last = v->pv.last_steal;

#ifdef CONFIG_SCHED_INFO
	now = current->sched_info.run_delay;
#endif
	v->pv.last_steal = now;
	*delta = now > last ? now - last : 0;
	return now != last;
}

static int steal_add(struct kvm_steal_time __user *st, u64 delta)
{
	u64 steal;
	u32 version;

	if (get_user(version, &st->version) || get_user(steal, &st->steal))
		return -EFAULT;
	version = (version | 1) + 2; /* odd, and another one than before */
	if (put_user(version, &st->version))
		return -EFAULT;
	smp_wmb();
	if (put_user(steal + delta, &st->steal) || put_user(0, &st->preempted) ||
	    put_user(0, &st->flags))
		return -EFAULT;
	smp_wmb();
	return put_user(version + 1, &st->version);
}

/* Runs whenever the vCPU was scheduled in, mostly with nothing to tell. vm->srcu held. */
void rd_pv_steal_update(struct rd_vcpu *v)
{
	u64 gpa = v->pv.steal_msr & ~(STEAL_RESERVED | ENABLED), delta;
	struct rd_slot *slot;

	if (!(v->pv.steal_msr & ENABLED) || !steal_since_last(v, &delta))
		return;
	slot = rd_vcpu_slot(v, gpa >> RD_PAGE_SHIFT);
	if (!slot || (slot->flags & KVM_MEM_READONLY))
		return;
	if (unlikely(rd_prot_traced(&v->vm->mmu.prot, gpa >> RD_PAGE_SHIFT)) &&
	    rd_trace_stops_module(v, gpa, NULL, sizeof(struct kvm_steal_time)))
		return;
	/* 64 bytes, aligned: inside one page. */
	if (!steal_add(hva_of(slot, gpa), delta))
		rd_mark_dirty(v, slot, gpa >> RD_PAGE_SHIFT);
}

static int steal_enable(struct rd_vcpu *v, u64 val)
{
	if (!sched_info_on() || (val & STEAL_RESERVED))
		return RD_MSR_GP;
	v->pv.steal_msr = val;
	v->pv.last_steal = 0;
	if (val & ENABLED)
		rd_vcpu_set_request(v, RD_REQ_STEAL);
	return RD_MSR_OK;
}

/* --- end of interrupt by memory --- */

/* Bit 0 of the byte: set by the host, it says "clear me instead of writing the EOI register". */
static u8 __user *eoi_byte(struct rd_vcpu *v, struct rd_slot **slot)
{
	u64 gpa = v->pv.eoi_msr & ~ENABLED;

	*slot = rd_vcpu_slot(v, gpa >> RD_PAGE_SHIFT);
	if (!*slot || ((*slot)->flags & KVM_MEM_READONLY))
		return NULL;
	/* Traces cannot be asked here, and the guest loses nothing: it writes the register. */
	if (unlikely(rd_prot_traced(&v->vm->mmu.prot, gpa >> RD_PAGE_SHIFT)))
		return NULL;
	return hva_of(*slot, gpa);
}

static bool eoi_store(struct rd_vcpu *v, u8 val)
{
	struct rd_slot *slot;
	u8 __user *p = eoi_byte(v, &slot);

	if (!p || copy_to_user_nofault(p, &val, 1))
		return false;
	if (rd_slot_logs(slot))
		rd_mark_dirty(v, slot, (v->pv.eoi_msr & ~ENABLED) >> RD_PAGE_SHIFT);
	return true;
}

/*
 * An EOI that somebody waits for must be seen at once: level-triggered vectors, and those that user
 * space asked for.
 */
static bool eoi_silent(struct rd_vcpu *v, unsigned int vector)
{
	const struct rd_lapic *l = &v->lapic;

	return !test_bit(vector, l->tmr) && !test_bit(vector, v->vm->chip.ioapic.handled) &&
	       !test_bit(vector, v->vm->chip.split_eoi);
}

/* Another vector waits for this one to end. irr_pending may be a leftover: look at the bits. */
static bool eoi_awaited(const struct rd_lapic *l)
{
	return READ_ONCE(l->irr_pending) && (READ_ONCE(l->irr[0]) | READ_ONCE(l->irr[1]) |
					     READ_ONCE(l->irr[2]) | READ_ONCE(l->irr[3]));
}

/*
 * Hot where PV EOI is on. Interrupts off. The page may be away: then the guest just writes the
 * register.
 */
void rd_pv_eoi_sync_in(struct rd_vcpu *v)
{
	struct rd_lapic *l = &v->lapic;

	if (l->isrv < 0 || eoi_awaited(l) || !eoi_silent(v, l->isrv))
		return;
	v->pv.eoi_pending = eoi_store(v, 1);
}

void rd_pv_eoi_sync_out(struct rd_vcpu *v)
{
	struct rd_slot *slot;
	u8 __user *p = eoi_byte(v, &slot);
	u8 val;

	v->pv.eoi_pending = false;
	if (!p || get_user(val, p))
		return;
	if (val & 1)
		eoi_store(v, 0); /* not yet: it shall write the register, or get the offer again */
	else
		rd_lapic_eoi(&v->lapic);
}

/* --- MSRs --- */

static int system_time_write(struct rd_vcpu *v, u64 val)
{
	v->pv.system_time_msr = val;
	rd_vcpu_set_request(v, RD_REQ_CLOCK);
	return RD_MSR_OK;
}

static int wall_clock_msr_write(struct rd_vcpu *v, u64 val)
{
	v->pv.wall_clock_msr = val;
	wall_clock_write(v, val);
	return RD_MSR_OK;
}

static int eoi_msr_write(struct rd_vcpu *v, u64 val)
{
	if (val & 2)
		return RD_MSR_GP; /* four bytes, aligned */
	v->pv.eoi_msr = val;
	v->pv.eoi_pending = false;
	return RD_MSR_OK;
}

static const struct {
	u32 msr;
	u16 feature;
} pv_msrs[] = {
	{ MSR_KVM_WALL_CLOCK, RD_F_PV_CLOCK },
	{ MSR_KVM_SYSTEM_TIME, RD_F_PV_CLOCK },
	{ MSR_KVM_WALL_CLOCK_NEW, RD_F_PV_CLOCK2 },
	{ MSR_KVM_SYSTEM_TIME_NEW, RD_F_PV_CLOCK2 },
	{ MSR_KVM_ASYNC_PF_EN, RD_F_PV_ASYNC_PF },
	{ MSR_KVM_STEAL_TIME, RD_F_PV_STEAL },
	{ MSR_KVM_PV_EOI_EN, RD_F_PV_EOI },
	{ MSR_KVM_POLL_CONTROL, RD_F_PV_POLL_CONTROL },
	{ MSR_KVM_ASYNC_PF_INT, RD_F_PV_ASYNC_PF_INT },
	{ MSR_KVM_ASYNC_PF_ACK, RD_F_PV_ASYNC_PF_INT },
};

bool rd_pv_msr_allowed(struct rd_vcpu *v, u32 msr)
{
	unsigned int i;

	if (!v->vm->enforce_pv_features)
		return true;
	for (i = 0; i < ARRAY_SIZE(pv_msrs); i++)
		if (pv_msrs[i].msr == msr)
			return rd_cpuid_has(v, pv_msrs[i].feature);
	return false;
}

int rd_pv_msr_write(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		return wall_clock_msr_write(v, val);
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return system_time_write(v, val);
	case MSR_KVM_STEAL_TIME:
		return steal_enable(v, val);
	case MSR_KVM_PV_EOI_EN:
		return eoi_msr_write(v, val);
	case MSR_KVM_POLL_CONTROL:
		if (val & ~1ULL)
			return RD_MSR_GP;
		v->pv.poll_control = val;
		return RD_MSR_OK;
	case MSR_KVM_ASYNC_PF_EN:
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
		return val ? RD_MSR_GP : RD_MSR_OK; /* not offered: it can only be off */
	default:
		return RD_MSR_GP;
	}
}

int rd_pv_msr_read(struct rd_vcpu *v, u32 msr, u64 *val)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*val = v->pv.wall_clock_msr;
		return RD_MSR_OK;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*val = v->pv.system_time_msr;
		return RD_MSR_OK;
	case MSR_KVM_STEAL_TIME:
		*val = v->pv.steal_msr;
		return RD_MSR_OK;
	case MSR_KVM_PV_EOI_EN:
		*val = v->pv.eoi_msr;
		return RD_MSR_OK;
	case MSR_KVM_POLL_CONTROL:
		*val = v->pv.poll_control;
		return RD_MSR_OK;
	case MSR_KVM_ASYNC_PF_EN:
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
		*val = 0;
		return RD_MSR_OK;
	default:
		return RD_MSR_GP;
	}
}
