// SPDX-License-Identifier: GPL-2.0-only
/* Leaves and keys that this program never reaches. */
#include "enclave/leaf.h"

#define NONE(name)                                                                                 \
	__attribute__((weak)) int name(struct rd_leaf *l)                                          \
	{                                                                                          \
		(void)l;                                                                           \
		abort();                                                                           \
	}
NONE(rd_ecreate)
NONE(rd_eadd)
NONE(rd_einit)
NONE(rd_eremove)
NONE(rd_edbgrd)
NONE(rd_edbgwr)
NONE(rd_eextend)
NONE(rd_eldb)
NONE(rd_eldu)
NONE(rd_eblock)
NONE(rd_epa)
NONE(rd_ewb)
NONE(rd_etrack)
NONE(rd_eaug)
NONE(rd_emodpr)
NONE(rd_emodt)
NONE(rd_eaccept)
NONE(rd_emodpe)
NONE(rd_eacceptcopy)
NONE(rd_ereport)
NONE(rd_egetkey)

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

__attribute__((weak)) void rd_host_wipe(void *p, size_t len)
{
	memset(p, 0, len);
}
