// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operand access of the emulator: segment and canonical checks, memory, ModRM operands, the stack,
 * branch targets.
 * Invariant: every access to guest memory goes through rd_linear() first; nothing wraps around
 * inside one operand.
 */
#include "vmm/emul_internal.h"

bool rd_canonical(const struct rd_emul *e, u64 a)
{
	unsigned int shift = e->cr4_la57 ? 7 : 16;

	return (u64)((s64)(a << shift) >> shift) == a;
}

static int segment_fault(struct rd_emul *e, unsigned int seg)
{
	return rd_fault_code(e, seg == RD_SEG_SS ? RD_VEC_SS : RD_VEC_GP, 0);
}

/* Long mode: only FS and GS have a base, and nothing has a limit. */
static int linear_long(struct rd_emul *e, unsigned int seg, u64 off, unsigned int len, u64 *linear)
{
	struct kvm_segment s;
	u64 base = 0;

	if (seg >= RD_SEG_FS && !e->flat_segments) {
		e->ops->get_seg(e, seg, &s);
		base = s.base;
	} else if (seg >= RD_SEG_FS) {
		base = seg == RD_SEG_FS ? e->fs_base : e->gs_base;
	}
	*linear = base + off;
	if (!rd_canonical(e, *linear) || !rd_canonical(e, *linear + len - 1) ||
	    *linear + len - 1 < *linear)
		return segment_fault(e, seg);
	return RD_EMUL_DONE;
}

/* Do the type bits of a protected-mode segment allow the access? */
static bool type_allows(const struct kvm_segment *s, unsigned int acc)
{
	bool code = s->type & 8, rw = s->type & 2;

	if (s->unusable || !s->present)
		return false;
	if (acc & RD_ACC_WRITE)
		return !code && rw;
	return !code || rw;
}

static bool within_limit(const struct kvm_segment *s, u64 off, unsigned int len)
{
	u64 last = off + len - 1;

	if ((s->type & 0xc) == 4 && s->s) /* expand-down data: the limit is the bottom */
		return off > s->limit && last <= (s->db ? U32_MAX : U16_MAX);
	return last <= s->limit;
}

int rd_linear_checked(struct rd_emul *e, unsigned int seg, u64 off, unsigned int len,
		      unsigned int acc, u64 *linear)
{
	struct kvm_segment s;

	if (e->mode == RD_MODE_LONG)
		return linear_long(e, seg, off, len, linear);
	if (e->flat_segments && seg < RD_SEG_FS && seg != RD_SEG_CS) {
		*linear = off;
		return off + len - 1 > U32_MAX ? segment_fault(e, seg) : RD_EMUL_DONE;
	}
	e->ops->get_seg(e, seg, &s);
	if (e->mode != RD_MODE_REAL && e->mode != RD_MODE_VM86 && !type_allows(&s, acc))
		return segment_fault(e, seg);
	if (!within_limit(&s, off, len))
		return segment_fault(e, seg);
	*linear = (u32)(s.base + off);
	return RD_EMUL_DONE;
}

int rd_mem_read(struct rd_emul *e, unsigned int seg, u64 off, void *buf, unsigned int len)
{
	u64 linear;
	int r = rd_linear(e, seg, off, len, RD_ACC_READ, &linear);

	return likely(r == RD_EMUL_DONE) ? e->ops->read(e, linear, buf, len, RD_ACC_READ) : r;
}

int rd_mem_write(struct rd_emul *e, unsigned int seg, u64 off, const void *buf, unsigned int len)
{
	u64 linear;
	int r = rd_linear(e, seg, off, len, RD_ACC_WRITE, &linear);

	return likely(r == RD_EMUL_DONE) ? e->ops->write(e, linear, buf, len, RD_ACC_WRITE) : r;
}

int rd_rm_read(struct rd_emul *e, const struct rd_insn *i, unsigned int bytes, u64 *v)
{
	if (i->mod == 3) {
		*v = rd_reg(e, i, i->rm, bytes);
		return RD_EMUL_DONE;
	}
	*v = 0;
	return rd_mem_read(e, i->seg, i->ea, v, bytes);
}

int rd_rm_write(struct rd_emul *e, const struct rd_insn *i, unsigned int bytes, u64 v)
{
	if (i->mod == 3) {
		rd_set_reg(e, i, i->rm, bytes, v);
		return RD_EMUL_DONE;
	}
	return rd_mem_write(e, i->seg, i->ea, &v, bytes);
}

unsigned int rd_stack_bytes(struct rd_emul *e)
{
	struct kvm_segment ss;

	if (e->mode == RD_MODE_LONG)
		return 8;
	if (e->flat_segments)
		return e->mode == RD_MODE_PROT32 ? 4 : 2;
	e->ops->get_seg(e, RD_SEG_SS, &ss);
	return ss.db ? 4 : 2;
}

int rd_push(struct rd_emul *e, u64 v, unsigned int bytes)
{
	unsigned int width = rd_stack_bytes(e);
	u64 sp = (e->gpr[RD_RSP] - bytes) & rd_mask(width);
	int r = rd_mem_write(e, RD_SEG_SS, sp, &v, bytes);

	if (r == RD_EMUL_DONE)
		rd_merge(&e->gpr[RD_RSP], sp, width);
	return r;
}

int rd_stack_read(struct rd_emul *e, unsigned int skip, void *buf, unsigned int bytes)
{
	u64 sp = (e->gpr[RD_RSP] + skip) & rd_mask(rd_stack_bytes(e));

	return rd_mem_read(e, RD_SEG_SS, sp, buf, bytes);
}

void rd_stack_move(struct rd_emul *e, s64 delta)
{
	rd_merge(&e->gpr[RD_RSP], e->gpr[RD_RSP] + delta, rd_stack_bytes(e));
}

int rd_jump(struct rd_emul *e, struct rd_insn *i, u64 target)
{
	struct kvm_segment cs;

	target &= rd_mask(i->op_bytes);
	if (e->mode == RD_MODE_LONG) {
		if (!rd_canonical(e, target))
			return rd_fault_gp(e);
	} else if (!e->flat_segments) {
		e->ops->get_seg(e, RD_SEG_CS, &cs);
		if (target > cs.limit)
			return rd_fault_gp(e);
	}
	i->next_rip = target;
	return RD_EMUL_DONE;
}
