// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legal values of control, debug and extended registers.
 * Invariant: pure; the rules are those of the CPU manuals' descriptions of MOV CR, MOV DR, WRMSR
 * and XSETBV.
 */
#include "vmm/regs.h"
#include "vmm/cpuid.h"

static const struct {
	u8 feature_bit; /* of CR4 */
	u16 feature;
} cr4_features[] = {
	{ 11, RD_F_UMIP },  { 12, RD_F_LA57 }, { 16, RD_F_FSGSBASE }, { 17, RD_F_PCID },
	{ 18, RD_F_XSAVE }, { 20, RD_F_SMEP }, { 21, RD_F_SMAP },     { 22, RD_F_PKU },
};

u64 rd_cr4_host_allowed(const u32 *words)
{
	u64 allowed = RD_CR4_BASE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (rd_cpuid_word_has(words, cr4_features[i].feature))
			allowed |= BIT_ULL(cr4_features[i].feature_bit);
	return allowed;
}

u64 rd_cr4_allowed(const struct rd_cpuid *c, const u32 *words)
{
	u64 allowed = rd_cr4_host_allowed(words);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (!rd_cpuid_test(c, cr4_features[i].feature))
			allowed &= ~BIT_ULL(cr4_features[i].feature_bit);
	return allowed;
}

static const struct {
	u64 bits;
	u16 feature;
} efer_features[] = {
	{ RD_EFER_LME | RD_EFER_LMA, RD_F_LM },
	{ RD_EFER_NX, RD_F_NX },
	{ RD_EFER_FFXSR, RD_F_FXSR_OPT },
};

u64 rd_efer_host_allowed(const u32 *words)
{
	u64 allowed = RD_EFER_SCE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(efer_features); i++)
		if (rd_cpuid_word_has(words, efer_features[i].feature))
			allowed |= efer_features[i].bits;
	return allowed;
}

u64 rd_efer_allowed(const struct rd_cpuid *c, const u32 *words)
{
	u64 allowed = rd_efer_host_allowed(words);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(efer_features); i++)
		if (!rd_cpuid_test(c, efer_features[i].feature))
			allowed &= ~efer_features[i].bits;
	return allowed;
}

static bool paging(const struct rd_cregs *r)
{
	return r->cr0 & RD_CR0_PG;
}

static bool long_mode(const struct rd_cregs *r)
{
	return r->efer & RD_EFER_LMA;
}

static bool cr0_consistent(u64 val)
{
	if (val >> 32)
		return false;
	if ((val & RD_CR0_NW) && !(val & RD_CR0_CD))
		return false;
	return !(val & RD_CR0_PG) || (val & RD_CR0_PE);
}

bool rd_cr0_write_ok(const struct rd_cregs *old, u64 val)
{
	if (!cr0_consistent(val))
		return false;
	if ((val & RD_CR0_PG) && !paging(old) && (old->efer & RD_EFER_LME))
		return (old->cr4 & RD_CR4_PAE) && !old->cs_l;
	if (!(val & RD_CR0_PG)) {
		if (old->cr4 & RD_CR4_PCIDE)
			return false;
		/* Paging ends only from compatibility mode. */
		if (long_mode(old) && old->cs_l)
			return false;
	}
	return true;
}

bool rd_cr3_write_ok(const struct rd_cpuid *c, const struct rd_cregs *old, u64 val)
{
	if (!long_mode(old))
		return true;
	if (old->cr4 & RD_CR4_PCIDE)
		val &= ~RD_CR3_NOFLUSH;
	return !(val & c->gpa_reserved);
}

bool rd_cr4_write_ok(const struct rd_cpuid *c, const struct rd_cregs *old, u64 val)
{
	if (val & ~c->cr4_allowed)
		return false;
	if (long_mode(old) && (!(val & RD_CR4_PAE) || ((val ^ old->cr4) & RD_CR4_LA57)))
		return false;
	if ((val & RD_CR4_PCIDE) && !(old->cr4 & RD_CR4_PCIDE))
		return long_mode(old) && !(old->cr3 & RD_CR3_PCID);
	return true;
}

bool rd_efer_write_ok(const struct rd_cpuid *c, const struct rd_cregs *old, u64 val)
{
	if (val & ~c->efer_allowed)
		return false;
	return !paging(old) || !((val ^ old->efer) & RD_EFER_LME);
}

bool rd_cregs_ok(const struct rd_cpuid *c, const struct rd_cregs *r)
{
	if ((r->efer & RD_EFER_LME) && (r->cr0 & RD_CR0_PG)) {
		if (!(r->cr4 & RD_CR4_PAE) || !(r->efer & RD_EFER_LMA))
			return false;
		if (r->cr3 & c->gpa_reserved)
			return false;
	} else if ((r->efer & RD_EFER_LMA) || r->cs_l) {
		return false;
	}
	/* PCIDs outside long mode are left to the CPU's own checks at entry, as stock KVM does. */
	return cr0_consistent(r->cr0) && !(r->cr4 & ~c->cr4_allowed);
}

u64 rd_efer_after_cr0(u64 efer, u64 cr0)
{
	if ((efer & RD_EFER_LME) && (cr0 & RD_CR0_PG))
		return efer | RD_EFER_LMA;
	return efer & ~RD_EFER_LMA;
}

