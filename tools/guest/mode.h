/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the driver and its image, which runs in integrity mode, agree upon. Both come from one
 * build.
 *
 * The driver lays the image out, page after page: code and data as they were linked, the tables
 * that it has collected of this kernel, and the stack. It fills in struct mode_setup, which is the
 * begin of the data, and hands all over; from then on nobody but the image changes any of it. What
 * is known of the kernel itself never changes afterwards; modules come and go by these calls.
 *
 * Invariant: what an argument says is checked as if an enemy had made the call.
 */
#ifndef RD_TOOLS_GUEST_MODE_H
#define RD_TOOLS_GUEST_MODE_H

#include "kmod/uapi/redoubt_guest.h"
#include "tools/guest/judge.h"

#define MODE_MAGIC 0x65646f4d64526452ULL
#define MODE_STACK_PAGES 4
#define MODE_NODES_MAX 8192     /* of the tree, with spare ones */
/* So many spare nodes the tree may need for one page more. */
#define MODE_SPARE_MIN 8

/* Lists of actions, numbered from 1 as entries of the tree do. */
#define MODE_LIST_CODE 1        /* the judge is asked first */
#define MODE_LIST_DATA 2
#define MODE_LISTS 2

/*
 * Bytes of a GDT that do not change. Behind them are what is the task's, TSS and LDT, and what is
 * written when the CPU comes up.
 */
#define MODE_GDT_BYTES 64

/* Tags of what is guarded, told with every hit. */
enum mode_tag {
	MODE_TAG_TEXT = 1,
	MODE_TAG_RODATA = 2,
	MODE_TAG_IDT = 3,
	MODE_TAG_GDT = 4,
	MODE_TAG_OWN = 5,
	MODE_TAG_MODULE_TEXT = 6,
	MODE_TAG_MODULE_RODATA = 7,
};

/* Areas with smaller numbers are the driver's own, and stay. */
#define MODE_AREA_FIRST 16

struct mode_setup {
	u64 magic;
	u64 root;               /* page number; it stays what it is */
	u64 max_gfn;            /* pages of the guest have smaller numbers */
	u32 root_level;
	u32 nodes;              /* in the tree */
	u32 spare;              /* nodes that are not */
	u32 probes;
	u32 vmcall;             /* 1: hypercalls are VMCALL, 0: VMMCALL */
	u32 pad;
	/* Addresses in the image, where these lie: */
	u64 node_at;            /* u64 page numbers: those in the tree, then the spare ones */
	u64 probe_at;           /* struct judge_probe */
	u64 site_at;            /* struct judge_site, for core.sites */
	struct judge_core core; /* core.site is 0 */
};

/*
 * What the driver asks (RD_HC_TRACE_ENTER). Lists lie in one page, at a guest-physical address:
 * MODE_LIST_BYTES at most. The result is 0 or above, or a negative errno.
 */
#define MODE_LIST_BYTES RD_PAGE_SIZE
enum mode_op {
	/*
	 * u64 page numbers, how many: they may become nodes. How many may now. -EINVAL, -ENOSPC.
	 */
	MODE_ADD_NODES = 1,
	/*
	 * id, virtual address of the first page, 1 for code: begins an area of a module. -EBUSY:
	 * another one is not closed yet; -EEXIST, -EINVAL, -ENOSPC.
	 */
	MODE_AREA_OPEN = 2,
	/*
	 * u64 page numbers, how many, id: guards these pages from now on. How many of them are
	 * guarded now; an error, of the first one. -ENOMEM: spare nodes are missing; -EEXIST: it is
	 * guarded already.
	 */
	MODE_AREA_PAGES = 3,
	/* struct judge_site, or struct judge_probe; how many, id. */
	MODE_AREA_SITES = 4,
	MODE_AREA_PROBES = 5,
	/* id: it is complete, and can only go from now on. */
	MODE_AREA_CLOSE = 6,
	/*
	 * id, how many pages at most: takes pages of the area off again, the last one first; the
	 * area goes with its last one. How many are left. -ENOENT: there is no such area; -EPERM:
	 * it is the driver's own. Only what came by MODE_AREA_PAGES is in an area.
	 */
	MODE_AREA_REMOVE = 7,
	/* How many nodes are spare. */
	MODE_SPARE = 8,
	/*
	 * u64 page numbers, how many: GDTs, of which what does not change is guarded, for ever.
	 * Results as of MODE_AREA_PAGES.
	 */
	MODE_ADD_GDTS = 9,
};

#endif
