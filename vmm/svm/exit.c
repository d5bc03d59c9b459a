// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest's exits mean: one handler per #VMEXIT code, most of them a line that hands on to
 * vmm/exit.c. Invariant: a handler either finishes the instruction (RIP moved), queues an
 * exception, or leaves for user space with run filled.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <asm/mce.h>
#include <asm/ptrace.h>
#include "kmod/compat.h"
#include "vmm/gwalk.h"
#include "vmm/svm/svm.h"
#include "vmm/unit.h"
#include "kmod/trace.h"

typedef int (*rd_svm_handler)(struct rd_vcpu *v);

/* Bytes of the instruction where the CPU tells, else 0. */
static unsigned int rd_svm_insn_len(struct rd_vcpu *v)
{
	struct rd_vmcb *b = v->hw->vmcb;

	if (!rd_svm_has(SVM_F_NRIPS) || !b->c.next_rip)
		return 0;
	return b->c.next_rip - b->s.rip;
}

static int rd_svm_cpuid(struct rd_vcpu *v)
{
	return rd_exit_cpuid(v, rd_svm_insn_len(v));
}

static int rd_svm_hlt(struct rd_vcpu *v)
{
	return rd_exit_hlt(v, rd_svm_insn_len(v));
}

static int rd_svm_msr(struct rd_vcpu *v)
{
	return rd_exit_msr(v, v->hw->vmcb->c.exit_info1 & 1, rd_svm_insn_len(v));
}

static int rd_svm_intr(struct rd_vcpu *v)
{
	/* The host took it when interrupts went on. A guest that spins must not hold up grace
	 * periods. */
	rd_compat_rcu_note();
	return 1;
}

static int rd_svm_vintr(struct rd_vcpu *v)
{
	rd_svm_clear_irq_window(v);
	return 1;
}

static int rd_svm_io(struct rd_vcpu *v)
{
	u64 info = v->hw->vmcb->c.exit_info1;

	if (info & SVM_IO_STRING)
		return rd_exit_emulate(v);
	/* EXITINFO2 holds the next RIP on every CPU. */
	return rd_exit_pio(v, info >> SVM_IO_PORT_SHIFT, (info >> SVM_IO_SIZE_SHIFT) & 7,
			   info & SVM_IO_IN, v->hw->vmcb->c.exit_info2);
}

static int rd_svm_npf(struct rd_vcpu *v)
{
	struct rd_vmcb_control *c = &v->hw->vmcb->c;
	unsigned int acc = c->exit_info1 & SVM_NPF_FETCH   ? RD_ACC_FETCH
			   : c->exit_info1 & SVM_NPF_WRITE ? RD_ACC_WRITE
							   : RD_ACC_READ;

	if (!(c->exit_info1 & SVM_NPF_FINAL))
		acc |= RD_ACC_SYSTEM;
	return rd_exit_npf(v, c->exit_info2, acc, c->insn,
			   rd_svm_has(SVM_F_DECODE) ? c->insn_len & 15 : 0);
}

static int rd_svm_pause(struct rd_vcpu *v)
{
	static const u8 op[] = { 0xf3, 0x90 };
	unsigned int len = rd_svm_insn_len(v);

	/* The filter fired: the guest spins, let another thread run. PAUSE is always the two bytes
	 * F3 90 or longer with prefixes. */
	if (need_resched() || !single_task_running())
		yield();
	return rd_exit_skip(v, len ? len : 2, op, sizeof(op));
}

/* Guest memory is ordinary coherent memory: nothing to write back. An emulated CPU may report INVD
 * as WBINVD. */
static int rd_svm_wbinvd(struct rd_vcpu *v)
{
	static const u8 wbinvd[] = { 0x0f, 0x09 }, invd[] = { 0x0f, 0x08 };
	unsigned int len = rd_svm_insn_len(v);
	u64 rip = v->rip;
	int r = rd_exit_skip(v, len, wbinvd, sizeof(wbinvd));

	return v->rip != rip ? r : rd_exit_skip(v, len, invd, sizeof(invd));
}

static int rd_svm_monitor(struct rd_vcpu *v)
{
	static const u8 op[] = { 0x0f, 0x01, 0xc8 };

	return rd_exit_mwait(v, rd_svm_insn_len(v), op, sizeof(op));
}

static int rd_svm_mwait(struct rd_vcpu *v)
{
	static const u8 op[] = { 0x0f, 0x01, 0xc9 };

	return rd_exit_mwait(v, rd_svm_insn_len(v), op, sizeof(op));
}

static int rd_svm_vmmcall(struct rd_vcpu *v)
{
	static const u8 op[] = { 0x0f, 0x01, 0xd9 };

	return rd_exit_hypercall(v, rd_svm_insn_len(v), op);
}

static int rd_svm_xsetbv(struct rd_vcpu *v)
{
	return rd_exit_xsetbv(v, rd_svm_insn_len(v));
}

static int rd_svm_ud(struct rd_vcpu *v)
{
	rd_queue_exception(v, 6);
	return 1;
}

