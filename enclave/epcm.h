/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The enclave page cache map (P): what each page of a VM's EPC is, to whom it belongs and who is
 * at it.  Each transition of a page is one function, and all checks of that transition stand in it;
 * what a leaf checks of its other operands stands in the leaf.
 * Invariant: a page changes only under its locks; right before it loses a right that a translation
 * may have been made from, its state says so, and right after, rd_epc_revoke() has been called.
 */
#ifndef RD_ENCLAVE_EPCM_H
#define RD_ENCLAVE_EPCM_H

#include "enclave/arch.h"

struct rd_epc;

#define RD_NO_PAGE (~0U)

/* Besides the SECINFO flags of arch.h in rd_epcm.state; 0: the page is free. */
#define RD_EPCM_VALID BIT_ULL(32)
#define RD_EPCM_BLOCKED BIT_ULL(33)

/* rd_epcm.ops: what is going on with a page, at most once at a time. */
enum rd_epcm_op {
	RD_OP_MEASURE, /* SECS: EADD, EEXTEND, EINIT */
	RD_OP_TRACK, /* SECS: ETRACK */
	RD_OP_CHANGE, /* EACCEPT, EACCEPTCOPY, EMODPE, EMODPR, EMODT */
	RD_OP_BUSY, /* TCS: a thread is in, or between an asynchronous exit and ERESUME's look */
};

#define RD_EPCM_EXCLUSIVE U32_MAX

struct rd_epcm {
	u64 state; /* RD_EPCM_ and RD_SI_ bits */
	u64 addr; /* linear address in the enclave; 0: SECS, VA */
	u32 secs; /* page number of the enclave's SECS; RD_NO_PAGE: SECS, VA, free */
	u32 lock; /* RD_EPCM_EXCLUSIVE, or how many share the page */
	unsigned long ops; /* BIT(enum rd_epcm_op) */
	u32 stamp; /* the enclave's epoch when the page was blocked, restricted or retyped */
	u32 children; /* SECS: pages of the enclave in the EPC. Atomic */
	u64 track; /* SECS: epoch and threads inside, rd_track_enter(). Atomic */
};

static inline u8 rd_epcm_type(const struct rd_epcm *e)
{
	return RD_FIELD(READ_ONCE(e->state), 15, 8);
}

static inline bool rd_epcm_valid(const struct rd_epcm *e)
{
	return READ_ONCE(e->state) & RD_EPCM_VALID;
}

/*
 * The architecture's rules of concurrency: a leaf that does not get what it asks for fails with the
 * error of its table, it never waits.  true: had; to be given back by the counterpart.
 */
bool rd_epcm_share(struct rd_epcm *e);
void rd_epcm_unshare(struct rd_epcm *e);
bool rd_epcm_own(struct rd_epcm *e);
void rd_epcm_disown(struct rd_epcm *e);

static inline bool rd_epcm_begin(struct rd_epcm *e, enum rd_epcm_op op)
{
	return !test_and_set_bit(op, &e->ops);
}

static inline void rd_epcm_end(struct rd_epcm *e, enum rd_epcm_op op)
{
	clear_bit(op, &e->ops);
}

/*
 * Threads inside an enclave, counted by the epoch in which they came; ETRACK begins a new epoch and
 * is refused while a thread of the epoch before the present one is still inside (SDM, "EPC Page
 * Eviction": tracking).  e: the SECS.  Any thread, any order.
 */
u32 rd_track_enter(struct rd_epcm *e); /* the epoch, for rd_track_leave() */
void rd_track_leave(struct rd_epcm *e, u32 epoch);
bool rd_track_begin(struct rd_epcm *e); /* ETRACK: false: SGX_PREV_TRK_INCMPL */
bool rd_track_any(const struct rd_epcm *e); /* is a thread inside? */
u32 rd_track_epoch(const struct rd_epcm *e);
/* Have all threads left that were inside when stamp was the epoch, and was ETRACK carried out
 * since? */
bool rd_track_done(const struct rd_epcm *e, u32 stamp);
/* The page has just lost something: stamp it. Any thread, any number at the same time. */
void rd_track_stamp(struct rd_epc *epc, u32 page);

/*
 * What the EPCM says of an access to page at linear address la by the enclave of SECS secs: 0, or
 * the error code's bits for the #PF that it is refused with (P and SGX, and those of acc; the
 * caller adds U).  rights: RD_SI_RWX bits that a translation may grant.
 */
u32 rd_epcm_check(const struct rd_epcm *e, u32 secs, u64 la, unsigned int acc, u64 *rights);

/*
 * Transitions.  Results: 0; an SGX error code for RAX; RD_EPCM_GP or RD_EPCM_PF (at the address
 * that named the page).  Then nothing has changed.  page: held as the comment says, other pages
 * shared.
 */
#define RD_EPCM_GP (-1)
#define RD_EPCM_PF (-2)

/* ECREATE; EPA. Owned. */
int rd_epcm_make_secs(struct rd_epc *epc, u32 page);
int rd_epcm_make_va(struct rd_epc *epc, u32 page);
/* EADD: flags: RD_SI_RWX and the type. EAUG. Owned. */
int rd_epcm_add(struct rd_epc *epc, u32 page, u32 secs, u64 addr, u64 flags);
int rd_epcm_augment(struct rd_epc *epc, u32 page, u32 secs, u64 addr);
/* EREMOVE: the page's contents are gone, too. Owned. */
int rd_epcm_remove(struct rd_epc *epc, u32 page);
/* EBLOCK: shared. */
int rd_epcm_block(struct rd_epc *epc, u32 page);
/* EWB: may the page go out now? And out it goes, contents and all. Owned. */
int rd_epcm_may_evict(const struct rd_epc *epc, u32 page);
void rd_epcm_evict(struct rd_epc *epc, u32 page);
/* ELDU, ELDB: flags: as PCMD's SECINFO says, and RD_EPCM_BLOCKED. secs: RD_NO_PAGE for SECS and VA.
 * Owned. */
int rd_epcm_load(struct rd_epc *epc, u32 page, u32 secs, u64 addr, u64 flags);
/* EMODPR: the rights become those that are in both. RD_OP_CHANGE, shared. */
int rd_epcm_restrict(struct rd_epc *epc, u32 page, u64 rwx);
/* EMODT. RD_OP_CHANGE, owned. */
int rd_epcm_retype(struct rd_epc *epc, u32 page, u8 type);
/*
 * What the enclave of SECS secs does to the page that it names by la. RD_OP_CHANGE, shared.
 * EACCEPT: flags as SECINFO says. EMODPE. EACCEPTCOPY: from pending to rwx, with the contents of
 * from, which is shared.
 */
int rd_epcm_accept(struct rd_epc *epc, u32 page, u32 secs, u64 la, u64 flags);
int rd_epcm_extend(struct rd_epc *epc, u32 page, u32 secs, u64 la, u64 rwx);
int rd_epcm_accept_copy(struct rd_epc *epc, u32 page, u32 secs, u64 la, u32 from, u64 rwx);

/* Of the transitions' own: a free page, owned and filled, becomes valid. */
void rd_epcm_appear(struct rd_epc *epc, u32 page, u32 secs, u64 addr, u32 stamp, u64 flags);

#endif
