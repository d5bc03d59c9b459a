// SPDX-License-Identifier: GPL-2.0-only
/* The page tables of integrity mode, walked as the CPU walks them. */
#include "tests/unit/unit.h"
#include "vmm/gwalk_walk.h"
#include "vmm/mode_tables.h"

#define FIRST_GFN 0xfffff0000ULL
#define PAGES 300
#define CODE 17

static u64 memory[RD_MODE_TABLES][512];
static u64 image[PAGES];
static struct rd_paging paging;

static bool mem_read(void *ctx, u64 gpa, unsigned int size, u64 *val)
{
	u64 off = gpa - (FIRST_GFN << 12);

	(void)ctx;
	ck_assert_uint_lt(off, sizeof(memory));
	*val = 0;
	memcpy(val, (u8 *)memory + off, size);
	return true;
}

/* The tables are never changed by a walk: there is no exchange. */
static const struct rd_gwalk_io io = { .read = mem_read };

static void setup(void)
{
	struct rd_paging_regs r = { .cr0 = BIT_ULL(31) | BIT_ULL(16), .cr3 = FIRST_GFN << 12,
				    .cr4 = BIT_ULL(5), .efer = BIT_ULL(10) | BIT_ULL(11) };
	u64 *table[RD_MODE_TABLES];
	unsigned int i;

	memset(memory, 0, sizeof(memory));
	for (i = 0; i < RD_MODE_TABLES; i++)
		table[i] = memory[i];
	for (i = 0; i < PAGES; i++)
		image[i] = 0x1000 + i * 7919 % 100003;
	rd_mode_tables_fill(table, FIRST_GFN, image, PAGES, CODE);
	rd_paging_set(&paging, &r, 52, true);
}

/* The guest-physical address that the access reaches; ~0: it faults, or bits would be set. */
static u64 reach(u64 linear, unsigned int acc)
{
	struct rd_gwalk_acc a = { .write = acc & RD_ACC_WRITE, .fetch = acc & RD_ACC_FETCH };
	u64 gpa = 0;
	u32 error;

	return rd_gwalk(&paging, &a, &io, NULL, linear, &gpa, &error, false) ? ~0ULL : gpa;
}

static void same(u64 linear, unsigned int acc, u64 want)
{
	ck_assert_msg(reach(linear, acc) == want, "%llx: %llx", (unsigned long long)linear,
		      (unsigned long long)reach(linear, acc));
}

START_TEST(test_image)
{
	unsigned int i;

	setup();
	for (i = 0; i < PAGES; i++) {
		u64 linear = RD_MODE_BASE + i * 4096ULL + i, gpa = (image[i] << 12) + i;

		same(linear, RD_ACC_READ, gpa);
		same(linear, RD_ACC_FETCH, i < CODE ? gpa : ~0ULL);
		same(linear, RD_ACC_WRITE, i < CODE ? ~0ULL : gpa);
	}
	same(RD_MODE_BASE - 1, RD_ACC_READ, ~0ULL);
	same(RD_MODE_BASE + PAGES * 4096ULL, RD_ACC_READ, ~0ULL);
}
END_TEST

START_TEST(test_memory)
{
	u64 gpa;

	setup();
	for (gpa = 0; gpa < 1ULL << 39; gpa += 0x2fffe123) {
		same(RD_MODE_MEMORY + gpa, RD_ACC_READ, gpa);
		same(RD_MODE_MEMORY + gpa, RD_ACC_WRITE, gpa);
		same(RD_MODE_MEMORY + gpa, RD_ACC_FETCH, ~0ULL);
	}
	same(RD_MODE_MEMORY + (1ULL << 39), RD_ACC_READ, ~0ULL);
	same(RD_MODE_MEMORY - 1, RD_ACC_READ, ~0ULL);
}
END_TEST

/* Nothing else is mapped. */
START_TEST(test_nothing_else)
{
	unsigned int i;
	u64 linear;

	setup();
	srandom(_i);
	for (i = 0; i < 100000; i++) {
		linear = (u64)random() << 32 ^ (u64)random() << 12;
		linear &= (1ULL << 47) - 1;
		if (linear - RD_MODE_BASE < PAGES * 4096ULL ||
		    linear - RD_MODE_MEMORY < 1ULL << 39)
			continue;
		same(linear, RD_ACC_READ, ~0ULL);
		same(linear | ~0ULL << 47, RD_ACC_READ, ~0ULL);
	}
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("mode");
	TCase *c = tcase_create("tables");

	tcase_add_test(c, test_image);
	tcase_add_test(c, test_memory);
	tcase_add_loop_test(c, test_nothing_else, 1, 4);
	suite_add_tcase(s, c);
	return s;
}
