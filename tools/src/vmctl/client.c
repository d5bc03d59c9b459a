// SPDX-License-Identifier: GPL-2.0-only
/*
 * Client calls. A VM that says nothing within the time below is reported, not waited for; what a
 * socket answers is looked at before it is used.
 */
#include "tools/src/vmctl/client.h"

#include "tools/src/vmctl/rundir.h"
#include "tools/src/vmctl/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 20
#define ANSWER_MAX (32u << 20)

/* -1 with errno. */
static int connect_to(const char *name)
{
	struct timeval tv = { .tv_sec = ANSWER_TIMEOUT_S };
	struct sockaddr_un addr;
	int fd, err;

	if (!rd_run_address(&addr, name))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* --- lines --- */

static bool send_request(const struct rd_client *c, const json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	bool sent = false;

	if (text) {
		text[len] = '\n';	/* over the terminating zero */
		sent = send(c->fd, text, len + 1, MSG_NOSIGNAL) == (ssize_t)(len + 1);
	} else {
		errno = EINVAL;
	}
	free(text);
	return sent;
}

static bool read_more(struct rd_client *c)
{
	ssize_t n;

	if (c->len == c->room) {
		size_t room = c->room ? c->room * 2 : 4096;
		char *buf = room <= ANSWER_MAX ? realloc(c->buf, room) : NULL;

		if (!buf) {
			errno = EMSGSIZE;
			return false;
		}
		c->buf = buf;
		c->room = room;
	}
	n = recv(c->fd, c->buf + c->len, c->room - c->len, 0);
	if (n <= 0) {
		errno = n ? errno : 0;
		return false;
	}
	c->len += (size_t)n;
	return true;
}

/* The next line as an object. NULL with errno, 0 when the other side closed. */
static json_t *read_line(struct rd_client *c)
{
	size_t seen = 0, used;
	char *end = NULL;
	json_t *o;

	while (true) {
		end = c->len > seen ? memchr(c->buf + seen, '\n', c->len - seen) : NULL;
		if (end)
			break;
		seen = c->len;
		if (!read_more(c))
			return NULL;
	}
	used = (size_t)(end + 1 - c->buf);
	o = json_loadb(c->buf, used - 1, 0, NULL);
	c->len -= used;
	memmove(c->buf, c->buf + used, c->len);
	if (json_is_object(o))
		return o;
	json_decref(o);
	errno = EPROTO;
	return NULL;
}

/* One exchange. NULL with errno. Takes the reference. */
static json_t *exchange(struct rd_client *c, json_t *request,
			void (*event)(void *ctx, const json_t *event), void *ctx)
{
	bool sent = send_request(c, request);

	json_decref(request);
	while (sent) {
		json_t *line = read_line(c);

		if (!line || !json_object_get(line, "event"))
			return line;
		if (event)
			event(ctx, line);
		json_decref(line);
	}
	return NULL;
}

/* --- finding --- */

static int is_socket(const struct dirent *d)
{
	size_t len = strlen(d->d_name), suffix = strlen(RD_SOCKET_SUFFIX);

	return len > suffix && !strcmp(d->d_name + len - suffix, RD_SOCKET_SUFFIX);
}

/* Call FN with each name that has a socket until it returns true. */
static int each_name(bool (*fn)(void *ctx, const char *name), void *ctx)
{
	struct dirent **list;
	bool done = false;
	int n = scandir(rd_run_dir(), &list, is_socket, alphasort);

	if (n < 0 && errno == ENOENT)
		return RD_OK;
	if (n < 0)
		return rd_fail(RD_HOST_ERROR, "%s: %s", rd_run_dir(), strerror(errno));
	for (int i = 0; i < n; i++) {
		list[i]->d_name[strlen(list[i]->d_name) - strlen(RD_SOCKET_SUFFIX)] = 0;
		done = done || fn(ctx, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return RD_OK;
}

struct by_pid {
	uint32_t pid;
	int fd;		/* connected, or -1 */
};

static bool match_pid(void *ctx, const char *name)
{
	struct by_pid *by = ctx;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = connect_to(name);

	if (fd < 0)
		return false;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
	    (uint32_t)cred.pid == by->pid) {
		by->fd = fd;
		return true;
	}
	close(fd);
	return false;
}

/* Names are never all digits, so a number is a process id. */
int rd_client_open(struct rd_client *c, const char *who)
{
	struct by_pid by = { .fd = -1 };
	int status;

	memset(c, 0, sizeof(*c));
	c->who = who;
	c->fd = -1;
	if (rd_parse_u32(who, 1, UINT32_MAX, &by.pid)) {
		status = each_name(match_pid, &by);
		c->fd = by.fd;
		if (status || by.fd >= 0)
			return status;
		return rd_fail(RD_USAGE, "no VM with process id %s", who);
	}
	if (!rd_valid_name(who))
		return rd_fail(RD_USAGE, "\"%s\" cannot be the name of a VM", who);
	c->fd = connect_to(who);
	if (c->fd >= 0)
		return RD_OK;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return rd_fail(RD_USAGE, "no VM called %s is running", who);
	return rd_fail(RD_HOST_ERROR, "%s: %s", who, strerror(errno));
}

void rd_client_close(struct rd_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

/* --- calls --- */

int rd_client_call(struct rd_client *c, json_t *request,
		   void (*event)(void *ctx, const json_t *event), void *ctx, json_t **reply)
{
	const char *error;
	int status;

	*reply = exchange(c, request, event, ctx);
	if (!*reply && errno == EAGAIN)
		return rd_fail(RD_HOST_ERROR, "%s does not answer", c->who);
	if (!*reply)
		return rd_fail(RD_HOST_ERROR, "%s: no answer: %s", c->who,
			       errno ? strerror(errno) : "it ended");
	if (json_is_true(json_object_get(*reply, "ok")))
		return RD_OK;
	error = json_string_value(json_object_get(*reply, "error"));
	status = rd_fail(RD_HOST_ERROR, "%s: %s", c->who, error ? error : "refused");
	json_decref(*reply);
	*reply = NULL;
	return status;
}

int rd_client_next(struct rd_client *c, json_t **line)
{
	struct timeval for_ever = { 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	*line = read_line(c);
	if (*line || !errno || errno == ECONNRESET)
		return RD_OK;
	return rd_fail(RD_HOST_ERROR, "%s: %s", c->who, strerror(errno));
}

int rd_client_ask(const char *who, const char *command, json_t **reply)
{
	struct rd_client c;
	int status = rd_client_open(&c, who);

	if (!status)
		status = rd_client_call(&c, json_pack("{s:s}", "command", command), NULL, NULL,
					reply);
	rd_client_close(&c);
	return status;
}

struct each {
	json_t *request;
	void (*fn)(void *ctx, json_t *answer);
	void *ctx;
};

static bool call_each(void *ctx, const char *name)
{
	struct each *each = ctx;
	struct rd_client c = { .who = name, .fd = connect_to(name) };
	json_t *reply = NULL;

	if (c.fd >= 0)
		reply = exchange(&c, json_incref(each->request), NULL, NULL);
	if (json_is_true(json_object_get(reply, "ok")))
		each->fn(each->ctx, reply);
	json_decref(reply);
	rd_client_close(&c);
	return false;
}

int rd_client_each(json_t *request, void (*fn)(void *ctx, json_t *answer), void *ctx)
{
	struct each each = { .request = request, .fn = fn, .ctx = ctx };
	int status = each_name(call_each, &each);

	json_decref(request);
	return status;
}
