// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack, near branches, flags and hints.
 * Invariant: a branch target is checked before anything is pushed or popped.
 */
#include "vmm/emul_internal.h"
#include "vmm/emul_rmw.h"

int rd_ex_push_reg(struct rd_emul *e, struct rd_insn *i)
{
	return rd_push(e, rd_reg(e, i, i->rm, i->op_bytes), i->op_bytes);
}

int rd_ex_push_imm(struct rd_emul *e, struct rd_insn *i)
{
	return rd_push(e, i->imm, i->op_bytes);
}

/* 06 0E 16 1E, 0F A0, 0F A8: bits 3 to 5 number the segment. */
int rd_ex_push_seg(struct rd_emul *e, struct rd_insn *i)
{
	struct kvm_segment s;

	e->ops->get_seg(e, i->opcode >> 3 & 7, &s);
	return rd_push(e, s.selector, i->op_bytes);
}

static int pop(struct rd_emul *e, unsigned int bytes, u64 *v)
{
	*v = 0;
	return rd_stack_read(e, 0, v, bytes);
}

int rd_ex_pop_reg(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r = pop(e, i->op_bytes, &v);

	if (r != RD_EMUL_DONE)
		return r;
	rd_stack_move(e, i->op_bytes);
	rd_set_reg(e, i, i->rm, i->op_bytes, v); /* after: POP RSP keeps what it popped */
	return r;
}

/* An address based on the stack pointer counts from where it is after the pop. */
int rd_ex_pop_rm(struct rd_emul *e, struct rd_insn *i)
{
	u64 v, off = i->ea;
	int r;

	if (i->sub)
		return rd_fault_ud(e);
	r = pop(e, i->op_bytes, &v);
	if (r != RD_EMUL_DONE)
		return r;
	if (i->mod == 3) {
		rd_stack_move(e, i->op_bytes);
		rd_set_reg(e, i, i->rm, i->op_bytes, v);
		return r;
	}
	if (i->sp_base)
		off = (off + i->op_bytes) & rd_mask(i->ad_bytes);
	r = rd_mem_write(e, i->seg, off, &v, i->op_bytes);
	if (r == RD_EMUL_DONE)
		rd_stack_move(e, i->op_bytes);
	return r;
}

int rd_ex_pop_seg(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int seg = i->opcode >> 3 & 7;
	u64 v;
	int r = pop(e, 2, &v);

	if (r == RD_EMUL_DONE)
		r = rd_load_segment(e, seg, v);
	if (r != RD_EMUL_DONE)
		return r;
	rd_stack_move(e, i->op_bytes);
	e->irq_shadow = seg == RD_SEG_SS;
	return r;
}

/* PUSHA and POPA move one block of memory: what wraps around within it faults. */
int rd_ex_pusha(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int n, bytes = i->op_bytes, width = rd_stack_bytes(e);
	u64 sp = (e->gpr[RD_RSP] - 8 * bytes) & rd_mask(width);
	u8 buf[32];
	int r;

	for (n = 0; n < 8; n++)
		memcpy(buf + n * bytes, &e->gpr[RD_RDI - n], bytes);
	r = rd_mem_write(e, RD_SEG_SS, sp, buf, 8 * bytes);
	if (r == RD_EMUL_DONE)
		rd_merge(&e->gpr[RD_RSP], sp, width);
	return r;
}

int rd_ex_popa(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int n, bytes = i->op_bytes;
	u8 buf[32];
	u64 v;
	int r = rd_stack_read(e, 0, buf, 8 * bytes);

	if (r != RD_EMUL_DONE)
		return r;
	for (n = 0; n < 8; n++) {
		v = 0;
		memcpy(&v, buf + n * bytes, bytes);
		if (RD_RDI - n != RD_RSP)
			rd_set_reg(e, i, RD_RDI - n, bytes, v);
	}
	rd_stack_move(e, 8 * bytes);
	return r;
}

static unsigned int iopl(const struct rd_emul *e)
{
	return e->rflags >> 12 & 3;
}

int rd_ex_pushf(struct rd_emul *e, struct rd_insn *i)
{
	if (e->mode == RD_MODE_VM86 && iopl(e) < 3)
		return rd_fault_gp(e);
	return rd_push(e, e->rflags & ~(u64)(RD_FL_VM | RD_FL_RF), i->op_bytes);
}

int rd_ex_popf(struct rd_emul *e, struct rd_insn *i)
{
	u64 change = RD_FL_ARITH | RD_FL_TF | RD_FL_DF | RD_FL_NT | RD_FL_AC | RD_FL_ID, v;
	int r;

	if (e->mode == RD_MODE_VM86) {
		if (iopl(e) < 3)
			return rd_fault_gp(e);
		change |= RD_FL_IF;
	} else {
		if (!e->cpl)
			change |= RD_FL_IOPL;
		if (e->cpl <= iopl(e))
			change |= RD_FL_IF;
	}
	if (i->op_bytes == 2)
		change &= 0xffff;
	r = pop(e, i->op_bytes, &v);
	if (r != RD_EMUL_DONE)
		return r;
	rd_stack_move(e, i->op_bytes);
	e->rflags = (e->rflags & ~change) | (v & change);
	return r;
}

/* RBP becomes the stack pointer, then RBP is popped. */
int rd_ex_leave(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int width = rd_stack_bytes(e);
	u64 frame = e->gpr[RD_RBP] & rd_mask(width), v = 0;
	int r = rd_mem_read(e, RD_SEG_SS, frame, &v, i->op_bytes);

	if (r != RD_EMUL_DONE)
		return r;
	rd_merge(&e->gpr[RD_RSP], frame + i->op_bytes, width);
	rd_merge(&e->gpr[RD_RBP], v, i->op_bytes);
	return r;
}

