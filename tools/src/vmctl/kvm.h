/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device node and the KVM ioctl API on it. What the boot needs is checked once, when the node
 * is opened; anything optional is asked for with rd_kvm_cap() where it is used.
 */
#ifndef RD_TOOLS_KVM_H
#define RD_TOOLS_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_DEFAULT_DEVICE "/dev/redoubt"

struct rd_kvm {
	const char *node;
	int fd;
	size_t run_size;	/* bytes to map of a vCPU descriptor */
};

/* A capability by number, with its name for messages. */
struct rd_kvm_need {
	int cap;
	const char *name;
	const char *what_for;
};

/* Capabilities without which no VM can be built, ended by a NULL name. */
extern const struct rd_kvm_need rd_kvm_required[];

/* rd_kvm_open - open NODE and check API version and required capabilities. Returns a status. */
int rd_kvm_open(struct rd_kvm *kvm, const char *node);
void rd_kvm_close(struct rd_kvm *kvm);

/* rd_kvm_cap - value of a capability on any of the descriptors, 0 when there is none. */
int rd_kvm_cap(int fd, int cap);

/* rd_kvm_supported_cpuid - the supported CPUID entries, room for EXTRA more; free() it. */
struct kvm_cpuid2 *rd_kvm_supported_cpuid(const struct rd_kvm *kvm, uint32_t extra);

/* rd_kvm_fail - report a failed ioctl with errno. Returns RD_HOST_ERROR. */
int rd_kvm_fail(const char *ioctl_name);

#endif
