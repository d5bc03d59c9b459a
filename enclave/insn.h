/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that do not exist inside enclaves (P).
 * Invariant: looks at the bytes given and at nothing else.
 */
#ifndef RD_ENCLAVE_INSN_H
#define RD_ENCLAVE_INSN_H

#include "kmod/base.h"

/*
 * Whether the instruction that these n bytes of 64-bit code begin with raises #UD inside an enclave
 * whatever its operands are: SDM, "Restrictions on Instructions" of "Interactions with Processor".
 * The CPU finds other faults of such an instruction (#GP for IN without the right to ports, or for
 * selectors) before it tells the hypervisor of it; asked with these, too few bytes are no such
 * instruction.
 */
bool rd_insn_not_inside(const u8 *code, unsigned int n);

#endif
