// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of port and memory-mapped accesses. A port is found by one table look-up, an address
 * by walking a handful of ranges: this is the path of every exit that reaches user space.
 */
#include "tools/src/vmctl/bus.h"

#include <string.h>

void rd_bus_init(struct rd_bus *bus)
{
	memset(bus, 0, sizeof(*bus));
}

bool rd_bus_add_pio(struct rd_bus *bus, struct rd_range range)
{
	if (bus->n_pio == RD_BUS_PIO_RANGES || !range.len || range.base > 0xffff ||
	    range.len > 0x10000 - range.base)
		return false;
	for (uint64_t i = 0; i < range.len; i++)
		if (bus->port_owner[range.base + i])
			return false;
	bus->pio[bus->n_pio++] = range;
	memset(&bus->port_owner[range.base], (int)bus->n_pio, range.len);
	return true;
}

bool rd_bus_add_mmio(struct rd_bus *bus, struct rd_range range)
{
	if (bus->n_mmio == RD_BUS_MMIO_RANGES || !range.len ||
	    range.base + (range.len - 1) < range.base)
		return false;
	for (unsigned int i = 0; i < bus->n_mmio; i++) {
		const struct rd_range *r = &bus->mmio[i];

		if (range.base <= r->base + (r->len - 1) && r->base <= range.base + (range.len - 1))
			return false;
	}
	bus->mmio[bus->n_mmio++] = range;
	return true;
}

static const struct rd_range *find_port(const struct rd_bus *bus, uint32_t port)
{
	unsigned int owner = port <= 0xffff ? bus->port_owner[port] : 0;

	return owner ? &bus->pio[owner - 1] : NULL;
}

static const struct rd_range *find_mmio(const struct rd_bus *bus, uint64_t gpa)
{
	for (unsigned int i = 0; i < bus->n_mmio; i++)
		if (gpa - bus->mmio[i].base < bus->mmio[i].len)
			return &bus->mmio[i];
	return NULL;
}

static uint64_t load(const void *p, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static void access_range(const struct rd_range *r, uint64_t addr, bool is_write, unsigned int size,
			 void *data)
{
	uint64_t value;

	if (!r) {
		if (!is_write)
			memset(data, 0xff, size);
		return;
	}
	if (is_write) {
		r->ops->write(r->dev, addr - r->base, size, load(data, size));
		return;
	}
	value = r->ops->read(r->dev, addr - r->base, size);
	memcpy(data, &value, size);
}

/* A device takes an access whole if it fits the range and the device's width. */
static bool takes_whole(const struct rd_range *r, uint64_t addr, unsigned int size)
{
	return !r || (size <= r->max_size && !(size & (size - 1)) &&
		      size <= r->len - (addr - r->base));
}

static void pio_one(struct rd_bus *bus, uint16_t port, bool is_write, unsigned int size, void *data)
{
	const struct rd_range *r = find_port(bus, port);
	uint8_t *byte = data;

	if (__builtin_expect(takes_whole(r, port, size), 1)) {
		access_range(r, port, is_write, size, data);
		return;
	}
	for (unsigned int i = 0; i < size; i++)
		access_range(find_port(bus, (uint32_t)port + i), (uint64_t)port + i, is_write, 1,
			     byte + i);
}

void rd_bus_pio(struct rd_bus *bus, uint16_t port, bool is_write, unsigned int size,
		uint32_t count, void *data)
{
	uint8_t *p = data;

	for (; count; count--, p += size)
		pio_one(bus, port, is_write, size, p);
}

void rd_bus_mmio(struct rd_bus *bus, uint64_t gpa, bool is_write, unsigned int len, void *data)
{
	const struct rd_range *r = find_mmio(bus, gpa);
	uint8_t *byte = data;

	if (takes_whole(r, gpa, len)) {
		access_range(r, gpa, is_write, len, data);
		return;
	}
	for (unsigned int i = 0; i < len; i++)
		access_range(find_mmio(bus, gpa + i), gpa + i, is_write, 1, byte + i);
}
