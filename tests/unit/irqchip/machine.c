// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of machine.h. Invariant: everything it allocates is freed by machine_destroy(), which
 * also checks that.
 */
#include <check.h>

#include "tests/unit/irqchip/machine.h"

struct machine m;

void rd_lapic_kick(struct rd_lapic *l)
{
	m.kicks[l->id]++;
}

void rd_irqchip_pic_changed(struct rd_irqchip *c)
{
	ck_assert_ptr_eq(c, &m.chip);
	m.pic_changes++;
}

void rd_irqchip_user_eoi(struct rd_lapic *l, u8 vector)
{
	m.user_eois++;
	m.user_eoi_vector = vector;
	m.user_eoi_id = l->id;
}

void rd_irqchip_pin_eoi(struct rd_irqchip *c, unsigned int chip, unsigned int pin)
{
	m.pin_eois[chip][pin]++;
	if (m.lower_gsi >= 0)
		rd_irqchip_set_gsi(c, (u32)m.lower_gsi, RD_IRQ_SOURCE_USER, false);
}

void machine_add(u32 id)
{
	struct rd_lapic *l = aligned_alloc(64, sizeof(*l));

	ck_assert_ptr_nonnull(l);
	ck_assert_int_eq(rd_lapic_init(l, &m.chip, id, id == 0), 0);
	apic_write(l, RD_APIC_SVR, 0x1ff);
	m.lapic[id] = l;
}

void machine_create(unsigned int nr, enum rd_irqchip_mode mode)
{
	unsigned int i;

	rd_shim_reset();
	memset(&m, 0, sizeof(m));
	m.lower_gsi = -1;
	rd_irqchip_init(&m.chip);
	if (mode == RD_IRQCHIP_KERNEL)
		ck_assert_int_eq(rd_irqchip_create(&m.chip), 0);
	else if (mode == RD_IRQCHIP_SPLIT)
		ck_assert_int_eq(rd_irqchip_create_split(&m.chip, 24), 0);
	for (i = 0; i < nr; i++)
		machine_add(i);
}

void machine_destroy(void)
{
	unsigned int i;

	rd_irqchip_destroy(&m.chip);
	for (i = 0; i < RD_MAX_VCPU_IDS; i++) {
		if (!m.lapic[i])
			continue;
		rd_lapic_destroy(m.lapic[i]);
		free(m.lapic[i]);
	}
	ck_assert_uint_eq(rd_shim_allocations(), 0);
	ck_assert_uint_eq(rd_shim_next_expiry(), 0);
}

unsigned int machine_kicks(void)
{
	unsigned int i, sum = 0;

	for (i = 0; i < RD_MAX_VCPU_IDS; i++)
		sum += m.kicks[i];
	return sum;
}

u32 apic_read(struct rd_lapic *l, u32 offset)
{
	u32 val = 0xdeadbeef;
	u64 wide;

	if (rd_lapic_x2apic(l)) {
		ck_assert_int_eq(rd_lapic_msr_read(l, 0x800 + offset / 16, &wide), 0);
		return (u32)wide;
	}
	ck_assert_int_eq(rd_lapic_mmio_read(l, offset, 4, &val), 0);
	return val;
}

void apic_write(struct rd_lapic *l, u32 offset, u32 val)
{
	if (rd_lapic_x2apic(l))
		ck_assert_int_eq(rd_lapic_msr_write(l, 0x800 + offset / 16, val), 0);
	else
		ck_assert_int_eq(rd_lapic_mmio_write(l, offset, 4, &val), 0);
}

void apic_x2(struct rd_lapic *l)
{
	ck_assert_int_eq(rd_lapic_set_base(l, l->base | RD_APIC_BASE_X2APIC, false), 0);
}

u32 ioapic_read(u32 index)
{
	u32 val;

	rd_ioapic_write(&m.chip, 0, 4, &index);
	rd_ioapic_read(&m.chip.ioapic, 0x10, 4, &val);
	return val;
}

void ioapic_write(u32 index, u32 val)
{
	rd_ioapic_write(&m.chip, 0, 4, &index);
	rd_ioapic_write(&m.chip, 0x10, 4, &val);
}

void ioapic_redir(unsigned int pin, u64 entry)
{
	ioapic_write(0x11 + 2 * pin, entry >> 32);
	ioapic_write(0x10 + 2 * pin, (u32)entry);
}

int apic_take(struct rd_lapic *l)
{
	int vector = rd_lapic_next(l);

	if (vector >= 0)
		rd_lapic_ack(l, vector);
	return vector;
}

bool irr_has(const struct rd_lapic *l, unsigned int vector)
{
	return test_bit(vector, l->irr);
}

bool isr_has(const struct rd_lapic *l, unsigned int vector)
{
	return test_bit(vector, l->isr);
}
