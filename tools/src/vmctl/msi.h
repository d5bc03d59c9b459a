/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's interrupt routes, and message-signalled interrupts of devices on top of them.
 *
 * The hypervisor has one table of routes that is always replaced as a whole: the interrupt
 * controllers' part (GSIs 0 to 23) and one entry for each MSI vector that is live. A vector has an
 * eventfd: while it is live, the hypervisor itself turns a signal into the interrupt (irqfd); while
 * it is masked, the eventfd keeps the signal. So whoever signals, a device thread or the host's
 * kernel, needs no lock and no knowledge of masks. Without irqfd, KVM_SIGNAL_MSI is used.
 */
#ifndef RD_TOOLS_MSI_H
#define RD_TOOLS_MSI_H

#include "tools/src/vmctl/msix.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct rd_machine;

struct rd_routes {
	pthread_mutex_t lock;	/* guards the rest and all vectors; innermost */
	bool irqfd;		/* the hypervisor has irqfd */
	uint32_t next_gsi;	/* the first that no vector has */
	uint32_t max_gsi;
	uint32_t n_chip;	/* the interrupt controllers' entries, at the front */
	uint32_t n, room;
	struct kvm_irq_routing *table;
};

/* The vectors of one device. */
struct rd_msi_set {
	struct rd_machine *m;
	unsigned int n;
	struct rd_msi_vector {
		int fd;			/* eventfd */
		uint32_t gsi;
		bool connected;		/* the eventfd is an irqfd now */
		struct rd_msi msi;
	} v[RD_MSIX_VECTORS_MAX];
};

/* rd_routes_init - before any other of these; after the interrupt controllers are made. */
int rd_routes_init(struct rd_machine *m);
void rd_routes_destroy(struct rd_machine *m);

/* rd_routes_set_chip - replace the interrupt controllers' part. -1 with errno on failure. */
int rd_routes_set_chip(struct rd_machine *m, const struct kvm_irq_routing_entry *e, uint32_t n);

/* rd_msi_init - N vectors for a device, all masked. A status; destroy in either case. */
int rd_msi_init(struct rd_msi_set *s, struct rd_machine *m, unsigned int n);
void rd_msi_destroy(struct rd_msi_set *s);

/* rd_msi_host - what to give to rd_msix_init(). */
struct rd_msix_host rd_msi_host(struct rd_msi_set *s);

#endif
