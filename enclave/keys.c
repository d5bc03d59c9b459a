// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keys of a VM's SGX (P).
 *
 * A key is the CMAC, under a key that comes from the root key, of all that the key depends on
 * (SDM, EGETKEY: KEYDEPENDENCIES).  What a key does not depend on is zero there.  PADDING is not
 * there: EINIT takes no signature with another padding than the constant that PADDING is compared
 * with, so it never differs.  CET_ATTRIBUTES is not there: no enclave has any.
 * Invariant: as in enclave/keys.h; two keys of different names never have the same dependencies.
 */
#include "enclave/epc.h"
#include "enclave/keys.h"

/* Beyond the names that a KEYREQUEST can have. */
#define NAME_PAGING 0xffffU

struct deps {
	u32 name;
	u16 isvprodid, isvsvn, configsvn, keypolicy;
	u32 miscselect, miscmask;
	struct rd_attributes attributes, attributemask;
	u8 cpusvn[16], owner_epoch[16], seal_fuses[16];
	u8 isvfamilyid[16], isvextprodid[16];
	u8 mrenclave[32], mrsigner[32], keyid[32];
	u8 configid[64];
} __packed;

_Static_assert(sizeof(struct deps) == 292, "KEYDEPENDENCIES has no holes");

/* What it was derived from goes: the fuses are in there. */
static int derive(const struct rd_sgx_keys *k, struct deps *d, u8 key[16])
{
	int ret = rd_host_cmac(k->derive, d, sizeof(*d), key);

	rd_host_wipe(d, sizeof(*d));
	/* That the host can was seen when the VM was made. */
	return ret && ret != -ENOMEM ? -EIO : ret;
}

/* Is any of the CPUSVN's components above the CPU's own? */
static bool beyond(const struct rd_sgx_keys *k, const u8 cpusvn[16])
{
	unsigned int i;

	for (i = 0; i < sizeof(k->cpusvn); i++)
		if (cpusvn[i] > k->cpusvn[i])
			return true;
	return false;
}

static bool is_zero(const u8 *p, unsigned int len)
{
	u8 any = 0;

	while (len--)
		any |= *p++;
	return !any;
}

/* Half of what SHA-256 makes of the root key and a purpose. */
static void from_root(const u8 root[RD_ROOT_KEY_BYTES], const char purpose[16], u8 key[16])
{
	struct rd_sha256 h;
	u8 hash[32];

	rd_host_sha256_init(&h);
	rd_host_sha256_update(&h, purpose, 16);
	rd_host_sha256_update(&h, root, RD_ROOT_KEY_BYTES);
	rd_host_sha256_final(&h, hash);
	memcpy(key, hash, 16);
	rd_host_wipe(hash, sizeof(hash));
}

int rd_keys_init(struct rd_sgx_keys *k, const u8 root[RD_ROOT_KEY_BYTES])
{
	/*
	 * The version of what the module's leaves promise; a change of it gives enclaves new keys,
	 * besides the old ones, which they can still request.
	 */
	static const u8 cpusvn[16] = { 1 };
	u8 boot[32];
	int ret;

	memset(k, 0, sizeof(*k));
	from_root(root, "sgx key derive  ", k->derive);
	from_root(root, "sgx seal fuses  ", k->seal_fuses);
	memcpy(k->cpusvn, cpusvn, sizeof(cpusvn));
	rd_host_random(boot, sizeof(boot));
	ret = rd_keys_boot(k, boot);
	if (ret)
		rd_keys_destroy(k);
	return ret;
}

void rd_keys_destroy(struct rd_sgx_keys *k)
{
	rd_host_gcm_free(k->paging);
	rd_host_wipe(k, sizeof(*k));
}

int rd_keys_boot(struct rd_sgx_keys *k, const u8 boot[32])
{
	struct deps d = { .name = NAME_PAGING };
	struct rd_gcm *paging;
	u8 key[16];
	int ret;

	memcpy(d.keyid, boot, sizeof(d.keyid));
	memcpy(d.seal_fuses, k->seal_fuses, sizeof(d.seal_fuses));
	ret = rd_host_cmac(k->derive, &d, sizeof(d), key);
	rd_host_wipe(&d, sizeof(d));
	if (ret)
		return ret;
	paging = rd_host_gcm_new(key, &ret);
	rd_host_wipe(key, sizeof(key));
	if (!paging)
		return ret;
	rd_host_gcm_free(k->paging);
	k->paging = paging;
	memcpy(k->report_keyid, boot, sizeof(k->report_keyid));
	return 0;
}

bool rd_keyrequest_valid(const struct rd_keyrequest *r, const struct rd_secs *s)
{
	const u16 defined = RD_POLICY_MRENCLAVE | RD_POLICY_MRSIGNER | RD_POLICY_KSS;

	/* No enclave has CET attributes, so their mask is a reserved field. */
	if (r->keypolicy & ~defined || r->cet_attributes_mask || r->reserved1 ||
	    !is_zero(r->reserved2, sizeof(r->reserved2)))
		return false;
	return s->attributes.flags & RD_ATTR_KSS || !(r->keypolicy & RD_POLICY_KSS || r->configsvn);
}

