/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device without its transport: status, features, queues, configuration, and the I/O
 * thread that serves it. docs/virtio.md says how a device is written.
 *
 * Registers belong to vCPU threads, rings and the device's own state to the I/O thread; both meet
 * under `lock`. A vCPU thread never does I/O and never waits for it: it records what it wants
 * (start, reset) and wakes the I/O thread. A reset is over when the I/O thread says so, and until
 * then the status register reads as before. So nothing but the I/O thread, and helper threads that
 * it waits for in stop(), touches guest memory.
 */
#ifndef RD_TOOLS_VIRTIO_H
#define RD_TOOLS_VIRTIO_H

#include "tools/src/vmctl/virtq.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define RD_VIRTIO_QUEUES_MAX 16u
#define RD_VIRTIO_WATCHES 4u
#define RD_VIRTIO_CONFIG_MAX 256u
#define RD_VIRTIO_NO_VECTOR 0xffffu

struct rd_pack;
struct rd_virtio;

/*
 * A kind of device. Functions are called in the I/O thread and without the lock, unless they say
 * otherwise; v->dev is the instance.
 */
struct rd_virtio_ops {
	const char *name;	/* of the thread, and for messages */
	uint16_t id;		/* VIRTIO_ID_… */
	uint32_t class_code;	/* of the PCI function */
	/* The driver is ready: queues and v->driver_features are set. Optional. */
	void (*start)(struct rd_virtio *v);
	/*
	 * Reset, pause or end: when it returns, nothing touches guest memory any more. After a
	 * pause start() or, with the rings as they were, kicks follow. Optional.
	 */
	void (*stop)(struct rd_virtio *v);
	/* The driver notified queue Q, or there may be work in it for another reason. */
	void (*kick)(struct rd_virtio *v, unsigned int q);
	/* The descriptor of watch SLOT is ready. Optional. */
	void (*event)(struct rd_virtio *v, unsigned int slot, short revents);
	/* The driver wrote LEN bytes of v->config at OFF; under the lock, in a vCPU thread. */
	void (*config_written)(struct rd_virtio *v, unsigned int off, unsigned int len);
	/* The thread has ended: close what is the device's own and free the instance. */
	void (*destroy)(struct rd_virtio *v);
	/*
	 * Between stop() and start() there is nothing to know of the device but its registers and
	 * rings, and its configuration does not change by itself: it can be saved as it is.
	 */
	bool stateless;
	/*
	 * Or this is what else there is to know, in both directions, while the device is paused; a
	 * value that cannot be makes the pack bad. Main thread.
	 */
	void (*transfer)(struct rd_virtio *v, struct rd_pack *p);
};

/* What the transport does for the device. Any thread. */
struct rd_virtio_transport {
	void (*interrupt)(void *ctx, uint16_t vector);
	void *ctx;
};

/* The part of the configuration that changes by the host's will. */
struct rd_virtio_live {
	unsigned int off, len;
};

struct rd_virtio_queue {
	struct rd_virtq ring;		/* the I/O thread's, valid while the device runs */
	int kick_fd;			/* eventfd: the driver notified */
	bool external;			/* somebody else (vhost) reads kick_fd; set in start() */
	uint16_t size_max;
	/* Registers. */
	uint16_t size, vector;
	bool enabled;
	uint64_t desc, avail, used;
};

struct rd_virtio {
	/* Constant after initialization. */
	const struct rd_virtio_ops *ops;
	void *dev;
	const struct rd_ram *ram;
	struct rd_virtio_transport transport;
	uint64_t features;		/* offered */
	unsigned int n_queues;
	unsigned int config_len;
	uint8_t config_writable[RD_VIRTIO_CONFIG_MAX];	/* bits */
	struct rd_virtio_live live;

	pthread_mutex_t lock;		/* guards what follows, and the queues' registers */
	pthread_cond_t changed;		/* requests were carried out */
	uint64_t driver_features;
	uint32_t feature_select, driver_select;
	uint16_t queue_select, config_vector;
	uint8_t status, generation, isr;
	uint32_t requests, complaints;
	bool running;			/* the I/O thread may use the rings */
	bool paused;
	bool ran;			/* it was running before the pause */
	uint8_t config[RD_VIRTIO_CONFIG_MAX];
	struct rd_virtio_queue queues[RD_VIRTIO_QUEUES_MAX];

	/* The I/O thread's. */
	pthread_t thread;
	bool started;
	bool fresh;			/* start() is for new rings, not after a pause */
	int wake_fd;			/* eventfd */
	struct pollfd watches[RD_VIRTIO_WATCHES];
};

