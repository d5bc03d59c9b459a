// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that come and go (P): the transitions of the EPCM for ECREATE, EPA, EADD, EREMOVE and for
 * eviction. Those of SGX2 are in epcm_dyn.c.
 * Invariant: as in enclave/epcm.h.  A SECS has as many children as there are valid pages that name
 * it, so that it cannot go before them; nobody looks at it for a page after the page was
 * uncounted.
 */
#include "enclave/epc.h"

static void count_child(struct rd_epc *epc, u32 secs, u32 by)
{
	u32 *n = &epc->map[secs].children;
	u32 was = READ_ONCE(*n), seen;

	for (; (seen = cmpxchg(n, was, was + by)) != was; was = seen)
		;
}

/* What the page is for is known before anybody finds it valid. */
void rd_epcm_appear(struct rd_epc *epc, u32 page, u32 secs, u64 addr, u32 stamp, u64 flags)
{
	struct rd_epcm *e = &epc->map[page];

	if (secs != RD_NO_PAGE)
		count_child(epc, secs, 1);
	WRITE_ONCE(e->secs, secs);
	WRITE_ONCE(e->addr, addr);
	WRITE_ONCE(e->stamp, stamp);
	WRITE_ONCE(e->children, 0);
	WRITE_ONCE(e->track, 0);
	smp_store_release(&e->state, flags | RD_EPCM_VALID);
}

/* A valid page becomes free. Pages without a SECS were never translated for an enclave. */
static void vanish(struct rd_epc *epc, u32 page)
{
	struct rd_epcm *e = &epc->map[page];
	u32 secs = e->secs;

	smp_store_release(&e->state, 0ULL);
	if (secs != RD_NO_PAGE)
		rd_epc_revoke(epc, page);
	rd_epc_drop(epc, page);
	WRITE_ONCE(e->secs, RD_NO_PAGE);
	WRITE_ONCE(e->addr, 0);
	if (secs != RD_NO_PAGE)
		count_child(epc, secs, -1U);
}

int rd_epcm_make_secs(struct rd_epc *epc, u32 page)
{
	if (rd_epcm_valid(&epc->map[page]))
		return RD_EPCM_PF;
	rd_epcm_appear(epc, page, RD_NO_PAGE, 0, 0, RD_SI_PT(RD_PT_SECS));
	return 0;
}

int rd_epcm_make_va(struct rd_epc *epc, u32 page)
{
	if (rd_epcm_valid(&epc->map[page]))
		return RD_EPCM_PF;
	rd_epcm_appear(epc, page, RD_NO_PAGE, 0, 0, RD_SI_PT(RD_PT_VA));
	return 0;
}

int rd_epcm_add(struct rd_epc *epc, u32 page, u32 secs, u64 addr, u64 flags)
{
	if (rd_epcm_valid(&epc->map[page]))
		return RD_EPCM_PF;
	rd_epcm_appear(epc, page, secs, addr, 0, flags & (RD_SI_RWX | RD_SI_PT_MASK));
	return 0;
}

/* Does a thread that is inside keep the page? One that the enclave has given up is out of reach. */
static bool in_use(const struct rd_epc *epc, const struct rd_epcm *e)
{
	bool given_up = rd_epcm_type(e) == RD_PT_TRIM && !(e->state & RD_SI_MODIFIED);

	return e->secs != RD_NO_PAGE && !given_up && rd_track_any(&epc->map[e->secs]);
}

int rd_epcm_remove(struct rd_epc *epc, u32 page)
{
	struct rd_epcm *e = &epc->map[page];

	/* First, because a guest's kernel does this to each page of its EPC when it starts. */
	if (!rd_epcm_valid(e))
		return 0;
	if (rd_epcm_type(e) == RD_PT_SECS && READ_ONCE(e->children))
		return RD_SGX_CHILD_PRESENT;
	if (in_use(epc, e))
		return RD_SGX_ENCLAVE_ACT;
	vanish(epc, page);
	return 0;
}

/*
 * The page is only shared, so EMODPR or EMODPE may change its state at the same time.  The epoch is
 * read after the page is seen to be blocked: whoever comes in later gets no translation to it.
 */
int rd_epcm_block(struct rd_epc *epc, u32 page)
{
	struct rd_epcm *e = &epc->map[page];
	u64 was = smp_load_acquire(&e->state), seen;
	struct rd_epcm *secs;

	if (!(was & RD_EPCM_VALID))
		return RD_SGX_PG_INVLD;
	if (e->secs == RD_NO_PAGE)
		return rd_epcm_type(e) == RD_PT_SECS ? RD_SGX_PG_IS_SECS : RD_SGX_NOTBLOCKABLE;
	secs = &epc->map[e->secs];
	if (test_bit(RD_OP_TRACK, &secs->ops))
		return RD_SGX_ENTRYEPOCH_LOCKED;
	for (;; was = seen) {
		if (was & RD_EPCM_BLOCKED)
			return RD_SGX_BLKSTATE;
		seen = cmpxchg(&e->state, was, was | RD_EPCM_BLOCKED);
		if (seen == was)
			break;
	}
	rd_track_stamp(epc, page);
	rd_epc_revoke(epc, page);
	return 0;
}

int rd_epcm_may_evict(const struct rd_epc *epc, u32 page)
{
	const struct rd_epcm *e = &epc->map[page];

	if (!rd_epcm_valid(e))
		return RD_EPCM_PF;
	if (rd_epcm_type(e) == RD_PT_SECS)
		return READ_ONCE(e->children) ? RD_SGX_CHILD_PRESENT : 0;
	if (rd_epcm_type(e) == RD_PT_VA)
		return 0;
	if (!(e->state & RD_EPCM_BLOCKED))
		return RD_SGX_PAGE_NOT_BLOCKED;
	return rd_track_done(&epc->map[e->secs], e->stamp) ? 0 : RD_SGX_NOT_TRACKED;
}

void rd_epcm_evict(struct rd_epc *epc, u32 page)
{
	vanish(epc, page);
}

/*
 * Threads from before the eviction had left when it happened, and none has seen the page since: to
 * tracking, its stamp is of two epochs ago.
 */
int rd_epcm_load(struct rd_epc *epc, u32 page, u32 secs, u64 addr, u64 flags)
{
	const u64 kept = RD_SI_RWX | RD_SI_STATE | RD_SI_PT_MASK | RD_EPCM_BLOCKED;
	u32 stamp = secs == RD_NO_PAGE ? 0 : rd_track_epoch(&epc->map[secs]) - 2;

	if (rd_epcm_valid(&epc->map[page]))
		return RD_EPCM_PF;
	rd_epcm_appear(epc, page, secs, addr, stamp, flags & kept);
	return 0;
}
