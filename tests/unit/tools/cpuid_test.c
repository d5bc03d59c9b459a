// SPDX-License-Identifier: GPL-2.0-only
/* Topology leaves for both vendors and many CPU counts. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/cpuid.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

static union {
	struct kvm_cpuid2 c;
	uint8_t room[sizeof(struct kvm_cpuid2) + 64 * sizeof(struct kvm_cpuid_entry2)];
} in, out;

static struct kvm_cpuid_entry2 *add(uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *e = &in.c.entries[in.c.nent++];

	memset(e, 0, sizeof(*e));
	e->function = function;
	e->index = index;
	return e;
}

/* A processor with the leaves that matter, full of bits that must not survive. */
static void make(bool amd)
{
	struct kvm_cpuid_entry2 *e;

	in.c.nent = 0;
	e = add(0, 0);
	e->edx = amd ? 0x69746e65 : 0x49656e69;
	e = add(1, 0);
	e->ebx = 0xffff0800;
	e->ecx = 1u << 24 | 1u << 21;
	e->edx = 1u << 28;
	e = add(4, 0);
	e->eax = 0xffffc121;	/* level 1 */
	e = add(4, 1);
	e->eax = 0xffffc163;	/* level 3 */
	e = add(4, 2);
	add(0x0b, 0)->eax = 99;
	add(0x40000000, 0)->eax = 0x40000001;
	add(0x40000001, 0)->eax = 1;
	add(0x80000001, 0)->ecx = 2;
	add(0x80000008, 0)->ecx = 0xffff;
	add(0x8000001d, 0)->eax = 0x3ffc163;
	add(0x8000001e, 0)->eax = 77;
}

static void run(uint32_t id, uint32_t n)
{
	struct rd_cpuid_config config = { .apic_id = id, .n_cpus = n, .tsc_khz = 2600000,
					  .lapic_khz = 1000000, .tsc_deadline = true };

	rd_cpuid_for_vcpu(&in.c, &config, &out.c);
	ck_assert_uint_le(out.c.nent, in.c.nent + RD_CPUID_EXTRA);
}

static const struct kvm_cpuid_entry2 *get(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < out.c.nent; i++)
		if (out.c.entries[i].function == function && out.c.entries[i].index == index)
			return &out.c.entries[i];
	ck_abort_msg("no leaf %x.%x", function, index);
	return NULL;
}

START_TEST(feature_leaf)
{
	make(true);
	run(3, 4);
	ck_assert_uint_eq(get(1, 0)->ebx, 3u << 24 | 4u << 16 | 0x0800);
	ck_assert_uint_eq(get(1, 0)->ecx, 1u << 31 | 1u << 24 | 1u << 21);
	ck_assert_uint_eq(get(1, 0)->edx, 1u << 28);
	run(0, 1);
	ck_assert_uint_eq(get(1, 0)->edx, 0);
	run(2, 1000);
	ck_assert_uint_eq(get(1, 0)->ebx >> 16 & 0xff, 255);
	make(false);
	run(2, 3);
	ck_assert_uint_eq(get(1, 0)->ebx >> 16 & 0xff, 4);
}
END_TEST

START_TEST(deadline_bit_follows_the_config)
{
	struct rd_cpuid_config config = { .n_cpus = 1 };

	make(true);
	rd_cpuid_for_vcpu(&in.c, &config, &out.c);
	ck_assert_uint_eq(get(1, 0)->ecx & 1u << 24, 0);
}
END_TEST

START_TEST(extended_topology)
{
	static const struct {
		uint32_t n, bits;
	} t[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 255, 8 }, { 4096, 12 } };

	make(true);
	run(t[_i].n - 1, t[_i].n);
	ck_assert_uint_eq(rd_cpuid_id_bits(t[_i].n), t[_i].bits);
	ck_assert_uint_eq(get(0x0b, 0)->eax, 0);
	ck_assert_uint_eq(get(0x0b, 0)->ebx, 1);
	ck_assert_uint_eq(get(0x0b, 0)->ecx, 0x100);
	ck_assert_uint_eq(get(0x0b, 1)->eax, t[_i].bits);
	ck_assert_uint_eq(get(0x0b, 1)->ebx, t[_i].n);
	ck_assert_uint_eq(get(0x0b, 1)->ecx, 0x201);
	ck_assert_uint_eq(get(0x0b, 2)->ecx, 2);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(get(0x0b, i)->edx, t[_i].n - 1);
		ck_assert_uint_eq(get(0x0b, i)->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	}
}
END_TEST

START_TEST(caches_are_shared_at_level_three)
{
	make(false);
	run(0, 6);
	ck_assert_uint_eq(get(4, 0)->eax, 7u << 26 | 0x121);
	ck_assert_uint_eq(get(4, 1)->eax, 7u << 26 | 7u << 14 | 0x163);
	ck_assert_uint_eq(get(4, 2)->eax, 0);
	run(0, 1024);
	ck_assert_uint_eq(get(4, 1)->eax, 63u << 26 | 1023u << 14 | 0x163);
	make(true);
	run(0, 6);
	ck_assert_uint_eq(get(0x8000001d, 0)->eax, 7u << 14 | 0x163);
}
END_TEST

START_TEST(amd_leaves)
{
	make(true);
	run(2, 3);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx, 2);
	ck_assert_uint_eq(get(0x80000008, 0)->ecx, 2u << 12 | 2);
	ck_assert_uint_eq(get(0x8000001e, 0)->eax, 2);
	ck_assert_uint_eq(get(0x8000001e, 0)->ebx, 2);
	ck_assert_uint_eq(get(0x8000001e, 0)->ecx, 0);
	run(0, 1);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx, 0);
	make(false);
	run(2, 3);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx, 0);
	ck_assert_uint_eq(get(0x80000008, 0)->ecx, 0);
}
END_TEST

START_TEST(wide_destinations)
{
	struct rd_cpuid_config config = { .n_cpus = 300, .ext_dest_id = true };

	make(true);
	run(0, 300);
	ck_assert_uint_eq(get(0x40000001, 0)->eax, 1);
	rd_cpuid_for_vcpu(&in.c, &config, &out.c);
	ck_assert_uint_eq(get(0x40000001, 0)->eax, 1u << 15 | 1);
}
END_TEST

START_TEST(frequency_leaf)
{
	struct rd_cpuid_config config = { .n_cpus = 1 };

	make(true);
	run(0, 1);
	ck_assert_uint_eq(get(0x40000000, 0)->eax, 0x40000010);
	ck_assert_uint_eq(get(0x40000010, 0)->eax, 2600000);
	ck_assert_uint_eq(get(0x40000010, 0)->ebx, 1000000);
	rd_cpuid_for_vcpu(&in.c, &config, &out.c);
	ck_assert_uint_eq(get(0x40000000, 0)->eax, 0x40000001);
	for (uint32_t i = 0; i < out.c.nent; i++)
		ck_assert_uint_ne(out.c.entries[i].function, 0x40000010);
}
END_TEST

TCase *cpuid_case(void)
{
	TCase *tc = tcase_create("cpuid");

	tcase_add_test(tc, feature_leaf);
	tcase_add_test(tc, deadline_bit_follows_the_config);
	tcase_add_loop_test(tc, extended_topology, 0, 7);
	tcase_add_test(tc, caches_are_shared_at_level_three);
	tcase_add_test(tc, amd_leaves);
	tcase_add_test(tc, wide_destinations);
	tcase_add_test(tc, frequency_leaf);
	return tc;
}
