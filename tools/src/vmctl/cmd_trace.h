/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of `vmctl trace`. A part is a command of its own, whose name is "trace NAME WORD" and
 * whose arguments begin behind the word; the VM's name comes before them.
 */
#ifndef RD_TOOLS_CMD_TRACE_H
#define RD_TOOLS_CMD_TRACE_H

#include "tools/src/vmctl/opts.h"

struct rd_trace_part {
	const char *word;
	struct rd_command command;	/* .run is not used */
	int (*run)(const struct rd_trace_part *self, const char *who, int argc, char **argv);
};

extern const struct rd_trace_part rd_trace_watch, rd_trace_guard;

#endif
