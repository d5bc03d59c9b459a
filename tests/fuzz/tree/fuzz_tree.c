// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write-trace tree that is edited at random, and then damaged at random.
 * Invariant checked: before the damage the tree is sane and says what a flat list says; after it,
 * readers and editors end after a bounded number of reads, read no page but the tree's own, and
 * what lies on paths without damage is still answered right.
 */
#define POOL_MAX 128U /* few, for every input starts with a pool of its own */

#include "tests/fuzz/input.h"
#include "tests/unit/trace_tree/pool.h"

#define MAPPINGS 96U            /* not more at a time */
#define NODES 120U
#define PATH_WORDS (POOL_MAX / 64)

/* Reads of one call at most, from the format: headers, entries, lists of ranges. */
#define LOOKUP_READS (2UL * RD_TREE_LEVELS)
#define CHAIN_READS (RD_TREE_RANGES + 1UL)
#define COVERS_READS (RD_TREE_TRIES * (CHAIN_READS + 1 + LOOKUP_READS))
#define NODE_READS (RD_TREE_WAYS + 1UL + RD_TREE_WAYS / 8 + RD_TREE_RANGES / 8)
#define CHECK_READS (NODES * (NODE_READS + RD_TREE_WAYS + CHAIN_READS))
#define NEXT_READS ((RD_TREE_LEVELS + 1UL + RD_TREE_TRIES) * (LOOKUP_READS + 33 * RD_TREE_LEVELS))
/* An edit: descents, a list read several times, ranges and entries searched, roots that shrink. */
#define EDIT_READS (2 * LOOKUP_READS + 4 * CHAIN_READS + 32 + 4UL * RD_TREE_LEVELS * 40)

static struct pool pool;
static struct rd_tree tree;
static struct flat flat;

/* The nodes that a question went through. */
struct trail {
	u64 nodes[PATH_WORDS];
};

/* Places of mappings, each of 16 pages; the page behind them is never mapped. */
static const u64 places[] = { 0, 0x100, 0xff00, 0x10000, 0x7654300, 0x2000000000, 0xffffffff00 };

static struct trail trail, damaged;
static struct trail nobodys[ARRAY_SIZE(places)];
static struct trail trails[MAPPINGS];   /* of the flat list's pages */

static void note(struct pool *p, u64 node)
{
	unsigned int i = pool_index(p, node);

	if (i < POOL_MAX)
		trail.nodes[i / 64] |= 1ULL << (i % 64);
}

static bool meet(const struct trail *a, const struct trail *b)
{
	return (a->nodes[0] & b->nodes[0]) || (a->nodes[1] & b->nodes[1]);
}

static void bounded(unsigned long limit)
{
	if (pool.reads > limit)
		fuzz_die("a call reads more than it may");
	pool.reads = 0;
}

/* --- edits --- */

static u64 take_gfn(void)
{
	u8 place = take();

	if (place < 250)
		return places[place % ARRAY_SIZE(places)] + take() % 16;
	return take_n(6) | 15;
}

static void take_page(struct flat_page *page)
{
	unsigned int i, end = 0;

	page->m = (struct rd_tree_mapping){ take() & RD_TREE_FLAGS, take(), take_n(2) };
	page->n = take() % (FLAT_RANGES + 1);
	for (i = 0; i < page->n; i++) {
		struct rd_tree_bytes *r = &page->range[i];

		*r = (struct rd_tree_bytes){ end + take(), 1 + take() * 2, take() };
		end = (unsigned int)r->start + r->len;
	}
}

static void expect(int got, int want)
{
	if (got != want)
		fuzz_die("an edit has another result than it should");
}

static void try_insert(struct flat_page *page, const struct flat_page *old)
{
	int r = rd_tree_insert(&tree, page->gfn, &page->m, page->range, page->n);

	if (page->gfn >= RD_TREE_GFNS)
		return expect(r, -EINVAL);
	if (old)
		return expect(r, -EEXIST);
	/* No node, or no page for it. */
	if (r == -ENOSPC || r == -ENOMEM)
		return;
	expect(r, 0);
	flat_put(&flat, page);
}

static void try_remove(u64 gfn, const struct flat_page *old)
{
	expect(rd_tree_remove(&tree, gfn), old ? 0 : -ENOENT);
	flat_remove(&flat, gfn);
}

static void try_change(struct flat_page *page, struct flat_page *old)
{
	expect(rd_tree_change(&tree, page->gfn, &page->m), old ? 0 : -ENOENT);
	if (old)
		old->m = page->m;
}

static void try_set_ranges(struct flat_page *page, struct flat_page *old)
{
	int r = rd_tree_set_ranges(&tree, page->gfn, page->range, page->n);

	expect(r, old ? 0 : -ENOENT);
	if (old) {
		memcpy(old->range, page->range, sizeof(page->range));
		old->n = page->n;
	}
}

