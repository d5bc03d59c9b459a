// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which feature bits guests may have: what the host CPU has and its kernel left on, cut down to
 * what the module virtualizes, plus what the module provides itself.
 * Invariant: a feature bit is 1 only if a guest that uses it works.
 */
#include "vmm/cpuid.h"

#define B(n) BIT(n)

/* Bits 0-9, 12-17, 23, 24: the same in leaf 1 EDX and in AMD's leaf 0x80000001 EDX. */
#define FPU_TO_APIC 0x3ffU
#define MTRR_TO_PSE36 0x3f000U
#define MMX_FXSR (B(23) | B(24))

struct word_rule {
	u32 function, index;
	u8 reg;
	u32 pass;   /* given to the guest if the host has it */
	u32 give;   /* provided by the module, whatever the host has */
};

/*
 * Left out, and why:
 * 1.ECX: DTES64, DS-CPL, PDCM (no performance monitoring); MONITOR (would wait in the guest); VMX,
 *     SMX (no nesting); EST, TM2, xTPR, DCA (host power and caches); SDBG. OSXSAVE is live.
 * 1.EDX: PSN, DS, ACPI, HTT (topology is the VMM's), TM, PBE.
 * 7.EBX: SGX (an enclave unit adds it); HLE, RTM (their side-channel controls are not virtualized);
 *     PQM, PQE, Processor Trace; MPX (gone).
 * 7.ECX: WAITPKG; shadow stacks; TME; bus lock detection; ENQCMD; SGX_LC; PKS.
 * 7.EDX: UINTR; hybrid; PCONFIG; LBR; CET; AMX (needs XFD). SPEC_CTRL, STIBP, SSBD unless the CPU
 *     switches IA32_SPEC_CTRL.
 * 0xd.1: XFD.
 * 0x80000001 ECX: SVM; extended APIC space; IBS; SKINIT, WDT; LWP; performance counters; MWAITX.
 * 0x80000008 EBX: IBRS, STIBP, SSBD as for 7.EDX, and their other spellings.
 * 0x80000021 EAX: AutoIBRS (EFER bit 21 stays the host's).
 */
static const struct word_rule rules[RD_NR_CPUID_WORDS] = {
	[RD_W_1_ECX] = {
		1, 0, RD_ECX,
		/*
		 * SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C
		 * RDRAND
		 */
		B(0) | B(1) | B(9) | B(12) | B(13) | B(17) | B(19) | B(20) | B(22) | B(23) | B(25) |
			B(26) | B(28) | B(29) | B(30),
		/* X2APIC TSC_DEADLINE HYPERVISOR */
		B(21) | B(24) | B(31),
	},
	[RD_W_1_EDX] = {
		1, 0, RD_EDX,
		/* ... SEP CLFLUSH SSE SSE2 SS */
		FPU_TO_APIC | B(11) | MTRR_TO_PSE36 | B(19) | MMX_FXSR | B(25) | B(26) | B(27),
		/* MCE and MCA by the module's own banks, APIC, MTRR (stored) */
		B(7) | B(9) | B(12) | B(14),
	},
	[RD_W_7_EBX] = {
		7, 0, RD_EBX,
		/*
		 * FSGSBASE BMI1 AVX2 FDP_EXCPTN SMEP BMI2 ERMS INVPCID ZERO_FCS_FDS; AVX512 F DQ;
		 * RDSEED ADX SMAP IFMA CLFLUSHOPT CLWB; AVX512 PF ER CD; SHA; AVX512 BW VL
		 */
		B(0) | B(3) | B(5) | B(6) | B(7) | B(8) | B(9) | B(10) | B(13) | B(16) | B(17) |
			B(18) | B(19) | B(20) | B(21) | B(23) | B(24) | B(26) | B(27) | B(28) |
			B(29) | B(30) | B(31),
		/* TSC_ADJUST */
		B(1),
	},
	[RD_W_7_ECX] = {
		7, 0, RD_ECX,
		/*
		 * VBMI UMIP PKU VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ LA57 RDPID CLDEMOTE
		 * MOVDIRI MOVDIR64B
		 */
		B(1) | B(2) | B(3) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) | B(16) |
			B(22) | B(25) | B(27) | B(28),
		0,
	},
	[RD_W_7_EDX] = {
		7, 0, RD_EDX,
		/*
		 * 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE AVX512_FP16; SPEC_CTRL STIBP
		 * SSBD
		 */
		B(2) | B(3) | B(4) | B(8) | B(10) | B(14) | B(23) | B(26) | B(27) | B(31),
		/* ARCH_CAPABILITIES */
		B(29),
	},
	[RD_W_7_1_EAX] = {
		7, 1, RD_EAX,
		/* AVX_VNNI AVX512_BF16 CMPCCXADD FZRM FSRS FSRC AVX_IFMA */
		B(4) | B(5) | B(7) | B(10) | B(11) | B(12) | B(23),
		0,
	},
	[RD_W_7_1_EDX] = {
		7, 1, RD_EDX,
		/* AVX_VNNI_INT8 AVX_NE_CONVERT PREFETCHI */
		B(4) | B(5) | B(14),
		0,
	},
	[RD_W_D_1_EAX] = {
		0xd, 1, RD_EAX,
		/* XSAVEOPT XSAVEC XGETBV1 XSAVES */
		B(0) | B(1) | B(2) | B(3),
		0,
	},
	[RD_W_EXT1_ECX] = {
		0x80000001, 0, RD_ECX,
		/*
		 * LAHF CMP_LEGACY CR8_LEGACY ABM SSE4A MISALIGNSSE 3DNOWPREFETCH OSVW XOP FMA4 TBM
		 * TOPOEXT
		 */
		B(0) | B(1) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(11) | B(16) | B(21) |
			B(22),
		0,
	},
	[RD_W_EXT1_EDX] = {
		0x80000001, 0, RD_EDX,
		/* ... SYSCALL NX MMXEXT FXSR_OPT GBPAGES RDTSCP LM 3DNOWEXT 3DNOW */
		FPU_TO_APIC | B(11) | MTRR_TO_PSE36 | B(20) | B(22) | MMX_FXSR | B(25) | B(26) |
			B(27) | B(29) | B(30) | B(31),
		0,
	},
	[RD_W_EXT7_EDX] = {
		0x80000007, 0, RD_EDX,
		/* invariant TSC */
		B(8),
		0,
	},
	[RD_W_EXT8_EBX] = {
		0x80000008, 0, RD_EBX,
		/* CLZERO XSAVEERPTR WBNOINVD IBPB IBRS STIBP SSBD SSB_NO BTC_NO */
		B(0) | B(2) | B(9) | B(12) | B(14) | B(15) | B(24) | B(26) | B(29),
		0,
	},
	[RD_W_EXT21_EAX] = {
		0x80000021, 0, RD_EAX,
		/* NO_NESTED_DATA_BP LFENCE_RDTSC NULL_SEL_CLR_BASE */
		B(0) | B(2) | B(6),
		0,
	},
	[RD_W_PV_EAX] = {
		RD_PV_LEAF_FEATURES, 0, RD_EAX,
		0,
		/* clock by the old and by the new MSRs, no I/O delay needed, EOI by memory */
		B(0) | B(3) | B(1) | B(6),
	},
};

