// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's memory management tells about the VMM's address space (K).
 * Invariant: when invalidate_range_start returns, no translation of the range is left in the
 * nested table nor in a TLB, and none comes back before invalidate_range_end: faults check the
 * range under way, and the sequence for ranges that came and went while they looked.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include "vmm/mmu_priv.h"

/* Guest pages of a slot whose host addresses lie in [start, end); false: none. */
static bool pages_of(const struct rd_slot *s, unsigned long start, unsigned long end, u64 *first,
		     u64 *last)
{
	unsigned long slot_end = s->hva + (s->npages << RD_PAGE_SHIFT);

	if (start >= slot_end || end <= s->hva)
		return false;
	start = max(start, s->hva);
	end = min(end, slot_end);
	*first = s->base_gfn + ((start - s->hva) >> RD_PAGE_SHIFT);
	*last = s->base_gfn + DIV_ROUND_UP(end - s->hva, RD_PAGE_SIZE);
	return true;
}

/*
 * Call fn for the guest pages behind [start, end), of all slots and of one that is on its way out.
 * The table is looked up under mmu.lock: a fault that used a newer one either has filled its entry
 * before the lock was taken, or sees the range under way.
 */
static bool for_each_range(struct rd_vm *vm, unsigned long start, unsigned long end,
			   bool (*fn)(struct rd_vm *vm, u64 first, u64 last, void *arg), void *arg)
{
	struct rd_slots *slots = srcu_dereference(vm->slots, &vm->srcu);
	u64 first, last;
	bool any = false;
	u32 i;

	for (i = 0; i < slots->nr; i++)
		if (pages_of(slots->by_gfn[i], start, end, &first, &last))
			any |= fn(vm, first, last, arg);
	if (slots->dying && pages_of(slots->dying, start, end, &first, &last))
		any |= fn(vm, first, last, arg);
	return any;
}

/* --- invalidation ----------------------------------------------------------------------------- */

static bool zap_pages(struct rd_vm *vm, u64 first, u64 last, void *arg)
{
	rd_zap_range(arg, first, last);
	return true;
}

static void begin_range(struct rd_mmu *mmu, unsigned long start, unsigned long end)
{
	if (!mmu->inval_count++) {
		mmu->inval_start = start;
		mmu->inval_end = end;
	} else {
		mmu->inval_start = min(mmu->inval_start, start);
		mmu->inval_end = max(mmu->inval_end, end);
	}
}

static int invalidate_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct rd_vm *vm = container_of(mn, struct rd_vm, mmu.notifier);
	struct rd_zapper z;
	int idx = srcu_read_lock(&vm->srcu);

	/* Without yielding: between two looks at the table of slots a slot may move. */
	rd_zap_begin(&z, vm, false);
	begin_range(&vm->mmu, r->start, r->end);
	for_each_range(vm, r->start, r->end, zap_pages, &z);
	if (z.flush)
		vm->stats.mmu_notifier_invalidate++;
	rd_zap_end(&z);
	srcu_read_unlock(&vm->srcu, idx);
	return 0;
}

static void invalidate_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct rd_mmu *mmu = container_of(mn, struct rd_mmu, notifier);

	write_lock(&mmu->lock);
	mmu->inval_seq++;
	mmu->inval_count--;
	write_unlock(&mmu->lock);
	if (wq_has_sleeper(&mmu->inval_wait))
		wake_up_all(&mmu->inval_wait);
}

/* The address space goes away, or the VM lets go of it: nothing of it may stay mapped. */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct rd_vm *vm = container_of(mn, struct rd_vm, mmu.notifier);
	struct rd_zapper z;

	rd_zap_begin(&z, vm, true);
	rd_zap_range(&z, 0, rd_pt_max_gfn(vm->mmu.fmt));
	rd_zap_end(&z);
}

/* --- ageing ----------------------------------------------------------------------------------- */

struct ageing {
	bool clear;
};

static bool age_pages(struct rd_vm *vm, u64 gfn, u64 last, void *arg)
{
	const struct ageing *a = arg;
	struct rd_mmu *mmu = &vm->mmu;
	bool young = false;
	unsigned int level;
	u64 value;

	while (gfn < last) {
		u64 *e = rd_mmu_leaf(mmu, mmu->root, gfn, &level, &value);

		if (e && (value & mmu->fmt->accessed)) {
			young = true;
			if (!a->clear)
				break;
			/* Should it be a table by now: that bit of a table means nothing. */
			clear_bit(__ffs(mmu->fmt->accessed), (unsigned long *)e);
		}
		gfn = e ? rd_pt_next(gfn, level) : gfn + 1;
	}
	return young;
}

/* Formats without an accessed bit never report a page as young. */
static int age(struct rd_vm *vm, unsigned long start, unsigned long end, bool clear, bool flush)
{
	struct ageing a = { .clear = clear };
	int idx = srcu_read_lock(&vm->srcu);
	bool young;

	read_lock(&vm->mmu.lock);
	young = for_each_range(vm, start, end, age_pages, &a);
	read_unlock(&vm->mmu.lock);
	srcu_read_unlock(&vm->srcu, idx);
	if (young && flush)
		rd_vm_flush_tlbs(vm);
	return young;
}

static int clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			     unsigned long end)
{
	return age(container_of(mn, struct rd_vm, mmu.notifier), start, end, true, true);
}

/* Without the flush a page in use may look idle once; that is what the caller asks for. */
static int clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
		       unsigned long end)
{
	return age(container_of(mn, struct rd_vm, mmu.notifier), start, end, true, false);
}

static int test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address)
{
	struct rd_vm *vm = container_of(mn, struct rd_vm, mmu.notifier);

	return age(vm, address, address + 1, false, false);
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = invalidate_start,
	.invalidate_range_end = invalidate_end,
	.release = release,
	.clear_flush_young = clear_flush_young,
	.clear_young = clear_young,
	.test_young = test_young,
};

int rd_mmu_notifier_init(struct rd_vm *vm)
{
	int ret;

	vm->mmu.notifier.ops = &notifier_ops;
	ret = mmu_notifier_register(&vm->mmu.notifier, vm->mm);
	vm->mmu.registered = !ret;
	return ret;
}

void rd_mmu_release(struct rd_vm *vm)
{
	struct rd_vcpu *v;
	u32 i;

	rd_for_each_vcpu(i, v, vm)
		rd_mmu_drop_cache(v);
	if (!vm->mmu.registered)
		return;
	vm->mmu.registered = false;
	/* Calls release() unless the address space has done so. */
	mmu_notifier_unregister(&vm->mmu.notifier, vm->mm);
}
