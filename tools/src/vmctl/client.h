/* SPDX-License-Identifier: GPL-2.0-only */
/* The other side of the control socket: finding a running VM and asking it something. */
#ifndef RD_TOOLS_CLIENT_H
#define RD_TOOLS_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

/*
 * rd_client_ask - send COMMAND to the VM that WHO names, by name or by process id, and wait for
 * its answer. On RD_OK *REPLY is a new reference to an object with "ok" true. A status.
 */
int rd_client_ask(const char *who, const char *command, json_t **reply);

/*
 * rd_client_each - call FN with the status object of every running VM, in the order of names.
 * Sockets that nobody listens on are passed over. A status.
 */
int rd_client_each(void (*fn)(void *ctx, const json_t *status), void *ctx);

#endif
