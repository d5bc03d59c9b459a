// SPDX-License-Identifier: GPL-2.0-only
/* Split virtqueues: what a well-behaved driver gets, and what each kind of bad one does not. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/virtq.h"

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#define RAM_LEN 0x40000u
#define DESC 0x1000u
#define AVAIL 0x2000u
#define USED 0x3000u
#define TABLE 0x4000u
#define DATA 0x10000u
#define SIZE 8u
#define ROOM 6u

static struct rd_ram ram;
static struct rd_virtq q;
static struct iovec iov[ROOM];
static struct rd_chain chain;
static struct vring_desc *desc;
static struct vring_avail *avail;
static struct vring_used *used;

static struct rd_virtq_layout layout(void)
{
	return (struct rd_virtq_layout){ .desc = DESC, .avail = AVAIL, .used = USED, .size = SIZE };
}

static void open_queue(bool event_idx, bool indirect)
{
	struct rd_virtq_layout l = layout();

	l.event_idx = event_idx;
	l.indirect = indirect;
	ck_assert(rd_virtq_setup(&q, &ram, &l));
}

/* Memory of exactly its length, so that the sanitizer sees a byte too many. */
static void setup(void)
{
	memset(&ram, 0, sizeof(ram));
	ram.host = calloc(1, RAM_LEN);
	ram.size = ram.low_size = RAM_LEN;
	desc = rd_ram_range(&ram, DESC, 1);
	avail = rd_ram_range(&ram, AVAIL, 1);
	used = rd_ram_range(&ram, USED, 1);
	chain = (struct rd_chain){ .iov = iov, .room = ROOM };
	open_queue(false, false);
}

static void teardown(void)
{
	free(ram.host);
}

static void describe(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	desc[i] = (struct vring_desc){ .addr = addr, .len = len, .flags = flags, .next = next };
}

static void offer(uint16_t head)
{
	avail->ring[avail->idx % SIZE] = head;
	avail->idx++;
}

