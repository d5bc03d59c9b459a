// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved state of the 8254 (KVM_GET_PIT2, KVM_SET_PIT2).
 * Invariant: a state that is refused has changed nothing.
 */
#include "vmm/pit_priv.h"

/*
 * A count of 0 stands for the largest one and is shown as that: clients divide by it. A mode of
 * 0xff says that the channel was never programmed.
 */
static void save_channel(const struct rd_pit_channel *ch, struct kvm_pit_channel_state *s, u64 now)
{
	u32 count = ch->started ? ch->count : ch->reload;
	bool untouched = !ch->started && ch->rw_mode == RD_PIT_RW_NONE;

	*s = (struct kvm_pit_channel_state){
		.count = count ? count : 0x10000,
		.latched_count = ch->latched_count,
		.count_latched = ch->count_latched,
		.status_latched = ch->status_latched,
		.status = ch->status,
		.read_state = ch->read_state,
		.write_state = ch->write_state,
		.write_latch = ch->write_latch,
		.rw_mode = ch->rw_mode,
		.mode = untouched ? 0xff : ch->mode,
		.bcd = ch->bcd,
		.gate = ch->gate,
		.count_load_time =
			(s64)(rd_pit_counting(ch) || !ch->started ? ch->load_ns
							   : now - rd_pit_ticks_to_ns(ch->held)),
	};
}

void rd_pit_get_state(struct rd_irqchip *c, struct kvm_pit_state2 *s)
{
	struct rd_pit *pit = &c->pit;
	unsigned long flags = rd_lock(&pit->lock);
	u64 now = rd_host_now_ns();
	unsigned int n;

	memset(s, 0, sizeof(*s));
	for (n = 0; n < 3; n++)
		save_channel(&pit->ch[n], &s->channels[n], now);
	s->flags = (pit->hpet_legacy ? KVM_PIT_FLAGS_HPET_LEGACY : 0) |
		   (pit->speaker_data_on ? KVM_PIT_FLAGS_SPEAKER_DATA_ON : 0);
	rd_unlock(&pit->lock, flags);
}

static bool valid_channel(const struct kvm_pit_channel_state *s)
{
	return s->count <= 0x10000 && s->count_latched <= RD_PIT_RW_WORD_HIGH &&
	       s->read_state <= RD_PIT_RW_WORD_HIGH && s->write_state <= RD_PIT_RW_WORD_HIGH &&
	       s->rw_mode <= RD_PIT_RW_WORD_LOW && (s->mode <= 5 || s->mode == 0xff);
}

/*
 * count_load_time is on this host's clock; one that lies ahead comes from another and counts as
 * now.
 */
static void load_channel(struct rd_pit_channel *ch, const struct kvm_pit_channel_state *s,
			 bool tied_high, u64 now)
{
	u64 load = s->count_load_time < 0 ? 0 : (u64)s->count_load_time;

	*ch = (struct rd_pit_channel){
		.count = s->count,
		.reload = s->count,
		.latched_count = s->latched_count,
		.count_latched = s->count_latched,
		.status_latched = !!s->status_latched,
		.status = s->status,
		.read_state = s->read_state,
		.write_state = s->write_state,
		.write_latch = s->write_latch,
		.rw_mode = s->rw_mode,
		.mode = s->mode == 0xff ? 3 : s->mode,
		.bcd = !!s->bcd,
		.gate = tied_high || s->gate,
		.started = s->count && s->mode != 0xff,
		.load_ns = min(load, now),
	};
	ch->held = rd_pit_ns_to_ticks(now - ch->load_ns);
}

int rd_pit_set_state(struct rd_irqchip *c, const struct kvm_pit_state2 *s)
{
	struct rd_pit *pit = &c->pit;
	unsigned long flags;
	unsigned int n;
	u64 now;

	for (n = 0; n < 3; n++)
		if (!valid_channel(&s->channels[n]))
			return -EINVAL;
	if (s->flags & ~(KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON))
		return -EINVAL;
	flags = rd_lock(&pit->lock);
	now = rd_host_now_ns();
	for (n = 0; n < 3; n++)
		load_channel(&pit->ch[n], &s->channels[n], n != 2, now);
	pit->hpet_legacy = s->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->speaker_data_on = !!(s->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	pit->acked = 1;
	pit->pending = 0;
	/* Ticks up to now are the past's. */
	pit->ticks_done = rd_pit_periods(&pit->ch[0], now);
	rd_pit_schedule(pit);
	rd_unlock(&pit->lock, flags);
	return 0;
}
