// SPDX-License-Identifier: GPL-2.0-only
/*
 * The traces that the host installs, changes and lists (K).
 * Invariant: what the tree names is protected before rd_trace_add() returns, and a call that fails
 * leaves all as it was.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "vmm/mmu.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

/*
 * 8 GiB, which 32 MiB of nodes hold when it lies together, charged to whoever runs the VM;
 * vmm/trace_nodes.c has the limit for pages that lie apart.
 */
#define MAX_PAGES (1U << 21)

/* --- ranges of bytes as pages ----------------------------------------------------------------- */

/* The part of [at, end) that lies in the page of at. */
struct part {
	u64 gfn;
	u16 start;
	u16 len;
};

static struct part part_at(u64 at, u64 end)
{
	struct part p = { .gfn = at >> RD_PAGE_SHIFT, .start = at & ~RD_PAGE_MASK };

	p.len = min_t(u64, RD_PAGE_SIZE - p.start, end - at);
	return p;
}

static bool whole(const struct part *p)
{
	return p->len == RD_PAGE_SIZE;
}

static bool range_ok(const struct rd_trace_range *r)
{
	return r->size && r->gpa + r->size > r->gpa &&
	       r->gpa + r->size <= RD_TREE_GFNS << RD_PAGE_SHIFT;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* The number of a list of actions: -ENOSPC. t->lock held. */
static int list_number(struct rd_trace *t, const u8 *action)
{
	unsigned int i;

	for (i = 1; i <= t->nr_lists; i++)
		if (!memcmp(t->list[i], action, RD_TRACE_MAX_ACTIONS))
			return i;
	if (i == RD_TRACE_LISTS)
		return -ENOSPC;
	memcpy(t->list[i], action, RD_TRACE_MAX_ACTIONS);
	t->nr_lists = i;
	return i;
}

static int add_part(struct rd_trace *t, const struct part *p, const struct rd_tree_mapping *m)
{
	struct rd_tree_bytes bytes = { .start = p->start, .len = p->len, .tag = m->tag };
	struct rd_tree_hit hit;
	int ret;

	ret = rd_tree_insert(&t->tree, p->gfn, m, &bytes, whole(p) ? 0 : 1);
	if (!ret)
		t->pages++;
	if (ret != -EEXIST || whole(p) ||
	    rd_tree_lookup(&t->tree, p->gfn, &hit) != RD_TREE_MAPPED || hit.action != m->action)
		return ret;
	/* More bytes of a page that others are traced of. */
	return rd_tree_range_add(&t->tree, p->gfn, &bytes);
}

static void remove_part(struct rd_trace *t, const struct part *p)
{
	int ret = whole(p) ? rd_tree_remove(&t->tree, p->gfn)
			   : rd_tree_range_remove(&t->tree, p->gfn, p->start, p->len);

	if (whole(p) ? !ret : ret == 1)
		t->pages--;
}

/* Put [from, end) into the tree, or nothing of it. */
static int insert_all(struct rd_trace *t, u64 from, u64 end, const struct rd_tree_mapping *m)
{
	u64 at = from;
	int ret = 0;

	while (at < end) {
		struct part p = part_at(at, end);

		ret = fatal_signal_pending(current) ? -EINTR : add_part(t, &p, m);
		if (ret)
			break;
		at += p.len;
		cond_resched();
	}
	/* A process that dies takes the VM along: what is in the tree goes with it. */
	if (!ret || ret == -EINTR)
		return ret;
	for (end = at; from < end;) {
		struct part p = part_at(from, end);

		remove_part(t, &p);
		from += p.len;
	}
	return ret;
}

/* First the tree, then the traps, so that none of them finds nothing. */
static int add(struct rd_vm *vm, const struct rd_trace_range *r)
{
	struct rd_trace *t = vm->trace;
	struct rd_tree_mapping m = { .tag = r->tag };
	u64 end = r->gpa + r->size, gfn = r->gpa >> RD_PAGE_SHIFT, at;
	u64 pages = ((end - 1) >> RD_PAGE_SHIFT) - gfn + 1;
	int ret, idx;

	if (pages > MAX_PAGES - t->pages)
		return -ENOSPC;
	ret = list_number(t, r->action);
	if (ret < 0)
		return ret;
	m.action = ret;
	ret = insert_all(t, r->gpa, end, &m);
	if (ret)
		return ret;
	idx = srcu_read_lock(&vm->srcu);
	ret = rd_mmu_protect(vm, gfn, pages, RD_PROT_TRACED);
	srcu_read_unlock(&vm->srcu, idx);
	for (at = r->gpa; ret && at < end;) {
		struct part p = part_at(at, end);

		remove_part(t, &p);
		at += p.len;
	}
	return ret;
}

int rd_trace_add(struct rd_vm *vm, const struct rd_trace_range *r)
{
	struct rd_trace *t;
	int ret;

	if (!range_ok(r) || !rd_trace_actions_ok(r->action) || r->flags || r->pad || r->reserved)
		return -EINVAL;
	t = rd_trace_get(vm);
	if (IS_ERR(t))
		return PTR_ERR(t);
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	ret = add(vm, r);
	rd_trace_unlock(vm);
	return ret;
}

/* --- removing --------------------------------------------------------------------------------- */

/* Bytes of the page that are traced: the next range of the chain, or all of it at first. */
static bool next_bytes(struct rd_trace *t, const struct rd_tree_hit *hit, struct rd_tree_chain *c,
		       struct part *p)
{
	p->gfn = hit->gfn;
	p->start = 0;
	p->len = RD_PAGE_SIZE;
	if (!hit->range)
		return !c->seen++;
	if (rd_tree_chain_next(&t->tree, c) != 1)
		return false;
	p->start = c->range.start;
	p->len = c->range.len;
	return true;
}

static u64 part_begin(const struct part *p)
{
	return (p->gfn << RD_PAGE_SHIFT) + p->start;
}

/*
 * Look at what is traced in [from, end): how many traces are in it; -EINVAL: one is in it in part.
 */
static int count_inside(struct rd_trace *t, u64 from, u64 end)
{
	u64 gfn = from >> RD_PAGE_SHIFT;
	struct rd_tree_chain c;
	struct rd_tree_hit hit;
	struct part p;
	bool any = false;

	while (rd_tree_next(&t->tree, gfn, &hit) == RD_TREE_MAPPED &&
	       hit.gfn << RD_PAGE_SHIFT < end) {
		for (rd_tree_chain_start(&c, &hit); next_bytes(t, &hit, &c, &p);) {
			u64 b = part_begin(&p);

			if (b + p.len <= from || b >= end)
				continue;
			if (b < from || b + p.len > end)
				return -EINVAL;
			any = true;
		}
		gfn = hit.gfn + 1;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return any;
}

/* The first trace of the page that lies in [from, end). */
static bool first_inside(struct rd_trace *t, const struct rd_tree_hit *hit, u64 from, u64 end,
			 struct part *p)
{
	struct rd_tree_chain c;

	for (rd_tree_chain_start(&c, hit); next_bytes(t, hit, &c, p);)
		if (part_begin(p) >= from && part_begin(p) < end)
			return true;
	return false;
}

static void remove(struct rd_vm *vm, u64 from, u64 end)
{
	struct rd_trace *t = vm->trace;
	u64 gfn = from >> RD_PAGE_SHIFT, pages;
	struct rd_tree_hit hit;
	struct part p;

	while (rd_tree_next(&t->tree, gfn, &hit) == RD_TREE_MAPPED &&
	       hit.gfn << RD_PAGE_SHIFT < end) {
		gfn = hit.gfn;
		if (!first_inside(t, &hit, from, end, &p)) {
			gfn++;
			continue;
		}
		pages = t->pages;
		remove_part(t, &p);
		if (t->pages != pages)
			rd_mmu_unprotect(vm, gfn, 1, RD_PROT_TRACED);
		if (fatal_signal_pending(current))
			return;
		cond_resched();
	}
}

int rd_trace_remove(struct rd_vm *vm, const struct rd_trace_range *r)
{
	struct rd_trace *t = READ_ONCE(vm->trace);
	u64 end = r->gpa + r->size;
	int ret, idx;

	if (!range_ok(r))
		return -EINVAL;
	if (!t)
		return -ENOENT;
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	ret = count_inside(t, r->gpa, end);
	if (ret > 0) {
		idx = srcu_read_lock(&vm->srcu);
		remove(vm, r->gpa, end);
		srcu_read_unlock(&vm->srcu, idx);
	}
	rd_trace_unlock(vm);
	return ret > 0 ? 0 : ret ?: -ENOENT;
}

/* --- listing ---------------------------------------------------------------------------------- */

static bool continues(const struct rd_tree_hit *a, const struct rd_tree_hit *b, u64 pages)
{
	return !a->range && !b->range && b->gfn == a->gfn + pages && a->action == b->action &&
	       a->tag == b->tag;
}

static void describe(struct rd_trace *t, const struct rd_tree_hit *hit, const struct part *p,
		     struct rd_trace_range *r)
{
	memset(r, 0, sizeof(*r));
	r->gpa = part_begin(p);
	r->size = p->len;
	r->tag = hit->tag;
	memcpy(r->action, t->list[hit->action], sizeof(r->action));
}

/* Add the pages that follow alike. */
static void extend(struct rd_trace *t, const struct rd_tree_hit *hit, struct rd_trace_range *r)
{
	struct rd_tree_hit next;
	u64 pages = 1;

	while (rd_tree_next(&t->tree, hit->gfn + pages, &next) == RD_TREE_MAPPED &&
	       continues(hit, &next, pages)) {
		pages++;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	r->size = pages << RD_PAGE_SHIFT;
}

/* t->lock held. */
static int next(struct rd_trace *t, struct rd_trace_range *r)
{
	u64 gpa = r->gpa, gfn = gpa >> RD_PAGE_SHIFT;
	struct rd_tree_chain c;
	struct rd_tree_hit hit;
	struct part p;

	while (rd_tree_next(&t->tree, gfn, &hit) == RD_TREE_MAPPED) {
		for (rd_tree_chain_start(&c, &hit); next_bytes(t, &hit, &c, &p);) {
			if (part_begin(&p) + p.len <= gpa)
				continue;
			describe(t, &hit, &p, r);
			if (hit.range)
				r->tag = c.range.tag;
			else
				extend(t, &hit, r);
			return 0;
		}
		gfn = hit.gfn + 1;
	}
	return -ENOENT;
}

int rd_trace_next(struct rd_vm *vm, struct rd_trace_range *r)
{
	struct rd_trace *t = READ_ONCE(vm->trace);
	int ret;

	if (!t)
		return -ENOENT;
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	ret = next(t, r);
	mutex_unlock(&t->lock);
	return ret;
}
