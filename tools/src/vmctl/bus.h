/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bus: which device answers which I/O port and which physical address.
 *
 * Devices register their ranges while the machine is put together; after the first vCPU runs the
 * registry is read-only, so an access takes no lock here. A device guards its own state with its
 * own mutex (devices without mutable state have none) and never calls into another device while
 * it holds that mutex, except to move its interrupt line, which is one ioctl.
 *
 * Nobody's ports and addresses read as all ones and swallow writes, as an open bus does.
 */
#ifndef RD_TOOLS_BUS_H
#define RD_TOOLS_BUS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Access functions of a device. OFF is relative to the start of the range, SIZE is 1, 2, 4 or 8
 * and at most the range's max_size. Called from any vCPU thread, several at once.
 */
struct rd_range_ops {
	uint64_t (*read)(void *dev, uint64_t off, unsigned int size);
	void (*write)(void *dev, uint64_t off, unsigned int size, uint64_t value);
};

struct rd_range {
	uint64_t base;
	uint64_t len;
	unsigned int max_size;	/* a wider access arrives as single bytes */
	bool overhang;		/* an access that starts in the range may end beyond it */
	const struct rd_range_ops *ops;
	void *dev;
};

#define RD_BUS_PIO_RANGES 32
#define RD_BUS_MMIO_RANGES 16

struct rd_bus {
	uint8_t port_owner[65536];	/* index into pio, plus one; 0 = nobody */
	struct rd_range pio[RD_BUS_PIO_RANGES];
	struct rd_range mmio[RD_BUS_MMIO_RANGES];
	unsigned int n_pio;
	unsigned int n_mmio;
};

/* rd_bus_init - an empty bus. */
void rd_bus_init(struct rd_bus *bus);

/*
 * rd_bus_add_pio, rd_bus_add_mmio - give a range to a device. False when it is empty, leaves the
 * address space, overlaps another range, or the registry is full.
 */
bool rd_bus_add_pio(struct rd_bus *bus, struct rd_range range);
bool rd_bus_add_mmio(struct rd_bus *bus, struct rd_range range);

/*
 * rd_bus_pio - carry out COUNT accesses of SIZE bytes (1, 2 or 4) to PORT, with the data at DATA,
 * as a string instruction does them: one after the other, all to the same port.
 */
void rd_bus_pio(struct rd_bus *bus, uint16_t port, bool is_write, unsigned int size,
		uint32_t count, void *data);

/* rd_bus_mmio - one access of LEN bytes (1 to 8) to physical address GPA. */
void rd_bus_mmio(struct rd_bus *bus, uint64_t gpa, bool is_write, unsigned int len, void *data);

#endif
