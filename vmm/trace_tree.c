// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the write-trace tree (P): lookup, ranges, mappings in order.
 * Invariant: as in vmm/trace_tree.h. Loops in the tree need no search, because the level of a child
 * is one less than its parent's.
 */
#include "vmm/trace_tree_priv.h"

static enum rd_tree_why check_head(const struct rd_tree_header *h, u64 node)
{
	BUILD_BUG_ON(sizeof(struct rd_tree_header) != RD_TREE_RANGES_AT);
	BUILD_BUG_ON(RD_TREE_RANGES_AT + RD_TREE_RANGES * sizeof(struct rd_tree_range) !=
		     RD_TREE_ENTRIES_AT);
	BUILD_BUG_ON(RD_TREE_ENTRIES_AT + RD_TREE_WAYS * sizeof(u64) != RD_PAGE_SIZE);

	if (h->magic != RD_TREE_MAGIC)
		return RD_TREE_BAD_MAGIC;
	if (h->version != RD_TREE_VERSION)
		return RD_TREE_BAD_VERSION;
	if (h->level >= RD_TREE_LEVELS)
		return RD_TREE_BAD_LEVEL;
	if (h->self != node)
		return RD_TREE_BAD_SELF;
	if (h->first >= RD_TREE_GFNS || h->first != rd_tree_first(h->first, h->level))
		return RD_TREE_BAD_FIRST;
	if (!h->count || h->count > RD_TREE_WAYS)
		return RD_TREE_BAD_COUNT;
	if (h->reserved[0] | h->reserved[1] | h->reserved[2] | h->reserved[3])
		return RD_TREE_BAD_BITS;
	return RD_TREE_SANE;
}

enum rd_tree_why rd_tree_read_node(const struct rd_tree *t, u64 node, struct rd_tree_header *head)
{
	if (!t->ops->is_node(t->ctx, node))
		return RD_TREE_FOREIGN;
	if (t->ops->read(t->ctx, node, 0, head, sizeof(*head)))
		return RD_TREE_UNREADABLE;
	return check_head(head, node);
}

enum rd_tree_why rd_tree_place(const struct rd_tree_path *p, u64 first)
{
	unsigned int last = p->used - 1, i;

	if (!last)
		return RD_TREE_SANE;
	if (p->head[last].level != p->head[last - 1].level - 1) {
		for (i = 0; i < last; i++)
			if (p->node[i] == p->node[last])
				return RD_TREE_LOOP;
		return RD_TREE_BAD_LEVEL;
	}
	return p->head[last].first == first ? RD_TREE_SANE : RD_TREE_BAD_FIRST;
}

static enum rd_tree_why check_entry(u64 e, unsigned int level)
{
	u64 known = level ? RD_TREE_CHILD_MASK
			  : RD_TREE_FLAGS | RD_TREE_ACTION_MASK | RD_TREE_TAG_MASK |
				    RD_TREE_RANGE_MASK;

	if (!e)
		return RD_TREE_SANE;
	if (!(e & RD_TREE_PRESENT) || (e & ~(known | RD_TREE_PRESENT)))
		return RD_TREE_BAD_BITS;
	if (!level && rd_tree_first_range(e) > RD_TREE_RANGES)
		return RD_TREE_BAD_RANGE;
	return RD_TREE_SANE;
}

enum rd_tree_why rd_tree_scan(const struct rd_tree *t, u64 node, unsigned int level,
			      unsigned int *index, u64 *entry)
{
	u64 some[8];
	unsigned int i = *index;

	while (i < RD_TREE_WAYS) {
		u32 at = rd_tree_entry_at(ALIGN_DOWN(i, ARRAY_SIZE(some)));

		if (t->ops->read(t->ctx, node, at, some, sizeof(some)))
			return RD_TREE_UNREADABLE;
		do {
			*entry = some[i % ARRAY_SIZE(some)];
			*index = i++;
			if (*entry)
				return check_entry(*entry, level);
		} while (i % ARRAY_SIZE(some));
	}
	*index = RD_TREE_WAYS;
	return RD_TREE_SANE;
}

