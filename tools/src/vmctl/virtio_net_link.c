// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link of a network card: what the backend says of it, vhost at its end, and isolation, which
 * cuts both whatever they say. Isolation may come from any thread; the rest is the I/O thread's.
 */
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/vhost.h"
#include "tools/src/vmctl/virtio_net_priv.h"

#include <errno.h>
#include <linux/vhost.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define STALE_MAX 1024u		/* more than the queue of a tap holds by default */
#define STATUS_OFF offsetof(struct virtio_net_config, status)

bool rd_net_link_up(const struct rd_net *n)
{
	return !__atomic_load_n(&n->cut, __ATOMIC_RELAXED) &&
	       (!n->nd->link || n->nd->link(n->nd));
}

void rd_net_link_init(struct rd_net *n, struct virtio_net_config *config)
{
	pthread_mutex_init(&n->lock, NULL);
	config->status = rd_net_link_up(n) ? VIRTIO_NET_S_LINK_UP : 0;
	n->slot.v.live = (struct rd_virtio_live){ STATUS_OFF, sizeof(config->status) };
}

void rd_net_link_destroy(struct rd_net *n)
{
	pthread_mutex_destroy(&n->lock);
}

/* Tell the driver when the link is not what it was. Caller holds the lock. */
static void follow_link(struct rd_net *n)
{
	struct rd_virtio *v = &n->slot.v;
	uint16_t status = rd_net_link_up(n) ? VIRTIO_NET_S_LINK_UP : 0, was;

	rd_virtio_config_read(v, STATUS_OFF, &was, sizeof(was));
	if (status != was)
		rd_virtio_set_config(v, STATUS_OFF, &status, sizeof(status));
}

void rd_net_link_event(struct rd_net *n)
{
	n->nd->link_seen(n->nd);
	pthread_mutex_lock(&n->lock);
	follow_link(n);
	pthread_mutex_unlock(&n->lock);
}

/* -1: the kernel is to leave the tap alone. When it returns, it does. */
static bool set_backend(const struct rd_net *n, int fd)
{
	struct vhost_vring_file f = { .fd = fd };

	for (f.index = 0; f.index < QUEUES; f.index++)
		if (ioctl(n->nd->vhost->fd, VHOST_NET_SET_BACKEND, &f) < 0)
			return false;
	return true;
}

static void start_vhost(struct rd_net *n)
{
	if (!rd_vhost_start(n->nd->vhost, &n->slot, QUEUES, WATCH_ERR, 0))
		return;
	if (!n->cut && !set_backend(n, n->nd->fd))
		rd_vhost_refused(&n->slot.v, "VHOST_NET_SET_BACKEND");
	n->at_vhost = true;
}

void rd_net_link_start(struct rd_net *n)
{
	pthread_mutex_lock(&n->lock);
	if (n->nd->vhost)
		start_vhost(n);
	/* Nobody looked while the device stood still. */
	if (n->nd->link && n->nd->link_fd >= 0)
		rd_virtio_watch(&n->slot.v, WATCH_LINK, n->nd->link_fd, POLLIN);
	follow_link(n);
	pthread_mutex_unlock(&n->lock);
}

void rd_net_link_stop(struct rd_net *n)
{
	pthread_mutex_lock(&n->lock);
	n->at_vhost = false;
	if (n->nd->vhost) {
		if (!set_backend(n, VHOST_FILE_UNBIND))
			rd_warn("virtio-net: VHOST_NET_SET_BACKEND: %s", strerror(errno));
		rd_vhost_stop(n->nd->vhost, &n->slot, QUEUES, WATCH_ERR);
	}
	pthread_mutex_unlock(&n->lock);
	rd_virtio_watch(&n->slot.v, WATCH_LINK, -1, 0);
}

/* What the tap has kept from the time when nobody was to get it. Caller holds the lock. */
static void drop_stale(struct rd_net *n)
{
	for (unsigned int i = 0; i < STALE_MAX; i++)
		if (read(n->nd->fd, n->frame, sizeof(n->frame)) <= 0)
			return;
}

bool rd_net_cut(struct rd_virtio *v, bool cut)
{
	struct rd_net *n = v->dev;
	bool done = true;

	pthread_mutex_lock(&n->lock);
	if (n->nd->vhost && !cut && n->cut)
		drop_stale(n);
	if (n->at_vhost && cut != n->cut)
		done = set_backend(n, cut ? VHOST_FILE_UNBIND : n->nd->fd);
	__atomic_store_n(&n->cut, cut, __ATOMIC_RELAXED);
	follow_link(n);
	pthread_mutex_unlock(&n->lock);
	/* The I/O thread looks what there is to take, or to drop, now. */
	if (!n->nd->vhost)
		rd_virtio_notify(v, QUEUE_RX);
	return done;
}