START_TEST(chain_comes_out)
{
	describe(3, DATA, 16, VRING_DESC_F_NEXT, 5);
	describe(5, DATA + 0x100, 0, VRING_DESC_F_NEXT, 1);
	describe(1, DATA + 0x200, 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
	describe(0, DATA + 0x400, 1, VRING_DESC_F_WRITE, 0);
	ck_assert(!rd_virtq_pop(&q, &chain));
	offer(3);
	ck_assert(rd_virtq_pending(&q));
	ck_assert(rd_virtq_pop(&q, &chain));
	ck_assert_uint_eq(chain.head, 3);
	ck_assert_uint_eq(chain.n_out, 1);
	ck_assert_uint_eq(chain.n_in, 2);
	ck_assert_uint_eq(chain.out_len, 16);
	ck_assert_uint_eq(chain.in_len, 513);
	ck_assert_ptr_eq(iov[1].iov_base, ram.host + DATA + 0x200);
	ck_assert(!rd_virtq_pop(&q, &chain));
	ck_assert(!q.broken);
	rd_virtq_push(&q, 3, 513);
	ck_assert_uint_eq(used->idx, 1);
	ck_assert_uint_eq(used->ring[0].id, 3);
	ck_assert_uint_eq(used->ring[0].len, 513);
}
END_TEST

START_TEST(index_wraps)
{
	describe(0, DATA, 4, 0, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		offer(0);
		ck_assert(rd_virtq_pop(&q, &chain));
		rd_virtq_push(&q, 0, 0);
	}
	ck_assert_uint_eq(used->idx, (uint16_t)70000);
}
END_TEST

START_TEST(unpopped_chain_comes_again)
{
	describe(2, DATA, 4, 0, 0);
	offer(2);
	ck_assert(rd_virtq_pop(&q, &chain));
	rd_virtq_unpop(&q);
	ck_assert(rd_virtq_pop(&q, &chain));
	ck_assert_uint_eq(chain.head, 2);
}
END_TEST

START_TEST(indirect_table)
{
	struct vring_desc *t = rd_ram_range(&ram, TABLE, 1);

	open_queue(false, true);
	t[0] = (struct vring_desc){ .addr = DATA, .len = 8, .flags = VRING_DESC_F_NEXT, .next = 2 };
	t[2] = (struct vring_desc){ .addr = DATA + 8, .len = 8, .flags = VRING_DESC_F_WRITE };
	describe(0, TABLE, 3 * sizeof(*t), VRING_DESC_F_INDIRECT, 0);
	offer(0);
	ck_assert(rd_virtq_pop(&q, &chain));
	ck_assert_uint_eq(chain.n_out + chain.n_in, 2);
	ck_assert_uint_eq(chain.in_len, 8);
}
END_TEST

/* Each row is one chain that no driver may build; N is how it starts. */
static const struct bad {
	const char *what;
	struct vring_desc d[3];
	struct vring_desc t[2];
	uint16_t head;
} bad_chains[] = {
	{ "a head outside the table", { { 0 } }, { { 0 } }, SIZE },
	{ "a buffer outside memory", { { RAM_LEN, 1, 0, 0 } }, { { 0 } }, 0 },
	{ "a buffer that ends outside memory", { { RAM_LEN - 1, 2, 0, 0 } }, { { 0 } }, 0 },
	{ "a buffer that wraps", { { UINT64_MAX - 1, 8, 0, 0 } }, { { 0 } }, 0 },
	{ "a loop of one", { { DATA, 0, VRING_DESC_F_NEXT, 0 } }, { { 0 } }, 0 },
	{ "a loop of two",
	  { { DATA, 0, VRING_DESC_F_NEXT, 1 }, { DATA, 0, VRING_DESC_F_NEXT, 0 } }, { { 0 } }, 0 },
	{ "a loop that carries data", { { DATA, 1, VRING_DESC_F_NEXT, 0 } }, { { 0 } }, 0 },
	{ "a link outside the table", { { DATA, 1, VRING_DESC_F_NEXT, SIZE } }, { { 0 } }, 0 },
	{ "a part to read after one to write",
	  { { DATA, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1 }, { DATA, 1, 0, 0 } },
	  { { 0 } }, 0 },
	{ "an empty indirect table", { { TABLE, 0, VRING_DESC_F_INDIRECT, 0 } }, { { 0 } }, 0 },
	{ "half an indirect entry", { { TABLE, 24, VRING_DESC_F_INDIRECT, 0 } }, { { 0 } }, 0 },
	{ "an indirect table outside memory",
	  { { RAM_LEN, 16, VRING_DESC_F_INDIRECT, 0 } }, { { 0 } }, 0 },
	{ "an indirect table with a successor",
	  { { TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1 } }, { { 0 } }, 0 },
	{ "an indirect table in another", { { TABLE, 32, VRING_DESC_F_INDIRECT, 0 } },
	  { { TABLE, 16, VRING_DESC_F_INDIRECT, 0 } }, 0 },
	{ "a loop in an indirect table", { { TABLE, 32, VRING_DESC_F_INDIRECT, 0 } },
	  { { DATA, 0, VRING_DESC_F_NEXT, 1 }, { DATA, 0, VRING_DESC_F_NEXT, 0 } }, 0 },
	{ "a link outside an indirect table", { { TABLE, 32, VRING_DESC_F_INDIRECT, 0 } },
	  { { DATA, 0, VRING_DESC_F_NEXT, 2 } }, 0 },
};

START_TEST(bad_chain_breaks_the_queue)
{
	const struct bad *b = &bad_chains[_i];

	open_queue(false, true);
	memcpy(desc, b->d, sizeof(b->d));
	memcpy(rd_ram_range(&ram, TABLE, sizeof(b->t)), b->t, sizeof(b->t));
	offer(b->head);
	ck_assert_msg(!rd_virtq_pop(&q, &chain), "%s was taken", b->what);
	ck_assert_msg(q.broken, "%s left the queue whole", b->what);
	ck_assert(!rd_virtq_pending(&q));
	rd_virtq_push(&q, 0, 0);
	ck_assert(!rd_virtq_wants_irq(&q));
	ck_assert_uint_eq(used->idx, 0);
}
END_TEST

/* The last of N entries that carry nothing but a link has a byte. */
static bool long_chain_is_taken(uint32_t n)
{
	struct vring_desc *t = rd_ram_range(&ram, TABLE, n * sizeof(*t));

	open_queue(false, true);
	avail->idx = 0;
	for (uint32_t i = 0; i < n; i++)
		t[i] = (struct vring_desc){ .flags = VRING_DESC_F_NEXT, .next = (uint16_t)(i + 1) };
	t[n - 1] = (struct vring_desc){ .addr = DATA, .len = 1 };
	describe(0, TABLE, n * (uint32_t)sizeof(*t), VRING_DESC_F_INDIRECT, 0);
	offer(0);
	return rd_virtq_pop(&q, &chain);
}

START_TEST(indirect_chain_is_bounded)
{
	ck_assert(long_chain_is_taken(RD_VIRTQ_SIZE_MAX));
	ck_assert(!long_chain_is_taken(RD_VIRTQ_SIZE_MAX + 1));
	ck_assert(q.broken);
}
END_TEST

START_TEST(indirect_needs_its_feature)
{
	describe(0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	ck_assert(!rd_virtq_pop(&q, &chain));
	ck_assert(q.broken);
}
END_TEST

START_TEST(chain_longer_than_the_room)
{
	for (unsigned int i = 0; i < SIZE; i++)
		describe(i, DATA, 1, i < ROOM ? VRING_DESC_F_NEXT : 0, (uint16_t)(i + 1));
	offer(0);
	ck_assert(!rd_virtq_pop(&q, &chain));
	ck_assert(q.broken);
}
END_TEST

START_TEST(index_that_leaps)
{
	avail->idx = SIZE + 1;
	ck_assert(!rd_virtq_pending(&q));
	ck_assert(q.broken);
}
END_TEST

START_TEST(bad_layouts)
{
	struct rd_virtq_layout l[] = { layout(), layout(), layout(), layout(), layout(), layout(),
				       layout() };

	l[0].size = 0;
	l[1].size = 6;
	l[2].size = 2048;
	l[3].desc += 8;			/* not aligned */
	l[4].avail = RAM_LEN - 4;	/* ends outside */
	l[5].used = UINT64_MAX & ~3ull;
	l[6].used += 2;
	for (size_t i = 0; i < sizeof(l) / sizeof(l[0]); i++) {
		ck_assert_msg(!rd_virtq_setup(&q, &ram, &l[i]), "layout %zu", i);
		ck_assert(q.broken);
	}
}
END_TEST

START_TEST(interrupts_by_flag)
{
	ck_assert(!rd_virtq_wants_irq(&q));	/* nothing is done yet */
	rd_virtq_push(&q, 0, 0);
	ck_assert(rd_virtq_wants_irq(&q));
	ck_assert(!rd_virtq_wants_irq(&q));
	rd_virtq_push(&q, 0, 0);
	avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	ck_assert(!rd_virtq_wants_irq(&q));
	rd_virtq_ask_kicks(&q, false);
	ck_assert_uint_eq(used->flags, VRING_USED_F_NO_NOTIFY);
	rd_virtq_ask_kicks(&q, true);
	ck_assert_uint_eq(used->flags, 0);
}
END_TEST

START_TEST(interrupts_by_index)
{
	open_queue(true, false);
	describe(0, DATA, 4, 0, 0);
	avail->ring[SIZE] = 2;
	for (unsigned int done = 1; done <= 4; done++) {
		offer(0);
		ck_assert(rd_virtq_pop(&q, &chain));
		rd_virtq_push(&q, 0, 0);
		ck_assert_int_eq(rd_virtq_wants_irq(&q), done == 3);
	}
	rd_virtq_ask_kicks(&q, true);
	ck_assert_uint_eq(*(uint16_t *)(void *)&used->ring[SIZE], 4);
	ck_assert_uint_eq(used->flags, 0);
}
END_TEST

START_TEST(parts_are_copied)
{
	struct iovec parts[3] = { { ram.host, 3 }, { ram.host + 100, 2 }, { ram.host + 50, 5 } };
	struct rd_chain c = { .ram = &ram, .iov = parts, .n_in = 3 };
	uint8_t in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, out[8] = { 0 };

	ck_assert_uint_eq(rd_chain_write(&c, 1, in, 8), 8);
	ck_assert_uint_eq(ram.host[1], 1);
	ck_assert_uint_eq(ram.host[100], 3);
	ck_assert_uint_eq(ram.host[53], 8);
	ck_assert_uint_eq(rd_iov_read(parts, 3, 1, out, 8), 8);
	ck_assert_mem_eq(in, out, 8);
	ck_assert_uint_eq(rd_iov_read(parts, 3, 8, out, 8), 2);
	ck_assert_uint_eq(rd_iov_read(parts, 3, 10, out, 8), 0);
	ck_assert_uint_eq(rd_chain_write(&c, UINT32_MAX, in, 8), 0);
}
END_TEST

START_TEST(memory_ranges)
{
	struct rd_ram two = { .host = ram.host, .low_size = 0x1000, .high_size = 0x2000 };

	ck_assert_ptr_eq(rd_ram_range(&two, 0xfff, 1), ram.host + 0xfff);
	ck_assert_ptr_null(rd_ram_range(&two, 0xfff, 2));
	ck_assert_ptr_null(rd_ram_range(&two, 0x1000, 1));
	ck_assert_ptr_null(rd_ram_range(&two, 0, 0));
	ck_assert_ptr_eq(rd_ram_range(&two, RD_RAM_HIGH_START, 0x2000), ram.host + 0x1000);
	ck_assert_ptr_null(rd_ram_range(&two, RD_RAM_HIGH_START, 0x2001));
	ck_assert_ptr_null(rd_ram_range(&two, RD_RAM_HIGH_START + 0x2000, 1));
	ck_assert_ptr_null(rd_ram_range(&two, RD_RAM_HIGH_START - 1, 2));
	ck_assert_ptr_null(rd_ram_range(&two, RD_RAM_HIGH_START + 1, UINT64_MAX));
}
END_TEST

TCase *virtq_case(void)
{
	TCase *tc = tcase_create("virtq");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, chain_comes_out);
	tcase_add_test(tc, index_wraps);
	tcase_add_test(tc, unpopped_chain_comes_again);
	tcase_add_test(tc, indirect_table);
	tcase_add_loop_test(tc, bad_chain_breaks_the_queue, 0,
			    sizeof(bad_chains) / sizeof(bad_chains[0]));
	tcase_add_test(tc, indirect_chain_is_bounded);
	tcase_add_test(tc, indirect_needs_its_feature);
	tcase_add_test(tc, chain_longer_than_the_room);
	tcase_add_test(tc, index_that_leaps);
	tcase_add_test(tc, bad_layouts);
	tcase_add_test(tc, interrupts_by_flag);
	tcase_add_test(tc, interrupts_by_index);
	tcase_add_test(tc, parts_are_copied);
	tcase_add_test(tc, memory_ranges);
	return tc;
}
