// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every kind of damage to a tree, as lookups and as the full walk report it; and the control: a
 * tree that does not guard its own pages can be made to forget.
 */
#include "tests/unit/trace_tree/pool.h"
#include "tests/unit/trace_tree/trace_tree_tests.h"

/* Paths of four nodes that have the root in common; the first leaf has two more mappings. */
#define GFN 0x10000ULL
#define OTHER 0x2000000ULL
#define LEAF 3

static struct pool pool;
static struct rd_tree tree;
static struct rd_tree_path path, other; /* to GFN and OTHER */

static const struct rd_tree_mapping code = { .flags = RD_TREE_CODE, .tag = 1 };
static const struct rd_tree_bytes two[] = { { 16, 8, 100 }, { 4000, 96, 200 } };

static void setup(void)
{
	struct rd_tree_hit hit;

	pool_start(&pool, &tree, POOL_MAX);
	/* GFN has the ranges 1 and 2, GFN + 2 has 3 and 4. */
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, two, 2), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, OTHER, &code, NULL, 0), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 1, &code, NULL, 0), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 2, &code, two, 2), 0);
	ck_assert_int_eq(rd_tree_descend(&tree, GFN, &path, &hit), RD_TREE_MAPPED);
	ck_assert_int_eq(rd_tree_descend(&tree, OTHER, &other, &hit), RD_TREE_MAPPED);
	ck_assert_uint_eq(path.used, LEAF + 1);
	ck_assert_uint_eq(pool.live, 7);
	ck_assert_int_eq(rd_tree_check(&tree, NULL, &hit), 0);
}

static void teardown(void)
{
	pool_end(&pool);
}

static struct rd_tree_header *head(unsigned int depth)
{
	return (void *)pool_page(&pool, path.node[depth]);
}

/* Of the path to GFN. */
static u64 *entry(unsigned int depth)
{
	return (void *)(pool_page(&pool, path.node[depth]) +
			rd_tree_entry_at(rd_tree_index(GFN, path.head[depth].level)));
}

static struct rd_tree_range *range(unsigned int number)
{
	return (void *)(pool_page(&pool, path.node[LEAF]) + rd_tree_range_at(number));
}

static void link_child(unsigned int depth, u64 child)
{
	*entry(depth) = child << RD_TREE_CHILD_SHIFT | RD_TREE_PRESENT;
}

/* --- the damages; each says at which depth it is to be found --- */

static int root_magic(void)
{
	head(0)->magic ^= 1;
	return 0;
}

static int leaf_magic(void)
{
	head(LEAF)->magic = 0;
	return LEAF;
}

static int version(void)
{
	head(1)->version++;
	return 1;
}

static int level_too_high(void)
{
	head(0)->level = RD_TREE_LEVELS;
	return 0;
}

static int level_skipped(void)
{
	link_child(0, path.node[2]);
	return 2;
}

static int level_repeated(void)
{
	head(2)->level = 2;
	head(2)->first = 0;
	return 2;
}

static int loop_to_root(void)
{
	link_child(2, path.node[0]);
	return 0;
}

static int loop_to_self(void)
{
	link_child(1, path.node[1]);
	return 1;
}

static int first_of_another(void)
{
	head(LEAF)->first += RD_TREE_WAYS;
	return LEAF;
}

static int first_unaligned(void)
{
	head(0)->first = 1;
	return 0;
}

static int first_too_high(void)
{
	head(0)->first = RD_TREE_GFNS;
	return 0;
}

/* A page of the tree from another place. */
static int shared_child(void)
{
	link_child(2, other.node[LEAF]);
	return -1;
}

static int self(void)
{
	head(2)->self++;
	return 2;
}

static int foreign_root(void)
{
	tree.root = 0x1234;
	return -2;
}

static int foreign_child(void)
{
	link_child(1, path.node[2] + 1);
	return -2;
}

static int count_zero(void)
{
	head(LEAF)->count = 0;
	return LEAF;
}

