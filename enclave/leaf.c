// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all leaves share (P): operands, and how they end.
 * Invariant: as in enclave/leaf.h.
 */
#include "enclave/enter.h"
#include "enclave/leaf.h"
#include "vmm/gwalk.h"

#define VEC_GP 13
#define VEC_PF 14
#define F_CF BIT_ULL(0)
#define F_PF BIT_ULL(2)
#define F_AF BIT_ULL(4)
#define F_ZF BIT_ULL(6)
#define F_SF BIT_ULL(7)
#define F_OF BIT_ULL(11)

int rd_leaf_gp(struct rd_leaf *l)
{
	l->fault = (struct rd_fault){ .vector = VEC_GP, .has_error = true };
	return RD_LEAF_FAULT;
}

int rd_leaf_pf(struct rd_leaf *l, u64 la, u32 error)
{
	l->fault =
		(struct rd_fault){ .vector = VEC_PF, .has_error = true, .error = error, .cr2 = la };
	return RD_LEAF_FAULT;
}

int rd_leaf_end(struct rd_leaf *l, u32 code)
{
	l->rflags &= ~(F_CF | F_PF | F_AF | F_ZF | F_SF | F_OF);
	if (code)
		l->rflags |= F_ZF;
	l->gpr[RD_RAX] = code;
	return RD_LEAF_DONE;
}

int rd_leaf_end_carry(struct rd_leaf *l, u32 code)
{
	rd_leaf_end(l, code);
	l->rflags = (l->rflags & ~F_ZF) | F_CF;
	return RD_LEAF_DONE;
}

static u32 user_bit(const struct rd_leaf *l)
{
	return l->user ? RD_PF_U : 0;
}

int rd_leaf_epcm(struct rd_leaf *l, u64 la, int result)
{
	if (result == RD_EPCM_GP)
		return rd_leaf_gp(l);
	if (result == RD_EPCM_PF)
		return rd_leaf_pf(l, la, RD_PF_SGX | RD_PF_P | user_bit(l));
	return rd_leaf_end(l, result);
}

bool rd_leaf_canonical(const struct rd_leaf *l, u64 la)
{
	unsigned int sign = 64 - l->va_bits;

	return (u64)((s64)(la << sign) >> sign) == la;
}

int rd_leaf_page_of(struct rd_leaf *l, u64 la, unsigned int acc, u32 *page)
{
	u64 gpa;

	if (!rd_leaf_canonical(l, la))
		return rd_leaf_gp(l);
	if (l->ops->translate(l, la, acc, &gpa))
		return RD_LEAF_FAULT;
	*page = rd_epc_index(l->epc, gpa);
	if (*page == RD_NO_PAGE)
		return rd_leaf_pf(l, la,
				  RD_PF_P | (acc & RD_ACC_WRITE ? RD_PF_W : 0) | user_bit(l));
	return 0;
}

int rd_leaf_page(struct rd_leaf *l, u64 la, unsigned int acc, u32 *page)
{
	return la & ~RD_PAGE_MASK ? rd_leaf_gp(l) : rd_leaf_page_of(l, la, acc, page);
}

int rd_leaf_get(struct rd_leaf *l, u64 la, void *to, unsigned int len, unsigned int align)
{
	if (la & (align - 1) || !rd_leaf_canonical(l, la) || !rd_leaf_canonical(l, la + len - 1))
		return rd_leaf_gp(l);
	return l->ops->read(l, la, to, len);
}

int rd_leaf_put(struct rd_leaf *l, u64 la, const void *from, unsigned int len, unsigned int align)
{
	if (la & (align - 1) || !rd_leaf_canonical(l, la) || !rd_leaf_canonical(l, la + len - 1))
		return rd_leaf_gp(l);
	return l->ops->write(l, la, from, len);
}

int rd_leaf_held(struct rd_leaf *l, u64 la, u32 page, unsigned int acc, u8 **at)
{
	struct rd_epcm *e = &l->epc->map[page];
	u64 rights;
	u32 error;

	/* Whoever owns it is taking it away. */
	if (!rd_epcm_share(e))
		return rd_leaf_pf(l, la, RD_PF_SGX | RD_PF_P | RD_PF_U);
	error = rd_epcm_check(e, l->in->secs, la, acc, &rights);
	if (error) {
		rd_epcm_unshare(e);
		return rd_leaf_pf(l, la, error | RD_PF_U);
	}
	*at = l->epc->page[page] + (la & ~RD_PAGE_MASK);
	return 0;
}

int rd_leaf_inside(struct rd_leaf *l, u64 la, unsigned int len, unsigned int align,
		   unsigned int acc, u8 **at, u32 *page)
{
	if (la & (align - 1) || !rd_secs_has(rd_epc_secs(l->epc, l->in->secs), la, len))
		return rd_leaf_gp(l);
	if (rd_leaf_page_of(l, la, acc, page))
		return RD_LEAF_FAULT;
	return rd_leaf_held(l, la, *page, acc, at);
}
