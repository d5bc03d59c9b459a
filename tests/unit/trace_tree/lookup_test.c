// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookups against a flat list, in trees of all sizes; how a tree grows and shrinks; how much of it
 * a lookup reads.
 */
#include "tests/unit/trace_tree/pool.h"
#include "tests/unit/trace_tree/trace_tree_tests.h"

/* The window of the flat table, 4 GiB of guest somewhere above. */
#define WINDOW 0x100000ULL
#define WINDOW_AT 0x12300000ULL

static struct pool pool;
static struct rd_tree tree;
static u32 table[WINDOW]; /* what is mapped there: 0, or 1 + a number that makes the mapping */

static void setup(void)
{
	pool_start(&pool, &tree, POOL_MAX);
	memset(table, 0, sizeof(table));
}

static void teardown(void)
{
	pool_end(&pool);
}

static struct flat_page page_of(u64 gfn, u32 number)
{
	static const u8 flags[] = { 0, RD_TREE_CODE, RD_TREE_RODATA, RD_TREE_FLAGS };

	return (struct flat_page){ .gfn = gfn,
				   .m = { .flags = flags[number % 4],
					  .action = number >> 2,
					  .tag = number >> 4 } };
}

static void insert(u64 gfn, u32 number)
{
	struct flat_page page = page_of(gfn, number);

	ck_assert_int_eq(rd_tree_insert(&tree, gfn, &page.m, NULL, 0), 0);
}

static void check_tree(void)
{
	struct rd_tree_hit hit;

	ck_assert_int_eq(rd_tree_check(&tree, NULL, &hit), 0);
	ck_assert_uint_eq(tree.nodes, pool.live);
	ck_assert(!tree.editing);
}

/* Every page of the part that is used, and some behind it. */
static void check_window(u64 pages)
{
	u64 i;

	pool.read_only = true;
	for (i = 0; i < min(pages + 1000, WINDOW); i++) {
		struct flat_page want = page_of(WINDOW_AT + i, table[i]);

		if (!says(&tree, WINDOW_AT + i, table[i] ? &want : NULL))
			ck_abort_msg("page %llx is wrong", (unsigned long long)(WINDOW_AT + i));
	}
	pool.read_only = false;
}

/* The mappings in order are the table's, and a walk tells of as many. */
static void check_order(unsigned int n)
{
	struct rd_tree_hit hit = { .gfn = -1ULL };
	u64 last = 0;

	for (; n; n--) {
		ck_assert_int_eq(rd_tree_next(&tree, hit.gfn + 1, &hit), RD_TREE_MAPPED);
		ck_assert_uint_ge(hit.gfn, last);
		ck_assert(table[hit.gfn - WINDOW_AT]);
		last = hit.gfn + 1;
	}
	ck_assert_int_eq(rd_tree_next(&tree, hit.gfn + 1, &hit), RD_TREE_NONE);
}

/* Around what fits a leaf, and a large one: everything is found, then everything taken out. */
static const unsigned int sizes[] = { 1, 254, 255, 256, 257, 100000 };

static void fill_and_empty(unsigned int n, u64 spread)
{
	u64 state = 0x9e3779b97f4a7c15ULL, i;
	unsigned int k;

	for (k = 0; k < n;) {
		i = next_random(&state) % spread;
		if (table[i])
			continue;
		table[i] = ++k;
		insert(WINDOW_AT + i, table[i]);
	}
	check_tree();
	check_window(spread);
	check_order(n);
	/* Half of them, in another order. */
	for (k = 0; k < n / 2;) {
		i = next_random(&state) % spread;
		if (!table[i])
			continue;
		table[i] = 0;
		ck_assert_int_eq(rd_tree_remove(&tree, WINDOW_AT + i), 0);
		k++;
	}
	check_tree();
	check_window(spread);
	check_order(n - n / 2);
	for (i = 0; i < spread; i++)
		if (table[i])
			ck_assert_int_eq(rd_tree_remove(&tree, WINDOW_AT + i), 0);
	ck_assert_uint_eq(tree.root, RD_TREE_NO_NODE);
	ck_assert_uint_eq(pool.live, 0);
	check_tree();
}

START_TEST(test_sparse)
{
	fill_and_empty(sizes[_i], sizes[_i] < 1000 ? 0x4000 : WINDOW);
}
END_TEST

START_TEST(test_dense)
{
	fill_and_empty(sizes[_i], sizes[_i] + sizes[_i] / 16 + 1);
}
END_TEST

START_TEST(test_empty_tree)
{
	struct rd_tree_hit hit;

	ck_assert_int_eq(rd_tree_lookup(&tree, 0, &hit), RD_TREE_NONE);
	ck_assert_int_eq(rd_tree_lookup(&tree, U64_MAX, &hit), RD_TREE_NONE);
	ck_assert_int_eq(rd_tree_next(&tree, 0, &hit), RD_TREE_NONE);
	ck_assert_int_eq(rd_tree_remove(&tree, 0), -ENOENT);
	ck_assert_uint_eq(pool.reads, 0);
	check_tree();
}
END_TEST

static unsigned int root_level(void)
{
	return pool_page(&pool, tree.root)[offsetof(struct rd_tree_header, level)];
}

/*
 * The root spans what is mapped and no more: with two mapped pages, the highest byte in which their
 * numbers differ is its level.
 */
