// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer and port 0x61. A counter is never counted down: its value and output
 * follow from the host's clock. Invariant: state changes under the lock; the host timer is armed
 * for expires_ns or for something that came before, and its callback finds out under the lock
 * whether a tick is due. A count that is written takes effect at once in modes 0, 2, 3, 4.
 */
#include "vmm/irqchip.h"

#define PIT_HZ 1193182U
#define NS_PER_S 1000000000ULL
/* Ticks closer than this together are sent as one. */
#define MIN_PERIOD_NS 100000ULL
/* The refresh request toggles with counter 1 as a PC programs it: 18 clocks. */
#define REFRESH_NS 15085U

/* read_state, write_state and count_latched; the first three equal rw_mode. */
enum { RW_NONE, RW_LSB, RW_MSB, RW_WORD_LOW, RW_WORD_HIGH };

static u64 ns_to_ticks(u64 ns)
{
	return mul_u64_u64_div_u64(ns, PIT_HZ, NS_PER_S);
}

/* The first nanosecond at which so many ticks have passed. */
static u64 ticks_to_ns(u64 ticks)
{
	u64 ns = mul_u64_u64_div_u64(ticks, NS_PER_S, PIT_HZ);

	return ns_to_ticks(ns) < ticks ? ns + 1 : ns;
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
static u32 length(const struct rd_pit_channel *ch)
{
	u32 n;

	if (!ch->bcd)
		return ch->count ? ch->count : 0x10000;
	n = ch->count > 0xffff ? 0 : from_bcd(ch->count);
	return n ? n : 10000;
}

static bool needs_trigger(const struct rd_pit_channel *ch)
{
	return ch->mode == 1 || ch->mode == 5;
}

static bool periodic(const struct rd_pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

static bool counting(const struct rd_pit_channel *ch)
{
	return ch->started && (ch->gate || needs_trigger(ch));
}

/* Ticks since counting began. */
static u64 elapsed(const struct rd_pit_channel *ch, u64 now)
{
	if (!ch->started)
		return 0;
	return counting(ch) ? ns_to_ticks(now - min(ch->load_ns, now)) : ch->held;
}

/* Whole counts since counting began. */
static u64 periods(const struct rd_pit_channel *ch, u64 now)
{
	return div64_u64(elapsed(ch, now), length(ch));
}

static bool output(const struct rd_pit_channel *ch, u64 now)
{
	u64 d = elapsed(ch, now), in_period;
	u32 n = length(ch);

	if (!ch->started || (periodic(ch) && !ch->gate))
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
static u16 counter(const struct rd_pit_channel *ch, u64 now)
{
	u64 d = elapsed(ch, now), left;
	u32 n = length(ch), m = modulus(ch);

	if (periodic(ch)) {
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

static u8 channel_status(const struct rd_pit_channel *ch, u64 now)
{
	bool null_count = !ch->reload;

	return (u8)(output(ch, now) << 7 | null_count << 6 | ch->rw_mode << 4 | ch->mode << 1 |
		    ch->bcd);
}

/*
 * Channel 0: when the next tick is due that has not gone out. Ticks that come too fast are skipped
 * over.
 */
static void pit_schedule(struct rd_pit *pit)
{
	struct rd_pit_channel *ch = &pit->ch[0];
	u32 n = length(ch);
	u64 step = DIV_ROUND_UP(ns_to_ticks(MIN_PERIOD_NS), n);

	rd_assert_held(&pit->lock);
	pit->expires_ns = 0;
	if (!ch->started || needs_trigger(ch) || pit->hpet_legacy ||
	    (!periodic(ch) && pit->ticks_done))
		return;
	if (periodic(ch))
		pit->ticks_done += step - 1;
	pit->expires_ns = ch->load_ns + ticks_to_ns((pit->ticks_done + 1) * n);
	rd_timer_start(&pit->timer, pit->expires_ns);
}

/*
 * Pulse the line: it is edge-triggered wherever it goes. If nobody takes the tick, nobody will
 * acknowledge it either.
 */
static void send_tick(struct rd_irqchip *c)
{
	unsigned long flags;
	int r = rd_irqchip_set_gsi(c, 0, RD_IRQ_SOURCE_PIT, true);

	rd_irqchip_set_gsi(c, 0, RD_IRQ_SOURCE_PIT, false);
	if (r >= 0)
		return;
	flags = rd_lock(&c->pit.lock);
	c->pit.acked = 1;
	c->pit.pending = 0;
	rd_unlock(&c->pit.lock, flags);
}

/* May a tick go out now? Takes it from those that are owed. */
static bool take_tick(struct rd_pit *pit)
{
	rd_assert_held(&pit->lock);
	if (!pit->pending || (pit->reinject && !pit->acked))
		return false;
	pit->pending = pit->reinject ? pit->pending - 1 : 0;
	pit->acked = 0;
	return true;
}

/* Ticks that fell due while the host was late are owed too. */
static u64 on_timer(struct rd_timer *t)
{
	struct rd_pit *pit = container_of(t, struct rd_pit, timer);
	struct rd_pit_channel *ch = &pit->ch[0];
	unsigned long flags = rd_lock(&pit->lock);
	u64 now = rd_host_now_ns(), due;
	bool send = false;

	if (pit->expires_ns && pit->expires_ns <= now) {
		due = 1;
		if (periodic(ch))
			due = max_t(u64, periods(ch, now) - pit->ticks_done, 1);
		pit->ticks_done += due;
		if (length(ch) < ns_to_ticks(MIN_PERIOD_NS))
			due = 1;
		pit->pending = min_t(u64, pit->pending + due, U32_MAX);
		send = take_tick(pit);
		pit_schedule(pit);
	}
	rd_unlock(&pit->lock, flags);
	if (send)
		send_tick(pit->chip);
	return 0;
}

void rd_pit_ack(struct rd_irqchip *c)
{
	unsigned long flags = rd_lock(&c->pit.lock);
	bool send;

	c->pit.acked = 1;
	send = c->pit.reinject && take_tick(&c->pit);
	rd_unlock(&c->pit.lock, flags);
	if (send)
		send_tick(c);
}

void rd_pit_forget(struct rd_irqchip *c)
{
	unsigned long flags = rd_lock(&c->pit.lock);

	c->pit.acked = 1;
	c->pit.pending = 0;
	rd_unlock(&c->pit.lock, flags);
}

static void start(struct rd_pit *pit, unsigned int n, u64 now)
{
	struct rd_pit_channel *ch = &pit->ch[n];

	ch->count = ch->reload;
	ch->started = ch->count != 0;
	ch->load_ns = now;
	ch->held = 0;
	if (n)
		return;
	pit->acked = 1;
	pit->pending = 0;
	pit->ticks_done = 0;
	pit_schedule(pit);
}

static void load_count(struct rd_pit *pit, unsigned int n, u32 val, u64 now)
{
	pit->ch[n].reload = val ? val : 0x10000;
	if (!needs_trigger(&pit->ch[n]))
		start(pit, n, now);
}

/* The gate of channel 2; the others' are tied high. */
static void set_gate(struct rd_pit *pit, unsigned int n, bool gate, u64 now)
{
	struct rd_pit_channel *ch = &pit->ch[n];

	if (gate == ch->gate)
		return;
	if (!gate && !needs_trigger(ch))
		ch->held = elapsed(ch, now);
	ch->gate = gate;
	if (!gate)
		return;
	if (needs_trigger(ch) || periodic(ch))
		start(pit, n, now);
	else
		ch->load_ns = now - ticks_to_ns(ch->held);
}

static void stop_channel(struct rd_pit *pit, unsigned int n)
{
	pit->ch[n].started = false;
	if (!n)
		pit->expires_ns = 0;
}

static void latch_count(struct rd_pit_channel *ch, u64 now)
{
	if (ch->count_latched)
		return;
	ch->latched_count = counter(ch, now);
	ch->count_latched = ch->rw_mode;
}

static void latch_status(struct rd_pit_channel *ch, u64 now)
{
	if (ch->status_latched)
		return;
	ch->status = channel_status(ch, now);
	ch->status_latched = 1;
}

static void read_back(struct rd_pit *pit, u8 val, u64 now)
{
	unsigned int n;

	for (n = 0; n < 3; n++) {
		if (!(val & 2 << n))
			continue;
		if (!(val & 0x20))
			latch_count(&pit->ch[n], now);
		if (!(val & 0x10))
			latch_status(&pit->ch[n], now);
	}
}

static void write_control(struct rd_pit *pit, u8 val, u64 now)
{
	unsigned int n = val >> 6, rw = val >> 4 & 3, mode = val >> 1 & 7;
	struct rd_pit_channel *ch;

	if (n == 3) {
		read_back(pit, val, now);
		return;
	}
	ch = &pit->ch[n];
	if (!rw) {
		latch_count(ch, now);
		return;
	}
	stop_channel(pit, n);
	ch->rw_mode = rw;
	ch->read_state = rw;
	ch->write_state = rw;
	ch->count_latched = 0;
	ch->status_latched = 0;
	ch->mode = mode > 5 ? mode - 4 : mode;
	ch->bcd = val & 1;
	ch->reload = 0;
}

static void write_counter(struct rd_pit *pit, unsigned int n, u8 val, u64 now)
{
	struct rd_pit_channel *ch = &pit->ch[n];

	switch (ch->write_state) {
	case RW_LSB:
		load_count(pit, n, val, now);
		break;
	case RW_MSB:
		load_count(pit, n, val << 8, now);
		break;
	case RW_WORD_LOW:
		ch->write_latch = val;
		ch->write_state = RW_WORD_HIGH;
		/* In mode 0 the first byte stops the count. */
		if (ch->mode == 0)
			stop_channel(pit, n);
		break;
	case RW_WORD_HIGH:
		ch->write_state = RW_WORD_LOW;
		load_count(pit, n, ch->write_latch | val << 8, now);
		break;
	default:
		break; /* no control word yet */
	}
}

static u8 read_latched(struct rd_pit_channel *ch)
{
	u8 phase = ch->count_latched;

	ch->count_latched = phase == RW_WORD_LOW ? RW_MSB : 0;
	return phase == RW_MSB ? ch->latched_count >> 8 : ch->latched_count & 0xff;
}

static u8 read_counter(struct rd_pit_channel *ch, u64 now)
{
	u16 value;

	if (ch->status_latched) {
		ch->status_latched = 0;
		return ch->status;
	}
	if (ch->count_latched)
		return read_latched(ch);
	value = counter(ch, now);
	switch (ch->read_state) {
	case RW_MSB:
		return value >> 8;
	case RW_WORD_LOW:
		ch->read_state = RW_WORD_HIGH;
		return value & 0xff;
	case RW_WORD_HIGH:
		ch->read_state = RW_WORD_LOW;
		return value >> 8;
	default:
		return value & 0xff;
	}
}

static u8 read_port61(const struct rd_pit *pit, u64 now)
{
	const struct rd_pit_channel *ch = &pit->ch[2];

	return (u8)(ch->gate | pit->speaker_data_on << 1 | (div_u64(now, REFRESH_NS) & 1) << 4 |
		    output(ch, now) << 5);
}

static bool is_mine(const struct rd_irqchip *c, u16 port)
{
	if (!READ_ONCE(c->has_pit))
		return false;
	return (port & ~3U) == 0x40 || (port == 0x61 && c->pit.dummy_speaker);
}

bool rd_pit_port_read(struct rd_irqchip *c, u16 port, u8 *val)
{
	struct rd_pit *pit = &c->pit;
	unsigned long flags;
	u64 now;

	if (!is_mine(c, port))
		return false;
	flags = rd_lock(&pit->lock);
	now = rd_host_now_ns();
	if (port == 0x61)
		*val = read_port61(pit, now);
	else
		*val = port == 0x43 ? 0 : read_counter(&pit->ch[port & 3], now);
	rd_unlock(&pit->lock, flags);
	return true;
}

bool rd_pit_port_write(struct rd_irqchip *c, u16 port, u8 val)
{
	struct rd_pit *pit = &c->pit;
	unsigned long flags;
	u64 now;

	if (!is_mine(c, port))
		return false;
	flags = rd_lock(&pit->lock);
	now = rd_host_now_ns();
	if (port == 0x61) {
		pit->speaker_data_on = val >> 1 & 1;
		set_gate(pit, 2, val & 1, now);
	} else if (port == 0x43) {
		write_control(pit, val, now);
	} else {
		write_counter(pit, port & 3, val, now);
	}
	rd_unlock(&pit->lock, flags);
	return true;
}

/*
 * A count of 0 stands for the largest one and is shown as that: clients divide by it. A mode of
 * 0xff says that the channel was never programmed.
 */
static void save_channel(const struct rd_pit_channel *ch, struct kvm_pit_channel_state *s, u64 now)
{
	u32 count = ch->started ? ch->count : ch->reload;
	bool untouched = !ch->started && ch->rw_mode == RW_NONE;

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
			(s64)(counting(ch) || !ch->started ? ch->load_ns
							   : now - ticks_to_ns(ch->held)),
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
	return s->count <= 0x10000 && s->count_latched <= RW_WORD_HIGH &&
	       s->read_state <= RW_WORD_HIGH && s->write_state <= RW_WORD_HIGH &&
	       s->rw_mode <= RW_WORD_LOW && (s->mode <= 5 || s->mode == 0xff);
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
	ch->held = ns_to_ticks(now - ch->load_ns);
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
	pit->ticks_done = periods(&pit->ch[0], now);
	pit_schedule(pit);
	rd_unlock(&pit->lock, flags);
	return 0;
}

void rd_pit_reinject(struct rd_irqchip *c, bool on)
{
	unsigned long flags = rd_lock(&c->pit.lock);

	c->pit.reinject = on;
	c->pit.acked = 1;
	c->pit.pending = 0;
	rd_unlock(&c->pit.lock, flags);
}

void rd_pit_init(struct rd_irqchip *c, u32 flags)
{
	struct rd_pit *pit = &c->pit;
	unsigned int n;

	for (n = 0; n < 3; n++)
		pit->ch[n] = (struct rd_pit_channel){ .mode = 3, .gate = n != 2 };
	pit->chip = c;
	pit->reinject = true;
	pit->acked = 1;
	pit->dummy_speaker = flags & KVM_PIT_SPEAKER_DUMMY;
	rd_timer_init(&pit->timer, on_timer);
}

void rd_pit_destroy(struct rd_irqchip *c)
{
	unsigned long flags = rd_lock(&c->pit.lock);

	c->pit.expires_ns = 0;
	rd_unlock(&c->pit.lock, flags);
	rd_timer_cancel(&c->pit.timer);
}