static int count_too_high(void)
{
	head(1)->count = RD_TREE_WAYS + 1;
	return 1;
}

static int reserved(void)
{
	head(1)->reserved[3] = 1;
	return 1;
}

static int entry_reserved(void)
{
	*entry(0) |= 1 << 5;
	return 0;
}

static int child_too_high(void)
{
	*entry(0) |= 1ULL << 52;
	return 0;
}

static int leaf_entry_reserved(void)
{
	*entry(LEAF) |= 1ULL << 40;
	return LEAF;
}

static int not_present_not_zero(void)
{
	*entry(LEAF) &= ~RD_TREE_PRESENT;
	return LEAF;
}

static int range_too_high(void)
{
	*entry(LEAF) |= RD_TREE_RANGE_MASK;
	return LEAF;
}

/* From here on a lookup of the page alone is no wiser. */

static int range_empty(void)
{
	range(1)->len = 0;
	return LEAF;
}

static int range_too_long(void)
{
	range(2)->len++;
	return LEAF;
}

static int ranges_overlap(void)
{
	range(2)->start = 23;
	return LEAF;
}

static int ranges_in_a_circle(void)
{
	range(2)->next = 1;
	return LEAF;
}

static int ranges_of_another(void)
{
	range(1)->next = 4;
	return LEAF;
}

static int range_number(void)
{
	range(2)->next = RD_TREE_RANGES + 1;
	return LEAF;
}

/* And from here on one of the mapping is not. */

static int range_lost(void)
{
	range(1)->next = 0;
	return LEAF;
}

static int count_high(void)
{
	head(LEAF)->count++;
	return LEAF;
}

static int count_low(void)
{
	head(LEAF)->count--;
	return LEAF;
}

static int count_high_while_edited(void)
{
	head(LEAF)->count += 2;
	head(LEAF)->generation++;
	return LEAF;
}

static int ranges_above_leaves(void)
{
	head(0)[3].reserved[0] = 1;
	return 0;
}

static int subtree_cut_off(void)
{
	u64 *e = (void *)(pool_page(&pool, path.node[0]) + rd_tree_entry_at(2));

	*e = 0;
	head(0)->count--;
	return 0;
}

static int one_node_more(void)
{
	tree.nodes--;
	return -1;
}

/* The first in this order that finds it; the full walk always does. */
enum finder { LOOKUP, COVERS, CHECK };

static const struct damage {
	int (*do_it)(void);
	enum rd_tree_why why;
	enum finder finder;
} damages[] = {
	{ root_magic, RD_TREE_BAD_MAGIC, LOOKUP },
	{ leaf_magic, RD_TREE_BAD_MAGIC, LOOKUP },
	{ version, RD_TREE_BAD_VERSION, LOOKUP },
	{ level_too_high, RD_TREE_BAD_LEVEL, LOOKUP },
	{ level_skipped, RD_TREE_BAD_LEVEL, LOOKUP },
	{ level_repeated, RD_TREE_BAD_LEVEL, LOOKUP },
	{ loop_to_root, RD_TREE_LOOP, LOOKUP },
	{ loop_to_self, RD_TREE_LOOP, LOOKUP },
	{ first_of_another, RD_TREE_BAD_FIRST, LOOKUP },
	{ first_unaligned, RD_TREE_BAD_FIRST, LOOKUP },
	{ first_too_high, RD_TREE_BAD_FIRST, LOOKUP },
	{ shared_child, RD_TREE_BAD_FIRST, LOOKUP },
	{ self, RD_TREE_BAD_SELF, LOOKUP },
	{ foreign_root, RD_TREE_FOREIGN, LOOKUP },
	{ foreign_child, RD_TREE_FOREIGN, LOOKUP },
	{ count_zero, RD_TREE_BAD_COUNT, LOOKUP },
	{ count_too_high, RD_TREE_BAD_COUNT, LOOKUP },
	{ reserved, RD_TREE_BAD_BITS, LOOKUP },
	{ entry_reserved, RD_TREE_BAD_BITS, LOOKUP },
	{ child_too_high, RD_TREE_BAD_BITS, LOOKUP },
	{ leaf_entry_reserved, RD_TREE_BAD_BITS, LOOKUP },
	{ not_present_not_zero, RD_TREE_BAD_BITS, LOOKUP },
	{ range_too_high, RD_TREE_BAD_RANGE, LOOKUP },
	{ range_empty, RD_TREE_BAD_RANGE, COVERS },
	{ range_too_long, RD_TREE_BAD_RANGE, COVERS },
	{ ranges_overlap, RD_TREE_BAD_RANGE, COVERS },
	{ ranges_in_a_circle, RD_TREE_BAD_RANGE, COVERS },
	{ ranges_of_another, RD_TREE_BAD_RANGE, COVERS },
	{ range_number, RD_TREE_BAD_RANGE, COVERS },
	{ range_lost, RD_TREE_BAD_RANGE, CHECK },
	{ count_high, RD_TREE_BAD_COUNT, CHECK },
	{ count_low, RD_TREE_BAD_COUNT, CHECK },
	{ count_high_while_edited, RD_TREE_BAD_COUNT, CHECK },
	{ ranges_above_leaves, RD_TREE_BAD_RANGE, CHECK },
	{ subtree_cut_off, RD_TREE_TOO_FEW, CHECK },
	{ one_node_more, RD_TREE_TOO_MANY, CHECK },
};

