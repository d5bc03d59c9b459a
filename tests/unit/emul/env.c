// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of env.h.
 * Invariant: env.e before a run is remembered, so that "nothing changed" can be checked after it.
 */
#include <check.h>
#include <ctype.h>

#include "tests/unit/emul/env.h"

struct env env;
static struct rd_emul before;

void *env_at(u64 linear)
{
	return &env.page[linear >> 12 & (PAGES - 1)][linear & 4095];
}

u64 env_get(u64 linear, unsigned int bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | *(u8 *)env_at(linear + bytes);
	return v;
}

void env_put(u64 linear, u64 v, unsigned int bytes)
{
	for (; bytes--; linear++, v >>= 8)
		*(u8 *)env_at(linear) = (u8)v;
}

static int page_fault(struct rd_emul *e, u64 linear, unsigned int acc, bool present)
{
	bool user = e->cpl == 3 && !(acc & RD_ACC_SYSTEM);

	e->fault = (struct rd_fault){
		.vector = 14,
		.has_error = true,
		.error = present | (acc & RD_ACC_WRITE ? 2 : 0) | (user ? 4 : 0) |
			 (acc & RD_ACC_FETCH ? 16 : 0),
		.cr2 = linear,
	};
	return RD_EMUL_FAULT;
}

static int check(struct rd_emul *e, u64 linear, unsigned int len, unsigned int acc)
{
	unsigned int n;
	u8 perm;

	ck_assert_uint_gt(len, 0);
	for (n = 0; n < len; n++) {
		u64 a = linear + n;

		perm = a >> 12 < PAGES ? env.perm[a >> 12] : 0;
		if (!perm)
			return page_fault(e, a, acc, false);
		if ((acc & RD_ACC_WRITE) && !(perm & PG_W))
			return page_fault(e, a, acc, true);
		if ((perm & PG_SYSTEM) && e->cpl == 3 && !(acc & RD_ACC_SYSTEM))
			return page_fault(e, a, acc, true);
	}
	return RD_EMUL_DONE;
}

static bool is_device(u64 linear)
{
	return env.perm[linear >> 12] & PG_DEVICE;
}

static int do_read(struct rd_emul *e, u64 linear, void *buf, unsigned int len, unsigned int acc)
{
	unsigned int n;
	int r = check(e, linear, len, acc);

	if (r != RD_EMUL_DONE)
		return r;
	if (is_device(linear)) {
		if (env.device_retries) {
			env.device_retries--;
			return RD_EMUL_RETRY;
		}
		env.device_reads++;
	}
	for (n = 0; n < len; n++)
		((u8 *)buf)[n] = *(u8 *)env_at(linear + n);
	return r;
}

static int do_write(struct rd_emul *e, u64 linear, const void *buf, unsigned int len,
		    unsigned int acc)
{
	unsigned int n;
	int r = check(e, linear, len, acc | RD_ACC_WRITE);

	if (r != RD_EMUL_DONE)
		return r;
	env.device_writes += is_device(linear);
	env.writes++;
	for (n = 0; n < len; n++)
		*(u8 *)env_at(linear + n) = ((const u8 *)buf)[n];
	return r;
}

static int do_cas(struct rd_emul *e, u64 linear, void *old, const void *new_val, unsigned int len)
{
	u8 found[16];
	int r = check(e, linear, len, RD_ACC_READ | RD_ACC_WRITE);

	if (r != RD_EMUL_DONE)
		return r;
	env.cas_calls++;
	if (env.lost_races) { /* another processor was here: it counted the first byte up */
		env.lost_races--;
		(*(u8 *)env_at(linear))++;
	}
	do_read(e, linear, found, len, RD_ACC_READ);
	if (!memcmp(found, old, len))
		return do_write(e, linear, new_val, len, RD_ACC_WRITE);
	memcpy(old, found, len);
	return r;
}

static int do_pio_in(struct rd_emul *e, u16 port, unsigned int size, void *data, unsigned int count,
		     unsigned int *done)
{
	unsigned int n;

	(void)e;
	(void)port;
	env.port_calls++;
	*done = 0;
	if (env.port_retries) {
		env.port_retries--;
		return RD_EMUL_RETRY;
	}
	*done = min(count, env.port_limit);
	for (n = 0; n < *done; n++, env.port_value++)
		memcpy((u8 *)data + n * size, &env.port_value, size);
	env.port_items += *done;
	return RD_EMUL_DONE;
}

