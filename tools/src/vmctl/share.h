/* SPDX-License-Identifier: GPL-2.0-only */
/* One --share option: a folder of the host that the guest mounts by its tag. */
#ifndef RD_TOOLS_SHARE_H
#define RD_TOOLS_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#define RD_SHARES_MAX 8u
#define RD_SHARE_TAG_MAX 31u

struct rd_share_config {
	const char *path; /* not ended by a zero: path_len */
	size_t path_len;
	char tag[RD_SHARE_TAG_MAX + 1];
	bool read_only;
};

/* rd_share_parse - fill in C from the option's value DIR[,tag=TAG][,ro]. A status. */
int rd_share_parse(const char *value, struct rd_share_config *c);

#endif
