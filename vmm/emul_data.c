// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data movement: MOV and its relatives, LEA, XCHG, CMPXCHG, XADD, SETcc, CMOVcc.
 * Invariant: with LOCK, and for XCHG always, memory changes only through ops->cas().
 */
#include "vmm/emul_internal.h"
#include "vmm/emul_rmw.h"

int rd_ex_mov_mr(struct rd_emul *e, struct rd_insn *i)
{
	return rd_rm_write(e, i, i->op_bytes, rd_reg(e, i, i->reg, i->op_bytes));
}

int rd_ex_mov_rm(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r = rd_rm_read(e, i, i->op_bytes, &v);

	if (likely(r == RD_EMUL_DONE))
		rd_set_reg(e, i, i->reg, i->op_bytes, v);
	return r;
}

int rd_ex_mov_mi(struct rd_emul *e, struct rd_insn *i)
{
	return i->sub ? rd_fault_ud(e) : rd_rm_write(e, i, i->op_bytes, i->imm);
}

int rd_ex_mov_ri(struct rd_emul *e, struct rd_insn *i)
{
	rd_set_reg(e, i, i->rm, i->op_bytes, i->imm);
	return RD_EMUL_DONE;
}

/* MOVZX and MOVSX: the opcode's low bit is the source size, bit 3 the sign. */
int rd_ex_mov_extend(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int from = 1 + (i->opcode & 1);
	u64 v;
	int r = rd_rm_read(e, i, from, &v);

	if (likely(r == RD_EMUL_DONE))
		rd_set_reg(e, i, i->reg, i->op_bytes, i->opcode & 8 ? rd_sign_extend(v, from) : v);
	return r;
}

int rd_ex_movsxd(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int from = min_t(unsigned int, i->op_bytes, 4);
	u64 v;
	int r = rd_rm_read(e, i, from, &v);

	if (r == RD_EMUL_DONE)
		rd_set_reg(e, i, i->reg, i->op_bytes, rd_sign_extend(v, from));
	return r;
}

int rd_ex_mov_from_seg(struct rd_emul *e, struct rd_insn *i)
{
	struct kvm_segment s;

	if (i->sub > RD_SEG_GS)
		return rd_fault_ud(e);
	e->ops->get_seg(e, i->sub, &s);
	return rd_rm_write(e, i, i->mod == 3 ? i->op_bytes : 2, s.selector);
}

int rd_ex_mov_to_seg(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r;

	if (i->sub > RD_SEG_GS || i->sub == RD_SEG_CS)
		return rd_fault_ud(e);
	r = rd_rm_read(e, i, 2, &v);
	if (r == RD_EMUL_DONE)
		r = rd_load_segment(e, i->sub, v);
	if (r == RD_EMUL_DONE)
		e->irq_shadow = i->sub == RD_SEG_SS;
	return r;
}

/* LES LDS LSS LFS LGS: offset, then selector. */
int rd_ex_load_far(struct rd_emul *e, struct rd_insn *i)
{
	u8 buf[10] = { 0 };
	unsigned int seg;
	u64 off = 0;
	int r;

	if (i->opcode == 0xc4 || i->opcode == 0xc5) {
		if (e->mode == RD_MODE_LONG)
			return rd_fault_ud(e);
		seg = i->opcode == 0xc4 ? RD_SEG_ES : RD_SEG_DS;
	} else {
		seg = i->opcode == 0xb2 ? RD_SEG_SS : i->opcode == 0xb4 ? RD_SEG_FS : RD_SEG_GS;
	}
	r = rd_mem_read(e, i->seg, i->ea, buf, i->op_bytes + 2);
	if (r == RD_EMUL_DONE)
		r = rd_load_segment(e, seg, buf[i->op_bytes] | buf[i->op_bytes + 1] << 8);
	if (r != RD_EMUL_DONE)
		return r;
	memcpy(&off, buf, i->op_bytes);
	rd_set_reg(e, i, i->reg, i->op_bytes, off);
	return RD_EMUL_DONE;
}

static u64 swap_bytes(u64 v, unsigned int bytes)
{
	return __builtin_bswap64(v) >> (64 - bytes * 8);
}