/* Which enclave attribute a key is for; 0: any enclave may have it. */
static u64 key_attribute(u16 name)
{
	switch (name) {
	case RD_KEY_EINITTOKEN:
		return RD_ATTR_EINITTOKENKEY;
	case RD_KEY_PROVISION:
	case RD_KEY_PROVISION_SEAL:
		return RD_ATTR_PROVISIONKEY;
	default:
		return 0;
	}
}

/*
 * May the enclave have the key?  An EINITTOKEN key also wants MRSIGNER to be the launch enclave's;
 * EINIT has seen to that when it let ATTRIBUTES.EINITTOKENKEY through, and as in the flow of
 * EGETKEY it is not asked again: a kernel may have written IA32_SGXLEPUBKEYHASH for another enclave
 * since.
 */
static int may_have(const struct rd_sgx_keys *k, const struct rd_secs *s,
		    const struct rd_keyrequest *r)
{
	u64 attribute = key_attribute(r->keyname);

	if (r->keyname > RD_KEY_SEAL)
		return RD_SGX_INVALID_KEYNAME;
	if ((s->attributes.flags & attribute) != attribute)
		return RD_SGX_INVALID_ATTRIBUTE;
	if (r->keyname == RD_KEY_REPORT)
		return 0; /* it has no versions to choose */
	if (beyond(k, r->cpusvn))
		return RD_SGX_INVALID_CPUSVN;
	if (r->isvsvn > s->isvsvn)
		return RD_SGX_INVALID_ISVSVN;
	/* Only keys to seal with depend on it. */
	if ((r->keyname == RD_KEY_SEAL || r->keyname == RD_KEY_PROVISION_SEAL) &&
	    r->configsvn > s->configsvn)
		return RD_SGX_INVALID_ISVSVN;
	return 0;
}

/* What all keys but the report key have in common. */
static void put_common(struct deps *d, const struct rd_secs *s, const struct rd_keyrequest *r)
{
	const u64 always = RD_ATTR_INIT | RD_ATTR_DEBUG;

	d->isvsvn = r->isvsvn;
	d->isvprodid = s->isvprodid;
	d->attributes.flags = (r->attributemask.flags | always) & s->attributes.flags;
	d->attributes.xfrm = r->attributemask.xfrm & s->attributes.xfrm;
	d->miscselect = r->miscmask & s->miscselect;
	memcpy(d->cpusvn, r->cpusvn, sizeof(d->cpusvn));
	memcpy(d->mrsigner, s->mrsigner, sizeof(d->mrsigner));
}

static void put_masks(struct deps *d, const struct rd_keyrequest *r)
{
	d->attributemask = r->attributemask;
	d->miscmask = ~r->miscmask;
}

/* What KEYPOLICY says of the keys to seal with, besides MRENCLAVE and MRSIGNER. */
static void put_policy(struct deps *d, struct rd_secs *s, const struct rd_keyrequest *r)
{
	const struct rd_secs_own *own = rd_secs_own(s);

	d->keypolicy = r->keypolicy;
	if (r->keypolicy & RD_POLICY_NOISVPRODID)
		d->isvprodid = 0;
	if (r->keypolicy & RD_POLICY_ISVFAMILYID)
		memcpy(d->isvfamilyid, own->isvfamilyid, sizeof(d->isvfamilyid));
	if (r->keypolicy & RD_POLICY_ISVEXTPRODID)
		memcpy(d->isvextprodid, own->isvextprodid, sizeof(d->isvextprodid));
	if (r->keypolicy & RD_POLICY_CONFIGID) {
		memcpy(d->configid, s->configid, sizeof(d->configid));
		d->configsvn = r->configsvn;
	}
}

/* Of this owner and this CPU. */
static void put_platform(struct deps *d, const struct rd_sgx_keys *k)
{
	memcpy(d->owner_epoch, k->owner_epoch, sizeof(d->owner_epoch));
	memcpy(d->seal_fuses, k->seal_fuses, sizeof(d->seal_fuses));
}

/* The signer's, or the enclave's, as the policy says; when it says neither, all enclaves' alike. */
static void put_seal(struct deps *d, const struct rd_sgx_keys *k, struct rd_secs *s,
		     const struct rd_keyrequest *r)
{
	put_masks(d, r);
	put_policy(d, s, r);
	put_platform(d, k);
	memcpy(d->keyid, r->keyid, sizeof(d->keyid));
	if (r->keypolicy & RD_POLICY_MRENCLAVE)
		memcpy(d->mrenclave, s->mrenclave, sizeof(d->mrenclave));
	if (!(r->keypolicy & RD_POLICY_MRSIGNER))
		memset(d->mrsigner, 0, sizeof(d->mrsigner));
}

