// SPDX-License-Identifier: GPL-2.0-only
/*
 * What readers see while somebody edits: after every single write of random edits, and between the
 * reads of one question.
 */
#include "tests/unit/trace_tree/pool.h"
#include "tests/unit/trace_tree/trace_tree_tests.h"

static struct pool pool;
static struct rd_tree tree;

static void setup(void)
{
	pool_start(&pool, &tree, POOL_MAX);
}

static void teardown(void)
{
	pool_end(&pool);
}

/* --- after every write --- */

static struct flat flat;                /* without the page that is being edited */
static struct flat_page was, will_be;   /* that page; n of NOT_MAPPED: it has no mapping */
static unsigned long looks;

#define NOT_MAPPED 99

static const struct flat_page *mapped(const struct flat_page *page)
{
	return page->n == NOT_MAPPED ? NULL : page;
}

/* All mappings in order: each that is not edited must come. */
static void check_order(void)
{
	struct rd_tree_hit hit = { .gfn = -1ULL };
	unsigned int n = 0;

	while (rd_tree_next(&tree, hit.gfn + 1, &hit) == RD_TREE_MAPPED)
		n += hit.gfn != was.gfn;
	ck_assert_uint_eq(hit.why, RD_TREE_SANE);
	ck_assert_uint_eq(n, flat.n);
}

static void look(struct pool *p, u64 node)
{
	struct rd_tree_hit hit;
	unsigned int i;

	(void)p;
	(void)node;
	if (rd_tree_check(&tree, NULL, &hit))
		ck_abort_msg("corrupt: %u at %llx", hit.why, (unsigned long long)hit.node);
	for (i = 0; i < flat.n; i++)
		ck_assert(says(&tree, flat.page[i].gfn, &flat.page[i]));
	ck_assert(says(&tree, was.gfn, mapped(&was)) || says(&tree, was.gfn, mapped(&will_be)));
	check_order();
	looks++;
}

/* A few pages next to each other, in places that are far from each other. */
static u64 random_gfn(u64 *state)
{
	static const u64 places[] = { 0, 0x100, 0x1ff00, 0x7654300, 0x2000000000, 0xffffffff00 };
	u64 r = next_random(state);

	return places[r % ARRAY_SIZE(places)] + (r >> 8) % 9;
}

static void random_page(u64 *state, struct flat_page *page)
{
	u64 r = next_random(state);
	unsigned int i;

	page->m.flags = r & RD_TREE_FLAGS;
	page->m.action = r >> 8;
	page->m.tag = r >> 16;
	page->n = (r >> 32) % (FLAT_RANGES + 1);
	for (i = 0; i < page->n; i++, r >>= 4)
		page->range[i] =
			(struct rd_tree_bytes){ i * 1024 + (r & 7), 1 + (r & 1023) / 2, r };
}

/* The range that begins the list, taken out or put in. */
static int edit_first_range(bool add)
{
	if (add) {
		memmove(will_be.range + 1, will_be.range, 3 * sizeof(will_be.range[0]));
		will_be.range[0] = (struct rd_tree_bytes){ 0, 1, 77 };
		will_be.n++;
		return rd_tree_range_add(&tree, was.gfn, will_be.range);
	}
	memmove(will_be.range, will_be.range + 1, 3 * sizeof(will_be.range[0]));
	will_be.n--;
	return rd_tree_range_remove(&tree, was.gfn, was.range[0].start, was.range[0].len);
}

