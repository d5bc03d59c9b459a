/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An owner of tree pages for tests and the fuzzer, with faults to order, and a flat list of
 * mappings as the truth to compare a tree with.
 * Invariant: a page is its own allocation, so that a read of one that was given back, or beyond
 * one, is found by the sanitizer; a read of a page that never was one ends the program.
 */
#ifndef RD_TESTS_UNIT_TRACE_TREE_POOL_H
#define RD_TESTS_UNIT_TRACE_TREE_POOL_H

#include "vmm/trace_tree_priv.h"

#ifndef POOL_MAX
#define POOL_MAX 8192U
#endif
/* Numbers of nodes are far from each other and from 0. */
#define POOL_BASE 0x7000000123ULL
#define POOL_STRIDE 0x1003ULL

struct pool {
	u8 *page[POOL_MAX];
	unsigned int hint;              /* where to look for a free place */
	unsigned int live;              /* pages given out */
	unsigned long reads, writes, allocs;
	/* The n-th call from here on fails, once; 0: none. */
	unsigned long fail_read, fail_write, fail_alloc;
	bool read_only;                 /* a write ends the program */
	void (*on_read)(struct pool *p, u64 node);
	void (*on_write)(struct pool *p, u64 node);
	struct rd_tree *tree;           /* for the two above */
};

static inline void pool_die(const char *what)
{
	fprintf(stderr, "fuzz pool: %s\n", what);
	abort();
}

static inline u64 pool_node(unsigned int i)
{
	return POOL_BASE + POOL_STRIDE * i;
}

/* Index of a page, POOL_MAX for what is none. */
static inline unsigned int pool_index(const struct pool *p, u64 node)
{
	u64 i = (node - POOL_BASE) / POOL_STRIDE;

	if (node < POOL_BASE || i >= POOL_MAX || pool_node(i) != node || !p->page[i])
		return POOL_MAX;
	return i;
}

static inline u8 *pool_page(const struct pool *p, u64 node)
{
	unsigned int i = pool_index(p, node);

	if (i == POOL_MAX)
		pool_die("a page is used that is none of the tree's");
	return p->page[i];
}

static inline bool pool_fails(unsigned long *countdown)
{
	return *countdown && !--*countdown;
}

static inline void pool_check_access(u32 offset, u32 len)
{
	if (offset % 8 || len % 8 || !len || offset + len > RD_PAGE_SIZE)
		pool_die("an access is not of whole words of a page");
}

static inline int pool_read(void *ctx, u64 node, u32 offset, void *buf, u32 len)
{
	struct pool *p = ctx;

	pool_check_access(offset, len);
	p->reads++;
	if (pool_fails(&p->fail_read))
		return -EFAULT;
	memcpy(buf, pool_page(p, node) + offset, len);
	if (p->on_read)
		p->on_read(p, node);
	return 0;
}

static inline int pool_write(void *ctx, u64 node, u32 offset, const void *buf, u32 len)
{
	struct pool *p = ctx;

	pool_check_access(offset, len);
	p->writes++;
	if (p->read_only)
		pool_die("a reader writes");
	if (pool_fails(&p->fail_write))
		return -EFAULT;
	memcpy(pool_page(p, node) + offset, buf, len);
	if (p->on_write)
		p->on_write(p, node);
	return 0;
}

static inline int pool_alloc(void *ctx, u64 *node)
{
	struct pool *p = ctx;

	p->allocs++;
	if (pool_fails(&p->fail_alloc) || p->live == POOL_MAX)
		return -ENOMEM;
	while (p->page[p->hint % POOL_MAX])
		p->hint++;
	p->page[p->hint % POOL_MAX] = calloc(1, RD_PAGE_SIZE);
	*node = pool_node(p->hint++ % POOL_MAX);
	p->live++;
	return 0;
}

static inline void pool_free(void *ctx, u64 node)
{
	struct pool *p = ctx;

	free(pool_page(p, node));
	p->page[pool_index(p, node)] = NULL;
	p->live--;
}

