// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and pins of the 82093AA. A level-triggered pin that was delivered sets the entry's
 * remote IRR and is not delivered again before its vector is acknowledged.
 */
#include "tools/src/vmctl/dev_ioapic.h"

#include "tools/src/vmctl/layout.h"

#include <string.h>

#define OFF_SELECT 0x00u
#define OFF_WINDOW 0x10u
#define WINDOW_LEN 0x1000u

#define REG_ID 0x00u
#define REG_VERSION 0x01u
#define REG_ARBITRATION 0x02u
#define REG_RTE 0x10u
#define VERSION 0x11u

#define RTE_VECTOR 0xffull
#define RTE_DELIVERY (7ull << 8)
#define RTE_LOGICAL (1ull << 11)
#define RTE_STATUS (1ull << 12)
#define RTE_REMOTE_IRR (1ull << 14)
#define RTE_LEVEL (1ull << 15)
#define RTE_MASKED (1ull << 16)
#define RTE_READ_ONLY (RTE_STATUS | RTE_REMOTE_IRR)
#define RTE_DEST_SHIFT 56
#define RTE_EXT_DEST_SHIFT 49	/* bits 14 to 8 of the APIC id, in reserved bits */
#define RTE_EXT_DEST_MASK 0x7full

#define MSI_BASE 0xfee00000ull
#define MSI_DEST_SHIFT 12
#define MSI_EXT_DEST_SHIFT 40	/* bits 31 to 8 of the id, in the upper half of the address */
#define MSI_LOGICAL (1u << 2)
#define MSI_ASSERT (1u << 14)
#define MSI_LEVEL (1u << 15)

struct rd_msi rd_ioapic_message(uint64_t rte)
{
	return (struct rd_msi){
		.address = MSI_BASE |
			   (rte >> RTE_EXT_DEST_SHIFT & RTE_EXT_DEST_MASK) << MSI_EXT_DEST_SHIFT |
			   (rte >> RTE_DEST_SHIFT) << MSI_DEST_SHIFT |
			   (rte & RTE_LOGICAL ? MSI_LOGICAL : 0),
		.data = (uint32_t)(rte & (RTE_VECTOR | RTE_DELIVERY)) |
			(rte & RTE_LEVEL ? MSI_LEVEL | MSI_ASSERT : 0),
		.masked = rte & RTE_MASKED,
	};
}

/* Caller holds the lock, in all functions up to the bus's. */
static void deliver(struct rd_ioapic *io, unsigned int pin)
{
	struct rd_msi msi = rd_ioapic_message(io->rte[pin]);

	if (io->rte[pin] & RTE_LEVEL)
		io->rte[pin] |= RTE_REMOTE_IRR;
	io->host.send(io->host.ctx, &msi);
}

/* Deliver a level-triggered pin that is asserted, open and not in service. */
static void deliver_level(struct rd_ioapic *io, unsigned int pin)
{
	uint64_t state = io->rte[pin] & (RTE_LEVEL | RTE_MASKED | RTE_REMOTE_IRR);

	if ((io->level >> pin & 1) && state == RTE_LEVEL)
		deliver(io, pin);
}

static void send_routes(struct rd_ioapic *io)
{
	struct rd_msi msi[RD_IOAPIC_PINS];

	for (unsigned int i = 0; i < RD_IOAPIC_PINS; i++)
		msi[i] = rd_ioapic_message(io->rte[i]);
	io->host.route(io->host.ctx, msi);
}

static void write_rte(struct rd_ioapic *io, unsigned int reg, uint32_t v)
{
	unsigned int pin = (reg - REG_RTE) / 2;
	uint64_t old = io->rte[pin];
	uint64_t rte;

	if (reg & 1)
		rte = (old & 0xffffffff) | (uint64_t)v << 32;
	else
		rte = (old & 0xffffffff00000000ull) | (v & ~RTE_READ_ONLY) | (old & RTE_READ_ONLY);
	if (!(rte & RTE_LEVEL))
		rte &= ~RTE_REMOTE_IRR;
	io->rte[pin] = rte;
	if (rte == old)
		return;
	send_routes(io);
	deliver_level(io, pin);
}

static uint32_t read_reg(const struct rd_ioapic *io)
{
	unsigned int reg = io->select;

	if (reg >= REG_RTE && reg < REG_RTE + 2 * RD_IOAPIC_PINS)
		return (uint32_t)(io->rte[(reg - REG_RTE) / 2] >> (reg & 1 ? 32 : 0));
	switch (reg) {
	case REG_ID:
	case REG_ARBITRATION:
		return io->id << 24;
	case REG_VERSION:
		return VERSION | (RD_IOAPIC_PINS - 1) << 16;
	default:
		return 0xffffffff;
	}
}

