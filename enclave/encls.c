// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENCLS (P): which leaf.
 * Invariant: as in enclave/leaf.h.
 */
#include "enclave/leaf.h"

static int (*const leaves[RD_NR_ENCLS])(struct rd_leaf *l) = {
	[RD_ECREATE] = rd_ecreate, [RD_EADD] = rd_eadd,	    [RD_EINIT] = rd_einit,
	[RD_EREMOVE] = rd_eremove, [RD_EDBGRD] = rd_edbgrd, [RD_EDBGWR] = rd_edbgwr,
	[RD_EEXTEND] = rd_eextend, [RD_ELDB] = rd_eldb,	    [RD_ELDU] = rd_eldu,
	[RD_EBLOCK] = rd_eblock,   [RD_EPA] = rd_epa,	    [RD_EWB] = rd_ewb,
	[RD_ETRACK] = rd_etrack,   [RD_EAUG] = rd_eaug,	    [RD_EMODPR] = rd_emodpr,
	[RD_EMODT] = rd_emodt,
};

int rd_encls(struct rd_leaf *l)
{
	u32 leaf = l->gpr[RD_RAX];

	l->user = false;
	return leaf < RD_NR_ENCLS ? leaves[leaf](l) : rd_leaf_gp(l);
}
