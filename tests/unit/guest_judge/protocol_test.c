// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel does to its code, step by step: all of it passes. */
#include "tests/unit/guest_judge/model.h"

static const u8 nop2[] = { 0x66, 0x90 };
static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static void setup(void)
{
	model_start(RD_ALLOW_ALL);
}

static void teardown(void)
{
	model_check();
}

static void poke(u64 va, const u8 *insn, u32 len, enum style style)
{
	ck_assert(model_poke(va, insn, len, style));
	ck_assert(model_is(va, insn, len));
	model_check();
}

static void back_and_forth(u64 va, const u8 *one, const u8 *other, u32 len)
{
	int style;

	for (style = BYTES; style <= PIECES; style++) {
		poke(va, one, len, style);
		poke(va, other, len, style);
	}
	ck_assert_uint_eq(judge.places, 0);
}

START_TEST(test_static_keys)
{
	u8 jump[5] = { 0xeb, -0x22 };

	back_and_forth(TEXT + KEY2_AT, jump, nop2, 2);
	model_branch(jump, 0xe9, TEXT + KEY5_AT, TEXT + KEY5_AT + KEY5_TARGET);
	back_and_forth(TEXT + KEY5_AT, jump, nop5, 5);
	model_branch(jump, 0xe9, TEXT + CROSSING_AT, TEXT + CROSSING_AT + 0x400);
	back_and_forth(TEXT + CROSSING_AT, jump, nop5, 5);
	model_branch(jump, 0xe9, MOD + MOD_KEY_AT, MOD + MOD_KEY_AT - 0x200);
	back_and_forth(MOD + MOD_KEY_AT, jump, nop5, 5);
}
END_TEST

START_TEST(test_static_calls)
{
	static const u8 ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };
	static const u8 zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
	static const u8 zero_rax[] = { 0x66, 0x66, 0x48, 0x31, 0xc0 };
	u8 insn[6], other[6] = { 0x0f };

	model_branch(insn, 0xe8, TEXT + CALL_AT, TEXT + 0x1000);
	back_and_forth(TEXT + CALL_AT, insn, nop5, 5);
	back_and_forth(TEXT + CALL_AT, zero, insn, 5);
	model_branch(insn, 0xe8, TEXT + CALL_AT, TRAMPOLINE);
	back_and_forth(TEXT + CALL_AT, insn, zero_rax, 5);
	model_branch(insn, 0xe9, TEXT + TAIL_AT, TRAMPOLINE);
	back_and_forth(TEXT + TAIL_AT, ret, insn, 5);
	insn[0] = 0x0f;
	model_branch(insn + 1, 0x84, TEXT + TAIL6_AT + 1, TRAMPOLINE);
	model_branch(other + 1, 0x84, TEXT + TAIL6_AT + 1, TEXT + 0x900);
	back_and_forth(TEXT + TAIL6_AT, insn, other, 6);
}
END_TEST

START_TEST(test_ftrace)
{
	u8 one[5], other[5];

	model_branch(one, 0xe8, TEXT + FTRACE_AT, FTRACE_CALLER);
	back_and_forth(TEXT + FTRACE_AT, one, nop5, 5);
	model_branch(other, 0xe8, TEXT + FTRACE_AT, TRAMPOLINE);
	back_and_forth(TEXT + FTRACE_AT, one, other, 5);
	model_branch(one, 0xe8, MOD, FTRACE_REGS_CALLER);
	back_and_forth(MOD, one, nop5, 5);
	model_branch(one, 0xe8, TEXT + FTRACE_CALL_AT, TEXT + 0x600);
	model_branch(other, 0xe8, TEXT + FTRACE_CALL_AT, TRAMPOLINE);
	back_and_forth(TEXT + FTRACE_CALL_AT, one, other, 5);
}
END_TEST

