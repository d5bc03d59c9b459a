// SPDX-License-Identifier: GPL-2.0-only
/* The supported table on made-up hosts; the guest's table, its index, and what is derived from it.
 */
#include "tests/unit/cpuid/fake_host.h"
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/regs.h"

static struct rd_cpuid_host host;
static struct kvm_cpuid_entry2 table[RD_CPUID_MAX_ENTRIES];
static u32 words[RD_NR_CPUID_WORDS];

static const struct kvm_cpuid_entry2 *entry(const struct kvm_cpuid_entry2 *e, int n, u32 function,
					    u32 index)
{
	int i;

	for (i = 0; i < n; i++)
		if (e[i].function == function && e[i].index == index)
			return &e[i];
	return NULL;
}

static int build(enum fake_vendor vendor)
{
	int n;

	rd_fake_host(&host, vendor);
	memset(table, 0xee, sizeof(table));
	n = rd_cpuid_build_supported(&host, table, RD_CPUID_SUPPORTED_MAX);
	ck_assert_int_gt(n, 20);
	rd_cpuid_supported_words(&host, words);
	return n;
}

static struct rd_cpuid *index_table(const struct kvm_cpuid_entry2 *e, u32 n, int want)
{
	struct rd_cpuid *c = calloc(1, rd_cpuid_size(n));

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(rd_cpuid_index(c, e, n, &host.xstate, words), want);
	return c;
}

/* --- supported table --- */

