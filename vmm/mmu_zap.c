// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking translations away, or write permission (K).
 * Invariant: all of it holds mmu.lock for write. What was removed is out of all TLBs before the
 * lock is let go, even for a moment, so a notifier that finds nothing left to remove may rely on
 * it; table pages are freed only after that flush. Lost write permission may wait for its flush:
 * nobody relies on it until the caller has flushed.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include "vmm/mmu_priv.h"

/* No more than a 1 GiB table with its children goes in one step: 513 pages. */
#define MAX_DROP_LEVEL 3

void rd_zap_begin(struct rd_zapper *z, struct rd_vm *vm, bool yield)
{
	z->vm = vm;
	z->flush = false;
	z->yield = yield;
	INIT_LIST_HEAD(&z->dead);
	write_lock(&vm->mmu.lock);
}

static void flush(struct rd_zapper *z)
{
	if (z->flush)
		rd_vm_flush_tlbs(z->vm);
	z->flush = false;
}

static void free_dead(struct rd_zapper *z)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &z->dead, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

void rd_zap_end(struct rd_zapper *z)
{
	flush(z);
	write_unlock(&z->vm->mmu.lock);
	free_dead(z);
}

void rd_zap_breathe(struct rd_zapper *z)
{
	rwlock_t *lock = &z->vm->mmu.lock;

	if (!z->yield || !(need_resched() || rwlock_needbreak(lock)))
		return;
	flush(z);
	cond_resched_rwlock_write(lock);
}

/* A table and all below it, which its entry no longer reaches. */
static void bury(struct rd_zapper *z, u64 *table, unsigned int level)
{
	struct rd_mmu *mmu = &z->vm->mmu;
	unsigned int i;

	for (i = 0; level > 1 && i < RD_PT_ENTRIES; i++)
		if (rd_pt_present(mmu->fmt, table[i]) && !rd_pt_is_leaf(mmu->fmt, table[i], level))
			bury(z, rd_mmu_child(mmu, table[i]), level - 1);
	list_add(&virt_to_page(table)->lru, &z->dead);
	z->vm->stats.mmu_pages = atomic_long_dec_return(&mmu->nr_pages);
}

void rd_zap_entry(struct rd_zapper *z, u64 *e, unsigned int level)
{
	struct rd_mmu *mmu = &z->vm->mmu;
	u64 old = *e;

	WRITE_ONCE(*e, 0);
	z->flush = true;
	z->vm->stats.mmu_zapped++;
	if (!rd_pt_is_leaf(mmu->fmt, old, level))
		bury(z, rd_mmu_child(mmu, old), level - 1);
}

void rd_mmu_free_tables(struct rd_vm *vm)
{
	struct rd_zapper z = { .vm = vm, .dead = LIST_HEAD_INIT(z.dead) };
	unsigned int i;

	bury(&z, vm->mmu.root, vm->mmu.fmt->levels);
	for (i = 0; i < RD_NR_VIEWS; i++)
		if (vm->mmu.view[i])
			bury(&z, vm->mmu.view[i], vm->mmu.fmt->levels);
	free_dead(&z);
}

static u64 zap_leaves(struct rd_zapper *z, u64 *table, u64 gfn, u64 end)
{
	end = min(end, rd_pt_next(gfn, 2));
	for (; gfn < end; gfn++) {
		u64 *e = &table[rd_pt_index(gfn, 1)];

		if (rd_pt_present(z->vm->mmu.fmt, *e))
			rd_zap_entry(z, e, 1);
	}
	return end;
}

/*
 * Zap from gfn on as far as one table entry reaches; returns the first page behind. A table that
 * goes entirely goes as a whole.
 */
static u64 zap_step(struct rd_zapper *z, u64 *table, u64 gfn, u64 end)
{
	struct rd_mmu *mmu = &z->vm->mmu;
	unsigned int l;

	for (l = mmu->fmt->levels; l > 1; l--) {
		u64 *e = &table[rd_pt_index(gfn, l)];
		u64 next = rd_pt_next(gfn, l);

		if (!rd_pt_present(mmu->fmt, *e))
			return next;
		if (rd_pt_is_leaf(mmu->fmt, *e, l) ||
		    (l <= MAX_DROP_LEVEL && gfn == rd_pt_first(gfn, l) && next <= end)) {
			rd_zap_entry(z, e, l);
			return next;
		}
		table = rd_mmu_child(mmu, *e);
	}
	return zap_leaves(z, table, gfn, end);
}

static void zap_in(struct rd_zapper *z, u64 *root, u64 first, u64 end)
{
	while (first < end) {
		first = zap_step(z, root, first, end);
		rd_zap_breathe(z);
	}
}

void rd_zap_view(struct rd_zapper *z, enum rd_view which, u64 first, u64 end)
{
	u64 *view = z->vm->mmu.view[which];

	if (unlikely(view))
		zap_in(z, view, first, end);
}

void rd_zap_views(struct rd_zapper *z, u64 first, u64 end)
{
	unsigned int i;

	for (i = 0; i < RD_NR_VIEWS; i++)
		rd_zap_view(z, i, first, end);
}

void rd_zap_range(struct rd_zapper *z, u64 first, u64 end)
{
	rd_zap_views(z, first, end);
	zap_in(z, z->vm->mmu.root, first, end);
}

