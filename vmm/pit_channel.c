// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a channel of the 8254 shows at a moment, as arithmetic on when its count began.
 * Invariant: nothing here changes a channel.
 */
#include "vmm/pit_priv.h"

#define PIT_HZ 1193182U
#define NS_PER_S 1000000000ULL

u64 rd_pit_ns_to_ticks(u64 ns)
{
	return mul_u64_u64_div_u64(ns, PIT_HZ, NS_PER_S);
}

/* The first nanosecond at which so many ticks have passed. */
u64 rd_pit_ticks_to_ns(u64 ticks)
{
	u64 ns = mul_u64_u64_div_u64(ticks, NS_PER_S, PIT_HZ);

	return rd_pit_ns_to_ticks(ns) < ticks ? ns + 1 : ns;
}

static u32 from_bcd(u32 v)
{
	return (v >> 12 & 15) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15);
}

static u32 to_bcd(u32 v)
{
	return v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
}

static u32 modulus(const struct rd_pit_channel *ch)
{
	return ch->bcd ? 10000 : 0x10000;
}

/* Length of the count in ticks, at least 1. */
u32 rd_pit_length(const struct rd_pit_channel *ch)
{
	u32 n;

	if (!ch->bcd)
		return ch->count ? ch->count : 0x10000;
	n = ch->count > 0xffff ? 0 : from_bcd(ch->count);
	return n ? n : 10000;
}

bool rd_pit_needs_trigger(const struct rd_pit_channel *ch)
{
	return ch->mode == 1 || ch->mode == 5;
}

bool rd_pit_periodic(const struct rd_pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

bool rd_pit_counting(const struct rd_pit_channel *ch)
{
	return ch->started && (ch->gate || rd_pit_needs_trigger(ch));
}

/* Ticks since counting began. */
u64 rd_pit_elapsed(const struct rd_pit_channel *ch, u64 now)
{
	if (!ch->started)
		return 0;
	return rd_pit_counting(ch) ? rd_pit_ns_to_ticks(now - min(ch->load_ns, now)) : ch->held;
}

/* Whole counts since counting began. */
u64 rd_pit_periods(const struct rd_pit_channel *ch, u64 now)
{
	return div64_u64(rd_pit_elapsed(ch, now), rd_pit_length(ch));
}

bool rd_pit_output(const struct rd_pit_channel *ch, u64 now)
{
	u64 d = rd_pit_elapsed(ch, now), in_period;
	u32 n = rd_pit_length(ch);

	if (!ch->started || (rd_pit_periodic(ch) && !ch->gate))
		return ch->mode != 0;
	div64_u64_rem(d, n, &in_period);
	switch (ch->mode) {
	case 0:
	case 1:
		return d >= n;
	case 2:
		return in_period != n - 1;
	case 3:
		return in_period < (n + 1) / 2;
	default:
		return d != n;
	}
}

/* The counting element, as a read of the counter shows it. */
u16 rd_pit_counter(const struct rd_pit_channel *ch, u64 now)
{
	u64 d = rd_pit_elapsed(ch, now), left;
	u32 n = rd_pit_length(ch), m = modulus(ch);

	if (rd_pit_periodic(ch)) {
		/* Mode 3 counts by two, through the period twice. */
		div64_u64_rem(ch->mode == 3 ? d * 2 : d, n, &left);
		left = n - left;
	} else {
		div64_u64_rem(d, m, &left);
		left = n + m - left;
	}
	left %= m;
	return ch->bcd ? (u16)to_bcd((u32)left) : (u16)left;
}

u8 rd_pit_channel_status(const struct rd_pit_channel *ch, u64 now)
{
	bool null_count = !ch->reload;

	return (u8)(rd_pit_output(ch, now) << 7 | null_count << 6 | ch->rw_mode << 4 |
		    ch->mode << 1 | ch->bcd);
}
