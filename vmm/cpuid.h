/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's view of CPUID: the table that the VMM gave, an index into it, and everything that
 * other files derive from it. Invariant: a struct rd_cpuid is immutable once v->cpuid points to it;
 * a new table replaces it as a whole. Bits that follow the vCPU's state (OSXSAVE, APIC, OSPKE,
 * XSAVE sizes) are not stored in it but put in on the way out by rd_cpuid_read().
 */
#ifndef RD_VMM_CPUID_H
#define RD_VMM_CPUID_H

#include "kmod/base.h"

#define RD_CPUID_MAX_ENTRIES 256  /* what SET_CPUID2 accepts */
/* The supported table is smaller: clients ask with that much room. */
#define RD_CPUID_SUPPORTED_MAX 80
#define RD_XSTATE_MAX 63

/* Words of feature bits: one register of one leaf each. The order is that of rd_cpuid_words[]. */
enum rd_cpuid_word {
	RD_W_1_ECX,
	RD_W_1_EDX,
	RD_W_7_EBX,
	RD_W_7_ECX,
	RD_W_7_EDX,
	RD_W_7_1_EAX,
	RD_W_7_1_EDX,
	RD_W_D_1_EAX,
	RD_W_EXT1_ECX,
	RD_W_EXT1_EDX,
	RD_W_EXT7_EDX,
	RD_W_EXT8_EBX,
	RD_W_EXT21_EAX,
	RD_W_PV_EAX,
	RD_NR_CPUID_WORDS
};

#define RD_F(word, bit) (RD_W_##word * 32 + (bit))

#define RD_F_SSE3 RD_F(1_ECX, 0)
#define RD_F_MWAIT RD_F(1_ECX, 3)
#define RD_F_VMX RD_F(1_ECX, 5)
#define RD_F_CX16 RD_F(1_ECX, 13)
#define RD_F_PCID RD_F(1_ECX, 17)
#define RD_F_X2APIC RD_F(1_ECX, 21)
#define RD_F_MOVBE RD_F(1_ECX, 22)
#define RD_F_POPCNT RD_F(1_ECX, 23)
#define RD_F_TSC_DEADLINE RD_F(1_ECX, 24)
#define RD_F_XSAVE RD_F(1_ECX, 26)
#define RD_F_OSXSAVE RD_F(1_ECX, 27)
#define RD_F_AVX RD_F(1_ECX, 28)
#define RD_F_HYPERVISOR RD_F(1_ECX, 31)
#define RD_F_APIC RD_F(1_EDX, 9)
#define RD_F_MTRR RD_F(1_EDX, 12)
#define RD_F_FSGSBASE RD_F(7_EBX, 0)
#define RD_F_TSC_ADJUST RD_F(7_EBX, 1)
#define RD_F_SGX RD_F(7_EBX, 2)
#define RD_F_BMI1 RD_F(7_EBX, 3)
#define RD_F_AVX2 RD_F(7_EBX, 5)
#define RD_F_SMEP RD_F(7_EBX, 7)
#define RD_F_INVPCID RD_F(7_EBX, 10)
#define RD_F_RTM RD_F(7_EBX, 11)
#define RD_F_AVX512F RD_F(7_EBX, 16)
#define RD_F_SMAP RD_F(7_EBX, 20)
#define RD_F_UMIP RD_F(7_ECX, 2)
#define RD_F_PKU RD_F(7_ECX, 3)
#define RD_F_LA57 RD_F(7_ECX, 16)
#define RD_F_RDPID RD_F(7_ECX, 22)
#define RD_F_SGX_LC RD_F(7_ECX, 30)
#define RD_F_SPEC_CTRL RD_F(7_EDX, 26)
#define RD_F_STIBP RD_F(7_EDX, 27)
#define RD_F_FLUSH_L1D RD_F(7_EDX, 28)
#define RD_F_ARCH_CAPS RD_F(7_EDX, 29)
#define RD_F_SSBD RD_F(7_EDX, 31)
#define RD_F_XSAVEC RD_F(D_1_EAX, 1)
#define RD_F_XSAVES RD_F(D_1_EAX, 3)
#define RD_F_SVM RD_F(EXT1_ECX, 2)
#define RD_F_ABM RD_F(EXT1_ECX, 5)
#define RD_F_OSVW RD_F(EXT1_ECX, 9)
#define RD_F_TOPOEXT RD_F(EXT1_ECX, 22)
#define RD_F_SYSCALL RD_F(EXT1_EDX, 11)
#define RD_F_NX RD_F(EXT1_EDX, 20)
#define RD_F_FXSR_OPT RD_F(EXT1_EDX, 25)
#define RD_F_GBPAGES RD_F(EXT1_EDX, 26)
#define RD_F_RDTSCP RD_F(EXT1_EDX, 27)
#define RD_F_LM RD_F(EXT1_EDX, 29)
#define RD_F_IBPB RD_F(EXT8_EBX, 12)
#define RD_F_AMD_IBRS RD_F(EXT8_EBX, 14)
#define RD_F_AMD_STIBP RD_F(EXT8_EBX, 15)
#define RD_F_AMD_SSBD RD_F(EXT8_EBX, 24)
#define RD_F_LFENCE_SERIAL RD_F(EXT21_EAX, 2)

