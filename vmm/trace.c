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
#include "vmm/mode.h"
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

static void put_event(struct rd_trace *t, struct rd_trace_event *e)
{
	e->time_ns = rd_host_real_ns();
	rd_trace_ring_put(&t->ring, e);
	count(t, events);
	if (wq_has_sleeper(&t->wait))
		wake_up_all(&t->wait);
}

void rd_trace_report(struct rd_trace *t, struct rd_trace_act *a)
{
	struct rd_trace_event *e = &a->e;

	count_decision(t, e);
	trace_rd_trace_hit(e->vcpu, e->gpa, e->rip, e->len, e->hit, e->decision);
	if (a->log)
		put_event(t, e);
	/* Last: readers of a VM that is dead take what is there for all there will be. */
	if (unlikely(a->kill))
		rd_vm_kill(t->guest.vm, "a write trace says so");
}

/* --- the look-up ------------------------------------------------------------------------------ */

static const u8 log_and_refuse[RD_TRACE_MAX_ACTIONS] = { RD_TRACE_LOG, RD_TRACE_REFUSE };

/* A write that is being asked about, and what is found. */
struct search {
	struct rd_vm *vm;
	u64 gpa;
	unsigned int len;   /* 0: some bytes of the page */
	const u8 *list;     /* NULL: nothing so far */
	u16 tag;
	u8 why;             /* enum rd_tree_why */
};

/*
 * Readers may meet an edit: what looks odd is looked at again with edits held off. A trace without
 * an entry in its tree ends.
 */
static enum rd_tree_result look_up(struct search *s, struct rd_tree *tree,
				   enum rd_prot_reason reason, struct rd_tree_hit *hit)
{
	struct rd_vm *vm = s->vm;
	struct mutex *edits = tree == &vm->trace->tree ? &vm->trace->lock
						       : &vm->trace->guest.mode_lock;
	u64 gfn = s->gpa >> RD_PAGE_SHIFT;
	enum rd_tree_result r = rd_tree_lookup(tree, gfn, hit);

	if (likely(r == RD_TREE_MAPPED))
		return r;
	mutex_lock(edits);
	r = rd_tree_lookup(tree, gfn, hit);
	if (r == RD_TREE_NONE && (rd_prot_map_get(&vm->mmu.prot, gfn) & BIT(reason))) {
		count(vm->trace, stale);
		vm->trace->guest.pages -= reason == RD_PROT_GUARDED;
		rd_mmu_unprotect(vm, gfn, 1, reason);
	}
	mutex_unlock(edits);
	return r;
}

/* Of two lists for one page, the one that is stricter about the write is carried out. */
static bool stricter(const u8 *a, const u8 *b)
{
	static const u8 order[] = { [RD_TRACE_ALLOW] = 0, [RD_TRACE_SKIP] = 1,
				    [RD_TRACE_REFUSE] = 2 };

	return !b || order[rd_trace_decision(a)] > order[rd_trace_decision(b)];
}

static void found(struct search *s, const u8 *list, u16 tag)
{
	if (!stricter(list, s->list))
		return;
	s->list = list;
	s->tag = tag;
}

/* Ask one tree. lists: what an entry's number, from 1 on, stands for. */
static void ask_tree(struct search *s, struct rd_tree *tree, enum rd_prot_reason reason,
		     const u8 (*lists)[RD_TRACE_MAX_ACTIONS], unsigned int nr_lists)
{
	struct rd_tree_hit hit;
	u16 tag;
	int r;

	switch (look_up(s, tree, reason, &hit)) {
	case RD_TREE_MAPPED:
		break;
	case RD_TREE_CORRUPT:
		s->why = hit.why;
		return;
	default:
		return;
	}
	if (!hit.action || hit.action > nr_lists) {
		s->why = RD_TREE_BAD_BITS;
		return;
	}
	tag = hit.tag;
	r = s->len ? rd_tree_covers(tree, &hit, s->gpa & ~RD_PAGE_MASK, s->len, &tag) : 1;
	if (r < 0)
		s->why = hit.why;
	else if (r)
		found(s, lists[hit.action - 1], tag);
	else
		count(s->vm->trace, beside);
}

