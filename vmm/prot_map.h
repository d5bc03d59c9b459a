/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reasons to stop an access that hold for single guest pages, not for a whole slot (P): page number
 * to a set of enum rd_prot_reason, as a radix tree whose blocks are those of the nested page table,
 * so that it also answers how large a mapping may be.
 * Invariant: a block's count is the number of its pages that have a reason. Nodes are only ever
 * added, and freed with the whole map, so readers need no lock; changes are made by one at a time.
 */
#ifndef RD_VMM_PROT_MAP_H
#define RD_VMM_PROT_MAP_H

#include "kmod/base.h"

struct rd_prot_node;

struct rd_prot_map {
	struct rd_prot_node *root; /* NULL: nothing was ever protected */
	u64 nr;                    /* pages that have a reason now */
	u32 blocks;                /* of 512 pages that ever had one */
};

/* The slow halves, for maps that have reasons. */
u8 rd_prot_map_find(const struct rd_prot_map *m, u64 gfn);
unsigned int rd_prot_map_fit(const struct rd_prot_map *m, u64 gfn, unsigned int level);

/* Hot, any context. The reasons of page gfn, BIT(enum rd_prot_reason). */
static inline u8 rd_prot_map_get(const struct rd_prot_map *m, u64 gfn)
{
	return likely(!READ_ONCE(m->nr)) ? 0 : rd_prot_map_find(m, gfn);
}

/*
 * Hot, any context. The largest level, at most the one given (1 to 3), at which no page of the
 * aligned block around gfn has a reason; 1 also where gfn itself has one. Levels as in vmm/pt.h.
 */
static inline unsigned int rd_prot_map_level(const struct rd_prot_map *m, u64 gfn,
					     unsigned int level)
{
	return likely(!READ_ONCE(m->nr)) || level == 1 ? level : rd_prot_map_fit(m, gfn, level);
}

/*
 * Have room for the reasons of pages [gfn, gfn + npages): -ENOMEM, -EINVAL where that is not a
 * range of page numbers that x86 has (RD_PROT_MAX_GFN), -ENOSPC where more blocks of 512 pages than
 * RD_PROT_MAX_BLOCKS would ever have had one, which are as many as 256 GiB have. May sleep. What
 * was made stays.
 */
#define RD_PROT_MAX_GFN (1ULL << 40)
#define RD_PROT_MAX_BLOCKS (1U << 17)
int rd_prot_map_reserve(struct rd_prot_map *m, u64 gfn, u64 npages);

/*
 * Add reasons to a page for which there is room, or take them away from any page. Return the
 * reasons that it had before. Do not sleep; one caller at a time, readers may run.
 */
u8 rd_prot_map_set(struct rd_prot_map *m, u64 gfn, u8 reasons);
u8 rd_prot_map_clear(struct rd_prot_map *m, u64 gfn, u8 reasons);

/*
 * The first page from *gfn on, below end, that has one of the reasons: true with *gfn set. Costs no
 * more than the nodes on the way.
 */
bool rd_prot_map_next(const struct rd_prot_map *m, u64 *gfn, u64 end, u8 reasons);

/* Free all of it. Nobody reads. */
void rd_prot_map_destroy(struct rd_prot_map *m);

#endif
