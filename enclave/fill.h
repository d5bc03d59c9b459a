/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page tables that a vCPU has inside an enclave (P): built one page at a time from what was
 * proven of it, emptied at once.
 * Invariant: an entry of the last level exists only if rd_fills_put() made it since the last
 * rd_fills_clear(); all of them say user, accessed and dirty, so the CPU never writes to the
 * tables.
 */
#ifndef RD_ENCLAVE_FILL_H
#define RD_ENCLAVE_FILL_H

#include "kmod/base.h"

#define RD_FILL_TABLES 32U
#define RD_FILL_NOTED 96U

struct rd_fills {
	u64 *table[RD_FILL_TABLES];
	u64 base; /* guest-physical address of the first, the others follow */
	u32 used; /* tables that are linked; the first is the root */
	u8 levels; /* 4 or 5 */
	u32 noted; /* entries to be emptied; above RD_FILL_NOTED: all tables */
	u64 *note[RD_FILL_NOTED];
};

/* -ENOMEM. May sleep. */
int rd_fills_init(struct rd_fills *f, u64 base);
void rd_fills_destroy(struct rd_fills *f);
/* For an address space of so many levels: empty, if it was another number. */
void rd_fills_levels(struct rd_fills *f, u8 levels);
void rd_fills_clear(struct rd_fills *f);
/* One page less. */
void rd_fills_drop(struct rd_fills *f, u64 la);
/*
 * Map the page of la at gpa, with what it was mapped with before if that was the same page.  false:
 * no table is left; clear and try again, then it works.
 */
bool rd_fills_put(struct rd_fills *f, u64 la, u64 gpa, bool write, bool exec);

#endif