/* One range more, at its place in the list. */
static void try_add(struct flat_page *page, struct flat_page *old)
{
	struct rd_tree_bytes *r = &page->range[0];
	unsigned int at;
	u16 tag;

	if (!page->n || (old && old->n == FLAT_RANGES))
		return;
	if (!old)
		return expect(rd_tree_range_add(&tree, page->gfn, r), -ENOENT);
	if (flat_covers(old, r->start, r->len, &tag))
		return expect(rd_tree_range_add(&tree, page->gfn, r), -EEXIST);
	expect(rd_tree_range_add(&tree, page->gfn, r), 0);
	for (at = old->n++; at && old->range[at - 1].start > r->start; at--)
		old->range[at] = old->range[at - 1];
	old->range[at] = *r;
}

static void try_take(u64 gfn, struct flat_page *old)
{
	struct rd_tree_bytes r = { take_n(2) % RD_PAGE_SIZE, 1 + take(), 0 };
	unsigned int at = take() % FLAT_RANGES;

	if (!old || at >= old->n)
		return expect(rd_tree_range_remove(&tree, gfn, r.start, 0), -ENOENT);
	r = old->range[at];
	expect(rd_tree_range_remove(&tree, gfn, r.start, r.len), old->n == 1);
	if (old->n == 1)
		return flat_remove(&flat, gfn);
	old->n--;
	memmove(&old->range[at], &old->range[at + 1], (old->n - at) * sizeof(r));
}

static void edit(void)
{
	u8 what = take();
	struct flat_page page = { .gfn = take_gfn() }, *old = flat_find(&flat, page.gfn);

	take_page(&page);
	pool.fail_alloc = what >= 0xf0 ? what & 3 : 0;
	if (what % 16 < 8 && flat.n < MAPPINGS)
		try_insert(&page, old);
	else if (what % 16 < 11)
		try_remove(page.gfn, old);
	else if (what % 16 < 12)
		try_change(&page, old);
	else if (what % 16 < 13)
		try_set_ranges(&page, old);
	else if (what % 16 < 15)
		try_add(&page, old);
	else
		try_take(page.gfn, old);
	bounded(EDIT_READS);
}

/* --- a sane tree --- */

static void check_covers(const struct flat_page *page)
{
	u32 off = take_n(2) % RD_PAGE_SIZE, len = 1 + take();
	u16 tag = 0, want = 0;
	struct rd_tree_hit hit;
	int r;

	if (pool_is_node(&pool, page->gfn))
		return;
	if (rd_tree_lookup(&tree, page->gfn, &hit) != RD_TREE_MAPPED)
		fuzz_die("a mapping is lost");
	r = rd_tree_covers(&tree, &hit, off, len, &tag);
	if (r != flat_covers(page, off, len, &want) || (r && tag != want))
		fuzz_die("a write touches something else");
	bounded(LOOKUP_READS + CHAIN_READS + 1);
}

/* All mappings in order: as many as in the list, and each in the list. */
static void check_order(void)
{
	struct rd_tree_hit hit = { .gfn = U64_MAX };
	unsigned int i;

	for (i = 0; i < flat.n; i++) {
		u64 from = hit.gfn + 1;

		if (rd_tree_next(&tree, from, &hit) != RD_TREE_MAPPED || hit.gfn < from ||
		    !flat_find(&flat, hit.gfn))
			fuzz_die("the next mapping is another");
		bounded(NEXT_READS);
	}
	if (rd_tree_next(&tree, hit.gfn + 1, &hit) != RD_TREE_NONE)
		fuzz_die("a mapping too many");
	bounded(NEXT_READS);
}

static void check_sane(void)
{
	struct rd_tree_hit hit;
	unsigned int i;

	pool.read_only = true;
	if (rd_tree_check(&tree, NULL, &hit))
		fuzz_die("a tree is corrupt that nobody has damaged");
	if (tree.nodes != pool.live || tree.editing || (!flat.n && pool.live))
		fuzz_die("nodes are left");
	bounded(CHECK_READS);
	for (i = 0; i < flat.n; i++) {
		trail = (struct trail){ { 0 } };
		if (!says(&tree, flat.page[i].gfn, &flat.page[i]))
			fuzz_die("a lookup says something else");
		bounded(LOOKUP_READS + CHAIN_READS);
		trails[i] = trail;
	}
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		trail = (struct trail){ { 0 } };
		if (!says(&tree, places[i] + 16, NULL))
			fuzz_die("a page is mapped that should not be");
		bounded(LOOKUP_READS);
		nobodys[i] = trail;
	}
	if (flat.n)
		check_covers(&flat.page[take() % flat.n]);
	check_order();
	pool.read_only = false;
}

/* --- a damaged tree --- */

static u64 any_node(void)
{
	unsigned int i = take() % POOL_MAX, k;

	for (k = 0; k < POOL_MAX; k++)
		if (pool.page[(i + k) % POOL_MAX])
			return pool_node((i + k) % POOL_MAX);
	return RD_TREE_NO_NODE;
}

