// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of page-table arithmetic that are not worth inlining (P).
 * Invariant: as in vmm/pt.h.
 */
#include "vmm/pt.h"

unsigned int rd_pt_fit(u64 gfn, u64 base, u64 npages, u64 hva, unsigned int max)
{
	u64 skew = (hva >> RD_PAGE_SHIFT) ^ base;
	unsigned int level = max;

	while (level > 1 && ((skew & (rd_pt_span(level) - 1)) || rd_pt_first(gfn, level) < base ||
			     rd_pt_next(gfn, level) > base + npages))
		level--;
	return level;
}

/* Are all these sets of bits disjoint? */
static bool apart(const u64 *sets, unsigned int n)
{
	u64 seen = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (seen & sets[i])
			return false;
		seen |= sets[i];
	}
	return true;
}

bool rd_pt_format_ok(const struct rd_pt_format *f)
{
	const u64 sets[] = {
		f->pa_mask,  f->large, f->write,      f->exec_set,                    f->exec_clear,
		f->accessed, f->dirty, f->soft_write, f->memtype_wb | f->memtype_uc,
	};
	const u64 never_in_table = f->large | f->pa_mask | f->exec_clear;
	const u64 never_in_leaf = never_in_table | f->write | f->accessed | f->dirty |
				  f->soft_write;

	return apart(sets, ARRAY_SIZE(sets)) && f->write && f->large && f->soft_write &&
	       (f->leaf & f->present) && (f->table & f->present) && !(f->present & f->pa_mask) &&
	       !(f->leaf & never_in_leaf) && !(f->table & never_in_table) && f->levels >= 3 &&
	       f->levels <= RD_PT_MAX_LEVEL && f->max_leaf_level >= 1 && f->max_leaf_level <= 3;
}
