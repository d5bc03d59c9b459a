// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's callbacks to the registers of a vCPU: segments, descriptor tables, control, debug
 * and vector registers.
 * Invariant: a callback that returns a fault has changed nothing but DR6 and DR7.GD.
 */
#include <asm/fpu/api.h>
#include <asm/processor-flags.h>
#include "vmm/emul_glue_priv.h"
#include "vmm/hw.h"

void rd_glue_get_seg(struct rd_emul *e, unsigned int seg, struct kvm_segment *s)
{
	rd_hw->get_segment(rd_emul_vcpu(e), seg, s);
}

void rd_glue_set_seg(struct rd_emul *e, unsigned int seg, const struct kvm_segment *s)
{
	rd_hw->set_segment(rd_emul_vcpu(e), seg, s);
}

void rd_glue_get_dtable(struct rd_emul *e, bool idt, struct kvm_dtable *d)
{
	rd_hw->get_dtable(rd_emul_vcpu(e), idt, d);
}

static int rd_glue_fault(struct rd_emul *e, u8 vector, bool has_error)
{
	e->fault = (struct rd_fault){ .vector = vector, .has_error = has_error };
	return RD_EMUL_FAULT;
}

int rd_glue_get_cr(struct rd_emul *e, unsigned int n, u64 *val)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);

	if (n == 8)
		*val = rd_get_cr8(v);
	else
		*val = rd_hw->get_cr(v, n);
	return RD_EMUL_DONE;
}

int rd_glue_set_cr(struct rd_emul *e, unsigned int n, u64 val)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);
	int r = 0;

	switch (n) {
	case 0:
		r = rd_set_cr0(v, val);
		break;
	case 2:
		v->cr2 = val;
		break;
	case 3:
		r = rd_set_cr3(v, val);
		break;
	case 4:
		r = rd_set_cr4(v, val);
		break;
	case 8:
		r = rd_set_cr8(v, val);
		break;
	default:
		return rd_glue_fault(e, 6, false);
	}
	return r ? rd_glue_fault(e, 13, true) : RD_EMUL_DONE;
}

/* DR4 and DR5 are other names of DR6 and DR7 unless CR4.DE makes them invalid; DR7.GD stops every
 * access. */
static int rd_glue_check_dr(struct rd_emul *e, unsigned int *n)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);

	rd_hw->sync_debug(v);
	if (*n == 4 || *n == 5) {
		if (rd_hw->get_cr(v, 4) & X86_CR4_DE)
			return rd_glue_fault(e, 6, false);
		*n += 2;
	}
	if (v->dr7 & BIT(13)) {
		v->dr7 &= ~BIT_ULL(13);
		v->dr6 |= BIT(13);
		rd_hw->update_debug(v);
		return rd_glue_fault(e, 1, false);
	}
	return RD_EMUL_DONE;
}

int rd_glue_get_dr(struct rd_emul *e, unsigned int n, u64 *val)
{
	int r = rd_glue_check_dr(e, &n);

	if (r)
		return r;
	return rd_get_dr(rd_emul_vcpu(e), n, val) ? rd_glue_fault(e, 13, true) : RD_EMUL_DONE;
}

int rd_glue_set_dr(struct rd_emul *e, unsigned int n, u64 val)
{
	int r = rd_glue_check_dr(e, &n);

	if (r)
		return r;
	return rd_set_dr(rd_emul_vcpu(e), n, val) ? rd_glue_fault(e, 13, true) : RD_EMUL_DONE;
}

/* The guest's vector registers are in the CPU, or in the FPU container if this thread was scheduled
 * away. */
static void rd_fpu_begin(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

#define RD_VEC_CASE(n, insn, reg)                                                                  \
	case n:                                                                                    \
		asm volatile(insn " %%" reg #n ", (%0)" : : "r"(buf) : "memory");                  \
		break;
#define RD_VEC_LOAD(n, insn, reg)                                                                  \
	case n:                                                                                    \
		asm volatile(insn " (%0), %%" reg #n : : "r"(buf) : "memory");                     \
		break;
#define RD_VEC_ALL(M, insn, reg)                                                                   \
	M(0, insn, reg)                                                                            \
	M(1, insn, reg) M(2, insn, reg) M(3, insn, reg) M(4, insn, reg) M(5, insn, reg)            \
		M(6, insn, reg) M(7, insn, reg) M(8, insn, reg) M(9, insn, reg) M(10, insn, reg)   \
			M(11, insn, reg) M(12, insn, reg) M(13, insn, reg) M(14, insn, reg)        \
				M(15, insn, reg)

void rd_glue_get_vec(struct rd_emul *e, unsigned int n, void *buf, unsigned int len)
{
	rd_fpu_begin();
	if (len == 32)
		switch (n & 15) {
			RD_VEC_ALL(RD_VEC_CASE, "vmovdqu", "ymm")
		}
	else
		switch (n & 15) {
			RD_VEC_ALL(RD_VEC_CASE, "movdqu", "xmm")
		}
	fpregs_unlock();
}

void rd_glue_set_vec(struct rd_emul *e, unsigned int n, const void *buf, unsigned int len,
		     bool zero_upper)
{
	rd_fpu_begin();
	if (len == 32)
		switch (n & 15) {
			RD_VEC_ALL(RD_VEC_LOAD, "vmovdqu", "ymm")
		}
	else if (zero_upper)
		switch (n & 15) {
			RD_VEC_ALL(RD_VEC_LOAD, "vmovdqu", "xmm")
		}
	else
		switch (n & 15) {
			RD_VEC_ALL(RD_VEC_LOAD, "movdqu", "xmm")
		}
	fpregs_unlock();
}

void rd_glue_invlpg(struct rd_emul *e, u64 linear)
{
	rd_hw->flush_tlb(rd_emul_vcpu(e));
}
