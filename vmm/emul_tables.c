// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode maps: one descriptor per opcode byte.
 * Invariant: an opcode without a handler is unknown to the emulator; everything that the decoder
 * must know about an opcode is in its descriptor.
 */
#include "vmm/emul_internal.h"

#define M RD_OP_MODRM
#define B RD_OP_BYTE
#define LK RD_OP_LOCK

#define OP(name, fl, imm) { .exec = rd_ex_##name, .flags = (fl), .arg = (imm) }
#define GRP(name, fl, imm, subs) \
	{ .exec = rd_ex_##name, .flags = (fl), .arg = (imm), .lock_subs = (subs) }
#define PREFIX(what) { .flags = RD_OP_PREFIX, .arg = (what) }
#define SEGMENT(seg) PREFIX(RD_PFX_SEG | (seg))

/* The six regular forms of an arithmetic operation. */
#define ALU(base, lock) \
	[(base)] = OP(alu_mr, M | B | (lock), 0), \
	[(base) + 1] = OP(alu_mr, M | (lock), 0), \
	[(base) + 2] = OP(alu_rm, M | B, 0), \
	[(base) + 3] = OP(alu_rm, M, 0), \
	[(base) + 4] = OP(alu_acc, B, RD_IMM_8), \
	[(base) + 5] = OP(alu_acc, 0, RD_IMM_Z)

/* Eight opcodes with a register in their low bits. */
#define EIGHT(base, name, fl, imm) [(base) ... (base) + 7] = OP(name, fl, imm)
#define SIXTEEN(base, name, fl, imm) [(base) ... (base) + 15] = OP(name, fl, imm)

/* A byte form and, next to it, the form of full size. */
#define PAIR(base, name, fl, imm) \
	[(base)] = OP(name, (fl) | B, imm), [(base) + 1] = OP(name, fl, imm)

const struct rd_opcode rd_opcodes_1[256] = {
	ALU(0x00, LK), ALU(0x08, LK), ALU(0x10, LK), ALU(0x18, LK),
	ALU(0x20, LK), ALU(0x28, LK), ALU(0x30, LK), ALU(0x38, 0),
	[0x06] = OP(push_seg, RD_OP_NO64, 0), [0x07] = OP(pop_seg, RD_OP_NO64, 0),
	[0x0e] = OP(push_seg, RD_OP_NO64, 0), [0x0f] = { .flags = RD_OP_ESCAPE },
	[0x16] = OP(push_seg, RD_OP_NO64, 0), [0x17] = OP(pop_seg, RD_OP_NO64, 0),
	[0x1e] = OP(push_seg, RD_OP_NO64, 0), [0x1f] = OP(pop_seg, RD_OP_NO64, 0),
	[0x26] = SEGMENT(RD_SEG_ES), [0x2e] = SEGMENT(RD_SEG_CS),
	[0x36] = SEGMENT(RD_SEG_SS), [0x3e] = SEGMENT(RD_SEG_DS),
	SIXTEEN(0x40, incdec_reg, RD_OP_PREFIX, 0), /* REX in long mode */
	EIGHT(0x50, push_reg, RD_OP_D64, 0), EIGHT(0x58, pop_reg, RD_OP_D64, 0),
	[0x60] = OP(pusha, RD_OP_NO64, 0), [0x61] = OP(popa, RD_OP_NO64, 0),
	[0x63] = OP(movsxd, M | RD_OP_ONLY64, 0),
	[0x64] = SEGMENT(RD_SEG_FS), [0x65] = SEGMENT(RD_SEG_GS),
	[0x66] = PREFIX(RD_PFX_OPSIZE), [0x67] = PREFIX(RD_PFX_ADSIZE),
	[0x68] = OP(push_imm, RD_OP_D64, RD_IMM_Z), [0x69] = OP(imul3, M, RD_IMM_Z),
	[0x6a] = OP(push_imm, RD_OP_D64, RD_IMM_8), [0x6b] = OP(imul3, M, RD_IMM_8),
	PAIR(0x6c, ins, 0, 0), PAIR(0x6e, outs, 0, 0),
	SIXTEEN(0x70, jcc, RD_OP_F64, RD_IMM_8),
	[0x80] = GRP(grp1, M | B | LK, RD_IMM_8, 0x7f), [0x81] = GRP(grp1, M | LK, RD_IMM_Z, 0x7f),
	[0x82] = GRP(grp1, M | B | LK | RD_OP_NO64, RD_IMM_8, 0x7f),
	[0x83] = GRP(grp1, M | LK, RD_IMM_8, 0x7f),
	PAIR(0x84, test_mr, M, 0), PAIR(0x86, xchg_mr, M | LK, 0),
	PAIR(0x88, mov_mr, M, 0), PAIR(0x8a, mov_rm, M, 0),
	[0x8c] = OP(mov_from_seg, M, 0), [0x8d] = OP(lea, M | RD_OP_MEM, 0),
	[0x8e] = OP(mov_to_seg, M | RD_OP_TWO, 0),
	[0x8f] = OP(pop_rm, M | RD_OP_D64 | RD_OP_TWO, 0),
	EIGHT(0x90, xchg_acc, 0, 0),
	[0x98] = OP(cbw, 0, 0), [0x99] = OP(cwd, 0, 0),
	[0x9c] = OP(pushf, RD_OP_D64, 0), [0x9d] = OP(popf, RD_OP_D64, 0),
	[0x9e] = OP(sahf, 0, 0), [0x9f] = OP(lahf, 0, 0),
	PAIR(0xa0, mov_rm, 0, RD_IMM_MOFFS), PAIR(0xa2, mov_mr, 0, RD_IMM_MOFFS),
	PAIR(0xa4, movs, RD_OP_TWO, 0), PAIR(0xa6, cmps, RD_OP_TWO, 0),
	[0xa8] = OP(test_acc, B, RD_IMM_8), [0xa9] = OP(test_acc, 0, RD_IMM_Z),
	PAIR(0xaa, stos, 0, 0), PAIR(0xac, lods, 0, 0), PAIR(0xae, scas, 0, 0),
	EIGHT(0xb0, mov_ri, B, RD_IMM_8), EIGHT(0xb8, mov_ri, 0, RD_IMM_V),
	PAIR(0xc0, grp2, M, RD_IMM_8),
	[0xc2] = OP(ret, RD_OP_F64, RD_IMM_16), [0xc3] = OP(ret, RD_OP_F64, 0),
	[0xc4] = OP(load_far, M | RD_OP_MEM | RD_OP_ESCAPE | RD_OP_TWO, 0),
	[0xc5] = OP(load_far, M | RD_OP_MEM | RD_OP_ESCAPE | RD_OP_TWO, 0),
	[0xc6] = OP(mov_mi, M | B, RD_IMM_8), [0xc7] = OP(mov_mi, M, RD_IMM_Z),
	[0xc9] = OP(leave, RD_OP_D64, 0),
	PAIR(0xd0, grp2, M, 0), PAIR(0xd2, grp2, M, 0),
	[0xd7] = OP(xlat, B, 0),
	[0xe0] = OP(loop, RD_OP_F64, RD_IMM_8), [0xe1] = OP(loop, RD_OP_F64, RD_IMM_8),
	[0xe2] = OP(loop, RD_OP_F64, RD_IMM_8), [0xe3] = OP(jcxz, RD_OP_F64, RD_IMM_8),
	PAIR(0xe4, in, 0, RD_IMM_8), PAIR(0xe6, out, 0, RD_IMM_8),
	[0xe8] = OP(call_rel, RD_OP_F64, RD_IMM_Z), [0xe9] = OP(jmp_rel, RD_OP_F64, RD_IMM_Z),
	[0xeb] = OP(jmp_rel, RD_OP_F64, RD_IMM_8),
	PAIR(0xec, in, 0, 0), PAIR(0xee, out, 0, 0),
	[0xf0] = PREFIX(RD_PFX_LOCK), [0xf2] = PREFIX(RD_PFX_REPNE), [0xf3] = PREFIX(RD_PFX_REP),
	[0xf5] = OP(flag_op, 0, 0),
	[0xf6] = GRP(grp3, M | B | LK, RD_IMM_TEST, 0x0c),
	[0xf7] = GRP(grp3, M | LK, RD_IMM_TEST, 0x0c),
	[0xf8 ... 0xfd] = OP(flag_op, 0, 0),
	[0xfe] = GRP(grp4, M | B | LK, 0, 0x03), [0xff] = GRP(grp5, M | LK | RD_OP_TWO, 0, 0x03),
};

const struct rd_opcode rd_opcodes_0f[256] = {
	[0x00] = OP(grp6, M, 0), [0x01] = OP(grp7, M, 0), [0x06] = OP(clts, 0, 0),
	[0x0d] = OP(nop, M, 0),
	[0x10] = OP(vec_load, M, 0), [0x11] = OP(vec_store, M, 0),
	[0x12] = OP(vec_half_load, M | RD_OP_MEM, 0), [0x13] = OP(vec_half_store, M | RD_OP_MEM, 0),
	[0x16] = OP(vec_half_load, M | RD_OP_MEM, 0), [0x17] = OP(vec_half_store, M | RD_OP_MEM, 0),
	[0x18 ... 0x1f] = OP(nop, M, 0),
	[0x20] = OP(mov_from_cr, M | RD_OP_REG | RD_OP_F64, 0),
	[0x21] = OP(mov_from_dr, M | RD_OP_REG | RD_OP_F64, 0),
	[0x22] = OP(mov_to_cr, M | RD_OP_REG | RD_OP_F64, 0),
	[0x23] = OP(mov_to_dr, M | RD_OP_REG | RD_OP_F64, 0),
	[0x28] = OP(vec_load, M, 0),
	[0x29] = OP(vec_store, M, 0),
	[0x2b] = OP(vec_store, M | RD_OP_MEM, 0),
	SIXTEEN(0x40, cmovcc, M, 0),
	[0x6e] = OP(vec_from_gpr, M, 0), [0x6f] = OP(vec_load, M, 0),
	[0x7e] = OP(vec_to_gpr, M, 0), [0x7f] = OP(vec_store, M, 0),
	SIXTEEN(0x80, jcc, RD_OP_F64, RD_IMM_Z), SIXTEEN(0x90, setcc, M | B, 0),
	[0xa0] = OP(push_seg, RD_OP_D64, 0), [0xa1] = OP(pop_seg, RD_OP_D64, 0),
	[0xa3] = OP(bt_reg, M, 0),
	[0xa4] = OP(shift_double, M, RD_IMM_8),
	[0xa5] = OP(shift_double, M, 0),
	[0xa8] = OP(push_seg, RD_OP_D64, 0), [0xa9] = OP(pop_seg, RD_OP_D64, 0),
	[0xab] = OP(bt_reg, M | LK, 0),
	[0xac] = OP(shift_double, M, RD_IMM_8),
	[0xad] = OP(shift_double, M, 0),
	[0xae] = OP(clflush, M, 0), [0xaf] = OP(imul2, M, 0),
	PAIR(0xb0, cmpxchg, M | LK, 0), [0xb2] = OP(load_far, M | RD_OP_MEM | RD_OP_TWO, 0),
	[0xb3] = OP(bt_reg, M | LK, 0),
	[0xb4] = OP(load_far, M | RD_OP_MEM | RD_OP_TWO, 0),
	[0xb5] = OP(load_far, M | RD_OP_MEM | RD_OP_TWO, 0),
	[0xb6] = OP(mov_extend, M, 0), [0xb7] = OP(mov_extend, M, 0),
	[0xb8] = OP(popcnt, M, 0),
	[0xba] = GRP(bt_imm, M | LK, RD_IMM_8, 0xe0),
	[0xbb] = OP(bt_reg, M | LK, 0),
	[0xbc] = OP(bitscan, M, 0), [0xbd] = OP(bitscan, M, 0),
	[0xbe] = OP(mov_extend, M, 0), [0xbf] = OP(mov_extend, M, 0),
	PAIR(0xc0, xadd, M | LK, 0), [0xc3] = OP(movnti, M | RD_OP_MEM, 0),
	[0xc7] = GRP(cmpxchg8b, M | LK, 0, 0x02), EIGHT(0xc8, bswap, 0, 0),
	[0xd6] = OP(vec_store, M, 0),
	[0xe7] = OP(vec_store, M | RD_OP_MEM, 0),
	[0xf0] = OP(vec_load, M | RD_OP_MEM, 0),
};

const struct rd_opcode rd_opcode_undefined = OP(undefined, 0, 0);

const struct rd_opcode *rd_opcode_0f38(u8 byte)
{
	static const struct rd_opcode movbe = OP(movbe, M | RD_OP_MEM, 0);
	static const struct rd_opcode movntdqa = OP(vec_load, M | RD_OP_MEM, 0);

	if (byte == 0xf0 || byte == 0xf1)
		return &movbe;
	return byte == 0x2a ? &movntdqa : NULL;
}

const struct rd_opcode *rd_opcode_vex(unsigned int map, u8 byte)
{
	const struct rd_opcode *op;

	if (map == 2)
		return byte == 0x2a ? rd_opcode_0f38(byte) : NULL;
	if (map != 1)
		return NULL;
	op = &rd_opcodes_0f[byte];
	if (op->exec == rd_ex_vec_load || op->exec == rd_ex_vec_store ||
	    op->exec == rd_ex_vec_from_gpr || op->exec == rd_ex_vec_to_gpr)
		return op;
	return NULL;
}
