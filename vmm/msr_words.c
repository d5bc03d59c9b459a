// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that are words of struct rd_vcpu, with the checks that each needs, and their reset values.
 * Invariant: as vmm/msr_handlers.h says.
 */
#include <asm/msr-index.h>
#include "vmm/cpuid.h"
#include "vmm/msr_handlers.h"
#include "vmm/regs.h"

#define HWCR_TSC_FREQ_SEL BIT_ULL(24)
#define HWCR_IGNORED (BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8)) /* cache and IGNNE details */
#define MISC_ENABLE_RESET                                                      \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

/* --- words of the vCPU --- */

/* Where a plain word lives. */
/* The hash of the key that launched enclaves before launch control was given to the OS. */
static const u64 lepubkeyhash_reset[4] = { 0xa6053e051270b7ac, 0x6cfbe8ba8b3b413d,
					   0xc4916d99f2b3735d, 0xd4f8c05909f9bb3b };

static u64 *word_of(struct rd_vcpu *v, u32 msr)
{
	switch (msr) {
	case MSR_IA32_MISC_ENABLE:
		return &v->misc_enable;
	case MSR_IA32_SMBASE:
		return &v->smbase;
	case MSR_IA32_MCG_CAP:
		return &v->mcg_cap;
	case MSR_IA32_MCG_STATUS:
		return &v->mcg_status;
	case MSR_IA32_MCG_CTL:
		return &v->mcg_ctl;
	case MSR_IA32_UCODE_REV:
		return &v->ucode_rev;
	case MSR_IA32_XSS:
		return &v->xss;
	case MSR_TSC_AUX:
		return &v->tsc_aux;
	case RD_MSR_HWCR:
		return &v->hwcr;
	case RD_MSR_DE_CFG:
		return &v->de_cfg;
	case MSR_AMD64_OSVW_ID_LENGTH:
		return &v->osvw_length;
	case MSR_AMD64_OSVW_STATUS:
		return &v->osvw_status;
	case MSR_SMI_COUNT:
		return &v->smi_count;
	case MSR_IA32_POWER_CTL:
		return &v->power_ctl;
	default: /* MSR_IA32_FEAT_CTL */
		return &v->feat_ctl;
	}
}

int rd_mr_word(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = *word_of(v, msr);
	return RD_MSR_OK;
}

int rd_msr_store_word(struct rd_vcpu *v, u32 msr, u64 val)
{
	*word_of(v, msr) = val;
	return RD_MSR_OK;
}

int rd_mw_word(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_msr_store_word(v, msr, val);
}

int rd_mw_word_host(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return host ? rd_msr_store_word(v, msr, val) : RD_MSR_GP;
}

int rd_mr_word_host(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return host ? rd_mr_word(v, msr, val, host) : RD_MSR_GP;
}

/* The guest writes here to ask the CPU for its microcode revision: that does nothing. */
int rd_mw_ucode_rev(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (host)
		v->ucode_rev = val;
	return RD_MSR_OK;
}

int rd_mw_misc_enable(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	bool mwait_moves = (val ^ v->misc_enable) & MSR_IA32_MISC_ENABLE_MWAIT;
	u64 fixed = MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL |
		    MSR_IA32_MISC_ENABLE_EMON;

	if (!host && ((val ^ v->misc_enable) & fixed))
		return RD_MSR_GP;
	/* Where the bit rules CPUID's MONITOR, a CPU without SSE3 does not have it. */
	if (mwait_moves && (v->vm->disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT) &&
	    !rd_cpuid_has(v, RD_F_SSE3))
		return RD_MSR_GP;
	v->misc_enable = val;
	return RD_MSR_OK;
}

int rd_mw_tsc_aux(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_RDTSCP) && !rd_cpuid_has(v, RD_F_RDPID))
		return RD_MSR_GP;
	/* Intel CPUs refuse the high half, AMD's drop it. */
	if (v->cpuid->is_intel && (val >> 32))
		return RD_MSR_GP;
	v->tsc_aux = (u32)val;
	return RD_MSR_OK;
}

