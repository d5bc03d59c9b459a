// SPDX-License-Identifier: GPL-2.0-only
/* Edits one by one: byte ranges, what is refused, and that a refused edit changes nothing. */
#include "tests/unit/trace_tree/pool.h"
#include "tests/unit/trace_tree/trace_tree_tests.h"

#define GFN 0x4321ULL

static struct pool pool;
static struct rd_tree tree;
static struct rd_tree_hit hit;

static const struct rd_tree_mapping code = { .flags = RD_TREE_CODE, .action = 3, .tag = 0xabcd };
static const struct rd_tree_mapping data = { .flags = RD_TREE_RODATA, .action = 200, .tag = 1 };
static const struct rd_tree_bytes two[] = { { 16, 8, 100 }, { 4000, 96, 200 } };

static void setup(void)
{
	pool_start(&pool, &tree, 64);
}

static void teardown(void)
{
	pool_end(&pool);
}

static void check_tree(void)
{
	struct rd_tree_hit bad;

	ck_assert_int_eq(rd_tree_check(&tree, NULL, &bad), 0);
	ck_assert_uint_eq(tree.nodes, pool.live);
}

static void find(u64 gfn)
{
	ck_assert_int_eq(rd_tree_lookup(&tree, gfn, &hit), RD_TREE_MAPPED);
}

/* -1: not touched. */
static int touched(u64 gfn, u32 off, u32 len)
{
	u16 tag;
	int r;

	find(gfn);
	r = rd_tree_covers(&tree, &hit, off, len, &tag);
	ck_assert_int_ge(r, 0);
	return r ? tag : -1;
}

START_TEST(test_whole_page)
{
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, NULL, 0), 0);
	find(GFN);
	ck_assert(same_mapping(&hit, &code));
	ck_assert_int_eq(touched(GFN, 0, 1), 0xabcd);
	ck_assert_int_eq(touched(GFN, 4095, 1), 0xabcd);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &data, NULL, 0), -EEXIST);
	ck_assert_int_eq(rd_tree_change(&tree, GFN, &data), 0);
	find(GFN);
	ck_assert(same_mapping(&hit, &data));
	ck_assert_int_eq(rd_tree_change(&tree, GFN + 1, &data), -ENOENT);
	ck_assert_int_eq(rd_tree_remove(&tree, GFN + 1), -ENOENT);
	check_tree();
}
END_TEST

START_TEST(test_bytes_of_a_page)
{
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	check_tree();
	ck_assert_int_eq(touched(GFN, 0, 16), -1);
	ck_assert_int_eq(touched(GFN, 0, 17), 100);
	ck_assert_int_eq(touched(GFN, 23, 1), 100);
	ck_assert_int_eq(touched(GFN, 24, 3976), -1);
	ck_assert_int_eq(touched(GFN, 24, 3977), 200);
	ck_assert_int_eq(touched(GFN, 4095, 1), 200);
	ck_assert_int_eq(touched(GFN, 0, 4096), 100);
	/* A change keeps them. */
	ck_assert_int_eq(rd_tree_change(&tree, GFN, &data), 0);
	ck_assert_int_eq(touched(GFN, 24, 1), -1);
	ck_assert_int_eq(touched(GFN, 16, 1), 100);
	check_tree();
}
END_TEST

START_TEST(test_add_and_remove_ranges)
{
	static const struct rd_tree_bytes more[] = { { 8, 8, 1 }, { 24, 8, 2 }, { 0, 1, 3 } };
	static const struct rd_tree_bytes clash[] = {
		{ 7, 2, 0 },  { 15, 1, 0 },   { 0, 4096, 0 },
		{ 16, 8, 0 }, { 3999, 2, 0 }, { 31, 1, 0 },
	};
	unsigned int i;

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &more[i]), 0);
	check_tree();
	for (i = 0; i < ARRAY_SIZE(clash); i++)
		ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &clash[i]), -EEXIST);
	ck_assert_int_eq(touched(GFN, 0, 4096), 3);
	ck_assert_int_eq(touched(GFN, 1, 7), -1);
	ck_assert_int_eq(touched(GFN, 8, 8), 1);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 8, 7), -ENOENT);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 9, 8), -ENOENT);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 8, 8), 0);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 8, 8), -ENOENT);
	ck_assert_int_eq(touched(GFN, 8, 8), -1);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 4000, 96), 0);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 0, 1), 0);
	ck_assert_int_eq(touched(GFN, 0, 4096), 100);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 16, 8), 0);
	check_tree();
	/* The last one does not leave a page that is traced as a whole. */
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 24, 8), 1);
	ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_NONE);
	ck_assert_uint_eq(pool.live, 0);
}
END_TEST

