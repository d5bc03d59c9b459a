// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio socket device: AF_VSOCK between guest and host, by the host's vhost-vsock. The kernel has
 * both data queues; what is left here is the CID, and the event that tells the driver of a restored
 * machine that its connections are gone, because their other ends did not come along.
 */
#include "tools/src/vmctl/config.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/vhost.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define NODE "/dev/vhost-vsock"
#define QUEUE_SIZE 128u
#define PARTS 4u
#define WATCH_ERR 0u
#define FEATURES (1ull << VIRTIO_VSOCK_F_SEQPACKET)

enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT, QUEUES };

struct vsock {
	struct rd_virtio_slot slot;
	struct rd_vhost host;
	bool lived; /* it was started in this process before */
	bool owes_event;
};

int rd_vsock_parse(const char *value, uint32_t *cid)
{
	if (rd_parse_u32(value, RD_VSOCK_CID_MIN, RD_VSOCK_CID_MAX, cid))
		return RD_OK;
	return rd_fail(RD_USAGE, "--vsock: a context id from %u to %u, not \"%s\"",
		       RD_VSOCK_CID_MIN, RD_VSOCK_CID_MAX, value);
}

static bool set_running(const struct vsock *s, int on)
{
	return ioctl(s->host.fd, VHOST_VSOCK_SET_RUNNING, &on) == 0;
}

static void vsock_start(struct rd_virtio *v)
{
	struct vsock *s = v->dev;

	if (!v->fresh && !s->lived)
		s->owes_event = true;
	s->lived = true;
	if (rd_vhost_start(&s->host, &s->slot, QUEUE_EVENT, WATCH_ERR, 0) && !set_running(s, 1))
		rd_vhost_refused(v, "VHOST_VSOCK_SET_RUNNING");
}

static void vsock_stop(struct rd_virtio *v)
{
	struct vsock *s = v->dev;

	if (!set_running(s, 0))
		rd_warn("virtio-vsock: VHOST_VSOCK_SET_RUNNING: %s", strerror(errno));
	rd_vhost_stop(&s->host, &s->slot, QUEUE_EVENT, WATCH_ERR);
}

/* Buffers for events stay in the queue until there is something to tell. */
static void vsock_kick(struct rd_virtio *v, unsigned int q)
{
	struct virtio_vsock_event event = { .id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET };
	struct vsock *s = v->dev;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };
	size_t len;

	if (q != QUEUE_EVENT || !s->owes_event || !rd_virtio_pop(v, q, &c))
		return;
	len = rd_chain_write(&c, 0, &event, sizeof(event));
	rd_virtio_done(v, q, c.head, (uint32_t)len);
	rd_virtio_signal(v, q);
	s->owes_event = false;
}

static void vsock_event(struct rd_virtio *v, unsigned int slot, short revents)
{
	struct vsock *s = v->dev;

	(void)revents;
	rd_vhost_event(&s->host, &s->slot, slot);
}

static void vsock_destroy(struct rd_virtio *v)
{
	struct vsock *s = v->dev;

	rd_vhost_close(&s->host);
	free(s);
}

static const struct rd_virtio_ops vsock_ops = {
	.name = "virtio-vsock",
	.id = VIRTIO_ID_VSOCK,
	.class_code = 0x078000, /* communication, other */
	.start = vsock_start,
	.stop = vsock_stop,
	.kick = vsock_kick,
	.event = vsock_event,
	.destroy = vsock_destroy,
	.stateless = true,
};

static int set_cid(struct vsock *s, uint32_t cid)
{
	struct virtio_vsock_config config = { .guest_cid = cid };
	__u64 wide = cid;

	if (ioctl(s->host.fd, VHOST_VSOCK_SET_GUEST_CID, &wide) < 0)
		return rd_fail(RD_HOST_ERROR, "--vsock: context id %u: %s%s", cid, strerror(errno),
			       errno == EADDRINUSE ? " (another machine)" : "");
	memcpy(s->slot.v.config, &config, sizeof(config));
	s->slot.v.config_len = sizeof(config);
	return RD_OK;
}

int rd_vsock_new(const struct rd_ram *ram, uint32_t cid, struct rd_virtio_slot **out)
{
	struct vsock *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	status = rd_vhost_open(&s->host, NODE, "--vsock");
	if (status) {
		rd_vhost_close(&s->host);
		free(s);
		return status;
	}
	status = rd_virtio_init(&s->slot.v, &vsock_ops, s, ram, s->host.features & FEATURES);
	for (unsigned int q = 0; q < QUEUES && !status; q++)
		status = rd_virtio_add_queue(&s->slot.v, QUEUE_SIZE);
	if (!status)
		status = set_cid(s, cid);
	if (status)
		rd_virtio_free(&s->slot.v);
	else
		*out = &s->slot;
	return status;
}
