/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the emulator share: the decoded instruction, the opcode descriptor, operand
 * access.
 * Invariant: a handler calls what may fail first and changes struct rd_emul last.
 */
#ifndef RD_VMM_EMUL_INTERNAL_H
#define RD_VMM_EMUL_INTERNAL_H

#include "kmod/base.h"
#include "vmm/emul.h"

enum {
	RD_FL_CF = 1 << 0, RD_FL_FIXED = 1 << 1, RD_FL_PF = 1 << 2, RD_FL_AF = 1 << 4,
	RD_FL_ZF = 1 << 6, RD_FL_SF = 1 << 7, RD_FL_TF = 1 << 8, RD_FL_IF = 1 << 9,
	RD_FL_DF = 1 << 10, RD_FL_OF = 1 << 11, RD_FL_IOPL = 3 << 12, RD_FL_NT = 1 << 14,
	RD_FL_RF = 1 << 16, RD_FL_VM = 1 << 17, RD_FL_AC = 1 << 18, RD_FL_VIF = 1 << 19,
	RD_FL_VIP = 1 << 20, RD_FL_ID = 1 << 21,
	RD_FL_ARITH = RD_FL_CF | RD_FL_PF | RD_FL_AF | RD_FL_ZF | RD_FL_SF | RD_FL_OF,
};

enum {
	RD_VEC_DE = 0, RD_VEC_UD = 6, RD_VEC_NM = 7, RD_VEC_NP = 11, RD_VEC_SS = 12, RD_VEC_GP = 13,
};

/* rd_insn.prefix; the two REP prefixes replace each other. */
enum { RD_PFX_LOCK = 1, RD_PFX_REPNE = 2, RD_PFX_REP = 4, RD_PFX_OPSIZE = 8, RD_PFX_ADSIZE = 16 };
/* In the descriptor of a prefix byte: a segment override, the segment in the low bits. */
#define RD_PFX_SEG 0x80

enum { RD_REX_B = 1, RD_REX_X = 2, RD_REX_R = 4, RD_REX_W = 8 };

/*
 * Immediate operands. Z: 2 or 4 bytes sign-extended; V: the full operand size; MOFFS: an address
 * instead of ModRM.
 */
enum { RD_IMM_NONE, RD_IMM_8, RD_IMM_Z, RD_IMM_V, RD_IMM_16, RD_IMM_MOFFS, RD_IMM_TEST };

enum {
	RD_OP_MODRM = 1 << 0,
	RD_OP_BYTE = 1 << 1,    /* operands of one byte */
	RD_OP_PREFIX = 1 << 2,
	RD_OP_LOCK = 1 << 3,    /* LOCK is legal with a memory destination; see lock_subs */
	RD_OP_D64 = 1 << 4,     /* 64 bits by default in long mode, 16 with 66 */
	RD_OP_F64 = 1 << 5,     /* always 64 bits in long mode */
	RD_OP_NO64 = 1 << 6,    /* #UD in long mode */
	RD_OP_ONLY64 = 1 << 7,  /* unknown outside long mode */
	RD_OP_MEM = 1 << 8,     /* #UD with a register operand */
	RD_OP_TWO = 1 << 9,     /* may have two memory operands */
	RD_OP_ESCAPE = 1 << 10, /* 0F, or C4/C5 where they are VEX */
	RD_OP_REG = 1 << 11,    /* r/m is a register whatever mod says (MOV CR/DR) */
};

struct rd_insn;

struct rd_opcode {
	int (*exec)(struct rd_emul *e, struct rd_insn *i); /* NULL: unknown */
	u16 flags;
	u8 arg;       /* RD_IMM_; for a prefix RD_PFX_ */
	u8 lock_subs; /* groups: for which ModRM.reg LOCK is legal; 0 with RD_OP_LOCK: for all */
};

/* The decoded form, kept in rd_emul.private_state. */
struct rd_insn {
	const struct rd_opcode *op;
	u64 ea;       /* offset of the memory operand within its segment */
	u64 imm;
	u64 next_rip; /* where execution goes on; handlers of branches replace it */
	u8 opcode;    /* its last byte */
	u8 prefix, rex;
	u8 op_bytes, ad_bytes;
	u8 seg;       /* segment of the memory operand */
	u8 seg_over;  /* the override that applies, or RD_NO_SEG */
	u8 mod, reg, rm; /* reg and rm with their REX bits */
	u8 sub;       /* ModRM.reg without REX: the selector within a group */
	bool sp_base; /* the address is based on the stack pointer */
	u8 vex;       /* 0: legacy encoding; else 16 or 32, the vector length */
	u8 vex_reg;   /* VEX.vvvv, 0 when unused */
};

#define RD_NO_SEG 0xff

