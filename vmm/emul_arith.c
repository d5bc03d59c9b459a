// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of the integer arithmetic: operands and LOCK around the functions of emul_alu.c.
 * Invariant: what only compares (CMP, TEST, BT) never writes, not even the old value.
 */
#include "vmm/emul_internal.h"
#include "vmm/emul_rmw.h"

#define MAX_LOST_RACES 64

static bool only_compares(enum rd_alu op)
{
	return op == RD_ALU_CMP || op == RD_ALU_BT;
}

/* The exchange with LOCK; fl is recomputed from the flags before the instruction for each try. */
static int rmw_locked(struct rd_emul *e, unsigned int bytes, u64 linear, enum rd_alu op, u64 b,
		      u64 *old, u64 *fl)
{
	u64 v, found = *old;
	unsigned int n;
	int r;

	for (n = 0; n < MAX_LOST_RACES; n++) {
		*fl = e->rflags;
		v = rd_alu(op, bytes, *old, b, fl);
		r = e->ops->cas(e, linear, &found, &v, bytes);
		if (r != RD_EMUL_DONE || found == *old)
			return r;
		*old = found;
	}
	return RD_EMUL_AGAIN;
}

int rd_rmw_at(struct rd_emul *e, const struct rd_insn *i, u64 off, enum rd_alu op, u64 b,
	      bool locked, u64 *old)
{
	unsigned int acc = only_compares(op) ? RD_ACC_READ : RD_ACC_READ | RD_ACC_WRITE;
	u64 linear, v, fl = e->rflags;
	int r = rd_linear(e, i->seg, off, i->op_bytes, acc, &linear);

	*old = 0;
	if (r == RD_EMUL_DONE)
		r = e->ops->read(e, linear, old, i->op_bytes, acc);
	if (r != RD_EMUL_DONE)
		return r;
	if (locked) {
		r = rmw_locked(e, i->op_bytes, linear, op, b, old, &fl);
	} else {
		v = rd_alu(op, i->op_bytes, *old, b, &fl);
		if (!only_compares(op))
			r = e->ops->write(e, linear, &v, i->op_bytes, RD_ACC_WRITE);
	}
	if (r == RD_EMUL_DONE)
		e->rflags = fl;
	return r;
}

int rd_rmw(struct rd_emul *e, const struct rd_insn *i, enum rd_alu op, u64 b, bool locked, u64 *old)
{
	u64 v;

	if (i->mod != 3)
		return rd_rmw_at(e, i, i->ea, op, b, locked, old);
	*old = rd_reg(e, i, i->rm, i->op_bytes);
	v = rd_alu(op, i->op_bytes, *old, b, &e->rflags);
	if (!only_compares(op))
		rd_set_reg(e, i, i->rm, i->op_bytes, v);
	return RD_EMUL_DONE;
}

static int rmw(struct rd_emul *e, struct rd_insn *i, enum rd_alu op, u64 b)
{
	u64 old;

	return rd_rmw(e, i, op, b, i->prefix & RD_PFX_LOCK, &old);
}

int rd_ex_alu_mr(struct rd_emul *e, struct rd_insn *i)
{
	return rmw(e, i, i->opcode >> 3, rd_reg(e, i, i->reg, i->op_bytes));
}

static void alu_to_reg(struct rd_emul *e, struct rd_insn *i, unsigned int reg, u64 b)
{
	enum rd_alu op = i->opcode >> 3;
	u64 v = rd_alu(op, i->op_bytes, rd_reg(e, i, reg, i->op_bytes), b, &e->rflags);

	if (op != RD_ALU_CMP)
		rd_set_reg(e, i, reg, i->op_bytes, v);
}

int rd_ex_alu_rm(struct rd_emul *e, struct rd_insn *i)
{
	u64 b;
	int r = rd_rm_read(e, i, i->op_bytes, &b);

	if (r == RD_EMUL_DONE)
		alu_to_reg(e, i, i->reg, b);
	return r;
}

int rd_ex_alu_acc(struct rd_emul *e, struct rd_insn *i)
{
	alu_to_reg(e, i, RD_RAX, i->imm);
	return RD_EMUL_DONE;
}

int rd_ex_grp1(struct rd_emul *e, struct rd_insn *i)
{
	return rmw(e, i, i->sub, i->imm);
}

static int test(struct rd_emul *e, struct rd_insn *i, u64 b)
{
	u64 a;
	int r = rd_rm_read(e, i, i->op_bytes, &a);

	if (r == RD_EMUL_DONE)
		rd_alu(RD_ALU_AND, i->op_bytes, a, b, &e->rflags);
	return r;
}

