// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space and dispatch of BAR accesses. */
#include "tools/src/vmctl/pci.h"

#include "tools/src/vmctl/layout.h"

#include <linux/pci_regs.h>
#include <string.h>

#define ADDRESS_ENABLE (1u << 31)
#define ADDRESS_BITS 0x80fffffcu

/* The bridge of QEMU's PCI Express machines: guests know it and expect nothing of it. */
#define BRIDGE_VENDOR 0x1b36u
#define BRIDGE_DEVICE 0x0008u
#define CLASS_HOST_BRIDGE 0x060000u

void rd_pci_set16(struct rd_pci_dev *d, unsigned int reg, uint16_t v)
{
	memcpy(d->config + reg, &v, sizeof(v));
}

void rd_pci_set32(struct rd_pci_dev *d, unsigned int reg, uint32_t v)
{
	memcpy(d->config + reg, &v, sizeof(v));
}

uint16_t rd_pci_get16(const struct rd_pci_dev *d, unsigned int reg)
{
	uint16_t v;

	memcpy(&v, d->config + reg, sizeof(v));
	return v;
}

uint32_t rd_pci_get32(const struct rd_pci_dev *d, unsigned int reg)
{
	uint32_t v;

	memcpy(&v, d->config + reg, sizeof(v));
	return v;
}

/* The device that the address register selects, NULL for none. */
static struct rd_pci_dev *selected(const struct rd_pci *pci)
{
	uint32_t a = pci->address;

	/* Only bus 0 and functions 0 exist. */
	if (!(a & ADDRESS_ENABLE) || a & 0x00ff0700)
		return NULL;
	return pci->slots[a >> 11 & 0x1f];
}

static uint64_t address_read(void *ctx, uint64_t off, unsigned int size)
{
	struct rd_pci *pci = ctx;
	uint32_t v;

	(void)off;
	pthread_mutex_lock(&pci->lock);
	v = pci->address;
	pthread_mutex_unlock(&pci->lock);
	return size == 4 ? v : UINT64_MAX;
}

static void address_write(void *ctx, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_pci *pci = ctx;

	(void)off;
	if (size != 4)
		return;
	pthread_mutex_lock(&pci->lock);
	pci->address = (uint32_t)value & ADDRESS_BITS;
	pthread_mutex_unlock(&pci->lock);
}

static uint64_t data_read(void *ctx, uint64_t off, unsigned int size)
{
	struct rd_pci *pci = ctx;
	struct rd_pci_dev *d;
	uint64_t v = UINT64_MAX;
	unsigned int reg;

	pthread_mutex_lock(&pci->lock);
	d = selected(pci);
	if (d) {
		reg = (pci->address & 0xfc) + (unsigned int)off;
		if (d->ops && d->ops->config_reading)
			d->ops->config_reading(d->dev, reg, size);
		v = 0;
		memcpy(&v, d->config + reg, size);
	}
	pthread_mutex_unlock(&pci->lock);
	return v;
}

static void data_write(void *ctx, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_pci *pci = ctx;
	struct rd_pci_dev *d;
	unsigned int reg;

	pthread_mutex_lock(&pci->lock);
	d = selected(pci);
	if (d) {
		reg = (pci->address & 0xfc) + (unsigned int)off;
		for (unsigned int i = 0; i < size; i++) {
			uint8_t mask = d->writable[reg + i];

			d->config[reg + i] = (uint8_t)((d->config[reg + i] & ~mask) |
						       (value >> (8 * i) & mask));
		}
		if (d->ops && d->ops->config_written)
			d->ops->config_written(d->dev, reg, size);
	}
	pthread_mutex_unlock(&pci->lock);
}

/* The device whose BAR is at OFF of the window and decodes now, NULL for none. */
static struct rd_pci_dev *decoder(struct rd_pci *pci, uint64_t off)
{
	struct rd_pci_dev *d = pci->slots[off / RD_PCI_BAR_LEN];
	bool on;

	if (!d || !d->bar_gpa)
		return NULL;
	pthread_mutex_lock(&pci->lock);
	on = rd_pci_get16(d, PCI_COMMAND) & PCI_COMMAND_MEMORY &&
	     (rd_pci_get32(d, PCI_BASE_ADDRESS_0) & ~0xfu) == d->bar_gpa;
	pthread_mutex_unlock(&pci->lock);
	return on ? d : NULL;
}

static uint64_t window_read(void *ctx, uint64_t off, unsigned int size)
{
	struct rd_pci_dev *d = decoder(ctx, off);

	return d ? d->ops->bar_read(d->dev, off % RD_PCI_BAR_LEN, size) : UINT64_MAX;
}

static void window_write(void *ctx, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_pci_dev *d = decoder(ctx, off);

	if (d)
		d->ops->bar_write(d->dev, off % RD_PCI_BAR_LEN, size, value);
}

