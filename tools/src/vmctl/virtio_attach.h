/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtio devices as parts of a machine: which there are, by the configuration, and how they are
 * joined to its bus, interrupts and hypervisor.
 */
#ifndef RD_TOOLS_VIRTIO_ATTACH_H
#define RD_TOOLS_VIRTIO_ATTACH_H

#include "tools/src/vmctl/msi.h"
#include "tools/src/vmctl/virtio_pci.h"

struct rd_machine;

/* What every device begins with. */
struct rd_virtio_slot {
	struct rd_virtio v;
	struct rd_virtio_pci pci;
	struct rd_msi_set msi;
};

/*
 * rd_virtio_attach - give SLOT, whose v is initialized and complete, to the machine, which destroys
 * it from now on, also when this fails. A status.
 */
int rd_virtio_attach(struct rd_machine *m, struct rd_virtio_slot *slot);

/* rd_virtio_create_all - the PCI bus and all devices that the configuration names. A status. */
int rd_virtio_create_all(struct rd_machine *m);
void rd_virtio_destroy_all(struct rd_machine *m);

/* rd_virtio_start_all - let the I/O threads run that do not yet. A status. */
int rd_virtio_start_all(struct rd_machine *m);

#endif
