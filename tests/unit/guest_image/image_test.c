// SPDX-License-Identifier: GPL-2.0-only
/*
 * The image of integrity mode, with a hypervisor around it that keeps a record of what is stopped
 * and what is a node. Each test is a process of its own, as each guest has an image of its own.
 * Invariant: the mode ends at an address that is no memory, and at a write to what is no node.
 */
#include <setjmp.h>
#include "tests/unit/unit.h"
#include "tools/guest/image.h"

#define PAGES 4096U
#define TEXT_GFN 0x100U /* the kernel's: 16 pages of code */
#define TEXT_PAGES 16U
#define NODES_AT 0x800U
#define HOLE 0x700U /* no memory */
#define LIST_GFN 0x600U
#define MODULES 0xffffffffc0000000ULL
#define TEXT 0xffffffff81000000ULL
#define SPARE_NODES 12U
#define ID 100U

static u8 memory[PAGES][4096];
static bool stopped[PAGES], node[PAGES];
static jmp_buf out;
static long result;
static bool inside, cut;
static u32 cut_at; /* the n-th call from here on ends the mode; 0: none */
static u64 node_list[64];

void *image_memory(u64 gpa)
{
	u64 gfn = gpa >> 12;

	if (inside && (gfn >= PAGES || gfn == HOLE)) {
		cut = true;
		longjmp(out, 1);
	}
	return &memory[gfn][gpa & 4095];
}

static long call_node(u64 gfn)
{
	if (gfn >= PAGES || gfn == HOLE)
		return -EFAULT;
	if (node[gfn])
		return -EEXIST;
	if (stopped[gfn])
		return -EBUSY;
	node[gfn] = true;
	return 0;
}

static void stop(u64 gfn, u64 n, bool on)
{
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_lt(gfn, PAGES);
	stopped[gfn] = on;
}

long image_hypercall(u64 nr, u64 first, u64 second)
{
	if (cut_at && !--cut_at) {
		cut = true;
		longjmp(out, 1);
	}
	switch (nr) {
	case RD_HC_MODE_LEAVE:
		result = first;
		longjmp(out, 1);
	case RD_HC_TRACE_PROTECT:
		if (first == HOLE)
			return -EFAULT;
		stop(first, second, true);
		return 0;
	case RD_HC_TRACE_UNPROTECT:
		stop(first, second, false);
		return 0;
	case RD_HC_TRACE_NODE:
		return call_node(first);
	case RD_HC_TRACE_DROP_NODE:
		ck_assert(node[first]);
		node[first] = false;
		return 0;
	default:
		ck_abort_msg("call %llx", (unsigned long long)nr);
	}
	return -ENOSYS;
}

static long enter(u64 op, u64 first, u64 second, u64 third)
{
	cut = false;
	inside = true;
	if (!setjmp(out))
		image_main(op, first, second, third);
	inside = false;
	return cut ? -EIO : result;
}

static long enter_list(u64 op, const void *from, u32 bytes, u32 n, u32 id)
{
	memcpy(memory[LIST_GFN], from, bytes);
	return enter(op, LIST_GFN << 12, n, id);
}

static long add_page(u64 gfn)
{
	return enter_list(MODE_AREA_PAGES, &gfn, sizeof(gfn), 1, ID);
}

/* The tree that the driver built: one path, to the first page of code. */
static void build_tree(void)
{
	static const u8 level[] = { 1, 0 };
	u32 i;

	for (i = 0; i < 2; i++) {
		struct rd_tree_header head = {
			.magic = RD_TREE_MAGIC,
			.version = RD_TREE_VERSION,
			.level = level[i],
			.count = i ? TEXT_PAGES : 1,
			.first = i ? TEXT_GFN : 0,
			.self = NODES_AT + i,
		};

		memcpy(memory[NODES_AT + i], &head, sizeof(head));
		node[NODES_AT + i] = true;
		node_list[i] = NODES_AT + i;
	}
	((u64 *)memory[NODES_AT])[256 + TEXT_GFN / 256] = (u64)(NODES_AT + 1) << 12 | 1;
	for (i = 0; i < TEXT_PAGES; i++) {
		((u64 *)memory[NODES_AT + 1])[256 + i] = 1 | RD_TREE_CODE | MODE_LIST_CODE << 8;
		stopped[TEXT_GFN + i] = true;
	}
}

