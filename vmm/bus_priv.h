/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vmm/bus.c, which reads the tables of a VM's buses, and vmm/bus_table.c, which replaces them,
 * share (K).
 * Invariant: a struct rd_bus_table is immutable once published and freed only after all readers
 * have left it (rd_vm_sync()); its eventfds are sorted by address, its zones sorted and disjoint,
 * so that both are found by binary search.
 */
#ifndef RD_VMM_BUS_PRIV_H
#define RD_VMM_BUS_PRIV_H

#include <linux/eventfd.h>
#include <linux/mutex.h>
#include "vmm/vm.h"

struct rd_ioevent {
	u64 addr;
	u64 match;
	struct eventfd_ctx *ctx;
	u32 len;      /* 0: any */
	bool any;     /* any value */
};

struct rd_zone {
	u64 start, end;
};

struct rd_bus_table {
	u32 nr_events, nr_zones;
	struct rd_zone *zones;          /* follows events in the same allocation */
	struct rd_ioevent events[];
};

struct rd_bus {
	struct rd_bus_table __rcu *table[2]; /* MMIO, PIO */
	struct mutex lock;              /* of writers, and of: */
	struct kvm_coalesced_mmio_zone *zones; /* as registered, both buses */
	u32 nr_zones;
};

#endif
