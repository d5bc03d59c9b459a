// SPDX-License-Identifier: GPL-2.0-only
/* Opening of the device node and the few calls that belong to no VM. */
#include "tools/src/vmctl/kvm.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CPUID_ENTRIES_FIRST 80u
#define CPUID_ENTRIES_MAX 4096u

#define NEED(cap, what) { KVM_CAP_##cap, "KVM_CAP_" #cap, what }

const struct rd_kvm_need rd_kvm_required[] = {
	NEED(USER_MEMORY, "guest memory"),
	NEED(IRQCHIP, "interrupt controllers in the kernel"),
	NEED(SET_TSS_ADDR, "the VM's private pages"),
	NEED(EXT_CPUID, "CPUID"),
	NEED(IMMEDIATE_EXIT, "ending a vCPU without a race"),
	{ 0, NULL, NULL },
};

/* Whether REDOUBT_WITHOUT names a capability that vmctl can do without: for its tests. */
static bool taken_away(int cap)
{
	const char *without = getenv("REDOUBT_WITHOUT");

	if (!without)
		return false;
	return (cap == KVM_CAP_IRQFD && strstr(without, "irqfd")) ||
	       (cap == KVM_CAP_IOEVENTFD && strstr(without, "ioeventfd"));
}

int rd_kvm_cap(int fd, int cap)
{
	int ret = taken_away(cap) ? 0 : ioctl(fd, KVM_CHECK_EXTENSION, cap);

	return ret < 0 ? 0 : ret;
}

int rd_kvm_fail(const char *ioctl_name)
{
	return rd_fail(RD_HOST_ERROR, "%s: %s", ioctl_name, strerror(errno));
}

static int check_api(struct rd_kvm *kvm)
{
	int version = ioctl(kvm->fd, KVM_GET_API_VERSION, 0);
	int run_size;

	if (version < 0)
		return rd_fail(RD_HOST_ERROR, "%s does not speak the KVM API: %s", kvm->node,
			       strerror(errno));
	if (version != KVM_API_VERSION)
		return rd_fail(RD_HOST_ERROR, "%s: KVM API version %d, %d is needed", kvm->node,
			       version, KVM_API_VERSION);
	for (const struct rd_kvm_need *n = rd_kvm_required; n->name; n++)
		if (!rd_kvm_cap(kvm->fd, n->cap))
			return rd_fail(RD_HOST_ERROR, "%s lacks %s (%s)", kvm->node, n->name,
				       n->what_for);
	run_size = ioctl(kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < (int)sizeof(struct kvm_run))
		return rd_fail(RD_HOST_ERROR, "%s: unusable vCPU mapping size %d", kvm->node,
			       run_size);
	kvm->run_size = (size_t)run_size;
	return RD_OK;
}

int rd_kvm_open(struct rd_kvm *kvm, const char *node)
{
	int status;

	kvm->node = node;
	kvm->fd = open(node, O_RDWR | O_CLOEXEC);
	if (kvm->fd < 0)
		return rd_fail(RD_HOST_ERROR, "cannot open %s: %s (see vmctl check)", node,
			       strerror(errno));
	status = check_api(kvm);
	if (status)
		rd_kvm_close(kvm);
	return status;
}

void rd_kvm_close(struct rd_kvm *kvm)
{
	if (kvm->fd >= 0)
		close(kvm->fd);
	kvm->fd = -1;
}

struct kvm_cpuid2 *rd_kvm_supported_cpuid(const struct rd_kvm *kvm, uint32_t extra)
{
	for (uint32_t n = CPUID_ENTRIES_FIRST; n <= CPUID_ENTRIES_MAX; n *= 2) {
		struct kvm_cpuid2 *c = calloc(1, sizeof(*c) +
					      (n + extra) * sizeof(c->entries[0]));

		if (!c) {
			rd_fail(RD_HOST_ERROR, "out of memory");
			return NULL;
		}
		c->nent = n;
		if (!ioctl(kvm->fd, KVM_GET_SUPPORTED_CPUID, c))
			return c;
		free(c);
		if (errno != E2BIG)
			break;
	}
	rd_kvm_fail("KVM_GET_SUPPORTED_CPUID");
	return NULL;
}
