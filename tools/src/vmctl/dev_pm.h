/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI fixed hardware: PM1 event and control blocks, the PM timer, the reset register, the
 * keyboard controller's reset line and the panic port. The guest's way to end itself.
 */
#ifndef RD_TOOLS_DEV_PM_H
#define RD_TOOLS_DEV_PM_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/irq.h"
#include "tools/src/vmctl/state.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Why a machine stopped running. */
enum rd_end {
	RD_END_NONE,
	RD_END_POWER_OFF,
	RD_END_RESET,
	RD_END_PANIC,
	RD_END_TRIPLE_FAULT,
	RD_END_QUIT,		/* whoever sits at the console */
	RD_END_VM_ERROR,
};

/* How a device ends the machine. Called without any device's lock, from a vCPU thread. */
struct rd_ender {
	void (*end)(void *ctx, enum rd_end why);
	void *ctx;
};

struct rd_pm {
	pthread_mutex_t lock;	/* guards the registers */
	struct rd_irq sci;
	struct rd_ender ender;
	uint16_t status, enable, control;
	bool held;		/* the timer stands still */
	uint64_t held_ns;	/* where, while it does */
	uint64_t offset_ns;	/* the timer minus the host's monotonic clock */
};

/* rd_pm_init - attach PM1 blocks and PM timer to BUS. False: ports taken. */
bool rd_pm_init(struct rd_pm *pm, struct rd_bus *bus, struct rd_irq sci, struct rd_ender ender);

/* rd_pm_power_button - press the power button: a well-behaved guest powers itself off. */
void rd_pm_power_button(struct rd_pm *pm);

/* rd_reset_ports_init - attach port 0xcf9 and the i8042's reset command. False: ports taken. */
bool rd_reset_ports_init(struct rd_ender *ender, struct rd_bus *bus);

/* rd_pvpanic_init - attach the panic port. False: port taken. */
bool rd_pvpanic_init(struct rd_ender *ender, struct rd_bus *bus);

/* rd_pm_state - for rd_states_add(). The PM timer stands still while the machine is paused. */
extern const struct rd_state_ops rd_pm_state;

/* rd_ender_state - for the reset ports and the panic port, which remember nothing. */
extern const struct rd_state_ops rd_ender_state;

#endif
