// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that do not exist inside enclaves (P).
 * Invariant: no byte at or behind n is looked at.
 */
#include "enclave/insn.h"

#define MODRM_REG(m) ((m) >> 3 & 7)
#define MODRM_IS_REG(m) ((m) >= 0xc0)

/* A REX that no opcode follows counts for nothing. */
static bool is_prefix(u8 b)
{
	switch (b) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x40 ... 0x4f:
	case 0x64 ... 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* 0F 00 and 0F 01: SLDT, STR; SGDT, SIDT, SMSW, VMCALL, VMFUNC. */
static bool group(u8 opcode, u8 modrm)
{
	unsigned int reg = MODRM_REG(modrm);

	if (opcode == 0x00)
		return reg < 2;
	if (reg == 4)
		return true;
	return MODRM_IS_REG(modrm) ? modrm == 0xc1 || modrm == 0xd4 : reg < 2;
}

static bool two_bytes(u8 opcode, const u8 *rest, unsigned int n)
{
	switch (opcode) {
	case 0x00:
	case 0x01:
		return n && group(opcode, rest[0]);
	case 0x05: /* SYSCALL */
	case 0x33: /* RDPMC */
	case 0x34: /* SYSENTER */
	case 0x37: /* GETSEC */
	case 0xa1: /* POP FS, POP GS */
	case 0xa9:
	case 0xa2: /* CPUID */
	case 0xb2: /* LSS, LFS, LGS */
	case 0xb4:
	case 0xb5:
		return true;
	default:
		return false;
	}
}

bool rd_insn_not_inside(const u8 *code, unsigned int n)
{
	unsigned int i = 0, reg;

	while (i < n && is_prefix(code[i]))
		i++;
	if (i >= n)
		return false;
	n -= i;
	code += i;
	switch (code[0]) {
	case 0x0f:
		return n > 1 && two_bytes(code[1], code + 2, n - 2);
	case 0x6c ... 0x6f: /* INS, OUTS, IN, OUT */
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
	case 0xca: /* far RET, INT, IRET */
	case 0xcb:
	case 0xcd:
	case 0xcf:
		return true;
	case 0x8e: /* MOV to DS, ES, SS, FS, GS; CS and those above GS are no operands at all */
		return n > 1 && MODRM_REG(code[1]) < 6;
	case 0xff: /* far CALL, far JMP */
		reg = n > 1 && !MODRM_IS_REG(code[1]) ? MODRM_REG(code[1]) : 0;
		return reg == 3 || reg == 5;
	default:
		return false;
	}
}
