// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator against the processor that runs the test: random integer instructions on random
 * registers and memory are executed by both, and must leave the same registers, memory and defined
 * flags, or both raise #DE.
 * Invariant: the operand memory of both sides has the same address; the emulator's callbacks
 * redirect to a copy.
 */
#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"
#include "tests/unit/emul/native.h"

#define CASES_PER_BATCH 5000
#define BATCHES 10

struct native native;
static sigjmp_buf escape;

static void on_sigfpe(int sig)
{
	(void)sig;
	siglongjmp(escape, 1);
}

/* Everything below 4 GiB, so that 32-bit addresses reach it too. */
static void *map_low(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

static void setup(void)
{
	struct sigaction sa = { .sa_handler = on_sigfpe, .sa_flags = SA_NODEFER };

	sigaction(SIGFPE, &sa, NULL);
	native.code = map_low(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	native.regs = (void *)(native.code + 2048);
	native.data = map_low(4096, PROT_READ | PROT_WRITE);
}

/* An instruction with a RIP-relative operand at p; returns the position after it. */
static u8 *emit_rel(u8 *p, u8 rex, u8 opcode, u8 reg, const void *operand)
{
	s32 disp;

	if (rex)
		*p++ = rex;
	*p++ = opcode;
	*p++ = 5 | (reg & 7) << 3;
	disp = (s32)((const u8 *)operand - (p + 4));
	memcpy(p, &disp, 4);
	return p + 4;
}

static u8 *emit(u8 *p, const char *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

/* Load all registers but RSP, execute, store them. */
static void build(const u8 *insn, unsigned int len)
{
	struct native_regs *r = native.regs;
	u8 *p = native.code;
	unsigned int n;

	p = emit(p, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10); /* PUSH RBX RBP R12..R15 */
	p = emit_rel(p, 0, 0xff, 6, &r->flags);
	*p++ = 0x9d;
	for (n = 0; n < 16; n++)
		if (n != RD_RSP)
			p = emit_rel(p, n >= 8 ? 0x4c : 0x48, 0x8b, n, &r->gpr[n]);
	p = emit(p, (const char *)insn, len);
	for (n = 0; n < 16; n++)
		if (n != RD_RSP)
			p = emit_rel(p, n >= 8 ? 0x4c : 0x48, 0x89, n, &r->gpr[n]);
	*p++ = 0x9c;
	p = emit_rel(p, 0, 0x8f, 0, &r->flags);
	p = emit(p, "\xfc\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3",
		 12); /* CLD, POP them, RET */
	ck_assert(p <= native.code + 2048);
}

/* False: the processor raised #DE. */
static bool run_native(const struct sample *s)
{
	void (*volatile fn)(void);

	memcpy(native.regs->gpr, s->gpr, sizeof(s->gpr));
	native.regs->flags = s->flags;
	memcpy(native.data, s->data, sizeof(s->data));
	build(s->insn, s->len);
	memcpy((void *)&fn, &native.code, sizeof(fn));
	if (sigsetjmp(escape, 0))
		return false;
	fn();
	return true;
}

static u8 emulated[sizeof(((struct sample *)0)->data)];

static u8 *redirect(u64 linear, unsigned int len)
{
	u64 off = linear - (u64)(uintptr_t)native.data;

	ck_assert_uint_le(off + len, sizeof(emulated));
	return emulated + off;
}

static int read_copy(struct rd_emul *e, u64 linear, void *buf, unsigned int len, unsigned int acc)
{
	(void)e;
	(void)acc;
	memcpy(buf, redirect(linear, len), len);
	return RD_EMUL_DONE;
}

static int write_copy(struct rd_emul *e, u64 linear, const void *buf, unsigned int len,
		      unsigned int acc)
{
	(void)e;
	(void)acc;
	memcpy(redirect(linear, len), buf, len);
	return RD_EMUL_DONE;
}

static int cas_copy(struct rd_emul *e, u64 linear, void *old, const void *new_val, unsigned int len)
{
	u8 *p = redirect(linear, len), found[16];

	(void)e;
	memcpy(found, p, len);
	if (!memcmp(found, old, len))
		memcpy(p, new_val, len);
	memcpy(old, found, len);
	return RD_EMUL_DONE;
}

static const struct rd_emul_ops copy_ops = { .read = read_copy,
					     .write = write_copy,
					     .cas = cas_copy };

static int run_emulated(const struct sample *s)
{
	memset(&env.e, 0, sizeof(env.e));
	env.e.ops = &copy_ops;
	memcpy(env.e.gpr, s->gpr, sizeof(s->gpr));
	env.e.rflags = s->flags;
	env.e.rip = 0x1000;
	env.e.mode = RD_MODE_LONG;
	env.e.cpl = 3;
	env.e.flat_segments = true;
	env.e.has_movbe = env.e.has_cx16 = env.e.has_popcnt = env.e.has_lzcnt = env.e.has_bmi1 =
		true;
	memcpy(env.e.insn, s->insn, s->len);
	env.e.insn_len = s->len;
	memcpy(emulated, s->data, sizeof(emulated));
	return rd_emul_run(&env.e);
}

static const char *describe(const struct sample *s)
{
	static char text[256];
	unsigned int n, at = 0;

	at += snprintf(text, sizeof(text), "%s:", s->what);
	for (n = 0; n < s->len; n++)
		at += snprintf(text + at, sizeof(text) - at, " %02x", s->insn[n]);
	snprintf(text + at, sizeof(text) - at, " (rax %llx rcx %llx rdx %llx flags %llx)",
		 s->gpr[RD_RAX], s->gpr[RD_RCX], s->gpr[RD_RDX], s->flags);
	return text;
}

static void compare(const struct sample *s)
{
	u64 checked = (F_ARITH | F_D) & ~s->undefined_flags;
	unsigned int n;

	ck_assert_msg(env.e.rip == 0x1000 + s->len, "%s: RIP %#llx", describe(s), env.e.rip);
	for (n = 0; n < 16; n++)
		if (n != RD_RSP && !(s->undefined_reg == n && (env.e.rflags & F_Z)))
			ck_assert_msg(env.e.gpr[n] == native.regs->gpr[n],
				      "%s: register %u is %#llx, not %#llx", describe(s), n,
				      env.e.gpr[n], native.regs->gpr[n]);
	ck_assert_msg(!((env.e.rflags ^ native.regs->flags) & checked),
		      "%s: flags %#llx, not %#llx", describe(s), env.e.rflags & checked,
		      native.regs->flags & checked);
	ck_assert_msg(!memcmp(emulated, native.data, sizeof(emulated)), "%s: memory differs",
		      describe(s));
}

START_TEST(same_as_the_processor)
{
	unsigned int n, faults = 0;
	struct sample s;
	int r;

	native_seed(_i + 1);
	for (n = 0; n < CASES_PER_BATCH; n++) {
		native_sample(&s);
		r = run_emulated(&s);
		ck_assert_msg(r == RD_EMUL_DONE || (r == RD_EMUL_FAULT && env.e.fault.vector == 0),
			      "%s: result %d, vector %u", describe(&s), r, env.e.fault.vector);
		ck_assert_msg(run_native(&s) == (r == RD_EMUL_DONE), "%s: #DE on one side only",
			      describe(&s));
		if (r == RD_EMUL_DONE)
			compare(&s);
		else
			faults++;
	}
	ck_assert_uint_gt(faults, 0); /* divisions were among them */
	ck_assert_uint_lt(faults, CASES_PER_BATCH / 10);
}
END_TEST

TCase *native_cases(void)
{
	TCase *tc = tcase_create("native");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, same_as_the_processor, 0, BATCHES);
	return tc;
}
