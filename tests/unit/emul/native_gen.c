// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generator of native.h: a table of instruction forms, and operands to fit them.
 * Invariant: the flags that the manual leaves undefined are told for each sample, as some depend on
 * a shift count.
 */
#include <check.h>

#include "tests/unit/emul/env.h"
#include "tests/unit/emul/native.h"

enum {
	T_MODRM = 1 << 0, T_BYTE = 1 << 1,  /* the low opcode bit is the size: 8 bits when clear */
	T_IMM8 = 1 << 2, T_IMMZ = 1 << 3, T_IMMV = 1 << 4,
	T_LOCK = 1 << 5,                    /* may have LOCK with memory */
	T_MEM = 1 << 6,                     /* memory only */
	T_REGLOW = 1 << 7,                  /* register in the low opcode bits */
	T_SHIFT = 1 << 8, T_ROTATE = 1 << 9, T_DOUBLE = 1 << 10, T_BITREG = 1 << 11,
	T_STRING = 1 << 12, T_REP_Z = 1 << 13, T_SCAN = 1 << 14, T_PAIR = 1 << 15, /* CMPXCHG8B */
	T_NO16 = 1 << 16, T_ACC = 1 << 17,  /* CMPXCHG: often let it match */
};

struct form {
	const char *what;
	u8 map;     /* 1, 2 (0F), 3 (0F 38) */
	u8 first, last, prefix;
	s8 sub_from, sub_to; /* of ModRM.reg; -1: any register */
	u32 flags;
	u32 undefined;
};

#define ANY -1, -1
#define SZAP (F_S | F_Z | F_A | F_P)

