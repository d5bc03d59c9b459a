// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting mappings into the write-trace tree and taking them out (P), with growth and shrinking of
 * the tree.
 * Invariant: new nodes are complete before the one write that links them all, and nodes are freed
 * after the one write that unlinks them all; until that write succeeds, the tree says what it said
 * before.
 */
#include "vmm/trace_tree_priv.h"

/* A path down and one up to a root that spans both: not more nodes than that at a time. */
#define RD_TREE_NEW_MAX (2 * (RD_TREE_LEVELS - 1))

struct rd_tree_new {
	u64 node[RD_TREE_NEW_MAX];
	unsigned int n, used;
};

static void put_back(struct rd_tree *t, u64 node)
{
	t->ops->free(t->ctx, node);
	t->nodes--;
}

static void free_new(struct rd_tree *t, struct rd_tree_new *new)
{
	while (new->n)
		put_back(t, new->node[--new->n]);
}

static int alloc_new(struct rd_tree *t, struct rd_tree_new *new, unsigned int n)
{
	int err = 0;

	if (t->nodes > t->max_nodes || n > t->max_nodes - t->nodes)
		return -ENOSPC;
	while (!err && new->n < n) {
		err = t->ops->alloc(t->ctx, &new->node[new->n]);
		if (err)
			break;
		t->nodes++;
		if (new->node[new->n++] >= RD_TREE_GFNS)
			err = -EINVAL;
	}
	if (err)
		free_new(t, new);
	return err;
}

static void set_root(struct rd_tree *t, u64 node)
{
	/* After everything that was written to the node. */
	smp_store_release(&t->root, node);
}

static u64 entry_of_child(u64 node)
{
	return node << RD_TREE_CHILD_SHIFT | RD_TREE_PRESENT;
}

/* A header, and the entry on the way to gfn, for a page of zeros. */
static int write_node(struct rd_tree *t, u64 node, unsigned int level, u64 gfn, u64 entry,
		      unsigned int count)
{
	struct rd_tree_header head = {
		.magic = RD_TREE_MAGIC,
		.version = RD_TREE_VERSION,
		.level = level,
		.count = count,
		.first = rd_tree_first(gfn, level),
		.self = node,
	};
	int err = rd_tree_put(t, node, rd_tree_entry_at(rd_tree_index(gfn, level)), entry);

	return err ? err : t->ops->write(t->ctx, node, 0, &head, sizeof(head));
}

/* New nodes of levels [from, to), one below the other, each with one entry on the way to gfn. */
static int build(struct rd_tree *t, struct rd_tree_new *new, unsigned int from, unsigned int to,
		 u64 gfn, u64 *entry)
{
	int err = 0;

	while (!err && from < to) {
		u64 node = new->node[new->used++];

		err = write_node(t, node, from++, gfn, *entry, 1);
		*entry = entry_of_child(node);
	}
	return err;
}

/* The lowest level at which one node spans both pages. */
static unsigned int common_level(u64 a, u64 b)
{
	unsigned int level = 0;

	while (rd_tree_first(a, level) != rd_tree_first(b, level))
		level++;
	return level;
}

/*
 * A new root over the old one, which does not span gfn, and over the new nodes for gfn below it, to
 * which entry leads.
 */
static int build_root(struct rd_tree *t, struct rd_tree_new *new, const struct rd_tree_header *old,
		      unsigned int level, u64 gfn, u64 entry)
{
	u64 up = entry_of_child(old->self), node;
	int err = build(t, new, old->level + 1, level, old->first, &up);

	if (err)
		return err;
	node = new->node[new->used++];
	err = rd_tree_put(t, node, rd_tree_entry_at(rd_tree_index(old->first, level)), up);
	if (!err)
		err = write_node(t, node, level, gfn, entry, 2);
	if (!err)
		set_root(t, node);
	return err;
}