int rd_ex_test_mr(struct rd_emul *e, struct rd_insn *i)
{
	return test(e, i, rd_reg(e, i, i->reg, i->op_bytes));
}

int rd_ex_test_acc(struct rd_emul *e, struct rd_insn *i)
{
	rd_alu(RD_ALU_AND, i->op_bytes, rd_reg(e, i, RD_RAX, i->op_bytes), i->imm, &e->rflags);
	return RD_EMUL_DONE;
}

/* Shifts and rotates by the immediate (C0, C1), by 1 (D0, D1), by CL (D2, D3). */
int rd_ex_grp2(struct rd_emul *e, struct rd_insn *i)
{
	u64 count = i->opcode < 0xd0 ? i->imm : i->opcode < 0xd2 ? 1 : e->gpr[RD_RCX];

	return rmw(e, i, RD_ALU_ROL + i->sub, count);
}

static void multiply_acc(struct rd_emul *e, struct rd_insn *i, u64 v, bool is_signed)
{
	u64 lo, hi;
	u64 acc = rd_reg(e, i, RD_RAX, i->op_bytes);
	bool wide = rd_multiply(i->op_bytes, acc, v, is_signed, &lo, &hi);

	if (i->op_bytes == 1) {
		rd_merge(&e->gpr[RD_RAX], lo | hi << 8, 2);
	} else {
		rd_merge(&e->gpr[RD_RAX], lo, i->op_bytes);
		rd_merge(&e->gpr[RD_RDX], hi, i->op_bytes);
	}
	e->rflags &= ~(u64)(RD_FL_CF | RD_FL_OF);
	if (wide)
		e->rflags |= RD_FL_CF | RD_FL_OF;
}

/* TEST TEST NOT NEG MUL IMUL DIV IDIV */
int rd_ex_grp3(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r;

	if (i->sub < 2)
		return test(e, i, i->imm);
	if (i->sub < 4)
		return rmw(e, i, i->sub == 2 ? RD_ALU_NOT : RD_ALU_NEG, 0);
	r = rd_rm_read(e, i, i->op_bytes, &v);
	if (r != RD_EMUL_DONE)
		return r;
	if (i->sub >= 6)
		return rd_divide(e, i->op_bytes, v, i->sub == 7);
	multiply_acc(e, i, v, i->sub == 5);
	return RD_EMUL_DONE;
}

int rd_ex_grp4(struct rd_emul *e, struct rd_insn *i)
{
	if (i->sub > 1)
		return rd_fault_ud(e);
	return rmw(e, i, RD_ALU_INC + i->sub, 0);
}

/* 40..4F outside long mode */
int rd_ex_incdec_reg(struct rd_emul *e, struct rd_insn *i)
{
	return rmw(e, i, i->opcode & 8 ? RD_ALU_DEC : RD_ALU_INC, 0);
}

int rd_ex_shift_double(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int count = i->opcode & 1 ? e->gpr[RD_RCX] : i->imm;
	u64 a, fl = e->rflags, linear = 0;
	int r = RD_EMUL_DONE;

	if (i->mod == 3) {
		a = rd_reg(e, i, i->rm, i->op_bytes);
	} else {
		a = 0;
		r = rd_linear(e, i->seg, i->ea, i->op_bytes, RD_ACC_READ | RD_ACC_WRITE, &linear);
		if (r == RD_EMUL_DONE)
			r = e->ops->read(e, linear, &a, i->op_bytes, RD_ACC_READ | RD_ACC_WRITE);
		if (r != RD_EMUL_DONE)
			return r;
	}
	a = rd_shift_double(i->opcode & 8, i->op_bytes, a, rd_reg(e, i, i->reg, i->op_bytes),
			    count & 0xff, &fl);
	if (i->mod == 3)
		rd_set_reg(e, i, i->rm, i->op_bytes, a);
	else
		r = e->ops->write(e, linear, &a, i->op_bytes, RD_ACC_WRITE);
	if (r == RD_EMUL_DONE)
		e->rflags = fl;
	return r;
}

static int multiply_to_reg(struct rd_emul *e, struct rd_insn *i, u64 b)
{
	u64 v, lo, hi;
	int r = rd_rm_read(e, i, i->op_bytes, &v);

	if (r != RD_EMUL_DONE)
		return r;
	e->rflags &= ~(u64)(RD_FL_CF | RD_FL_OF);
	if (rd_multiply(i->op_bytes, v, b, true, &lo, &hi))
		e->rflags |= RD_FL_CF | RD_FL_OF;
	rd_set_reg(e, i, i->reg, i->op_bytes, lo);
	return r;
}

