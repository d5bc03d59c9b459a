// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an enclave does to its own pages (P): EACCEPT, EMODPE, EACCEPTCOPY.
 * Invariant: as in enclave/leaf.h.  No page is owned here and SECINFO is let go before the target
 * is taken, so a leaf never stands in its own way, wherever its operands lie.
 */
#include "enclave/enter.h"

static bool outside_elrange(const struct rd_leaf *l, u64 la, unsigned int len)
{
	return !rd_secs_has(rd_epc_secs(l->epc, l->in->secs), la, len);
}

/* RBX: SECINFO, copied once. */
static int take_secinfo(struct rd_leaf *l, struct rd_secinfo *si)
{
	u32 page;
	u8 *at;

	if (rd_leaf_inside(l, l->gpr[RD_RBX], sizeof(*si), sizeof(*si), RD_ACC_READ, &at, &page))
		return RD_LEAF_FAULT;
	memcpy(si, at, sizeof(*si));
	rd_epcm_unshare(&l->epc->map[page]);
	return rd_secinfo_reserved(si) ? rd_leaf_gp(l) : 0;
}

/* RCX: the page to be changed; what the EPCM says of it is the transition's to ask. */
static int find_target(struct rd_leaf *l, unsigned int acc, u32 *page)
{
	u64 la = l->gpr[RD_RCX];

	if (la & ~RD_PAGE_MASK || outside_elrange(l, la, RD_SGX_PAGE))
		return rd_leaf_gp(l);
	return rd_leaf_page_of(l, la, acc, page);
}

static bool target_begin(struct rd_leaf *l, u32 page)
{
	struct rd_epcm *e = &l->epc->map[page];

	if (!rd_epcm_share(e))
		return false;
	if (rd_epcm_begin(e, RD_OP_CHANGE))
		return true;
	rd_epcm_unshare(e);
	return false;
}

static void target_end(struct rd_leaf *l, u32 page)
{
	rd_epcm_end(&l->epc->map[page], RD_OP_CHANGE);
	rd_epcm_unshare(&l->epc->map[page]);
}

/* A new page or new rights of an old one; or another type. */
static bool may_be_accepted(u64 flags)
{
	switch (RD_FIELD(flags, 15, 8)) {
	case RD_PT_REG:
		return flags & (RD_SI_PENDING | RD_SI_PR) && !(flags & RD_SI_MODIFIED);
	case RD_PT_TCS:
	case RD_PT_TRIM:
		return (flags & RD_SI_STATE) == RD_SI_MODIFIED;
	default:
		return false;
	}
}

int rd_eaccept(struct rd_leaf *l)
{
	u64 la = l->gpr[RD_RCX];
	struct rd_secinfo si;
	u32 page;
	int ret;

	if (take_secinfo(l, &si) || find_target(l, RD_ACC_READ, &page))
		return RD_LEAF_FAULT;
	if (!may_be_accepted(si.flags) || !target_begin(l, page))
		return rd_leaf_gp(l);
	ret = rd_epcm_accept(l->epc, page, l->in->secs, la, si.flags);
	target_end(l, page);
	return rd_leaf_epcm(l, la, ret);
}

int rd_emodpe(struct rd_leaf *l)
{
	u64 la = l->gpr[RD_RCX];
	struct rd_secinfo si;
	u32 page;
	int ret;

	if (la & ~RD_PAGE_MASK || outside_elrange(l, la, RD_SGX_PAGE))
		return rd_leaf_gp(l);
	if (take_secinfo(l, &si) || find_target(l, RD_ACC_READ, &page))
		return RD_LEAF_FAULT;
	if (!target_begin(l, page))
		return rd_leaf_gp(l);
	ret = rd_epcm_extend(l->epc, page, l->in->secs, la, si.flags & RD_SI_RWX);
	target_end(l, page);
	/* Neither RAX nor flags say that it went well. */
	return ret ? rd_leaf_epcm(l, la, ret) : RD_LEAF_DONE;
}

/* from is shared. */
static int accept_copy(struct rd_leaf *l, const struct rd_secinfo *si, u32 page, u32 from)
{
	u64 la = l->gpr[RD_RCX];
	int ret;

	if (!target_begin(l, page))
		return rd_leaf_gp(l);
	ret = rd_epcm_accept_copy(l->epc, page, l->in->secs, la, from, si->flags & RD_SI_RWX);
	target_end(l, page);
	return rd_leaf_epcm(l, la, ret);
}

int rd_eacceptcopy(struct rd_leaf *l)
{
	u64 to = l->gpr[RD_RCX], source = l->gpr[RD_RDX];
	struct rd_secinfo si;
	u32 page, from;
	u8 *bytes;
	int ret;

	if ((to | source) & ~RD_PAGE_MASK || outside_elrange(l, to, RD_SGX_PAGE) ||
	    outside_elrange(l, source, RD_SGX_PAGE))
		return rd_leaf_gp(l);
	if (take_secinfo(l, &si) || find_target(l, RD_ACC_WRITE, &page))
		return RD_LEAF_FAULT;
	if (RD_FIELD(si.flags, 15, 8) != RD_PT_REG || (si.flags & RD_SI_W && !(si.flags & RD_SI_R)))
		return rd_leaf_gp(l);
	if (rd_leaf_inside(l, source, RD_SGX_PAGE, RD_SGX_PAGE, RD_ACC_READ, &bytes, &from))
		return RD_LEAF_FAULT;
	ret = accept_copy(l, &si, page, from);
	rd_epcm_unshare(&l->epc->map[from]);
	return ret;
}
