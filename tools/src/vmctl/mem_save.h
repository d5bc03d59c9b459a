/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest memory in a snapshot: runs of pages that are not all zero, in ascending order. */
#ifndef RD_TOOLS_MEM_SAVE_H
#define RD_TOOLS_MEM_SAVE_H

#include "tools/src/vmctl/ram.h"
#include "tools/src/vmctl/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct rd_mem_save {
	uint64_t *done;		/* atomic: bytes looked at so far */
	const uint32_t *cancel;	/* atomic: not zero ends it */
};

/* rd_mem_save - write RAM, which stands still. A status; RD_STOPPED when it was cancelled. */
int rd_mem_save(const struct rd_ram *ram, struct rd_stream *s, const struct rd_mem_save *how);

/* rd_mem_load - take one section into RAM; it begins at *NEXT or later. A status. */
int rd_mem_load(const struct rd_ram *ram, const struct rd_stream *s,
		const struct rd_section *section, uint64_t *next);

#endif