static int random_edit(u64 *state)
{
	u64 r = next_random(state);

	will_be = was;
	if (was.n == NOT_MAPPED) {
		random_page(state, &will_be);
		return rd_tree_insert(&tree, was.gfn, &will_be.m, will_be.range, will_be.n);
	}
	if (r % 8 < 4) {
		will_be.n = NOT_MAPPED;
		return rd_tree_remove(&tree, was.gfn);
	}
	if (was.n > 1 && r % 8 < 6)
		return edit_first_range(false);
	if (was.n && was.n < FLAT_RANGES && was.range[0].start)
		return edit_first_range(true);
	random_page(state, &will_be);
	if (r & 8) {
		will_be.m = was.m;
		return rd_tree_set_ranges(&tree, was.gfn, will_be.range, will_be.n);
	}
	memcpy(will_be.range, was.range, sizeof(was.range));
	will_be.n = was.n;
	return rd_tree_change(&tree, was.gfn, &will_be.m);
}

START_TEST(test_sane_after_every_write)
{
	u64 state = 0x1234567 + (u64)_i;
	struct flat_page *old;
	unsigned int i;

	flat.n = 0;
	looks = 0;
	pool.on_write = look;
	for (i = 0; i < 400; i++) {
		was.gfn = random_gfn(&state);
		old = flat_find(&flat, was.gfn);
		was.n = NOT_MAPPED;
		if (old)
			was = *old;
		flat_remove(&flat, was.gfn);
		ck_assert_int_eq(random_edit(&state), 0);
		ck_assert(says(&tree, was.gfn, mapped(&will_be)));
		if (mapped(&will_be))
			flat_put(&flat, &will_be);
	}
	ck_assert_uint_gt(looks, 1000);
	was.gfn = RD_TREE_GFNS;
	was.n = NOT_MAPPED;
	look(&pool, 0);
	pool.on_write = NULL;
	while (flat.n) {
		ck_assert_int_eq(rd_tree_remove(&tree, flat.page[0].gfn), 0);
		flat_remove(&flat, flat.page[0].gfn);
	}
	ck_assert_uint_eq(pool.live, 0);
}
END_TEST

/* --- between the reads of one question --- */

#define GFN 0x4321ULL

static const struct rd_tree_mapping code = { .flags = RD_TREE_CODE, .tag = 1 };
/* Taking turns: each range lies where the other list has none. */
static const struct rd_tree_bytes odd[] = { { 64, 64, 11 }, { 192, 64, 12 }, { 320, 64, 13 } };
static const struct rd_tree_bytes even[] = { { 0, 64, 21 }, { 128, 64, 22 }, { 256, 64, 23 } };
static unsigned long edit_at;           /* after how many more reads */
static bool edit_again;                 /* and after each one that follows */
static unsigned int edits;

static void edit_meanwhile(struct pool *p, u64 node)
{
	(void)node;
	if (edit_at && --edit_at)
		return;
	p->on_read = NULL;
	/* What was given back is used again at once, by another page. */
	ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, edits % 2 ? odd : even, 3), 0);
	if (edits)
		ck_assert_int_eq(rd_tree_remove(&tree, GFN + 1), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 1, &code, edits % 2 ? even : odd, 3), 0);
	edits++;
	if (edit_again)
		p->on_read = edit_meanwhile;
}

START_TEST(test_edit_between_two_reads)
{
	unsigned int old = 0;
	unsigned long nth;
	struct rd_tree_hit hit;
	u16 tag;
	int r;

	for (nth = 1; nth < 12; nth++) {
		teardown();
		setup();
		edits = 0;
		ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, odd, 3), 0);
		ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_MAPPED);
		edit_at = nth;
		edit_again = false;
		pool.on_read = edit_meanwhile;
		r = rd_tree_covers(&tree, &hit, 300, 64, &tag);
		ck_assert_int_eq(r, 1);
		old += tag == 13;
		ck_assert(tag == 13 || tag == 23);
		if (!edits)
			break;
	}
	ck_assert_uint_gt(nth, 3);
	/* The old answer is right when the edit came after the last read, or not at all. */
	ck_assert_uint_eq(old, 2);
}
END_TEST

