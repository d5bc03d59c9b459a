// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of memory slots and its changes (K).
 * Invariant: a change is prepared whole in a copy of the table, so that it cannot fail half way; a
 * slot that goes is first out of reach of faults (published table without it, all readers of the
 * old one gone), then unmapped, then freed, and the MMU notifier sees it all the while.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vmm/memslot.h"
#include "vmm/prot.h"
#include "vmm/vm.h"

#define SLOT_FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

struct rd_slot *rd_slot_find(const struct rd_slots *slots, u64 gfn)
{
	u32 lo = 0, hi = slots->nr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		struct rd_slot *s = slots->by_gfn[mid];

		if (gfn < s->base_gfn)
			hi = mid;
		else if (!rd_slot_has(s, gfn))
			lo = mid + 1;
		else
			return s;
	}
	return NULL;
}

struct rd_slot *rd_vcpu_slot(struct rd_vcpu *v, u64 gfn)
{
	struct rd_slots *slots = rd_vm_table(v->vm->slots);
	struct rd_slot *s = v->slot_cache;

	if (likely(s && v->slot_gen == slots->generation && rd_slot_has(s, gfn)))
		return s;
	s = rd_slot_find(slots, gfn);
	if (s) {
		v->slot_cache = s;
		v->slot_gen = slots->generation;
	}
	return s;
}

/* --- the table as a data structure ------------------------------------------------------------ */

static struct rd_slots *table_of(struct rd_vm *vm)
{
	return rcu_dereference_protected(vm->slots, lockdep_is_held(&vm->slots_lock));
}

static struct rd_slots *table_copy(const struct rd_slots *from)
{
	struct rd_slots *t = kvmalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (t) {
		*t = *from;
		t->generation++;
		t->dying = NULL;
	}
	return t;
}

static void table_insert(struct rd_slots *t, struct rd_slot *s)
{
	u32 i = t->nr++;

	for (; i > 0 && t->by_gfn[i - 1]->base_gfn > s->base_gfn; i--)
		t->by_gfn[i] = t->by_gfn[i - 1];
	t->by_gfn[i] = s;
	t->by_id[s->id] = s;
}

static void table_remove(struct rd_slots *t, struct rd_slot *s)
{
	u32 i = 0;

	while (t->by_gfn[i] != s)
		i++;
	for (t->nr--; i < t->nr; i++)
		t->by_gfn[i] = t->by_gfn[i + 1];
	t->by_id[s->id] = NULL;
}

static bool table_overlaps(const struct rd_slots *t, const struct rd_slot *s,
			   const struct rd_slot *but)
{
	u32 i;

	for (i = 0; i < t->nr; i++) {
		const struct rd_slot *o = t->by_gfn[i];

		if (o != but && o->base_gfn < s->base_gfn + s->npages &&
		    s->base_gfn < o->base_gfn + o->npages)
			return true;
	}
	return false;
}

/*
 * Make a table the current one; on return nobody uses the old one, nor a slot that is in it alone.
 * Frees the old one.
 */
