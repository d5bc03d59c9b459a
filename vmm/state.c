// SPDX-License-Identifier: GPL-2.0-only
/*
 * The save and restore ioctls of a vCPU's general, system and debug registers, and reset.
 * Invariant: a SET that is refused has changed nothing. v->mutex held and the vCPU loaded, in all
 * functions.
 */
#include "vmm/clock.h"
#include "vmm/cpuid.h"
#include "vmm/gwalk.h"
#include "vmm/hw.h"
#include "vmm/msr.h"
#include "vmm/regs.h"
#include "vmm/state.h"
#include "vmm/vm.h"

#define RFLAGS_TF BIT_ULL(8)
#define VEC_DB 1
#define VEC_BP 3

/* --- general registers --- */

void rd_vcpu_get_regs(struct rd_vcpu *v, struct kvm_regs *r)
{
	const u64 *g = v->gpr;

	*r = (struct kvm_regs) {
		.rax = g[RD_RAX], .rbx = g[RD_RBX], .rcx = g[RD_RCX], .rdx = g[RD_RDX],
		.rsi = g[RD_RSI], .rdi = g[RD_RDI], .rsp = g[RD_RSP], .rbp = g[RD_RBP],
		.r8 = g[RD_R8], .r9 = g[RD_R8 + 1], .r10 = g[RD_R8 + 2], .r11 = g[RD_R8 + 3],
		.r12 = g[RD_R8 + 4], .r13 = g[RD_R8 + 5], .r14 = g[RD_R8 + 6], .r15 = g[RD_R8 + 7],
		.rip = v->rip, .rflags = v->rflags,
	};
	/* The trap flag of a user-space debugger is not the guest's. */
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		r->rflags &= ~RFLAGS_TF;
}

int rd_vcpu_set_regs(struct rd_vcpu *v, const struct kvm_regs *r)
{
	const u64 g[RD_NR_GPR] = {
		[RD_RAX] = r->rax,    [RD_RBX] = r->rbx,    [RD_RCX] = r->rcx,
		[RD_RDX] = r->rdx,    [RD_RSI] = r->rsi,    [RD_RDI] = r->rdi,
		[RD_RSP] = r->rsp,    [RD_RBP] = r->rbp,    [RD_R8] = r->r8,
		[RD_R8 + 1] = r->r9,  [RD_R8 + 2] = r->r10, [RD_R8 + 3] = r->r11,
		[RD_R8 + 4] = r->r12, [RD_R8 + 5] = r->r13, [RD_R8 + 6] = r->r14,
		[RD_R8 + 7] = r->r15,
	};

	memcpy(v->gpr, g, sizeof(g));
	v->rip = r->rip;
	v->rflags = r->rflags | RD_RFLAGS_FIXED;
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		v->rflags |= RFLAGS_TF;
	v->exc.pending = false;
	rd_vcpu_set_request(v, RD_REQ_EVENT);
	return 0;
}

/* --- system registers --- */

/* What KVM_GET_SREGS and KVM_GET_SREGS2 have in common. */
static void get_sregs_common(struct rd_vcpu *v, struct kvm_sregs2 *s)
{
	memset(s, 0, sizeof(*s));
	rd_hw->get_segment(v, RD_SEG_CS, &s->cs);
	rd_hw->get_segment(v, RD_SEG_DS, &s->ds);
	rd_hw->get_segment(v, RD_SEG_ES, &s->es);
	rd_hw->get_segment(v, RD_SEG_FS, &s->fs);
	rd_hw->get_segment(v, RD_SEG_GS, &s->gs);
	rd_hw->get_segment(v, RD_SEG_SS, &s->ss);
	rd_hw->get_segment(v, RD_SEG_TR, &s->tr);
	rd_hw->get_segment(v, RD_SEG_LDTR, &s->ldt);
	rd_hw->get_dtable(v, false, &s->gdt);
	rd_hw->get_dtable(v, true, &s->idt);
	s->cr0 = rd_hw->get_cr(v, 0);
	s->cr2 = rd_hw->get_cr(v, 2);
	s->cr3 = rd_hw->get_cr(v, 3);
	s->cr4 = rd_hw->get_cr(v, 4);
	s->cr8 = rd_get_cr8(v);
	s->efer = rd_hw->get_efer(v);
	s->apic_base = v->lapic.base;
}

