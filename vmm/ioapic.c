// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC (82093AA, version 0x11, 24 pins): redirection, level and edge pins, EOI. Invariant:
 * remote IRR of a level entry is set exactly while an accepted interrupt of it waits for its EOI; a
 * level pin whose line is high, that is not masked and not waiting, has been offered to the local
 * APICs since each of these became true.
 */
#include "vmm/irqchip.h"
#include "vmm/lapic_priv.h"

#define VERSION ((RD_IOAPIC_PINS - 1) << 16 | 0x11U)
#define REDIR_LOGICAL BIT_ULL(11)
#define REDIR_STATUS BIT_ULL(12)
#define REDIR_REMOTE_IRR BIT_ULL(14)
#define REDIR_LEVEL BIT_ULL(15)
#define REDIR_MASKED BIT_ULL(16)
#define REDIR_KEEPS (0xffULL << 56 | 0x1efffULL)

void rd_ioapic_reset(struct rd_ioapic *io)
{
	unsigned int pin;

	io->base = RD_IOAPIC_BASE;
	for (pin = 0; pin < RD_IOAPIC_PINS; pin++)
		io->redir[pin] = REDIR_MASKED;
}

static void update_handled(struct rd_ioapic *io)
{
	unsigned long handled[4] = { 0 };
	unsigned int i;

	for (i = 0; i < RD_IOAPIC_PINS; i++)
		if ((io->redir[i] & REDIR_LEVEL) || (io->ack_pins & 1U << i))
			__set_bit(io->redir[i] & 0xff, handled);
	for (i = 0; i < 4; i++)
		WRITE_ONCE(io->handled[i], handled[i]);
}

void rd_ioapic_set_ack_pins(struct rd_ioapic *io, u32 pins)
{
	unsigned long flags = rd_lock(&io->lock);

	io->ack_pins = pins;
	update_handled(io);
	rd_unlock(&io->lock, flags);
}

/*
 * Offer a pin's interrupt to the local APICs. ExtINT entries deliver nothing: the PIC reaches the
 * local APICs by LINT0. NMI, SMI and INIT have no EOI and count as edges.
 */
static int service(struct rd_irqchip *c, unsigned int pin)
{
	struct rd_ioapic *io = &c->ioapic;
	u64 e = io->redir[pin];
	unsigned int mode = RD_FIELD(e, 10, 8);
	bool level = (e & REDIR_LEVEL) && mode <= RD_DM_LOWEST;
	int r;

	rd_assert_held(&io->lock);
	if (e & REDIR_MASKED)
		return -1;
	if (level && (e & REDIR_REMOTE_IRR))
		return 0;
	r = rd_irqchip_deliver(c, NULL, e >> 56, e & REDIR_LOGICAL, false, RD_SHORT_NONE, mode,
			       e & 0xff, level);
	if (level && r >= 0)
		io->redir[pin] |= REDIR_REMOTE_IRR;
	return r;
}

int rd_ioapic_set_pin(struct rd_irqchip *c, unsigned int pin, const unsigned long *line)
{
	struct rd_ioapic *io = &c->ioapic;
	unsigned long flags = rd_lock(&io->lock);
	u32 bit = 1U << pin;
	int r = 0;

	if (!READ_ONCE(*line)) {
		io->irr &= ~bit;
	} else if ((io->redir[pin] & REDIR_LEVEL) || !(io->irr & bit)) {
		io->irr |= bit;
		r = service(c, pin);
	}
	rd_unlock(&io->lock, flags);
	return r;
}

/* A level pin that was waiting may go out now. */
static void service_if_level(struct rd_irqchip *c, unsigned int pin)
{
	if ((c->ioapic.redir[pin] & REDIR_LEVEL) && (c->ioapic.irr & 1U << pin))
		service(c, pin);
}

static u32 pins_of_vector(const struct rd_ioapic *io, u8 vector, bool level)
{
	unsigned int pin;
	u32 pins = 0;

	for (pin = 0; pin < RD_IOAPIC_PINS; pin++) {
		if ((io->redir[pin] & 0xff) != vector)
			continue;
		if ((level && (io->redir[pin] & REDIR_REMOTE_IRR)) || (io->ack_pins & 1U << pin))
			pins |= 1U << pin;
	}
	return pins;
}

/*
 * The listeners hear of it before remote IRR is cleared: a resampled line that goes low now must
 * not fire once more.
 */
void rd_ioapic_eoi(struct rd_irqchip *c, u8 vector, bool level)
{
	struct rd_ioapic *io = &c->ioapic;
	unsigned long flags = rd_lock(&io->lock);
	u32 pins = pins_of_vector(io, vector, level), left;
	unsigned int pin;

	rd_unlock(&io->lock, flags);
	if (!pins)
		return;
	rd_irqchip_pins_acked(c, KVM_IRQCHIP_IOAPIC, pins);
	if (!level)
		return;
	flags = rd_lock(&io->lock);
	for (left = pins; left; left &= left - 1) {
		pin = __ffs(left);
		io->redir[pin] &= ~REDIR_REMOTE_IRR;
		service_if_level(c, pin);
	}
	rd_unlock(&io->lock, flags);
}

