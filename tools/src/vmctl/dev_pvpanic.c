// SPDX-License-Identifier: GPL-2.0-only
/*
 * The panic port: reading tells which events are understood, writing reports one. A guest that is
 * about to run its crash kernel says so and is left alone.
 */
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/layout.h"

#define PANICKED (1u << 0)
#define CRASH_LOADED (1u << 1)

static uint64_t panic_read(void *dev, uint64_t off, unsigned int size)
{
	(void)dev;
	(void)off;
	(void)size;
	return PANICKED | CRASH_LOADED;
}

static void panic_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_ender *ender = dev;

	(void)off;
	(void)size;
	if (value & PANICKED)
		ender->end(ender->ctx, RD_END_PANIC);
}

static const struct rd_range_ops panic_ops = { .read = panic_read, .write = panic_write };

bool rd_pvpanic_init(struct rd_ender *ender, struct rd_bus *bus)
{
	return rd_bus_add_pio(bus, (struct rd_range){
		.base = RD_PORT_PVPANIC, .len = 1, .max_size = 1, .ops = &panic_ops, .dev = ender,
	});
}
