/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues served by the host's kernel (vhost): it reads and writes the rings itself, is woken by the
 * queues' kick eventfds and signals the eventfds of their vectors, so data passes without vmctl.
 *
 * A device gives its first queues away in start() and takes them back in stop(), after it made its
 * backend stand still; in between the I/O thread leaves them alone. What vhost finds wrong with a
 * ring comes through an eventfd, and the device asks for a reset like any other.
 */
#ifndef RD_TOOLS_VHOST_H
#define RD_TOOLS_VHOST_H

#include "tools/src/vmctl/virtio_attach.h"

#include <linux/vhost.h>
#include <stdbool.h>
#include <stdint.h>

#define RD_VHOST_REGIONS_MAX 2u

struct rd_vhost {
	int fd; /* -1: not open */
	int err_fd; /* eventfd: a ring is broken */
	uint64_t features; /* that the kernel has */
};

/* What vhost is told of guest memory: struct vhost_memory with its regions. */
struct rd_vhost_memory {
	uint32_t nregions, padding;
	struct vhost_memory_region regions[RD_VHOST_REGIONS_MAX];
};

/*
 * rd_vhost_open - open NODE for this process. OPTION is who asks, for the one line that says why
 * not, unless it is NULL. A status; close in either case. Any thread.
 */
int rd_vhost_open(struct rd_vhost *h, const char *node, const char *option);
void rd_vhost_close(struct rd_vhost *h);

/*
 * rd_vhost_start - give queues 0 to N - 1 of SLOT to vhost, and watch WATCH to it; in the I/O
 * thread. EXTRA are feature bits for vhost that are no virtio ones. False, with a warning and the
 * device broken: some cannot be served. The device starts its backend afterwards.
 */
bool rd_vhost_start(struct rd_vhost *h, struct rd_virtio_slot *slot, unsigned int n,
		    unsigned int watch, uint64_t extra);
/* rd_vhost_stop - take them back, with the backend stopped before. Harmless without a start. */
void rd_vhost_stop(struct rd_vhost *h, struct rd_virtio_slot *slot, unsigned int n,
		   unsigned int watch);
/* rd_vhost_event - the watch is ready: the driver broke a queue. */
void rd_vhost_event(struct rd_vhost *h, struct rd_virtio_slot *slot, unsigned int watch);

/* rd_vhost_refused - CALL failed: say so with errno, and ask for a reset. Returns false. */
bool rd_vhost_refused(struct rd_virtio *v, const char *call);

/* rd_vhost_memory - RAM as vhost wants it. */
void rd_vhost_memory(const struct rd_ram *ram, struct rd_vhost_memory *m);

#endif
