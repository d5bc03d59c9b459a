// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a write to a traced page leads to (K).
 * Invariant: a write that the traces stop has been looked up, its actions have been carried out in
 * order, and its event is in the ring, before the guest goes on; an instruction that leaves to the
 * VMM in between asks again from where it was.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include "kmod/host.h"
#include "kmod/trace.h"
#include "vmm/emul_glue.h"
#include "vmm/hw.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

#define VEC_DF 8
#define VEC_GP 13

#define count(t, what) atomic64_inc(&(t)->count.what)

/* --- the event -------------------------------------------------------------------------------- */

static void event_begin(struct rd_trace_event *e, struct rd_vm *vm, struct rd_vcpu *v)
{
	memset(e, 0, sizeof(*e));
	e->vm = vm->id;
	e->vcpu = v ? v->id : ~0U;
	if (!v)
		return;
	e->rip = v->rip;
	e->cr3 = rd_hw->get_cr(v, 3);
}

/* The bytes as they are now and as they would be. May change between two asks of one write. */
static void event_bytes(struct rd_trace_event *e, struct rd_vcpu *v, u64 gpa, const void *bytes,
			unsigned int len)
{
	unsigned int n = min_t(unsigned int, len, RD_EVENT_BYTES);

	e->gpa = gpa;
	e->len = bytes ? len : 0;
	if (!bytes) {
		e->flags |= RD_EVENT_BLIND;
		return;
	}
	memcpy(e->new_bytes, bytes, n);
	if (rd_vcpu_read_gpa(v, gpa, e->old_bytes, n))
		memset(e->old_bytes, 0, n);
}

static void count_decision(struct rd_trace *t, const struct rd_trace_event *e)
{
	if (e->decision == RD_TRACE_ALLOW)
		count(t, allowed);
	else if (e->decision == RD_TRACE_REFUSE)
		count(t, refused);
	else
		count(t, skipped);
	if (e->flags & RD_EVENT_BLIND)
		count(t, blind);
}

void rd_trace_report(struct rd_trace *t, struct rd_trace_act *a)
{
	struct rd_trace_event *e = &a->e;

	count_decision(t, e);
	trace_rd_trace_hit(e->vcpu, e->gpa, e->rip, e->len, e->hit, e->decision);
	if (!a->log)
		return;
	e->time_ns = rd_host_real_ns();
	rd_trace_ring_put(&t->ring, e);
	count(t, events);
	if (wq_has_sleeper(&t->wait))
		wake_up_all(&t->wait);
}

/* --- the look-up ------------------------------------------------------------------------------ */

/* A trace without an entry in the tree: it ends. t->lock held, which keeps new ones away. */
static void drop_stale(struct rd_vm *vm, u64 gfn)
{
	count(vm->trace, stale);
	rd_mmu_unprotect(vm, gfn, 1, RD_PROT_TRACED);
}

/*
 * Readers may meet an edit: what looks odd is looked at again with edits held off.
 */
static enum rd_tree_result look_up(struct rd_vm *vm, u64 gfn, struct rd_tree_hit *hit)
{
	struct rd_trace *t = vm->trace;
	enum rd_tree_result r = rd_tree_lookup(&t->tree, gfn, hit);

	if (likely(r == RD_TREE_MAPPED))
		return r;
	mutex_lock(&t->lock);
	r = rd_tree_lookup(&t->tree, gfn, hit);
	if (r == RD_TREE_NONE && rd_prot_traced(&vm->mmu.prot, gfn))
		drop_stale(vm, gfn);
	mutex_unlock(&t->lock);
	return r;
}

static void found_corrupt(struct rd_trace *t, struct rd_trace_act *a, u8 why)
{
	static const u8 list[RD_TRACE_MAX_ACTIONS] = { RD_TRACE_LOG, RD_TRACE_REFUSE };

	count(t, corrupt);
	a->e.hit = RD_HIT_CORRUPT;
	a->e.code = why;
	rd_trace_act_begin(a, list);
}

/*
 * Find what is to be done about a write to the page, and begin it. False: nothing. len 0: some
 * bytes of the page.
 */
