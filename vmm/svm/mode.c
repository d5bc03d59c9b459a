// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integrity mode on SVM: a VMCB of its own for each vCPU that has ever been in it.
 * Invariant: the guest's VMCB is not touched; nothing but host interrupts, VMMCALL and nested
 * faults ends an entry without ending the mode.
 */
#include <linux/mm.h>
#include <asm/debugreg.h>
#include <asm/hw_breakpoint.h>
#include "vmm/mode.h"
#include "vmm/svm/svm.h"

#define CR0_MODE 0x8001003fULL /* PG WP NE ET TS EM MP PE: no x87, no SSE */
#define CR4_MODE 0x20ULL /* PAE */
#define EFER_MODE 0x1d00ULL /* SVME NXE LMA LME */
#define PAT_RESET 0x0007040600070406ULL
#define VMMCALL_LEN 3
#define VEC_PF 14
#define VEC_MC 18
#define PF_WRITE BIT_ULL(1)
#define PF_FETCH BIT_ULL(4)
#define SEG_CODE64 0x29b
#define SEG_DATA 0x093
#define SEG_LDT 0x082
#define SEG_TSS 0x08b
/* All but PAUSE, PUSHF and POPF, which are harmless where every exception ends the mode. */
#define MISC1_MODE (~(u32)(BIT(16) | BIT(17) | SVM_I_PAUSE))
#define MISC2_MODE 0x7fffU

static void segment(struct rd_vmcb_seg *s, u16 attr, u32 limit)
{
	*s = (struct rd_vmcb_seg){ .attr = attr, .limit = limit };
}

/* All that an earlier stay may have changed, and what is there for good. */
static void fill(struct rd_vcpu *v, struct rd_vmcb *b)
{
	struct rd_vmcb_control *c = &b->c;
	struct rd_vmcb_save *s = &b->s;

	c->cr_read = c->cr_write = c->dr_read = c->dr_write = 0xffff;
	c->exceptions = ~0U;
	c->misc1 = MISC1_MODE;
	c->misc2 = MISC2_MODE;
	c->iopm_pa = __sme_pa(rd_svm_iopm);
	c->msrpm_pa = __sme_pa(rd_svm_msrpm_all);
	c->int_ctl = SVM_V_INTR_MASKING |
		     (rd_svm_has(SVM_F_VGIF) ? SVM_V_GIF | SVM_V_GIF_ENABLE : 0);
	c->np_control = 1;
	c->n_cr3 = __sme_set(v->vm->mmu.view_pa[RD_VIEW_MODE]);
	c->int_state = 0;
	segment(&s->cs, SEG_CODE64, ~0U);
	segment(&s->ss, SEG_DATA, ~0U);
	segment(&s->ds, SEG_DATA, ~0U);
	segment(&s->es, SEG_DATA, ~0U);
	segment(&s->fs, SEG_DATA, ~0U);
	segment(&s->gs, SEG_DATA, ~0U);
	segment(&s->ldtr, SEG_LDT, 0);
	segment(&s->tr, SEG_TSS, 0);
	segment(&s->gdtr, 0, 0);
	segment(&s->idtr, 0, 0);
	s->cpl = 0;
	s->kernel_gs_base = 0;
	s->efer = EFER_MODE;
	s->cr0 = CR0_MODE;
	s->cr4 = CR4_MODE;
	s->dr6 = 0xffff0ff0;
	s->dr7 = 0x400;
	s->g_pat = PAT_RESET;
}

int rd_svm_mode_prepare(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	if (!h->mode)
		h->mode = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return h->mode ? 0 : -ENOMEM;
}

static void cut(struct rd_mode_run *m, u8 why, u64 linear)
{
	m->exit = RD_MODE_X_CUT;
	m->why = why;
	m->linear = linear;
}

static void page_fault(struct rd_mode_run *m, u64 error, u64 linear)
{
	cut(m,
	    error & PF_FETCH   ? RD_MODE_FETCH
	    : error & PF_WRITE ? RD_MODE_WRITE
			       : RD_MODE_READ,
	    linear);
}

static void nested_fault(struct rd_mode_run *m, const struct rd_vmcb_control *c)
{
	m->exit = RD_MODE_X_FAULT;
	m->gpa = c->exit_info2;
	m->acc = c->exit_info1 & SVM_NPF_FETCH	 ? RD_ACC_FETCH
		 : c->exit_info1 & SVM_NPF_WRITE ? RD_ACC_WRITE
						 : RD_ACC_READ;
	/* The CPU reads its tables as if to write them. */
	if (!(c->exit_info1 & SVM_NPF_FINAL))
		m->acc = RD_ACC_READ;
}

static void tell(struct rd_mode_run *m, const struct rd_vmcb *b)
{
	u64 code = b->c.exit_code;

	switch (code) {
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		m->exit = RD_MODE_X_HOST;
		return;
	case SVM_EXIT_EXCP + VEC_MC:
		rd_svm_machine_check();
		m->exit = RD_MODE_X_HOST;
		return;
	case SVM_EXIT_VMMCALL:
		m->exit = RD_MODE_X_CALL;
		m->rip += VMMCALL_LEN;
		return;
	case SVM_EXIT_NPF:
		nested_fault(m, &b->c);
		return;
	case SVM_EXIT_EXCP + VEC_PF:
		page_fault(m, b->c.exit_info1, b->c.exit_info2);
		return;
	}
	cut(m, code >= SVM_EXIT_EXCP && code < SVM_EXIT_INTR ? RD_MODE_EXCEPTION : RD_MODE_INSN, 0);
}

/* Interrupts off, mode is RD_IN_GUEST. */
void rd_svm_mode_enter(struct rd_vcpu *v, struct rd_mode_run *m)
{
	struct rd_svm_cpu *cpu = this_cpu_ptr(&rd_svm_cpu);
	struct rd_vmcb *b = v->hw->mode;

	if (!m->begun)
		fill(v, b);
	m->begun = true;
	/* Nothing of it is cached, and no translation is older than this entry. */
	b->c.clean = 0;
	b->c.tlb_control = SVM_TLB_NONE;
	rd_svm_take_asid(cpu, &b->c);
	b->s.cr3 = m->cr3;
	b->s.rax = m->gpr[RD_RAX];
	b->s.rsp = m->gpr[RD_RSP];
	b->s.rip = m->rip;
	b->s.rflags = m->rflags;

	asm volatile("clgi" ::: "memory");
	rd_svm_vmrun(m->gpr, __sme_pa(b), cpu->host_state_pa);
	asm volatile("stgi" ::: "memory");

	/* As in rd_svm_enter(). */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	m->gpr[RD_RAX] = b->s.rax;
	m->gpr[RD_RSP] = b->s.rsp;
	m->rip = b->s.rip;
	m->rflags = b->s.rflags;
	tell(m, b);
}
