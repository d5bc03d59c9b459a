// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integer arithmetic with the flags of the x86 architecture.
 * Invariant: pure functions of operands and flags (rd_divide() sets registers, and only when it
 * succeeds). Where the manual leaves a flag undefined it is cleared or kept, whichever takes less
 * code.
 */
#include "vmm/emul_internal.h"

static u64 sign_bit(unsigned int bytes)
{
	return 1ULL << (bytes * 8 - 1);
}

u64 rd_flags_szp(u64 fl, u64 v, unsigned int bytes)
{
	u64 parity = v ^ v >> 4;

	fl &= ~(u64)(RD_FL_PF | RD_FL_ZF | RD_FL_SF);
	if (!(0x6996 >> (parity & 15) & 1))
		fl |= RD_FL_PF;
	if (!(v & rd_mask(bytes)))
		fl |= RD_FL_ZF;
	if (v & sign_bit(bytes))
		fl |= RD_FL_SF;
	return fl;
}

/* carry and over hold the carry out of, and the signed overflow at, each bit position. */
static u64 arith_flags(u64 fl, u64 r, u64 carry, u64 over, unsigned int bytes)
{
	fl &= ~(u64)(RD_FL_CF | RD_FL_AF | RD_FL_OF);
	if (carry & sign_bit(bytes))
		fl |= RD_FL_CF;
	if (carry & 8)
		fl |= RD_FL_AF;
	if (over & sign_bit(bytes))
		fl |= RD_FL_OF;
	return rd_flags_szp(fl, r, bytes);
}

static u64 add(unsigned int bytes, u64 a, u64 b, u64 carry, u64 *fl)
{
	u64 r = a + b + carry;

	*fl = arith_flags(*fl, r, (a & b) | ((a | b) & ~r), (a ^ r) & (b ^ r), bytes);
	return r;
}

static u64 sub(unsigned int bytes, u64 a, u64 b, u64 borrow, u64 *fl)
{
	u64 r = a - b - borrow;

	*fl = arith_flags(*fl, r, (~a & b) | ((~a | b) & r), (a ^ b) & (a ^ r), bytes);
	return r;
}

static u64 logic(unsigned int bytes, u64 r, u64 *fl)
{
	*fl = rd_flags_szp(*fl & ~(u64)(RD_FL_CF | RD_FL_AF | RD_FL_OF), r, bytes);
	return r;
}

static u64 set_cf_of(u64 fl, bool cf, bool of)
{
	return (fl & ~(u64)(RD_FL_CF | RD_FL_OF)) | (cf ? RD_FL_CF : 0) | (of ? RD_FL_OF : 0);
}

/* ROL, ROR, RCL, RCR: one bit at a time, as rare as they are. */
static u64 rotate(enum rd_alu op, unsigned int bytes, u64 a, unsigned int count, u64 *fl)
{
	bool left = op == RD_ALU_ROL || op == RD_ALU_RCL;
	bool through = op == RD_ALU_RCL || op == RD_ALU_RCR;
	u64 top = sign_bit(bytes);
	bool cf = *fl & RD_FL_CF, out;

	if (!count)
		return a;
	while (count--) {
		out = left ? a & top : a & 1;
		if (left)
			a = a << 1 | (through ? cf : out);
		else
			a = (a & rd_mask(bytes)) >> 1 | ((through ? cf : out) ? top : 0);
		cf = out;
	}
	if (left)
		*fl = set_cf_of(*fl, cf, !!(a & top) != cf);
	else
		*fl = set_cf_of(*fl, cf, !!(a & top) != !!(a & top >> 1));
	return a;
}

