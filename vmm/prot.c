// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of reasons, in the order of enum rd_prot_reason (P).
 * Invariant: as in vmm/prot.h.
 */
#include "vmm/prot.h"

static const struct rd_prot_rule {
	u8 stops;   /* RD_ACC_ bits */
	u8 action;  /* what a stopped access leads to */
	bool small; /* applies to single pages, not to the whole slot */
	bool once;  /* the action satisfies the reason: the mapping may then allow what it stops */
} rules[RD_NR_PROT] = {
	[RD_PROT_OWNED] = { .stops = RD_ACC_ALL, .action = RD_PROT_ASK, .small = true },
	[RD_PROT_READONLY] = { .stops = RD_ACC_WRITE, .action = RD_PROT_EMULATE },
	[RD_PROT_NODE] = { .stops = RD_ACC_WRITE, .action = RD_PROT_ASK, .small = true },
	[RD_PROT_GUARDED] = { .stops = RD_ACC_WRITE, .action = RD_PROT_ASK, .small = true },
	[RD_PROT_TRACED] = { .stops = RD_ACC_WRITE, .action = RD_PROT_ASK, .small = true },
	[RD_PROT_DIRTY] = { .stops = RD_ACC_WRITE, .action = RD_PROT_LOG, .small = true,
			    .once = true },
};

struct rd_prot_verdict rd_prot_decide_slow(u32 reasons, unsigned int acc)
{
	struct rd_prot_verdict v = { .action = RD_PROT_MAP, .allow = RD_ACC_ALL };
	unsigned int i;

	for (i = 0; i < RD_NR_PROT; i++) {
		const struct rd_prot_rule *r = &rules[i];
		bool hit = acc & r->stops;

		if (!(reasons & BIT(i)))
			continue;
		if (hit && v.action == RD_PROT_MAP)
			v.action = r->action;
		if (!(r->once && hit && v.action == r->action))
			v.allow &= ~r->stops;
		v.small |= r->small;
	}
	return v;
}
