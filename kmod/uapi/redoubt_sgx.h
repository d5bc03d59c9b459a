/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Enclaves for guests, on the descriptors of the KVM API (kmod/uapi/redoubt.h has the rules). What
 * a VMM has to do besides: tell the guest by CPUID (7.EBX[2], 7.ECX[30], leaf 0x12), and set
 * IA32_FEAT_CTL.
 */
#ifndef RD_KMOD_UAPI_REDOUBT_SGX_H
#define RD_KMOD_UAPI_REDOUBT_SGX_H

#include "kmod/uapi/redoubt.h"

/*
 * VM descriptor, once, before its first vCPU: an EPC, guest-physical, in whole pages, where no
 * memory slot is. Its pages are the host kernel's, charged to the VM's owner as they are used.
 * -EINVAL: bad range, or a reserved field is not 0; -EEXIST: there is one, or a slot is there;
 * -EBUSY: there are vCPUs; -EOPNOTSUPP: the host has no AES-GCM or CMAC (modules gcm, cmac);
 * -ENOMEM.
 */
struct rd_vm_epc {
	__u64 base, size;
	__u64 reserved[2];
};
#define RD_VM_SET_EPC _IOW(RD_IOC_TYPE, 0x60, struct rd_vm_epc)

/* VM descriptor: what a guest of a VM with an EPC may be told by CPUID leaf 0x12, and how much is
 * in use. */
struct rd_vm_sgx_info {
	__u64 base, size; /* 0: the VM has no EPC */
	__u64 used_pages;
	__u64 attributes, xfrm; /* that enclaves may have */
	__u32 miscselect;
	__u32 size_bits; /* log2 of the largest enclave */
	__u32 sgx_leaves; /* CPUID 0x12.0 EAX: SGX1, SGX2, EDECCSSA */
	__u32 reserved;
};
#define RD_VM_GET_SGX_INFO _IOR(RD_IOC_TYPE, 0x61, struct rd_vm_sgx_info)

/*
 * VM descriptor: all pages free, all enclaves gone, as after a reset of the machine. -ENOENT: no
 * EPC; -EBUSY: a vCPU is in KVM_RUN.
 */
#define RD_VM_RESET_EPC _IO(RD_IOC_TYPE, 0x62)

#endif