START_TEST(test_set_ranges)
{
	static const struct rd_tree_bytes one = { 100, 1, 5 };

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, NULL, 0), 0);
	ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &one), -EEXIST);
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, two, 2), 0);
	ck_assert_int_eq(touched(GFN, 0, 1), -1);
	check_tree();
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, &one, 1), 0);
	ck_assert_int_eq(touched(GFN, 16, 8), -1);
	ck_assert_int_eq(touched(GFN, 100, 8), 5);
	check_tree();
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, NULL, 0), 0);
	ck_assert_int_eq(touched(GFN, 0, 1), 0xabcd);
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN + 1, NULL, 0), -ENOENT);
	check_tree();
}
END_TEST

START_TEST(test_what_the_format_cannot_hold)
{
	static const struct rd_tree_mapping bad = { .flags = 0x10 }, present = { .flags = 1 };
	static const struct rd_tree_bytes ranges[][2] = {
		{ { 0, 0, 0 }, { 8, 1, 0 } },    { { 0, 4097, 0 }, { 8, 1, 0 } },
		{ { 8, 8, 0 }, { 4096, 1, 0 } }, { { 8, 8, 0 }, { 4090, 7, 0 } },
		{ { 8, 8, 0 }, { 15, 1, 0 } },   { { 8, 8, 0 }, { 0, 1, 0 } },
		{ { 8, 8, 0 }, { 65535, 65535, 0 } },
	};
	static const struct rd_tree_bytes many[RD_TREE_RANGES + 1];
	unsigned int i;

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &bad, NULL, 0), -EINVAL);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &present, NULL, 0), -EINVAL);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, many, ARRAY_SIZE(many)), -EINVAL);
	ck_assert_int_eq(rd_tree_insert(&tree, 1ULL << 40, &code, NULL, 0), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, ranges[i], 2), -EINVAL);
	ck_assert_uint_eq(pool.allocs, 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	ck_assert_int_eq(rd_tree_change(&tree, GFN, &bad), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, ranges[i], 2), -EINVAL);
	ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &ranges[0][0]), -EINVAL);
	ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &ranges[1][0]), -EINVAL);
	check_tree();
}
END_TEST

/* --- refused edits --- */

static u8 before[64][RD_PAGE_SIZE];
static struct rd_tree tree_before;

static void remember(void)
{
	unsigned int i;

	tree_before = tree;
	for (i = 0; i < 64; i++)
		if (pool.page[i])
			memcpy(before[i], pool.page[i], RD_PAGE_SIZE);
}

static void check_unchanged(void)
{
	unsigned int i, n = 0;

	ck_assert_uint_eq(tree.root, tree_before.root);
	ck_assert_uint_eq(tree.nodes, tree_before.nodes);
	for (i = 0; i < 64; i++)
		if (pool.page[i]) {
			ck_assert_mem_eq(before[i], pool.page[i], RD_PAGE_SIZE);
			n++;
		}
	ck_assert_uint_eq(n, tree.nodes);
	check_tree();
}

/* Pages for which a tree with GFN in it needs so many nodes more. */
static const struct {
	u64 gfn;
	u32 nodes;
} far_pages[] = {
	{ GFN + 1, 0 }, { GFN ^ 0x100, 2 }, { GFN ^ 0x10000, 4 }, { GFN ^ 0x1000000, 6 },
	{ GFN ^ 0x100000000, 8 },
};

START_TEST(test_no_node_left)
{
	u64 gfn = far_pages[_i].gfn;
	u32 need = far_pages[_i].nodes;

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	remember();
	for (tree.max_nodes = 0; tree.max_nodes < 1 + need; tree.max_nodes++) {
		if (!need)
			break;
		ck_assert_int_eq(rd_tree_insert(&tree, gfn, &data, two, 2), -ENOSPC);
		check_unchanged();
	}
	ck_assert_int_eq(rd_tree_insert(&tree, gfn, &data, two, 2), 0);
	ck_assert_uint_eq(tree.nodes, 1 + need);
	check_tree();
}
END_TEST

