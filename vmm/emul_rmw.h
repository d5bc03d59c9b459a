/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-modify-write of a ModRM operand.
 * Invariant: flags and registers change only after memory has; a lost race of LOCK starts over, a
 * bounded number of times.
 */
#ifndef RD_VMM_EMUL_RMW_H
#define RD_VMM_EMUL_RMW_H

#include "vmm/emul_internal.h"

/*
 * r/m = op(r/m, b) with i->op_bytes; *old is what was there before. locked: as one atomic access of
 * memory. DONE with flags set, or the result of the callback that failed, or AGAIN after too many
 * lost races.
 */
int rd_rmw(struct rd_emul *e, const struct rd_insn *i, enum rd_alu op, u64 b, bool locked,
	   u64 *old);

/* The same for op(memory at i->seg:off), for bit tests whose address depends on a register. */
int rd_rmw_at(struct rd_emul *e, const struct rd_insn *i, u64 off, enum rd_alu op, u64 b,
	      bool locked, u64 *old);

#endif
