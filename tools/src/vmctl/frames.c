// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue of network frames between two threads (frames.h): a ring of bytes, in which each frame is a
 * length and the bytes, in one piece. A frame that would cross the end starts at the beginning, and
 * a length of zero stands where it would have been.
 */
#include "tools/src/vmctl/frames.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING (1u << 20)		/* a power of two: put and taken may wrap */
#define ALIGN 8u

/* Bytes that a frame of LEN takes up. */
static uint32_t record(size_t len)
{
	return ((uint32_t)(sizeof(uint32_t) + len) + ALIGN - 1) & ~(ALIGN - 1);
}

/* Both descriptors: the counter cannot overflow, and a full one is readable anyway. */
static void raise_event(int fd)
{
	(void)!eventfd_write(fd, 1);
}

static void clear_event(int fd)
{
	eventfd_t count;

	(void)!eventfd_read(fd, &count);
}

int rd_frames_init(struct rd_frames *f)
{
	*f = (struct rd_frames){ .data_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
				 .room_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	if (f->data_fd < 0 || f->room_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	f->ring = malloc(RING);
	return f->ring ? RD_OK : rd_fail(RD_HOST_ERROR, "out of memory");
}

void rd_frames_free(struct rd_frames *f)
{
	free(f->ring);
	if (f->data_fd >= 0)
		close(f->data_fd);
	if (f->room_fd >= 0)
		close(f->room_fd);
}

/*
 * [producer] Whether at most LIMIT bytes are in use. Where not, the consumer is asked to tell; it
 * sees the request, or we see what it has taken meanwhile.
 */
static bool used_at_most(struct rd_frames *f, uint32_t limit)
{
	if (f->put - __atomic_load_n(&f->taken, __ATOMIC_ACQUIRE) <= limit)
		return true;
	clear_event(f->room_fd);
	__atomic_store_n(&f->starved, true, __ATOMIC_SEQ_CST);
	if (f->put - __atomic_load_n(&f->taken, __ATOMIC_SEQ_CST) > limit)
		return false;
	__atomic_store_n(&f->starved, false, __ATOMIC_RELAXED);
	return true;
}

bool rd_frames_put(struct rd_frames *f, const void *frame, size_t len)
{
	uint32_t at = f->put % RING, size = record(len), skip = size > RING - at ? RING - at : 0;
	uint32_t length = (uint32_t)len;

	if (!used_at_most(f, RING - size - skip))
		return false;
	if (skip) {
		memset(f->ring + at, 0, sizeof(length));
		at = 0;
	}
	memcpy(f->ring + at, &length, sizeof(length));
	memcpy(f->ring + at + sizeof(length), frame, len);
	__atomic_store_n(&f->put, f->put + skip + size, __ATOMIC_RELEASE);
	f->unflushed = true;
	return true;
}

void rd_frames_flush(struct rd_frames *f)
{
	if (f->unflushed)
		raise_event(f->data_fd);
	f->unflushed = false;
}

bool rd_frames_half_empty(struct rd_frames *f)
{
	return used_at_most(f, RING / 2);
}

/* [consumer] */
static void release(struct rd_frames *f, uint32_t taken)
{
	__atomic_store_n(&f->taken, taken, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&f->starved, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&f->put, __ATOMIC_RELAXED) - taken <= RING / 4) {
		__atomic_store_n(&f->starved, false, __ATOMIC_RELAXED);
		raise_event(f->room_fd);
	}
}

static size_t take(struct rd_frames *f, uint8_t *frame, size_t room)
{
	uint32_t taken = f->taken, len, at;

	if (__atomic_load_n(&f->put, __ATOMIC_ACQUIRE) == taken)
		return 0;
	at = taken % RING;
	memcpy(&len, f->ring + at, sizeof(len));
	if (!len) {
		taken += RING - at;
		at = 0;
		memcpy(&len, f->ring, sizeof(len));
	}
	memcpy(frame, f->ring + at + sizeof(len), len < room ? len : room);
	release(f, taken + record(len));
	return len < room ? len : room;
}

size_t rd_frames_get(struct rd_frames *f, void *frame, size_t room)
{
	size_t len = take(f, frame, room);

	if (len)
		return len;
	clear_event(f->data_fd);
	len = take(f, frame, room);
	/* It came in between, and others may have come with it. */
	if (len)
		raise_event(f->data_fd);
	return len;
}