u32 rd_cpuid_host_max(const struct rd_cpuid_host *h, u32 base)
{
	u32 r[4];

	h->cpuid(base, 0, r);
	return r[RD_EAX];
}

bool rd_cpuid_host_has_leaf(const struct rd_cpuid_host *h, u32 function)
{
	return function <= rd_cpuid_host_max(h, function & 0x80000000);
}

static void drop(u32 *out, unsigned int f)
{
	out[f / 32] &= ~BIT(f % 32);
}

static void give(u32 *out, unsigned int f)
{
	out[f / 32] |= BIT(f % 32);
}

/* AVX and AVX-512 live in XSAVE components: without the component, none of their instructions. */
static void drop_by_xstate(const struct rd_cpuid_host *h, u32 *out)
{
	if (!(h->xstate.supported & BIT(2))) {
		out[RD_W_1_ECX] &= ~(B(12) | B(28) | B(29));
		drop(out, RD_F_AVX2);
		out[RD_W_7_ECX] &= ~(B(9) | B(10));
		out[RD_W_7_1_EAX] &= ~(B(4) | B(23));
		out[RD_W_7_1_EDX] &= ~(B(4) | B(5));
		out[RD_W_EXT1_ECX] &= ~(B(11) | B(16));
	}
	if ((h->xstate.supported & 0xe6) != 0xe6) {
		out[RD_W_7_EBX] &= ~(B(16) | B(17) | B(21) | B(26) | B(27) | B(28) | B(30) | B(31));
		out[RD_W_7_ECX] &= ~(B(1) | B(6) | B(11) | B(12) | B(14));
		out[RD_W_7_EDX] &= ~(B(2) | B(3) | B(8) | B(23));
		out[RD_W_7_1_EAX] &= ~B(5);
	}
}

static void drop_spec_ctrl(u32 *out)
{
	out[RD_W_7_EDX] &= ~(B(26) | B(27) | B(31));
	out[RD_W_EXT8_EBX] &= ~(B(14) | B(15) | B(24));
}

void rd_cpuid_supported_words(const struct rd_cpuid_host *h, u32 *out)
{
	unsigned int i;
	u32 r[4];

	for (i = 0; i < RD_NR_CPUID_WORDS; i++) {
		const struct word_rule *w = &rules[i];

		out[i] = w->give;
		if (!w->pass || !rd_cpuid_host_has_leaf(h, w->function))
			continue;
		h->cpuid(w->function, 0, r);
		if (w->function == 7 && w->index > r[RD_EAX])
			continue;
		h->cpuid(w->function, w->index, r);
		out[i] |= r[w->reg] & w->pass & h->words[i];
	}
	if (!h->xstate.supported) {
		drop(out, RD_F_XSAVE);
		out[RD_W_D_1_EAX] = 0;
	}
	drop_by_xstate(h, out);
	if (!h->xss_clean)
		drop(out, RD_F_XSAVES);
	if (!(h->xstate.supported & BIT(9)))
		drop(out, RD_F_PKU);
	if (!h->spec_ctrl)
		drop_spec_ctrl(out);
	if (!h->tsc_stable)
		out[RD_W_EXT7_EDX] = 0;
	else
		give(out, RD_F_PV_CLOCK_STABLE);
	if (h->steal_time)
		give(out, RD_F_PV_STEAL);
}
