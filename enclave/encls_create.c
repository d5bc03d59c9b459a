// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an enclave is built (P): ECREATE, EADD, EEXTEND.  SDM, "SGX System Leaf Function Reference".
 * Invariant: as in enclave/leaf.h.  What software gives is copied into the page first and judged
 * there, while nobody else can see the page; no page becomes valid that the measurement does not
 * tell of.
 */
#include "enclave/encls.h"
#include "enclave/measure.h"
#include "vmm/gwalk.h"

#define XFRM_MPX (BIT_ULL(3) | BIT_ULL(4))
#define XFRM_AVX BIT_ULL(2)
#define XFRM_AVX512 (BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(7))
#define XFRM_AMX (BIT_ULL(17) | BIT_ULL(18))
#define TCS_FLAGS (RD_TCS_DBGOPTIN | RD_TCS_AEXNOTIFY)

/* Are all of these set or none? */
static bool together(u64 xfrm, u64 bits)
{
	return !(xfrm & bits) || (xfrm & bits) == bits;
}

/* What XSETBV would take, of what the VM has. */
static bool xfrm_legal(const struct rd_sgx_model *m, u64 xfrm)
{
	if (xfrm & ~m->attributes.xfrm || (xfrm & RD_XFRM_X87_SSE) != RD_XFRM_X87_SSE)
		return false;
	if (xfrm & XFRM_AVX512 && !(xfrm & XFRM_AVX))
		return false;
	return together(xfrm, XFRM_MPX) && together(xfrm, XFRM_AVX512) && together(xfrm, XFRM_AMX);
}

/*
 * INIT is EINIT's to set.  Enclaves of 32-bit programs are not offered: leaves are carried out in
 * 64-bit mode only (enclave/leaf.h), so MODE64 must be there.
 */
static bool attributes_legal(const struct rd_sgx_model *m, const struct rd_attributes *a)
{
	return !(a->flags & (~m->attributes.flags | RD_ATTR_INIT)) && a->flags & RD_ATTR_MODE64 &&
	       xfrm_legal(m, a->xfrm);
}

/* Does an SSA frame hold what an asynchronous exit puts there? */
static bool frame_fits(const struct rd_sgx_model *m, const struct rd_secs *s)
{
	u64 need = rd_xsave_size(m, s->attributes.xfrm) + sizeof(struct rd_gprsgx);

	if (s->miscselect & RD_MISC_EXINFO)
		need += sizeof(struct rd_exinfo);
	return (u64)s->ssa_frame_size * RD_SGX_PAGE >= need;
}

static bool range_legal(const struct rd_leaf *l, const struct rd_secs *s)
{
	return s->size >= RD_SGX_MIN_SIZE && is_power_of_2(s->size) &&
	       s->size <= BIT_ULL(l->epc->model.size_bits) && !(s->base & (s->size - 1)) &&
	       rd_leaf_canonical(l, s->base);
}

/* There is no CET here, so what it has in a SECS is reserved, too. */
static bool reserved_clear(const struct rd_secs *s)
{
	return rd_all_zero(s->reserved1, sizeof(s->reserved1)) &&
	       rd_all_zero(s->reserved2, sizeof(s->reserved2)) &&
	       rd_all_zero(s->reserved3, sizeof(s->reserved3)) &&
	       rd_all_zero(s->reserved4, sizeof(s->reserved4));
}

static bool config_legal(const struct rd_secs *s)
{
	return s->attributes.flags & RD_ATTR_KSS ||
	       (!s->configsvn && rd_all_zero(s->configid, sizeof(s->configid)));
}

static bool secs_legal(const struct rd_leaf *l, const struct rd_secs *s)
{
	const struct rd_sgx_model *m = &l->epc->model;

	return attributes_legal(m, &s->attributes) && !(s->miscselect & ~m->miscselect) &&
	       frame_fits(m, s) && range_legal(l, s) && reserved_clear(s) && config_legal(s);
}

