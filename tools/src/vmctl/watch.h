/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that watch write traces: each has a descriptor of the hypervisor's events of its own,
 * and gets them as lines of JSON.
 *
 * Invariant: nobody waits for a watcher and its queue is bounded. While it does not read, its
 * events stay in the hypervisor's ring, which drops the oldest; what a watcher has lost is counted
 * and told in a line of its own. Main thread only.
 */
#ifndef RD_TOOLS_WATCH_H
#define RD_TOOLS_WATCH_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_WATCHERS 8u
#define RD_WATCH_POLL (2 * RD_WATCHERS)
#define RD_WATCH_QUEUE (64u << 10)	/* bytes of lines that a watcher has not taken */

struct rd_watcher {
	int fd;			/* -1: free */
	int events_fd;		/* -1: the machine has ended, or is not there yet */
	uint64_t seq;		/* of the last event that was read */
	uint64_t lost;		/* lines that did not fit; to be told */
	size_t len;
	char *queue;
};

struct rd_watch {
	struct rd_watcher list[RD_WATCHERS];
};

void rd_watch_init(struct rd_watch *w);

/* rd_watch_close - end all, with what they take at once. */
void rd_watch_close(struct rd_watch *w);

bool rd_watch_room(const struct rd_watch *w);

/* rd_watch_events - a descriptor of the events of the VM. -1 with errno. */
int rd_watch_events(int vm_fd);

/* rd_watch_add - FD, the connection, gets the events of EVENTS_FD; both belong to W now. */
void rd_watch_add(struct rd_watch *w, int fd, int events_fd);

/* rd_watch_tell - a line for all. Takes the reference. */
void rd_watch_tell(struct rd_watch *w, json_t *line);

/* rd_watch_ended - the machine has: what it reported is passed on. */
void rd_watch_ended(struct rd_watch *w);

/* rd_watch_began - there is a new machine: go on with that. */
void rd_watch_began(struct rd_watch *w, int vm_fd);

/* rd_watch_poll - fill in RD_WATCH_POLL entries. rd_watch_handle - what poll() found. */
void rd_watch_poll(const struct rd_watch *w, struct pollfd *p);
void rd_watch_handle(struct rd_watch *w, const struct pollfd *p);

#endif
