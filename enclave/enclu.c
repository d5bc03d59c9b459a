// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENCLU (P): which leaf, and whether it is one of the inside or of the outside.
 * Invariant: as in enclave/leaf.h.
 */
#include "enclave/leaf.h"

static const struct {
	int (*carry_out)(struct rd_leaf *l);
	bool outside;
} leaves[RD_NR_ENCLU] = {
	[RD_EREPORT] = { rd_ereport, false },	[RD_EGETKEY] = { rd_egetkey, false },
	[RD_EENTER] = { rd_eenter, true },	[RD_ERESUME] = { rd_eresume, true },
	[RD_EEXIT] = { rd_eexit, false },	[RD_EACCEPT] = { rd_eaccept, false },
	[RD_EMODPE] = { rd_emodpe, false },	[RD_EACCEPTCOPY] = { rd_eacceptcopy, false },
	[RD_EDECCSSA] = { rd_edeccssa, false },
};

int rd_enclu(struct rd_leaf *l)
{
	u32 leaf = l->gpr[RD_RAX];

	l->user = true;
	if (leaf >= RD_NR_ENCLU || !leaves[leaf].carry_out || leaves[leaf].outside == !!l->in)
		return rd_leaf_gp(l);
	return leaves[leaf].carry_out(l);
}
