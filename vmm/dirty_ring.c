// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty rings (K).
 * Invariant: as vmm/dirty_ring.h says; an entry is given back to the vCPU only after its page is
 * write-protected in all TLBs.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include "vmm/dirty_ring.h"
#include "vmm/memslot.h"
#include "vmm/vm.h"

/* What one entry, or one emulated instruction, may add once the ring counts as full. */
#define RESERVED 64U

int rd_ring_alloc(struct rd_vcpu *v)
{
	u32 bytes = v->vm->dirty_ring_bytes;

	if (!bytes)
		return 0;
	v->ring.entries = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!v->ring.entries)
		return -ENOMEM;
	v->ring.size = bytes / sizeof(*v->ring.entries);
	return 0;
}

void rd_ring_free(struct rd_vcpu *v)
{
	vfree(v->ring.entries);
	v->ring.entries = NULL;
}

static u32 in_use(const struct rd_ring *r)
{
	return r->added - READ_ONCE(r->reset);
}

bool rd_ring_full(const struct rd_vcpu *v)
{
	return in_use(&v->ring) >= v->ring.size - RESERVED;
}

/*
 * Is the newest entry this page's, and still to be taken by user space? Then what was written since
 * will be seen with it: string instructions write one page many times.
 */
static bool just_added(const struct rd_ring *r, u32 slot, u64 offset)
{
	const struct kvm_dirty_gfn *e = &r->entries[(r->added - 1) & (r->size - 1)];

	return in_use(r) && READ_ONCE(e->flags) == KVM_DIRTY_GFN_F_DIRTY &&
	       READ_ONCE(e->slot) == slot && READ_ONCE(e->offset) == offset;
}

void rd_ring_push(struct rd_vcpu *v, const struct rd_slot *s, u64 gfn)
{
	u64 offset = gfn - s->base_gfn;
	struct rd_ring *r = &v->ring;
	struct kvm_dirty_gfn *e;

	if (just_added(r, s->id, offset))
		return;
	if (unlikely(in_use(r) >= r->size)) {
		rd_vm_kill(v->vm, "a dirty ring is full and was not reset");
		return;
	}
	e = &r->entries[r->added & (r->size - 1)];
	WRITE_ONCE(e->slot, s->id);
	WRITE_ONCE(e->offset, offset);
	/* Paired with user space's acquire, and with the one in take_ring(). */
	smp_store_release(&e->flags, KVM_DIRTY_GFN_F_DIRTY);
	smp_store_release(&r->added, r->added + 1);
	if (unlikely(rd_ring_full(v)))
		rd_vcpu_set_request(v, RD_REQ_RING_FULL);
}

struct page *rd_ring_page(const struct rd_vcpu *v, unsigned long pgoff)
{
	unsigned long n = pgoff - KVM_DIRTY_LOG_PAGE_OFFSET;

	if (pgoff < KVM_DIRTY_LOG_PAGE_OFFSET || n >= v->vm->dirty_ring_bytes >> PAGE_SHIFT)
		return NULL;
	return vmalloc_to_page((void *)v->ring.entries + (n << PAGE_SHIFT));
}

int rd_vm_enable_ring(struct rd_vm *vm, u64 bytes)
{
	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE)
		return -EINVAL;
	BUILD_BUG_ON(RESERVED * sizeof(struct kvm_dirty_gfn) >= PAGE_SIZE);
	if (bytes > RD_RING_MAX_BYTES)
		return -E2BIG;
	if (vm->dirty_ring_bytes || vm->nr_vcpus)
		return -EINVAL;
	vm->dirty_ring_bytes = bytes;
	return 0;
}

/* --- taking entries back ---------------------------------------------------------------------- */

/* Pages of one slot that lie close together are protected at once. */
struct batch {
	struct rd_vm *vm;
	struct rd_slot *slot;
	u64 first; /* a multiple of 64 */
	unsigned long mask;
	bool flush;
};

static void batch_protect(struct batch *b)
{
	if (b->mask)
		b->flush |= rd_mmu_write_protect_mask(b->vm, b->slot, b->first, b->mask);
	b->mask = 0;
	cond_resched_rwlock_write(&b->vm->mmu.lock);
}

static void batch_add(struct batch *b, struct rd_slot *s, u64 offset)
{
	u64 first = offset & ~63ULL;

	if (b->mask && (b->slot != s || b->first != first))
		batch_protect(b);
	b->slot = s;
	b->first = first;
	b->mask |= 1UL << (offset & 63);
}

/* The slot that user space's copy of the entry names, if there is such a page. slots_lock held. */
static struct rd_slot *entry_slot(struct rd_vm *vm, u32 id, u64 offset)
{
	struct rd_slots *t = rcu_dereference_protected(vm->slots, lockdep_is_held(&vm->slots_lock));
	struct rd_slot *s = id < RD_MAX_SLOTS ? t->by_id[id] : NULL;

	return s && offset < s->npages ? s : NULL;
}

/* slots_lock and mmu.lock (write) held. How many entries were taken, but not given back yet. */
static u32 take_ring(struct rd_vm *vm, struct rd_ring *r, struct batch *b)
{
	u32 end = smp_load_acquire(&r->added), i;

	for (i = r->reset; i != end; i++) {
		struct kvm_dirty_gfn *e = &r->entries[i & (r->size - 1)];
		u64 offset;
		struct rd_slot *s;

		if (!(smp_load_acquire(&e->flags) & KVM_DIRTY_GFN_F_RESET))
			break;
		offset = READ_ONCE(e->offset);
		s = entry_slot(vm, READ_ONCE(e->slot), offset);
		if (s)
			batch_add(b, s, offset);
	}
	batch_protect(b);
	return i - r->reset;
}

/* The pages are protected in all TLBs: the entries are free. */
static void free_entries(struct rd_ring *r, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		WRITE_ONCE(r->entries[(r->reset + i) & (r->size - 1)].flags, 0);
	/* Paired with the dependency of a store on in_use(). */
	smp_store_release(&r->reset, r->reset + n);
}

static u32 reset_ring(struct rd_vm *vm, struct rd_ring *r)
{
	struct batch b = { .vm = vm };
	u32 n;

	write_lock(&vm->mmu.lock);
	n = take_ring(vm, r, &b);
	if (b.flush)
		rd_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu.lock);
	free_entries(r, n);
	return n;
}

int rd_vm_reset_rings(struct rd_vm *vm)
{
	struct rd_vcpu *v;
	u32 i, n = 0;

	if (!vm->dirty_ring_bytes)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	rd_for_each_vcpu(i, v, vm)
		n += reset_ring(vm, &v->ring);
	mutex_unlock(&vm->slots_lock);
	return n;
}