static int call(struct rd_emul *e, struct rd_insn *i, u64 target)
{
	u64 from = i->next_rip;
	int r = rd_jump(e, i, target);

	if (r == RD_EMUL_DONE)
		r = rd_push(e, from, i->op_bytes);
	if (r != RD_EMUL_DONE)
		i->next_rip = from; /* decoded form as it was, for another run */
	return r;
}

int rd_ex_call_rel(struct rd_emul *e, struct rd_insn *i)
{
	return call(e, i, i->next_rip + i->imm);
}

int rd_ex_jmp_rel(struct rd_emul *e, struct rd_insn *i)
{
	return rd_jump(e, i, i->next_rip + i->imm);
}

int rd_ex_jcc(struct rd_emul *e, struct rd_insn *i)
{
	return rd_condition(e->rflags, i->opcode) ? rd_jump(e, i, i->next_rip + i->imm)
						  : RD_EMUL_DONE;
}

/* LOOPNE LOOPE LOOP: the counter has the address size. */
int rd_ex_loop(struct rd_emul *e, struct rd_insn *i)
{
	u64 count = (e->gpr[RD_RCX] - 1) & rd_mask(i->ad_bytes);
	bool taken = count, zf = e->rflags & RD_FL_ZF;
	int r = RD_EMUL_DONE;

	if (i->opcode != 0xe2)
		taken = taken && zf == (i->opcode & 1);
	if (taken)
		r = rd_jump(e, i, i->next_rip + i->imm);
	if (r == RD_EMUL_DONE)
		rd_merge(&e->gpr[RD_RCX], count, i->ad_bytes);
	return r;
}

int rd_ex_jcxz(struct rd_emul *e, struct rd_insn *i)
{
	return e->gpr[RD_RCX] & rd_mask(i->ad_bytes) ? RD_EMUL_DONE
						     : rd_jump(e, i, i->next_rip + i->imm);
}

int rd_ex_ret(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r = pop(e, i->op_bytes, &v);

	if (r == RD_EMUL_DONE)
		r = rd_jump(e, i, v);
	if (r == RD_EMUL_DONE)
		rd_stack_move(e, i->op_bytes + (i->opcode == 0xc2 ? (s64)i->imm : 0));
	return r;
}

/*
 * INC DEC CALL - JMP - PUSH; the far forms are not emulated. Near branches and PUSH are 64-bit in
 * long mode.
 */
int rd_ex_grp5(struct rd_emul *e, struct rd_insn *i)
{
	u64 v;
	int r;

	if (i->sub < 2)
		return rd_rmw(e, i, RD_ALU_INC + i->sub, 0, i->prefix & RD_PFX_LOCK, &v);
	if (i->sub == 7)
		return rd_fault_ud(e);
	if (i->sub & 1)
		return RD_EMUL_UNHANDLED;
	if (e->mode == RD_MODE_LONG && (i->op_bytes == 4 || i->sub != 6))
		i->op_bytes = 8;
	r = rd_rm_read(e, i, i->op_bytes, &v);
	if (r != RD_EMUL_DONE)
		return r;
	if (i->sub == 2)
		return call(e, i, v);
	return i->sub == 4 ? rd_jump(e, i, v) : rd_push(e, v, i->op_bytes);
}

/* F5, F8..FD: CMC CLC STC CLI STI CLD STD. Interrupts only where CPL and IOPL allow it. */
int rd_ex_flag_op(struct rd_emul *e, struct rd_insn *i)
{
	static const u32 bit[] = { RD_FL_CF, RD_FL_IF, RD_FL_DF };
	u64 flag;

	if (i->opcode == 0xf5) {
		e->rflags ^= RD_FL_CF;
		return RD_EMUL_DONE;
	}
	flag = bit[(i->opcode - 0xf8) / 2];
	if (flag == RD_FL_IF && (e->mode == RD_MODE_VM86 ? 3 : e->cpl) > iopl(e))
		return rd_fault_gp(e);
	if (i->opcode & 1) {
		e->irq_shadow = flag == RD_FL_IF && !(e->rflags & RD_FL_IF);
		e->rflags |= flag;
	} else {
		e->rflags &= ~flag;
	}
	return RD_EMUL_DONE;
}

/* NOP and prefetch: the operand is not accessed. */
int rd_ex_nop(struct rd_emul *e __maybe_unused, struct rd_insn *i __maybe_unused)
{
	return RD_EMUL_DONE;
}

int rd_ex_undefined(struct rd_emul *e, struct rd_insn *i __maybe_unused)
{
	return rd_fault_ud(e);
}

/*
 * 0F AE: CLFLUSH, CLFLUSHOPT, CLWB check the address as a read does; the fences have nothing to
 * wait for here.
 */
int rd_ex_clflush(struct rd_emul *e, struct rd_insn *i)
{
	u64 linear;

	if (i->prefix & (RD_PFX_REP | RD_PFX_REPNE))
		return RD_EMUL_UNHANDLED;
	if (i->mod == 3)
		return i->sub >= 5 && !(i->prefix & RD_PFX_OPSIZE) ? RD_EMUL_DONE
								   : RD_EMUL_UNHANDLED;
	if (i->sub != 7 && !(i->sub == 6 && (i->prefix & RD_PFX_OPSIZE)))
		return RD_EMUL_UNHANDLED;
	return rd_linear(e, i->seg, i->ea, 1, RD_ACC_READ, &linear);
}
