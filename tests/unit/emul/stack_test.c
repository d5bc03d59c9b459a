// SPDX-License-Identifier: GPL-2.0-only
/* Stack and near branches, in all widths; a branch that fails leaves the stack alone. */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

#define SP (STACK + 0x800)

static void expect_push(const char *code, unsigned int bytes, u64 v)
{
	u64 sp = env.e.gpr[RD_RSP];

	ck_assert_int_eq(env_run(code), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], sp - bytes);
	ck_assert_uint_eq(env_get(STACK + (env.e.gpr[RD_RSP] & 0xfff), bytes), v);
}

START_TEST(push_in_long_mode)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RAX] = 0x1122334455667788;
	expect_push("50", 8, 0x1122334455667788);
	expect_push("66 50", 2, 0x7788);
	expect_push("41 57", 8, 0x1010101010101010);
	expect_push("6a fe", 8, -2ULL);
	expect_push("68 fe ff ff ff", 8, -2ULL);
	expect_push("66 68 fe ff", 2, 0xfffe);
	expect_push("54", 8, env.e.gpr[RD_RSP]); /* the value before */
	env_put(DATA, 0x99, 8);
	expect_push("ff 37", 8, 0x99);
	expect_push("0f a0", 8, 0x28);
	expect_push("9c", 8, 2);
}
END_TEST

START_TEST(push_in_other_modes)
{
	env_reset(RD_MODE_PROT32);
	expect_push("50", 4, 0x01010101);
	expect_push("66 50", 2, 0x0101);
	expect_push("1e", 4, 0x20);
	expect_push("6a ff", 4, 0xffffffff);
	env_reset(RD_MODE_REAL);
	expect_push("50", 2, 0x0101);
	expect_push("66 50", 4, 0x01010101);
	expect_push("0e", 2, CODE >> 4);
	env.e.gpr[RD_RSP] = 0x12340000; /* SP wraps, the upper half of ESP stays */
	env.seg[RD_SEG_SS].base = STACK - 0xf000;
	ck_assert_int_eq(env_run("50"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], 0x1234fffe);
	ck_assert_uint_eq(env_get(STACK + 0xffe, 2), 0x0101);
}
END_TEST

START_TEST(pop)
{
	env_reset(RD_MODE_LONG);
	env_put(SP, 0x1122334455667788, 8);
	ck_assert_int_eq(env_run("58"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x1122334455667788);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], SP + 8);
	env.e.gpr[RD_RSP] = SP;
	ck_assert_int_eq(env_run("5c"), RD_EMUL_DONE); /* POP RSP keeps what it popped */
	ck_assert_uint_eq(env.e.gpr[RD_RSP], 0x1122334455667788);
	env.e.gpr[RD_RSP] = SP;
	ck_assert_int_eq(env_run("8f 07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 8), 0x1122334455667788);
	env.e.gpr[RD_RSP] = SP;
	ck_assert_int_eq(env_run("8f 44 24 10"), RD_EMUL_DONE); /* counts from RSP after the pop */
	ck_assert_uint_eq(env_get(SP + 0x18, 8), 0x1122334455667788);
	env.e.gpr[RD_RSP] = SP;
	ck_assert_int_eq(env_run("66 8f c3"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RBX], 0x0404040404047788);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], SP + 2);
}
END_TEST

START_TEST(pusha_and_popa)
{
	u64 was[8];
	unsigned int n;

	env_reset(RD_MODE_PROT32);
	memcpy(was, env.e.gpr, sizeof(was));
	ck_assert_int_eq(env_run("60"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], SP - 32);
	for (n = 0; n < 8; n++)
		ck_assert_uint_eq(env_get(SP - 4 - 4 * n, 4), (u32)was[n]);
	for (n = 0; n < 8; n++)
		if (n != RD_RSP)
			env.e.gpr[n] = 0;
	ck_assert_int_eq(env_run("61"), RD_EMUL_DONE);
	for (n = 0; n < 8; n++)
		ck_assert_uint_eq(env.e.gpr[n], (u32)was[n]);

	env_reset(RD_MODE_REAL);
	ck_assert_int_eq(env_run("60"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], 0x800 - 16);
	ck_assert_uint_eq(env_get(SP - 2, 2), 0x0101);
	env.perm[STACK >> 12] = PG_R;
	env.writes = 0;
	env_expect_fault(env_run("60"), 14, 3);
}
END_TEST

