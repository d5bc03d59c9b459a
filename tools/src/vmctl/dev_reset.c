// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two ports through which PC software resets the machine: the reset control register 0xcf9
 * and the reset command of the keyboard controller. No keyboard is behind the controller.
 */
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/layout.h"

#define RESET_CPU (1u << 2)
#define I8042_COMMAND_OFFSET 4u
#define I8042_PULSE_RESET 0xfeu

static uint64_t read_zero(void *dev, uint64_t off, unsigned int size)
{
	(void)dev;
	(void)off;
	(void)size;
	return 0;
}

static void reset_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_ender *ender = dev;

	(void)off;
	(void)size;
	if (value & RESET_CPU)
		ender->end(ender->ctx, RD_END_RESET);
}

static void command_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_ender *ender = dev;

	(void)off;
	(void)size;
	if (value == I8042_PULSE_RESET)
		ender->end(ender->ctx, RD_END_RESET);
}

static const struct rd_range_ops reset_ops = { .read = read_zero, .write = reset_write };
static const struct rd_range_ops command_ops = { .read = read_zero, .write = command_write };

bool rd_reset_ports_init(struct rd_ender *ender, struct rd_bus *bus)
{
	return rd_bus_add_pio(bus, (struct rd_range){
			.base = RD_PORT_RESET, .len = 1, .max_size = 1, .ops = &reset_ops,
			.dev = ender,
	       }) &&
	       rd_bus_add_pio(bus, (struct rd_range){
			.base = RD_PORT_I8042 + I8042_COMMAND_OFFSET, .len = 1, .max_size = 1,
			.ops = &command_ops, .dev = ender,
	       });
}
