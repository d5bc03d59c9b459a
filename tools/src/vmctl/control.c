// SPDX-License-Identifier: GPL-2.0-only
/* Connections of the control socket, served by the main thread between other events. */
#include "tools/src/vmctl/control.h"

#include "tools/src/vmctl/rundir.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void rd_control_init(struct rd_control *c, const struct rd_control_ops *ops, void *ctx)
{
	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->ctx = ctx;
	c->listen_fd = -1;
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
}

int rd_control_open(struct rd_control *c, const char *name)
{
	clock_gettime(CLOCK_MONOTONIC, &c->started);
	if (name)
		snprintf(c->name, sizeof(c->name), "%s", name);
	else
		snprintf(c->name, sizeof(c->name), "vm-%d", (int)getpid());
	if (rd_run_address(&c->addr, c->name))
		c->listen_fd = rd_run_listen(&c->addr, (int)RD_CONTROL_CLIENTS);
	if (c->listen_fd >= 0)
		return RD_OK;
	if (errno == EADDRINUSE)
		return rd_fail(RD_USAGE, "--name: a VM called %s is running", c->name);
	if (name)
		return rd_fail(RD_HOST_ERROR, "control socket in %s: %s", rd_run_dir(),
			       strerror(errno));
	rd_warn("no control socket in %s: %s", rd_run_dir(), strerror(errno));
	return RD_OK;
}

/* Forget the connection; its descriptor was closed or given away. */
static void forget(struct rd_control *c, struct rd_control_client *client)
{
	bool waited = client->waiting;

	free(client->out);
	json_decref(client->id);
	memset(client, 0, offsetof(struct rd_control_client, line));
	client->fd = -1;
	if (waited)
		c->ops->gone(c->ctx, client);
}

static void drop(struct rd_control *c, struct rd_control_client *client)
{
	close(client->fd);
	forget(c, client);
}

void rd_control_close(struct rd_control *c)
{
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop(c, &c->clients[i]);
	if (c->listen_fd < 0)
		return;
	rd_run_unlink(&c->addr);
	close(c->listen_fd);
	c->listen_fd = -1;
}

static short wanted(const struct rd_control_client *client)
{
	if (client->out_len)
		return POLLOUT;		/* no further request before the last was answered */
	return client->waiting ? 0 : POLLIN;	/* POLLHUP comes unasked */
}

unsigned int rd_control_poll(const struct rd_control *c, struct pollfd *p)
{
	p[0] = (struct pollfd){ .fd = c->listen_fd, .events = POLLIN };
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		p[i + 1] = (struct pollfd){
			.fd = c->clients[i].fd, .events = wanted(&c->clients[i]),
		};
	return RD_CONTROL_POLL_MAX;
}

/* --- sending --- */

/* Send what waits. False: the client was dropped. */
static bool flush(struct rd_control *c, struct rd_control_client *client)
{
	ssize_t n = 0;

	if (client->out_len)
		n = send(client->fd, client->out, client->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0) {
		drop(c, client);
		return false;
	}
	client->out_len -= (size_t)n;
	memmove(client->out, client->out + n, client->out_len);
	if (!client->out_len && client->closing) {
		drop(c, client);
		return false;
	}
	return true;
}

static bool enqueue(struct rd_control_client *client, const char *text, size_t len)
{
	size_t need = client->out_len + len + 1;

	if (need > RD_CONTROL_QUEUE_MAX)
		return false;
	if (need > client->out_room) {
		char *out = realloc(client->out, need);

		if (!out)
			return false;
		client->out = out;
		client->out_room = need;
	}
	memcpy(client->out + client->out_len, text, len);
	client->out[client->out_len + len] = '\n';
	client->out_len = need;
	return true;
}

/* Takes the reference. False: the client was dropped. */
static bool send_line(struct rd_control *c, struct rd_control_client *client, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	bool ok = text && enqueue(client, text, strlen(text));

	free(text);
	json_decref(line);
	if (ok)
		return flush(c, client);
	drop(c, client);
	return false;
}

static json_t *with_id(json_t *line, json_t *id)
{
	if (line && id)
		json_object_set(line, "id", id);
	return line;
}