bool rd_xcr0_ok(u64 val, u64 allowed)
{
	u64 part;

	if (!(val & RD_XCR0_FP) || (val & ~allowed))
		return false;
	if ((val & RD_XCR0_AVX) && !(val & RD_XCR0_SSE))
		return false;
	part = val & RD_XCR0_BND;
	if (part && part != RD_XCR0_BND)
		return false;
	part = val & RD_XCR0_AVX512;
	if (part && (part != RD_XCR0_AVX512 || !(val & RD_XCR0_AVX)))
		return false;
	part = val & RD_XCR0_AMX;
	return !part || part == RD_XCR0_AMX;
}

bool rd_dr_write_ok(unsigned int n, u64 val)
{
	return n < 4 || !(val >> 32);
}

u64 rd_dr6_stored(u64 val, bool rtm)
{
	u64 fixed = RD_DR6_RESET;

	if (rtm) {
		fixed &= ~RD_DR6_RTM;
		return (val & (RD_DR6_SETTABLE | RD_DR6_RTM)) | fixed;
	}
	return (val & RD_DR6_SETTABLE) | fixed;
}

u64 rd_dr7_stored(u64 val)
{
	return (val & RD_DR7_SETTABLE) | RD_DR7_RESET;
}

/* --- memory types --- */

static bool mtrr_type_ok(u64 t)
{
	return t < 8 && (BIT(t) & 0x73); /* UC WC WT WP WB */
}

bool rd_pat_ok(u64 val)
{
	unsigned int i;

	for (i = 0; i < 8; i++, val >>= 8)
		if ((val & 0xff) > 7 || !(BIT(val & 7) & 0xf3)) /* as for MTRRs, and UC- */
			return false;
	return true;
}

int rd_mtrr_slot(u32 msr)
{
	static const u16 fixed[11] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
				       0x26b, 0x26c, 0x26d, 0x26e, 0x26f };
	unsigned int i;

	if (msr - RD_MSR_MTRR_VAR < 2 * RD_NR_VAR_MTRR)
		return msr - RD_MSR_MTRR_VAR;
	if (msr == RD_MSR_MTRR_DEFTYPE)
		return 2 * RD_NR_VAR_MTRR + ARRAY_SIZE(fixed);
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i] == msr)
			return 2 * RD_NR_VAR_MTRR + i;
	return -1;
}

bool rd_mtrr_ok(u32 msr, u64 val, u64 gpa_reserved)
{
	unsigned int i;

	if (msr == RD_MSR_MTRR_DEFTYPE)
		return !(val & ~0xcffULL) && mtrr_type_ok(val & 0xff);
	if (msr - RD_MSR_MTRR_VAR >= 2 * RD_NR_VAR_MTRR) {
		for (i = 0; i < 8; i++, val >>= 8)
			if (!mtrr_type_ok(val & 0xff))
				return false;
		return true;
	}
	if (val & gpa_reserved)
		return false;
	if (msr & 1) /* mask: valid bit and address bits */
		return !(val & 0x7ff);
	return !(val & 0xf00) && mtrr_type_ok(val & 0xff);
}

/* --- machine checks --- */

bool rd_mce_write_ok(unsigned int reg, u64 val, bool host, bool status_writable)
{
	/*
	 * CTL is all or nothing; Linux clears bit 10 of bank 4 for the GART, and bit 0 of bank 0 on
	 * some CPUs. STATUS may only be cleared.
	 */
	if (reg == 0)
		return val == 0 || (val | BIT_ULL(10) | 1) == ~0ULL;
	if (reg == 1)
		return host || !val || status_writable;
	return true;
}

static void mce_store(const struct rd_mce_state *s, const struct kvm_x86_mce *m, u64 overflow)
{
	s->bank[1] = m->status | overflow;
	s->bank[2] = m->addr;
	s->bank[3] = m->misc;
}

/* Uncorrected, but nothing that runs has met it: no action is needed now (UCNA). */
static bool mce_needs_no_action(const struct kvm_x86_mce *m)
{
	return (m->status & RD_MCI_UC) && !m->mcg_status &&
	       !(m->status & (RD_MCI_PCC | RD_MCI_S | RD_MCI_AR));
}

enum rd_mce_action rd_mce_inject(const struct rd_mce_state *s, const struct kvm_x86_mce *m)
{
	if (m->bank >= (s->mcg_cap & 0xff) || !(m->status & RD_MCI_VAL))
		return RD_MCE_BAD;
	if (mce_needs_no_action(m)) {
		mce_store(s, m, 0);
		*s->mcg_status = m->mcg_status;
		return RD_MCE_SIGNAL;
	}
	if (m->status & RD_MCI_UC) {
		/* Uncorrected errors are off as a whole, or in this bank. */
		if ((s->mcg_cap & RD_MCG_CTL_P) && s->mcg_ctl != ~0ULL)
			return RD_MCE_IGNORED;
		if (s->bank[0] != ~0ULL)
			return RD_MCE_IGNORED;
		if ((*s->mcg_status & RD_MCG_STATUS_MCIP) || !(s->cr4 & RD_CR4_MCE))
			return RD_MCE_SHUTDOWN;
	} else if ((s->bank[1] & RD_MCI_VAL) && (s->bank[1] & RD_MCI_UC)) {
		/* A corrected error does not overwrite an uncorrected one. */
		s->bank[1] |= RD_MCI_OVER;
		return RD_MCE_STORED;
	}
	mce_store(s, m, s->bank[1] & RD_MCI_VAL ? RD_MCI_OVER : 0);
	if (!(m->status & RD_MCI_UC))
		return RD_MCE_STORED;
	*s->mcg_status = m->mcg_status;
	return RD_MCE_RAISE;
}