START_TEST(table_is_well_formed)
{
	int vendor, n, i, j;

	for (vendor = FAKE_AMD; vendor <= FAKE_INTEL; vendor++) {
		n = build(vendor);
		for (i = 0; i < n; i++) {
			ck_assert_uint_eq(
				table[i].padding[0] | table[i].padding[1] | table[i].padding[2], 0);
			ck_assert_uint_eq(table[i].flags & ~KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 0);
			if (!(table[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX))
				ck_assert_uint_eq(table[i].index, 0);
			for (j = 0; j < i; j++)
				ck_assert(table[i].function != table[j].function ||
					  table[i].index != table[j].index);
		}
	}
}
END_TEST

START_TEST(too_little_room)
{
	int vendor, n, room;

	for (vendor = FAKE_AMD; vendor <= FAKE_INTEL; vendor++) {
		n = build(vendor);
		for (room = 0; room < n; room++) {
			struct kvm_cpuid_entry2 *small = calloc(room + 1, sizeof(*small));

			ck_assert_int_eq(rd_cpuid_build_supported(&host, small, room), -E2BIG);
			free(small);
		}
		ck_assert_int_eq(rd_cpuid_build_supported(&host, table, n), n);
	}
}
END_TEST

START_TEST(leaves_that_clients_need)
{
	static const u32 both[] = { 0,		1,	    7,		0xb,	    0xd,
				    0x40000000, 0x40000001, 0x40000010, 0x80000000, 0x80000001,
				    0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006,
				    0x80000007, 0x80000008 };
	static const u32 amd[] = { 0x8000001d, 0x8000001e, 0x80000021 };
	static const u32 intel[] = { 2, 4, 6, 0xa };
	unsigned int i;
	int n;

	n = build(FAKE_AMD);
	for (i = 0; i < ARRAY_SIZE(both); i++)
		ck_assert_ptr_nonnull(entry(table, n, both[i], 0));
	for (i = 0; i < ARRAY_SIZE(amd); i++)
		ck_assert_ptr_nonnull(entry(table, n, amd[i], 0));
	ck_assert_ptr_null(entry(table, n, 0x8000000a, 0));
	ck_assert_uint_eq(entry(table, n, 0x80000000, 0)->eax, 0x80000021);
	n = build(FAKE_INTEL);
	for (i = 0; i < ARRAY_SIZE(both); i++)
		ck_assert_ptr_nonnull(entry(table, n, both[i], 0));
	for (i = 0; i < ARRAY_SIZE(intel); i++)
		ck_assert_ptr_nonnull(entry(table, n, intel[i], 0));
	ck_assert_ptr_null(entry(table, n, 0x8000001d, 0));
	ck_assert_uint_eq(entry(table, n, 0, 0)->eax, 0x1f);
}
END_TEST

static void check_hidden(void)
{
	static const u16 hidden[] = { RD_F_MWAIT,      RD_F_VMX,	   RD_F_OSXSAVE,
				      RD_F_SVM,	       RD_F_RTM,	   RD_F(7_EBX, 2),
				      RD_F(7_EBX, 4),  RD_F(7_ECX, 30),	   RD_F(1_ECX, 15),
				      RD_F(1_EDX, 28), RD_F(EXT1_ECX, 10), RD_F(EXT1_ECX, 23),
				      RD_F(D_1_EAX, 4) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		ck_assert_msg(!((words[hidden[i] / 32] >> (hidden[i] % 32)) & 1), "feature %u",
			      hidden[i]);
}

static void check_given(void)
{
	static const u16 given[] = {
		RD_F_HYPERVISOR, RD_F_X2APIC, RD_F_TSC_DEADLINE,    RD_F_TSC_ADJUST,
		RD_F_APIC,	 RD_F_MTRR,   RD_F_ARCH_CAPS,	    RD_F_PV_CLOCK,
		RD_F_PV_CLOCK2,	 RD_F_PV_EOI, RD_F_PV_CLOCK_STABLE, RD_F_PV_STEAL
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(given); i++)
		ck_assert_msg((words[given[i] / 32] >> (given[i] % 32)) & 1, "feature %u",
			      given[i]);
}

START_TEST(features_hidden_and_given)
{
	build(FAKE_AMD);
	check_hidden();
	check_given();
	build(FAKE_INTEL);
	check_hidden();
	check_given();
}
END_TEST

START_TEST(a_bare_host_gives_what_the_module_gives)
{
	int n;

	rd_fake_host(&host, FAKE_AMD);
	rd_fake_set(0, 0, 1, 0x68747541, 0x444d4163, 0x69746e65);
	rd_fake_set(1, 0, 0, 0, 0, 0);
	rd_fake_set(0x80000000, 0, 0x80000008, 0, 0, 0);
	rd_fake_set(0x80000001, 0, 0, 0, 0, 0);
	rd_fake_set(0x80000007, 0, 0, 0, 0, 0);
	rd_fake_set(0x80000008, 0, 0x3028, 0, 0, 0);
	host.xstate.supported = 0;
	host.tsc_stable = false;
	host.steal_time = false;
	rd_cpuid_supported_words(&host, words);
	ck_assert_uint_eq(words[RD_W_1_ECX], BIT(21) | BIT(24) | BIT(31));
	ck_assert_uint_eq(words[RD_W_7_EBX], BIT(1));
	ck_assert_uint_eq(words[RD_W_PV_EAX], BIT(0) | BIT(1) | BIT(3) | BIT(6));
	n = rd_cpuid_build_supported(&host, table, RD_CPUID_SUPPORTED_MAX);
	/* TSC_ADJUST lives there, whatever the host's highest leaf. */
	ck_assert_ptr_nonnull(entry(table, n, 7, 0));
	ck_assert_ptr_null(entry(table, n, 0xd, 0));
	ck_assert_ptr_null(entry(table, n, 0x8000001e, 0));
}
END_TEST

START_TEST(kernel_that_gave_a_feature_up)
{
	rd_fake_host(&host, FAKE_AMD);
	host.words[RD_W_7_EBX] &= ~BIT(20);
	rd_cpuid_supported_words(&host, words);
	ck_assert(!(words[RD_W_7_EBX] & BIT(20)));
	ck_assert(words[RD_W_7_EBX] & BIT(7));
}
END_TEST

START_TEST(vector_features_follow_their_state)
{
	rd_fake_host(&host, FAKE_INTEL);
	host.xstate.supported = 0x7;
	rd_cpuid_supported_words(&host, words);
	ck_assert(words[RD_W_1_ECX] & BIT(28));
	ck_assert(!(words[RD_W_7_EBX] & BIT(16)));
	ck_assert(!(words[RD_W_7_EBX] & BIT(31)));
	ck_assert(!(words[RD_W_7_ECX] & BIT(3)));
	host.xstate.supported = 0x3;
	rd_cpuid_supported_words(&host, words);
	ck_assert(!(words[RD_W_1_ECX] & (BIT(28) | BIT(12) | BIT(29))));
	ck_assert(!(words[RD_W_7_EBX] & BIT(5)));
	ck_assert(words[RD_W_1_ECX] & BIT(26));
	host.xstate.supported = 0;
	rd_cpuid_supported_words(&host, words);
	ck_assert(!(words[RD_W_1_ECX] & BIT(26)));
	ck_assert_uint_eq(words[RD_W_D_1_EAX], 0);
}
END_TEST

START_TEST(side_channel_controls_only_if_switched)
{
	rd_fake_host(&host, FAKE_AMD);
	host.spec_ctrl = false;
	host.xss_clean = false;
	rd_cpuid_supported_words(&host, words);
	ck_assert_uint_eq(words[RD_W_EXT8_EBX] & (BIT(14) | BIT(15) | BIT(24)), 0);
	ck_assert_uint_eq(words[RD_W_7_EDX] & (BIT(26) | BIT(27) | BIT(31)), 0);
	ck_assert(words[RD_W_EXT8_EBX] & BIT(12));
	ck_assert(!(words[RD_W_D_1_EAX] & BIT(3)));
}
END_TEST

START_TEST(topology_is_left_to_the_vmm)
{
	const struct kvm_cpuid_entry2 *e;
	int n = build(FAKE_AMD);

	e = entry(table, n, 1, 0);
	ck_assert_uint_eq(e->ebx, 0x0800);
	e = entry(table, n, 0xb, 0);
	ck_assert_uint_eq(e->eax | e->ebx | e->ecx | e->edx, 0);
	ck_assert(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	e = entry(table, n, 0x8000001e, 0);
	ck_assert_uint_eq(e->eax | e->ebx | e->ecx | e->edx, 0);
	ck_assert_uint_eq(entry(table, n, 0x8000001d, 0)->eax, 0x121);
	ck_assert_ptr_nonnull(entry(table, n, 0x8000001d, 3));
	ck_assert_ptr_null(entry(table, n, 0x8000001d, 4));
	e = entry(table, n, 0x80000008, 0);
	ck_assert_uint_eq(e->ecx, 0);
}
END_TEST

START_TEST(paravirtual_leaves)
{
	const struct kvm_cpuid_entry2 *e;
	int n = build(FAKE_AMD);

	e = entry(table, n, 0x40000000, 0);
	ck_assert_uint_eq(e->eax, 0x40000001);
	ck_assert_int_eq(memcmp(&e->ebx, "KVMKVMKVM\0\0\0", 12), 0);
	e = entry(table, n, 0x40000010, 0);
	ck_assert_uint_eq(e->eax, 2400000);
	ck_assert_uint_eq(e->ebx, 1000000);
}
END_TEST

START_TEST(address_widths)
{
	int n = build(FAKE_AMD);

	ck_assert_uint_eq(entry(table, n, 0x80000008, 0)->eax, 0x3030);
	rd_fake_set(0x80000008, 0, 0x2b3928, 0, 0, 0); /* guests get 43 bits of 40 */
	n = rd_cpuid_build_supported(&host, table, RD_CPUID_SUPPORTED_MAX);
	ck_assert_uint_eq(entry(table, n, 0x80000008, 0)->eax, 0x392b);
	rd_fake_set(0x80000008, 0, 0x2028, 0, 0, 0);
	n = rd_cpuid_build_supported(&host, table, RD_CPUID_SUPPORTED_MAX);
	ck_assert_uint_eq(entry(table, n, 0x80000008, 0)->eax, 0x3028);
}
END_TEST

START_TEST(xsave_leaf)
{
	int n = build(FAKE_AMD), i;

	ck_assert_uint_eq(entry(table, n, 0xd, 0)->eax, 0x2e7);
	ck_assert_uint_eq(entry(table, n, 0xd, 0)->ebx, 2696);
	ck_assert_uint_eq(entry(table, n, 0xd, 0)->ecx, 2696);
	/* Compacted: 576 + 256 + 64 + 512 + 1024, then PKRU at the next multiple of 64. */
	ck_assert_uint_eq(entry(table, n, 0xd, 1)->ebx, 2432 + 8);
	ck_assert_uint_eq(entry(table, n, 0xd, 1)->ecx, 0);
	for (i = 2; i < 64; i++)
		ck_assert_int_eq(entry(table, n, 0xd, i) != NULL, (0x2e7ULL >> i) & 1);
}
END_TEST

START_TEST(xsave_sizes)
{
	rd_fake_host(&host, FAKE_AMD);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 1, false), 576);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 3, true), 576);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 7, false), 832);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 7, true), 832);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 0xe7, false), 2688);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 0xe3, true), 2176);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 0x203, true), 584);
	ck_assert_uint_eq(rd_xstate_size(&host.xstate, 0x203, false), 2696);
}
END_TEST

