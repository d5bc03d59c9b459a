// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio 9P transport: a folder of the host (p9.h), and the option --share. A message is copied out
 * of guest memory as a whole before it is looked at, its answer is copied in when it is complete.
 */
#include "tools/src/vmctl/p9.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/virtio_9p.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define QUEUE_SIZE 128u
#define PARTS QUEUE_SIZE
#define FILES_MAX 16384u
#define DEFAULT_TAG "share"
#define TAG_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

struct share {
	struct rd_virtio_slot slot;
	struct rd_p9 *server;
	uint8_t request[RD_P9_MESSAGE_MAX], answer[RD_P9_MESSAGE_MAX];
};

static int parse_word(const char *s, size_t len, struct rd_share_config *c)
{
	if (len == 2 && !strncmp(s, "ro", 2)) {
		c->read_only = true;
		return RD_OK;
	}
	if (len < 4 || strncmp(s, "tag=", 4) != 0)
		return rd_fail(RD_USAGE, "--share: unknown \"%.*s\"", (int)len, s);
	s += 4;
	len -= 4;
	if (!len || len > RD_SHARE_TAG_MAX || strspn(s, TAG_CHARS) < len)
		return rd_fail(RD_USAGE,
			       "--share: tag: up to %u of the characters a-z A-Z 0-9 - "
			       "_ .",
			       RD_SHARE_TAG_MAX);
	memcpy(c->tag, s, len);
	c->tag[len] = 0;
	return RD_OK;
}

int rd_share_parse(const char *value, struct rd_share_config *c)
{
	const char *s = value + strcspn(value, ",");
	int status = RD_OK;

	*c = (struct rd_share_config){ .path = value,
				       .path_len = (size_t)(s - value),
				       .tag = DEFAULT_TAG };
	if (!c->path_len || c->path_len >= PATH_MAX)
		return rd_fail(RD_USAGE, "--share: DIR[,tag=TAG][,ro], not \"%s\"", value);
	while (*s && !status) {
		size_t len = strcspn(++s, ",");

		status = parse_word(s, len, c);
		s += len;
	}
	return status;
}

/* The client holds one descriptor for each file that it knows; what else is open needs some, too.
 */
static unsigned int files_max(void)
{
	struct rlimit l = { 0 };
	rlim_t each;

	if (!getrlimit(RLIMIT_NOFILE, &l) && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l))
			getrlimit(RLIMIT_NOFILE, &l);
	}
	each = l.rlim_cur / (2 * RD_SHARES_MAX);
	return each < FILES_MAX ? (unsigned int)each : FILES_MAX;
}

static uint32_t answer(struct share *s, const struct rd_chain *c)
{
	size_t room = c->in_len < sizeof(s->answer) ? c->in_len : sizeof(s->answer);
	size_t len = rd_iov_read(c->iov, c->n_out, 0, s->request, sizeof(s->request));

	len = rd_p9_serve(s->server, s->request, len, s->answer, room);
	return (uint32_t)rd_chain_write(c, 0, s->answer, len);
}

static void share_kick(struct rd_virtio *v, unsigned int q)
{
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	do {
		rd_virtq_ask_kicks(&v->queues[q].ring, false);
		while (rd_virtio_pop(v, q, &c)) {
			rd_virtio_done(v, q, c.head, answer(v->dev, &c));
			/* A client may wait for one answer before it asks for more. */
			rd_virtio_signal(v, q);
		}
		rd_virtq_ask_kicks(&v->queues[q].ring, true);
	} while (rd_virtio_pending(v, q));
}

/* A driver that begins anew has no handles; one that was paused has. */
static void share_start(struct rd_virtio *v)
{
	if (v->fresh)
		rd_p9_reset(((struct share *)v->dev)->server);
}

static void share_transfer(struct rd_virtio *v, struct rd_pack *p)
{
	rd_p9_transfer(((struct share *)v->dev)->server, p);
}

static void share_destroy(struct rd_virtio *v)
{
	struct share *s = v->dev;

	if (s->server)
		rd_p9_free(s->server);
	free(s);
}

static const struct rd_virtio_ops share_ops = {
	.name = "virtio-9p",
	.id = VIRTIO_ID_9P,
	.class_code = 0x018000, /* mass storage, other */
	.start = share_start,
	.kick = share_kick,
	.transfer = share_transfer,
	.destroy = share_destroy,
};

static int open_folder(struct share *s, const struct rd_share_config *config)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%.*s", (int)config->path_len, config->path);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return rd_fail(RD_HOST_ERROR, "--share: %s: %s", path, strerror(errno));
	s->server = rd_p9_new(fd, config->read_only, files_max());
	return s->server ? RD_OK : rd_fail(RD_HOST_ERROR, "out of memory");
}

static void set_tag(struct rd_virtio *v, const char *tag)
{
	struct virtio_9p_config config = { .tag_len = (uint16_t)strlen(tag) };

	memcpy(v->config, &config, sizeof(config));
	memcpy(v->config + sizeof(config), tag, config.tag_len);
	v->config_len = (unsigned int)sizeof(config) + config.tag_len;
}

int rd_share_new(const struct rd_ram *ram, const struct rd_share_config *config,
		 struct rd_virtio_slot **out)
{
	struct share *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	status = rd_virtio_init(&s->slot.v, &share_ops, s, ram, 1ull << VIRTIO_9P_MOUNT_TAG);
	if (!status)
		status = rd_virtio_add_queue(&s->slot.v, QUEUE_SIZE);
	set_tag(&s->slot.v, config->tag);
	if (!status)
		status = open_folder(s, config);
	if (status)
		rd_virtio_free(&s->slot.v);
	else
		*out = &s->slot;
	return status;
}
