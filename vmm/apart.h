/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU on tables of a subsystem's (K): it runs code of the guest at CPL 3 that the guest's kernel
 * must not see into.  To the rest of the machine it is a part of the exit that led there: the
 * vCPU's own registers and control block stay what they were, no event is delivered, and whatever
 * waits ends it.
 * Invariant: registers of the code are in struct rd_apart only.
 */
#ifndef RD_VMM_APART_H
#define RD_VMM_APART_H

#include "vmm/emul.h"

struct rd_vcpu;

enum rd_apart_exit {
	RD_APART_HOST,      /* the host wanted the CPU: go on */
	RD_APART_EXCEPTION, /* vector, error; linear: of #PF */
	RD_APART_NESTED,    /* gpa, acc */
	RD_APART_INSN,      /* an instruction that has no business there */
};

struct rd_apart {
	u64 gpr[RD_NR_GPR];
	u64 rip, rflags, cr3;
	struct kvm_segment fs, gs;
	bool begun; /* the backend's: false after the vCPU's own state may have changed */
	/* After an exit: */
	enum rd_apart_exit exit;
	u8 vector;
	u32 error;
	u64 linear, gpa;
	unsigned int acc;
};

/*
 * vmm/vcpu_apart.c. Enter once, guest FPU and v->xcr0 in force. false: not entered, something waits
 * that the vCPU's loop has to see to.  v->mutex held, v loaded, in KVM_RUN; may sleep.
 */
bool rd_vcpu_enter_apart(struct rd_vcpu *v, struct rd_apart *a);

#endif
