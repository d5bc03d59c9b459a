/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic between the host's and a guest's time stamp counter: guest = host * ratio / 2^48 +
 * offset (mod 2^64). Invariant: a ratio of 2^48 is the identity and costs one compare; no result
 * overflows silently except the addition of the offset, which wraps as the hardware's does.
 */
#ifndef RD_VMM_TSC_MATH_H
#define RD_VMM_TSC_MATH_H

#include "kmod/base.h"

#define RD_TSC_RATIO_SHIFT 48
#define RD_TSC_RATIO_ONE BIT_ULL(RD_TSC_RATIO_SHIFT)
/*
 * Longest time that a tick count is turned into: about 146 years, so that adding it to a clock
 * cannot wrap.
 */
#define RD_TSC_NS_MAX BIT_ULL(62)

/*
 * Ratio for a guest of guest_khz on a host of host_khz, rounded down; 0 if it does not fit (2^16
 * times or more) or a rate is 0.
 */
u64 rd_tsc_ratio(u32 guest_khz, u32 host_khz);

/* Guest frequency in kHz that a ratio gives on a host of host_khz; at least 1, at most U32_MAX. */
u32 rd_tsc_ratio_khz(u64 ratio, u32 host_khz);

/*
 * The first host tick count whose scaled value is at least guest; U64_MAX if there is none or ratio
 * is 0.
 */
u64 rd_tsc_inverse(u64 guest, u64 ratio);

/* Multiplier for rd_tsc_ticks_to_ns() at a frequency in kHz (0 counts as 1). */
u64 rd_tsc_ns_mult(u32 khz);

/* Scaled tick count, rounded down; a host count so large that the product leaves 64 bits wraps. */
static __always_inline u64 rd_tsc_scale(u64 host, u64 ratio)
{
	return likely(ratio == RD_TSC_RATIO_ONE) ? host
						 : mul_u64_u64_shr(host, ratio, RD_TSC_RATIO_SHIFT);
}

/* The guest's TSC when the host's is host. */
static __always_inline u64 rd_tsc_guest(u64 host, u64 ratio, u64 offset)
{
	return rd_tsc_scale(host, ratio) + offset;
}

/* Nanoseconds that ticks take, rounded down, at most RD_TSC_NS_MAX. mult from rd_tsc_ns_mult(). */
static __always_inline u64 rd_tsc_ticks_to_ns(u64 ticks, u64 mult)
{
	unsigned __int128 product = (unsigned __int128)ticks * mult;

	return likely(!(u64)(product >> (32 + 62))) ? (u64)(product >> 32) : RD_TSC_NS_MAX;
}

#endif
