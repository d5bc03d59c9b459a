// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table that KVM_GET_SUPPORTED_CPUID gives, leaf by leaf, and sizes of XSAVE areas.
 * Invariant: fewer than RD_CPUID_SUPPORTED_MAX entries on any host, and nothing of its topology.
 */
#include "vmm/cpuid.h"

static bool host_is(const struct rd_cpuid_host *h, const char *vendor)
{
	u32 r[4];

	h->cpuid(0, 0, r);
	return !memcmp(&r[RD_EBX], vendor, 4) && !memcmp(&r[RD_EDX], vendor + 4, 4) &&
	       !memcmp(&r[RD_ECX], vendor + 8, 4);
}

struct builder {
	const struct rd_cpuid_host *h;
	struct kvm_cpuid_entry2 *e;
	u32 nr, max;
	u32 words[RD_NR_CPUID_WORDS];
};

/*
 * Append the host's values of a leaf; NULL when the room is used up (b->nr counts on, so that the
 * caller learns it).
 */
static struct kvm_cpuid_entry2 *add(struct builder *b, u32 function, u32 index, bool indexed)
{
	struct kvm_cpuid_entry2 *e;
	u32 r[4];

	if (b->nr++ >= b->max)
		return NULL;
	e = &b->e[b->nr - 1];
	memset(e, 0, sizeof(*e));
	b->h->cpuid(function, index, r);
	e->function = function;
	e->index = index;
	e->flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	e->eax = r[RD_EAX];
	e->ebx = r[RD_EBX];
	e->ecx = r[RD_ECX];
	e->edx = r[RD_EDX];
	return e;
}

static void add_fixed(struct builder *b, u32 function, bool indexed, u32 eax, u32 ebx, u32 ecx,
		      u32 edx)
{
	struct kvm_cpuid_entry2 *e = add(b, function, 0, indexed);

	if (e) {
		e->eax = eax;
		e->ebx = ebx;
		e->ecx = ecx;
		e->edx = edx;
	}
}

static void leaf_0(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e = add(b, f, 0, false);

	if (e)
		e->eax = clamp(e->eax, 0xdU, 0x1fU);
}

static void leaf_1(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e = add(b, f, 0, false);

	if (!e)
		return;
	e->ebx &= 0xff00; /* APIC id and count of logical processors are the VMM's */
	e->ecx = b->words[RD_W_1_ECX];
	e->edx = b->words[RD_W_1_EDX];
}

/* Leaf 2 of Intel CPUs: descriptors, all in one go. */
static void leaf_plain(struct builder *b, u32 f)
{
	add(b, f, 0, false);
}

/*
 * Deterministic cache parameters: subleaves until type 0. Counts of CPUs sharing a cache are the
 * VMM's.
 */
static void leaf_caches(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; i < 8; i++) {
		e = add(b, f, i, true);
		if (!e || !(e->eax & 0x1f))
			return;
		e->eax &= 0x3fff;
	}
}

static void leaf_caches_topoext(struct builder *b, u32 f)
{
	if (rd_cpuid_word_has(b->words, RD_F_TOPOEXT))
		leaf_caches(b, f);
}

static void leaf_6(struct builder *b, u32 f)
{
	add_fixed(b, f, false, BIT(2), 0, 0, 0); /* ARAT: the APIC timer never stops */
}

static void leaf_7(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e = add(b, f, 0, true);
	u32 max;

	if (!e)
		return;
	max = rd_cpuid_host_has_leaf(b->h, 7) ? min(e->eax, 1U) : 0;
	e->eax = max;
	e->ebx = b->words[RD_W_7_EBX];
	e->ecx = b->words[RD_W_7_ECX];
	e->edx = b->words[RD_W_7_EDX];
	if (!max)
		return;
	e = add(b, f, 1, true);
	if (!e)
		return;
	e->eax = b->words[RD_W_7_1_EAX];
	e->ebx = 0;
	e->ecx = 0;
	e->edx = b->words[RD_W_7_1_EDX];
}

static void leaf_zero(struct builder *b, u32 f)
{
	add_fixed(b, f, false, 0, 0, 0, 0);
}

/* No topology: the VMM fills it, a subleaf 1 says that it is there. */
static void leaf_topology(struct builder *b, u32 f)
{
	add_fixed(b, f, true, 0, 0, 0, 0);
}

static void leaf_xsave(struct builder *b, u32 f)
{
	const struct rd_xstate *x = &b->h->xstate;
	struct kvm_cpuid_entry2 *e;
	u64 all = x->supported | x->supported_xss;
	u32 i;

	if (!rd_cpuid_word_has(b->words, RD_F_XSAVE))
		return;
	add_fixed(b, f, true, (u32)x->supported, rd_xstate_size(x, x->supported, false),
		  rd_xstate_size(x, x->supported, false), x->supported >> 32);
	e = add(b, f, 1, true);
	if (e) {
		e->eax = b->words[RD_W_D_1_EAX];
		e->ebx = (e->eax & (BIT(1) | BIT(3))) ? rd_xstate_size(x, all, true) : 0;
		e->ecx = (u32)x->supported_xss;
		e->edx = x->supported_xss >> 32;
	}
	for (i = 2; i < RD_XSTATE_MAX; i++)
		if (all & BIT_ULL(i))
			add(b, f, i, true);
}

static void leaf_pv_base(struct builder *b, u32 f)
{
	/* "KVMKVMKVM\0\0\0": the signature of the interface, which guests look for. */
	add_fixed(b, f, false, RD_PV_LEAF_FEATURES, 0x4b4d564b, 0x564b4d56, 0x4d);
}

static void leaf_pv_features(struct builder *b, u32 f)
{
	add_fixed(b, f, false, b->words[RD_W_PV_EAX], 0, 0, 0);
}

