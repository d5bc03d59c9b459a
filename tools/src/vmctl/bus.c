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

/* SIZE is 1, 2, 4 or 8: spelled out, because a copy of unknown length is a call into libc. */
static uint64_t load(const void *p, unsigned int size)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&v16, p, sizeof(v16));
		return v16;
	case 4:
		memcpy(&v32, p, sizeof(v32));
		return v32;
	default:
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
}

static void store(void *p, unsigned int size, uint64_t v)
{
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	switch (size) {
	case 1:
		*(uint8_t *)p = (uint8_t)v;
		break;
	case 2:
		memcpy(p, &v16, sizeof(v16));
		break;
	case 4:
		memcpy(p, &v32, sizeof(v32));
		break;
	default:
		memcpy(p, &v, sizeof(v));
	}
}

static void access_range(const struct rd_range *r, uint64_t addr, bool is_write, unsigned int size,
			 void *data)
{
	if (!r) {
		if (!is_write)
			store(data, size, UINT64_MAX);
	} else if (is_write) {
		r->ops->write(r->dev, addr - r->base, size, load(data, size));
	} else {
		store(data, size, r->ops->read(r->dev, addr - r->base, size));
	}
}

/* A device takes an access whole if it fits the range and the device's width. */
static bool takes_whole(const struct rd_range *r, uint64_t addr, unsigned int size)
{
	if (size & (size - 1))
		return false;
	return !r || (size <= r->max_size &&
		      (r->overhang || size <= r->len - (addr - r->base)));
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
