// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions: sizes, both directions, REP, faults and RETRY between iterations, port
 * bursts.
 */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

#define SRC (DATA + 0x1000)

static void fill_source(unsigned int n)
{
	while (n--)
		env_put(SRC + n, n * 3 + 1, 1);
}

START_TEST(movs_of_all_sizes)
{
	static const char *const code[] = { "a4", "66 a5", "a5", "48 a5" };
	unsigned int bytes = 1U << _i;

	env_reset(RD_MODE_LONG);
	fill_source(16);
	ck_assert_int_eq(env_run(code[_i]), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RSI], SRC + bytes);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], DATA + bytes);
	ck_assert_mem_eq(env_at(DATA), env_at(SRC), bytes);
	ck_assert_uint_eq(env_get(DATA + bytes, 8), 0);
}
END_TEST

START_TEST(rep_movs_up_and_down)
{
	env_reset(RD_MODE_LONG);
	fill_source(64);
	env.e.gpr[RD_RCX] = 16;
	ck_assert_int_eq(env_run("f3 a5"), RD_EMUL_DONE);
	ck_assert_mem_eq(env_at(DATA), env_at(SRC), 64);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 0);
	ck_assert_uint_eq(env.e.gpr[RD_RSI], SRC + 64);
	ck_assert_uint_eq(env.e.rip, CODE + 2);

	env_reset(RD_MODE_LONG);
	fill_source(64);
	env.e.gpr[RD_RCX] = 16;
	env.e.gpr[RD_RSI] = SRC + 60;
	env.e.gpr[RD_RDI] = DATA + 60;
	env.e.rflags |= F_D;
	ck_assert_int_eq(env_run("f3 a5"), RD_EMUL_DONE);
	ck_assert_mem_eq(env_at(DATA), env_at(SRC), 64);
	ck_assert_uint_eq(env.e.gpr[RD_RSI], SRC - 4);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], DATA - 4);
}
END_TEST

START_TEST(rep_with_a_count_of_0)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = 0;
	env.e.gpr[RD_RDI] = 0x7000000000; /* not touched */
	ck_assert_int_eq(env_run("f3 aa"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.rip, CODE + 2);
	ck_assert_uint_eq(env.writes, 0);
	env.e.gpr[RD_RCX] = 0x100000000; /* 32-bit addresses count in ECX */
	ck_assert_int_eq(env_run("67 f3 aa"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 0);
	ck_assert_uint_eq(env.writes, 0);
}
END_TEST

START_TEST(address_sizes)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] |= 0xabcd00000000;
	env.e.gpr[RD_RCX] = 0xffff00000002;
	env.e.gpr[RD_RAX] = 0x5a;
	ck_assert_int_eq(env_run("67 f3 aa"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 4), 0x5a5a);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], DATA + 2);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 0);

	env_reset(RD_MODE_REAL); /* DI wraps, the upper parts stay */
	env.seg[RD_SEG_ES].base = DATA - 0xf000;
	env.e.gpr[RD_RDI] = 0x1234fffe;
	env.e.gpr[RD_RCX] = 0x56780001;
	ck_assert_int_eq(env_run("f3 ab"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], 0x12340000);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 0x56780000);
	ck_assert_uint_eq(env_get(DATA + 0xffe, 2), 0x0101);
}
END_TEST

START_TEST(source_segment_can_be_overridden)
{
	env_reset(RD_MODE_REAL);
	env.seg[RD_SEG_FS].base = DATA + 0x2000;
	env_put(DATA + 0x2000 + 0x1000, 0x77, 1);
	ck_assert_int_eq(env_run("64 a4"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 1), 0x77);
}
END_TEST

START_TEST(repe_cmps_stops_at_a_difference)
{
	env_reset(RD_MODE_LONG);
	fill_source(16);
	memcpy(env_at(DATA), env_at(SRC), 16);
	env_put(DATA + 5, 0, 1);
	env.e.gpr[RD_RCX] = 16;
	ck_assert_int_eq(env_run("f3 a6"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 10);
	ck_assert_uint_eq(env.e.gpr[RD_RSI], SRC + 6);
	ck_assert_uint_eq(env.e.rflags & (F_Z | F_C), 0);
	ck_assert_uint_eq(env.e.rip, CODE + 2);
}
END_TEST

START_TEST(repne_scas_finds)
{
	env_reset(RD_MODE_LONG);
	env_put(DATA + 9, 0x41, 1);
	env.e.gpr[RD_RCX] = 100;
	env.e.gpr[RD_RAX] = 0x41;
	ck_assert_int_eq(env_run("f2 ae"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], DATA + 10);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 90);
	ck_assert(env.e.rflags & F_Z);
}
END_TEST

