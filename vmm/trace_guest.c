// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace tree in the guest's own memory (K): handed over once by a hypercall, then read, and
 * edited by nobody but the guest's driver in integrity mode (vmm/trace_mode.c).
 * Invariant: while it is in force, its nodes are the pages that have RD_PROT_NODE; a node had that
 * before its first byte was read, so what the walk has found good is what later look-ups find.
 */
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "vmm/mode.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

/* --- how the tree is read --------------------------------------------------------------------- */

static int guest_read(void *ctx, u64 node, u32 offset, void *buf, u32 len)
{
	const struct rd_trace_guest *g = ctx;

	return rd_vm_read_gpa(g->vm, (node << RD_PAGE_SHIFT) + offset, buf, len);
}

static bool guest_is_node(void *ctx, u64 node)
{
	const struct rd_trace_guest *g = ctx;

	return RD_TRACE_NODES_OPEN ||
	       (rd_prot_map_get(&g->vm->mmu.prot, node) & BIT(RD_PROT_NODE));
}

static const struct rd_tree_ops guest_ops = { .read = guest_read, .is_node = guest_is_node };

/* On the first walk a page becomes a node, out of everybody's reach, before it is read. */
static bool claim_node(void *ctx, u64 node)
{
	struct rd_trace_guest *g = ctx;

	if (g->error)
		return false;
	if (fatal_signal_pending(current))
		g->error = -EINTR;
	else if (g->tree.nodes >= RD_TRACE_GUEST_NODES)
		g->error = -ENOSPC;
	else if (!RD_TRACE_NODES_OPEN)
		g->error = rd_mmu_protect(g->vm, node, 1, RD_PROT_NODE);
	g->tree.nodes++;
	cond_resched();
	return !g->error;
}

static const struct rd_tree_ops claim_ops = { .read = guest_read, .is_node = claim_node };

/* --- handing over ----------------------------------------------------------------------------- */

static int protect_run(struct rd_trace_guest *g)
{
	u64 pages = g->run_pages;

	g->run_pages = 0;
	return pages ? rd_mmu_protect(g->vm, g->run_gfn, pages, RD_PROT_GUARDED) : 0;
}

struct claim {
	struct rd_tree_visitor visitor;
	struct rd_trace_guest *g;
};

/* A node whose edit was never finished would stay so. */
static int claim_whole(struct rd_tree_visitor *visitor, u64 node, const struct rd_tree_header *head)
{
	return head->generation & 1 ? -EINVAL : 0;
}

static int claim_mapping(struct rd_tree_visitor *visitor, const struct rd_tree_hit *hit)
{
	struct rd_trace_guest *g = container_of(visitor, struct claim, visitor)->g;
	int ret = 0;

	if (!hit->action || hit->action > g->said.nr_lists)
		return -EINVAL;
	/* Its own memory only: the module keeps something for each block of pages. */
	if (!rd_slot_find(rd_vm_table(g->vm->slots), hit->gfn))
		return -EFAULT;
	if (++g->pages > RD_TRACE_GUEST_PAGES)
		return -ENOSPC;
	if (!g->run_pages || hit->gfn != g->run_gfn + g->run_pages) {
		ret = protect_run(g);
		g->run_gfn = hit->gfn;
	}
	g->run_pages++;
	return ret;
}

/* Take a reason off all pages that have it. */
static void drop_reason(struct rd_vm *vm, enum rd_prot_reason reason)
{
	u64 gfn = 0;

	while (rd_prot_map_next(&vm->mmu.prot, &gfn, RD_TREE_GFNS, BIT(reason))) {
		u64 next = rd_pt_next(gfn, 2);

		rd_mmu_unprotect(vm, gfn, next - gfn, reason);
		gfn = next;
		cond_resched();
	}
}

static void drop(struct rd_trace_guest *g)
{
	WRITE_ONCE(g->tree.root, RD_TREE_NO_NODE);
	rd_mode_drop(g);
	drop_reason(g->vm, RD_PROT_GUARDED);
	drop_reason(g->vm, RD_PROT_NODE);
	g->tree.nodes = 0;
	g->pages = 0;
	memset(&g->said, 0, sizeof(g->said));
}

static bool attach_ok(const struct rd_guest_attach *s)
{
	unsigned int i;

	if (s->root >= RD_TREE_GFNS || s->nr_lists > RD_GUEST_LISTS || s->flags)
		return false;
	for (i = 0; i < s->nr_lists; i++)
		if (!rd_trace_actions_ok(s->list[i]))
			return false;
	return rd_trace_actions_ok(s->node_action);
}

