// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lists that KVM_GET_MSR_INDEX_LIST and KVM_GET_MSR_FEATURE_INDEX_LIST give, and what feature
 * MSRs say on this host. Invariant: every MSR in the lists can be read, and written back as read,
 * by the host.
 */
#include <linux/kvm_para.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "vmm/cpuid.h"
#include "vmm/msr_handlers.h"

#define DE_CFG_LFENCE_SERIALIZE BIT_ULL(1)

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
	{ RD_MSR_HWCR, 0, true },
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

/* What the host's CPU is known not to suffer from; a guest can rely on it as the host does. */
u64 rd_host_arch_caps(void)
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

u64 rd_de_cfg_supported(void)
{
	return boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE_SERIALIZE : 0;
}

static const u32 features[] = { MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES,
				MSR_IA32_PERF_CAPABILITIES, RD_MSR_DE_CFG };

u32 rd_msr_feature_list(u32 *out, u32 max)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (features[i] == RD_MSR_DE_CFG && !host_is_amd())
			continue;
		if (n < max)
			out[n] = features[i];
		n++;
	}
	return n;
}

u64 rd_default_ucode_rev(void)
{
	return host_is_amd() ? 0x01000065 : 0x100000000ULL;
}

int rd_msr_feature_read(u32 msr, u64 *val)
{
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		if (rdmsrl_safe(MSR_IA32_UCODE_REV, val))
			*val = rd_default_ucode_rev();
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*val = rd_host_arch_caps();
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		*val = 0;
		return 0;
	case RD_MSR_DE_CFG:
		*val = rd_de_cfg_supported();
		return !host_is_amd();
	default:
		return 1;
	}
}
