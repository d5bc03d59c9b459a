// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE and AVX moves: what arrives, what is cleared, alignment, #UD and #NM. Vector registers hold
 * distinct bytes.
 */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

enum { KEEP_UPPER, CLEAR_UPPER };

/* Loads from DATA to register 1: n bytes, the rest of 16 cleared. */
static const struct { const char *code; unsigned int bytes; int upper;
} loads[] = {
	{ "0f 10 0f", 16, KEEP_UPPER },	       { "66 0f 10 0f", 16, KEEP_UPPER },
	{ "f3 0f 10 0f", 4, KEEP_UPPER },      { "f2 0f 10 0f", 8, KEEP_UPPER },
	{ "0f 28 0f", 16, KEEP_UPPER },	       { "66 0f 28 0f", 16, KEEP_UPPER },
	{ "66 0f 6f 0f", 16, KEEP_UPPER },     { "f3 0f 6f 0f", 16, KEEP_UPPER },
	{ "f2 0f f0 0f", 16, KEEP_UPPER },     { "66 0f 38 2a 0f", 16, KEEP_UPPER },
	{ "f3 0f 7e 0f", 8, KEEP_UPPER },      { "66 0f 6e 0f", 4, KEEP_UPPER },
	{ "66 48 0f 6e 0f", 8, KEEP_UPPER },   { "c5 f8 10 0f", 16, CLEAR_UPPER },
	{ "c5 fc 10 0f", 32, CLEAR_UPPER },    { "c5 f9 6f 0f", 16, CLEAR_UPPER },
	{ "c5 fd 6f 0f", 32, CLEAR_UPPER },    { "c5 fe 6f 0f", 32, CLEAR_UPPER },
	{ "c5 fa 10 0f", 4, CLEAR_UPPER },     { "c5 fb 10 0f", 8, CLEAR_UPPER },
	{ "c5 fa 7e 0f", 8, CLEAR_UPPER },     { "c5 ff f0 0f", 32, CLEAR_UPPER },
	{ "c4 e2 7d 2a 0f", 32, CLEAR_UPPER }, { "c5 f9 6e 0f", 4, CLEAR_UPPER },
	{ "c4 e1 f9 6e 0f", 8, CLEAR_UPPER },  { "c5 fc 28 0f", 32, CLEAR_UPPER },
};

static void fill_data(void)
{
	unsigned int n;

	for (n = 0; n < 64; n++)
		env_put(DATA + n, 0xff - n, 1);
}

START_TEST(load)
{
	u8 want[32] = { 0 };

	env_reset(RD_MODE_LONG);
	fill_data();
	if (loads[_i].upper == KEEP_UPPER)
		memcpy(want + 16, env.vec[1] + 16, 16);
	memcpy(want, env_at(DATA), loads[_i].bytes);
	ck_assert_int_eq(env_run(loads[_i].code), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], want, 32);
}
END_TEST

/* Stores from register 1 to DATA. */
static const struct { const char *code; unsigned int bytes;
} stores[] = {
	{ "0f 11 0f", 16 },	 { "66 0f 11 0f", 16 },	  { "f3 0f 11 0f", 4 },
	{ "f2 0f 11 0f", 8 },	 { "0f 29 0f", 16 },	  { "0f 2b 0f", 16 },
	{ "66 0f 2b 0f", 16 },	 { "66 0f 7f 0f", 16 },	  { "f3 0f 7f 0f", 16 },
	{ "66 0f e7 0f", 16 },	 { "66 0f d6 0f", 8 },	  { "66 0f 7e 0f", 4 },
	{ "66 48 0f 7e 0f", 8 }, { "c5 f8 11 0f", 16 },	  { "c5 fc 11 0f", 32 },
	{ "c5 fd 7f 0f", 32 },	 { "c5 fe 7f 0f", 32 },	  { "c5 fd e7 0f", 32 },
	{ "c5 fc 2b 0f", 32 },	 { "c5 f9 d6 0f", 8 },	  { "c5 fa 11 0f", 4 },
	{ "c5 f9 7e 0f", 4 },	 { "c4 e1 f9 7e 0f", 8 },
};