/* t->lock and vm->srcu held. why: of -EUCLEAN. */
static int attach(struct rd_vm *vm, const struct rd_guest_attach *s, u8 *why)
{
	struct rd_trace_guest *g = &vm->trace->guest;
	struct claim c = { .visitor = { claim_whole, claim_mapping }, .g = g };
	struct rd_tree claimed;
	struct rd_tree_hit hit;
	int ret;

	if (!attach_ok(s))
		return -EINVAL;
	if (g->tree.root != RD_TREE_NO_NODE)
		return -EEXIST;
	g->said = *s;
	g->error = 0;
	g->run_pages = 0;
	/*
	 * The walk counts in g->tree, but reads by a copy that nobody looks up in, and that takes
	 * as many nodes as there are.
	 */
	g->tree.nodes = 0;
	claimed = (struct rd_tree){ .ops = &claim_ops, .ctx = g, .root = s->root,
				    .nodes = RD_TRACE_GUEST_NODES,
				    .max_nodes = RD_TRACE_GUEST_NODES, .editing = true };
	ret = rd_tree_check(&claimed, &c.visitor, &hit);
	if (!ret)
		ret = protect_run(g);
	if (!ret) {
		ret = rd_mode_attach(g, s);
		if (ret)
			g->error = ret;
	}
	if (!ret) {
		smp_store_release(&g->tree.root, s->root);
		return 0;
	}
	*why = hit.why;
	if (g->error)
		ret = g->error;
	else if (ret == -EIO)
		ret = -EUCLEAN;
	drop(g);
	return ret;
}

void rd_trace_guest_init(struct rd_vm *vm, struct rd_trace *t)
{
	t->guest.vm = vm;
	mutex_init(&t->guest.mode_lock);
	mutex_init(&t->guest.judge_lock);
	rd_tree_init(&t->guest.tree, &guest_ops, &t->guest, RD_TRACE_GUEST_NODES,
		     !RD_TRACE_NODES_OPEN);
}

/* --- what the VMM asks ------------------------------------------------------------------------ */

int rd_trace_get_guest(struct rd_vm *vm, struct rd_guest_attach *s)
{
	struct rd_trace *t = READ_ONCE(vm->trace);
	int ret = 0;

	if (!t)
		return -ENOENT;
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	if (t->guest.tree.root == RD_TREE_NO_NODE)
		ret = -ENOENT;
	else
		*s = t->guest.said;
	if (!ret)
		s->root = t->guest.tree.root; /* it may have grown since */
	mutex_unlock(&t->lock);
	return ret;
}

int rd_trace_set_guest(struct rd_vm *vm, const struct rd_guest_attach *s)
{
	struct rd_trace *t = rd_trace_get(vm);
	int ret = 0, idx;
	u8 why;

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	idx = srcu_read_lock(&vm->srcu);
	if (s->root == RD_GUEST_NO_TREE)
		drop(&t->guest);
	else
		ret = attach(vm, s, &why);
	srcu_read_unlock(&vm->srcu, idx);
	mutex_unlock(&t->lock);
	return ret;
}

/* --- hypercalls ------------------------------------------------------------------------------- */

/* Its devices have to ask from now on (RD_VM_TRACE_WRITE). */
static void tell_vmm(struct rd_vcpu *v)
{
	struct rd_trace_exit *x = (void *)v->run->padding;

	if (!v->vm->trace->served)
		return;
	memset(x, 0, sizeof(*x));
	v->run->exit_reason = RD_EXIT_TRACE;
	v->trace_exit = true;
}

static long hc_attach(struct rd_vcpu *v, u64 gpa)
{
	struct rd_trace *t = rd_trace_get(v->vm);
	struct rd_guest_attach said;
	u8 why = 0;
	int ret;

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (rd_vcpu_read_gpa(v, gpa, &said, sizeof(said)))
		return -EFAULT;
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	ret = attach(v->vm, &said, &why);
	mutex_unlock(&t->lock);
	if (!ret)
		tell_vmm(v);
	else if (ret == -EUCLEAN)
		rd_trace_alert(v, RD_HIT_CORRUPT, why, said.root << RD_PAGE_SHIFT, NULL);
	else if (ret == -EEXIST)
		rd_trace_alert(v, RD_HIT_DENIED, RD_HC_TRACE_ATTACH - RD_HC_BASE,
			       said.root << RD_PAGE_SHIFT, t->guest.said.node_action);
	return ret;
}

long rd_trace_guest_query(struct rd_vcpu *v, u64 gfn)
{
	u8 reasons = gfn < RD_TREE_GFNS ? rd_prot_map_get(&v->vm->mmu.prot, gfn) : 0;

	return (reasons & BIT(RD_PROT_GUARDED) ? RD_GUEST_GUARDED : 0) |
	       (reasons & BIT(RD_PROT_NODE) ? RD_GUEST_NODE : 0);
}

/* Whoever asks is not to be trusted with that. */
static long hc_denied(struct rd_vcpu *v, u64 nr, u64 gfn)
{
	struct rd_trace *t = READ_ONCE(v->vm->trace);

	if (t && t->guest.tree.root != RD_TREE_NO_NODE)
		rd_trace_alert(v, RD_HIT_DENIED, nr - RD_HC_BASE, gfn << RD_PAGE_SHIFT,
			       t->guest.said.node_action);
	return -KVM_EPERM;
}

long rd_trace_hypercall(struct rd_vcpu *v, u64 nr, u64 arg)
{
	switch (nr) {
	case RD_HC_INFO:
		return RD_GUEST_VERSION;
	case RD_HC_TRACE_ATTACH:
		return hc_attach(v, arg);
	case RD_HC_TRACE_QUERY:
		return rd_trace_guest_query(v, arg);
	case RD_HC_TRACE_ENTER:
		return rd_mode_call(v);
	case RD_HC_GUEST_DRIVER:
		return rd_trace_hc_driver(v, arg);
	default:
		return hc_denied(v, nr, arg);
	}
}
