/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot being read: first what machine it is of, then, once that is built, its state.
 * A machine whose state could not be loaded completely never runs.
 */
#ifndef RD_TOOLS_RESTORE_H
#define RD_TOOLS_RESTORE_H

#include "tools/src/vmctl/config.h"
#include "tools/src/vmctl/stream.h"

#include <jansson.h>
#include <stdio.h>

struct rd_machine;

struct rd_restore {
	FILE *file;
	uint64_t size;
	struct rd_stream stream;
	json_t *description;	/* owns the strings of the configuration */
};

/* rd_restore_open - open PATH and take the machine's part of CONFIG from it. A status. */
int rd_restore_open(struct rd_restore *r, const char *path, struct rd_config *config);

/* rd_restore_load - load all that follows into M, whose devices are paused. A status. */
int rd_restore_load(struct rd_restore *r, struct rd_machine *m);

void rd_restore_close(struct rd_restore *r);

#endif
