// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers as a whole: creation, end, saved state, and what happens when a pin was
 * acknowledged. Invariant: the chips are in their reset state from rd_irqchip_init() on, whatever
 * the mode, so the moment at which mode changes does not matter to those who look at it without the
 * VM's lock; once created, it stays.
 */
#include "vmm/irqchip.h"

void rd_irqchip_init(struct rd_irqchip *c)
{
	memset(c, 0, sizeof(*c));
	rd_lock_init(&c->ioapic.lock);
	rd_lock_init(&c->pic.lock);
	rd_lock_init(&c->pit.lock);
	rd_ioapic_reset(&c->ioapic);
	rd_pic_reset(&c->pic);
}

/*
 * As firmware expects a PC: GSI n is IOAPIC pin n and, below 16, PIC input n. Master input 2 is the
 * slave's.
 */
static u32 default_routes(struct kvm_irq_routing_entry *e)
{
	u32 gsi, n = 0;

	for (gsi = 0; gsi < RD_IOAPIC_PINS; gsi++) {
		e[n].gsi = gsi;
		e[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[n].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[n++].u.irqchip.pin = gsi;
		if (gsi >= 16 || gsi == 2)
			continue;
		e[n].gsi = gsi;
		e[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[n].u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		e[n++].u.irqchip.pin = gsi & 7;
	}
	return n;
}

int rd_irqchip_create(struct rd_irqchip *c)
{
	struct kvm_irq_routing_entry *entries;
	int r;

	if (c->mode != RD_IRQCHIP_NONE)
		return -EEXIST;
	entries = rd_host_zalloc(RD_IOAPIC_PINS * 2 * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	c->mode = RD_IRQCHIP_KERNEL;
	r = rd_irqchip_set_routes(c, entries, default_routes(entries));
	if (r)
		c->mode = RD_IRQCHIP_NONE;
	rd_host_free(entries);
	return r;
}

int rd_irqchip_create_split(struct rd_irqchip *c, u32 pins)
{
	int r;

	if (c->mode != RD_IRQCHIP_NONE)
		return -EEXIST;
	if (pins > RD_MAX_GSI)
		return -EINVAL;
	c->split_pins = pins;
	c->mode = RD_IRQCHIP_SPLIT;
	r = rd_irqchip_set_routes(c, NULL, 0);
	if (r)
		c->mode = RD_IRQCHIP_NONE;
	return r;
}

int rd_irqchip_create_pit(struct rd_irqchip *c, u32 flags)
{
	if (c->mode != RD_IRQCHIP_KERNEL)
		return -ENOENT;
	if (c->has_pit)
		return -EEXIST;
	if (flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	rd_pit_init(c, flags);
	smp_store_release(&c->has_pit, true);
	rd_irqchip_route_pit(c);
	return 0;
}

void rd_irqchip_destroy(struct rd_irqchip *c)
{
	struct rd_route_table *t = rd_rcu_deref(c->routes);

	if (c->has_pit)
		rd_pit_destroy(c);
	rd_rcu_assign(c->routes, NULL);
	rd_host_rcu_sync();
	rd_host_free(t);
}

void rd_irqchip_pins_acked(struct rd_irqchip *c, unsigned int chip, u32 pins)
{
	unsigned int pin;

	for (; pins; pins &= pins - 1) {
		pin = __ffs(pins);
		if (c->has_pit && rd_irqchip_pin_gsi(c, chip, pin) == 0)
			rd_pit_ack(c);
		rd_irqchip_pin_eoi(c, chip, pin);
	}
}

int rd_irqchip_get_state(struct rd_irqchip *c, struct kvm_irqchip *s)
{
	if (c->mode != RD_IRQCHIP_KERNEL)
		return -ENXIO;
	switch (s->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		rd_pic_get_state(&c->pic, s->chip_id, &s->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		rd_ioapic_get_state(&c->ioapic, &s->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

int rd_irqchip_set_state(struct rd_irqchip *c, const struct kvm_irqchip *s)
{
	if (c->mode != RD_IRQCHIP_KERNEL)
		return -ENXIO;
	switch (s->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		return rd_pic_set_state(c, s->chip_id, &s->chip.pic);
	case KVM_IRQCHIP_IOAPIC:
		return rd_ioapic_set_state(c, &s->chip.ioapic);
	default:
		return -EINVAL;
	}
}