static const struct form forms[] = {
	{ "alu r/m, r", 1, 0x00, 0x03, 0, ANY, T_MODRM | T_BYTE, 0 },
	{ "add", 1, 0x00, 0x01, 0, ANY, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "or", 1, 0x08, 0x0b, 0, ANY, T_MODRM | T_BYTE, F_A },
	{ "adc", 1, 0x10, 0x13, 0, ANY, T_MODRM | T_BYTE, 0 },
	{ "adc locked", 1, 0x10, 0x11, 0, ANY, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "sbb", 1, 0x18, 0x1b, 0, ANY, T_MODRM | T_BYTE, 0 },
	{ "and", 1, 0x20, 0x23, 0, ANY, T_MODRM | T_BYTE, F_A },
	{ "sub", 1, 0x28, 0x2b, 0, ANY, T_MODRM | T_BYTE, 0 },
	{ "xor", 1, 0x30, 0x33, 0, ANY, T_MODRM | T_BYTE, F_A },
	{ "cmp", 1, 0x38, 0x3b, 0, ANY, T_MODRM | T_BYTE, 0 },
	{ "add acc", 1, 0x04, 0x05, 0, ANY, T_BYTE | T_IMMZ, 0 },
	{ "sbb acc", 1, 0x1c, 0x1d, 0, ANY, T_BYTE | T_IMMZ, 0 },
	{ "and acc", 1, 0x24, 0x25, 0, ANY, T_BYTE | T_IMMZ, F_A },
	{ "cmp acc", 1, 0x3c, 0x3d, 0, ANY, T_BYTE | T_IMMZ, 0 },
	{ "group 1", 1, 0x80, 0x81, 0, 0, 7, T_MODRM | T_BYTE | T_IMMZ, F_A },
	{ "group 1 locked", 1, 0x80, 0x81, 0, 0, 6, T_MODRM | T_BYTE | T_IMMZ | T_LOCK, F_A },
	{ "group 1, imm8", 1, 0x83, 0x83, 0, 0, 7, T_MODRM | T_IMM8, F_A },
	{ "adc, imm8", 1, 0x83, 0x83, 0, 2, 3, T_MODRM | T_IMM8, 0 },
	{ "test", 1, 0x84, 0x85, 0, ANY, T_MODRM | T_BYTE, F_A },
	{ "test acc", 1, 0xa8, 0xa9, 0, ANY, T_BYTE | T_IMMZ, F_A },
	{ "xchg", 1, 0x86, 0x87, 0, ANY, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "xchg acc", 1, 0x90, 0x97, 0, ANY, T_REGLOW, 0 },
	{ "mov", 1, 0x88, 0x8b, 0, ANY, T_MODRM | T_BYTE, 0 },
	{ "mov imm", 1, 0xc6, 0xc7, 0, 0, 0, T_MODRM | T_BYTE | T_IMMZ, 0 },
	{ "mov r8, imm", 1, 0xb0, 0xb7, 0, ANY, T_REGLOW | T_IMM8, 0 },
	{ "mov r, imm", 1, 0xb8, 0xbf, 0, ANY, T_REGLOW | T_IMMV, 0 },
	{ "lea", 1, 0x8d, 0x8d, 0, ANY, T_MODRM | T_MEM, 0 },
	{ "movsxd", 1, 0x63, 0x63, 0, ANY, T_MODRM, 0 },
	{ "movzx", 2, 0xb6, 0xb7, 0, ANY, T_MODRM, 0 },
	{ "movsx", 2, 0xbe, 0xbf, 0, ANY, T_MODRM, 0 },
	{ "movbe", 3, 0xf0, 0xf1, 0, ANY, T_MODRM | T_MEM, 0 },
	{ "movnti", 2, 0xc3, 0xc3, 0, ANY, T_MODRM | T_MEM | T_NO16, 0 },
	{ "rotate by imm", 1, 0xc0, 0xc1, 0, 0, 3, T_MODRM | T_BYTE | T_IMM8 | T_ROTATE, 0 },
	{ "rotate by 1", 1, 0xd0, 0xd1, 0, 0, 3, T_MODRM | T_BYTE | T_ROTATE, 0 },
	{ "rotate by cl", 1, 0xd2, 0xd3, 0, 0, 3, T_MODRM | T_BYTE | T_ROTATE, 0 },
	{ "shift by imm", 1, 0xc0, 0xc1, 0, 4, 7, T_MODRM | T_BYTE | T_IMM8 | T_SHIFT, 0 },
	{ "shift by 1", 1, 0xd0, 0xd1, 0, 4, 7, T_MODRM | T_BYTE | T_SHIFT, 0 },
	{ "shift by cl", 1, 0xd2, 0xd3, 0, 4, 7, T_MODRM | T_BYTE | T_SHIFT, 0 },
	{ "shld, shrd by imm", 2, 0xa4, 0xa4, 0, ANY, T_MODRM | T_IMM8 | T_DOUBLE, 0 },
	{ "shrd by imm", 2, 0xac, 0xac, 0, ANY, T_MODRM | T_IMM8 | T_DOUBLE, 0 },
	{ "shld by cl", 2, 0xa5, 0xa5, 0, ANY, T_MODRM | T_DOUBLE, 0 },
	{ "shrd by cl", 2, 0xad, 0xad, 0, ANY, T_MODRM | T_DOUBLE, 0 },
	{ "not", 1, 0xf6, 0xf7, 0, 2, 2, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "neg", 1, 0xf6, 0xf7, 0, 3, 3, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "mul, imul", 1, 0xf6, 0xf7, 0, 4, 5, T_MODRM | T_BYTE, SZAP },
	{ "div, idiv", 1, 0xf6, 0xf7, 0, 6, 7, T_MODRM | T_BYTE, F_ARITH },
	{ "imul r, r/m", 2, 0xaf, 0xaf, 0, ANY, T_MODRM, SZAP },
	{ "imul r, r/m, imm", 1, 0x69, 0x69, 0, ANY, T_MODRM | T_IMMZ, SZAP },
	{ "imul r, r/m, imm8", 1, 0x6b, 0x6b, 0, ANY, T_MODRM | T_IMM8, SZAP },
	{ "inc, dec", 1, 0xfe, 0xff, 0, 0, 1, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "bt", 2, 0xa3, 0xa3, 0, ANY, T_MODRM | T_BITREG, F_O | F_S | F_A | F_P },
	{ "bts", 2, 0xab, 0xab, 0, ANY, T_MODRM | T_BITREG | T_LOCK, F_O | F_S | F_A | F_P },
	{ "btr", 2, 0xb3, 0xb3, 0, ANY, T_MODRM | T_BITREG | T_LOCK, F_O | F_S | F_A | F_P },
	{ "btc", 2, 0xbb, 0xbb, 0, ANY, T_MODRM | T_BITREG | T_LOCK, F_O | F_S | F_A | F_P },
	{ "bt imm", 2, 0xba, 0xba, 0, 4, 7, T_MODRM | T_IMM8, F_O | F_S | F_A | F_P },
	{ "bsf, bsr", 2, 0xbc, 0xbd, 0, ANY, T_MODRM | T_SCAN, F_C | F_O | F_S | F_A | F_P },
	{ "cmpxchg", 2, 0xb0, 0xb1, 0, ANY, T_MODRM | T_BYTE | T_LOCK | T_ACC, 0 },
	{ "cmpxchg8b, 16b", 2, 0xc7, 0xc7, 0, 1, 1, T_MODRM | T_MEM | T_LOCK | T_PAIR | T_ACC, 0 },
	{ "xadd", 2, 0xc0, 0xc1, 0, ANY, T_MODRM | T_BYTE | T_LOCK, 0 },
	{ "setcc", 2, 0x90, 0x9f, 0, 0, 0, T_MODRM, 0 },
	{ "cmovcc", 2, 0x40, 0x4f, 0, ANY, T_MODRM, 0 },
	{ "bswap", 2, 0xc8, 0xcf, 0, ANY, T_REGLOW | T_NO16, 0 },
	{ "cbw, cwd", 1, 0x98, 0x99, 0, ANY, 0, 0 },
	{ "lahf, sahf", 1, 0x9e, 0x9f, 0, ANY, 0, 0 },
	{ "cmc", 1, 0xf5, 0xf5, 0, ANY, 0, 0 },
	{ "clc, stc", 1, 0xf8, 0xf9, 0, ANY, 0, 0 },
	{ "cld, std", 1, 0xfc, 0xfd, 0, ANY, 0, 0 },
	{ "movs", 1, 0xa4, 0xa5, 0, ANY, T_BYTE | T_STRING, 0 },
	{ "cmps", 1, 0xa6, 0xa7, 0, ANY, T_BYTE | T_STRING | T_REP_Z, 0 },
	{ "stos", 1, 0xaa, 0xab, 0, ANY, T_BYTE | T_STRING, 0 },
	{ "lods", 1, 0xac, 0xad, 0, ANY, T_BYTE | T_STRING, 0 },
	{ "scas", 1, 0xae, 0xaf, 0, ANY, T_BYTE | T_STRING | T_REP_Z, 0 },
	{ "popcnt", 2, 0xb8, 0xb8, 0xf3, ANY, T_MODRM, 0 },
	{ "tzcnt", 2, 0xbc, 0xbc, 0xf3, ANY, T_MODRM, F_O | F_S | F_A | F_P },
	{ "lzcnt", 2, 0xbd, 0xbd, 0xf3, ANY, T_MODRM, F_O | F_S | F_A | F_P },
};