static void leaf_pv_timing(struct builder *b, u32 f)
{
	add_fixed(b, f, false, b->h->tsc_khz, RD_PV_LAPIC_BUS_KHZ, 0, 0);
}

static void leaf_ext_0(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e = add(b, f, 0, false);

	if (e)
		e->eax = min(e->eax, 0x80000021U);
}

static void leaf_ext_1(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e = add(b, f, 0, false);

	if (!e)
		return;
	e->ebx &= ~0xfffU; /* reserved; package type in the high bits stays */
	e->ecx = b->words[RD_W_EXT1_ECX];
	e->edx = b->words[RD_W_EXT1_EDX];
}

static void leaf_ext_7(struct builder *b, u32 f)
{
	add_fixed(b, f, false, 0, 0, 0, b->words[RD_W_EXT7_EDX]);
}

/*
 * Nested paging translates every guest-physical address the host can form, or as many bits as the
 * CPU says guests have.
 */
static void leaf_ext_8(struct builder *b, u32 f)
{
	struct kvm_cpuid_entry2 *e = add(b, f, 0, false);
	u32 guest, lin;

	if (!e)
		return;
	guest = (e->eax >> 16) & 0xff;
	if (!guest)
		guest = e->eax & 0xff;
	lin = max((e->eax >> 8) & 0xff, 48U);
	e->eax = guest | (lin << 8);
	e->ebx = b->words[RD_W_EXT8_EBX];
	e->ecx = 0;
	e->edx = 0;
}

static void leaf_ext_21(struct builder *b, u32 f)
{
	add_fixed(b, f, false, b->words[RD_W_EXT21_EAX], 0, 0, 0);
}

enum { ANY, AMD, INTEL };

static const struct {
	u32 function;
	u8 vendor;
	void (*fill)(struct builder *b, u32 function);
} leaves[] = {
	{ 0x0, ANY, leaf_0 },
	{ 0x1, ANY, leaf_1 },
	{ 0x2, INTEL, leaf_plain },
	{ 0x4, INTEL, leaf_caches },
	{ 0x6, ANY, leaf_6 },
	{ 0x7, ANY, leaf_7 },
	{ 0xa, INTEL, leaf_zero },
	{ 0xb, ANY, leaf_topology },
	{ 0xd, ANY, leaf_xsave },
	{ 0x1f, INTEL, leaf_topology },
	{ 0x40000000, ANY, leaf_pv_base },
	{ 0x40000001, ANY, leaf_pv_features },
	{ 0x40000010, ANY, leaf_pv_timing },
	{ 0x80000000, ANY, leaf_ext_0 },
	{ 0x80000001, ANY, leaf_ext_1 },
	{ 0x80000002, ANY, leaf_plain },
	{ 0x80000003, ANY, leaf_plain },
	{ 0x80000004, ANY, leaf_plain },
	{ 0x80000005, ANY, leaf_plain },
	{ 0x80000006, ANY, leaf_plain },
	{ 0x80000007, ANY, leaf_ext_7 },
	{ 0x80000008, ANY, leaf_ext_8 },
	{ 0x80000019, AMD, leaf_plain },
	{ 0x8000001a, AMD, leaf_plain },
	{ 0x8000001d, AMD, leaf_caches_topoext },
	{ 0x8000001e, AMD, leaf_zero },
	{ 0x80000021, AMD, leaf_ext_21 },
};

int rd_cpuid_build_supported(const struct rd_cpuid_host *h, struct kvm_cpuid_entry2 *e, u32 max_nr)
{
	struct builder b = { .h = h, .e = e, .max = max_nr };
	bool amd = host_is(h, "AuthenticAMD") || host_is(h, "HygonGenuine");
	u32 basic = clamp(rd_cpuid_host_max(h, 0), 0xdU, 0x1fU);
	u32 ext = rd_cpuid_host_max(h, 0x80000000);
	unsigned int i;

	rd_cpuid_supported_words(h, b.words);
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		u32 f = leaves[i].function;

		if (leaves[i].vendor != ANY && leaves[i].vendor != (amd ? AMD : INTEL))
			continue;
		if ((f < RD_PV_LEAF_BASE && f > basic) || (f >= 0x80000000 && f > ext))
			continue;
		leaves[i].fill(&b, f);
	}
	return b.nr > max_nr ? -E2BIG : (int)b.nr;
}

/* --- XSAVE areas --- */

#define XSAVE_LEGACY_AND_HEADER (512 + 64)

void rd_xstate_probe(struct rd_xstate *x, void (*cpuid)(u32 function, u32 index, u32 r[4]))
{
	u64 all = x->supported | x->supported_xss;
	unsigned int i;
	u32 r[4];

	for (i = 2; i < RD_XSTATE_MAX; i++) {
		if (!(all & BIT_ULL(i)))
			continue;
		cpuid(0xd, i, r);
		x->comp[i].size = r[RD_EAX];
		x->comp[i].offset = r[RD_EBX];
		x->comp[i].flags = r[RD_ECX];
	}
}

u32 rd_xstate_size(const struct rd_xstate *x, u64 xfeatures, bool compacted)
{
	u32 size = XSAVE_LEGACY_AND_HEADER, offset;
	unsigned int i;

	for (i = 2; i < RD_XSTATE_MAX; i++) {
		if (!(xfeatures & BIT_ULL(i)))
			continue;
		offset = x->comp[i].offset;
		if (compacted) /* flags bit 1: starts at a multiple of 64 */
			offset = (x->comp[i].flags & 2) ? ALIGN(size, 64U) : size;
		size = max(size, offset + x->comp[i].size);
	}
	return size;
}