/* The last part of an edit of a node that is in the tree: one entry more. */
static int link_entry(struct rd_tree *t, u64 node, struct rd_tree_header *head, u64 gfn, u64 entry)
{
	int err = rd_tree_edit_count(t, node, head, 1);

	if (!err)
		err = rd_tree_put(t, node, rd_tree_entry_at(rd_tree_index(gfn, head->level)),
				  entry);
	if (err)
		return err;
	/* The entry is there: if this fails, the next edit finds out. */
	(void)rd_tree_edit_end(t, node, head);
	return 0;
}

static int link_below(struct rd_tree *t, struct rd_tree_path *p, u64 gfn, u64 entry)
{
	unsigned int last = p->used - 1;
	int err = rd_tree_edit_begin(t, p->node[last], &p->head[last]);

	return err ? err : link_entry(t, p->node[last], &p->head[last], gfn, entry);
}

/* A mapping for which nodes are missing. */
static int insert_nodes(struct rd_tree *t, struct rd_tree_path *p, u64 gfn,
			const struct rd_tree_mapping *m, const struct rd_tree_bytes *ranges,
			unsigned int n)
{
	unsigned int last = p->used - 1, levels = t->root_level + 1, above = 0, i;
	u64 entry = rd_tree_leaf_entry(m, n ? 1 : 0);
	struct rd_tree_new new = { .n = 0 };
	u8 numbers[RD_TREE_RANGES];
	int err;

	if (p->used && !p->outside)
		levels = p->head[last].level;
	else if (p->used)
		levels = common_level(p->head[0].first, gfn);
	if (p->outside)
		above = levels - p->head[0].level;
	err = alloc_new(t, &new, levels + above);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		numbers[i] = i + 1;
	err = rd_tree_write_ranges(t, new.node[0], rd_tree_index(gfn, 0), ranges, n, numbers);
	if (!err)
		err = build(t, &new, 0, levels, gfn, &entry);
	if (!err && !p->used)
		set_root(t, new.node[levels - 1]);
	else if (!err && p->outside)
		err = build_root(t, &new, &p->head[0], levels, gfn, entry);
	else if (!err)
		err = link_below(t, p, gfn, entry);
	if (err)
		free_new(t, &new);
	return err;
}

/* A mapping for a leaf that there is. */
static int insert_in_leaf(struct rd_tree *t, struct rd_tree_path *p, u64 gfn,
			  const struct rd_tree_mapping *m, const struct rd_tree_bytes *ranges,
			  unsigned int n)
{
	struct rd_tree_header *head = &p->head[p->used - 1];
	u64 node = p->node[p->used - 1];
	u8 numbers[RD_TREE_RANGES];
	int err;

	err = rd_tree_free_ranges(t, node, n, numbers);
	if (!err)
		err = rd_tree_edit_begin(t, node, head);
	if (!err)
		err = rd_tree_write_ranges(t, node, rd_tree_index(gfn, 0), ranges, n, numbers);
	if (!err)
		err = link_entry(t, node, head, gfn, rd_tree_leaf_entry(m, n ? numbers[0] : 0));
	return err;
}

int rd_tree_insert(struct rd_tree *t, u64 gfn, const struct rd_tree_mapping *m,
		   const struct rd_tree_bytes *ranges, unsigned int n)
{
	struct rd_tree_path p;
	struct rd_tree_hit hit;
	int err;

	if (gfn >= RD_TREE_GFNS || !rd_tree_mapping_ok(m) || !rd_tree_bytes_ok(ranges, n))
		return -EINVAL;
	switch (rd_tree_descend(t, gfn, &p, &hit)) {
	case RD_TREE_NONE:
		break;
	case RD_TREE_CORRUPT:
		return rd_tree_errno(hit.why);
	default:
		return -EEXIST;
	}
	/* A full node that has room lies. */
	if (p.used && !p.outside && p.head[p.used - 1].count == RD_TREE_WAYS)
		return -EUCLEAN;
	t->editing = true;
	if (p.used && !p.outside && !p.head[p.used - 1].level)
		err = insert_in_leaf(t, &p, gfn, m, ranges, n);
	else
		err = insert_nodes(t, &p, gfn, m, ranges, n);
	t->editing = false;
	return err;
}

