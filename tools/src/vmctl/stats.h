/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a VM: what the hypervisor publishes through its binary statistics descriptors, taken
 * by name without knowing any, and the exits that reached user space, counted here.
 */
#ifndef RD_TOOLS_STATS_H
#define RD_TOOLS_STATS_H

#include "tools/src/vmctl/cpu.h"

#include <stddef.h>
#include <stdint.h>

#define RD_STAT_NAME_MAX 64

enum rd_stat_kind { RD_STAT_SUM, RD_STAT_LAST, RD_STAT_PEAK };

struct rd_stat {
	char name[RD_STAT_NAME_MAX];
	enum rd_stat_kind kind;
	uint64_t value;		/* over all vCPUs of the VM, and over its lives */
};

struct rd_stats {
	struct rd_stat *list;
	size_t n, room;
	uint64_t user_exits[RD_EXIT_REASONS + 1];
};

void rd_stats_init(struct rd_stats *stats);
void rd_stats_free(struct rd_stats *stats);

/* rd_stats_copy - add all of FROM to TO. */
void rd_stats_copy(struct rd_stats *to, const struct rd_stats *from);

/* rd_stats_parse - add the counters in a statistics file image of LEN bytes. */
void rd_stats_parse(struct rd_stats *stats, const void *image, size_t len);

/* rd_stats_user_exits - exits that reached user space. */
uint64_t rd_stats_user_exits(const struct rd_stats *stats);

/* rd_stats_exits - all exits: the hypervisor's count, else those that reached user space. */
uint64_t rd_stats_exits(const struct rd_stats *stats);

#endif