/* --- the guest's table --- */

START_TEST(every_entry_is_found)
{
	int vendor, n, i;

	for (vendor = FAKE_AMD; vendor <= FAKE_INTEL; vendor++) {
		struct rd_cpuid *c;

		n = build(vendor);
		c = index_table(table, n, 0);
		for (i = 0; i < n; i++) {
			bool plain = !table[i].flags && !rd_cpuid_is_live(table[i].function) &&
				     (table[i].function >> 28) != 4;

			ck_assert_ptr_eq(rd_cpuid_find(c, table[i].function, table[i].index),
					 &c->e[i]);
			ck_assert_ptr_eq(rd_cpuid_plain(c, table[i].function),
					 plain ? &c->e[i] : NULL);
		}
		ck_assert_ptr_null(rd_cpuid_plain(c, 3));
		ck_assert_ptr_null(rd_cpuid_plain(c, RD_CPUID_WINDOW));
		ck_assert_ptr_null(rd_cpuid_plain(c, ~0U));
		free(c);
	}
}
END_TEST

START_TEST(index_counts_only_where_flagged)
{
	struct kvm_cpuid_entry2 e[] = {
		{ .function = 2, .index = 0, .eax = 1 },
		{ .function = 4, .index = 0, .flags = 1, .eax = 2 },
		{ .function = 4, .index = 1, .flags = 1, .eax = 3 },
		{ .function = 2, .index = 0, .eax = 99 },
		{ .function = 0x40000123, .index = 5, .flags = 1, .eax = 4 },
		{ .function = 0x40000123, .index = 6, .flags = 1, .eax = 5 },
		{ .function = 0xc0000001, .index = 0, .eax = 6 },
	};
	struct rd_cpuid *c = index_table(e, ARRAY_SIZE(e), 0);

	ck_assert_uint_eq(rd_cpuid_find(c, 2, 77)->eax, 1); /* first one counts */
	ck_assert_uint_eq(rd_cpuid_find(c, 4, 0)->eax, 2);
	ck_assert_uint_eq(rd_cpuid_find(c, 4, 1)->eax, 3);
	ck_assert_ptr_null(rd_cpuid_find(c, 4, 2));
	ck_assert_uint_eq(rd_cpuid_find(c, 0x40000123, 6)->eax, 5);
	ck_assert_ptr_null(rd_cpuid_find(c, 0x40000123, 7));
	ck_assert_uint_eq(rd_cpuid_find(c, 0xc0000001, 1)->eax, 6);
	ck_assert_ptr_null(rd_cpuid_find(c, 3, 0));
	ck_assert_ptr_null(rd_cpuid_find(c, 0x7fffffff, 0));
	ck_assert_ptr_null(rd_cpuid_find(c, 0xffffffff, 0));
	free(c);
}
END_TEST

