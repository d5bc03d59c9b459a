/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic of the paravirtual clock and of the guest's time stamp counter (P).
 * Invariant: pure functions on 64-bit values; TSC sums wrap as the hardware's do.
 */
#ifndef RD_VMM_PVCLOCK_H
#define RD_VMM_PVCLOCK_H

#include "vmm/tsc_math.h"

/*
 * ns = ((ticks << shift) * mul) >> 32; a negative shift goes right. The guest uses the same
 * formula.
 */
struct rd_clock_scale {
	u32 mul;
	s8 shift;
};

/* For a counter of khz; khz must not be 0. */
struct rd_clock_scale rd_clock_scale(u32 khz);
u64 rd_clock_ticks_to_ns(const struct rd_clock_scale *s, u64 ticks);
/* Ticks of a counter of khz in ns. */
u64 rd_clock_ns_to_ticks(u32 khz, u64 ns);

/*
 * The ratio for a guest of guest_khz on a host of host_khz, cut to frac_bits fractional bits as the
 * CPU has them. Within 250 ppm it is one. 0: not possible (frac_bits 0, or beyond what fits in
 * int_bits before the point).
 */
u64 rd_tsc_ratio_for(u32 guest_khz, u32 host_khz, unsigned int frac_bits, unsigned int int_bits);

/*
 * The last TSC write in the VM: later ones that look like an attempt to write the same moment share
 * its offset.
 */
struct rd_tsc_write {
	u64 tsc, ns, offset;
	u32 khz;
};

/*
 * Is the write of tsc at time ns, by a vCPU of khz, meant to synchronize with last? A write of 0 by
 * the host always is (vCPU creation); otherwise the value must be within one second of what the
 * other clock shows now.
 */
bool rd_tsc_write_matches(const struct rd_tsc_write *last, u64 tsc, u64 ns, u32 khz, bool host);

#endif
