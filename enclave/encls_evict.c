// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages out of the EPC and back (P): EWB, ELDU, ELDB.  SDM, "SGX System Leaf Function Reference"
 * and "EPC Page Eviction".
 * Invariant: as in enclave/leaf.h.  A page is sealed under a number that was never used before and
 * that only its slot of a version array keeps; it is opened at most once, because whoever loads it
 * takes the number out of the slot.
 */
#include "enclave/encls.h"
#include "enclave/holes.h"
#include "vmm/gwalk.h"

/* What is sealed with the contents, and not told by them. */
struct mac_header {
	struct rd_secinfo secinfo;
	u64 eid; /* of the enclave; 0: SECS, VA */
	u64 linaddr;
	u8 reserved[40]; /* of PCMD */
	u8 zero[8];
};

_Static_assert(sizeof(struct mac_header) == 128, "MAC header");

/* EWB or ELDx, with its operands. */
struct evict {
	u32 page, va, secs; /* secs: RD_NO_PAGE: SECS, VA */
	u64 *slot;
	struct rd_pageinfo pi; /* secinfo is the address of PCMD */
	struct rd_pcmd pcmd;
	struct mac_header header;
};

/* The version, shifted left by 32, in 96 bits. */
static void make_iv(u8 iv[12], u64 version)
{
	memset(iv, 0, 4);
	memcpy(iv + 4, &version, sizeof(version));
}

static bool has_secs(u64 flags)
{
	u64 type = flags & RD_SI_PT_MASK;

	return type == RD_SI_PT(RD_PT_REG) || type == RD_SI_PT(RD_PT_TCS) ||
	       type == RD_SI_PT(RD_PT_TRIM);
}

/* The page at RCX, the slot at RDX, elsewhere, PAGEINFO at RBX; nothing is had yet. */
static int operands(struct rd_leaf *l, struct evict *v)
{
	u64 slot = l->gpr[RD_RDX];

	if (l->gpr[RD_RBX] & (sizeof(v->pi) - 1))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, l->gpr[RD_RCX], RD_ACC_EPC, &v->page))
		return RD_LEAF_FAULT;
	if (slot & 7)
		return rd_leaf_gp(l);
	if (rd_leaf_page_of(l, slot, RD_ACC_EPC, &v->va))
		return RD_LEAF_FAULT;
	if (v->page == v->va)
		return rd_leaf_gp(l);
	if (rd_encls_pageinfo(l, &v->pi))
		return RD_LEAF_FAULT;
	if (v->pi.secinfo & (sizeof(v->pcmd) - 1) || v->pi.srcpge & ~RD_PAGE_MASK)
		return rd_leaf_gp(l);
	return 0;
}

/* The version array, shared. */
static int share_slot(struct rd_leaf *l, struct evict *v)
{
	u64 la = l->gpr[RD_RDX];

	if (rd_encls_share(l, la, v->va, RD_PT_VA))
		return RD_LEAF_FAULT;
	v->slot = (u64 *)(l->epc->page[v->va] + (la & ~RD_PAGE_MASK));
	return 0;
}

/* Would a write there fault? The ranges that are asked for lie in one page each. */
static int probe(struct rd_leaf *l, u64 la)
{
	u64 gpa;

	if (!rd_leaf_canonical(l, la))
		return rd_leaf_gp(l);
	return l->ops->translate(l, la, RD_ACC_WRITE, &gpa);
}

/* What goes out with the page: for software to read in PCMD, and for nobody to change. */
static void describe(const struct rd_epc *epc, struct evict *v)
{
	const struct rd_epcm *e = &epc->map[v->page];
	u64 flags = e->state & (RD_SI_RWX | RD_SI_STATE | RD_SI_PT_MASK);

	memset(&v->header, 0, sizeof(v->header));
	memset(&v->pcmd, 0, sizeof(v->pcmd));
	v->header.secinfo.flags = flags;
	v->header.linaddr = e->addr;
	v->pcmd.secinfo.flags = flags;
	if (has_secs(flags)) {
		v->header.eid = rd_secs_own(rd_epc_secs(epc, e->secs))->eid;
		v->pcmd.enclave_id = v->header.eid;
	} else if (flags == RD_SI_PT(RD_PT_SECS)) {
		v->pcmd.enclave_id = rd_secs_own(rd_epc_secs(epc, v->page))->eid;
	}
}

/* The page, sealed, in copy, and its MAC in PCMD. 0, -ENOMEM. */
static int seal(struct rd_epc *epc, struct evict *v, u64 version, u8 *copy)
{
	u8 iv[12];

	make_iv(iv, version);
	memcpy(copy, epc->page[v->page], RD_SGX_PAGE);
	return rd_host_gcm_seal(epc->keys.paging, iv, &v->header, sizeof(v->header), copy,
				RD_SGX_PAGE, v->pcmd.mac);
}

/* Software's part: the page, PCMD, and LINADDR of PAGEINFO. */
static int write_out(struct rd_leaf *l, const struct evict *v, const u8 *copy)
{
	if (rd_leaf_put(l, v->pi.srcpge, copy, RD_SGX_PAGE, RD_SGX_PAGE) ||
	    rd_leaf_put(l, v->pi.secinfo, &v->pcmd, sizeof(v->pcmd), sizeof(v->pcmd)) ||
	    rd_leaf_put(l, l->gpr[RD_RBX], &v->header.linaddr, sizeof(u64), sizeof(u64)))
		return RD_LEAF_FAULT;
	return 0;
}