START_TEST(bad_tables)
{
	static struct kvm_cpuid_entry2 many[RD_CPUID_MAX_ENTRIES + 1];
	static const struct {
		u32 eax;
		int want;
	} widths[] = { { 0x0028, 0 },	    { 0x3028, 0 },	 { 0x3928, 0 },
		       { 0x2028, -EINVAL }, { 0x4028, -EINVAL }, { 0xff28, -EINVAL } };
	struct kvm_cpuid_entry2 e[2] = { { .function = 0x80000000, .eax = 0x80000008 },
					 { .function = 0x80000008 } };
	unsigned int i;

	build(FAKE_AMD);
	free(index_table(many, RD_CPUID_MAX_ENTRIES, 0));
	free(index_table(many, RD_CPUID_MAX_ENTRIES + 1, -EINVAL));
	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		e[1].eax = widths[i].eax;
		free(index_table(e, 2, widths[i].want));
	}
}
END_TEST

START_TEST(out_of_range_leaves)
{
	struct rd_cpuid *c;
	int n = build(FAKE_AMD);

	c = index_table(table, n, 0);
	ck_assert(c->is_amd && !c->intel_range);
	ck_assert_ptr_null(rd_cpuid_answer(c, 0x1fffffff, 0));
	ck_assert_ptr_null(rd_cpuid_answer(c, 0x80001000, 0));
	free(c);

	n = build(FAKE_INTEL);
	c = index_table(table, n, 0);
	ck_assert(c->is_intel && c->intel_range);
	/* The highest basic leaf, 0x1f, answers beyond each range ... */
	ck_assert_uint_eq(rd_cpuid_answer(c, 0x20, 0)->function, 0x1f);
	ck_assert_uint_eq(rd_cpuid_answer(c, 0x80000022, 0)->function, 0x1f);
	ck_assert_uint_eq(rd_cpuid_answer(c, 0xc0000000, 0)->function, 0x1f);
	ck_assert_uint_eq(rd_cpuid_answer(c, 0x40000002, 0)->function, 0x1f);
	/* ... but holes inside are zeros, and so is a missing subleaf of it. */
	ck_assert_ptr_null(rd_cpuid_answer(c, 3, 0));
	ck_assert_ptr_null(rd_cpuid_answer(c, 0x20, 9));
	free(c);

	c = index_table(NULL, 0, 0);
	ck_assert_ptr_null(rd_cpuid_answer(c, 0, 0));
	ck_assert_ptr_null(rd_cpuid_answer(c, 1, 0));
	ck_assert_uint_eq(c->maxphyaddr, 36);
	ck_assert_uint_eq(c->xcr0_allowed, 1);
	ck_assert_uint_eq(c->cr4_allowed, RD_CR4_BASE);
	ck_assert_uint_eq(c->efer_allowed, RD_EFER_SCE);
	free(c);
}
END_TEST

