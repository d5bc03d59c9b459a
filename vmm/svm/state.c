// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCB's save area and intercepts as the rest of the machine sees them: segments, control and
 * debug registers, MSRs, reset. Invariant: h->cr0 and h->cr4 are what the guest reads whenever
 * cr0_shadowed/cr4_shadowed say that the VMCB differs.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>
#include "vmm/cpuid.h"
#include "vmm/gwalk.h"
#include "vmm/svm/svm.h"

#define CR0_CD_NW (BIT_ULL(30) | BIT_ULL(29))
#define EFER_SVME_BIT BIT_ULL(12)
#define MSR_SPEC_CTRL_ 0x48

int rd_svm_vcpu_create(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);

	if (!h)
		return -ENOMEM;
	h->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!h->vmcb) {
		kfree(h);
		return -ENOMEM;
	}
	h->vmcb_pa = __sme_pa(h->vmcb);
	h->last_cpu = -1;
	h->tsc_ratio = 1ULL << 32;
	v->hw = h;
	return 0;
}

void rd_svm_vcpu_free(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;
	int cpu;

	if (!h)
		return;
	/* A new vCPU may get this address: no CPU may take it for the one that ran last. */
	for_each_possible_cpu(cpu) cmpxchg(&per_cpu_ptr(&rd_svm_cpu, cpu)->last, h, NULL);
	free_page((unsigned long)h->mode);
	if (h->apart)
		memzero_explicit(h->apart, PAGE_SIZE); /* registers of what ran there */
	free_page((unsigned long)h->apart);
	free_page((unsigned long)h->vmcb);
	kfree(h);
	v->hw = NULL;
}

static void rd_svm_set_intercepts(struct rd_vcpu *v)
{
	struct rd_vmcb_control *c = &v->hw->vmcb->c;

	c->cr_read = BIT(8);
	c->cr_write = BIT(4) | BIT(8);
	c->dr_read = 0xffff;
	c->dr_write = 0xffff;
	/* #DB and #AC can loop inside delivery and would hold the CPU for ever; #UD serves
	 * hypercalls; #MC is the host's. */
	c->exceptions = BIT(1) | BIT(6) | BIT(17) | BIT(18);
	c->misc1 = SVM_I_INTR | SVM_I_NMI | SVM_I_SMI | SVM_I_INIT | SVM_I_CR0_SEL | SVM_I_RDPMC |
		   SVM_I_CPUID | SVM_I_RSM | SVM_I_INVD | SVM_I_HLT | SVM_I_INVLPGA | SVM_I_IOIO |
		   SVM_I_MSR | SVM_I_TASK_SWITCH | SVM_I_SHUTDOWN;
	c->misc2 = SVM_I2_VMRUN | SVM_I2_VMMCALL | SVM_I2_VMLOAD | SVM_I2_VMSAVE | SVM_I2_STGI |
		   SVM_I2_CLGI | SVM_I2_SKINIT | SVM_I2_WBINVD | SVM_I2_MONITOR | SVM_I2_MWAIT |
		   SVM_I2_XSETBV | SVM_I2_RDPRU;
	if (v->vm->disabled_exits & KVM_X86_DISABLE_EXITS_HLT)
		c->misc1 &= ~SVM_I_HLT;
	if (rd_svm_has(SVM_F_PAUSE_FILTER) &&
	    !(v->vm->disabled_exits & KVM_X86_DISABLE_EXITS_PAUSE)) {
		c->pause_count = 3000;
		c->pause_threshold = rd_svm_has(SVM_F_PAUSE_THRESHOLD) ? 128 : 0;
		c->misc1 |= SVM_I_PAUSE;
	}
}

static void rd_seg_init(struct rd_vmcb_seg *s, u16 attr)
{
	s->sel = 0;
	s->attr = attr;
	s->limit = 0xffff;
	s->base = 0;
}