START_TEST(call_and_return)
{
	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(env_run("e8 fb 0f 00 00"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x1000);
	ck_assert_uint_eq(env_get(SP - 8, 8), CODE + 5);
	ck_assert_int_eq(env_run("c3"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 5);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], SP);
	env_put(DATA, CODE + 0x800, 8);
	ck_assert_int_eq(env_run("ff 17"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x800);
	ck_assert_int_eq(env_run("c2 10 00"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], SP + 0x10);
	env.e.gpr[RD_RAX] = CODE + 0x10;
	ck_assert_int_eq(env_run("ff e0"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x10);
	ck_assert_int_eq(env_run("eb fe"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x10);

	env_reset(RD_MODE_REAL); /* IP is cut to 16 bits */
	ck_assert_int_eq(env_run("e9 f0 ff"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, 0xfff3);
	env_reset(RD_MODE_REAL);
	ck_assert_int_eq(env_run("e8 10 00"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], 0x7fe);
	ck_assert_uint_eq(env_get(SP - 2, 2), 3);
}
END_TEST

START_TEST(branch_targets_are_checked_first)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RAX] = 0x800000000000;
	env_expect_fault(env_run("ff d0"), 13, 0);
	env_expect_fault(env_run("ff e0"), 13, 0);
	env_put(SP, 0x800000000000, 8);
	env_expect_fault(env_run("c3"), 13, 0);
	env_reset(RD_MODE_PROT16);
	env.seg[RD_SEG_CS].limit = 0xff;
	env_expect_fault(env_run("e9 00 10"), 13, 0);
	env_expect_fault(env_run("e8 00 10"), 13, 0);
	env_expect_fault(env_run("eb 80"), 13, 0);
	env_reset(RD_MODE_LONG); /* the push of a CALL fails: RIP stays, and so does the decoded
				    form */
	env.e.gpr[RD_RSP] = 0x70000;
	env_expect_fault(env_run("e8 fb 0f 00 00"), 14, 2);
	env.e.gpr[RD_RSP] = SP;
	ck_assert_int_eq(rd_emul_exec(&env.e), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x1000);
	ck_assert_uint_eq(env_get(SP - 8, 8), CODE + 5);
}
END_TEST

START_TEST(stack_faults)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RSP] = 0x800000000000;
	env_expect_fault(env_run("58"), 12, 0);
	env.e.gpr[RD_RSP] = 0xffff800000000004; /* the push would straddle the hole */
	env_expect_fault(env_run("50"), 12, 0);
	env_reset(RD_MODE_PROT16);
	env.seg[RD_SEG_SS].limit = 0x7fe;
	env_expect_fault(env_run("58"), 12, 0);
	env_expect_fault(env_run("c3"), 12, 0);
}
END_TEST

START_TEST(conditional_branches)
{
	static const struct { const char *code; u64 flags; bool taken;
	} rows[] = {
		{ "74 10", F_Z, true },	 { "74 10", 0, false },		{ "75 10", 0, true },
		{ "72 10", F_C, true },	 { "77 10", F_C, false },	{ "77 10", 0, true },
		{ "7c 10", F_S, true },	 { "7c 10", F_S | F_O, false }, { "7f 10", 0, true },
		{ "7f 10", F_Z, false }, { "7e 10", F_O, true },	{ "7a 10", F_P, true },
		{ "78 10", F_S, true },	 { "70 10", F_O, true },
	};
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		env_reset(RD_MODE_LONG);
		env.e.rflags |= rows[n].flags;
		ck_assert_int_eq(env_run(rows[n].code), RD_EMUL_DONE);
		ck_assert_uint_eq(env.e.rip, CODE + 2 + (rows[n].taken ? 0x10 : 0));
	}
	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(env_run("0f 85 f0 ff ff ff"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 6 - 16);
}
END_TEST

START_TEST(loops)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = 2;
	ck_assert_int_eq(env_run("e2 10"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x12);
	ck_assert_int_eq(env_run("e2 10"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x14);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 0);
	ck_assert_int_eq(env_run("e3 10"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 0x26);
	env.e.gpr[RD_RCX] = 5;
	env.e.rflags |= F_Z;
	ck_assert_int_eq(env_run("e0 10"), RD_EMUL_DONE); /* LOOPNE */
	ck_assert_uint_eq(env.e.rip, CODE + 0x28);
	ck_assert_int_eq(env_run("67 e1 10"), RD_EMUL_DONE); /* LOOPE */
	ck_assert_uint_eq(env.e.rip, CODE + 0x3b);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 3);
}
END_TEST

START_TEST(leave)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RBP] = STACK + 0x400;
	env_put(STACK + 0x400, 0x1234, 8);
	ck_assert_int_eq(env_run("c9"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], STACK + 0x408);
	ck_assert_uint_eq(env.e.gpr[RD_RBP], 0x1234);
}
END_TEST

/* POPF changes what CPL and IOPL allow, and nothing else. */
START_TEST(popf)
{
	static const struct { u8 cpl; u64 before, after;
	} rows[] = {
		{ 0, 0x2, 0x247fd7 },
		{ 3, 0x2, 0x244dd7 },
		{ 3, 0x3002, 0x247fd7 },
		{ 1, 0x1002, 0x245fd7 },
	};

	env_reset(RD_MODE_LONG);
	env.e.cpl = rows[_i].cpl;
	env.e.rflags = rows[_i].before;
	env_put(SP, 0x3fffff, 8);
	ck_assert_int_eq(env_run("9d"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rflags, rows[_i].after);
}
END_TEST

START_TEST(flags_in_vm86)
{
	env_reset(RD_MODE_VM86);
	env_expect_fault(env_run("9c"), 13, 0);
	env_expect_fault(env_run("9d"), 13, 0);
	env_expect_fault(env_run("fa"), 13, 0);
	env.e.rflags |= 0x3000;
	ck_assert_int_eq(env_run("fb"), RD_EMUL_DONE);
	ck_assert_int_eq(env_run("9c"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(SP - 2, 2), 0x3202);
	env_put(SP - 2, 0, 2);
	ck_assert_int_eq(env_run("9d"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rflags, 0x23002); /* IF went, IOPL stays */
}
END_TEST

TCase *stack_cases(void)
{
	TCase *tc = tcase_create("stack");

	tcase_add_test(tc, push_in_long_mode);
	tcase_add_test(tc, push_in_other_modes);
	tcase_add_test(tc, pop);
	tcase_add_test(tc, pusha_and_popa);
	tcase_add_test(tc, call_and_return);
	tcase_add_test(tc, branch_targets_are_checked_first);
	tcase_add_test(tc, stack_faults);
	tcase_add_test(tc, conditional_branches);
	tcase_add_test(tc, loops);
	tcase_add_test(tc, leave);
	tcase_add_loop_test(tc, popf, 0, 4);
	tcase_add_test(tc, flags_in_vm86);
	return tc;
}