static void fill_header(struct rd_pci_dev *d, const struct rd_pci_id *id)
{
	rd_pci_set16(d, PCI_VENDOR_ID, id->vendor);
	rd_pci_set16(d, PCI_DEVICE_ID, id->device);
	rd_pci_set32(d, PCI_CLASS_REVISION, id->class_code << 8 | id->revision);
	rd_pci_set16(d, PCI_SUBSYSTEM_VENDOR_ID, id->subsystem_vendor);
	rd_pci_set16(d, PCI_SUBSYSTEM_ID, id->subsystem);
	d->cap_end = PCI_STD_HEADER_SIZEOF;
	d->cap_last = 0;
}

bool rd_pci_add(struct rd_pci *pci, struct rd_pci_dev *d, const struct rd_pci_id *id,
		const struct rd_pci_ops *ops, void *dev)
{
	unsigned int slot = 0;

	while (slot < RD_PCI_SLOTS && pci->slots[slot])
		slot++;
	if (slot == RD_PCI_SLOTS)
		return false;
	memset(d, 0, sizeof(*d));
	d->pci = pci;
	d->ops = ops;
	d->dev = dev;
	d->slot = slot;
	fill_header(d, id);
	d->writable[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	d->writable[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	d->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	d->writable[PCI_INTERRUPT_LINE] = 0xff;
	if (ops) {
		d->bar_gpa = RD_PCI_WINDOW_GPA + slot * RD_PCI_BAR_LEN;
		rd_pci_set32(d, PCI_BASE_ADDRESS_0, d->bar_gpa);
		memset(d->writable + PCI_BASE_ADDRESS_0 + 2, 0xff, 2);
	}
	pci->slots[slot] = d;
	return true;
}

unsigned int rd_pci_add_cap(struct rd_pci_dev *d, uint8_t id, unsigned int len)
{
	unsigned int at = d->cap_end;

	d->config[d->cap_last ? d->cap_last + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST] =
		(uint8_t)at;
	d->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	d->config[at + PCI_CAP_LIST_ID] = id;
	d->cap_last = at;
	d->cap_end = (at + len + 3) & ~3u;
	return at;
}

static const struct rd_range_ops address_ops = { .read = address_read, .write = address_write };
static const struct rd_range_ops data_ops = { .read = data_read, .write = data_write };
static const struct rd_range_ops window_ops = { .read = window_read, .write = window_write };

bool rd_pci_init(struct rd_pci *pci, struct rd_bus *bus)
{
	static const struct rd_pci_id bridge = {
		.vendor = BRIDGE_VENDOR, .device = BRIDGE_DEVICE, .class_code = CLASS_HOST_BRIDGE,
	};

	memset(pci, 0, sizeof(*pci));
	pthread_mutex_init(&pci->lock, NULL);
	rd_pci_add(pci, &pci->bridge, &bridge, NULL, NULL);
	/* The address register is a double word; its second byte alone is the reset register. */
	return rd_bus_add_pio(bus, (struct rd_range){
			.base = RD_PORT_PCI_INDEX, .len = 1, .max_size = 4, .overhang = true,
			.ops = &address_ops, .dev = pci,
	       }) &&
	       rd_bus_add_pio(bus, (struct rd_range){
			.base = RD_PORT_PCI_DATA, .len = 4, .max_size = 4, .ops = &data_ops,
			.dev = pci,
	       }) &&
	       rd_bus_add_mmio(bus, (struct rd_range){
			.base = RD_PCI_WINDOW_GPA, .len = RD_PCI_SLOTS * RD_PCI_BAR_LEN,
			.max_size = 8, .ops = &window_ops, .dev = pci,
	       });
}

/* What the guest cannot write must be the same: else it is another device. */
static void slot_transfer(struct rd_pci_dev *d, struct rd_pack *p)
{
	uint8_t config[RD_PCI_CONFIG_LEN];

	memcpy(config, d->config, sizeof(config));
	rd_pack_bytes(p, config, sizeof(config));
	for (unsigned int i = 0; i < sizeof(config); i++)
		if ((config[i] ^ d->config[i]) & ~d->writable[i])
			p->bad = true;
	if (!p->bad)
		memcpy(d->config, config, sizeof(config));
}

static void pci_transfer(void *dev, struct rd_pack *p)
{
	struct rd_pci *pci = dev;
	uint32_t present = 0, now = 0;

	for (unsigned int i = 0; i < RD_PCI_SLOTS; i++)
		now |= (uint32_t)(pci->slots[i] != NULL) << i;
	present = now;
	rd_pack_u32(p, &present);
	rd_pack_u32(p, &pci->address);
	if (present != now || pci->address & ~ADDRESS_BITS)
		p->bad = true;
	for (unsigned int i = 0; i < RD_PCI_SLOTS; i++)
		if (pci->slots[i])
			slot_transfer(pci->slots[i], p);
}

const struct rd_state_ops rd_pci_state = { .version = 1, .transfer = pci_transfer };
