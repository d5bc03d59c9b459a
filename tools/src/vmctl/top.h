/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `vmctl top` shows: rates out of two answers of a VM to `stats`. Nothing here asks or draws.
 */
#ifndef RD_TOOLS_TOP_H
#define RD_TOOLS_TOP_H

#include <jansson.h>
#include <stdio.h>

/*
 * rd_top_rates - rates of one VM over SECONDS (above 0) between two answers to `stats` with vCPUs.
 * EARLIER is NULL, or of another life of the name, for a VM that is new: its counters began at 0.
 * A new reference:
 *   name, pid, state, exits, user_exits, faults, interrupts (per second), cpu, guest (percent of
 *   one CPU), reasons {name: per second}, vcpus [the same per vCPU, with index]
 */
json_t *rd_top_rates(const json_t *earlier, const json_t *now, double seconds);

/* rd_top_number - a member of the above as a number, 0 when it is none. */
double rd_top_number(const json_t *o, const char *key);

/* A reason with its rate, for sorting. */
struct rd_top_reason {
	const char *name;
	double rate;
};

/* rd_top_reasons - at most N of the reasons of O, the most frequent first. Returns how many. */
size_t rd_top_reasons(const json_t *o, struct rd_top_reason *list, size_t n);

/* rd_top_line - the line of a VM, or of a vCPU, as text of at most LEN bytes. */
#define RD_TOP_HEAD                                                                                \
	"                         STATE    GUEST%   CPU%    EXITS/s   USER/s FAULTS/s    IRQ/s"
void rd_top_line(const json_t *o, char *text, size_t len);

#endif
