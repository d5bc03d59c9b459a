/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control protocol, docs/control.md: what a request may look like, and the shape of answers.
 * Nothing here knows of sockets or machines.
 */
#ifndef RD_TOOLS_PROTO_H
#define RD_TOOLS_PROTO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_PROTO_VERSION 1
#define RD_PROTO_LINE_MAX 8192u		/* bytes of a request, newline included */

enum rd_request_command {
	RD_REQ_HELLO,
	RD_REQ_STATUS,
	RD_REQ_SHOW,
	RD_REQ_STATS,
	RD_REQ_PAUSE,
	RD_REQ_RESUME,
	RD_REQ_STOP,
	RD_REQ_KILL,
	RD_REQ_CONSOLE,
	RD_REQ_SNAPSHOT,
	RD_REQ_BALLOON,
	RD_REQ_TRACE_ADD,
	RD_REQ_TRACE_REMOVE,
	RD_REQ_TRACE_LIST,
	RD_REQ_TRACE_STATS,
	RD_REQ_TRACE_WATCH,
	RD_REQ_TRACE_UNISOLATE,
	RD_REQ_TRACE_GUARD,
	RD_REQ_TRACE_DRIVER,
	RD_REQUESTS,
};

/* What a member "code" of an answer says; the names are part of the protocol. */
enum rd_proto_code {
	RD_CODE_SYNTAX,		/* not one JSON object per line, or too long */
	RD_CODE_VERSION,	/* a protocol that is not spoken here */
	RD_CODE_COMMAND,	/* no such command */
	RD_CODE_ARGUMENT,	/* missing, unknown, or of the wrong type */
	RD_CODE_STATE,		/* not possible as the machine is now */
	RD_CODE_BUSY,		/* not now: another request is being carried out */
	RD_CODE_FAILED,		/* tried, and the host refused */
};

struct rd_request {
	enum rd_request_command command;
	json_t *root;		/* owns the rest */
	json_t *id;		/* NULL: none; borrowed from root */
	const char *file;	/* snapshot */
	bool stop;		/* snapshot: end the machine afterwards */
	bool vcpus;		/* stats: each vCPU by itself, too */
	int64_t memory;		/* balloon: the guest's memory in bytes; 0: only tell */
	json_t *ranges;		/* trace_add, trace_remove: an array; borrowed from root */
	json_t *actions;	/* trace_add, trace_guard: an array, NULL: the default */
	json_t *allow;		/* trace_guard: an array, NULL: all */
	int64_t tag;		/* trace_add */
	bool all;		/* trace_remove */
	int64_t from;		/* trace_list: what ends above this */
};

struct rd_proto_error {
	enum rd_proto_code code;
	char text[160];
};

/*
 * rd_request_parse - parse LEN bytes without a newline. On false *ERROR says why and *R has at most
 * an id, for the answer. rd_request_free() in either case.
 */
bool rd_request_parse(struct rd_request *r, const char *line, size_t len,
		      struct rd_proto_error *error);
void rd_request_free(struct rd_request *r);

/* rd_request_name - the name of a command. */
const char *rd_request_name(enum rd_request_command command);

/* rd_proto_hello - the answer to hello. */
json_t *rd_proto_hello(void);

/* rd_proto_fail - an answer that says no. The text is made one line of valid UTF-8. */
json_t *rd_proto_fail(enum rd_proto_code code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
