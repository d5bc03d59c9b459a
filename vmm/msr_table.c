// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every MSR that a guest or the VMM may touch, in one sorted table with the functions that check
 * and store it, and the lists that KVM_GET_MSR_INDEX_LIST and KVM_GET_MSR_FEATURE_INDEX_LIST give.
 * Invariant: every MSR in the lists can be read, and written back as read, by the host.
 */
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/msr-index.h>
#include <linux/kvm_para.h>
#include "vmm/clock.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/msr.h"
#include "vmm/regs.h"
#include "vmm/state.h"

#define MSR_DE_CFG 0xc0011029
#define DE_CFG_LFENCE_SERIALIZE BIT_ULL(1)
#define MSR_HWCR 0xc0010015
#define HWCR_MCSTATUS_WREN BIT_ULL(18)
#define HWCR_TSC_FREQ_SEL BIT_ULL(24)
#define HWCR_IGNORED (BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8)) /* cache and IGNNE details */
#define MISC_ENABLE_RESET                                                      \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define DEBUGCTL_LBR_BTF 3ULL

typedef struct rd_vcpu vcpu;

/* --- MSRs without an effect --- */

static int read_zero(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = 0;
	return RD_MSR_OK;
}

static int write_ignored(vcpu *v, u32 msr, u64 val, bool host)
{
	return RD_MSR_OK;
}

static int write_zero_only(vcpu *v, u32 msr, u64 val, bool host)
{
	return val ? RD_MSR_GP : RD_MSR_OK;
}

static int read_constant(vcpu *v, u32 msr, u64 *val, bool host)
{
	static const struct {
		u32 msr;
		u64 val;
	} constants[] = {
		{ RD_MSR_MTRR_CAP, 0x500 | RD_NR_VAR_MTRR }, /* write-combining, fixed ranges */
		{ MSR_FSB_FREQ, 3 },
		{ MSR_IA32_BBL_CR_CTL3, 0xbe702111 },        /* a level 2 cache that is on */
		{ MSR_EBC_FREQUENCY_ID, 1 << 24 },           /* some drivers divide by this */
		{ MSR_IA32_PERF_STATUS, 1000 | 4ULL << 40 }, /* likewise */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(constants); i++) {
		if (constants[i].msr == msr) {
			*val = constants[i].val;
			return RD_MSR_OK;
		}
	}
	return RD_MSR_GP;
}

/* --- MSRs that the backend keeps --- */

static int read_hw(vcpu *v, u32 msr, u64 *val, bool host)
{
	return rd_hw->get_msr(v, msr, val) ? RD_MSR_GP : RD_MSR_OK;
}

static int write_hw(vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_hw->set_msr(v, msr, val) ? RD_MSR_GP : RD_MSR_OK;
}

static int write_hw_u32(vcpu *v, u32 msr, u64 val, bool host)
{
	return write_hw(v, msr, (u32)val, host);
}

/*
 * Addresses: a value that is not canonical is #GP, from the host too, for the CPU would refuse to
 * enter with it.
 */
static int write_hw_canonical(vcpu *v, u32 msr, u64 val, bool host)
{
	unsigned int bits = rd_cpuid_has(v, RD_F_LA57) ? 57 : 48;

	return rd_canonical(val, bits) ? write_hw(v, msr, val, host) : RD_MSR_GP;
}

static int write_pat(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!rd_pat_ok(val))
		return RD_MSR_GP;
	v->pat = val;
	rd_hw->set_msr(v, msr, val);
	return RD_MSR_OK;
}

static int read_pat(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (rd_hw->get_msr(v, msr, val))
		*val = v->pat;
	return RD_MSR_OK;
}

static int read_efer(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = rd_hw->get_efer(v);
	return RD_MSR_OK;
}

static int write_efer(vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_set_efer(v, val, host) ? RD_MSR_GP : RD_MSR_OK;
}

/*
 * Branch recording is not virtualized: the bits read back, single-stepping on branches is the
 * backend's.
 */
static int read_debugctl(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (rd_hw->get_msr(v, msr, val))
		*val = 0;
	return RD_MSR_OK;
}

static int write_debugctl(vcpu *v, u32 msr, u64 val, bool host)
{
	if (val & ~DEBUGCTL_LBR_BTF)
		return RD_MSR_GP;
	rd_hw->set_msr(v, msr, val & ~1ULL);
	return RD_MSR_OK;
}

/* --- time --- */

static int read_tsc(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = rd_vcpu_tsc(v);
	return RD_MSR_OK;
}

