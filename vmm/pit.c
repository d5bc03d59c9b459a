// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer and port 0x61. A counter is never counted down: its value and output
 * follow from the host's clock. Invariant: state changes under the lock; the host timer is armed
 * for expires_ns or for something that came before, and its callback finds out under the lock
 * whether a tick is due. A count that is written takes effect at once in modes 0, 2, 3, 4.
 */
#include "vmm/pit_priv.h"

/* Ticks closer than this together are sent as one. */
#define MIN_PERIOD_NS 100000ULL
/* The refresh request toggles with counter 1 as a PC programs it: 18 clocks. */
#define REFRESH_NS 15085U

/*
 * Channel 0: when the next tick is due that has not gone out. Ticks that come too fast are skipped
 * over.
 */
void rd_pit_schedule(struct rd_pit *pit)
{
	struct rd_pit_channel *ch = &pit->ch[0];
	u32 n = rd_pit_length(ch);
	u64 step = DIV_ROUND_UP(rd_pit_ns_to_ticks(MIN_PERIOD_NS), n);

	rd_assert_held(&pit->lock);
	pit->expires_ns = 0;
	if (!ch->started || rd_pit_needs_trigger(ch) || pit->hpet_legacy ||
	    (!rd_pit_periodic(ch) && pit->ticks_done))
		return;
	if (rd_pit_periodic(ch))
		pit->ticks_done += step - 1;
	pit->expires_ns = ch->load_ns + rd_pit_ticks_to_ns((pit->ticks_done + 1) * n);
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
		if (rd_pit_periodic(ch))
			due = max_t(u64, rd_pit_periods(ch, now) - pit->ticks_done, 1);
		pit->ticks_done += due;
		if (rd_pit_length(ch) < rd_pit_ns_to_ticks(MIN_PERIOD_NS))
			due = 1;
		pit->pending = min_t(u64, pit->pending + due, U32_MAX);
		send = take_tick(pit);
		rd_pit_schedule(pit);
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
	rd_pit_schedule(pit);
}

static void load_count(struct rd_pit *pit, unsigned int n, u32 val, u64 now)
{
	pit->ch[n].reload = val ? val : 0x10000;
	if (!rd_pit_needs_trigger(&pit->ch[n]))
		start(pit, n, now);
}

/* The gate of channel 2; the others' are tied high. */
static void set_gate(struct rd_pit *pit, unsigned int n, bool gate, u64 now)
{
	struct rd_pit_channel *ch = &pit->ch[n];

	if (gate == ch->gate)
		return;
	if (!gate && !rd_pit_needs_trigger(ch))
		ch->held = rd_pit_elapsed(ch, now);
	ch->gate = gate;
	if (!gate)
		return;
	if (rd_pit_needs_trigger(ch) || rd_pit_periodic(ch))
		start(pit, n, now);
	else
		ch->load_ns = now - rd_pit_ticks_to_ns(ch->held);
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
	ch->latched_count = rd_pit_counter(ch, now);
	ch->count_latched = ch->rw_mode;
}

static void latch_status(struct rd_pit_channel *ch, u64 now)
{
	if (ch->status_latched)
		return;
	ch->status = rd_pit_channel_status(ch, now);
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
	case RD_PIT_RW_LSB:
		load_count(pit, n, val, now);
		break;
	case RD_PIT_RW_MSB:
		load_count(pit, n, val << 8, now);
		break;
	case RD_PIT_RW_WORD_LOW:
		ch->write_latch = val;
		ch->write_state = RD_PIT_RW_WORD_HIGH;
		/* In mode 0 the first byte stops the count. */
		if (ch->mode == 0)
			stop_channel(pit, n);
		break;
	case RD_PIT_RW_WORD_HIGH:
		ch->write_state = RD_PIT_RW_WORD_LOW;
		load_count(pit, n, ch->write_latch | val << 8, now);
		break;
	default:
		break; /* no control word yet */
	}
}

static u8 read_latched(struct rd_pit_channel *ch)
{
	u8 phase = ch->count_latched;

	ch->count_latched = phase == RD_PIT_RW_WORD_LOW ? RD_PIT_RW_MSB : 0;
	return phase == RD_PIT_RW_MSB ? ch->latched_count >> 8 : ch->latched_count & 0xff;
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
	value = rd_pit_counter(ch, now);
	switch (ch->read_state) {
	case RD_PIT_RW_MSB:
		return value >> 8;
	case RD_PIT_RW_WORD_LOW:
		ch->read_state = RD_PIT_RW_WORD_HIGH;
		return value & 0xff;
	case RD_PIT_RW_WORD_HIGH:
		ch->read_state = RD_PIT_RW_WORD_LOW;
		return value >> 8;
	default:
		return value & 0xff;
	}
}

static u8 read_port61(const struct rd_pit *pit, u64 now)
{
	const struct rd_pit_channel *ch = &pit->ch[2];

	return (u8)(ch->gate | pit->speaker_data_on << 1 | (div_u64(now, REFRESH_NS) & 1) << 4 |
		    rd_pit_output(ch, now) << 5);
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
