// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a vCPU on a CPU and entering the guest once.
 * Invariant: between rd_svm_load() and rd_svm_put() host_state holds this CPU's host segment and
 * system-call state; every entry runs with an ASID of the CPU's current generation.
 */
#include <linux/sched.h>
#include <asm/asm.h>
#include <asm/debugreg.h>
#include <asm/hw_breakpoint.h>
#include <asm/nospec-branch.h>
#include "vmm/svm/svm.h"

#define MSR_SVM_TSC_RATIO 0xc0000104
#define MAX_STUMBLES 4

/* Preemption off. */
void rd_svm_load(struct rd_vcpu *v, int cpu)
{
	struct rd_svm_cpu *c = this_cpu_ptr(&rd_svm_cpu);
	struct rd_hw_vcpu *h = v->hw;

	if (h->last_cpu != cpu) {
		/* Nothing that another CPU cached about this VMCB is to be trusted here, and the
		 * ASID is another CPU's. */
		h->last_cpu = cpu;
		h->vmcb->c.clean = 0;
		h->asid_generation = 0;
	}
	/*
	 * While the host goes down, threads whose VM is dead are still scheduled, and SVM may be
	 * off already: #UD then means that there is nothing to save.
	 */
	asm volatile("1: vmsave %0\n2:\n" _ASM_EXTABLE(1b, 2b)
		     :
		     : "a"(c->host_state_pa)
		     : "memory");
	if (c->last != h) {
		c->last = h;
		indirect_branch_prediction_barrier();
	}
	if (h->tsc_ratio != (1ULL << 32))
		wrmsrl(MSR_SVM_TSC_RATIO, h->tsc_ratio);
	if (v->tsc_aux != c->tsc_aux && boot_cpu_has(X86_FEATURE_RDTSCP))
		wrmsrl(MSR_TSC_AUX, v->tsc_aux);
}

void rd_svm_put(struct rd_vcpu *v)
{
	struct rd_svm_cpu *c = this_cpu_ptr(&rd_svm_cpu);
	struct rd_hw_vcpu *h = v->hw;

	/*
	 * Nobody is to see it in RFLAGS; what still needs it steps again. A step whose #DB has yet
	 * to be handled is left to that: it would look like one of the guest's own.
	 */
	if (unlikely(h->step) && h->vmcb->c.exit_code != SVM_EXIT_EXCP + VEC_DB)
		rd_svm_end_step(v);
	if (h->tsc_ratio != (1ULL << 32))
		wrmsrl(MSR_SVM_TSC_RATIO, 1ULL << 32);
	if (v->tsc_aux != c->tsc_aux && boot_cpu_has(X86_FEATURE_RDTSCP))
		wrmsrl(MSR_TSC_AUX, c->tsc_aux);
	if ((h->rare & RD_SVM_DR_LIVE) && !v->guest_debug) {
		/* Back to trapping, so that a guest that used them once does not pay for ever. */
		rd_svm_sync_debug(v);
		h->rare &= ~RD_SVM_DR_LIVE;
		rd_svm_update_debug(v);
	}
}

void rd_svm_flush_tlb(struct rd_vcpu *v)
{
	v->hw->flush = true;
}

void rd_svm_take_asid(struct rd_svm_cpu *c, struct rd_vmcb_control *ctl)
{
	if (c->next_asid > c->max_asid) {
		c->asid_generation++;
		c->next_asid = 1;
		ctl->tlb_control = SVM_TLB_ALL;
	}
	ctl->asid = c->next_asid++;
}

static noinline void rd_svm_new_asid(struct rd_hw_vcpu *h, struct rd_svm_cpu *c)
{
	rd_svm_take_asid(c, &h->vmcb->c);
	h->asid_generation = c->asid_generation;
	rd_svm_dirty(h, SVM_CLEAN_ASID);
}

static void rd_svm_apply_flush(struct rd_hw_vcpu *h)
{
	h->flush = false;
	if (rd_svm_has(SVM_F_FLUSH_ASID))
		h->vmcb->c.tlb_control = SVM_TLB_ASID;
	else
		h->asid_generation = 0; /* a fresh ASID has no translations */
}

/*
 * The guest left before it executed the instruction that the shadow covers, and the CPU forgot the
 * shadow: it still holds. A step (#DB) ends it even where RIP stays.
 */