static u64 random_state;

void native_seed(u64 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ULL + 1;
}

static u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static unsigned int below(unsigned int n)
{
	return (random64() >> 33) % n;
}

/* Values near the ends of the ranges of all sizes turn up often. */
static u64 random_value(void)
{
	static const u64 edges[] = { 0,
				     1,
				     0x7f,
				     0x80,
				     0xff,
				     0x7fff,
				     0x8000,
				     0xffff,
				     0x7fffffff,
				     0x80000000,
				     0xffffffff,
				     0x7fffffffffffffff,
				     0x8000000000000000,
				     0xffffffffffffffff };

	switch (below(4)) {
	case 0:
		return edges[below(ARRAY_SIZE(edges))];
	case 1:
		return edges[below(ARRAY_SIZE(edges))] + below(5) - 2;
	case 2:
		return random64() >> below(64);
	default:
		return random64();
	}
}

static unsigned int random_reg(void)
{
	unsigned int r;

	do {
		r = below(16);
	} while (r == RD_RSP);
	return r;
}

/* What the generator knows of the sample while it is put together. */
struct draft {
	const struct form *f;
	u8 opcode, rex, modrm;
	u8 tail[5];         /* SIB and displacement */
	unsigned int ntail;
	unsigned int bytes; /* operand size */
	bool mem, lock, opsize, adsize, byte;
	unsigned int base;
	u64 imm, target;
};

static void choose_sizes(struct draft *d)
{
	const struct form *f = d->f;

	d->opcode = f->first + below(f->last - f->first + 1);
	d->byte = ((f->flags & T_BYTE) && !(d->opcode & 1)) ||
		  (f->map == 2 && (d->opcode & 0xf0) == 0x90) ||
		  (f->map == 1 && (d->opcode & 0xf8) == 0xb0);
	d->opsize = !(f->flags & T_NO16) && !below(4);
	d->rex = below(3) ? 0x40 | below(16) : 0;
	d->bytes = d->byte ? 1 : (d->rex & 8) ? 8 : d->opsize ? 2 : 4;
	d->adsize = !below(8);
}

