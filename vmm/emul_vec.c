// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE and AVX moves between memory, vector and general registers.
 * Invariant: legacy forms leave the upper part of the vector register alone, VEX forms clear it.
 * MMX is not emulated.
 */
#include "vmm/emul_internal.h"

#define MAX_VECTOR 32

/* How one move behaves: operand size (0: the vector length), alignment, whether VEX.256 exists. */
struct shape {
	u8 bytes;
	bool aligned, no256;
};

/* The mandatory prefix as an index: none, 66, F3, F2. F2 and F3 win over 66. */
static unsigned int mandatory(const struct rd_insn *i)
{
	if (i->prefix & RD_PFX_REP)
		return 2;
	if (i->prefix & RD_PFX_REPNE)
		return 3;
	return i->prefix & RD_PFX_OPSIZE ? 1 : 0;
}

/* May the instruction run at all? #UD, then #NM. */
static int check_enabled(struct rd_emul *e, const struct rd_insn *i)
{
	if (i->vex) {
		if (!e->cr4_osxsave || !e->xcr0_avx || i->vex_reg)
			return rd_fault_ud(e);
	} else if (e->cr0_em || !e->cr4_osfxsr) {
		return rd_fault_ud(e);
	}
	return e->cr0_ts ? rd_fault(e, RD_VEC_NM) : RD_EMUL_DONE;
}

/*
 * The full-register and scalar moves by opcode and mandatory prefix; false: not one that is known.
 */
static bool find_shape(const struct rd_insn *i, struct shape *s)
{
	unsigned int pp = mandatory(i);

	*s = (struct shape){ 0 };
	switch (i->opcode) {
	case 0x10:
	case 0x11: /* MOVUPS MOVUPD MOVSS MOVSD */
		s->bytes = pp == 2 ? 4 : pp == 3 ? 8 : 0;
		return true;
	case 0x28:
	case 0x29:
	case 0x2b: /* MOVAPS MOVAPD MOVNTPS MOVNTPD */
		s->aligned = true;
		return pp < 2;
	case 0x2a: /* MOVNTDQA */
	case 0xe7: /* MOVNTDQ */
		s->aligned = true;
		return pp == 1;
	case 0x6f:
	case 0x7f: /* MOVDQA MOVDQU */
		s->aligned = pp == 1;
		return pp == 1 || pp == 2;
	case 0x7e: /* MOVQ, load */
		s->bytes = 8;
		s->no256 = true;
		return pp == 2;
	case 0xd6: /* MOVQ, store */
		s->bytes = 8;
		s->no256 = true;
		return pp == 1;
	default: /* F0: LDDQU */
		return pp == 3;
	}
}

/* #UD and #NM, then the operand's size in *bytes. */
static int prepare(struct rd_emul *e, const struct rd_insn *i, struct shape *s, unsigned int *bytes)
{
	int r;

	if (!find_shape(i, s))
		return RD_EMUL_UNHANDLED;
	r = check_enabled(e, i);
	if (r == RD_EMUL_DONE && i->vex == 32 && s->no256)
		return rd_fault_ud(e);
	*bytes = s->bytes ? s->bytes : i->vex ? i->vex : 16;
	return r;
}

/* Linear address of the memory operand, #GP(0) where the instruction asks for alignment. */
static int vector_linear(struct rd_emul *e, const struct rd_insn *i, const struct shape *s,
			 unsigned int bytes, unsigned int acc, u64 *linear)
{
	int r = rd_linear(e, i->seg, i->ea, bytes, acc, linear);

	if (r == RD_EMUL_DONE && s->aligned && !IS_ALIGNED(*linear, (u64)bytes))
		return rd_fault_gp(e);
	return r;
}

static unsigned int vector_length(const struct rd_insn *i)
{
	return i->vex == 32 ? 32 : 16;
}

/* Register to register. MOVSS and MOVSD merge; MOVQ clears the rest of the 16 bytes. */
static int reg_to_reg(struct rd_emul *e, const struct rd_insn *i, unsigned int dst,
		      unsigned int src, unsigned int bytes)
{
	u8 buf[MAX_VECTOR] = { 0 }, from[MAX_VECTOR];
	bool merges = i->opcode == 0x10 || i->opcode == 0x11;
	unsigned int len = vector_length(i);

	if (bytes < 16 && merges && i->vex) /* three operands: not a move */
		return RD_EMUL_UNHANDLED;
	if (bytes < 16 && merges)
		e->ops->get_vec(e, dst, buf, 16);
	e->ops->get_vec(e, src, from, len);
	memcpy(buf, from, bytes);
	e->ops->set_vec(e, dst, buf, len, i->vex);
	return RD_EMUL_DONE;
}

