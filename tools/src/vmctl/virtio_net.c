// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio network card with one pair of queues over a backend's descriptor (net.h).
 *
 * A frame is copied once out of guest memory, header and all, checked, and only then handed on: the
 * host's kernel is never asked for an offload that the driver did not negotiate. What is wrong with
 * a frame costs the guest that frame. A backend that takes nothing leaves frames in the ring.
 * With vhost-net the host's kernel does all this itself, and nothing below is called for it.
 */
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/vhost.h"
#include "tools/src/vmctl/virtio_devices.h"
#include "tools/src/vmctl/virtio_net_priv.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_SIZE 256u
#define PARTS QUEUE_SIZE
#define FRAMES_PER_ROUND 256u	/* then the other direction has its turn */
#define BIT(n) (1ull << (n))

static void count(uint64_t *frames, uint64_t *bytes, uint64_t len)
{
	__atomic_fetch_add(frames, 1, __ATOMIC_RELAXED);
	if (bytes)
		__atomic_fetch_add(bytes, len, __ATOMIC_RELAXED);
}

/* The segmentation that the header asks for was negotiated. */
static bool gso_ok(const struct rd_virtio *v, const struct virtio_net_hdr_v1 *h)
{
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		if (!rd_virtio_negotiated(v, VIRTIO_NET_F_HOST_TSO4))
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (!rd_virtio_negotiated(v, VIRTIO_NET_F_HOST_TSO6))
			return false;
		break;
	default:
		return false;
	}
	return h->gso_size && h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

static bool header_ok(const struct rd_virtio *v, const struct virtio_net_hdr_v1 *h, size_t len)
{
	if (h->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM || !gso_ok(v, h))
		return false;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	return rd_virtio_negotiated(v, VIRTIO_NET_F_CSUM) &&
	       (size_t)h->csum_start + h->csum_offset + sizeof(uint16_t) <= len;
}

static bool drop(struct rd_net *n)
{
	count(&n->counters.tx_dropped, NULL, 0);
	return true;
}

enum sent { SENT, NO_ROOM, REFUSED };

static enum sent send_frame(struct rd_net *n, const uint8_t *frame, size_t len)
{
	ssize_t done;

	if (n->nd->send)
		return n->nd->send(n->nd, frame, len) ? SENT : NO_ROOM;
	do {
		done = write(n->nd->fd, frame, len);
	} while (done < 0 && errno == EINTR);
	if (done >= 0)
		return SENT;
	return errno == EAGAIN ? NO_ROOM : REFUSED;
}

/* Hand one frame on. False: the backend has no room now. A bad frame counts as sent. */
static bool transmit(struct rd_net *n, const struct rd_chain *c)
{
	struct virtio_net_hdr_v1 h;
	size_t off = n->nd->offloads ? 0 : RD_NET_HDR_LEN, len;

	if (n->cut || c->out_len < RD_NET_HDR_LEN + ETH_HLEN || c->out_len > sizeof(n->frame))
		return drop(n);
	len = rd_iov_read(c->iov, c->n_out, 0, n->frame, sizeof(n->frame)) - RD_NET_HDR_LEN;
	memcpy(&h, n->frame, sizeof(h));
	h.num_buffers = 0;
	if (!header_ok(&n->slot.v, &h, len))
		return drop(n);
	memcpy(n->frame, &h, sizeof(h));
	switch (send_frame(n, n->frame + off, RD_NET_HDR_LEN + len - off)) {
	case NO_ROOM:
		return false;
	case REFUSED:
		return drop(n);
	case SENT:
		break;
	}
	count(&n->counters.tx_frames, &n->counters.tx_bytes, len);
	return true;
}

static void serve_tx(struct rd_net *n)
{
	struct rd_virtio *v = &n->slot.v;
	struct rd_virtq *ring = &v->queues[QUEUE_TX].ring;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };
	unsigned int left = FRAMES_PER_ROUND;
	bool stuck = false;

	rd_virtq_ask_kicks(ring, false);
	while (left && !stuck && rd_virtio_pop(v, QUEUE_TX, &c)) {
		stuck = !transmit(n, &c);
		if (stuck)
			rd_virtq_unpop(ring);
		else
			rd_virtio_done(v, QUEUE_TX, c.head, 0);
		left--;
	}
	if (n->nd->flush)
		n->nd->flush(n->nd);
	rd_virtq_ask_kicks(ring, !stuck);
	/* More came, or the round is over: again after the other queue. */
	if (!stuck && rd_virtio_pending(v, QUEUE_TX))
		rd_virtio_notify(v, QUEUE_TX);
	rd_virtio_watch(v, WATCH_OUT, n->nd->send ? n->nd->room_fd : n->nd->fd,
			!stuck ? 0 : n->nd->send ? POLLIN : POLLOUT);
	rd_virtio_signal(v, QUEUE_TX);
}