int rd_ex_movbe(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r;

	if (i->prefix & (RD_PFX_REP | RD_PFX_REPNE)) /* CRC32 */
		return RD_EMUL_UNHANDLED;
	if (!e->has_movbe)
		return rd_fault_ud(e);
	if (i->opcode & 1)
		return rd_rm_write(e, i, i->op_bytes,
				   swap_bytes(rd_reg(e, i, i->reg, i->op_bytes), i->op_bytes));
	r = rd_rm_read(e, i, i->op_bytes, &v);
	if (r == RD_EMUL_DONE)
		rd_set_reg(e, i, i->reg, i->op_bytes, swap_bytes(v, i->op_bytes));
	return r;
}

int rd_ex_movnti(struct rd_emul *e, struct rd_insn *i)
{
	if (i->prefix & (RD_PFX_REP | RD_PFX_REPNE | RD_PFX_OPSIZE))
		return rd_fault_ud(e);
	return rd_rm_write(e, i, i->op_bytes, rd_reg(e, i, i->reg, i->op_bytes));
}

int rd_ex_lea(struct rd_emul *e, struct rd_insn *i)
{
	rd_set_reg(e, i, i->reg, i->op_bytes, i->ea);
	return RD_EMUL_DONE;
}

int rd_ex_bswap(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int bytes = i->op_bytes;

	rd_set_reg(e, i, i->rm, bytes,
		   bytes == 2 ? 0 : swap_bytes(rd_reg(e, i, i->rm, bytes), bytes));
	return RD_EMUL_DONE;
}

int rd_ex_setcc(struct rd_emul *e, struct rd_insn *i)
{
	return rd_rm_write(e, i, 1, rd_condition(e->rflags, i->opcode));
}

int rd_ex_cmovcc(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r = rd_rm_read(e, i, i->op_bytes, &v);

	if (r != RD_EMUL_DONE)
		return r;
	/* Not taken, the upper half of a 32-bit destination is cleared all the same. */
	if (!rd_condition(e->rflags, i->opcode))
		v = rd_reg(e, i, i->reg, i->op_bytes);
	rd_set_reg(e, i, i->reg, i->op_bytes, v);
	return r;
}

int rd_ex_xlat(struct rd_emul *e, struct rd_insn *i)
{
	u64 v = 0;
	int r = rd_mem_read(e, i->seg, (e->gpr[RD_RBX] + (u8)e->gpr[RD_RAX]) & rd_mask(i->ad_bytes),
			    &v, 1);

	if (r == RD_EMUL_DONE)
		rd_merge(&e->gpr[RD_RAX], v, 1);
	return r;
}

int rd_ex_xchg_mr(struct rd_emul *e, struct rd_insn *i)
{
	u64 old, v = rd_reg(e, i, i->reg, i->op_bytes);
	int r = rd_rmw(e, i, RD_ALU_MOV, v, true, &old);

	if (r == RD_EMUL_DONE)
		rd_set_reg(e, i, i->reg, i->op_bytes, old);
	return r;
}

/* 90 is NOP, unless REX.B makes it an exchange with R8; PAUSE is one more NOP. */
int rd_ex_xchg_acc(struct rd_emul *e, struct rd_insn *i)
{
	u64 acc = rd_reg(e, i, RD_RAX, i->op_bytes);

	if (i->rm == RD_RAX)
		return RD_EMUL_DONE;
	rd_set_reg(e, i, RD_RAX, i->op_bytes, rd_reg(e, i, i->rm, i->op_bytes));
	rd_set_reg(e, i, i->rm, i->op_bytes, acc);
	return RD_EMUL_DONE;
}

int rd_ex_xadd(struct rd_emul *e, struct rd_insn *i)
{
	u64 old, v = rd_reg(e, i, i->reg, i->op_bytes), sum;
	int r = rd_rmw(e, i, RD_ALU_ADD, v, i->prefix & RD_PFX_LOCK, &old);

	if (r != RD_EMUL_DONE)
		return r;
	sum = rd_reg(e, i, i->rm, i->op_bytes);
	rd_set_reg(e, i, i->reg, i->op_bytes, old);
	if (i->mod == 3) /* of XADD with one register twice the sum is what stays */
		rd_set_reg(e, i, i->rm, i->op_bytes, sum);
	return r;
}

