// SPDX-License-Identifier: GPL-2.0-only
/* Tap interfaces, with the host's kernel at their queues where it can be. */
#include "tools/src/vmctl/net.h"

#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_NODE "/dev/net/tun"
#define VHOST_NODE "/dev/vhost-net"

static void tap_accept(struct rd_netdev *nd, unsigned int offloads)
{
	if (ioctl(nd->fd, TUNSETOFFLOAD, offloads))
		rd_warn("--net tap: TUNSETOFFLOAD: %s", strerror(errno));
}

struct tap {
	struct rd_netdev nd;
	char ifname[IFNAMSIZ];
	struct rd_net_counters before;	/* the interface's when it was opened */
	struct rd_vhost vhost;
};

static void tap_close(struct rd_netdev *nd)
{
	struct tap *t = (struct tap *)nd;

	rd_vhost_close(&t->vhost);
	if (nd->link_fd >= 0)
		close(nd->link_fd);
	if (nd->fd >= 0)
		close(nd->fd);
	free(t);
}

/* The line of our interface in a file that has them all. False: it is not there. */
static bool interface_counters(const char *ifname, struct rd_net_counters *c)
{
	char line[512], name[IFNAMSIZ];
	FILE *f = fopen("/proc/self/net/dev", "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		/* What the interface has received is what the guest has sent. */
		int n = sscanf(line, " %15[^:]: %" SCNu64 " %" SCNu64 " %*u %" SCNu64
			       " %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*u %" SCNu64, name,
			       &c->tx_bytes, &c->tx_frames, &c->tx_dropped, &c->rx_bytes,
			       &c->rx_frames, &c->rx_dropped);

		found = n == 7 && !strcmp(name, ifname);
	}
	if (f)
		fclose(f);
	return found;
}

/* With vhost nobody here sees the frames. */
static bool tap_counters(struct rd_netdev *nd, struct rd_net_counters *c)
{
	struct tap *t = (struct tap *)nd;

	if (!nd->vhost || !interface_counters(t->ifname, c))
		return false;
	c->rx_frames -= t->before.rx_frames;
	c->rx_bytes -= t->before.rx_bytes;
	c->rx_dropped -= t->before.rx_dropped;
	c->tx_frames -= t->before.tx_frames;
	c->tx_bytes -= t->before.tx_bytes;
	c->tx_dropped -= t->before.tx_dropped;
	return true;
}

static bool tap_link(struct rd_netdev *nd)
{
	struct tap *t = (struct tap *)nd;
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	memcpy(req.ifr_name, t->ifname, sizeof(req.ifr_name));
	up = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &req) && req.ifr_flags & IFF_UP;
	if (fd >= 0)
		close(fd);
	return up;
}

/* A socket on which the kernel tells of every change of an interface, -1: it does not. */
static int open_link_news(void)
{
	struct sockaddr_nl here = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&here, sizeof(here)))
		return fd;
	rd_warn("--net tap: the guest will not see the link go down: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* What it says does not matter: the interface is asked. Too much news is an error, and news. */
static void tap_link_seen(struct rd_netdev *nd)
{
	char news[4096];

	while (recv(nd->link_fd, news, sizeof(news), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		continue;
}

/* Without vhost-net vmctl serves the queues itself, unless that is not wanted. */
static int tap_vhost(struct tap *t, const struct rd_net_config *config)
{
	int status;

	if (config->vhost == RD_VHOST_OFF)
		return RD_OK;
	status = rd_vhost_open(&t->vhost, VHOST_NODE,
			       config->vhost == RD_VHOST_ON ? "--net tap" : NULL);
	if (!status)
		t->nd.vhost = &t->vhost;
	return config->vhost == RD_VHOST_ON ? status : RD_OK;
}

/* Returns the descriptor, or -1 with errno and what failed in *WHAT. */
static int tap_fd(const char *ifname, const char **what)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int hdr_len = sizeof(struct virtio_net_hdr_v1), err;
	int fd = open(TUN_NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	*what = TUN_NODE;
	if (fd < 0)
		return -1;
	*what = ifname;
	memcpy(req.ifr_name, ifname, sizeof(req.ifr_name));
	if (!ioctl(fd, TUNSETIFF, &req) && !ioctl(fd, TUNSETVNETHDRSZ, &hdr_len))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int tap_open(const struct rd_net_config *config, struct rd_netdev **out)
{
	struct tap *t = calloc(1, sizeof(*t));
	int status = RD_OK;
	const char *what;

	if (!t)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	t->vhost = (struct rd_vhost){ .fd = -1, .err_fd = -1 };
	t->nd = (struct rd_netdev){ .offloads = true, .accept = tap_accept, .close = tap_close,
				    .counters = tap_counters, .link = tap_link,
				    .link_fd = open_link_news(), .link_seen = tap_link_seen };
	memcpy(t->ifname, config->ifname, sizeof(t->ifname));
	t->nd.fd = tap_fd(config->ifname, &what);
	if (t->nd.fd < 0)
		status = rd_fail(RD_HOST_ERROR, "--net tap: %s: %s%s", what, strerror(errno),
				 errno == ENOENT ? " (modprobe tun)" : "");
	if (!status)
		status = tap_vhost(t, config);
	if (!status)
		interface_counters(t->ifname, &t->before);
	if (status)
		tap_close(&t->nd);
	else
		*out = &t->nd;
	return status;
}

int rd_net_open(const struct rd_net_config *config, struct rd_netdev **out)
{
	return config->kind == RD_NET_TAP ? tap_open(config, out) : rd_net_user_open(config, out);
}