/* What is the CPU's to say of an enclave that has no pages yet. */
static void begin_enclave(struct rd_epc *epc, struct rd_secs *s)
{
	memset(s->mrenclave, 0, sizeof(s->mrenclave));
	memset(s->mrsigner, 0, sizeof(s->mrsigner));
	s->isvprodid = 0;
	s->isvsvn = 0;
	rd_secs_own(s)->eid = rd_encls_number(&epc->last_eid);
	rd_measure_create(s);
}

/*
 * The operands that ECREATE and EADD have in common: the free page that RCX names, and PAGEINFO
 * with the addresses in it.
 */
static int create_operands(struct rd_leaf *l, struct rd_pageinfo *pi, u32 *page)
{
	if (l->gpr[RD_RBX] & (sizeof(*pi) - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, l->gpr[RD_RCX], RD_ACC_EPC, page) || rd_encls_pageinfo(l, pi))
		return RD_LEAF_FAULT;
	if (pi->srcpge & ~RD_PAGE_MASK || pi->secinfo & (sizeof(struct rd_secinfo) - 1))
		return rd_leaf_gp(l);
	return 0;
}

static int get_secinfo(struct rd_leaf *l, const struct rd_pageinfo *pi, struct rd_secinfo *si)
{
	return rd_leaf_get(l, pi->secinfo, si, sizeof(*si), sizeof(*si));
}

static int get_page(struct rd_leaf *l, u64 la, u32 page)
{
	return rd_leaf_get(l, la, l->epc->page[page], RD_SGX_PAGE, RD_SGX_PAGE);
}

int rd_ecreate(struct rd_leaf *l)
{
	struct rd_pageinfo pi;
	struct rd_secinfo si;
	struct rd_secs *s;
	u32 page;
	int ret;

	if (create_operands(l, &pi, &page))
		return RD_LEAF_FAULT;
	if (pi.linaddr || pi.secs)
		return rd_leaf_gp(l);
	if (get_secinfo(l, &pi, &si))
		return RD_LEAF_FAULT;
	if (rd_secinfo_reserved(&si) || (si.flags & RD_SI_PT_MASK) != RD_SI_PT(RD_PT_SECS))
		return rd_leaf_gp(l);
	ret = rd_encls_new(l, l->gpr[RD_RCX], page);
	if (ret)
		return ret;
	s = rd_epc_secs(l->epc, page);
	ret = get_page(l, pi.srcpge, page);
	if (!ret && !secs_legal(l, s))
		ret = rd_leaf_gp(l);
	if (!ret) {
		begin_enclave(l->epc, s);
		rd_epcm_make_secs(l->epc, page);
	}
	rd_encls_put_new(l, page);
	return ret;
}

static bool tcs_legal(const struct rd_tcs *t)
{
	return !(t->flags & ~TCS_FLAGS) && rd_all_zero(t->reserved, sizeof(t->reserved));
}

/* A TCS is the CPU's alone, and whether it may be debugged is not the enclave's author's to say. */
static void begin_tcs(struct rd_tcs *t)
{
	t->state = 0;
	t->flags &= ~RD_TCS_DBGOPTIN;
	t->cssa = 0;
	t->aep = 0;
}

/* What a page of this type may hold and allow; and what becomes of it. */
static int add_judge(struct rd_leaf *l, u32 page, struct rd_secinfo *si)
{
	struct rd_tcs *t = rd_epc_tcs(l->epc, page);

	if ((si->flags & RD_SI_PT_MASK) == RD_SI_PT(RD_PT_REG))
		return (si->flags & (RD_SI_R | RD_SI_W)) == RD_SI_W ? rd_leaf_gp(l) : 0;
	if (!tcs_legal(t))
		return rd_leaf_gp(l);
	begin_tcs(t);
	si->flags &= ~RD_SI_RWX;
	return 0;
}

