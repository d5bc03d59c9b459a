// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reasons of single pages, put on and taken off while the guest runs (K).
 * Invariant: a reason is added under mmu.lock held for write, and what is mapped is narrowed and
 * flushed before the lock is let go; faults look at the reasons again under the lock before they
 * map. So no translation is ever wider than the reasons of its pages.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include "vmm/mmu_priv.h"
#include "vmm/prot.h"

/*
 * Narrow what maps gfn. A large page goes as a whole: its neighbours come back by faults, in as
 * large pieces as the reasons leave.
 */
static void tighten(struct rd_zapper *z, u64 gfn, u8 reason)
{
	struct rd_mmu *mmu = &z->vm->mmu;
	unsigned int level = 0;
	u64 value, *e = rd_mmu_leaf(mmu, mmu->root, gfn, &level, &value);

	rd_zap_views(z, gfn, gfn + 1);
	if (!e)
		return;
	if (level > 1 || (reason & RD_PROT_STOPS_READ))
		rd_zap_entry(z, e, level);
	else
		z->flush |= rd_zap_write(mmu->fmt, e);
}

int rd_mmu_protect(struct rd_vm *vm, u64 gfn, u64 npages, enum rd_prot_reason reason)
{
	struct rd_mmu *mmu = &vm->mmu;
	struct rd_zapper z;
	u64 end;
	int ret;

	mutex_lock(&mmu->prot_lock);
	ret = rd_prot_map_reserve(&mmu->prot, gfn, npages);
	if (ret)
		goto unlock;
	rd_zap_begin(&z, vm, true);
	for (end = gfn + npages; gfn < end; gfn++) {
		if (!(rd_prot_map_set(&mmu->prot, gfn, BIT(reason)) & BIT(reason)))
			tighten(&z, gfn, BIT(reason));
		rd_zap_breathe(&z);
	}
	rd_zap_end(&z);
unlock:
	mutex_unlock(&mmu->prot_lock);
	return ret;
}

void rd_mmu_close(struct rd_vm *vm, u64 gfn)
{
	struct rd_zapper z;
	u8 reasons;

	rd_zap_begin(&z, vm, false);
	reasons = rd_prot_map_get(&vm->mmu.prot, gfn);
	if (reasons)
		tighten(&z, gfn, reasons);
	rd_zap_end(&z);
}

/*
 * The block around gfn may have lost its last reason: let large pages come back, unless the whole
 * slot is mapped in small ones.
 */
static void widen(struct rd_zapper *z, u64 gfn)
{
	struct rd_vm *vm = z->vm;
	struct rd_slot *s;

	if (rd_prot_map_level(&vm->mmu.prot, gfn, 2) < 2)
		return;
	s = rd_slot_find(rd_vm_table(vm->slots), gfn);
	if (s && !rd_prot_decide(s->reasons, RD_ACC_READ).small)
		rd_zap_recover(z, s, gfn);
}

void rd_mmu_unprotect(struct rd_vm *vm, u64 gfn, u64 npages, enum rd_prot_reason reason)
{
	struct rd_mmu *mmu = &vm->mmu;
	u64 next, end = gfn + npages;
	struct rd_zapper z;

	mutex_lock(&mmu->prot_lock);
	rd_zap_begin(&z, vm, true);
	while (rd_prot_map_next(&mmu->prot, &gfn, end, BIT(reason))) {
		next = min(end, rd_pt_next(gfn, 2));
		rd_zap_views(&z, gfn, next);
		for (; gfn < next; gfn++)
			rd_prot_map_clear(&mmu->prot, gfn, BIT(reason));
		widen(&z, gfn - 1);
		rd_zap_breathe(&z);
	}
	rd_zap_end(&z);
	mutex_unlock(&mmu->prot_lock);
}
