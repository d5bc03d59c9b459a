// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves and keys that these tests do not link. Invariant: no test gets here.
 */
#include "enclave/leaf.h"

#define STAND_IN(leaf)                                                                             \
	__attribute__((weak)) int leaf(struct rd_leaf *l)                                          \
	{                                                                                          \
		(void)l;                                                                           \
		abort();                                                                           \
	}

STAND_IN(rd_ecreate)
STAND_IN(rd_eadd)
STAND_IN(rd_eextend)
STAND_IN(rd_einit)
STAND_IN(rd_ewb)
STAND_IN(rd_eldb)
STAND_IN(rd_eldu)
STAND_IN(rd_edbgrd)
STAND_IN(rd_edbgwr)
STAND_IN(rd_ereport)
STAND_IN(rd_egetkey)

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
