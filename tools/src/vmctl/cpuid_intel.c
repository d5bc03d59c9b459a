// SPDX-License-Identifier: GPL-2.0-only
/*
 * An Intel CPU out of what another vendor's CPU supports. Invariant: no feature bit is set that the
 * table did not have in this or in the other vendor's place, but SGX and its launch control.
 *
 * Which one: a 4th-generation Xeon Scalable ("Sapphire Rapids"). It has SGX with all that Redoubt
 * offers (EDECCSSA, too), so nobody meets a leaf that such a CPU would not have. In Linux 6.1 and
 * 6.12 it is in none of the lists of models that suffer from MMIO stale data, RETBleed, SRBDS, GDS
 * or RFDS, whose mitigations would cost time for nothing; flaws that Linux assumes in any Intel
 * CPU unless IA32_ARCH_CAPABILITIES denies them are for the hypervisor to deny. Power, uncore and
 * error drivers for the model need a feature bit or an MSR that is not there, or stay away under a
 * hypervisor. Desktop models since 2021 have no SGX, older servers are in those lists, and Atoms
 * with SGX have no AVX.
 */
#include "tools/src/vmctl/cpuid_intel.h"

#include "tools/src/vmctl/cpuid_table.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

#define SIGNATURE 0x000806f8u /* family 6, model 0x8f, stepping 8 */
#define BASIC_MAX 0x1fu
#define EXT_BASE 0x80000000u
#define EXT_MAX 0x80000008u

static const char vendor[] = "GenuineIntel";
static const char brand[48] = "Intel Xeon Processor (Redoubt)";

#define B(n) (1u << (n))
#define ALL 0xffffffffu

/*
 * What stays of leaves in which the vendors differ; other leaves up to EXT_MAX stay as they are.
 *
 * 1: bits 7:0 of EBX are an old brand index.
 * 0xd.0: component 62 (LWP) goes.
 * 0x80000001 EAX, EBX: family and package of an AMD CPU. ECX keeps LAHF (0), LZCNT (5), PREFETCHW
 *     (8); these go: CMP_LEGACY (1), SVM (2), the APIC's extended space (3), LOCK MOV CR0 as CR8
 *     (4), SSE4A (6), MISALIGNSSE (7), OSVW (9), IBS (10), XOP (11), SKINIT (12), WDT (13), LWP
 *     (15), FMA4 (16), TCE (17), NODEID (19), TBM (21), TOPOEXT (22), counters (23, 24, 28),
 *     breakpoint masks (26), PTSC (27), MWAITX (29). EDX keeps SYSCALL (11), NX (20), 1 GiB pages
 *     (26), RDTSCP (27), long mode (29); the copies of leaf 1 (0-9, 12-17, 23, 24), MP (19), MMXEXT
 *     (22), FFXSR (25), 3DNOW (30, 31) go.
 * 0x80000005: AMD's caches and TLBs of level 1; reserved.
 * 0x80000006: of level 2, Intel has size, ways and line size, AMD also lines per tag.
 * 0x80000007: the invariant TSC is the only bit both have.
 * 0x80000008: address widths, and WBNOINVD (9). Bits of speculation control have moved before.
 */
static const struct {
	uint32_t function, index;
	uint32_t eax, ebx, ecx, edx;
} kept[] = {
	{ 0x00000001, 0, ALL, ~0xffu, ALL, ALL },
	{ 0x0000000d, 0, ALL, ALL, ALL, ~B(30) },
	{ 0x80000001, 0, 0, 0, B(0) | B(5) | B(8), B(11) | B(20) | B(26) | B(27) | B(29) },
	{ 0x80000005, 0, 0, 0, 0, 0 },
	{ 0x80000006, 0, 0, 0, ~0xf00u, 0 },
	{ 0x80000007, 0, 0, 0, 0, B(8) },
	{ 0x80000008, 0, 0xffff, B(9), 0, 0 },
};

static void keep_common(struct kvm_cpuid2 *c)
{
	for (size_t i = 0; i < RD_ARRAY_SIZE(kept); i++) {
		struct kvm_cpuid_entry2 *e = rd_cpuid_entry(c, kept[i].function, kept[i].index);

		if (!e)
			continue;
		e->eax &= kept[i].eax;
		e->ebx &= kept[i].ebx;
		e->ecx &= kept[i].ecx;
		e->edx &= kept[i].edx;
	}
}

/* Leaf 7 is there on all that could run an enclave, but a table need not show it. */
static struct kvm_cpuid_entry2 *leaf_7(struct kvm_cpuid2 *c)
{
	struct kvm_cpuid_entry2 *e = rd_cpuid_entry(c, 7, 0);

	return e ? e : rd_cpuid_append_indexed(c, 7, 0);
}

