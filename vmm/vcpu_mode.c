// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entering integrity mode (K): the part of the run loop that is left when no event is delivered.
 * Invariant: as vmm/vcpu.c: what is asked of the vCPU after mode became RD_IN_GUEST is seen before
 * the next entry.  Requests that need the guest's own state wait for the end of the mode.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include "kmod/compat.h"
#include "vmm/hw.h"
#include "vmm/mode.h"
#include "vmm/vm.h"

#define CANNOT_WAIT (BIT(RD_REQ_VM_DEAD) | BIT(RD_REQ_QUIESCE))

static bool enter_once(struct rd_vcpu *v, struct rd_mode_run *m)
{
	bool entered = false;

	preempt_disable();
	local_irq_disable();
	/* As in rd_vcpu_enter(). No flush is asked for: every entry is one. */
	(void)xchg(&v->mode, RD_IN_GUEST);
	if (!(READ_ONCE(v->requests) & CANNOT_WAIT) && !need_resched()) {
		rd_compat_guest_enter();
		rd_hw->mode_enter(v, m);
		rd_compat_guest_exit();
		entered = true;
	}
	WRITE_ONCE(v->mode, RD_OUTSIDE);
	local_irq_enable();
	rd_compat_guest_irqs_done();
	preempt_enable();
	return entered;
}

int rd_vcpu_enter_mode(struct rd_vcpu *v, struct rd_mode_run *m)
{
	do {
		if (test_bit(RD_REQ_VM_DEAD, &v->requests) || fatal_signal_pending(current))
			return -EIO;
		if (rd_vcpu_take_request(v, RD_REQ_QUIESCE))
			rd_vcpu_read_begin(v);
		cond_resched();
	} while (!enter_once(v, m));
	if (m->exit == RD_MODE_X_HOST)
		rd_compat_rcu_note();
	return 0;
}
