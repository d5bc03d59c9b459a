/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random instructions for the comparison with the processor.
 * Invariant: a sample touches only native.data and general registers other than RSP, and, but for
 * #DE, does not fault.
 */
#ifndef RD_TESTS_UNIT_EMUL_NATIVE_H
#define RD_TESTS_UNIT_EMUL_NATIVE_H

#include "vmm/emul.h"

struct native_regs {
	u64 gpr[16], flags;
};

struct native {
	u8 *code;
	struct native_regs *regs; /* within reach of RIP-relative operands in code */
	u8 *data;
};

extern struct native native;

struct sample {
	const char *what;
	u8 insn[16];
	unsigned int len;
	u64 gpr[16], flags;
	u8 data[1024];
	u64 undefined_flags;
	unsigned int undefined_reg; /* when ZF comes out set; 16: none */
};

void native_seed(u64 seed);
void native_sample(struct sample *s);

#endif
