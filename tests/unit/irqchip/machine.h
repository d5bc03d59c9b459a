/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for tests of the interrupt controllers: one chip, some vCPUs' local APICs, and records
 * of what the VM code was told. Invariant: machine_create() starts from a reset host, so tests do
 * not see each other.
 */
#ifndef RD_TESTS_UNIT_MACHINE_H
#define RD_TESTS_UNIT_MACHINE_H

#include "tests/unit/host_shim.h"
#include "vmm/irqchip.h"
#include "vmm/lapic_priv.h"

struct machine {
	struct rd_irqchip chip;
	struct rd_lapic *lapic[RD_MAX_VCPU_IDS];
	unsigned int kicks[RD_MAX_VCPU_IDS];
	unsigned int pic_changes;
	unsigned int user_eois, user_eoi_vector, user_eoi_id;
	unsigned int pin_eois[3][RD_IOAPIC_PINS];
	/* What rd_irqchip_pin_eoi() does besides counting: the line that it takes down, -1 none. */
	int lower_gsi;
};

extern struct machine m;

/* vCPUs 0..nr-1, software-enabled (spurious vector 0xff) in xAPIC mode. mode as of the irqchip. */
void machine_create(unsigned int nr, enum rd_irqchip_mode mode);
void machine_add(u32 id);
void machine_destroy(void);
unsigned int machine_kicks(void);

/* Guest accesses. */
u32 apic_read(struct rd_lapic *l, u32 offset);
void apic_write(struct rd_lapic *l, u32 offset, u32 val);
void apic_x2(struct rd_lapic *l);
u32 ioapic_read(u32 index);
void ioapic_write(u32 index, u32 val);
void ioapic_redir(unsigned int pin, u64 entry);
/* Inject the next vector and return it, -1 if there is none. */
int apic_take(struct rd_lapic *l);
bool irr_has(const struct rd_lapic *l, unsigned int vector);
bool isr_has(const struct rd_lapic *l, unsigned int vector);

#endif
