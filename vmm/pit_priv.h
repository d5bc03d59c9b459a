/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files vmm/pit*.c share (P). now: of the host's clock; under the PIT's lock, all.
 * Invariant: nobody else includes it.
 */
#ifndef RD_VMM_PIT_PRIV_H
#define RD_VMM_PIT_PRIV_H

#include "vmm/irqchip.h"

/* read_state, write_state and count_latched; the first three equal rw_mode. */
enum {
	RD_PIT_RW_NONE, RD_PIT_RW_LSB, RD_PIT_RW_MSB, RD_PIT_RW_WORD_LOW, RD_PIT_RW_WORD_HIGH
};

/* Clocks of the PIT; the other way: the first nanosecond at which so many have passed. */
u64 rd_pit_ns_to_ticks(u64 ns);
u64 rd_pit_ticks_to_ns(u64 ticks);

/* Length of the count in ticks, at least 1; how it counts. */
u32 rd_pit_length(const struct rd_pit_channel *ch);
bool rd_pit_needs_trigger(const struct rd_pit_channel *ch);
bool rd_pit_periodic(const struct rd_pit_channel *ch);
bool rd_pit_counting(const struct rd_pit_channel *ch);
/* Ticks, and whole counts, since counting began. */
u64 rd_pit_elapsed(const struct rd_pit_channel *ch, u64 now);
u64 rd_pit_periods(const struct rd_pit_channel *ch, u64 now);

/* What the pins and the guest see. */
bool rd_pit_output(const struct rd_pit_channel *ch, u64 now);
u16 rd_pit_counter(const struct rd_pit_channel *ch, u64 now);
u8 rd_pit_channel_status(const struct rd_pit_channel *ch, u64 now);

/* vmm/pit.c: channel 0 counts anew, arm the timer for its next tick. */
void rd_pit_schedule(struct rd_pit *pit);

#endif
