// SPDX-License-Identifier: GPL-2.0-only
/*
 * What system software does to the pages of an initialized enclave (P): EAUG, EMODPR, EMODT.
 * Invariant: as in enclave/leaf.h.
 */
#include "enclave/leaf.h"

/* Shadow stacks are all that a SECINFO could ask for here, and they are not offered. */
static int refuse_secinfo(struct rd_leaf *l, u64 la)
{
	struct rd_secinfo si;

	return rd_leaf_get(l, la, &si, sizeof(si), sizeof(si)) ? RD_LEAF_FAULT : rd_leaf_gp(l);
}

/* page is owned and free. */
static int augment(struct rd_leaf *l, const struct rd_pageinfo *pi, u32 page, u32 secs)
{
	struct rd_epcm *s = &l->epc->map[secs];
	int ret;

	if (!rd_epcm_share(s))
		return rd_leaf_gp(l);
	if (!rd_epcm_valid(s) || rd_epcm_type(s) != RD_PT_SECS)
		ret = rd_leaf_epcm(l, pi->secs, RD_EPCM_PF);
	else
		ret = rd_epcm_augment(l->epc, page, secs, pi->linaddr);
	rd_epcm_unshare(s);
	/* Neither RAX nor flags say that it went well. */
	return ret == RD_EPCM_GP ? rd_leaf_gp(l) : ret;
}

int rd_eaug(struct rd_leaf *l)
{
	u64 at = l->gpr[RD_RBX], target = l->gpr[RD_RCX];
	struct rd_pageinfo pi;
	struct rd_epcm *e;
	u32 page, secs;
	int ret;

	if (at & (sizeof(pi) - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, target, RD_ACC_WRITE, &page) ||
	    rd_leaf_get(l, at, &pi, sizeof(pi), sizeof(pi)))
		return RD_LEAF_FAULT;
	if (pi.secinfo & (sizeof(struct rd_secinfo) - 1) || pi.linaddr & ~RD_PAGE_MASK ||
	    pi.secs & ~RD_PAGE_MASK || pi.srcpge)
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, pi.secs, RD_ACC_WRITE, &secs))
		return RD_LEAF_FAULT;
	e = &l->epc->map[page];
	if (!rd_epcm_own(e))
		return rd_leaf_gp(l);
	if (rd_epcm_valid(e))
		ret = rd_leaf_epcm(l, target, RD_EPCM_PF);
	else if (pi.secinfo)
		ret = refuse_secinfo(l, pi.secinfo);
	else
		ret = augment(l, &pi, page, secs);
	rd_epcm_disown(e);
	return ret;
}

/* EMODPR and EMODT: SECINFO by RBX, the page by RCX. */
static int operands(struct rd_leaf *l, struct rd_secinfo *si, u32 *page)
{
	if (l->gpr[RD_RBX] & (sizeof(*si) - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, l->gpr[RD_RCX], RD_ACC_WRITE, page) ||
	    rd_leaf_get(l, l->gpr[RD_RBX], si, sizeof(*si), sizeof(*si)))
		return RD_LEAF_FAULT;
	return rd_secinfo_reserved(si) ? rd_leaf_gp(l) : 0;
}

int rd_emodpr(struct rd_leaf *l)
{
	struct rd_secinfo si;
	struct rd_epcm *e;
	u32 page;
	int ret;

	if (operands(l, &si, &page))
		return RD_LEAF_FAULT;
	if (si.flags & RD_SI_W && !(si.flags & RD_SI_R))
		return rd_leaf_gp(l);
	e = &l->epc->map[page];
	if (!rd_epcm_share(e))
		return rd_leaf_gp(l);
	if (rd_epcm_begin(e, RD_OP_CHANGE)) {
		ret = rd_epcm_restrict(l->epc, page, si.flags & RD_SI_RWX);
		rd_epcm_end(e, RD_OP_CHANGE);
	} else {
		ret = RD_SGX_EPC_PAGE_CONFLICT;
	}
	rd_epcm_unshare(e);
	return rd_leaf_epcm(l, l->gpr[RD_RCX], ret);
}

int rd_emodt(struct rd_leaf *l)
{
	struct rd_secinfo si;
	struct rd_epcm *e;
	u32 page;
	u8 type;
	int ret;

	if (operands(l, &si, &page))
		return RD_LEAF_FAULT;
	type = RD_FIELD(si.flags, 15, 8);
	if (type != RD_PT_TCS && type != RD_PT_TRIM)
		return rd_leaf_gp(l);
	e = &l->epc->map[page];
	if (!rd_epcm_own(e))
		return rd_leaf_end(l, RD_SGX_EPC_PAGE_CONFLICT);
	if (rd_epcm_begin(e, RD_OP_CHANGE)) {
		ret = rd_epcm_retype(l->epc, page, type);
		rd_epcm_end(e, RD_OP_CHANGE);
	} else {
		ret = RD_SGX_EPC_PAGE_CONFLICT;
	}
	rd_epcm_disown(e);
	return rd_leaf_epcm(l, l->gpr[RD_RCX], ret);
}