/*
 * Find what is to be done about a write to the page, and begin it. First: is it a page of the
 * guest's tree? Then the trees. False: nothing.
 */
static bool begin(struct rd_vm *vm, struct rd_trace_act *a, u64 gpa, unsigned int len)
{
	struct search s = { .vm = vm, .gpa = gpa, .len = len };
	u8 reasons = rd_prot_map_get(&vm->mmu.prot, gpa >> RD_PAGE_SHIFT);
	struct rd_trace *t = vm->trace;

	count(t, traps);
	if (unlikely(reasons & BIT(RD_PROT_NODE))) {
		count(t, node);
		a->e.hit = RD_HIT_NODE;
		rd_trace_act_begin(a, t->guest.said.node_action);
		return true;
	}
	if (reasons & BIT(RD_PROT_TRACED))
		ask_tree(&s, &t->tree, RD_PROT_TRACED, t->list + 1, t->nr_lists);
	if (reasons & BIT(RD_PROT_GUARDED))
		ask_tree(&s, &t->guest.tree, RD_PROT_GUARDED, t->guest.said.list,
			 t->guest.said.nr_lists);
	if (unlikely(s.why)) {
		count(t, corrupt);
		a->e.hit = RD_HIT_CORRUPT;
		a->e.code = s.why;
		rd_trace_act_begin(a, log_and_refuse);
		return true;
	}
	if (!s.list)
		return false;
	count(t, mapping);
	a->e.hit = RD_HIT_MAPPING;
	a->e.tag = s.tag;
	rd_trace_act_begin(a, s.list);
	return true;
}

/* --- the actions ------------------------------------------------------------------------------ */