START_TEST(masks_of_a_full_guest)
{
	int n = build(FAKE_AMD);
	struct rd_cpuid *c = index_table(table, n, 0);

	ck_assert_uint_eq(c->maxphyaddr, 48);
	ck_assert_uint_eq(c->gpa_reserved, 0xffff000000000000ULL);
	ck_assert_uint_eq(c->xcr0_allowed, 0x2e7);
	ck_assert_uint_eq(c->xss_allowed, 0);
	ck_assert_uint_eq(c->cr4_allowed, RD_CR4_BASE | RD_CR4_UMIP | RD_CR4_LA57 |
						  RD_CR4_FSGSBASE | RD_CR4_PCIDE | RD_CR4_OSXSAVE |
						  RD_CR4_SMEP | RD_CR4_SMAP | RD_CR4_PKE);
	ck_assert_uint_eq(c->efer_allowed,
			  RD_EFER_SCE | RD_EFER_LME | RD_EFER_LMA | RD_EFER_NX | RD_EFER_FFXSR);
	ck_assert(c->has_pv_leaf);
	ck_assert(rd_cpuid_test(c, RD_F_PV_EOI));
	ck_assert(rd_cpuid_test(c, RD_F_X2APIC));
	ck_assert(!rd_cpuid_test(c, RD_F_SVM));
	free(c);
}
END_TEST