static int rd_svm_gp(struct rd_vcpu *v)
{
	rd_queue_exception_err(v, 13, 0);
	return 1;
}

/*
 * #UD of the guest: VMCALL is the other vendor's hypercall opcode and may work here as well, and
 * subsystems have instructions of their own.
 */
static int rd_svm_ud_intercept(struct rd_vcpu *v)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 }, vmmcall[] = { 0x0f, 0x01, 0xd9 };
	unsigned int n, i;
	u8 insn[4];
	int ret;

	n = rd_fetch_insn(v, v->rip + v->hw->vmcb->s.cs.base, insn, sizeof(insn));
	if (n >= sizeof(vmcall) && !memcmp(insn, vmcall, sizeof(vmcall)))
		return rd_exit_foreign_hypercall(v, vmmcall, sizeof(vmmcall));
	ret = rd_svm_sysenter(v, insn, n);
	if (ret != -ENOENT)
		return ret;
	for (i = 0; i < rd_units.nr_insn; i++) {
		ret = rd_units.insn[i](v, insn, n);
		if (ret != -ENOENT)
			return ret;
	}
	return rd_svm_ud(v);
}

static int rd_svm_ac(struct rd_vcpu *v)
{
	rd_queue_exception_err(v, 17, v->hw->vmcb->c.exit_info1);
	return 1;
}

/* The host's own machine check, taken while the guest ran: hand it to the host's handler. */
void rd_svm_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}

static int rd_svm_mc(struct rd_vcpu *v)
{
	rd_svm_machine_check();
	return 1;
}

static int rd_svm_iret(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	h->vmcb->c.misc1 &= ~SVM_I_IRET;
	rd_svm_dirty(h, SVM_CLEAN_INTERCEPTS);
	h->iret_pending = true;
	h->iret_rip = v->rip;
	return 1;
}

static int rd_svm_cr(struct rd_vcpu *v)
{
	return rd_exit_emulate(v);
}

static int rd_svm_task_switch(struct rd_vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	v->run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	v->run->internal.ndata = 0;
	return 0;
}

static int rd_svm_shutdown(struct rd_vcpu *v)
{
	/* The VMCB is undefined after a shutdown (APM, "Shutdown Intercept"): start again from a
	 * defined state. */
	rd_svm_vcpu_reset(v, true);
	return rd_exit_triple_fault(v);
}

#define EXCP(n) (SVM_EXIT_EXCP + (n))
static const rd_svm_handler rd_svm_handlers[SVM_NR_EXITS] = {
	[SVM_EXIT_CR0_READ... SVM_EXIT_CR8_WRITE + 7] = rd_svm_cr,
	[SVM_EXIT_DR0_READ... 0x3f] = rd_svm_dr,
	[EXCP(1)] = rd_svm_db,
	[EXCP(3)] = rd_svm_bp,
	[EXCP(6)] = rd_svm_ud_intercept,
	[EXCP(17)] = rd_svm_ac,
	[EXCP(18)] = rd_svm_mc,
	[SVM_EXIT_INTR] = rd_svm_intr,
	[SVM_EXIT_NMI] = rd_svm_intr,
	[SVM_EXIT_SMI] = rd_svm_intr,
	[SVM_EXIT_INIT] = rd_svm_intr,
	[SVM_EXIT_VINTR] = rd_svm_vintr,
	[SVM_EXIT_CR0_SEL_WRITE] = rd_svm_cr,
	[SVM_EXIT_RDPMC] = rd_svm_gp,
	[SVM_EXIT_CPUID] = rd_svm_cpuid,
	[SVM_EXIT_RSM] = rd_svm_ud,
	[SVM_EXIT_IRET] = rd_svm_iret,
	[SVM_EXIT_SWINT] = rd_svm_swint,
	[SVM_EXIT_INVD] = rd_svm_wbinvd,
	[SVM_EXIT_PAUSE] = rd_svm_pause,
	[SVM_EXIT_HLT] = rd_svm_hlt,
	[SVM_EXIT_INVLPGA] = rd_svm_ud,
	[SVM_EXIT_IOIO] = rd_svm_io,
	[SVM_EXIT_MSR] = rd_svm_msr,
	[SVM_EXIT_TASK_SWITCH] = rd_svm_task_switch,
	[SVM_EXIT_SHUTDOWN] = rd_svm_shutdown,
	[SVM_EXIT_VMRUN] = rd_svm_ud,
	[SVM_EXIT_VMMCALL] = rd_svm_vmmcall,
	[SVM_EXIT_VMLOAD... SVM_EXIT_SKINIT] = rd_svm_ud,
	[SVM_EXIT_WBINVD] = rd_svm_wbinvd,
	[SVM_EXIT_MONITOR] = rd_svm_monitor,
	[SVM_EXIT_MWAIT... SVM_EXIT_MWAIT_ARMED] = rd_svm_mwait,
	[SVM_EXIT_XSETBV] = rd_svm_xsetbv,
	[SVM_EXIT_RDPRU] = rd_svm_ud,
};

