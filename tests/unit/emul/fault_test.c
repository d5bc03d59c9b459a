// SPDX-License-Identifier: GPL-2.0-only
/* Faults of operands: nothing may have changed. RETRY: the same, and the second run completes. */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

START_TEST(page_faults)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = 0x70000;
	env_expect_fault(env_run("8b 07"), 14, 0);
	ck_assert_uint_eq(env.e.fault.cr2, 0x70000);
	env_expect_fault(env_run("89 07"), 14, 2);
	env_expect_fault(env_run("01 07"), 14, 2); /* read-modify-write faults as a write */
	env_expect_fault(env_run("39 07"), 14, 0); /* CMP does not */
	env_expect_fault(env_run("f0 01 07"), 14, 2);
	env_expect_fault(env_run("ff 37"), 14, 0);
	env.e.gpr[RD_RDI] = RODATA;
	env_expect_fault(env_run("89 07"), 14, 3);
	env_expect_fault(env_run("0f b1 07"), 14, 3); /* also when it would not match */
	env_expect_fault(env_run("0f ba 2f 00"), 14, 3);
	ck_assert_int_eq(env_run("0f ba 27 00"), RD_EMUL_DONE);
	env.e.cpl = 3;
	env.e.gpr[RD_RDI] = TABLES;
	env_expect_fault(env_run("8b 07"), 14, 5);
}
END_TEST

START_TEST(operand_crosses_a_page)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = DATA + 0xffd;
	env.e.gpr[RD_RAX] = 0x1122334455667788;
	ck_assert_int_eq(env_run("48 89 07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA + 0xffd, 8), 0x1122334455667788);
	ck_assert_int_eq(env_run("48 8b 1f"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RBX], 0x1122334455667788);
	ck_assert_int_eq(env_run("f0 48 01 1f"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA + 0xffd, 8), 0x22446688aaccef10);
	env.writes = 0;
	env.e.gpr[RD_RDI] = DATA + 0x3ffd; /* the page after is missing */
	env_expect_fault(env_run("48 89 07"), 14, 2);
	ck_assert_uint_eq(env.e.fault.cr2, DATA + 0x4000);
	ck_assert_uint_eq(env_get(DATA + 0x3ffd, 3), 0);
}
END_TEST

START_TEST(addresses_that_are_not_canonical)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = 0x800000000000;
	env_expect_fault(env_run("8b 07"), 13, 0);
	env_expect_fault(env_run("89 07"), 13, 0);
	env_expect_fault(env_run("0f ae 3f"), 13, 0);
	env.e.gpr[RD_RDI] = 0x7ffffffffffd; /* its last byte */
	env_expect_fault(env_run("8b 07"), 13, 0);
	env.e.gpr[RD_RDI] = 0xfffffffffffffffe; /* both ends are, but nothing wraps */
	env_expect_fault(env_run("8b 07"), 13, 0);
	env_expect_fault(env_run("65 8b 07"), 13, 0);
	env.e.gpr[RD_RBP] = 0x800000000000;
	env_expect_fault(env_run("8b 45 00"), 12, 0);
	env.e.gs_base = 0x7ffffffff000;
	env.e.gpr[RD_RDI] = 0x1000;
	env_expect_fault(env_run("65 8b 07"), 13, 0);
	env_expect_fault(env_run("65 8b 6d 00"), 13, 0); /* the override makes it #GP */
}
END_TEST

