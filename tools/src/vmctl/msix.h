/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MSI-X capability of a PCI device: table, pending bits, and which vectors may deliver now.
 *
 * A vector is live while MSI-X is enabled and neither the function nor the vector is masked. The
 * host is told of each change; it delivers live vectors' messages and remembers what was signalled
 * on others, so the pending bits are the host's, too.
 */
#ifndef RD_TOOLS_MSIX_H
#define RD_TOOLS_MSIX_H

#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/pci.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define RD_MSIX_VECTORS_MAX 64u

/* What delivers messages. Called under the capability's lock, but for signal. */
struct rd_msix_host {
	/* The message of vector V is MSI now; while msi->masked nothing may be delivered. */
	void (*set)(void *ctx, unsigned int v, const struct rd_msi *msi);
	/* Whether vector V was signalled while it was masked. */
	bool (*pending)(void *ctx, unsigned int v);
	/* Signal vector V, from any thread. */
	void (*signal)(void *ctx, unsigned int v);
	void *ctx;
};

struct rd_msix {
	pthread_mutex_t lock;	/* guards what follows; taken inside the PCI bus's */
	struct rd_msix_host host;
	struct rd_pci_dev *pci;
	unsigned int cap;	/* offset of the capability */
	unsigned int n;		/* vectors */
	uint16_t control;	/* message control, as it was last written */
	uint64_t loaded_pending;	/* vectors to signal when loading is done */
	uint32_t table[RD_MSIX_VECTORS_MAX][4];
};

/* rd_msix_init - add the capability, table and pending bits at the given offsets of BAR 0. */
void rd_msix_init(struct rd_msix *x, struct rd_pci_dev *pci, unsigned int n_vectors,
		  uint32_t table_off, uint32_t pba_off, struct rd_msix_host host);

/* Accesses to the table and the pending bits, OFF counted from the start of each. */
uint64_t rd_msix_table_read(struct rd_msix *x, uint64_t off, unsigned int size);
void rd_msix_table_write(struct rd_msix *x, uint64_t off, unsigned int size, uint64_t value);
uint64_t rd_msix_pba_read(struct rd_msix *x, uint64_t off, unsigned int size);

/* rd_msix_config_written - the guest wrote SIZE bytes at REG of configuration space. */
void rd_msix_config_written(struct rd_msix *x, unsigned int reg, unsigned int size);

/*
 * rd_msix_transfer - table and pending vectors, to or from a snapshot. rd_msix_loaded - they and
 * the device's configuration space were loaded: tell the host.
 */
void rd_msix_transfer(struct rd_msix *x, struct rd_pack *p);
void rd_msix_loaded(struct rd_msix *x);

/* rd_msix_signal - deliver vector V, now or when it is unmasked; nothing if there is no V. */
void rd_msix_signal(struct rd_msix *x, unsigned int v);

#endif
