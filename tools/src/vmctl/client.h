/* SPDX-License-Identifier: GPL-2.0-only */
/* The other side of the control socket: finding a running VM and asking it something. */
#ifndef RD_TOOLS_CLIENT_H
#define RD_TOOLS_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct rd_client {
	const char *who;	/* for messages */
	int fd;
	char *buf;		/* bytes of lines that were not taken yet */
	size_t len, room;
};

/* rd_client_open - connect to the VM that WHO names, by name or by process id. A status. */
int rd_client_open(struct rd_client *c, const char *who);
void rd_client_close(struct rd_client *c);

/*
 * rd_client_call - send REQUEST (the reference is taken) and wait for the answer; EVENT, if not
 * NULL, is called with each line that comes before it. On RD_OK *REPLY is a new reference to an
 * object with "ok" true. A status.
 */
int rd_client_call(struct rd_client *c, json_t *request,
		   void (*event)(void *ctx, const json_t *event), void *ctx, json_t **reply);

/*
 * rd_client_next - wait, without an end, for the next line after an answer that lines follow. On
 * RD_OK *LINE is a new reference, NULL when the other side has closed the connection. A status.
 */
int rd_client_next(struct rd_client *c, json_t **line);

/* rd_client_ask - open, one request without arguments, close. A status. */
int rd_client_ask(const char *who, const char *command, json_t **reply);

/*
 * rd_client_each - call FN with the answer of every running VM to REQUEST (the reference is taken),
 * in the order of names. Sockets that nobody listens on are passed over. A status.
 */
int rd_client_each(json_t *request, void (*fn)(void *ctx, json_t *answer), void *ctx);

#endif
