/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID of one vCPU: what the hypervisor supports, with the topology leaves made to tell of one
 * package with n single-threaded cores, and of an Intel CPU if the VM has enclaves. Pure functions
 * on a table of entries.
 */
#ifndef RD_TOOLS_CPUID_H
#define RD_TOOLS_CPUID_H

#include "kmod/uapi/redoubt_sgx.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/* Entries that rd_cpuid_for_vcpu() may add. */
#define RD_CPUID_EXTRA 24u

struct rd_cpuid_config {
	uint32_t apic_id;
	uint32_t n_cpus;
	uint32_t tsc_khz;	/* 0: not known, the frequency leaf is left out */
	uint32_t lapic_khz;
	bool ext_dest_id;	/* interrupt messages carry 15-bit APIC ids */
	bool tsc_deadline;	/* the local APIC timer has TSC-deadline mode */
	const struct rd_vm_sgx_info *sgx;	/* the VM's enclaves, NULL: it has none */
};

/*
 * rd_cpuid_for_vcpu - turn SUPPORTED into the table of one vCPU in OUT, which has room for
 * RD_CPUID_EXTRA more entries than SUPPORTED holds.
 */
void rd_cpuid_for_vcpu(const struct kvm_cpuid2 *supported, const struct rd_cpuid_config *config,
		       struct kvm_cpuid2 *out);

/* rd_cpuid_address_bits - of guest-physical addresses, by a table. */
uint32_t rd_cpuid_address_bits(const struct kvm_cpuid2 *c);

/* rd_cpuid_id_bits - bits needed to number N CPUs. */
uint32_t rd_cpuid_id_bits(uint32_t n);

#endif
