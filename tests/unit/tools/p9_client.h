/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 9P client for tests: builds one message at a time and looks at the answer. A message is written
 * as a string of types and its values: b, w, d, q are numbers of 1, 2, 4, 8 bytes, s is a string.
 */
#ifndef RD_TESTS_UNIT_TOOLS_P9_CLIENT_H
#define RD_TESTS_UNIT_TOOLS_P9_CLIENT_H

#include "tools/src/vmctl/p9.h"
#include "tools/src/vmctl/p9_wire.h"

struct p9_client {
	char dir[32]; /* everything is below; the folder is dir/in */
	struct rd_p9 *server;
	uint8_t message[8192], answer[8192];
	size_t len, answer_len;
};

/* p9_begin - a folder with a few files, something beside it, and a server. p9_end - all gone. */
void p9_begin(struct p9_client *c, bool read_only, unsigned int files_max);
void p9_end(struct p9_client *c);
/* p9_build - put a message together, without sending it. */
void p9_build(struct p9_client *c, uint8_t type, const char *form, ...);
/* p9_send - send what was built, LEN bytes of it. The errno of the answer, -1: there was none. */
int p9_send(struct p9_client *c, size_t len);
/* p9_ask - both. */
#define p9_ask(c, ...) (p9_build((c), __VA_ARGS__), p9_send((c), (c)->len))
/* p9_session - agree on a version, attach handle 0. */
void p9_session(struct p9_client *c);
/* p9_number - N bytes of the answer at AT, counted from the end of its head. */
uint64_t p9_number(const struct p9_client *c, size_t at, unsigned int n);
/* p9_path - the name of a file below `dir`, in a static buffer. */
const char *p9_path(const struct p9_client *c, const char *name);

#endif