START_TEST(lods)
{
	env_reset(RD_MODE_LONG);
	fill_source(8);
	ck_assert_int_eq(env_run("ac"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x0101010101010101);
	ck_assert_int_eq(env_run("ad"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.e.gpr[RD_RAX], 0x0d0a0704);
	ck_assert_uint_eq(env.e.gpr[RD_RSI], SRC + 5);
}
END_TEST

/* A long REP gives way to interrupts: whole iterations, RIP where it was, and the rest later. */
START_TEST(long_rep_stops_now_and_then)
{
	unsigned int runs = 0;
	u64 left = 4000;
	int r;

	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = left;
	env.e.gpr[RD_RAX] = 0x11;
	do {
		r = env_run("f3 aa");
		runs++;
		ck_assert_uint_eq(env.e.gpr[RD_RDI] - DATA, 4000 - env.e.gpr[RD_RCX]);
		ck_assert(env.e.gpr[RD_RCX] < left);
		left = env.e.gpr[RD_RCX];
		ck_assert_uint_eq(env.e.rip, r == RD_EMUL_DONE ? CODE + 2 : CODE);
	} while (r == RD_EMUL_AGAIN);
	ck_assert_int_eq(r, RD_EMUL_DONE);
	ck_assert_uint_eq(left, 0);
	ck_assert_uint_gt(runs, 2);
	ck_assert_uint_eq(env_get(DATA + 3999, 2), 0x11);
}
END_TEST

/*
 * A fault in a later iteration comes with the next run; a fault never comes with changed registers.
 */
START_TEST(fault_between_iterations)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = 8;
	env.e.gpr[RD_RDI] = DATA + 0x3ffc;
	ck_assert_int_eq(env_run("f3 aa"), RD_EMUL_AGAIN);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 4);
	ck_assert_uint_eq(env.e.rip, CODE);
	env.writes = 0;
	env_expect_fault(env_run("f3 aa"), 14, 2);
	ck_assert_uint_eq(env.e.fault.cr2, DATA + 0x4000);
}
END_TEST

START_TEST(retry_between_iterations)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = 4;
	env.e.gpr[RD_RSI] = DEVICE - 2;
	env.perm[(DEVICE >> 12) - 1] = PG_R;
	env_put(DEVICE - 2, 0x04030201, 4);
	env.device_retries = 1;
	ck_assert_int_eq(env_run("f3 a4"), RD_EMUL_RETRY);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 2);
	ck_assert_uint_eq(env.e.rip, CODE);
	ck_assert_int_eq(env_run("f3 a4"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 4), 0x04030201);
	ck_assert_uint_eq(env.device_reads, 2);
}
END_TEST

/* The first iteration may use the address of the fault that led here, the later ones may not. */
START_TEST(later_iterations_have_addresses_of_their_own)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RCX] = 2;
	env_code("f3 aa");
	ck_assert_int_eq(rd_emul_decode(&env.e), RD_EMUL_DONE);
	ck_assert(!env.e.two_mem);
	ck_assert_int_eq(rd_emul_exec(&env.e), RD_EMUL_DONE);
	ck_assert(env.e.two_mem);
}
END_TEST

START_TEST(outs_goes_in_bursts)
{
	env_reset(RD_MODE_LONG);
	fill_source(200);
	env.e.gpr[RD_RCX] = 200;
	ck_assert_int_eq(env_run("f3 6e"), RD_EMUL_DONE);
	ck_assert_mem_eq(env.port_log, env_at(SRC), 200);
	ck_assert_uint_eq(env.port_calls, 1);
	ck_assert_uint_eq(env.e.gpr[RD_RSI], SRC + 200);
}
END_TEST

START_TEST(bursts_end_at_the_page)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RSI] = SRC - 6;
	env_put(SRC - 6, 0x1111222233334444, 8);
	env_put(SRC + 2, 0x5555666677778888, 8);
	env.e.gpr[RD_RCX] = 3;
	ck_assert_int_eq(env_run("f3 6f"), RD_EMUL_DONE); /* one item, one that crosses, one */
	ck_assert_uint_eq(env.port_calls, 3);
	ck_assert_mem_eq(env.port_log, "\x44\x44\x33\x33\x22\x22\x11\x11\x88\x88\x77\x77", 12);
}
END_TEST

