// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fetching and decoding: page ends, lengths, prefixes, LOCK, and the length of known instructions.
 */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

START_TEST(instruction_crosses_a_page)
{
	unsigned int split;

	/* 48 81 07 imm32 with the page boundary after each of its bytes */
	for (split = 1; split < 7; split++) {
		env_reset(RD_MODE_LONG);
		env.e.rip = CODE + 0x1000 - split;
		ck_assert_int_eq(env_run("48 81 07 78 56 34 12"), RD_EMUL_DONE);
		ck_assert_uint_eq(env_get(DATA, 8), 0x12345678);
		ck_assert_uint_eq(env.e.rip, CODE + 0x1000 - split + 7);
	}
}
END_TEST

/* The next page is only asked for when the instruction goes on there. */
START_TEST(last_instruction_of_a_page)
{
	env_reset(RD_MODE_LONG);
	env.e.rip = CODE + 0x2000 - 2;
	ck_assert_int_eq(env_run("89 07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.len, 2);
}
END_TEST

START_TEST(fetch_fault_names_the_second_page)
{
	env_reset(RD_MODE_LONG);
	env.e.rip = CODE + 0x2000 - 2;
	env.e.cpl = 3;
	env_expect_fault(env_run("c7 07"), 14, 0x14);
	ck_assert_uint_eq(env.e.fault.cr2, CODE + 0x2000);
}
END_TEST

START_TEST(bytes_at_hand_are_not_fetched)
{
	env_reset(RD_MODE_LONG);
	memset(&env.perm[CODE >> 12], 0, 2);
	env_code("");
	memcpy(env.e.insn, "\x89\x07", 2);
	env.e.insn_len = 2;
	ck_assert_int_eq(rd_emul_run(&env.e), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 2);
	/* too few of them: the rest is fetched, and that faults here */
	env.e.insn_len = 1;
	ck_assert_int_eq(rd_emul_run(&env.e), RD_EMUL_FAULT);
	ck_assert_uint_eq(env.e.fault.vector, 14);
	ck_assert_uint_eq(env.e.fault.cr2, CODE + 3);
}
END_TEST

START_TEST(fifteen_bytes_are_the_most)
{
	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(env_run("66 66 66 66 66 66 66 66 66 66 66 66 66 89 07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.len, 15);
	env_reset(RD_MODE_LONG);
	env_expect_fault(env_run("66 66 66 66 66 66 66 66 66 66 66 66 66 66 89 07"), 13, 0);
	env_reset(RD_MODE_LONG);
	env_expect_fault(env_run("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66"), 13, 0);
	env_reset(RD_MODE_LONG);
	env_expect_fault(env_run("66 66 66 66 66 66 66 66 66 66 48 c7 47 00 00 00 00 00"), 13, 0);
	env_reset(RD_MODE_REAL); /* real mode has no error codes */
	env_expect_fault(env_run("66 66 66 66 66 66 66 66 66 66 66 66 66 66 89 07"), 13, -1);
}
END_TEST

START_TEST(code_segment_limit)
{
	env_reset(RD_MODE_PROT16);
	env.seg[RD_SEG_CS].limit = 2;
	env_expect_fault(env_run("c7 05 34 12"), 13, 0);
	env_reset(RD_MODE_PROT16);
	env.seg[RD_SEG_CS].limit = 3;
	ck_assert_int_eq(env_run("c7 05 34 12"), RD_EMUL_DONE);
	env_reset(RD_MODE_PROT16);
	env.e.rip = 0x500;
	env.seg[RD_SEG_CS].limit = 0x4ff;
	env_expect_fault(env_run("90"), 13, 0);
}
END_TEST

START_TEST(code_address_not_canonical)
{
	env_reset(RD_MODE_LONG);
	env_code("");
	env.e.rip = 0x800000000000;
	ck_assert_int_eq(rd_emul_run(&env.e), RD_EMUL_FAULT);
	ck_assert_uint_eq(env.e.fault.vector, 13);
	env.e.cr4_la57 = true; /* canonical with 57 bits: now the page is what is missing */
	ck_assert_int_eq(rd_emul_run(&env.e), RD_EMUL_FAULT);
	ck_assert_uint_eq(env.e.fault.vector, 14);
}
END_TEST

/* LOCK is legal with a memory destination of read-modify-write instructions only. */
static const char *const lock_illegal[] = {
	"f0 89 07",	  "f0 8b 07",	       "f0 01 c3",    "f0 03 07",    "f0 39 07",
	"f0 83 3f 01",	  "f0 85 07",	       "f0 f6 07 01", "f0 f7 27",    "f0 d1 27",
	"f0 0f ba 27 01", "f0 0f a3 07",       "f0 87 c3",    "f0 0f b1 c3", "f0 a4",
	"f0 c6 07 01",	  "f0 ff 37",	       "f0 ff 17",    "f0 0f c8",    "f0 90",
	"f0 0f a4 07 01", "f0 0f 10 07",       "f0 50",	      "f0 0f 94 07", "f0 0f b6 07",
	"f0 ec",	  "f0 05 00 00 00 00",
};

START_TEST(lock_where_it_is_illegal)
{
	env_reset(RD_MODE_LONG);
	env_expect_fault(env_run(lock_illegal[_i]), 6, -1);
	ck_assert_uint_eq(env.cas_calls, 0);
}
END_TEST

static const char *const lock_legal[] = {
	"f0 01 07",    "f0 48 09 07",	 "f0 11 07",	   "f0 19 07",	     "f0 21 07",
	"f0 29 07",    "f0 31 07",	 "f0 80 07 01",	   "f0 83 37 01",    "f0 f6 17",
	"f0 f7 1f",    "f0 fe 07",	 "f0 ff 0f",	   "f0 0f ab 0f",    "f0 0f b3 0f",
	"f0 0f bb 0f", "f0 0f ba 2f 01", "f0 0f ba 37 01", "f0 0f ba 3f 01", "f0 0f c1 07",
	"f0 0f b1 07", "f0 87 07",	 "f0 0f c7 0f",
};

START_TEST(lock_where_it_is_legal)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = 1;
	ck_assert_int_eq(env_run(lock_legal[_i]), RD_EMUL_DONE);
	ck_assert_uint_eq(env.cas_calls, 1);
}
END_TEST

static const struct { const char *code; enum rd_emul_mode mode;
} undefined[] = {
	{ "8d c0", RD_MODE_LONG },
	{ "c7 0f 00 00 00 00", RD_MODE_LONG },
	{ "fe 17", RD_MODE_LONG },
	{ "ff 3f", RD_MODE_LONG },
	{ "0f ba 07 01", RD_MODE_LONG },
	{ "8e 0f", RD_MODE_LONG },
	{ "8e 37", RD_MODE_LONG },
	{ "8c 37", RD_MODE_LONG },
	{ "06", RD_MODE_LONG },
	{ "60", RD_MODE_LONG },
	{ "82 07 01", RD_MODE_LONG },
	{ "0f c3 c0", RD_MODE_LONG },
	{ "66 0f c3 07", RD_MODE_LONG },
	{ "0f 20 08", RD_MODE_LONG },
	{ "0f 38 f0 c0", RD_MODE_LONG },
	{ "8f 0f", RD_MODE_LONG },
	{ "0f c7 c8", RD_MODE_LONG },
	{ "c5 c0", RD_MODE_REAL },
	{ "66 c5 f8 10 07", RD_MODE_LONG },
	{ "48 c5 f8 10 07", RD_MODE_LONG },
	{ "f0 c5 f8 10 07", RD_MODE_LONG },
};

START_TEST(undefined_opcodes)
{
	env_reset(undefined[_i].mode);
	env_expect_fault(env_run(undefined[_i].code), 6, -1);
}
END_TEST

static const struct { const char *code; enum rd_emul_mode mode;
} unknown[] = {
	{ "0f 0b", RD_MODE_LONG },    { "0f a2", RD_MODE_LONG },
	{ "d9 07", RD_MODE_LONG },    { "0f 58 07", RD_MODE_LONG },
	{ "0f 3a 0f", RD_MODE_LONG }, { "f2 0f 38 f0 07", RD_MODE_LONG },
	{ "63 07", RD_MODE_PROT32 },  { "ff 2f", RD_MODE_LONG },
	{ "0f 6f 07", RD_MODE_LONG }, { "c4 e3 79 0f 07", RD_MODE_LONG },
};

START_TEST(unknown_opcodes)
{
	env_reset(unknown[_i].mode);
	env_code(unknown[_i].code);
	ck_assert_int_eq(rd_emul_run(&env.e), RD_EMUL_UNHANDLED);
	ck_assert_uint_eq(env.e.rip, unknown[_i].mode == RD_MODE_REAL ? 0 : CODE);
	ck_assert_uint_eq(env.writes, 0);
}
END_TEST

/* MOVBE and the like exist only where the guest's CPUID says so. */
START_TEST(features_that_the_guest_has_not)
{
	env_reset(RD_MODE_LONG);
	env.e.has_movbe = env.e.has_popcnt = env.e.has_lzcnt = env.e.has_bmi1 = false;
	env_expect_fault(env_run("0f 38 f0 07"), 6, -1);
	env_expect_fault(env_run("f3 0f b8 07"), 6, -1);
	env_put(DATA, 8, 4);
	ck_assert_int_eq(env_run("f3 0f bd 07"), RD_EMUL_DONE); /* LZCNT is BSR */
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 3);
}
END_TEST

/*
 * For exits that know their opcode: the two memory operands matter when the address of a fault is
 * at hand.
 */
START_TEST(two_memory_operands_are_told)
{
	static const struct { const char *code; bool two;
	} forms[] = {
		{ "a4", true },	    { "a7", true },	{ "aa", false },    { "ac", false },
		{ "ff 37", true },  { "ff 17", true },	{ "ff 07", false }, { "ff 27", false },
		{ "ff d0", false }, { "8f 07", true },	{ "58", false },    { "8e 1f", true },
		{ "8e d8", false }, { "01 07", false }, { "89 07", false },
	};
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(forms); n++) {
		env_reset(RD_MODE_LONG);
		env_code(forms[n].code);
		ck_assert_int_eq(rd_emul_decode(&env.e), RD_EMUL_DONE);
		ck_assert_int_eq(env.e.two_mem, forms[n].two);
	}
}
END_TEST

START_TEST(known_length)
{
	static const struct {
		const char *bytes, *op;
		u8 n, op_len;
		enum rd_emul_mode mode;
		unsigned int want;
	} rows[] = {
		{ "\x0f\xa2", "\x0f\xa2", 2, 2, RD_MODE_LONG, 2 },
		{ "\x66\x48\x0f\xa2", "\x0f\xa2", 4, 2, RD_MODE_LONG, 4 },
		{ "\x48\x0f\xa2", "\x0f\xa2", 3, 2, RD_MODE_PROT32, 0 }, /* DEC EAX */
		{ "\xf3\x2e\x67\xf4", "\xf4", 4, 1, RD_MODE_REAL, 4 },
		{ "\x0f\xa2", "\x0f\x32", 2, 2, RD_MODE_LONG, 0 },
		{ "\x0f", "\x0f\xa2", 1, 2, RD_MODE_LONG, 0 },
		{ "\x66\x66", "\xf4", 2, 1, RD_MODE_LONG, 0 },
		{ "\x0f\x01\xd9", "\x0f\x01\xd9", 3, 3, RD_MODE_LONG, 3 },
		{ "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xf4", "\xf4", 15, 1,
		  RD_MODE_LONG, 15 },
		{ "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xf4", "\xf4", 16, 1,
		  RD_MODE_LONG, 0 },
		{ "", "\xf4", 0, 1, RD_MODE_LONG, 0 },
	};
	const u8 *bytes = (const u8 *)rows[_i].bytes, *op = (const u8 *)rows[_i].op;

	ck_assert_uint_eq(rd_emul_known_len(bytes, rows[_i].n, rows[_i].mode, op, rows[_i].op_len),
			  rows[_i].want);
}
END_TEST

TCase *decode_cases(void)
{
	TCase *tc = tcase_create("decode");

	tcase_add_test(tc, instruction_crosses_a_page);
	tcase_add_test(tc, last_instruction_of_a_page);
	tcase_add_test(tc, fetch_fault_names_the_second_page);
	tcase_add_test(tc, bytes_at_hand_are_not_fetched);
	tcase_add_test(tc, fifteen_bytes_are_the_most);
	tcase_add_test(tc, code_segment_limit);
	tcase_add_test(tc, code_address_not_canonical);
	tcase_add_loop_test(tc, lock_where_it_is_illegal, 0, ARRAY_SIZE(lock_illegal));
	tcase_add_loop_test(tc, lock_where_it_is_legal, 0, ARRAY_SIZE(lock_legal));
	tcase_add_loop_test(tc, undefined_opcodes, 0, ARRAY_SIZE(undefined));
	tcase_add_loop_test(tc, unknown_opcodes, 0, ARRAY_SIZE(unknown));
	tcase_add_test(tc, features_that_the_guest_has_not);
	tcase_add_test(tc, two_memory_operands_are_told);
	tcase_add_loop_test(tc, known_length, 0, 11);
	return tc;
}
