/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write traces: guest pages (or bytes of them) whose writes the module stops before they land, and
 * what it then does. Calls on the VM's descriptor, the events, and the exit to the VMM.
 * Invariant: as kmod/uapi/redoubt.h.
 */
#ifndef RD_KMOD_UAPI_REDOUBT_TRACE_H
#define RD_KMOD_UAPI_REDOUBT_TRACE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "kmod/uapi/redoubt.h"

/*
 * What a hit leads to: a list, carried out in order. What becomes of the write is said by the last
 * of ALLOW, REFUSE, SKIP; without any, it is allowed. Actions that the VMM carries out come as an
 * exit (RD_EXIT_TRACE) and wait for its answer; the write has not happened yet.
 */
enum rd_trace_action {
	RD_TRACE_NONE = 0,      /* end of the list */
	RD_TRACE_LOG = 1,       /* report an event */
	RD_TRACE_ALLOW = 2,
	RD_TRACE_REFUSE = 3,    /* the instruction gets #GP(0) */
	RD_TRACE_SKIP = 4,      /* the instruction goes on as if it had written */
	RD_TRACE_SUSPEND = 5,   /* VMM: stop the VM */
	RD_TRACE_SNAPSHOT = 6,  /* VMM: save it */
	RD_TRACE_ISOLATE = 7,   /* VMM: cut its network */
	RD_TRACE_NOTIFY = 8,    /* VMM: tell whoever is to know */
	RD_TRACE_KILL = 9,      /* the VM is dead when the list is through */
	/*
	 * The guest's driver is asked, in integrity mode (RD_MODE_JUDGE): if it lets the write
	 * through, that is the end of the list; else the list goes on.
	 */
	RD_TRACE_ASK = 10,
	RD_TRACE_NR_ACTIONS
};
#define RD_TRACE_MAX_ACTIONS 8

/* What became of an action. */
enum rd_trace_outcome {
	RD_TRACE_NOT_RUN = 0,
	RD_TRACE_DONE = 1,
	RD_TRACE_FAILED = 2,      /* the VMM says so, or the write itself failed */
	RD_TRACE_UNSUPPORTED = 3, /* the VMM does not serve RD_EXIT_TRACE, or cannot here */
};

/*
 * Trace the bytes [gpa, gpa + size). Whole pages are one entry each; of a page that is traced in
 * part, writes that miss the bytes go on and cost a trap. -EINVAL: no such range, unknown action,
 * flags or pad not 0; -EEXIST: some of it is traced already, or other bytes of one of its pages
 * with other actions; -ENOSPC: too many pages (2,097,152, or fewer that lie far apart), lists of
 * actions (255), or byte ranges of pages that lie together (about 240 in 1 MiB); -ENOMEM. Nothing
 * is changed then.
 */
struct rd_trace_range {
	__u64 gpa;
	__u64 size;
	__u8 action[RD_TRACE_MAX_ACTIONS]; /* enum rd_trace_action, ended by 0 if shorter */
	__u16 tag;                         /* told with every hit */
	__u16 flags;                       /* 0 */
	__u32 pad;
	__u64 reserved;                    /* 0 */
};
#define RD_VM_TRACE_ADD _IOW(RD_IOC_TYPE, 0x50, struct rd_trace_range)
/*
 * End the traces in [gpa, gpa + size); only these are looked at. -ENOENT: there is none; -EINVAL:
 * one lies there in part (ask RD_VM_TRACE_NEXT), and nothing is changed.
 */
#define RD_VM_TRACE_REMOVE _IOW(RD_IOC_TYPE, 0x51, struct rd_trace_range)
/* The first trace that ends above gpa. In: gpa. -ENOENT: there is none. */
#define RD_VM_TRACE_NEXT _IOWR(RD_IOC_TYPE, 0x52, struct rd_trace_range)

struct rd_trace_stats {
	__u64 pages;      /* traced now */
	__u64 nodes;      /* pages of the tree that says so */
	__u64 traps;      /* writes that were stopped */
	__u64 mapping;    /* of these: on traced bytes */
	__u64 beside;     /* on a traced page, but beside the bytes */
	__u64 node;       /* on the guest's tree */
	__u64 stale;      /* on a page that is not traced any more */
	__u64 corrupt;    /* the tree was damaged */
	__u64 denied;     /* requests of the guest */
	__u64 allowed, refused, skipped;
	__u64 blind;      /* of all: writes whose bytes could not be told */
	__u64 events;     /* reported */
	__u64 lost;       /* that some reader was too slow for, added up over readers */
	__u64 modes;      /* times that integrity mode was entered, */
	__u64 cut;        /* and of these ended early */
	__u64 reserved[3];
};
#define RD_VM_TRACE_STATS _IOR(RD_IOC_TYPE, 0x53, struct rd_trace_stats)

/* What was hit. */
enum rd_trace_hit {
	RD_HIT_MAPPING = 1, /* a page that is traced */
	RD_HIT_NODE = 2,    /* a page of the guest's tree */
	RD_HIT_CORRUPT = 3, /* a damaged tree: code is its enum rd_tree_why */
	RD_HIT_DENIED = 4,  /* a request of the guest that was refused: code is its number */
	RD_HIT_MODE = 5,    /* integrity mode ended early: code is its enum rd_mode_why */
};