START_TEST(store)
{
	unsigned int bytes = stores[_i].bytes;
	u8 was[32];

	env_reset(RD_MODE_LONG);
	fill_data();
	memcpy(was, env_at(DATA + bytes), 32);
	ck_assert_int_eq(env_run(stores[_i].code), RD_EMUL_DONE);
	ck_assert_mem_eq(env_at(DATA), env.vec[1], bytes);
	ck_assert_mem_eq(env_at(DATA + bytes), was, 32);
}
END_TEST

START_TEST(halves)
{
	u8 want[32];

	env_reset(RD_MODE_LONG);
	fill_data();
	memcpy(want, env.vec[1], 32);
	memcpy(want, env_at(DATA), 8);
	ck_assert_int_eq(env_run("0f 12 0f"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], want, 32);
	memcpy(want + 8, env_at(DATA), 8);
	ck_assert_int_eq(env_run("66 0f 16 0f"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], want, 32);
	ck_assert_int_eq(env_run("0f 17 57 08"), RD_EMUL_DONE);
	ck_assert_mem_eq(env_at(DATA + 8), env.vec[2] + 8, 8);
	ck_assert_int_eq(env_run("0f 13 17"), RD_EMUL_DONE);
	ck_assert_mem_eq(env_at(DATA), env.vec[2], 8);
}
END_TEST

START_TEST(between_registers)
{
	u8 want[32];

	env_reset(RD_MODE_LONG);
	memcpy(want, env.vec[2], 16);
	memcpy(want + 16, env.vec[1] + 16, 16);
	ck_assert_int_eq(env_run("0f 28 ca"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], want, 32);
	memcpy(want, env.vec[3], 4); /* MOVSS merges */
	ck_assert_int_eq(env_run("f3 0f 10 cb"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], want, 32);
	memset(want, 0, 16); /* MOVQ clears */
	memcpy(want, env.vec[3], 8);
	ck_assert_int_eq(env_run("f3 0f 7e cb"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], want, 32);
	ck_assert_int_eq(env_run("c4 41 7c 10 cf"), RD_EMUL_DONE); /* VMOVUPS YMM9, YMM15 */
	ck_assert_mem_eq(env.vec[9], env.vec[15], 32);
	ck_assert_int_eq(env_run("66 4c 0f 7e c8"), RD_EMUL_DONE); /* MOVQ RAX, XMM9 */
	ck_assert_mem_eq(&env.e.gpr[RD_RAX], env.vec[15], 8);
	ck_assert_int_eq(env_run("66 0f 7f d1"), RD_EMUL_DONE); /* MOVDQA XMM1, XMM2 as a store */
	ck_assert_mem_eq(env.vec[1], env.vec[2], 16);
	ck_assert_int_eq(env_run("c5 fa 10 cb"), RD_EMUL_UNHANDLED); /* VMOVSS has three operands */
	ck_assert_int_eq(env_run("66 0f 6e d9"), RD_EMUL_DONE); /* MOVD XMM3, ECX */
	ck_assert_mem_eq(env.vec[3], "\2\2\2\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}
END_TEST

static const char *const aligned[] = {
	"0f 28 0f",    "66 0f 29 0f", "0f 2b 0f",	"66 0f 6f 0f",
	"66 0f 7f 0f", "66 0f e7 0f", "66 0f 38 2a 0f", "c5 f9 6f 0f",
};

START_TEST(alignment_is_checked)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = DATA + 8;
	env_expect_fault(env_run(aligned[_i]), 13, 0);
	env.e.gpr[RD_RDI] = DATA + 16;
	ck_assert_int_eq(env_run(aligned[_i]), RD_EMUL_DONE);
}
END_TEST

START_TEST(alignment_of_32_bytes)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = DATA + 16;
	env_expect_fault(env_run("c5 fd 6f 0f"), 13, 0);
	ck_assert_int_eq(env_run("c5 fe 6f 0f"), RD_EMUL_DONE); /* VMOVDQU */
	env.e.gpr[RD_RDI] = DATA + 3;
	ck_assert_int_eq(env_run("f3 0f 6f 0f"), RD_EMUL_DONE);
	ck_assert_int_eq(env_run("66 0f d6 0f"), RD_EMUL_DONE);
}
END_TEST