int rd_ex_vec_load(struct rd_emul *e, struct rd_insn *i)
{
	u8 buf[MAX_VECTOR] = { 0 };
	unsigned int bytes;
	struct shape s;
	u64 linear;
	int r = prepare(e, i, &s, &bytes);

	if (r != RD_EMUL_DONE)
		return r;
	if (i->mod == 3)
		return reg_to_reg(e, i, i->reg, i->rm, bytes);
	r = vector_linear(e, i, &s, bytes, RD_ACC_READ, &linear);
	if (r == RD_EMUL_DONE)
		r = e->ops->read(e, linear, buf, bytes, RD_ACC_READ);
	if (r == RD_EMUL_DONE)
		e->ops->set_vec(e, i->reg, buf, bytes < 16 ? 16 : bytes, i->vex);
	return r;
}

int rd_ex_vec_store(struct rd_emul *e, struct rd_insn *i)
{
	u8 buf[MAX_VECTOR];
	unsigned int bytes;
	struct shape s;
	u64 linear;
	int r = prepare(e, i, &s, &bytes);

	if (r != RD_EMUL_DONE)
		return r;
	if (i->mod == 3)
		return reg_to_reg(e, i, i->rm, i->reg, bytes);
	r = vector_linear(e, i, &s, bytes, RD_ACC_WRITE, &linear);
	if (r != RD_EMUL_DONE)
		return r;
	e->ops->get_vec(e, i->reg, buf, vector_length(i));
	return e->ops->write(e, linear, buf, bytes, RD_ACC_WRITE);
}

/* 66 0F 6E: MOVD and MOVQ from r/m. */
int rd_ex_vec_from_gpr(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int bytes = i->rex & RD_REX_W ? 8 : 4;
	u8 buf[16] = { 0 };
	u64 v;
	int r;

	if (mandatory(i) != 1)
		return RD_EMUL_UNHANDLED;
	r = check_enabled(e, i);
	if (r == RD_EMUL_DONE && i->vex == 32)
		return rd_fault_ud(e);
	if (r == RD_EMUL_DONE)
		r = rd_rm_read(e, i, bytes, &v);
	if (r != RD_EMUL_DONE)
		return r;
	memcpy(buf, &v, bytes);
	e->ops->set_vec(e, i->reg, buf, 16, i->vex);
	return r;
}

/* 66 0F 7E: MOVD and MOVQ to r/m; with F3 the opcode is a load. */
int rd_ex_vec_to_gpr(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int bytes = i->rex & RD_REX_W ? 8 : 4;
	u8 buf[16];
	u64 v = 0;
	int r;

	if (mandatory(i) == 2)
		return rd_ex_vec_load(e, i);
	if (mandatory(i) != 1)
		return RD_EMUL_UNHANDLED;
	r = check_enabled(e, i);
	if (r == RD_EMUL_DONE && i->vex == 32)
		return rd_fault_ud(e);
	if (r != RD_EMUL_DONE)
		return r;
	e->ops->get_vec(e, i->reg, buf, 16);
	memcpy(&v, buf, bytes);
	return rd_rm_write(e, i, bytes, v);
}

/* MOVLPS MOVLPD (12, 13) and MOVHPS MOVHPD (16, 17) with memory: half of the register stays. */
static int half(struct rd_emul *e, struct rd_insn *i, bool load)
{
	u8 buf[16];
	u8 *part = i->opcode & 4 ? buf + 8 : buf;
	int r;

	if (mandatory(i) > 1)
		return RD_EMUL_UNHANDLED;
	r = check_enabled(e, i);
	if (r != RD_EMUL_DONE)
		return r;
	e->ops->get_vec(e, i->reg, buf, 16);
	if (!load)
		return rd_mem_write(e, i->seg, i->ea, part, 8);
	r = rd_mem_read(e, i->seg, i->ea, part, 8);
	if (r == RD_EMUL_DONE)
		e->ops->set_vec(e, i->reg, buf, 16, false);
	return r;
}

int rd_ex_vec_half_load(struct rd_emul *e, struct rd_insn *i)
{
	return half(e, i, true);
}

int rd_ex_vec_half_store(struct rd_emul *e, struct rd_insn *i)
{
	return half(e, i, false);
}