static void setup(void)
{
	u32 i;

	build_tree();
	for (i = 2; i < 2 + SPARE_NODES; i++)
		node_list[i] = NODES_AT + i;
	memset(memory[NODES_AT + 2], 0xee, SPARE_NODES * 4096);
	image_setup.root = NODES_AT;
	image_setup.root_level = 1;
	image_setup.max_gfn = PAGES;
	image_setup.nodes = 2;
	image_setup.spare = SPARE_NODES;
	image_setup.node_at = (u64)node_list;
	image_setup.core = (struct judge_core){
		.text = TEXT,
		.text_end = TEXT + TEXT_PAGES * 4096,
		.text_gfn = TEXT_GFN,
		.modules = MODULES,
		.modules_end = MODULES + 0x1000000,
		.allow = RD_ALLOW_ALL,
	};
}

/* The tree is sane, and names what is stopped and nothing else; nodes are what is in it. */
static void check_all(void)
{
	struct rd_tree_hit hit;
	u32 i, nodes = 0;

	ck_assert_int_eq(rd_tree_check(&image_tree, NULL, &hit), 0);
	ck_assert_uint_eq(image_tree.root, NODES_AT);
	for (i = 0; i < PAGES; i++) {
		bool named = rd_tree_lookup(&image_tree, i, &hit) == RD_TREE_MAPPED;

		if (named != stopped[i])
			ck_abort_msg("page %x is %s", i, named ? "not stopped" : "not named");
		nodes += node[i];
	}
	ck_assert_uint_eq(nodes, image_tree.nodes);
}

START_TEST(test_area)
{
	static const u64 gfn[] = { 0xa00, 0x123, 0xfff, 0x300 };
	struct judge_site site = { JUDGE_SITE(0x10, JUDGE_FTRACE), 0 };
	static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0, 0 };
	u32 i;

	memcpy(&memory[0xa00][0x10], nop5, 5);
	ck_assert_int_eq(enter(MODE_SPARE, 0, 0, 0), SPARE_NODES);
	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, MODULES, 1), 0);
	ck_assert_int_eq(enter_list(MODE_AREA_PAGES, gfn, sizeof(gfn), 4, ID), 4);
	ck_assert_int_eq(enter_list(MODE_AREA_SITES, &site, sizeof(site), 1, ID), 0);
	ck_assert_int_eq(enter(MODE_AREA_CLOSE, ID, 0, 0), 0);
	check_all();
	for (i = 0; i < 4; i++)
		ck_assert(stopped[gfn[i]]);
	ck_assert_int_eq(enter(RD_MODE_JUDGE, 0xa00010, 1, 0xcc), 1);
	memory[0xa00][0x10] = 0xcc;
	ck_assert_int_eq(enter(RD_MODE_JUDGE, 0xa00010, 1, 0x90), 0);
	ck_assert_int_eq(enter(RD_MODE_JUDGE, TEXT_GFN << 12, 1, 0xcc), 1);
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, ID, 3, 0), 1);
	check_all();
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, ID, 3, 0), 0);
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, ID, 3, 0), -ENOENT);
	check_all();
	ck_assert_uint_eq(image_tree.nodes, 2);
	ck_assert_int_eq(enter(MODE_SPARE, 0, 0, 0), SPARE_NODES);
}
END_TEST

/* The kernel's own pages, nodes, and pages of an area are in the tree, and stay as they are. */
START_TEST(test_pages_that_are_taken)
{
	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, MODULES, 1), 0);
	ck_assert_int_eq(add_page(TEXT_GFN + 3), -EEXIST);
	ck_assert_int_eq(add_page(NODES_AT), -EEXIST);
	ck_assert_int_eq(add_page(0), -EINVAL);
	ck_assert_int_eq(add_page(PAGES), -EINVAL);
	ck_assert_int_eq(add_page(HOLE), -EFAULT);
	ck_assert_int_eq(add_page(0x300), 1);
	ck_assert_int_eq(add_page(0x300), -EEXIST);
	check_all();
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, ID, ~0ULL, 0), 0);
	check_all();
	ck_assert(stopped[TEXT_GFN + 3]);
}
END_TEST

START_TEST(test_own_area_stays)
{
	u64 gfn = 0x300;

	ck_assert_int_eq(enter(MODE_AREA_OPEN, 1, MODULES, 1), 0);
	ck_assert_int_eq(enter_list(MODE_AREA_PAGES, &gfn, sizeof(gfn), 1, 1), 1);
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, 1, 1, 0), -EPERM);
	ck_assert_int_eq(enter(MODE_AREA_CLOSE, 1, 0, 0), 0);
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, 1, 1, 0), -EPERM);
	check_all();
}
END_TEST

