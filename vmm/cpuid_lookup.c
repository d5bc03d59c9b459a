// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index of the guest's CPUID table and the masks that follow from it.
 * Invariant: where the table holds an entry twice, the first one counts, as for a search from the
 * front.
 */
#include "vmm/cpuid.h"
#include "vmm/regs.h"

size_t rd_cpuid_size(u32 nr)
{
	return sizeof(struct rd_cpuid) + nr * sizeof(struct kvm_cpuid_entry2);
}

/* The slot of the direct index for a function, NULL when it lies outside all three windows. */
static rd_cpuid_idx *window(struct rd_cpuid *c, u32 function)
{
	if (function < RD_CPUID_WINDOW)
		return &c->basic[function];
	if (function - 0x80000000U < RD_CPUID_WINDOW)
		return &c->ext[function - 0x80000000U];
	if (function - RD_PV_LEAF_BASE < RD_CPUID_WINDOW)
		return &c->pv[function - RD_PV_LEAF_BASE];
	return NULL;
}

static rd_cpuid_idx first_of(const struct rd_cpuid *c, u32 function)
{
	u32 i;

	if (likely(function < RD_CPUID_WINDOW))
		return c->basic[function] & ~RD_CPUID_SLOW;
	if (likely(function - 0x80000000U < RD_CPUID_WINDOW))
		return c->ext[function - 0x80000000U] & ~RD_CPUID_SLOW;
	if (function - RD_PV_LEAF_BASE < RD_CPUID_WINDOW)
		return c->pv[function - RD_PV_LEAF_BASE] & ~RD_CPUID_SLOW;
	for (i = 0; i < c->nr; i++)
		if (c->e[i].function == function)
			return i + 1;
	return 0;
}

const struct kvm_cpuid_entry2 *rd_cpuid_find(const struct rd_cpuid *c, u32 function, u32 index)
{
	rd_cpuid_idx i;

	for (i = first_of(c, function); i; i = c->next[i - 1]) {
		const struct kvm_cpuid_entry2 *e = &c->e[i - 1];

		if (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index)
			return e;
	}
	return NULL;
}

/* A leaf beyond the highest of its range: on Intel CPUs the highest basic leaf answers. */
static const struct kvm_cpuid_entry2 *out_of_range(const struct rd_cpuid *c, u32 function,
						   u32 index)
{
	const struct kvm_cpuid_entry2 *basic = rd_cpuid_find(c, 0, 0), *range;

	if (!basic || !c->intel_range)
		return NULL;
	if (function >= RD_PV_LEAF_BASE && function <= 0x4fffffff)
		range = rd_cpuid_find(c, function & 0xffffff00, 0);
	else if (function >= 0xc0000000)
		range = rd_cpuid_find(c, 0xc0000000, 0);
	else
		range = rd_cpuid_find(c, function & 0x80000000, 0);
	if (range && function <= range->eax)
		return NULL;
	return rd_cpuid_find(c, basic->eax, index);
}

const struct kvm_cpuid_entry2 *rd_cpuid_answer(const struct rd_cpuid *c, u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_find(c, function, index);

	return likely(e) ? e : out_of_range(c, function, index);
}

static const struct {
	u32 function, index;
	u8 reg;
} word_home[RD_NR_CPUID_WORDS] = {
	[RD_W_1_ECX] = { 1, 0, RD_ECX },
	[RD_W_1_EDX] = { 1, 0, RD_EDX },
	[RD_W_7_EBX] = { 7, 0, RD_EBX },
	[RD_W_7_ECX] = { 7, 0, RD_ECX },
	[RD_W_7_EDX] = { 7, 0, RD_EDX },
	[RD_W_7_1_EAX] = { 7, 1, RD_EAX },
	[RD_W_7_1_EDX] = { 7, 1, RD_EDX },
	[RD_W_D_1_EAX] = { 0xd, 1, RD_EAX },
	[RD_W_EXT1_ECX] = { 0x80000001, 0, RD_ECX },
	[RD_W_EXT1_EDX] = { 0x80000001, 0, RD_EDX },
	[RD_W_EXT7_EDX] = { 0x80000007, 0, RD_EDX },
	[RD_W_EXT8_EBX] = { 0x80000008, 0, RD_EBX },
	[RD_W_EXT21_EAX] = { 0x80000021, 0, RD_EAX },
};

static u32 entry_reg(const struct kvm_cpuid_entry2 *e, unsigned int reg)
{
	const u32 r[4] = { e->eax, e->ebx, e->ecx, e->edx };

	return r[reg];
}

/*
 * The paravirtual leaves may be moved up in steps of 0x100 when the VMM also shows another
 * hypervisor's.
 */
static void find_pv(struct rd_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e;
	u32 base;

	for (base = RD_PV_LEAF_BASE; base < RD_PV_LEAF_BASE + 0x10000; base += 0x100) {
		e = rd_cpuid_find(c, base, 0);
		if (!e || e->ebx != 0x4b4d564b || e->ecx != 0x564b4d56 || e->edx != 0x4d)
			continue;
		e = rd_cpuid_find(c, base | 1, 0);
		c->has_pv_leaf = e;
		c->pv_features = e ? e->eax : 0;
		return;
	}
}

