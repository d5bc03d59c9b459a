// SPDX-License-Identifier: GPL-2.0-only
/*
 * Edits inside one leaf of the write-trace tree (P): what a mapping says, and its byte ranges.
 * Invariant: a list of ranges is always whole: a range is written before something leads to it, and
 * cleared after nothing does.
 */
#include "vmm/trace_tree_priv.h"

int rd_tree_edit_begin(struct rd_tree *t, u64 node, struct rd_tree_header *head)
{
	/* What an unfinished edit left behind is no ground to build on. */
	if (head->generation % 2)
		return -EUCLEAN;
	head->generation++;
	return rd_tree_put(t, node, offsetof(struct rd_tree_header, generation), head->generation);
}

int rd_tree_edit_end(struct rd_tree *t, u64 node, struct rd_tree_header *head)
{
	head->generation++;
	return rd_tree_put(t, node, offsetof(struct rd_tree_header, generation), head->generation);
}

int rd_tree_edit_count(struct rd_tree *t, u64 node, struct rd_tree_header *head, int more)
{
	BUILD_BUG_ON(offsetof(struct rd_tree_header, generation) != sizeof(u64));
	head->count += more;
	return t->ops->write(t->ctx, node, 0, head, sizeof(u64));
}

int rd_tree_find(const struct rd_tree *t, u64 gfn, struct rd_tree_path *p, struct rd_tree_hit *hit)
{
	struct rd_tree_chain c;
	int more;

	switch (rd_tree_descend(t, gfn, p, hit)) {
	case RD_TREE_MAPPED:
		break;
	case RD_TREE_CORRUPT:
		return rd_tree_errno(hit->why);
	default:
		return -ENOENT;
	}
	rd_tree_chain_start(&c, hit);
	do {
		more = rd_tree_chain_next(t, &c);
	} while (more > 0);
	return more;
}

bool rd_tree_bytes_ok(const struct rd_tree_bytes *ranges, unsigned int n)
{
	unsigned int i, end = 0;

	if (n > RD_TREE_RANGES)
		return false;
	for (i = 0; i < n; i++) {
		if (!ranges[i].len || ranges[i].start < end)
			return false;
		end = (unsigned int)ranges[i].start + ranges[i].len;
		if (end > RD_PAGE_SIZE)
			return false;
	}
	return true;
}

int rd_tree_free_ranges(const struct rd_tree *t, u64 node, unsigned int n, u8 *numbers)
{
	unsigned int i, k, found = 0;
	u64 some[8];

	for (i = 1; found < n && i <= RD_TREE_RANGES; i += ARRAY_SIZE(some)) {
		if (t->ops->read(t->ctx, node, rd_tree_range_at(i), some, sizeof(some)))
			return -EIO;
		for (k = 0; found < n && k < ARRAY_SIZE(some); k++)
			if (!some[k])
				numbers[found++] = i + k;
	}
	return found < n ? -ENOSPC : 0;
}

static int put_range(struct rd_tree *t, u64 node, unsigned int number,
		     const struct rd_tree_range *r)
{
	BUILD_BUG_ON(sizeof(*r) != sizeof(u64));
	return t->ops->write(t->ctx, node, rd_tree_range_at(number), r, sizeof(*r));
}

int rd_tree_write_ranges(struct rd_tree *t, u64 node, unsigned int entry,
			 const struct rd_tree_bytes *ranges, unsigned int n, const u8 *numbers)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		struct rd_tree_range r = {
			.start = ranges[i].start,
			.len = ranges[i].len,
			.next = i + 1 < n ? numbers[i + 1] : 0,
			.entry = entry,
			.tag = ranges[i].tag,
		};

		err = put_range(t, node, numbers[i], &r);
	}
	return err;
}

int rd_tree_clear_ranges(struct rd_tree *t, const struct rd_tree_hit *hit)
{
	struct rd_tree_chain c;
	int r;

	rd_tree_chain_start(&c, hit);
	while ((r = rd_tree_chain_next(t, &c)) > 0) {
		r = rd_tree_put(t, c.node, rd_tree_range_at(c.at), 0);
		if (r)
			break;
	}
	return r;
}

/* --- edits of a mapping that there is --- */

/* The last node of a path. */
static u64 leaf(const struct rd_tree_path *p)
{
	return p->node[p->used - 1];
}

static struct rd_tree_header *leaf_head(struct rd_tree_path *p)
{
	return &p->head[p->used - 1];
}

static int begin(struct rd_tree *t, struct rd_tree_path *p)
{
	return rd_tree_edit_begin(t, leaf(p), leaf_head(p));
}

/* What is to be seen has been written: if this fails, the next edit finds out. */
static int end(struct rd_tree *t, struct rd_tree_path *p)
{
	(void)rd_tree_edit_end(t, leaf(p), leaf_head(p));
	return 0;
}

