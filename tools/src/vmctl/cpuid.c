// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leaves that differ between vCPUs or depend on their number, one function per leaf in a
 * table. Everything else passes through as the hypervisor supports it; for a VM with enclaves, as
 * cpuid_intel.c makes it.
 */
#include "tools/src/vmctl/cpuid.h"

#include "tools/src/vmctl/cpuid_intel.h"
#include "tools/src/vmctl/cpuid_table.h"
#include "tools/src/vmctl/util.h"

#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_FREQUENCY 0x40000010u

#define PV_FEATURE_EXT_DEST_ID (1u << 15)
#define FEATURE_ECX_TSC_DEADLINE (1u << 24)
#define FEATURE_ECX_HYPERVISOR (1u << 31)
#define FEATURE_EDX_HTT (1u << 28)
#define EXT_FEATURE_ECX_CMP_LEGACY (1u << 1)

#define LEVEL_SMT (1u << 8)
#define LEVEL_CORE (2u << 8)

struct vcpu {
	const struct rd_cpuid_config *config;
	bool amd;
};

uint32_t rd_cpuid_id_bits(uint32_t n)
{
	uint32_t bits = 0;

	while (n > 1u << bits)
		bits++;
	return bits;
}

static uint32_t at_most(uint32_t v, uint32_t max)
{
	return v < max ? v : max;
}

/* Ids that the package can hold: the CPU count rounded up to a power of two. */
static uint32_t id_space(const struct vcpu *v)
{
	return 1u << rd_cpuid_id_bits(v->config->n_cpus);
}

static void fix_features(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	uint32_t count = v->amd ? v->config->n_cpus : id_space(v);

	e->ebx = (e->ebx & 0xffff) | at_most(count, 255) << 16 | v->config->apic_id << 24;
	e->ecx |= FEATURE_ECX_HYPERVISOR;
	e->ecx &= ~FEATURE_ECX_TSC_DEADLINE;
	if (v->config->tsc_deadline)
		e->ecx |= FEATURE_ECX_TSC_DEADLINE;
	e->edx &= ~FEATURE_EDX_HTT;
	if (v->config->n_cpus > 1)
		e->edx |= FEATURE_EDX_HTT;
}

/* The last-level cache is everybody's, the others belong to one core. */
static uint32_t cache_sharing(const struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	uint32_t level = e->eax >> 5 & 7;
	uint32_t sharing = level >= 3 ? at_most(id_space(v), 4096) - 1 : 0;

	return (e->eax & ~(0xfffu << 14)) | sharing << 14;
}

static void fix_intel_cache(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	if (!(e->eax & 0x1f))
		return;
	e->eax = (cache_sharing(e, v) & 0x03ffffff) | (at_most(id_space(v), 64) - 1) << 26;
}

static void fix_amd_cache(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	if (e->eax & 0x1f)
		e->eax = cache_sharing(e, v);
}

static void fix_ext_features(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	e->ecx &= ~EXT_FEATURE_ECX_CMP_LEGACY;
	if (v->amd && v->config->n_cpus > 1)
		e->ecx |= EXT_FEATURE_ECX_CMP_LEGACY;
}

static void fix_amd_sizes(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	e->ecx = 0;
	if (v->amd)
		e->ecx = at_most(v->config->n_cpus - 1, 255) |
			 at_most(rd_cpuid_id_bits(v->config->n_cpus), 15) << 12;
}

static void fix_amd_ids(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	e->eax = v->config->apic_id;
	e->ebx = at_most(v->config->apic_id, 255);	/* core id; one thread per core */
	e->ecx = 0;					/* node 0, one node */
	e->edx = 0;
}

static void fix_hypervisor(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	if (v->config->tsc_khz && e->eax < LEAF_FREQUENCY)
		e->eax = LEAF_FREQUENCY;
}

