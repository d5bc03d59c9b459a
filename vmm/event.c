// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way into a vCPU: exceptions and how they combine, NMIs, interrupts from the PIC,
 * the LAPIC and user space. Invariant: at most one exception is pending or injected; a second one
 * combines with it into #DF or a triple fault.
 */
#include "vmm/gwalk.h"
#include "vmm/hw.h"
#include "vmm/vm.h"

#define VEC_DB 1
#define VEC_BP 3
#define VEC_OF 4
#define VEC_DF 8
#define VEC_PF 14

/* SDM volume 3, "Interrupt 8": contributory exceptions are #DE #TS #NP #SS #GP. */
static bool rd_contributory(u8 vector)
{
	return vector == 0 || (vector >= 10 && vector <= 13);
}

static void rd_set_exception(struct rd_vcpu *v, u8 vector, bool has_error, u32 error,
			     bool has_payload, u64 payload)
{
	v->exc.pending = true;
	v->exc.injected = false;
	v->exc.vector = vector;
	v->exc.soft_len = 0;
	v->exc.has_error = has_error;
	v->exc.error = error;
	v->exc.has_payload = has_payload;
	v->exc.payload = payload;
}

static void rd_queue(struct rd_vcpu *v, u8 vector, bool has_error, u32 error, bool has_payload,
		     u64 payload)
{
	u8 prev = v->exc.vector;

	/* Real mode pushes no error codes. */
	if (!(rd_hw->get_cr(v, 0) & 1))
		has_error = false;
	if (!v->exc.pending && !v->exc.injected) {
		rd_set_exception(v, vector, has_error, error, has_payload, payload);
		return;
	}
	if (prev == VEC_DF) {
		v->exc.pending = false;
		v->exc.injected = false;
		rd_vcpu_set_request(v, RD_REQ_TRIPLE_FAULT);
		return;
	}
	if ((rd_contributory(prev) && rd_contributory(vector)) ||
	    (prev == VEC_PF && (vector == VEC_PF || rd_contributory(vector)))) {
		rd_set_exception(v, VEC_DF, rd_hw->get_cr(v, 0) & 1, 0, false, 0);
		return;
	}
	/* Serial handling: the new one first; the old one comes again when its instruction does. */
	rd_set_exception(v, vector, has_error, error, has_payload, payload);
}

void rd_queue_exception(struct rd_vcpu *v, u8 vector)
{
	rd_queue(v, vector, false, 0, false, 0);
}

void rd_queue_exception_err(struct rd_vcpu *v, u8 vector, u32 error)
{
	rd_queue(v, vector, true, error, false, 0);
}

void rd_queue_fault(struct rd_vcpu *v, const struct rd_fault *f)
{
	rd_queue(v, f->vector, f->has_error, f->error, f->vector == VEC_PF, f->cr2);
}

void rd_queue_db(struct rd_vcpu *v, u64 dr6_bits)
{
	rd_queue(v, VEC_DB, false, 0, true, dr6_bits);
}

/*
 * #BP and #OF that come from user space are the instruction at RIP that it was told of
 * (KVM_EXIT_DEBUG): their handler returns behind it. Registers may be set after events, so that
 * this is asked before the entry.
 */
void rd_find_soft_exception(struct rd_vcpu *v)
{
	const u8 op = v->exc.vector == VEC_BP ? 0xcc : 0xce;
	u8 insn[RD_INSN_MAX];
	unsigned int n;
	u64 base;
	int mode;

	if ((!v->exc.pending && !v->exc.injected) ||
	    (v->exc.vector != VEC_BP && v->exc.vector != VEC_OF))
		return;
	mode = rd_hw->code_mode(v, &base);
	n = rd_fetch_insn(v, base + v->rip, insn, sizeof(insn));
	v->exc.soft_len = rd_emul_known_len(insn, n, mode, &op, 1);
}

/* One NMI may be held pending behind the one being handled; further ones collapse (SDM, "Handling
 * Multiple NMIs"). */
void rd_queue_nmi(struct rd_vcpu *v)
{
	u8 limit = v->nmi_injected || rd_hw->get_nmi_mask(v) ? 1 : 2;

	v->nmi_pending = min_t(u8, v->nmi_pending + 1, limit);
}

static bool rd_pic_wants(struct rd_vcpu *v)
{
	return READ_ONCE(v->vm->chip.pic.output) && rd_lapic_accepts_pic(&v->lapic);
}

/* Hot. Is there an interrupt that could be delivered if the guest had interrupts enabled? */
bool rd_vcpu_has_irq(struct rd_vcpu *v)
{
	if (unlikely(v->user_irq >= 0))
		return true;
	if (!v->has_lapic)
		return false;
	if (v->lapic.irr_pending && rd_lapic_next(&v->lapic) >= 0)
		return true;
	return v->vm->chip.mode == RD_IRQCHIP_KERNEL && rd_pic_wants(v);
}

int rd_vcpu_next_irq(struct rd_vcpu *v)
{
	int vector = v->user_irq;

	if (unlikely(vector >= 0)) {
		v->user_irq = -1;
		return vector;
	}
	if (!v->has_lapic)
		return -1;
	/* ExtINT has precedence over the LAPIC's own vectors. */
	if (v->vm->chip.mode == RD_IRQCHIP_KERNEL && rd_pic_wants(v))
		return rd_pic_ack(&v->vm->chip);
	if (!v->lapic.irr_pending)
		return -1;
	vector = rd_lapic_next(&v->lapic);
	if (vector >= 0)
		rd_lapic_ack(&v->lapic, vector);
	return vector;
}

/* May a halted vCPU go on? Any context of the vCPU's thread. */
bool rd_vcpu_runnable(struct rd_vcpu *v)
{
	if (READ_ONCE(v->requests) || READ_ONCE(v->lapic.events))
		return true;
	if (v->mp_state == KVM_MP_STATE_UNINITIALIZED || v->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		return false;
	if (v->mp_state == KVM_MP_STATE_RUNNABLE)
		return true;
	if (v->exc.pending || v->exc.injected || v->irq.injected || v->nmi_injected)
		return true;
	if (v->nmi_pending && rd_hw->nmi_allowed(v))
		return true;
	return (v->rflags & BIT(9)) && rd_vcpu_has_irq(v);
}