/* Why integrity mode ended before the image left it. gpa, where there is one, is the address. */
enum rd_mode_why {
	RD_MODE_FETCH = 1,     /* of code from a page that is none of the image's */
	RD_MODE_WRITE = 2,     /* to a page that is none of its own */
	RD_MODE_READ = 3,      /* from an address that is no memory */
	RD_MODE_EXCEPTION = 4, /* rip says where */
	RD_MODE_INSN = 5,      /* an instruction that is not for this mode */
	RD_MODE_CALL = 6,      /* an unknown hypercall */
	RD_MODE_TIME = 7,      /* it took longer than ten seconds */
	RD_MODE_HOST = 8,      /* the host could not go on: the VM ends, or memory is missing */
};

/* Bits of an event's flags. */
/*
 * The bytes were not known before the write, because the instruction is not emulated. It is allowed
 * or refused (also for RD_TRACE_SKIP); allowed, it is carried out with all other vCPUs stopped.
 */
#define RD_EVENT_BLIND (1 << 0)
#define RD_EVENT_DELIVERY (1 << 2) /* the CPU pushed an interrupt's or exception's frame */
#define RD_EVENT_MODULE (1 << 3)   /* the module wrote for the guest: PV clock, steal time, ... */
#define RD_EVENT_VMM (1 << 4)      /* the VMM asked: RD_VM_TRACE_WRITE */
#define RD_EVENT_LOST (1 << 5)     /* events before this one were lost to this reader */

#define RD_EVENT_BYTES 32
struct rd_trace_event {
	__u64 seq;          /* from 1; a gap is what a reader has lost */
	__u64 time_ns;      /* host's wall clock */
	__u64 vm;           /* as in struct rd_vm_status */
	__u32 vcpu;         /* ~0: none */
	__u16 flags;        /* RD_EVENT_ */
	__u16 tag;
	__u64 rip, cr3;     /* 0 with RD_EVENT_VMM */
	__u64 gpa;          /* of the first byte that is written */
	__u64 linear;       /* the same, as the guest named it; 0 where nobody did */
	/*
	 * Bytes in all. With RD_EVENT_BLIND: 0, or for a write that was allowed what has changed in
	 * the page, from gpa on.
	 */
	__u16 len;
	__u8 hit;           /* enum rd_trace_hit */
	__u8 code;
	__u8 decision;      /* RD_TRACE_ALLOW, _REFUSE or _SKIP */
	__u8 pad[3];
	__u8 action[RD_TRACE_MAX_ACTIONS];
	__u8 outcome[RD_TRACE_MAX_ACTIONS];
	/* The first of the bytes; not known with RD_EVENT_VMM. */
	__u8 old_bytes[RD_EVENT_BYTES], new_bytes[RD_EVENT_BYTES];
};

/*
 * A descriptor from which whole events are read, those from now on. Reads block unless it is
 * non-blocking (-EAGAIN); poll() works. Every descriptor has a place of its own among the VM's last
 * RD_TRACE_RING events; what it is too slow for is counted (seq, RD_EVENT_LOST). A buffer too small
 * for one event: -EINVAL. Ends (0 bytes) when the VM is dead and all is read.
 */
#define RD_TRACE_RING 1024
#define RD_VM_TRACE_EVENTS _IO(RD_IOC_TYPE, 0x54)

/*
 * The VMM is about to write to guest memory by itself, for a device. Runs the actions for what is
 * traced there, but those that need an exit. 0: go on; -EPERM: leave it (refused or skipped).
 * -EINVAL, -EFAULT as RD_VM_TRACE_ADD. Only gpa and size are looked at.
 */
#define RD_VM_TRACE_WRITE _IOW(RD_IOC_TYPE, 0x55, struct rd_trace_range)

/* The VMM serves RD_EXIT_TRACE. The argument must be 0. */
#define RD_VM_TRACE_SERVE _IO(RD_IOC_TYPE, 0x56)

/*
 * The tree that the guest guards itself by (struct rd_guest_attach in kmod/uapi/redoubt_guest.h):
 * ask for what it handed over, for a snapshot (-ENOENT: nothing), and put that in force again after
 * the memory is back, before a vCPU runs (errors as RD_HC_TRACE_ATTACH). RD_GUEST_NO_TREE as root
 * ends it, for a guest that begins anew.
 */
#define RD_VM_TRACE_GET_GUEST _IOR(RD_IOC_TYPE, 0x57, struct rd_guest_attach)
#define RD_VM_TRACE_SET_GUEST _IOW(RD_IOC_TYPE, 0x58, struct rd_guest_attach)
#define RD_GUEST_NO_TREE (~0ULL)

/*
 * What the host wants of the guest's driver (want, allow and action count; the rest must be 0), and
 * how the driver fares (kmod/uapi/redoubt_guest.h). -EINVAL: not such a structure.
 */
#define RD_VM_TRACE_WANT _IOW(RD_IOC_TYPE, 0x59, struct rd_guest_driver_status)
#define RD_VM_TRACE_DRIVER _IOR(RD_IOC_TYPE, 0x5a, struct rd_guest_driver_status)

/*
 * struct kvm_run.exit_reason, with a struct rd_trace_exit in kvm_run.padding: carry out action, put
 * what became of it into outcome, and run the vCPU again. A VMM that does not serve this gets
 * KVM_EXIT_INTERNAL_ERROR with this number as suberror for RD_TRACE_SUSPEND, and nothing for the
 * others.
 */
#define RD_EXIT_TRACE 0x5244
struct rd_trace_exit {
	__u32 action;       /* RD_TRACE_NONE: the guest has handed over a tree; nothing to do */
	__u32 outcome;      /* enum rd_trace_outcome; RD_TRACE_DONE when the exit begins */
	struct rd_trace_event event; /* so far */
};

#endif
