// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a debugger may do with an enclave that allows it (P): EDBGRD and EDBGWR.
 * Invariant: as in enclave/leaf.h.  Of an enclave without DEBUG, and of a SECS, nothing is read and
 * nothing changed; of a version array, only whether a slot is in use is told.
 */
#include "enclave/encls.h"
#include "vmm/gwalk.h"

#define TCS_LIMIT offsetof(struct rd_tcs, reserved)

/* The page at RCX, shared, of one of these types. *code: why it may not be looked at right now. */
static int debug_page(struct rd_leaf *l, unsigned int acc, unsigned int types, u32 *page, u32 *code)
{
	u64 la = l->gpr[RD_RCX], state;
	struct rd_epcm *e;

	if (la & 7)
		return rd_leaf_gp(l);
	if (rd_leaf_page_of(l, la, acc, page))
		return RD_LEAF_FAULT;
	e = &l->epc->map[*page];
	if (!rd_epcm_share(e))
		return rd_leaf_gp(l);
	state = READ_ONCE(e->state);
	if (!(state & RD_EPCM_VALID) || !(types & BIT(rd_epcm_type(e)))) {
		rd_epcm_unshare(e);
		return rd_leaf_epcm(l, la, RD_EPCM_PF);
	}
	*code = state & (RD_SI_PENDING | RD_SI_MODIFIED) ? RD_SGX_PAGE_NOT_DEBUGGABLE : 0;
	return 0;
}

static bool debuggable(const struct rd_epc *epc, u32 page)
{
	return rd_epc_secs(epc, epc->map[page].secs)->attributes.flags & RD_ATTR_DEBUG;
}

static u64 *word_at(struct rd_leaf *l, u32 page)
{
	return (u64 *)(l->epc->page[page] + (l->gpr[RD_RCX] & ~RD_PAGE_MASK));
}

static int read_word(struct rd_leaf *l, u32 page)
{
	u64 word = READ_ONCE(*word_at(l, page));
	u8 type = rd_epcm_type(&l->epc->map[page]);

	if (type == RD_PT_VA) {
		word = word ? U64_MAX : 0;
	} else if ((type == RD_PT_TCS && (l->gpr[RD_RCX] & ~RD_PAGE_MASK) >= TCS_LIMIT) ||
		   !debuggable(l->epc, page)) {
		return rd_leaf_gp(l);
	}
	l->gpr[RD_RBX] = word;
	return rd_leaf_end(l, 0);
}

int rd_edbgrd(struct rd_leaf *l)
{
	u32 page, code;
	int ret;

	if (debug_page(l, RD_ACC_READ, BIT(RD_PT_REG) | BIT(RD_PT_TCS) | BIT(RD_PT_VA), &page,
		       &code))
		return RD_LEAF_FAULT;
	ret = code ? rd_leaf_end(l, code) : read_word(l, page);
	rd_epcm_unshare(&l->epc->map[page]);
	return ret;
}

static int write_word(struct rd_leaf *l, u32 page)
{
	u64 at = l->gpr[RD_RCX] & ~RD_PAGE_MASK;

	if ((rd_epcm_type(&l->epc->map[page]) == RD_PT_TCS &&
	     at != offsetof(struct rd_tcs, flags)) ||
	    !debuggable(l->epc, page))
		return rd_leaf_gp(l);
	WRITE_ONCE(*word_at(l, page), l->gpr[RD_RBX]);
	return rd_leaf_end(l, 0);
}

int rd_edbgwr(struct rd_leaf *l)
{
	u32 page, code;
	int ret;

	if (debug_page(l, RD_ACC_WRITE, BIT(RD_PT_REG) | BIT(RD_PT_TCS), &page, &code))
		return RD_LEAF_FAULT;
	ret = code ? rd_leaf_end(l, code) : write_word(l, page);
	rd_epcm_unshare(&l->epc->map[page]);
	return ret;
}