static void publish(struct rd_vm *vm, struct rd_slots *t)
{
	struct rd_slots *old = table_of(vm);

	rcu_assign_pointer(vm->slots, t);
	rd_vm_sync(vm);
	kvfree(old);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void slot_free(struct rd_slot *s, bool with_log)
{
	if (with_log)
		kvfree(s->dirty);
	kfree(s);
}

/*
 * Room for the log and for a snapshot of it; with KVM_DIRTY_LOG_INITIALLY_SET all pages start as
 * dirty.
 */
static unsigned long *log_alloc(struct rd_vm *vm, u64 npages)
{
	unsigned long *log;

	if (vm->dirty_ring_bytes)
		return NULL;
	log = kvcalloc(2 * BITS_TO_LONGS(npages), sizeof(long), GFP_KERNEL_ACCOUNT);

	if (log && (vm->manual_dirty_protect & KVM_DIRTY_LOG_INITIALLY_SET))
		bitmap_set(log, 0, npages);
	return log;
}

static struct rd_slot *slot_alloc(struct rd_vm *vm, const struct kvm_userspace_memory_region *r,
				  const struct rd_slot *old)
{
	struct rd_slot *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	s->id = r->slot;
	s->base_gfn = r->guest_phys_addr >> RD_PAGE_SHIFT;
	s->npages = r->memory_size >> RD_PAGE_SHIFT;
	s->hva = r->userspace_addr;
	s->flags = r->flags;
	if (r->flags & KVM_MEM_READONLY)
		s->reasons |= BIT(RD_PROT_READONLY);
	if (r->flags & KVM_MEM_LOG_DIRTY_PAGES) {
		s->reasons |= BIT(RD_PROT_DIRTY);
		s->dirty = old && old->dirty ? old->dirty : log_alloc(vm, s->npages);
		if (!s->dirty && !vm->dirty_ring_bytes) {
			kfree(s);
			return NULL;
		}
	}
	return s;
}

/* Free a slot that was never published: its log is its own only if the old version has none. */
static void slot_discard(struct rd_slot *s, const struct rd_slot *old)
{
	slot_free(s, !old || old->dirty != s->dirty);
}

/* Take a slot out: published table t lacks it. The notifier stops seeing it once it is unmapped. */
static void slot_retire(struct rd_vm *vm, struct rd_slots *t, struct rd_slot *old)
{
	t->dying = old;
	publish(vm, t);
	rd_mmu_zap_slot(vm, old);
	write_lock(&vm->mmu.lock);
	t->dying = NULL;
	write_unlock(&vm->mmu.lock);
}

static int slot_delete(struct rd_vm *vm, struct rd_slot *old)
{
	struct rd_slots *t = table_copy(table_of(vm));

	if (!t)
		return -ENOMEM;
	table_remove(t, old);
	slot_retire(vm, t, old);
	slot_free(old, true);
	return 0;
}

static int slot_create(struct rd_vm *vm, struct rd_slot *s)
{
	struct rd_slots *t = table_copy(table_of(vm));

	if (!t)
		return -ENOMEM;
	table_insert(t, s);
	publish(vm, t);
	return 0;
}

static int slot_move(struct rd_vm *vm, struct rd_slot *old, struct rd_slot *s)
{
	struct rd_slots *without = table_copy(table_of(vm));
	struct rd_slots *with = without ? table_copy(without) : NULL;

	if (!with) {
		kvfree(without);
		return -ENOMEM;
	}
	table_remove(without, old);
	table_remove(with, old);
	table_insert(with, s);
	slot_retire(vm, without, old);
	publish(vm, with);
	slot_free(old, old->dirty != s->dirty);
	return 0;
}

/* Dirty logging goes on or off; nothing else may change in place. */
static int slot_change_flags(struct rd_vm *vm, struct rd_slot *old, struct rd_slot *s)
{
	struct rd_slots *t = table_copy(table_of(vm));
	bool all_dirty;

	if (!t)
		return -ENOMEM;
	table_remove(t, old);
	table_insert(t, s);
	publish(vm, t);
	/* With all pages dirty to begin with, KVM_CLEAR_DIRTY_LOG protects them bit by bit. */
	all_dirty = s->dirty && (vm->manual_dirty_protect & KVM_DIRTY_LOG_INITIALLY_SET);
	if (rd_slot_logs(s) && !rd_slot_logs(old) && !all_dirty)
		rd_mmu_write_protect_slot(vm, s);
	if (rd_slot_logs(old) && !rd_slot_logs(s))
		rd_mmu_recover_large(vm, s);
	slot_free(old, old->dirty != s->dirty);
	return 0;
}

/* --- the ioctl -------------------------------------------------------------------------------- */

/*
 * Stricter than access_ok() of some kernels, which lets bits pass that address translation ignores:
 * such an address would be walked to a page of another address, whose end nobody announces.
 */
static bool user_range_ok(u64 addr, u64 size)
{
	return addr <= TASK_SIZE_MAX && size <= TASK_SIZE_MAX - addr &&
	       access_ok((void __user *)(unsigned long)addr, size);
}

static bool region_ok(const struct kvm_userspace_memory_region *r)
{
	return !(r->flags & ~SLOT_FLAGS) && r->slot < RD_MAX_SLOTS &&
	       !(r->memory_size & ~RD_PAGE_MASK) && !(r->guest_phys_addr & ~RD_PAGE_MASK) &&
	       !(r->userspace_addr & ~RD_PAGE_MASK) &&
	       user_range_ok(r->userspace_addr, r->memory_size) &&
	       r->guest_phys_addr + r->memory_size >= r->guest_phys_addr &&
	       r->memory_size >> RD_PAGE_SHIFT <= RD_MAX_SLOT_PAGES;
}

static bool in_reserve(const struct rd_vm *vm, u64 gfn, u64 npages)
{
	return gfn < vm->reserve_gfn + vm->reserve_pages && vm->reserve_gfn < gfn + npages;
}

int rd_slots_reserve(struct rd_vm *vm, u64 gfn, u64 npages)
{
	struct rd_slot range = { .base_gfn = gfn, .npages = npages };

	lockdep_assert_held(&vm->slots_lock);
	if (gfn + npages > vm->mmu.max_gfn)
		return -EINVAL;
	if (table_overlaps(table_of(vm), &range, NULL))
		return -EEXIST;
	vm->reserve_gfn = gfn;
	vm->reserve_pages = npages;
	return 0;
}

static bool slot_matches(const struct rd_slot *s, const struct rd_slot *old)
{
	return s->hva == old->hva && s->npages == old->npages &&
	       !((s->flags ^ old->flags) & KVM_MEM_READONLY);
}

/* Create or change: slots_lock held, memory_size not 0. */
static int slot_put(struct rd_vm *vm, const struct kvm_userspace_memory_region *r,
		    struct rd_slot *old)
{
	struct rd_slot *s = slot_alloc(vm, r, old);
	int ret;

	if (!s)
		return -ENOMEM;
	if (old && !slot_matches(s, old)) {
		ret = -EINVAL;
	} else if (old && s->base_gfn == old->base_gfn) {
		ret = s->flags == old->flags ? 1 : slot_change_flags(vm, old, s);
	} else if (table_overlaps(table_of(vm), s, old) || in_reserve(vm, s->base_gfn, s->npages)) {
		ret = -EEXIST;
	} else if (s->base_gfn + s->npages > vm->mmu.max_gfn) {
		ret = -EINVAL;
	} else {
		ret = old ? slot_move(vm, old, s) : slot_create(vm, s);
	}
	if (ret)
		slot_discard(s, old);
	return min(ret, 0);
}

int rd_slots_set(struct rd_vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct rd_slot *old;
	int ret;

	if (!region_ok(r))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	old = table_of(vm)->by_id[r->slot];
	if (r->memory_size)
		ret = slot_put(vm, r, old);
	else
		ret = old ? slot_delete(vm, old) : -EINVAL;
	if (!ret)
		vm->stats.slot_changes++;
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int rd_slots_init(struct rd_vm *vm)
{
	struct rd_slots *t = kvzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return -ENOMEM;
	t->generation = 1;
	RCU_INIT_POINTER(vm->slots, t);
	return 0;
}

/* After the last vCPU and the notifier are gone: no reader is left. */
void rd_slots_destroy(struct rd_vm *vm)
{
	struct rd_slots *t = rcu_dereference_protected(vm->slots, 1);
	u32 i;

	if (!t)
		return;
	for (i = 0; i < t->nr; i++)
		slot_free(t->by_gfn[i], true);
	kvfree(t);
	RCU_INIT_POINTER(vm->slots, NULL);
}
