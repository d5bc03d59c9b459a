// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest: EVENTINJ, the interrupt window by a virtual interrupt, NMI masking without
 * hardware help, and taking back what an exit interrupted. Invariant: an event is at any time
 * either in v (queued) or in EVENTINJ, never in both, and none is lost.
 */
#include "vmm/svm/svm.h"
#include "kmod/trace.h"

#define RFLAGS_TF BIT(8)
#define RFLAGS_RF BIT(16)
#define RFLAGS_IF BIT(9)

static void rd_svm_set_event(struct rd_hw_vcpu *h, u64 event)
{
	h->vmcb->c.event_inj = event | SVM_EVT_VALID;
}

static void rd_svm_open_irq_window(struct rd_hw_vcpu *h)
{
	struct rd_vmcb_control *c = &h->vmcb->c;

	if (c->misc1 & SVM_I_VINTR)
		return;
	c->misc1 |= SVM_I_VINTR;
	c->int_ctl |= SVM_V_IRQ_NOW;
	c->int_vector = 0;
	rd_svm_dirty(h, SVM_CLEAN_INTERCEPTS | SVM_CLEAN_INTR);
}

void rd_svm_clear_irq_window(struct rd_vcpu *v)
{
	struct rd_vmcb_control *c = &v->hw->vmcb->c;

	if (!(c->misc1 & SVM_I_VINTR))
		return;
	c->misc1 &= ~SVM_I_VINTR;
	c->int_ctl &= ~SVM_V_IRQ_NOW;
	rd_svm_dirty(v->hw, SVM_CLEAN_INTERCEPTS | SVM_CLEAN_INTR);
}

bool rd_svm_irq_allowed(struct rd_vcpu *v)
{
	return (v->rflags & RFLAGS_IF) && !(v->hw->vmcb->c.int_state & SVM_INT_SHADOW);
}

bool rd_svm_nmi_allowed(struct rd_vcpu *v)
{
	return !v->hw->nmi_masked && !(v->hw->vmcb->c.int_state & SVM_INT_SHADOW);
}

u32 rd_svm_get_shadow(struct rd_vcpu *v)
{
	return v->hw->vmcb->c.int_state & SVM_INT_SHADOW
		       ? KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI
		       : 0;
}

void rd_svm_set_shadow(struct rd_vcpu *v, u32 mask)
{
	if (mask)
		v->hw->vmcb->c.int_state |= SVM_INT_SHADOW;
	else
		v->hw->vmcb->c.int_state &= ~SVM_INT_SHADOW;
}

bool rd_svm_get_nmi_mask(struct rd_vcpu *v)
{
	return v->hw->nmi_masked;
}

void rd_svm_set_nmi_mask(struct rd_vcpu *v, bool masked)
{
	struct rd_hw_vcpu *h = v->hw;

	h->nmi_masked = masked;
	h->iret_pending = false;
	if (masked)
		h->vmcb->c.misc1 |= SVM_I_IRET;
	else
		h->vmcb->c.misc1 &= ~SVM_I_IRET;
	rd_svm_dirty(h, SVM_CLEAN_INTERCEPTS);
}

/*
 * Find the end of the instruction that blocks events (shadow, or IRET under way), or that the
 * write traces let through, by a single step of our own.
 */
void rd_svm_step(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	if (h->step)
		return;
	h->step = true;
	h->vmcb->c.exit_code = SVM_EXIT_INTR; /* of the exit before, which is done with */
	h->step_rflags = v->rflags;
	h->step_dr6 = h->vmcb->s.dr6;
	v->rflags |= RFLAGS_TF | RFLAGS_RF;
}

/* The instruction is over, by #DB or by an exit that finished it: undo the step; true when the
 * guest did not ask for it itself. */
bool rd_svm_end_step(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	if (!h->step)
		return false;
	h->step = false;
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		return false;
	if (!(h->step_rflags & RFLAGS_TF))
		v->rflags &= ~RFLAGS_TF;
	return !(h->step_rflags & RFLAGS_TF);
}

static u64 rd_exception_event(const struct rd_exception *e)
{
	u64 ev = e->vector | SVM_EVT_EXCEPTION;

	if (e->has_error)
		ev |= SVM_EVT_HAS_ERROR | ((u64)e->error << 32);
	return ev;
}

