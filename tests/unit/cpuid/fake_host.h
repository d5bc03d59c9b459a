/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Made-up host CPUs for the CPUID tests. Invariant: rd_fake_cpuid() answers from the table that was
 * chosen last, out-of-range leaves of an Intel host with the highest basic leaf, absent ones of an
 * AMD host with zeros, as the real ones do.
 */
#ifndef RD_TESTS_UNIT_CPUID_FAKE_HOST_H
#define RD_TESTS_UNIT_CPUID_FAKE_HOST_H

#include "vmm/cpuid.h"

enum fake_vendor { FAKE_AMD, FAKE_INTEL };

/* A host with every feature bit set, AVX-512 and PKRU state included. */
void rd_fake_host(struct rd_cpuid_host *h, enum fake_vendor vendor);
/* Override one leaf of the host chosen last. */
void rd_fake_set(u32 function, u32 index, u32 eax, u32 ebx, u32 ecx, u32 edx);
void rd_fake_cpuid(u32 function, u32 index, u32 r[4]);

#endif
