// SPDX-License-Identifier: GPL-2.0-only
/*
 * The divisions of the TSC arithmetic: ratios, their inverse, and the multiplier to nanoseconds.
 * Invariant: each division is checked to fit 64 bits before it is made, because the CPU's
 * instruction faults otherwise.
 */
#include "vmm/tsc_math.h"

/* a * 2^48 / b, rounded down; the caller has checked that it fits: a / 2^16 < b. */
static u64 shl48_div(u64 a, u64 b)
{
	return mul_u64_u64_div_u64(a, RD_TSC_RATIO_ONE, b);
}

u64 rd_tsc_ratio(u32 guest_khz, u32 host_khz)
{
	if (!host_khz || (guest_khz >> 16) >= host_khz)
		return 0;
	return guest_khz == host_khz ? RD_TSC_RATIO_ONE : shl48_div(guest_khz, host_khz);
}

u32 rd_tsc_ratio_khz(u64 ratio, u32 host_khz)
{
	u64 khz = rd_tsc_scale(host_khz, ratio);

	return khz > U32_MAX ? U32_MAX : max_t(u32, khz, 1);
}

u64 rd_tsc_inverse(u64 guest, u64 ratio)
{
	u64 host;

	if (ratio == RD_TSC_RATIO_ONE)
		return guest;
	if ((guest >> 16) >= ratio)
		return guest ? U64_MAX : 0;
	host = shl48_div(guest, ratio);
	/*
	 * Rounding down may have landed one tick early; one more tick is at least guest by
	 * construction.
	 */
	if (host != U64_MAX && mul_u64_u64_shr(host, ratio, RD_TSC_RATIO_SHIFT) < guest)
		host++;
	return host;
}

u64 rd_tsc_ns_mult(u32 khz)
{
	return div_u64(1000000ULL << 32, khz ? khz : 1);
}