static u32 read_register(const struct rd_ioapic *io)
{
	u32 index = io->ioregsel;

	switch (index) {
	case 0:
	case 2:
		return io->id << 24; /* the arbitration id follows the id */
	case 1:
		return VERSION;
	default:
		if (index < 0x10 || index >= 0x10 + 2 * RD_IOAPIC_PINS)
			return 0;
		return io->redir[(index - 0x10) / 2] >> (index & 1 ? 32 : 0);
	}
}

/*
 * Delivery status and remote IRR are read-only. An entry that becomes edge-triggered forgets remote
 * IRR: software that has no EOI register in the I/O APIC clears a stuck one that way.
 */
static void write_redir(struct rd_irqchip *c, unsigned int pin, bool high, u32 val)
{
	struct rd_ioapic *io = &c->ioapic;
	u64 old = io->redir[pin], e;

	if (high)
		e = (old & U32_MAX) | (u64)val << 32;
	else
		e = (old & ~(u64)U32_MAX) | (val & ~REDIR_REMOTE_IRR) | (old & REDIR_REMOTE_IRR);
	e &= REDIR_KEEPS;
	if (!(e & REDIR_LEVEL))
		e &= ~REDIR_REMOTE_IRR;
	io->redir[pin] = e;
	update_handled(io);
	service_if_level(c, pin);
}

/* Returns true if the write unmasked a pin of the PIT. */
static bool write_register(struct rd_irqchip *c, u32 val)
{
	struct rd_ioapic *io = &c->ioapic;
	u32 index = io->ioregsel;
	unsigned int pin;
	bool masked;

	if (index == 0)
		io->id = val >> 24 & 0xf;
	if (index < 0x10 || index >= 0x10 + 2 * RD_IOAPIC_PINS)
		return false;
	pin = (index - 0x10) / 2;
	masked = io->redir[pin] & REDIR_MASKED;
	write_redir(c, pin, index & 1, val);
	return masked && !(io->redir[pin] & REDIR_MASKED) && (io->ack_pins & 1U << pin);
}

void rd_ioapic_read(struct rd_ioapic *io, u32 offset, unsigned int len, void *data)
{
	unsigned long flags;
	u32 val = 0;

	memset(data, 0xff, len);
	if (len != 1 && len != 2 && len != 4)
		return;
	flags = rd_lock(&io->lock);
	if (offset == 0)
		val = io->ioregsel;
	else if (offset == 0x10)
		val = read_register(io);
	rd_unlock(&io->lock, flags);
	memcpy(data, &val, len);
}

void rd_ioapic_write(struct rd_irqchip *c, u32 offset, unsigned int len, const void *data)
{
	unsigned long flags;
	bool unmasked = false;
	u32 val = 0;

	if (len != 1 && len != 2 && len != 4)
		return;
	memcpy(&val, data, len);
	flags = rd_lock(&c->ioapic.lock);
	if (offset == 0)
		c->ioapic.ioregsel = val & 0xff;
	else if (offset == 0x10)
		unmasked = write_register(c, val);
	rd_unlock(&c->ioapic.lock, flags);
	if (unmasked)
		rd_pit_forget(c);
}

void rd_ioapic_get_state(struct rd_ioapic *io, struct kvm_ioapic_state *s)
{
	unsigned long flags = rd_lock(&io->lock);
	unsigned int pin;

	memset(s, 0, sizeof(*s));
	s->base_address = io->base;
	s->ioregsel = io->ioregsel;
	s->id = io->id;
	s->irr = io->irr;
	for (pin = 0; pin < RD_IOAPIC_PINS; pin++)
		s->redirtbl[pin].bits = io->redir[pin];
	rd_unlock(&io->lock, flags);
}

/* Lines keep what is in s until their sources change them. */
int rd_ioapic_set_state(struct rd_irqchip *c, const struct kvm_ioapic_state *s)
{
	struct rd_ioapic *io = &c->ioapic;
	unsigned long flags;
	unsigned int pin;

	if (s->base_address & ~0xfffffff000ULL || s->irr >> RD_IOAPIC_PINS)
		return -EINVAL;
	flags = rd_lock(&io->lock);
	io->base = s->base_address;
	io->ioregsel = s->ioregsel & 0xff;
	io->id = s->id & 0xf;
	io->irr = s->irr;
	for (pin = 0; pin < RD_IOAPIC_PINS; pin++)
		io->redir[pin] = s->redirtbl[pin].bits & REDIR_KEEPS;
	update_handled(io);
	for (pin = 0; pin < RD_IOAPIC_PINS; pin++)
		service_if_level(c, pin);
	rd_unlock(&io->lock, flags);
	return 0;
}