/* Register values after RESET and INIT (APM volume 2, "Processor Initialization State"). */
void rd_svm_vcpu_reset(struct rd_vcpu *v, bool init_event)
{
	struct rd_hw_vcpu *h = v->hw;
	struct rd_vmcb_control *c = &h->vmcb->c;
	struct rd_vmcb_save *s = &h->vmcb->s;
	u64 old_cr0 = rd_svm_get_cr(v, 0);

	memset(s, 0, sizeof(*s));
	h->sysenter_esp = h->sysenter_eip = h->lent_cstar = 0;
	rd_svm_set_intercepts(v);
	c->iopm_pa = __sme_pa(rd_svm_iopm);
	rd_svm_update_msr_filter(v);
	c->int_ctl = SVM_V_INTR_MASKING |
		     (rd_svm_has(SVM_F_VGIF) ? SVM_V_GIF | SVM_V_GIF_ENABLE : 0);
	c->int_state = 0;
	c->event_inj = 0;
	c->exit_int_info = 0;
	c->np_control = 1;
	c->n_cr3 = __sme_set(v->vm->mmu.root_pa);
	c->tsc_offset = v->tsc.offset;
	rd_seg_init(&s->es, 0x093);
	rd_seg_init(&s->ss, 0x093);
	rd_seg_init(&s->ds, 0x093);
	rd_seg_init(&s->fs, 0x093);
	rd_seg_init(&s->gs, 0x093);
	rd_seg_init(&s->cs, 0x09b);
	s->cs.sel = 0xf000;
	s->cs.base = 0xffff0000;
	rd_seg_init(&s->gdtr, 0);
	rd_seg_init(&s->idtr, 0);
	rd_seg_init(&s->ldtr, 0x082);
	rd_seg_init(&s->tr, 0x08b);
	h->efer = 0;
	s->dr6 = 0xffff0ff0;
	s->dr7 = 0x400;
	s->g_pat = v->pat;
	h->rare &= ~RD_SVM_DR_LIVE;
	h->step = false;
	rd_svm_set_nmi_mask(v, false);
	rd_svm_set_cr(v, 0,
		      init_event ? BIT_ULL(4) | (old_cr0 & CR0_CD_NW) : BIT_ULL(4) | CR0_CD_NW);
	rd_svm_set_cr(v, 4, 0);
	rd_svm_update_debug(v);
	h->flush = true;
	c->clean = 0;
}

static struct rd_vmcb_seg *rd_svm_seg(struct rd_vcpu *v, unsigned int seg)
{
	static const u8 order[RD_NR_SEG] = {
		[RD_SEG_ES] = 0, [RD_SEG_CS] = 1, [RD_SEG_SS] = 2,   [RD_SEG_DS] = 3,
		[RD_SEG_FS] = 4, [RD_SEG_GS] = 5, [RD_SEG_LDTR] = 7, [RD_SEG_TR] = 9,
	};

	return &v->hw->vmcb->s.es + order[seg];
}

void rd_svm_get_segment(struct rd_vcpu *v, unsigned int seg, struct kvm_segment *s)
{
	const struct rd_vmcb_seg *d = rd_svm_seg(v, seg);

	memset(s, 0, sizeof(*s));
	s->base = d->base;
	s->limit = d->limit;
	s->selector = d->sel;
	s->type = d->attr & 0xf;
	s->s = d->attr >> 4 & 1;
	s->dpl = d->attr >> 5 & 3;
	s->present = d->attr >> 7 & 1;
	s->avl = d->attr >> 8 & 1;
	s->l = d->attr >> 9 & 1;
	s->db = d->attr >> 10 & 1;
	/* The G bit the CPU keeps may be stale; the limit itself says which it must be. */
	s->g = d->limit > 0xfffff;
	s->unusable = !s->present;
	if (seg == RD_SEG_TR)
		s->type |= 2; /* a loaded TR is busy, whatever the VMCB says */
	if (seg == RD_SEG_SS) {
		if (s->unusable)
			s->db = 0;
		s->dpl = v->hw->vmcb->s.cpl;
	}
}

void rd_svm_set_segment(struct rd_vcpu *v, unsigned int seg, const struct kvm_segment *s)
{
	struct rd_vmcb_seg *d = rd_svm_seg(v, seg);

	d->base = s->base;
	d->limit = s->limit;
	d->sel = s->selector;
	d->attr = (s->type & 0xf) | (s->s & 1) << 4 | (s->dpl & 3) << 5 |
		  ((s->present & 1) && !s->unusable) << 7 | (s->avl & 1) << 8 | (s->l & 1) << 9 |
		  (s->db & 1) << 10 | (s->g & 1) << 11;
	if (seg == RD_SEG_SS)
		v->hw->vmcb->s.cpl = s->dpl & 3;
	rd_svm_dirty(v->hw, SVM_CLEAN_SEG);
}

void rd_svm_get_dtable(struct rd_vcpu *v, bool idt, struct kvm_dtable *d)
{
	const struct rd_vmcb_seg *t = idt ? &v->hw->vmcb->s.idtr : &v->hw->vmcb->s.gdtr;

	memset(d, 0, sizeof(*d));
	d->base = t->base;
	d->limit = t->limit;
}

