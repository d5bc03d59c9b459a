/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that ask one running VM for something have in common. */
#ifndef RD_TOOLS_ASK_H
#define RD_TOOLS_ASK_H

#include "tools/src/vmctl/opts.h"

#include <jansson.h>
#include <stdbool.h>

/* The option --json alone, for a context that is a bool. */
extern const struct rd_opt rd_json_opts[];

/* rd_ask_set_json - the same for a command with more options: the context begins with the bool. */
int rd_ask_set_json(void *ctx, const char *value);

/*
 * rd_ask_parse - options and exactly one operand, the VM. Returns a status, or RD_OPTS_HELP when
 * there is nothing more to do.
 */
int rd_ask_parse(const struct rd_command *self, void *ctx, int argc, char **argv);

/* rd_ask_print - an answer as one line. */
void rd_ask_print(const json_t *answer);

/* rd_ask_simple - a whole command: send COMMAND, show the answer only as JSON. A status. */
int rd_ask_simple(const struct rd_command *self, int argc, char **argv, const char *command);

#endif
