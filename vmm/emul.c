// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction emulator's entry points: fetch, decode, run.
 * Invariant: decoding changes nothing but the decoded form, so it is simply repeated when more
 * bytes turn out to be needed. Bytes are fetched as far as the page goes, and past its end only
 * when the instruction does go on there.
 */
#include "vmm/emul_internal.h"

int rd_fault(struct rd_emul *e, u8 vector)
{
	e->fault = (struct rd_fault){ .vector = vector };
	return RD_EMUL_FAULT;
}

int rd_fault_code(struct rd_emul *e, u8 vector, u32 error)
{
	e->fault = (struct rd_fault){
		.vector = vector,
		.has_error = e->mode != RD_MODE_REAL,
		.error = error,
	};
	return RD_EMUL_FAULT;
}

/* Add instruction bytes, up to the end of a page and of CS. */
static int fetch(struct rd_emul *e)
{
	unsigned int len = RD_INSN_MAX - e->insn_len;
	u64 off = e->rip + e->insn_len, linear;
	struct kvm_segment cs;
	int r;

	if (e->mode == RD_MODE_LONG) {
		if (!rd_canonical(e, off))
			return rd_fault_gp(e);
		linear = off;
	} else if (e->flat_segments) {
		linear = (u32)off;
	} else {
		e->ops->get_seg(e, RD_SEG_CS, &cs);
		off = (u32)off;
		if (off > cs.limit)
			return rd_fault_gp(e);
		len = min_t(u64, len, (u64)cs.limit - off + 1);
		linear = (u32)(cs.base + off);
	}
	len = min_t(u64, len, RD_PAGE_SIZE - (linear & ~RD_PAGE_MASK));
	r = e->ops->read(e, linear, e->insn + e->insn_len, len, RD_ACC_FETCH);
	if (r == RD_EMUL_DONE)
		e->insn_len += len;
	return r;
}

/* Collects the prefixes; returns the position after the first opcode byte. */
static const u8 *decode_prefixes(struct rd_emul *e, struct rd_insn *i, const u8 *p)
{
	const u8 *end = e->insn + RD_INSN_MAX;
	unsigned int arg;

	for (; i->op->flags & RD_OP_PREFIX; i->op = &rd_opcodes_1[i->opcode = *p++]) {
		arg = i->op->arg;
		if (!arg) { /* 40..4F */
			if (e->mode != RD_MODE_LONG)
				break;
			i->rex = i->opcode;
		} else {
			i->rex = 0;
			if (arg & RD_PFX_SEG) {
				arg &= 7;
				if (e->mode != RD_MODE_LONG || arg >= RD_SEG_FS)
					i->seg_over = arg;
			} else {
				if (arg & (RD_PFX_REP | RD_PFX_REPNE))
					i->prefix &= ~(RD_PFX_REP | RD_PFX_REPNE);
				i->prefix |= arg;
			}
		}
		if (p >= end)
			return p + 1;
	}
	return p;
}

/*
 * C4 and C5 are VEX in long mode, and in 32-bit code when the next byte could not be a ModRM of LES
 * or LDS.
 */
static bool is_vex(const struct rd_emul *e, const u8 *p)
{
	if (e->mode == RD_MODE_REAL || e->mode == RD_MODE_VM86)
		return false;
	return e->mode == RD_MODE_LONG || *p >= 0xc0;
}

/*
 * Takes the rest of a VEX prefix apart; the opcode map, or 0 after a prefix that makes it
 * undefined.
 */
