/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory slots: which guest-physical pages are backed by which addresses of the VMM process (K).
 * Invariant: a struct rd_slots and its slots are immutable once published, but for dirty bitmaps (atomic bits); they are freed
 * only after every vCPU has left the old table (SRCU). Readers: vCPU threads hold vm->srcu from KVM_RUN to its end (they drop it
 * on RD_REQ_QUIESCE and while blocked); everybody else takes it around the access. Writers: vm->slots_lock.
 */
#ifndef RD_VMM_MEMSLOT_H
#define RD_VMM_MEMSLOT_H

#include <linux/srcu.h>
#include "kmod/base.h"

#define RD_MAX_SLOTS 1024
#define RD_GFN_MAX BIT_ULL(40)   /* 52-bit guest-physical addresses */

struct rd_vm;
struct rd_vcpu;

struct rd_slot {
	u64 base_gfn;
	u64 npages;
	unsigned long hva;         /* of base_gfn, in the VMM's address space */
	u32 flags;                 /* KVM_MEM_* */
	u16 id;
	unsigned long *dirty;      /* one bit per page, NULL without KVM_MEM_LOG_DIRTY_PAGES; shared by successive versions of the slot */
};

struct rd_slots {
	u64 generation;
	u32 nr;
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
/* KVM_SET_USER_MEMORY_REGION: create, delete (size 0), move, change flags. -EINVAL -EEXIST -ENOMEM. Takes slots_lock. */
int rd_slots_set(struct rd_vm *vm, const struct kvm_userspace_memory_region *r);
/* KVM_GET_DIRTY_LOG: fetch and clear, re-protect, flush. KVM_CLEAR_DIRTY_LOG with manual protect. */
int rd_slots_get_dirty(struct rd_vm *vm, const struct kvm_dirty_log *log);
int rd_slots_clear_dirty(struct rd_vm *vm, const struct kvm_clear_dirty_log *log);
void rd_slot_mark_dirty(struct rd_slot *s, u64 gfn);

/*
 * Guest-physical memory access, may cross pages, marks pages dirty on writes. Process context, current->mm is the VM's mm.
 * -EFAULT: no slot, read-only (write), or the page cannot be had. The vcpu forms use the vCPU's cached slot.
 */
int rd_vcpu_read_gpa(struct rd_vcpu *v, u64 gpa, void *buf, unsigned int len);
int rd_vcpu_write_gpa(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len);
int rd_vm_read_gpa(struct rd_vm *vm, u64 gpa, void *buf, unsigned int len);
int rd_vm_write_gpa(struct rd_vm *vm, u64 gpa, const void *buf, unsigned int len);
/* Atomic compare-exchange of 1, 2, 4, 8 (16 with cmpxchg16b) bytes inside a page. 0 exchanged, 1 differed (*old updated), -EFAULT. */
int rd_vcpu_cmpxchg_gpa(struct rd_vcpu *v, u64 gpa, void *old, const void *new_val, unsigned int len);

#endif
