// SPDX-License-Identifier: GPL-2.0-only
/* Entries of a CPUID table, by search: a table has some dozens and is made once per vCPU. */
#include "tools/src/vmctl/cpuid_table.h"

#include <string.h>

struct kvm_cpuid_entry2 *rd_cpuid_entry(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == function &&
		    (!(c->entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		     c->entries[i].index == index))
			return &c->entries[i];
	return NULL;
}

bool rd_cpuid_has_leaf(const struct kvm_cpuid2 *c, uint32_t function)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == function)
			return true;
	return false;
}

struct kvm_cpuid_entry2 *rd_cpuid_append(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *e = &c->entries[c->nent++];

	memset(e, 0, sizeof(*e));
	e->function = function;
	e->index = index;
	return e;
}

struct kvm_cpuid_entry2 *rd_cpuid_append_indexed(struct kvm_cpuid2 *c, uint32_t function,
						 uint32_t index)
{
	struct kvm_cpuid_entry2 *e = rd_cpuid_append(c, function, index);

	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	return e;
}

void rd_cpuid_drop(struct kvm_cpuid2 *c, uint32_t first, uint32_t last)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->nent; i++) {
		uint32_t function = c->entries[i].function;

		if (function < first || function > last)
			c->entries[kept++] = c->entries[i];
	}
	c->nent = kept;
}

bool rd_cpuid_vendor_is(const struct kvm_cpuid2 *c, const char vendor[12])
{
	for (uint32_t i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 0)
			return !memcmp(&e->ebx, vendor, 4) && !memcmp(&e->edx, vendor + 4, 4) &&
			       !memcmp(&e->ecx, vendor + 8, 4);
	}
	return false;
}