/* A memory operand of one of the usual forms, at target; sets the registers that it needs. */
static void choose_memory(struct draft *d, struct sample *s)
{
	unsigned int mod = below(3), index, scale = below(4);
	s32 disp = mod == 0 ? 0 : mod == 1 ? (s8)random64() : (s32)below(100000) - 50000;
	u64 at;

	d->target = (u64)(uintptr_t)native.data + 448 + below(64);
	if (d->f->flags & T_PAIR)
		d->target &= ~15ULL;
	d->base = random_reg();
	if ((d->base & 7) == RD_RBP && mod == 0)
		mod = 1;
	at = d->target - disp;
	d->rex = (d->rex & 0x4c) | (d->base >> 3);
	if (d->base >= 8)
		d->rex |= 0x40;
	if (below(2) || (d->base & 7) == RD_RSP) {
		do {
			index = random_reg();
		} while (index == d->base);
		s->gpr[index] = below(16);
		at -= s->gpr[index] << scale;
		d->rex |= index >= 8 ? 0x42 : 0;
		d->modrm = 4;
		d->tail[d->ntail++] = scale << 6 | (index & 7) << 3 | (d->base & 7);
	} else {
		d->modrm = d->base & 7;
	}
	s->gpr[d->base] = at;
	d->modrm |= mod << 6;
	if (mod == 1)
		d->tail[d->ntail++] = (u8)disp;
	if (mod == 2) {
		memcpy(d->tail + d->ntail, &disp, 4);
		d->ntail += 4;
	}
}

/*
 * RSP as an operand of the sample would break the frame around it; so would AH..BH without REX as
 * SPL with it.
 */
static unsigned int choose_operand_reg(const struct draft *d, unsigned int avoid)
{
	unsigned int r;

	do {
		r = random_reg();
	} while (r == avoid || (d->byte && !d->rex && r >= 8));
	return r;
}

static void choose_modrm(struct draft *d, struct sample *s)
{
	unsigned int reg, rm;

	d->mem = (d->f->flags & T_MEM) || below(2);
	if (d->mem) {
		choose_memory(d, s);
	} else {
		rm = choose_operand_reg(d, 16);
		d->modrm = 0xc0 | (rm & 7);
		d->rex = d->rex ? (d->rex & 0x4c) | rm >> 3 : rm >= 8 ? 0x41 : 0;
	}
	if (d->f->sub_from >= 0) {
		d->modrm |= (d->f->sub_from + below(d->f->sub_to - d->f->sub_from + 1)) << 3;
	} else {
		reg = choose_operand_reg(d, d->mem && (d->f->flags & T_BITREG) ? d->base : 16);
		d->modrm |= (reg & 7) << 3;
		d->rex &= ~4;
		if (reg >= 8)
			d->rex |= 0x44;
	}
	d->bytes = d->byte ? 1 : (d->rex & 8) ? 8 : d->opsize ? 2 : 4;
	d->lock = d->mem && (d->f->flags & T_LOCK) && below(2);
}

static unsigned int modrm_reg(const struct draft *d)
{
	return (d->modrm >> 3 & 7) | (d->rex & 4) << 1;
}

/*
 * Bit offsets of memory operands stay within the data; indexes of the address must not change by
 * that.
 */
static void fit_bit_number(struct draft *d, struct sample *s)
{
	unsigned int reg = modrm_reg(d), index = (d->tail[0] >> 3 & 7) | (d->rex & 2) << 2;

	if (!d->mem || ((d->modrm & 7) == 4 && reg == index)) /* the index is small already */
		return;
	s->gpr[reg] = (u64)((s64)below(3000) - 1500);
}

static void choose_string(struct sample *s)
{
	s->gpr[RD_RSI] = (u64)(uintptr_t)native.data + 300 + below(32);
	s->gpr[RD_RDI] = (u64)(uintptr_t)native.data + 600 + below(32);
	s->gpr[RD_RCX] = below(12);
	s->flags |= below(2) ? F_D : 0;
	if (below(2))
		memcpy(s->data + 600, s->data + 300, 64);
}

static u64 shift_undefined(const struct draft *d, const struct sample *s)
{
	bool by_cl = d->f->flags & T_DOUBLE ? d->opcode & 1 : d->opcode >= 0xd2;
	u64 raw = by_cl ? s->gpr[RD_RCX] : d->f->flags & T_IMM8 ? d->imm : 1;
	unsigned int count = raw & (d->bytes == 8 ? 63 : 31), bits = d->bytes * 8;
	u64 undefined = 0;

	if (!count)
		return 0;
	if (count != 1)
		undefined |= F_O;
	if (d->f->flags & T_ROTATE)
		return undefined;
	undefined |= F_A;
	if (count >= bits && !(d->f->flags & T_DOUBLE) && (d->modrm >> 3 & 7) != 7)
		undefined |= F_C;
	return undefined;
}