START_TEST(test_no_page_left)
{
	u64 gfn = far_pages[_i].gfn;
	unsigned long nth;

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	remember();
	for (nth = 1; nth <= far_pages[_i].nodes; nth++) {
		pool.fail_alloc = nth;
		ck_assert_int_eq(rd_tree_insert(&tree, gfn, &data, two, 2), -ENOMEM);
		check_unchanged();
	}
	ck_assert_int_eq(rd_tree_insert(&tree, gfn, &data, two, 2), 0);
	check_tree();
}
END_TEST

/* A page that no entry could name. */
static int alloc_beyond(void *ctx, u64 *node)
{
	(void)ctx;
	*node = RD_TREE_GFNS;
	return 0;
}

static void free_beyond(void *ctx, u64 node)
{
	unsigned long *freed = ctx;

	ck_assert_uint_eq(node, RD_TREE_GFNS);
	++*freed;
}

START_TEST(test_page_beyond_the_format)
{
	struct rd_tree_ops ops = pool_ops;
	unsigned long freed = 0;

	ops.alloc = alloc_beyond;
	ops.free = free_beyond;
	rd_tree_init(&tree, &ops, &freed, 1, true);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, NULL, 0), -EINVAL);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(tree.nodes, 0);
}
END_TEST

START_TEST(test_no_range_left)
{
	struct rd_tree_bytes all[RD_TREE_RANGES];
	unsigned int i;

	for (i = 0; i < RD_TREE_RANGES; i++)
		all[i] = (struct rd_tree_bytes){ i * 16, 15, i };
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, all, RD_TREE_RANGES - 1), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 1, &data, NULL, 0), 0);
	remember();
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 2, &data, two, 2), -ENOSPC);
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN + 1, two, 2), -ENOSPC);
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, two, 2), -ENOSPC);
	check_unchanged();
	ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &all[RD_TREE_RANGES - 1]), 0);
	remember();
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 2, &data, two, 1), -ENOSPC);
	check_unchanged();
	for (i = 0; i < RD_TREE_RANGES; i++)
		ck_assert_int_eq(touched(GFN, i * 16, 16), (int)i);
	/* What was taken out is there for others. */
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 32, 15), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 2, &data, two, 1), 0);
	ck_assert_int_eq(rd_tree_remove(&tree, GFN), 0);
	check_tree();
	for (i = 0; i < 123; i++)
		ck_assert_int_eq(rd_tree_insert(&tree, GFN + 3 + i, &data, two, 2), 0);
	check_tree();
}
END_TEST

/* --- edits that fail half-way --- */

static const struct rd_tree_bytes *const third = (const struct rd_tree_bytes[]){ { 64, 4, 9 } };

static int edit(int which)
{
	switch (which) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		return rd_tree_insert(&tree, far_pages[which].gfn, &data, two, 2);
	case 5:
		return rd_tree_remove(&tree, GFN);
	case 6:
		return rd_tree_change(&tree, GFN, &data);
	case 7:
		return rd_tree_set_ranges(&tree, GFN, third, 1);
	case 8:
		return rd_tree_range_add(&tree, GFN, third);
	case 9:
		return rd_tree_range_remove(&tree, GFN, 16, 8);
	default:
		return rd_tree_remove(&tree, GFN ^ 0x200);
	}
}

/* What an edit without fault leaves behind. */
static void edited(int which, struct flat *f)
{
	struct flat_page *page = flat_find(f, GFN);

	if (which < 5)
		flat_put(f,
			 &(struct flat_page){ far_pages[which].gfn, data, { two[0], two[1] }, 2 });
	else if (which == 5)
		flat_remove(f, GFN);
	else if (which == 6)
		page->m = data;
	else if (which == 7)
		*page = (struct flat_page){ GFN, code, { third[0] }, 1 };
	else if (which == 8)
		*page = (struct flat_page){ GFN, code, { two[0], third[0], two[1] }, 3 };
	else if (which == 9)
		*page = (struct flat_page){ GFN, code, { two[1] }, 1 };
	else
		flat_remove(f, GFN ^ 0x200);
}

#define EDITS 11

static void start_edits(struct flat *f)
{
	pool_end(&pool);
	setup();
	f->n = 0;
	flat_put(f, &(struct flat_page){ GFN, code, { two[0], two[1] }, 2 });
	flat_put(f, &(struct flat_page){ GFN + 8, data, { two[0] }, 1 });
	flat_put(f, &(struct flat_page){ GFN ^ 0x200, data, { two[0] }, 1 });
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 8, &data, two, 1), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN ^ 0x200, &data, two, 1), 0);
}

