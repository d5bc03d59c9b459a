// SPDX-License-Identifier: GPL-2.0-only
/*
 * One row per instruction form: code, what goes in, what must come out.
 * Invariant: what a row does not mention must not change: registers, flags outside fl_mask, memory
 * next to the operand.
 */
#include <check.h>

#include "tests/unit/emul/emul_test.h"
#include "tests/unit/emul/env.h"

#define REAL RD_MODE_REAL
#define P16 RD_MODE_PROT16
#define P32 RD_MODE_PROT32
#define LONG RD_MODE_LONG

struct reg_value {
	u8 set, reg;
	u64 v;
};

struct row {
	const char *name, *code;
	enum rd_emul_mode mode;
	struct reg_value in[4], out[4];
	unsigned int mem_bytes; /* at DATA, which is [RDI], and in the 16-bit modes DS:0 */
	u64 mem_in, mem_out;
	u64 fl_in, fl_mask, fl_out;
};

#define R(n, val) { 1, RD_##n, (val) }
#define R8X(n, val) { 1, RD_R8 + (n) - 8, (val) }
#define IN(...) .in = { __VA_ARGS__ }
#define OUT(...) .out = { __VA_ARGS__ }
#define MEM(n, from, to) .mem_bytes = (n), .mem_in = (from), .mem_out = (to)
#define FL(mask, to) .fl_mask = (mask), .fl_out = (to)

#define A8 0x1122334455667788ULL
#define FILL 0xccccccccccccccccULL

