/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The nested page table of a VM, filled on demand from the memory slots, emptied by the MMU notifier (K; the entry format is P).
 * Invariant: an entry that maps a host page is never left in place after the notifier told of that page's invalidation, and is never
 * wider (more permissions, bigger page) than every reason to stop an access allows (vmm/prot.h).
 */
#ifndef RD_VMM_MMU_H
#define RD_VMM_MMU_H

#include <linux/mmu_notifier.h>
#include "kmod/base.h"

struct rd_vm;
struct rd_vcpu;
struct rd_slot;

/* A vendor's page-table entry, as data, so that the fault path makes no indirect call. */
struct rd_pt_format {
	u64 table;      /* bits of an entry that points to a lower table */
	u64 leaf;       /* bits of every leaf */
	u64 large;      /* set in a leaf above level 1 */
	u64 present;    /* any of these bits set: present */
	u64 write;      /* set: writable */
	u64 exec_set, exec_clear; /* executable leaf: e | exec_set; not executable: e | exec_clear */
	u64 accessed, dirty;
	u64 memtype_wb, memtype_uc; /* leaf bits for write-back and uncached */
	u64 pa_mask;
	u8 levels;
	u8 max_leaf_level; /* 1: 4 KiB only, 2: 2 MiB, 3: 1 GiB */
};

struct rd_mmu {
	rwlock_t lock;             /* read: faults fill empty entries by cmpxchg; write: everything that removes or narrows */
	const struct rd_pt_format *fmt;
	u64 *root;
	u64 root_pa;
	struct mmu_notifier notifier;
	unsigned long inval_seq;   /* changes when an invalidation ends */
	int inval_count;           /* > 0 while one is under way */
	unsigned long inval_start, inval_end; /* host-virtual range under way (union) */
	atomic_long_t nr_pages;    /* table pages */
};

enum rd_fault_result {
	RD_PF_FIXED,     /* mapped (or was already): run the guest again */
	RD_PF_EMULATE,   /* no slot: MMIO; or a write to a read-only slot: emulate, the write goes to user space */
	RD_PF_RETRY,     /* lost a race: run again */
	RD_PF_USER,      /* v->run is filled: leave to user space */
	/* negative errno: user space gets it from KVM_RUN (-EFAULT: the VMM's mapping is missing) */
};

int rd_mmu_init(struct rd_vm *vm);
void rd_mmu_destroy(struct rd_vm *vm);     /* all vCPUs gone */
void rd_mmu_release(struct rd_vm *vm);     /* drop the notifier */
/* Hot. acc: RD_ACC_READ/WRITE/FETCH. Process context, may sleep. Caller holds vm->srcu. */
int rd_mmu_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc);
/* Slot changes, from vmm/memslot.c under slots_lock. Each ends with a remote TLB flush if something was removed. */
void rd_mmu_zap_slot(struct rd_vm *vm, const struct rd_slot *s);
void rd_mmu_write_protect_slot(struct rd_vm *vm, const struct rd_slot *s);
/* Write-protect the pages of the slot whose bit is set in mask, base offset first (in pages); no flush: returns true if one is needed. */
bool rd_mmu_write_protect_mask(struct rd_vm *vm, const struct rd_slot *s, u64 first, unsigned long mask);
/* After logging stopped: let large pages come back. */
void rd_mmu_recover_large(struct rd_vm *vm, const struct rd_slot *s);

#endif