static void rd_svm_keep_shadow(struct rd_vmcb *b, u64 entry_rip)
{
	if (rd_svm_emulated && b->s.rip == entry_rip && b->c.exit_code != SVM_EXIT_EXCP + 1)
		b->c.int_state |= SVM_INT_SHADOW;
}

/*
 * QEMU's TCG at times loses what VMRUN of its first CPU did to the mode of paging (docs/rig.md; the
 * rig runs no guest there): every walk of the guest's page tables fails until the next exit, and
 * the first fetch, or the delivery of the injected event, ends in a shutdown. Nothing of the guest
 * but CR2 has changed then, so that the entry can be made again. A guest that shuts down by itself
 * does so each time: it gets a few chances in a row.
 */
static noinline void rd_svm_enter_again(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;
	struct rd_vmcb *b = h->vmcb;

	if (!rd_svm_emulated || b->s.rip != v->rip || b->s.rsp != v->gpr[RD_RSP])
		return;
	if (v->stats.exits - h->stumble_exit > MAX_STUMBLES)
		h->stumbles = 0;
	h->stumble_exit = v->stats.exits;
	if (++h->stumbles > MAX_STUMBLES)
		return;
	pr_info_ratelimited(
		"redoubt: the emulated CPU lost the guest's page tables, enter again\n");
	b->s.cr2 = v->cr2;
	b->c.exit_code = SVM_EXIT_INTR;
	/* EXITINTINFO is the injected event, or else the fault that the lost tables caused. */
	if (!v->exc.injected && !v->nmi_injected && !v->irq.injected)
		b->c.exit_int_info = 0;
}

static noinline void enter_rarely(struct rd_vcpu *v, u64 host_state_pa)
{
	struct rd_hw_vcpu *h = v->hw;

	if (h->rare & RD_SVM_INTEL)
		rd_svm_enter_foreign(h);
	if (h->rare & RD_SVM_DR_LIVE) {
		rd_svm_enter_debug(v, host_state_pa);
	} else {
		asm volatile("clgi" ::: "memory");
		rd_svm_vmrun(v->gpr, h->vmcb_pa, host_state_pa);
		asm volatile("stgi" ::: "memory");
	}
}

/* Interrupts off, mode is RD_IN_GUEST, events are in the VMCB. Hot. */
void rd_svm_enter(struct rd_vcpu *v)
{
	struct rd_svm_cpu *c = this_cpu_ptr(&rd_svm_cpu);
	struct rd_hw_vcpu *h = v->hw;
	struct rd_vmcb *b = h->vmcb;
	bool shadow = b->c.int_state & SVM_INT_SHADOW;
	bool virtual = (b->c.event_inj & SVM_EVT_VALID) && unlikely(rd_svm_emulated) &&
		       rd_svm_inject_virtual(v);

	if (unlikely(h->flush))
		rd_svm_apply_flush(h);
	if (unlikely(h->asid_generation != c->asid_generation))
		rd_svm_new_asid(h, c);

	b->s.rax = v->gpr[RD_RAX];
	b->s.rsp = v->gpr[RD_RSP];
	b->s.rip = v->rip;
	b->s.rflags = v->rflags;
	b->s.cr2 = v->cr2;

	if (unlikely(h->rare)) {
		enter_rarely(v, c->host_state_pa);
	} else {
		asm volatile("clgi" ::: "memory");
		rd_svm_vmrun(v->gpr, h->vmcb_pa, c->host_state_pa);
		asm volatile("stgi" ::: "memory");
	}

	if (unlikely(virtual))
		rd_svm_end_virtual(v);
	if (unlikely(b->c.exit_code == SVM_EXIT_SHUTDOWN))
		rd_svm_enter_again(v);
	if (unlikely(shadow))
		rd_svm_keep_shadow(b, v->rip);
	v->gpr[RD_RAX] = b->s.rax;
	v->gpr[RD_RSP] = b->s.rsp;
	v->rip = b->s.rip;
	v->rflags = b->s.rflags;
	v->cr2 = b->s.cr2;
	b->c.clean = SVM_CLEAN_ALL;
	b->c.tlb_control = SVM_TLB_NONE;

	/* #VMEXIT leaves DR7 reset, whoever the other debug registers belonged to. */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	/* What the exit interrupted, and the end of an NMI's masking. */
	if (unlikely((b->c.exit_int_info & SVM_EVT_VALID) || h->iret_pending || v->irq.injected ||
		     v->exc.injected || v->nmi_injected))
		rd_svm_complete_injection(v);
}