static u64 shift(enum rd_alu op, unsigned int bytes, u64 a, unsigned int count, u64 *fl)
{
	unsigned int bits = bytes * 8;
	u64 top = sign_bit(bytes), r;
	bool cf, of;

	if (!count)
		return a;
	a &= rd_mask(bytes);
	if (op == RD_ALU_SAR) {
		u64 s = rd_sign_extend(a, bytes);

		r = (u64)((s64)s >> count);
		cf = (s64)s >> (count - 1) & 1;
		of = false;
	} else if (op == RD_ALU_SHR) {
		r = a >> count;
		cf = a >> (count - 1) & 1;
		of = a & top;
	} else {
		r = a << count;
		cf = count <= bits && (a >> (bits - count) & 1);
		of = !!(r & top) != cf;
	}
	*fl = rd_flags_szp(set_cf_of(*fl & ~(u64)RD_FL_AF, cf, of), r, bytes);
	return r;
}

static u64 shift_or_rotate(enum rd_alu op, unsigned int bytes, u64 a, u64 b, u64 *fl)
{
	unsigned int count = b & (bytes == 8 ? 63 : 31);

	return op <= RD_ALU_RCR ? rotate(op, bytes, a, count, fl) : shift(op, bytes, a, count, fl);
}

u64 rd_shift_double(bool right, unsigned int bytes, u64 a, u64 b, unsigned int count, u64 *fl)
{
	unsigned int bits = bytes * 8;
	u64 top = sign_bit(bytes), r;
	bool cf;

	count &= bytes == 8 ? 63 : 31;
	if (!count)
		return a;
	if (count > bits) /* 16-bit operands only, undefined: shift in from the other side again */
		count -= bits;
	a &= rd_mask(bytes);
	b &= rd_mask(bytes);
	if (right) {
		cf = a >> (count - 1) & 1;
		r = count == bits ? b : a >> count | b << (bits - count);
	} else {
		cf = a >> (bits - count) & 1;
		r = count == bits ? b : a << count | b >> (bits - count);
	}
	*fl = rd_flags_szp(set_cf_of(*fl & ~(u64)RD_FL_AF, cf, (a ^ r) & top), r, bytes);
	return r;
}

static u64 bit_op(enum rd_alu op, unsigned int bytes, u64 a, u64 b, u64 *fl)
{
	u64 bit = 1ULL << (b & (bytes * 8 - 1));

	*fl = (*fl & ~(u64)RD_FL_CF) | (a & bit ? RD_FL_CF : 0);
	if (op == RD_ALU_BTS)
		return a | bit;
	if (op == RD_ALU_BTR)
		return a & ~bit;
	return op == RD_ALU_BTC ? a ^ bit : a;
}

/* INC and DEC leave the carry alone. */
static u64 step(unsigned int bytes, u64 a, bool up, u64 *fl)
{
	u64 carry = *fl & RD_FL_CF;
	u64 r = up ? add(bytes, a, 1, 0, fl) : sub(bytes, a, 1, 0, fl);

	*fl = (*fl & ~(u64)RD_FL_CF) | carry;
	return r;
}

u64 rd_alu(enum rd_alu op, unsigned int bytes, u64 a, u64 b, u64 *fl)
{
	switch (op) {
	case RD_ALU_ADD:
		return add(bytes, a, b, 0, fl);
	case RD_ALU_OR:
		return logic(bytes, a | b, fl);
	case RD_ALU_ADC:
		return add(bytes, a, b, *fl & RD_FL_CF, fl);
	case RD_ALU_SBB:
		return sub(bytes, a, b, *fl & RD_FL_CF, fl);
	case RD_ALU_AND:
		return logic(bytes, a & b, fl);
	case RD_ALU_SUB:
	case RD_ALU_CMP:
		return sub(bytes, a, b, 0, fl);
	case RD_ALU_XOR:
		return logic(bytes, a ^ b, fl);
	case RD_ALU_INC:
	case RD_ALU_DEC:
		return step(bytes, a, op == RD_ALU_INC, fl);
	case RD_ALU_NOT:
		return ~a;
	case RD_ALU_NEG:
		return sub(bytes, 0, a, 0, fl);
	case RD_ALU_MOV:
		return b;
	case RD_ALU_BT:
	case RD_ALU_BTS:
	case RD_ALU_BTR:
	case RD_ALU_BTC:
		return bit_op(op, bytes, a, b, fl);
	default:
		return shift_or_rotate(op, bytes, a, b, fl);
	}
}

