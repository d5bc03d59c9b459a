/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine in words: the first section of a snapshot, and part of what `show` answers. It holds
 * all that is needed to build the same machine again.
 */
#ifndef RD_TOOLS_DESCRIBE_H
#define RD_TOOLS_DESCRIBE_H

#include "tools/src/vmctl/config.h"

#include <jansson.h>

/* rd_describe - a new reference; NULL when out of memory or when a path is not UTF-8. */
json_t *rd_describe(const struct rd_config *config, const char *name);

/*
 * rd_describe_parse - fill CONFIG from the LEN bytes of a description. The strings live as long as
 * *ROOT, a new reference. FILE is for messages. A status.
 */
int rd_describe_parse(struct rd_config *config, json_t **root, const void *text, size_t len,
		      const char *file);

#endif