static void fix_pv_features(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	if (v->config->ext_dest_id)
		e->eax |= PV_FEATURE_EXT_DEST_ID;
}

static const struct {
	uint32_t function;
	void (*fix)(struct kvm_cpuid_entry2 *e, const struct vcpu *v);
} fixes[] = {
	{ 0x00000001, fix_features },
	{ 0x00000004, fix_intel_cache },
	{ LEAF_HYPERVISOR, fix_hypervisor },
	{ 0x40000001, fix_pv_features },
	{ 0x80000001, fix_ext_features },
	{ 0x80000008, fix_amd_sizes },
	{ 0x8000001d, fix_amd_cache },
	{ 0x8000001e, fix_amd_ids },
};

/* Extended topology: level 0 is the thread, level 1 the core, then the end of the list. */
static void add_topology(struct kvm_cpuid2 *c, uint32_t function, const struct vcpu *v)
{
	for (uint32_t level = 0; level < 3; level++) {
		struct kvm_cpuid_entry2 *e = rd_cpuid_append_indexed(c, function, level);

		e->ecx = level;
		e->edx = v->config->apic_id;
		if (level == 0) {
			e->ebx = 1;
			e->ecx |= LEVEL_SMT;
		} else if (level == 1) {
			e->eax = rd_cpuid_id_bits(v->config->n_cpus);
			e->ebx = at_most(v->config->n_cpus, 0xffff);
			e->ecx |= LEVEL_CORE;
		}
	}
}

static bool is_topology(uint32_t function)
{
	return function == 0x0b || function == 0x1f;
}

/* By the middle letters: AuthenticAMD, HygonGenuine. */
static bool is_amd(const struct kvm_cpuid2 *c)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == 0)
			return c->entries[i].edx == 0x69746e65 || c->entries[i].edx == 0x6e65476e;
	return false;
}

uint32_t rd_cpuid_address_bits(const struct kvm_cpuid2 *c)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == 0x80000008)
			return c->entries[i].eax & 0xff;
	return 36;
}

static void fix_entry(struct kvm_cpuid_entry2 *e, const struct vcpu *v)
{
	for (size_t i = 0; i < RD_ARRAY_SIZE(fixes); i++)
		if (fixes[i].function == e->function)
			fixes[i].fix(e, v);
}

/* What does not depend on the vCPU, and is not added below. */
static void copy(struct kvm_cpuid2 *out, const struct kvm_cpuid2 *supported)
{
	out->nent = 0;
	out->padding = 0;
	for (uint32_t i = 0; i < supported->nent; i++)
		if (!is_topology(supported->entries[i].function) &&
		    supported->entries[i].function != LEAF_FREQUENCY)
			out->entries[out->nent++] = supported->entries[i];
}

void rd_cpuid_for_vcpu(const struct kvm_cpuid2 *supported, const struct rd_cpuid_config *config,
		       struct kvm_cpuid2 *out)
{
	struct vcpu v = { .config = config };
	struct kvm_cpuid_entry2 *e;
	bool other_cpu = false;

	copy(out, supported);
	if (config->sgx) {
		other_cpu = rd_cpuid_intel(out, config->tsc_khz, config->lapic_khz);
		rd_cpuid_sgx(out, config->sgx);
	}
	v.amd = is_amd(out);
	for (uint32_t i = 0; i < out->nent; i++)
		fix_entry(&out->entries[i], &v);
	if (other_cpu || rd_cpuid_has_leaf(supported, 0x0b))
		add_topology(out, 0x0b, &v);
	if (other_cpu || rd_cpuid_has_leaf(supported, 0x1f))
		add_topology(out, 0x1f, &v);
	if (config->tsc_khz && rd_cpuid_has_leaf(supported, LEAF_HYPERVISOR)) {
		e = rd_cpuid_append(out, LEAF_FREQUENCY, 0);
		e->eax = config->tsc_khz;
		e->ebx = config->lapic_khz;
	}
}
