/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the SVM backend: the per-vCPU, per-CPU and global state, and what its files give each
 * other. Invariant: the VMCB is written only by the vCPU's thread, loaded on v->cpu; whoever
 * changes a cached group clears its clean bit.
 */
#ifndef RD_SVM_SVM_H
#define RD_SVM_SVM_H

#include "vmm/hw.h"
#include "vmm/mode.h"
#include "vmm/svm/vmcb.h"
#include "vmm/vm.h"

#define VEC_DB 1

/* DR0-3 belong to the guest on every entry, accesses do not exit; it was told of an Intel CPU. */
#define RD_SVM_DR_LIVE BIT(0)
#define RD_SVM_INTEL BIT(1)

struct rd_hw_vcpu {
	struct rd_vmcb *vmcb;
	u64 vmcb_pa;
	u64 asid_generation;
	int last_cpu;
	u64 cr0, cr4; /* as the guest sees them where the VMCB differs: CD and NW, MCE */
	u64 efer; /* as the guest sees it: the VMCB differs in SVME, and in LME without paging */
	bool cr0_shadowed, cr4_shadowed;
	u8 rare; /* why an entry is more than VMRUN: RD_SVM_ bits */
	bool nmi_masked; /* between NMI delivery and the end of IRET */
	bool iret_pending; /* IRET was intercepted at iret_rip: unmask once RIP moved on */
	u64 iret_rip;
	u64 sysenter_esp, sysenter_eip; /* as written; of the VMCB's the CPU may keep 32 bits */
	u64 lent_cstar;
	bool step; /* TF was set by us to find the end of an instruction that blocks events */
	u64 step_rflags, step_dr6;
	u8 moved; /* bytes that RIP was moved for the event injected at entry number moved_entry */
	u64 moved_entry;
	u8 stumbles; /* entries in a row that rd_svm_enter_again() undid, the last at this exit: */
	u64 stumble_exit;
	bool flush; /* TLB flush before the next entry */
	u64 tsc_ratio;
	struct rd_vmcb *mode; /* of integrity mode; NULL: never been there */
	struct rd_vmcb *apart; /* of a subsystem's tables; likewise */
};

/* One per CPU, allocated while virtualization is on. */
struct rd_svm_cpu {
	void *hsave; /* VM_HSAVE_PA: the CPU's own */
	void *host_state; /* VMSAVE target for the host's FS, GS, TR, LDTR and system-call MSRs */
	u64 host_state_pa;
	u64 asid_generation;
	u32 next_asid, max_asid;
	u64 tsc_aux; /* the host's value, constant after boot */
	struct rd_hw_vcpu *last; /* for the branch-prediction barrier */
};

extern struct rd_hw rd_svm;
DECLARE_PER_CPU(struct rd_svm_cpu, rd_svm_cpu);
extern u32 rd_svm_features; /* CPUID 0x8000000a EDX */
/*
 * QEMU's TCG. Its VMRUN does not load the interrupt shadow (rd_svm_keep_shadow()), at times the
 * guest cannot take a single step (rd_svm_enter_again()), and breakpoints need help
 * (rd_svm_dr7_by_hand(), rd_svm_swint()), also those of a guest that patches itself; an interrupt
 * from EVENTINJ may come twice (rd_svm_inject_virtual()).
 */
extern bool rd_svm_emulated;
extern void *rd_svm_msrpm, *rd_svm_msrpm_all, *rd_svm_iopm;

static inline bool rd_svm_has(u32 f)
{
	return rd_svm_features & f;
}

static inline void rd_svm_dirty(struct rd_hw_vcpu *h, u32 group)
{
	h->vmcb->c.clean &= ~group;
}

/* enter.S: VMLOAD, VMRUN, VMSAVE; gpr[] but RAX and RSP goes through registers. GIF clear. */
void rd_svm_vmrun(u64 *gpr, u64 vmcb_pa, u64 host_state_pa);
/* The same, with dr7 in DR7 for as long as the guest runs. */
void rd_svm_vmrun_dr7(u64 *gpr, u64 vmcb_pa, u64 host_state_pa, u64 dr7);

/* cpu.c */
int rd_svm_probe(const char **why);
int rd_svm_setup(void);
void rd_svm_unsetup(void);
int rd_svm_cpu_enable(void);
void rd_svm_cpu_disable(void);

/* run.c */
void rd_svm_load(struct rd_vcpu *v, int cpu);
void rd_svm_put(struct rd_vcpu *v);
void rd_svm_enter(struct rd_vcpu *v);
void rd_svm_flush_tlb(struct rd_vcpu *v);