void rd_mmu_zap_slot(struct rd_vm *vm, const struct rd_slot *s)
{
	struct rd_zapper z;

	rd_zap_begin(&z, vm, true);
	rd_zap_range(&z, s->base_gfn, s->base_gfn + s->npages);
	rd_zap_end(&z);
}

/* --- write protection ------------------------------------------------------------------------- */

bool rd_zap_write(const struct rd_pt_format *fmt, u64 *e)
{
	u64 old = *e;

	if (!rd_pt_present(fmt, old) || !rd_pt_writable(fmt, old))
		return false;
	/*
	 * A dirty or accessed bit that the CPU sets in between is lost: nothing is decided by
	 * dirty, and little by accessed.
	 */
	WRITE_ONCE(*e, rd_pt_without_write(fmt, old));
	return true;
}

static bool write_protect_mask(struct rd_mmu *mmu, u64 *root, u64 base, unsigned long mask)
{
	unsigned int level = 0;
	u64 *e = NULL, prev = 0, value;
	bool changed = false;

	for (; mask; mask &= mask - 1) {
		u64 gfn = base + __ffs(mask);

		/* Neighbours in one table: step instead of walking. */
		if (e && level == 1 && rd_pt_first(gfn, 2) == rd_pt_first(prev, 2))
			e += gfn - prev;
		else
			e = rd_mmu_leaf(mmu, root, gfn, &level, &value);
		prev = gfn;
		if (e)
			changed |= rd_zap_write(mmu->fmt, e);
	}
	return changed;
}

bool rd_mmu_write_protect_mask(struct rd_vm *vm, const struct rd_slot *s, u64 first,
			       unsigned long mask)
{
	struct rd_mmu *mmu = &vm->mmu;
	u64 base = s->base_gfn + first;
	unsigned int i;
	bool changed;

	lockdep_assert_held_write(&mmu->lock);
	changed = write_protect_mask(mmu, mmu->root, base, mask);
	for (i = 0; i < RD_NR_VIEWS; i++)
		if (unlikely(mmu->view[i]))
			changed |= write_protect_mask(mmu, mmu->view[i], base, mask);
	return changed;
}

static u64 protect_step(struct rd_zapper *z, u64 gfn, u64 end)
{
	struct rd_mmu *mmu = &z->vm->mmu;
	u64 *table = mmu->root;
	unsigned int l;

	for (l = mmu->fmt->levels; l > 1; l--) {
		u64 *e = &table[rd_pt_index(gfn, l)];

		if (!rd_pt_present(mmu->fmt, *e))
			return rd_pt_next(gfn, l);
		if (rd_pt_is_leaf(mmu->fmt, *e, l)) {
			z->flush |= rd_zap_write(mmu->fmt, e);
			return rd_pt_next(gfn, l);
		}
		table = rd_mmu_child(mmu, *e);
	}
	for (end = min(end, rd_pt_next(gfn, 2)); gfn < end; gfn++)
		z->flush |= rd_zap_write(mmu->fmt, &table[rd_pt_index(gfn, 1)]);
	return end;
}

void rd_mmu_write_protect_slot(struct rd_vm *vm, const struct rd_slot *s)
{
	u64 gfn = s->base_gfn, end = gfn + s->npages;
	struct rd_zapper z;

	rd_zap_begin(&z, vm, true);
	rd_zap_views(&z, gfn, end);
	while (gfn < end) {
		gfn = protect_step(&z, gfn, end);
		rd_zap_breathe(&z);
	}
	rd_zap_end(&z);
}

/* --- large pages again ------------------------------------------------------------------------ */

/* Would a fault at gfn now map a page of this level? */
static bool could_be_large(struct rd_vm *vm, const struct rd_slot *s, u64 gfn, unsigned int level)
{
	struct rd_host_page p;

	return level <= vm->mmu.fmt->max_leaf_level &&
	       rd_prot_map_level(&vm->mmu.prot, gfn, level) == level &&
	       rd_pt_fit(gfn, s->base_gfn, s->npages, s->hva, level) == level &&
	       rd_host_walk(vm->mm, rd_slot_hva(s, gfn), &p) && p.level >= level;
}

u64 rd_zap_recover(struct rd_zapper *z, const struct rd_slot *s, u64 gfn)
{
	struct rd_mmu *mmu = &z->vm->mmu;
	u64 *table = mmu->root;
	unsigned int l;

	for (l = mmu->fmt->levels; l > 1; l--) {
		u64 *e = &table[rd_pt_index(gfn, l)];

		if (!rd_pt_present(mmu->fmt, *e) || rd_pt_is_leaf(mmu->fmt, *e, l))
			return rd_pt_next(gfn, l);
		if (could_be_large(z->vm, s, gfn, l)) {
			rd_zap_entry(z, e, l);
			return rd_pt_next(gfn, l);
		}
		table = rd_mmu_child(mmu, *e);
	}
	return rd_pt_next(gfn, 2);
}

void rd_mmu_recover_large(struct rd_vm *vm, const struct rd_slot *s)
{
	u64 gfn = s->base_gfn, end = gfn + s->npages;
	struct rd_zapper z;

	rd_zap_begin(&z, vm, true);
	while (gfn < end) {
		gfn = rd_zap_recover(&z, s, gfn);
		rd_zap_breathe(&z);
	}
	rd_zap_end(&z);
}
