// SPDX-License-Identifier: GPL-2.0-only
/* Ports, control and debug registers, privileges, segment loads. */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

START_TEST(ports)
{
	env_reset(RD_MODE_LONG);
	env.port_value = 0x99887766;
	ck_assert_int_eq(env_run("e4 71"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x0101010101010166);
	ck_assert_int_eq(env_run("66 ed"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x0101010101017767);
	ck_assert_int_eq(env_run("48 ed"), RD_EMUL_DONE); /* 32 bits whatever REX.W says */
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x99887768);
	env.port_items = 0;
	ck_assert_int_eq(env_run("ef"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.port_log, "\x68\x77\x88\x99", 4);
	env.port_limit = 0; /* a callback that has done nothing is asked again */
	ck_assert_int_eq(env_run("ec"), RD_EMUL_RETRY);
	ck_assert_int_eq(env_run("6c"), RD_EMUL_RETRY);
	ck_assert_int_eq(env_run("6e"), RD_EMUL_RETRY);
	env.port_limit = 1;
	env.port_retries = 1;
	ck_assert_int_eq(env_run("ec"), RD_EMUL_RETRY);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x99887768);
}
END_TEST

/* Above IOPL the bitmap in the TSS decides, and it must be there for all bytes of the access. */
START_TEST(port_permission)
{
	env_reset(RD_MODE_LONG);
	env.e.cpl = 3;
	env_put(TABLES + 0x1000 + 102, 0x80, 2);
	memset(env_at(TABLES + 0x1080), 0xff, 0x100);
	env_put(TABLES + 0x1080 + 0x60 / 8, 0xfe, 1);
	env.e.gpr[RD_RDX] = 0x60;
	ck_assert_int_eq(env_run("ec"), RD_EMUL_DONE);
	env_expect_fault(env_run("66 ed"), 13, 0);
	env_expect_fault(env_run("e4 61"), 13, 0);
	env_expect_fault(env_run("66 6f"), 13, 0);
	env.e.rflags |= 0x3000;
	ck_assert_int_eq(env_run("e4 61"), RD_EMUL_DONE);
	env.e.rflags &= ~0x3000ULL;
	env.seg[RD_SEG_TR].limit = 0x80 + 0x60 / 8; /* the second byte of the map is beyond */
	env_expect_fault(env_run("ec"), 13, 0);
	env.seg[RD_SEG_TR].limit = 0x80 + 0x60 / 8 + 1;
	ck_assert_int_eq(env_run("ec"), RD_EMUL_DONE);
	env_put(TABLES + 0x1000 + 102, 0x3000, 2); /* the map lies in pages that are missing */
	env.seg[RD_SEG_TR].limit = 0x4000;
	env_expect_fault(env_run("ec"), 14, 0);
	env.seg[RD_SEG_TR].type = 3; /* a TSS of 16 bits has no map */
	env_expect_fault(env_run("ec"), 13, 0);
	env_reset(RD_MODE_VM86); /* IOPL means nothing here */
	env.e.rflags |= 0x3000;
	env_put(TABLES + 0x1000 + 102, 0xffff, 2);
	env_expect_fault(env_run("ec"), 13, 0);
}
END_TEST

/* A TSS that ends, or whose map lies, where no address is. */
START_TEST(port_permission_beyond_memory)
{
	env_reset(RD_MODE_LONG);
	env.e.cpl = 3;
	env.seg[RD_SEG_TR].base = -1ULL - 102;
	env_expect_fault(env_run("ec"), 13, 0);
	env.seg[RD_SEG_TR].base = 0x7fffffffffff - 102;
	env_expect_fault(env_run("ec"), 13, 0);
	env.seg[RD_SEG_TR].base = 0x900000000000;
	env_expect_fault(env_run("ec"), 13, 0);
}
END_TEST

START_TEST(control_registers)
{
	env_reset(RD_MODE_LONG);
	env.cr[0] = 0x80050033;
	ck_assert_int_eq(env_run("0f 20 c3"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RBX], 0x80050033);
	ck_assert_int_eq(env_run("44 0f 22 c1"), RD_EMUL_DONE); /* CR8 */
	ck_assert_uint_eq(env.cr[8], 0x0202020202020202);
	ck_assert_int_eq(env_run("0f 22 18"), RD_EMUL_DONE); /* mod is ignored */
	ck_assert_uint_eq(env.cr[3], 0x0101010101010101);
	env_expect_fault(env_run("0f 20 c8"), 6, -1);
	env_expect_fault(env_run("44 0f 20 c8"), 6, -1);
	env.e.cpl = 3;
	env_expect_fault(env_run("0f 20 c3"), 13, 0);
	env_expect_fault(env_run("0f 22 c3"), 13, 0);
	env_reset(RD_MODE_PROT32);
	env.cr[4] = 0x20;
	ck_assert_int_eq(env_run("66 0f 20 e0"), RD_EMUL_DONE); /* nor is the operand size */
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x20);
}
END_TEST