/* The kind that statistics count an exit code under. */
static const u8 rd_svm_kinds[SVM_NR_EXITS] = {
	[SVM_EXIT_CR0_READ... 0x0f] = RD_EXIT_cr_read,
	[SVM_EXIT_CR0_WRITE... SVM_EXIT_CR8_WRITE - 1] = RD_EXIT_cr_write,
	[SVM_EXIT_CR8_WRITE] = RD_EXIT_cr8_write,
	[SVM_EXIT_DR0_READ... 0x3f] = RD_EXIT_dr_access,
	[SVM_EXIT_EXCP... 0x5f] = RD_EXIT_exception,
	[SVM_EXIT_INTR] = RD_EXIT_intr,
	[SVM_EXIT_NMI] = RD_EXIT_nmi,
	[SVM_EXIT_SMI] = RD_EXIT_smi,
	[SVM_EXIT_INIT] = RD_EXIT_init,
	[SVM_EXIT_VINTR] = RD_EXIT_intr_window,
	[SVM_EXIT_CR0_SEL_WRITE] = RD_EXIT_cr_write,
	[SVM_EXIT_RDPMC] = RD_EXIT_rdpmc,
	[SVM_EXIT_CPUID] = RD_EXIT_cpuid,
	[SVM_EXIT_RSM] = RD_EXIT_invalid_insn,
	[SVM_EXIT_IRET] = RD_EXIT_iret,
	[SVM_EXIT_SWINT] = RD_EXIT_exception,
	[SVM_EXIT_INVD] = RD_EXIT_wbinvd,
	[SVM_EXIT_PAUSE] = RD_EXIT_pause,
	[SVM_EXIT_HLT] = RD_EXIT_hlt,
	[SVM_EXIT_INVLPG... SVM_EXIT_INVLPGA] = RD_EXIT_invlpg,
	[SVM_EXIT_IOIO] = RD_EXIT_io,
	[SVM_EXIT_MSR] = RD_EXIT_msr_read,
	[SVM_EXIT_TASK_SWITCH] = RD_EXIT_task_switch,
	[SVM_EXIT_SHUTDOWN] = RD_EXIT_shutdown,
	[SVM_EXIT_VMRUN] = RD_EXIT_invalid_insn,
	[SVM_EXIT_VMMCALL] = RD_EXIT_hypercall,
	[SVM_EXIT_VMLOAD... SVM_EXIT_SKINIT] = RD_EXIT_invalid_insn,
	[SVM_EXIT_WBINVD] = RD_EXIT_wbinvd,
	[SVM_EXIT_MONITOR] = RD_EXIT_monitor,
	[SVM_EXIT_MWAIT... SVM_EXIT_MWAIT_ARMED] = RD_EXIT_mwait,
	[SVM_EXIT_XSETBV] = RD_EXIT_xsetbv,
	[SVM_EXIT_RDPRU] = RD_EXIT_invalid_insn,
};

/*
 * The CPU refused the state. What the save area and the registers taken from it hold now is
 * undefined, and on an emulated CPU the host's own: nobody may see it.
 */
static void rd_svm_forget_state(struct rd_vcpu *v)
{
	v->gpr[RD_RAX] = 0;
	v->gpr[RD_RSP] = 0;
	v->rip = 0xfff0;
	v->rflags = 2;
	v->cr2 = 0;
	rd_svm_vcpu_reset(v, true);
}

static int rd_svm_unknown_exit(struct rd_vcpu *v, u64 code)
{
	struct kvm_run *run = v->run;

	rd_svm_dump(v);
	if (code == (u64)-1 || code == 0xffffffffULL) {
		rd_svm_forget_state(v);
		rd_count(v, exit[RD_EXIT_fail_entry]);
		run->exit_reason = KVM_EXIT_FAIL_ENTRY;
		run->fail_entry.hardware_entry_failure_reason = code;
		run->fail_entry.cpu = v->cpu;
		return 0;
	}
	rd_count(v, exit[RD_EXIT_other]);
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	run->internal.ndata = 2;
	run->internal.data[0] = code;
	run->internal.data[1] = v->cpu;
	return 0;
}

int rd_svm_handle_exit(struct rd_vcpu *v)
{
	struct rd_vmcb_control *c = &v->hw->vmcb->c;
	u64 code = c->exit_code;

	trace_rd_exit(v->id, code, v->rip, c->exit_info1);
	if (likely(code < SVM_NR_EXITS && rd_svm_handlers[code])) {
		unsigned int kind = rd_svm_kinds[code];

		if (kind == RD_EXIT_msr_read)
			kind += c->exit_info1 & 1;
		rd_count(v, exit[kind]);
		return rd_svm_handlers[code](v);
	}
	if (code == SVM_EXIT_NPF) {
		rd_count(v, exit[RD_EXIT_npf]);
		return rd_svm_npf(v);
	}
	return rd_svm_unknown_exit(v, code);
}
