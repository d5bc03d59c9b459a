/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of a network card: something that takes and gives whole Ethernet frames through
 * one descriptor that never blocks. User mode (libslirp) has a thread of its own at the other end
 * of a socket pair; a tap interface is the kernel's.
 */
#ifndef RD_TOOLS_NET_H
#define RD_TOOLS_NET_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_NETS_MAX 4u
#define RD_NET_FORWARDS_MAX 16u
#define RD_NET_MAC_LEN 6u
#define RD_NET_TEXT_MAX 1024u

struct rd_vhost;

enum rd_net_kind { RD_NET_USER, RD_NET_TAP, RD_NET_NONE };

struct rd_net_forward {
	bool udp;
	struct in_addr host;
	uint16_t host_port, guest_port;
};

/* Whether the host's kernel serves the queues of a tap's card: if it can, never, or it must. */
enum rd_net_vhost { RD_VHOST_AUTO, RD_VHOST_OFF, RD_VHOST_ON };

/* One --net option. */
struct rd_net_config {
	enum rd_net_kind kind;
	char ifname[IFNAMSIZ];		/* of a tap */
	enum rd_net_vhost vhost;	/* of a tap */
	uint8_t mac[RD_NET_MAC_LEN];
	struct rd_net_forward forwards[RD_NET_FORWARDS_MAX];
	unsigned int n_forwards;
};

/* From the guest's side: rx is what it gets. */
struct rd_net_counters {
	uint64_t rx_frames, rx_bytes, rx_dropped;
	uint64_t tx_frames, tx_bytes, tx_dropped;
};

struct rd_netdev {
	int fd;			/* non-blocking, readable: frames are there */
	/*
	 * Of a backend whose frames do not come and go by read and write on fd, one each: the next
	 * frame, 0 for none; send one, false for no room until room_fd is readable; pass on what
	 * was sent. All three or none.
	 */
	size_t (*receive)(struct rd_netdev *nd, void *frame, size_t room);
	bool (*send)(struct rd_netdev *nd, const void *frame, size_t len);
	void (*flush)(struct rd_netdev *nd);
	int room_fd;
	bool offloads;		/* a tap: each frame has a struct virtio_net_hdr_v1 before it */
	struct rd_vhost *vhost;	/* serves the queues with fd as its end, NULL: nobody does */
	/* Frames may come with these TUN_F_… from now on; only with offloads, optional. */
	void (*accept)(struct rd_netdev *nd, unsigned int offloads);
	/* Counters of a backend whose frames the card does not see; false: it does. Optional. */
	bool (*counters)(struct rd_netdev *nd, struct rd_net_counters *c);
	/* Whether the other end is up. Optional: it always is. Any thread, as before. */
	bool (*link)(struct rd_netdev *nd);
	/* With link: readable when that may have changed, until link_seen(). -1: nobody tells. */
	int link_fd;
	void (*link_seen)(struct rd_netdev *nd);
	void (*close)(struct rd_netdev *nd);	/* also frees it */
};

/* rd_net_parse - KIND[,mac=…][,hostfwd=…]…; without mac, a random one. A status. */
int rd_net_parse(const char *value, struct rd_net_config *config);

/* rd_net_format - what rd_net_parse() reads as C; ROOM is RD_NET_TEXT_MAX. */
void rd_net_format(const struct rd_net_config *c, char *to, size_t room);

/* rd_net_open - a new backend for CONFIG, which is not of kind none. A status. */
int rd_net_open(const struct rd_net_config *config, struct rd_netdev **out);

/* rd_net_user_open - the part of it for user mode. A status. */
int rd_net_user_open(const struct rd_net_config *config, struct rd_netdev **out);

#endif
