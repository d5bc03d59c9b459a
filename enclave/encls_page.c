// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leaves on single pages, whatever is in them (P): EREMOVE, EPA, EBLOCK, ETRACK; and the
 * operands that ENCLS leaves share.  SDM, "SGX System Leaf Function Reference".
 * Invariant: as in enclave/leaf.h and enclave/encls.h.
 */
#include "enclave/encls.h"
#include "vmm/gwalk.h"

int rd_encls_pageinfo(struct rd_leaf *l, struct rd_pageinfo *pi)
{
	return rd_leaf_get(l, l->gpr[RD_RBX], pi, sizeof(*pi), sizeof(*pi));
}

int rd_encls_new(struct rd_leaf *l, u64 la, u32 page)
{
	struct rd_epcm *e = &l->epc->map[page];
	int ret;

	if (!rd_epcm_own(e))
		return rd_leaf_gp(l);
	ret = rd_epcm_valid(e) ? rd_leaf_epcm(l, la, RD_EPCM_PF) : rd_epc_fill(l->epc, page);
	if (ret)
		rd_epcm_disown(e);
	return ret;
}

void rd_encls_put_new(struct rd_leaf *l, u32 page)
{
	struct rd_epcm *e = &l->epc->map[page];

	if (!rd_epcm_valid(e))
		rd_epc_drop(l->epc, page);
	rd_epcm_disown(e);
}

int rd_encls_share(struct rd_leaf *l, u64 la, u32 page, enum rd_page_type type)
{
	struct rd_epcm *e = &l->epc->map[page];

	if (!rd_epcm_share(e))
		return rd_leaf_gp(l);
	if (rd_epcm_valid(e) && rd_epcm_type(e) == type)
		return 0;
	rd_epcm_unshare(e);
	return rd_leaf_epcm(l, la, RD_EPCM_PF);
}

u64 rd_encls_number(u64 *last)
{
	u64 was = READ_ONCE(*last), seen;

	for (; (seen = cmpxchg(last, was, was + 1)) != was; was = seen)
		;
	return was + 1;
}

int rd_eremove(struct rd_leaf *l)
{
	u64 la = l->gpr[RD_RCX];
	struct rd_epcm *e;
	u32 page;
	int ret;

	if (rd_leaf_page(l, la, RD_ACC_EPC, &page))
		return RD_LEAF_FAULT;
	e = &l->epc->map[page];
	if (!rd_epcm_own(e))
		return rd_leaf_gp(l);
	ret = rd_epcm_remove(l->epc, page);
	rd_epcm_disown(e);
	return rd_leaf_epcm(l, la, ret);
}

int rd_epa(struct rd_leaf *l)
{
	u64 la = l->gpr[RD_RCX];
	u32 page;
	int ret;

	if (l->gpr[RD_RBX] != RD_PT_VA)
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, la, RD_ACC_EPC, &page))
		return RD_LEAF_FAULT;
	ret = rd_encls_new(l, la, page);
	if (ret)
		return ret;
	rd_epcm_make_va(l->epc, page);
	rd_encls_put_new(l, page);
	return RD_LEAF_DONE;
}

/* That a page is blocked already, or cannot be, is told by CF: the caller need not try again. */
static int end_block(struct rd_leaf *l, int code)
{
	if (code == RD_SGX_BLKSTATE || code == RD_SGX_NOTBLOCKABLE || code == RD_SGX_PG_IS_SECS)
		return rd_leaf_end_carry(l, code);
	return rd_leaf_end(l, code);
}

int rd_eblock(struct rd_leaf *l)
{
	struct rd_epcm *e;
	u32 page;
	int code;

	if (rd_leaf_page(l, l->gpr[RD_RCX], RD_ACC_EPC, &page))
		return RD_LEAF_FAULT;
	e = &l->epc->map[page];
	if (!rd_epcm_share(e))
		return rd_leaf_end(l, RD_SGX_EPC_PAGE_CONFLICT);
	code = rd_epcm_block(l->epc, page);
	rd_epcm_unshare(e);
	return end_block(l, code);
}

/*
 * Two ETRACKs of one enclave: the table of concurrency has an error code for the second, the
 * operation's text a fault; the table is followed.
 */
int rd_etrack(struct rd_leaf *l)
{
	u64 la = l->gpr[RD_RCX];
	u32 page, code = RD_SGX_EPC_PAGE_CONFLICT;
	struct rd_epcm *e;

	if (rd_leaf_page(l, la, RD_ACC_EPC, &page) || rd_encls_share(l, la, page, RD_PT_SECS))
		return RD_LEAF_FAULT;
	e = &l->epc->map[page];
	if (rd_epcm_begin(e, RD_OP_TRACK)) {
		code = rd_track_begin(e) ? 0 : RD_SGX_PREV_TRK_INCMPL;
		rd_epcm_end(e, RD_OP_TRACK);
	}
	rd_epcm_unshare(e);
	return rd_leaf_end(l, code);
}
