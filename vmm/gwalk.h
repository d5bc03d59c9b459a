/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's own page tables: linear to guest-physical addresses as the CPU would translate them
 * (P, the rd_* calls on a vCPU are K).
 * Invariant: a walk either ends with an address that the access may use, accessed and dirty bits
 * set as the CPU sets them, or with the fault that the CPU would raise, and then it has changed
 * nothing but accessed bits of tables on the way.
 */
#ifndef RD_VMM_GWALK_H
#define RD_VMM_GWALK_H

#include "kmod/base.h"
#include "vmm/emul.h"

enum rd_paging_mode {
	RD_PAGING_NONE,
	RD_PAGING_32,
	RD_PAGING_PAE,
	RD_PAGING_4LEVEL,
	RD_PAGING_5LEVEL,
};

/* The registers that select and control translation, as the guest sees them. */
struct rd_paging_regs {
	u64 cr0, cr3, cr4, efer;
	u8 cpl;
};

/* What follows from them; made anew only when one of the raw values (but CR3) differs. */
struct rd_paging {
	u64 cr0, cr3, cr4, efer;
	/*
	 * Bits that must be zero in an entry at level i + 1; the first index is bit 7 of the entry
	 * (large page, at level 1 PAT), so that the walk looks up instead of deciding.
	 */
	u64 rsvd[2][5];
	u8 mode;                /* enum rd_paging_mode */
	u8 levels;
	u8 maxphyaddr;
	bool wp, smep, smap, nx, pse, pke;
	bool valid;
};

/*
 * A walk that was made before. It holds as long as every entry that it read has the same value,
 * which costs a load and a compare per level, so nothing ever has to be told when the guest
 * changes them.
 */
struct rd_walk_hit {
	u64 tag;                /* linear address of the page | RD_HIT_* bits; 0 empty */
	u64 cr3;
	u64 slot_gen;           /* entry[] and host are of this table of slots */
	u64 gpa;                /* of the page */
	unsigned long host;     /* address of the page in the VMM, 0 none */
	unsigned int n;
	unsigned long entry[5]; /* addresses in the VMM of the entries read, from the top */
	u64 value[5];
};

/* By page and kind of access; fetches have the upper half for themselves. */
#define RD_NR_WALK_HITS 8

/* #PF error code bits. */
enum { RD_PF_P = 1, RD_PF_W = 2, RD_PF_U = 4, RD_PF_RSVD = 8, RD_PF_I = 16, RD_PF_PK = 32 };

/* Fill p from raw register values; maxphyaddr as the guest's CPUID says, gbpages as the CPU. */
void rd_paging_set(struct rd_paging *p, const struct rd_paging_regs *r, u8 maxphyaddr,
		   bool gbpages);

/* The K side. */
struct rd_vcpu;

/* Bring v->paging up to date with the vCPU's control registers; the CPL comes along. */
unsigned int rd_paging_refresh(struct rd_vcpu *v);

/*
 * Translate. acc: RD_ACC_ bits; cpl: of the access (RD_ACC_SYSTEM makes it 0). 0; 1: f describes
 * the #PF to queue. Sets accessed and dirty bits. Process context, vm->srcu held.
 */
int rd_gva_to_gpa(struct rd_vcpu *v, u64 gva, unsigned int acc, unsigned int cpl, u64 *gpa,
		  struct rd_fault *f);

/*
 * The same by a new walk, which is remembered in h, if it can be (h->tag is 0 if not). For whoever
 * keeps what followed from it: it would end the same way as long as rd_walk_holds() says so, and
 * v->paging_changes is what it was. Caller as before.
 */
int rd_gva_to_gpa_noted(struct rd_vcpu *v, u64 gva, unsigned int acc, unsigned int cpl, u64 *gpa,
			struct rd_fault *f, struct rd_walk_hit *h);
bool rd_walk_holds(struct rd_vcpu *v, const struct rd_walk_hit *h);

/*
 * Read up to n instruction bytes at a linear address, at the current CPL, with fetch permission;
 * stops at the end of the page. Returns how many were read, or 0: the CPU would fault there (the
 * caller re-enters the guest or lets the emulator queue the fault).
 */
int rd_fetch_insn(struct rd_vcpu *v, u64 linear_rip, u8 *buf, unsigned int n);

#endif