static int write_tsc(vcpu *v, u32 msr, u64 val, bool host)
{
	u64 delta;

	if (host) {
		rd_vcpu_write_tsc(v, val, true);
		return RD_MSR_OK;
	}
	delta = val - rd_vcpu_tsc(v);
	rd_vcpu_shift_tsc(v, delta);
	v->tsc.adjust += delta;
	return RD_MSR_OK;
}

static int read_tsc_adjust(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->tsc.adjust;
	return RD_MSR_OK;
}

/* The guest moves its TSC by it; the host restores a saved value, the TSC itself comes separately.
 */
static int write_tsc_adjust(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host) {
		if (!rd_cpuid_has(v, RD_F_TSC_ADJUST))
			return RD_MSR_GP;
		if (val != v->tsc.adjust)
			rd_vcpu_shift_tsc(v, val - v->tsc.adjust);
	}
	v->tsc.adjust = val;
	return RD_MSR_OK;
}

static int read_tsc_deadline(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->has_lapic ? rd_lapic_get_tsc_deadline(&v->lapic) : 0;
	return RD_MSR_OK;
}

static int write_tsc_deadline(vcpu *v, u32 msr, u64 val, bool host)
{
	if (v->has_lapic)
		rd_lapic_set_tsc_deadline(&v->lapic, val);
	return RD_MSR_OK;
}

/* --- the local APIC's base --- */

static int read_apic_base(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->lapic.base;
	return RD_MSR_OK;
}

static int write_apic_base(vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_set_apic_base(v, val, host) ? RD_MSR_GP : RD_MSR_OK;
}

/* --- words of the vCPU --- */

/* Where a plain word lives. */
static u64 *word_of(vcpu *v, u32 msr)
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
	case MSR_HWCR:
		return &v->hwcr;
	case MSR_DE_CFG:
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

static int read_word(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = *word_of(v, msr);
	return RD_MSR_OK;
}

static int store_word(vcpu *v, u32 msr, u64 val)
{
	*word_of(v, msr) = val;
	return RD_MSR_OK;
}

static int write_word(vcpu *v, u32 msr, u64 val, bool host)
{
	return store_word(v, msr, val);
}

static int write_word_host(vcpu *v, u32 msr, u64 val, bool host)
{
	return host ? store_word(v, msr, val) : RD_MSR_GP;
}

static int read_word_host(vcpu *v, u32 msr, u64 *val, bool host)
{
	return host ? read_word(v, msr, val, host) : RD_MSR_GP;
}

/* The guest writes here to ask the CPU for its microcode revision: that does nothing. */
static int write_ucode_rev(vcpu *v, u32 msr, u64 val, bool host)
{
	if (host)
		v->ucode_rev = val;
	return RD_MSR_OK;
}

static int write_misc_enable(vcpu *v, u32 msr, u64 val, bool host)
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

static int write_tsc_aux(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host &&
	    ((val >> 32) || !(rd_cpuid_has(v, RD_F_RDTSCP) || rd_cpuid_has(v, RD_F_RDPID))))
		return RD_MSR_GP;
	v->tsc_aux = (u32)val;
	return RD_MSR_OK;
}

static int read_tsc_aux(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !(rd_cpuid_has(v, RD_F_RDTSCP) || rd_cpuid_has(v, RD_F_RDPID)))
		return RD_MSR_GP;
	return read_word(v, msr, val, host);
}

static int read_xss(vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || rd_cpuid_has(v, RD_F_XSAVES) ? read_word(v, msr, val, host) : RD_MSR_GP;
}

static int write_xss(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_XSAVES))
		return RD_MSR_GP;
	return val & ~v->cpuid->xss_allowed ? RD_MSR_GP : store_word(v, msr, val);
}

/* Locked, nothing enabled; AMD CPUs do not have it. */
static int read_feat_ctl(vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || v->cpuid->is_intel ? read_word(v, msr, val, host) : RD_MSR_GP;
}

static int write_hwcr(vcpu *v, u32 msr, u64 val, bool host)
{
	val &= ~HWCR_IGNORED;
	return val & ~(HWCR_MCSTATUS_WREN | HWCR_TSC_FREQ_SEL) ? RD_MSR_GP :
								 store_word(v, msr, val);
}

static u64 de_cfg_supported(void)
{
	return boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE_SERIALIZE : 0;
}