/* A VMM may claim what the module cannot do: the registers do not follow it. */
START_TEST(claims_beyond_the_host)
{
	struct kvm_cpuid_entry2 e[] = {
		{ .function = 1, .ecx = ~0U, .edx = ~0U },
		{ .function = 7, .flags = 1, .ebx = ~0U, .ecx = ~0U, .edx = ~0U },
		{ .function = 0xd, .flags = 1, .eax = ~0U, .edx = ~0U },
		{ .function = 0x80000001, .ecx = ~0U, .edx = ~0U },
	};
	struct rd_cpuid *c;

	build(FAKE_AMD);
	memset(words, 0, sizeof(words));
	host.xstate.supported = 3;
	c = index_table(e, ARRAY_SIZE(e), 0);
	ck_assert(rd_cpuid_test(c, RD_F_PKU));
	ck_assert_uint_eq(c->cr4_allowed, RD_CR4_BASE);
	ck_assert_uint_eq(c->efer_allowed, RD_EFER_SCE);
	ck_assert_uint_eq(c->xcr0_allowed, 3);
	free(c);
}
END_TEST

START_TEST(moved_paravirtual_leaves)
{
	struct kvm_cpuid_entry2 e[] = {
		{ .function = 0x40000000, .eax = 0x40000001, .ebx = 0x7263694d },
		{ .function = 0x40000001, .eax = ~0U },
		{ .function = 0x40000100,
		  .eax = 0x40000101,
		  .ebx = 0x4b4d564b,
		  .ecx = 0x564b4d56,
		  .edx = 0x4d },
		{ .function = 0x40000101, .eax = BIT(3) },
	};
	struct rd_cpuid *c;

	build(FAKE_AMD);
	c = index_table(e, 4, 0);
	ck_assert_uint_eq(c->pv_features, BIT(3));
	ck_assert(rd_cpuid_test(c, RD_F_PV_CLOCK2));
	ck_assert(!rd_cpuid_test(c, RD_F_PV_CLOCK));
	free(c);
	c = index_table(e, 2, 0);
	ck_assert(!c->has_pv_leaf);
	ck_assert_uint_eq(c->pv_features, 0);
	free(c);
}
END_TEST

static void live(const struct rd_cpuid *c, const struct rd_cpuid_live *l, u32 function, u32 index,
		 u32 r[4])
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_find(c, function, index);

	ck_assert(rd_cpuid_is_live(function));
	r[0] = e->eax;
	r[1] = e->ebx;
	r[2] = e->ecx;
	r[3] = e->edx;
	rd_cpuid_apply_live(c, &host.xstate, l, e, r);
}

START_TEST(bits_that_follow_the_state)
{
	int n = build(FAKE_AMD);
	struct rd_cpuid *c = index_table(table, n, 0);
	struct rd_cpuid_live l = { .xcr0 = 1 };
	u32 r[4];

	live(c, &l, 1, 0, r);
	ck_assert(!(r[RD_ECX] & BIT(27)));
	ck_assert(!(r[RD_EDX] & BIT(9)));
	ck_assert(!(r[RD_ECX] & BIT(3)));
	live(c, &l, 0xd, 0, r);
	ck_assert_uint_eq(r[RD_EBX], 576);

	l = (struct rd_cpuid_live){ .cr4 = RD_CR4_OSXSAVE | RD_CR4_PKE,
				    .xcr0 = 7,
				    .apic_enabled = true,
				    .mwait_valid = true,
				    .mwait = true };
	live(c, &l, 1, 0, r);
	ck_assert(r[RD_ECX] & BIT(27));
	ck_assert(r[RD_EDX] & BIT(9));
	ck_assert(r[RD_ECX] & BIT(3));
	live(c, &l, 7, 0, r);
	ck_assert(r[RD_ECX] & BIT(4));
	live(c, &l, 7, 1, r);
	ck_assert_uint_eq(r[RD_ECX], 0);
	live(c, &l, 0xd, 0, r);
	ck_assert_uint_eq(r[RD_EBX], 832);
	ck_assert_uint_eq(r[RD_ECX], 2696);
	l.xcr0 = 0x203;
	live(c, &l, 0xd, 1, r);
	ck_assert_uint_eq(r[RD_EBX], 584);
	live(c, &l, 0xd, 2, r);
	ck_assert_uint_eq(r[RD_EAX], 256);
	free(c);
}
END_TEST

