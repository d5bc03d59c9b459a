/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a guest that has seen one CPUID can go on where another one is supported. */
#ifndef RD_TOOLS_CPUID_FIT_H
#define RD_TOOLS_CPUID_FIT_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * rd_cpuid_fits - every feature that the GUEST was shown is SUPPORTED, by a CPU of the same vendor
 * and a hypervisor of the same interface. On false TEXT says what is missing. Both are hostile in
 * nothing but their entries: nent is right.
 */
bool rd_cpuid_fits(const struct kvm_cpuid2 *guest, const struct kvm_cpuid2 *supported, char *text,
		   size_t len);

#endif