START_TEST(availability)
{
	env_reset(RD_MODE_LONG);
	env.e.cr0_ts = true;
	env_expect_fault(env_run("0f 10 0f"), 7, -1);
	env_expect_fault(env_run("c5 f8 10 0f"), 7, -1);
	env_expect_fault(env_run("66 0f 7e 0f"), 7, -1);
	env.e.cr0_em = true;
	env_expect_fault(env_run("0f 10 0f"), 6, -1);
	env_expect_fault(env_run("c5 f8 10 0f"), 7, -1); /* EM means nothing to AVX */
	env.e.cr0_em = env.e.cr0_ts = env.e.cr4_osfxsr = false;
	env_expect_fault(env_run("0f 12 0f"), 6, -1);
	ck_assert_int_eq(env_run("c5 f8 10 0f"), RD_EMUL_DONE);
	env.e.cr4_osxsave = false;
	env_expect_fault(env_run("c5 f8 10 0f"), 6, -1);
	env.e.cr4_osxsave = true;
	env.e.xcr0_avx = false;
	env_expect_fault(env_run("c5 f8 10 0f"), 6, -1);
	env.e.xcr0_avx = true;
	env_expect_fault(env_run("c5 f0 10 0f"), 6, -1); /* vvvv in use */
	env_expect_fault(env_run("c5 fe 7e 0f"), 6, -1); /* no 256-bit MOVQ */
	env_expect_fault(env_run("c5 fd 6e 0f"), 6, -1);
}
END_TEST

START_TEST(extended_registers)
{
	env_reset(RD_MODE_LONG);
	fill_data();
	env.e.gpr[RD_R8] = DATA;
	ck_assert_int_eq(env_run("45 0f 10 38"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[15], env_at(DATA), 16);
	ck_assert_int_eq(env_run("c4 41 7c 10 30"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[14], env_at(DATA), 32);
	ck_assert_int_eq(env_run("c5 7c 10 2f"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[13], env_at(DATA), 32);
	env_reset(RD_MODE_PROT32);
	fill_data();
	ck_assert_int_eq(env_run("c5 fc 10 cf"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.vec[1], env.vec[7], 32);
}
END_TEST

START_TEST(a_fault_or_retry_loads_nothing)
{
	u8 was[32];

	env_reset(RD_MODE_LONG);
	memcpy(was, env.vec[1], 32);
	env.e.gpr[RD_RDI] = DATA + 0x3ff8;
	env_expect_fault(env_run("0f 10 0f"), 14, 0);
	env.e.gpr[RD_RDI] = DEVICE;
	env.device_retries = 1;
	ck_assert_int_eq(env_run("0f 10 0f"), RD_EMUL_RETRY);
	ck_assert_mem_eq(env.vec[1], was, 32);
}
END_TEST

TCase *vec_cases(void)
{
	TCase *tc = tcase_create("vec");

	tcase_add_loop_test(tc, load, 0, ARRAY_SIZE(loads));
	tcase_add_loop_test(tc, store, 0, ARRAY_SIZE(stores));
	tcase_add_test(tc, halves);
	tcase_add_test(tc, between_registers);
	tcase_add_loop_test(tc, alignment_is_checked, 0, ARRAY_SIZE(aligned));
	tcase_add_test(tc, alignment_of_32_bytes);
	tcase_add_test(tc, availability);
	tcase_add_test(tc, extended_registers);
	tcase_add_test(tc, a_fault_or_retry_loads_nothing);
	return tc;
}