static void check_place(int depth, const struct rd_tree_hit *hit)
{
	if (depth >= 0)
		ck_assert_uint_eq(hit->node, path.node[depth]);
	else if (depth == -2)
		ck_assert(!pool_is_node(&pool, hit->node));
}

START_TEST(test_lookup_finds)
{
	const struct damage *d = &damages[_i];
	int depth = d->do_it(), r;
	struct rd_tree_hit hit;
	u16 tag;

	r = rd_tree_lookup(&tree, GFN, &hit);
	if (d->finder == LOOKUP) {
		ck_assert_int_eq(r, RD_TREE_CORRUPT);
		ck_assert_uint_eq(hit.why, d->why);
		check_place(depth, &hit);
		ck_assert_int_eq(rd_tree_next(&tree, GFN, &hit), RD_TREE_CORRUPT);
		ck_assert_uint_eq(hit.why, d->why);
		return;
	}
	ck_assert_int_eq(r, RD_TREE_MAPPED);
	/* The last byte of the page is in the second range: the list is read to its end. */
	r = rd_tree_covers(&tree, &hit, 24, 8, &tag);
	if (d->finder == COVERS && d->do_it != range_number && d->do_it != ranges_in_a_circle) {
		ck_assert_int_eq(r, -EUCLEAN);
		ck_assert_uint_eq(hit.why, d->why);
		check_place(depth, &hit);
	} else {
		ck_assert_int_eq(r, 0);
	}
}
END_TEST

START_TEST(test_check_finds)
{
	const struct damage *d = &damages[_i];
	int depth = d->do_it();
	struct rd_tree_hit hit;

	ck_assert_int_eq(rd_tree_check(&tree, NULL, &hit), -EUCLEAN);
	ck_assert_uint_eq(hit.why, d->why);
	check_place(depth, &hit);
}
END_TEST

/* Edits go nowhere that a lookup would not go, and change nothing there. */
START_TEST(test_edit_refuses)
{
	const struct damage *d = &damages[_i];

	d->do_it();
	if (d->finder == CHECK)
		return;
	pool.read_only = true;
	ck_assert_int_eq(rd_tree_remove(&tree, GFN), -EUCLEAN);
	ck_assert_int_eq(rd_tree_change(&tree, GFN, &code), -EUCLEAN);
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, two, 1), -EUCLEAN);
	ck_assert_int_eq(rd_tree_range_add(&tree, GFN, &(struct rd_tree_bytes){ 0, 8, 0 }),
			 -EUCLEAN);
	ck_assert_int_eq(rd_tree_range_remove(&tree, GFN, 16, 8), -EUCLEAN);
	if (d->finder == LOOKUP)
		ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, NULL, 0), -EUCLEAN);
}
END_TEST