/* The next node of a descent, with its entry for gfn. */
static enum rd_tree_why step(const struct rd_tree *t, u64 gfn, u64 node, struct rd_tree_path *p)
{
	struct rd_tree_header *h = &p->head[p->used];
	enum rd_tree_why why;

	p->node[p->used++] = node;
	why = rd_tree_read_node(t, node, h);
	if (!why)
		why = rd_tree_place(p, rd_tree_first(gfn, h->level));
	if (why)
		return why;
	if (!rd_tree_spans(h, gfn)) {
		p->outside = true;
		return RD_TREE_SANE;
	}
	if (t->ops->read(t->ctx, node, rd_tree_entry_at(rd_tree_index(gfn, h->level)), &p->entry,
			 sizeof(p->entry)))
		return RD_TREE_UNREADABLE;
	return check_entry(p->entry, h->level);
}

enum rd_tree_result rd_tree_descend(const struct rd_tree *t, u64 gfn, struct rd_tree_path *p,
				    struct rd_tree_hit *hit)
{
	u64 node = READ_ONCE(t->root);
	enum rd_tree_why why;
	unsigned int depth;

	hit->gfn = gfn;
	p->used = 0;
	p->outside = false;
	if (node == RD_TREE_NO_NODE)
		return RD_TREE_NONE;
	for (depth = 0; depth < RD_TREE_LEVELS; depth++) {
		why = step(t, gfn, node, p);
		if (why)
			return rd_tree_corrupt(hit, node, why);
		if (p->outside || !p->entry)
			return RD_TREE_NONE;
		if (!p->head[depth].level) {
			rd_tree_fill_hit(hit, gfn, node, &p->head[depth], p->entry);
			return RD_TREE_MAPPED;
		}
		node = rd_tree_child(p->entry);
	}
	return rd_tree_corrupt(hit, node, RD_TREE_BAD_LEVEL);
}

enum rd_tree_result rd_tree_lookup(const struct rd_tree *t, u64 gfn, struct rd_tree_hit *hit)
{
	struct rd_tree_path p;

	if (t->guard_nodes && t->ops->is_node(t->ctx, gfn)) {
		*hit = (struct rd_tree_hit){ .gfn = gfn, .node = gfn };
		return RD_TREE_NODE;
	}
	return rd_tree_descend(t, gfn, &p, hit);
}

void rd_tree_chain_start(struct rd_tree_chain *c, const struct rd_tree_hit *hit)
{
	*c = (struct rd_tree_chain){
		.node = hit->node,
		.entry = rd_tree_index(hit->gfn, 0),
		.next = hit->range,
	};
}

int rd_tree_chain_next(const struct rd_tree *t, struct rd_tree_chain *c)
{
	struct rd_tree_range *r = &c->range;

	if (!c->next)
		return 0;
	/* Bytes that change meanwhile could lead in a circle with starts that go up for long. */
	if (c->next > RD_TREE_RANGES || c->seen++ >= RD_TREE_RANGES)
		return -EUCLEAN;
	c->at = c->next;
	if (t->ops->read(t->ctx, c->node, rd_tree_range_at(c->at), r, sizeof(*r)))
		return -EIO;
	if (!r->len || r->start + r->len > RD_PAGE_SIZE || r->start < c->end ||
	    r->entry != c->entry)
		return -EUCLEAN;
	c->end = r->start + r->len;
	c->next = r->next;
	return 1;
}

