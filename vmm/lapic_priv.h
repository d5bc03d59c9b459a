/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the lapic*.c files and the interrupt controllers share about a local APIC: register offsets,
 * fields, and the acceptance of an edge-triggered vector, which is inline because every IPI and MSI
 * passes it. Invariant: nothing outside vmm/lapic*.c, vmm/irq*.c and vmm/ioapic.c includes this.
 */
#ifndef RD_VMM_LAPIC_PRIV_H
#define RD_VMM_LAPIC_PRIV_H

#include "vmm/lapic.h"

/* Register offsets in the xAPIC's window; the x2APIC's MSR is 0x800 + offset / 16. */
enum {
	RD_APIC_ID = 0x020, RD_APIC_VERSION = 0x030, RD_APIC_TPR = 0x080,
	RD_APIC_APR = 0x090, RD_APIC_PPR = 0x0a0, RD_APIC_EOI = 0x0b0,
	RD_APIC_RRD = 0x0c0, RD_APIC_LDR = 0x0d0, RD_APIC_DFR = 0x0e0,
	RD_APIC_SVR = 0x0f0, RD_APIC_ISR = 0x100, RD_APIC_TMR = 0x180,
	RD_APIC_IRR = 0x200, RD_APIC_ESR = 0x280, RD_APIC_LVT_CMCI = 0x2f0, RD_APIC_ICR = 0x300,
	RD_APIC_ICR2 = 0x310, RD_APIC_LVT_TIMER = 0x320, RD_APIC_LVT_THERMAL = 0x330,
	RD_APIC_LVT_PERF = 0x340, RD_APIC_LVT_LINT0 = 0x350, RD_APIC_LVT_LINT1 = 0x360,
	RD_APIC_LVT_ERROR = 0x370, RD_APIC_INITIAL_COUNT = 0x380, RD_APIC_CURRENT_COUNT = 0x390,
	RD_APIC_DIVIDE = 0x3e0, RD_APIC_SELF_IPI = 0x3f0,
};

/* Integrated APIC, six LVT entries, no EOI broadcast suppression. */
#define RD_APIC_VERSION_VALUE 0x50014U
#define RD_APIC_VERSION_CMCI 0x60014U /* seven LVT entries */
#define RD_APIC_SVR_ENABLE BIT(8)
#define RD_APIC_LVT_MASKED BIT(16)
#define RD_APIC_LVT_PERIODIC BIT(17)
#define RD_APIC_LVT_DEADLINE BIT(18)
#define RD_APIC_ICR_LOGICAL BIT(11)
#define RD_APIC_ICR_BUSY BIT(12)
#define RD_APIC_ICR_ASSERT BIT(14)
#define RD_APIC_ICR_LEVEL BIT(15)
#define RD_APIC_FIRST_VECTOR 16

/* Delivery modes of the ICR, the LVT, MSI data and the IOAPIC's entries. */
enum {
	RD_DM_FIXED, RD_DM_LOWEST, RD_DM_SMI, RD_DM_RESERVED,
	RD_DM_NMI, RD_DM_INIT, RD_DM_SIPI, RD_DM_EXTINT,
};

/* Destination shorthands of the ICR. */
enum { RD_SHORT_NONE, RD_SHORT_SELF, RD_SHORT_ALL, RD_SHORT_OTHERS };

/* Bits of the error status register. */
enum { RD_ESR_SEND_ILLEGAL = 5, RD_ESR_RECEIVE_ILLEGAL = 6, RD_ESR_ILLEGAL_REGISTER = 7 };

static inline u32 rd_apic_reg(const struct rd_lapic *l, unsigned int offset)
{
	return READ_ONCE(l->regs[offset / 4]);
}

static inline void rd_apic_set_reg(struct rd_lapic *l, unsigned int offset, u32 val)
{
	WRITE_ONCE(l->regs[offset / 4], val);
}

static inline u32 rd_apic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1U << (id & 15);
}

/* Highest set bit of 256, or -1. */
static __always_inline int rd_apic_highest(const unsigned long *map)
{
	unsigned long w;

	w = READ_ONCE(map[3]);
	if (w)
		return 192 + (int)__fls(w);
	w = READ_ONCE(map[2]);
	if (w)
		return 128 + (int)__fls(w);
	w = READ_ONCE(map[1]);
	if (w)
		return 64 + (int)__fls(w);
	w = READ_ONCE(map[0]);
	return w ? (int)__fls(w) : -1;
}

/*
 * Processor priority from TPR and the highest vector in service ("Task and Processor Priorities").
 */
static __always_inline void rd_apic_update_ppr(struct rd_lapic *l)
{
	u32 tpr = l->regs[RD_APIC_TPR / 4], in_service = l->isrv < 0 ? 0 : (u32)l->isrv & 0xf0;

	rd_apic_set_reg(l, RD_APIC_PPR, (tpr & 0xf0) >= in_service ? tpr : in_service);
}

/* Why a fixed vector was not accepted: logs the error if there is one. Returns -1. */
int rd_apic_reject(struct rd_lapic *l, u8 vector);

/*
 * A level-triggered vector left its TMR bit behind: take it back, unless it is still pending and
 * needs its EOI broadcast.
 */
void rd_apic_make_edge(struct rd_lapic *l, u8 vector);

/*
 * Accept an edge-triggered fixed vector; returns as rd_lapic_deliver(). Any context. kick is false
 * only where the owner itself is the sender. The TMR bit is right before the IRR bit is seen; who
 * finds the IRR bit set leaves the kick to the one who set it.
 */
static __always_inline int rd_apic_accept_edge(struct rd_lapic *l, u8 vector, bool kick)
{
	if (unlikely(!READ_ONCE(l->sw_enabled) || vector < RD_APIC_FIRST_VECTOR))
		return rd_apic_reject(l, vector);
	if (unlikely(test_bit(vector, l->tmr)))
		rd_apic_make_edge(l, vector);
	if (test_and_set_bit(vector, l->irr))
		return 0;
	WRITE_ONCE(l->irr_pending, 1);
	if (kick)
		rd_lapic_kick(l);
	return 1;
}

/*
 * Log an error (RD_ESR_*) and raise the LVT's error interrupt when it is new since ESR was last
 * written. Any context.
 */
void rd_apic_error(struct rd_lapic *l, unsigned int bit);
/* The timer has expired: its LVT entry's interrupt, by the owner. */
void rd_apic_raise_timer(struct rd_lapic *l);
void rd_apic_update_enabled(struct rd_lapic *l);

/* lapic_timer.c, for the owner. */
u64 rd_apic_timer_callback(struct rd_timer *t);
u32 rd_apic_timer_current(const struct rd_lapic *l);
void rd_apic_timer_set_count(struct rd_lapic *l, u32 initial);
void rd_apic_timer_set_divide(struct rd_lapic *l, u32 divide);
/* Stores the entry, with the rules of mode switches. */
void rd_apic_timer_set_lvt(struct rd_lapic *l, u32 lvt);
/* A count that has run out becomes an IRR bit now. A TSC deadline stays: its MSR tells of it. */
void rd_apic_timer_catch_up(struct rd_lapic *l);
void rd_apic_timer_restore(struct rd_lapic *l, u32 current_count);
void rd_apic_timer_stop(struct rd_lapic *l);

#endif
