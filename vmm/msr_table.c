// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every MSR that a guest or the VMM may touch, in one sorted table with the functions that check
 * and store it. Invariant: sorted by number, no two ranges overlap: the search relies on it.
 */
#include <linux/kvm_para.h>
#include <asm/msr-index.h>
#include "vmm/msr_handlers.h"
#include "vmm/regs.h"

/* --- MSRs without an effect --- */

static int read_zero(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = 0;
	return RD_MSR_OK;
}

static int write_ignored(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return RD_MSR_OK;
}

static int write_zero_only(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return val ? RD_MSR_GP : RD_MSR_OK;
}

static int read_constant(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
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

/* --- the table --- */

#define ONE(msr, r, w) { msr, msr, r, w }

const struct rd_msr_range rd_msr_ranges[] = {
	{ 0x0, 0x1, read_zero, write_ignored }, /* P5_MC_ADDR, P5_MC_TYPE */
	ONE(0x10, rd_mr_tsc, rd_mw_tsc),
	{ MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, rd_mr_pv, rd_mw_pv },
	ONE(MSR_IA32_PLATFORM_ID, read_zero, NULL),
	ONE(MSR_IA32_APICBASE, rd_mr_apic_base, rd_mw_apic_base),
	ONE(MSR_IA32_EBL_CR_POWERON, read_zero, NULL),
	ONE(MSR_EBC_FREQUENCY_ID, read_constant, NULL),
	ONE(MSR_SMI_COUNT, rd_mr_word, rd_mw_word_host),
	ONE(MSR_IA32_FEAT_CTL, rd_mr_feat_ctl, rd_mw_word_host),
	ONE(MSR_IA32_TSC_ADJUST, rd_mr_tsc_adjust, rd_mw_tsc_adjust),
	ONE(MSR_IA32_SPEC_CTRL, rd_mr_spec_ctrl, rd_mw_spec_ctrl),
	ONE(MSR_IA32_PRED_CMD, NULL, rd_mw_pred_cmd),
	ONE(MSR_IA32_UCODE_WRITE, NULL, write_ignored),
	ONE(MSR_IA32_UCODE_REV, rd_mr_word, rd_mw_ucode_rev),
	{ MSR_IA32_SGXLEPUBKEYHASH0, MSR_IA32_SGXLEPUBKEYHASH3, rd_mr_lepubkeyhash,
	  rd_mw_lepubkeyhash },
	ONE(MSR_IA32_SMBASE, rd_mr_word_host, rd_mw_word_host),
	{ MSR_IA32_PERFCTR0, MSR_IA32_PERFCTR1, read_zero, write_ignored },
	ONE(MSR_FSB_FREQ, read_constant, NULL),
	ONE(MSR_PLATFORM_INFO, rd_mr_platform_info, rd_mw_platform_info),
	ONE(RD_MSR_MTRR_CAP, read_constant, NULL),
	ONE(MSR_IA32_ARCH_CAPABILITIES, rd_mr_arch_caps, rd_mw_arch_caps),
	ONE(MSR_IA32_BBL_CR_CTL3, read_constant, NULL),
	ONE(MSR_IA32_SYSENTER_CS, rd_mr_hw, rd_mw_hw_u32),
	{ MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP, rd_mr_hw, rd_mw_hw_canonical },
	ONE(MSR_IA32_MCG_CAP, rd_mr_word, NULL),
	ONE(MSR_IA32_MCG_STATUS, rd_mr_word, rd_mw_word),
	ONE(MSR_IA32_MCG_CTL, rd_mr_mcg_ctl, rd_mw_mcg_ctl),
	{ MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1, read_zero, write_ignored },
	ONE(MSR_IA32_PERF_STATUS, read_constant, NULL),
	ONE(MSR_IA32_PERF_CTL, read_zero, write_ignored),
	ONE(MSR_IA32_MISC_ENABLE, rd_mr_word, rd_mw_misc_enable),
	ONE(MSR_IA32_DEBUGCTLMSR, rd_mr_debugctl, rd_mw_debugctl),
	{ MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP, read_zero, NULL },
	ONE(MSR_IA32_POWER_CTL, rd_mr_word, rd_mw_word), /* kept, without an effect */
	{ RD_MSR_MTRR_VAR, RD_MSR_MTRR_VAR + 2 * RD_NR_VAR_MTRR - 1, rd_mr_mtrr, rd_mw_mtrr },
	{ 0x250, 0x26f, rd_mr_mtrr, rd_mw_mtrr },
	ONE(MSR_IA32_CR_PAT, rd_mr_pat, rd_mw_pat),
	{ RD_MSR_MCE_CTL2, RD_MSR_MCE_CTL2 + RD_MCE_BANKS - 1, rd_mr_mce_ctl2, rd_mw_mce_ctl2 },
	ONE(RD_MSR_MTRR_DEFTYPE, rd_mr_mtrr, rd_mw_mtrr),
	ONE(MSR_IA32_PERF_CAPABILITIES, read_zero, write_zero_only),
	{ RD_MSR_MCE_BANK, RD_MSR_MCE_BANK + 4 * RD_MCE_BANKS - 1, rd_mr_mce_bank, rd_mw_mce_bank },
	ONE(MSR_RAPL_POWER_UNIT, read_zero, NULL),
	ONE(MSR_PKG_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_DRAM_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_PP0_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_PP1_ENERGY_STATUS, read_zero, NULL),
	ONE(MSR_IA32_TSC_DEADLINE, rd_mr_tsc_deadline, rd_mw_tsc_deadline),
	ONE(MSR_IA32_XSS, rd_mr_xss, rd_mw_xss),
	{ MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, rd_mr_pv, rd_mw_pv },
	{ MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_ACK, rd_mr_pv, rd_mw_pv },
	ONE(MSR_EFER, rd_mr_efer, rd_mw_efer),
	ONE(MSR_STAR, rd_mr_hw, rd_mw_hw),
	{ MSR_LSTAR, MSR_CSTAR, rd_mr_hw, rd_mw_hw_canonical },
	ONE(MSR_SYSCALL_MASK, rd_mr_hw, rd_mw_hw_u32),
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, rd_mr_hw, rd_mw_hw_canonical },
	ONE(MSR_TSC_AUX, rd_mr_tsc_aux, rd_mw_tsc_aux),
	{ MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3, read_zero, write_ignored },
	ONE(MSR_AMD64_SYSCFG, read_zero, write_zero_only),
	ONE(RD_MSR_HWCR, rd_mr_word, rd_mw_hwcr),
	ONE(MSR_AMD64_NB_CFG, read_zero, write_ignored),
	ONE(MSR_AMD64_PATCH_LOADER, NULL, write_ignored),
	ONE(MSR_K8_INT_PENDING_MSG, read_zero, write_ignored),
	ONE(MSR_FAM10H_MMIO_CONF_BASE, read_zero, NULL),
	{ 0xc0010061, 0xc0010063, read_zero, write_ignored },
	/* No P-state is enabled. */
	{ MSR_AMD_PSTATE_DEF_BASE, MSR_AMD_PSTATE_DEF_BASE + 7, read_zero, write_ignored },
	{ MSR_K8_TSEG_ADDR, MSR_K8_TSEG_MASK, read_zero, write_zero_only },
	ONE(MSR_VM_CR, read_zero, write_zero_only),
	{ MSR_AMD64_OSVW_ID_LENGTH, MSR_AMD64_OSVW_STATUS, rd_mr_osvw, rd_mw_word_host },
	ONE(MSR_AMD64_LS_CFG, read_zero, write_ignored),
	ONE(MSR_AMD64_DC_CFG, read_zero, write_ignored),
	ONE(MSR_AMD64_TW_CFG, read_zero, write_ignored),
	ONE(RD_MSR_DE_CFG, rd_mr_word, rd_mw_de_cfg),
	ONE(MSR_AMD64_BU_CFG2, read_zero, write_ignored),
	ONE(MSR_F15H_EX_CFG, read_zero, write_ignored),
};

const unsigned int rd_msr_nr_ranges = ARRAY_SIZE(rd_msr_ranges);
