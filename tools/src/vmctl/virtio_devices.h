/* SPDX-License-Identifier: GPL-2.0-only */
/* The kinds of virtio device, in the order in which they get their PCI slots. */
#ifndef RD_TOOLS_VIRTIO_DEVICES_H
#define RD_TOOLS_VIRTIO_DEVICES_H

#include "tools/src/vmctl/virtio_attach.h"

#include <stdbool.h>

struct rd_config;

struct rd_virtio_kind {
	/* Whether the configuration asks for such a device. */
	bool (*wanted)(const struct rd_config *c);
	/* Create and attach all that the configuration names, maybe none. A status. */
	int (*create)(struct rd_machine *m);
};

/* Ended by a NULL create. */
extern const struct rd_virtio_kind rd_virtio_kinds[];

/* rd_virtio_wanted - whether the machine has any, and so a PCI bus. */
bool rd_virtio_wanted(const struct rd_config *c);

bool rd_rng_wanted(const struct rd_config *c);
int rd_rng_create(struct rd_machine *m);

#endif