static int answered(struct rd_vcpu *v)
{
	const struct rd_trace_exit *x = (const void *)v->run->padding;
	/* Whoever does not know the exit has stopped, at least, and now goes on. */
	u32 outcome = v->vm->trace->served ? READ_ONCE(x->outcome) : RD_TRACE_DONE;
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

/*
 * Who is there for what a list asks for: the VMM, or only those actions that need nobody; the
 * guest's driver, about bytes that it can look at.
 */
struct means {
	bool exits;
	struct rd_vcpu *v;       /* NULL: the driver is not asked */
	const void *bytes;
	unsigned int len;
};

static const struct means nobody;

static void ask_driver(struct rd_trace_act *a, const struct means *m)
{
	rd_trace_act_asked(a, m->v ? rd_mode_judge(m->v, a->e.gpa, m->bytes, m->len) : -ENOENT);
}

/* Go on with the list. True: it is through. */
static bool carry_on(struct rd_vm *vm, struct rd_trace_act *a, const struct means *m)
{
	enum rd_trace_stage stage;

	while ((stage = rd_trace_act_step(a, m->exits)) != RD_STEP_DECIDED) {
		if (stage == RD_STEP_ASK)
			ask_driver(a, m);
		else if (worth_exit(vm, a))
			return false;
		else
			rd_trace_act_answer(a, RD_TRACE_UNSUPPORTED);
	}
	return true;
}

/* --- writes of the guest ---------------------------------------------------------------------- */

/* What was decided before the guest ran again says nothing any more: the traces may be others. */
static bool same_write(const struct rd_trace_write *w, const struct rd_vcpu *v, u64 gpa)
{
	return w->open && w->rip == v->rip && w->exits == v->stats.exits && w->act.e.gpa == gpa;
}

/* Look a write up anew. False: it is none of the traces' business. */
static bool open_write(struct rd_vcpu *v, struct rd_trace_write *w, u64 gpa, unsigned int len)
{
	event_begin(&w->act.e, v->vm, v);
	w->rip = v->rip;
	w->exits = v->stats.exits;
	w->open = begin(v->vm, &w->act, gpa, len);
	return w->open;
}

enum rd_trace_answer rd_trace_write(struct rd_vcpu *v, unsigned int piece, u64 gpa, u64 linear,
				    const void *bytes, unsigned int len)
{
	struct means m = { .exits = true, .v = v, .bytes = bytes, .len = len };
	struct rd_trace_write *w = &v->trace[piece];
	struct rd_trace_act *a = &w->act;

	if (!v->vm->trace)
		return RD_WRITE_PASS;
	if (!same_write(w, v, gpa) && !open_write(v, w, gpa, len))
		return RD_WRITE_PASS;
	a->e.linear = linear;
	event_bytes(&a->e, v, gpa, bytes, len);
	if (!carry_on(v->vm, a, &m)) {
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
	carry_on(v->vm, &a, &nobody);
	a.e.decision = RD_TRACE_REFUSE;
	rd_trace_report(v->vm->trace, &a);
	return true;
}

/*
 * A write at gpa whose bytes are not known. 1: it is let through, or not traced any more; -EACCES:
 * it is refused, also where the list says to skip it; 0: to the VMM first; -EINTR.
 */
static int ask_blind(struct rd_vcpu *v, u64 gpa, u16 flags)
{
	/* A frame is pushed in the middle of an entry: there is no way back to it by the VMM. */
	struct means m = { .exits = !(flags & RD_EVENT_DELIVERY) };
	unsigned int piece = rd_trace_step_pieces(v);
	struct rd_trace_write *w = &v->trace[piece];
	struct rd_trace_act *a = &w->act;

	if (!v->vm->trace)
		return 1;
	if (piece == RD_TRACE_PIECES)
		return refuse(v, gpa, flags) ? -EACCES : 1;
	if (!same_write(w, v, gpa) && !open_write(v, w, gpa, 0))
		return 1;
	a->e.flags |= flags;
	event_bytes(&a->e, v, gpa, NULL, 0);
	if (!carry_on(v->vm, a, &m)) {
		leave(v, a);
		return 0;
	}
	if (a->e.decision == RD_TRACE_ALLOW)
		return rd_trace_step_begin(v, gpa);
	w->open = false;
	a->e.decision = RD_TRACE_REFUSE;
	rd_trace_report(v->vm->trace, a);
	return -EACCES;
}

int rd_trace_blind(struct rd_vcpu *v)
{
	int r = ask_blind(v, v->fault_gpa, 0);

	if (r != -EACCES)
		return r;
	rd_queue_exception_err(v, VEC_GP, 0);
	return 1;
}

int rd_trace_delivery(struct rd_vcpu *v, u64 gpa)
{
	bool in_df = v->exc.injected && v->exc.vector == VEC_DF;
	int r = ask_blind(v, gpa, RD_EVENT_DELIVERY);

	if (r != -EACCES)
		return r;
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
	carry_on(vm, &a, &nobody);
	rd_trace_report(vm->trace, &a);
	return a.e.decision != RD_TRACE_ALLOW;
}

/* --- alerts without a write ------------------------------------------------------------------- */

/* The event is begun: run the list (NULL: log), without anybody's help. */
static void alert(struct rd_vcpu *v, struct rd_trace_act *a, const u8 *list)
{
	a->e.flags = RD_EVENT_BLIND;
	rd_trace_act_begin(a, list ? list : log_and_refuse);
	carry_on(v->vm, a, &nobody);
	a->e.decision = RD_TRACE_REFUSE;
	rd_trace_report(v->vm->trace, a);
}

void rd_trace_alert(struct rd_vcpu *v, u8 hit, u8 code, u64 gpa, const u8 *list)
{
	struct rd_trace *t = v->vm->trace;
	struct rd_trace_act a;

	event_begin(&a.e, v->vm, v);
	a.e.hit = hit;
	a.e.code = code;
	a.e.gpa = gpa;
	if (hit == RD_HIT_DENIED)
		count(t, denied);
	else
		count(t, corrupt);
	alert(v, &a, list);
}

void rd_trace_alert_mode(struct rd_vcpu *v, const struct rd_mode_run *m)
{
	struct rd_trace *t = v->vm->trace;
	struct rd_trace_act a;

	event_begin(&a.e, v->vm, v);
	a.e.rip = m->rip;
	a.e.cr3 = m->cr3;
	a.e.hit = RD_HIT_MODE;
	a.e.code = m->why;
	a.e.gpa = m->gpa;
	a.e.linear = m->linear;
	count(t, cut);
	alert(v, &a, t->guest.said.node_action);
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
	carry_on(vm, &a, &nobody);
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