bool rd_condition(u64 rflags, unsigned int cc)
{
	bool less = !(rflags & RD_FL_SF) != !(rflags & RD_FL_OF);
	bool r;

	switch (cc >> 1 & 7) {
	case 0:
		r = rflags & RD_FL_OF;
		break;
	case 1:
		r = rflags & RD_FL_CF;
		break;
	case 2:
		r = rflags & RD_FL_ZF;
		break;
	case 3:
		r = rflags & (RD_FL_CF | RD_FL_ZF);
		break;
	case 4:
		r = rflags & RD_FL_SF;
		break;
	case 5:
		r = rflags & RD_FL_PF;
		break;
	case 6:
		r = less;
		break;
	default:
		r = less || (rflags & RD_FL_ZF);
		break;
	}
	return r != (cc & 1);
}

bool rd_multiply(unsigned int bytes, u64 a, u64 b, bool is_signed, u64 *lo, u64 *hi)
{
	u64 low, high;

	if (is_signed) {
		__int128 p =
			(__int128)(s64)rd_sign_extend(a, bytes) * (s64)rd_sign_extend(b, bytes);

		low = (u64)p;
		high = (u64)(p >> 64);
	} else {
		unsigned __int128 p =
			(unsigned __int128)(a & rd_mask(bytes)) * (b & rd_mask(bytes));

		low = (u64)p;
		high = (u64)(p >> 64);
	}
	*lo = low & rd_mask(bytes);
	*hi = bytes == 8 ? high : low >> (bytes * 8) & rd_mask(bytes);
	if (!is_signed)
		return *hi != 0;
	return *hi != (*lo & sign_bit(bytes) ? rd_mask(bytes) : 0);
}

/*
 * hi:lo / v with hi < v: long division, as the kernel has no 128-bit division. Returns the
 * quotient.
 */
static u64 divide_wide(u64 hi, u64 lo, u64 v, u64 *rem)
{
	unsigned int n;
	u64 q = 0;
	bool carry;

	for (n = 0; n < 64; n++) {
		carry = hi >> 63;
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		q <<= 1;
		if (carry || hi >= v) {
			hi -= v;
			q |= 1;
		}
	}
	*rem = hi;
	return q;
}

int rd_divide(struct rd_emul *e, unsigned int bytes, u64 v, bool is_signed)
{
	u64 mask = rd_mask(bytes), hi, lo, q, rem;
	bool neg_n, neg_v;

	if (bytes == 1) { /* the dividend is AX */
		lo = e->gpr[RD_RAX] & mask;
		hi = e->gpr[RD_RAX] >> 8 & mask;
	} else {
		lo = e->gpr[RD_RAX] & mask;
		hi = e->gpr[RD_RDX] & mask;
	}
	neg_n = is_signed && (hi & sign_bit(bytes));
	neg_v = is_signed && (v & sign_bit(bytes));
	if (neg_n) {
		lo = -lo & mask;
		hi = (~hi + !lo) & mask;
	}
	if (neg_v)
		v = -v & mask;
	if (hi >= v) /* also v == 0 */
		return rd_fault(e, RD_VEC_DE);
	if (bytes < 8) {
		lo |= hi << (bytes * 8);
		hi = 0;
	}
	q = divide_wide(hi, lo, v, &rem);
	if (is_signed && q > sign_bit(bytes) - (neg_n == neg_v))
		return rd_fault(e, RD_VEC_DE);
	if (neg_n != neg_v)
		q = -q;
	if (neg_n)
		rem = -rem;
	if (bytes == 1) {
		rd_merge(&e->gpr[RD_RAX], (q & 0xff) | (rem & 0xff) << 8, 2);
	} else {
		rd_merge(&e->gpr[RD_RAX], q, bytes);
		rd_merge(&e->gpr[RD_RDX], rem, bytes);
	}
	return RD_EMUL_DONE;
}
