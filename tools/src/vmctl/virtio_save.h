/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pausing and saving of virtio devices: registers, rings, MSI-X. The kinds that have more to say
 * of themselves than that are paused like the others, but not saved.
 */
#ifndef RD_TOOLS_VIRTIO_SAVE_H
#define RD_TOOLS_VIRTIO_SAVE_H

#include "tools/src/vmctl/state.h"
#include "tools/src/vmctl/virtio_attach.h"

#include <stdbool.h>

/* rd_virtio_register - enter SLOT, complete and on the bus, into a machine's list of states. */
bool rd_virtio_register(struct rd_states *states, struct rd_virtio_slot *slot);

#endif