/* What would be believed most easily: a link to another node, a number that is nearly right. */
static void damage_word(u8 *page, u64 node)
{
	u8 how = take();
	u32 at = how & 1 ? rd_tree_entry_at(how & 2 ? take() : take() % 16) :
			   8 * (how & 2 ? take() : take() % 16);
	u64 word;

	memcpy(&word, page + at, sizeof(word));
	if (how >= 0xc0)
		word = take_n(8);
	else if (how >= 0x80)
		word = any_node() << RD_TREE_CHILD_SHIFT | RD_TREE_PRESENT;
	else if (how >= 0x40)
		word ^= 1ULL << (take() & 63);
	else if (how >= 0x30)
		word = 0;
	else
		word += (u64)take() - 128;
	memcpy(page + at, &word, sizeof(word));
	note(&pool, node);
}

static void damage(void)
{
	u64 node = any_node(), other = any_node();

	if (node == RD_TREE_NO_NODE)
		return;
	if (take() < 0xf0) {
		damage_word(pool_page(&pool, node), node);
	} else {
		memcpy(pool_page(&pool, node), pool_page(&pool, other), RD_PAGE_SIZE);
		note(&pool, node);
	}
}

static void ask_damaged(u64 gfn)
{
	struct rd_tree_hit hit;
	u16 tag;

	if (rd_tree_lookup(&tree, gfn, &hit) == RD_TREE_MAPPED) {
		bounded(LOOKUP_READS);
		rd_tree_covers(&tree, &hit, take_n(2) & 4095, 8, &tag);
		bounded(COVERS_READS);
	}
	bounded(LOOKUP_READS);
	rd_tree_next(&tree, gfn, &hit);
	bounded(NEXT_READS);
}

static void check_damaged(void)
{
	struct rd_tree_hit hit;
	unsigned int i;
	int r;

	pool.read_only = true;
	r = rd_tree_check(&tree, NULL, &hit);
	if (r && (r != -EUCLEAN || !hit.why))
		fuzz_die("damage has no name");
	bounded(CHECK_READS);
	for (i = 0; i < flat.n; i++) {
		const struct flat_page *page = &flat.page[i];

		if (!meet(&trails[i], &damaged) && !says(&tree, page->gfn, page))
			fuzz_die("damage elsewhere changes an answer");
		pool.reads = 0;
		ask_damaged(page->gfn);
	}
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (!meet(&nobodys[i], &damaged) && !says(&tree, places[i] + 16, NULL))
			fuzz_die("damage elsewhere makes a mapping");
		pool.reads = 0;
		ask_damaged(places[i] + 16);
	}
	ask_damaged(take_gfn());
	pool.read_only = false;
}

/* An edit of a damaged tree may do what it likes to the answers, but not to the number of pages. */
static void edit_damaged(void)
{
	struct flat_page page = { .gfn = take_gfn() };

	if (flat.n && take() & 1)
		page.gfn = flat.page[take() % flat.n].gfn;
	take_page(&page);
	switch (take() % 6) {
	case 0:
		rd_tree_insert(&tree, page.gfn, &page.m, page.range, page.n);
		break;
	case 1:
		rd_tree_remove(&tree, page.gfn);
		break;
	case 2:
		rd_tree_change(&tree, page.gfn, &page.m);
		break;
	case 3:
		rd_tree_set_ranges(&tree, page.gfn, page.range, page.n);
		break;
	case 4:
		rd_tree_range_add(&tree, page.gfn, page.range);
		break;
	default:
		rd_tree_range_remove(&tree, page.gfn, page.range[0].start, page.range[0].len);
	}
	bounded(EDIT_READS);
	if (tree.nodes != pool.live || tree.editing || pool.live > NODES)
		fuzz_die("an edit loses count of its nodes");
}

/* Bytes that change under the reader, at every read. */
static void shake(struct pool *p, u64 node)
{
	damage_word(pool_page(p, node), node);
}

static void ask_shaking(void)
{
	struct rd_tree_hit hit;

	pool.on_read = shake;
	while (fuzz_more()) {
		ask_damaged(take_gfn());
		rd_tree_check(&tree, NULL, &hit);
		bounded(CHECK_READS);
	}
	pool.on_read = note;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i, n;

	fuzz_begin(data, size);
	pool_start(&pool, &tree, NODES);
	pool.on_read = note;
	flat.n = 0;
	n = take() / 4;
	for (i = 0; i < n && fuzz_more(); i++)
		edit();
	pool.fail_alloc = 0;
	check_sane();
	trail = (struct trail){ { 0 } };
	n = take() % 8;
	for (i = 0; i < n && pool.live; i++)
		damage();
	damaged = trail;
	if (n && pool.live)
		check_damaged();
	for (i = take() % 16; i && fuzz_more(); i--)
		edit_damaged();
	if (pool.live)
		ask_shaking();
	pool_end(&pool);
	return 0;
}
