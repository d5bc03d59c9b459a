/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the outside may ask of a virtio balloon: a target for the guest's memory, and what the guest
 * says of its memory. Any thread.
 */
#ifndef RD_TOOLS_BALLOON_H
#define RD_TOOLS_BALLOON_H

#include "tools/src/vmctl/virtio.h"

#include <stdbool.h>
#include <stdint.h>

/* One statistic, by the number that the guest gives it (VIRTIO_BALLOON_S_…). */
#define RD_BALLOON_STATS 16u

struct rd_balloon_info {
	bool active;			/* the guest's driver is at work */
	uint64_t target;		/* bytes that the guest should have */
	uint64_t actual;		/* bytes that it has */
	uint64_t reported;		/* bytes reported free and given back to the host, ever */
	uint32_t known;			/* bit n: stats[n] is there */
	uint64_t stats[RD_BALLOON_STATS];
	int64_t age_ms;			/* of the statistics; -1: none came yet */
};

/* rd_balloon_set - leave the guest BYTES of its memory; at least a page, at most all of it. */
void rd_balloon_set(struct rd_virtio *v, uint64_t bytes);

/* rd_balloon_get - the latest news. Asks the guest for newer ones at the same time. */
void rd_balloon_get(struct rd_virtio *v, struct rd_balloon_info *info);

/* rd_balloon_answer - the same as an answer on the control socket, a new reference. */
struct json_t *rd_balloon_answer(struct rd_virtio *v);

/* rd_balloon_stat_name - the name of a statistic, NULL when it has none. */
const char *rd_balloon_stat_name(unsigned int tag);

#endif
