// SPDX-License-Identifier: GPL-2.0-only
/* What is no patch of the kernel's: none of it passes, and nothing is remembered of it. */
#include "tests/unit/guest_judge/model.h"

static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static void setup(void)
{
	model_start(RD_ALLOW_ALL);
}

static void teardown(void)
{
	model_check();
}

/* With INT3 and tail in place, the last step is refused; what was there may come back. */
static void refused_at_last(u64 va, const u8 *insn, u32 len)
{
	u8 then[6];
	u32 i;

	for (i = 0; i < len; i++)
		then[i] = *model_byte(va + i);
	ck_assert(model_write1(va, 0xcc));
	ck_assert(model_copy(va + 1, insn + 1, len - 1, PIECES));
	ck_assert(!model_write1(va, insn[0]));
	ck_assert(model_copy(va + 1, then + 1, len - 1, BYTES));
	ck_assert(model_write1(va, then[0]));
	ck_assert_uint_eq(judge.places, 0);
}

START_TEST(test_wrong_target)
{
	u8 insn[6];

	/* The target of a static key is known: not even the bytes behind pass. */
	model_branch(insn, 0xe9, TEXT + KEY5_AT, TEXT + KEY5_AT + KEY5_TARGET + 1);
	ck_assert(!model_poke(TEXT + KEY5_AT, insn, 5, BYTES));
	ck_assert(model_write1(TEXT + KEY5_AT, nop5[0]));
	model_branch(insn, 0xe8, TEXT + CALL_AT, TEXT + TEXT_BYTES + 0x10000);
	refused_at_last(TEXT + CALL_AT, insn, 5);
	model_branch(insn, 0xe9, TEXT + TAIL_AT, MODULES - 1);
	refused_at_last(TEXT + TAIL_AT, insn, 5);
	model_branch(insn, 0xe8, TEXT + FTRACE_AT, TEXT + 0x600);
	refused_at_last(TEXT + FTRACE_AT, insn, 5);
	model_branch(insn, 0xe9, TEXT + 0x800, TEXT + 0x100);
	refused_at_last(TEXT + 0x800, insn, 5);
}
END_TEST

START_TEST(test_wrong_instruction)
{
	static const u8 ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };
	u8 insn[6] = { 0x0f };

	/* A JMP where a CALL is, a CALL where the function ends, RET in the middle of one. */
	model_branch(insn, 0xe9, TEXT + CALL_AT, TEXT + 0x500);
	refused_at_last(TEXT + CALL_AT, insn, 5);
	model_branch(insn, 0xe8, TEXT + TAIL_AT, TEXT + 0x500);
	refused_at_last(TEXT + TAIL_AT, insn, 5);
	refused_at_last(TEXT + CALL_AT, ret, 5);
	/* Another condition. */
	insn[0] = 0x0f;
	model_branch(insn + 1, 0x85, TEXT + TAIL6_AT + 1, TEXT + 0x900);
	refused_at_last(TEXT + TAIL6_AT, insn, 6);
	/* A NOP in the place of what a kprobe stands for. */
	refused_at_last(TEXT + 0x800, nop5, 5);
}
END_TEST

START_TEST(test_tail_without_int3)
{
	u8 insn[5];

	model_branch(insn, 0xe9, TEXT + KEY5_AT, TEXT + KEY5_AT + KEY5_TARGET);
	ck_assert(!model_copy(TEXT + KEY5_AT + 1, insn + 1, 4, PIECES));
	ck_assert(!model_copy(TEXT + KEY5_AT + 1, insn + 1, 4, BYTES));
	ck_assert(!model_write1(TEXT + KEY5_AT, insn[0]));
	ck_assert(!model_write(TEXT + KEY5_AT, insn, 5));
	/* First byte and tail at once, where there is an INT3. */
	ck_assert(model_write1(TEXT + KEY5_AT, 0xcc));
	ck_assert(!model_write(TEXT + KEY5_AT, insn, 5));
	/* Beyond the instruction. */
	ck_assert(!model_write(TEXT + KEY5_AT + 1, (const u8 *)"\x1f\x44\0\0\0\0\0\0", 8));
	ck_assert(!model_write1(TEXT + KEY5_AT + 5, 1));
	ck_assert(model_write1(TEXT + KEY5_AT, nop5[0]));
}
END_TEST

