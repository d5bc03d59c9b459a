/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI bus 0: a host bridge and single-function devices, reached by configuration mechanism #1
 * (ports 0xcf8 and 0xcfc). Each device has one memory BAR at an address that the slot number
 * gives; it answers there as long as memory decoding is on. A guest may size BARs, but a BAR that
 * is moved elsewhere does not answer.
 *
 * `lock` guards the address register and all configuration space. It is released before BAR
 * accesses, whose devices have locks of their own.
 */
#ifndef RD_TOOLS_PCI_H
#define RD_TOOLS_PCI_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/state.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define RD_PCI_SLOTS 32u
#define RD_PCI_CONFIG_LEN 256u
/* Every slot's share of the memory window. */
#define RD_PCI_BAR_LEN 0x10000u

struct rd_pci;

struct rd_pci_id {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint32_t class_code;	/* 24 bits */
	uint8_t revision;
};

/* What a device does beyond plain registers. */
struct rd_pci_ops {
	/* BAR accesses: OFF is within the BAR, SIZE is 1, 2, 4 or 8. Any vCPU thread. */
	uint64_t (*bar_read)(void *dev, uint64_t off, unsigned int size);
	void (*bar_write)(void *dev, uint64_t off, unsigned int size, uint64_t value);
	/* Optional, both under the bus's lock: before SIZE bytes at REG are read, after a write. */
	void (*config_reading)(void *dev, unsigned int reg, unsigned int size);
	void (*config_written)(void *dev, unsigned int reg, unsigned int size);
};

struct rd_pci_dev {
	struct rd_pci *pci;
	const struct rd_pci_ops *ops;
	void *dev;
	unsigned int slot;
	uint32_t bar_gpa;			/* 0: no BAR */
	uint8_t config[RD_PCI_CONFIG_LEN];
	uint8_t writable[RD_PCI_CONFIG_LEN];	/* bits that the guest can change */
	unsigned int cap_end;			/* first byte after the last capability */
	unsigned int cap_last;			/* the capability to link the next one to */
};

struct rd_pci {
	pthread_mutex_t lock;
	uint32_t address;
	struct rd_pci_dev bridge;
	struct rd_pci_dev *slots[RD_PCI_SLOTS];
};

/* rd_pci_init - the bus with its bridge, attached to BUS. False: ports or addresses are taken. */
bool rd_pci_init(struct rd_pci *pci, struct rd_bus *bus);

/*
 * rd_pci_add - put D into the next free slot, with an empty 64 KiB BAR 0 if OPS has accesses.
 * Before the first vCPU runs. False: no slot is free.
 */
bool rd_pci_add(struct rd_pci *pci, struct rd_pci_dev *d, const struct rd_pci_id *id,
		const struct rd_pci_ops *ops, void *dev);

/*
 * rd_pci_add_cap - append a capability of LEN bytes with type ID, whose content after the two
 * header bytes is zero and read-only. Returns its offset; there is room for what vmctl has.
 */
unsigned int rd_pci_add_cap(struct rd_pci_dev *d, uint8_t id, unsigned int len);

/* rd_pci_state - for rd_states_add(): the bus and all configuration space. */
extern const struct rd_state_ops rd_pci_state;

/* Little-endian fields of configuration space. */
void rd_pci_set16(struct rd_pci_dev *d, unsigned int reg, uint16_t v);
void rd_pci_set32(struct rd_pci_dev *d, unsigned int reg, uint32_t v);
uint16_t rd_pci_get16(const struct rd_pci_dev *d, unsigned int reg);
uint32_t rd_pci_get32(const struct rd_pci_dev *d, unsigned int reg);

#endif