static void check_flat(struct flat *f)
{
	struct rd_tree_hit bad;
	unsigned int i;

	for (i = 0; i < f->n; i++)
		ck_assert(says(&tree, f->page[i].gfn, &f->page[i]));
	for (i = 0; i < ARRAY_SIZE(far_pages); i++)
		ck_assert(says(&tree, far_pages[i].gfn, flat_find(f, far_pages[i].gfn)));
	ck_assert_int_eq(rd_tree_check(&tree, NULL, &bad), 0);
	ck_assert(!tree.editing);
	ck_assert_uint_eq(tree.nodes, pool.live);
}

/* Every write fails once: the edit is done or it is not, and the tree is sane. */
START_TEST(test_write_that_fails)
{
	static struct flat f;
	unsigned long nth;
	int err;

	for (nth = 1;; nth++) {
		start_edits(&f);
		pool.fail_write = nth;
		err = edit(_i);
		ck_assert(err == 0 || err == -EFAULT);
		if (!err)
			edited(_i, &f);
		if (pool.fail_write)
			break;
		check_flat(&f);
	}
	ck_assert_uint_ge(nth, 3);
	pool.fail_write = 0;
	check_flat(&f);
}
END_TEST

/* So does every read; nothing was written then. */
START_TEST(test_read_that_fails)
{
	static struct flat f;
	unsigned long nth;
	int err;

	for (nth = 1;; nth++) {
		start_edits(&f);
		remember();
		pool.fail_read = nth;
		err = edit(_i);
		if (pool.fail_read)
			break;
		if (!err)
			edited(_i, &f);
		else
			ck_assert_int_eq(err, -EIO);
		check_flat(&f);
		if (err)
			check_unchanged();
	}
	ck_assert_uint_ge(nth, 2);
}
END_TEST

/* An edit that was begun and not finished: to be read, but not to be built on. */
/* A root that others know stays what it is, whatever comes below it and goes. */
START_TEST(test_root_that_stays)
{
	static const u64 gfns[] = { 0, 0xff, 0x100, 0xffff, 0x10000, 0xffffff };
	unsigned int i;
	u64 root;

	tree.root_level = 2;
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	ck_assert_uint_eq(tree.nodes, 3);
	ck_assert_int_eq(touched(GFN, 20, 1), 100);
	root = tree.root;
	for (i = 0; i < ARRAY_SIZE(gfns); i++) {
		ck_assert_int_eq(rd_tree_insert(&tree, gfns[i], &data, NULL, 0), 0);
		ck_assert_uint_eq(tree.root, root);
		check_tree();
	}
	for (i = 0; i < ARRAY_SIZE(gfns); i++) {
		ck_assert_int_eq(rd_tree_remove(&tree, gfns[i]), 0);
		ck_assert_uint_eq(tree.root, root);
		check_tree();
	}
	ck_assert_uint_eq(tree.nodes, 3);
	ck_assert_int_eq(rd_tree_remove(&tree, GFN), 0);
	ck_assert_uint_eq(tree.root, RD_TREE_NO_NODE);
	check_tree();
}
END_TEST

START_TEST(test_unfinished_edit)
{
	static struct flat f;

	start_edits(&f);
	pool.fail_write = 3;
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, third, 1), -EFAULT);
	check_flat(&f);
	for (int which = 5; which < 10; which++)
		ck_assert_int_eq(edit(which), -EUCLEAN);
	ck_assert_int_eq(edit(0), -EUCLEAN);
	check_flat(&f);
	ck_assert_int_eq(edit(10), 0);
	edited(10, &f);
	check_flat(&f);
}
END_TEST

TCase *edit_tests(void)
{
	TCase *tc = tcase_create("edit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_whole_page);
	tcase_add_test(tc, test_bytes_of_a_page);
	tcase_add_test(tc, test_add_and_remove_ranges);
	tcase_add_test(tc, test_set_ranges);
	tcase_add_test(tc, test_what_the_format_cannot_hold);
	tcase_add_loop_test(tc, test_no_node_left, 0, ARRAY_SIZE(far_pages));
	tcase_add_loop_test(tc, test_no_page_left, 0, ARRAY_SIZE(far_pages));
	tcase_add_test(tc, test_page_beyond_the_format);
	tcase_add_test(tc, test_no_range_left);
	tcase_add_loop_test(tc, test_write_that_fails, 0, EDITS);
	tcase_add_loop_test(tc, test_read_that_fails, 0, EDITS);
	tcase_add_test(tc, test_root_that_stays);
	tcase_add_test(tc, test_unfinished_edit);
	return tc;
}