/* The page goes into the enclave and into its measurement. */
static int add_to(struct rd_leaf *l, u32 page, u32 secs, u64 la, const struct rd_secinfo *si)
{
	struct rd_secs *s = rd_epc_secs(l->epc, secs);
	struct rd_epcm *e = &l->epc->map[secs];
	int ret = 0;

	if (!rd_secs_has(s, la, RD_SGX_PAGE) || !rd_epcm_begin(e, RD_OP_MEASURE))
		return rd_leaf_gp(l);
	if (s->attributes.flags & RD_ATTR_INIT) {
		ret = rd_leaf_gp(l);
	} else {
		rd_measure_add(s, la - s->base, si);
		rd_epcm_add(l->epc, page, secs, la, si->flags);
	}
	rd_epcm_end(e, RD_OP_MEASURE);
	return ret;
}

static int add_operands(struct rd_leaf *l, struct rd_pageinfo *pi, struct rd_secinfo *si, u32 *page,
			u32 *secs)
{
	u64 type;

	if (create_operands(l, pi, page))
		return RD_LEAF_FAULT;
	if (pi->linaddr & ~RD_PAGE_MASK)
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, pi->secs, RD_ACC_EPC, secs) || get_secinfo(l, pi, si))
		return RD_LEAF_FAULT;
	type = si->flags & RD_SI_PT_MASK;
	if (rd_secinfo_reserved(si) || (type != RD_SI_PT(RD_PT_REG) && type != RD_SI_PT(RD_PT_TCS)))
		return rd_leaf_gp(l);
	return 0;
}

int rd_eadd(struct rd_leaf *l)
{
	struct rd_pageinfo pi;
	struct rd_secinfo si;
	u32 page, secs;
	int ret;

	if (add_operands(l, &pi, &si, &page, &secs))
		return RD_LEAF_FAULT;
	ret = rd_encls_new(l, l->gpr[RD_RCX], page);
	if (ret)
		return ret;
	ret = rd_encls_share(l, pi.secs, secs, RD_PT_SECS);
	if (ret)
		goto put;
	ret = get_page(l, pi.srcpge, page);
	if (!ret)
		ret = add_judge(l, page, &si);
	if (!ret)
		ret = add_to(l, page, secs, pi.linaddr, &si);
	rd_epcm_unshare(&l->epc->map[secs]);
put:
	rd_encls_put_new(l, page);
	return ret;
}

/* The chunk's page is shared, and so its SECS stays. */
static int extend(struct rd_leaf *l, u32 page, u32 secs)
{
	u64 at = l->gpr[RD_RCX] & ~RD_PAGE_MASK;
	struct rd_epcm *e = &l->epc->map[page];
	u8 type = rd_epcm_type(e);
	struct rd_secs *s;
	int ret = 0;

	if (!rd_epcm_valid(e) || (type != RD_PT_REG && type != RD_PT_TCS))
		return rd_leaf_epcm(l, l->gpr[RD_RCX], RD_EPCM_PF);
	if (e->secs != secs || !rd_epcm_begin(&l->epc->map[secs], RD_OP_MEASURE))
		return rd_leaf_gp(l);
	s = rd_epc_secs(l->epc, secs);
	if (s->attributes.flags & RD_ATTR_INIT)
		ret = rd_leaf_gp(l);
	else
		rd_measure_extend(s, e->addr + at - s->base, l->epc->page[page] + at);
	rd_epcm_end(&l->epc->map[secs], RD_OP_MEASURE);
	return ret;
}

int rd_eextend(struct rd_leaf *l)
{
	u64 la = l->gpr[RD_RCX];
	u32 page, secs;
	int ret;

	if (rd_leaf_page(l, l->gpr[RD_RBX], RD_ACC_READ, &secs))
		return RD_LEAF_FAULT;
	if (la & (RD_SGX_CHUNK - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page_of(l, la, RD_ACC_READ, &page))
		return RD_LEAF_FAULT;
	if (!rd_epcm_share(&l->epc->map[page]))
		return rd_leaf_gp(l);
	ret = extend(l, page, secs);
	rd_epcm_unshare(&l->epc->map[page]);
	return ret;
}