/* Fetch one frame from the backend. Returns its length with the header, 0 when there is none. */
static size_t fetch(struct rd_net *n)
{
	struct virtio_net_hdr_v1 h = { 0 };
	size_t off = n->nd->offloads ? 0 : RD_NET_HDR_LEN;
	ssize_t len;

	memcpy(n->frame, &h, sizeof(h));
	if (n->nd->receive)
		len = (ssize_t)n->nd->receive(n->nd, n->frame + off, sizeof(n->frame) - off);
	else
		len = read(n->nd->fd, n->frame + off, sizeof(n->frame) - off);
	if (len <= 0 || (size_t)len + off <= RD_NET_HDR_LEN)
		return 0;
	memcpy(&h, n->frame, sizeof(h));
	h.num_buffers = 1;
	memcpy(n->frame, &h, sizeof(h));
	return (size_t)len + off;
}

/* Nobody gets what comes while the card is cut, not even later. */
static void drop_rx(struct rd_net *n)
{
	for (unsigned int left = FRAMES_PER_ROUND; left && fetch(n); left--)
		count(&n->counters.rx_dropped, NULL, 0);
	rd_virtio_watch(&n->slot.v, WATCH_IN, n->nd->fd, POLLIN);
}

static void serve_rx(struct rd_net *n)
{
	struct rd_virtio *v = &n->slot.v;
	struct rd_virtq *ring = &v->queues[QUEUE_RX].ring;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };
	unsigned int left = FRAMES_PER_ROUND;
	bool full = false;

	for (; left && !full; left--) {
		size_t len;

		if (!rd_virtio_pop(v, QUEUE_RX, &c)) {
			full = true;
			break;
		}
		len = fetch(n);
		/* Nothing there, or a frame that does not fit and is dropped: keep the buffer. */
		if (!len || len > c.in_len) {
			rd_virtq_unpop(ring);
			if (!len)
				break;
			count(&n->counters.rx_dropped, NULL, 0);
			continue;
		}
		/* A buffer that must not be written goes back empty, and the frame is lost. */
		if (!rd_chain_write(&c, 0, n->frame, len)) {
			rd_virtio_done(v, QUEUE_RX, c.head, 0);
			count(&n->counters.rx_dropped, NULL, 0);
			continue;
		}
		rd_virtio_done(v, QUEUE_RX, c.head, (uint32_t)len);
		count(&n->counters.rx_frames, &n->counters.rx_bytes, len - RD_NET_HDR_LEN);
	}
	rd_virtq_ask_kicks(ring, full);
	/* The guest may have made room before it was asked to tell. */
	if (full && rd_virtio_pending(v, QUEUE_RX))
		rd_virtio_notify(v, QUEUE_RX);
	rd_virtio_watch(v, WATCH_IN, n->nd->fd, full ? 0 : POLLIN);
	rd_virtio_signal(v, QUEUE_RX);
}

static void serve(struct rd_net *n, unsigned int q)
{
	pthread_mutex_lock(&n->lock);
	if (q == QUEUE_TX)
		serve_tx(n);
	else if (n->cut)
		drop_rx(n);
	else
		serve_rx(n);
	pthread_mutex_unlock(&n->lock);
}

static void net_kick(struct rd_virtio *v, unsigned int q)
{
	struct rd_net *n = v->dev;

	/* The kernel has the queues, or has refused them. */
	if (n->nd->vhost)
		return;
	serve(n, q);
}

