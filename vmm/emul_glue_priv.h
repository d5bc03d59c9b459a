/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vmm/emul_glue.c needs of vmm/emul_glue_regs.c: callbacks as struct rd_emul_ops says (K).
 * Invariant: nobody else includes it.
 */
#ifndef RD_VMM_EMUL_GLUE_PRIV_H
#define RD_VMM_EMUL_GLUE_PRIV_H

#include "vmm/emul.h"
#include "vmm/vm.h"

static inline struct rd_vcpu *rd_emul_vcpu(struct rd_emul *e)
{
	return e->priv;
}

void rd_glue_get_seg(struct rd_emul *e, unsigned int seg, struct kvm_segment *s);
void rd_glue_set_seg(struct rd_emul *e, unsigned int seg, const struct kvm_segment *s);
void rd_glue_get_dtable(struct rd_emul *e, bool idt, struct kvm_dtable *d);
int rd_glue_get_cr(struct rd_emul *e, unsigned int n, u64 *val);
int rd_glue_set_cr(struct rd_emul *e, unsigned int n, u64 val);
int rd_glue_get_dr(struct rd_emul *e, unsigned int n, u64 *val);
int rd_glue_set_dr(struct rd_emul *e, unsigned int n, u64 val);
void rd_glue_get_vec(struct rd_emul *e, unsigned int n, void *buf, unsigned int len);
void rd_glue_set_vec(struct rd_emul *e, unsigned int n, const void *buf, unsigned int len,
		     bool zero_upper);
void rd_glue_invlpg(struct rd_emul *e, u64 linear);

#endif