/*
 * What CMPXCHG finds at its destination; with LOCK the exchange has then been done if it was *acc.
 */
static int cmpxchg_memory(struct rd_emul *e, struct rd_insn *i, u64 acc, u64 src, u64 *found)
{
	u64 linear;
	int r = rd_linear(e, i->seg, i->ea, i->op_bytes, RD_ACC_READ | RD_ACC_WRITE, &linear);

	if (r != RD_EMUL_DONE)
		return r;
	if (i->prefix & RD_PFX_LOCK) {
		*found = acc;
		return e->ops->cas(e, linear, found, &src, i->op_bytes);
	}
	*found = 0;
	r = e->ops->read(e, linear, found, i->op_bytes, RD_ACC_READ | RD_ACC_WRITE);
	if (r == RD_EMUL_DONE && *found == acc)
		r = e->ops->write(e, linear, &src, i->op_bytes, RD_ACC_WRITE);
	return r;
}

int rd_ex_cmpxchg(struct rd_emul *e, struct rd_insn *i)
{
	u64 acc = rd_reg(e, i, RD_RAX, i->op_bytes), src = rd_reg(e, i, i->reg, i->op_bytes);
	u64 found, fl = e->rflags;
	int r;

	if (i->mod != 3) {
		r = cmpxchg_memory(e, i, acc, src, &found);
		if (r != RD_EMUL_DONE)
			return r;
	} else {
		found = rd_reg(e, i, i->rm, i->op_bytes);
		if (found == acc)
			rd_set_reg(e, i, i->rm, i->op_bytes, src);
	}
	rd_alu(RD_ALU_CMP, i->op_bytes, acc, found, &fl);
	e->rflags = fl;
	if (found != acc)
		rd_set_reg(e, i, RD_RAX, i->op_bytes, found);
	return RD_EMUL_DONE;
}

/* CMPXCHG8B and CMPXCHG16B: RDX:RAX against memory, RCX:RBX to it. */
int rd_ex_cmpxchg8b(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int half = i->op_bytes == 8 ? 8 : 4;
	u8 acc[16], found[16], src[16];
	u64 linear;
	int r;

	if (i->sub != 1)
		return RD_EMUL_UNHANDLED;
	if (i->mod == 3 || (half == 8 && !e->has_cx16))
		return rd_fault_ud(e);
	r = rd_linear(e, i->seg, i->ea, half * 2, RD_ACC_READ | RD_ACC_WRITE, &linear);
	if (r != RD_EMUL_DONE)
		return r;
	if (half == 8 && (linear & 15))
		return rd_fault_gp(e);
	memcpy(acc, &e->gpr[RD_RAX], half);
	memcpy(acc + half, &e->gpr[RD_RDX], half);
	memcpy(src, &e->gpr[RD_RBX], half);
	memcpy(src + half, &e->gpr[RD_RCX], half);
	if (i->prefix & RD_PFX_LOCK) {
		memcpy(found, acc, sizeof(found));
		r = e->ops->cas(e, linear, found, src, half * 2);
	} else {
		r = e->ops->read(e, linear, found, half * 2, RD_ACC_READ | RD_ACC_WRITE);
		if (r == RD_EMUL_DONE && !memcmp(found, acc, half * 2))
			r = e->ops->write(e, linear, src, half * 2, RD_ACC_WRITE);
	}
	if (r != RD_EMUL_DONE)
		return r;
	if (!memcmp(found, acc, half * 2)) {
		e->rflags |= RD_FL_ZF;
		return r;
	}
	e->rflags &= ~(u64)RD_FL_ZF;
	e->gpr[RD_RAX] = 0;
	e->gpr[RD_RDX] = 0;
	memcpy(&e->gpr[RD_RAX], found, half);
	memcpy(&e->gpr[RD_RDX], found + half, half);
	return r;
}

