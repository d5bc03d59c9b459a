/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handlers of kmod/vcpu_ioctl_var.c, for the table in kmod/vcpu_ioctl.c. Signature and invariant:
 * as kmod/ioctl.h says; data is NULL where the row says RD_IOC_SELF.
 */
#ifndef RD_KMOD_VCPU_IOCTL_H
#define RD_KMOD_VCPU_IOCTL_H

struct rd_call;

long rd_get_xsave(struct rd_call *c, void *data);
long rd_get_xsave2(struct rd_call *c, void *data);
long rd_set_xsave(struct rd_call *c, void *data);
long rd_set_cpuid2(struct rd_call *c, void *data);
long rd_set_cpuid1(struct rd_call *c, void *data);
long rd_get_cpuid2(struct rd_call *c, void *data);
long rd_get_msrs(struct rd_call *c, void *data);
long rd_set_msrs(struct rd_call *c, void *data);
long rd_set_signal_mask(struct rd_call *c, void *data);
long rd_get_nested_state(struct rd_call *c, void *data);
long rd_set_nested_state(struct rd_call *c, void *data);

#endif
