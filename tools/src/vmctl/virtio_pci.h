/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The modern PCI transport of a virtio device: one BAR with common configuration, notifications,
 * interrupt status, device configuration, MSI-X table and pending bits. There is no legacy
 * interface and no INTx: interrupts need MSI-X.
 */
#ifndef RD_TOOLS_VIRTIO_PCI_H
#define RD_TOOLS_VIRTIO_PCI_H

#include "tools/src/vmctl/msix.h"
#include "tools/src/vmctl/pci.h"
#include "tools/src/vmctl/virtio.h"

#define RD_VIRTIO_PCI_NOTIFY_OFF 0x3000u
#define RD_VIRTIO_PCI_NOTIFY_STEP 4u

struct rd_virtio_pci {
	struct rd_virtio *v;
	struct rd_pci_dev pci;
	struct rd_msix msix;
	unsigned int window_cap;	/* offset of the capability that reaches the BAR */
};

/* rd_virtio_pci_init - put V, complete with its queues, on the bus. False: no slot is free. */
bool rd_virtio_pci_init(struct rd_virtio_pci *p, struct rd_virtio *v, struct rd_pci *pci,
			struct rd_msix_host host);

/* rd_virtio_pci_vectors - how many vectors V takes: one for each queue, one for the rest. */
static inline unsigned int rd_virtio_pci_vectors(const struct rd_virtio *v)
{
	return v->n_queues + 1;
}

/* rd_virtio_pci_notify_gpa - the address that notifies queue Q. */
static inline uint64_t rd_virtio_pci_notify_gpa(const struct rd_virtio_pci *p, unsigned int q)
{
	return (uint64_t)p->pci.bar_gpa + RD_VIRTIO_PCI_NOTIFY_OFF +
	       (uint64_t)q * RD_VIRTIO_PCI_NOTIFY_STEP;
}

#endif
