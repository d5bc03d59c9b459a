/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Progress of something that takes long: nothing is shown before two seconds are over. Bytes of so
 * many, or what is being done and for how long it has been.
 */
#ifndef RD_TOOLS_PROGRESS_H
#define RD_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct rd_progress {
	const char *what;
	int64_t started_ms, shown_ms;
	bool shown;
};

/* rd_progress_start - WHAT goes in front of the numbers and must stay valid. */
void rd_progress_start(struct rd_progress *p, const char *what);

/* rd_progress_show - so many bytes of so many; shown on standard error from time to time. */
void rd_progress_show(struct rd_progress *p, uint64_t done, uint64_t total);

/* rd_progress_say - TEXT, what is being done now, and the seconds since the start. */
void rd_progress_say(struct rd_progress *p, const char *text);

/* rd_progress_end - leave the terminal with a line of its own for what follows. */
void rd_progress_end(struct rd_progress *p);

#endif
