/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device needs so that a machine with it can be paused, saved and restored.
 *
 * A device registers itself once with rd_states_add() while the machine is put together. Whatever
 * answers on the bus must be registered; a snapshot of a machine with a device that is not, or that
 * says that it cannot be saved, is refused with its name. All operations run while no vCPU runs, in
 * the main thread; transfer may run in the thread that writes the snapshot.
 */
#ifndef RD_TOOLS_STATE_H
#define RD_TOOLS_STATE_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/irq.h"
#include "tools/src/vmctl/pack.h"

#include <stdbool.h>
#include <stdint.h>

#define RD_STATE_NAME_MAX 32u
#define RD_STATES_MAX 64u

struct rd_state_ops {
	uint32_t version;	/* of the layout; a file with another one is refused */
	bool unsavable;		/* it can be paused, but its state cannot be saved (yet) */

	/*
	 * Name every field that a guest could tell, in a fixed order, in both directions. The
	 * device is paused. NULL: the device has no state.
	 */
	void (*transfer)(void *dev, struct rd_pack *p);

	/*
	 * The fields were loaded: check each against what the device could have got into, and make
	 * them effective (timers, lines, queues). False: no device could be in such a state. The
	 * interrupt controllers were not loaded yet when this is called. May be NULL.
	 */
	bool (*loaded)(void *dev);

	/*
	 * The vCPUs have stopped: finish or hold back what is under way, so that guest memory,
	 * interrupt lines and the fields above stand still until resume(). May be NULL.
	 */
	void (*pause)(void *dev);
	void (*resume)(void *dev);

	/*
	 * All state of the machine was loaded: tell the interrupt controllers the levels of the
	 * device's lines, which they do not save. May be NULL.
	 */
	void (*lines)(void *dev);
};

struct rd_state {
	char name[RD_STATE_NAME_MAX];	/* unique in the machine, the same on every host */
	const struct rd_state_ops *ops;
	void *dev;
};

struct rd_states {
	struct rd_state list[RD_STATES_MAX];
	unsigned int n;
};

/*
 * rd_states_add - register DEV, the pointer that it also gives to the bus. False: the name is too
 * long or taken, or there are too many.
 */
bool rd_states_add(struct rd_states *s, const char *name, const struct rd_state_ops *ops,
		   void *dev);

/* rd_states_find - by name, NULL when there is none. */
const struct rd_state *rd_states_find(const struct rd_states *s, const char *name);

/* rd_states_pause, rd_states_resume - all devices, the last registered first, and back. */
void rd_states_pause(const struct rd_states *s);
void rd_states_resume(const struct rd_states *s);

/*
 * rd_states_missing - a device of the machine that cannot be saved: its name, or where it answers
 * on BUS, written to TEXT of LEN bytes. False: all can.
 */
bool rd_states_missing(const struct rd_states *s, const struct rd_bus *bus, char *text,
		       size_t len);

/* rd_irq_reassert - for lines(): give the line's level to a controller that does not know it. */
static inline void rd_irq_reassert(struct rd_irq *irq)
{
	irq->set(irq->ctx, irq->gsi, irq->level);
}

#endif
