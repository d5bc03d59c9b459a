// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leaves that this program does not test.
 * Invariant: none of them is ever called.
 */
#include "enclave/enter.h"

#define STAND_IN(name)                                                                             \
	__attribute__((weak)) int name(struct rd_leaf *l)                                          \
	{                                                                                          \
		(void)l;                                                                           \
		abort();                                                                           \
	}

STAND_IN(rd_ecreate)
STAND_IN(rd_eadd)
STAND_IN(rd_eextend)
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
STAND_IN(rd_eenter)
STAND_IN(rd_eresume)
STAND_IN(rd_eexit)
STAND_IN(rd_edeccssa)
