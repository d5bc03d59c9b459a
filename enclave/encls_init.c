// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENCLS[EINIT] (P): an enclave that has been built becomes one that can be entered.
 * Invariant: the SECS changes only after all that can fail, and ATTRIBUTES.INIT last: whoever sees
 * it sees the identity that goes with it.  SGX_UNMASKED_EVENT is never reported: nothing that is
 * done here takes so long that an event could not wait.
 */
#include "enclave/leaf.h"
#include "enclave/measure.h"
#include "enclave/rsa3.h"
#include "vmm/gwalk.h"

#define SIGSTRUCT_ALIGN 4096U
#define TOKEN_ALIGN 512U
#define VENDOR_INTEL 0x8086U
#define TOKEN_VALID BIT(0)

/* Attributes that only the launch enclave's signer can give. */
#define CONTROLLED RD_ATTR_EINITTOKENKEY

/* The operands, copied, and what is worked out from them. */
struct einit {
	struct rd_sigstruct sig;
	struct rd_einittoken token;
	u8 mrenclave[32], mrsigner[32];
};

static bool header_valid(const struct rd_sigstruct *g)
{
	static const u8 header[16] = { 0x06, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 0x01 };
	static const u8 header2[16] = { 0x01, 0x01, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 0x01 };

	if (memcmp(g->header, header, 16) || memcmp(g->header2, header2, 16))
		return false;
	if ((g->vendor && g->vendor != VENDOR_INTEL) || g->exponent != 3)
		return false;
	/* Without CET for enclaves, its fields are reserved. */
	return rd_all_zero(g->reserved1, sizeof(g->reserved1)) && !g->cet_attributes &&
	       !g->cet_mask && rd_all_zero(g->reserved2, sizeof(g->reserved2)) &&
	       rd_all_zero(g->reserved3, sizeof(g->reserved3)) &&
	       rd_all_zero(g->reserved4, sizeof(g->reserved4));
}

static int check_signature(const struct rd_sigstruct *g)
{
	struct rd_sha256 h;
	u8 hash[32];
	int ret;

	rd_host_sha256_init(&h);
	rd_host_sha256_update(&h, g, RD_SIG_HEAD);
	rd_host_sha256_update(&h, (const u8 *)g + RD_SIG_BODY, RD_SIG_BODY_LEN);
	rd_host_sha256_final(&h, hash);
	ret = rd_rsa3_verify(g->modulus, g->signature, g->q1, g->q2, hash);
	return ret == -EBADMSG ? RD_SGX_INVALID_SIGNATURE : ret;
}

static void hash_signer(struct einit *e)
{
	struct rd_sha256 h;

	rd_host_sha256_init(&h);
	rd_host_sha256_update(&h, e->sig.modulus, RD_RSA_BYTES);
	rd_host_sha256_final(&h, e->mrsigner);
}

static bool is_launch_signer(const struct rd_leaf *l, const struct einit *e)
{
	return !memcmp(e->mrsigner, l->pubkeyhash, sizeof(e->mrsigner));
}

/* Is the enclave that was built the one that was signed? */
static int check_enclave(const struct rd_leaf *l, const struct rd_secs *s, const struct einit *e)
{
	const struct rd_sigstruct *g = &e->sig;

	if (memcmp(e->mrenclave, g->enclavehash, sizeof(e->mrenclave)))
		return RD_SGX_INVALID_MEASUREMENT;
	if (s->attributes.flags & CONTROLLED && !is_launch_signer(l, e))
		return RD_SGX_INVALID_ATTRIBUTE;
	if ((s->attributes.flags ^ g->attributes.flags) & g->attributemask.flags ||
	    (s->attributes.xfrm ^ g->attributes.xfrm) & g->attributemask.xfrm ||
	    (s->miscselect ^ g->miscselect) & g->miscmask)
		return RD_SGX_INVALID_ATTRIBUTE;
	return 0;
}

