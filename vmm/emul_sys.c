// SPDX-License-Identifier: GPL-2.0-only
/*
 * System instructions: ports, control and debug registers, segment loads.
 * Invariant: privilege is checked before any operand is touched.
 */
#include "vmm/emul_internal.h"

/*
 * Byte offset, in a 32-bit or 64-bit TSS, of the field that says where the I/O permission bitmap
 * is.
 */
#define TSS_IO_MAP 102

/*
 * Two bytes of the TSS at `linear`. What runs the VM may set any base for it, so that the bytes may
 * lie where no address is, or on both sides of the end of memory. Bases have 64 bits in
 * compatibility mode too.
 */
static int read_tss(struct rd_emul *e, u64 linear, u16 *v)
{
	if (!rd_canonical(e, linear) || !rd_canonical(e, linear + 1) || linear + 1 < linear)
		return rd_fault_gp(e);
	return e->ops->read(e, linear, v, 2, RD_ACC_READ | RD_ACC_SYSTEM);
}

int rd_io_permitted(struct rd_emul *e, u16 port, unsigned int size)
{
	struct kvm_segment tr;
	u16 map = 0, bits = 0;
	int r;

	if (e->mode == RD_MODE_REAL || (e->mode != RD_MODE_VM86 && e->cpl <= (e->rflags >> 12 & 3)))
		return RD_EMUL_DONE;
	e->ops->get_seg(e, RD_SEG_TR, &tr);
	if (tr.unusable || !tr.present || (tr.type & ~2) != 9 || tr.limit < TSS_IO_MAP + 1)
		return rd_fault_gp(e);
	r = read_tss(e, tr.base + TSS_IO_MAP, &map);
	if (r != RD_EMUL_DONE)
		return r;
	/* The processor always reads two bytes of the map, so both must lie within the limit. */
	if ((u32)map + port / 8 + 1 > tr.limit)
		return rd_fault_gp(e);
	r = read_tss(e, tr.base + map + port / 8, &bits);
	if (r != RD_EMUL_DONE)
		return r;
	return (bits >> (port & 7)) & ((1U << size) - 1) ? rd_fault_gp(e) : RD_EMUL_DONE;
}

/* E4..E7 take the port from the immediate, EC..EF from DX; there is no 64-bit port access. */
static u16 port_operand(const struct rd_emul *e, const struct rd_insn *i, unsigned int *size)
{
	*size = min_t(unsigned int, i->op_bytes, 4);
	return i->opcode & 8 ? (u16)e->gpr[RD_RDX] : (u8)i->imm;
}

int rd_ex_in(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int size, done = 0;
	u16 port = port_operand(e, i, &size);
	u32 v = 0;
	int r = rd_io_permitted(e, port, size);

	if (r == RD_EMUL_DONE)
		r = e->ops->pio_in(e, port, size, &v, 1, &done);
	if (r != RD_EMUL_DONE)
		return r;
	if (!done)
		return RD_EMUL_RETRY;
	rd_merge(&e->gpr[RD_RAX], v, size);
	return r;
}

int rd_ex_out(struct rd_emul *e, struct rd_insn *i)
{
	unsigned int size, done = 0;
	u16 port = port_operand(e, i, &size);
	u32 v = e->gpr[RD_RAX];
	int r = rd_io_permitted(e, port, size);

	if (r == RD_EMUL_DONE)
		r = e->ops->pio_out(e, port, size, &v, 1, &done);
	return r == RD_EMUL_DONE && !done ? RD_EMUL_RETRY : r;
}

static bool cr_exists(unsigned int n)
{
	return n == 0 || n == 2 || n == 3 || n == 4 || n == 8;
}

/*
 * Moves to and from control and debug registers have the size of the mode, whatever the prefixes
 * say.
 */
static unsigned int system_bytes(const struct rd_emul *e)
{
	return e->mode == RD_MODE_LONG ? 8 : 4;
}

int rd_ex_mov_from_cr(struct rd_emul *e, struct rd_insn *i)
{
	u64 v = 0;
	int r;

	if (!cr_exists(i->reg))
		return rd_fault_ud(e);
	if (e->cpl)
		return rd_fault_gp(e);
	r = e->ops->get_cr(e, i->reg, &v);
	if (r == RD_EMUL_DONE)
		rd_set_reg(e, i, i->rm, system_bytes(e), v);
	return r;
}

int rd_ex_mov_to_cr(struct rd_emul *e, struct rd_insn *i)
{
	if (!cr_exists(i->reg))
		return rd_fault_ud(e);
	if (e->cpl)
		return rd_fault_gp(e);
	return e->ops->set_cr(e, i->reg, rd_reg(e, i, i->rm, system_bytes(e)));
}

int rd_ex_mov_from_dr(struct rd_emul *e, struct rd_insn *i)
{
	u64 v = 0;
	int r;

	if (i->reg > 7)
		return rd_fault_ud(e);
	if (e->cpl)
		return rd_fault_gp(e);
	r = e->ops->get_dr(e, i->reg, &v);
	if (r == RD_EMUL_DONE)
		rd_set_reg(e, i, i->rm, system_bytes(e), v);
	return r;
}

