/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which values control registers, debug registers, EFER, XCR0 and a few MSRs may take: pure
 * functions of the old value, the new one and the guest's CPUID. Invariant: nothing here changes
 * state, so that every caller can check all before it changes anything.
 */
#ifndef RD_VMM_REGS_H
#define RD_VMM_REGS_H

#include "kmod/base.h"

struct rd_cpuid;

#define RD_CR0_PE BIT_ULL(0)
#define RD_CR0_MP BIT_ULL(1)
#define RD_CR0_EM BIT_ULL(2)
#define RD_CR0_TS BIT_ULL(3)
#define RD_CR0_ET BIT_ULL(4)
#define RD_CR0_NE BIT_ULL(5)
#define RD_CR0_WP BIT_ULL(16)
#define RD_CR0_AM BIT_ULL(18)
#define RD_CR0_NW BIT_ULL(29)
#define RD_CR0_CD BIT_ULL(30)
#define RD_CR0_PG BIT_ULL(31)
#define RD_CR0_DEFINED                                                                             \
	(RD_CR0_PE | RD_CR0_MP | RD_CR0_EM | RD_CR0_TS | RD_CR0_ET | RD_CR0_NE | RD_CR0_WP |       \
	 RD_CR0_AM | RD_CR0_NW | RD_CR0_CD | RD_CR0_PG)

#define RD_CR4_PAE BIT_ULL(5)
#define RD_CR4_MCE BIT_ULL(6)
#define RD_CR4_PGE BIT_ULL(7)
#define RD_CR4_UMIP BIT_ULL(11)
#define RD_CR4_LA57 BIT_ULL(12)
#define RD_CR4_VMXE BIT_ULL(13)
#define RD_CR4_FSGSBASE BIT_ULL(16)
#define RD_CR4_PCIDE BIT_ULL(17)
#define RD_CR4_OSXSAVE BIT_ULL(18)
#define RD_CR4_SMEP BIT_ULL(20)
#define RD_CR4_SMAP BIT_ULL(21)
#define RD_CR4_PKE BIT_ULL(22)
/* VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT: on every CPU with long mode. */
#define RD_CR4_BASE 0x7ffULL

#define RD_CR3_PCID 0xfffULL
#define RD_CR3_NOFLUSH BIT_ULL(63)

#define RD_EFER_SCE BIT_ULL(0)
#define RD_EFER_LME BIT_ULL(8)
#define RD_EFER_LMA BIT_ULL(10)
#define RD_EFER_NX BIT_ULL(11)
#define RD_EFER_SVME BIT_ULL(12)
#define RD_EFER_FFXSR BIT_ULL(14)

#define RD_XCR0_FP BIT_ULL(0)
#define RD_XCR0_SSE BIT_ULL(1)
#define RD_XCR0_AVX BIT_ULL(2)
#define RD_XCR0_BND (BIT_ULL(3) | BIT_ULL(4))
#define RD_XCR0_AVX512 (BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(7))
#define RD_XCR0_PKRU BIT_ULL(9)
#define RD_XCR0_AMX (BIT_ULL(17) | BIT_ULL(18))

#define RD_DR6_RESET 0xffff0ff0ULL
#define RD_DR6_SETTABLE 0xe00fULL    /* B0-B3 BD BS BT */
#define RD_DR6_BUS_LOCK BIT_ULL(11)  /* active low */
#define RD_DR6_RTM BIT_ULL(16)       /* active low */
#define RD_DR7_RESET 0x400ULL
#define RD_DR7_SETTABLE 0xffff2bffULL
#define RD_DR7_RESERVED 0xffffffff00000000ULL

#define RD_RFLAGS_FIXED BIT_ULL(1)
#define RD_RFLAGS_VM BIT_ULL(17)
#define RD_PAT_RESET 0x0007040600070406ULL

/* The paging registers together, for checks that need more than one. */
struct rd_cregs {
	u64 cr0, cr3, cr4, efer;
	bool cs_l;
};

static inline bool rd_canonical(u64 addr, unsigned int bits)
{
	return (u64)((s64)(addr << (64 - bits)) >> (64 - bits)) == addr;
}