#define RD_F_PV_CLOCK RD_F(PV_EAX, 0)
#define RD_F_PV_NOP_IO_DELAY RD_F(PV_EAX, 1)
#define RD_F_PV_CLOCK2 RD_F(PV_EAX, 3)
#define RD_F_PV_ASYNC_PF RD_F(PV_EAX, 4)
#define RD_F_PV_STEAL RD_F(PV_EAX, 5)
#define RD_F_PV_EOI RD_F(PV_EAX, 6)
#define RD_F_PV_POLL_CONTROL RD_F(PV_EAX, 12)
#define RD_F_PV_SCHED_YIELD RD_F(PV_EAX, 13)
#define RD_F_PV_ASYNC_PF_INT RD_F(PV_EAX, 14)
#define RD_F_PV_CLOCK_STABLE RD_F(PV_EAX, 24)

/* Register numbers in a result r[4]. */
enum { RD_EAX, RD_EBX, RD_ECX, RD_EDX };

/* Paravirtual leaves: the interface that stock Linux knows. */
#define RD_PV_LEAF_BASE 0x40000000U
#define RD_PV_LEAF_FEATURES 0x40000001U
#define RD_PV_LEAF_TIMING 0x40000010U
#define RD_PV_LAPIC_BUS_KHZ 1000000U /* the local APIC timer counts nanoseconds */

/*
 * Where a component lies in the standard XSAVE layout, as leaf 0xd says: eax size, ebx offset, ecx
 * flags.
 */
struct rd_xstate {
	u64 supported;                 /* XCR0 bits that guests may have */
	u64 supported_xss;
	struct {
		u32 size, offset, flags;
	} comp[RD_XSTATE_MAX];
};

/* The host as the table builder sees it; in tests a made-up one. */
struct rd_cpuid_host {
	void (*cpuid)(u32 function, u32 index, u32 r[4]);
	u32 words[RD_NR_CPUID_WORDS]; /* what the host kernel left on; ~0 where it says nothing */
	struct rd_xstate xstate;
	u32 tsc_khz;
	bool tsc_stable;               /* constant rate, synchronized between CPUs */
	bool xss_clean; /* the host's IA32_XSS is 0: XSAVES needs no switch at entry */
	bool spec_ctrl;                /* IA32_SPEC_CTRL is switched with the guest by the CPU */
	bool steal_time;               /* the host kernel accounts run delay */
};

/*
 * Index of an entry plus one, 0 none. In the windows, RD_CPUID_SLOW marks functions whose answer
 * takes more than one entry as it stands: subleaves, or live bits.
 */
typedef u16 rd_cpuid_idx;
#define RD_CPUID_SLOW 0x8000U
#define RD_CPUID_WINDOW 0x40

struct rd_cpuid {
	/* Hot. */
	rd_cpuid_idx basic[RD_CPUID_WINDOW], pv[RD_CPUID_WINDOW], ext[RD_CPUID_WINDOW];
	bool intel_range;              /* out-of-range leaves answer with the highest basic leaf */
	u32 nr;
	unsigned long has[BITS_TO_LONGS(RD_NR_CPUID_WORDS * 32)];
	/* Derived; the meaning of a set bit in the masks: may be set by the guest. */
	u64 cr4_allowed;
	u64 efer_allowed;
	u64 xcr0_allowed;
	u64 xss_allowed;
	u64 gpa_reserved;              /* bits of a guest-physical address that must be 0 */
	u8 maxphyaddr;
	bool is_intel, is_amd;
	u32 pv_features;               /* 0 without a paravirtual leaf */
	bool has_pv_leaf;
	rd_cpuid_idx next[RD_CPUID_MAX_ENTRIES]; /* next entry of the same function */
	struct kvm_cpuid_entry2 e[];
};

