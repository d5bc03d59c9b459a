/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small kernel for the judge to guard: code of the kernel itself and of one module, in memory
 * pages that lie in an order of their own, and the ways in which Linux writes to code.
 * Invariant: memory changes only where the judge said yes.
 */
#ifndef RD_TESTS_UNIT_GUEST_JUDGE_MODEL_H
#define RD_TESTS_UNIT_GUEST_JUDGE_MODEL_H

#include <check.h>
#include "tools/guest/judge.h"

#define TEXT 0xffffffff81000000ULL
#define TEXT_GFN 0x1000ULL
#define TEXT_PAGES 4U
#define TEXT_BYTES (TEXT_PAGES * 4096U - 100)
#define MODULES 0xffffffffc0000000ULL
#define MODULES_END 0xffffffffff000000ULL
#define MOD (MODULES + 0x5000)
#define MOD_ID 7
#define MOD_PAGES 2U
#define TRAMPOLINE (MODULES + 0x123450)
#define FTRACE_CALLER (TEXT + 0x80)
#define FTRACE_REGS_CALLER (TEXT + 0xc0)

/* Places in the kernel's code. */
#define KEY2_AT 0x100
#define KEY5_AT 0x200
#define KEY5_TARGET 0x1234
#define CALL_AT 0x300
#define TAIL_AT 0x320
#define TAIL6_AT 0x340
#define FTRACE_AT 0x400
#define FTRACE_CALL_AT 0x90
#define CROSSING_AT 0xffd       /* a static key that lies in two pages */
/* 200 static keys, for batches. */
#define KEYS_AT 0x1100
#define KEYS_STEP 8
#define KEYS 200U
/* In the module's: ftrace at 0, a static key that lies in two pages. */
#define MOD_KEY_AT 0xffe

/* How the kernel's memcpy() cuts a write into pieces. */
enum style { BYTES, PIECES };

extern struct judge judge;
extern u8 text[TEXT_PAGES * 4096], mod[MOD_PAGES * 4096];

void model_start(u32 allow);
u8 *model_byte(u64 va);
u64 model_gpa(u64 va);
/* One write of 1 to 8 bytes, in one page: carried out if the judge allows it. */
bool model_write(u64 va, const u8 *bytes, u32 len);
bool model_write1(u64 va, u8 b);
bool model_copy(u64 va, const u8 *bytes, u32 len, enum style style);
/* The three steps for one place; false where the judge said no. */
bool model_poke(u64 va, const u8 *insn, u32 len, enum style style);
bool model_is(u64 va, const u8 *insn, u32 len);
void model_branch(u8 *insn, u8 opcode, u64 va, u64 target);
/* Code is what it was or a permitted instruction, but for places with an INT3. */
void model_check(void);

TCase *protocol_tests(void);
TCase *refusal_tests(void);
TCase *area_tests(void);
TCase *random_tests(void);

#endif