static bool begin(struct rd_vm *vm, struct rd_trace_act *a, u64 gpa, unsigned int len)
{
	struct rd_trace *t = vm->trace;
	struct rd_tree_hit hit;
	u16 tag;
	int r;

	count(t, traps);
	switch (look_up(vm, gpa >> RD_PAGE_SHIFT, &hit)) {
	case RD_TREE_MAPPED:
		break;
	case RD_TREE_CORRUPT:
		found_corrupt(t, a, hit.why);
		return true;
	default:
		return false;
	}
	tag = hit.tag;
	r = len ? rd_tree_covers(&t->tree, &hit, gpa & ~RD_PAGE_MASK, len, &tag) : 1;
	if (r < 0) {
		found_corrupt(t, a, hit.why);
		return true;
	}
	if (!r) {
		count(t, beside);
		return false;
	}
	count(t, mapping);
	a->e.hit = RD_HIT_MAPPING;
	a->e.tag = tag;
	rd_trace_act_begin(a, t->list[hit.action]);
	return true;
}

/* --- the actions ------------------------------------------------------------------------------ */

static int answered(struct rd_vcpu *v)
{
	const struct rd_trace_exit *x = (const void *)v->run->padding;
	u32 outcome = READ_ONCE(x->outcome);
	unsigned int i;

	for (i = 0; i < RD_TRACE_PIECES; i++)
		rd_trace_act_answer(&v->trace[i].act, outcome);
	/* Again from the start of the instruction: nothing of it has happened yet. */
	return rd_emulate(v, NULL, 0);
}

/* Leave to the VMM with the action that a stopped at. */
static void leave(struct rd_vcpu *v, const struct rd_trace_act *a)
{
	struct rd_trace_exit *x = (void *)v->run->padding;

	BUILD_BUG_ON(sizeof(*x) > sizeof(v->run->padding));
	if (!v->vm->trace->served) {
		v->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
		v->run->internal.suberror = RD_EXIT_TRACE;
		v->run->internal.ndata = 0;
	} else {
		v->run->exit_reason = RD_EXIT_TRACE;
		x->action = a->e.action[a->next];
		x->outcome = RD_TRACE_DONE;
		x->event = a->e;
	}
	v->complete = answered;
}

/* An exit is only worth it where the VMM knows it; suspending works with any. */
static bool worth_exit(struct rd_vm *vm, const struct rd_trace_act *a)
{
	return vm->trace->served || (a->next < RD_TRACE_MAX_ACTIONS &&
				     a->e.action[a->next] == RD_TRACE_SUSPEND);
}

/* Go on with the list. v NULL or may_exit false: without the VMM. True: it is through. */
static bool carry_on(struct rd_vm *vm, struct rd_trace_act *a, bool may_exit)
{
	for (;;) {
		switch (rd_trace_act_step(a, may_exit)) {
		case RD_STEP_DECIDED:
			return true;
		case RD_STEP_KILL:
			rd_vm_kill(vm, "a write trace says so");
			break;
		case RD_STEP_EXIT:
			if (worth_exit(vm, a))
				return false;
			rd_trace_act_answer(a, RD_TRACE_UNSUPPORTED);
			break;
		}
	}
}

/* --- writes of the guest ---------------------------------------------------------------------- */

static bool same_write(const struct rd_trace_write *w, const struct rd_vcpu *v, u64 gpa)
{
	return w->open && w->rip == v->rip && w->act.e.gpa == gpa;
}

enum rd_trace_answer rd_trace_write(struct rd_vcpu *v, unsigned int piece, u64 gpa, u64 linear,
				    const void *bytes, unsigned int len)
{
	struct rd_trace_write *w = &v->trace[piece];
	struct rd_trace_act *a = &w->act;

	if (!v->vm->trace)
		return RD_WRITE_PASS;
	if (!same_write(w, v, gpa)) {
		event_begin(&a->e, v->vm, v);
		w->rip = v->rip;
		w->open = begin(v->vm, a, gpa, len);
		if (!w->open)
			return RD_WRITE_PASS;
	}
	a->e.linear = linear;
	event_bytes(&a->e, v, gpa, bytes, len);
	if (!carry_on(v->vm, a, true)) {
		leave(v, a);
		return RD_WRITE_USER;
	}
	if (a->e.decision == RD_TRACE_ALLOW)
		return RD_WRITE_GO;
	w->open = false;
	rd_trace_report(v->vm->trace, a);
	return a->e.decision == RD_TRACE_REFUSE ? RD_WRITE_REFUSE : RD_WRITE_SKIP;
}

void rd_trace_landed(struct rd_vcpu *v, unsigned int piece, bool ok)
{
	struct rd_trace_write *w = &v->trace[piece];
	struct rd_trace_act *a = &w->act;
	unsigned int i;

	w->open = false;
	for (i = 0; !ok && i < RD_TRACE_MAX_ACTIONS; i++)
		if (a->e.action[i] == RD_TRACE_ALLOW)
			a->e.outcome[i] = RD_TRACE_FAILED;
	rd_trace_report(v->vm->trace, a);
}

