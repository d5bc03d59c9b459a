/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write traces in a snapshot: sections of at most RD_TRACE_SECTION_MAX of them, in ascending order.
 * A machine that has none and is not isolated has no such section, so that its file is what it was
 * before there were any.
 */
#ifndef RD_TOOLS_TRACE_SAVE_H
#define RD_TOOLS_TRACE_SAVE_H

#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_trace.h"
#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct rd_machine;

#define RD_TRACE_SECTION_MAX 4096u

struct rd_trace_section {
	bool isolated;
	uint32_t n;
	struct rd_trace_range ranges[RD_TRACE_SECTION_MAX];
};

/*
 * rd_trace_section_transfer - in both directions; what is loaded was checked when the pack is still
 * good: ranges in ascending order above *FROM, which is moved on, and actions that there are.
 */
void rd_trace_section_transfer(struct rd_trace_section *t, struct rd_pack *p, uint64_t *from);

/* rd_trace_save - write the sections of M, which is paused. A status. */
int rd_trace_save(const struct rd_machine *m, struct rd_stream *s);

/* rd_trace_load - take one section. *FROM is 0 before the first. A status. */
int rd_trace_load(struct rd_machine *m, const struct rd_stream *s,
		  const struct rd_section *section, uint64_t *from);

/*
 * The tree that the guest has handed over: a section of its own, if there is one, after the memory
 * that the tree is in. rd_tree_transfer - what is loaded is for the hypervisor to check. A status.
 */
void rd_tree_transfer(struct rd_guest_attach *tree, struct rd_pack *p);
int rd_tree_save(const struct rd_machine *m, struct rd_stream *s);
int rd_tree_load(struct rd_machine *m, const struct rd_stream *s, const struct rd_section *section);

#endif
