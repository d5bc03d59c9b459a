// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers as a payload uses them. The local APIC is reached in the mode that
 * its base register says, so the same test runs in xAPIC and x2APIC mode.
 */
#include "tests/guest/guest.h"

int apic_is_x2(void)
{
	return rdmsr(MSR_APICBASE) >> 10 & 1;
}

u32 apic_read(u32 reg)
{
	return apic_is_x2() ? rdmsr(MSR_X2APIC + (reg >> 4)) : xapic_read(reg);
}

void apic_write(u32 reg, u32 v)
{
	if (apic_is_x2())
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		xapic_write(reg, v);
}

u32 apic_id(void)
{
	return apic_is_x2() ? apic_read(APIC_ID) : xapic_read(APIC_ID) >> 24;
}

void apic_enable(void)
{
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
}

int apic_enable_x2(void)
{
	if (!HAS_X2APIC())
		return 0;
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | 3 << 10);
	apic_enable();
	return 1;
}

void apic_icr(u32 dest, u32 low)
{
	if (apic_is_x2()) {
		wrmsr(MSR_X2APIC + (APIC_ICR >> 4), (u64)dest << 32 | low);
		return;
	}
	xapic_write(APIC_ICR2, dest << 24);
	xapic_write(APIC_ICR, low);
	while (xapic_read(APIC_ICR) & 1 << 12)
		pause();
}

int apic_test_bit(u32 base, u32 vector)
{
	return apic_read(base + (vector >> 5) * 0x10) >> (vector & 31) & 1;
}

u32 ioapic_read(u32 reg)
{
	*(volatile u32 *)IOAPIC_MMIO = reg;
	return *(volatile u32 *)(IOAPIC_MMIO + 0x10);
}

void ioapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)IOAPIC_MMIO = reg;
	*(volatile u32 *)(IOAPIC_MMIO + 0x10) = v;
}

void pic_mask(u32 mask)
{
	outb(0x21, mask);
	outb(0xa1, mask >> 8);
}

void pic_init(u32 master_base, u32 slave_base)
{
	outb(0x20, 0x11);
	outb(0x21, master_base);
	outb(0x21, 0x04);
	outb(0x21, 0x01);
	outb(0xa0, 0x11);
	outb(0xa1, slave_base);
	outb(0xa1, 0x02);
	outb(0xa1, 0x01);
	pic_mask(0xffff);
}