static const struct row rows[] = {
	/* MOV, all sizes and both directions */
	{ "mov m8, r8", "88 07", LONG, IN(R(RAX, A8)), MEM(1, 0, 0x88) },
	{ "mov m8, ah", "88 27", LONG, IN(R(RAX, A8)), MEM(1, 0, 0x77) },
	{ "mov m8, spl with REX", "40 88 27", LONG, MEM(1, 0, 0x00) },
	{ "mov m8, r12b", "44 88 27", LONG, IN(R8X(12, A8)), MEM(1, 0, 0x88) },
	{ "mov m16, r16", "66 89 07", LONG, IN(R(RAX, A8)), MEM(2, 0, 0x7788) },
	{ "mov m32, r32", "89 07", LONG, IN(R(RAX, A8)), MEM(4, 0, 0x55667788) },
	{ "mov m64, r64", "48 89 07", LONG, IN(R(RAX, A8)), MEM(8, 0, A8) },
	{ "mov m64, r15", "4c 89 3f", LONG, IN(R8X(15, A8)), MEM(8, 0, A8) },
	{ "mov r8, m8", "8a 07", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x11223344556677ab)),
	  MEM(1, 0xab, 0xab) },
	{ "mov ch, m8", "8a 2f", LONG, IN(R(RCX, A8)), OUT(R(RCX, 0x112233445566ab88)),
	  MEM(1, 0xab, 0xab) },
	{ "mov r16, m16", "66 8b 07", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x112233445566abcd)),
	  MEM(2, 0xabcd, 0xabcd) },
	{ "mov r32, m32 clears the upper half", "8b 07", LONG, IN(R(RAX, A8)),
	  OUT(R(RAX, 0x89abcdef)), MEM(4, 0x89abcdef, 0x89abcdef) },
	{ "mov r64, m64", "48 8b 07", LONG, OUT(R(RAX, A8)), MEM(8, A8, A8) },
	{ "REX.W beats 66", "66 48 8b 07", LONG, OUT(R(RAX, A8)), MEM(8, A8, A8) },
	{ "66 after REX takes REX away", "48 66 8b 07", LONG, IN(R(RAX, 0)), OUT(R(RAX, 0x7788)),
	  MEM(2, 0x7788, 0x7788) },
	{ "the last REX counts", "48 40 8b 07", LONG, OUT(R(RAX, 0x55667788)),
	  MEM(4, 0x55667788, 0x55667788) },
	{ "mov m8, imm8", "c6 07 5a", LONG, MEM(1, 0, 0x5a) },
	{ "mov m16, imm16", "66 c7 07 34 12", LONG, MEM(2, 0, 0x1234) },
	{ "mov m32, imm32", "c7 07 78 56 34 12", LONG, MEM(4, 0, 0x12345678) },
	{ "mov m64, imm32 sign-extended", "48 c7 07 fe ff ff ff", LONG, MEM(8, 0, -2ULL) },
	{ "mov r8, imm8", "b4 5a", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x1122334455665a88)) },
	{ "mov r32, imm32", "b8 78 56 34 92", LONG, OUT(R(RAX, 0x92345678)) },
	{ "mov r64, imm64", "49 bf 88 77 66 55 44 33 22 11", LONG, OUT(R8X(15, A8)) },
	{ "mov al, moffs", "a0 00 00 02 00 00 00 00 00", LONG, IN(R(RAX, 0)), OUT(R(RAX, 0x42)),
	  MEM(1, 0x42, 0x42) },
	{ "mov rax, moffs", "48 a1 00 00 02 00 00 00 00 00", LONG, OUT(R(RAX, A8)),
	  MEM(8, A8, A8) },
	{ "mov moffs, eax", "a3 00 00 02 00 00 00 00 00", LONG, IN(R(RAX, A8)),
	  MEM(4, 0, 0x55667788) },
	{ "mov moffs32, al", "67 a2 00 00 02 00", LONG, IN(R(RAX, A8)), MEM(1, 0, 0x88) },
	{ "mov eax, moffs, 32-bit code", "a1 00 00 02 00", P32, OUT(R(RAX, 7)), MEM(4, 7, 7) },
	{ "mov ax, moffs, 16-bit code", "a1 00 00", REAL, IN(R(RAX, 0)), OUT(R(RAX, 0x1234)),
	  MEM(2, 0x1234, 0x1234) },
	{ "mov reg to reg", "48 89 c3", LONG, IN(R(RAX, A8)), OUT(R(RBX, A8)) },
	{ "mov r/m, ds", "8c 1f", LONG, MEM(2, 0, 0x20) },
	{ "mov r64, ds", "48 8c d8", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x20)) },
	{ "mov r16, ds", "66 8c d8", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x1122334455660020)) },
	/* extension */
	{ "movzx r32, m8", "0f b6 07", LONG, OUT(R(RAX, 0xfe)), MEM(1, 0xfe, 0xfe) },
	{ "movzx r64, m16", "48 0f b7 07", LONG, OUT(R(RAX, 0xfedc)), MEM(2, 0xfedc, 0xfedc) },
	{ "movzx r16, m8", "66 0f b6 07", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x11223344556600fe)),
	  MEM(1, 0xfe, 0xfe) },
	{ "movzx r32, ah", "0f b6 c4", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x77)) },
	{ "movzx r32, spl", "40 0f b6 c4", LONG, IN(R(RSP, STACK + 0x8f0)), OUT(R(RAX, 0xf0)) },
	{ "movsx r32, m8", "0f be 07", LONG, OUT(R(RAX, 0xfffffffe)), MEM(1, 0xfe, 0xfe) },
	{ "movsx r64, m16", "48 0f bf 07", LONG, OUT(R(RAX, -2ULL)), MEM(2, 0xfffe, 0xfffe) },
	{ "movsxd r64, m32", "48 63 07", LONG, OUT(R(RAX, -2ULL)), MEM(4, 0xfffffffe, 0xfffffffe) },
	{ "movbe r32, m32", "0f 38 f0 07", LONG, OUT(R(RAX, 0x11223344)),
	  MEM(4, 0x44332211, 0x44332211) },
	{ "movbe m64, r64", "48 0f 38 f1 07", LONG, IN(R(RAX, A8)), MEM(8, 0, 0x8877665544332211) },
	{ "movbe m16, r16", "66 0f 38 f1 07", LONG, IN(R(RAX, A8)), MEM(2, 0, 0x8877) },
	{ "movnti m32, r32", "0f c3 07", LONG, IN(R(RAX, A8)), MEM(4, 0, 0x55667788) },
	{ "movnti m64, r64", "48 0f c3 07", LONG, IN(R(RAX, A8)), MEM(8, 0, A8) },
	{ "bswap r32", "0f c8", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x88776655)) },
	{ "bswap r8", "49 0f c8", LONG, IN(R8X(8, A8)), OUT(R8X(8, 0x8877665544332211)) },
	{ "xlat", "d7", LONG, IN(R(RBX, DATA - 3), R(RAX, 3)), OUT(R(RAX, 0x99)),
	  MEM(1, 0x99, 0x99) },
	/* addressing */
	{ "disp8", "89 47 10", LONG, IN(R(RAX, 5), R(RDI, DATA - 0x10)), MEM(4, 0, 5) },
	{ "negative disp32", "89 87 00 ff ff ff", LONG, IN(R(RAX, 5), R(RDI, DATA + 0x100)),
	  MEM(4, 0, 5) },
	{ "sib base+index*8", "89 04 cf", LONG, IN(R(RAX, 5), R(RCX, 2), R(RDI, DATA - 16)),
	  MEM(4, 0, 5) },
	{ "sib r13 base disp8, r12 index", "43 89 44 a5 04", LONG,
	  IN(R(RAX, 5), R8X(13, DATA - 8), R8X(12, 1)), MEM(4, 0, 5) },
	{ "sib without base", "89 04 25 00 00 02 00", LONG, IN(R(RAX, 5)), MEM(4, 0, 5) },
	{ "sib rsp base without index", "8b 04 24", LONG, IN(R(RSP, DATA)), OUT(R(RAX, 5)),
	  MEM(4, 5, 5) },
	{ "RIP-relative", "8b 05 fa ff 00 00", LONG, OUT(R(RAX, 5)), MEM(4, 5, 5) },
	{ "RIP-relative counts from the end of the immediate", "c7 05 f6 ff 00 00 01 00 00 00",
	  LONG, MEM(4, 0, 1) },
	{ "same encoding in 32-bit code is absolute", "8b 05 00 00 02 00", P32, OUT(R(RAX, 5)),
	  MEM(4, 5, 5) },
	{ "67 cuts the address to 32 bits", "67 89 07", LONG,
	  IN(R(RAX, 5), R(RDI, 0xffffffff00000000 + DATA)), MEM(4, 0, 5) },
	{ "67 in 32-bit code: 16-bit addressing", "67 8b 07", P32, IN(R(RBX, 0)), OUT(R(RAX, 0)) },
	{ "fs override", "64 89 07", LONG, IN(R(RAX, 5), R(RDI, 0x100)), MEM(4, 0, 5) },
	{ "gs override, ds override after it is ignored", "65 3e 89 07", LONG,
	  IN(R(RAX, 5), R(RDI, 0x200)), MEM(4, 0, 5) },
	{ "16-bit bx+si", "89 00", REAL, IN(R(RAX, 0x1234), R(RBX, 0xfff0), R(RSI, 0x10)),
	  MEM(2, 0, 0x1234) },
	{ "16-bit disp16", "89 16 00 00", REAL, IN(R(RDX, 0x1234)), MEM(2, 0, 0x1234) },
	{ "16-bit di+disp8", "89 45 f0", REAL, IN(R(RAX, 0x1234), R(RDI, 0x10)),
	  MEM(2, 0, 0x1234) },
	{ "16-bit bx+disp16", "89 87 00 80", REAL, IN(R(RAX, 0x1234), R(RBX, 0x8000)),
	  MEM(2, 0, 0x1234) },
	{ "66 in 16-bit code", "66 89 05", REAL, IN(R(RAX, A8), R(RDI, 0)), MEM(4, 0, 0x55667788) },
	{ "67 in 16-bit code", "67 89 07", REAL, IN(R(RAX, A8), R(RDI, 0)), MEM(2, 0, 0x7788) },
	{ "66 67 in 16-bit protected mode", "66 67 8b 07", P16, IN(R(RDI, 0)),
	  OUT(R(RAX, 0x55667788)), MEM(4, 0x55667788, 0x55667788) },
	{ "es override in real mode", "26 8b 05", REAL, IN(R(RAX, 0), R(RDI, 0)),
	  OUT(R(RAX, 0x1234)), MEM(2, 0x1234, 0x1234) },
	{ "lea r64", "48 8d 44 4f 08", LONG, IN(R(RCX, 0x10)), OUT(R(RAX, DATA + 0x28)) },
	{ "lea cuts to the operand size", "66 8d 87 34 12 00 00", LONG, IN(R(RAX, A8)),
	  OUT(R(RAX, 0x1122334455661234)) },
	/* arithmetic: forms and sizes; flags are compared with the processor in native_test.c */
	{ "add m32, r32", "01 07", LONG, IN(R(RAX, 1)), MEM(4, 0xffffffff, 0),
	  FL(F_ARITH, F_C | F_P | F_A | F_Z) },
	{ "add m8, r8", "00 07", LONG, IN(R(RAX, 1)), MEM(1, 0x7f, 0x80),
	  FL(F_ARITH, F_A | F_S | F_O) },
	{ "add r64, m64", "48 03 07", LONG, IN(R(RAX, 2)), OUT(R(RAX, 5)), MEM(8, 3, 3),
	  FL(F_ARITH, F_P) },
	{ "or m16, imm8 sign-extended", "66 83 0f f0", LONG, MEM(2, 5, 0xfff5),
	  FL(F_ARITH, F_S | F_P) },
	{ "adc m64, imm32", "48 81 17 ff ff ff ff", LONG, .fl_in = F_C, MEM(8, 0, 0),
	  FL(F_ARITH, F_C | F_P | F_A | F_Z) },
	{ "sbb al, imm", "1c 01", LONG, .fl_in = F_C, IN(R(RAX, 2)), OUT(R(RAX, 0)),
	  FL(F_ARITH, F_P | F_Z) },
	{ "and eax, imm", "25 ff 00 00 00", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x88)),
	  FL(F_ARITH, F_P) },
	{ "sub m32, imm8", "83 2f 05", LONG, MEM(4, 5, 0), FL(F_ARITH, F_P | F_Z) },
	{ "xor rax, imm32", "48 35 ff ff ff ff", LONG, IN(R(RAX, 0)), OUT(R(RAX, -1ULL)),
	  FL(F_ARITH, F_S | F_P) },
	{ "cmp m32, r32", "39 07", LONG, IN(R(RAX, 6)), MEM(4, 5, 5),
	  FL(F_ARITH, F_C | F_S | F_A | F_P) },
	{ "cmp m8, imm8 leaves memory", "80 3f 05", LONG, MEM(1, 5, 5), FL(F_ARITH, F_Z | F_P) },
	{ "82 is 80 outside long mode", "82 07 01", P32, MEM(1, 5, 6), FL(F_ARITH, F_P) },
	{ "test m32, r32", "85 07", LONG, IN(R(RAX, 8)), MEM(4, 7, 7), FL(F_ARITH, F_Z | F_P) },
	{ "test m8, imm8", "f6 07 81", LONG, MEM(1, 0x80, 0x80), FL(F_ARITH, F_S) },
	{ "test m32, imm32 by its alias", "f7 0f 00 00 00 80", LONG, MEM(4, 0x80000000, 0x80000000),
	  FL(F_ARITH, F_S | F_P) },
	{ "test al, imm8", "a8 01", LONG, IN(R(RAX, 1)), FL(F_ARITH, 0) },
	{ "not m64", "48 f7 17", LONG, MEM(8, 0, -1ULL) },
	{ "neg m32", "f7 1f", LONG, MEM(4, 1, 0xffffffff), FL(F_ARITH, F_C | F_S | F_A | F_P) },
	{ "inc m8 keeps carry", "fe 07", LONG, .fl_in = F_C, MEM(1, 0xff, 0),
	  FL(F_ARITH, F_C | F_Z | F_A | F_P) },
	{ "dec m32", "ff 0f", LONG, MEM(4, 0, 0xffffffff), FL(F_ARITH, F_S | F_A | F_P) },
	{ "inc ecx, 32-bit code", "41", P32, IN(R(RCX, 5)), OUT(R(RCX, 6)), FL(F_ARITH, F_P) },
	{ "dec di, 16-bit code", "4f", REAL, IN(R(RDI, 0)), OUT(R(RDI, 0xffff)),
	  FL(F_ARITH, F_S | F_A | F_P) },
	{ "shl m32, 1", "d1 27", LONG, MEM(4, 0x80000001, 2), FL(F_ARITH & ~F_A, F_C | F_O) },
	{ "shr m8, imm", "c0 2f 04", LONG, MEM(1, 0x88, 0x08), FL(F_C | F_Z | F_S | F_P, F_C) },
	{ "sar m64, cl", "48 d3 3f", LONG, IN(R(RCX, 63)), MEM(8, 1ULL << 63, -1ULL),
	  FL(F_C | F_Z | F_S | F_P, F_S | F_P) },
	{ "shift by 0 keeps flags", "d3 27", LONG, .fl_in = F_ARITH, IN(R(RCX, 0x20)),
	  MEM(4, 5, 5) },
	{ "rol m16, imm", "66 c1 07 04", LONG, MEM(2, 0x1234, 0x2341), FL(F_C, F_C) },
	{ "rcr m8, 1", "d0 1f", LONG, .fl_in = F_C, MEM(1, 0x02, 0x81), FL(F_C | F_O, F_O) },
	{ "shld m32, r32, imm", "0f a4 07 08", LONG, IN(R(RAX, 0xab000000)),
	  MEM(4, 0x11223344, 0x223344ab), FL(F_C | F_Z | F_S, F_C) },
	{ "shrd m32, r32, cl", "0f ad 07", LONG, IN(R(RAX, 0xab), R(RCX, 8)),
	  MEM(4, 0x11223344, 0xab112233), FL(F_C | F_Z | F_S, F_S) },
	{ "imul r32, m32, imm8", "6b 07 fe", LONG, OUT(R(RAX, 0xfffffff6)), MEM(4, 5, 5),
	  FL(F_C | F_O, 0) },
	{ "imul r64, m64", "48 0f af 07", LONG, IN(R(RAX, 1ULL << 62)), OUT(R(RAX, 0)),
	  MEM(8, 4, 4), FL(F_C | F_O, F_C | F_O) },
	{ "mul m64", "48 f7 27", LONG, IN(R(RAX, -1ULL)), OUT(R(RAX, -2ULL), R(RDX, 1)),
	  MEM(8, 2, 2), FL(F_C | F_O, F_C | F_O) },
	{ "mul m8", "f6 27", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x1122334455660110)), MEM(1, 2, 2),
	  FL(F_C | F_O, F_C | F_O) },
	{ "div m32", "f7 37", LONG, IN(R(RDX, 1), R(RAX, 5)), OUT(R(RAX, 0x80000002), R(RDX, 1)),
	  MEM(4, 2, 2), FL(F_ARITH, 0) },
	{ "idiv m8", "f6 3f", LONG, IN(R(RAX, 0xfff9)), OUT(R(RAX, 0xfffd)), MEM(1, 2, 2),
	  FL(F_ARITH, 0) },
	{ "div m64, wide dividend", "48 f7 37", LONG, IN(R(RDX, 1), R(RAX, 0)),
	  OUT(R(RAX, 1ULL << 61), R(RDX, 0)), MEM(8, 8, 8), FL(F_ARITH, 0) },
	{ "cbw", "66 98", LONG, IN(R(RAX, 0x1180)), OUT(R(RAX, 0xff80)) },
	{ "cdqe", "48 98", LONG, IN(R(RAX, 0x80000000)), OUT(R(RAX, 0xffffffff80000000)) },
	{ "cdq", "99", LONG, IN(R(RAX, 0x80000000)), OUT(R(RDX, 0xffffffff)) },
	{ "cqo", "48 99", LONG, IN(R(RAX, 1)), OUT(R(RDX, 0)) },
	{ "sahf", "9e", LONG, IN(R(RAX, 0xff00)), FL(F_ARITH, F_S | F_Z | F_A | F_P | F_C) },
	{ "lahf", "9f", LONG, .fl_in = F_C | F_S, IN(R(RAX, 0)), OUT(R(RAX, 0x8300)) },
	/* bits */
	{ "bt m32, imm", "0f ba 27 04", LONG, MEM(4, 0x10, 0x10), FL(F_C, F_C) },
	{ "bts m32, imm beyond 31 wraps", "0f ba 2f 21", LONG, MEM(4, 0, 2), FL(F_C, 0) },
	{ "btr m64, r64", "48 0f b3 07", LONG, IN(R(RAX, 63)), MEM(8, 1ULL << 63, 0),
	  FL(F_C, F_C) },
	{ "btc m16, r16", "66 0f bb 07", LONG, IN(R(RAX, 3)), MEM(2, 0, 8), FL(F_C, 0) },
	{ "bts with a bit number beyond the operand", "0f ab 07", LONG,
	  IN(R(RAX, 0x100), R(RDI, DATA - 0x20)), MEM(4, 0, 1), FL(F_C, 0) },
	{ "bts with a negative bit number", "48 0f ab 07", LONG,
	  IN(R(RAX, -1ULL), R(RDI, DATA + 8)), MEM(8, 0, 1ULL << 63), FL(F_C, 0) },
	{ "bt on a register wraps", "0f a3 c3", LONG, IN(R(RAX, 33), R(RBX, 2)), FL(F_C, F_C) },
	{ "bsf", "0f bc 07", LONG, OUT(R(RAX, 4)), MEM(4, 0x30, 0x30), FL(F_Z, 0) },
	{ "bsr", "48 0f bd 07", LONG, OUT(R(RAX, 40)), MEM(8, 1ULL << 40, 1ULL << 40), FL(F_Z, 0) },
	{ "bsf of 0 keeps the register", "0f bc 07", LONG, MEM(4, 0, 0), FL(F_Z, F_Z) },
	{ "tzcnt of 0", "f3 0f bc 07", LONG, OUT(R(RAX, 32)), MEM(4, 0, 0), FL(F_Z | F_C, F_C) },
	{ "lzcnt", "f3 0f bd 07", LONG, OUT(R(RAX, 31)), MEM(4, 1, 1), FL(F_Z | F_C, 0) },
	{ "popcnt", "f3 48 0f b8 07", LONG, OUT(R(RAX, 64)), MEM(8, -1ULL, -1ULL), FL(F_ARITH, 0) },
	/* exchange */
	{ "xchg m32, r32", "87 07", LONG, IN(R(RAX, 5)), OUT(R(RAX, 7)), MEM(4, 7, 5) },
	{ "xchg m8, ah", "86 27", LONG, IN(R(RAX, A8)), OUT(R(RAX, 0x1122334455660788)),
	  MEM(1, 7, 0x77) },
	{ "xchg eax, r9d", "41 91", LONG, IN(R(RAX, A8), R8X(9, 5)),
	  OUT(R(RAX, 5), R8X(9, 0x55667788)) },
	{ "nop", "90", LONG, IN(R(RAX, A8)), OUT(R(RAX, A8)) },
	{ "xchg rax, r8", "49 90", LONG, IN(R(RAX, 1), R8X(8, 2)), OUT(R(RAX, 2), R8X(8, 1)) },
	{ "pause", "f3 90", LONG, IN(R(RAX, A8)), OUT(R(RAX, A8)) },
	{ "xadd m32, r32", "0f c1 07", LONG, IN(R(RAX, 5)), OUT(R(RAX, 7)), MEM(4, 7, 12),
	  FL(F_ARITH, F_P) },
	{ "lock xadd m64, r64", "f0 48 0f c1 07", LONG, IN(R(RAX, 5)), OUT(R(RAX, 7)),
	  MEM(8, 7, 12), FL(F_ARITH, F_P) },
	{ "xadd with one register twice", "0f c1 c0", LONG, IN(R(RAX, 5)), OUT(R(RAX, 10)),
	  FL(F_ARITH, F_P) },
	{ "cmpxchg, equal", "0f b1 0f", LONG, IN(R(RAX, 7), R(RCX, 9)), MEM(4, 7, 9),
	  FL(F_ARITH, F_Z | F_P) },
	{ "cmpxchg, not equal", "0f b1 0f", LONG, IN(R(RAX, 8), R(RCX, 9)), OUT(R(RAX, 7)),
	  MEM(4, 7, 7), FL(F_ARITH, 0) },
	{ "lock cmpxchg, equal", "f0 0f b1 0f", LONG, IN(R(RAX, 7), R(RCX, 9)), MEM(4, 7, 9),
	  FL(F_ARITH, F_Z | F_P) },
	{ "lock cmpxchg, not equal", "f0 48 0f b1 0f", LONG, IN(R(RAX, 8), R(RCX, 9)),
	  OUT(R(RAX, 7)), MEM(8, 7, 7), FL(F_ARITH, 0) },
	{ "cmpxchg equal keeps the upper half of RAX", "0f b1 0f", LONG,
	  IN(R(RAX, 0xff00000007), R(RCX, 9)), MEM(4, 7, 9), FL(F_ARITH, F_Z | F_P) },
	{ "cmpxchg8b, equal", "0f c7 0f", LONG,
	  IN(R(RAX, 0x55667788), R(RDX, 0x11223344), R(RBX, 1), R(RCX, 2)), MEM(8, A8, 0x200000001),
	  FL(F_Z, F_Z) },
	{ "lock cmpxchg8b, not equal", "f0 0f c7 0f", LONG, IN(R(RAX, 1), R(RDX, -1ULL)),
	  OUT(R(RAX, 0x55667788), R(RDX, 0x11223344)), .fl_in = F_Z, MEM(8, A8, A8), FL(F_Z, 0) },
	{ "sete m8", "0f 94 07", LONG, .fl_in = F_Z, MEM(1, 0x55, 1) },
	{ "setl m8, not taken", "0f 9c 07", LONG, .fl_in = F_S | F_O, MEM(1, 0x55, 0) },
	{ "cmovz r32, m32", "0f 44 07", LONG, .fl_in = F_Z, OUT(R(RAX, 5)), MEM(4, 5, 5) },
	{ "cmovz not taken clears the upper half", "0f 44 07", LONG, IN(R(RAX, A8)),
	  OUT(R(RAX, 0x55667788)), MEM(4, 5, 5) },
	/* flags and hints */
	{ "clc", "f8", LONG, .fl_in = F_C, FL(F_C, 0) },
	{ "stc", "f9", LONG, FL(F_C, F_C) },
	{ "cmc", "f5", LONG, FL(F_C, F_C) },
	{ "cld", "fc", LONG, .fl_in = F_D, FL(F_D, 0) },
	{ "std", "fd", LONG, FL(F_D, F_D) },
	{ "sti", "fb", LONG, FL(F_I, F_I) },
	{ "cli", "fa", LONG, .fl_in = F_I, FL(F_I, 0) },
	{ "long nop", "66 0f 1f 84 00 00 00 00 00", LONG, IN(R(RAX, 1)) },
	{ "endbr64", "f3 0f 1e fa", LONG, IN(R(RAX, 1)) },
	{ "prefetch", "0f 18 0f", LONG, IN(R(RDI, 0x7000000000)) },
	{ "clflush", "0f ae 3f", LONG, IN(R(RAX, 1)) },
	{ "mfence", "0f ae f0", LONG, IN(R(RAX, 1)) },
};

