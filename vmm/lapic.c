// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's life, its mode (IA32_APIC_BASE), and the way of a vector to the CPU: IRR, ISR,
 * priorities, EOI. Invariant: isrv is the highest bit of ISR and PPR follows from it and TPR, after
 * each function here.
 */
#include "vmm/lapic_priv.h"
#include "vmm/irqchip.h"
#include "vmm/tsc_math.h"

#define BASE_MODE (RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC)
/* Bits that no processor of this kind has: 7:0, 9, and above the widest physical address. */
#define BASE_RESERVED (0x2ffULL | ~((1ULL << 52) - 1))

static bool xapic_mode(u64 base)
{
	return (base & BASE_MODE) == RD_APIC_BASE_ENABLE;
}

void rd_apic_update_enabled(struct rd_lapic *l)
{
	WRITE_ONCE(l->sw_enabled,
		   rd_lapic_enabled(l) && (rd_apic_reg(l, RD_APIC_SVR) & RD_APIC_SVR_ENABLE));
}

/*
 * The identity registers have another form in each mode; the x2APIC's logical id is derived, the
 * xAPIC's starts at 0.
 */
static void set_identity(struct rd_lapic *l)
{
	bool x2 = rd_lapic_x2apic(l);

	rd_apic_set_reg(l, RD_APIC_ID, x2 ? l->id : l->id << 24);
	rd_apic_set_reg(l, RD_APIC_LDR, x2 ? rd_apic_x2apic_ldr(l->id) : 0);
}

void rd_lapic_set_cmci(struct rd_lapic *l, bool on)
{
	l->has_cmci = on;
	rd_apic_set_reg(l, RD_APIC_VERSION, on ? RD_APIC_VERSION_CMCI : RD_APIC_VERSION_VALUE);
	rd_apic_set_reg(l, RD_APIC_LVT_CMCI, on ? RD_APIC_LVT_MASKED : 0);
}

/*
 * As in "Local APIC State After Power-Up or Reset"; base and events are the caller's. A sender that
 * is past its look at sw_enabled may still set a bit of IRR: irr_pending stays set so that it is
 * not overlooked.
 */
static void clear_state(struct rd_lapic *l)
{
	unsigned int offset;

	WRITE_ONCE(l->sw_enabled, false);
	rd_apic_timer_stop(l);
	memset(l->regs, 0, sizeof(l->regs));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	WRITE_ONCE(l->irr_pending, 1);
	l->esr_pending = 0;
	l->isrv = -1;
	set_identity(l);
	rd_lapic_set_cmci(l, l->has_cmci);
	rd_apic_set_reg(l, RD_APIC_DFR, U32_MAX);
	rd_apic_set_reg(l, RD_APIC_SVR, 0xff);
	for (offset = RD_APIC_LVT_TIMER; offset <= RD_APIC_LVT_ERROR; offset += 0x10)
		rd_apic_set_reg(l, offset, RD_APIC_LVT_MASKED);
	l->divide_shift = 1;
}

static void count_xapic(struct rd_lapic *l, u64 old, u64 base)
{
	if (xapic_mode(base) && !xapic_mode(old))
		atomic_inc(&l->chip->nr_xapic);
	else if (xapic_mode(old) && !xapic_mode(base))
		atomic_dec_return(&l->chip->nr_xapic);
}

static void write_base(struct rd_lapic *l, u64 base)
{
	count_xapic(l, l->base, base);
	WRITE_ONCE(l->base, base);
}

void rd_lapic_reset(struct rd_lapic *l, bool init_event)
{
	if (!init_event) {
		write_base(l, RD_APIC_DEFAULT_BASE | RD_APIC_BASE_ENABLE |
				      (l->bsp ? RD_APIC_BASE_BSP : 0));
		l->events = 0;
	}
	clear_state(l);
	/* The boot CPU starts wired to the 8259s, as KVM and firmware leave it: many VMMs rely on
	 * it. */
	if (!init_event && l->bsp)
		rd_apic_set_reg(l, RD_APIC_LVT_LINT0, RD_DM_EXTINT << 8);
}

int rd_lapic_init(struct rd_lapic *l, struct rd_irqchip *chip, u32 id, bool bsp)
{
	if (id >= RD_MAX_VCPU_IDS)
		return -EINVAL;
	if (chip->lapic[id])
		return -EEXIST;
	memset(l, 0, sizeof(*l));
	l->chip = chip;
	l->id = id;
	l->bsp = bsp;
	l->tsc_ratio_48 = RD_TSC_RATIO_ONE;
	rd_timer_init(&l->timer, rd_apic_timer_callback);
	rd_lapic_reset(l, false);
	rd_lapic_timer_rearm(l);
	smp_store_release(&chip->lapic[id], l);
	if (chip->nr_ids <= id)
		WRITE_ONCE(chip->nr_ids, id + 1);
	return 0;
}

