// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest's control registers mean for translation (P).
 * Invariant: everything the walk needs to know about the mode is decided here, once per change.
 */
#include "vmm/gwalk_walk.h"

#define CR0_WP BIT_ULL(16)
#define CR0_PG BIT_ULL(31)
#define CR4_PSE BIT_ULL(4)
#define CR4_PAE BIT_ULL(5)
#define CR4_LA57 BIT_ULL(12)
#define CR4_SMEP BIT_ULL(20)
#define CR4_SMAP BIT_ULL(21)
#define CR4_PKE BIT_ULL(22)
#define EFER_LMA_BIT BIT_ULL(10)
#define EFER_NXE BIT_ULL(11)

static u8 mode_of(const struct rd_paging_regs *r)
{
	if (!(r->cr0 & CR0_PG))
		return RD_PAGING_NONE;
	if (r->efer & EFER_LMA_BIT)
		return r->cr4 & CR4_LA57 ? RD_PAGING_5LEVEL : RD_PAGING_4LEVEL;
	return r->cr4 & CR4_PAE ? RD_PAGING_PAE : RD_PAGING_32;
}

/* Two levels: only the large page has reserved bits, PSE keeps address bits 39:32 in 20:13. */
static void reserve_32(struct rd_paging *p)
{
	unsigned int extra = clamp((unsigned int)p->maxphyaddr, 32U, 40U) - 32;

	if (p->pse)
		p->rsvd[1][1] = GENMASK_ULL(21, 13 + extra);
}

/* Address bits that the guest's CPU does not have, and NX where it is off. */
static u64 reserve_high(const struct rd_paging *p, unsigned int top)
{
	u64 high = p->maxphyaddr <= top ? GENMASK_ULL(top, p->maxphyaddr) : 0;

	return high | (p->nx ? 0 : RD_GPTE_NX);
}

static void reserve_pae(struct rd_paging *p)
{
	u64 high = reserve_high(p, 62);

	p->rsvd[0][0] = p->rsvd[1][0] = p->rsvd[0][1] = high;
	p->rsvd[1][1] = high | GENMASK_ULL(20, 13);
	/* Not bit 5: emulated CPUs set it as if these entries had an accessed bit. */
	p->rsvd[0][2] = p->rsvd[1][2] = high | RD_GPTE_NX | GENMASK_ULL(8, 6) | GENMASK_ULL(2, 1);
}

static void reserve_long(struct rd_paging *p, bool gbpages)
{
	u64 high = reserve_high(p, 51);
	unsigned int i;

	for (i = 0; i < 5; i++)
		p->rsvd[0][i] = p->rsvd[1][i] = high;
	p->rsvd[1][1] |= GENMASK_ULL(20, 13);
	p->rsvd[1][2] |= gbpages ? GENMASK_ULL(29, 13) : RD_GPTE_PS;
	p->rsvd[1][3] |= RD_GPTE_PS;
	p->rsvd[1][4] |= RD_GPTE_PS;
}

void rd_paging_set(struct rd_paging *p, const struct rd_paging_regs *r, u8 maxphyaddr,
		   bool gbpages)
{
	static const u8 levels[] = {
		[RD_PAGING_NONE] = 0, [RD_PAGING_32] = 2, [RD_PAGING_PAE] = 3,
		[RD_PAGING_4LEVEL] = 4, [RD_PAGING_5LEVEL] = 5,
	};

	memset(p, 0, sizeof(*p));
	p->cr0 = r->cr0;
	p->cr3 = r->cr3;
	p->cr4 = r->cr4;
	p->efer = r->efer;
	p->maxphyaddr = maxphyaddr;
	p->mode = mode_of(r);
	p->levels = levels[p->mode];
	p->wp = r->cr0 & CR0_WP;
	p->smep = r->cr4 & CR4_SMEP;
	p->smap = r->cr4 & CR4_SMAP;
	p->pse = r->cr4 & CR4_PSE;
	p->nx = (r->efer & EFER_NXE) && p->mode >= RD_PAGING_PAE;
	p->pke = (r->cr4 & CR4_PKE) && p->mode >= RD_PAGING_4LEVEL;
	if (p->mode == RD_PAGING_32)
		reserve_32(p);
	else if (p->mode == RD_PAGING_PAE)
		reserve_pae(p);
	else if (p->mode != RD_PAGING_NONE)
		reserve_long(p, gbpages);
	p->valid = true;
}
