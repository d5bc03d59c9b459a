/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty ring of a vCPU (K): the pages that it wrote, in order, in memory that user space maps.
 * Takes the place of the slots' bitmaps in a VM that asks for it (KVM_CAP_DIRTY_LOG_RING).
 * Invariant: only the vCPU's thread (v->mutex) adds, only rd_vm_reset_rings() (slots_lock) takes
 * away; what user space writes into an entry is never trusted.
 */
#ifndef RD_VMM_DIRTY_RING_H
#define RD_VMM_DIRTY_RING_H

#include <linux/kvm.h>
#include "kmod/base.h"

#define RD_RING_MAX_BYTES (65536 * sizeof(struct kvm_dirty_gfn))

struct page;
struct rd_vm;
struct rd_vcpu;

struct rd_ring {
	struct kvm_dirty_gfn *entries; /* NULL: the VM has none */
	u32 size; /* entries, a power of two */
	u32 added, reset; /* count up and wrap: added - reset entries are in use */
};

/* At vCPU creation. -ENOMEM. */
int rd_ring_alloc(struct rd_vcpu *v);
void rd_ring_free(struct rd_vcpu *v);
/* So full that the guest may not go on until user space has reset entries. */
bool rd_ring_full(const struct rd_vcpu *v);
/* The page at this page offset of the vCPU's mapping, NULL if it is none of the ring's. */
struct page *rd_ring_page(const struct rd_vcpu *v, unsigned long pgoff);

/* KVM_CAP_DIRTY_LOG_RING. vm->lock held. -EINVAL, -E2BIG. */
int rd_vm_enable_ring(struct rd_vm *vm, u64 bytes);
/*
 * KVM_RESET_DIRTY_RINGS: protect again the pages of the entries that user space has taken; how many
 * there were. -EINVAL: the VM has no rings. Takes slots_lock.
 */
int rd_vm_reset_rings(struct rd_vm *vm);

#endif
