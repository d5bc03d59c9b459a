// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers as the guest sees them, by MMIO and by MSR, and as user space saves
 * and restores them. Invariant: one table says which registers exist, in which mode, and which of
 * their bits; a write in x2APIC mode that sets any other bit is refused before it has an effect.
 */
#include "vmm/lapic_priv.h"
#include "vmm/irqchip.h"

/* Readable and writable by MMIO (xAPIC), by MSR (x2APIC). */
enum { XR = 1, XW = 2, MR = 4, MW = 8 };

struct reg_info {
	u8 access;
	u32 accepts; /* bits that may be 1 in a write by MSR */
	u32 keeps;   /* bits of them that are stored; the others are read-only or not there */
};

#define REG(name) [RD_APIC_##name >> 4]
#define BITMAP_REG(first) [(first) >> 4 ... ((first) >> 4) + 7]

static const struct reg_info reg_table[0x40] = {
	REG(ID) = { XR | XW | MR, 0, 0 },
	REG(VERSION) = { XR | MR, 0, 0 },
	REG(TPR) = { XR | XW | MR | MW, 0xff, 0xff },
	REG(APR) = { XR, 0, 0 },
	REG(PPR) = { XR | MR, 0, 0 },
	REG(EOI) = { XR | XW | MW, 0, 0 },
	REG(RRD) = { XR, 0, 0 },
	REG(LDR) = { XR | XW | MR, 0, 0xff000000 },
	REG(DFR) = { XR | XW, 0, 0xf0000000 },
	/*
	 * Bit 9, focus checking, does nothing here; 32-bit Linux sets it on old and new APICs
	 * alike.
	 */
	REG(SVR) = { XR | XW | MR | MW, 0x3ff, 0x3ff },
	BITMAP_REG(RD_APIC_ISR) = { XR | MR, 0, 0 },
	BITMAP_REG(RD_APIC_TMR) = { XR | MR, 0, 0 },
	BITMAP_REG(RD_APIC_IRR) = { XR | MR, 0, 0 },
	REG(ESR) = { XR | XW | MR | MW, 0, 0 },
	REG(ICR) = { XR | XW | MR | MW, U32_MAX, U32_MAX },
	REG(ICR2) = { XR | XW, 0, U32_MAX },
	REG(LVT_CMCI) = { 0, 0x117ff, 0x107ff }, /* only where has_cmci says so */
	REG(LVT_TIMER) = { XR | XW | MR | MW, 0x710ff, 0x700ff },
	REG(LVT_THERMAL) = { XR | XW | MR | MW, 0x117ff, 0x107ff },
	REG(LVT_PERF) = { XR | XW | MR | MW, 0x117ff, 0x107ff },
	REG(LVT_LINT0) = { XR | XW | MR | MW, 0x1f7ff, 0x1a7ff },
	REG(LVT_LINT1) = { XR | XW | MR | MW, 0x1f7ff, 0x1a7ff },
	REG(LVT_ERROR) = { XR | XW | MR | MW, 0x110ff, 0x100ff },
	REG(INITIAL_COUNT) = { XR | XW | MR | MW, U32_MAX, U32_MAX },
	REG(CURRENT_COUNT) = { XR | MR, 0, 0 },
	REG(DIVIDE) = { XR | XW | MR | MW, 0xb, 0xb },
	REG(SELF_IPI) = { MW, 0xff, 0xff },
};

static u32 keeps(unsigned int offset)
{
	return reg_table[offset >> 4].keeps;
}

static u32 bitmap_word(const unsigned long *map, unsigned int offset)
{
	unsigned int word = (offset >> 4) & 7;

	return READ_ONCE(map[word / 2]) >> (word % 2 * 32);
}

static u32 read_reg(struct rd_lapic *l, unsigned int offset)
{
	switch (offset) {
	case RD_APIC_CURRENT_COUNT:
		return rd_apic_timer_current(l);
	case RD_APIC_ISR ... RD_APIC_ISR + 0x70:
		return bitmap_word(l->isr, offset);
	case RD_APIC_TMR ... RD_APIC_TMR + 0x70:
		return bitmap_word(l->tmr, offset);
	case RD_APIC_IRR ... RD_APIC_IRR + 0x70:
		return bitmap_word(l->irr, offset);
	default:
		return rd_apic_reg(l, offset);
	}
}

/* While the APIC is software-disabled every entry stays masked. */
static void write_lvt(struct rd_lapic *l, unsigned int offset, u32 val)
{
	val &= keeps(offset);
	if (!(rd_apic_reg(l, RD_APIC_SVR) & RD_APIC_SVR_ENABLE))
		val |= RD_APIC_LVT_MASKED;
	if (offset == RD_APIC_LVT_TIMER)
		rd_apic_timer_set_lvt(l, val);
	else
		rd_apic_set_reg(l, offset, val);
}