START_TEST(test_kprobe)
{
	u64 va = TEXT + 0x801;
	u8 then = *model_byte(va);

	ck_assert(model_write1(va, 0xcc));
	ck_assert_uint_eq(judge.places, 1);
	ck_assert(model_write1(va, 0xcc));
	ck_assert(!model_write1(va, then + 1));
	ck_assert(model_write1(va, then));
	ck_assert_uint_eq(judge.places, 0);
	/* Neighbours come and go in any order. */
	ck_assert(model_write1(va, 0xcc));
	ck_assert(model_write1(va + 1, 0xcc));
	model_check();
	ck_assert(model_write1(va, then));
	ck_assert(model_write1(va + 1, *model_byte(va + 9)));
	ck_assert_uint_eq(judge.places, 0);
}
END_TEST

/* rel32 with INT3 among its bytes, which come one by one. */
START_TEST(test_optimized_kprobe)
{
	static const u64 targets[] = { TRAMPOLINE, 0, 0xcc, 0xcccc };
	u64 va = TEXT + 0xffd, target = targets[_i % 4];
	enum style style = _i / 4;
	u8 then[5], jump[5];
	int turn;

	va = TEXT + 0x1ffd;
	if (target < 0x10000)
		target += (MODULES & ~0xffffULL) + 0x10000 + (va & 0xffff) + 5 - (va & 0xffff);
	model_branch(jump, 0xe9, va, target);
	if (_i % 4 >= 2) {
		jump[1] = 0xcc;
		jump[2] = _i % 4 == 3 ? 0xcc : jump[2];
	}
	memcpy(then, model_byte(va), 3);
	memcpy(then + 3, model_byte(va + 3), 2);
	ck_assert(model_write1(va, 0xcc));
	for (turn = 0; turn < 2; turn++) {
		/* Optimized: the first step writes INT3 over INT3. */
		poke(va, jump, 5, style);
		ck_assert_uint_eq(judge.places, 1);
		ck_assert(!model_write1(va + 1, 1));
		ck_assert(!model_write1(va, then[0]));
		/* And back: it stays a kprobe. */
		ck_assert(model_write1(va, 0xcc));
		ck_assert(model_copy(va + 1, then + 1, 4, style));
		model_check();
	}
	ck_assert(model_write1(va, then[0]));
	ck_assert(model_is(va, then, 5));
	ck_assert_uint_eq(judge.places, 0);
}
END_TEST

static u64 key_va(u32 i)
{
	return TEXT + KEYS_AT + i * KEYS_STEP;
}

static u32 key_insn(u32 i, bool on, u8 *insn)
{
	u32 len = i % 2 ? 2 : 5;

	memcpy(insn, len == 2 ? nop2 : nop5, len);
	if (on && len == 5)
		model_branch(insn, 0xe9, key_va(i), key_va(i) + 0x40);
	else if (on)
		memcpy(insn, "\xeb\x3e", 2);
	return len;
}

/* All first bytes, all tails, all first bytes, as the kernel does it for a list of places. */
START_TEST(test_batch)
{
	u32 i, len, turn;
	u8 insn[5];

	for (turn = 0; turn < 4; turn++) {
		for (i = 0; i < KEYS; i++)
			ck_assert(model_write1(key_va(i), 0xcc));
		ck_assert_uint_eq(judge.places, KEYS);
		for (i = 0; i < KEYS; i++) {
			len = key_insn(i, !(turn % 2), insn);
			ck_assert(model_copy(key_va(i) + 1, insn + 1, len - 1, turn / 2));
		}
		model_check();
		for (i = 0; i < KEYS; i++) {
			key_insn(i, !(turn % 2), insn);
			ck_assert(model_write1(key_va(i), insn[0]));
		}
		ck_assert_uint_eq(judge.places, 0);
		model_check();
	}
}
END_TEST

TCase *protocol_tests(void)
{
	TCase *tc = tcase_create("protocol");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_static_keys);
	tcase_add_test(tc, test_static_calls);
	tcase_add_test(tc, test_ftrace);
	tcase_add_test(tc, test_kprobe);
	tcase_add_loop_test(tc, test_optimized_kprobe, 0, 8);
	tcase_add_test(tc, test_batch);
	return tc;
}
