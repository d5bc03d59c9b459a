/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XCR0 and PKRU of a vCPU, in force only while it runs (K).
 * Invariant: between load and restore nothing of the host looks at extended state.
 */
#ifndef RD_VMM_XSTATE_H
#define RD_VMM_XSTATE_H

#include <linux/types.h>
#include <asm/fpu/xcr.h>
#include <asm/special_insns.h>
#include "vmm/vcpu.h"

static inline bool rd_xstate_differs(const struct rd_vcpu *v)
{
	return v->xcr0 != v->host_xcr0 || v->uses_pkru;
}

static inline void rd_load_xstate(struct rd_vcpu *v)
{
	if (v->xcr0 != v->host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, v->xcr0);
	if (v->uses_pkru && v->pkru != v->host_pkru)
		wrpkru(v->pkru);
}

/*
 * Only while guest and host differ. An emulated CPU may have let XSETBV through without an exit:
 * what is in force counts.
 */
static inline void rd_restore_xstate(struct rd_vcpu *v)
{
	if (v->xcr0 != v->host_xcr0)
		v->xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (v->uses_pkru) {
		v->pkru = rdpkru();
		if (v->pkru != v->host_pkru)
			wrpkru(v->host_pkru);
	}
	if (v->xcr0 != v->host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, v->host_xcr0);
}

#endif
