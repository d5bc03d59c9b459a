/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries of a CPUID table. Invariant of all that change one: nent is the number of entries, and
 * those that stay keep their order.
 */
#ifndef RD_TOOLS_CPUID_TABLE_H
#define RD_TOOLS_CPUID_TABLE_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/* rd_cpuid_entry - the entry of a leaf, NULL when there is none. */
struct kvm_cpuid_entry2 *rd_cpuid_entry(struct kvm_cpuid2 *c, uint32_t function, uint32_t index);

/* rd_cpuid_has_leaf - there is an entry of the leaf, whatever its index. */
bool rd_cpuid_has_leaf(const struct kvm_cpuid2 *c, uint32_t function);

/* rd_cpuid_append - an entry of zeros at the end; the caller knows that there is room. */
struct kvm_cpuid_entry2 *rd_cpuid_append(struct kvm_cpuid2 *c, uint32_t function, uint32_t index);

/* rd_cpuid_append_indexed - the same of a leaf with subleaves. */
struct kvm_cpuid_entry2 *rd_cpuid_append_indexed(struct kvm_cpuid2 *c, uint32_t function,
						 uint32_t index);

/* rd_cpuid_drop - take all entries of the leaves FIRST to LAST away. */
void rd_cpuid_drop(struct kvm_cpuid2 *c, uint32_t first, uint32_t last);

/* rd_cpuid_vendor_is - the twelve letters of leaf 0. */
bool rd_cpuid_vendor_is(const struct kvm_cpuid2 *c, const char vendor[12]);

#endif
