/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of the write-trace tree: which pages of a guest are traced, kept in nodes of one page
 * each. The module reads nodes that a guest's driver has built and nodes of its own.
 * Invariant: what is reserved or unused is 0, and a reader refuses it otherwise; a change of the
 * layout raises RD_TREE_VERSION.
 *
 * A radix tree of 256 ways by guest page number. A node has a level, 0 for a leaf; each of its
 * entries spans 256^level guest pages, and the level of a child is one less. The root covers the
 * smallest aligned block that holds all mappings, so it need not begin at page 0.
 *
 * The page of a node:
 *      0   struct rd_tree_header
 *     64   leaf: 248 byte ranges, struct rd_tree_range, numbered from 1; else 0
 *   2048   256 entries of 8 bytes
 *
 * Whoever edits a node writes aligned words of 8 bytes, in an order in which a reader on another
 * CPU sees a sane tree after every word: the generation is odd while an edit is under way. Then the
 * count may be one more than the entries in use, and ranges may belong to no entry. A node is
 * complete before it is linked, and unlinked before its page is used for something else.
 */
#ifndef RD_KMOD_UAPI_REDOUBT_TREE_H
#define RD_KMOD_UAPI_REDOUBT_TREE_H

#include <linux/types.h>

#define RD_TREE_MAGIC 0x45525452 /* "RTRE" in memory */
#define RD_TREE_VERSION 1

#define RD_TREE_WAYS_SHIFT 8
#define RD_TREE_WAYS 256
#define RD_TREE_LEVELS 5                /* levels 0 to 4 */
#define RD_TREE_PAGE_BITS 40            /* guest pages, and nodes, have smaller numbers */

struct rd_tree_header {
	__u32 magic;
	__u8 version;
	__u8 level;
	__u16 count;            /* entries in use; never 0 in a node that is linked */
	__u64 generation;       /* goes up with the begin and the end of every edit of this node */
	__u64 first;            /* guest page covered first, a multiple of 256^(level + 1) */
	__u64 self;             /* number of this page */
	__u64 reserved[4];
};

/*
 * Bytes of a page that are traced when the others are not. The ranges of a page are a list in
 * ascending order; they do not overlap. A range of length 0 is not in use, and all 0.
 */
#define RD_TREE_RANGES 248
struct rd_tree_range {
	__u16 start;
	__u16 len;              /* 1 to 4096; start + len is at most 4096 */
	__u8 next;              /* number of the page's next range, 0: none */
	__u8 entry;             /* index of the entry that it belongs to */
	__u16 tag;              /* the owner's, told with every hit */
};

#define RD_TREE_RANGES_AT 64
#define RD_TREE_ENTRIES_AT 2048

/* An entry that is not present is 0. Above the leaves: */
#define RD_TREE_PRESENT (1ULL << 0)
#define RD_TREE_CHILD_SHIFT 12          /* page of the child */
#define RD_TREE_CHILD_MASK (((1ULL << RD_TREE_PAGE_BITS) - 1) << RD_TREE_CHILD_SHIFT)

/* In a leaf: what the page holds, */
#define RD_TREE_CODE (1ULL << 1)
#define RD_TREE_RODATA (1ULL << 2)
#define RD_TREE_DRIVER (1ULL << 3)      /* the guest driver's own */
#define RD_TREE_FLAGS (RD_TREE_CODE | RD_TREE_RODATA | RD_TREE_DRIVER)
/* what to do: the number of a list of actions, which is kept outside the tree, */
#define RD_TREE_ACTION_SHIFT 8
#define RD_TREE_ACTION_MASK (0xffULL << RD_TREE_ACTION_SHIFT)
/* the owner's tag, */
#define RD_TREE_TAG_SHIFT 16
#define RD_TREE_TAG_MASK (0xffffULL << RD_TREE_TAG_SHIFT)
/* and the first of its ranges; 0: the whole page is traced. */
#define RD_TREE_RANGE_SHIFT 32
#define RD_TREE_RANGE_MASK (0xffULL << RD_TREE_RANGE_SHIFT)

/* What is wrong with a tree: numbers are never reused. */
enum rd_tree_why {
	RD_TREE_SANE = 0,
	RD_TREE_UNREADABLE = 1, /* the page cannot be read */
	RD_TREE_FOREIGN = 2,    /* the page is none of the tree's own */
	RD_TREE_BAD_MAGIC = 3,
	RD_TREE_BAD_VERSION = 4,
	RD_TREE_BAD_LEVEL = 5,  /* too high, or not one less than the parent's */
	RD_TREE_LOOP = 6,       /* the node is its own ancestor */
	RD_TREE_BAD_FIRST = 7,  /* not what the place of the node says */
	RD_TREE_BAD_SELF = 8,
	RD_TREE_BAD_COUNT = 9,  /* 0, too high, or not the number of entries in use */
	RD_TREE_BAD_BITS = 10,  /* something reserved is not 0 */
	RD_TREE_BAD_RANGE = 11, /* of a range, or of the list that it is in */
	RD_TREE_TOO_MANY = 12,  /* more nodes than the tree has pages */
	RD_TREE_TOO_FEW = 13,   /* pages of the tree that are not in it */
	RD_TREE_RESTLESS = 14,  /* the ranges of a page change faster than they can be read */
};

#endif