/*
 * Tables made of noise: nothing is read or written outside, and what is found agrees with a search
 * from the front.
 */
START_TEST(random_tables)
{
	static const u32 functions[] = {
		0,	    1,		7,	    0xd,	0x3f,
		0x40,	    0x40000000, 0x4000003f, 0x40000100, 0x80000000,
		0x8000001d, 0x8000003f, 0x80000040, 0xc0000000, 0xffffffff
	};
	struct kvm_cpuid_entry2 e[40];
	unsigned int round, i, j, k;

	build(FAKE_INTEL);
	for (round = 0; round < 2000; round++) {
		struct rd_cpuid *c = calloc(1, rd_cpuid_size(ARRAY_SIZE(e)));

		rd_host_random(e, sizeof(e));
		for (i = 0; i < ARRAY_SIZE(e); i++) {
			e[i].function = functions[e[i].function % ARRAY_SIZE(functions)];
			e[i].index %= 4;
			e[i].flags &= 1;
		}
		rd_cpuid_index(c, e, ARRAY_SIZE(e), &host.xstate, words);
		for (i = 0; i < ARRAY_SIZE(functions); i++) {
			for (j = 0; j < 5; j++) {
				const struct kvm_cpuid_entry2 *got =
					rd_cpuid_find(c, functions[i], j);

				for (k = 0; k < ARRAY_SIZE(e); k++)
					if (e[k].function == functions[i] &&
					    (!e[k].flags || e[k].index == j))
						break;
				ck_assert_ptr_eq(got, k < ARRAY_SIZE(e) ? &c->e[k] : NULL);
				rd_cpuid_answer(c, functions[i] + 1, j);
				if (rd_cpuid_plain(c, functions[i]))
					ck_assert_ptr_eq(rd_cpuid_plain(c, functions[i]), got);
			}
		}
		free(c);
	}
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("cpuid");
	TCase *supported = tcase_create("supported"), *guest = tcase_create("guest");

	tcase_add_test(supported, table_is_well_formed);
	tcase_add_test(supported, too_little_room);
	tcase_add_test(supported, leaves_that_clients_need);
	tcase_add_test(supported, features_hidden_and_given);
	tcase_add_test(supported, a_bare_host_gives_what_the_module_gives);
	tcase_add_test(supported, kernel_that_gave_a_feature_up);
	tcase_add_test(supported, vector_features_follow_their_state);
	tcase_add_test(supported, side_channel_controls_only_if_switched);
	tcase_add_test(supported, topology_is_left_to_the_vmm);
	tcase_add_test(supported, paravirtual_leaves);
	tcase_add_test(supported, address_widths);
	tcase_add_test(supported, xsave_leaf);
	tcase_add_test(supported, xsave_sizes);
	tcase_add_test(guest, every_entry_is_found);
	tcase_add_test(guest, index_counts_only_where_flagged);
	tcase_add_test(guest, bad_tables);
	tcase_add_test(guest, out_of_range_leaves);
	tcase_add_test(guest, masks_of_a_full_guest);
	tcase_add_test(guest, claims_beyond_the_host);
	tcase_add_test(guest, moved_paravirtual_leaves);
	tcase_add_test(guest, bits_that_follow_the_state);
	tcase_add_test(guest, random_tables);
	suite_add_tcase(s, supported);
	suite_add_tcase(s, guest);
	return s;
}