static void write_reg(struct rd_ioapic *io, uint32_t v)
{
	unsigned int reg = io->select;

	if (reg >= REG_RTE && reg < REG_RTE + 2 * RD_IOAPIC_PINS)
		write_rte(io, reg, v);
	else if (reg == REG_ID)
		io->id = v >> 24 & 0xf;
}

static uint64_t ioapic_read(void *dev, uint64_t off, unsigned int size)
{
	struct rd_ioapic *io = dev;
	uint64_t v = 0;

	(void)size;
	pthread_mutex_lock(&io->lock);
	if (off == OFF_SELECT)
		v = io->select;
	else if (off == OFF_WINDOW)
		v = read_reg(io);
	pthread_mutex_unlock(&io->lock);
	return v;
}

static void ioapic_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_ioapic *io = dev;

	(void)size;
	pthread_mutex_lock(&io->lock);
	if (off == OFF_SELECT)
		io->select = value & 0xff;
	else if (off == OFF_WINDOW)
		write_reg(io, (uint32_t)value);
	pthread_mutex_unlock(&io->lock);
}

void rd_ioapic_set(void *ioapic, unsigned int pin, bool level)
{
	struct rd_ioapic *io = ioapic;
	bool was;

	pthread_mutex_lock(&io->lock);
	was = io->level >> pin & 1;
	io->level = (io->level & ~(1u << pin)) | (uint32_t)level << pin;
	if (io->rte[pin] & RTE_LEVEL)
		deliver_level(io, pin);
	else if (level && !was && !(io->rte[pin] & RTE_MASKED))
		deliver(io, pin);
	pthread_mutex_unlock(&io->lock);
}

void rd_ioapic_eoi(struct rd_ioapic *io, uint8_t vector)
{
	pthread_mutex_lock(&io->lock);
	for (unsigned int pin = 0; pin < RD_IOAPIC_PINS; pin++) {
		if (!(io->rte[pin] & RTE_REMOTE_IRR) || (io->rte[pin] & RTE_VECTOR) != vector)
			continue;
		io->rte[pin] &= ~RTE_REMOTE_IRR;
		deliver_level(io, pin);
	}
	pthread_mutex_unlock(&io->lock);
}

static const struct rd_range_ops ioapic_ops = { .read = ioapic_read, .write = ioapic_write };

bool rd_ioapic_init(struct rd_ioapic *io, struct rd_bus *bus, struct rd_ioapic_host host)
{
	memset(io, 0, sizeof(*io));
	pthread_mutex_init(&io->lock, NULL);
	io->host = host;
	for (unsigned int i = 0; i < RD_IOAPIC_PINS; i++)
		io->rte[i] = RTE_MASKED;
	return rd_bus_add_mmio(bus, (struct rd_range){
		.base = RD_IOAPIC_GPA, .len = WINDOW_LEN, .max_size = 8, .ops = &ioapic_ops,
		.dev = io,
	});
}

static void ioapic_transfer(void *dev, struct rd_pack *p)
{
	struct rd_ioapic *io = dev;

	rd_pack_u32(p, &io->select);
	rd_pack_u32(p, &io->id);
	rd_pack_u32(p, &io->level);
	for (unsigned int i = 0; i < RD_IOAPIC_PINS; i++)
		rd_pack_u64(p, &io->rte[i]);
}

static bool ioapic_loaded(void *dev)
{
	struct rd_ioapic *io = dev;

	for (unsigned int i = 0; i < RD_IOAPIC_PINS; i++)
		if ((io->rte[i] & RTE_STATUS) ||
		    (io->rte[i] & (RTE_REMOTE_IRR | RTE_LEVEL)) == RTE_REMOTE_IRR)
			return false;
	return io->select <= 0xff && io->id <= 0xf && !(io->level >> RD_IOAPIC_PINS);
}

/* The pins' levels are saved here; what the kernel must know is which vectors to watch. */
static void ioapic_lines(void *dev)
{
	struct rd_ioapic *io = dev;

	pthread_mutex_lock(&io->lock);
	send_routes(io);
	pthread_mutex_unlock(&io->lock);
}

const struct rd_state_ops rd_ioapic_state = {
	.version = 1,
	.transfer = ioapic_transfer,
	.loaded = ioapic_loaded,
	.lines = ioapic_lines,
};
