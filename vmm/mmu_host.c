// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side of a nested fault: which page lies at an address of the VMM (K).
 * Invariant: no reference to a page is held. The host's page table is read as it is, and the MMU
 * notifier's sequence tells whether what was read still holds when it is put into the nested table
 * (vmm/mmu.c): every change that takes a page or a permission away is announced there.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include "vmm/mmu_priv.h"

/*
 * From the flag bits of a leaf: these mean the same at every level. Entries that only look present
 * (NUMA hints) lack the present bit.
 */
static bool take_leaf(struct rd_host_page *p, u64 pfn, unsigned int level, pteval_t flags)
{
	if (!(flags & _PAGE_PRESENT))
		return false;
	p->pfn = pfn;
	p->level = level;
	p->write = flags & _PAGE_RW;
	p->dirty = flags & _PAGE_DIRTY;
	p->young = flags & _PAGE_ACCESSED;
	p->special = flags & _PAGE_SPECIAL;
	/*
	 * Pages of devices have no struct page; the zero page is special too, but memory like any
	 * other.
	 */
	p->uncached = p->special && !is_zero_pfn(pfn) && !pfn_valid(pfn);
	return true;
}

/* Interrupts off keep the tables from being freed while they are read. */
static bool walk(struct mm_struct *mm, unsigned long hva, struct rd_host_page *p)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;

	if (pgd_none(pgd))
		return false;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!(pud_flags(pud) & _PAGE_PRESENT))
		return false;
	if (pud_leaf(pud))
		return take_leaf(p, pud_pfn(pud) + ((hva & ~PUD_MASK) >> PAGE_SHIFT), 3,
				 pud_flags(pud));
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!(pmd_flags(pmd) & _PAGE_PRESENT))
		return false;
	if (pmd_leaf(pmd))
		return take_leaf(p, pmd_pfn(pmd) + ((hva & ~PMD_MASK) >> PAGE_SHIFT), 2,
				 pmd_flags(pmd));
	pte = READ_ONCE(*pte_offset_kernel(&pmd, hva));
	return take_leaf(p, pte_pfn(pte), 1, pte_flags(pte));
}

bool rd_host_walk(struct mm_struct *mm, unsigned long hva, struct rd_host_page *p)
{
	unsigned long flags;
	bool found;

	local_irq_save(flags);
	found = walk(mm, hva, p);
	local_irq_restore(flags);
	return found;
}

/* A page lost to a memory error: the VMM gets the signal that it would get for its own access. */
static int poisoned(unsigned long hva, bool write)
{
	long ret = get_user_pages_unlocked(hva, 1, NULL, FOLL_HWPOISON | (write ? FOLL_WRITE : 0));

	if (ret != -EHWPOISON)
		return -EFAULT;
	send_sig_mceerr(BUS_MCEERR_AR, (void __user *)hva, PAGE_SHIFT, current);
	return -EINTR;
}

int rd_host_fault_in(unsigned long hva, bool write)
{
	bool unlocked = false;
	int ret;

	mmap_read_lock(current->mm);
	ret = fixup_user_fault(current->mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
	mmap_read_unlock(current->mm);
	return ret == -EFAULT ? poisoned(hva, write) : ret;
}

/*
 * The guest's accesses do not go through the host's entry, so its dirty and accessed bits will not
 * tell of them. Dirty is recorded when the page becomes writable, not when it is unmapped:
 * whatever cleans a page announces that first, the mapping goes, and comes back through here.
 */
void rd_host_note_use(const struct rd_host_page *p, bool write)
{
	struct page *page;

	if (likely((!write || p->dirty) && p->young) || p->special)
		return;
	page = pfn_to_page(p->pfn);
	if (PageReserved(page))
		return;
	if (write && !p->dirty && !PageDirty(page))
		SetPageDirty(page);
	if (!p->young)
		mark_page_accessed(page);
}