/* Masks of bits that a guest may set. words: what the module supports. */
u64 rd_cr4_allowed(const struct rd_cpuid *c, const u32 *words);
u64 rd_efer_allowed(const struct rd_cpuid *c, const u32 *words);
/* The same, whatever the guest's CPUID. */
u64 rd_cr4_host_allowed(const u32 *words);
u64 rd_efer_host_allowed(const u32 *words);

/* MOV to CR0, CR3, CR4 and WRMSR EFER in the state old: true if the write is legal, false for #GP.
 */
bool rd_cr0_write_ok(const struct rd_cregs *old, u64 val);
bool rd_cr3_write_ok(const struct rd_cpuid *c, const struct rd_cregs *old, u64 val);
bool rd_cr4_write_ok(const struct rd_cpuid *c, const struct rd_cregs *old, u64 val);
bool rd_efer_write_ok(const struct rd_cpuid *c, const struct rd_cregs *old, u64 val);
/* All at once, as KVM_SET_SREGS sets them. */
bool rd_cregs_ok(const struct rd_cpuid *c, const struct rd_cregs *r);
/* EFER after CR0 was written: LMA follows LME and PG. */
u64 rd_efer_after_cr0(u64 efer, u64 cr0);
bool rd_xcr0_ok(u64 val, u64 allowed);

/* MOV to DR6 and DR7: false for #GP; what is stored. rtm: the guest has RTM. */
bool rd_dr_write_ok(unsigned int n, u64 val);
u64 rd_dr6_stored(u64 val, bool rtm);
u64 rd_dr7_stored(u64 val);

bool rd_pat_ok(u64 val);

/* MTRRs. RD_NR_VAR_MTRR base/mask pairs. */
#define RD_NR_VAR_MTRR 8
#define RD_MSR_MTRR_CAP 0xfe
#define RD_MSR_MTRR_VAR 0x200
#define RD_MSR_MTRR_DEFTYPE 0x2ff
/* Index into the array of stored MTRRs (RD_NR_MTRR of them), -1 when msr is none. */
#define RD_NR_MTRR (RD_NR_VAR_MTRR * 2 + 11 + 1)
int rd_mtrr_slot(u32 msr);
bool rd_mtrr_ok(u32 msr, u64 val, u64 gpa_reserved);

/* Machine-check banks. */
#define RD_MCE_BANKS 32
#define RD_MSR_MCE_BANK 0x400
#define RD_MCG_CTL_P BIT_ULL(8)
#define RD_MCG_SER_P BIT_ULL(24)
#define RD_MCG_CMCI_P BIT_ULL(10)
#define RD_MCG_SUPPORTED (RD_MCG_CTL_P | RD_MCG_CMCI_P | RD_MCG_SER_P)
#define RD_MSR_MCE_CTL2 0x280
#define RD_MCI_CTL2_CMCI_EN BIT_ULL(30)
#define RD_MCI_CTL2_THRESHOLD 0x7fffULL
#define RD_MCI_VAL BIT_ULL(63)
#define RD_MCI_OVER BIT_ULL(62)
#define RD_MCI_UC BIT_ULL(61)
#define RD_MCI_EN BIT_ULL(60)
#define RD_MCI_PCC BIT_ULL(57)
#define RD_MCI_S BIT_ULL(56)
#define RD_MCI_AR BIT_ULL(55)
#define RD_MCG_STATUS_MCIP BIT_ULL(2)
/*
 * Is the guest's write to register reg (0 CTL, 1 STATUS, 2 ADDR, 3 MISC) of a bank legal?
 * status_writable: HWCR.McStatusWrEn.
 */
bool rd_mce_write_ok(unsigned int reg, u64 val, bool host, bool status_writable);

/* RD_MCE_SIGNAL: stored, and an interrupt says so to a guest that wants it (CMCI). */
enum rd_mce_action {
	RD_MCE_BAD, RD_MCE_IGNORED, RD_MCE_STORED, RD_MCE_SIGNAL, RD_MCE_RAISE, RD_MCE_SHUTDOWN
};

/* The registers that an injected machine check (KVM_X86_SET_MCE) looks at and changes. */
struct rd_mce_state {
	u64 mcg_cap, mcg_ctl, cr4, *mcg_status, *bank; /* bank: its four registers */
};

enum rd_mce_action rd_mce_inject(const struct rd_mce_state *s, const struct kvm_x86_mce *m);

#endif
