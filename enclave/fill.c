// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of a vCPU inside an enclave (P).
 * Invariant: as in enclave/fill.h.
 */
#include "enclave/fill.h"
#include "kmod/host.h"

#define ENTRIES 512U
#define PTE_P BIT_ULL(0)
#define PTE_W BIT_ULL(1)
#define PTE_U BIT_ULL(2)
#define PTE_A BIT_ULL(5)
#define PTE_D BIT_ULL(6)
#define PTE_NX BIT_ULL(63)
#define PTE_ADDR GENMASK_ULL(51, 12)
#define TABLE_BITS (PTE_P | PTE_W | PTE_U | PTE_A)
#define LEAF_BITS (PTE_P | PTE_U | PTE_A | PTE_D)

int rd_fills_init(struct rd_fills *f, u64 base)
{
	u32 i;

	memset(f, 0, sizeof(*f));
	f->base = base;
	f->levels = 4;
	f->used = 1;
	for (i = 0; i < RD_FILL_TABLES; i++) {
		f->table[i] = rd_host_page_alloc();
		if (!f->table[i]) {
			rd_fills_destroy(f);
			return -ENOMEM;
		}
	}
	return 0;
}

void rd_fills_destroy(struct rd_fills *f)
{
	u32 i;

	for (i = 0; i < RD_FILL_TABLES; i++)
		if (f->table[i])
			rd_host_page_free(f->table[i]);
	memset(f, 0, sizeof(*f));
}

/* Links between tables go, too. */
static void forget_tables(struct rd_fills *f)
{
	u32 i;

	for (i = 0; i < f->used; i++)
		memset(f->table[i], 0, RD_PAGE_SIZE);
	f->used = 1;
	f->noted = 0;
}

void rd_fills_levels(struct rd_fills *f, u8 levels)
{
	if (f->levels != levels)
		forget_tables(f);
	f->levels = levels;
}

void rd_fills_clear(struct rd_fills *f)
{
	u32 i;

	if (f->noted > RD_FILL_NOTED) {
		forget_tables(f);
		return;
	}
	for (i = 0; i < f->noted; i++)
		*f->note[i] = 0;
	f->noted = 0;
}

static u64 *entry_of(u64 *table, u64 la, unsigned int level)
{
	return &table[la >> (3 + 9 * level) & (ENTRIES - 1)];
}

static u64 *child_of(const struct rd_fills *f, u64 entry)
{
	return f->table[((entry & PTE_ADDR) - f->base) / RD_PAGE_SIZE];
}

void rd_fills_drop(struct rd_fills *f, u64 la)
{
	u64 *table = f->table[0], *e;
	unsigned int level;

	for (level = f->levels; level > 1; level--) {
		e = entry_of(table, la, level);
		if (!*e)
			return;
		table = child_of(f, *e);
	}
	*entry_of(table, la, 1) = 0;
}

bool rd_fills_put(struct rd_fills *f, u64 la, u64 gpa, bool write, bool exec)
{
	u64 *table = f->table[0], *e, leaf = (gpa & PTE_ADDR) | LEAF_BITS;
	unsigned int level;

	for (level = f->levels; level > 1; level--) {
		e = entry_of(table, la, level);
		if (!*e) {
			if (f->used == RD_FILL_TABLES) {
				/* Nothing less than all of them makes room. */
				f->noted = RD_FILL_NOTED + 1;
				return false;
			}
			*e = (f->base + f->used * RD_PAGE_SIZE) | TABLE_BITS;
			f->used++;
		}
		table = child_of(f, *e);
	}
	e = entry_of(table, la, 1);
	if ((*e & PTE_ADDR) == (gpa & PTE_ADDR) && *e) {
		write |= !!(*e & PTE_W);
		exec |= !(*e & PTE_NX);
	}
	if (!*e) {
		if (f->noted < RD_FILL_NOTED)
			f->note[f->noted] = e;
		if (f->noted <= RD_FILL_NOTED)
			f->noted++;
	}
	*e = leaf | (write ? PTE_W : 0) | (exec ? 0 : PTE_NX);
	return true;
}