int rd_ex_mov_to_dr(struct rd_emul *e, struct rd_insn *i)
{
	u64 v = rd_reg(e, i, i->rm, system_bytes(e));

	if (i->reg > 7)
		return rd_fault_ud(e);
	if (e->cpl || (i->reg >= 4 && v >> 32))
		return rd_fault_gp(e);
	return e->ops->set_dr(e, i->reg, v);
}

#define CR0_TS 8

int rd_ex_clts(struct rd_emul *e, struct rd_insn *i __maybe_unused)
{
	u64 cr0 = 0;
	int r;

	if (e->cpl)
		return rd_fault_gp(e);
	r = e->ops->get_cr(e, 0, &cr0);
	return r == RD_EMUL_DONE ? e->ops->set_cr(e, 0, cr0 & ~(u64)CR0_TS) : r;
}

static int smsw(struct rd_emul *e, struct rd_insn *i)
{
	u64 cr0 = 0;
	int r;

	if (e->cr4_umip && e->cpl)
		return rd_fault_gp(e);
	r = e->ops->get_cr(e, 0, &cr0);
	return r == RD_EMUL_DONE ? rd_rm_write(e, i, i->mod == 3 ? i->op_bytes : 2, cr0) : r;
}

/* PE, MP, EM and TS; PE can be set but not cleared. */
static int lmsw(struct rd_emul *e, struct rd_insn *i)
{
	u64 cr0 = 0, v;
	int r;

	if (e->cpl)
		return rd_fault_gp(e);
	r = rd_rm_read(e, i, 2, &v);
	if (r == RD_EMUL_DONE)
		r = e->ops->get_cr(e, 0, &cr0);
	return r == RD_EMUL_DONE ? e->ops->set_cr(e, 0, (cr0 & ~0xeULL) | (v & 0xf)) : r;
}

/* INVLPG takes an address that is not canonical, or beyond the limit, for nothing to do. */
static int invlpg(struct rd_emul *e, struct rd_insn *i)
{
	u64 linear;

	if (e->cpl)
		return rd_fault_gp(e);
	if (rd_linear(e, i->seg, i->ea, 1, RD_ACC_READ, &linear) == RD_EMUL_DONE)
		e->ops->invlpg(e, linear);
	return RD_EMUL_DONE;
}

/* 0F 01: of this group SMSW, LMSW and INVLPG. */
int rd_ex_grp7(struct rd_emul *e, struct rd_insn *i)
{
	if (i->sub == 4)
		return smsw(e, i);
	if (i->sub == 6)
		return lmsw(e, i);
	return i->sub == 7 && i->mod != 3 ? invlpg(e, i) : RD_EMUL_UNHANDLED;
}

/* Real mode and VM86: the selector is the base; real mode keeps limit and type as they are. */
static int load_real(struct rd_emul *e, unsigned int seg, u16 selector)
{
	struct kvm_segment s;

	e->ops->get_seg(e, seg, &s);
	s.selector = selector;
	s.base = (u32)selector << 4;
	e->ops->set_seg(e, seg, &s);
	return RD_EMUL_DONE;
}

static int load_null(struct rd_emul *e, unsigned int seg, u16 selector)
{
	struct kvm_segment s = { .selector = selector, .unusable = 1 };

	if (seg == RD_SEG_SS) {
		if (e->mode != RD_MODE_LONG || e->cpl == 3 || (selector & 3) != e->cpl)
			return rd_fault_gp(e);
		s.dpl = e->cpl;
	}
	e->ops->set_seg(e, seg, &s);
	return RD_EMUL_DONE;
}

