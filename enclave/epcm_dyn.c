// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of an initialized enclave's pages (P): the transitions by which system software proposes
 * and the enclave accepts.  SDM, the operation sections of EAUG, EMODPR, EMODT, EACCEPT, EMODPE and
 * EACCEPTCOPY.
 * Invariant: as in enclave/epcm.h.  What system software changes here does not count until the
 * enclave has accepted it, and what it takes away is stamped after it is gone, so that whoever
 * could still have it came in the stamped epoch or before.
 */
#include "enclave/leaf.h"

/* EBLOCK only shares the page, so it may change the state at the same time. */
static void change(struct rd_epcm *e, u64 clear, u64 set)
{
	u64 was = READ_ONCE(e->state), seen;

	for (; (seen = cmpxchg(&e->state, was, (was & ~clear) | set)) != was; was = seen)
		;
}

/* Has EINIT been carried out? A child of the SECS is held, or the SECS itself. */
static bool initialized(const struct rd_epc *epc, u32 secs)
{
	return READ_ONCE(rd_epc_secs(epc, secs)->attributes.flags) & RD_ATTR_INIT;
}

int rd_epcm_augment(struct rd_epc *epc, u32 page, u32 secs, u64 addr)
{
	if (rd_epcm_valid(&epc->map[page]))
		return RD_EPCM_PF;
	if (!initialized(epc, secs) || !rd_secs_has(rd_epc_secs(epc, secs), addr, RD_SGX_PAGE))
		return RD_EPCM_GP;
	rd_epcm_appear(epc, page, secs, addr, 0,
		       RD_SI_PENDING | RD_SI_R | RD_SI_W | RD_SI_PT(RD_PT_REG));
	return 0;
}

/* The page's rights have become fewer: say when, and see to it that nobody has more. */
static void taken_away(struct rd_epc *epc, u32 page, u64 lost)
{
	rd_track_stamp(epc, page);
	if (lost & RD_SI_RWX)
		rd_epc_revoke(epc, page);
}

int rd_epcm_restrict(struct rd_epc *epc, u32 page, u64 rwx)
{
	struct rd_epcm *e = &epc->map[page];
	u64 state = READ_ONCE(e->state), lost = RD_SI_RWX & ~rwx;

	if (!(state & RD_EPCM_VALID))
		return RD_EPCM_PF;
	if (state & (RD_SI_PENDING | RD_SI_MODIFIED))
		return RD_SGX_PAGE_NOT_MODIFIABLE;
	if (rd_epcm_type(e) != RD_PT_REG)
		return RD_EPCM_PF;
	if (!initialized(epc, e->secs))
		return RD_EPCM_GP;
	change(e, lost, RD_SI_PR);
	taken_away(epc, page, state & lost);
	return 0;
}

int rd_epcm_retype(struct rd_epc *epc, u32 page, u8 type)
{
	struct rd_epcm *e = &epc->map[page];
	u64 state = READ_ONCE(e->state);
	u8 from = rd_epcm_type(e);

	if (!(state & RD_EPCM_VALID))
		return RD_EPCM_PF;
	if (from != RD_PT_REG && !(from == RD_PT_TCS && type == RD_PT_TRIM))
		return RD_EPCM_PF;
	if (state & (RD_SI_PENDING | RD_SI_MODIFIED))
		return RD_SGX_PAGE_NOT_MODIFIABLE;
	if (!initialized(epc, e->secs))
		return RD_EPCM_GP;
	change(e, RD_SI_PR | RD_SI_RWX | RD_SI_PT_MASK, RD_SI_MODIFIED | RD_SI_PT(type));
	taken_away(epc, page, state);
	return 0;
}

/*
 * Would the enclave be entered by this page as by a new one? Nobody can write to a page that waits
 * to become a TCS.
 */
static bool tcs_in_order(const struct rd_tcs *t)
{
	return !(t->flags & ~RD_TCS_AEXNOTIFY) && t->cssa < t->nssa && !t->aep && !t->state &&
	       rd_all_zero(t->reserved, sizeof(t->reserved));
}

int rd_epcm_accept(struct rd_epc *epc, u32 page, u32 secs, u64 la, u64 flags)
{
	const u64 same = RD_SI_PENDING | RD_SI_MODIFIED | RD_SI_RWX | RD_SI_PT_MASK;
	struct rd_epcm *e = &epc->map[page];
	u64 state = READ_ONCE(e->state);
	u8 type = rd_epcm_type(e);

	if ((state & (RD_EPCM_VALID | RD_EPCM_BLOCKED)) != RD_EPCM_VALID || e->secs != secs)
		return RD_EPCM_PF;
	if (type != RD_PT_REG && type != RD_PT_TCS && type != RD_PT_TRIM)
		return RD_EPCM_PF;
	if (e->addr != la || (state ^ flags) & same)
		return RD_SGX_PAGE_ATTRIBUTES_MISMATCH;
	/* A page that is new was in nobody's hands before. */
	if (state & (RD_SI_PR | RD_SI_MODIFIED) && !rd_track_done(&epc->map[secs], e->stamp))
		return RD_SGX_NOT_TRACKED;
	if (type == RD_PT_TCS && !tcs_in_order(rd_epc_tcs(epc, page)))
		return RD_EPCM_GP;
	change(e, RD_SI_STATE, 0);
	return 0;
}

int rd_epcm_extend(struct rd_epc *epc, u32 page, u32 secs, u64 la, u64 rwx)
{
	const u64 asked = RD_EPCM_VALID | RD_EPCM_BLOCKED | RD_SI_PENDING | RD_SI_MODIFIED |
			  RD_SI_PT_MASK;
	struct rd_epcm *e = &epc->map[page];
	u64 state = READ_ONCE(e->state);

	if ((state & asked) != (RD_EPCM_VALID | RD_SI_PT(RD_PT_REG)))
		return RD_EPCM_PF;
	if (e->secs != secs || e->addr != la)
		return RD_EPCM_PF;
	if (rwx & RD_SI_W && !((state | rwx) & RD_SI_R))
		return RD_EPCM_GP;
	change(e, 0, rwx & RD_SI_RWX);
	return 0;
}

int rd_epcm_accept_copy(struct rd_epc *epc, u32 page, u32 secs, u64 la, u32 from, u64 rwx)
{
	const u64 asked = RD_EPCM_VALID | RD_EPCM_BLOCKED | RD_SI_PENDING | RD_SI_MODIFIED |
			  RD_SI_RWX | RD_SI_PT_MASK;
	struct rd_epcm *e = &epc->map[page];

	if ((READ_ONCE(e->state) & asked) !=
	    (RD_EPCM_VALID | RD_SI_PENDING | RD_SI_R | RD_SI_W | RD_SI_PT(RD_PT_REG)))
		return RD_SGX_PAGE_ATTRIBUTES_MISMATCH;
	if (e->secs != secs || e->addr != la)
		return RD_SGX_PAGE_ATTRIBUTES_MISMATCH;
	memcpy(epc->page[page], epc->page[from], RD_SGX_PAGE);
	change(e, RD_SI_PENDING | RD_SI_RWX, rwx & RD_SI_RWX);
	return 0;
}
