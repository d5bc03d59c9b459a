// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of single pages' reasons (P).
 * Invariant: as in vmm/prot_map.h; a node of level n covers 512^n pages, and the root covers from
 * page 0 on as much as was ever asked for.
 */
#include "kmod/host.h"
#include "vmm/prot_map.h"

#define BITS 9
#define FANOUT (1U << BITS)
#define MIN_ROOT 2  /* covers what the largest leaf of a page table maps */
#define MAX_LEVEL 5 /* 45 bits of page number */

struct rd_prot_node {
	u32 level;
	u64 nr; /* pages below that have a reason */
	union {
		struct rd_prot_node *child[FANOUT]; /* level > 1 */
		u8 reasons[FANOUT];                 /* level 1: allocated no further than this */
	};
};

static unsigned int index_of(u64 gfn, unsigned int level)
{
	return (gfn >> (BITS * (level - 1))) & (FANOUT - 1);
}

static bool covers(const struct rd_prot_node *n, u64 gfn)
{
	return !(gfn >> (BITS * n->level));
}

/* --- readers ---------------------------------------------------------------------------------- */

/* The node of the level, MIN_ROOT at most, that holds gfn, or NULL. */
static struct rd_prot_node *node_at(const struct rd_prot_map *m, u64 gfn, unsigned int level)
{
	struct rd_prot_node *n = READ_ONCE(m->root);

	if (!n || !covers(n, gfn))
		return NULL;
	while (n && n->level > level)
		n = READ_ONCE(n->child[index_of(gfn, n->level)]);
	return n;
}

u8 rd_prot_map_find(const struct rd_prot_map *m, u64 gfn)
{
	const struct rd_prot_node *n = node_at(m, gfn, 1);

	return n ? READ_ONCE(n->reasons[index_of(gfn, 1)]) : 0;
}

/* What a leaf of level l maps (vmm/pt.h) is what a node of level l - 1 covers. */
unsigned int rd_prot_map_fit(const struct rd_prot_map *m, u64 gfn, unsigned int level)
{
	for (; level > 1; level--) {
		const struct rd_prot_node *n = node_at(m, gfn, level - 1);

		if (!n || !READ_ONCE(n->nr))
			break;
	}
	return level;
}

/* The first entry of the node from index i on that has something, FANOUT: none. */
static unsigned int next_entry(const struct rd_prot_node *n, unsigned int i, u8 reasons)
{
	for (; i < FANOUT; i++) {
		const struct rd_prot_node *c;

		if (n->level == 1) {
			if (READ_ONCE(n->reasons[i]) & reasons)
				break;
			continue;
		}
		c = READ_ONCE(n->child[i]);
		if (c && READ_ONCE(c->nr))
			break;
	}
	return i;
}

bool rd_prot_map_next(const struct rd_prot_map *m, u64 *gfn, u64 end, u8 reasons)
{
	u64 at = *gfn;

	while (at < end) {
		const struct rd_prot_node *n = READ_ONCE(m->root);
		unsigned int shift, i, first;

		if (!n || !covers(n, at))
			return false;
		for (;;) {
			shift = BITS * (n->level - 1);
			first = index_of(at, n->level);
			i = next_entry(n, first, reasons);
			if (i != first)
				at = ((at >> shift >> BITS << BITS) + i) << shift;
			if (i == FANOUT || n->level == 1)
				break;
			n = READ_ONCE(n->child[i]);
		}
		if (i < FANOUT && at < end) {
			*gfn = at;
			return true;
		}
	}
	return false;
}

/* --- changes ---------------------------------------------------------------------------------- */

static struct rd_prot_node *node_new(unsigned int level)
{
	size_t size = level > 1 ? sizeof(struct rd_prot_node)
				: offsetof(struct rd_prot_node, reasons) + FANOUT;
	struct rd_prot_node *n = rd_host_zalloc(size);

	if (n)
		n->level = level;
	return n;
}

/* Put levels on top until the root covers gfn. */
static int grow(struct rd_prot_map *m, u64 gfn)
{
	while (!m->root || !covers(m->root, gfn)) {
		struct rd_prot_node *n = node_new(m->root ? m->root->level + 1 : MIN_ROOT);

		if (!n)
			return -ENOMEM;
		if (m->root) {
			n->child[0] = m->root;
			n->nr = m->root->nr;
		}
		smp_store_release(&m->root, n);
	}
	return 0;
}

static int reserve_block(struct rd_prot_map *m, u64 gfn)
{
	struct rd_prot_node *n;
	int ret = grow(m, gfn);

	if (ret)
		return ret;
	for (n = m->root; n->level > 1;) {
		struct rd_prot_node **slot = &n->child[index_of(gfn, n->level)];

		if (!*slot) {
			struct rd_prot_node *c;

			/* Nodes stay, so whoever may ask for them must not ask for ever. */
			if (m->blocks >= RD_PROT_MAX_BLOCKS)
				return -ENOSPC;
			c = node_new(n->level - 1);
			if (!c)
				return -ENOMEM;
			m->blocks += n->level == 2;
			smp_store_release(slot, c);
		}
		n = *slot;
	}
	return 0;
}

int rd_prot_map_reserve(struct rd_prot_map *m, u64 gfn, u64 npages)
{
	u64 last = gfn + npages - 1;

	BUILD_BUG_ON(RD_PROT_MAX_GFN > 1ULL << (BITS * MAX_LEVEL));
	if (!npages || gfn >= RD_PROT_MAX_GFN || npages > RD_PROT_MAX_GFN - gfn)
		return -EINVAL;
	for (gfn &= ~(u64)(FANOUT - 1); gfn <= last; gfn += FANOUT) {
		int ret = reserve_block(m, gfn);

		if (ret)
			return ret;
	}
	return 0;
}

/* Count a page that got its first reason (up) or lost its last one. */
static void recount(struct rd_prot_map *m, u64 gfn, bool up)
{
	struct rd_prot_node *n = m->root;

	for (;;) {
		WRITE_ONCE(n->nr, up ? n->nr + 1 : n->nr - 1);
		if (n->level == 1)
			break;
		n = n->child[index_of(gfn, n->level)];
	}
	WRITE_ONCE(m->nr, m->root->nr);
}

u8 rd_prot_map_set(struct rd_prot_map *m, u64 gfn, u8 reasons)
{
	u8 *p = &node_at(m, gfn, 1)->reasons[index_of(gfn, 1)];
	u8 old = *p;

	WRITE_ONCE(*p, old | reasons);
	if (!old && reasons)
		recount(m, gfn, true);
	return old;
}

u8 rd_prot_map_clear(struct rd_prot_map *m, u64 gfn, u8 reasons)
{
	struct rd_prot_node *n = node_at(m, gfn, 1);
	u8 *p, old;

	if (!n)
		return 0;
	p = &n->reasons[index_of(gfn, 1)];
	old = *p;
	WRITE_ONCE(*p, old & ~reasons);
	if (old && !(old & ~reasons))
		recount(m, gfn, false);
	return old;
}

/* No deeper than MAX_LEVEL. */
static void node_free(struct rd_prot_node *n)
{
	unsigned int i;

	if (!n)
		return;
	for (i = 0; n->level > 1 && i < FANOUT; i++)
		node_free(n->child[i]);
	rd_host_free(n);
}

void rd_prot_map_destroy(struct rd_prot_map *m)
{
	node_free(m->root);
	m->root = NULL;
	m->nr = 0;
	m->blocks = 0;
}
