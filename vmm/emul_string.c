// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions with and without REP.
 * Invariant: registers move on only after a whole iteration. A fault in a later iteration is left
 * to the next run, so that a fault never comes with changed registers; the number of iterations in
 * one run is bounded so that interrupts get in.
 */
#include "vmm/emul_internal.h"

#define MAX_ITERATIONS 1024U
#define BURST_BYTES 256U

/* Source and destination of an iteration, and the step to the next. */
static u64 string_offset(const struct rd_emul *e, const struct rd_insn *i, unsigned int reg)
{
	return e->gpr[reg] & rd_mask(i->ad_bytes);
}

static void string_step(struct rd_emul *e, const struct rd_insn *i, unsigned int reg, u64 count)
{
	u64 delta = count * i->op_bytes;

	rd_merge(&e->gpr[reg], e->rflags & RD_FL_DF ? e->gpr[reg] - delta : e->gpr[reg] + delta,
		 i->ad_bytes);
}

static int read_source(struct rd_emul *e, const struct rd_insn *i, u64 *v)
{
	*v = 0;
	return rd_mem_read(e, i->seg, string_offset(e, i, RD_RSI), v, i->op_bytes);
}

static int read_dest(struct rd_emul *e, const struct rd_insn *i, u64 *v)
{
	*v = 0;
	return rd_mem_read(e, RD_SEG_ES, string_offset(e, i, RD_RDI), v, i->op_bytes);
}

static int write_dest(struct rd_emul *e, const struct rd_insn *i, u64 v)
{
	return rd_mem_write(e, RD_SEG_ES, string_offset(e, i, RD_RDI), &v, i->op_bytes);
}

/* One iteration; *left is what REP still has to do, *n how many were done, at least 1 with DONE. */
typedef int (*iteration_fn)(struct rd_emul *e, struct rd_insn *i, u64 left, u64 *n);

static int movs_one(struct rd_emul *e, struct rd_insn *i, u64 left __maybe_unused, u64 *n)
{
	u64 v;
	int r = read_source(e, i, &v);

	if (r == RD_EMUL_DONE)
		r = write_dest(e, i, v);
	if (r != RD_EMUL_DONE)
		return r;
	string_step(e, i, RD_RSI, 1);
	string_step(e, i, RD_RDI, 1);
	*n = 1;
	return r;
}

static int stos_one(struct rd_emul *e, struct rd_insn *i, u64 left __maybe_unused, u64 *n)
{
	int r = write_dest(e, i, e->gpr[RD_RAX]);

	if (r != RD_EMUL_DONE)
		return r;
	string_step(e, i, RD_RDI, 1);
	*n = 1;
	return r;
}

static int lods_one(struct rd_emul *e, struct rd_insn *i, u64 left __maybe_unused, u64 *n)
{
	u64 v;
	int r = read_source(e, i, &v);

	if (r != RD_EMUL_DONE)
		return r;
	rd_merge(&e->gpr[RD_RAX], v, i->op_bytes);
	string_step(e, i, RD_RSI, 1);
	*n = 1;
	return r;
}

static int cmps_one(struct rd_emul *e, struct rd_insn *i, u64 left __maybe_unused, u64 *n)
{
	u64 a, b;
	int r = read_source(e, i, &a);

	if (r == RD_EMUL_DONE)
		r = read_dest(e, i, &b);
	if (r != RD_EMUL_DONE)
		return r;
	rd_alu(RD_ALU_CMP, i->op_bytes, a, b, &e->rflags);
	string_step(e, i, RD_RSI, 1);
	string_step(e, i, RD_RDI, 1);
	*n = 1;
	return r;
}

static int scas_one(struct rd_emul *e, struct rd_insn *i, u64 left __maybe_unused, u64 *n)
{
	u64 b;
	int r = read_dest(e, i, &b);

	if (r != RD_EMUL_DONE)
		return r;
	rd_alu(RD_ALU_CMP, i->op_bytes, e->gpr[RD_RAX], b, &e->rflags);
	string_step(e, i, RD_RDI, 1);
	*n = 1;
	return r;
}

/*
 * How many items of a port burst at seg:reg fit in the buffer and in the page, going up. 1 where
 * the offset would wrap or the direction is down.
 */
static unsigned int burst_size(struct rd_emul *e, struct rd_insn *i, unsigned int reg, u64 left,
			       u64 linear)
{
	u64 off = string_offset(e, i, reg);
	u64 room = min_t(u64, BURST_BYTES, RD_PAGE_SIZE - (linear & ~RD_PAGE_MASK));

	if (e->rflags & RD_FL_DF)
		return 1;
	room = min_t(u64, room, rd_mask(i->ad_bytes) - off) / i->op_bytes;
	return room ? min_t(u64, room, left) : 1;
}

/*
 * The linear address of a burst of *count items, cut down to one item if the segment ends within
 * it.
 */