START_TEST(test_root_grows_and_shrinks)
{
	static const u64 far[] = { 0x55, 0x5500, 0x550000, 0x55000000, 0x5500000000 };
	u64 near = 0x4411223344ULL;
	int level;

	insert(near, 1);
	ck_assert_uint_eq(root_level(), 0);
	ck_assert_uint_eq(pool.live, 1);
	for (level = 0; level < RD_TREE_LEVELS; level++) {
		u64 gfn = near ^ far[level];

		insert(gfn, 2);
		check_tree();
		ck_assert_uint_eq(root_level(), level);
		ck_assert_uint_eq(pool.live, 2 * level + 1);
		ck_assert_int_eq(rd_tree_remove(&tree, level % 2 ? near : gfn), 0);
		check_tree();
		ck_assert_uint_eq(root_level(), 0);
		ck_assert_uint_eq(pool.live, 1);
		near = level % 2 ? gfn : near;
	}
}
END_TEST

START_TEST(test_last_page_of_all)
{
	struct rd_tree_mapping m = { .flags = RD_TREE_CODE };
	struct rd_tree_hit hit;

	insert(RD_TREE_GFNS - 1, 7);
	insert(0, 8);
	check_tree();
	ck_assert_int_eq(rd_tree_next(&tree, 1, &hit), RD_TREE_MAPPED);
	ck_assert_uint_eq(hit.gfn, RD_TREE_GFNS - 1);
	ck_assert_int_eq(rd_tree_next(&tree, RD_TREE_GFNS, &hit), RD_TREE_NONE);
	ck_assert_int_eq(rd_tree_lookup(&tree, RD_TREE_GFNS, &hit), RD_TREE_NONE);
	ck_assert_int_eq(rd_tree_insert(&tree, RD_TREE_GFNS, &m, NULL, 0), -EINVAL);
}
END_TEST

/* One header and one entry per level, whatever else is mapped. */
START_TEST(test_reads_of_a_lookup)
{
	struct rd_tree_hit hit;
	unsigned int i;

	for (i = 0; i < 1000; i++)
		insert((u64)i << 16 | i, i);
	insert(1ULL << 39, 1);
	ck_assert_uint_eq(root_level(), RD_TREE_LEVELS - 1);
	pool.reads = 0;
	ck_assert_int_eq(rd_tree_lookup(&tree, 77ULL << 16 | 77, &hit), RD_TREE_MAPPED);
	ck_assert_uint_eq(pool.reads, 2 * RD_TREE_LEVELS);
	pool.reads = 0;
	ck_assert_int_eq(rd_tree_lookup(&tree, 1ULL << 38, &hit), RD_TREE_NONE);
	ck_assert_uint_eq(pool.reads, 2);
}
END_TEST

/* The question whether the page is a node comes first, mapped or not. */
START_TEST(test_nodes_answer_first)
{
	struct rd_tree_hit hit;
	u64 root, reads;

	insert(0x1234, 1);
	root = tree.root;
	insert(root, 2);
	reads = pool.reads;
	ck_assert_int_eq(rd_tree_lookup(&tree, root, &hit), RD_TREE_NODE);
	ck_assert_uint_eq(hit.node, root);
	ck_assert_uint_eq(hit.gfn, root);
	ck_assert_int_eq(rd_tree_lookup(&tree, tree.root, &hit), RD_TREE_NODE);
	ck_assert_uint_eq(pool.reads, reads);
	tree.guard_nodes = false;
	ck_assert_int_eq(rd_tree_lookup(&tree, root, &hit), RD_TREE_MAPPED);
	ck_assert_int_eq(rd_tree_lookup(&tree, tree.root, &hit), RD_TREE_NONE);
}
END_TEST

struct counter {
	struct rd_tree_visitor v;
	unsigned int nodes, mappings, stop_at;
	u64 last;
};

static int count_node(struct rd_tree_visitor *v, u64 node, const struct rd_tree_header *head)
{
	struct counter *c = container_of(v, struct counter, v);

	ck_assert(pool_is_node(&pool, node));
	ck_assert_uint_eq(head->self, node);
	c->nodes++;
	return 0;
}

static int count_mapping(struct rd_tree_visitor *v, const struct rd_tree_hit *hit)
{
	struct counter *c = container_of(v, struct counter, v);

	ck_assert_uint_ge(hit->gfn, c->last);
	c->last = hit->gfn + 1;
	return ++c->mappings == c->stop_at ? 77 : 0;
}

START_TEST(test_visitor)
{
	struct counter c = { .v = { count_node, count_mapping } };
	struct rd_tree_hit hit;
	unsigned int i;

	for (i = 0; i < 300; i++)
		insert((u64)i * 1001, i);
	ck_assert_int_eq(rd_tree_check(&tree, &c.v, &hit), 0);
	ck_assert_uint_eq(c.nodes, pool.live);
	ck_assert_uint_eq(c.mappings, 300);
	c = (struct counter){ .v = { NULL, count_mapping }, .stop_at = 10 };
	ck_assert_int_eq(rd_tree_check(&tree, &c.v, &hit), 77);
	ck_assert_uint_eq(c.mappings, 10);
}
END_TEST

TCase *lookup_tests(void)
{
	TCase *tc = tcase_create("lookup");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_sparse, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(tc, test_dense, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tc, test_empty_tree);
	tcase_add_test(tc, test_root_grows_and_shrinks);
	tcase_add_test(tc, test_last_page_of_all);
	tcase_add_test(tc, test_reads_of_a_lookup);
	tcase_add_test(tc, test_nodes_answer_first);
	tcase_add_test(tc, test_visitor);
	return tc;
}
