/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket of a running VM, the server's side: connections, lines, answers. What a
 * request means is its owner's affair, who is called for each that is well formed.
 *
 * Invariant: no client makes the VM wait or its memory grow without bound. One that sends too long
 * a line is told so and cut off, one that does not read its answers is cut off.
 *
 * Everything runs in the main thread.
 */
#ifndef RD_TOOLS_CONTROL_H
#define RD_TOOLS_CONTROL_H

#include "tools/src/vmctl/proto.h"

#include <poll.h>
#include <sys/un.h>
#include <time.h>

#define RD_CONTROL_CLIENTS 16u
#define RD_CONTROL_POLL_MAX (RD_CONTROL_CLIENTS + 1)
#define RD_CONTROL_QUEUE_MAX (16u << 20)	/* bytes of answers that a client has not read */

struct rd_control_client {
	int fd;			/* -1: free */
	bool closing;		/* ends when its answers are sent */
	bool waiting;		/* its request is answered later; nothing more is read until then */
	json_t *id;		/* of that request, NULL: none */
	size_t len;
	size_t out_len, out_room;
	char *out;		/* answers that did not fit into the socket yet */
	char line[RD_PROTO_LINE_MAX];
};

struct rd_control;

struct rd_control_ops {
	/*
	 * Carry out a request. Returns the answer (a new reference), or NULL for one that comes
	 * later through rd_control_answer() or that handed the connection on.
	 */
	json_t *(*request)(void *ctx, struct rd_control_client *client,
			   const struct rd_request *request);
	/* A client that waits for an answer is gone. */
	void (*gone)(void *ctx, struct rd_control_client *client);
};

struct rd_control {
	int listen_fd;		/* -1: no control socket */
	char name[64];
	struct sockaddr_un addr;
	struct timespec started;
	const struct rd_control_ops *ops;
	void *ctx;
	struct rd_control_client clients[RD_CONTROL_CLIENTS];
};

void rd_control_init(struct rd_control *c, const struct rd_control_ops *ops, void *ctx);

/*
 * rd_control_open - listen. NAME is the VM's; NULL: it is called "vm-PID", and a directory that
 * cannot be used is only worth a warning. A status.
 */
int rd_control_open(struct rd_control *c, const char *name);
void rd_control_close(struct rd_control *c);

/* rd_control_poll - fill in at most RD_CONTROL_POLL_MAX entries, return how many. */
unsigned int rd_control_poll(const struct rd_control *c, struct pollfd *p);

/* rd_control_handle - serve what poll() found. */
void rd_control_handle(struct rd_control *c, const struct pollfd *p, unsigned int n);

/* rd_control_add - serve a connection. False: there are too many; it was told and closed. */
bool rd_control_add(struct rd_control *c, int fd);

/*
 * rd_control_answer - the answer to the request that CLIENT waits for. rd_control_event - a line
 * before it. Both take the reference.
 */
void rd_control_answer(struct rd_control *c, struct rd_control_client *client, json_t *answer);
void rd_control_event(struct rd_control *c, struct rd_control_client *client, json_t *event);

/*
 * rd_control_take - the connection goes on as something else: answer the request that is being
 * served, and return its descriptor, which is the caller's now. -1: the client is gone.
 */
int rd_control_take(struct rd_control *c, struct rd_control_client *client,
		    const struct rd_request *request, json_t *answer);

#endif
