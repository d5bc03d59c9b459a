/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest kernel may ask of Redoubt by hypercall, besides what it may ask of KVM: VMMCALL or
 * VMCALL at CPL 0, the number in RAX, arguments in RBX and RCX, the result in RAX: 0 or above, or a
 * negative errno.
 *
 * A guest guards pages of its own by a trace tree (kmod/uapi/redoubt_tree.h) that it has built in
 * its memory. It hands over the tree once: from then on the pages that the tree names, and those
 * that it lies in, are stopped at every write, and what becomes of the write is said by lists of
 * actions (kmod/uapi/redoubt_trace.h) that the hypervisor has copied. Where the tree begins is
 * nowhere in the guest's reach. Nobody in the guest can end this: such requests are refused, and
 * reported as RD_HIT_DENIED, with what they add to RD_HC_BASE as code.
 * Invariant: as kmod/uapi/redoubt.h.
 */
#ifndef RD_KMOD_UAPI_REDOUBT_GUEST_H
#define RD_KMOD_UAPI_REDOUBT_GUEST_H

#include <linux/types.h>
#include "kmod/uapi/redoubt_trace.h"

#define RD_HC_BASE 0x52440000

/* The version of these calls, RD_GUEST_VERSION or above. Who does not know them says -1000. */
#define RD_GUEST_VERSION 1
#define RD_HC_INFO (RD_HC_BASE + 0)

/*
 * RBX: guest-physical address of a struct rd_guest_attach. 0: the tree is in force. -EINVAL: the
 * structure is not as it should be; -EFAULT: it, or a page that the tree names, is no memory;
 * -EEXIST: there is a tree already; -EUCLEAN: the tree is damaged (RD_HIT_CORRUPT says how);
 * -ENOSPC, -ENOMEM: it is too large.
 */
#define RD_HC_TRACE_ATTACH (RD_HC_BASE + 1)

#define RD_GUEST_LISTS 16
struct rd_guest_attach {
	__u64 root;       /* page number of the tree's root */
	__u32 nr_lists;   /* up to RD_GUEST_LISTS */
	__u32 flags;      /* 0 */
	/* For writes to the tree itself. */
	__u8 node_action[RD_TRACE_MAX_ACTIONS];
	/* What an entry's number of actions, from 1 on, stands for: list[number - 1]. */
	__u8 list[RD_GUEST_LISTS][RD_TRACE_MAX_ACTIONS];
};

/* RBX: page number. What holds for writes to it: bits of RD_GUEST_. */
#define RD_HC_TRACE_QUERY (RD_HC_BASE + 2)
#define RD_GUEST_GUARDED (1 << 0)  /* the tree names it */
#define RD_GUEST_NODE (1 << 1)     /* the tree lies in it */

/* RBX: page number, RCX: how many; or the whole tree. Refused and reported: -EPERM. */
#define RD_HC_TRACE_UNPROTECT (RD_HC_BASE + 3)
#define RD_HC_TRACE_DETACH (RD_HC_BASE + 4)
#define RD_HC_COUNT 5

#endif
