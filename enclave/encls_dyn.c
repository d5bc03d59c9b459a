// SPDX-License-Identifier: GPL-2.0-only
/*
 * What system software does to the pages of an initialized enclave (P): EAUG, EMODPR, EMODT.
 * Invariant: as in enclave/leaf.h.
 */
#include "enclave/encls.h"
#include "vmm/gwalk.h"

/* Shadow stacks are all that a SECINFO could ask for here, and they are not offered. */
static int refuse_secinfo(struct rd_leaf *l, u64 la)
{
	struct rd_secinfo si;

	return rd_leaf_get(l, la, &si, sizeof(si), sizeof(si)) ? RD_LEAF_FAULT : rd_leaf_gp(l);
}

static int augment_operands(struct rd_leaf *l, struct rd_pageinfo *pi, u32 *page, u32 *secs)
{
	if (l->gpr[RD_RBX] & (sizeof(*pi) - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, l->gpr[RD_RCX], RD_ACC_EPC, page) || rd_encls_pageinfo(l, pi))
		return RD_LEAF_FAULT;
	if (pi->secinfo & (sizeof(struct rd_secinfo) - 1) || pi->linaddr & ~RD_PAGE_MASK ||
	    pi->secs & ~RD_PAGE_MASK || pi->srcpge)
		return rd_leaf_gp(l);
	return rd_leaf_page(l, pi->secs, RD_ACC_EPC, secs);
}

int rd_eaug(struct rd_leaf *l)
{
	struct rd_pageinfo pi;
	u32 page, secs;
	int ret;

	if (augment_operands(l, &pi, &page, &secs))
		return RD_LEAF_FAULT;
	ret = rd_encls_new(l, l->gpr[RD_RCX], page);
	if (ret)
		return ret;
	ret = pi.secinfo ? refuse_secinfo(l, pi.secinfo)
			 : rd_encls_share(l, pi.secs, secs, RD_PT_SECS);
	if (ret)
		goto put;
	/* Neither RAX nor flags say that it went well. */
	if (rd_epcm_augment(l->epc, page, secs, pi.linaddr))
		ret = rd_leaf_gp(l);
	rd_epcm_unshare(&l->epc->map[secs]);
put:
	rd_encls_put_new(l, page);
	return ret;
}

/* EMODPR and EMODT: SECINFO by RBX, the page by RCX. */
static int operands(struct rd_leaf *l, struct rd_secinfo *si, u32 *page)
{
	if (l->gpr[RD_RBX] & (sizeof(*si) - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, l->gpr[RD_RCX], RD_ACC_EPC, page) ||
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