static void set_regs(const struct row *w)
{
	unsigned int n;

	for (n = 0; n < 4; n++)
		if (w->in[n].set)
			env.e.gpr[w->in[n].reg] = w->in[n].v;
	env.e.rflags |= w->fl_in;
	env.e.fs_base = DATA - 0x100;
	env.e.gs_base = DATA - 0x200;
	env_put(DATA, FILL, 8);
	env_put(DATA + 8, FILL, 8);
	env_put(DATA, w->mem_in, w->mem_bytes);
}

static void check_regs(const struct row *w, const u64 *was)
{
	u64 want[RD_NR_GPR];
	unsigned int n;

	memcpy(want, was, sizeof(want));
	for (n = 0; n < 4; n++)
		if (w->out[n].set)
			want[w->out[n].reg] = w->out[n].v;
	for (n = 0; n < RD_NR_GPR; n++)
		ck_assert_msg(env.e.gpr[n] == want[n], "%s: register %u is %#llx, not %#llx",
			      w->name, n, env.e.gpr[n], want[n]);
}

static void run_row(const struct row *w, bool at_hand)
{
	u64 was[RD_NR_GPR], flags, rip;
	unsigned int len;
	int r;

	env_reset(w->mode);
	if (w->mode == P32 &&
	    w->in[0].reg == RD_RBX) /* the row on 16-bit addressing reads from 0 */
		env.perm[0] = PG_R;
	set_regs(w);
	len = env_code(w->code);
	if (at_hand) {
		memcpy(env.e.insn, env_at(CODE), RD_INSN_MAX);
		env.e.insn_len = len;
		env.perm[CODE >> 12] = 0;
	}
	memcpy(was, env.e.gpr, sizeof(was));
	flags = env.e.rflags;
	rip = env.e.rip;
	r = rd_emul_run(&env.e);
	ck_assert_msg(r == RD_EMUL_DONE, "%s: result %d, vector %u", w->name, r,
		      env.e.fault.vector);
	ck_assert_msg(env.e.rip == rip + len && env.e.len == len, "%s: length %u, not %u", w->name,
		      env.e.len, len);
	check_regs(w, was);
	ck_assert_msg((env.e.rflags & w->fl_mask) == w->fl_out, "%s: flags %#llx", w->name,
		      env.e.rflags & w->fl_mask);
	ck_assert_msg(!((env.e.rflags ^ flags) & ~w->fl_mask &
			(w->fl_mask & F_ARITH ? ~(u64)F_ARITH : U64_MAX)),
		      "%s: flags changed from %#llx to %#llx", w->name, flags, env.e.rflags);
	if (w->mem_bytes) {
		ck_assert_msg(env_get(DATA, w->mem_bytes) == w->mem_out, "%s: memory %#llx",
			      w->name, env_get(DATA, w->mem_bytes));
		ck_assert_msg(env_get(DATA + w->mem_bytes, 8) == FILL,
			      "%s: memory after the operand", w->name);
	}
}

