/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-protection layer (P): a guest page has a set of reasons why an access to it must stop.
 * The fault path asks once, the first reason in the written order that stops the access says what
 * happens, and the mapping becomes as wide as all reasons together allow.
 * Invariant: rd_prot_decide() never allows in a mapping what one of the reasons stops, but for a
 * write that RD_PROT_DIRTY has just recorded.
 */
#ifndef RD_VMM_PROT_H
#define RD_VMM_PROT_H

#include "kmod/base.h"
#include "vmm/emul.h"

/* In the order in which they are handled. */
enum rd_prot_reason {
	RD_PROT_OWNED,    /* the page belongs to a subsystem that answers every access (EPC) */
	RD_PROT_READONLY, /* the slot is read-only: writes are MMIO */
	RD_PROT_NODE,     /* the page holds a part of the guest's trace tree */
	RD_PROT_GUARDED,  /* the guest's trace tree names it */
	RD_PROT_TRACED,   /* the host wants to see writes */
	RD_PROT_DIRTY,    /* writes are recorded in the slot's dirty bitmap */
	RD_NR_PROT
};

enum rd_prot_action {
	RD_PROT_MAP,      /* nothing stops the access: map */
	RD_PROT_LOG,      /* record the page as dirty, then map */
	RD_PROT_EMULATE,  /* carry the access out as MMIO */
	RD_PROT_ASK,      /* ask the subsystems (rd_units.mem_fault) */
};

struct rd_prot_verdict {
	u8 action;        /* enum rd_prot_action */
	u8 allow;         /* RD_ACC_ bits that the mapping may grant; no RD_ACC_READ: none */
	bool small;       /* 4 KiB mappings only: the reason differs from page to page */
};

#define RD_ACC_ALL (RD_ACC_READ | RD_ACC_WRITE | RD_ACC_FETCH)

/* The reasons of single pages that writes are asked about, each with an owner of its own. */
#define RD_PROT_TRACES (BIT(RD_PROT_NODE) | BIT(RD_PROT_GUARDED) | BIT(RD_PROT_TRACED))
/* The reasons of single pages that stop reads as well. */
#define RD_PROT_STOPS_READ BIT(RD_PROT_OWNED)

struct rd_prot_verdict rd_prot_decide_slow(u32 reasons, unsigned int acc);

/*
 * reasons: BIT(enum rd_prot_reason); acc: the access, RD_ACC_ bits. Most pages have no reason at
 * all.
 */
static inline struct rd_prot_verdict rd_prot_decide(u32 reasons, unsigned int acc)
{
	if (likely(!reasons))
		return (struct rd_prot_verdict){ .action = RD_PROT_MAP, .allow = RD_ACC_ALL };
	return rd_prot_decide_slow(reasons, acc);
}

#endif
