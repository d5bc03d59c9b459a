// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves and keys that a program of the tests of enclave/ does not link, though the tables of
 * leaves and the machine of the tests refer to them. Invariant: weak, so that the real thing wins
 * where it is linked; no test gets here.
 */
#include "enclave/leaf.h"

#define STAND_IN(name)                                                                             \
	__attribute__((weak)) int name(struct rd_leaf *l)                                          \
	{                                                                                          \
		(void)l;                                                                           \
		abort();                                                                           \
	}

STAND_IN(rd_enclu)
STAND_IN(rd_ecreate)
STAND_IN(rd_eadd)
STAND_IN(rd_eextend)
STAND_IN(rd_einit)
STAND_IN(rd_eremove)
STAND_IN(rd_epa)
STAND_IN(rd_eblock)
STAND_IN(rd_etrack)
STAND_IN(rd_ewb)
STAND_IN(rd_eldb)
STAND_IN(rd_eldu)
STAND_IN(rd_edbgrd)
STAND_IN(rd_edbgwr)
STAND_IN(rd_eaug)
STAND_IN(rd_emodpr)
STAND_IN(rd_emodt)
STAND_IN(rd_eaccept)
STAND_IN(rd_emodpe)
STAND_IN(rd_eacceptcopy)
STAND_IN(rd_ereport)
STAND_IN(rd_egetkey)
STAND_IN(rd_eenter)
STAND_IN(rd_eresume)
STAND_IN(rd_eexit)
STAND_IN(rd_edeccssa)

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