/* A node that says it has one entry, the one at index: nothing else would go with the node. */
static int check_only(const struct rd_tree *t, u64 node, unsigned int level, unsigned int index)
{
	unsigned int at = 0;
	enum rd_tree_why why;
	u64 entry;

	why = rd_tree_scan(t, node, level, &at, &entry);
	if (!why && at == index) {
		at++;
		why = rd_tree_scan(t, node, level, &at, &entry);
	}
	if (!why && at != RD_TREE_WAYS)
		why = RD_TREE_BAD_COUNT;
	return why ? rd_tree_errno(why) : 0;
}

/* How many nodes of the path stay: those below have this mapping only. Or a negative errno. */
static int count_staying(const struct rd_tree *t, const struct rd_tree_path *p, u64 gfn)
{
	unsigned int stay = p->used;

	while (stay && p->head[stay - 1].count == 1) {
		unsigned int level = p->head[--stay].level;
		int err = check_only(t, p->node[stay], level, rd_tree_index(gfn, level));

		if (err)
			return err;
	}
	return stay;
}

/* One entry less in a node that keeps others. */
static int unlink_entry(struct rd_tree *t, u64 node, struct rd_tree_header *head,
			const struct rd_tree_hit *hit)
{
	int err = rd_tree_edit_begin(t, node, head);

	if (!err)
		err = rd_tree_put(t, node, rd_tree_entry_at(rd_tree_index(hit->gfn, head->level)),
				  0);
	if (err)
		return err;
	/* The entry is gone: if one of these fails, the next edit finds out. */
	if (!head->level)
		err = rd_tree_clear_ranges(t, hit);
	if (!err)
		err = rd_tree_edit_count(t, node, head, -1);
	if (!err)
		(void)rd_tree_edit_end(t, node, head);
	return 0;
}

/*
 * Takes roots away that have one child. What is wrong with one is left for the next reader: the
 * edit that led here is done.
 */
static void shrink(struct rd_tree *t)
{
	struct rd_tree_path p = { .used = 0 };
	unsigned int index = 0, level;
	u64 entry, first;

	p.node[0] = t->root;
	if (rd_tree_read_node(t, p.node[0], &p.head[0]))
		return;
	while (p.head[0].level > t->root_level && p.head[0].count == 1) {
		level = p.head[0].level;
		if (rd_tree_scan(t, p.node[0], level, &index, &entry) || index == RD_TREE_WAYS ||
		    check_only(t, p.node[0], level, index))
			return;
		p.node[1] = rd_tree_child(entry);
		p.used = 2;
		first = p.head[0].first + ((u64)index << rd_tree_shift(level));
		if (rd_tree_read_node(t, p.node[1], &p.head[1]) || rd_tree_place(&p, first))
			return;
		set_root(t, p.node[1]);
		put_back(t, p.node[0]);
		p.node[0] = p.node[1];
		p.head[0] = p.head[1];
		index = 0;
	}
}

int rd_tree_remove(struct rd_tree *t, u64 gfn)
{
	struct rd_tree_path p;
	struct rd_tree_hit hit;
	int err = rd_tree_find(t, gfn, &p, &hit), stay, i;

	if (err)
		return err;
	stay = count_staying(t, &p, gfn);
	if (stay < 0)
		return stay;
	t->editing = true;
	if (stay)
		err = unlink_entry(t, p.node[stay - 1], &p.head[stay - 1], &hit);
	else
		set_root(t, RD_TREE_NO_NODE);
	for (i = stay; !err && i < (int)p.used; i++)
		put_back(t, p.node[i]);
	if (!err && stay == 1)
		shrink(t);
	t->editing = false;
	return err;
}
