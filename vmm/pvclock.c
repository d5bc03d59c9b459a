// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic of the paravirtual clock. Invariant: no intermediate result overflows for any counter
 * from 1 kHz to 4 THz and any time below 2^63 ns, so that a clock read never jumps.
 */
#include "vmm/pvclock.h"

#define NSEC_PER_SEC_ 1000000000ULL

struct rd_clock_scale rd_clock_scale(u32 khz)
{
	struct rd_clock_scale s = { 0, 0 };
	u64 hz = khz * 1000ULL;

	/* Bring hz above 10^9 and up to 2 * 10^9: 10^9 * 2^32 / hz then just fits in 32 bits. */
	while (hz > 2 * NSEC_PER_SEC_) {
		hz >>= 1;
		s.shift--;
	}
	while (hz <= NSEC_PER_SEC_) {
		hz <<= 1;
		s.shift++;
	}
	/* Not from hz, which lost bits on the way, but from the exact frequency. */
	if (s.shift >= 0)
		s.mul = mul_u64_u64_div_u64(NSEC_PER_SEC_, 1ULL << 32, (khz * 1000ULL) << s.shift);
	else
		s.mul = mul_u64_u64_div_u64(NSEC_PER_SEC_ << -s.shift, 1ULL << 32, khz * 1000ULL);
	return s;
}

u64 rd_clock_ticks_to_ns(const struct rd_clock_scale *s, u64 ticks)
{
	if (s->shift >= 0)
		ticks <<= s->shift;
	else
		ticks >>= -s->shift;
	return mul_u64_u32_shr(ticks, s->mul, 32);
}

u64 rd_clock_ns_to_ticks(u32 khz, u64 ns)
{
	u64 ms, rest;

	/* In two steps: a product of more than 64 + 20 bits would trap in the division. */
	ms = div64_u64_rem(ns, 1000000, &rest);
	return ms * khz + div_u64(rest * khz, 1000000);
}

u64 rd_tsc_ratio_for(u32 guest_khz, u32 host_khz, unsigned int frac_bits, unsigned int int_bits)
{
	u64 ppm250 = div_u64((u64)host_khz * 250, 1000000), whole, rem, ratio;

	if (guest_khz >= host_khz - ppm250 && guest_khz <= host_khz + ppm250)
		return RD_TSC_RATIO_ONE;
	if (!frac_bits)
		return 0;
	whole = div64_u64_rem(guest_khz, host_khz, &rem);
	if (whole >> min(int_bits, 16U))
		return 0;
	ratio = (whole << 48) | mul_u64_u64_div_u64(rem, RD_TSC_RATIO_ONE, host_khz);
	if (frac_bits < 48)
		ratio &= ~(BIT_ULL(48 - frac_bits) - 1);
	return ratio;
}

bool rd_tsc_write_matches(const struct rd_tsc_write *last, u64 tsc, u64 ns, u32 khz, bool host)
{
	u64 expected, second = khz * 1000ULL;

	if (!last->khz || last->khz != khz)
		return false;
	if (!tsc && host)
		return true;
	expected = last->tsc + rd_clock_ns_to_ticks(khz, ns - last->ns);
	return tsc < expected + second && tsc + second > expected;
}
