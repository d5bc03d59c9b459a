// SPDX-License-Identifier: GPL-2.0-only
/* The option --net, from text and back. Nothing is opened here. */
#include "tools/src/vmctl/net.h"

#include "tools/src/vmctl/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define WORD_MAX 64u

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

static void append(char *to, size_t room, const char *fmt, ...)
{
	size_t len = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + len, room - len, fmt, ap);
	va_end(ap);
}

void rd_net_format(const struct rd_net_config *c, char *to, size_t room)
{
	static const char *const when[] = {
		[RD_VHOST_AUTO] = "auto", [RD_VHOST_OFF] = "off", [RD_VHOST_ON] = "on",
	};
	char host[INET_ADDRSTRLEN];

	*to = 0;
	if (c->kind == RD_NET_TAP)
		append(to, room, "tap:%s,vhost=%s", c->ifname, when[c->vhost]);
	else
		append(to, room, "%s", c->kind == RD_NET_USER ? "user" : "none");
	append(to, room, ",mac=%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0], c->mac[1], c->mac[2],
	       c->mac[3], c->mac[4], c->mac[5]);
	for (unsigned int i = 0; i < c->n_forwards; i++) {
		const struct rd_net_forward *f = &c->forwards[i];

		inet_ntop(AF_INET, &f->host, host, sizeof(host));
		append(to, room, ",hostfwd=%s:%s:%u-:%u", f->udp ? "udp" : "tcp", host,
		       f->host_port, f->guest_port);
	}
}