/* A report key, but for whose it is. */
static void put_report(struct deps *d, const struct rd_sgx_keys *k, const u8 keyid[32])
{
	d->name = RD_KEY_REPORT;
	memcpy(d->cpusvn, k->cpusvn, sizeof(d->cpusvn));
	memcpy(d->keyid, keyid, sizeof(d->keyid));
	put_platform(d, k);
}

/* Whose it is: the enclave itself, or the target that it has a description of. */
static void put_self(struct deps *d, const struct rd_secs *s)
{
	d->attributes = s->attributes;
	d->miscselect = s->miscselect;
	d->configsvn = s->configsvn;
	memcpy(d->configid, s->configid, sizeof(d->configid));
	memcpy(d->mrenclave, s->mrenclave, sizeof(d->mrenclave));
}

static void put_target(struct deps *d, const struct rd_targetinfo *t)
{
	d->attributes = t->attributes;
	d->miscselect = t->miscselect;
	d->configsvn = t->configsvn;
	memcpy(d->configid, t->configid, sizeof(d->configid));
	memcpy(d->mrenclave, t->measurement, sizeof(d->mrenclave));
}

int rd_keys_get(const struct rd_sgx_keys *k, struct rd_secs *s, const struct rd_keyrequest *r,
		u8 key[16])
{
	struct deps d = { .name = r->keyname };
	int ret = may_have(k, s, r);

	if (ret)
		return ret;
	if (r->keyname == RD_KEY_REPORT) {
		put_report(&d, k, r->keyid);
		put_self(&d, s);
		return derive(k, &d, key);
	}
	put_common(&d, s, r);
	switch (r->keyname) {
	case RD_KEY_EINITTOKEN:
		put_platform(&d, k);
		memcpy(d.keyid, r->keyid, sizeof(d.keyid));
		break;
	case RD_KEY_PROVISION:
		/* The same for each owner, and known to whoever knows the root key. */
		put_masks(&d, r);
		break;
	case RD_KEY_PROVISION_SEAL:
		put_masks(&d, r);
		put_policy(&d, s, r);
		memcpy(d.seal_fuses, k->seal_fuses, sizeof(d.seal_fuses));
		break;
	default:
		put_seal(&d, k, s, r);
	}
	return derive(k, &d, key);
}

int rd_keys_report(const struct rd_sgx_keys *k, const struct rd_targetinfo *t,
		   struct rd_report *report)
{
	struct deps d = {};
	u8 key[16];
	int ret;

	memcpy(report->cpusvn, k->cpusvn, sizeof(report->cpusvn));
	memcpy(report->keyid, k->report_keyid, sizeof(report->keyid));
	put_report(&d, k, report->keyid);
	put_target(&d, t);
	ret = derive(k, &d, key);
	if (!ret)
		ret = rd_host_cmac(key, report, RD_REPORT_MACED, report->mac);
	rd_host_wipe(key, sizeof(key));
	return ret;
}

static bool token_reserved(const struct rd_einittoken *t)
{
	return t->valid & ~1U || !is_zero(t->reserved1, sizeof(t->reserved1)) ||
	       !is_zero(t->reserved2, sizeof(t->reserved2)) ||
	       !is_zero(t->reserved3, sizeof(t->reserved3)) || t->cet_masked_attributesle ||
	       !is_zero(t->reserved4, sizeof(t->reserved4));
}

int rd_keys_check_token(const struct rd_sgx_keys *k, const struct rd_einittoken *t,
			const u8 signer[32])
{
	struct deps d = { .name = RD_KEY_EINITTOKEN };
	u8 key[16], mac[16];
	int ret;

	if (token_reserved(t))
		return RD_SGX_INVALID_EINITTOKEN;
	if (beyond(k, t->cpusvnle))
		return RD_SGX_INVALID_CPUSVN;
	/* As EGETKEY gave it to the launch enclave. */
	d.isvprodid = t->isvprodidle;
	d.isvsvn = t->isvsvnle;
	d.attributes = t->maskedattributesle;
	d.miscselect = t->maskedmiscselectle;
	memcpy(d.mrsigner, signer, sizeof(d.mrsigner));
	memcpy(d.keyid, t->keyid, sizeof(d.keyid));
	memcpy(d.cpusvn, t->cpusvnle, sizeof(d.cpusvn));
	put_platform(&d, k);
	ret = derive(k, &d, key);
	if (!ret)
		ret = rd_host_cmac(key, t, RD_EINITTOKEN_MACED, mac);
	rd_host_wipe(key, sizeof(key));
	if (!ret && !rd_host_equal(mac, t->mac, sizeof(mac)))
		ret = RD_SGX_INVALID_EINITTOKEN;
	/* Of a token that was refused, the MAC that would have been right. */
	rd_host_wipe(mac, sizeof(mac));
	return ret;
}
