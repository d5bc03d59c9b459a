// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to control, debug and extended registers by the guest, from exits and from the emulator.
 * Invariant: a write that is refused (1: #GP) changes nothing. The backend's set_cr() and
 * set_efer() flush what the guest's own MOV would have flushed. The vCPU is loaded.
 */
#include <asm/cpufeature.h>
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/regs.h"
#include "vmm/state.h"
#include "vmm/vm.h"

static void read_cregs(struct rd_vcpu *v, struct rd_cregs *r)
{
	struct kvm_segment cs;

	r->cr0 = rd_hw->get_cr(v, 0);
	r->cr3 = rd_hw->get_cr(v, 3);
	r->cr4 = rd_hw->get_cr(v, 4);
	r->efer = rd_hw->get_efer(v);
	r->cs_l = false;
	if (r->efer & RD_EFER_LMA || r->efer & RD_EFER_LME) {
		rd_hw->get_segment(v, RD_SEG_CS, &cs);
		r->cs_l = cs.l;
	}
}

/*
 * The four top-level entries of PAE paging are checked when they are loaded (SDM, "PDPTE
 * Registers"), here: when paging is switched on. Not bit 5: emulated CPUs set it in them.
 */
static bool pdptes_ok(struct rd_vcpu *v, u64 cr3)
{
	const u64 reserved = v->cpuid->gpa_reserved | GENMASK_ULL(8, 6) | GENMASK_ULL(2, 1);
	u64 e[4];
	unsigned int i;

	if (rd_vcpu_read_gpa(v, cr3 & 0xffffffe0, e, sizeof(e)))
		return true;
	for (i = 0; i < ARRAY_SIZE(e); i++)
		if ((e[i] & 1) && (e[i] & reserved))
			return false;
	return true;
}

static bool turns_on_pae(const struct rd_cregs *old, u64 cr0)
{
	return (cr0 & ~old->cr0 & RD_CR0_PG) && (old->cr4 & RD_CR4_PAE) &&
	       !(old->efer & RD_EFER_LME);
}

int rd_set_cr0(struct rd_vcpu *v, u64 val)
{
	struct rd_cregs old;
	u64 efer;

	read_cregs(v, &old);
	if (!rd_cr0_write_ok(&old, val))
		return 1;
	if (turns_on_pae(&old, val) && !pdptes_ok(v, old.cr3))
		return 1;
	val = (val & RD_CR0_DEFINED) | RD_CR0_ET;
	efer = rd_efer_after_cr0(old.efer, val);
	if (efer != old.efer)
		rd_hw->set_efer(v, efer);
	rd_hw->set_cr(v, 0, val);
	return 0;
}

int rd_set_cr3(struct rd_vcpu *v, u64 val)
{
	struct rd_cregs old;

	read_cregs(v, &old);
	if (!rd_cr3_write_ok(v->cpuid, &old, val))
		return 1;
	if (old.cr4 & RD_CR4_PCIDE)
		val &= ~RD_CR3_NOFLUSH;
	rd_hw->set_cr(v, 3, val);
	return 0;
}

int rd_set_cr4(struct rd_vcpu *v, u64 val)
{
	struct rd_cregs old;

	read_cregs(v, &old);
	if (!rd_cr4_write_ok(v->cpuid, &old, val))
		return 1;
	rd_hw->set_cr(v, 4, val);
	return 0;
}

int rd_set_cr8(struct rd_vcpu *v, u64 val)
{
	if (val > 15)
		return 1;
	v->cr8 = val;
	if (v->has_lapic)
		rd_lapic_set_tpr(&v->lapic, val);
	return 0;
}

/*
 * LMA is the CPU's: a write leaves it. The host may change LME with paging on, while it puts a
 * saved state together.
 */
int rd_set_efer(struct rd_vcpu *v, u64 val, bool host)
{
	struct rd_cregs old;

	read_cregs(v, &old);
	if (!host && !rd_efer_write_ok(v->cpuid, &old, val))
		return 1;
	if (val & ~rd_efer_host_allowed(rd_cpuid_host_words()))
		return 1;
	val = (val & ~RD_EFER_LMA) | (old.efer & RD_EFER_LMA);
	if (val == old.efer)
		return 0;
	rd_hw->set_efer(v, val);
	return 0;
}

int rd_set_xcr(struct rd_vcpu *v, u32 index, u64 val)
{
	if (index || !rd_xcr0_ok(val, v->cpuid->xcr0_allowed))
		return 1;
	v->xcr0 = val;
	return 0;
}

int rd_set_apic_base(struct rd_vcpu *v, u64 val, bool host)
{
	u64 reserved = v->cpuid->gpa_reserved | 0x2ff;

	if (!rd_cpuid_has(v, RD_F_X2APIC))
		reserved |= RD_APIC_BASE_X2APIC;
	return (val & reserved) || rd_lapic_set_base(&v->lapic, val, host);
}

/* --- debug registers --- */

int rd_get_dr(struct rd_vcpu *v, unsigned int n, u64 *val)
{
	rd_hw->sync_debug(v);
	if (n < 4)
		*val = v->db[n];
	else
		*val = n == 4 || n == 6 ? v->dr6 : v->dr7;
	return 0;
}

int rd_set_dr(struct rd_vcpu *v, unsigned int n, u64 val)
{
	if (!rd_dr_write_ok(n, val))
		return 1;
	rd_hw->sync_debug(v);
	if (n < 4)
		v->db[n] = val;
	else if (n == 4 || n == 6)
		v->dr6 = rd_dr6_stored(val, rd_cpuid_has(v, RD_F_RTM));
	else
		v->dr7 = rd_dr7_stored(val);
	rd_hw->update_debug(v);
	return 0;
}
