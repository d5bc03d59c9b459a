/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of a VM's SGX (P): what EGETKEY derives, what reports are signed with, what evicted
 * pages are sealed with.  All come from the VM's root key, which is born with it. Invariant: no key
 * leaves this file but to the enclave that may have it.
 */
#ifndef RD_ENCLAVE_KEYS_H
#define RD_ENCLAVE_KEYS_H

#include "enclave/arch.h"
#include "kmod/host.h"

#define RD_ROOT_KEY_BYTES 32U

struct rd_sgx_keys {
	u8 derive[16]; /* for rd_keys_derive() */
	u8 cpusvn[16];
	u8 owner_epoch[16];
	u8 report_keyid[32]; /* of the present boot: which report key */
	struct rd_gcm *paging; /* CR_BASE_PK */
};

/* 0, -ENOMEM, -ENOENT (the host has no AES-GCM). May sleep. */
int rd_keys_init(struct rd_sgx_keys *k, const u8 root[RD_ROOT_KEY_BYTES]);
void rd_keys_destroy(struct rd_sgx_keys *k);

#endif