static unsigned int decode_vex(struct rd_emul *e, struct rd_insn *i, const u8 **pos)
{
	static const u8 implied[4] = { 0, RD_PFX_OPSIZE, RD_PFX_REP, RD_PFX_REPNE };
	const u8 *p = *pos;
	unsigned int map = 1;
	u8 last;

	if (i->rex || (i->prefix & ~RD_PFX_ADSIZE)) {
		*pos = p + (i->opcode == 0xc4 ? 3 : 2);
		return 0;
	}
	last = *p++;
	i->rex = (last & 0x80) ? 0 : RD_REX_R;
	if (i->opcode == 0xc4) {
		map = last & 0x1f;
		i->rex |= (~last >> 5) & (RD_REX_B | RD_REX_X);
		last = *p++;
		i->rex |= (last & 0x80) ? RD_REX_W : 0;
	}
	if (e->mode != RD_MODE_LONG)
		i->rex = 0;
	i->vex = (last & 4) ? 32 : 16;
	i->vex_reg = (~last >> 3) & 15;
	i->prefix |= implied[last & 3];
	i->opcode = *p++;
	*pos = p;
	return map;
}

/* Second and third opcode maps, and VEX. NULL: the descriptor is not there. */
static const struct rd_opcode *decode_escape(struct rd_emul *e, struct rd_insn *i, const u8 **pos)
{
	unsigned int map;

	if (i->opcode == 0x0f) {
		i->opcode = *(*pos)++;
		if (i->opcode != 0x38)
			return &rd_opcodes_0f[i->opcode];
		i->opcode = *(*pos)++;
		return rd_opcode_0f38(i->opcode);
	}
	if (!is_vex(e, *pos))
		return i->op;
	map = decode_vex(e, i, pos);
	return map ? rd_opcode_vex(map, i->opcode) : &rd_opcode_undefined;
}

static void decode_sizes(struct rd_emul *e, struct rd_insn *i, unsigned int flags)
{
	bool wide = e->mode == RD_MODE_LONG || e->mode == RD_MODE_PROT32;
	bool toggle = i->prefix & RD_PFX_OPSIZE;

	if (flags & RD_OP_BYTE)
		i->op_bytes = 1;
	else if (i->rex & RD_REX_W)
		i->op_bytes = 8;
	else if (e->mode == RD_MODE_LONG && (flags & (RD_OP_D64 | RD_OP_F64)))
		i->op_bytes = toggle && !(flags & RD_OP_F64) ? 2 : 8;
	else
		i->op_bytes = wide != toggle ? 4 : 2;

	if (e->mode == RD_MODE_LONG)
		i->ad_bytes = (i->prefix & RD_PFX_ADSIZE) ? 4 : 8;
	else
		i->ad_bytes = wide != !!(i->prefix & RD_PFX_ADSIZE) ? 4 : 2;
}

static u32 get_le32(const u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
}

/* 16-bit addressing: pairs of base and index by r/m. */
static const u8 *decode_mem16(struct rd_emul *e, struct rd_insn *i, const u8 *p)
{
	static const u8 base[8] = {
		RD_RBX, RD_RBX, RD_RBP, RD_RBP, RD_RSI, RD_RDI, RD_RBP, RD_RBX
	};
	u64 ea = 0;

	if (i->rm == 6 && i->mod == 0) {
		i->ea = p[0] | p[1] << 8;
		return p + 2;
	}
	ea = e->gpr[base[i->rm]];
	if (i->rm < 4)
		ea += e->gpr[i->rm & 1 ? RD_RDI : RD_RSI];
	if (base[i->rm] == RD_RBP)
		i->seg = RD_SEG_SS;
	if (i->mod == 1) {
		ea += (s8)*p++;
	} else if (i->mod == 2) {
		ea += p[0] | p[1] << 8;
		p += 2;
	}
	i->ea = (u16)ea;
	return p;
}

/* 32-bit and 64-bit addressing; *relative: RIP is still to be added. */
static const u8 *decode_mem(struct rd_emul *e, struct rd_insn *i, const u8 *p, bool *relative)
{
	unsigned int base = i->rm & 7, index;
	u64 ea = 0;
	u8 sib;

	if (base == 4) {
		sib = *p++;
		base = sib & 7;
		index = ((sib >> 3) & 7) | (i->rex & RD_REX_X) << 2;
		if (index != RD_RSP)
			ea = e->gpr[index] << (sib >> 6);
		i->sp_base = base == RD_RSP && !(i->rex & RD_REX_B);
	} else if (base == 5 && i->mod == 0 && e->mode == RD_MODE_LONG) {
		*relative = true;
	}
	if (base == 5 && i->mod == 0) {
		ea += (s32)get_le32(p);
		i->ea = ea;
		return p + 4;
	}
	ea += e->gpr[base | (i->rex & RD_REX_B) << 3];
	if ((base == RD_RSP || base == RD_RBP) && !(i->rex & RD_REX_B))
		i->seg = RD_SEG_SS;
	if (i->mod == 1) {
		ea += (s8)*p++;
	} else if (i->mod == 2) {
		ea += (s32)get_le32(p);
		p += 4;
	}
	i->ea = ea;
	return p;
}