static bool regs_ok(struct rd_vcpu *v, const struct kvm_sregs2 *s)
{
	const struct rd_cregs r = {
		.cr0 = s->cr0, .cr3 = s->cr3, .cr4 = s->cr4, .efer = s->efer, .cs_l = s->cs.l
	};

	return rd_cregs_ok(v->cpuid, &r) &&
	       !(s->efer & ~rd_efer_host_allowed(rd_cpuid_host_words()));
}

/* Old VMMs start the boot CPU at the reset vector without setting its run state. */
static void start_at_reset_vector(struct rd_vcpu *v, const struct kvm_sregs2 *s)
{
	if (v->id == v->vm->bsp_id && v->rip == 0xfff0 && s->cs.selector == 0xf000 &&
	    s->cs.base == 0xffff0000 && !(s->cr0 & RD_CR0_PE))
		v->mp_state = KVM_MP_STATE_RUNNABLE;
}

static int set_sregs_common(struct rd_vcpu *v, const struct kvm_sregs2 *s)
{
	if (!regs_ok(v, s) || rd_set_apic_base(v, s->apic_base, true))
		return -EINVAL;
	rd_hw->set_dtable(v, true, &s->idt);
	rd_hw->set_dtable(v, false, &s->gdt);
	rd_hw->set_cr(v, 2, s->cr2);
	rd_hw->set_cr(v, 3, s->cr3);
	rd_set_cr8(v, s->cr8);
	rd_hw->set_efer(v, s->efer);
	rd_hw->set_cr(v, 0, s->cr0 | RD_CR0_ET);
	rd_hw->set_cr(v, 4, s->cr4);
	rd_hw->set_segment(v, RD_SEG_CS, &s->cs);
	rd_hw->set_segment(v, RD_SEG_DS, &s->ds);
	rd_hw->set_segment(v, RD_SEG_ES, &s->es);
	rd_hw->set_segment(v, RD_SEG_FS, &s->fs);
	rd_hw->set_segment(v, RD_SEG_GS, &s->gs);
	rd_hw->set_segment(v, RD_SEG_SS, &s->ss);
	rd_hw->set_segment(v, RD_SEG_TR, &s->tr);
	rd_hw->set_segment(v, RD_SEG_LDTR, &s->ldt);
	rd_hw->flush_tlb(v);
	start_at_reset_vector(v, s);
	rd_vcpu_set_request(v, RD_REQ_EVENT);
	return 0;
}

/* The two structs agree up to and including apic_base. */
#define SREGS_COMMON offsetof(struct kvm_sregs2, flags)

static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == SREGS_COMMON);

void rd_vcpu_get_sregs(struct rd_vcpu *v, struct kvm_sregs *s)
{
	struct kvm_sregs2 c;

	get_sregs_common(v, &c);
	memset(s, 0, sizeof(*s));
	memcpy(s, &c, SREGS_COMMON);
	if (v->irq.injected && !v->irq.soft)
		s->interrupt_bitmap[v->irq.vector / 64] |= BIT_ULL(v->irq.vector % 64);
}

int rd_vcpu_set_sregs(struct rd_vcpu *v, const struct kvm_sregs *s)
{
	struct kvm_sregs2 c = {};
	unsigned int i;
	int r;

	memcpy(&c, s, SREGS_COMMON);
	r = set_sregs_common(v, &c);
	if (r)
		return r;
	for (i = 0; i < ARRAY_SIZE(s->interrupt_bitmap); i++) {
		if (!s->interrupt_bitmap[i])
			continue;
		v->irq = (struct rd_interrupt) {
			.injected = true,
			.vector = i * 64 + __ffs(s->interrupt_bitmap[i]),
		};
		break;
	}
	return 0;
}

/*
 * In PAE mode the CPU holds four page-directory pointers; with nested paging it reads them from
 * memory, and so does this.
 */
static void get_pdptrs(struct rd_vcpu *v, struct kvm_sregs2 *s)
{
	int idx;

	if (!(s->cr0 & RD_CR0_PG) || !(s->cr4 & RD_CR4_PAE) || (s->efer & RD_EFER_LMA))
		return;
	idx = srcu_read_lock(&v->vm->srcu);
	if (!rd_vm_read_gpa(v->vm, s->cr3 & 0xffffffe0, s->pdptrs, sizeof(s->pdptrs)))
		s->flags |= KVM_SREGS2_FLAGS_PDPTRS_VALID;
	srcu_read_unlock(&v->vm->srcu, idx);
}

