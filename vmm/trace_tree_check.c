// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full walk of the write-trace tree (P), which finds what a lookup of one page cannot: counts,
 * lists of ranges, pages that are missing.
 * Invariant: no recursion and no allocation; at most rd_tree.nodes nodes are visited.
 *
 * No page is visited at two places of one tree: a place is a level and a first guest page, each
 * node's own header names both, and both are compared with the place. So a shared child is found at
 * one of its places at the latest, and if as many nodes were visited as the tree has pages, each
 * page was visited once.
 */
#include "vmm/trace_tree_priv.h"

struct rd_tree_full_walk {
	const struct rd_tree *t;
	struct rd_tree_visitor *v;
	struct rd_tree_hit *hit;
	struct rd_tree_path p;                  /* the stack */
	unsigned int index[RD_TREE_LEVELS];     /* where to go on in each of its nodes */
	unsigned int found[RD_TREE_LEVELS];     /* entries in use before that */
	u32 visits;
};

static int fail(struct rd_tree_full_walk *w, u64 node, enum rd_tree_why why)
{
	rd_tree_corrupt(w->hit, node, why);
	return rd_tree_errno(why);
}

static bool is_edited(const struct rd_tree_header *h)
{
	return h->generation % 2;
}

/* Enters a node that spans the pages from first. */
static int push(struct rd_tree_full_walk *w, u64 node, u64 first)
{
	struct rd_tree_path *p = &w->p;
	unsigned int depth = p->used;
	enum rd_tree_why why;

	if (w->visits++ >= w->t->nodes)
		return fail(w, node, RD_TREE_TOO_MANY);
	p->node[depth] = node;
	p->used++;
	w->index[depth] = 0;
	w->found[depth] = 0;
	why = rd_tree_read_node(w->t, node, &p->head[depth]);
	if (!why)
		why = rd_tree_place(p, first);
	if (why)
		return fail(w, node, why);
	return w->v && w->v->node ? w->v->node(w->v, node, &p->head[depth]) : 0;
}

/* Leaves the last node, all entries of which were seen. */
static int pop(struct rd_tree_full_walk *w)
{
	unsigned int last = --w->p.used;
	const struct rd_tree_header *h = &w->p.head[last];

	if (w->found[last] != h->count && !(is_edited(h) && w->found[last] + 1 == h->count))
		return fail(w, w->p.node[last], RD_TREE_BAD_COUNT);
	return 0;
}

static int check_chain(struct rd_tree_full_walk *w, const struct rd_tree_hit *hit,
		       unsigned long *seen)
{
	struct rd_tree_chain c;
	int more;

	rd_tree_chain_start(&c, hit);
	while ((more = rd_tree_chain_next(w->t, &c)) > 0)
		__set_bit(c.at, seen);
	if (more)
		return fail(w, hit->node, more == -EIO ? RD_TREE_UNREADABLE : RD_TREE_BAD_RANGE);
	return 0;
}

/* Between header and entries all is 0, but for the ranges that were seen. */
static int check_rest(struct rd_tree_full_walk *w, u64 node, const unsigned long *seen)
{
	u64 some[8];
	unsigned int i, k;

	BUILD_BUG_ON(RD_TREE_RANGES % ARRAY_SIZE(some));
	for (i = 1; i <= RD_TREE_RANGES; i += ARRAY_SIZE(some)) {
		if (w->t->ops->read(w->t->ctx, node, rd_tree_range_at(i), some, sizeof(some)))
			return fail(w, node, RD_TREE_UNREADABLE);
		for (k = 0; k < ARRAY_SIZE(some); k++)
			if (some[k] && !test_bit(i + k, seen))
				return fail(w, node, RD_TREE_BAD_RANGE);
	}
	return 0;
}

static int check_leaf(struct rd_tree_full_walk *w)
{
	unsigned int last = w->p.used - 1, index = 0;
	const struct rd_tree_header *h = &w->p.head[last];
	DECLARE_BITMAP(seen, RD_TREE_RANGES + 1);
	u64 node = w->p.node[last], entry;
	struct rd_tree_hit hit;
	enum rd_tree_why why;
	int r;

	bitmap_zero(seen, RD_TREE_RANGES + 1);
	for (;; index++) {
		why = rd_tree_scan(w->t, node, 0, &index, &entry);
		if (why)
			return fail(w, node, why);
		if (index == RD_TREE_WAYS)
			break;
		w->found[last]++;
		rd_tree_fill_hit(&hit, h->first + index, node, h, entry);
		r = check_chain(w, &hit, seen);
		if (!r && w->v && w->v->mapping)
			r = w->v->mapping(w->v, &hit);
		if (r)
			return r;
	}
	/* An edit under way prepares ranges that no entry names yet. */
	r = is_edited(h) ? 0 : check_rest(w, node, seen);
	return r ? r : pop(w);
}

/* Enters the next child of the last node, or leaves the node. */
static int check_interior(struct rd_tree_full_walk *w)
{
	static const unsigned long none[BITS_TO_LONGS(RD_TREE_RANGES + 1)];
	unsigned int last = w->p.used - 1, index = w->index[last];
	const struct rd_tree_header *h = &w->p.head[last];
	enum rd_tree_why why;
	u64 entry;
	int r;

	why = rd_tree_scan(w->t, w->p.node[last], h->level, &index, &entry);
	if (why)
		return fail(w, w->p.node[last], why);
	if (index == RD_TREE_WAYS) {
		r = check_rest(w, w->p.node[last], none);
		return r ? r : pop(w);
	}
	w->index[last] = index + 1;
	w->found[last]++;
	return push(w, rd_tree_child(entry), h->first + ((u64)index << rd_tree_shift(h->level)));
}

int rd_tree_check(const struct rd_tree *t, struct rd_tree_visitor *v, struct rd_tree_hit *hit)
{
	struct rd_tree_full_walk w = { .t = t, .v = v, .hit = hit };
	u64 root = READ_ONCE(t->root);
	int r = 0;

	*hit = (struct rd_tree_hit){ .node = RD_TREE_NO_NODE };
	if (root != RD_TREE_NO_NODE)
		r = push(&w, root, 0);
	while (!r && w.p.used)
		r = w.p.head[w.p.used - 1].level ? check_interior(&w) : check_leaf(&w);
	if (!r && w.visits < t->nodes && !t->editing)
		r = fail(&w, root, RD_TREE_TOO_FEW);
	return r;
}