static const u8 *decode_imm(struct rd_insn *i, const u8 *p, unsigned int kind)
{
	unsigned int bytes, n;
	u64 v = 0;

	/* F6 and F7: TEST has an immediate, the others of the group have none */
	if (kind == RD_IMM_TEST)
		kind = i->sub > 1 ? RD_IMM_NONE : i->op_bytes == 1 ? RD_IMM_8 : RD_IMM_Z;
	switch (kind) {
	case RD_IMM_NONE:
		return p;
	case RD_IMM_8:
		i->imm = (u64)(s8)*p;
		return p + 1;
	case RD_IMM_Z:
		bytes = min_t(unsigned int, i->op_bytes, 4);
		break;
	case RD_IMM_V:
		bytes = i->op_bytes;
		break;
	case RD_IMM_16:
		bytes = 2;
		break;
	default:
		bytes = i->ad_bytes;
		break;
	}
	for (n = 0; n < bytes; n++)
		v |= (u64)p[n] << (8 * n);
	if (kind == RD_IMM_MOFFS) {
		i->ea = v;
		i->mod = 0;
		i->reg = RD_RAX;
	} else {
		i->imm = kind == RD_IMM_16 ? v : rd_sign_extend(v, bytes);
	}
	return p + bytes;
}

/* ModRM and what hangs on it. */
static const u8 *decode_modrm(struct rd_emul *e, struct rd_insn *i, const u8 *p, unsigned int flags,
			      bool *relative)
{
	u8 modrm = *p++;

	i->mod = flags & RD_OP_REG ? 3 : modrm >> 6;
	i->sub = (modrm >> 3) & 7;
	i->reg = i->sub | (i->rex & RD_REX_R) << 1;
	i->rm = modrm & 7;
	if (i->mod == 3) {
		i->rm |= (i->rex & RD_REX_B) << 3;
		return p;
	}
	if (i->ad_bytes == 2)
		return decode_mem16(e, i, p);
	return decode_mem(e, i, p, relative);
}

static bool lock_legal(const struct rd_insn *i, unsigned int flags)
{
	if (!(flags & RD_OP_LOCK) || !(flags & RD_OP_MODRM) || i->mod == 3)
		return false;
	return !i->op->lock_subs || (i->op->lock_subs >> i->sub & 1);
}

/* What is rare: checks that only some opcodes or LOCK ask for. */
static int decode_checks(struct rd_emul *e, struct rd_insn *i, unsigned int flags)
{
	bool is_long = e->mode == RD_MODE_LONG;

	if ((i->prefix & RD_PFX_LOCK) && !lock_legal(i, flags))
		return rd_fault_ud(e);
	if (is_long && (flags & RD_OP_NO64))
		return rd_fault_ud(e);
	if (!is_long && (flags & RD_OP_ONLY64))
		return RD_EMUL_UNHANDLED;
	if ((flags & RD_OP_MEM) && i->mod == 3)
		return rd_fault_ud(e);
	if (flags & RD_OP_TWO) /* of group 5 these are CALL and PUSH */
		e->two_mem = !(flags & RD_OP_MODRM) ||
			     (i->mod != 3 && (i->opcode != 0xff || i->sub == 2 || i->sub == 6));
	return RD_EMUL_DONE;
}