/* rd_tree_covers() for the ranges as they are right now. */
static int touches(const struct rd_tree *t, const struct rd_tree_hit *hit, u32 off, u32 len,
		   u16 *tag)
{
	struct rd_tree_chain c;
	int more;

	rd_tree_chain_start(&c, hit);
	while ((more = rd_tree_chain_next(t, &c)) > 0) {
		if (c.range.start >= off + len)
			return 0;
		if (c.end > off) {
			*tag = c.range.tag;
			return 1;
		}
	}
	return more;
}

int rd_tree_covers(const struct rd_tree *t, struct rd_tree_hit *hit, u32 off, u32 len, u16 *tag)
{
	enum rd_tree_result found;
	struct rd_tree_path p;
	unsigned int try;
	u64 generation;
	int r;

	for (try = 0; try < RD_TREE_TRIES; try++) {
		if (!hit->range) {
			*tag = hit->tag;
			return 1;
		}
		r = touches(t, hit, off, len, tag);
		if (t->ops->read(t->ctx, hit->node, offsetof(struct rd_tree_header, generation),
				 &generation, sizeof(generation)))
			r = -EIO;
		/* A good list that an edit began before is good; a bad one may be half undone. */
		else if (generation != hit->generation || (r < 0 && generation % 2))
			r = -EAGAIN;
		if (r != -EAGAIN) {
			if (r < 0)
				hit->why = r == -EIO ? RD_TREE_UNREADABLE : RD_TREE_BAD_RANGE;
			return r;
		}
		found = rd_tree_descend(t, hit->gfn, &p, hit);
		if (found != RD_TREE_MAPPED)
			return found == RD_TREE_CORRUPT ? rd_tree_errno(hit->why) : 0;
	}
	hit->why = RD_TREE_RESTLESS;
	return -EUCLEAN;
}

/*
 * A descent to *gfn ended without a mapping: on to the next entry, of the last node or of one above
 * it, and *gfn is the first page of its span. Nodes below depth *from were entered at their first
 * page: one without an entry in use should not be in the tree.
 * RD_TREE_MAPPED: go on there; RD_TREE_NONE: no mapping follows.
 */
static enum rd_tree_result go_on(const struct rd_tree *t, const struct rd_tree_path *p, int *from,
				 u64 *gfn, struct rd_tree_hit *hit)
{
	unsigned int depth = p->used;
	enum rd_tree_why why;

	while (depth--) {
		const struct rd_tree_header *h = &p->head[depth];
		unsigned int index = rd_tree_index(*gfn, h->level) + 1;
		u64 entry;

		why = rd_tree_scan(t, p->node[depth], h->level, &index, &entry);
		if (!why && index == RD_TREE_WAYS && (int)depth > *from)
			why = RD_TREE_BAD_COUNT;
		if (why)
			return rd_tree_corrupt(hit, p->node[depth], why);
		if (index < RD_TREE_WAYS) {
			*from = depth;
			*gfn = h->first + ((u64)index << rd_tree_shift(h->level));
			return RD_TREE_MAPPED;
		}
	}
	return RD_TREE_NONE;
}

enum rd_tree_result rd_tree_next(const struct rd_tree *t, u64 from, struct rd_tree_hit *hit)
{
	int depth = RD_TREE_LEVELS;
	struct rd_tree_path p;
	enum rd_tree_result r;
	unsigned int turn;
	u64 gfn = from;

	/* One descent per level, one for the root's begin, and some for edits that pass by. */
	for (turn = 0; turn < RD_TREE_LEVELS + 1 + RD_TREE_TRIES; turn++) {
		r = rd_tree_descend(t, gfn, &p, hit);
		if (r != RD_TREE_NONE || !p.used)
			return r;
		if (!p.outside) {
			r = go_on(t, &p, &depth, &gfn, hit);
			if (r != RD_TREE_MAPPED)
				return r;
		} else if (gfn < p.head[0].first) {
			gfn = p.head[0].first;
			depth = -1;
		} else {
			return RD_TREE_NONE;
		}
	}
	return rd_tree_corrupt(hit, p.node[0], RD_TREE_RESTLESS);
}