/* --- writes that are not an emulated instruction's --------------------------------------------*/

/* Refused, whatever the list says. True: it is on the way to the guest. False: none of ours. */
static bool refuse(struct rd_vcpu *v, u64 gpa, u16 flags)
{
	struct rd_trace_act a;

	event_begin(&a.e, v->vm, v);
	if (!v->vm->trace || !begin(v->vm, &a, gpa, 0))
		return false;
	a.e.flags |= flags;
	event_bytes(&a.e, v, gpa, NULL, 0);
	carry_on(v->vm, &a, false);
	a.e.decision = RD_TRACE_REFUSE;
	rd_trace_report(v->vm->trace, &a);
	return true;
}

int rd_trace_blind(struct rd_vcpu *v)
{
	unsigned int piece = rd_trace_step_pieces(v);
	struct rd_trace_write *w = &v->trace[piece];
	struct rd_trace_act *a = &w->act;

	if (!v->vm->trace)
		return 1;
	if (piece == RD_TRACE_PIECES) {
		if (refuse(v, v->fault_gpa, 0))
			rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	if (!same_write(w, v, v->fault_gpa)) {
		event_begin(&a->e, v->vm, v);
		w->rip = v->rip;
		w->open = begin(v->vm, a, v->fault_gpa, 0);
		/* Not traced any more: the instruction runs by itself now. */
		if (!w->open)
			return 1;
	}
	event_bytes(&a->e, v, v->fault_gpa, NULL, 0);
	if (!carry_on(v->vm, a, true)) {
		leave(v, a);
		return 0;
	}
	if (a->e.decision == RD_TRACE_ALLOW)
		return rd_trace_step_begin(v, v->fault_gpa);
	w->open = false;
	a->e.decision = RD_TRACE_REFUSE;
	rd_trace_report(v->vm->trace, a);
	rd_queue_exception_err(v, VEC_GP, 0);
	return 1;
}

int rd_trace_delivery(struct rd_vcpu *v, u64 gpa)
{
	bool in_df = v->exc.injected && v->exc.vector == VEC_DF;

	if (!refuse(v, gpa, RD_EVENT_DELIVERY))
		return 1;
	v->exc.injected = false;
	v->irq.injected = false;
	v->nmi_injected = false;
	if (in_df)
		rd_vcpu_set_request(v, RD_REQ_TRIPLE_FAULT);
	else
		rd_queue_exception_err(v, VEC_DF, 0);
	return 1;
}

bool rd_trace_stops_module(struct rd_vcpu *v, u64 gpa, const void *bytes, unsigned int len)
{
	struct rd_vm *vm = v->vm;
	struct rd_trace_act a;

	event_begin(&a.e, vm, v);
	if (!vm->trace || !begin(vm, &a, gpa, len))
		return false;
	a.e.flags |= RD_EVENT_MODULE;
	event_bytes(&a.e, v, gpa, bytes, len);
	carry_on(vm, &a, false);
	rd_trace_report(vm->trace, &a);
	return a.e.decision != RD_TRACE_ALLOW;
}

/* --- writes of the VMM ------------------------------------------------------------------------ */

/* One page's part. True: stop it. */
static bool stops_vmm(struct rd_vm *vm, u64 gpa, unsigned int len)
{
	struct rd_trace_act a;

	event_begin(&a.e, vm, NULL);
	if (!begin(vm, &a, gpa, len))
		return false;
	a.e.flags |= RD_EVENT_VMM;
	a.e.gpa = gpa;
	a.e.len = len;
	carry_on(vm, &a, false);
	rd_trace_report(vm->trace, &a);
	return a.e.decision != RD_TRACE_ALLOW;
}

int rd_trace_vmm_write(struct rd_vm *vm, const struct rd_trace_range *r)
{
	u64 gfn = r->gpa >> RD_PAGE_SHIFT, end = r->gpa + r->size;
	bool stop = false;
	int idx;

	if (!r->size || end < r->gpa)
		return -EINVAL;
	if (!READ_ONCE(vm->trace))
		return 0;
	idx = srcu_read_lock(&vm->srcu);
	while (rd_prot_map_next(&vm->mmu.prot, &gfn, DIV_ROUND_UP_ULL(end, RD_PAGE_SIZE),
				RD_PROT_TRACES)) {
		u64 from = max(r->gpa, gfn << RD_PAGE_SHIFT);
		u64 to = min(end, (gfn + 1) << RD_PAGE_SHIFT);

		stop |= stops_vmm(vm, from, to - from);
		gfn++;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	srcu_read_unlock(&vm->srcu, idx);
	return stop ? -EPERM : 0;
}