void rd_vcpu_get_sregs2(struct rd_vcpu *v, struct kvm_sregs2 *s)
{
	get_sregs_common(v, s);
	get_pdptrs(v, s);
}

int rd_vcpu_set_sregs2(struct rd_vcpu *v, const struct kvm_sregs2 *s)
{
	bool pae = (s->cr0 & RD_CR0_PG) && (s->cr4 & RD_CR4_PAE) && !(s->efer & RD_EFER_LMA);

	if (s->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if ((s->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID) && !pae)
		return -EINVAL;
	return set_sregs_common(v, s);
}

/* --- debugging --- */

void rd_vcpu_get_debugregs(struct rd_vcpu *v, struct kvm_debugregs *d)
{
	memset(d, 0, sizeof(*d));
	rd_hw->sync_debug(v);
	memcpy(d->db, v->db, sizeof(d->db));
	d->dr6 = v->dr6;
	d->dr7 = v->dr7;
}

int rd_vcpu_set_debugregs(struct rd_vcpu *v, const struct kvm_debugregs *d)
{
	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(v->db, d->db, sizeof(v->db));
	v->dr6 = d->dr6;
	v->dr7 = d->dr7;
	rd_hw->update_debug(v);
	return 0;
}

int rd_vcpu_set_guest_debug(struct rd_vcpu *v, const struct kvm_guest_debug *d)
{
	bool stepped = v->guest_debug & KVM_GUESTDBG_SINGLESTEP;

	if (d->control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (v->exc.pending || v->exc.injected)
			return -EBUSY;
		rd_queue_exception(v, d->control & KVM_GUESTDBG_INJECT_DB ? VEC_DB : VEC_BP);
		rd_vcpu_set_request(v, RD_REQ_EVENT);
	}
	rd_hw->sync_debug(v);
	v->guest_debug = d->control & KVM_GUESTDBG_ENABLE ? d->control : 0;
	if (v->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		memcpy(v->eff_db, d->arch.debugreg, sizeof(v->eff_db));
		v->guest_debug_dr7 = d->arch.debugreg[7];
	} else {
		memcpy(v->eff_db, v->db, sizeof(v->eff_db));
	}
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		v->rflags |= RFLAGS_TF;
	else if (stepped)
		v->rflags &= ~RFLAGS_TF;
	rd_hw->update_debug(v);
	return 0;
}

int rd_vcpu_translate(struct rd_vcpu *v, struct kvm_translation *t)
{
	struct rd_fault f;
	int idx = srcu_read_lock(&v->vm->srcu);
	u64 gpa;

	t->valid = !rd_gva_to_gpa(v, t->linear_address, RD_ACC_READ, 0, &gpa, &f);
	t->physical_address = t->valid ? gpa : ~0ULL;
	t->writeable = 1;
	t->usermode = 0;
	srcu_read_unlock(&v->vm->srcu, idx);
	return 0;
}

/* --- reset --- */

int rd_vcpu_init_state(struct rd_vcpu *v)
{
	rd_cpuid_init_vcpu(v);
	v->maxphyaddr = v->cpuid->maxphyaddr;
	v->cr3_lm_rsvd = v->cpuid->gpa_reserved;
	v->mcg_cap = RD_MCE_BANKS;
	v->xcr0 = RD_XCR0_FP;
	rd_msr_reset(v, false);
	rd_vcpu_tsc_init(v);
	return 0;
}

void rd_vcpu_exit_state(struct rd_vcpu *v)
{
	rd_cpuid_free(v);
}

void rd_state_reset(struct rd_vcpu *v, bool init_event)
{
	memset(v->db, 0, sizeof(v->db));
	memset(v->eff_db, 0, sizeof(v->eff_db));
	v->dr6 = RD_DR6_RESET;
	v->dr7 = RD_DR7_RESET;
	v->cr8 = 0;
	v->pv.system_time_msr = 0;
	v->pv.steal_msr = 0;
	v->pv.eoi_msr = 0;
	v->pv.eoi_pending = false;
	v->pv.guest_paused = false;
	rd_msr_reset(v, init_event);
	if (!init_event)
		v->xcr0 = RD_XCR0_FP;
}
