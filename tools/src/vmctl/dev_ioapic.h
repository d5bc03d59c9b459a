/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The I/O APIC of a machine whose local APICs alone are in the kernel (--irqchip split). It turns
 * pins into MSI messages and is told by the kernel when a level-triggered vector was acknowledged.
 */
#ifndef RD_TOOLS_DEV_IOAPIC_H
#define RD_TOOLS_DEV_IOAPIC_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/state.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define RD_IOAPIC_PINS 24u

struct rd_msi {
	uint64_t address;
	uint32_t data;
	bool masked;
};

/* What the I/O APIC asks of the machine. Called with its lock held. */
struct rd_ioapic_host {
	/* Deliver one message. */
	void (*send)(void *ctx, const struct rd_msi *msi);
	/* The pins' messages changed: which level-triggered vectors to watch depends on them. */
	void (*route)(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS]);
	void *ctx;
};

struct rd_ioapic {
	pthread_mutex_t lock;	/* guards everything below host; taken inside devices' locks */
	struct rd_ioapic_host host;
	uint32_t select;
	uint32_t id;
	uint32_t level;		/* pins that are asserted */
	uint64_t rte[RD_IOAPIC_PINS];
};

/* rd_ioapic_init - reset state: all pins masked. False: the addresses are taken. */
bool rd_ioapic_init(struct rd_ioapic *io, struct rd_bus *bus, struct rd_ioapic_host host);

/* rd_ioapic_set - move a pin. The signature is that of struct rd_irq. Any thread. */
void rd_ioapic_set(void *ioapic, unsigned int pin, bool level);

/* rd_ioapic_eoi - a vCPU acknowledged VECTOR. Any thread. */
void rd_ioapic_eoi(struct rd_ioapic *io, uint8_t vector);

/* rd_ioapic_message - the MSI message that redirection entry RTE stands for. */
struct rd_msi rd_ioapic_message(uint64_t rte);

/* rd_ioapic_state - for rd_states_add(). */
extern const struct rd_state_ops rd_ioapic_state;

#endif
