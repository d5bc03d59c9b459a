/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue of network frames from one thread to one other.
 *
 * Invariant: data_fd is readable while frames that were flushed wait in the queue; room_fd gets
 * readable once the queue has emptied to a quarter after the producer was refused. So both ends
 * can sleep in poll(), and a round of frames wakes the other end once, not once for each.
 */
#ifndef RD_VMCTL_FRAMES_H
#define RD_VMCTL_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest frame: Ethernet with a VLAN tag around the longest packet, and a virtio header. */
#define RD_FRAME_MAX (65535u + 18u + 12u)

struct rd_frames {
	uint8_t *ring;
	int data_fd, room_fd;	/* eventfds */
	bool unflushed;		/* the producer's */
	/* Bytes ever put and taken; each has one writer. In cache lines of their own. */
	uint8_t pad0[64];
	uint32_t put;
	uint8_t pad1[64];
	uint32_t taken;
	bool starved;		/* the producer waits for room_fd */
	uint8_t pad2[64];
};

/* rd_frames_init - an empty queue. A status; after a failure rd_frames_free() is allowed. */
int rd_frames_init(struct rd_frames *f);

/* rd_frames_free - of a queue that rd_frames_init() saw; no thread uses it any more. */
void rd_frames_free(struct rd_frames *f);

/*
 * [producer] rd_frames_put - append a frame of LEN bytes, 1 to RD_FRAME_MAX. False: there is no
 * room, and room_fd will tell when there is again.
 */
bool rd_frames_put(struct rd_frames *f, const void *frame, size_t len);

/* [producer] rd_frames_flush - tell the consumer of what was put since the last time. */
void rd_frames_flush(struct rd_frames *f);

/* [producer] rd_frames_half_empty - false: it is not, and room_fd will tell when it is. */
bool rd_frames_half_empty(struct rd_frames *f);

/*
 * [consumer] rd_frames_get - take the oldest frame. Returns its length, 0 when there is none; what
 * does not fit into ROOM bytes is cut off.
 */
size_t rd_frames_get(struct rd_frames *f, void *frame, size_t room);

#endif
