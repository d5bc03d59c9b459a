/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions behind vmm/msr_table.c (K): rd_mr_NAME() reads an MSR, rd_mw_NAME() checks and
 * stores a value. Invariant: they return RD_MSR_OK, or RD_MSR_GP or RD_MSR_UNKNOWN with nothing
 * changed; host tells an ioctl from the guest. vCPU loaded.
 */
#ifndef RD_VMM_MSR_HANDLERS_H
#define RD_VMM_MSR_HANDLERS_H

#include "vmm/msr.h"

#define RD_MSR_READERS(X) \
	X(apic_base) X(arch_caps) X(debugctl) X(efer) X(feat_ctl) X(hw) X(lepubkeyhash) \
	X(mce_bank) X(mce_ctl2) \
	X(mcg_ctl) X(mtrr) X(osvw) X(pat) X(platform_info) X(pv) X(spec_ctrl) \
	X(tsc) X(tsc_adjust) X(tsc_aux) X(tsc_deadline) X(word) X(word_host) X(xss)

#define RD_MSR_WRITERS(X) \
	X(apic_base) X(arch_caps) X(de_cfg) X(debugctl) X(efer) X(hw) \
	X(hw_canonical) X(hw_u32) X(hwcr) X(lepubkeyhash) X(mce_bank) X(mce_ctl2) X(mcg_ctl) \
	X(misc_enable) X(mtrr) X(pat) X(platform_info) X(pred_cmd) X(pv) X(spec_ctrl) X(tsc) \
	X(tsc_adjust) X(tsc_aux) X(tsc_deadline) X(ucode_rev) X(word) X(word_host) \
	X(xss)

#define RD_MSR_READER(name) int rd_mr_##name(struct rd_vcpu *v, u32 msr, u64 *val, bool host);
#define RD_MSR_WRITER(name) int rd_mw_##name(struct rd_vcpu *v, u32 msr, u64 val, bool host);
RD_MSR_READERS(RD_MSR_READER)
RD_MSR_WRITERS(RD_MSR_WRITER)

#define RD_MSR_HWCR 0xc0010015
#define RD_MSR_DE_CFG 0xc0011029
#define RD_HWCR_MCSTATUS_WREN BIT_ULL(18)

/* Store into the vCPU's field for msr; always RD_MSR_OK. */
int rd_msr_store_word(struct rd_vcpu *v, u32 msr, u64 val);

/* What this host's CPU can say of itself, the most that a guest may be told. */
u64 rd_host_arch_caps(void);
u64 rd_de_cfg_supported(void);
u64 rd_default_ucode_rev(void);

#endif
