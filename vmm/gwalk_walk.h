/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk through the guest's page tables itself (P), as an inline template: its user supplies the
 * two functions that touch guest memory, and the compiler melts them in, so that a walk makes no
 * call. Invariant: as in vmm/gwalk.h. Included by vmm/gwalk_vcpu.c and by the unit tests only.
 */
#ifndef RD_VMM_GWALK_WALK_H
#define RD_VMM_GWALK_WALK_H

#include "vmm/gwalk.h"

enum {
	RD_GPTE_P = 1 << 0,
	RD_GPTE_W = 1 << 1,
	RD_GPTE_U = 1 << 2,
	RD_GPTE_A = 1 << 5,
	RD_GPTE_D = 1 << 6,
	RD_GPTE_PS = 1 << 7,
};

#define RD_GPTE_NX BIT_ULL(63)
#define RD_GPTE_ADDR GENMASK_ULL(51, 12)

/* Access to guest-physical memory; size is 4 or 8, the address a multiple of it. */
struct rd_gwalk_io {
	/* False: no memory there; the walk ends as at an entry that is not present. */
	bool (*read)(void *ctx, u64 gpa, unsigned int size, u64 *val);
	/* 0 done (or the memory is read-only: no bits change), 1 the entry has changed. */
	int (*exchange)(void *ctx, u64 gpa, unsigned int size, u64 old, u64 new_val);
};

/* The access to check. */
struct rd_gwalk_acc {
	bool write, fetch;
	bool user;      /* a user-mode access */
	bool smap_off;  /* an explicit access with EFLAGS.AC set */
	u32 pkru;
};

/* How often an entry may change under the walk before its bits are left as they are. */
#define RD_GWALK_TRIES 64

/* The error code of a fault that is not about the entry: which access it was. */
static inline u32 rd_gwalk_error(const struct rd_paging *p, const struct rd_gwalk_acc *a)
{
	return (a->write ? RD_PF_W : 0) | (a->user ? RD_PF_U : 0) |
	       (a->fetch && (p->nx || p->smep) ? RD_PF_I : 0);
}

/* Does the key of a user page forbid the access? */
static inline bool rd_gwalk_key_denies(const struct rd_paging *p, const struct rd_gwalk_acc *a,
				       u64 leaf)
{
	u32 rights = a->pkru >> (2 * RD_FIELD(leaf, 62, 59));

	return !a->fetch && ((rights & 1) || ((rights & 2) && a->write && (a->user || p->wp)));
}

/*
 * Permissions: all holds the bits set in every entry, nx whether any forbids execution.
 * 0, or the bits that the error code has besides rd_gwalk_error().
 */
static inline u32 rd_gwalk_check(const struct rd_paging *p, const struct rd_gwalk_acc *a, u64 all,
				 bool nx, u64 leaf)
{
	if (a->write && !(all & RD_GPTE_W) && (a->user || p->wp))
		return RD_PF_P;
	if (a->fetch && nx)
		return RD_PF_P;
	if (!(all & RD_GPTE_U))
		return a->user ? RD_PF_P : 0;
	if (!a->user && a->fetch && p->smep)
		return RD_PF_P;
	if (!a->user && !a->fetch && p->smap && !a->smap_off)
		return RD_PF_P;
	if (unlikely(p->pke) && rd_gwalk_key_denies(p, a, leaf))
		return RD_PF_P | RD_PF_PK;
	return 0;
}

/* The page that a leaf maps, and the offset in it. PSE keeps address bits 39:32 in bits 20:13. */
static __always_inline u64 rd_gwalk_gpa(u64 e, u64 gva, unsigned int level, bool legacy)
{
	unsigned int shift = 12 + (legacy ? 10 : 9) * (level - 1);
	u64 mask = (1ULL << shift) - 1;
	u64 page = e & (legacy ? 0xfffff000ULL : RD_GPTE_ADDR) & ~mask;

	if (legacy && level == 2)
		page |= RD_FIELD(e, 20, 13) << 32;
	return page | (gva & mask);
}

/*
 * One walk. update: set accessed and dirty bits where they are missing; otherwise only tell: the
 * result is 0 (translated), -1 (translated, but bits are missing) or 1 (fault, *error says why).
 */
static __always_inline int rd_gwalk_once(const struct rd_paging *p, const struct rd_gwalk_acc *a,
					 const struct rd_gwalk_io *io, void *ctx, u64 gva,
					 u64 *gpa, u32 *error, bool legacy, bool update)
{
	const unsigned int size = legacy ? 4 : 8, bits = legacy ? 10 : 9;
	u64 table = p->cr3 & (legacy ? 0xfffff000ULL : RD_GPTE_ADDR);
	u64 all = RD_GPTE_W | RD_GPTE_U, any = 0, e, at, want;
	unsigned int level = p->levels, tries = 0;
	bool pdpte = !legacy && p->mode == RD_PAGING_PAE, missing = false, leaf;
	u32 why;

	if (pdpte)
		table = p->cr3 & 0xffffffe0ULL;
	for (;;) {
		at = table + ((gva >> (12 + bits * (level - 1))) & ((1U << bits) - 1)) * size;
		if (!io->read(ctx, at, size, &e) || !(e & RD_GPTE_P)) {
			*error = rd_gwalk_error(p, a);
			return 1;
		}
		if (e & p->rsvd[!!(e & RD_GPTE_PS)][level - 1]) {
			*error = rd_gwalk_error(p, a) | RD_PF_P | RD_PF_RSVD;
			return 1;
		}
		if (unlikely(pdpte)) {
			/* These four have neither permissions nor an accessed bit. */
			pdpte = false;
			table = e & RD_GPTE_ADDR;
			level--;
			continue;
		}
		leaf = level == 1 || ((e & RD_GPTE_PS) && (!legacy || p->pse));
		want = RD_GPTE_A;
		if (leaf) {
			why = rd_gwalk_check(p, a, all & e, (any | e) & RD_GPTE_NX, e);
			if (why) {
				*error = rd_gwalk_error(p, a) | why;
				return 1;
			}
			if (a->write)
				want |= RD_GPTE_D;
		}
		if (unlikely(~e & want)) {
			if (!update) {
				missing = true;
			} else if (io->exchange(ctx, at, size, e, e | want) &&
				   tries++ < RD_GWALK_TRIES) {
				continue;
			}
		}
		if (leaf)
			break;
		all &= e;
		any |= e;
		table = e & (legacy ? 0xfffff000ULL : RD_GPTE_ADDR);
		level--;
	}
	*gpa = rd_gwalk_gpa(e, gva, level, legacy);
	return missing ? -1 : 0;
}

static __always_inline int rd_gwalk(const struct rd_paging *p, const struct rd_gwalk_acc *a,
				    const struct rd_gwalk_io *io, void *ctx, u64 gva, u64 *gpa,
				    u32 *error, bool update)
{
	if (p->mode < RD_PAGING_4LEVEL)
		gva = (u32)gva;
	if (p->mode == RD_PAGING_NONE) {
		*gpa = gva;
		return 0;
	}
	if (p->mode == RD_PAGING_32)
		return rd_gwalk_once(p, a, io, ctx, gva, gpa, error, true, update);
	return rd_gwalk_once(p, a, io, ctx, gva, gpa, error, false, update);
}

#endif
