/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The write-trace tree (P): which guest pages, or bytes of them, are traced and what to do about a
 * write. Nodes are pages that may lie in the guest's reach (kmod/uapi/redoubt_tree.h); struct
 * rd_tree and the record of the tree's own pages never do.
 * Invariant: whatever the bytes of the nodes are, a reader ends after a number of reads that
 * depends on the height only (rd_tree_check(): on the number of nodes), reads no page but the
 * tree's own, and decides by the copy that it checked. At every moment of an edit it sees all
 * mappings but the one that is being edited.
 *
 * Readers need no lock: the owner of the pages keeps what ops->free() gives back as it is until
 * those that may be reading it are done. Edits need the owner's lock: one at a time.
 */
#ifndef RD_VMM_TRACE_TREE_H
#define RD_VMM_TRACE_TREE_H

#include "kmod/base.h"
#include "kmod/uapi/redoubt_tree.h"

#define RD_TREE_NO_NODE U64_MAX
#define RD_TREE_GFNS (1ULL << RD_TREE_PAGE_BITS)

/* How often the ranges of a page are read again because they have changed meanwhile. */
#define RD_TREE_TRIES 8

/*
 * How the owner gets at the pages. A node is a page's number below RD_TREE_GFNS: the guest's, or
 * for a tree out of its reach whatever names the page. Offsets and lengths are multiples of 8.
 */
struct rd_tree_ops {
	/*
	 * Copies each word once, in ascending order; write makes each word visible in one piece and
	 * in the order of the calls. 0 or a negative errno.
	 */
	int (*read)(void *ctx, u64 node, u32 offset, void *buf, u32 len);
	int (*write)(void *ctx, u64 node, u32 offset, const void *buf, u32 len);
	/* A page of zeros, protected before this returns: the next thing is to link it. */
	int (*alloc)(void *ctx, u64 *node);
	/* No link leads there any more, but readers may be on their way. */
	void (*free)(void *ctx, u64 node);
	/* By the owner's own record, never by what a page says. */
	bool (*is_node)(void *ctx, u64 page);
};

/* In trusted memory. Starts with rd_tree_init(). */
struct rd_tree {
	const struct rd_tree_ops *ops;
	void *ctx;
	u64 root;       /* RD_TREE_NO_NODE: nothing is mapped */
	u32 nodes;      /* pages in the tree; the owner counts where somebody else edits */
	u32 max_nodes;
	bool editing;   /* an edit is under way: pages may be in the count and not in the tree */
	/*
	 * The root is at this level or above. 0 keeps the tree low; an owner whose root is known to
	 * others and must stay what it is says a level that spans all pages there are.
	 */
	u8 root_level;
	/*
	 * Nodes are guest pages: the first question about a page is whether it is one. Off where
	 * they lie outside the guest; off with nodes in the guest only for the negative control of
	 * the tests, which show what happens to a tree that does not guard itself.
	 */
	bool guard_nodes;
};

static inline void rd_tree_init(struct rd_tree *t, const struct rd_tree_ops *ops, void *ctx,
				u32 max_nodes, bool guard_nodes)
{
	*t = (struct rd_tree){ .ops = ops, .ctx = ctx, .root = RD_TREE_NO_NODE,
			       .max_nodes = max_nodes, .guard_nodes = guard_nodes };
}

enum rd_tree_result {
	RD_TREE_NONE,    /* not in the tree: a trace that led here is stale */
	RD_TREE_MAPPED,
	RD_TREE_NODE,    /* the page itself is a node; its action is the owner's, not in the tree */
	RD_TREE_CORRUPT, /* why says how */
};

struct rd_tree_hit {
	u64 gfn;
	u64 node;        /* leaf of the mapping, or the node that is wrong */
	u64 generation;  /* of the leaf */
	u8 why;          /* enum rd_tree_why */
	/* The mapping: RD_TREE_CODE and so on, number of the list of actions, the owner's tag. */
	u8 flags;
	u8 action;
	u16 tag;
	u8 range;        /* number of the first range in the leaf, 0: the whole page */
};

/* What is traced about a page. */
struct rd_tree_mapping {
	u8 flags;
	u8 action;
	u16 tag;
};

/* Bytes of a page: len is 1 to 4096, and start + len at most 4096. */
struct rd_tree_bytes {
	u16 start;
	u16 len;
	u16 tag;
};

/* --- reading --- */