START_TEST(ins_takes_what_the_port_gives)
{
	unsigned int n;

	env_reset(RD_MODE_LONG);
	env.port_limit = 10;
	env.e.gpr[RD_RCX] = 25;
	ck_assert_int_eq(env_run("f3 66 6d"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.port_calls, 3);
	for (n = 0; n < 25; n++)
		ck_assert_uint_eq(env_get(DATA + 2 * n, 2), n);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], DATA + 50);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 0);
}
END_TEST

START_TEST(ins_downwards)
{
	env_reset(RD_MODE_LONG);
	env.e.rflags |= F_D;
	env.e.gpr[RD_RCX] = 3;
	env.e.gpr[RD_RDI] = DATA + 8;
	env.port_value = 0x10;
	ck_assert_int_eq(env_run("f3 6d"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 4), 0x12);
	ck_assert_uint_eq(env_get(DATA + 8, 4), 0x10);
	ck_assert_uint_eq(env.e.gpr[RD_RDI], DATA - 4);
}
END_TEST

START_TEST(port_retry_keeps_the_burst)
{
	env_reset(RD_MODE_LONG);
	env.port_retries = 1;
	env.e.gpr[RD_RCX] = 5;
	ck_assert_int_eq(env_run("f3 6c"), RD_EMUL_RETRY);
	ck_assert_uint_eq(env.e.gpr[RD_RCX], 5);
	ck_assert_uint_eq(env.writes, 0);
	ck_assert_int_eq(env_run("f3 6c"), RD_EMUL_DONE);
	ck_assert_uint_eq(env_get(DATA, 8), 0x0403020100);
}
END_TEST

/* No item is taken from the port when it could not be stored. */
START_TEST(ins_asks_memory_first)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RDI] = RODATA;
	env.e.gpr[RD_RCX] = 5;
	env_expect_fault(env_run("f3 6c"), 14, 3);
	ck_assert_uint_eq(env.port_calls, 0);
	env_expect_fault(env_run("6c"), 14, 3);
	ck_assert_uint_eq(env.port_calls, 0);
	ck_assert_uint_eq(env.probes, 2);
}
END_TEST

START_TEST(burst_meets_the_segment_limit)
{
	env_reset(RD_MODE_PROT16);
	env.seg[RD_SEG_ES].limit = 3;
	env.e.gpr[RD_RDI] = 0;
	env.e.gpr[RD_RCX] = 6;
	ck_assert_int_eq(env_run("f3 6c"), RD_EMUL_AGAIN);
	ck_assert_uint_eq(env.e.gpr[RD_RCX] & 0xffff, 2);
	ck_assert_uint_eq(env_get(DATA, 8), 0x03020100);
	env.writes = 0;
	env_expect_fault(env_run("f3 6c"), 13, 0);
	ck_assert_uint_eq(env.port_items, 4);
}
END_TEST

TCase *string_cases(void)
{
	TCase *tc = tcase_create("string");

	tcase_add_loop_test(tc, movs_of_all_sizes, 0, 4);
	tcase_add_test(tc, rep_movs_up_and_down);
	tcase_add_test(tc, rep_with_a_count_of_0);
	tcase_add_test(tc, address_sizes);
	tcase_add_test(tc, source_segment_can_be_overridden);
	tcase_add_test(tc, repe_cmps_stops_at_a_difference);
	tcase_add_test(tc, repne_scas_finds);
	tcase_add_test(tc, lods);
	tcase_add_test(tc, long_rep_stops_now_and_then);
	tcase_add_test(tc, fault_between_iterations);
	tcase_add_test(tc, retry_between_iterations);
	tcase_add_test(tc, later_iterations_have_addresses_of_their_own);
	tcase_add_test(tc, outs_goes_in_bursts);
	tcase_add_test(tc, bursts_end_at_the_page);
	tcase_add_test(tc, ins_takes_what_the_port_gives);
	tcase_add_test(tc, ins_downwards);
	tcase_add_test(tc, port_retry_keeps_the_burst);
	tcase_add_test(tc, ins_asks_memory_first);
	tcase_add_test(tc, burst_meets_the_segment_limit);
	return tc;
}
