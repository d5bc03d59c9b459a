// SPDX-License-Identifier: GPL-2.0-only
/*
 * The save and restore ioctls of a vCPU's pending events and of its run state.
 * Invariant: a SET that is refused has changed nothing. v->mutex held and the vCPU loaded, in all
 * functions.
 */
#include "vmm/hw.h"
#include "vmm/regs.h"
#include "vmm/vm.h"

#define VEC_DB 1
#define DR6_TRAPS 0xfULL
#define VEC_NMI 2
#define VEC_PF 14

/* User space that does not know payloads sees CR2 or DR6 as if the exception had been delivered. */
static void deliver_payload(struct rd_vcpu *v)
{
	if (!v->exc.has_payload)
		return;
	if (v->exc.vector == VEC_PF) {
		rd_hw->set_cr(v, 2, v->exc.payload);
	} else if (v->exc.vector == VEC_DB) {
		rd_hw->sync_debug(v);
		v->dr6 = ((v->dr6 & ~DR6_TRAPS) | RD_DR6_RESET | v->exc.payload) ^
			 (v->exc.payload & RD_DR6_RESET);
		rd_hw->update_debug(v);
	}
	v->exc.has_payload = false;
	v->exc.payload = 0;
}

static void get_exception(struct rd_vcpu *v, struct kvm_vcpu_events *e)
{
	if (!v->vm->exception_payload && v->exc.pending)
		deliver_payload(v);
	if (v->vm->exception_payload) {
		e->exception.injected = v->exc.injected;
		e->exception.pending = v->exc.pending;
	} else {
		/* One bit for both: restoring it injects the exception again. */
		e->exception.injected = v->exc.injected || v->exc.pending;
	}
	e->exception.nr = v->exc.vector;
	e->exception.has_error_code = v->exc.has_error;
	e->exception.error_code = v->exc.error;
	e->exception_has_payload = v->exc.has_payload;
	e->exception_payload = v->exc.payload;
}

void rd_vcpu_get_events(struct rd_vcpu *v, struct kvm_vcpu_events *e)
{
	memset(e, 0, sizeof(*e));
	get_exception(v, e);
	e->interrupt.injected = v->irq.injected && !v->irq.soft;
	e->interrupt.nr = v->irq.vector;
	e->interrupt.shadow = rd_hw->get_shadow(v);
	e->nmi.injected = v->nmi_injected;
	e->nmi.pending = v->nmi_pending != 0 || test_bit(RD_LAPIC_EV_NMI, &v->lapic.events);
	e->nmi.masked = rd_hw->get_nmi_mask(v);
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	if (v->vm->exception_payload)
		e->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (v->vm->triple_fault_event) {
		e->triple_fault.pending = test_bit(RD_REQ_TRIPLE_FAULT, &v->requests);
		e->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

static bool events_ok(struct rd_vcpu *v, const struct kvm_vcpu_events *e)
{
	const u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			  KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM |
			  KVM_VCPUEVENT_VALID_PAYLOAD | KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	bool exception = e->exception.injected;

	if (e->flags & ~known)
		return false;
	if (e->flags & KVM_VCPUEVENT_VALID_PAYLOAD) {
		if (!v->vm->exception_payload)
			return false;
		exception |= e->exception.pending;
	}
	if (exception && (e->exception.nr > 31 || e->exception.nr == VEC_NMI))
		return false;
	if ((e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && !v->vm->triple_fault_event)
		return false;
	/* There is no system management mode to be in. */
	return !(e->flags & KVM_VCPUEVENT_VALID_SMM) ||
	       (!e->smi.smm && !e->smi.pending && !e->smi.smm_inside_nmi);
}

static void set_exception(struct rd_vcpu *v, const struct kvm_vcpu_events *e)
{
	bool payload = e->flags & KVM_VCPUEVENT_VALID_PAYLOAD;
	bool pending = payload && e->exception.pending;
	u64 value = pending && e->exception_has_payload ? e->exception_payload : 0;

	/* Reserved bits of DR6 would make the CPU refuse the entry. */
	if (e->exception.nr == VEC_DB)
		value &= RD_DR6_SETTABLE;
	v->exc = (struct rd_exception) {
		.injected = e->exception.injected && !pending,
		.pending = pending,
		.has_error = e->exception.has_error_code,
		.vector = e->exception.nr,
		.error = e->exception.error_code,
		.has_payload = pending && e->exception_has_payload,
		.payload = value,
	};
}

int rd_vcpu_set_events(struct rd_vcpu *v, const struct kvm_vcpu_events *e)
{
	if (!events_ok(v, e))
		return -EINVAL;
	set_exception(v, e);
	v->irq = (struct rd_interrupt) {
		.injected = e->interrupt.injected,
		.soft = e->interrupt.soft,
		.vector = e->interrupt.nr,
	};
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
		rd_hw->set_shadow(v, e->interrupt.shadow);
	v->nmi_injected = e->nmi.injected;
	if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		v->nmi_pending = min_t(u8, e->nmi.pending, 2);
		clear_bit(RD_LAPIC_EV_NMI, &v->lapic.events);
	}
	rd_hw->set_nmi_mask(v, e->nmi.masked);
	if ((e->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR) && v->has_lapic)
		v->lapic.sipi_vector = e->sipi_vector;
	if (e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (e->triple_fault.pending)
			rd_vcpu_set_request(v, RD_REQ_TRIPLE_FAULT);
		else
			clear_bit(RD_REQ_TRIPLE_FAULT, &v->requests);
	}
	rd_vcpu_set_request(v, RD_REQ_EVENT);
	return 0;
}

/* --- run state --- */

/*
 * INIT and SIPI that wait are saved nowhere: they take effect first, and may change all registers.
 * Clients know that from KVM and ask for the run state before anything else.
 */
int rd_vcpu_get_mp_state(struct rd_vcpu *v, struct kvm_mp_state *m)
{
	if (v->has_lapic)
		rd_vcpu_accept_startup(v);
	m->mp_state = v->mp_state;
	return 0;
}

int rd_vcpu_set_mp_state(struct rd_vcpu *v, const struct kvm_mp_state *m)
{
	switch (m->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (!v->has_lapic)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (m->mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		v->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		set_bit(RD_LAPIC_EV_SIPI, &v->lapic.events);
	} else {
		v->mp_state = m->mp_state;
	}
	rd_vcpu_set_request(v, RD_REQ_EVENT);
	return 0;
}
