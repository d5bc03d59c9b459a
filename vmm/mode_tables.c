// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of integrity mode (P). Invariant: as in vmm/mode_tables.h.
 */
#include "vmm/mode_tables.h"

#define ENTRIES 512
#define PTE_P BIT_ULL(0)
#define PTE_W BIT_ULL(1)
#define PTE_PS BIT_ULL(7)
#define PTE_NX BIT_ULL(63)
/* Accessed and dirty. */
#define PTE_USED (BIT_ULL(5) | BIT_ULL(6))
#define PTE_LEAF (PTE_P | PTE_USED)
#define PTE_TABLE (PTE_P | PTE_W | BIT_ULL(5))

enum { TOP, IMAGE_PDPT, IMAGE_PD, IMAGE_PT, MEMORY_PDPT };

static unsigned int index_at(u64 linear, unsigned int level)
{
	return linear >> (RD_PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

void rd_mode_tables_fill(u64 *const table[RD_MODE_TABLES], u64 first_gfn, const u64 *image,
			 unsigned int n, unsigned int code)
{
	u64 base = first_gfn << RD_PAGE_SHIFT;
	unsigned int i;

	table[TOP][index_at(RD_MODE_BASE, 4)] = (base + IMAGE_PDPT * RD_PAGE_SIZE) | PTE_TABLE;
	table[IMAGE_PDPT][index_at(RD_MODE_BASE, 3)] = (base + IMAGE_PD * RD_PAGE_SIZE) | PTE_TABLE;
	table[IMAGE_PD][index_at(RD_MODE_BASE, 2)] = (base + IMAGE_PT * RD_PAGE_SIZE) | PTE_TABLE;
	for (i = 0; i < n; i++)
		table[IMAGE_PT][i] = (image[i] << RD_PAGE_SHIFT) | PTE_LEAF |
				     (i < code ? 0 : PTE_W | PTE_NX);
	table[TOP][index_at(RD_MODE_MEMORY, 4)] = (base + MEMORY_PDPT * RD_PAGE_SIZE) | PTE_TABLE;
	for (i = 0; i < ENTRIES; i++)
		table[MEMORY_PDPT][i] = (u64)i << 30 | PTE_LEAF | PTE_W | PTE_PS | PTE_NX;
}
