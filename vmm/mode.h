/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integrity mode (K): a vCPU runs the image of the guest's driver, on page tables of the module's
 * and a nested table of its own, and nothing else (kmod/uapi/redoubt_guest.h). To the rest of the
 * machine it is one long exit of the vCPU: its state stays what it was, no event is delivered.
 * Invariant: at most one vCPU of a VM is in it, the one that holds the guest tree's mode_lock; what
 * the view lets it write are nodes of the tree and data of the image.
 */
#ifndef RD_VMM_MODE_H
#define RD_VMM_MODE_H

#include "kmod/base.h"
#include "vmm/emul.h"
#include "vmm/mode_tables.h"

struct page;
struct rd_guest_attach;
struct rd_trace_guest;
struct rd_vm;
struct rd_vcpu;

/* The image that is in force: it comes and goes with mode_lock held. */
struct rd_mode {
	u64 image[RD_MODE_MAX_PAGES];   /* page numbers, */
	unsigned int nr, code;          /* how many, and the first of them that are code */
	u64 list;                       /* the page that named them */
	u64 entry;                      /* linear */
	u64 tables_gfn;                 /* the tables: in the view only, from this page on */
	struct page *table[RD_MODE_TABLES];
};

enum rd_mode_exit {
	RD_MODE_X_HOST,   /* the host wanted the CPU: go on */
	RD_MODE_X_CALL,   /* a hypercall: RIP is behind it */
	RD_MODE_X_FAULT,  /* nested fault: gpa, acc */
	RD_MODE_X_CUT,    /* why, and linear where there is an address */
};

/* One stay in the mode. */
struct rd_mode_run {
	u64 gpr[RD_NR_GPR];
	u64 rip, rflags, cr3;
	bool begun;       /* the backend's */
	/* After an exit: */
	enum rd_mode_exit exit;
	u64 gpa, linear;
	unsigned int acc;
	u8 why;           /* enum rd_mode_why */
};

/*
 * vmm/vcpu_mode.c. Enter the mode once, after handling what cannot wait. 0, or -EIO: the VM is
 * dead or the thread is to die. v->mutex held, v loaded; process context, may sleep.
 */
int rd_vcpu_enter_mode(struct rd_vcpu *v, struct rd_mode_run *m);

/*
 * vmm/trace_mode.c. Put an image into force that the guest has described: 0; -EINVAL, -EFAULT,
 * -ENOMEM, -ENOSPC, -EOPNOTSUPP, and then nothing has changed but that pages may be nodes. Take it
 * away. t->lock held; they take mode_lock.
 */
int rd_mode_attach(struct rd_trace_guest *g, const struct rd_guest_attach *said);
void rd_mode_drop(struct rd_trace_guest *g);
void rd_mode_destroy(struct rd_trace_guest *g); /* the VM ends, its tables are gone */
/* RD_HC_TRACE_ENTER: its result. vCPU thread in KVM_RUN. */
long rd_mode_call(struct rd_vcpu *v);
/*
 * Does the guest's driver let the write through? 1 yes, 0 no, -ENOENT: there is nobody to ask. Yes:
 * until rd_mode_settle() nobody else is let through, so that what the driver has seen still holds
 * when the bytes land.
 */
int rd_mode_judge(struct rd_vcpu *v, u64 gpa, const void *bytes, unsigned int len);

#endif
