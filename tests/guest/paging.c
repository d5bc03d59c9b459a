// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes to the identity map that the host set up in 2 MiB steps: single pages are mapped by
 * splitting the large page that covers them. Covers addresses below 4 GiB.
 */
#include "tests/guest/guest.h"

u64 *pde_of(ulong gva)
{
	return (u64 *)RDP_PD_GPA + (gva >> 21 & 0x7ff);
}

u64 *pte_of(ulong gva)
{
	u64 *pde = pde_of(gva);

	if (*pde & PTE_PS) {
		u64 *table = alloc_page();
		u64 entry = *pde & ~PTE_PS;

		for (u32 i = 0; i < 512; i++)
			table[i] = entry + i * PAGE_SIZE;
		*pde = (ulong)table | PTE_P | PTE_W | PTE_U | PTE_A;
		write_cr3(read_cr3());
	}
	return (u64 *)(*pde & PTE_ADDR) + (gva >> 12 & 0x1ff);
}

void map_page(ulong gva, u64 gpa, u64 flags)
{
	*(volatile u64 *)pte_of(gva) = gpa | flags;
	invlpg((void *)gva);
}
