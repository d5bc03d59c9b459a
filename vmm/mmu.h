/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The nested page table of a VM, filled on demand from the memory slots, emptied by the MMU
 * notifier (K; the entry format is P).
 * Invariant: an entry that maps a host page is never left in place after the notifier told of that
 * page's invalidation, and is never wider (more permissions, bigger page) than every reason to
 * stop an access allows (vmm/prot.h).
 */
#ifndef RD_VMM_MMU_H
#define RD_VMM_MMU_H

#include <linux/mmu_notifier.h>
#include "kmod/base.h"
#include "vmm/prot.h"
#include "vmm/prot_map.h"
#include "vmm/pt.h"

struct page;
struct rd_vm;
struct rd_vcpu;
struct rd_slot;

/* Who runs on a nested table of its own. */
enum rd_view {
	RD_VIEW_MODE,              /* integrity mode (vmm/mode.h) */
	RD_VIEW_APART,             /* a subsystem's tables (vmm/apart.h) */
	RD_NR_VIEWS
};

/*
 * Lock: [L] changed under lock held for write, read under either. Order: vm->srcu, prot_lock, then
 * lock; nothing is taken under it. What removes or narrows translations flushes the TLBs before it
 * lets go of the lock, so whoever finds an entry gone may rely on it.
 */
struct rd_mmu {
	rwlock_t lock;             /* read: faults add by cmpxchg; write: what removes or narrows */
	const struct rd_pt_format *fmt;
	u64 *root;
	u64 root_pa;               /* with the memory encryption bit, where the host uses it */
	u64 *view[RD_NR_VIEWS];    /* [L] further tables; NULL: none */
	u64 view_pa[RD_NR_VIEWS];
	u64 me_mask;               /* that bit, or 0 */
	u64 max_gfn;               /* slots must end below */
	struct mmu_notifier notifier;
	unsigned long inval_seq;   /* [L] changes when an invalidation ends */
	int inval_count;           /* [L] > 0 while one is under way */
	unsigned long inval_start, inval_end; /* [L] host-virtual range under way (union) */
	wait_queue_head_t inval_wait; /* faults that met an invalidation, until one ends */
	bool registered;           /* the notifier is */
	atomic_long_t nr_pages;    /* table pages */
	struct rd_prot_map prot;   /* [L] reasons of single pages; get: any context */
	struct mutex prot_lock;    /* around changes of it, outside lock */
};

/*
 * Table pages at hand, so that nothing is allocated under the lock: enough for a path from the
 * root to a leaf.
 */
struct rd_mmu_cache {
	u8 nr;
	void *page[RD_PT_MAX_LEVEL - 1];
};

enum rd_fault_result {
	RD_PF_FIXED,     /* mapped (or was already): run the guest again */
	RD_PF_EMULATE,   /* no slot: MMIO; or a write to a read-only slot: it goes to user space */
	RD_PF_TRACED,    /* a write to a traced page: emulate it, which asks the traces */
	RD_PF_RETRY,     /* lost a race: run again */
	RD_PF_USER,      /* v->run is filled: leave to user space */
	/* negative errno: for KVM_RUN to return (-EFAULT: the VMM's mapping is missing) */
};

/*
 * The life of the table: rd_mmu_init() (current->mm is the VM's; registers the notifier, so
 * vm->srcu, slots and rd_hw->pt must be there; -ENOMEM), rd_mmu_release() (drops the notifier and
 * what the vCPUs hold; before these are freed), rd_mmu_destroy() (the table itself).
 */
int rd_mmu_init(struct rd_vm *vm);
void rd_mmu_release(struct rd_vm *vm);
void rd_mmu_destroy(struct rd_vm *vm);
/* Hot. acc: RD_ACC_READ/WRITE/FETCH. Process context, may sleep. Caller holds vm->srcu. */
int rd_mmu_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc);
/*
 * Slot changes, from vmm/memslot.c under slots_lock, process context. Each ends with a remote TLB
 * flush if something was removed. The slot must be out of reach of faults (zap) or its new flags
 * in force for all of them (write protection).
 */
void rd_mmu_zap_slot(struct rd_vm *vm, const struct rd_slot *s);
void rd_mmu_write_protect_slot(struct rd_vm *vm, const struct rd_slot *s);
/*
 * Write-protect the pages of the slot whose bit is set in mask, base offset first (in pages); no
 * flush: returns true if one is needed.
 */
bool rd_mmu_write_protect_mask(struct rd_vm *vm, const struct rd_slot *s, u64 first,
			       unsigned long mask);
/* After logging stopped: let large pages come back. */
void rd_mmu_recover_large(struct rd_vm *vm, const struct rd_slot *s);
/*
 * vmm/mmu_prot.c: give pages [gfn, gfn + npages) a reason to stop accesses, or take it away. When
 * protect returns, no translation of any vCPU allows any more what the reason stops, and nothing
 * makes one that does before unprotect. Pages without a slot can have reasons, too: they hold once
 * there is one. -ENOMEM, -EINVAL (no such pages), -ENOSPC (too many blocks of them): nothing
 * changed. Sleep; take prot_lock. Caller holds vm->srcu or is a vCPU's thread in KVM_RUN.
 */
int rd_mmu_protect(struct rd_vm *vm, u64 gfn, u64 npages, enum rd_prot_reason reason);
/* Narrow what maps a page with reasons again, after it was opened for one vCPU. As above. */
void rd_mmu_close(struct rd_vm *vm, u64 gfn);
void rd_mmu_unprotect(struct rd_vm *vm, u64 gfn, u64 npages, enum rd_prot_reason reason);

/*
 * Views: further nested tables, which a vCPU runs on instead of the VM's. They map single pages and
 * lose them with the VM's own table.
 *
 * Make one (-ENOMEM; it stays until the VM ends); empty it, or take a page out of it: on return no
 * vCPU uses what was mapped.
 */
int rd_mmu_view_init(struct rd_vm *vm, enum rd_view which);
void rd_mmu_view_clear(struct rd_vm *vm, enum rd_view which);
void rd_mmu_view_unmap(struct rd_vm *vm, enum rd_view which, u64 gfn);
/*
 * A fault in integrity mode's view. allow: RD_ACC_ bits that follow from the page's reasons, which
 * the caller has read; if these change, the page goes. RD_PF_FIXED, _RETRY, _EMULATE: it is not for
 * that access; -errno. Caller as for rd_mmu_fault().
 */
int rd_mmu_view_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc, u8 reasons, unsigned int allow);
/* A fault in RD_VIEW_APART: what the VM's own table would map. As rd_mmu_fault(). */
int rd_mmu_apart_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc);
/*
 * Map a page of the module's at a guest page where the guest sees something else, or nothing; to
 * be read and written, and executed if so told.
 * RD_PF_FIXED, -ENOMEM.
 */
int rd_mmu_view_page(struct rd_vcpu *v, enum rd_view which, u64 gfn, struct page *page, bool exec);

/* What a fault of a vCPU is for: allow is 0 but while it is one of a view. */
struct rd_mmu_view_ask {
	u8 allow, reasons;
	u8 which; /* enum rd_view */
};

#endif
