/* SPDX-License-Identifier: GPL-2.0-only */
/* What the outside may know of the machine's network cards, and do to them. Any thread. */
#ifndef RD_TOOLS_NET_REPORT_H
#define RD_TOOLS_NET_REPORT_H

#include "tools/src/vmctl/net.h"
#include "tools/src/vmctl/virtio.h"

#include <jansson.h>
#include <stdbool.h>

struct rd_machine;

struct rd_net_info {
	bool driver;		/* the guest's driver is at work */
	bool link;		/* the host's end is up */
	bool vhost;		/* the host's kernel serves the queues */
	struct rd_net_counters counters;	/* since the machine was started or reset */
};

/* rd_net_info - of the card V. */
void rd_net_info(struct rd_virtio *v, struct rd_net_info *info);

/*
 * rd_net_cut - cut the card V from its backend, or not any more: from then on no frame passes, and
 * the guest sees that the link is down. False: vhost did not let go of it, or not take it again.
 */
bool rd_net_cut(struct rd_virtio *v, bool cut);

/* rd_net_isolate - the same for all cards of the machine. */
bool rd_net_isolate(const struct rd_machine *m, bool cut);

/* rd_net_report - an array with an object for each card; with COUNTERS that of `stats`. */
json_t *rd_net_report(const struct rd_machine *m, bool counters);

#endif
