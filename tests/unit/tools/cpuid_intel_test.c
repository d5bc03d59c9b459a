// SPDX-License-Identifier: GPL-2.0-only
/* The table of an AMD host in, that of an Intel CPU with enclaves out, leaf by leaf. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/cpuid.h"
#include "tools/src/vmctl/cpuid_intel.h"
#include "tools/src/vmctl/cpuid_table.h"
#include "tools/src/vmctl/util.h"

#include <stdlib.h>
#include <string.h>

#define ALL 0xffffffffu
#define ROOM 96u

static union {
	struct kvm_cpuid2 c;
	uint8_t room[sizeof(struct kvm_cpuid2) + ROOM * sizeof(struct kvm_cpuid_entry2)];
} in, plain;

static struct kvm_cpuid2 *out;

static const struct rd_vm_sgx_info enclaves = {
	.base = 0x12340000000,
	.size = 0x280000000,
	.attributes = 0x4b6,
	.xfrm = 0x1a00000e7,
	.miscselect = 1,
	.size_bits = 36,
	.sgx_leaves = 0x803,
};

static struct rd_cpuid_config config;

static struct kvm_cpuid_entry2 *add(uint32_t function, uint32_t eax, uint32_t ebx, uint32_t ecx,
				    uint32_t edx)
{
	struct kvm_cpuid_entry2 *e = &in.c.entries[in.c.nent++];

	ck_assert_uint_le(in.c.nent, ROOM);
	*e = (struct kvm_cpuid_entry2){
		.function = function,
		.eax = eax,
		.ebx = ebx,
		.ecx = ecx,
		.edx = edx,
	};
	return e;
}

static void add_sub(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx, uint32_t ecx,
		    uint32_t edx)
{
	struct kvm_cpuid_entry2 *e = add(function, eax, ebx, ecx, edx);

	e->index = index;
	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
}

static void add_vendor(const char *vendor, uint32_t max)
{
	uint32_t r[3];

	memcpy(r, vendor, 12);
	add(0, max, r[0], r[2], r[1]);
}

/* What both vendors have; bits that a table holds only if the host has them are all set. */
static void common_leaves(void)
{
	add(1, 0x00a20f10, 0x000008ab, 0x7ed8320b, 0x0f8bfbff);
	add(6, 4, 0, 0, 0);
	add_sub(7, 0, 1, 0x219c97a9, 0x0040069c, 0x20000010);
	add_sub(7, 1, 0x10, 0, 0, 0);
	add_sub(0x0b, 0, 0, 0, 0, 0);
	add_sub(0x0d, 0, 7, 832, 832, 0x40000001);
	add_sub(0x0d, 1, 0xf, 832, 0, 0);
	add_sub(0x0d, 2, 256, 576, 0, 0);
	add_sub(0x0d, 62, 128, 832, 0, 0);
	add(0x40000000, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
	add(0x40000001, 0x0100004b, 0, 0, 0);
}

static void amd_extended(void)
{
	add(0x80000000, 0x80000021, 0x68747541, 0x444d4163, 0x69746e65);
	add(0x80000001, 0x00a20f10, 0x20000000, ALL, ALL);
	for (uint32_t i = 2; i < 5; i++)
		add(0x80000000 + i, 0x20444d41, 0x657a7952, 0x2039206e, 0x30303935);
	add(0x80000005, 0xff40ff40, 0xff40ff40, 0x20080140, 0x20080140);
	add(0x80000006, 0x48006400, 0x68006400, 0x02006140, 0x02009140);
	add(0x80000007, 0, 0x1b, 0, ALL);
	add(0x80000008, 0x00303030, ALL, 0x0000501f, 0x10007);
	add(0x80000019, 0xf040f040, 0xf0400000, 0, 0);
	add(0x8000001a, 6, 0, 0, 0);
	add_sub(0x8000001d, 0, 0x00004121, 0x01c0003f, 0x3f, 0);
	add_sub(0x8000001d, 1, 0x00004122, 0x01c0003f, 0x3f, 0);
	add_sub(0x8000001d, 2, 0x00004143, 0x01c0003f, 0x3ff, 2);
	add_sub(0x8000001d, 3, 0x0003c163, 0x03c0003f, 0x7fff, 0xd);
	add_sub(0x8000001d, 4, 0, 0, 0, 0);
	add(0x8000001e, 1, 2, 3, 4);
	add(0x80000021, 0x45, 0, 0, 0);
}

static void setup(void)
{
	in.c.nent = 0;
	config = (struct rd_cpuid_config){
		.apic_id = 2,
		.n_cpus = 6,
		.tsc_khz = 2600000,
		.lapic_khz = 1000000,
		.tsc_deadline = true,
		.sgx = &enclaves,
	};
}

static void amd_host(void)
{
	add_vendor("AuthenticAMD", 0x10);
	common_leaves();
	amd_extended();
}

static void intel_host(uint32_t max)
{
	add_vendor("GenuineIntel", max);
	common_leaves();
	add(2, 0x00feff01, 0xf0, 0, 0);
	add_sub(4, 0, 0x121, 0x01c0003f, 0x3f, 0);
	add_sub(4, 1, 0, 0, 0, 0);
	add(0x80000000, 0x80000008, 0, 0, 0);
	add(0x80000001, 0x0, 0x0, 0x121, 0x2c100800);
	add(0x80000008, 0x302e, 0x200, 0, 0);
}

/* Exactly the room that is promised, so that a byte more is seen. */
static void run(void)
{
	size_t room = in.c.nent + RD_CPUID_EXTRA;

	free(out);
	out = calloc(1, sizeof(*out) + room * sizeof(out->entries[0]));
	ck_assert_ptr_nonnull(out);
	rd_cpuid_for_vcpu(&in.c, &config, out);
	ck_assert_uint_le(out->nent, room);
}

static void teardown(void)
{
	free(out);
	out = NULL;
}

static struct kvm_cpuid_entry2 *get(uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *e = rd_cpuid_entry(out, function, index);

	ck_assert_msg(e, "no leaf %x.%x", function, index);
	return e;
}

static void want(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx, uint32_t ecx,
		 uint32_t edx)
{
	const struct kvm_cpuid_entry2 *e = get(function, index);

	ck_assert_msg(e->eax == eax && e->ebx == ebx && e->ecx == ecx && e->edx == edx,
		      "leaf %x.%x: %08x %08x %08x %08x", function, index, e->eax, e->ebx, e->ecx,
		      e->edx);
}

START_TEST(it_is_an_intel_cpu)
{
	static const char *const vendors[] = { "AuthenticAMD", "HygonGenuine", "  Shanghai  ",
					       "RenuineIntel", "GenuineIntem", "Genuanarntel" };
	char text[49] = "";

	add_vendor(vendors[_i], _i ? 0xd : 0x10);
	common_leaves();
	amd_extended();
	run();
	want(0, 0, 0x1f, 0x756e6547, 0x6c65746e, 0x49656e69);
	ck_assert_uint_eq(get(1, 0)->eax, 0x000806f8);
	for (uint32_t i = 0; i < 3; i++)
		memcpy(text + 16 * i, &get(0x80000002 + i, 0)->eax, 16);
	ck_assert_str_eq(text, "Intel Xeon Processor (Redoubt)");
}
END_TEST

START_TEST(common_features_stay)
{
	amd_host();
	run();
	want(1, 0, 0x000806f8, 2u << 24 | 8u << 16 | 0x0800, 0x7ed8320b | 1u << 31 | 1u << 24,
	     0x0f8bfbff | 1u << 28);
	want(6, 0, 4, 0, 0, 0);
	want(7, 1, 0x10, 0, 0, 0);
	want(0x0d, 0, 7, 832, 832, 1);
	want(0x0d, 1, 0xf, 832, 0, 0);
	want(0x0d, 2, 256, 576, 0, 0);
	want(0x0d, 62, 0, 0, 0, 0);
	want(0x40000000, 0, 0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d);
	want(0x40000001, 0, 0x0100004b, 0, 0, 0);
	want(0x40000010, 0, 2600000, 1000000, 0, 0);
}
END_TEST

START_TEST(extended_features_are_those_of_intel)
{
	amd_host();
	run();
	want(0x80000000, 0, 0x80000008, 0x68747541, 0x444d4163, 0x69746e65);
	want(0x80000001, 0, 0, 0, 0x121, 0x2c100800);
	want(0x80000005, 0, 0, 0, 0, 0);
	want(0x80000006, 0, 0, 0, 0x02006040, 0);
	want(0x80000007, 0, 0, 0, 0, 0x100);
	want(0x80000008, 0, 0x3030, 0x200, 0, 0);
	for (uint32_t i = 0; i < out->nent; i++)
		ck_assert_uint_le(out->entries[i].function, 0x80000008);
}
END_TEST

START_TEST(nothing_is_invented)
{
	amd_host();
	memset(&rd_cpuid_entry(&in.c, 0x80000001, 0)->eax, 0, 16);
	memset(&rd_cpuid_entry(&in.c, 0x80000007, 0)->eax, 0, 16);
	memset(&rd_cpuid_entry(&in.c, 0x80000008, 0)->eax, 0, 16);
	memset(&rd_cpuid_entry(&in.c, 7, 0)->eax, 0, 16);
	run();
	want(0x80000001, 0, 0, 0, 0, 0);
	want(0x80000007, 0, 0, 0, 0, 0);
	want(0x80000008, 0, 0, 0, 0, 0);
	want(7, 0, 0, 1u << 2, 1u << 30, 0);
}
END_TEST

START_TEST(speculation_control_moves)
{
	static const struct {
		uint32_t amd, intel;
	} t[] = {
		{ 0, 0 },
		{ 1u << 12, 0 }, /* IBPB alone cannot be told */
		{ 1u << 14, 0 },
		{ 1u << 12 | 1u << 14, 1u << 26 },
		{ 1u << 15, 1u << 27 },
		{ 1u << 24, 1u << 31 },
		{ ALL, 1u << 26 | 1u << 27 | 1u << 31 },
	};

	amd_host();
	rd_cpuid_entry(&in.c, 0x80000008, 0)->ebx = t[_i].amd;
	run();
	ck_assert_uint_eq(get(7, 0)->edx, 0x20000010 | t[_i].intel);
}
END_TEST

START_TEST(caches_move)
{
	amd_host();
	run();
	want(4, 0, 7u << 26 | 0x121, 0x01c0003f, 0x3f, 0);
	want(4, 1, 7u << 26 | 0x122, 0x01c0003f, 0x3f, 0);
	want(4, 2, 7u << 26 | 0x143, 0x01c0003f, 0x3ff, 2);
	want(4, 3, 7u << 26 | 7u << 14 | 0x163, 0x03c0003f, 0x7fff, 1);
	want(4, 4, 0, 0, 0, 0);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(get(4, i)->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	want(2, 0, 0xff01, 0xf0, 0, 0);
}
END_TEST

/* A CPU without the leaf, and one that has it empty, beside an empty leaf 4. */
START_TEST(caches_that_are_not_told)
{
	amd_host();
	rd_cpuid_drop(&in.c, 0x8000001d, 0x8000001d);
	if (_i) {
		add_sub(0x8000001d, 0, 0, 0, 0, 0);
		add_sub(4, 0, 0, 0, 0, 0);
	}
	run();
	want(4, 0, 7u << 26 | 0x121, 7u << 22 | 63, 63, 0);
	want(4, 1, 7u << 26 | 0x122, 7u << 22 | 63, 63, 0);
	want(4, 2, 7u << 26 | 0x143, 15u << 22 | 63, 1023, 0);
	want(4, 3, 7u << 26 | 7u << 14 | 0x163, 15u << 22 | 63, 16383, 0);
	want(4, 4, 0, 0, 0, 0);
}
END_TEST

START_TEST(caches_in_leaf_4_stay)
{
	amd_host();
	add_sub(4, 0, 0x121, 0x02c0003f, 0x3f, 0);
	add_sub(4, 1, 0, 0, 0, 0);
	run();
	want(4, 0, 7u << 26 | 0x121, 0x02c0003f, 0x3f, 0);
	want(4, 1, 0, 0, 0, 0);
	ck_assert_ptr_null(rd_cpuid_entry(out, 4, 2));
}
END_TEST

START_TEST(topology_is_there)
{
	static const uint32_t leaves[] = { 0x0b, 0x1f };

	amd_host();
	if (_i)
		rd_cpuid_drop(&in.c, 0x0b, 0x0b);
	run();
	for (size_t i = 0; i < 2; i++) {
		want(leaves[i], 0, 0, 1, 0x100, 2);
		want(leaves[i], 1, 3, 6, 0x201, 2);
		want(leaves[i], 2, 0, 0, 2, 2);
	}
}
END_TEST

START_TEST(no_leaf_is_there_twice)
{
	amd_host();
	add(2, 1, 2, 3, 4);
	add(0x15, 0, 0, 0, 0);
	add(0x16, 0, 0, 0, 0);
	add_sub(0x12, 0, 1, 2, 3, 4);
	add_sub(0x12, 2, 1, 2, 3, 4);
	add(0x20, 1, 2, 3, 4);
	add(0xc0000000, 0xc0000004, 0, 0, 0);
	run();
	for (uint32_t i = 0; i < out->nent; i++)
		for (uint32_t k = 0; k < i; k++)
			ck_assert(out->entries[i].function != out->entries[k].function ||
				  out->entries[i].index != out->entries[k].index);
	ck_assert(!rd_cpuid_has_leaf(out, 0x20));
	ck_assert(!rd_cpuid_has_leaf(out, 0xc0000000));
}
END_TEST

/* As Linux takes the frequencies from the leaves, in 32 bits. */
START_TEST(frequencies)
{
	static const struct {
		uint32_t tsc, lapic, parts_per_million, mhz;
	} t[] = {
		{ 2600000, 1000000, 0, 2600 },	 { 3000000, 1000000, 0, 3000 },
		{ 2994374, 1000000, 1, 2994 },	 { 2445406, 1000000, 1, 2445 },
		{ 1000000, 1000000, 0, 1000 },	 { 999999, 1000000, 2, 1000 },
		{ 3000300, 1000000, 120, 3000 }, { 4250017, 1000000, 5, 4250 },
		{ 4294967, 1000000, 1, 4295 },	 { 2600000, 25000, 0, 2600 },
		{ 2794711, 1000000, 1, 2795 },	 { 1, 1000000, 0, 0 },
	};
	const struct kvm_cpuid_entry2 *e;
	uint64_t khz, off;

	amd_host();
	config.tsc_khz = t[_i].tsc;
	config.lapic_khz = t[_i].lapic;
	run();
	e = get(0x15, 0);
	ck_assert_uint_eq(e->ecx, t[_i].lapic * 1000);
	ck_assert_uint_eq(e->edx, 0);
	khz = (uint64_t)(e->ecx / 1000) * e->ebx;
	ck_assert_uint_le(khz, UINT32_MAX);
	khz /= e->eax;
	off = khz > t[_i].tsc ? khz - t[_i].tsc : t[_i].tsc - khz;
	ck_assert_uint_le(off * 1000000, (uint64_t)t[_i].parts_per_million * t[_i].tsc);
	want(0x16, 0, t[_i].mhz, t[_i].mhz, 100, 0);
}
END_TEST

START_TEST(frequencies_that_cannot_be_told)
{
	static const struct {
		uint32_t tsc, lapic;
	} t[] = { { 0, 1000000 }, { 2600000, 0 }, { 2600000, 4294968 } };

	amd_host();
	config.tsc_khz = t[_i].tsc;
	config.lapic_khz = t[_i].lapic;
	run();
	ck_assert(!rd_cpuid_has_leaf(out, 0x15));
	ck_assert(!rd_cpuid_has_leaf(out, 0x16));
}
END_TEST

START_TEST(enclaves_are_told)
{
	amd_host();
	run();
	want(7, 0, 1, 0x219c97a9 | 1u << 2, 0x0040069c | 1u << 30,
	     0x20000010 | 1u << 26 | 1u << 27 | 1u << 31);
	want(0x12, 0, 0x803, 1, 0, 36u << 8 | 31);
	/* Component 62 is not Intel's; 2 of 8, and 32, are the guest's. */
	want(0x12, 1, 0x4b6, 0, 0x7, 1);
	want(0x12, 2, 0x40000001, 0x123, 0x80000001, 2);
	want(0x12, 3, 0, 0, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(get(0x12, i)->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
}
END_TEST

START_TEST(wide_values_of_enclaves)
{
	struct rd_vm_sgx_info wide = {
		.base = 0xffffffffff000,
		.size = 0xfffff00001000,
		.size_bits = 0x1ff,
		.attributes = 0x8000000180000001,
		.sgx_leaves = ALL,
		.miscselect = ALL,
		.xfrm = UINT64_MAX,
	};

	amd_host();
	rd_cpuid_drop(&in.c, 0x0d, 0x0d);
	rd_cpuid_drop(&in.c, 7, 7);
	config.sgx = &wide;
	run();
	want(0x12, 0, ALL, ALL, 0, 0xff1f);
	want(0x12, 1, 0x80000001, 0x80000001, 3, 0);
	want(0x12, 2, 0xfffff001, 0xfffff, 0x00001001, 0xfffff);
	ck_assert_uint_eq(get(7, 0)->ebx, 1u << 2);
	ck_assert_uint_eq(get(7, 0)->ecx, 1u << 30);
}
END_TEST

/* On an Intel host a VM with enclaves differs from one without in nothing but them. */
START_TEST(an_intel_host_stays_itself)
{
	uint32_t sgx = 0;

	intel_host(_i ? 0x1f : 0xd);
	config.sgx = NULL;
	rd_cpuid_for_vcpu(&in.c, &config, &plain.c);
	config.sgx = &enclaves;
	run();
	for (uint32_t i = 0; i < plain.c.nent; i++) {
		struct kvm_cpuid_entry2 e = plain.c.entries[i];

		if (e.function == 0)
			e.eax = _i ? 0x1f : 0x12;
		if (e.function == 7 && e.index == 0) {
			e.ebx |= 1u << 2;
			e.ecx |= 1u << 30;
		}
		ck_assert_mem_eq(get(e.function, e.index), &e, sizeof(e));
	}
	for (uint32_t i = 0; i < out->nent; i++)
		sgx += out->entries[i].function == 0x12;
	ck_assert_uint_eq(sgx, 4);
	ck_assert_uint_eq(out->nent, plain.c.nent + 4);
}
END_TEST

START_TEST(without_enclaves_the_host_shows)
{
	amd_host();
	config.sgx = NULL;
	run();
	want(0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65);
	want(0x80000021, 0, 0x45, 0, 0, 0);
	ck_assert_uint_eq(get(0x8000001e, 0)->eax, 2);
	ck_assert_uint_eq(get(7, 0)->ebx & 1u << 2, 0);
	ck_assert(!rd_cpuid_has_leaf(out, 0x12));
	ck_assert(!rd_cpuid_has_leaf(out, 4));
	ck_assert(!rd_cpuid_has_leaf(out, 0x1f));
}
END_TEST

START_TEST(address_bits)
{
	amd_host();
	ck_assert_uint_eq(rd_cpuid_address_bits(&in.c), 0x30);
	rd_cpuid_drop(&in.c, 0x80000008, 0x80000008);
	ck_assert_uint_eq(rd_cpuid_address_bits(&in.c), 36);
}
END_TEST

TCase *cpuid_intel_case(void)
{
	TCase *tc = tcase_create("cpuid_intel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, it_is_an_intel_cpu, 0, 6);
	tcase_add_test(tc, common_features_stay);
	tcase_add_test(tc, extended_features_are_those_of_intel);
	tcase_add_test(tc, nothing_is_invented);
	tcase_add_loop_test(tc, speculation_control_moves, 0, 7);
	tcase_add_test(tc, caches_move);
	tcase_add_loop_test(tc, caches_that_are_not_told, 0, 2);
	tcase_add_test(tc, caches_in_leaf_4_stay);
	tcase_add_loop_test(tc, topology_is_there, 0, 2);
	tcase_add_test(tc, no_leaf_is_there_twice);
	tcase_add_loop_test(tc, frequencies, 0, 12);
	tcase_add_loop_test(tc, frequencies_that_cannot_be_told, 0, 3);
	tcase_add_test(tc, enclaves_are_told);
	tcase_add_test(tc, wide_values_of_enclaves);
	tcase_add_loop_test(tc, an_intel_host_stays_itself, 0, 2);
	tcase_add_test(tc, without_enclaves_the_host_shows);
	tcase_add_test(tc, address_bits);
	return tc;
}