/* The bit says how the host's LFENCE is: the guest can read it, not change it. */
static int write_de_cfg(vcpu *v, u32 msr, u64 val, bool host)
{
	if (host ? (val & ~de_cfg_supported()) : val != v->de_cfg)
		return RD_MSR_GP;
	return store_word(v, msr, val);
}

static int read_osvw(vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || rd_cpuid_has(v, RD_F_OSVW) ? read_word(v, msr, val, host) : RD_MSR_GP;
}

static int read_platform_info(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !v->vm->platform_info_guest)
		return RD_MSR_GP;
	*val = v->platform_info;
	return RD_MSR_OK;
}

static int write_platform_info(vcpu *v, u32 msr, u64 val, bool host)
{
	/* CPUID faulting (bit 31) is not there. */
	if (!host || (val & BIT_ULL(31)))
		return RD_MSR_GP;
	v->platform_info = val;
	return RD_MSR_OK;
}

/* --- side channels --- */

static int read_arch_caps(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_ARCH_CAPS))
		return RD_MSR_GP;
	*val = v->arch_caps;
	return RD_MSR_OK;
}

static int write_arch_caps(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host)
		return RD_MSR_GP;
	v->arch_caps = val;
	return RD_MSR_OK;
}

static bool has_spec_ctrl(vcpu *v)
{
	return rd_cpuid_has(v, RD_F_SPEC_CTRL) || rd_cpuid_has(v, RD_F_STIBP) ||
	       rd_cpuid_has(v, RD_F_SSBD) || rd_cpuid_has(v, RD_F_AMD_IBRS) ||
	       rd_cpuid_has(v, RD_F_AMD_STIBP) || rd_cpuid_has(v, RD_F_AMD_SSBD);
}

static int read_spec_ctrl(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !has_spec_ctrl(v))
		return RD_MSR_GP;
	if (rd_hw->get_msr(v, msr, val))
		*val = v->spec_ctrl;
	return RD_MSR_OK;
}

/*
 * IBRS, STIBP, SSBD, PSFD: where the CPU switches the register with the guest, and only what the
 * guest's CPUID shows.
 */
static int write_spec_ctrl(vcpu *v, u32 msr, u64 val, bool host)
{
	if (val & ~0x87ULL)
		return RD_MSR_GP;
	if (val && (!has_spec_ctrl(v) || !rd_cpuid_supports(RD_F_AMD_IBRS)))
		return RD_MSR_GP;
	v->spec_ctrl = val;
	rd_hw->set_msr(v, msr, val);
	return RD_MSR_OK;
}

/*
 * The barrier takes place at once, on this CPU: a vCPU that moves meets the one that the backend
 * does on a switch of vCPUs.
 */
static int write_pred_cmd(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_IBPB) && !rd_cpuid_has(v, RD_F_SPEC_CTRL))
		return RD_MSR_GP;
	if (val & ~1ULL)
		return RD_MSR_GP;
	if (val && boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return RD_MSR_OK;
}

/* --- MTRRs and machine checks --- */

static int read_mtrr(vcpu *v, u32 msr, u64 *val, bool host)
{
	int i = rd_mtrr_slot(msr);

	if (i < 0)
		return RD_MSR_UNKNOWN;
	*val = v->mtrr[i];
	return RD_MSR_OK;
}

/* Stored for the guest to read: with nested paging the memory types are the host's. */
static int write_mtrr(vcpu *v, u32 msr, u64 val, bool host)
{
	int i = rd_mtrr_slot(msr);

	if (i < 0)
		return RD_MSR_UNKNOWN;
	if (!rd_mtrr_ok(msr, val, v->cpuid->gpa_reserved))
		return RD_MSR_GP;
	v->mtrr[i] = val;
	return RD_MSR_OK;
}

static bool mce_bank_there(vcpu *v, u32 msr)
{
	return (msr - RD_MSR_MCE_BANK) / 4 < (v->mcg_cap & 0xff);
}

static int read_mce_bank(vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!mce_bank_there(v, msr))
		return RD_MSR_GP;
	*val = v->mce[msr - RD_MSR_MCE_BANK];
	return RD_MSR_OK;
}

static int write_mce_bank(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!mce_bank_there(v, msr))
		return RD_MSR_GP;
	if (!rd_mce_write_ok(msr % 4, val, host, v->hwcr & HWCR_MCSTATUS_WREN))
		return RD_MSR_GP;
	v->mce[msr - RD_MSR_MCE_BANK] = val;
	return RD_MSR_OK;
}

