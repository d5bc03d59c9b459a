// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single steps into traced pages (K): an instruction that the emulator does not know, and that the
 * traces allow, is carried out by the CPU.
 * Invariant: from rd_trace_step_begin() until the step has ended, at the latest when its thread
 * leaves KVM_RUN, no other vCPU of the VM is in the guest; what has changed in the pages is told
 * before one is again.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include "vmm/hw.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

void rd_trace_step_init(struct rd_trace *t)
{
	mutex_init(&t->step.lock);
	init_waitqueue_head(&t->step.wait);
}

bool rd_trace_step_opens(const struct rd_vcpu *v, u64 gfn)
{
	const struct rd_trace_step *s = &v->vm->trace->step;
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		if (s->gfn[i] == gfn)
			return true;
	return false;
}

unsigned int rd_trace_step_pieces(const struct rd_vcpu *v)
{
	return v->stepping ? v->vm->trace->step.nr : 0;
}

/* --- the owner -------------------------------------------------------------------------------- */

static void open_page(struct rd_vcpu *v, u64 gpa)
{
	struct rd_trace_step *s = &v->vm->trace->step;
	u64 gfn = gpa >> RD_PAGE_SHIFT;

	if (rd_vcpu_read_gpa(v, gfn << RD_PAGE_SHIFT, s->before[s->nr], RD_PAGE_SIZE))
		memset(s->before[s->nr], 0, RD_PAGE_SIZE);
	s->gfn[s->nr++] = gfn;
}

int rd_trace_step_begin(struct rd_vcpu *v, u64 gpa)
{
	struct rd_trace_step *s = &v->vm->trace->step;

	if (!v->stepping) {
		if (mutex_lock_killable(&s->lock))
			return -EINTR;
		s->rip = v->rip;
		s->nr = 0;
		s->done = false;
		v->stepping = true;
		WRITE_ONCE(s->owner, v);
		/* Of all, and of v itself, which has its turn before each entry. */
		rd_vm_request_all(v->vm, RD_REQ_STEP, true);
	}
	open_page(v, gpa);
	return 1;
}

/* What has changed: its place and length, and as many bytes of it as an event has room for. */
static void tell_change(struct rd_vcpu *v, unsigned int piece)
{
	struct rd_trace_step *s = &v->vm->trace->step;
	struct rd_trace_event *e = &v->trace[piece].act.e;
	const u8 *before = s->before[piece], *after = s->after;
	unsigned int first = 0, last = RD_PAGE_SIZE - 1, n;
	u64 gpa = s->gfn[piece] << RD_PAGE_SHIFT;

	if (rd_vcpu_read_gpa(v, gpa, s->after, RD_PAGE_SIZE))
		return;
	while (first < RD_PAGE_SIZE && before[first] == after[first])
		first++;
	if (first == RD_PAGE_SIZE)
		return;
	while (before[last] == after[last])
		last--;
	e->gpa = gpa + first;
	e->len = last - first + 1;
	n = min_t(unsigned int, e->len, RD_EVENT_BYTES);
	memcpy(e->old_bytes, before + first, n);
	memcpy(e->new_bytes, after + first, n);
}

/* Close the pages, tell what has become of them, and let the others go on. */
static void end(struct rd_vcpu *v)
{
	struct rd_trace *t = v->vm->trace;
	struct rd_trace_step *s = &t->step;
	unsigned int i, nr = s->nr;

	rd_hw->end_step(v);
	s->nr = 0;
	for (i = 0; i < nr; i++)
		rd_mmu_close(v->vm, s->gfn[i]);
	for (i = 0; i < nr; i++) {
		v->trace[i].open = false;
		tell_change(v, i);
		/* Cut off before it began, it comes again. */
		if (s->done || v->rip != s->rip || v->trace[i].act.e.len)
			rd_trace_report(t, &v->trace[i].act);
	}
	v->stepping = false;
	WRITE_ONCE(s->owner, NULL);
	mutex_unlock(&s->lock);
	wake_up_all(&s->wait);
}

void rd_trace_step_leave(struct rd_vcpu *v)
{
	end(v);
	rd_vcpu_take_request(v, RD_REQ_STEP);
}

/* --- before an entry -------------------------------------------------------------------------- */

/* The event that is delivered into an open page ends the step by itself: RIP moves. */
static bool delivers(const struct rd_vcpu *v)
{
	return v->exc.injected || v->irq.injected || v->nmi_injected;
}

bool rd_trace_step_turn(struct rd_vcpu *v)
{
	struct rd_trace_step *s = &v->vm->trace->step;

	if (!v->stepping)
		return false;
	if (s->done || v->rip != s->rip || v->exc.pending) {
		rd_trace_step_leave(v);
		return true;
	}
	/* Whole or not at all: when the vCPU is put, the step is undone. */
	preempt_disable();
	if (!delivers(v))
		rd_hw->step(v);
	preempt_enable();
	return true;
}

bool rd_trace_step_ready(const struct rd_vcpu *v)
{
	return v->stepping && ((v->rflags & BIT(8)) || delivers(v));
}

void rd_trace_step_wait(struct rd_vcpu *v)
{
	struct rd_trace_step *s = &v->vm->trace->step;

	if (wait_event_interruptible(s->wait, !READ_ONCE(s->owner)))
		rd_vcpu_set_request(v, RD_REQ_STEP); /* a signal: KVM_RUN ends, and comes back */
}
