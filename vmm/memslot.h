/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory slots: which guest-physical pages are backed by which addresses of the VMM process (K).
 * Invariant: a struct rd_slots and its slots are immutable once published, but for dirty bitmaps
 * (atomic bits); they are freed only after every reader has left the old table (rd_vm_sync()).
 * Readers: vCPU threads from KVM_RUN to its end, but while blocked; everybody else takes vm->srcu
 * around the access. Writers: vm->slots_lock.
 */
#ifndef RD_VMM_MEMSLOT_H
#define RD_VMM_MEMSLOT_H

#include <linux/srcu.h>
#include "kmod/base.h"

#define RD_MAX_SLOTS 1024
#define RD_MAX_SLOT_PAGES ((1UL << 31) - 1)

struct rd_vm;
struct rd_vcpu;

struct rd_slot {
	u64 base_gfn;
	u64 npages;
	unsigned long hva;         /* of base_gfn, in the VMM's address space */
	u32 flags;                 /* KVM_MEM_* */
	u16 id;
	u8 reasons;                /* BIT(enum rd_prot_reason) that hold for all its pages */
	/*
	 * NULL without KVM_MEM_LOG_DIRTY_PAGES, and in a VM with dirty rings; shared by successive
	 * versions of the slot: one bit per page, then as much room for a snapshot.
	 */
	unsigned long *dirty;
};

struct rd_slots {
	u64 generation;            /* never twice in a VM: is a cached slot of this table? */
	u32 nr;
	/* [mmu.lock] Gone for faults, but still mapped: the MMU notifier sees it until zapped. */
	struct rd_slot *dying;
	struct rd_slot *by_gfn[RD_MAX_SLOTS];  /* sorted, disjoint */
	struct rd_slot *by_id[RD_MAX_SLOTS];
};

static inline bool rd_slot_has(const struct rd_slot *s, u64 gfn)
{
	return gfn - s->base_gfn < s->npages;
}

static inline unsigned long rd_slot_hva(const struct rd_slot *s, u64 gfn)
{
	return s->hva + ((gfn - s->base_gfn) << RD_PAGE_SHIFT);
}

/* Binary search. NULL: no slot (MMIO). Caller reads under vm->srcu. */
struct rd_slot *rd_slot_find(const struct rd_slots *slots, u64 gfn);
/* For the vCPU's own thread: the last slot found is tried first. */
struct rd_slot *rd_vcpu_slot(struct rd_vcpu *v, u64 gfn);

int rd_slots_init(struct rd_vm *vm);
void rd_slots_destroy(struct rd_vm *vm);
/*
 * KVM_SET_USER_MEMORY_REGION: create, delete (size 0), move, change flags. -EINVAL -EEXIST
 * -ENOMEM. Takes slots_lock; vm->srcu not held.
 */
int rd_slots_set(struct rd_vm *vm, const struct kvm_userspace_memory_region *r);
/*
 * No slot may lie in the range from now on, and there accesses read ones and drop writes, as those
 * to the EPC from outside an enclave do. Once per VM, before its first vCPU. -EEXIST: a slot is
 * there; -EINVAL: it ends behind what the CPU can address. slots_lock held.
 */
int rd_slots_reserve(struct rd_vm *vm, u64 gfn, u64 npages);
/*
 * KVM_GET_DIRTY_LOG: fetch and clear, re-protect, flush (with manual protect: only fetch).
 * KVM_CLEAR_DIRTY_LOG: clear and re-protect. -EINVAL bad slot number or range, -ENOENT no such
 * slot or no log, -ENXIO the VM has dirty rings, -EFAULT. Take slots_lock.
 */
int rd_slots_get_dirty(struct rd_vm *vm, const struct kvm_dirty_log *log);
int rd_slots_clear_dirty(struct rd_vm *vm, const struct kvm_clear_dirty_log *log);
/* Does the slot keep a log of writes, as a bitmap or in the vCPUs' rings? */
static inline bool rd_slot_logs(const struct rd_slot *s)
{
	return s->flags & KVM_MEM_LOG_DIRTY_PAGES;
}

void rd_ring_push(struct rd_vcpu *v, const struct rd_slot *s, u64 gfn); /* vmm/dirty_ring.c */

/*
 * Record a write of v to the page, if the slot keeps a log. Under mmu.lock, or after the write with
 * a full barrier in between. v->mutex held.
 */
static inline void rd_mark_dirty(struct rd_vcpu *v, struct rd_slot *s, u64 gfn)
{
	unsigned long bit = gfn - s->base_gfn;

	/* Most writes hit pages that are dirty already: do not take the cache line for these. */
	if (s->dirty && !test_bit(bit, s->dirty))
		set_bit(bit, s->dirty);
	else if (!s->dirty && rd_slot_logs(s))
		rd_ring_push(v, s, gfn);
}

/*
 * Guest-physical memory access, may cross pages, marks pages dirty on writes. Process context,
 * current->mm is the VM's mm. -EFAULT: no slot, read-only (write), or the page cannot be had. The
 * vcpu forms use the vCPU's cached slot.
 */
int rd_vcpu_read_gpa(struct rd_vcpu *v, u64 gpa, void *buf, unsigned int len);
/*
 * The writes ask the write traces (vmm/trace.h), which may stop them: -EFAULT, too. The forms with
 * _asked are for what has asked: the emulator, for the guest's own instructions.
 */
int rd_vcpu_write_gpa(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len);
int rd_vcpu_write_gpa_asked(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len);
int rd_vm_read_gpa(struct rd_vm *vm, u64 gpa, void *buf, unsigned int len);
/*
 * Compare-exchange of 1, 2, 4, 8 or 16 bytes inside a page. 0 exchanged, 1 differed (*old
 * updated), -EFAULT. Atomic, but where the operand crosses a cache line: there the host would pay
 * for a split lock, so it is a read and a write. 16 bytes must be aligned.
 */
int rd_vcpu_cmpxchg_gpa(struct rd_vcpu *v, u64 gpa, void *old, const void *new_val,
			unsigned int len);
int rd_vcpu_cmpxchg_gpa_asked(struct rd_vcpu *v, u64 gpa, void *old, const void *new_val,
			      unsigned int len);

#endif