/* Address of the descriptor in the GDT or LDT; #GP(selector) beyond the limit of the table. */
static int descriptor_address(struct rd_emul *e, u16 selector, u64 *addr)
{
	struct kvm_segment ldt;
	struct kvm_dtable gdt;
	u64 base;
	u32 limit;

	if (selector & 4) {
		e->ops->get_seg(e, RD_SEG_LDTR, &ldt);
		base = ldt.base;
		limit = ldt.unusable || !ldt.present ? 0 : ldt.limit;
	} else {
		e->ops->get_dtable(e, false, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	if ((selector | 7U) > limit)
		return rd_fault_code(e, RD_VEC_GP, selector & ~3U);
	*addr = base + (selector & ~7U);
	/* Compatibility mode looks like protected mode here, but its tables are anywhere. */
	if (e->mode != RD_MODE_LONG && !(base >> 32))
		*addr = (u32)*addr;
	if (!rd_canonical(e, *addr) || !rd_canonical(e, *addr + 7) || *addr + 7 < *addr)
		return rd_fault_code(e, RD_VEC_GP, selector & ~3U);
	return RD_EMUL_DONE;
}

static void unpack_descriptor(u64 d, u16 selector, struct kvm_segment *s)
{
	u32 limit = (d & 0xffff) | (d >> 32 & 0xf0000);

	*s = (struct kvm_segment){
		.base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000),
		.limit = d >> 55 & 1 ? limit << 12 | 0xfff : limit,
		.selector = selector,
		.type = d >> 40 & 15,
		.s = d >> 44 & 1,
		.dpl = d >> 45 & 3,
		.present = d >> 47 & 1,
		.avl = d >> 52 & 1,
		.l = d >> 53 & 1,
		.db = d >> 54 & 1,
		.g = d >> 55 & 1,
	};
}

/* Type and privilege rules of a data segment register, then presence. */
static int check_descriptor(struct rd_emul *e, unsigned int seg, const struct kvm_segment *s)
{
	unsigned int rpl = s->selector & 3, code = s->type & 8, rw = s->type & 2,
		     conforming = s->type & 4;
	bool ok;

	if (seg == RD_SEG_SS)
		ok = s->s && !code && rw && rpl == e->cpl && s->dpl == e->cpl;
	else
		ok = s->s && (!code || rw) &&
		     ((code && conforming) || (rpl <= s->dpl && e->cpl <= s->dpl));
	if (!ok)
		return rd_fault_code(e, RD_VEC_GP, s->selector & ~3U);
	if (!s->present)
		return rd_fault_code(e, seg == RD_SEG_SS ? RD_VEC_SS : RD_VEC_NP,
				     s->selector & ~3U);
	return RD_EMUL_DONE;
}

int rd_load_segment(struct rd_emul *e, unsigned int seg, u16 selector)
{
	struct kvm_segment s;
	u64 addr, d = 0;
	u8 access;
	int r;

	if (e->mode == RD_MODE_REAL || e->mode == RD_MODE_VM86)
		return load_real(e, seg, selector);
	if (!(selector & ~3U))
		return load_null(e, seg, selector);
	r = descriptor_address(e, selector, &addr);
	if (r == RD_EMUL_DONE)
		r = e->ops->read(e, addr, &d, 8, RD_ACC_READ | RD_ACC_SYSTEM);
	if (r != RD_EMUL_DONE)
		return r;
	unpack_descriptor(d, selector, &s);
	r = check_descriptor(e, seg, &s);
	if (r != RD_EMUL_DONE)
		return r;
	if (!(s.type & 1)) { /* mark it accessed, here and in the table */
		s.type |= 1;
		access = d >> 40 | 1;
		r = e->ops->write(e, addr + 5, &access, 1, RD_ACC_WRITE | RD_ACC_SYSTEM);
		if (r != RD_EMUL_DONE)
			return r;
	}
	e->ops->set_seg(e, seg, &s);
	return RD_EMUL_DONE;
}

/* A 64-bit TSS that is not busy: 16 bytes, of which the upper ones hold no type. */
static int check_tss(struct rd_emul *e, const u64 *d, const struct kvm_segment *s)
{
	if (s->s || s->type != 9 || (d[1] >> 40 & 0x1f) || !rd_canonical(e, s->base))
		return rd_fault_code(e, RD_VEC_GP, s->selector & ~3U);
	if (!s->present)
		return rd_fault_code(e, RD_VEC_NP, s->selector & ~3U);
	return RD_EMUL_DONE;
}

/* Of 64-bit mode only: there is a kernel that takes up a CPU with a GDT that is traced. */
static int ltr(struct rd_emul *e, struct rd_insn *i)
{
	struct kvm_dtable gdt;
	struct kvm_segment s;
	u64 addr, v, d[2];
	u8 access;
	int r;

	if (e->mode != RD_MODE_LONG)
		return RD_EMUL_UNHANDLED;
	if (e->cpl)
		return rd_fault_gp(e);
	r = rd_rm_read(e, i, 2, &v);
	if (r != RD_EMUL_DONE)
		return r;
	e->ops->get_dtable(e, false, &gdt);
	if (!(v & ~3ULL) || (v & 4) || (v & ~7ULL) + 15 > gdt.limit)
		return rd_fault_code(e, RD_VEC_GP, v & ~3U);
	r = descriptor_address(e, v, &addr);
	if (r == RD_EMUL_DONE)
		r = e->ops->read(e, addr, d, sizeof(d), RD_ACC_READ | RD_ACC_SYSTEM);
	if (r != RD_EMUL_DONE)
		return r;
	unpack_descriptor(d[0], v, &s);
	s.base |= d[1] << 32;
	r = check_tss(e, d, &s);
	if (r != RD_EMUL_DONE)
		return r;
	s.type |= 2; /* busy, here and in the table */
	access = d[0] >> 40 | 2;
	r = e->ops->write(e, addr + 5, &access, 1, RD_ACC_WRITE | RD_ACC_SYSTEM);
	if (r == RD_EMUL_DONE)
		e->ops->set_seg(e, RD_SEG_TR, &s);
	return r;
}

/* 0F 00: of this group LTR. */
int rd_ex_grp6(struct rd_emul *e, struct rd_insn *i)
{
	return i->sub == 3 ? ltr(e, i) : RD_EMUL_UNHANDLED;
}