static unsigned int put_prefixes(struct sample *s, const struct draft *d)
{
	unsigned int at = 0;

	if (d->lock)
		s->insn[at++] = 0xf0;
	if (d->opsize)
		s->insn[at++] = 0x66;
	if (d->adsize)
		s->insn[at++] = 0x67;
	if (d->f->prefix)
		s->insn[at++] = d->f->prefix;
	if ((d->f->flags & T_STRING) && below(3))
		s->insn[at++] = (d->f->flags & T_REP_Z) && below(2) ? 0xf2 : 0xf3;
	if (d->rex)
		s->insn[at++] = d->rex;
	return at;
}

static void assemble(struct sample *s, struct draft *d)
{
	unsigned int at = put_prefixes(s, d), imm_bytes = 0;

	if (d->f->map > 1)
		s->insn[at++] = 0x0f;
	if (d->f->map > 2)
		s->insn[at++] = 0x38;
	s->insn[at++] = d->opcode;
	if (d->f->flags & T_MODRM) {
		s->insn[at++] = d->modrm;
		memcpy(s->insn + at, d->tail, d->ntail);
		at += d->ntail;
	}
	if (d->f->flags & T_IMM8)
		imm_bytes = 1;
	if (d->f->flags & T_IMMZ)
		imm_bytes = d->bytes == 8 ? 4 : d->bytes;
	if (d->f->flags & T_IMMV)
		imm_bytes = d->bytes;
	if (at + imm_bytes > 15) { /* LOCK or 67 less makes it fit */
		d->adsize = false;
		d->lock = false;
		assemble(s, d);
		return;
	}
	memcpy(s->insn + at, &d->imm, imm_bytes);
	s->len = at + imm_bytes;
}

/* Half of the comparisons of CMPXCHG should match. */
static void fit_accumulator(struct draft *d, struct sample *s)
{
	u64 off = d->target - (u64)(uintptr_t)native.data;

	/* Not where RAX or RDX are part of the address. */
	if (!d->mem || d->base == RD_RAX || d->base == RD_RDX || (d->modrm & 7) == 4 || below(2))
		return;
	memcpy(&s->gpr[RD_RAX], s->data + off, 8);
	if (d->f->flags & T_PAIR)
		memcpy(&s->gpr[RD_RDX], s->data + off + (d->bytes == 8 ? 8 : 4),
		       d->bytes == 8 ? 8 : 4);
}

static bool double_count_undefined(const struct draft *d, const struct sample *s)
{
	u64 raw = d->opcode & 1 ? s->gpr[RD_RCX] : d->imm;

	return d->bytes == 2 && (raw & 31) > 16;
}

/* One attempt; false where the manual leaves the result itself undefined. */
static bool draft_sample(struct sample *s)
{
	struct draft d = { .f = &forms[below(ARRAY_SIZE(forms))], .imm = random_value() };
	unsigned int n;

	s->what = d.f->what;
	s->flags = 0x202 | (random64() & F_ARITH);
	s->undefined_reg = 16;
	for (n = 0; n < 16; n++)
		s->gpr[n] = random_value();
	for (n = 0; n < sizeof(s->data); n += 8) {
		u64 v = random_value();

		memcpy(s->data + n, &v, 8);
	}
	choose_sizes(&d);
	if (d.f->flags & T_MODRM)
		choose_modrm(&d, s);
	else if (d.f->flags & T_STRING)
		choose_string(s);
	else if ((d.f->flags & T_REGLOW) && (d.opcode & 7) == RD_RSP && !(d.rex & 1))
		return false;
	if (d.f->flags & T_BITREG)
		fit_bit_number(&d, s);
	if (d.f->flags & T_ACC)
		fit_accumulator(&d, s);
	if ((d.f->flags & T_DOUBLE) && double_count_undefined(&d, s))
		return false;
	s->undefined_flags = d.f->undefined;
	if (d.f->flags & (T_SHIFT | T_ROTATE | T_DOUBLE))
		s->undefined_flags |= shift_undefined(&d, s);
	if (d.f->flags & T_SCAN)
		s->undefined_reg = modrm_reg(&d);
	assemble(s, &d);
	return true;
}

void native_sample(struct sample *s)
{
	memset(s->insn, 0, sizeof(s->insn));
	while (!draft_sample(s))
		continue;
}
