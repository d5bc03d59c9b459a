// SPDX-License-Identifier: GPL-2.0-only
/* Comparison of CPUID tables, leaf by leaf of those that hold feature bits. */
#include "tools/src/vmctl/cpuid_fit.h"

#include "tools/src/vmctl/util.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum reg { EAX, EBX, ECX, EDX };

static const char *const reg_names[] = { "EAX", "EBX", "ECX", "EDX" };

/*
 * Words of feature bits. `ignore` are bits that vmctl sets by itself, or that show the state of
 * the guest: OSXSAVE, the hypervisor bit, TSC deadline, HTT, CMP_LEGACY, OSPKE.
 */
static const struct {
	uint32_t leaf, index;
	enum reg reg;
	uint32_t ignore;
} words[] = {
	{ 0x00000001, 0, ECX, 1u << 24 | 1u << 27 | 1u << 31 },
	{ 0x00000001, 0, EDX, 1u << 28 },
	{ 0x00000007, 0, EBX, 0 },
	{ 0x00000007, 0, ECX, 1u << 4 },
	{ 0x00000007, 0, EDX, 0 },
	{ 0x00000007, 1, EAX, 0 },
	{ 0x0000000d, 0, EAX, 0 },
	{ 0x0000000d, 1, EAX, 0 },
	{ 0x40000001, 0, EAX, 1u << 15 },
	{ 0x80000001, 0, ECX, 1u << 1 },
	{ 0x80000001, 0, EDX, 0 },
	{ 0x80000007, 0, EDX, 0 },
	{ 0x80000008, 0, EBX, 0 },
};

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *c, uint32_t leaf,
					   uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == leaf &&
		    (!(c->entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		     c->entries[i].index == index))
			return &c->entries[i];
	return NULL;
}

static uint32_t word(const struct kvm_cpuid2 *c, uint32_t leaf, uint32_t index, enum reg reg)
{
	const struct kvm_cpuid_entry2 *e = find(c, leaf, index);

	if (!e)
		return 0;
	switch (reg) {
	case EAX:
		return e->eax;
	case EBX:
		return e->ebx;
	case ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

/* Vendor of the CPU (leaf 0) and of the hypervisor (leaf 0x40000000). */
static bool same_vendor(const struct kvm_cpuid2 *a, const struct kvm_cpuid2 *b, uint32_t leaf)
{
	return word(a, leaf, 0, EBX) == word(b, leaf, 0, EBX) &&
	       word(a, leaf, 0, ECX) == word(b, leaf, 0, ECX) &&
	       word(a, leaf, 0, EDX) == word(b, leaf, 0, EDX);
}

bool rd_cpuid_fits(const struct kvm_cpuid2 *guest, const struct kvm_cpuid2 *supported, char *text,
		   size_t len)
{
	if (!same_vendor(guest, supported, 0)) {
		snprintf(text, len, "a CPU of another vendor");
		return false;
	}
	if (find(guest, 0x40000000, 0) && !same_vendor(guest, supported, 0x40000000)) {
		snprintf(text, len, "a hypervisor with another interface");
		return false;
	}
	for (size_t i = 0; i < RD_ARRAY_SIZE(words); i++) {
		uint32_t missing = word(guest, words[i].leaf, words[i].index, words[i].reg) &
				   ~word(supported, words[i].leaf, words[i].index, words[i].reg) &
				   ~words[i].ignore;

		if (!missing)
			continue;
		snprintf(text, len, "CPUID 0x%x.%u %s bits 0x%x are missing", words[i].leaf,
			 words[i].index, reg_names[words[i].reg], missing);
		return false;
	}
	return true;
}
