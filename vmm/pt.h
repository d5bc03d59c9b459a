/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nested page-table entries as data (P): a vendor describes its format in one const struct, and
 * the arithmetic on entries is here.
 * Invariant: no function here reads or writes a table; each takes an entry by value and returns
 * one. Levels count from 1 (4 KiB pages) upwards; all formats use 512 entries of 8 bytes per
 * table.
 */
#ifndef RD_VMM_PT_H
#define RD_VMM_PT_H

#include "kmod/base.h"

#define RD_PT_BITS 9
#define RD_PT_ENTRIES 512U
#define RD_PT_MAX_LEVEL 5

/*
 * A vendor's page-table entry, as data, so that the fault path makes no indirect call. Memory-type
 * bits lie at the same place at every level (no PAT bit), so that splitting a large page copies
 * them.
 */
struct rd_pt_format {
	u64 table;      /* bits of an entry that points to a lower table */
	u64 leaf;       /* bits of every leaf */
	u64 large;      /* set in a leaf above level 1 */
	u64 present;    /* any of these bits set: present */
	u64 write;      /* set: writable */
	u64 exec_set, exec_clear; /* executable: first set, second clear; else the reverse */
	u64 accessed, dirty;
	u64 memtype_wb, memtype_uc; /* leaf bits for write-back and uncached */
	u64 pa_mask;
	u64 soft_write; /* ignored by the CPU: the host lets us write, whenever we like */
	u8 levels;
	u8 max_leaf_level; /* 1: 4 KiB only, 2: 2 MiB, 3: 1 GiB */
};

/* Pages of 4 KiB that one entry of a level spans. */
static inline u64 rd_pt_span(unsigned int level)
{
	return 1ULL << (RD_PT_BITS * (level - 1));
}

static inline unsigned int rd_pt_index(u64 gfn, unsigned int level)
{
	return (gfn >> (RD_PT_BITS * (level - 1))) & (RD_PT_ENTRIES - 1);
}

/* First page of the span that an entry of this level covers, and the first page behind it. */
static inline u64 rd_pt_first(u64 gfn, unsigned int level)
{
	return gfn & ~(rd_pt_span(level) - 1);
}

static inline u64 rd_pt_next(u64 gfn, unsigned int level)
{
	return rd_pt_first(gfn, level) + rd_pt_span(level);
}

/* Pages that a format can map: guest frame numbers at or above it have no place in the table. */
static inline u64 rd_pt_max_gfn(const struct rd_pt_format *f)
{
	return 1ULL << (RD_PT_BITS * f->levels);
}

static inline bool rd_pt_present(const struct rd_pt_format *f, u64 e)
{
	return e & f->present;
}

/* Of a present entry. */
static inline bool rd_pt_is_leaf(const struct rd_pt_format *f, u64 e, unsigned int level)
{
	return level == 1 || (e & f->large);
}

/* Physical address of the table below, or of the page that a leaf maps. */
static inline u64 rd_pt_table_pa(const struct rd_pt_format *f, u64 e)
{
	return e & f->pa_mask;
}

static inline u64 rd_pt_leaf_pa(const struct rd_pt_format *f, u64 e, unsigned int level)
{
	return e & f->pa_mask & ~((rd_pt_span(level) << RD_PAGE_SHIFT) - 1);
}

static inline u64 rd_pt_table(const struct rd_pt_format *f, u64 pa)
{
	return pa | f->table;
}

static inline bool rd_pt_writable(const struct rd_pt_format *f, u64 e)
{
	return e & f->write;
}

static inline bool rd_pt_executable(const struct rd_pt_format *f, u64 e)
{
	return (e & f->exec_set) == f->exec_set && !(e & f->exec_clear);
}

/* What a leaf is to permit and how. */
struct rd_pt_perm {
	bool write;
	bool exec;
	bool host_write; /* see rd_pt_format.soft_write */
	bool uncached;
};

/*
 * A leaf for the page at pa (aligned to the level's size). Accessed is set at once, and dirty with
 * write: whoever asks for the leaf is about to use it, and the CPU need not come back to set them.
 */
static inline u64 rd_pt_leaf(const struct rd_pt_format *f, u64 pa, unsigned int level,
			     struct rd_pt_perm p)
{
	u64 e = pa | f->leaf | f->accessed;

	e |= level > 1 ? f->large : 0;
	e |= p.write ? f->write | f->dirty : 0;
	e |= p.exec ? f->exec_set : f->exec_clear;
	e |= p.host_write ? f->soft_write : 0;
	return e | (p.uncached ? f->memtype_uc : f->memtype_wb);
}

/* The same leaf with write permission taken away or given back. */
static inline u64 rd_pt_without_write(const struct rd_pt_format *f, u64 e)
{
	return e & ~f->write;
}

static inline u64 rd_pt_with_write(const struct rd_pt_format *f, u64 e)
{
	return e | f->write | f->dirty;
}

/* Does a present leaf permit an access (any access reads)? */
static inline bool rd_pt_permits(const struct rd_pt_format *f, u64 e, bool write, bool fetch)
{
	return (!write || rd_pt_writable(f, e)) && (!fetch || rd_pt_executable(f, e));
}

/*
 * The child with index i of a leaf at a level above 1: same page, same permissions, one level
 * down.
 */
static inline u64 rd_pt_split(const struct rd_pt_format *f, u64 e, unsigned int level,
			      unsigned int i)
{
	u64 child = e + ((rd_pt_span(level - 1) * i) << RD_PAGE_SHIFT);

	return level - 1 > 1 ? child : child & ~f->large;
}

/*
 * The largest level at which gfn may be mapped by one leaf when slot pages [base, base + npages)
 * lie at host address hva: guest and host addresses must agree modulo the page size, and the whole
 * page must lie in the slot. Not above max.
 */
unsigned int rd_pt_fit(u64 gfn, u64 base, u64 npages, u64 hva, unsigned int max);

/*
 * Is a format free of contradictions (no two meanings for one bit, addresses apart from flags)?
 * For tests and for module load.
 */
bool rd_pt_format_ok(const struct rd_pt_format *f);

#endif
