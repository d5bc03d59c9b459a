// SPDX-License-Identifier: GPL-2.0-only
/*
 * MTRRs, which are only stored, and machine-check banks, which the VMM can raise errors in.
 * Invariant: as vmm/msr_handlers.h says; only as many banks answer as IA32_MCG_CAP counts.
 */
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/msr_handlers.h"
#include "vmm/regs.h"

int rd_mr_mtrr(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	int i = rd_mtrr_slot(msr);

	if (i < 0)
		return RD_MSR_UNKNOWN;
	*val = v->mtrr[i];
	return RD_MSR_OK;
}

/* Stored for the guest to read: with nested paging the memory types are the host's. */
int rd_mw_mtrr(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	int i = rd_mtrr_slot(msr);

	if (i < 0)
		return RD_MSR_UNKNOWN;
	if (!rd_mtrr_ok(msr, val, v->cpuid->gpa_reserved))
		return RD_MSR_GP;
	v->mtrr[i] = val;
	return RD_MSR_OK;
}

static bool mce_bank_there(struct rd_vcpu *v, u32 msr)
{
	return (msr - RD_MSR_MCE_BANK) / 4 < (v->mcg_cap & 0xff);
}

int rd_mr_mce_bank(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!mce_bank_there(v, msr))
		return RD_MSR_GP;
	*val = v->mce[msr - RD_MSR_MCE_BANK];
	return RD_MSR_OK;
}

int rd_mw_mce_bank(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!mce_bank_there(v, msr))
		return RD_MSR_GP;
	if (!rd_mce_write_ok(msr % 4, val, host, v->hwcr & RD_HWCR_MCSTATUS_WREN))
		return RD_MSR_GP;
	v->mce[msr - RD_MSR_MCE_BANK] = val;
	return RD_MSR_OK;
}

static bool has_cmci(const struct rd_vcpu *v)
{
	return v->mcg_cap & RD_MCG_CMCI_P;
}

int rd_mr_mce_ctl2(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	unsigned int bank = msr - RD_MSR_MCE_CTL2;

	if (bank >= (v->mcg_cap & 0xff) || (!has_cmci(v) && !host))
		return RD_MSR_GP;
	*val = v->mce_ctl2[bank];
	return RD_MSR_OK;
}

int rd_mw_mce_ctl2(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	unsigned int bank = msr - RD_MSR_MCE_CTL2;

	if (bank >= (v->mcg_cap & 0xff) || (!has_cmci(v) && (val || !host)) ||
	    (val & ~(RD_MCI_CTL2_CMCI_EN | RD_MCI_CTL2_THRESHOLD)))
		return RD_MSR_GP;
	v->mce_ctl2[bank] = val;
	return RD_MSR_OK;
}

int rd_mr_mcg_ctl(struct rd_vcpu *v, u32 msr, u64 *val, bool host)
{
	return host || (v->mcg_cap & RD_MCG_CTL_P) ? rd_mr_word(v, msr, val, host) : RD_MSR_GP;
}

int rd_mw_mcg_ctl(struct rd_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!(v->mcg_cap & RD_MCG_CTL_P) && (val || !host))
		return RD_MSR_GP;
	return val && val != ~0ULL ? RD_MSR_GP : rd_msr_store_word(v, msr, val);
}

u64 rd_mce_cap_supported(void)
{
	return RD_MCG_SUPPORTED;
}

int rd_vcpu_setup_mce(struct rd_vcpu *v, u64 mcg_cap)
{
	unsigned int banks = mcg_cap & 0xff, i;

	if (!banks || banks > RD_MCE_BANKS || (mcg_cap & ~(RD_MCG_SUPPORTED | 0xff00ff)))
		return -EINVAL;
	v->mcg_cap = mcg_cap;
	if (mcg_cap & RD_MCG_CTL_P)
		v->mcg_ctl = ~0ULL;
	for (i = 0; i < banks; i++) {
		v->mce[i * 4] = ~0ULL;
		v->mce_ctl2[i] = 0;
	}
	if (v->has_lapic)
		rd_lapic_set_cmci(&v->lapic, has_cmci(v));
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
	case RD_MCE_SIGNAL:
		if (has_cmci(v) && v->has_lapic && (v->mce_ctl2[m->bank] & RD_MCI_CTL2_CMCI_EN))
			rd_lapic_raise_cmci(&v->lapic);
		return 0;
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