START_TEST(test_edits_without_end)
{
	struct rd_tree_hit hit;
	u16 tag;

	edits = 0;
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, odd, 3), 0);
	ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_MAPPED);
	edit_at = 0;
	edit_again = true;
	pool.on_read = edit_meanwhile;
	ck_assert_int_eq(rd_tree_covers(&tree, &hit, 300, 64, &tag), -EUCLEAN);
	ck_assert_uint_eq(hit.why, RD_TREE_RESTLESS);
}
END_TEST

/* The mapping goes while its ranges are read. */
static void remove_meanwhile(struct pool *p, u64 node)
{
	(void)node;
	p->on_read = NULL;
	ck_assert_int_eq(rd_tree_remove(&tree, GFN), 0);
}

START_TEST(test_mapping_goes)
{
	struct rd_tree_hit hit;
	u16 tag;

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, odd, 3), 0);
	ck_assert_int_eq(rd_tree_insert(&tree, GFN + 1, &code, odd, 3), 0);
	ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_MAPPED);
	pool.on_read = remove_meanwhile;
	ck_assert_int_eq(rd_tree_covers(&tree, &hit, 0, 4096, &tag), 0);
}
END_TEST

/* Looks up after one write of an edit, and asks for the ranges after each later one. */
static struct rd_tree_hit early;
static unsigned int look_at;

static void straddle(struct pool *p, u64 node)
{
	struct rd_tree_hit hit;
	u16 tag;

	(void)p;
	(void)node;
	if (look_at && !--look_at)
		ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &early), RD_TREE_MAPPED);
	if (look_at)
		return;
	hit = early;
	ck_assert_int_eq(rd_tree_covers(&tree, &hit, 300, 64, &tag), 1);
	ck_assert(tag == 13 || tag == 23);
	edits++;
}

START_TEST(test_edit_between_lookup_and_ranges)
{
	unsigned int nth;

	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, even, 3), 0);
	pool.on_write = straddle;
	for (nth = 1;; nth++) {
		look_at = nth;
		edits = 0;
		ck_assert_int_eq(rd_tree_set_ranges(&tree, GFN, nth % 2 ? odd : even, 3), 0);
		if (!edits)
			break;
	}
	/* Generation, three ranges, entry, three ranges, generation. */
	ck_assert_uint_eq(nth, 10);
}
END_TEST

/* Two ranges that lead to each other, and move on whenever they were read. */
static void lead_on(struct pool *p, u64 node)
{
	static const u8 next[] = { 0, 2, 1 };
	u8 *page = pool_page(p, node);
	unsigned int i;

	edits++;
	for (i = 1; i <= 2; i++)
		memcpy(page + rd_tree_range_at(i),
		       &(struct rd_tree_range){ edits, 1, next[i], rd_tree_index(GFN, 0), 0 },
		       sizeof(struct rd_tree_range));
}

START_TEST(test_ranges_without_end)
{
	struct rd_tree_hit hit;
	struct rd_tree_chain c;
	unsigned int n = 0;
	int r;

	edits = 0;
	ck_assert_int_eq(rd_tree_insert(&tree, GFN, &code, odd, 2), 0);
	ck_assert_int_eq(rd_tree_lookup(&tree, GFN, &hit), RD_TREE_MAPPED);
	lead_on(&pool, hit.node);
	pool.on_read = lead_on;
	rd_tree_chain_start(&c, &hit);
	while ((r = rd_tree_chain_next(&tree, &c)) == 1)
		n++;
	ck_assert_int_eq(r, -EUCLEAN);
	ck_assert_uint_eq(n, RD_TREE_RANGES);
}
END_TEST

TCase *reader_tests(void)
{
	TCase *tc = tcase_create("reader");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_sane_after_every_write, 0, 6);
	tcase_add_test(tc, test_edit_between_two_reads);
	tcase_add_test(tc, test_edits_without_end);
	tcase_add_test(tc, test_mapping_goes);
	tcase_add_test(tc, test_edit_between_lookup_and_ranges);
	tcase_add_test(tc, test_ranges_without_end);
	return tc;
}