static void net_event(struct rd_virtio *v, unsigned int slot, short revents)
{
	struct rd_net *n = v->dev;

	if (slot == WATCH_LINK) {
		rd_net_link_event(n);
		return;
	}
	if (slot == WATCH_ERR) {
		rd_vhost_event(n->nd->vhost, &n->slot, slot);
		return;
	}
	/* The backend is gone: without an end to it, poll() would never sleep again. */
	if (!(revents & (POLLIN | POLLOUT)))
		rd_virtio_watch(v, slot, -1, 0);
	else
		serve(n, slot == WATCH_OUT ? QUEUE_TX : QUEUE_RX);
}

/* Frames from a tap come as the driver can take them. */
static void set_offloads(struct rd_net *n)
{
	const struct rd_virtio *v = &n->slot.v;
	unsigned int offload = 0;

	if (rd_virtio_negotiated(v, VIRTIO_NET_F_GUEST_CSUM)) {
		offload |= TUN_F_CSUM;
		if (rd_virtio_negotiated(v, VIRTIO_NET_F_GUEST_TSO4))
			offload |= TUN_F_TSO4;
		if (rd_virtio_negotiated(v, VIRTIO_NET_F_GUEST_TSO6))
			offload |= TUN_F_TSO6;
	}
	n->nd->accept(n->nd, offload);
}

static void net_start(struct rd_virtio *v)
{
	struct rd_net *n = v->dev;

	if (n->nd->accept)
		set_offloads(n);
	rd_net_link_start(n);
}

static void net_stop(struct rd_virtio *v)
{
	rd_net_link_stop(v->dev);
	rd_virtio_watch(v, WATCH_IN, -1, 0);
	rd_virtio_watch(v, WATCH_OUT, -1, 0);
}

static void net_destroy(struct rd_virtio *v)
{
	struct rd_net *n = v->dev;

	n->nd->close(n->nd);
	rd_net_link_destroy(n);
	free(n);
}

static const struct rd_virtio_ops net_ops = {
	.name = "virtio-net",
	.id = VIRTIO_ID_NET,
	.class_code = 0x020000,		/* Ethernet */
	.start = net_start,
	.stop = net_stop,
	.kick = net_kick,
	.event = net_event,
	.destroy = net_destroy,
	.stateless = true,
};

void rd_net_info(struct rd_virtio *v, struct rd_net_info *info)
{
	struct rd_net *n = v->dev;
	const struct rd_net_counters *from = &n->counters;

	*info = (struct rd_net_info){
		.driver = rd_virtio_status(v) & VIRTIO_CONFIG_S_DRIVER_OK,
		.link = rd_net_link_up(n),
		.vhost = n->nd->vhost,
	};
	if (n->nd->counters && n->nd->counters(n->nd, &info->counters))
		return;
	info->counters = (struct rd_net_counters){
		.rx_frames = __atomic_load_n(&from->rx_frames, __ATOMIC_RELAXED),
		.rx_bytes = __atomic_load_n(&from->rx_bytes, __ATOMIC_RELAXED),
		.rx_dropped = __atomic_load_n(&from->rx_dropped, __ATOMIC_RELAXED),
		.tx_frames = __atomic_load_n(&from->tx_frames, __ATOMIC_RELAXED),
		.tx_bytes = __atomic_load_n(&from->tx_bytes, __ATOMIC_RELAXED),
		.tx_dropped = __atomic_load_n(&from->tx_dropped, __ATOMIC_RELAXED),
	};
}

int rd_net_new(const struct rd_ram *ram, struct rd_netdev *nd, const uint8_t *mac,
	       struct rd_virtio_slot **out)
{
	struct virtio_net_config config = { 0 };
	uint64_t features = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS);
	struct rd_net *n = calloc(1, sizeof(*n));
	int status;

	if (!n) {
		nd->close(nd);
		return rd_fail(RD_HOST_ERROR, "out of memory");
	}
	if (nd->offloads)
		features |= BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
			    BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			    BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6);
	n->nd = nd;
	status = rd_virtio_init(&n->slot.v, &net_ops, n, ram, features);
	memcpy(config.mac, mac, sizeof(config.mac));
	rd_net_link_init(n, &config);
	memcpy(n->slot.v.config, &config, sizeof(config));
	n->slot.v.config_len = sizeof(config);
	for (unsigned int q = 0; q < QUEUES && !status; q++)
		status = rd_virtio_add_queue(&n->slot.v, QUEUE_SIZE);
	if (status)
		rd_virtio_free(&n->slot.v);
	else
		*out = &n->slot;
	return status;
}
