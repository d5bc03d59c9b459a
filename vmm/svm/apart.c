// SPDX-License-Identifier: GPL-2.0-only
/*
 * A subsystem's tables on SVM: a VMCB of its own for each vCPU that has ever been there.
 * Invariant: the vCPU's VMCB is only read; nothing that the code does, and no event, reaches the
 * guest's tables of descriptors: every exception and every instruction that would is an exit.
 */
#include <linux/mm.h>
#include <asm/debugreg.h>
#include <asm/hw_breakpoint.h>
#include "vmm/apart.h"
#include "vmm/svm/svm.h"

#define VEC_PF 14
#define VEC_MC 18
#define DR7_NONE 0x400
#define DR6_NONE 0xffff0ff0
/*
 * What of CR4 counts at CPL 3 on tables that are not the guest's: TSD DE PAE OSFXSR OSXMMEXCPT UMIP
 * LA57 FSGSBASE OSXSAVE
 */
#define CR4_KEPT 0x51f2cULL
#define SEG_LDT 0x082
#define SEG_TSS 0x08b
/* All but RDTSC, PUSHF, POPF and PAUSE; all but RDTSCP. */
#define MISC1_APART (~(u32)(BIT(14) | BIT(16) | BIT(17) | SVM_I_PAUSE))
#define MISC2_APART (0x7fffU & ~BIT(7))

static void segment(struct rd_vmcb_seg *s, u16 attr, u32 limit)
{
	*s = (struct rd_vmcb_seg){ .attr = attr, .limit = limit };
}

static void from_kvm(struct rd_vmcb_seg *s, const struct kvm_segment *k)
{
	s->sel = k->selector;
	s->attr = k->type | k->s << 4 | k->dpl << 5 | k->present << 7 | k->avl << 8 | k->l << 9 |
		  k->db << 10 | k->g << 11;
	s->limit = k->limit;
	s->base = k->base;
}

/* For a whole stay. */
static void fill(struct rd_vcpu *v, const struct rd_apart *a)
{
	struct rd_vmcb *b = v->hw->apart;
	const struct rd_vmcb *own = v->hw->vmcb;
	struct rd_vmcb_control *c = &b->c;
	struct rd_vmcb_save *s = &b->s;

	c->cr_read = c->cr_write = c->dr_read = c->dr_write = 0xffff;
	c->exceptions = ~0U;
	c->misc1 = MISC1_APART;
	c->misc2 = MISC2_APART;
	c->iopm_pa = __sme_pa(rd_svm_iopm);
	c->msrpm_pa = __sme_pa(rd_svm_msrpm_all);
	c->int_ctl = SVM_V_INTR_MASKING |
		     (rd_svm_has(SVM_F_VGIF) ? SVM_V_GIF | SVM_V_GIF_ENABLE : 0);
	c->np_control = 1;
	c->n_cr3 = __sme_set(v->vm->mmu.view_pa[RD_VIEW_APART]);
	c->int_state = 0;
	c->event_inj = 0;
	c->tsc_offset = own->c.tsc_offset;
	s->cs = own->s.cs;
	s->ss = own->s.ss;
	s->ds = own->s.ds;
	s->es = own->s.es;
	from_kvm(&s->fs, &a->fs);
	from_kvm(&s->gs, &a->gs);
	/* No descriptor can be loaded but the null one. */
	segment(&s->ldtr, SEG_LDT, 0);
	segment(&s->tr, SEG_TSS, 0);
	segment(&s->gdtr, 0, 0);
	segment(&s->idtr, 0, 0);
	s->cpl = 3;
	s->kernel_gs_base = 0;
	s->efer = own->s.efer & ~(u64)EFER_SCE;
	s->cr0 = own->s.cr0;
	s->cr4 = own->s.cr4 & CR4_KEPT;
	s->dr6 = DR6_NONE;
	s->dr7 = DR7_NONE;
	s->g_pat = own->s.g_pat;
	s->spec_ctrl = own->s.spec_ctrl;
}

int rd_svm_apart_prepare(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	if (!h->apart)
		h->apart = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return h->apart ? 0 : -ENOMEM;
}

static void nested_fault(struct rd_apart *a, const struct rd_vmcb_control *c)
{
	a->exit = RD_APART_NESTED;
	a->gpa = c->exit_info2;
	a->acc = c->exit_info1 & SVM_NPF_FETCH	 ? RD_ACC_FETCH
		 : c->exit_info1 & SVM_NPF_WRITE ? RD_ACC_WRITE
						 : RD_ACC_READ;
	/* The CPU reads its tables as if to write them. */
	if (!(c->exit_info1 & SVM_NPF_FINAL))
		a->acc = RD_ACC_READ;
}

static void tell(struct rd_apart *a, const struct rd_vmcb_control *c)
{
	u64 code = c->exit_code;

	if (code >= SVM_EXIT_INTR && code <= SVM_EXIT_INIT) {
		a->exit = RD_APART_HOST;
	} else if (code == SVM_EXIT_EXCP + VEC_MC) {
		rd_svm_machine_check();
		a->exit = RD_APART_HOST;
	} else if (code == SVM_EXIT_NPF) {
		nested_fault(a, c);
	} else if (code >= SVM_EXIT_EXCP && code < SVM_EXIT_INTR) {
		a->exit = RD_APART_EXCEPTION;
		a->vector = code - SVM_EXIT_EXCP;
		a->error = c->exit_info1;
		a->linear = a->vector == VEC_PF ? c->exit_info2 : 0;
	} else {
		a->exit = RD_APART_INSN;
	}
}

/* Interrupts off, mode is RD_IN_GUEST. */
void rd_svm_apart_enter(struct rd_vcpu *v, struct rd_apart *a)
{
	struct rd_svm_cpu *cpu = this_cpu_ptr(&rd_svm_cpu);
	struct rd_vmcb *b = v->hw->apart;

	if (!a->begun)
		fill(v, a);
	a->begun = true;
	/* Nothing of it is cached, and no translation is older than this entry. */
	b->c.clean = 0;
	b->c.tlb_control = SVM_TLB_NONE;
	rd_svm_take_asid(cpu, &b->c);
	b->s.cr3 = a->cr3;
	b->s.rax = a->gpr[RD_RAX];
	b->s.rsp = a->gpr[RD_RSP];
	b->s.rip = a->rip;
	b->s.rflags = a->rflags;

	asm volatile("clgi" ::: "memory");
	rd_svm_vmrun(a->gpr, __sme_pa(b), cpu->host_state_pa);
	asm volatile("stgi" ::: "memory");

	/* As in rd_svm_enter(). */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	a->gpr[RD_RAX] = b->s.rax;
	a->gpr[RD_RSP] = b->s.rsp;
	a->rip = b->s.rip;
	a->rflags = b->s.rflags;
	a->fs.base = b->s.fs.base;
	a->gs.base = b->s.gs.base;
	tell(a, &b->c);
}
