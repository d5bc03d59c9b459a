// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reaches a local APIC: vectors from the bus, events that are no vectors, its own LVT; and
 * what leaves it: the ICR. Invariant: everything that runs on another CPU than the owner's changes
 * only atomic bits and single words (see vmm/lapic.h).
 */
#include "vmm/lapic_priv.h"
#include "vmm/irqchip.h"

int rd_apic_reject(struct rd_lapic *l, u8 vector)
{
	if (READ_ONCE(l->sw_enabled) && vector < RD_APIC_FIRST_VECTOR)
		rd_apic_error(l, RD_ESR_RECEIVE_ILLEGAL);
	return -1;
}

void rd_apic_make_edge(struct rd_lapic *l, u8 vector)
{
	if (!test_bit(vector, l->irr))
		clear_bit(vector, l->tmr);
}

static int accept_level(struct rd_lapic *l, u8 vector)
{
	if (!READ_ONCE(l->sw_enabled) || vector < RD_APIC_FIRST_VECTOR)
		return rd_apic_reject(l, vector);
	set_bit(vector, l->tmr);
	if (test_and_set_bit(vector, l->irr))
		return 0;
	WRITE_ONCE(l->irr_pending, 1);
	rd_lapic_kick(l);
	return 1;
}

static int accept_event(struct rd_lapic *l, unsigned int event)
{
	if (test_and_set_bit(event, &l->events))
		return 0;
	rd_lapic_kick(l);
	return 1;
}

/* INIT, SIPI, NMI and SMI get through to a software-disabled APIC too. */
int rd_lapic_deliver(struct rd_lapic *l, unsigned int delivery_mode, u8 vector, bool level)
{
	if (likely(delivery_mode <= RD_DM_LOWEST))
		return likely(!level) ? rd_apic_accept_edge(l, vector, true)
				      : accept_level(l, vector);
	if (!(READ_ONCE(l->base) & RD_APIC_BASE_ENABLE))
		return -1;
	switch (delivery_mode) {
	case RD_DM_SMI:
		return accept_event(l, RD_LAPIC_EV_SMI);
	case RD_DM_NMI:
		return accept_event(l, RD_LAPIC_EV_NMI);
	case RD_DM_INIT:
		clear_bit(RD_LAPIC_EV_SIPI, &l->events);
		return accept_event(l, RD_LAPIC_EV_INIT);
	case RD_DM_SIPI:
		WRITE_ONCE(l->sipi_vector, vector);
		return accept_event(l, RD_LAPIC_EV_SIPI);
	default:
		return -1;
	}
}

void rd_lapic_local_nmi(struct rd_lapic *l)
{
	accept_event(l, RD_LAPIC_EV_NMI);
}

void rd_lapic_raise_cmci(struct rd_lapic *l)
{
	u32 lvt = rd_apic_reg(l, RD_APIC_LVT_CMCI);

	if (l->has_cmci && !(lvt & RD_APIC_LVT_MASKED))
		rd_lapic_deliver(l, lvt >> 8 & 7, lvt & 0xff, false);
}

void rd_apic_error(struct rd_lapic *l, unsigned int bit)
{
	u32 lvt = rd_apic_reg(l, RD_APIC_LVT_ERROR);

	if (test_and_set_bit(bit, &l->esr_pending))
		return;
	/* If this entry's own vector is illegal, that is one error more, once. */
	if (!(lvt & RD_APIC_LVT_MASKED))
		rd_apic_accept_edge(l, lvt & 0xff, true);
}

void rd_apic_raise_timer(struct rd_lapic *l)
{
	u32 lvt = l->regs[RD_APIC_LVT_TIMER / 4];

	if (!(lvt & RD_APIC_LVT_MASKED))
		rd_apic_accept_edge(l, lvt & 0xff, false);
}

static int icr_write_slow(struct rd_lapic *l, u32 low, u32 high)
{
	unsigned int mode = RD_FIELD(low, 10, 8);
	bool x2 = rd_lapic_x2apic(l);

	if (mode <= RD_DM_LOWEST && (low & 0xff) < RD_APIC_FIRST_VECTOR) {
		rd_apic_error(l, RD_ESR_SEND_ILLEGAL);
		return 0;
	}
	/* The INIT level de-assert only synchronized the arbitration ids of a bus that is gone. */
	if (mode == RD_DM_INIT &&
	    (low & (RD_APIC_ICR_LEVEL | RD_APIC_ICR_ASSERT)) == RD_APIC_ICR_LEVEL)
		return 0;
	rd_irqchip_deliver(l->chip, l, x2 ? high : high >> 24, low & RD_APIC_ICR_LOGICAL, x2,
			   RD_FIELD(low, 19, 18), mode, low & 0xff, false);
	return 0;
}

/*
 * One register of 64 bits in both modes. Reserved bits are kept and not refused, as KVM's own
 * selftest of this register expects; the trigger mode is ignored except by INIT: IPIs are
 * edge-triggered on every processor with an xAPIC.
 */
int rd_lapic_icr_write(struct rd_lapic *l, u32 low, u32 high)
{
	const u32 other = 3U << 18 | RD_APIC_ICR_LOGICAL | 7U << 8;
	struct rd_irqchip *chip = l->chip;
	struct rd_lapic *target;
	u32 dest;

	low &= ~(u32)RD_APIC_ICR_BUSY;
	l->regs[RD_APIC_ICR / 4] = low;
	l->regs[RD_APIC_ICR2 / 4] = high;
	if (unlikely((low & 0xff) < RD_APIC_FIRST_VECTOR))
		return icr_write_slow(l, low, high);
	if (likely(!(low & other))) {
		dest = rd_lapic_x2apic(l) ? high : high >> 24;
		/* No APIC has an id as high as a broadcast. */
		if (unlikely(dest >= READ_ONCE(chip->nr_ids)))
			return icr_write_slow(l, low, high);
		target = READ_ONCE(chip->lapic[dest]);
		if (likely(target))
			rd_apic_accept_edge(target, low & 0xff, target != l);
		return 0;
	}
	if (likely((low & other) == RD_SHORT_SELF << 18)) {
		rd_apic_accept_edge(l, low & 0xff, false);
		return 0;
	}
	return icr_write_slow(l, low, high);
}