/*
 * Is guest page gfn to be protected, and what for? In the path of a write fault: one header and one
 * entry are read per level. hit is filled in as far as the result says; gfn always.
 */
enum rd_tree_result rd_tree_lookup(const struct rd_tree *t, u64 gfn, struct rd_tree_hit *hit);

/*
 * Does a write of len bytes at offset off of the page touch what is traced there? hit is from
 * RD_TREE_MAPPED and is looked up again if the leaf has changed since.
 * 1 yes (*tag is that of the first range touched, or of the mapping of a whole page), 0 no,
 * -EIO or -EUCLEAN with hit->why and hit->node when the tree is corrupt.
 */
int rd_tree_covers(const struct rd_tree *t, struct rd_tree_hit *hit, u32 off, u32 len, u16 *tag);

/*
 * The first mapping at from or above, so that a caller who goes on with hit->gfn + 1 sees them all
 * in order. RD_TREE_MAPPED, RD_TREE_NONE when there is no more, or RD_TREE_CORRUPT.
 */
enum rd_tree_result rd_tree_next(const struct rd_tree *t, u64 from, struct rd_tree_hit *hit);

/* The ranges of a mapping, in ascending order. */
struct rd_tree_chain {
	u64 node;
	struct rd_tree_range range; /* the one found last */
	u16 end;                    /* of that one */
	u8 entry;
	u8 at;                      /* its number, 0 at first */
	u8 next;                    /* number of the next one, 0 when there is none */
	u8 seen;
};

void rd_tree_chain_start(struct rd_tree_chain *c, const struct rd_tree_hit *hit);

/*
 * The next range is in c->range: 1; no more: 0; the list is bad: -EIO or -EUCLEAN. For what edits
 * may disturb, rd_tree_covers().
 */
int rd_tree_chain_next(const struct rd_tree *t, struct rd_tree_chain *c);

/*
 * Told about every node, parents first, and every mapping in order. Each may be NULL; another value
 * than 0 ends the walk.
 */
struct rd_tree_visitor {
	int (*node)(struct rd_tree_visitor *v, u64 node, const struct rd_tree_header *head);
	int (*mapping)(struct rd_tree_visitor *v, const struct rd_tree_hit *hit);
};

/*
 * The full walk: does the whole tree follow the rules? v may be NULL. Not while somebody else
 * edits. 0, what the visitor returned, or -EIO or -EUCLEAN with the first thing found in hit.
 */
int rd_tree_check(const struct rd_tree *t, struct rd_tree_visitor *v, struct rd_tree_hit *hit);

/* --- editing ---
 * All of these: 0, -EINVAL for what the format cannot hold, -EIO or -EUCLEAN for a corrupt tree,
 * also one that an edit was never finished in, or the error of ops. With an error the mapping is as
 * it was.
 */

/*
 * Maps a page, with the n ranges, which are in ascending order and do not overlap; n = 0 traces the
 * whole page. -EEXIST: is mapped. -ENOSPC: no node or no range left.
 */
int rd_tree_insert(struct rd_tree *t, u64 gfn, const struct rd_tree_mapping *m,
		   const struct rd_tree_bytes *ranges, unsigned int n);

/* Takes a mapping out with its ranges. -ENOENT: there is none. */
int rd_tree_remove(struct rd_tree *t, u64 gfn);

/* Another mapping in the place of the one there is, which keeps its ranges. -ENOENT. */
int rd_tree_change(struct rd_tree *t, u64 gfn, const struct rd_tree_mapping *m);

/*
 * These ranges instead of those there are, as for rd_tree_insert(); a reader sees all of the old or
 * all of the new ones. -ENOENT: not mapped. -ENOSPC: both together do not fit.
 */
int rd_tree_set_ranges(struct rd_tree *t, u64 gfn, const struct rd_tree_bytes *ranges,
		       unsigned int n);

/* One more range. -EEXIST: overlaps one there is, or the whole page is traced. -ENOENT, -ENOSPC. */
int rd_tree_range_add(struct rd_tree *t, u64 gfn, const struct rd_tree_bytes *range);

/*
 * Takes the range out that starts there and has that length. -ENOENT: there is none. 1: it was the
 * last one, and the mapping went with it, for without ranges it would grow to the whole page.
 */
int rd_tree_range_remove(struct rd_tree *t, u64 gfn, u16 start, u16 len);

#endif
