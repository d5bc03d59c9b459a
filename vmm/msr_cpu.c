// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs of the CPU itself: those that the backend keeps, the time stamp counter, the APIC base, side
 * channel controls, and the paravirtual ones. Invariant: as vmm/msr_handlers.h says.
 */
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include "vmm/clock.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/msr_handlers.h"
#include "vmm/regs.h"
#include "vmm/state.h"

#define DEBUGCTL_LBR_BTF 3ULL

/* --- MSRs that the backend keeps --- */

int rd_mr_hw(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return rd_hw->get_msr(v, msr, val) ? RD_MSR_GP : RD_MSR_OK;
}

int rd_mw_hw(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_hw->set_msr(v, msr, val) ? RD_MSR_GP : RD_MSR_OK;
}

int rd_mw_hw_u32(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_mw_hw(v, msr, (u32)val, host);
}

/*
 * Addresses: a value that is not canonical is #GP, from the host too, for the CPU would refuse to
 * enter with it.
 */
int rd_mw_hw_canonical(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	unsigned int bits = rd_hw->get_cr(v, 4) & RD_CR4_LA57 ? 57 : 48;

	return rd_canonical(val, bits) ? rd_mw_hw(v, msr, val, host) : RD_MSR_GP;
}

int rd_mw_pat(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!rd_pat_ok(val))
		return RD_MSR_GP;
	v->pat = val;
	rd_hw->set_msr(v, msr, val);
	return RD_MSR_OK;
}

int rd_mr_pat(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (rd_hw->get_msr(v, msr, val))
		*val = v->pat;
	return RD_MSR_OK;
}

int rd_mr_efer(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = rd_hw->get_efer(v);
	return RD_MSR_OK;
}

int rd_mw_efer(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_set_efer(v, val, host) ? RD_MSR_GP : RD_MSR_OK;
}

/*
 * Branch recording is not virtualized: the bits read back, single-stepping on branches is the
 * backend's.
 */
int rd_mr_debugctl(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (rd_hw->get_msr(v, msr, val))
		*val = 0;
	return RD_MSR_OK;
}

int rd_mw_debugctl(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (val & ~DEBUGCTL_LBR_BTF)
		return RD_MSR_GP;
	rd_hw->set_msr(v, msr, val & ~1ULL);
	return RD_MSR_OK;
}

/* --- time --- */

int rd_mr_tsc(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = rd_vcpu_tsc(v);
	return RD_MSR_OK;
}

int rd_mw_tsc(struct rd_vcpu *v, u32 msr, u64 val, bool host)
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

int rd_mr_tsc_adjust(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->tsc.adjust;
	return RD_MSR_OK;
}

/* The guest moves its TSC by it; the host restores a saved value, the TSC itself comes separately.
 */
int rd_mw_tsc_adjust(struct rd_vcpu *v, u32 msr, u64 val, bool host)
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

int rd_mr_tsc_deadline(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->has_lapic ? rd_lapic_get_tsc_deadline(&v->lapic) : 0;
	return RD_MSR_OK;
}

int rd_mw_tsc_deadline(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (v->has_lapic)
		rd_lapic_set_tsc_deadline(&v->lapic, val);
	return RD_MSR_OK;
}

/* --- the local APIC's base --- */

int rd_mr_apic_base(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->lapic.base;
	return RD_MSR_OK;
}

int rd_mw_apic_base(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return rd_set_apic_base(v, val, host) ? RD_MSR_GP : RD_MSR_OK;
}

/* --- side channels --- */

int rd_mr_arch_caps(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_ARCH_CAPS))
		return RD_MSR_GP;
	*val = v->arch_caps;
	return RD_MSR_OK;
}

int rd_mw_arch_caps(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host || (val & ~rd_host_arch_caps()))
		return RD_MSR_GP;
	v->arch_caps = val;
	return RD_MSR_OK;
}

static bool has_spec_ctrl(struct rd_vcpu *v)
{
	return rd_cpuid_has(v, RD_F_SPEC_CTRL) || rd_cpuid_has(v, RD_F_STIBP) ||
	       rd_cpuid_has(v, RD_F_SSBD) || rd_cpuid_has(v, RD_F_AMD_IBRS) ||
	       rd_cpuid_has(v, RD_F_AMD_STIBP) || rd_cpuid_has(v, RD_F_AMD_SSBD);
}

int rd_mr_spec_ctrl(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
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
int rd_mw_spec_ctrl(struct rd_vcpu *v, u32 msr, u64 val, bool host)
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
int rd_mw_pred_cmd(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !rd_cpuid_has(v, RD_F_IBPB) && !rd_cpuid_has(v, RD_F_SPEC_CTRL))
		return RD_MSR_GP;
	if (val & ~1ULL)
		return RD_MSR_GP;
	if (val && boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return RD_MSR_OK;
}

/* --- paravirtual --- */

int rd_mr_pv(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || rd_pv_msr_allowed(v, msr) ? rd_pv_msr_read(v, msr, val) : RD_MSR_GP;
}

int rd_mw_pv(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	return host || rd_pv_msr_allowed(v, msr) ? rd_pv_msr_write(v, msr, val, host) : RD_MSR_GP;
}
