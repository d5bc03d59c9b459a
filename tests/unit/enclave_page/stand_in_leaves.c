// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine of the tests and rd_encls() refer to and these tests never call.
 * Invariant: weak, so that the real thing wins where it is linked.
 */
#include "enclave/keys.h"
#include "enclave/leaf.h"

#define STAND_IN(name)                                                                             \
	__attribute__((weak)) int name(struct rd_leaf *l)                                          \
	{                                                                                          \
		(void)l;                                                                           \
		abort();                                                                           \
	}

STAND_IN(rd_einit)
STAND_IN(rd_eaug)
STAND_IN(rd_emodpr)
STAND_IN(rd_emodt)
STAND_IN(rd_enclu)

__attribute__((weak)) int rd_keys_init(struct rd_sgx_keys *k, const u8 root[RD_ROOT_KEY_BYTES])
{
	(void)k;
	(void)root;
	abort();
}

__attribute__((weak)) void rd_keys_destroy(struct rd_sgx_keys *k)
{
	(void)k;
	abort();
}