int rd_ex_imul2(struct rd_emul *e, struct rd_insn *i)
{
	return multiply_to_reg(e, i, rd_reg(e, i, i->reg, i->op_bytes));
}

int rd_ex_imul3(struct rd_emul *e, struct rd_insn *i)
{
	return multiply_to_reg(e, i, i->imm);
}

/* With a register operand the bit number is signed and may lie outside the operand in memory. */
int rd_ex_bt_reg(struct rd_emul *e, struct rd_insn *i)
{
	enum rd_alu op = RD_ALU_BT + (i->opcode >> 3 & 3);
	s64 bit = (s64)rd_sign_extend(rd_reg(e, i, i->reg, i->op_bytes), i->op_bytes);
	unsigned int shift = i->op_bytes == 8 ? 6 : i->op_bytes == 4 ? 5 : 4;
	u64 off, old;

	if (i->mod == 3)
		return rmw(e, i, op, (u64)bit);
	off = (i->ea + (u64)(bit >> shift) * i->op_bytes) & rd_mask(i->ad_bytes);
	return rd_rmw_at(e, i, off, op, (u64)bit, i->prefix & RD_PFX_LOCK, &old);
}

int rd_ex_bt_imm(struct rd_emul *e, struct rd_insn *i)
{
	if (i->sub < 4)
		return rd_fault_ud(e);
	return rmw(e, i, RD_ALU_BT + (i->sub & 3), i->imm);
}

/* BSF and BSR; with F3 TZCNT and LZCNT where the guest has them. */
int rd_ex_bitscan(struct rd_emul *e, struct rd_insn *i)
{
	bool reverse = i->opcode & 1;
	bool count = (i->prefix & RD_PFX_REP) && (reverse ? e->has_lzcnt : e->has_bmi1);
	unsigned int bits = i->op_bytes * 8;
	u64 v, n;
	int r = rd_rm_read(e, i, i->op_bytes, &v);

	if (r != RD_EMUL_DONE)
		return r;
	n = !v ? bits : reverse ? 63U - __builtin_clzll(v) : (u64)__builtin_ctzll(v);
	if (count) {
		if (reverse && v)
			n = bits - 1 - n;
		e->rflags &= ~(u64)(RD_FL_CF | RD_FL_ZF);
		e->rflags |= (v ? 0 : RD_FL_CF) | (n ? 0 : RD_FL_ZF);
	} else {
		e->rflags &= ~(u64)RD_FL_ZF;
		if (!v) { /* the destination stays, as all implementations do */
			e->rflags |= RD_FL_ZF;
			return r;
		}
	}
	rd_set_reg(e, i, i->reg, i->op_bytes, n);
	return r;
}

int rd_ex_popcnt(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r;

	if (!(i->prefix & RD_PFX_REP))
		return RD_EMUL_UNHANDLED;
	if (!e->has_popcnt)
		return rd_fault_ud(e);
	r = rd_rm_read(e, i, i->op_bytes, &v);
	if (r != RD_EMUL_DONE)
		return r;
	e->rflags &= ~(u64)RD_FL_ARITH;
	e->rflags |= v ? 0 : RD_FL_ZF;
	rd_set_reg(e, i, i->reg, i->op_bytes, hweight64(v));
	return r;
}

/* CBW CWDE CDQE */
int rd_ex_cbw(struct rd_emul *e, struct rd_insn *i)
{
	rd_merge(&e->gpr[RD_RAX], rd_sign_extend(e->gpr[RD_RAX], i->op_bytes / 2), i->op_bytes);
	return RD_EMUL_DONE;
}

/* CWD CDQ CQO */
int rd_ex_cwd(struct rd_emul *e, struct rd_insn *i)
{
	u64 sign = e->gpr[RD_RAX] >> (i->op_bytes * 8 - 1) & 1;

	rd_merge(&e->gpr[RD_RDX], -sign, i->op_bytes);
	return RD_EMUL_DONE;
}

#define AH_FLAGS (RD_FL_SF | RD_FL_ZF | RD_FL_AF | RD_FL_PF | RD_FL_CF)

int rd_ex_sahf(struct rd_emul *e, struct rd_insn *i __maybe_unused)
{
	e->rflags = (e->rflags & ~(u64)AH_FLAGS) | (e->gpr[RD_RAX] >> 8 & AH_FLAGS);
	return RD_EMUL_DONE;
}

int rd_ex_lahf(struct rd_emul *e, struct rd_insn *i __maybe_unused)
{
	u64 ah = (e->rflags & AH_FLAGS) | RD_FL_FIXED;

	e->gpr[RD_RAX] = (e->gpr[RD_RAX] & ~0xff00ULL) | ah << 8;
	return RD_EMUL_DONE;
}