extern const struct rd_opcode rd_opcodes_1[256], rd_opcodes_0f[256], rd_opcode_undefined;
const struct rd_opcode *rd_opcode_0f38(u8 byte);
const struct rd_opcode *rd_opcode_vex(unsigned int map, u8 byte);

static inline struct rd_insn *rd_insn(struct rd_emul *e)
{
	BUILD_BUG_ON(sizeof(struct rd_insn) > sizeof(e->private_state));
	return (struct rd_insn *)e->private_state;
}

/*
 * Exceptions: fill e->fault and return RD_EMUL_FAULT. rd_fault_code() pushes no error code in real
 * mode, as there is none.
 */
int rd_fault(struct rd_emul *e, u8 vector);
int rd_fault_code(struct rd_emul *e, u8 vector, u32 error);

static inline int rd_fault_ud(struct rd_emul *e)
{
	return rd_fault(e, RD_VEC_UD);
}

static inline int rd_fault_gp(struct rd_emul *e)
{
	return rd_fault_code(e, RD_VEC_GP, 0);
}

static inline u64 rd_mask(unsigned int bytes)
{
	return bytes >= 8 ? U64_MAX : (1ULL << (bytes * 8)) - 1;
}

static inline u64 rd_sign_extend(u64 v, unsigned int bytes)
{
	unsigned int shift = 64 - bytes * 8;

	return (u64)((s64)(v << shift) >> shift);
}

/* General registers as operands. Without REX the byte registers 4..7 are AH CH DH BH. */
static inline u64 rd_reg(const struct rd_emul *e, const struct rd_insn *i, unsigned int n,
			 unsigned int bytes)
{
	if (bytes == 4)
		return (u32)e->gpr[n];
	if (bytes == 8)
		return e->gpr[n];
	if (bytes == 2)
		return (u16)e->gpr[n];
	return !i->rex && !i->vex && n >= 4 ? (u8)(e->gpr[n - 4] >> 8) : (u8)e->gpr[n];
}

/* Writes the low part; 32-bit writes clear the upper half. */
static inline void rd_merge(u64 *reg, u64 v, unsigned int bytes)
{
	if (bytes == 4)
		*reg = (u32)v;
	else
		*reg = (*reg & ~rd_mask(bytes)) | (v & rd_mask(bytes));
}

static inline void rd_set_reg(struct rd_emul *e, const struct rd_insn *i, unsigned int n,
			      unsigned int bytes, u64 v)
{
	if (bytes == 1 && n >= 4 && !i->rex && !i->vex)
		e->gpr[n - 4] = (e->gpr[n - 4] & ~0xff00ULL) | (v & 0xff) << 8;
	else
		rd_merge(&e->gpr[n], v, bytes);
}

/*
 * Is all of the range canonical with 48 bits, in one half of the address space? What is not may
 * still be with 57 bits: rd_linear_checked() knows.
 */
static inline bool rd_canonical48(u64 a, unsigned int len)
{
	return (u64)((s64)(a << 16) >> 16) == a && !((a ^ (a + len - 1)) >> 47);
}

bool rd_canonical(const struct rd_emul *e, u64 a);

/*
 * seg:off .. +len to a linear address, with the limit, type and canonical checks; #GP(0), or #SS(0)
 * for SS.
 */
int rd_linear_checked(struct rd_emul *e, unsigned int seg, u64 off, unsigned int len,
		      unsigned int acc, u64 *linear);

static inline int rd_linear(struct rd_emul *e, unsigned int seg, u64 off, unsigned int len,
			    unsigned int acc, u64 *linear)
{
	if (likely(e->mode == RD_MODE_LONG && seg < RD_SEG_FS && rd_canonical48(off, len))) {
		*linear = off;
		return RD_EMUL_DONE;
	}
	return rd_linear_checked(e, seg, off, len, acc, linear);
}

int rd_mem_read(struct rd_emul *e, unsigned int seg, u64 off, void *buf, unsigned int len);
int rd_mem_write(struct rd_emul *e, unsigned int seg, u64 off, const void *buf, unsigned int len);

/* The ModRM r/m operand, register or memory, of the given size; reads are zero-extended. */
int rd_rm_read(struct rd_emul *e, const struct rd_insn *i, unsigned int bytes, u64 *v);
int rd_rm_write(struct rd_emul *e, const struct rd_insn *i, unsigned int bytes, u64 v);

/*
 * Stack. rd_push() writes and moves the stack pointer; a caller with anything else that can fail
 * does that before. rd_stack_read() reads at skip bytes above the stack pointer; rd_stack_move()
 * commits.
 */
unsigned int rd_stack_bytes(struct rd_emul *e);
int rd_push(struct rd_emul *e, u64 v, unsigned int bytes);
int rd_stack_read(struct rd_emul *e, unsigned int skip, void *buf, unsigned int bytes);
void rd_stack_move(struct rd_emul *e, s64 delta);

