/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of a network card, shared by its queues (virtio_net.c) and its link
 * (virtio_net_link.c).
 *
 * Invariant: while `lock` is held by somebody else than the I/O thread, no frame passes here; and
 * while `cut` is set, none passes at all.
 */
#ifndef RD_TOOLS_VIRTIO_NET_PRIV_H
#define RD_TOOLS_VIRTIO_NET_PRIV_H

#include "tools/src/vmctl/net.h"
#include "tools/src/vmctl/virtio_attach.h"

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <stdbool.h>

#define RD_NET_FRAME_MAX (ETH_HLEN + 4 + 65535u)
#define RD_NET_HDR_LEN sizeof(struct virtio_net_hdr_v1)

enum { QUEUE_RX, QUEUE_TX, QUEUES };
enum { WATCH_IN, WATCH_OUT, WATCH_ERR, WATCH_LINK };

struct rd_net {
	struct rd_virtio_slot slot;
	struct rd_netdev *nd;
	struct rd_net_counters counters;	/* written by the I/O thread, atomically */
	uint8_t frame[RD_NET_HDR_LEN + RD_NET_FRAME_MAX];	/* header, then the frame */
	/* Before the device's lock; guards what follows and each round of frames. */
	pthread_mutex_t lock;
	bool cut;			/* a write trace has isolated the machine */
	bool at_vhost;			/* vhost has the queues */
};

/* rd_net_link_init - for a new card: also the link in its configuration. */
void rd_net_link_init(struct rd_net *n, struct virtio_net_config *config);
void rd_net_link_destroy(struct rd_net *n);

/* rd_net_link_up - as the guest is to see it. */
bool rd_net_link_up(const struct rd_net *n);

/* rd_net_link_start, rd_net_link_stop - of the device, in the I/O thread: watches and vhost. */
void rd_net_link_start(struct rd_net *n);
void rd_net_link_stop(struct rd_net *n);

/* rd_net_link_event - the backend told of its link. */
void rd_net_link_event(struct rd_net *n);

#endif