static void write_svr(struct rd_lapic *l, u32 val)
{
	unsigned int offset;

	rd_apic_set_reg(l, RD_APIC_SVR, val & keeps(RD_APIC_SVR));
	rd_apic_update_enabled(l);
	if (val & RD_APIC_SVR_ENABLE)
		return;
	if (l->has_cmci)
		rd_apic_set_reg(l, RD_APIC_LVT_CMCI,
				rd_apic_reg(l, RD_APIC_LVT_CMCI) | RD_APIC_LVT_MASKED);
	for (offset = RD_APIC_LVT_TIMER; offset <= RD_APIC_LVT_ERROR; offset += 0x10)
		rd_apic_set_reg(l, offset, rd_apic_reg(l, offset) | RD_APIC_LVT_MASKED);
}

/*
 * A writable register other than the ICR; bits that do not exist are dropped. The registers that do
 * nothing fall through.
 */
static void write_reg(struct rd_lapic *l, unsigned int offset, u32 val)
{
	switch (offset) {
	case RD_APIC_EOI:
		rd_lapic_eoi(l);
		break;
	case RD_APIC_TPR:
		l->regs[RD_APIC_TPR / 4] = val & 0xff;
		rd_apic_update_ppr(l);
		break;
	case RD_APIC_INITIAL_COUNT:
		rd_apic_timer_set_count(l, val);
		break;
	case RD_APIC_SELF_IPI:
		rd_apic_accept_edge(l, val & 0xff, false);
		break;
	case RD_APIC_LVT_CMCI:
	case RD_APIC_LVT_TIMER ... RD_APIC_LVT_ERROR:
		write_lvt(l, offset, val);
		break;
	case RD_APIC_DIVIDE:
		rd_apic_timer_set_divide(l, val);
		break;
	case RD_APIC_SVR:
		write_svr(l, val);
		break;
	case RD_APIC_ESR:
		rd_apic_set_reg(l, RD_APIC_ESR, xchg(&l->esr_pending, 0));
		break;
	case RD_APIC_LDR:
		rd_apic_set_reg(l, offset, val & keeps(offset));
		break;
	case RD_APIC_ICR2: /* the xAPIC's: an 8-bit destination; the x2APIC's is part of the ICR */
		rd_apic_set_reg(l, offset, val & 0xff000000);
		break;
	case RD_APIC_DFR:
		rd_apic_set_reg(l, offset, val | ~keeps(offset));
		break;
	default:
		break; /* the id: fixed, it is the index by which the others find this APIC */
	}
}

/* The one register that some APICs have and others do not. */
static bool is_cmci(const struct rd_lapic *l, u32 offset)
{
	return l->has_cmci && (offset & ~0xfU) == RD_APIC_LVT_CMCI;
}

static bool xapic_register(struct rd_lapic *l, u32 offset, u8 access)
{
	if (offset < 0x400 && (reg_table[offset >> 4].access & access))
		return true;
	if (is_cmci(l, offset))
		return true;
	if (offset >= 0x400 || !reg_table[offset >> 4].access || offset == RD_APIC_SELF_IPI)
		rd_apic_error(l, RD_ESR_ILLEGAL_REGISTER);
	return false;
}

int rd_lapic_mmio_read(struct rd_lapic *l, u32 offset, unsigned int len, void *data)
{
	unsigned int byte = offset & 0xf;
	u32 val;

	memset(data, 0, len);
	if (len > 4 || byte + len > 4 || !rd_lapic_enabled(l) || rd_lapic_x2apic(l))
		return 0;
	if (!xapic_register(l, offset, XR))
		return 0;
	val = read_reg(l, offset & ~0xfU);
	memcpy(data, (u8 *)&val + byte, len);
	return 0;
}

int rd_lapic_mmio_write(struct rd_lapic *l, u32 offset, unsigned int len, const void *data)
{
	u32 val;

	if (unlikely(len != 4 || (offset & 0xf) || !rd_lapic_enabled(l) || rd_lapic_x2apic(l)))
		return 0;
	memcpy(&val, data, sizeof(val));
	if (offset == RD_APIC_EOI)
		rd_lapic_eoi(l);
	else if (offset == RD_APIC_ICR)
		rd_lapic_icr_write(l, val, rd_apic_reg(l, RD_APIC_ICR2));
	else if (xapic_register(l, offset, XW))
		write_reg(l, offset, val);
	return 0;
}

int rd_lapic_msr_read(struct rd_lapic *l, u32 msr, u64 *val)
{
	u32 offset = (msr - 0x800) << 4;

	if (!rd_lapic_x2apic(l) || offset >= 0x400 ||
	    (!(reg_table[offset >> 4].access & MR) && !is_cmci(l, offset)))
		return -EINVAL;
	*val = read_reg(l, offset);
	if (offset == RD_APIC_ICR)
		*val |= (u64)rd_apic_reg(l, RD_APIC_ICR2) << 32;
	return 0;
}

