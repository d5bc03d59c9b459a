/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing a snapshot of a paused machine, in a thread of its own so that the control socket goes
 * on answering. The file appears under its name only when it is whole and on the disk.
 *
 * The main thread must leave the machine alone from rd_snapshot_start() to rd_snapshot_join().
 */
#ifndef RD_TOOLS_SNAPSHOT_H
#define RD_TOOLS_SNAPSHOT_H

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/proto.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct rd_snapshot {
	bool running;
	int done_fd;			/* eventfd: the thread is done */
	pthread_t thread;
	struct rd_machine *machine;
	char name[64];
	char path[PATH_MAX];
	char partial[PATH_MAX];		/* the file while it is written */
	uint64_t done;			/* atomic: bytes of memory looked at */
	uint32_t cancel;		/* atomic */
	uint64_t size;			/* of the file, when it is done */
	int status;			/* when it is done; RD_STOPPED: cancelled */
	char error[256];		/* why, for the answer */
};

void rd_snapshot_init(struct rd_snapshot *s);

/* rd_snapshot_possible - whether M can be saved; on false TEXT says what prevents it. */
bool rd_snapshot_possible(const struct rd_machine *m, char *text, size_t len);

/* rd_snapshot_start - begin to write M, which is paused, to PATH. On false error says why. */
bool rd_snapshot_start(struct rd_snapshot *s, struct rd_machine *m, const char *name,
		       const char *path);

/* rd_snapshot_cancel - give up as soon as possible; join afterwards. */
void rd_snapshot_cancel(struct rd_snapshot *s);

/* rd_snapshot_join - wait for the end. Then status, error and size are final. */
void rd_snapshot_join(struct rd_snapshot *s);

/* rd_snapshot_write - the whole stream; the thread's work. A status. */
int rd_snapshot_write(struct rd_snapshot *s, FILE *file);

#endif
