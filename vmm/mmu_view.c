// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the view (K), the second nested table.
 * Invariant: as in vmm/mmu.h; whatever zaps pages zaps them here, too (vmm/mmu_zap.c).
 */
#include <linux/gfp.h>
#include "vmm/mmu_priv.h"

int rd_mmu_view_init(struct rd_vm *vm)
{
	struct rd_mmu *mmu = &vm->mmu;
	u64 *view;

	if (mmu->view)
		return 0;
	view = (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!view)
		return -ENOMEM;
	atomic_long_inc(&mmu->nr_pages);
	write_lock(&mmu->lock);
	mmu->view_pa = __pa(view) | mmu->me_mask;
	mmu->view = view;
	write_unlock(&mmu->lock);
	return 0;
}

void rd_mmu_view_clear(struct rd_vm *vm)
{
	struct rd_zapper z;

	rd_zap_begin(&z, vm, true);
	rd_zap_view(&z, 0, rd_pt_max_gfn(vm->mmu.fmt));
	rd_zap_end(&z);
}
