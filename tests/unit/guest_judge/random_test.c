// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes that know nothing of the rules, and writes that almost know them: whatever passes, code is
 * what it was or a permitted instruction, but for places with an INT3.
 */
#include "tests/unit/guest_judge/model.h"

static u64 state;

static u32 roll(u32 n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* Where patches are dense, so that they meet. */
static u64 some_va(void)
{
	static const u32 at[] = { KEY2_AT,   KEY5_AT,	     CALL_AT,	  TAIL_AT, TAIL6_AT,
				  FTRACE_AT, FTRACE_CALL_AT, CROSSING_AT, 0x800,   0xc00 };

	if (!roll(4))
		return MOD + (roll(2) ? MOD_KEY_AT : 0) + roll(16);
	return TEXT + at[roll(ARRAY_SIZE(at))] + roll(12) - 4;
}

static u8 some_byte(u64 va)
{
	static const u8 known[] = { 0xcc, 0xcc, 0xcc, 0xe9, 0xe8, 0xeb, 0xc3, 0x0f, 0x1f,
				    0x66, 0x90, 0x44, 0x00, 0x2e, 0x31, 0xc0, 0xff, 0x84 };
	const struct judge_place *p;
	u32 i;

	/* What was there. */
	for (i = 0; i < JUDGE_PLACES && roll(3); i++) {
		p = &judge.place[i];
		if (p->va && va >= p->va && va < p->va + p->len)
			return p->orig[va - p->va];
	}
	return roll(8) ? known[roll(ARRAY_SIZE(known))] : roll(256);
}

static bool random_write(void)
{
	u64 va = some_va();
	u32 len = roll(3) ? 1 : 1 + roll(8), i;
	u8 bytes[8];

	if (va < TEXT || (va & 4095) + len > 4096)
		return false;
	for (i = 0; i < len; i++)
		bytes[i] = some_byte(va + i);
	return model_write(va, bytes, len);
}

/* The bytes of a branch behind an INT3, some of them, and then its opcode. */
static void branch(void)
{
	static const u8 opcode[] = { 0xe8, 0xe9, 0xe9, 0xe9 };
	u64 targets[] = { TRAMPOLINE, FTRACE_CALLER, TEXT + 0x500, TEXT + KEY5_AT + KEY5_TARGET,
			  MODULES_END + 5 };
	u64 va = some_va();
	u8 insn[5];

	if (va < TEXT)
		return;
	model_branch(insn, opcode[roll(4)], va, targets[roll(ARRAY_SIZE(targets))]);
	model_write1(va, 0xcc);
	if (roll(8))
		model_copy(va + 1, insn + 1, 1 + roll(4), roll(2));
	else
		model_copy(va + 1, insn + 1, 4, roll(2));
	if (roll(2))
		model_write1(va, insn[0]);
}

START_TEST(test_random)
{
	u32 i, allowed = 0;

	state = 0x9e3779b97f4a7c15ULL * (_i + 1);
	model_start(RD_ALLOW_ALL);
	for (i = 0; i < 300000; i++) {
		if (roll(6))
			allowed += random_write();
		else
			branch();
		if (!(i % 64))
			model_check();
	}
	model_check();
	ck_assert_uint_gt(allowed, 100);
}
END_TEST

TCase *random_tests(void)
{
	TCase *tc = tcase_create("random");

	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, test_random, 0, 8);
	return tc;
}