void rd_lapic_destroy(struct rd_lapic *l)
{
	if (l->chip->lapic[l->id] == l) {
		WRITE_ONCE(l->chip->lapic[l->id], NULL);
		write_base(l, 0);
	}
	rd_apic_timer_stop(l);
}

/*
 * Transitions as in "x2APIC State Transitions": the guest leaves x2APIC mode only by way of the
 * disabled APIC, and enters it only from xAPIC mode. User space may set any valid mode.
 */
int rd_lapic_set_base(struct rd_lapic *l, u64 base, bool host)
{
	u64 old = l->base & BASE_MODE, mode = base & BASE_MODE;

	if ((base & BASE_RESERVED) || mode == RD_APIC_BASE_X2APIC)
		return -EINVAL;
	if (!host && old == BASE_MODE && mode == RD_APIC_BASE_ENABLE)
		return -EINVAL;
	if (!host && !old && mode == BASE_MODE)
		return -EINVAL;
	write_base(l, base);
	if (mode == old)
		return 0;
	if (!mode) {
		clear_state(l);
		return 0;
	}
	set_identity(l);
	rd_apic_set_reg(l, RD_APIC_ICR2, 0);
	rd_apic_update_enabled(l);
	return 0;
}

/*
 * Slow half of rd_lapic_next(). irr_pending is cleared before the second look: a sender sets its
 * IRR bit first, so either that look finds the bit, or the sender's write of irr_pending comes
 * after the clearing.
 */
int rd_lapic_next_pending(struct rd_lapic *l)
{
	int vector = rd_apic_highest(l->irr);

	if (unlikely(vector < 0)) {
		xchg(&l->irr_pending, 0);
		vector = rd_apic_highest(l->irr);
		if (likely(vector < 0))
			return -1;
		WRITE_ONCE(l->irr_pending, 1);
	}
	return (vector & 0xf0) > (int)(l->regs[RD_APIC_PPR / 4] & 0xf0) ? vector : -1;
}

void rd_lapic_ack(struct rd_lapic *l, int vector)
{
	clear_bit(vector, l->irr);
	__set_bit(vector, l->isr);
	if (likely(vector > l->isrv))
		l->isrv = vector;
	rd_apic_update_ppr(l);
}

void rd_lapic_unack(struct rd_lapic *l, int vector)
{
	__clear_bit(vector, l->isr);
	l->isrv = rd_apic_highest(l->isr);
	rd_apic_update_ppr(l);
	set_bit(vector, l->irr);
	WRITE_ONCE(l->irr_pending, 1);
}

void rd_lapic_eoi(struct rd_lapic *l)
{
	int vector = l->isrv;

	if (unlikely(vector < 0))
		return;
	__clear_bit(vector, l->isr);
	l->isrv = likely(!(l->isr[0] | l->isr[1] | l->isr[2] | l->isr[3]))
			  ? -1
			  : rd_apic_highest(l->isr);
	rd_apic_update_ppr(l);
	if (unlikely(rd_irqchip_wants_eoi(l->chip, vector)))
		rd_irqchip_eoi(l->chip, l, vector);
}

u64 rd_lapic_get_tpr(const struct rd_lapic *l)
{
	return l->regs[RD_APIC_TPR / 4] >> 4;
}

void rd_lapic_set_tpr(struct rd_lapic *l, u64 cr8)
{
	l->regs[RD_APIC_TPR / 4] = (cr8 & 0xf) << 4;
	rd_apic_update_ppr(l);
}

bool rd_lapic_accepts_pic(const struct rd_lapic *l)
{
	u32 lint0 = rd_apic_reg(l, RD_APIC_LVT_LINT0);

	if (!rd_lapic_enabled(l))
		return true;
	return !(lint0 & RD_APIC_LVT_MASKED) && RD_FIELD(lint0, 10, 8) == RD_DM_EXTINT;
}

bool rd_lapic_has_pending(struct rd_lapic *l)
{
	if (READ_ONCE(l->events) || rd_lapic_next(l) >= 0)
		return true;
	return READ_ONCE(l->chip->pic.output) && rd_lapic_accepts_pic(l);
}
