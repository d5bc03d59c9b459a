/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module offers beyond the KVM API, on the same descriptors: numbers of a type of their
 * own, so that no future KVM call can collide with them. Invariant: a structure never changes its
 * layout; what changes gets a new number, and the version goes up.
 */
#ifndef RD_KMOD_UAPI_REDOUBT_H
#define RD_KMOD_UAPI_REDOUBT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RD_IOC_TYPE 0xd7

/*
 * System descriptor: the version of this interface, RD_UAPI_VERSION or above. The argument must be
 * 0.
 */
#define RD_UAPI_VERSION 1
#define RD_GET_VERSION _IO(RD_IOC_TYPE, 0x00)

/*
 * VM descriptor: a name for messages and statistics, printable ASCII, ended by a zero byte (-EINVAL
 * otherwise).
 */
struct rd_vm_name {
	char name[32];
};
#define RD_VM_SET_NAME _IOW(RD_IOC_TYPE, 0x40, struct rd_vm_name)

/* VM descriptor: is it alive, and why not. Answers for a dead VM too. */
struct rd_vm_status {
	__u64 id;         /* unique since the module was loaded */
	__u32 dead;       /* 0 or 1 */
	__u32 nr_vcpus;
	char name[32];
	char reason[80];  /* of its death, empty while it lives */
};
#define RD_VM_GET_STATUS _IOR(RD_IOC_TYPE, 0x41, struct rd_vm_status)

#endif