/*
 * Nothing of the EPC changes before all that software gets is written: when a write faults, what
 * was written is of no use to anybody, because its version is kept nowhere.  A slot in use is
 * overwritten, and its page lost, as the architecture says: software is told.
 */
static int write_back(struct rd_leaf *l, struct evict *v)
{
	u64 version;
	u8 *copy;
	int ret;

	if (probe(l, v->pi.srcpge) || probe(l, v->pi.secinfo) || probe(l, l->gpr[RD_RBX]))
		return RD_LEAF_FAULT;
	copy = rd_host_page_alloc();
	if (!copy)
		return -ENOMEM;
	version = rd_encls_number(&l->epc->last_version);
	describe(l->epc, v);
	ret = seal(l->epc, v, version, copy);
	if (ret)
		rd_host_wipe(copy, RD_SGX_PAGE);
	else
		ret = write_out(l, v, copy);
	rd_host_page_free(copy);
	if (ret)
		return ret;
	version = xchg(v->slot, version);
	rd_epcm_evict(l->epc, v->page);
	return version ? rd_leaf_end_carry(l, RD_SGX_VA_SLOT_OCCUPIED) : rd_leaf_end(l, 0);
}

int rd_ewb(struct rd_leaf *l)
{
	struct evict v;
	struct rd_epcm *e;
	int ret;

	if (operands(l, &v))
		return RD_LEAF_FAULT;
	if (v.pi.linaddr || v.pi.secs)
		return rd_leaf_gp(l);
	e = &l->epc->map[v.page];
	if (!rd_epcm_own(e))
		return rd_leaf_gp(l);
	ret = rd_epcm_valid(e) ? share_slot(l, &v) : rd_leaf_epcm(l, l->gpr[RD_RCX], RD_EPCM_PF);
	if (ret)
		goto disown;
	ret = rd_epcm_may_evict(l->epc, v.page);
	ret = ret ? rd_leaf_epcm(l, l->gpr[RD_RCX], ret) : write_back(l, &v);
	rd_epcm_unshare(&l->epc->map[v.va]);
disown:
	rd_epcm_disown(e);
	return ret;
}

/* PCMD, and of which enclave it says that the page is: the SECS, shared. */
static int load_operands(struct rd_leaf *l, struct evict *v)
{
	v->secs = RD_NO_PAGE;
	if (rd_leaf_get(l, v->pi.secinfo, &v->pcmd, sizeof(v->pcmd), sizeof(v->pcmd)))
		return RD_LEAF_FAULT;
	if (!has_secs(v->pcmd.secinfo.flags))
		return 0;
	if (rd_leaf_page(l, v->pi.secs, RD_ACC_EPC, &v->secs))
		return RD_LEAF_FAULT;
	return rd_encls_share(l, v->pi.secs, v->secs, RD_PT_SECS);
}

/* Contents that are what was sealed under this version, or an error. */
static int open_page(struct rd_leaf *l, struct evict *v, u64 version)
{
	struct rd_epc *epc = l->epc;
	u8 iv[12];

	memset(&v->header, 0, sizeof(v->header));
	v->header.secinfo = v->pcmd.secinfo;
	memcpy(v->header.reserved, v->pcmd.reserved, sizeof(v->header.reserved));
	v->header.linaddr = v->pi.linaddr;
	if (v->secs != RD_NO_PAGE)
		v->header.eid = rd_secs_own(rd_epc_secs(epc, v->secs))->eid;
	make_iv(iv, version);
	if (rd_leaf_get(l, v->pi.srcpge, epc->page[v->page], RD_SGX_PAGE, RD_SGX_PAGE))
		return RD_LEAF_FAULT;
	return rd_host_gcm_open(epc->keys.paging, iv, &v->header, sizeof(v->header),
				epc->page[v->page], RD_SGX_PAGE, v->pcmd.mac);
}

/* Who else loads the page at the same time finds the slot empty, and has nothing. */
static int load(struct rd_leaf *l, struct evict *v, bool blocked)
{
	u64 version = READ_ONCE(*v->slot), flags = v->pcmd.secinfo.flags;
	int ret = open_page(l, v, version);

	if (ret == -EBADMSG && !RD_HOLE(MAC))
		return rd_leaf_end(l, RD_SGX_MAC_COMPARE_FAIL);
	if (ret && ret != -EBADMSG)
		return ret;
	if (!RD_HOLE(VERSION) && cmpxchg(v->slot, version, 0ULL) != version)
		return rd_leaf_gp(l);
	if (blocked && v->secs != RD_NO_PAGE)
		flags |= RD_EPCM_BLOCKED;
	rd_epcm_load(l->epc, v->page, v->secs, v->pi.linaddr, flags);
	return rd_leaf_end(l, 0);
}

static int load_leaf(struct rd_leaf *l, bool blocked)
{
	struct evict v;
	int ret;

	if (operands(l, &v))
		return RD_LEAF_FAULT;
	ret = rd_encls_new(l, l->gpr[RD_RCX], v.page);
	if (ret)
		return ret;
	ret = share_slot(l, &v);
	if (ret)
		goto put;
	ret = load_operands(l, &v);
	if (ret)
		goto unshare;
	ret = load(l, &v, blocked);
	if (v.secs != RD_NO_PAGE)
		rd_epcm_unshare(&l->epc->map[v.secs]);
unshare:
	rd_epcm_unshare(&l->epc->map[v.va]);
put:
	rd_encls_put_new(l, v.page);
	return ret;
}

int rd_eldb(struct rd_leaf *l)
{
	return load_leaf(l, true);
}

int rd_eldu(struct rd_leaf *l)
{
	return load_leaf(l, false);
}
