/* SPDX-License-Identifier: GPL-2.0-only */
/* The instruction emulator on a real vCPU (K). Invariant: as vmm/emul.h's: an instruction is
 * carried out as a whole or not at all. */
#ifndef RD_VMM_EMUL_GLUE_H
#define RD_VMM_EMUL_GLUE_H

#include "vmm/vcpu.h"

/* Emulate the instruction at CS:RIP; insn: its bytes if the CPU gave them. Returns as handle_exit.
 */
int rd_emulate(struct rd_vcpu *v, const u8 *insn, unsigned int insn_len);
/* Fill v->run for KVM_EXIT_IO. */
void rd_pio_to_user(struct rd_vcpu *v, u16 port, unsigned int size, bool in, u32 count);

#endif
