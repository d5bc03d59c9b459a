// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entering a vCPU on a subsystem's tables (K).
 * Invariant: as vmm/vcpu.c: what is asked of the vCPU after mode became RD_IN_GUEST is seen before
 * the next entry.
 */
#include <linux/entry-kvm.h>
#include <linux/mm.h>
#include "kmod/compat.h"
#include "vmm/apart.h"
#include "vmm/hw.h"
#include "vmm/vm.h"
#include "vmm/xstate.h"

#define RFLAGS_IF BIT_ULL(9)

/* What cannot wait for the end of the stay. Interrupts off or not: it is looked at again. */
static bool something_waits(struct rd_vcpu *v, const struct rd_apart *a)
{
	return (READ_ONCE(v->requests) | READ_ONCE(v->lapic.events)) ||
	       xfer_to_guest_mode_work_pending() || v->nmi_pending ||
	       READ_ONCE(v->run->request_interrupt_window) ||
	       ((a->rflags & RFLAGS_IF) && rd_vcpu_has_irq(v));
}

bool rd_vcpu_enter_apart(struct rd_vcpu *v, struct rd_apart *a)
{
	bool entered = false, xstate;

	preempt_disable();
	local_irq_disable();
	/* As in rd_vcpu_enter(). No flush is asked for: every entry is one. */
	(void)xchg(&v->mode, RD_IN_GUEST);
	if (!something_waits(v, a)) {
		if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
			switch_fpu_return();
		xstate = rd_xstate_differs(v);
		if (xstate)
			rd_load_xstate(v);
		rd_compat_guest_enter();
		rd_hw->apart_enter(v, a);
		rd_compat_guest_exit();
		v->stats.exits++;
		if (xstate)
			rd_restore_xstate(v);
		entered = true;
	}
	WRITE_ONCE(v->mode, RD_OUTSIDE);
	local_irq_enable();
	rd_compat_guest_irqs_done();
	preempt_enable();
	return entered;
}
