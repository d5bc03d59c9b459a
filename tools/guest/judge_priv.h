/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the judge share (P): where a byte of guarded code is, and places with an INT3.
 * Invariant: as in tools/guest/judge.h.
 */
#ifndef RD_TOOLS_GUEST_JUDGE_PRIV_H
#define RD_TOOLS_GUEST_JUDGE_PRIV_H

#include "tools/guest/judge.h"

#define JUDGE_CORE (~0U)        /* in the place of an area's number: the kernel itself */

static inline struct judge_place *judge_place_at(struct judge *j, u64 va)
{
	u32 i;

	return guest_map_get(&j->by_va, va, &i) ? &j->place[i] : NULL;
}

/* NULL: there is no room. */
struct judge_place *judge_place_new(struct judge *j, u64 va);
void judge_place_drop(struct judge *j, struct judge_place *p);

#endif