/*
 * The same MSRs, told of elsewhere: 0x80000008 EBX has IBPB (12), IBRS (14), STIBP (15), SSBD (24).
 * Intel has one bit for IBRS and IBPB together.
 */
static void move_speculation_control(struct kvm_cpuid2 *c)
{
	struct kvm_cpuid_entry2 *amd = rd_cpuid_entry(c, 0x80000008, 0);
	struct kvm_cpuid_entry2 *intel = leaf_7(c);

	if (!amd)
		return;
	if ((amd->ebx & B(12)) && (amd->ebx & B(14)))
		intel->edx |= B(26);
	if (amd->ebx & B(15))
		intel->edx |= B(27);
	if (amd->ebx & B(24))
		intel->edx |= B(31);
}

/* type, level: EAX; line, ways: EBX; sets: ECX, of leaf 4, where the host says nothing. */
static const struct {
	uint32_t eax, ways, sets;
} plain_caches[] = {
	{ 0x121, 8, 64 }, /* 32 KiB of data */
	{ 0x122, 8, 64 }, /* 32 KiB of code */
	{ 0x143, 16, 1024 }, /* 1 MiB */
	{ 0x163, 16, 16384 }, /* 16 MiB */
	{ 0, 0, 0 },
};

static void add_plain_caches(struct kvm_cpuid2 *c)
{
	for (uint32_t i = 0; i < RD_ARRAY_SIZE(plain_caches); i++) {
		struct kvm_cpuid_entry2 *e = rd_cpuid_append_indexed(c, 4, i);

		e->eax = plain_caches[i].eax;
		if (!e->eax)
			break;
		e->ebx = (plain_caches[i].ways - 1) << 22 | 63;
		e->ecx = plain_caches[i].sets - 1;
	}
}

static bool tells_caches(struct kvm_cpuid2 *c, uint32_t function)
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_entry(c, function, 0);

	return e && (e->eax & 0x1f);
}

/*
 * Leaf 0x8000001d is leaf 4 of AMD: type, level, line, ways and sets are in the same places, and of
 * EDX bits 0 and 1. Who shares a cache, in EAX, is filled in with the topology.
 */
static void move_caches(struct kvm_cpuid2 *c)
{
	if (tells_caches(c, 4))
		return;
	rd_cpuid_drop(c, 4, 4);
	if (!tells_caches(c, 0x8000001d)) {
		add_plain_caches(c);
		return;
	}
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function != 0x8000001d)
			continue;
		e->function = 4;
		e->flags |= KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		e->edx &= 3;
	}
}

static void set_regs(struct kvm_cpuid_entry2 *e, const char text[16])
{
	memcpy(&e->eax, text, 4);
	memcpy(&e->ebx, text + 4, 4);
	memcpy(&e->ecx, text + 8, 4);
	memcpy(&e->edx, text + 12, 4);
}

static void name_cpu(struct kvm_cpuid2 *c)
{
	struct kvm_cpuid_entry2 *e = rd_cpuid_entry(c, 0, 0);

	if (!e)
		e = rd_cpuid_append(c, 0, 0);
	e->eax = BASIC_MAX;
	memcpy(&e->ebx, vendor, 4);
	memcpy(&e->edx, vendor + 4, 4);
	memcpy(&e->ecx, vendor + 8, 4);
	e = rd_cpuid_entry(c, 1, 0);
	if (e)
		e->eax = SIGNATURE;
	e = rd_cpuid_entry(c, EXT_BASE, 0);
	if (e)
		e->eax = EXT_MAX;
	for (uint32_t i = 0; i < 3; i++) {
		e = rd_cpuid_entry(c, EXT_BASE + 2 + i, 0);
		if (e)
			set_regs(e, brand + 16 * i);
	}
}

/* Leaf 2, in one query: caches as leaf 4 says (0xff), prefetch of 64 bytes (0xf0), no TLBs told. */
static void add_descriptors(struct kvm_cpuid2 *c)
{
	struct kvm_cpuid_entry2 *e;

	rd_cpuid_drop(c, 2, 2);
	e = rd_cpuid_append(c, 2, 0);
	e->eax = 0xff01;
	e->ebx = 0xf0;
}

/*
 * TSC / CRYSTAL, which is at most MAX, as a fraction whose numerator is so, too: the last
 * convergent of the continued fraction that fits.
 */
static void ratio(uint64_t tsc, uint64_t crystal, uint64_t max, uint64_t *num, uint64_t *den)
{
	uint64_t earlier_num = 0, earlier_den = 1;

	*num = 1;
	*den = 0;
	while (crystal) {
		uint64_t q = tsc / crystal, rest = tsc % crystal;
		uint64_t next_num = q * *num + earlier_num, next_den = q * *den + earlier_den;

		if (next_num > max)
			break;
		earlier_num = *num;
		earlier_den = *den;
		*num = next_num;
		*den = next_den;
		tsc = crystal;
		crystal = rest;
	}
}

