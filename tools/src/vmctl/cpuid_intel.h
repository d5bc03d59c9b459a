/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID for enclaves. Software that uses them looks for an Intel CPU first, so a VM that has them
 * is shown one on every host; what instructions there are stays the host's.
 */
#ifndef RD_TOOLS_CPUID_INTEL_H
#define RD_TOOLS_CPUID_INTEL_H

#include "kmod/uapi/redoubt_sgx.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * rd_cpuid_intel - make C, what the hypervisor supports on a CPU of any vendor, the table of an
 * Intel CPU. The TSC runs at TSC_KHZ (0: not known), the timer of the local APIC at CRYSTAL_KHZ.
 * Topology is for the caller to fill in: true says that it must, leaves 0xb and 0x1f; false that C
 * is an Intel CPU's, and unchanged. C has room for RD_CPUID_EXTRA entries (cpuid.h).
 */
bool rd_cpuid_intel(struct kvm_cpuid2 *c, uint32_t tsc_khz, uint32_t crystal_khz);

/*
 * rd_cpuid_sgx - add to C what a guest is told of its enclaves by INFO: the feature bits, leaf
 * 0x12.
 */
void rd_cpuid_sgx(struct kvm_cpuid2 *c, const struct rd_vm_sgx_info *info);

#endif
