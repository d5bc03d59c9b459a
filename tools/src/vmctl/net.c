// SPDX-License-Identifier: GPL-2.0-only
/* The option --net, and tap interfaces. Nothing is opened before the whole option was right. */
#include "tools/src/vmctl/net.h"

#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/vhost.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#define WORD_MAX 64u
#define TUN_NODE "/dev/net/tun"
#define VHOST_NODE "/dev/vhost-net"

static bool parse_mac(const char *s, uint8_t *mac)
{
	int used = 0;

	if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5], &used) != 6 || s[used] || used != 17)
		return false;
	return !(mac[0] & 1);
}

static bool parse_port(const char *s, uint16_t *port)
{
	uint32_t n;

	if (!rd_parse_u32(s, 1, 65535, &n))
		return false;
	*port = (uint16_t)n;
	return true;
}

/* PROTOCOL:[HOSTADDR]:PORT-:GUESTPORT. S is cut up. */
static bool parse_forward(char *s, struct rd_net_forward *f)
{
	char *addr = strchr(s, ':'), *port = addr ? strchr(addr + 1, ':') : NULL;
	char *guest = port ? strstr(port, "-:") : NULL;

	if (!guest)
		return false;
	*addr++ = *port++ = *guest = 0;
	f->udp = !strcmp(s, "udp");
	if (!f->udp && strcmp(s, "tcp") != 0)
		return false;
	if (inet_pton(AF_INET, *addr ? addr : "127.0.0.1", &f->host) != 1)
		return false;
	return parse_port(port, &f->host_port) && parse_port(guest + 2, &f->guest_port);
}

static int parse_kind(const char *word, struct rd_net_config *c)
{
	const char *ifname = word + 4;

	if (!strcmp(word, "user")) {
		c->kind = RD_NET_USER;
	} else if (!strcmp(word, "none")) {
		c->kind = RD_NET_NONE;
	} else if (!strncmp(word, "tap:", 4)) {
		c->kind = RD_NET_TAP;
		if (!*ifname || strlen(ifname) >= IFNAMSIZ || strpbrk(ifname, "/% "))
			return rd_fail(RD_USAGE, "--net: \"%s\" is no name of an interface",
				       ifname);
		memcpy(c->ifname, ifname, strlen(ifname) + 1);
	} else {
		return rd_fail(RD_USAGE, "--net: user, tap:INTERFACE or none, not \"%s\"", word);
	}
	return RD_OK;
}

static int parse_vhost(const char *s, struct rd_net_config *c)
{
	if (c->kind != RD_NET_TAP)
		return rd_fail(RD_USAGE, "--net: vhost is for tap");
	if (!strcmp(s, "auto"))
		c->vhost = RD_VHOST_AUTO;
	else if (!strcmp(s, "on"))
		c->vhost = RD_VHOST_ON;
	else if (!strcmp(s, "off"))
		c->vhost = RD_VHOST_OFF;
	else
		return rd_fail(RD_USAGE, "--net: vhost=auto, on or off, not \"%s\"", s);
	return RD_OK;
}

static int parse_word(char *word, struct rd_net_config *c)
{
	if (!strncmp(word, "mac=", 4)) {
		if (!parse_mac(word + 4, c->mac))
			return rd_fail(RD_USAGE, "--net: mac=XX:XX:XX:XX:XX:XX of one station, "
				       "not \"%s\"", word + 4);
		return RD_OK;
	}
	if (!strncmp(word, "vhost=", 6))
		return parse_vhost(word + 6, c);
	if (strncmp(word, "hostfwd=", 8) != 0)
		return rd_fail(RD_USAGE, "--net: unknown \"%s\"", word);
	if (c->kind != RD_NET_USER)
		return rd_fail(RD_USAGE, "--net: hostfwd is for user");
	if (c->n_forwards == RD_NET_FORWARDS_MAX)
		return rd_fail(RD_USAGE, "--net: at most %u hostfwd", RD_NET_FORWARDS_MAX);
	if (!parse_forward(word + 8, &c->forwards[c->n_forwards++]))
		return rd_fail(RD_USAGE, "--net: hostfwd=tcp:[HOSTADDR]:PORT-:GUESTPORT");
	return RD_OK;
}

/* Locally administered, one station. */
static bool random_mac(uint8_t *mac)
{
	if (getrandom(mac, RD_NET_MAC_LEN, 0) != RD_NET_MAC_LEN)
		return false;
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
	return true;
}

int rd_net_parse(const char *value, struct rd_net_config *config)
{
	bool first = true;
	int status = RD_OK;

	memset(config, 0, sizeof(*config));
	if (!random_mac(config->mac))
		return rd_fail(RD_HOST_ERROR, "getrandom: %s", strerror(errno));
	while (!status) {
		size_t len = strcspn(value, ",");
		char word[WORD_MAX];

		if (len >= sizeof(word))
			return rd_fail(RD_USAGE, "--net: \"%.20s…\" is too long", value);
		memcpy(word, value, len);
		word[len] = 0;
		status = first ? parse_kind(word, config) : parse_word(word, config);
		first = false;
		if (!value[len])
			break;
		value += len + 1;
	}
	return status;
}

static void tap_accept(struct rd_netdev *nd, unsigned int offloads)
{
	if (ioctl(nd->fd, TUNSETOFFLOAD, offloads))
		rd_warn("--net tap: TUNSETOFFLOAD: %s", strerror(errno));
}

struct tap {
	struct rd_netdev nd;
	struct rd_vhost vhost;
};

static void tap_close(struct rd_netdev *nd)
{
	struct tap *t = (struct tap *)nd;

	rd_vhost_close(&t->vhost);
	if (nd->fd >= 0)
		close(nd->fd);
	free(t);
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
	t->nd = (struct rd_netdev){ .offloads = true, .accept = tap_accept, .close = tap_close };
	t->nd.fd = tap_fd(config->ifname, &what);
	if (t->nd.fd < 0)
		status = rd_fail(RD_HOST_ERROR, "--net tap: %s: %s%s", what, strerror(errno),
				 errno == ENOENT ? " (modprobe tun)" : "");
	if (!status)
		status = tap_vhost(t, config);
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