int rd_mr_tsc_aux(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !(rd_cpuid_has(v, RD_F_RDTSCP) || rd_cpuid_has(v, RD_F_RDPID)))
		return RD_MSR_GP;
	return rd_mr_word(v, msr, val, host);
}

int rd_mr_xss(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || rd_cpuid_has(v, RD_F_XSAVES) ? rd_mr_word(v, msr, val, host) : RD_MSR_GP;
}

int rd_mw_xss(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_XSAVES))
		return RD_MSR_GP;
	return val & ~v->cpuid->xss_allowed ? RD_MSR_GP : rd_msr_store_word(v, msr, val);
}

/* Readable where there is SGX; writable where the firmware has left launch control to the OS. */
int rd_mr_lepubkeyhash(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_SGX_LC))
		return RD_MSR_GP;
	*val = v->lepubkeyhash[msr - MSR_IA32_SGXLEPUBKEYHASH0];
	return RD_MSR_OK;
}

int rd_mw_lepubkeyhash(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	const u64 open = FEAT_CTL_LOCKED | FEAT_CTL_SGX_LC_ENABLED;

	if (!host && (!rd_cpuid_has(v, RD_F_SGX_LC) || (v->feat_ctl & open) != open))
		return RD_MSR_GP;
	v->lepubkeyhash[msr - MSR_IA32_SGXLEPUBKEYHASH0] = val;
	return RD_MSR_OK;
}

/* Locked, nothing enabled; AMD CPUs do not have it. */
int rd_mr_feat_ctl(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || v->cpuid->is_intel ? rd_mr_word(v, msr, val, host) : RD_MSR_GP;
}

int rd_mw_hwcr(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	val &= ~HWCR_IGNORED;
	return val & ~(RD_HWCR_MCSTATUS_WREN | HWCR_TSC_FREQ_SEL) ? RD_MSR_GP :
								 rd_msr_store_word(v, msr, val);
}

/* The bit says how the host's LFENCE is: the guest can read it, not change it. */
int rd_mw_de_cfg(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (host ? (val & ~rd_de_cfg_supported()) : val != v->de_cfg)
		return RD_MSR_GP;
	return rd_msr_store_word(v, msr, val);
}

int rd_mr_osvw(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || rd_cpuid_has(v, RD_F_OSVW) ? rd_mr_word(v, msr, val, host) : RD_MSR_GP;
}

int rd_mr_platform_info(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !v->vm->platform_info_guest)
		return RD_MSR_GP;
	*val = v->platform_info;
	return RD_MSR_OK;
}

int rd_mw_platform_info(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	/* CPUID faulting (bit 31) is not there. */
	if (!host || (val & BIT_ULL(31)))
		return RD_MSR_GP;
	v->platform_info = val;
	return RD_MSR_OK;
}

/* --- reset --- */

void rd_msr_reset(struct rd_vcpu *v, bool init_event)
{
	v->xss = 0;
	if (init_event)
		return;
	v->pat = RD_PAT_RESET;
	v->misc_enable = MISC_ENABLE_RESET;
	v->feat_ctl = 1;
	memcpy(v->lepubkeyhash, lepubkeyhash_reset, sizeof(v->lepubkeyhash));
	v->smbase = 0x30000;
	v->spec_ctrl = 0;
	v->tsc_aux = 0;
	v->mcg_status = 0;
	v->ucode_rev = rd_default_ucode_rev();
	v->platform_info = 0;
	v->arch_caps = rd_host_arch_caps();
	v->hwcr = 0;
	v->de_cfg = rd_de_cfg_supported();
	v->osvw_length = 0;
	v->osvw_status = 0;
	v->power_ctl = 0;
	v->pv.poll_control = 1;
	memset(v->mtrr, 0, sizeof(v->mtrr));
}