int rd_lapic_msr_write(struct rd_lapic *l, u32 msr, u64 val)
{
	u32 offset = (msr - 0x800) << 4;

	if (unlikely(!rd_lapic_x2apic(l) || offset >= 0x400 ||
		     (!(reg_table[offset >> 4].access & MW) && !is_cmci(l, offset))))
		return -EINVAL;
	if (likely(offset == RD_APIC_ICR))
		return rd_lapic_icr_write(l, (u32)val, val >> 32);
	if (unlikely(val & ~(u64)reg_table[offset >> 4].accepts))
		return -EINVAL;
	write_reg(l, offset, (u32)val);
	return 0;
}

static u32 *state_reg(struct kvm_lapic_state *s, unsigned int offset)
{
	return (u32 *)(void *)(s->regs + offset);
}

static void save_bitmap(struct kvm_lapic_state *s, unsigned int offset, const unsigned long *map)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		*state_reg(s, offset + i * 0x10) = bitmap_word(map, i << 4);
}

void rd_lapic_get_state(struct rd_lapic *l, struct kvm_lapic_state *s, bool x2apic_format)
{
	BUILD_BUG_ON(sizeof(s->regs) != sizeof(l->regs));
	rd_apic_timer_catch_up(l);
	memcpy(s->regs, l->regs, sizeof(s->regs));
	if (!rd_lapic_x2apic(l) || !x2apic_format)
		*state_reg(s, RD_APIC_ID) = l->id << 24;
	save_bitmap(s, RD_APIC_ISR, l->isr);
	save_bitmap(s, RD_APIC_TMR, l->tmr);
	save_bitmap(s, RD_APIC_IRR, l->irr);
	*state_reg(s, RD_APIC_CURRENT_COUNT) = rd_apic_timer_current(l);
}

static u32 saved_reg(const struct kvm_lapic_state *s, unsigned int offset)
{
	u32 val;

	memcpy(&val, s->regs + offset, sizeof(val));
	return val;
}

static void load_bitmap(const struct kvm_lapic_state *s, unsigned int offset, unsigned long *map)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		WRITE_ONCE(map[i], saved_reg(s, offset + i * 0x20) |
			   (unsigned long)saved_reg(s, offset + i * 0x20 + 0x10) << 32);
}

static void load_timer(struct rd_lapic *l, const struct kvm_lapic_state *s)
{
	rd_apic_timer_set_divide(l, saved_reg(s, RD_APIC_DIVIDE));
	rd_apic_timer_set_lvt(l, saved_reg(s, RD_APIC_LVT_TIMER) & keeps(RD_APIC_LVT_TIMER));
	rd_apic_set_reg(l, RD_APIC_INITIAL_COUNT, saved_reg(s, RD_APIC_INITIAL_COUNT));
	rd_apic_timer_restore(l, saved_reg(s, RD_APIC_CURRENT_COUNT));
}

/*
 * LVT entries are taken as they are, unmasked ones of a software-disabled APIC too: VMMs wire up
 * LINT0 and LINT1 so.
 */
int rd_lapic_set_state(struct rd_lapic *l, const struct kvm_lapic_state *s, bool x2apic_format)
{
	static const u16 plain[] = {
		RD_APIC_TPR,	  RD_APIC_SVR,	     RD_APIC_ICR2,	RD_APIC_LVT_THERMAL,
		RD_APIC_LVT_PERF, RD_APIC_LVT_LINT0, RD_APIC_LVT_LINT1, RD_APIC_LVT_ERROR,
	};
	bool x2 = rd_lapic_x2apic(l);
	unsigned int i;

	if (x2 && saved_reg(s, RD_APIC_ID) != (x2apic_format ? l->id : l->id << 24))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		rd_apic_set_reg(l, plain[i], saved_reg(s, plain[i]) & keeps(plain[i]));
	if (l->has_cmci)
		rd_apic_set_reg(l, RD_APIC_LVT_CMCI,
				saved_reg(s, RD_APIC_LVT_CMCI) & keeps(RD_APIC_LVT_CMCI));
	rd_apic_set_reg(l, RD_APIC_ESR, saved_reg(s, RD_APIC_ESR) & 0xff);
	rd_apic_set_reg(l, RD_APIC_ICR, saved_reg(s, RD_APIC_ICR) & ~(u32)RD_APIC_ICR_BUSY);
	if (!x2) {
		rd_apic_set_reg(l, RD_APIC_LDR, saved_reg(s, RD_APIC_LDR) & keeps(RD_APIC_LDR));
		rd_apic_set_reg(l, RD_APIC_DFR, saved_reg(s, RD_APIC_DFR) | ~keeps(RD_APIC_DFR));
	}
	load_bitmap(s, RD_APIC_ISR, l->isr);
	load_bitmap(s, RD_APIC_TMR, l->tmr);
	load_bitmap(s, RD_APIC_IRR, l->irr);
	l->isrv = rd_apic_highest(l->isr);
	rd_apic_update_ppr(l);
	rd_apic_update_enabled(l);
	/* Last: a deadline that has passed sets its bit of IRR. */
	load_timer(l, s);
	WRITE_ONCE(l->irr_pending, 1);
	rd_lapic_kick(l);
	return 0;
}
