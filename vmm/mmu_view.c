// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views (K), further nested tables: their life, and what they map besides what faults bring.
 * Invariant: as in vmm/mmu.h; whatever zaps pages zaps them here, too (vmm/mmu_zap.c).
 */
#include <linux/gfp.h>
#include "vmm/mmu_priv.h"

int rd_mmu_view_init(struct rd_vm *vm, enum rd_view which)
{
	struct rd_mmu *mmu = &vm->mmu;
	u64 *view;

	if (mmu->view[which])
		return 0;
	view = (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!view)
		return -ENOMEM;
	atomic_long_inc(&mmu->nr_pages);
	write_lock(&mmu->lock);
	mmu->view_pa[which] = __pa(view) | mmu->me_mask;
	mmu->view[which] = view;
	write_unlock(&mmu->lock);
	return 0;
}

static void unmap(struct rd_vm *vm, enum rd_view which, u64 first, u64 end)
{
	struct rd_zapper z;

	rd_zap_begin(&z, vm, true);
	rd_zap_view(&z, which, first, end);
	rd_zap_end(&z);
}

void rd_mmu_view_clear(struct rd_vm *vm, enum rd_view which)
{
	unmap(vm, which, 0, rd_pt_max_gfn(vm->mmu.fmt));
}

void rd_mmu_view_unmap(struct rd_vm *vm, enum rd_view which, u64 gfn)
{
	unmap(vm, which, gfn, gfn + 1);
}

int rd_mmu_view_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc, u8 reasons, unsigned int allow)
{
	int ret;

	v->view = (struct rd_mmu_view_ask){ .allow = allow, .reasons = reasons };
	ret = rd_mmu_fault(v, gpa, acc);
	v->view.allow = 0;
	return ret;
}

int rd_mmu_apart_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc)
{
	int ret;

	v->view = (struct rd_mmu_view_ask){ .allow = RD_ACC_ALL, .which = RD_VIEW_APART };
	ret = rd_mmu_fault(v, gpa, acc);
	v->view.allow = 0;
	return ret;
}

/* The entry of the last level for gfn, with the tables that lead there. NULL: no memory for one. */
static u64 *entry_for(struct rd_mmu *mmu, enum rd_view which, u64 gfn)
{
	u64 *table = mmu->view[which], *e, *child;
	unsigned int l;

	for (l = mmu->fmt->levels; l > 1; l--) {
		e = &table[rd_pt_index(gfn, l)];
		if (!rd_pt_present(mmu->fmt, *e)) {
			child = (void *)__get_free_page(GFP_ATOMIC | __GFP_ACCOUNT | __GFP_ZERO);
			if (!child)
				return NULL;
			WRITE_ONCE(*e, rd_pt_table(mmu->fmt, __pa(child) | mmu->me_mask));
			atomic_long_inc(&mmu->nr_pages);
		}
		table = rd_mmu_child(mmu, *e);
	}
	return &table[rd_pt_index(gfn, 1)];
}

int rd_mmu_view_page(struct rd_vcpu *v, enum rd_view which, u64 gfn, struct page *page, bool exec)
{
	struct rd_mmu *mmu = &v->vm->mmu;
	struct rd_pt_perm perm = { .write = true, .exec = exec, .host_write = true };
	u64 *e;

	write_lock(&mmu->lock);
	e = entry_for(mmu, which, gfn);
	if (e)
		WRITE_ONCE(*e,
			   rd_pt_leaf(mmu->fmt, __pa(page_address(page)) | mmu->me_mask, 1, perm));
	write_unlock(&mmu->lock);
	return e ? RD_PF_FIXED : -ENOMEM;
}