void rd_control_event(struct rd_control *c, struct rd_control_client *client, json_t *event)
{
	send_line(c, client, with_id(event, client->id));
}

void rd_control_answer(struct rd_control *c, struct rd_control_client *client, json_t *answer)
{
	json_t *id = client->id;

	client->waiting = false;
	client->id = NULL;
	send_line(c, client, with_id(answer, id));
	json_decref(id);
}

int rd_control_take(struct rd_control *c, struct rd_control_client *client,
		    const struct rd_request *request, json_t *answer)
{
	int fd = client->fd;

	client->waiting = false;
	if (!send_line(c, client, with_id(answer, request->id)))
		return -1;
	if (client->out_len) {
		drop(c, client);	/* it does not even read one line */
		return -1;
	}
	forget(c, client);
	return fd;
}

/* --- receiving --- */

bool rd_control_add(struct rd_control *c, int fd)
{
	static const char full[] =
		"{\"ok\":false,\"code\":\"busy\",\"error\":\"too many connections\"}\n";

	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd >= 0)
			continue;
		c->clients[i].fd = fd;
		return true;
	}
	if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0;	/* it will find out by itself */
	close(fd);
	return false;
}

static void accept_client(struct rd_control *c)
{
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		rd_control_add(c, fd);
}

/* One line. The client may be gone afterwards. */
static void serve(struct rd_control *c, struct rd_control_client *client, size_t len)
{
	struct rd_proto_error error;
	struct rd_request request;
	json_t *answer;

	if (rd_request_parse(&request, client->line, len, &error)) {
		client->waiting = true;
		client->id = json_incref(request.id);
		answer = c->ops->request(c->ctx, client, &request);
		if (answer && client->fd >= 0)
			rd_control_answer(c, client, answer);
		else
			json_decref(answer);
	} else {
		send_line(c, client, with_id(rd_proto_fail(error.code, "%s", error.text),
					     request.id));
	}
	rd_request_free(&request);
}

/* Serve the lines that are complete. Stops at one that is answered later. */
static void serve_lines(struct rd_control *c, struct rd_control_client *client)
{
	while (client->fd >= 0 && !client->waiting && !client->closing && !client->out_len) {
		char *end = memchr(client->line, '\n', client->len);
		size_t used;

		if (!end)
			break;
		used = (size_t)(end + 1 - client->line);
		serve(c, client, used - 1);
		if (client->fd < 0)
			break;
		client->len -= used;
		memmove(client->line, client->line + used, client->len);
	}
}

static void refuse_long_line(struct rd_control *c, struct rd_control_client *client)
{
	client->closing = true;
	client->len = 0;
	send_line(c, client, rd_proto_fail(RD_CODE_SYNTAX, "a line has at most %u bytes",
					   RD_PROTO_LINE_MAX));
}

static void read_client(struct rd_control *c, struct rd_control_client *client)
{
	ssize_t n = read(client->fd, client->line + client->len,
			 sizeof(client->line) - client->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c, client);
		return;
	}
	client->len += (size_t)n;
	serve_lines(c, client);
	if (client->fd >= 0 && client->len == sizeof(client->line) &&
	    !memchr(client->line, '\n', client->len))
		refuse_long_line(c, client);
}

static void handle_client(struct rd_control *c, struct rd_control_client *client, short events)
{
	if (client->out_len) {
		if (!flush(c, client) || client->out_len)
			return;
		serve_lines(c, client);
	} else if (client->waiting) {
		if (events & (POLLHUP | POLLERR))
			drop(c, client);
	} else {
		read_client(c, client);
	}
}

void rd_control_handle(struct rd_control *c, const struct pollfd *p, unsigned int n)
{
	for (unsigned int i = 0; i + 1 < n; i++)
		if (p[i + 1].revents && c->clients[i].fd == p[i + 1].fd)
			handle_client(c, &c->clients[i], p[i + 1].revents);
	if (n && p[0].revents)
		accept_client(c);
	/* An answer that came late makes way for the lines that waited behind it. */
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		if (c->clients[i].len)
			serve_lines(c, &c->clients[i]);
}