/* Decodes from e->insn as if all bytes were there; e->len says how many were looked at. */
static int decode_bytes(struct rd_emul *e, struct rd_insn *i)
{
	const u8 *p = e->insn;
	bool relative = false;
	unsigned int flags;

	i->prefix = 0;
	i->rex = 0;
	i->vex = 0;
	i->mod = 3;
	i->seg_over = RD_NO_SEG;
	i->seg = RD_SEG_DS;
	i->sp_base = false;
	e->two_mem = false;
	e->irq_shadow = false;

	i->opcode = *p++;
	i->op = &rd_opcodes_1[i->opcode];
	if (i->op->flags & RD_OP_PREFIX)
		p = decode_prefixes(e, i, p);
	if (i->op->flags & RD_OP_ESCAPE)
		i->op = decode_escape(e, i, &p);
	e->len = p - e->insn;
	if (unlikely(!i->op || !i->op->exec))
		return RD_EMUL_UNHANDLED;

	flags = i->op->flags;
	decode_sizes(e, i, flags);
	if (flags & RD_OP_MODRM)
		p = decode_modrm(e, i, p, flags, &relative);
	else
		i->reg = i->rm = (i->opcode & 7) | (i->rex & RD_REX_B) << 3;
	if (i->op->arg)
		p = decode_imm(i, p, i->op->arg);
	e->len = p - e->insn;

	i->next_rip = e->rip + e->len;
	if (e->mode != RD_MODE_LONG)
		i->next_rip = (u32)i->next_rip;
	if (relative)
		i->ea += i->next_rip;
	if (i->ad_bytes == 4)
		i->ea = (u32)i->ea;
	if (i->seg_over != RD_NO_SEG)
		i->seg = i->seg_over;
	if (unlikely((i->prefix & RD_PFX_LOCK) ||
		     (flags & (RD_OP_NO64 | RD_OP_ONLY64 | RD_OP_MEM | RD_OP_TWO))))
		return decode_checks(e, i, flags);
	return RD_EMUL_DONE;
}

int rd_emul_decode(struct rd_emul *e)
{
	struct rd_insn *i = rd_insn(e);
	int r;

	if (unlikely(e->insn_len > RD_INSN_MAX))
		e->insn_len = RD_INSN_MAX;
	if (!e->insn_len) {
		r = fetch(e);
		if (unlikely(r != RD_EMUL_DONE)) {
			e->len = 0;
			return r;
		}
	}
	for (;;) {
		r = decode_bytes(e, i);
		if (likely(e->len <= e->insn_len))
			return r;
		if (e->insn_len == RD_INSN_MAX) {
			e->len = RD_INSN_MAX;
			return rd_fault_gp(e);
		}
		r = fetch(e);
		if (r != RD_EMUL_DONE) {
			e->len = e->insn_len;
			return r;
		}
	}
}

int rd_emul_exec(struct rd_emul *e)
{
	struct rd_insn *i = rd_insn(e);
	int r = i->op->exec(e, i);

	if (likely(r == RD_EMUL_DONE)) {
		e->rip = i->next_rip;
		e->rflags &= ~(u64)RD_FL_RF;
	}
	return r;
}

int rd_emul_run(struct rd_emul *e)
{
	int r;

	if (likely(e->mode == RD_MODE_LONG)) {
		r = rd_emul_fast(e);
		if (likely(r != RD_EMUL_NOT_FAST))
			return r;
	}
	r = rd_emul_decode(e);
	return likely(r == RD_EMUL_DONE) ? rd_emul_exec(e) : r;
}

unsigned int rd_emul_known_len(const u8 *bytes, unsigned int n, enum rd_emul_mode mode,
			       const u8 *op, unsigned int op_len)
{
	unsigned int at = 0, k;
	const struct rd_opcode *d;

	n = min_t(unsigned int, n, RD_INSN_MAX);
	for (; at < n; at++) {
		d = &rd_opcodes_1[bytes[at]];
		if (!(d->flags & RD_OP_PREFIX) || (!d->arg && mode != RD_MODE_LONG))
			break;
	}
	if (op_len > n - at)
		return 0;
	for (k = 0; k < op_len; k++)
		if (bytes[at + k] != op[k])
			return 0;
	return at + op_len;
}