/* Launch control: its signer's own enclaves need no token. */
static int check_launch(const struct rd_leaf *l, const struct rd_secs *s, const struct einit *e)
{
	const struct rd_einittoken *t = &e->token;
	int ret;

	if (!(t->valid & TOKEN_VALID))
		return is_launch_signer(l, e) ? 0 : RD_SGX_INVALID_EINITTOKEN;
	/* A launch enclave that can be debugged launches only what can be debugged. */
	if (t->maskedattributesle.flags & RD_ATTR_DEBUG && !(s->attributes.flags & RD_ATTR_DEBUG))
		return RD_SGX_INVALID_EINITTOKEN;
	ret = rd_keys_check_token(&l->epc->keys, t, (const u8 *)l->pubkeyhash);
	if (ret)
		return ret;
	if (memcmp(t->mrenclave, e->mrenclave, sizeof(t->mrenclave)) ||
	    memcmp(t->mrsigner, e->mrsigner, sizeof(t->mrsigner)))
		return RD_SGX_INVALID_MEASUREMENT;
	if (t->attributes.flags != s->attributes.flags || t->attributes.xfrm != s->attributes.xfrm)
		return RD_SGX_INVALID_ATTRIBUTE;
	return 0;
}

static void commit(struct rd_secs *s, const struct einit *e)
{
	struct rd_secs_own *own = rd_secs_own(s);
	u64 *flags = (u64 *)((u8 *)s + offsetof(struct rd_secs, attributes));

	memcpy(s->mrenclave, e->mrenclave, sizeof(s->mrenclave));
	memcpy(s->mrsigner, e->mrsigner, sizeof(s->mrsigner));
	s->isvprodid = e->sig.isvprodid;
	s->isvsvn = e->sig.isvsvn;
	memcpy(own->isvfamilyid, e->sig.isvfamilyid, sizeof(own->isvfamilyid));
	memcpy(own->isvextprodid, e->sig.isvextprodid, sizeof(own->isvextprodid));
	smp_store_release(flags, *flags | RD_ATTR_INIT);
}

/* The measurement is ours. */
static int initialize(struct rd_leaf *l, struct rd_secs *s, struct einit *e)
{
	int ret;

	if (s->attributes.flags & RD_ATTR_INIT)
		return rd_leaf_gp(l);
	rd_measure_final(s, e->mrenclave);
	hash_signer(e);
	ret = check_enclave(l, s, e);
	if (!ret)
		ret = check_launch(l, s, e);
	if (ret < 0)
		return ret;
	if (!ret)
		commit(s, e);
	return rd_leaf_end(l, ret);
}

/* The page is shared. */
static int with_secs(struct rd_leaf *l, u32 page, struct einit *e)
{
	struct rd_epcm *m = &l->epc->map[page];
	struct rd_secs *s;
	int ret;

	if (!rd_epcm_valid(m) || rd_epcm_type(m) != RD_PT_SECS)
		return rd_leaf_epcm(l, l->gpr[RD_RCX], RD_EPCM_PF);
	s = rd_epc_secs(l->epc, page);
	if (!(s->attributes.flags & RD_ATTR_KSS) &&
	    !rd_all_zero(e->sig.isvfamilyid, sizeof(e->sig.isvfamilyid)))
		return rd_leaf_end(l, RD_SGX_INVALID_SIG_STRUCT);
	if (!rd_epcm_begin(m, RD_OP_MEASURE))
		return rd_leaf_gp(l);
	ret = initialize(l, s, e);
	rd_epcm_end(m, RD_OP_MEASURE);
	return ret;
}

static int einit(struct rd_leaf *l, struct einit *e)
{
	u64 secs_la = l->gpr[RD_RCX];
	u32 page;
	int ret;

	if (rd_leaf_page(l, secs_la, RD_ACC_READ | RD_ACC_WRITE, &page) ||
	    rd_leaf_get(l, l->gpr[RD_RBX], &e->sig, sizeof(e->sig), SIGSTRUCT_ALIGN) ||
	    rd_leaf_get(l, l->gpr[RD_RDX], &e->token, sizeof(e->token), TOKEN_ALIGN))
		return RD_LEAF_FAULT;
	if (!header_valid(&e->sig))
		return rd_leaf_end(l, RD_SGX_INVALID_SIG_STRUCT);
	ret = check_signature(&e->sig);
	if (ret)
		return ret < 0 ? ret : rd_leaf_end(l, ret);
	if (!rd_epcm_share(&l->epc->map[page]))
		return rd_leaf_gp(l);
	ret = with_secs(l, page, e);
	rd_epcm_unshare(&l->epc->map[page]);
	return ret;
}

int rd_einit(struct rd_leaf *l)
{
	struct einit *e;
	int ret;

	if (l->gpr[RD_RBX] & (SIGSTRUCT_ALIGN - 1) || l->gpr[RD_RCX] & ~RD_PAGE_MASK ||
	    l->gpr[RD_RDX] & (TOKEN_ALIGN - 1))
		return rd_leaf_gp(l);
	e = rd_host_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	ret = einit(l, e);
	rd_host_free(e);
	return ret;
}
