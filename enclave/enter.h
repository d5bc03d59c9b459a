/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread's stay in an enclave (P): from EENTER or ERESUME to EEXIT or an asynchronous exit.
 * Invariant: while the stay lasts, the TCS is busy, the enclave's SECS counts the thread, and the
 * pages named here have contents: eviction and removal wait for the thread to leave.
 */
#ifndef RD_ENCLAVE_ENTER_H
#define RD_ENCLAVE_ENTER_H

#include "enclave/leaf.h"

struct rd_inside {
	u32 secs, tcs; /* page numbers */
	u32 xsave, gpr; /* of the SSA frame that an asynchronous exit would fill */
	u32 epoch; /* rd_track_enter() */
	u64 tcs_la, aep;
	u64 base, size; /* ELRANGE */
	u64 xfrm;
	bool debug; /* DBGOPTIN: breakpoints and single steps are the guest's */
	/* Of outside, to come back: */
	struct kvm_segment fs, gs;
	u64 xcr0;
	bool tf;
};

/* Why the enclave is left. */
struct rd_aex {
	bool exception; /* else an interrupt, an NMI, whatever is none of the enclave's doing */
	bool soft; /* INT3 */
	u8 vector;
	bool has_error;
	u32 error;
	u64 cr2; /* #PF; its offset in the page is not told outside */
};

/*
 * The asynchronous exit: state to the SSA, registers of l to what the outside may see.  Cannot
 * fail. l->in != NULL; it is NULL afterwards.  What is then delivered at the AEP is the caller's.
 */
void rd_aex(struct rd_leaf *l, struct rd_aex *why);

#endif