static void collect_words(struct rd_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e;
	unsigned int i, f;
	u32 w;

	for (i = 0; i < RD_NR_CPUID_WORDS; i++) {
		if (i == RD_W_PV_EAX) {
			w = c->pv_features;
		} else {
			e = rd_cpuid_find(c, word_home[i].function, word_home[i].index);
			w = e ? entry_reg(e, word_home[i].reg) : 0;
		}
		for (f = 0; f < 32; f++)
			if (w & BIT(f))
				__set_bit(i * 32 + f, c->has);
	}
}

static bool vendor_is(const struct kvm_cpuid_entry2 *e, const char *vendor)
{
	return e && !memcmp(&e->ebx, vendor, 4) && !memcmp(&e->edx, vendor + 4, 4) &&
	       !memcmp(&e->ecx, vendor + 8, 4);
}

static void derive(struct rd_cpuid *c, const struct rd_xstate *x, const u32 *words)
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_find(c, 0, 0);

	c->is_intel = vendor_is(e, "GenuineIntel");
	c->is_amd = vendor_is(e, "AuthenticAMD") || vendor_is(e, "HygonGenuine");
	c->intel_range = e && !c->is_amd;

	e = rd_cpuid_find(c, 0x80000000, 0);
	e = e && e->eax >= 0x80000008 ? rd_cpuid_find(c, 0x80000008, 0) : NULL;
	c->maxphyaddr = e ? clamp(e->eax & 0xff, 32U, 52U) : 36;
	c->gpa_reserved = ~(BIT_ULL(c->maxphyaddr) - 1);

	e = rd_cpuid_find(c, 0xd, 0);
	c->xcr0_allowed = (e ? (((u64)e->edx << 32) | e->eax) & x->supported : 0) | 1;
	e = rd_cpuid_find(c, 0xd, 1);
	c->xss_allowed =
		e && (e->eax & BIT(3)) ? (((u64)e->edx << 32) | e->ecx) & x->supported_xss : 0;

	c->cr4_allowed = rd_cr4_allowed(c, words);
	c->efer_allowed = rd_efer_allowed(c, words);
}

static bool is_plain(const struct kvm_cpuid_entry2 *e)
{
	return !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) && !rd_cpuid_is_live(e->function);
}

int rd_cpuid_index(struct rd_cpuid *c, const struct kvm_cpuid_entry2 *e, u32 nr,
		   const struct rd_xstate *x, const u32 *words)
{
	rd_cpuid_idx last;
	u32 i, j, width;

	if (nr > RD_CPUID_MAX_ENTRIES)
		return -EINVAL;
	if (nr)
		memcpy(c->e, e, nr * sizeof(*e));
	c->nr = nr;
	for (i = 0; i < nr; i++) {
		rd_cpuid_idx *w = window(c, e[i].function);

		c->e[i].padding[0] = 0;
		c->e[i].padding[1] = 0;
		c->e[i].padding[2] = 0;
		if (w && !*w) {
			*w = (i + 1) | (is_plain(&e[i]) ? 0 : RD_CPUID_SLOW);
			continue;
		}
		for (j = i, last = 0; j && !last; j--)
			if (e[j - 1].function == e[i].function)
				last = j;
		if (last)
			c->next[last - 1] = i + 1;
	}
	find_pv(c);
	collect_words(c);
	derive(c, x, words);

	e = rd_cpuid_find(c, 0x80000008, 0);
	width = e ? (e->eax >> 8) & 0xff : 0;
	return width == 0 || width == 48 || width == 57 ? 0 : -EINVAL;
}

static void put_bit(u32 *reg, unsigned int bit, bool on)
{
	*reg = (*reg & ~BIT(bit)) | ((u32)on << bit);
}

static void live_xsave(const struct rd_cpuid *c, const struct rd_xstate *x,
		       const struct rd_cpuid_live *live, u32 index, u32 r[4])
{
	if (index == 0)
		r[RD_EBX] = rd_xstate_size(x, live->xcr0, false);
	else if (index == 1 && (rd_cpuid_test(c, RD_F_XSAVEC) || rd_cpuid_test(c, RD_F_XSAVES)))
		r[RD_EBX] = rd_xstate_size(x, live->xcr0 | live->xss, true);
}

void rd_cpuid_apply_live(const struct rd_cpuid *c, const struct rd_xstate *x,
			 const struct rd_cpuid_live *live, const struct kvm_cpuid_entry2 *e,
			 u32 r[4])
{
	if (e->function == 1) {
		if (rd_cpuid_test(c, RD_F_XSAVE))
			put_bit(&r[RD_ECX], 27, live->cr4 & RD_CR4_OSXSAVE);
		put_bit(&r[RD_EDX], 9, live->apic_enabled);
		if (live->mwait_valid)
			put_bit(&r[RD_ECX], 3, live->mwait);
	} else if (e->function == 7 && e->index == 0) {
		if (rd_cpuid_test(c, RD_F_PKU))
			put_bit(&r[RD_ECX], 4, live->cr4 & RD_CR4_PKE);
	} else if (e->function == 0xd) {
		live_xsave(c, x, live, e->index, r);
	}
}