/* A pending exception becomes visible in registers only when it is delivered (SDM, "Debug
 * Exceptions", "Interrupt 14"). */
static void rd_svm_deliver_payload(struct rd_vcpu *v)
{
	struct rd_exception *e = &v->exc;

	if (!e->has_payload)
		return;
	e->has_payload = false;
	if (e->vector == 14) {
		v->cr2 = e->payload;
	} else if (e->vector == 1) {
		v->dr6 = (v->dr6 & ~0xfULL) | e->payload | 0xffff0ff0ULL;
		v->hw->vmcb->s.dr6 = v->dr6;
		v->hw->vmcb->s.dr7 &= ~BIT_ULL(13); /* GD */
		v->dr7 &= ~BIT_ULL(13);
		rd_svm_dirty(v->hw, SVM_CLEAN_DR);
	}
}

/*
 * The event is an instruction of `len` bytes at RIP, 0 when it is not: its handler returns behind
 * it. A CPU without next-RIP save pushes the RIP that it is given.
 */
static void rd_svm_return_behind(struct rd_vcpu *v, u8 len)
{
	struct rd_hw_vcpu *h = v->hw;

	if (!len)
		return;
	if (rd_svm_has(SVM_F_NRIPS)) {
		h->vmcb->c.next_rip = v->rip + len;
		return;
	}
	v->rip += len;
	h->moved = len;
	h->moved_entry = v->stats.exits;
}

/* An exit gave a software event back: RIP points to its instruction again, which runs again. */
static void rd_svm_undo_return(struct rd_vcpu *v)
{
	if (v->hw->moved && v->hw->moved_entry == v->stats.exits)
		v->rip -= v->hw->moved;
}

static bool rd_svm_inject_first(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;

	/* What an exit interrupted goes first, then a new exception. */
	if (v->exc.injected) {
		rd_svm_set_event(h, rd_exception_event(&v->exc));
		if (unlikely(v->exc.soft_len))
			rd_svm_return_behind(v, v->exc.soft_len);
	} else if (v->nmi_injected) {
		rd_svm_set_event(h, SVM_EVT_NMI | 2);
	} else if (v->irq.injected) {
		rd_svm_set_event(h, v->irq.vector | (v->irq.soft ? SVM_EVT_SOFT : SVM_EVT_INTR));
		if (unlikely(v->irq.soft))
			rd_svm_return_behind(v, v->irq.soft_len);
	} else if (v->exc.pending) {
		rd_svm_deliver_payload(v);
		if (v->exc.vector != 1 && v->exc.vector != 3 && v->exc.vector != 4)
			v->rflags |= RFLAGS_RF; /* faults push RF set */
		v->exc.pending = false;
		v->exc.injected = true;
		rd_count(v, exception_injections);
		trace_rd_inject(v->id, v->exc.vector, v->exc.has_error ? v->exc.error : 0);
		rd_svm_set_event(h, rd_exception_event(&v->exc));
		if (unlikely(v->exc.soft_len))
			rd_svm_return_behind(v, v->exc.soft_len);
	} else {
		return false;
	}
	return true;
}

/* The next instruction is the one to be carried out, whatever else waits. */
static bool rd_svm_holds_events(const struct rd_vcpu *v)
{
	return (v->guest_debug & KVM_GUESTDBG_BLOCKIRQ) || v->stepping;
}

/* Interrupts off, right before the entry. Hot when nothing but an interrupt is there. */
void rd_svm_inject(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;
	bool busy = rd_svm_inject_first(v);
	int vector;

	if (v->nmi_pending && !rd_svm_holds_events(v)) {
		if (!busy && rd_svm_nmi_allowed(v)) {
			v->nmi_pending--;
			v->nmi_injected = true;
			rd_svm_set_nmi_mask(v, true);
			rd_svm_set_event(h, SVM_EVT_NMI | 2);
			rd_count(v, nmi_injections);
			trace_rd_inject(v->id, 2, 0);
			busy = true;
		} else if (!busy && (!h->nmi_masked || h->iret_pending)) {
			rd_svm_step(v);
		}
	}
	if (!rd_vcpu_has_irq(v)) {
		if (unlikely(v->event_window))
			rd_svm_open_irq_window(h);
		else
			rd_svm_clear_irq_window(v);
		return;
	}
	if (unlikely(rd_svm_holds_events(v))) {
		rd_svm_clear_irq_window(v);
		return;
	}
	if (busy || !rd_svm_irq_allowed(v)) {
		if (unlikely(rd_svm_emulated && !busy && rd_svm_get_shadow(v) &&
			     (v->rflags & RFLAGS_IF)))
			rd_svm_step(v); /* the window would open inside the shadow */
		else
			rd_svm_open_irq_window(h);
		return;
	}
	vector = rd_vcpu_next_irq(v);
	if (vector >= 0) {
		v->irq.injected = true;
		v->irq.soft = false;
		v->irq.vector = vector;
		rd_svm_set_event(h, vector | SVM_EVT_INTR);
		rd_count(v, irq_injections);
		trace_rd_inject(v->id, vector, 0);
	}
	if (unlikely(rd_vcpu_has_irq(v) || v->event_window))
		rd_svm_open_irq_window(h);
	else
		rd_svm_clear_irq_window(v);
}

