/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between the machine and the CPU vendor's extension: one const table per backend
 * (vmm/svm, vmm/vmx). Invariant: nothing outside a backend touches its control block; the core
 * calls an entry only where the comment allows it.
 */
#ifndef RD_VMM_HW_H
#define RD_VMM_HW_H

#include "kmod/base.h"

struct rd_vm;
struct rd_vcpu;
struct rd_pt_format;
struct rd_paging_regs;
struct rd_mode_run;
struct rd_apart;

struct rd_hw {
	const char *name; /* "svm", "vmx" */
	const struct rd_pt_format *pt;
	u16 nested_format; /* KVM_STATE_NESTED_FORMAT_*, for a state without contents */
	u8 tsc_frac_bits; /* 0: the CPU cannot scale */
	/* Module level, process context. probe: 0, -ENODEV (no extension), -EPERM (off in
	 * firmware), -EBUSY (in use), with a reason for the log. */
	int (*probe)(const char **why);
	int (*setup)(void);
	void (*unsetup)(void);
	/* On each CPU, interrupts off. */
	int (*cpu_enable)(void);
	void (*cpu_disable)(void);

	int (*vm_init)(struct rd_vm *vm);
	void (*vm_destroy)(struct rd_vm *vm);
	int (*vcpu_create)(struct rd_vcpu *v);
	void (*vcpu_free)(struct rd_vcpu *v);
	/* vCPU mutex held and loaded, for all below. */
	void (*vcpu_reset)(struct rd_vcpu *v, bool init_event);
	void (*load)(struct rd_vcpu *v, int cpu); /* preemption off */
	void (*put)(struct rd_vcpu *v);
	/* Interrupts off: enter the guest once; returns after the exit with v->rip, gpr, rflags
	 * current. */
	void (*enter)(struct rd_vcpu *v);
	/* Interrupts on: 1 go on, 0 leave to user space (v->run filled), negative errno. */
	int (*handle_exit)(struct rd_vcpu *v);
	/* Before entry: put the highest-priority event of v into the control block, ask for windows
	 * for the rest. */
	void (*inject)(struct rd_vcpu *v);
	void (*cancel_injection)(struct rd_vcpu *v); /* the entry did not happen: take it back into
							v's event state */
	bool (*irq_allowed)(struct rd_vcpu *v); /* IF, shadow, GIF */
	bool (*nmi_allowed)(struct rd_vcpu *v);
	u32 (*get_shadow)(struct rd_vcpu *v); /* KVM_X86_SHADOW_INT_* */
	void (*set_shadow)(struct rd_vcpu *v, u32 mask);
	bool (*get_nmi_mask)(struct rd_vcpu *v);
	void (*set_nmi_mask)(struct rd_vcpu *v, bool masked);
	/* Make the next instruction a single step of the backend's own. Preemption off. */
	void (*step)(struct rd_vcpu *v);
	/* RFLAGS.TF is set as an instruction ends: true if only the backend's own single step set
	 * it, which is over then. */
	bool (*end_step)(struct rd_vcpu *v);

	void (*get_segment)(struct rd_vcpu *v, unsigned int seg,
			    struct kvm_segment *s); /* seg: RD_SEG_* */
	void (*set_segment)(struct rd_vcpu *v, unsigned int seg, const struct kvm_segment *s);
	void (*get_dtable)(struct rd_vcpu *v, bool idt, struct kvm_dtable *d);
	void (*set_dtable)(struct rd_vcpu *v, bool idt, const struct kvm_dtable *d);
	u64 (*get_cr)(struct rd_vcpu *v, unsigned int n); /* 0 2 3 4 as the guest sees them; values
							     were checked before set */
	void (*set_cr)(struct rd_vcpu *v, unsigned int n, u64 val);
	u64 (*get_efer)(struct rd_vcpu *v);
	void (*set_efer)(struct rd_vcpu *v, u64 val);
	unsigned int (*get_cpl)(struct rd_vcpu *v);
	/* Hot, optional: CR0, CR3, CR4, EFER and CPL at once, each as the calls above give it. */
	void (*paging_regs)(struct rd_vcpu *v, struct rd_paging_regs *r);
	int (*code_mode)(struct rd_vcpu *v,
			 u64 *cs_base); /* enum rd_emul_mode of the code at RIP; hot */
	/* MSRs that live in the control block. 0, or 1: not one of these. */
	int (*get_msr)(struct rd_vcpu *v, u32 msr, u64 *val);
	int (*set_msr)(struct rd_vcpu *v, u32 msr, u64 val);
	/* Guest debug registers or KVM_SET_GUEST_DEBUG state changed (v->db, v->eff_db,
	 * v->guest_debug). */
	void (*update_debug)(struct rd_vcpu *v);
	void (*sync_debug)(struct rd_vcpu *v); /* fetch DR0-3, DR6 of the guest from the CPU into
						  v->db if they are there */
	void (*update_cpuid)(struct rd_vcpu *v); /* after SET_CPUID2: recompute intercepts */
	void (*update_tsc)(struct rd_vcpu *v); /* v->tsc.offset or ratio changed */
	void (*update_msr_filter)(struct rd_vcpu *v);
	void (*flush_tlb)(struct rd_vcpu *v); /* everything of this vCPU, before its next entry */
	/*
	 * Integrity mode (vmm/mode.h), optional. prepare: before the first entry, may sleep,
	 * -ENOMEM. enter: interrupts off; once, with no old translation of the view; fills m.
	 */
	int (*mode_prepare)(struct rd_vcpu *v);
	void (*mode_enter)(struct rd_vcpu *v, struct rd_mode_run *m);
	/* The same for a subsystem's tables (vmm/apart.h). */
	int (*apart_prepare)(struct rd_vcpu *v);
	void (*apart_enter)(struct rd_vcpu *v, struct rd_apart *a);
};

extern const struct rd_hw *rd_hw;

#endif