/* An ASID of this CPU without translations, into tlb_control of ctl, too. Preemption off. */
void rd_svm_take_asid(struct rd_svm_cpu *c, struct rd_vmcb_control *ctl);

/* mode.c */
int rd_svm_mode_prepare(struct rd_vcpu *v);
void rd_svm_mode_enter(struct rd_vcpu *v, struct rd_mode_run *m);

/* apart.c */
int rd_svm_apart_prepare(struct rd_vcpu *v);
void rd_svm_apart_enter(struct rd_vcpu *v, struct rd_apart *a);

/* exit.c */
int rd_svm_handle_exit(struct rd_vcpu *v);
/* The host's own machine check, taken while the guest ran: to the host's handler. */
void rd_svm_machine_check(void);

/* debug.c */
void rd_svm_update_debug(struct rd_vcpu *v);
void rd_svm_sync_debug(struct rd_vcpu *v);
void rd_svm_enter_debug(struct rd_vcpu *v, u64 host_state_pa);
int rd_svm_db(struct rd_vcpu *v); /* exits; these return as handle_exit */
int rd_svm_bp(struct rd_vcpu *v);
int rd_svm_swint(struct rd_vcpu *v);
int rd_svm_dr(struct rd_vcpu *v);

/* inject.c */
void rd_svm_inject(struct rd_vcpu *v);
bool rd_svm_inject_virtual(struct rd_vcpu *v);
void rd_svm_end_virtual(struct rd_vcpu *v);
void rd_svm_cancel_injection(struct rd_vcpu *v);
void rd_svm_complete_injection(
	struct rd_vcpu *v); /* after an exit: what was interrupted goes back into v */
bool rd_svm_irq_allowed(struct rd_vcpu *v);
bool rd_svm_nmi_allowed(struct rd_vcpu *v);
u32 rd_svm_get_shadow(struct rd_vcpu *v);
void rd_svm_set_shadow(struct rd_vcpu *v, u32 mask);
bool rd_svm_get_nmi_mask(struct rd_vcpu *v);
void rd_svm_set_nmi_mask(struct rd_vcpu *v, bool masked);
void rd_svm_clear_irq_window(struct rd_vcpu *v);
void rd_svm_step(struct rd_vcpu *v);
bool rd_svm_end_step(struct rd_vcpu *v); /* true: there was a single step, and only ours */

/* state.c */
int rd_svm_vcpu_create(struct rd_vcpu *v);
void rd_svm_vcpu_free(struct rd_vcpu *v);
void rd_svm_vcpu_reset(struct rd_vcpu *v, bool init_event);
void rd_svm_get_segment(struct rd_vcpu *v, unsigned int seg, struct kvm_segment *s);
void rd_svm_set_segment(struct rd_vcpu *v, unsigned int seg, const struct kvm_segment *s);
void rd_svm_get_dtable(struct rd_vcpu *v, bool idt, struct kvm_dtable *d);
void rd_svm_set_dtable(struct rd_vcpu *v, bool idt, const struct kvm_dtable *d);
u64 rd_svm_get_cr(struct rd_vcpu *v, unsigned int n);
void rd_svm_set_cr(struct rd_vcpu *v, unsigned int n, u64 val);
u64 rd_svm_get_efer(struct rd_vcpu *v);
void rd_svm_set_efer(struct rd_vcpu *v, u64 val);
void rd_svm_paging_regs(struct rd_vcpu *v, struct rd_paging_regs *r);
unsigned int rd_svm_get_cpl(struct rd_vcpu *v);
int rd_svm_code_mode(struct rd_vcpu *v, u64 *cs_base);
int rd_svm_get_msr(struct rd_vcpu *v, u32 msr, u64 *val);
int rd_svm_set_msr(struct rd_vcpu *v, u32 msr, u64 val);
void rd_svm_update_cpuid(struct rd_vcpu *v);
/* foreign.c: before an entry of a guest with RD_SVM_INTEL; at #UD, with n bytes at RIP. */
void rd_svm_enter_foreign(struct rd_hw_vcpu *h);
int rd_svm_sysenter(struct rd_vcpu *v, const u8 *insn, unsigned int n);
void rd_svm_update_tsc(struct rd_vcpu *v);
void rd_svm_update_msr_filter(struct rd_vcpu *v);
void rd_svm_dump(struct rd_vcpu *v);

#endif