static int read_mcg_ctl(vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || (v->mcg_cap & RD_MCG_CTL_P) ? read_word(v, msr, val, host) : RD_MSR_GP;
}

static int write_mcg_ctl(vcpu *v, u32 msr, u64 val, bool host)
{
	if (!(v->mcg_cap & RD_MCG_CTL_P) && (val || !host))
		return RD_MSR_GP;
	return val && val != ~0ULL ? RD_MSR_GP : store_word(v, msr, val);
}

static int read_mce_p5(vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = 0;
	return RD_MSR_OK;
}

u64 rd_mce_cap_supported(void)
{
	return RD_MCG_SUPPORTED;
}

int rd_vcpu_setup_mce(struct rd_vcpu *v, u64 mcg_cap)
{
	unsigned int banks = mcg_cap & 0xff, i;

	if (!banks || banks > RD_MCE_BANKS || (mcg_cap & ~(RD_MCG_SUPPORTED | 0xff)))
		return -EINVAL;
	v->mcg_cap = mcg_cap;
	if (mcg_cap & RD_MCG_CTL_P)
		v->mcg_ctl = ~0ULL;
	for (i = 0; i < banks; i++)
		v->mce[i * 4] = ~0ULL;
	return 0;
}

int rd_vcpu_set_mce(struct rd_vcpu *v, const struct kvm_x86_mce *m)
{
	struct rd_mce_state s = {
		.mcg_cap = v->mcg_cap,
		.mcg_ctl = v->mcg_ctl,
		.cr4 = rd_hw->get_cr(v, 4),
		.mcg_status = &v->mcg_status,
		.bank = &v->mce[m->bank < RD_MCE_BANKS ? m->bank * 4 : 0],
	};

	switch (rd_mce_inject(&s, m)) {
	case RD_MCE_BAD:
		return -EINVAL;
	case RD_MCE_RAISE:
		rd_queue_exception(v, 18);
		return 0;
	case RD_MCE_SHUTDOWN:
		rd_vcpu_set_request(v, RD_REQ_TRIPLE_FAULT);
		return 0;
	default:
		return 0;
	}
}

/* --- paravirtual --- */

static int read_pv(vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || rd_pv_msr_allowed(v, msr) ? rd_pv_msr_read(v, msr, val) : RD_MSR_GP;
}

static int write_pv(vcpu *v, u32 msr, u64 val, bool host)
{
	return host || rd_pv_msr_allowed(v, msr) ? rd_pv_msr_write(v, msr, val, host) : RD_MSR_GP;
}

/* --- the table --- */

#define ONE(msr, r, w) { msr, msr, r, w }