static inline bool rd_cpuid_test(const struct rd_cpuid *c, unsigned int f)
{
	return (c->has[f / BITS_PER_LONG] >> (f % BITS_PER_LONG)) & 1;
}

static inline bool rd_cpuid_word_has(const u32 *words, unsigned int f)
{
	return (words[f / 32] >> (f % 32)) & 1;
}

/* vmm/cpuid_rules.c (P) */

/* The feature words that guests may have on this host: out[RD_NR_CPUID_WORDS]. */
void rd_cpuid_supported_words(const struct rd_cpuid_host *h, u32 *out);
/* The highest leaf of a range (0 or 0x80000000); is a leaf there at all? */
u32 rd_cpuid_host_max(const struct rd_cpuid_host *h, u32 base);
bool rd_cpuid_host_has_leaf(const struct rd_cpuid_host *h, u32 function);

/* vmm/cpuid_supported.c (P) */

/* The whole supported table. Returns the number of entries, -E2BIG when max is too small. */
int rd_cpuid_build_supported(const struct rd_cpuid_host *h, struct kvm_cpuid_entry2 *e, u32 max);
/* Fill x->comp for the components in x->supported (and supported_xss) by asking cpuid. */
void rd_xstate_probe(struct rd_xstate *x, void (*cpuid)(u32 function, u32 index, u32 r[4]));
/* Bytes of an XSAVE area that holds the components in xfeatures. */
u32 rd_xstate_size(const struct rd_xstate *x, u64 xfeatures, bool compacted);

/* vmm/cpuid_lookup.c (P) */

/* Bytes that a struct rd_cpuid with nr entries takes. */
size_t rd_cpuid_size(u32 nr);
/*
 * Copy nr entries into c (zeroed, of rd_cpuid_size(nr)), index them and derive the masks; words:
 * the module's supported words. -EINVAL: too many entries, or a virtual address width other than
 * none, 48 and 57.
 */
int rd_cpuid_index(struct rd_cpuid *c, const struct kvm_cpuid_entry2 *e, u32 nr,
		   const struct rd_xstate *x, const u32 *words);
/* The entry of a function that has just one and no live bits; NULL: ask rd_cpuid_answer(). Hot. */
static inline const struct kvm_cpuid_entry2 *rd_cpuid_plain(const struct rd_cpuid *c, u32 function)
{
	u32 i;

	if (function < RD_CPUID_WINDOW)
		i = c->basic[function];
	else if (function - 0x80000000U < RD_CPUID_WINDOW)
		i = c->ext[function - 0x80000000U];
	else
		return NULL;
	return likely(i - 1 < RD_CPUID_SLOW - 1) ? &c->e[i - 1] : NULL;
}

/* The entry for function and index, NULL if none. Hot. */
const struct kvm_cpuid_entry2 *rd_cpuid_find(const struct rd_cpuid *c, u32 function, u32 index);
/*
 * The entry that answers: also the rules for leaves out of range. NULL: zeros (but for leaf 0xb,
 * 0x1f). Hot.
 */
const struct kvm_cpuid_entry2 *rd_cpuid_answer(const struct rd_cpuid *c, u32 function, u32 index);

/* What of a leaf follows the vCPU's state. */
struct rd_cpuid_live {
	u64 cr4, xcr0, xss;
	bool apic_enabled;
	bool mwait_valid, mwait;       /* MONITOR follows IA32_MISC_ENABLE */
};

/* True if leaf (function, index) has live bits. */
static inline bool rd_cpuid_is_live(u32 function)
{
	return function == 1 || function == 7 || function == 0xd;
}

void rd_cpuid_apply_live(const struct rd_cpuid *c, const struct rd_xstate *x,
			 const struct rd_cpuid_live *live, const struct kvm_cpuid_entry2 *e,
			 u32 r[4]);

#ifdef __KERNEL__
struct rd_vcpu;

/* vmm/cpuid.c (K) */

/* Look at the host once, at module load, before the first VM. -ENOMEM. */
int rd_cpuid_setup(void);
void rd_cpuid_unsetup(void);
const u32 *rd_cpuid_host_words(void);
const struct rd_xstate *rd_host_xstate(void);
/* The host's TSC runs at one rate and agrees between CPUs. */
bool rd_host_tsc_stable(void);
/* Feature bits that guests may have at all. */
bool rd_cpuid_supports(unsigned int f);
/* At vCPU creation, before anything reads CPUID: start with an empty table. */
void rd_cpuid_init_vcpu(struct rd_vcpu *v);

#define rd_cpuid_has(v, f) rd_cpuid_test((v)->cpuid, f)
#endif

#endif
