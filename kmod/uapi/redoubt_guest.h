/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest kernel may ask of Redoubt by hypercall, besides what it may ask of KVM: VMMCALL or
 * VMCALL at CPL 0, the number in RAX, arguments in RBX and RCX, the result in RAX: 0 or above, or a
 * negative errno.
 *
 * A guest guards pages of its own by a trace tree (kmod/uapi/redoubt_tree.h) that its driver has
 * built in its memory. It hands over the tree once: from then on the pages that the tree names, and
 * those that it lies in, are stopped at every write, and what becomes of the write is said by lists
 * of actions (kmod/uapi/redoubt_trace.h) that the hypervisor has copied. Where the tree begins is
 * nowhere in the guest's reach.
 *
 * With the tree comes an image: code and data of the driver that run in integrity mode. That is
 * the only place from which the tree may be changed, and the protection of a page ended; requests
 * from anywhere else are refused, and reported as RD_HIT_DENIED, with what they add to RD_HC_BASE
 * as code.
 *
 * In integrity mode a vCPU runs the image alone, entered at its one entry point, in 64-bit mode at
 * CPL 0, with interrupts held back and everything else that would lead elsewhere (exceptions,
 * intercepted instructions, breakpoints, a fetch from a page that is not the image's code) ending
 * the mode at once, which is reported (RD_HIT_MODE) and leaves the guest as it was before it asked,
 * with -EIO in RAX. Interrupts of the host leave it and come back to it; the guest's wait till its
 * end. One vCPU of a VM is in it at a time. Its page tables are the hypervisor's own, out of the
 * guest's reach:
 *
 *   RD_MODE_BASE    the image, page after page: code (read and execute), then data (read and
 *                   write); RSP is the end of its last page
 *   RD_MODE_MEMORY  memory of the guest (the first 512 GiB), by guest-physical address: to be read;
 *                   nodes of the tree and the image's data to be written; not to be executed
 *
 * No floating point, no segment bases, no MSRs. RAX and what is not an argument is 0 at the entry.
 * Invariant: as kmod/uapi/redoubt.h.
 */
#ifndef RD_KMOD_UAPI_REDOUBT_GUEST_H
#define RD_KMOD_UAPI_REDOUBT_GUEST_H

#include <linux/types.h>
#include "kmod/uapi/redoubt_trace.h"

#define RD_HC_BASE 0x52440000

/* The version of these calls, RD_GUEST_VERSION or above. Who does not know them says -1000. */
#define RD_GUEST_VERSION 2
#define RD_HC_INFO (RD_HC_BASE + 0)

/*
 * RBX: guest-physical address of a struct rd_guest_attach. 0: the tree is in force. -EINVAL: the
 * structure is not as it should be; -EFAULT: it, or a page that the tree or the image names, is no
 * memory; -EEXIST: there is a tree already; -EUCLEAN: the tree is damaged (RD_HIT_CORRUPT says
 * how); -ENOSPC, -ENOMEM: it is too large; -EOPNOTSUPP: no integrity mode on this host.
 */
#define RD_HC_TRACE_ATTACH (RD_HC_BASE + 1)

#define RD_MODE_MAX_PAGES 512
#define RD_MODE_BASE 0x40000000ULL
#define RD_MODE_MEMORY (1ULL << 40)

#define RD_GUEST_LISTS 16
struct rd_guest_attach {
	__u64 root;       /* page number of the tree's root; there must be one */
	__u32 nr_lists;   /* up to RD_GUEST_LISTS */
	__u32 flags;      /* 0 */
	/* For writes to the tree itself and to the image. */
	__u8 node_action[RD_TRACE_MAX_ACTIONS];
	/* What an entry's number of actions, from 1 on, stands for: list[number - 1]. */
	__u8 list[RD_GUEST_LISTS][RD_TRACE_MAX_ACTIONS];
	/*
	 * The image: the page with this number holds the numbers of its pages, 8 bytes each, as
	 * many as there are and 0 behind them. That page and the image's are guarded like nodes;
	 * they are no nodes of the tree. image_pages 0: no integrity mode, and then all of these
	 * are 0, and the tree stays as it is for ever.
	 */
	__u64 image;
	__u32 image_pages; /* 2 to RD_MODE_MAX_PAGES */
	__u32 image_code;  /* of these, pages of code: the first ones, and not all */
	__u32 entry;       /* entry point: bytes from RD_MODE_BASE on, inside the code */
	__u32 pad;         /* 0 */
};

/* RBX: page number. What holds for writes to it: bits of RD_GUEST_. */
#define RD_HC_TRACE_QUERY (RD_HC_BASE + 2)
#define RD_GUEST_GUARDED (1 << 0)  /* the tree names it */
#define RD_GUEST_NODE (1 << 1)     /* the tree lies in it, or the image */

/*
 * RBX: page number, RCX: how many. In integrity mode, for pages that are no longer in the tree: 0,
 * -EINVAL. Elsewhere: -EPERM.
 */
#define RD_HC_TRACE_UNPROTECT (RD_HC_BASE + 3)
/* End it all: -EPERM, everywhere. */
#define RD_HC_TRACE_DETACH (RD_HC_BASE + 4)

/*
 * Enter integrity mode. RBX: what for, below RD_MODE_JUDGE, and RCX, RDX, RSI: arguments; the image
 * finds the four in RDI, RSI, RDX, RCX. RAX: what the image leaves with. -ENOENT: there is no
 * image; -EINVAL; -EIO: the mode ended before the image left it.
 */
#define RD_HC_TRACE_ENTER (RD_HC_BASE + 5)

/*
 * The hypervisor itself enters integrity mode, for a write to a page whose list of actions says
 * RD_TRACE_ASK: RDI: RD_MODE_JUDGE, RSI: guest-physical address, RDX: length, 1 to 8 and inside
 * one page, RCX: the bytes, the first one lowest. The image leaves with 1 to let it through;
 * anything else: no. Longer writes, and those whose bytes are not known, are not asked about.
 */
#define RD_MODE_JUDGE (1ULL << 32)

/* In integrity mode only; elsewhere -EPERM. RBX: the result: leave. Does not return. */
#define RD_HC_MODE_LEAVE (RD_HC_BASE + 6)
/*
 * RBX: page number, RCX: how many: stop writes there, before the tree names them. 0, -EINVAL,
 * -EFAULT: no memory; -ENOSPC, -ENOMEM.
 */
#define RD_HC_TRACE_PROTECT (RD_HC_BASE + 7)
/*
 * RBX: page number. The page becomes one of the tree's nodes: written in integrity mode only, from
 * now on, so that what it held before is worth nothing: to be called right before the page is
 * filled and linked. Pages of the image's that are not linked yet need not be nodes, and must not
 * be when the mode is left: who carries the guest to another machine finds the nodes by the tree
 * alone.
 * -EEXIST: it is one; -EBUSY: it is guarded; else as above. DROP: after it has left the tree, and
 * the root is known if it was that; -ENOENT: it is no node of the tree.
 */
#define RD_HC_TRACE_NODE (RD_HC_BASE + 8)
#define RD_HC_TRACE_DROP_NODE (RD_HC_BASE + 9)

/*
 * RBX: guest-physical address of a struct rd_guest_driver, inside one page. A driver calls this
 * every second or so: it tells how it fares, and learns what the host wants of it. 0, -EFAULT.
 */
#define RD_HC_GUEST_DRIVER (RD_HC_BASE + 10)

/*
 * In integrity mode only. RBX: page number of the tree's root from now on, a node, or
 * RD_GUEST_NO_TREE while nothing is mapped. -EINVAL: it is no node.
 */
#define RD_HC_TRACE_ROOT (RD_HC_BASE + 11)
#define RD_HC_COUNT 12

/* What the host lets pass in the guarded kernel's text: changes that the kernel itself makes. */
#define RD_ALLOW_STATIC_KEYS (1 << 0) /* and static calls */
#define RD_ALLOW_FTRACE (1 << 1)
#define RD_ALLOW_KPROBES (1 << 2)
#define RD_ALLOW_ALL 7

enum rd_guest_state {
	RD_GUEST_IDLE = 0,     /* the driver is there */
	RD_GUEST_GUARDS = 1,   /* the guest's kernel is guarded */
	RD_GUEST_FAILED = 2,   /* it was to be, but error says why not */
};

struct rd_guest_driver {
	/* From the driver. */
	__u32 version;        /* RD_GUEST_VERSION */
	__u32 state;          /* enum rd_guest_state */
	__s32 error;          /* negative errno */
	__u32 text_pages;     /* guarded: the kernel's code, */
	__u32 rodata_pages;   /* its read-only data, with the system call table, */
	__u32 table_pages;    /* IDT and GDTs, */
	__u32 module_pages;   /* pages of modules, */
	__u32 own_pages;      /* the driver's own, with the tree and the image */
	/* From the host. */
	__u32 want;           /* 1: guard the kernel */
	__u32 allow;          /* RD_ALLOW_ */
	__u8 action[RD_TRACE_MAX_ACTIONS]; /* of writes that are not allowed */
	__u64 reserved[2];    /* 0 */
};

/* RD_VM_TRACE_WANT and RD_VM_TRACE_DRIVER: the same, as the host sees it. */
struct rd_guest_driver_status {
	__u64 age_ns;         /* since the driver called last; ~0: it never did */
	struct rd_guest_driver driver;
};

#endif