const struct rd_msr_range rd_msr_ranges[] = {
	{ 0x0, 0x1, read_mce_p5, write_ignored }, /* P5_MC_ADDR, P5_MC_TYPE */
	ONE(0x10, read_tsc, write_tsc),
	{ MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, read_pv, write_pv },
	ONE(MSR_IA32_PLATFORM_ID, read_zero, NULL),
	ONE(MSR_IA32_APICBASE, read_apic_base, write_apic_base),
	ONE(MSR_IA32_EBL_CR_POWERON, read_zero, NULL),
	ONE(MSR_EBC_FREQUENCY_ID, read_constant, NULL),
	ONE(MSR_SMI_COUNT, read_word, write_word_host),
	ONE(MSR_IA32_FEAT_CTL, read_feat_ctl, write_word_host),
	ONE(MSR_IA32_TSC_ADJUST, read_tsc_adjust, write_tsc_adjust),
	ONE(MSR_IA32_SPEC_CTRL, read_spec_ctrl, write_spec_ctrl),
	ONE(MSR_IA32_PRED_CMD, NULL, write_pred_cmd),
	ONE(MSR_IA32_UCODE_WRITE, NULL, write_ignored),
	ONE(MSR_IA32_UCODE_REV, read_word, write_ucode_rev),
	ONE(MSR_IA32_SMBASE, read_word_host, write_word_host),
	{ MSR_IA32_PERFCTR0, MSR_IA32_PERFCTR1, read_zero, write_ignored },
	ONE(MSR_FSB_FREQ, read_constant, NULL),
	ONE(MSR_PLATFORM_INFO, read_platform_info, write_platform_info),
	ONE(RD_MSR_MTRR_CAP, read_constant, NULL),
	ONE(MSR_IA32_ARCH_CAPABILITIES, read_arch_caps, write_arch_caps),
	ONE(MSR_IA32_BBL_CR_CTL3, read_constant, NULL),
	ONE(MSR_IA32_SYSENTER_CS, read_hw, write_hw_u32),
	{ MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP, read_hw, write_hw_canonical },
	ONE(MSR_IA32_MCG_CAP, read_word, NULL),
	ONE(MSR_IA32_MCG_STATUS, read_word, write_word),
	ONE(MSR_IA32_MCG_CTL, read_mcg_ctl, write_mcg_ctl),
	{ MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1, read_zero, write_ignored },
	ONE(MSR_IA32_PERF_STATUS, read_constant, NULL),
	ONE(MSR_IA32_PERF_CTL, read_zero, write_ignored),
	ONE(MSR_IA32_MISC_ENABLE, read_word, write_misc_enable),
	ONE(MSR_IA32_DEBUGCTLMSR, read_debugctl, write_debugctl),
	{ MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP, read_zero, NULL },
	ONE(MSR_IA32_POWER_CTL, read_word, write_word), /* kept, without an effect */
	{ RD_MSR_MTRR_VAR, RD_MSR_MTRR_VAR + 2 * RD_NR_VAR_MTRR - 1, read_mtrr, write_mtrr },
	{ 0x250, 0x26f, read_mtrr, write_mtrr },
	ONE(MSR_IA32_CR_PAT, read_pat, write_pat),
	ONE(RD_MSR_MTRR_DEFTYPE, read_mtrr, write_mtrr),
	ONE(MSR_IA32_PERF_CAPABILITIES, read_zero, write_zero_only),
	{ RD_MSR_MCE_BANK, RD_MSR_MCE_BANK + 4 * RD_MCE_BANKS - 1, read_mce_bank, write_mce_bank },
	ONE(MSR_RAPL_POWER_UNIT, read_zero, NULL),
	ONE(MSR_PKG_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_DRAM_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_PP0_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_PP1_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_IA32_TSC_DEADLINE, read_tsc_deadline, write_tsc_deadline),
	ONE(MSR_IA32_XSS, read_xss, write_xss),
	{ MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, read_pv, write_pv },
	{ MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_ACK, read_pv, write_pv },
	ONE(MSR_EFER, read_efer, write_efer),
	ONE(MSR_STAR, read_hw, write_hw),
	{ MSR_LSTAR, MSR_CSTAR, read_hw, write_hw_canonical },
	ONE(MSR_SYSCALL_MASK, read_hw, write_hw_u32),
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, read_hw, write_hw_canonical },
	ONE(MSR_TSC_AUX, read_tsc_aux, write_tsc_aux),
	{ MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3, read_zero, write_ignored },
	ONE(MSR_AMD64_SYSCFG, read_zero, write_zero_only),
	ONE(MSR_HWCR, read_word, write_hwcr),
	ONE(MSR_AMD64_NB_CFG, read_zero, write_ignored),
	ONE(MSR_AMD64_PATCH_LOADER, NULL, write_ignored),
	ONE(MSR_K8_INT_PENDING_MSG, read_zero, write_ignored),
	ONE(MSR_FAM10H_MMIO_CONF_BASE, read_zero, NULL),
	{ 0xc0010061, 0xc0010063, read_zero, write_ignored },
	/* No P-state is enabled. */
	{ MSR_AMD_PSTATE_DEF_BASE, MSR_AMD_PSTATE_DEF_BASE + 7, read_zero, write_ignored },
	{ MSR_K8_TSEG_ADDR, MSR_K8_TSEG_MASK, read_zero, write_zero_only },
	ONE(MSR_VM_CR, read_zero, write_zero_only),
	{ MSR_AMD64_OSVW_ID_LENGTH, MSR_AMD64_OSVW_STATUS, read_osvw, write_word_host },
	ONE(MSR_AMD64_LS_CFG, read_zero, write_ignored),
	ONE(MSR_AMD64_DC_CFG, read_zero, write_ignored),
	ONE(MSR_AMD64_TW_CFG, read_zero, write_ignored),
	ONE(MSR_DE_CFG, read_word, write_de_cfg),
	ONE(MSR_AMD64_BU_CFG2, read_zero, write_ignored),
	ONE(MSR_F15H_EX_CFG, read_zero, write_ignored),
};

const unsigned int rd_msr_nr_ranges = ARRAY_SIZE(rd_msr_ranges);

/* --- lists --- */