static int burst_linear(struct rd_emul *e, struct rd_insn *i, unsigned int seg, unsigned int reg,
			unsigned int acc, u64 left, unsigned int *count, u64 *linear)
{
	u64 off = string_offset(e, i, reg);
	int r = rd_linear(e, seg, off, i->op_bytes, acc, linear);

	*count = 1;
	if (r != RD_EMUL_DONE || left == 1)
		return r;
	*count = burst_size(e, i, reg, left, *linear);
	if (*count > 1 &&
	    rd_linear(e, seg, off, *count * i->op_bytes, acc, linear) != RD_EMUL_DONE) {
		*count = 1;
		r = rd_linear(e, seg, off, i->op_bytes, acc, linear);
	}
	return r;
}

static int ins_burst(struct rd_emul *e, struct rd_insn *i, u64 left, u64 *n)
{
	unsigned int count, done = 0;
	u8 buf[BURST_BYTES];
	u64 linear;
	int r = burst_linear(e, i, RD_SEG_ES, RD_RDI, RD_ACC_WRITE, left, &count, &linear);

	if (r == RD_EMUL_DONE && e->ops->probe_write)
		r = e->ops->probe_write(e, linear, count * i->op_bytes);
	if (r == RD_EMUL_DONE)
		r = e->ops->pio_in(e, e->gpr[RD_RDX], i->op_bytes, buf, count, &done);
	if (r != RD_EMUL_DONE)
		return r;
	if (!done || done > count)
		return RD_EMUL_RETRY;
	r = e->ops->write(e, linear, buf, done * i->op_bytes, RD_ACC_WRITE);
	if (r != RD_EMUL_DONE)
		return r;
	string_step(e, i, RD_RDI, done);
	*n = done;
	return r;
}

static int outs_burst(struct rd_emul *e, struct rd_insn *i, u64 left, u64 *n)
{
	unsigned int count, done = 0;
	u8 buf[BURST_BYTES];
	u64 linear;
	int r = burst_linear(e, i, i->seg, RD_RSI, RD_ACC_READ, left, &count, &linear);

	if (r == RD_EMUL_DONE)
		r = e->ops->read(e, linear, buf, count * i->op_bytes, RD_ACC_READ);
	if (r == RD_EMUL_DONE)
		r = e->ops->pio_out(e, e->gpr[RD_RDX], i->op_bytes, buf, count, &done);
	if (r != RD_EMUL_DONE)
		return r;
	if (!done || done > count)
		return RD_EMUL_RETRY;
	string_step(e, i, RD_RSI, done);
	*n = done;
	return r;
}

/* REP ends early for CMPS and SCAS when ZF says so. */
static bool rep_ends(const struct rd_emul *e, const struct rd_insn *i, bool compares)
{
	return compares && !(e->rflags & RD_FL_ZF) == !!(i->prefix & RD_PFX_REP);
}

static int repeat(struct rd_emul *e, struct rd_insn *i, iteration_fn one, bool compares)
{
	u64 mask = rd_mask(i->ad_bytes), left = e->gpr[RD_RCX] & mask, total = 0, n;
	int r;

	if (!(i->prefix & (RD_PFX_REP | RD_PFX_REPNE)))
		return one(e, i, 1, &n);
	if (!left) { /* a 32-bit address size clears the upper half of RCX all the same */
		if (i->ad_bytes == 4)
			e->gpr[RD_RCX] = 0;
		return RD_EMUL_DONE;
	}
	while (total < MAX_ITERATIONS) {
		r = one(e, i, left, &n);
		if ((r == RD_EMUL_FAULT || r == RD_EMUL_UNHANDLED) && total)
			return RD_EMUL_AGAIN;
		if (r != RD_EMUL_DONE)
			return r;
		left -= n;
		total += n;
		/* The address of the fault that led here says nothing about later iterations. */
		e->two_mem = true;
		rd_merge(&e->gpr[RD_RCX], left, i->ad_bytes);
		if (!left || rep_ends(e, i, compares))
			return RD_EMUL_DONE;
	}
	return RD_EMUL_AGAIN;
}

int rd_ex_movs(struct rd_emul *e, struct rd_insn *i)
{
	return repeat(e, i, movs_one, false);
}

int rd_ex_stos(struct rd_emul *e, struct rd_insn *i)
{
	return repeat(e, i, stos_one, false);
}

int rd_ex_lods(struct rd_emul *e, struct rd_insn *i)
{
	return repeat(e, i, lods_one, false);
}

int rd_ex_cmps(struct rd_emul *e, struct rd_insn *i)
{
	return repeat(e, i, cmps_one, true);
}

int rd_ex_scas(struct rd_emul *e, struct rd_insn *i)
{
	return repeat(e, i, scas_one, true);
}

/* There is no 64-bit port access: REX.W does nothing. */
static int port_string(struct rd_emul *e, struct rd_insn *i, iteration_fn burst)
{
	int r;

	if (i->op_bytes == 8)
		i->op_bytes = 4;
	r = rd_io_permitted(e, e->gpr[RD_RDX], i->op_bytes);
	return r == RD_EMUL_DONE ? repeat(e, i, burst, false) : r;
}

int rd_ex_ins(struct rd_emul *e, struct rd_insn *i)
{
	return port_string(e, i, ins_burst);
}

int rd_ex_outs(struct rd_emul *e, struct rd_insn *i)
{
	return port_string(e, i, outs_burst);
}