/*
 * The fast path: the moves that drivers use on device registers, decoded and carried out in one go.
 * They are most of what a running guest asks of the emulator, and each costs an exit. Only 64-bit
 * code, only plain MOV between a register or an immediate and memory; whatever is out of the
 * ordinary (other prefixes, addresses that are not canonical, bytes still to be fetched) is left to
 * the general path untouched.
 */
enum { FAST = 1, FAST_LOAD = 2, FAST_IMM = 4, FAST_BYTE = 8 };

static const u8 fast_kind[256] = {
	[0x88] = FAST | FAST_BYTE,
	[0x89] = FAST,
	[0x8a] = FAST | FAST_LOAD | FAST_BYTE,
	[0x8b] = FAST | FAST_LOAD,
	[0xc6] = FAST | FAST_IMM | FAST_BYTE,
	[0xc7] = FAST | FAST_IMM,
};

static __always_inline s32 get_s32(const u8 *p)
{
	s32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The address of a memory operand; NULL for RIP-relative ones. Returns the position after it. */
static __always_inline const u8 *fast_address(const struct rd_emul *e, const u8 *p,
					      unsigned int rex, u64 *ea)
{
	unsigned int modrm = *p++, base = modrm & 7, mod = modrm >> 6, index;
	u64 a = 0;

	if (base == 4) {
		unsigned int sib = *p++;

		base = sib & 7;
		index = (sib >> 3 & 7) | (rex & RD_REX_X) << 2;
		if (index != RD_RSP)
			a = e->gpr[index] << (sib >> 6);
		if (base == 5 && !mod) {
			*ea = a + get_s32(p);
			return p + 4;
		}
	} else if (base == 5 && !mod) {
		return NULL;
	}
	a += e->gpr[base | (rex & RD_REX_B) << 3];
	if (mod == 2) {
		a += get_s32(p);
		p += 4;
	} else if (mod == 1) {
		a += (s8)*p++;
	}
	*ea = a;
	return p;
}

static __always_inline int fast_load(struct rd_emul *e, unsigned int reg, u64 ea,
				     unsigned int bytes)
{
	u64 v = 0;
	int r = e->ops->read(e, ea, &v, bytes, RD_ACC_READ);

	if (likely(r == RD_EMUL_DONE))
		e->gpr[reg] = bytes >= 4 ? v : (e->gpr[reg] & ~rd_mask(bytes)) | v;
	return r;
}

int rd_emul_fast(struct rd_emul *e)
{
	const u8 *p = e->insn;
	unsigned int rex = 0, bytes = 4, kind, reg;
	u64 ea, v;
	int r;

	if (*p == 0x66) {
		bytes = 2;
		p++;
	}
	if ((*p & 0xf0) == 0x40) {
		rex = *p++;
		if (rex & RD_REX_W)
			bytes = 8;
	}
	kind = fast_kind[*p++];
	if (!kind || *p >= 0xc0)
		return RD_EMUL_NOT_FAST;
	reg = (*p >> 3 & 7) | (rex & RD_REX_R) << 1;
	if (kind & FAST_BYTE)
		bytes = 1;
	p = fast_address(e, p, rex, &ea);
	if (unlikely(!p || !rd_canonical48(ea, bytes)))
		return RD_EMUL_NOT_FAST;
	v = e->gpr[reg];
	if (kind & FAST_IMM) {
		if (reg & 7)
			return RD_EMUL_NOT_FAST;
		if (bytes >= 4) {
			v = (u64)(s64)get_s32(p);
			p += 4;
		} else {
			v = p[0] | p[1] << 8;
			p += bytes;
		}
	} else if (bytes == 1 && !rex && reg >= 4) { /* AH CH DH BH */
		return RD_EMUL_NOT_FAST;
	}
	if (unlikely(p - e->insn > e->insn_len))
		return RD_EMUL_NOT_FAST;
	e->len = p - e->insn;
	e->two_mem = false;
	e->irq_shadow = false;
	if (kind & FAST_LOAD)
		r = fast_load(e, reg, ea, bytes);
	else
		r = e->ops->write(e, ea, &v, bytes, RD_ACC_WRITE);
	if (likely(r == RD_EMUL_DONE)) {
		e->rip += e->len;
		e->rflags &= ~(u64)RD_FL_RF;
	}
	return r;
}