START_TEST(test_wrong_arguments)
{
	u64 at = (u64)LIST_GFN << 12;

	ck_assert_int_eq(enter(0, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(enter(MODE_ADD_GDTS + 1, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_OPEN, 1ULL << 32, MODULES, 1), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, MODULES, 2), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, TEXT, 1), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, at, 1, ID), -ENOENT);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, at, 0, ID), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, at, 513, ID), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, at, ~0ULL, ID), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, at + 8, 512, ID), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, (u64)PAGES << 12, 1, ID), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, ~0ULL - 7, 1, ID), -EINVAL);
	ck_assert_int_eq(enter(MODE_AREA_PAGES, at, 1ULL << 61, ID), -EINVAL);
	/* No memory: the mode ends, and nothing else. */
	ck_assert_int_eq(enter(MODE_AREA_PAGES, HOLE << 12, 1, ID), -EIO);
	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, MODULES, 1), 0);
	ck_assert_int_eq(add_page(0x300), 1);
	check_all();
}
END_TEST

/* Nodes that are offered: what is guarded or no memory is of no use, and does no harm. */
START_TEST(test_nodes)
{
	u64 bad[] = { TEXT_GFN, NODES_AT, HOLE }, good[32], zero = 0;
	u32 i, at = 0x2c0;

	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, MODULES, 0), 0);
	ck_assert_int_eq(enter_list(MODE_ADD_NODES, &zero, 8, 1, 0), -EINVAL);
	ck_assert_int_eq(enter_list(MODE_ADD_NODES, bad, sizeof(bad), 3, 0), SPARE_NODES + 3);
	/* A leaf for each: until there are too few spare ones. */
	while (add_page(at) == 1)
		at += 0x100;
	ck_assert_int_eq(add_page(at), -ENOMEM);
	check_all();
	for (i = 0; i < 32; i++)
		good[i] = NODES_AT + 64 + i;
	ck_assert_int_gt(enter_list(MODE_ADD_NODES, good, sizeof(good), 32, 0), 32);
	while (at < PAGES) {
		ck_assert_int_eq(add_page(at), 1);
		at += 0x100;
	}
	check_all();
	ck_assert(!node[TEXT_GFN] && !node[HOLE]);
}
END_TEST

/* The fixed part of a descriptor table is guarded, once and for ever; the rest is not. */
START_TEST(test_gdt)
{
	u64 gfn[] = { 0x300, 0x301, 0 };
	struct rd_tree_hit hit;
	u16 tag;

	ck_assert_int_eq(enter_list(MODE_ADD_GDTS, gfn, sizeof(gfn), 3, 0), 2);
	ck_assert_int_eq(enter_list(MODE_ADD_GDTS, gfn, sizeof(gfn), 1, 0), -EEXIST);
	ck_assert_int_eq(enter_list(MODE_ADD_GDTS, &gfn[2], 8, 1, 0), -EINVAL);
	check_all();
	ck_assert_int_eq(rd_tree_lookup(&image_tree, 0x301, &hit), RD_TREE_MAPPED);
	ck_assert_int_eq(rd_tree_covers(&image_tree, &hit, MODE_GDT_BYTES - 1, 8, &tag), 1);
	ck_assert_int_eq(rd_tree_covers(&image_tree, &hit, MODE_GDT_BYTES, 8, &tag), 0);
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, ID, 1, 0), -ENOENT);
}
END_TEST

/* Cut off in the middle of an edit: no edit follows, but the judge judges on. */
START_TEST(test_cut_off)
{
	ck_assert_int_eq(enter(MODE_AREA_OPEN, ID, MODULES, 1), 0);
	cut_at = 2;
	ck_assert_int_eq(add_page(0x300), -EIO);
	cut_at = 0;
	ck_assert_int_eq(add_page(0x400), -EUCLEAN);
	ck_assert_int_eq(enter(MODE_AREA_REMOVE, ID, 1, 0), -EUCLEAN);
	ck_assert_int_eq(enter(RD_MODE_JUDGE, TEXT_GFN << 12, 1, 0xcc), 1);
	ck_assert_int_eq(enter(RD_MODE_JUDGE, (TEXT_GFN << 12) + 8, 2, 0x1234), 0);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("guest_image");
	TCase *tc = tcase_create("image");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_area);
	tcase_add_test(tc, test_pages_that_are_taken);
	tcase_add_test(tc, test_own_area_stays);
	tcase_add_test(tc, test_wrong_arguments);
	tcase_add_test(tc, test_nodes);
	tcase_add_test(tc, test_gdt);
	tcase_add_test(tc, test_cut_off);
	suite_add_tcase(s, tc);
	return s;
}
