// SPDX-License-Identifier: GPL-2.0-only
/* The part of vhost's interface that all of its devices share. */
#include "tools/src/vmctl/vhost.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

int rd_vhost_open(struct rd_vhost *h, const char *node, const char *option)
{
	const char *what = node;
	__u64 features = 0;

	*h = (struct rd_vhost){ .fd = open(node, O_RDWR | O_CLOEXEC), .err_fd = -1 };
	if (h->fd < 0)
		goto failed;
	what = "eventfd";
	h->err_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->err_fd < 0)
		goto failed;
	what = "VHOST_SET_OWNER";
	if (ioctl(h->fd, VHOST_SET_OWNER) < 0 || ioctl(h->fd, VHOST_GET_FEATURES, &features) < 0)
		goto failed;
	h->features = features;
	return RD_OK;
failed:
	if (!option)
		return RD_HOST_ERROR;
	return rd_fail(RD_HOST_ERROR, "%s: %s: %s%s", option, what, strerror(errno),
		       h->fd < 0 && errno == ENOENT ? " (its module is not loaded)" : "");
}

void rd_vhost_close(struct rd_vhost *h)
{
	if (h->fd >= 0)
		close(h->fd);
	if (h->err_fd >= 0)
		close(h->err_fd);
	h->fd = h->err_fd = -1;
}

_Static_assert(offsetof(struct rd_vhost_memory, regions) ==
		       offsetof(struct vhost_memory, regions),
	       "what the kernel reads");

void rd_vhost_memory(const struct rd_ram *ram, struct rd_vhost_memory *m)
{
	memset(m, 0, sizeof(*m));
	m->nregions = ram->high_size ? 2 : 1;
	m->regions[0].memory_size = ram->low_size;
	m->regions[0].userspace_addr = (uintptr_t)ram->host;
	if (!ram->high_size)
		return;
	m->regions[1].guest_phys_addr = RD_RAM_HIGH_START;
	m->regions[1].memory_size = ram->high_size;
	m->regions[1].userspace_addr = (uintptr_t)ram->host + ram->low_size;
}

bool rd_vhost_refused(struct rd_virtio *v, const char *call)
{
	rd_warn("%s: %s: %s", v->ops->name, call, strerror(errno));
	rd_virtio_broken(v, "asks for what vhost does not do");
	return false;
}

/*
 * The eventfd of the queue's vector, -1 for none. It is asked for once: drivers choose vectors
 * before they enable the queue.
 */
static int call_fd(const struct rd_virtio_slot *slot, const struct rd_virtio_queue *q)
{
	uint16_t vector = __atomic_load_n(&q->vector, __ATOMIC_RELAXED);

	return vector < slot->msi.n ? slot->msi.v[vector].fd : -1;
}

static const char *start_queue(const struct rd_vhost *h, const struct rd_virtio_slot *slot,
			       unsigned int i)
{
	const struct rd_virtio_queue *q = &slot->v.queues[i];
	struct vhost_vring_state num = { .index = i, .num = q->ring.size };
	struct vhost_vring_state base = { .index = i, .num = q->ring.last_avail };
	struct vhost_vring_file kick = { .index = i, .fd = q->kick_fd };
	struct vhost_vring_file call = { .index = i, .fd = call_fd(slot, q) };
	struct vhost_vring_file err = { .index = i, .fd = h->err_fd };
	struct vhost_vring_addr addr = {
		.index = i,
		.desc_user_addr = (uintptr_t)q->ring.desc,
		.avail_user_addr = (uintptr_t)q->ring.avail,
		.used_user_addr = (uintptr_t)q->ring.used,
	};

	if (ioctl(h->fd, VHOST_SET_VRING_NUM, &num) < 0)
		return "VHOST_SET_VRING_NUM";
	if (ioctl(h->fd, VHOST_SET_VRING_BASE, &base) < 0)
		return "VHOST_SET_VRING_BASE";
	if (ioctl(h->fd, VHOST_SET_VRING_ADDR, &addr) < 0)
		return "VHOST_SET_VRING_ADDR";
	if (ioctl(h->fd, VHOST_SET_VRING_ERR, &err) < 0)
		return "VHOST_SET_VRING_ERR";
	if (ioctl(h->fd, VHOST_SET_VRING_CALL, &call) < 0)
		return "VHOST_SET_VRING_CALL";
	if (ioctl(h->fd, VHOST_SET_VRING_KICK, &kick) < 0)
		return "VHOST_SET_VRING_KICK";
	return NULL;
}

bool rd_vhost_start(struct rd_vhost *h, struct rd_virtio_slot *slot, unsigned int n,
		    unsigned int watch, uint64_t extra)
{
	struct rd_virtio *v = &slot->v;
	__u64 features = (v->driver_features & h->features) | extra;
	struct rd_vhost_memory memory;

	for (unsigned int i = 0; i < n; i++) {
		if (v->queues[i].ring.broken) {
			rd_virtio_broken(v, "left out a queue");
			return false;
		}
	}
	rd_vhost_memory(v->ram, &memory);
	if (ioctl(h->fd, VHOST_SET_FEATURES, &features) < 0)
		return rd_vhost_refused(v, "VHOST_SET_FEATURES");
	if (ioctl(h->fd, VHOST_SET_MEM_TABLE, &memory) < 0)
		return rd_vhost_refused(v, "VHOST_SET_MEM_TABLE");
	for (unsigned int i = 0; i < n; i++) {
		const char *failed = start_queue(h, slot, i);

		if (failed)
			return rd_vhost_refused(v, failed);
		v->queues[i].external = true;
		/* What the driver offered before, or while the machine was paused. */
		rd_virtio_notify(v, i);
	}
	rd_virtio_watch(v, watch, h->err_fd, POLLIN);
	return true;
}

/* Where the kernel was in the ring is where whoever comes next goes on. */
static void stop_queue(const struct rd_vhost *h, struct rd_virtio *v, unsigned int i)
{
	struct rd_virtq *ring = &v->queues[i].ring;
	struct vhost_vring_state base = { .index = i };
	struct vhost_vring_file none = { .index = i, .fd = VHOST_FILE_UNBIND };

	if (ioctl(h->fd, VHOST_SET_VRING_KICK, &none) < 0 ||
	    ioctl(h->fd, VHOST_SET_VRING_CALL, &none) < 0 ||
	    ioctl(h->fd, VHOST_GET_VRING_BASE, &base) < 0) {
		rd_warn("%s: a queue does not come back from vhost: %s", v->ops->name,
			strerror(errno));
		ring->broken = true;
		return;
	}
	ring->last_avail = (uint16_t)base.num;
	ring->used_idx = __atomic_load_n(&ring->used->idx, __ATOMIC_RELAXED);
	ring->signalled = ring->used_idx;
}

void rd_vhost_stop(struct rd_vhost *h, struct rd_virtio_slot *slot, unsigned int n,
		   unsigned int watch)
{
	for (unsigned int i = 0; i < n; i++)
		if (slot->v.queues[i].external)
			stop_queue(h, &slot->v, i);
	rd_virtio_watch(&slot->v, watch, -1, 0);
}

void rd_vhost_event(struct rd_vhost *h, struct rd_virtio_slot *slot, unsigned int watch)
{
	uint64_t count;

	rd_virtio_watch(&slot->v, watch, -1, 0);
	if (read(h->err_fd, &count, sizeof(count)) > 0)
		rd_virtio_broken(&slot->v, "broke a queue");
}