/*
 * Sets i->next_rip to target cut to the operand size; #GP(0) beyond the limit of CS or not
 * canonical.
 */
int rd_jump(struct rd_emul *e, struct rd_insn *i, u64 target);

/* Loads a segment register with all the checks of a MOV, POP or far-pointer load (not CS). */
int rd_load_segment(struct rd_emul *e, unsigned int seg, u16 selector);

/* Arithmetic on the low `bytes` of a and b; *fl holds RFLAGS, its arithmetic bits are replaced. */
enum rd_alu {
	/* the rows to BTC in the order of their encodings */
	RD_ALU_ADD, RD_ALU_OR, RD_ALU_ADC, RD_ALU_SBB,
	RD_ALU_AND, RD_ALU_SUB, RD_ALU_XOR, RD_ALU_CMP,
	RD_ALU_ROL, RD_ALU_ROR, RD_ALU_RCL, RD_ALU_RCR,
	RD_ALU_SHL, RD_ALU_SHR, RD_ALU_SAL, RD_ALU_SAR,
	RD_ALU_BT, RD_ALU_BTS, RD_ALU_BTR, RD_ALU_BTC,
	RD_ALU_INC, RD_ALU_DEC, RD_ALU_NOT, RD_ALU_NEG, RD_ALU_MOV,
};

u64 rd_alu(enum rd_alu op, unsigned int bytes, u64 a, u64 b, u64 *fl);
u64 rd_shift_double(bool right, unsigned int bytes, u64 a, u64 b, unsigned int count, u64 *fl);

/* Zero, sign and parity flags of a result, merged into fl. */
u64 rd_flags_szp(u64 fl, u64 v, unsigned int bytes);

/* The condition of Jcc, SETcc, CMOVcc: low four bits of the opcode. */
bool rd_condition(u64 rflags, unsigned int cc);

/* RDX:RAX (AH:AL for bytes) by v. RD_EMUL_FAULT with #DE, else the registers are set. */
int rd_divide(struct rd_emul *e, unsigned int bytes, u64 v, bool is_signed);
/*
 * lo and hi of the product of a and b cut to bytes each; true if hi is more than the extension of
 * lo.
 */
bool rd_multiply(unsigned int bytes, u64 a, u64 b, bool is_signed, u64 *lo, u64 *hi);

/* #GP(0) unless the port range may be accessed: CPL against IOPL, then the bitmap in the TSS. */
int rd_io_permitted(struct rd_emul *e, u16 port, unsigned int size);

/*
 * Decode and carry out a plain MOV of 64-bit code from the bytes at hand; RD_EMUL_NOT_FAST: nothing
 * done, not one.
 */
#define RD_EMUL_NOT_FAST (-1)
int rd_emul_fast(struct rd_emul *e);

/* The handlers, by file. */
#define RD_HANDLERS(H) \
	/* emul_data.c */ \
	H(mov_mr) H(mov_rm) H(mov_mi) H(mov_ri) H(mov_extend) H(movsxd) H(mov_from_seg) \
	H(mov_to_seg) H(movbe) H(movnti) \
	H(lea) H(xchg_mr) H(xchg_acc) H(cmpxchg) H(cmpxchg8b) H(xadd) H(bswap) H(setcc) \
	H(cmovcc) H(load_far) H(xlat) \
	/* emul_arith.c */ \
	H(alu_mr) H(alu_rm) H(alu_acc) H(grp1) H(test_mr) H(test_acc) H(grp2) H(grp3) H(grp4) \
	H(incdec_reg) H(shift_double) \
	H(imul2) H(imul3) H(bt_reg) H(bt_imm) H(bitscan) H(popcnt) H(cbw) H(cwd) H(sahf) \
	H(lahf) \
	/* emul_string.c */ \
	H(movs) H(cmps) H(stos) H(lods) H(scas) H(ins) H(outs) \
	/* emul_flow.c */ \
	H(push_reg) H(push_imm) H(push_seg) H(pop_reg) H(pop_rm) H(pop_seg) H(pusha) H(popa) \
	H(pushf) H(popf) H(leave) \
	H(grp5) H(call_rel) H(jmp_rel) H(jcc) H(loop) H(jcxz) H(ret) H(flag_op) H(nop) \
	H(clflush) H(undefined) \
	/* emul_sys.c */ \
	H(in) H(out) H(mov_from_cr) H(mov_to_cr) H(mov_from_dr) H(mov_to_dr) H(clts) H(grp6) \
	H(grp7) \
	/* emul_vec.c */ \
	H(vec_load) H(vec_store) H(vec_from_gpr) H(vec_to_gpr) H(vec_half_load) \
	H(vec_half_store)

#define RD_DECLARE_HANDLER(name) int rd_ex_##name(struct rd_emul *e, struct rd_insn *i);
RD_HANDLERS(RD_DECLARE_HANDLER)

#endif