/* What a VMM saves and restores. feature: listed only if guests may have it; 0: always. */
static const struct {
	u32 msr;
	u16 feature;
	bool amd;
} saved[] = {
	{ 0x10, 0, false },
	{ MSR_KVM_WALL_CLOCK, 0, false },
	{ MSR_KVM_SYSTEM_TIME, 0, false },
	{ MSR_IA32_TSC_ADJUST, 0, false },
	{ MSR_IA32_SPEC_CTRL, RD_F_AMD_IBRS, false },
	{ MSR_IA32_UCODE_REV, 0, false },
	{ MSR_PLATFORM_INFO, 0, false },
	{ MSR_IA32_ARCH_CAPABILITIES, 0, false },
	{ MSR_IA32_SYSENTER_CS, 0, false },
	{ MSR_IA32_SYSENTER_ESP, 0, false },
	{ MSR_IA32_SYSENTER_EIP, 0, false },
	{ MSR_IA32_MCG_STATUS, 0, false },
	{ MSR_IA32_MCG_CTL, 0, false },
	{ MSR_IA32_MISC_ENABLE, 0, false },
	{ MSR_IA32_CR_PAT, 0, false },
	{ MSR_IA32_TSC_DEADLINE, 0, false },
	{ MSR_IA32_XSS, RD_F_XSAVES, false },
	{ MSR_KVM_WALL_CLOCK_NEW, 0, false },
	{ MSR_KVM_SYSTEM_TIME_NEW, 0, false },
	{ MSR_KVM_STEAL_TIME, RD_F_PV_STEAL, false },
	{ MSR_KVM_PV_EOI_EN, 0, false },
	{ MSR_STAR, 0, false },
	{ MSR_LSTAR, 0, false },
	{ MSR_CSTAR, 0, false },
	{ MSR_SYSCALL_MASK, 0, false },
	{ MSR_KERNEL_GS_BASE, 0, false },
	{ MSR_TSC_AUX, RD_F_RDTSCP, false },
	{ MSR_HWCR, 0, true },
};

static bool host_is_amd(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

/* Return how many there are; out gets the first max of them. */
u32 rd_msr_index_list(u32 *out, u32 max)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(saved); i++) {
		if (saved[i].feature && !rd_cpuid_supports(saved[i].feature))
			continue;
		if (saved[i].amd && !host_is_amd())
			continue;
		if (n < max)
			out[n] = saved[i].msr;
		n++;
	}
	return n;
}

static const u32 features[] = { MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES,
				MSR_IA32_PERF_CAPABILITIES, MSR_DE_CFG };

u32 rd_msr_feature_list(u32 *out, u32 max)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (features[i] == MSR_DE_CFG && !host_is_amd())
			continue;
		if (n < max)
			out[n] = features[i];
		n++;
	}
	return n;
}

/* What the host's CPU is known not to suffer from; a guest can rely on it as the host does. */
static u64 host_arch_caps(void)
{
	static const struct {
		u16 bug;
		u64 bit;
	} immune[] = {
		{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO },
		{ X86_BUG_L1TF, ARCH_CAP_SKIP_VMENTRY_L1DFLUSH },
		{ X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
		{ X86_BUG_MDS, ARCH_CAP_MDS_NO },
		{ X86_BUG_TAA, ARCH_CAP_TAA_NO },
		{ X86_BUG_MMIO_STALE_DATA,
		  ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO },
	};
	u64 caps = ARCH_CAP_PSCHANGE_MC_NO;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(immune); i++)
		if (!boot_cpu_has_bug(immune[i].bug))
			caps |= immune[i].bit;
	return caps;
}

static u64 default_ucode_rev(void)
{
	return host_is_amd() ? 0x01000065 : 0x100000000ULL;
}

int rd_msr_feature_read(u32 msr, u64 *val)
{
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		if (rdmsrl_safe(MSR_IA32_UCODE_REV, val))
			*val = default_ucode_rev();
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*val = host_arch_caps();
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		*val = 0;
		return 0;
	case MSR_DE_CFG:
		*val = de_cfg_supported();
		return !host_is_amd();
	default:
		return 1;
	}
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
	v->smbase = 0x30000;
	v->spec_ctrl = 0;
	v->tsc_aux = 0;
	v->mcg_status = 0;
	v->ucode_rev = default_ucode_rev();
	v->platform_info = 0;
	v->arch_caps = host_arch_caps();
	v->hwcr = 0;
	v->de_cfg = de_cfg_supported();
	v->osvw_length = 0;
	v->osvw_status = 0;
	v->power_ctl = 0;
	v->pv.poll_control = 1;
	memset(v->mtrr, 0, sizeof(v->mtrr));
}