void rd_svm_set_dtable(struct rd_vcpu *v, bool idt, const struct kvm_dtable *d)
{
	struct rd_vmcb_seg *t = idt ? &v->hw->vmcb->s.idtr : &v->hw->vmcb->s.gdtr;

	t->base = d->base;
	t->limit = d->limit;
	rd_svm_dirty(v->hw, SVM_CLEAN_DT);
}

u64 rd_svm_get_cr(struct rd_vcpu *v, unsigned int n)
{
	struct rd_hw_vcpu *h = v->hw;

	switch (n) {
	case 0:
		return h->cr0_shadowed ? h->cr0 : h->vmcb->s.cr0;
	case 2:
		return v->cr2;
	case 3:
		return h->vmcb->s.cr3;
	default:
		return h->cr4_shadowed ? h->cr4 : h->vmcb->s.cr4;
	}
}

/*
 * LME has no effect before paging is switched on, which exits: the VMCB gets it no sooner. With LME
 * but neither PG nor CR4.PAE in the guest, QEMU's TCG does not restore the host's CR0 at #VMEXIT.
 */
static void rd_svm_load_efer(struct rd_hw_vcpu *h)
{
	struct rd_vmcb_save *s = &h->vmcb->s;

	s->efer = h->efer | EFER_SVME_BIT;
	if (!(s->cr0 & BIT_ULL(31)))
		s->efer &= ~EFER_LME;
}

/*
 * CR0: caching stays on while the guest has CD or NW set (it would run from uncached memory for no
 * gain); only then are reads intercepted. CR4.MCE stays as the host has it, or a machine check
 * would shut the CPU down.
 */
void rd_svm_set_cr(struct rd_vcpu *v, unsigned int n, u64 val)
{
	struct rd_hw_vcpu *h = v->hw;
	struct rd_vmcb_control *c = &h->vmcb->c;
	struct rd_vmcb_save *s = &h->vmcb->s;

	switch (n) {
	case 0:
		h->cr0 = val;
		s->cr0 = val & ~CR0_CD_NW;
		h->cr0_shadowed = s->cr0 != val;
		c->cr_read = (c->cr_read & ~BIT(0)) | h->cr0_shadowed;
		c->cr_write = (c->cr_write & ~BIT(0)) | h->cr0_shadowed;
		if ((h->efer & EFER_LME) && (val & BIT_ULL(31)))
			h->efer |= EFER_LMA;
		else
			h->efer &= ~EFER_LMA;
		rd_svm_load_efer(h);
		break;
	case 2:
		v->cr2 = val;
		return;
	case 3:
		s->cr3 = val;
		break;
	default:
		h->cr4 = val;
		s->cr4 = val | (cr4_read_shadow() & X86_CR4_MCE);
		h->cr4_shadowed = s->cr4 != val;
		c->cr_read = (c->cr_read & ~BIT(4)) | (h->cr4_shadowed ? BIT(4) : 0);
		break;
	}
	/* What a MOV to the register would have flushed. */
	h->flush = true;
	rd_svm_dirty(h, SVM_CLEAN_CR | SVM_CLEAN_INTERCEPTS);
}

u64 rd_svm_get_efer(struct rd_vcpu *v)
{
	return v->hw->efer;
}

void rd_svm_set_efer(struct rd_vcpu *v, u64 val)
{
	v->hw->efer = val;
	rd_svm_load_efer(v->hw);
	v->hw->flush = true;
	rd_svm_dirty(v->hw, SVM_CLEAN_CR);
}

/* Hot: every fetch of an instruction asks. */
void rd_svm_paging_regs(struct rd_vcpu *v, struct rd_paging_regs *r)
{
	const struct rd_hw_vcpu *h = v->hw;
	const struct rd_vmcb_save *s = &h->vmcb->s;

	r->cr0 = h->cr0_shadowed ? h->cr0 : s->cr0;
	r->cr3 = s->cr3;
	r->cr4 = h->cr4_shadowed ? h->cr4 : s->cr4;
	r->efer = h->efer;
	r->cpl = s->cpl;
}

unsigned int rd_svm_get_cpl(struct rd_vcpu *v)
{
	return v->hw->vmcb->s.cpl;
}