/*
 * Leaf 0x15: the TSC as a multiple of the crystal. Linux takes the crystal to be what drives the
 * local APIC's timer, so it has that frequency here, and multiplies it in kHz by the numerator in
 * 32 bits, so that must fit. Leaf 0x16: MHz of the CPU and its bus.
 */
static void add_frequencies(struct kvm_cpuid2 *c, uint32_t tsc_khz, uint32_t crystal_khz)
{
	struct kvm_cpuid_entry2 *e;
	uint64_t num, den;

	rd_cpuid_drop(c, 0x15, 0x16);
	if (!tsc_khz || !crystal_khz || crystal_khz > UINT32_MAX / 1000)
		return;
	ratio(tsc_khz, crystal_khz, UINT32_MAX / crystal_khz, &num, &den);
	e = rd_cpuid_append(c, 0x15, 0);
	e->eax = (uint32_t)den;
	e->ebx = (uint32_t)num;
	e->ecx = crystal_khz * 1000;
	e = rd_cpuid_append(c, 0x16, 0);
	e->eax = e->ebx = (tsc_khz / 1000 + (tsc_khz % 1000 >= 500)) & 0xffff;
	e->ecx = 100;
}

bool rd_cpuid_intel(struct kvm_cpuid2 *c, uint32_t tsc_khz, uint32_t crystal_khz)
{
	struct kvm_cpuid_entry2 *lwp;

	if (rd_cpuid_vendor_is(c, vendor))
		return false;
	move_speculation_control(c);
	move_caches(c);
	keep_common(c);
	lwp = rd_cpuid_entry(c, 0xd, 62);
	if (lwp)
		lwp->eax = lwp->ebx = lwp->ecx = lwp->edx = 0;
	rd_cpuid_drop(c, EXT_MAX + 1, ALL);
	rd_cpuid_drop(c, BASIC_MAX + 1, 0x3fffffff);
	name_cpu(c);
	add_descriptors(c);
	add_frequencies(c, tsc_khz, crystal_khz);
	return true;
}

#define FEATURE_EBX_SGX B(2)
#define FEATURE_ECX_SGX_LC B(30)
#define LEAF_SGX 0x12u
#define SIZE_BITS_NOT_64 31u /* of the largest enclave outside 64-bit mode */
#define SECTION_VALID 1u
#define SECTION_PROTECTED 1u /* confidentiality and integrity */

/* Components of an enclave's XFRM are also the guest's. */
static uint64_t guest_xfrm(struct kvm_cpuid2 *c, uint64_t xfrm)
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_entry(c, 0xd, 0);

	return e ? xfrm & ((uint64_t)e->edx << 32 | e->eax) : xfrm & 3;
}

void rd_cpuid_sgx(struct kvm_cpuid2 *c, const struct rd_vm_sgx_info *info)
{
	uint64_t xfrm = guest_xfrm(c, info->xfrm);
	struct kvm_cpuid_entry2 *e = leaf_7(c);

	e->ebx |= FEATURE_EBX_SGX;
	e->ecx |= FEATURE_ECX_SGX_LC;
	e = rd_cpuid_entry(c, 0, 0);
	if (e && e->eax < LEAF_SGX)
		e->eax = LEAF_SGX;
	rd_cpuid_drop(c, LEAF_SGX, LEAF_SGX);
	e = rd_cpuid_append_indexed(c, LEAF_SGX, 0);
	e->eax = info->sgx_leaves;
	e->ebx = info->miscselect;
	e->edx = SIZE_BITS_NOT_64 | (info->size_bits & 0xff) << 8;
	e = rd_cpuid_append_indexed(c, LEAF_SGX, 1);
	e->eax = (uint32_t)info->attributes;
	e->ebx = (uint32_t)(info->attributes >> 32);
	e->ecx = (uint32_t)xfrm;
	e->edx = (uint32_t)(xfrm >> 32);
	e = rd_cpuid_append_indexed(c, LEAF_SGX, 2);
	e->eax = (uint32_t)(info->base & 0xfffff000) | SECTION_VALID;
	e->ebx = (uint32_t)(info->base >> 32) & 0xfffff;
	e->ecx = (uint32_t)(info->size & 0xfffff000) | SECTION_PROTECTED;
	e->edx = (uint32_t)(info->size >> 32) & 0xfffff;
	rd_cpuid_append_indexed(c, LEAF_SGX, 3); /* zeros: no more sections */
}