START_TEST(machine_status_word)
{
	env_reset(RD_MODE_LONG);
	env.cr[0] = 0x8005003b;
	ck_assert_int_eq(env_run("0f 06"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.cr[0], 0x80050033);
	ck_assert_int_eq(env_run("0f 01 27"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 4), 0x0033);
	ck_assert_int_eq(env_run("0f 01 e0"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x80050033);
	env.e.gpr[RD_RAX] = 0xfffe; /* PE cannot be cleared */
	ck_assert_int_eq(env_run("0f 01 f0"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.cr[0], 0x8005003f);
	env.writes = 0;
	env.e.cpl = 3;
	env_expect_fault(env_run("0f 06"), 13, 0);
	env_expect_fault(env_run("0f 01 f0"), 13, 0);
	ck_assert_int_eq(env_run("0f 01 e0"), RD_EMUL_DONE);
	env.e.cr4_umip = true;
	env_expect_fault(env_run("0f 01 e0"), 13, 0);
}
END_TEST

START_TEST(debug_registers)
{
	env_reset(RD_MODE_LONG);
	env.dr[7] = 0x400;
	ck_assert_int_eq(env_run("0f 21 f8"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x400);
	ck_assert_int_eq(env_run("0f 23 c3"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.dr[0], 0x0404040404040404);
	env_expect_fault(env_run("0f 23 fb"), 13, 0); /* upper half of DR7 */
	env_expect_fault(env_run("44 0f 21 c0"), 6, -1);
	env.e.cpl = 3;
	env_expect_fault(env_run("0f 21 f8"), 13, 0);
}
END_TEST

START_TEST(invlpg)
{
	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(env_run("0f 01 7f 10"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.invalidated, DATA + 0x10);
	env.e.gpr[RD_RDI] = 0x800000000000; /* nothing to do, and no fault */
	env.invalidated = 1;
	ck_assert_int_eq(env_run("0f 01 3f"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.invalidated, 1);
	env.e.cpl = 3;
	env_expect_fault(env_run("0f 01 3f"), 13, 0);
}
END_TEST

START_TEST(interrupt_flag)
{
	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(env_run("fb"), RD_EMUL_DONE);
	ck_assert(env.e.irq_shadow);
	ck_assert_int_eq(env_run("fb"), RD_EMUL_DONE); /* it was on already */
	ck_assert(!env.e.irq_shadow);
	env.e.cpl = 3;
	env_expect_fault(env_run("fb"), 13, 0);
	env_expect_fault(env_run("fa"), 13, 0);
	env.e.rflags |= 0x3000;
	ck_assert_int_eq(env_run("fa"), RD_EMUL_DONE);
	ck_assert(!(env.e.rflags & F_I));
}
END_TEST

#define SELECTOR 0x40
#define FLAT_DATA 0x00cf92000000ffffULL

static int load(const char *code, u16 selector, u64 descriptor)
{
	env.e.gpr[RD_RAX] = selector;
	env_put(TABLES + (selector & 4 ? 0x800 : 0) + (selector & ~7U), descriptor, 8);
	return env_run(code);
}

START_TEST(segment_loads)
{
	env_reset(RD_MODE_PROT32);
	ck_assert_int_eq(load("8e d8", SELECTOR, 0x12cf92345678abcdULL), RD_EMUL_DONE);
	ck_assert_uint_eq(env.seg[RD_SEG_DS].base, 0x12345678);
	ck_assert_uint_eq(env.seg[RD_SEG_DS].limit, 0xfabcdfff);
	ck_assert_uint_eq(env.seg[RD_SEG_DS].type, 3);
	ck_assert_uint_eq(env.seg[RD_SEG_DS].selector, SELECTOR);
	ck_assert_uint_eq(env_get(TABLES + SELECTOR + 5, 1), 0x93); /* marked accessed */
	ck_assert(!env.e.irq_shadow);
	env.writes = 0;
	ck_assert_int_eq(load("8e c0", SELECTOR, FLAT_DATA | 1ULL << 40), RD_EMUL_DONE);
	ck_assert_uint_eq(env.writes, 0);
	ck_assert_int_eq(load("8e d0", SELECTOR, FLAT_DATA), RD_EMUL_DONE);
	ck_assert(env.e.irq_shadow);
	ck_assert_int_eq(load("8e e0", 0x0c, FLAT_DATA), RD_EMUL_DONE); /* from the LDT */
	ck_assert_uint_eq(env.seg[RD_SEG_FS].selector, 0x0c);
	ck_assert_int_eq(load("8e e8", 3, 0), RD_EMUL_DONE);
	ck_assert(env.seg[RD_SEG_GS].unusable);
}
END_TEST

/* In compatibility mode the tables lie above 4 GiB; and where no address is, there is no table. */
START_TEST(segment_tables_anywhere)
{
	env_reset(RD_MODE_PROT32);
	env.gdt.base = 0xfffffe0000001000;
	env_expect_fault(load("8e d8", SELECTOR, FLAT_DATA), 14, 0);
	ck_assert_uint_eq(env.e.fault.cr2, 0xfffffe0000001000 + SELECTOR);
	env.gdt.base = -(u64)SELECTOR - 4;
	env_expect_fault(load("8e d8", SELECTOR, FLAT_DATA), 13, SELECTOR);
	env_reset(RD_MODE_LONG);
	env.gdt.base = 0x7ffffffffffc - SELECTOR;
	env_expect_fault(load("8e d8", SELECTOR, FLAT_DATA), 13, SELECTOR);
}
END_TEST

static const struct {
	const char *code;
	u16 selector;
	u8 cpl;
	u64 descriptor;
	u8 vector;
	int error;
} bad_loads[] = {
	{ "8e d8", 0x100, 0, FLAT_DATA, 13, 0x100 },			   /* beyond the table */
	{ "8e d8", SELECTOR, 0, FLAT_DATA & ~(1ULL << 47), 11, SELECTOR }, /* not present */
	{ "8e d0", SELECTOR, 0, FLAT_DATA & ~(1ULL << 47), 12, SELECTOR }, /* the same for SS */
	{ "8e d8", SELECTOR, 0, FLAT_DATA & ~(1ULL << 44), 13, SELECTOR }, /* system */
	{ "8e d8", SELECTOR, 0, FLAT_DATA ^ 10ULL << 40, 13, SELECTOR },   /* execute only */
	{ "8e d8", SELECTOR | 3, 0, FLAT_DATA, 13, SELECTOR },		   /* RPL above DPL */
	{ "8e d8", SELECTOR, 3, FLAT_DATA, 13, SELECTOR },		   /* CPL above DPL */
	{ "8e d0", SELECTOR, 3, FLAT_DATA | 3ULL << 45, 13, SELECTOR },	   /* SS: RPL is not CPL */
	{ "8e d0", SELECTOR | 3, 3, FLAT_DATA, 13, SELECTOR },		   /* SS: DPL is not CPL */
	{ "8e d0", SELECTOR, 0, FLAT_DATA ^ 2ULL << 40, 13, SELECTOR },	   /* SS: not writable */
	{ "8e d0", SELECTOR, 0, FLAT_DATA ^ 8ULL << 40, 13, SELECTOR },	   /* SS: code */
	{ "8e d0", 0, 0, 0, 13, 0 },					   /* SS: null */
	{ "8e d8", 0x104, 0, FLAT_DATA, 13, 0x104 },			   /* beyond the LDT */
};

START_TEST(segment_loads_that_fault)
{
	struct kvm_segment ds, ss;

	env_reset(RD_MODE_PROT32);
	ds = env.seg[RD_SEG_DS];
	ss = env.seg[RD_SEG_SS];
	env.e.cpl = bad_loads[_i].cpl;
	env_expect_fault(load(bad_loads[_i].code, bad_loads[_i].selector, bad_loads[_i].descriptor),
			 bad_loads[_i].vector, bad_loads[_i].error);
	ck_assert_mem_eq(&ds, &env.seg[RD_SEG_DS], sizeof(ds));
	ck_assert_mem_eq(&ss, &env.seg[RD_SEG_SS], sizeof(ss));
}
END_TEST

START_TEST(null_stack_segment_in_long_mode)
{
	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(load("8e d0", 0, 0), RD_EMUL_DONE);
	ck_assert(env.seg[RD_SEG_SS].unusable);
	env.e.cpl = 3;
	env_expect_fault(load("8e d0", 3, 0), 13, 0);
}
END_TEST

START_TEST(descriptors_are_read_with_the_rights_of_the_system)
{
	env_reset(RD_MODE_LONG);
	env.e.cpl = 3;
	env.e.gpr[RD_RAX] = SELECTOR | 3;
	ck_assert_int_eq(load("8e d8", SELECTOR | 3, FLAT_DATA | 3ULL << 45), RD_EMUL_DONE);
	env.writes = 0;
	env.gdt.base = 0x70000;
	env_expect_fault(env_run("8e d8"), 14, 0);
}
END_TEST

#define FREE_TSS 0x0000890000000067ULL /* base below, limit 0x67 */

static int load_tss(u16 selector, u64 low, u64 high)
{
	env_put(TABLES + (selector & ~7U), low, 8);
	env_put(TABLES + (selector & ~7U) + 8, high, 8);
	env.e.gpr[RD_RAX] = selector;
	return env_run("0f 00 d8");
}

START_TEST(task_register)
{
	u64 low = FREE_TSS | 0x345678ULL << 16 | 0x12ULL << 56;

	env_reset(RD_MODE_LONG);
	ck_assert_int_eq(load_tss(0x40, low, 0xffffff80), RD_EMUL_DONE);
	ck_assert_uint_eq(env.seg[RD_SEG_TR].base, 0xffffff8012345678);
	ck_assert_uint_eq(env.seg[RD_SEG_TR].limit, 0x67);
	ck_assert_uint_eq(env.seg[RD_SEG_TR].selector, 0x40);
	ck_assert_uint_eq(env.seg[RD_SEG_TR].type, 11);
	ck_assert_uint_eq(env_get(TABLES + 0x40, 8), low | 2ULL << 40);
	ck_assert_uint_eq(env_get(TABLES + 0x48, 8), 0xffffff80);
	/* It is busy now. */
	env.writes = 0;
	env_expect_fault(env_run("0f 00 d8"), 13, 0x40);
	/* The selector from memory. */
	env_put(TABLES + 0x40, low, 8);
	env_put(DATA, 0x43, 2);
	ck_assert_int_eq(env_run("0f 00 1f"), RD_EMUL_DONE); /* LTR [RDI] */
	ck_assert_uint_eq(env.seg[RD_SEG_TR].selector, 0x43);
	ck_assert_int_eq(env_run("0f 00 d0"), RD_EMUL_UNHANDLED); /* LLDT */
	env_reset(RD_MODE_PROT32);
	ck_assert_int_eq(load_tss(0x40, low, 0), RD_EMUL_UNHANDLED);
}
END_TEST

static const struct {
	u16 selector;
	u64 low, high;
	u8 vector;
	int error;
} bad_tasks[] = {
	{ 0, FREE_TSS, 0, 13, 0 },
	{ 3, FREE_TSS, 0, 13, 0 },
	{ 0x44, FREE_TSS, 0, 13, 0x44 },			/* in the LDT */
	{ 0xf8, FREE_TSS, 0, 13, 0xf8 },			/* half of it is beyond the table */
	{ 0x100, FREE_TSS, 0, 13, 0x100 },
	{ 0x40, FREE_TSS | 2ULL << 40, 0, 13, 0x40 },		/* busy */
	{ 0x40, FREE_TSS & ~(8ULL << 40), 0, 13, 0x40 },	/* of 16 bits */
	{ 0x40, FREE_TSS | 1ULL << 44, 0, 13, 0x40 },		/* a code segment */
	{ 0x40, FREE_TSS, 1ULL << 40, 13, 0x40 },		/* a type above */
	{ 0x40, FREE_TSS, 0x8000, 13, 0x40 },			/* not canonical */
	{ 0x40, FREE_TSS & ~(1ULL << 47), 0, 11, 0x40 },	/* not present */
};

START_TEST(task_register_loads_that_fault)
{
	struct kvm_segment tr;

	env_reset(RD_MODE_LONG);
	tr = env.seg[RD_SEG_TR];
	env_expect_fault(load_tss(bad_tasks[_i].selector, bad_tasks[_i].low, bad_tasks[_i].high),
			 bad_tasks[_i].vector, bad_tasks[_i].error);
	ck_assert_mem_eq(&tr, &env.seg[RD_SEG_TR], sizeof(tr));
	env.e.cpl = 3;
	env_expect_fault(env_run("0f 00 d8"), 13, 0);
}
END_TEST

START_TEST(segment_loads_in_real_mode)
{
	env_reset(RD_MODE_REAL);
	env.e.gpr[RD_RAX] = 0x1234;
	env.seg[RD_SEG_DS].limit = 0xffffffff; /* what protected mode left stays */
	ck_assert_int_eq(env_run("8e d8"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.seg[RD_SEG_DS].base, 0x12340);
	ck_assert_uint_eq(env.seg[RD_SEG_DS].limit, 0xffffffff);
	env_put(STACK + 0x800, 0x2000, 2);
	ck_assert_int_eq(env_run("07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.seg[RD_SEG_ES].base, 0x20000);
	ck_assert_uint_eq(env.e.gpr[RD_RSP], 0x802);
	ck_assert_int_eq(env_run("17"), RD_EMUL_DONE); /* POP SS */
	ck_assert(env.e.irq_shadow);
}
END_TEST

START_TEST(far_pointers)
{
	env_reset(RD_MODE_REAL);
	env_put(DATA, 0x20001234, 4);
	ck_assert_int_eq(env_run("c4 1d"), RD_EMUL_DONE); /* LES BX, [DI] */
	ck_assert_uint_eq(env.e.gpr[RD_RBX] & 0xffff, 0x1234);
	ck_assert_uint_eq(env.seg[RD_SEG_ES].base, 0x20000);
	env_reset(RD_MODE_LONG);
	env_put(TABLES + SELECTOR, FLAT_DATA, 8);
	env_put(DATA, 0x12345678, 4);
	env_put(DATA + 4, SELECTOR, 2);
	ck_assert_int_eq(env_run("0f b4 07"), RD_EMUL_DONE); /* LFS EAX, [RDI] */
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x12345678);
	ck_assert_uint_eq(env.seg[RD_SEG_FS].selector, SELECTOR);
	env_put(DATA + 4, SELECTOR + 3, 2); /* RPL above DPL: the register stays too */
	env.writes = 0;
	env_expect_fault(env_run("0f b5 1f"), 13, SELECTOR);
}
END_TEST

TCase *sys_cases(void)
{
	TCase *tc = tcase_create("sys");

	tcase_add_test(tc, ports);
	tcase_add_test(tc, port_permission);
	tcase_add_test(tc, port_permission_beyond_memory);
	tcase_add_test(tc, control_registers);
	tcase_add_test(tc, machine_status_word);
	tcase_add_test(tc, debug_registers);
	tcase_add_test(tc, invlpg);
	tcase_add_test(tc, interrupt_flag);
	tcase_add_test(tc, segment_loads);
	tcase_add_test(tc, segment_tables_anywhere);
	tcase_add_test(tc, task_register);
	tcase_add_loop_test(tc, task_register_loads_that_fault, 0, ARRAY_SIZE(bad_tasks));
	tcase_add_loop_test(tc, segment_loads_that_fault, 0, ARRAY_SIZE(bad_loads));
	tcase_add_test(tc, null_stack_segment_in_long_mode);
	tcase_add_test(tc, descriptors_are_read_with_the_rights_of_the_system);
	tcase_add_test(tc, segment_loads_in_real_mode);
	tcase_add_test(tc, far_pointers);
	return tc;
}