/* The entry of a mapping with another first range. */
static int put_first(struct rd_tree *t, const struct rd_tree_hit *hit, unsigned int number)
{
	struct rd_tree_mapping m = { .flags = hit->flags, .action = hit->action, .tag = hit->tag };

	return rd_tree_put(t, hit->node, rd_tree_entry_at(rd_tree_index(hit->gfn, 0)),
			   rd_tree_leaf_entry(&m, number));
}

int rd_tree_change(struct rd_tree *t, u64 gfn, const struct rd_tree_mapping *m)
{
	struct rd_tree_path p;
	struct rd_tree_hit hit;
	int err;

	if (!rd_tree_mapping_ok(m))
		return -EINVAL;
	err = rd_tree_find(t, gfn, &p, &hit);
	if (!err)
		err = begin(t, &p);
	if (!err)
		err = rd_tree_put(t, leaf(&p), rd_tree_entry_at(rd_tree_index(gfn, 0)),
				  rd_tree_leaf_entry(m, hit.range));
	return err ? err : end(t, &p);
}

int rd_tree_set_ranges(struct rd_tree *t, u64 gfn, const struct rd_tree_bytes *ranges,
		       unsigned int n)
{
	u8 numbers[RD_TREE_RANGES];
	struct rd_tree_path p;
	struct rd_tree_hit hit;
	int err;

	if (!rd_tree_bytes_ok(ranges, n))
		return -EINVAL;
	err = rd_tree_find(t, gfn, &p, &hit);
	if (!err)
		err = rd_tree_free_ranges(t, leaf(&p), n, numbers);
	if (!err)
		err = begin(t, &p);
	if (!err)
		err = rd_tree_write_ranges(t, leaf(&p), rd_tree_index(gfn, 0), ranges, n, numbers);
	if (!err)
		err = put_first(t, &hit, n ? numbers[0] : 0);
	if (err)
		return err;
	return rd_tree_clear_ranges(t, &hit) ? 0 : end(t, &p);
}

/*
 * The place of start in the list of a mapping: prev is the range before it (at 0: none), next the
 * one after it (at 0: none).
 */
static int find_place(const struct rd_tree *t, const struct rd_tree_hit *hit, u16 start,
		      struct rd_tree_chain *prev, struct rd_tree_chain *next)
{
	int more;

	rd_tree_chain_start(prev, hit);
	*next = *prev;
	while ((more = rd_tree_chain_next(t, next)) > 0 && next->range.start < start)
		*prev = *next;
	if (!more)
		next->at = 0;
	return more < 0 ? more : 0;
}

/* Leads the list past or to a range: what comes behind prev is `number`. */
static int put_next(struct rd_tree *t, const struct rd_tree_hit *hit,
		    const struct rd_tree_chain *prev, unsigned int number)
{
	struct rd_tree_range r = prev->range;

	if (!prev->at)
		return put_first(t, hit, number);
	r.next = number;
	return put_range(t, hit->node, prev->at, &r);
}

int rd_tree_range_add(struct rd_tree *t, u64 gfn, const struct rd_tree_bytes *range)
{
	struct rd_tree_chain prev, next;
	struct rd_tree_range r;
	struct rd_tree_path p;
	struct rd_tree_hit hit;
	u8 number;
	int err;

	if (!rd_tree_bytes_ok(range, 1))
		return -EINVAL;
	err = rd_tree_find(t, gfn, &p, &hit);
	if (!err)
		err = find_place(t, &hit, range->start, &prev, &next);
	if (err)
		return err;
	if (!hit.range || prev.end > range->start ||
	    (next.at && next.range.start < range->start + range->len))
		return -EEXIST;
	err = rd_tree_free_ranges(t, hit.node, 1, &number);
	if (!err)
		err = begin(t, &p);
	r = (struct rd_tree_range){ .start = range->start, .len = range->len, .next = next.at,
				    .entry = prev.entry, .tag = range->tag };
	if (!err)
		err = put_range(t, hit.node, number, &r);
	if (!err)
		err = put_next(t, &hit, &prev, number);
	return err ? err : end(t, &p);
}

int rd_tree_range_remove(struct rd_tree *t, u64 gfn, u16 start, u16 len)
{
	struct rd_tree_chain prev, found;
	struct rd_tree_path p;
	struct rd_tree_hit hit;
	int err = rd_tree_find(t, gfn, &p, &hit);

	if (!err)
		err = find_place(t, &hit, start, &prev, &found);
	if (err)
		return err;
	if (!found.at || found.range.start != start || found.range.len != len)
		return -ENOENT;
	if (!prev.at && !found.next) {
		err = rd_tree_remove(t, gfn);
		return err ? err : 1;
	}
	err = begin(t, &p);
	if (!err)
		err = put_next(t, &hit, &prev, found.next);
	if (err)
		return err;
	return rd_tree_put(t, hit.node, rd_tree_range_at(found.at), 0) ? 0 : end(t, &p);
}
