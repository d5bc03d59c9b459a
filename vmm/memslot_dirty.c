// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log of a slot as user space reads it (K).
 * Invariant: a page whose bit has been taken from the log is write-protected, in all TLBs too,
 * before user space sees the bit; so a write that the caller's copy of the page lacks sets the bit
 * again.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include "vmm/memslot.h"
#include "vmm/vm.h"

/*
 * The slot with that number, for ioctls: -EINVAL no such number, -ENOENT no slot or no log, -ENXIO
 * the VM has dirty rings instead.
 * slots_lock held.
 */
static struct rd_slot *logged_slot(struct rd_vm *vm, u32 id)
{
	struct rd_slots *t = rcu_dereference_protected(vm->slots, lockdep_is_held(&vm->slots_lock));

	if (vm->dirty_ring_bytes)
		return ERR_PTR(-ENXIO);
	if (id >= RD_MAX_SLOTS)
		return ERR_PTR(-EINVAL);
	if (!t->by_id[id] || !t->by_id[id]->dirty)
		return ERR_PTR(-ENOENT);
	return t->by_id[id];
}

/*
 * Let others have the lock. Protection that is not flushed yet may wait: the flush comes before
 * anything is reported.
 */
static void breathe(struct rd_vm *vm)
{
	cond_resched_rwlock_write(&vm->mmu.lock);
}

/* Move the log into the snapshot behind it and protect what was dirty. */
static void collect(struct rd_vm *vm, struct rd_slot *s, unsigned long *snapshot)
{
	unsigned long i, words = BITS_TO_LONGS(s->npages);
	bool flush = false;

	write_lock(&vm->mmu.lock);
	for (i = 0; i < words; i++) {
		snapshot[i] = READ_ONCE(s->dirty[i]);
		if (!snapshot[i])
			continue;
		snapshot[i] = xchg(&s->dirty[i], 0);
		flush |= rd_mmu_write_protect_mask(vm, s, i * BITS_PER_LONG, snapshot[i]);
		breathe(vm);
	}
	if (flush)
		rd_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu.lock);
}

int rd_slots_get_dirty(struct rd_vm *vm, const struct kvm_dirty_log *log)
{
	unsigned long *bits, words;
	struct rd_slot *s;
	int ret = 0;

	mutex_lock(&vm->slots_lock);
	s = logged_slot(vm, log->slot);
	if (IS_ERR(s)) {
		ret = PTR_ERR(s);
		goto unlock;
	}
	bits = s->dirty;
	words = BITS_TO_LONGS(s->npages);
	if (!vm->manual_dirty_protect) {
		bits += words;
		collect(vm, s, bits);
	}
	if (copy_to_user(log->dirty_bitmap, bits, words * sizeof(long)))
		ret = -EFAULT;
unlock:
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/* Clear the bits of mask that are set in the log from page first on, and protect these pages. */
static void clear(struct rd_vm *vm, struct rd_slot *s, u64 first, const unsigned long *mask,
		  unsigned long words)
{
	unsigned long *log = s->dirty + first / BITS_PER_LONG;
	unsigned long i, m;
	bool flush = false;

	write_lock(&vm->mmu.lock);
	for (i = 0; i < words; i++) {
		if (!mask[i])
			continue;
		m = mask[i] & atomic_long_fetch_andnot(mask[i], (atomic_long_t *)&log[i]);
		if (m)
			flush |= rd_mmu_write_protect_mask(vm, s, first + i * BITS_PER_LONG, m);
		breathe(vm);
	}
	if (flush)
		rd_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu.lock);
}

/* First and count are multiples of 64, but for a count that reaches the end of the slot. */
static bool clear_range_ok(const struct rd_slot *s, const struct kvm_clear_dirty_log *log)
{
	u64 room = s->npages - log->first_page;

	return log->first_page <= s->npages && log->num_pages <= room &&
	       (log->num_pages == room || !(log->num_pages & 63));
}

int rd_slots_clear_dirty(struct rd_vm *vm, const struct kvm_clear_dirty_log *log)
{
	unsigned long *mask, words = BITS_TO_LONGS(log->num_pages);
	struct rd_slot *s;
	int ret = 0;

	if (log->first_page & 63)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	s = logged_slot(vm, log->slot);
	if (IS_ERR(s)) {
		ret = PTR_ERR(s);
		goto unlock;
	}
	if (!clear_range_ok(s, log)) {
		ret = -EINVAL;
		goto unlock;
	}
	mask = s->dirty + BITS_TO_LONGS(s->npages);
	if (copy_from_user(mask, log->dirty_bitmap, words * sizeof(long)))
		ret = -EFAULT;
	else
		clear(vm, s, log->first_page, mask, words);
unlock:
	mutex_unlock(&vm->slots_lock);
	return ret;
}