/*
 * rd_virtio_init - a device in reset state without a thread. FEATURES are the kind's own; those of
 * rings and transport are added. A status; destroy in either case.
 */
int rd_virtio_init(struct rd_virtio *v, const struct rd_virtio_ops *ops, void *dev,
		   const struct rd_ram *ram, uint64_t features);
/* rd_virtio_add_queue - one more queue of at most SIZE entries. A status. */
int rd_virtio_add_queue(struct rd_virtio *v, uint16_t size);
/* rd_virtio_destroy - end the thread, after stop(); close descriptors. The device's own remain. */
void rd_virtio_destroy(struct rd_virtio *v);

/* rd_virtio_free - the same, and the instance itself, by its destroy(). */
void rd_virtio_free(struct rd_virtio *v);

/* rd_virtio_start - start the I/O thread, unless there is one. A status. */
int rd_virtio_start(struct rd_virtio *v);
/* rd_virtio_pause - return when the device stands still: no I/O in flight. Not the I/O thread. */
void rd_virtio_pause(struct rd_virtio *v);
void rd_virtio_resume(struct rd_virtio *v);

/*
 * rd_virtio_restored - the registers were loaded into a device without a thread: it is paused now,
 * and goes on at rd_virtio_resume(). RAN: its rings were in use. False: they cannot have been.
 */
bool rd_virtio_restored(struct rd_virtio *v, bool ran);

/* rd_virtio_poll - one round of the I/O thread: wait at most MS for work and do it. False: end. */
bool rd_virtio_poll(struct rd_virtio *v, int ms);

/* For devices, in the I/O thread unless told otherwise. */

/* rd_virtio_watch - call event() when FD has EVENTS; -1 or 0 for none. */
void rd_virtio_watch(struct rd_virtio *v, unsigned int slot, int fd, short events);
/* rd_virtio_negotiated - whether the driver accepted a feature bit. */
static inline bool rd_virtio_negotiated(const struct rd_virtio *v, unsigned int bit)
{
	return v->driver_features >> bit & 1;
}
/* rd_virtio_ready - whether queue Q may be used now. */
bool rd_virtio_ready(const struct rd_virtio *v, unsigned int q);
/*
 * rd_virtio_pop - take a chain of queue Q. False: there is none, or the I/O thread has something
 * else to do first (a reset, a pause, the end) and the queue comes later. A queue that the driver
 * broke makes the device ask for a reset.
 */
bool rd_virtio_pop(struct rd_virtio *v, unsigned int q, struct rd_chain *c);
/* rd_virtio_pending - whether rd_virtio_pop() would look into the ring and find something. */
bool rd_virtio_pending(struct rd_virtio *v, unsigned int q);
/* rd_virtio_broken - the driver broke its side: nothing is served until it resets. Any thread. */
void rd_virtio_broken(struct rd_virtio *v, const char *why);
/* rd_virtio_done - chain HEAD is done; the driver hears of it at the next rd_virtio_signal(). */
static inline void rd_virtio_done(struct rd_virtio *v, unsigned int q, uint16_t head, uint32_t len)
{
	rd_virtq_push(&v->queues[q].ring, head, len);
	if (__builtin_expect(v->queues[q].ring.broken, 0))
		rd_virtio_broken(v, "has a ring that must not be written");
}
/* rd_virtio_interrupted - a reset, a pause or the end waits for the I/O thread. Any thread. */
bool rd_virtio_interrupted(const struct rd_virtio *v);
/* rd_virtio_signal - interrupt, if the driver wants one for what is done. */
void rd_virtio_signal(struct rd_virtio *v, unsigned int q);
/* rd_virtio_set_config - change the device's configuration and tell the driver. Any thread. */
void rd_virtio_set_config(struct rd_virtio *v, unsigned int off, const void *from,
			  unsigned int len);

/* For transports, in a vCPU thread. */

uint8_t rd_virtio_status(struct rd_virtio *v);
void rd_virtio_set_status(struct rd_virtio *v, uint8_t status);
/* Registers of queue v->queue_select, NULL when there is none or it cannot be changed now. */
struct rd_virtio_queue *rd_virtio_selected(struct rd_virtio *v, bool to_change);
void rd_virtio_config_read(struct rd_virtio *v, unsigned int off, void *to, unsigned int len);
void rd_virtio_config_write(struct rd_virtio *v, unsigned int off, const void *from,
			    unsigned int len);
/* rd_virtio_notify - the driver notified queue Q, and no eventfd caught it. */
void rd_virtio_notify(struct rd_virtio *v, unsigned int q);

#endif