static inline bool pool_is_node(void *ctx, u64 page)
{
	return pool_index(ctx, page) != POOL_MAX;
}

static const struct rd_tree_ops pool_ops = {
	.read = pool_read,
	.write = pool_write,
	.alloc = pool_alloc,
	.free = pool_free,
	.is_node = pool_is_node,
};

static inline void pool_start(struct pool *p, struct rd_tree *t, u32 max_nodes)
{
	memset(p, 0, sizeof(*p));
	rd_tree_init(t, &pool_ops, p, max_nodes, true);
	p->tree = t;
}

static inline void pool_end(struct pool *p)
{
	unsigned int i;

	for (i = 0; p->live && i < POOL_MAX; i++)
		if (p->page[i])
			pool_free(p, pool_node(i));
}

/* --- the truth --- */

#define FLAT_MAX 1024U
#define FLAT_RANGES 4U

struct flat_page {
	u64 gfn;
	struct rd_tree_mapping m;
	struct rd_tree_bytes range[FLAT_RANGES];
	unsigned int n;
};

struct flat {
	struct flat_page page[FLAT_MAX];
	unsigned int n;
};

static inline struct flat_page *flat_find(struct flat *f, u64 gfn)
{
	unsigned int i;

	for (i = 0; i < f->n; i++)
		if (f->page[i].gfn == gfn)
			return &f->page[i];
	return NULL;
}

static inline void flat_put(struct flat *f, const struct flat_page *page)
{
	struct flat_page *old = flat_find(f, page->gfn);

	if (!old)
		old = &f->page[f->n++];
	*old = *page;
}

static inline void flat_remove(struct flat *f, u64 gfn)
{
	struct flat_page *old = flat_find(f, gfn);

	if (old)
		*old = f->page[--f->n];
}

static inline bool same_mapping(const struct rd_tree_hit *hit, const struct rd_tree_mapping *m)
{
	return hit->flags == m->flags && hit->action == m->action && hit->tag == m->tag;
}

/* Are the ranges in the tree these? */
static inline bool same_ranges(const struct rd_tree *t, const struct rd_tree_hit *hit,
			       const struct flat_page *want)
{
	struct rd_tree_chain c;
	unsigned int i;

	rd_tree_chain_start(&c, hit);
	for (i = 0; i < want->n; i++)
		if (rd_tree_chain_next(t, &c) != 1 || c.range.start != want->range[i].start ||
		    c.range.len != want->range[i].len || c.range.tag != want->range[i].tag)
			return false;
	return rd_tree_chain_next(t, &c) == 0;
}

/* Does a lookup say what is to be said of a page? want: NULL for one without a mapping. */
static inline bool says(const struct rd_tree *t, u64 gfn, const struct flat_page *want)
{
	struct rd_tree_hit hit;
	enum rd_tree_result r = rd_tree_lookup(t, gfn, &hit);

	if (t->guard_nodes && pool_is_node(t->ctx, gfn))
		return r == RD_TREE_NODE && hit.node == gfn;
	if (!want)
		return r == RD_TREE_NONE && hit.gfn == gfn;
	return r == RD_TREE_MAPPED && hit.gfn == gfn && same_mapping(&hit, &want->m) &&
	       same_ranges(t, &hit, want);
}

/* What a write touches, by the flat list: 1 and the tag, or 0. */
static inline int flat_covers(const struct flat_page *page, u32 off, u32 len, u16 *tag)
{
	unsigned int i;

	if (!page->n) {
		*tag = page->m.tag;
		return 1;
	}
	for (i = 0; i < page->n; i++) {
		const struct rd_tree_bytes *r = &page->range[i];

		if (off < (u32)r->start + r->len && r->start < off + len) {
			*tag = r->tag;
			return 1;
		}
	}
	return 0;
}

static inline u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL >> 16;
}

#endif
