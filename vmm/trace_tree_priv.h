/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the write-trace tree share (P): positions, entries, and the checked steps from
 * node to node.
 * Invariant: nothing that was read from a node leaves one of these functions unchecked.
 */
#ifndef RD_VMM_TRACE_TREE_PRIV_H
#define RD_VMM_TRACE_TREE_PRIV_H

#include "vmm/trace_tree.h"

/* The nodes from the root to where a descent ended, root first. */
struct rd_tree_path {
	struct rd_tree_header head[RD_TREE_LEVELS];
	u64 node[RD_TREE_LEVELS];
	u64 entry;              /* of the last node */
	unsigned int used;      /* nodes; 0: the tree is empty */
	bool outside;           /* the root does not span the page */
};

static inline unsigned int rd_tree_shift(unsigned int level)
{
	return level * RD_TREE_WAYS_SHIFT;
}

static inline unsigned int rd_tree_index(u64 gfn, unsigned int level)
{
	return (gfn >> rd_tree_shift(level)) & (RD_TREE_WAYS - 1);
}

/* The first page that a node of this level with gfn in it covers. */
static inline u64 rd_tree_first(u64 gfn, unsigned int level)
{
	return gfn & ~((1ULL << rd_tree_shift(level + 1)) - 1);
}

static inline bool rd_tree_spans(const struct rd_tree_header *head, u64 gfn)
{
	return rd_tree_first(gfn, head->level) == head->first;
}

static inline u32 rd_tree_entry_at(unsigned int index)
{
	return RD_TREE_ENTRIES_AT + index * sizeof(u64);
}

/* number: 1 to RD_TREE_RANGES. */
static inline u32 rd_tree_range_at(unsigned int number)
{
	return RD_TREE_RANGES_AT + (number - 1) * sizeof(struct rd_tree_range);
}

static inline u64 rd_tree_child(u64 entry)
{
	return (entry & RD_TREE_CHILD_MASK) >> RD_TREE_CHILD_SHIFT;
}

static inline unsigned int rd_tree_first_range(u64 entry)
{
	return (entry & RD_TREE_RANGE_MASK) >> RD_TREE_RANGE_SHIFT;
}

static inline int rd_tree_errno(unsigned int why)
{
	return why == RD_TREE_UNREADABLE ? -EIO : -EUCLEAN;
}

static inline enum rd_tree_result rd_tree_corrupt(struct rd_tree_hit *hit, u64 node,
						  enum rd_tree_why why)
{
	hit->node = node;
	hit->why = why;
	return RD_TREE_CORRUPT;
}

/* Fills in what the entry of a leaf says. */
static inline void rd_tree_fill_hit(struct rd_tree_hit *hit, u64 gfn, u64 node,
				    const struct rd_tree_header *head, u64 entry)
{
	*hit = (struct rd_tree_hit){
		.gfn = gfn,
		.node = node,
		.generation = head->generation,
		.flags = entry & RD_TREE_FLAGS,
		.action = (entry & RD_TREE_ACTION_MASK) >> RD_TREE_ACTION_SHIFT,
		.tag = (entry & RD_TREE_TAG_MASK) >> RD_TREE_TAG_SHIFT,
		.range = rd_tree_first_range(entry),
	};
}

/* The header of a node, checked by itself. */
enum rd_tree_why rd_tree_read_node(const struct rd_tree *t, u64 node, struct rd_tree_header *head);

/* Is the last node of the path what the entry above it, for the pages from first, asks for? */
enum rd_tree_why rd_tree_place(const struct rd_tree_path *p, u64 first);

/* The first entry in use at *index or behind; none: *index is RD_TREE_WAYS. */
enum rd_tree_why rd_tree_scan(const struct rd_tree *t, u64 node, unsigned int level,
			      unsigned int *index, u64 *entry);

/* From the root towards gfn; RD_TREE_MAPPED fills in hit. Does not ask whether gfn is a node. */
enum rd_tree_result rd_tree_descend(const struct rd_tree *t, u64 gfn, struct rd_tree_path *p,
				    struct rd_tree_hit *hit);

/* --- for the edits --- */

/* Descends to a mapping: 0, -ENOENT, -EIO, -EUCLEAN; its list of ranges is good. */
int rd_tree_find(const struct rd_tree *t, u64 gfn, struct rd_tree_path *p, struct rd_tree_hit *hit);

static inline int rd_tree_put(struct rd_tree *t, u64 node, u32 offset, u64 word)
{
	return t->ops->write(t->ctx, node, offset, &word, sizeof(word));
}

/*
 * Around the writes of an edit of one node that is in the tree. Between them count may be one more
 * than the entries in use: it goes up before an entry comes and down after one has gone. An edit
 * that fails in between leaves the node marked as edited for ever: readable, and closed to edits.
 */
int rd_tree_edit_begin(struct rd_tree *t, u64 node, struct rd_tree_header *head);
int rd_tree_edit_count(struct rd_tree *t, u64 node, struct rd_tree_header *head, int more);
int rd_tree_edit_end(struct rd_tree *t, u64 node, struct rd_tree_header *head);

static inline u64 rd_tree_leaf_entry(const struct rd_tree_mapping *m, unsigned int range)
{
	return RD_TREE_PRESENT | m->flags | (u64)m->action << RD_TREE_ACTION_SHIFT |
	       (u64)m->tag << RD_TREE_TAG_SHIFT | (u64)range << RD_TREE_RANGE_SHIFT;
}

/* What callers give, does the format hold it? */
static inline bool rd_tree_mapping_ok(const struct rd_tree_mapping *m)
{
	return !(m->flags & ~RD_TREE_FLAGS);
}

bool rd_tree_bytes_ok(const struct rd_tree_bytes *ranges, unsigned int n);

/* The numbers of n ranges that are not in use. 0, -ENOSPC, -EIO. */
int rd_tree_free_ranges(const struct rd_tree *t, u64 node, unsigned int n, u8 *numbers);

/* Writes a list of ranges for an entry, which does not yet name it. */
int rd_tree_write_ranges(struct rd_tree *t, u64 node, unsigned int entry,
			 const struct rd_tree_bytes *ranges, unsigned int n, const u8 *numbers);

/* Gives the ranges of a mapping back, which its entry no longer names. */
int rd_tree_clear_ranges(struct rd_tree *t, const struct rd_tree_hit *hit);

#endif
