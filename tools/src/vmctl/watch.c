// SPDX-License-Identifier: GPL-2.0-only
/* Connections that watch write traces, served between other events of the main loop. */
#include "tools/src/vmctl/watch.h"

#include "tools/src/vmctl/trace_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16u

void rd_watch_init(struct rd_watch *w)
{
	memset(w, 0, sizeof(*w));
	for (unsigned int i = 0; i < RD_WATCHERS; i++)
		w->list[i].fd = w->list[i].events_fd = -1;
}

static void close_events(struct rd_watcher *r)
{
	if (r->events_fd >= 0)
		close(r->events_fd);
	r->events_fd = -1;
}

static void drop(struct rd_watcher *r)
{
	close_events(r);
	close(r->fd);
	free(r->queue);
	memset(r, 0, sizeof(*r));
	r->fd = r->events_fd = -1;
}

bool rd_watch_room(const struct rd_watch *w)
{
	for (unsigned int i = 0; i < RD_WATCHERS; i++)
		if (w->list[i].fd < 0)
			return true;
	return false;
}

int rd_watch_events(int vm_fd)
{
	int fd = ioctl(vm_fd, RD_VM_TRACE_EVENTS, 0);
	int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

	if (flags >= 0 && !fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void rd_watch_add(struct rd_watch *w, int fd, int events_fd)
{
	struct rd_watcher *r = w->list;

	while (r->fd >= 0)
		r++;
	*r = (struct rd_watcher){ .fd = fd, .events_fd = events_fd };
	r->queue = malloc(RD_WATCH_QUEUE);
	if (!r->queue)
		drop(r);
}

/* --- lines --- */

/* Send what waits. False: the connection is gone. */
static bool flush(struct rd_watcher *r)
{
	ssize_t n = 0;

	if (r->len)
		n = send(r->fd, r->queue, r->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	r->len -= (size_t)n;
	memmove(r->queue, r->queue + n, r->len);
	return true;
}

static void append(struct rd_watcher *r, const char *text, size_t len)
{
	memcpy(r->queue + r->len, text, len);
	r->queue[r->len + len] = '\n';
	r->len += len + 1;
}

/* What was lost before a line is told before it; both fit, or the line is lost, too. */
static void put(struct rd_watcher *r, const json_t *line)
{
	char lost[64], *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	int n = snprintf(lost, sizeof(lost), "{\"event\":\"lost\",\"count\":%" PRIu64 "}", r->lost);
	size_t len = text ? strlen(text) : 0;

	if (!text || len + 1 + sizeof(lost) > RD_WATCH_QUEUE - r->len) {
		r->lost++;
		free(text);
		return;
	}
	if (r->lost)
		append(r, lost, (size_t)n);
	append(r, text, len);
	r->lost = 0;
	free(text);
}

void rd_watch_tell(struct rd_watch *w, json_t *line)
{
	for (unsigned int i = 0; i < RD_WATCHERS; i++) {
		struct rd_watcher *r = &w->list[i];

		if (r->fd < 0)
			continue;
		put(r, line);
		if (!flush(r))
			drop(r);
	}
	json_decref(line);
}

/* --- events --- */

/* A gap in the numbers is what the ring has dropped; before the first nobody knows how many. */
static void put_event(struct rd_watcher *r, const struct rd_trace_event *e)
{
	json_t *line = rd_trace_event_json("trace", e);

	if (r->seq && e->seq > r->seq + 1)
		r->lost += e->seq - r->seq - 1;
	else if (e->flags & RD_EVENT_LOST)
		r->lost++;
	r->seq = e->seq;
	put(r, line);
	json_decref(line);
}

/* Take a few events. False: there are no more now. */
static bool take_events(struct rd_watcher *r)
{
	struct rd_trace_event e[EVENTS_AT_ONCE];
	ssize_t n = read(r->events_fd, e, sizeof(e));

	if (n < 0)
		return errno == EINTR;
	if (!n)
		close_events(r);	/* the VM is dead */
	for (size_t i = 0; i < (size_t)n / sizeof(e[0]); i++)
		put_event(r, &e[i]);
	return n > 0;
}

void rd_watch_ended(struct rd_watch *w)
{
	for (unsigned int i = 0; i < RD_WATCHERS; i++) {
		struct rd_watcher *r = &w->list[i];
		bool there = r->fd >= 0;

		while (there && r->events_fd >= 0 && take_events(r))
			there = flush(r);
		close_events(r);
		if (r->fd >= 0 && !(there && flush(r)))
			drop(r);
	}
}

void rd_watch_began(struct rd_watch *w, int vm_fd)
{
	for (unsigned int i = 0; i < RD_WATCHERS; i++) {
		struct rd_watcher *r = &w->list[i];

		if (r->fd < 0)
			continue;
		close_events(r);
		r->events_fd = rd_watch_events(vm_fd);
		r->seq = 0;
	}
}

void rd_watch_close(struct rd_watch *w)
{
	rd_watch_ended(w);
	for (unsigned int i = 0; i < RD_WATCHERS; i++)
		if (w->list[i].fd >= 0)
			drop(&w->list[i]);
}

/* --- poll --- */

void rd_watch_poll(const struct rd_watch *w, struct pollfd *p)
{
	for (unsigned int i = 0; i < RD_WATCHERS; i++) {
		const struct rd_watcher *r = &w->list[i];

		/* What the watcher says does not matter; that it hangs up comes unasked. */
		p[2 * i] = (struct pollfd){ .fd = r->fd, .events = r->len ? POLLOUT : 0 };
		p[2 * i + 1] = (struct pollfd){
			.fd = r->len < RD_WATCH_QUEUE / 2 ? r->events_fd : -1, .events = POLLIN,
		};
	}
}

void rd_watch_handle(struct rd_watch *w, const struct pollfd *p)
{
	for (unsigned int i = 0; i < RD_WATCHERS; i++) {
		struct rd_watcher *r = &w->list[i];
		bool ours = r->fd >= 0 && p[2 * i].fd == r->fd;

		if (ours && p[2 * i + 1].revents && p[2 * i + 1].fd == r->events_fd)
			take_events(r);
		if (ours && (p[2 * i].revents & (POLLHUP | POLLERR) || !flush(r)))
			drop(r);
	}
}
