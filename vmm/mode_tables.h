/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page tables that a vCPU runs on in integrity mode (P): the image of the guest's driver at
 * RD_MODE_BASE, all memory at RD_MODE_MEMORY (kmod/uapi/redoubt_guest.h).
 * Invariant: nothing but the image's code can be executed; code cannot be written; the accessed and
 * dirty bits are set from the start, so the CPU never has to change the tables.
 */
#ifndef RD_VMM_MODE_TABLES_H
#define RD_VMM_MODE_TABLES_H

#include "kmod/base.h"
#include "kmod/uapi/redoubt_guest.h"

/* One table page each; the first one is what CR3 names. */
#define RD_MODE_TABLES 5

/*
 * Fill the tables, which are zero and lie at guest pages first_gfn on, for an image of n pages (up
 * to RD_MODE_MAX_PAGES) of which the first are code. Needs 1 GiB pages.
 */
void rd_mode_tables_fill(u64 *const table[RD_MODE_TABLES], u64 first_gfn, const u64 *image,
			 unsigned int n, unsigned int code);

#endif
