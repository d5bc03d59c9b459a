// SPDX-License-Identifier: GPL-2.0-only
/* The few functions of a C library that enclaves have, under other names, against the real ones. */
#include "tests/unit/enclave_kit/enclave_kit_test.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define memcpy kit_memcpy
#define memmove kit_memmove
#define memset kit_memset
#define memcmp kit_memcmp
#define strlen kit_strlen
#include "tools/enclave-kit/inside/memory.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen

static void number(uint8_t *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		p[k] = (uint8_t)(k + 1);
}

START_TEST(copies_and_moves)
{
	uint8_t a[64], b[64];

	for (unsigned int from = 0; from < 8; from++)
		for (unsigned int to = 0; to < 8; to++)
			for (unsigned int n = 0; n < 40; n++) {
				number(a, sizeof(a));
				number(b, sizeof(b));
				ck_assert_ptr_eq(kit_memmove(a + to, a + from, n), a + to);
				memmove(b + to, b + from, n);
				ck_assert(!memcmp(a, b, sizeof(a)));
			}
	memset(b, 0, sizeof(b));
	ck_assert_ptr_eq(kit_memcpy(b + 3, a, 20), b + 3);
	ck_assert(!b[2] && !b[23] && !memcmp(b + 3, a, 20));
}
END_TEST

START_TEST(sets_and_wipes)
{
	uint8_t a[16];

	memset(a, 1, sizeof(a));
	ck_assert_ptr_eq(kit_memset(a + 2, 0x1a7, 5), a + 2);
	ck_assert(a[1] == 1 && a[2] == 0xa7 && a[6] == 0xa7 && a[7] == 1);
	rd_wipe(a + 4, 3);
	ck_assert(a[3] == 0xa7 && !a[4] && !a[6] && a[7] == 1);
}
END_TEST

START_TEST(compares)
{
	ck_assert_int_eq(kit_memcmp("abc", "abc", 4), 0);
	ck_assert_int_lt(kit_memcmp("abc", "abd", 3), 0);
	ck_assert_int_gt(kit_memcmp("ab\x80", "ab\x7f", 3), 0);
	ck_assert_int_eq(kit_memcmp("abc", "abd", 2), 0);
	for (unsigned int n = 0; n < 8; n++) {
		uint8_t a[8] = { 0 }, b[8] = { 0 };

		ck_assert(rd_equal(a, b, 8));
		b[n] = 0x80;
		ck_assert(!rd_equal(a, b, 8));
		ck_assert(rd_equal(a, b, n));
	}
	ck_assert_uint_eq(kit_strlen(""), 0);
	ck_assert_uint_eq(kit_strlen("four"), 4);
}
END_TEST

TCase *memory_case(void)
{
	TCase *t = tcase_create("memory");

	tcase_add_test(t, copies_and_moves);
	tcase_add_test(t, sets_and_wipes);
	tcase_add_test(t, compares);
	return t;
}
