// SPDX-License-Identifier: GPL-2.0-only
/* The heap of enclaves: nothing overlaps, nothing is lost, nothing is freed that is not there. */
#include "tests/unit/enclave_kit/enclave_kit_test.h"
#include "tools/enclave-kit/inside/heap.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 4096u
#define HEADER 16u

static uint8_t memory[SIZE] __attribute__((aligned(16)));
static struct rd_kit_heap heap;

static void fresh(void)
{
	memset(memory, 0xcc, sizeof(memory));
	rd_kit_heap_init(&heap, memory, sizeof(memory));
}

START_TEST(gives_all_of_it_once)
{
	void *p;

	fresh();
	p = rd_kit_heap_alloc(&heap, SIZE - HEADER);
	ck_assert_ptr_eq(p, memory + HEADER);
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, 0));
	memset(p, 0xff, SIZE - HEADER);
	ck_assert(rd_kit_heap_free(&heap, p));
	ck_assert_ptr_eq(rd_kit_heap_alloc(&heap, SIZE - HEADER), p);
}
END_TEST

START_TEST(sizes_at_the_edges)
{
	fresh();
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, SIZE - HEADER + 1));
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, SIZE));
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, SIZE_MAX));
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, SIZE_MAX - 15));
	for (unsigned int n = 0; n < SIZE / (2 * HEADER); n++)
		ck_assert_ptr_eq(rd_kit_heap_alloc(&heap, n % 17), memory + (2 * n + 1) * HEADER);
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, 1));
}
END_TEST

START_TEST(too_small_a_heap_has_nothing)
{
	rd_kit_heap_init(&heap, memory, 0);
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, 0));
	rd_kit_heap_init(&heap, memory, 31);
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, 0));
	rd_kit_heap_init(&heap, memory, 47);
	ck_assert_ptr_nonnull(rd_kit_heap_alloc(&heap, 16));
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, 0));
}
END_TEST

START_TEST(neighbours_are_joined)
{
	void *p[3];

	fresh();
	for (unsigned int n = 0; n < 3; n++)
		p[n] = rd_kit_heap_alloc(&heap, 1000);
	ck_assert(rd_kit_heap_free(&heap, p[0]));
	ck_assert(rd_kit_heap_free(&heap, p[2]));
	ck_assert_ptr_null(rd_kit_heap_alloc(&heap, 2500));
	ck_assert(rd_kit_heap_free(&heap, p[1]));
	ck_assert_ptr_eq(rd_kit_heap_alloc(&heap, SIZE - HEADER), p[0]);
}
END_TEST

START_TEST(what_is_no_allocation_is_not_freed)
{
	uint64_t *p;

	fresh();
	p = rd_kit_heap_alloc(&heap, 100);
	/* A forged header inside an allocation. */
	p[0] = 32;
	p[1] = 1;
	ck_assert(!rd_kit_heap_free(&heap, p + 2));
	ck_assert(!rd_kit_heap_free(&heap, memory));
	ck_assert(!rd_kit_heap_free(&heap, memory + SIZE));
	ck_assert(!rd_kit_heap_free(&heap, &heap));
	ck_assert(rd_kit_heap_free(&heap, p));
	ck_assert(!rd_kit_heap_free(&heap, p));
}
END_TEST

static bool filled(const uint8_t *p, size_t n, uint8_t with)
{
	while (n && p[n - 1] == with)
		n--;
	return !n;
}

/* Each piece is filled with its number, and must still be when it is freed. */
START_TEST(random_use)
{
	struct {
		uint8_t *p;
		size_t n;
	} piece[24] = { { NULL, 0 } };

	srand(7);
	fresh();
	for (unsigned int round = 0; round < 20000; round++) {
		unsigned int k = (unsigned int)rand() % 24;

		if (piece[k].p) {
			ck_assert(filled(piece[k].p, piece[k].n, (uint8_t)k));
			ck_assert(rd_kit_heap_free(&heap, piece[k].p));
		}
		piece[k].n = (size_t)rand() % 400;
		piece[k].p = rd_kit_heap_alloc(&heap, piece[k].n);
		if (!piece[k].p)
			continue;
		ck_assert_uint_eq((uintptr_t)piece[k].p % 16, 0);
		ck_assert(piece[k].p >= memory && piece[k].p + piece[k].n <= memory + SIZE);
		memset(piece[k].p, (int)k, piece[k].n);
	}
	for (unsigned int k = 0; k < 24; k++)
		ck_assert(!piece[k].p || rd_kit_heap_free(&heap, piece[k].p));
	ck_assert_ptr_nonnull(rd_kit_heap_alloc(&heap, SIZE - HEADER));
}
END_TEST

TCase *heap_case(void)
{
	TCase *t = tcase_create("heap");

	tcase_add_test(t, gives_all_of_it_once);
	tcase_add_test(t, sizes_at_the_edges);
	tcase_add_test(t, too_small_a_heap_has_nothing);
	tcase_add_test(t, neighbours_are_joined);
	tcase_add_test(t, what_is_no_allocation_is_not_freed);
	tcase_add_test(t, random_use);
	return t;
}
