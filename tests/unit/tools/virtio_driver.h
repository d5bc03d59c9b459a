/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver for tests of virtio devices: one device in memory of its own, whose registers are set
 * directly and whose I/O thread the test steps, so that nothing happens at the same time.
 */
#ifndef RD_TESTS_UNIT_TOOLS_VIRTIO_DRIVER_H
#define RD_TESTS_UNIT_TOOLS_VIRTIO_DRIVER_H

#include "tools/src/vmctl/virtio.h"

#include <stdbool.h>

#define DRIVER_RAM_LEN 0x80000u
#define DRIVER_DATA 0x20000u	/* everything from here on is for buffers */
#define DRIVER_QUEUE_SIZE 16u
#define DRIVER_PARTS 8u

struct driver_part {
	uint64_t gpa;
	uint32_t len;
	bool in;		/* for the device to write */
};

struct driver {
	struct rd_ram ram;
	struct rd_virtio *v;
	unsigned int interrupts[RD_VIRTIO_QUEUES_MAX + 1];	/* the last one: configuration */
	uint16_t next[RD_VIRTIO_QUEUES_MAX];	/* descriptor to use next */
};

/* driver_memory - the memory that a device is made with. */
void driver_memory(struct driver *d);
/* driver_bind - negotiate FEATURES of what V offers, set up all queues, say DRIVER_OK. */
void driver_bind(struct driver *d, struct rd_virtio *v, uint64_t features);
/* driver_reset - status 0, until the device has it. */
void driver_reset(struct driver *d);
/* driver_free - free memory, and the device if there is one. */
void driver_free(struct driver *d);

/* driver_send - offer a chain to queue Q and notify. Returns its head. */
uint16_t driver_send(struct driver *d, unsigned int q, const struct driver_part *p,
		     unsigned int n);
/* driver_used - step the device until queue Q has N used entries, or 2 s. Returns how many. */
unsigned int driver_used(struct driver *d, unsigned int q, unsigned int n);
/* driver_used_len - the length in the used entry that came as number I, from 0. */
uint32_t driver_used_len(struct driver *d, unsigned int q, unsigned int i);
/* driver_at - host address of guest memory. */
void *driver_at(struct driver *d, uint64_t gpa);

#endif
