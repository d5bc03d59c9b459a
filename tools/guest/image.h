/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the image share.
 * Invariant: the image trusts its own data and the nodes of the tree, and nothing else.
 */
#ifndef RD_TOOLS_GUEST_IMAGE_H
#define RD_TOOLS_GUEST_IMAGE_H

#include "tools/guest/mode.h"
#include "vmm/trace_tree.h"

extern struct mode_setup image_setup;
extern struct rd_tree image_tree;

/* Does not return for RD_HC_MODE_LEAVE. */
long image_hypercall(u64 nr, u64 first, u64 second);
void *image_memory(u64 gpa);

/* The one entry point. */
void image_main(u64 op, u64 first, u64 second, u64 third);

/* The tree as the driver has built it, with its spare nodes. */
int image_tree_start(void);
/* Pages that become spare nodes. How many are spare now. */
long image_add_nodes(const u64 *gfn, u32 n);
u32 image_spare(void);

#endif
