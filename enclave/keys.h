/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of a VM's SGX (P): what EGETKEY derives, what reports are signed with, what evicted
 * pages are sealed with.  All come from the VM's root key, which is born with it.
 * Invariant: no key leaves this file but to the enclave that may have it.
 */
#ifndef RD_ENCLAVE_KEYS_H
#define RD_ENCLAVE_KEYS_H

#include "enclave/arch.h"
#include "kmod/host.h"

#define RD_ROOT_KEY_BYTES 32U

struct rd_sgx_keys {
	u8 derive[16]; /* for rd_keys_derive() */
	u8 seal_fuses[16]; /* CR_SEAL_FUSES: what a key has that is not for provisioning */
	u8 cpusvn[16];
	u8 owner_epoch[16]; /* zeros, unless whoever fills this structure has another */
	u8 report_keyid[32]; /* of the present boot: which report key */
	struct rd_gcm *paging; /* CR_BASE_PK */
};

/*
 * All keys of a machine that has just been switched on. 0, -ENOMEM, -ENOENT (the host has no AES,
 * CMAC or GCM). May sleep.
 */
int rd_keys_init(struct rd_sgx_keys *k, const u8 root[RD_ROOT_KEY_BYTES]);
void rd_keys_destroy(struct rd_sgx_keys *k);

/*
 * The keys of another boot: the paging key and report_keyid.  boot names it, and is never given
 * twice, for with the paging key versions begin anew; but a machine that goes on elsewhere with its
 * evicted pages and its last_version goes on with its report_keyid as boot.  Same results; on
 * failure nothing has changed.  No leaf is at work.
 */
int rd_keys_boot(struct rd_sgx_keys *k, const u8 boot[32]);

/*
 * EGETKEY: the key that the enclave of SECS s requests with r, whose format is in order
 * (rd_keyrequest_valid()).  0, an SGX error code, -ENOMEM, -EIO.  May sleep.
 */
int rd_keys_get(const struct rd_sgx_keys *k, struct rd_secs *s, const struct rd_keyrequest *r,
		u8 key[16]);
/* Reserved fields are zero, and so are those of KSS where the enclave has none. */
bool rd_keyrequest_valid(const struct rd_keyrequest *r, const struct rd_secs *s);

/* EREPORT: CPUSVN, KEYID and the MAC that target t verifies. 0, -ENOMEM, -EIO. May sleep. */
int rd_keys_report(const struct rd_sgx_keys *k, const struct rd_targetinfo *t,
		   struct rd_report *report);

/*
 * EINIT: was token t made by a launch enclave of signer, on this CPU?  0, an SGX error code,
 * -ENOMEM, -EIO.  May sleep.
 */
int rd_keys_check_token(const struct rd_sgx_keys *k, const struct rd_einittoken *t,
			const u8 signer[32]);

#endif
