/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files vmm/mmu*.c share (K).
 * Invariant: nobody else includes it.
 */
#ifndef RD_VMM_MMU_PRIV_H
#define RD_VMM_MMU_PRIV_H

#include <linux/mm.h>
#include "vmm/memslot.h"
#include "vmm/mmu.h"
#include "vmm/vm.h"

/* What the host's own page table says of a host-virtual page. */
struct rd_host_page {
	u64 pfn;        /* of the 4 KiB page asked for */
	u8 level;       /* of the host's leaf */
	bool write;
	bool dirty;     /* the host's entry records that the page is dirty */
	bool young;
	bool special;   /* no struct page behind it that may be touched */
	bool uncached;  /* no memory of the host: device registers */
};

/*
 * mmu_host.c. hva is below TASK_SIZE. False: nothing is mapped (or not for use without a fault).
 * Any context where mm stays.
 */
bool rd_host_walk(struct mm_struct *mm, unsigned long hva, struct rd_host_page *p);
/*
 * Have the host map the page: 0 look again; -EINTR a signal wants attention; -EFAULT, -ENOMEM.
 * current->mm; may sleep.
 */
int rd_host_fault_in(unsigned long hva, bool write);
/*
 * Tell the host what a mapping that is being made implies for the page. Only while the notifier
 * cannot take it away (mmu.lock).
 */
void rd_host_note_use(const struct rd_host_page *p, bool write);

static inline u64 *rd_mmu_child(const struct rd_mmu *mmu, u64 e)
{
	return __va(rd_pt_table_pa(mmu->fmt, e) & ~mmu->me_mask);
}

/* Free the table pages that a vCPU holds ready. It does not run. */
void rd_mmu_drop_cache(struct rd_vcpu *v);

/*
 * The leaf that maps gfn in the table with that root, or NULL; its level, and its value as it was
 * found: while the lock is held for read only, a large leaf may become a table at any moment, so do
 * not read it again.
 */
u64 *rd_mmu_leaf(const struct rd_mmu *mmu, u64 *root, u64 gfn, unsigned int *level, u64 *value);

/*
 * mmu_zap.c. Collects what must be flushed and freed; between begin and end mmu.lock is held for
 * write.
 */
struct rd_zapper {
	struct rd_vm *vm;
	/* Table pages, by page->lru: a CPU may walk them, so they keep their contents till then. */
	struct list_head dead;
	bool flush;
	bool yield;             /* the lock may be dropped on the way */
};

void rd_zap_begin(struct rd_zapper *z, struct rd_vm *vm, bool yield);
/* Guest pages [first, end), in the VM's table and in its views. */
void rd_zap_range(struct rd_zapper *z, u64 first, u64 end);
/* The same in one view, or in all, where they are. */
void rd_zap_view(struct rd_zapper *z, enum rd_view which, u64 first, u64 end);
void rd_zap_views(struct rd_zapper *z, u64 first, u64 end);
void rd_zap_end(struct rd_zapper *z);
/* Empty a present entry of that level. */
void rd_zap_entry(struct rd_zapper *z, u64 *e, unsigned int level);
/* Take write permission from a leaf, if it has it. True: a flush is needed before that holds. */
bool rd_zap_write(const struct rd_pt_format *fmt, u64 *e);
/* Let others have the lock, if z may yield and somebody waits. */
void rd_zap_breathe(struct rd_zapper *z);
/*
 * Where gfn is mapped smaller than it could be, unmap it as far as the large page would reach.
 * Returns the first page behind what was looked at.
 */
u64 rd_zap_recover(struct rd_zapper *z, const struct rd_slot *s, u64 gfn);
/* All table pages with the root. No vCPU exists any more. */
void rd_mmu_free_tables(struct rd_vm *vm);

/* mmu_notifier.c */
int rd_mmu_notifier_init(struct rd_vm *vm);

#endif