/*
 * QEMU's TCG keeps the vector of an interrupt from EVENTINJ where its execution loop looks for
 * exceptions: when the loop ends for another reason before the next #VMEXIT, the guest gets the
 * vector once more, IF or not. It does not so with a virtual interrupt, which the guest takes at
 * once, too, as it may take one. EVENTINJ is valid. True: the event has become one,
 * rd_svm_end_virtual() after the exit. Not while an interrupt window is asked for, which needs the
 * one virtual interrupt.
 */
bool rd_svm_inject_virtual(struct rd_vcpu *v)
{
	struct rd_vmcb_control *c = &v->hw->vmcb->c;
	u64 event = c->event_inj;

	if ((event & SVM_EVT_TYPE_MASK) != SVM_EVT_INTR || (c->misc1 & SVM_I_VINTR) ||
	    !rd_svm_irq_allowed(v))
		return false;
	c->event_inj = 0;
	c->int_vector = event & SVM_EVT_VECTOR;
	c->int_ctl |= SVM_V_IRQ_NOW;
	rd_svm_dirty(v->hw, SVM_CLEAN_INTR);
	return true;
}

/* One that was not taken is given back as EVENTINJ's would be. */
void rd_svm_end_virtual(struct rd_vcpu *v)
{
	struct rd_vmcb_control *c = &v->hw->vmcb->c;

	if (c->int_ctl & SVM_V_IRQ)
		c->exit_int_info = c->int_vector | SVM_EVT_INTR | SVM_EVT_VALID;
	c->int_ctl &= ~SVM_V_IRQ_NOW;
}

void rd_svm_cancel_injection(struct rd_vcpu *v)
{
	/* v keeps its "injected" marks: the next rd_svm_inject() puts the same event back. */
	v->hw->vmcb->c.event_inj = 0;
}

/* After an exit. EVENTINJ was consumed unless EXITINTINFO gives it back. */
void rd_svm_complete_injection(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;
	u64 info = h->vmcb->c.exit_int_info;
	u8 vector = info & SVM_EVT_VECTOR;
	/*
	 * An injected #BP or #OF: the debugger must not be told of its instruction again; and there
	 * is none that would run again when it came from elsewhere (an enclave).
	 */
	bool given = v->exc.injected && v->exc.vector == vector;

	h->vmcb->c.event_inj = 0;
	if (h->iret_pending && v->rip != h->iret_rip) {
		h->iret_pending = false;
		h->nmi_masked = false;
	}
	v->exc.injected = false;
	v->irq.injected = false;
	v->nmi_injected = false;
	if (!(info & SVM_EVT_VALID))
		return;
	rd_count(v, reinjections);
	switch (info & SVM_EVT_TYPE_MASK) {
	case SVM_EVT_NMI:
		v->nmi_injected = true;
		break;
	case SVM_EVT_INTR:
		v->irq.injected = true;
		v->irq.soft = false;
		v->irq.vector = vector;
		break;
	case SVM_EVT_EXCEPTION:
		if (vector == 3 || vector == 4) {
			rd_svm_undo_return(v);
			v->exc.injected = given;
			break;
		}
		v->exc.injected = true;
		v->exc.vector = vector;
		v->exc.soft_len = 0;
		v->exc.has_error = info & SVM_EVT_HAS_ERROR;
		v->exc.error = info >> 32;
		v->exc.has_payload = false;
		break;
	default:
		rd_svm_undo_return(v);
		break;
	}
}
