// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of a guest that was told of an Intel CPU, whose kernel counts on Intel's way.
 * Invariant: no instruction of the guest's user code leads to a place in its kernel that the kernel
 * did not name.
 */
#include <asm/msr-index.h>
#include "vmm/cpuid.h"
#include "vmm/svm/svm.h"

#define VEC_GP 13
#define RFLAGS_IF BIT_ULL(9)
#define RFLAGS_VM BIT_ULL(17)
#define CS_L BIT(9)
#define CS_DB BIT(10)
#define TYPE_DATA 3 /* writable, accessed */
#define TYPE_CODE 11 /* readable, accessed */

/*
 * SYSCALL in compatibility mode is #UD on Intel's CPUs, so kernels leave CSTAR alone there, and
 * this CPU would go to address 0 with the kernel's rights on the user's stack. It goes where
 * SYSCALL of 64-bit code does instead: the kernel gets the same registers, and believes that it
 * was that. A guest that has a CSTAR of its own keeps it.
 */
static void lend_cstar(struct rd_hw_vcpu *h, struct rd_vmcb_save *s)
{
	if (!s->cstar || s->cstar == h->lent_cstar)
		s->cstar = h->lent_cstar = s->lstar;
}

void rd_svm_enter_foreign(struct rd_hw_vcpu *h)
{
	struct rd_vmcb_save *s = &h->vmcb->s;

	lend_cstar(h, s);
	/* QEMU has SYSENTER in compatibility mode, and a CS after it that its VMRUN refuses. */
	if (unlikely(rd_svm_emulated) && (s->cs.attr & CS_L))
		s->cs.attr &= ~CS_DB;
}

static void flat(struct rd_vcpu *v, unsigned int seg, u16 selector, u8 type)
{
	struct kvm_segment s = {
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.s = 1,
		.present = 1,
		.g = 1,
		.l = type == TYPE_CODE,
		.db = type != TYPE_CODE,
	};

	rd_svm_set_segment(v, seg, &s);
}

/*
 * SYSENTER in long mode, #UD here: 32-bit programs of Linux use it on Intel's CPUs. -ENOENT: it is
 * another instruction, or has no business here. Linux returns by SYSRET, so SYSEXIT stays #UD.
 */
int rd_svm_sysenter(struct rd_vcpu *v, const u8 *insn, unsigned int n)
{
	struct rd_hw_vcpu *h = v->hw;
	u16 cs = h->vmcb->s.sysenter_cs & 0xfffc;

	if (!(h->rare & RD_SVM_INTEL) || !(h->vmcb->s.efer & EFER_LMA) || n < 2 ||
	    insn[0] != 0x0f || insn[1] != 0x34)
		return -ENOENT;
	if (!cs) {
		rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	flat(v, RD_SEG_CS, cs, TYPE_CODE);
	flat(v, RD_SEG_SS, cs + 8, TYPE_DATA);
	v->rflags &= ~(RFLAGS_IF | RFLAGS_VM);
	v->gpr[RD_RSP] = h->sysenter_esp;
	return rd_finish_insn(v, h->sysenter_eip);
}