int rd_svm_code_mode(struct rd_vcpu *v, u64 *cs_base)
{
	const struct rd_vmcb_save *s = &v->hw->vmcb->s;

	if ((s->efer & EFER_LMA) && (s->cs.attr & BIT(9))) {
		*cs_base = 0;
		return RD_MODE_LONG;
	}
	*cs_base = s->cs.base;
	if (!(s->cr0 & 1))
		return RD_MODE_REAL;
	if (s->rflags & BIT(17))
		return RD_MODE_VM86;
	return s->cs.attr & BIT(10) ? RD_MODE_PROT32 : RD_MODE_PROT16;
}

static u64 *rd_svm_msr_slot(struct rd_vcpu *v, u32 msr)
{
	struct rd_vmcb_save *s = &v->hw->vmcb->s;

	switch (msr) {
	case MSR_FS_BASE:
		return &s->fs.base;
	case MSR_GS_BASE:
		return &s->gs.base;
	case MSR_KERNEL_GS_BASE:
		return &s->kernel_gs_base;
	case MSR_STAR:
		return &s->star;
	case MSR_LSTAR:
		return &s->lstar;
	case MSR_CSTAR:
		return &s->cstar;
	case MSR_SYSCALL_MASK:
		return &s->sfmask;
	case MSR_IA32_SYSENTER_CS:
		return &s->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &v->hw->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &v->hw->sysenter_eip;
	case MSR_IA32_CR_PAT:
		return &s->g_pat;
	case MSR_IA32_DEBUGCTLMSR:
		return &s->dbgctl;
	case MSR_IA32_LASTBRANCHFROMIP:
		return &s->br_from;
	case MSR_IA32_LASTBRANCHTOIP:
		return &s->br_to;
	case MSR_IA32_LASTINTFROMIP:
		return &s->last_excp_from;
	case MSR_IA32_LASTINTTOIP:
		return &s->last_excp_to;
	case MSR_SPEC_CTRL_:
		return boot_cpu_has(X86_FEATURE_V_SPEC_CTRL) ? &s->spec_ctrl : NULL;
	default:
		return NULL;
	}
}

int rd_svm_get_msr(struct rd_vcpu *v, u32 msr, u64 *val)
{
	u64 *slot = rd_svm_msr_slot(v, msr);

	if (!slot)
		return 1;
	*val = *slot;
	return 0;
}

int rd_svm_set_msr(struct rd_vcpu *v, u32 msr, u64 val)
{
	u64 *slot = rd_svm_msr_slot(v, msr);

	if (!slot)
		return 1;
	*slot = val;
	v->hw->vmcb->s.sysenter_esp = v->hw->sysenter_esp;
	v->hw->vmcb->s.sysenter_eip = v->hw->sysenter_eip;
	rd_svm_dirty(v->hw, SVM_CLEAN_SEG | SVM_CLEAN_NPT | SVM_CLEAN_LBR);
	return 0;
}

void rd_svm_update_cpuid(struct rd_vcpu *v)
{
	v->hw->vmcb->s.g_pat = v->pat;
	v->hw->rare &= ~RD_SVM_INTEL;
	if (v->cpuid->is_intel)
		v->hw->rare |= RD_SVM_INTEL;
	rd_svm_dirty(v->hw, SVM_CLEAN_NPT);
}

void rd_svm_update_tsc(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	h->vmcb->c.tsc_offset = v->tsc.offset;
	if (rd_svm_has(SVM_F_TSC_RATE))
		h->tsc_ratio = v->tsc.ratio_48 >> 16; /* 16.48 to 8.32 */
	rd_svm_dirty(h, SVM_CLEAN_INTERCEPTS);
}

/* With a filter every MSR exits, so that the filter is asked; without one the guest's own MSRs do
 * not. */
void rd_svm_update_msr_filter(struct rd_vcpu *v)
{
	v->hw->vmcb->c.msrpm_pa =
		__sme_pa(rcu_access_pointer(v->vm->msr_filter) ? rd_svm_msrpm_all : rd_svm_msrpm);
	rd_svm_dirty(v->hw, SVM_CLEAN_IOPM);
}

/* Control area only: after a refused entry the save area may hold the host's state. */
void rd_svm_dump(struct rd_vcpu *v)
{
	const struct rd_vmcb_control *c = &v->hw->vmcb->c;

	pr_warn_ratelimited("redoubt: vCPU %u: exit %#llx info %#llx %#llx int %#llx asid %u "
			    "int_ctl %#llx int_state %#llx\n",
			    v->id, c->exit_code, c->exit_info1, c->exit_info2, c->exit_int_info,
			    c->asid, (u64)c->int_ctl, (u64)c->int_state);
}