/* A page that cannot be read: each read in turn. */
START_TEST(test_unreadable)
{
	struct rd_tree_hit hit;
	unsigned long nth;
	u16 tag;
	int r;

	for (nth = 1; nth <= 8; nth++) {
		pool.fail_read = nth;
		ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_CORRUPT);
		ck_assert_uint_eq(hit.why, RD_TREE_UNREADABLE);
		ck_assert_uint_eq(hit.node, path.node[(nth - 1) / 2]);
	}
	for (nth = 1; nth <= 3; nth++) {
		ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_MAPPED);
		pool.fail_read = nth;
		ck_assert_int_eq(rd_tree_covers(&tree, &hit, 4000, 1, &tag), -EIO);
		ck_assert_uint_eq(hit.why, RD_TREE_UNREADABLE);
	}
	for (nth = 1;; nth++) {
		pool.fail_read = nth;
		r = rd_tree_check(&tree, NULL, &hit);
		if (pool.fail_read)
			break;
		ck_assert_int_eq(r, -EIO);
		ck_assert_uint_eq(hit.why, RD_TREE_UNREADABLE);
		ck_assert(pool_is_node(&pool, hit.node));
	}
	ck_assert_uint_gt(nth, 7 * 64);
}
END_TEST

/* A node with no entry in use, which a search for the next mapping would have to go through. */
START_TEST(test_empty_node)
{
	struct rd_tree_hit hit;

	*(u64 *)(void *)(pool_page(&pool, other.node[2]) + rd_tree_entry_at(0)) = 0;
	ck_assert_int_eq(rd_tree_next(&tree, GFN + 3, &hit), RD_TREE_CORRUPT);
	ck_assert_uint_eq(hit.why, RD_TREE_BAD_COUNT);
	ck_assert_uint_eq(hit.node, other.node[2]);
}
END_TEST

/* A count that lies: no other mapping goes with the one removed, and no entry is made too much. */
START_TEST(test_count_that_lies)
{
	head(LEAF)->count = 1;
	pool.read_only = true;
	ck_assert_int_eq(rd_tree_remove(&tree, GFN), -EUCLEAN);
	head(LEAF)->count = RD_TREE_WAYS;
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 3, &code, NULL, 0), -EUCLEAN);
}
END_TEST

/* --- the drill, with the guard and without --- */

/* The owner's view of a write: may it land? */
static bool write_lands(u64 gfn)
{
	struct rd_tree_hit hit;

	return rd_tree_lookup(&tree, gfn, &hit) == RD_TREE_NONE;
}

/* Take the mapping out of the leaf, then write to the page. */
static bool drill(void)
{
	if (write_lands(path.node[LEAF])) {
		*entry(LEAF) = 0;
		head(LEAF)->count--;
	}
	return write_lands(GFN);
}

START_TEST(test_drill)
{
	ck_assert(!write_lands(GFN));
	ck_assert(!drill());
	ck_assert_uint_eq(head(LEAF)->count, 3);
	tree.guard_nodes = false;
	ck_assert(!write_lands(GFN));
	ck_assert(drill());
}
END_TEST

TCase *corrupt_tests(void)
{
	TCase *tc = tcase_create("corrupt");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_lookup_finds, 0, ARRAY_SIZE(damages));
	tcase_add_loop_test(tc, test_check_finds, 0, ARRAY_SIZE(damages));
	tcase_add_loop_test(tc, test_edit_refuses, 0, ARRAY_SIZE(damages));
	tcase_add_test(tc, test_unreadable);
	tcase_add_test(tc, test_empty_node);
	tcase_add_test(tc, test_count_that_lies);
	tcase_add_test(tc, test_drill);
	return tc;
}
