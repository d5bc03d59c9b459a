/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Split virtqueues, from the device's side: descriptor chains come out of the available ring as
 * host addresses, finished chains go into the used ring.
 *
 * The guest may write to its rings at any time, so each field is read once, checked, and used
 * from the copy. Whatever does not fit (an address outside memory, a loop, a chain that is longer
 * than the caller's room, an index that leaps) makes the queue `broken`: no chain comes out of it
 * any more, and nothing else happens. A queue takes no lock; its owner keeps threads apart.
 *
 * Nothing here writes to guest memory that is write-traced without having asked.
 */
#ifndef RD_TOOLS_VIRTQ_H
#define RD_TOOLS_VIRTQ_H

#include "tools/src/vmctl/ram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define RD_VIRTQ_SIZE_MAX 1024u

struct rd_virtq_layout {
	uint64_t desc, avail, used;	/* guest physical addresses */
	uint16_t size;			/* entries, a power of two */
	bool event_idx;			/* VIRTIO_RING_F_EVENT_IDX was negotiated */
	bool indirect;			/* VIRTIO_RING_F_INDIRECT_DESC was negotiated */
};

struct rd_virtq {
	const struct rd_ram *ram;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
	uint16_t last_avail;		/* next entry of the available ring to take */
	uint16_t used_idx;		/* entries put into the used ring */
	uint16_t signalled;		/* used_idx at the last interrupt decision */
	bool event_idx, indirect;
	bool broken;
};

/* One request: iov[0..n_out) is for the device to read, iov[n_out..n_out+n_in) to write. */
struct rd_chain {
	const struct rd_ram *ram;
	uint16_t head;
	unsigned int n_out, n_in;
	uint64_t out_len, in_len;	/* bytes */
	struct iovec *iov;		/* the caller's, with room for `room` parts */
	unsigned int room;
};

/* rd_virtq_setup - start with empty rings at LAYOUT. False: they do not fit into memory. */
bool rd_virtq_setup(struct rd_virtq *q, const struct rd_ram *ram,
		    const struct rd_virtq_layout *layout);

/* rd_virtq_pop - take the next chain. False: there is none, or the queue is (now) broken. */
bool rd_virtq_pop(struct rd_virtq *q, struct rd_chain *chain);

/* rd_virtq_pending - whether a chain waits. A broken queue has none. */
bool rd_virtq_pending(struct rd_virtq *q);

/* rd_virtq_unpop - give the chain that was popped last back; it will come out again. */
void rd_virtq_unpop(struct rd_virtq *q);

/*
 * rd_virtq_push - chain HEAD is done, the device wrote LEN bytes to it. A used ring that must not
 * be written (ram.h) makes the queue broken.
 */
void rd_virtq_push(struct rd_virtq *q, uint16_t head, uint32_t len);

/* rd_virtq_wants_irq - whether the driver wants to hear of what was pushed since the last call. */
bool rd_virtq_wants_irq(struct rd_virtq *q);

/* rd_virtq_ask_kicks - tell the driver whether to notify. After asking, look for chains again. */
void rd_virtq_ask_kicks(struct rd_virtq *q, bool on);

/* rd_iov_read - copy from N parts, at OFF. Returns the bytes copied. */
size_t rd_iov_read(const struct iovec *iov, unsigned int n, size_t off, void *to, size_t len);

/*
 * rd_chain_may_write - whether the LEN bytes at OFF of the parts to be written may be (ram.h); what
 * does not fit does not count. To be asked by whoever writes there without rd_chain_write().
 */
bool rd_chain_may_write(const struct rd_chain *c, size_t off, size_t len);

/*
 * rd_chain_write - copy to the parts to be written, at OFF. Returns the bytes copied: all that fit,
 * or 0 where some must not be written.
 */
size_t rd_chain_write(const struct rd_chain *c, size_t off, const void *from, size_t len);

#endif