static int do_pio_out(struct rd_emul *e, u16 port, unsigned int size, const void *data,
		      unsigned int count, unsigned int *done)
{
	(void)e;
	(void)port;
	env.port_calls++;
	*done = 0;
	if (env.port_retries) {
		env.port_retries--;
		return RD_EMUL_RETRY;
	}
	*done = min(count, env.port_limit);
	ck_assert_uint_le((env.port_items + *done) * size, sizeof(env.port_log));
	memcpy(env.port_log + env.port_items * size, data, *done * size);
	env.port_items += *done;
	return RD_EMUL_DONE;
}

static void do_get_seg(struct rd_emul *e, unsigned int seg, struct kvm_segment *s)
{
	(void)e;
	*s = env.seg[seg];
}

static void do_set_seg(struct rd_emul *e, unsigned int seg, const struct kvm_segment *s)
{
	(void)e;
	env.seg[seg] = *s;
}

static void do_get_dtable(struct rd_emul *e, bool idt, struct kvm_dtable *d)
{
	(void)e;
	ck_assert(!idt);
	*d = env.gdt;
}

static int do_get_cr(struct rd_emul *e, unsigned int n, u64 *val)
{
	(void)e;
	*val = env.cr[n];
	return RD_EMUL_DONE;
}

static int do_set_cr(struct rd_emul *e, unsigned int n, u64 val)
{
	(void)e;
	env.cr[n] = val;
	return RD_EMUL_DONE;
}

static int do_get_dr(struct rd_emul *e, unsigned int n, u64 *val)
{
	(void)e;
	*val = env.dr[n];
	return RD_EMUL_DONE;
}

static int do_set_dr(struct rd_emul *e, unsigned int n, u64 val)
{
	(void)e;
	env.dr[n] = val;
	return RD_EMUL_DONE;
}

static void do_get_vec(struct rd_emul *e, unsigned int n, void *buf, unsigned int len)
{
	(void)e;
	ck_assert(len == 16 || len == 32);
	memcpy(buf, env.vec[n], len);
}

static void do_set_vec(struct rd_emul *e, unsigned int n, const void *buf, unsigned int len,
		       bool zero_upper)
{
	(void)e;
	ck_assert(len == 16 || len == 32);
	memcpy(env.vec[n], buf, len);
	if (zero_upper)
		memset(env.vec[n] + len, 0, 32 - len);
}

static void do_invlpg(struct rd_emul *e, u64 linear)
{
	(void)e;
	env.invalidated = linear;
}

static int do_probe_write(struct rd_emul *e, u64 linear, unsigned int len)
{
	env.probes++;
	return check(e, linear, len, RD_ACC_WRITE);
}

static const struct rd_emul_ops ops = {
	.read = do_read,
	.write = do_write,
	.cas = do_cas,
	.pio_in = do_pio_in,
	.pio_out = do_pio_out,
	.get_seg = do_get_seg,
	.set_seg = do_set_seg,
	.get_dtable = do_get_dtable,
	.get_cr = do_get_cr,
	.set_cr = do_set_cr,
	.get_dr = do_get_dr,
	.set_dr = do_set_dr,
	.get_vec = do_get_vec,
	.set_vec = do_set_vec,
	.invlpg = do_invlpg,
	.probe_write = do_probe_write,
};

static void reset_segments(enum rd_emul_mode mode)
{
	bool real = mode == RD_MODE_REAL || mode == RD_MODE_VM86;
	bool based = real || mode == RD_MODE_PROT16;
	static const u32 base[6] = { DATA, CODE, STACK, DATA, DATA, DATA };
	unsigned int n;

	for (n = 0; n < 6; n++)
		env.seg[n] = (struct kvm_segment){
			.base = based ? base[n] : 0,
			.limit = based ? 0xffff : 0xffffffff,
			.selector = real ? base[n] >> 4 : 8 * (n + 1),
			.type = n == RD_SEG_CS ? 11 : 3,
			.s = 1,
			.present = 1,
			.dpl = env.e.cpl,
			.db = mode == RD_MODE_PROT32,
			.l = n == RD_SEG_CS && mode == RD_MODE_LONG,
			.g = !based,
		};
	env.seg[RD_SEG_LDTR] = (struct kvm_segment){
		.base = TABLES + 0x800, .limit = 0xff, .type = 2, .present = 1
	};
	env.seg[RD_SEG_TR] = (struct kvm_segment){
		.base = TABLES + 0x1000, .limit = 0xfff, .type = 11, .present = 1
	};
	env.gdt = (struct kvm_dtable){ .base = TABLES, .limit = 0xff };
}