START_TEST(row)
{
	run_row(&rows[_i], false);
	run_row(&rows[_i], true);
}
END_TEST

/* XCHG with memory and LOCK use the atomic callback, plain forms do not. */
START_TEST(exchange_is_atomic)
{
	static const struct { const char *code; unsigned int cas;
	} forms[] = {
		{ "87 07", 1 },		 { "f0 01 07", 1 },    { "01 07", 0 },
		{ "f0 0f b1 0f", 1 },	 { "0f b1 0f", 0 },    { "f0 0f c7 0f", 1 },
		{ "f0 0f ba 2f 01", 1 }, { "f0 0f ab 0f", 1 }, { "f0 f7 17", 1 },
		{ "f0 ff 07", 1 },	 { "f0 83 27 01", 1 }, { "f0 fe 0f", 1 },
	};
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(forms); n++) {
		env_reset(RD_MODE_LONG);
		env.e.gpr[RD_RCX] = 1;
		ck_assert_int_eq(env_run(forms[n].code), RD_EMUL_DONE);
		ck_assert_uint_eq(env.cas_calls, forms[n].cas);
	}
}
END_TEST

/* A race lost three times: the sum is that of the last value found, and so are the flags. */
START_TEST(lock_starts_over_after_a_lost_race)
{
	env_reset(RD_MODE_LONG);
	env.e.gpr[RD_RAX] = 0xfd;
	env.lost_races = 3;
	ck_assert_int_eq(env_run("f0 00 07"), RD_EMUL_DONE);
	ck_assert_uint_eq(env.cas_calls, 4);
	ck_assert_uint_eq(env_get(DATA, 1), 0);
	ck_assert_uint_eq(env.e.rflags & F_ARITH, F_C | F_Z | F_A | F_P);
}
END_TEST

