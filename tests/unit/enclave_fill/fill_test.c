// SPDX-License-Identifier: GPL-2.0-only
/* The tables of a vCPU inside an enclave, walked as the CPU walks them. */
#include "enclave/fill.h"
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/gwalk_walk.h"

#define BASE 0xffffff0000ULL

static struct rd_fills f;
static struct rd_paging paging;

static bool mem_read(void *ctx, u64 gpa, unsigned int size, u64 *val)
{
	u64 off = gpa - BASE;

	(void)ctx;
	ck_assert_uint_lt(off, RD_FILL_TABLES * RD_PAGE_SIZE);
	*val = 0;
	memcpy(val, (u8 *)f.table[off / RD_PAGE_SIZE] + off % RD_PAGE_SIZE, size);
	return true;
}

/* No exchange: a walk that would set a bit dies. */
static const struct rd_gwalk_io io = { .read = mem_read };

static void setup(unsigned int levels)
{
	struct rd_paging_regs r = { .cr0 = BIT_ULL(31) | BIT_ULL(16),
				    .cr3 = BASE,
				    .cr4 = BIT_ULL(5) | (levels == 5 ? BIT_ULL(12) : 0),
				    .efer = BIT_ULL(10) | BIT_ULL(11),
				    .cpl = 3 };

	rd_shim_reset();
	ck_assert_int_eq(rd_fills_init(&f, BASE), 0);
	rd_fills_levels(&f, levels);
	rd_paging_set(&paging, &r, 52, true);
}

static u64 reach(u64 linear, unsigned int acc)
{
	struct rd_gwalk_acc a = { .user = true,
				  .write = acc & RD_ACC_WRITE,
				  .fetch = acc & RD_ACC_FETCH };
	u64 gpa = 0;
	u32 error;

	return rd_gwalk(&paging, &a, &io, NULL, linear, &gpa, &error, false) ? ~0ULL : gpa;
}

static void says(u64 la, u64 gpa, bool write, bool exec)
{
	ck_assert_uint_eq(reach(la + 5, RD_ACC_READ), gpa + 5);
	ck_assert_uint_eq(reach(la, RD_ACC_WRITE), write ? gpa : ~0ULL);
	ck_assert_uint_eq(reach(la, RD_ACC_FETCH), exec ? gpa : ~0ULL);
}

START_TEST(test_put)
{
	u64 high = _i == 5 ? 1ULL << 55 : 0x7fffffff0000;

	setup(_i);
	ck_assert_uint_eq(reach(0x1000, RD_ACC_READ), ~0ULL);
	ck_assert(rd_fills_put(&f, 0x1000, 0x100000000, false, false));
	ck_assert(rd_fills_put(&f, 0x2abc, 0x200000abc, true, false));
	ck_assert(rd_fills_put(&f, high, 0x300000000, false, true));
	says(0x1000, 0x100000000, false, false);
	says(0x2000, 0x200000000, true, false);
	says(high, 0x300000000, false, true);
	ck_assert_uint_eq(reach(0x3000, RD_ACC_READ), ~0ULL);
	ck_assert_uint_eq(reach(0, RD_ACC_READ), ~0ULL);
	/* More of the same page adds up; another page begins anew. */
	ck_assert(rd_fills_put(&f, high, 0x300000000, true, false));
	says(high, 0x300000000, true, true);
	ck_assert(rd_fills_put(&f, high, 0x300001000, false, false));
	says(high, 0x300001000, false, false);
	rd_fills_clear(&f);
	ck_assert_uint_eq(reach(0x1000, RD_ACC_READ), ~0ULL);
	ck_assert_uint_eq(reach(0x2000, RD_ACC_READ), ~0ULL);
	ck_assert_uint_eq(reach(high, RD_ACC_READ), ~0ULL);
	rd_fills_destroy(&f);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

/* More pages than are noted, in more tables than there are. */
START_TEST(test_many)
{
	unsigned int round, i;

	setup(4);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 3 * RD_FILL_NOTED; i++)
			ck_assert(rd_fills_put(&f, 0x40000000 + i * 4096ULL,
					       0x100000000 + i * 4096ULL, i & 1, i & 2));
		for (i = 0; i < 3 * RD_FILL_NOTED; i++)
			says(0x40000000 + i * 4096ULL, 0x100000000 + i * 4096ULL, i & 1, i & 2);
		rd_fills_clear(&f);
		for (i = 0; i < 3 * RD_FILL_NOTED; i++)
			ck_assert_uint_eq(reach(0x40000000 + i * 4096ULL, RD_ACC_READ), ~0ULL);
	}
	for (i = 0; rd_fills_put(&f, (u64)i << 31, 0x1000, true, true); i++)
		ck_assert_uint_lt(i, RD_FILL_TABLES);
	rd_fills_clear(&f);
	ck_assert(rd_fills_put(&f, (u64)i << 31, 0x1000, true, true));
	says((u64)i << 31, 0x1000, true, true);
	ck_assert_uint_eq(reach(0, RD_ACC_READ), ~0ULL);
	rd_fills_destroy(&f);
}
END_TEST

/* One page goes, with all its rights; its neighbours stay. */
START_TEST(test_drop)
{
	setup(_i);
	ck_assert(rd_fills_put(&f, 0x1000, 0x100000000, true, false));
	ck_assert(rd_fills_put(&f, 0x2000, 0x200000000, true, false));
	ck_assert(rd_fills_put(&f, 0x2000, 0x200000000, false, true));
	ck_assert(rd_fills_put(&f, 0x40000000, 0x300000000, true, true));
	rd_fills_drop(&f, 0x2abc);
	ck_assert_uint_eq(reach(0x2000, RD_ACC_READ), ~0ULL);
	says(0x1000, 0x100000000, true, false);
	says(0x40000000, 0x300000000, true, true);
	/* What is not there, with and without tables that lead to it. */
	rd_fills_drop(&f, 0x2000);
	rd_fills_drop(&f, 0x5000);
	rd_fills_drop(&f, 0x7fffffff0000);
	ck_assert(rd_fills_put(&f, 0x2000, 0x200000000, false, false));
	says(0x2000, 0x200000000, false, false);
	rd_fills_clear(&f);
	ck_assert_uint_eq(reach(0x2000, RD_ACC_READ), ~0ULL);
	ck_assert_uint_eq(reach(0x1000, RD_ACC_READ), ~0ULL);
	rd_fills_destroy(&f);
}
END_TEST

START_TEST(test_levels)
{
	setup(4);
	ck_assert(rd_fills_put(&f, 0x1000, 0x100000000, true, true));
	rd_fills_levels(&f, 4);
	says(0x1000, 0x100000000, true, true);
	rd_fills_levels(&f, 5);
	rd_fills_levels(&f, 4);
	ck_assert_uint_eq(reach(0x1000, RD_ACC_READ), ~0ULL);
	rd_fills_destroy(&f);
}
END_TEST

START_TEST(test_no_memory)
{
	rd_shim_reset();
	rd_shim_fail_alloc(_i + 1);
	ck_assert_int_eq(rd_fills_init(&f, BASE), -ENOMEM);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_fill");
	TCase *t = tcase_create("fill");

	tcase_add_loop_test(t, test_put, 4, 6);
	tcase_add_test(t, test_many);
	tcase_add_loop_test(t, test_drop, 4, 6);
	tcase_add_test(t, test_levels);
	tcase_add_loop_test(t, test_no_memory, 0, RD_FILL_TABLES);
	suite_add_tcase(s, t);
	return s;
}