static void reset_pages(void)
{
	unsigned int n;

	memset(env.page, 0, sizeof(env.page));
	memset(env.perm, 0, sizeof(env.perm));
	env.perm[CODE >> 12] = env.perm[(CODE >> 12) + 1] = PG_R;
	for (n = 0; n < 4; n++)
		env.perm[(DATA >> 12) + n] = PG_R | PG_W;
	env.perm[STACK >> 12] = PG_R | PG_W;
	env.perm[RODATA >> 12] = PG_R;
	env.perm[DEVICE >> 12] = PG_R | PG_W | PG_DEVICE;
	for (n = 0; n < 4; n++)
		env.perm[(TABLES >> 12) + n] = PG_R | PG_W | PG_SYSTEM;
}

void env_reset(enum rd_emul_mode mode)
{
	bool based = mode != RD_MODE_LONG && mode != RD_MODE_PROT32;
	unsigned int n;

	memset(&env, 0, sizeof(env));
	env.e.ops = &ops;
	env.e.mode = mode;
	env.e.cpl = mode == RD_MODE_VM86 ? 3 : 0;
	env.e.rflags = mode == RD_MODE_VM86 ? 0x20002 : 2;
	for (n = 0; n < RD_NR_GPR; n++)
		env.e.gpr[n] = 0x0101010101010101ULL * (n + 1);
	env.e.gpr[RD_RDI] = based ? 0 : DATA;
	env.e.gpr[RD_RSI] = based ? 0x1000 : DATA + 0x1000;
	env.e.gpr[RD_RSP] = based ? 0x800 : STACK + 0x800;
	env.e.rip = based ? 0 : CODE;
	env.e.flat_segments = mode == RD_MODE_LONG;
	env.e.cr4_osfxsr = env.e.cr4_osxsave = env.e.xcr0_avx = true;
	env.e.has_movbe = env.e.has_cx16 = true;
	env.e.has_popcnt = env.e.has_lzcnt = env.e.has_bmi1 = true;
	env.port_limit = 1024;
	for (n = 0; n < 16 * 32; n++)
		env.vec[n / 32][n % 32] = (u8)(n * 7 + 1);
	reset_segments(mode);
	reset_pages();
	before = env.e;
}

unsigned int env_code(const char *hex)
{
	u64 base = env.e.mode == RD_MODE_LONG ? 0 : env.seg[RD_SEG_CS].base;
	unsigned int n = 0, v;

	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		ck_assert_int_eq(sscanf(hex, "%2x", &v), 1);
		env_put(base + env.e.rip + n++, v, 1);
		hex++;
	}
	env.e.insn_len = 0;
	before = env.e;
	return n;
}

int env_run(const char *hex)
{
	unsigned int n = env_code(hex);
	int r = rd_emul_run(&env.e);

	if (r == RD_EMUL_DONE)
		ck_assert_uint_eq(env.e.len, n);
	return r;
}

void env_expect_fault(int result, unsigned int vector, int error)
{
	ck_assert_int_eq(result, RD_EMUL_FAULT);
	ck_assert_uint_eq(env.e.fault.vector, vector);
	ck_assert_int_eq(env.e.fault.has_error, error >= 0);
	if (error >= 0)
		ck_assert_int_eq((int)env.e.fault.error, error);
	ck_assert_mem_eq(env.e.gpr, before.gpr, sizeof(before.gpr));
	ck_assert_uint_eq(env.e.rip, before.rip);
	ck_assert_uint_eq(env.e.rflags, before.rflags);
	ck_assert_uint_eq(env.writes, 0);
}