START_TEST(lock_gives_up_after_many_lost_races)
{
	env_reset(RD_MODE_LONG);
	env.lost_races = 100000;
	ck_assert_int_eq(env_run("f0 01 07"), RD_EMUL_AGAIN);
	ck_assert_uint_eq(env.e.rip, CODE);
	ck_assert_uint_eq(env.e.rflags, 2);
	ck_assert_uint_eq(env.writes, 0);
}
END_TEST

START_TEST(cmpxchg16b)
{
	env_reset(RD_MODE_LONG);
	env_put(DATA, 1, 8);
	env_put(DATA + 8, 2, 8);
	env.e.gpr[RD_RAX] = 1;
	env.e.gpr[RD_RDX] = 2;
	env.e.gpr[RD_RBX] = A8;
	env.e.gpr[RD_RCX] = ~A8;
	ck_assert_int_eq(env_run("f0 48 0f c7 0f"), RD_EMUL_DONE);
	ck_assert(env.e.rflags & F_Z);
	ck_assert_uint_eq(env_get(DATA, 8), A8);
	ck_assert_uint_eq(env_get(DATA + 8, 8), ~A8);
	ck_assert_int_eq(env_run("48 0f c7 0f"), RD_EMUL_DONE);
	ck_assert(!(env.e.rflags & F_Z));
	ck_assert_uint_eq(env.e.gpr[RD_RAX], A8);
	ck_assert_uint_eq(env.e.gpr[RD_RDX], ~A8);
	env.writes = 0;
	env.e.gpr[RD_RDI] += 8;
	env_expect_fault(env_run("48 0f c7 0f"), 13, 0);
	env.e.has_cx16 = false;
	env.e.gpr[RD_RDI] -= 8;
	env_expect_fault(env_run("48 0f c7 0f"), 6, -1);
}
END_TEST

TCase *table_cases(void)
{
	TCase *tc = tcase_create("table");

	tcase_add_loop_test(tc, row, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, exchange_is_atomic);
	tcase_add_test(tc, lock_starts_over_after_a_lost_race);
	tcase_add_test(tc, lock_gives_up_after_many_lost_races);
	tcase_add_test(tc, cmpxchg16b);
	return tc;
}