/* Without cached bases FS and GS are asked for, in long mode too. */
START_TEST(segment_bases_that_are_not_cached)
{
	env_reset(RD_MODE_LONG);
	env.e.flat_segments = false;
	env.seg[RD_SEG_FS].base = DATA;
	env.e.gpr[RD_RDI] = 0x10;
	env.e.gpr[RD_RAX] = 0x1234;
	ck_assert_int_eq(env_run("64 89 07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA + 0x10, 4), 0x1234);
}
END_TEST

START_TEST(segment_limits)
{
	env_reset(RD_MODE_PROT16);
	env.seg[RD_SEG_DS].limit = 0x10;
	env.e.gpr[RD_RBX] = 0xf;
	ck_assert_int_eq(env_run("89 07"), RD_EMUL_DONE);
	env.writes = 0;
	env.e.gpr[RD_RBX] = 0x10;
	env_expect_fault(env_run("89 07"), 13, 0);
	ck_assert_int_eq(env_run("88 07"), RD_EMUL_DONE);
	env.writes = 0;
	env.seg[RD_SEG_SS].limit = 0x10;
	env.e.gpr[RD_RBP] = 0x10;
	env_expect_fault(env_run("89 46 00"), 12, 0);
	env_reset(RD_MODE_REAL);
	env.e.gpr[RD_RBX] = 0xffff;
	env_expect_fault(env_run("89 07"), 13, -1);
	env.e.gpr[RD_RBP] = 0xffff;
	env_expect_fault(env_run("89 46 00"), 12, -1);
}
END_TEST

START_TEST(segment_types)
{
	env_reset(RD_MODE_PROT32);
	env_expect_fault(env_run("2e 89 07"), 13, 0); /* code is not written */
	ck_assert_int_eq(env_run("2e 8b 07"), RD_EMUL_DONE);
	env.seg[RD_SEG_CS].type = 9; /* nor, without R, read */
	env_expect_fault(env_run("2e 8b 07"), 13, 0);
	env.seg[RD_SEG_DS].type = 1;
	env_expect_fault(env_run("89 07"), 13, 0);
	env.seg[RD_SEG_DS] = (struct kvm_segment){ .unusable = 1 };
	env_expect_fault(env_run("8b 07"), 13, 0);
	env.seg[RD_SEG_ES] = (struct kvm_segment){
		.base = DATA, .limit = 0xfff, .type = 7, .s = 1, .present = 1, .db = 1
	};
	env.e.gpr[RD_RDI] = 0xfff; /* expand-down: above the limit is inside */
	env_expect_fault(env_run("26 8a 07"), 13, 0);
	env.e.gpr[RD_RDI] = 0x1000;
	ck_assert_int_eq(env_run("26 8a 07"), RD_EMUL_DONE);
	env.seg[RD_SEG_ES].db = 0;
	env.e.gpr[RD_RDI] = 0x10000;
	env_expect_fault(env_run("26 8a 07"), 13, 0);
}
END_TEST

/* With flat segments no segment is asked for, but 4 GiB are the end all the same. */
START_TEST(flat_protected_mode)
{
	env_reset(RD_MODE_PROT32);
	env.e.flat_segments = true;
	memset(env.seg, 0, sizeof(env.seg[0]) * 4);
	ck_assert_int_eq(env_run("89 07"), RD_EMUL_DONE);
	ck_assert_int_eq(env_run("50"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], STACK + 0x7fc);
	env.writes = 0;
	env.e.gpr[RD_RDI] = 0xfffffffe;
	env_expect_fault(env_run("89 07"), 13, 0);
	env_expect_fault(env_run("36 89 07"), 12, 0);
}
END_TEST

START_TEST(divide_errors)
{
	static const struct { const char *code; u64 rax, rdx, by;
	} rows[] = {
		{ "f7 37", 5, 0, 0 },
		{ "f7 37", 0, 2, 2 },
		{ "f7 3f", 0x80000000, 0xffffffff, 0xffffffff },
		{ "48 f7 3f", 1ULL << 63, -1ULL, -1ULL },
		{ "f6 37", 0x200, 0, 2 },
		{ "f6 3f", 0xfe00, 0, 2 },
		{ "66 f7 3f", 0x8000, 0xffff, 0xffff },
		{ "48 f7 37", 0, 5, 5 },
	};

	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RAX] = rows[_i].rax;
	env.e.gpr[RD_RDX] = rows[_i].rdx;
	env_put(DATA, rows[_i].by, 8);
	env_expect_fault(env_run(rows[_i].code), 0, -1);
}
END_TEST

/*
 * Instructions that read a device: RETRY leaves everything alone, the next run completes with one
 * access.
 */
static const struct { const char *code; unsigned int retries;
} device_forms[] = {
	{ "8b 07", 1 },	   { "03 07", 2 },	 { "01 07", 1 },       { "0f b6 07", 1 },
	{ "f0 01 07", 1 }, { "87 07", 1 },	 { "0f ba 2f 01", 1 }, { "ff 37", 1 },
	{ "a4", 1 },	   { "ac", 1 },		 { "a6", 1 },	       { "f7 37", 3 },
	{ "0f 44 07", 1 }, { "85 07", 1 },	 { "0f b1 07", 1 },    { "66 0f 6f 07", 1 },
	{ "ff 17", 1 },	   { "0f a4 07 04", 1 }, { "6b 07 03", 1 },    { "8e 07", 1 },
};

START_TEST(retry_changes_nothing)
{
	struct rd_emul was;
	unsigned int n;
	int r;

	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = DEVICE;
	env.e.gpr[RD_RSI] = DEVICE;
	env.e.gpr[RD_RDX] = 0;
	env_put(DEVICE, 0x100, 8);
	env_put(TABLES + 0x100, 0x00cf93000000ffffULL, 8);
	env.gdt.limit = 0xfff;
	if (device_forms[_i].code[0] == 'a')
		env.e.gpr[RD_RDI] = DATA;
	env.device_retries = device_forms[_i].retries;
	env_code(device_forms[_i].code);
	was = env.e;
	for (n = 0; n < device_forms[_i].retries; n++) {
		r = rd_emul_run(&env.e); /* the first fetches, the others have the bytes at hand */
		ck_assert_int_eq(r, RD_EMUL_RETRY);
		ck_assert_mem_eq(env.e.gpr, was.gpr, sizeof(was.gpr));
		ck_assert_uint_eq(env.e.rip, was.rip);
		ck_assert_uint_eq(env.e.rflags, was.rflags);
		ck_assert_uint_eq(env.writes, 0);
	}
	ck_assert_int_eq(rd_emul_run(&env.e), RD_EMUL_DONE);
	ck_assert_uint_ge(env.device_reads, 1);
}
END_TEST

TCase *fault_cases(void)
{
	TCase *tc = tcase_create("fault");

	tcase_add_test(tc, page_faults);
	tcase_add_test(tc, operand_crosses_a_page);
	tcase_add_test(tc, addresses_that_are_not_canonical);
	tcase_add_test(tc, segment_bases_that_are_not_cached);
	tcase_add_test(tc, segment_limits);
	tcase_add_test(tc, segment_types);
	tcase_add_test(tc, flat_protected_mode);
	tcase_add_loop_test(tc, divide_errors, 0, 8);
	tcase_add_loop_test(tc, retry_changes_nothing, 0, ARRAY_SIZE(device_forms));
	return tc;
}