START_TEST(test_inside_a_site)
{
	u32 i;

	for (i = 1; i < 5; i++) {
		ck_assert(!model_write1(TEXT + KEY5_AT + i, 0xcc));
		ck_assert(!model_write1(TEXT + FTRACE_AT + i, 0xcc));
	}
	/* A JMP of a kprobe may not run into one either. */
	ck_assert(model_write1(TEXT + KEY5_AT - 3, 0xcc));
	ck_assert(!model_write1(TEXT + KEY5_AT - 2, 0));
	ck_assert_uint_eq(judge.places, 1);
}
END_TEST

START_TEST(test_not_code)
{
	u64 end = (TEXT_GFN << 12) + TEXT_BYTES;

	ck_assert(!judge_allows(&judge, end, 1, 0xcc));
	ck_assert(!judge_allows(&judge, end - 1, 2, 0xcc));
	ck_assert(!judge_allows(&judge, 0, 1, 0xcc));
	ck_assert(!judge_allows(&judge, ~0ULL, 1, 0xcc));
	ck_assert(!judge_allows(&judge, 1ULL << 40, 1, 0xcc));
	ck_assert(!judge_allows(&judge, TEXT_GFN << 12, 0, 0));
	ck_assert(!judge_allows(&judge, TEXT_GFN << 12, 9, 0));
	/* A write that changes nothing, but for the page's end. */
	ck_assert(judge_allows(&judge, (TEXT_GFN << 12) + 0xfff, 1, text[0xfff]));
	ck_assert(!judge_allows(&judge, (TEXT_GFN << 12) + 0xfff, 2,
				text[0xfff] | text[0x1000] << 8));
	ck_assert_uint_eq(judge.places, 0);
}
END_TEST

START_TEST(test_classes)
{
	static const u32 at[] = { KEY2_AT,  KEY5_AT,   CALL_AT,	       TAIL_AT,
				  TAIL6_AT, FTRACE_AT, FTRACE_CALL_AT, 0x800 };
	static const u32 class[] = { 1, 1, 1, 1, 1, 2, 2, 4 };
	u32 i;

	model_start(_i);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		ck_assert_int_eq(model_write1(TEXT + at[i], 0xcc), !!(_i & class[i]));
}
END_TEST

START_TEST(test_no_room)
{
	u64 va = TEXT + 0x1800;
	u32 i;

	for (i = 0; i < JUDGE_PLACES; i++)
		ck_assert(model_write1(va + i, 0xcc));
	ck_assert(!model_write1(va + i, 0xcc));
	ck_assert(!model_write1(TEXT + KEY2_AT, 0xcc));
	/* Room again, once one is gone. */
	ck_assert(model_write1(va, 0x50 + 0x1800 % 8));
	ck_assert(model_write1(TEXT + KEY2_AT, 0xcc));
	ck_assert_uint_eq(judge.places, JUDGE_PLACES);
}
END_TEST

/* Bytes that a window was opened for do not stay when another patch closes over it. */
START_TEST(test_windows_that_overlap)
{
	u64 va = TEXT + 0x800;
	u8 jump[5];

	model_branch(jump, 0xe9, va, TRAMPOLINE);
	ck_assert(model_write1(va, 0xcc));
	ck_assert(model_write1(va + 4, 0xcc));
	ck_assert(model_write1(va + 6, 0x11));
	ck_assert(model_write1(va + 1, jump[1]));
	ck_assert(model_write1(va + 2, jump[2]));
	ck_assert(model_write1(va + 3, jump[3]));
	/* va + 4 is a kprobe of its own, and the byte behind it is not what it was. */
	ck_assert(!model_write1(va, 0xe9));
	model_check();
}
END_TEST

TCase *refusal_tests(void)
{
	TCase *tc = tcase_create("refusals");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_wrong_target);
	tcase_add_test(tc, test_wrong_instruction);
	tcase_add_test(tc, test_tail_without_int3);
	tcase_add_test(tc, test_inside_a_site);
	tcase_add_test(tc, test_not_code);
	tcase_add_loop_test(tc, test_classes, 0, 8);
	tcase_add_test(tc, test_no_room);
	tcase_add_test(tc, test_windows_that_overlap);
	return tc;
}
