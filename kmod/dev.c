// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system descriptor, /dev/redoubt: what can be asked without a VM, and making one.
 * Invariant: it has no state; every open file of it is the same. 32-bit programs get -ENOTTY for
 * every call: structures of the KVM API that hold pointers differ for them, and no client needs it.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "kmod/uapi/redoubt.h"
#include "vmm/cpuid.h"
#include "vmm/msr.h"
#include "vmm/vm.h"

#define RD_MAX_CPUID 256
#define RD_MAX_MSR_LIST 1024
#define RD_MAX_MSR_IO 256

static long rd_get_api_version(struct rd_call *c, void *data)
{
	return KVM_API_VERSION;
}

static long rd_get_version(struct rd_call *c, void *data)
{
	return RD_UAPI_VERSION;
}

static long rd_create_vm(struct rd_call *c, void *data)
{
	/* arg is the machine type; there is one. */
	if (c->arg)
		return -EINVAL;
	return rd_vm_fd_create();
}

static long rd_check_extension(struct rd_call *c, void *data)
{
	return rd_cap_value(NULL, c->arg);
}

static long rd_get_mmap_size(struct rd_call *c, void *data)
{
	return 3 * PAGE_SIZE;
}

/* KVM_GET_SUPPORTED_CPUID and KVM_GET_EMULATED_CPUID: -E2BIG unless the caller has room for all. */
static long rd_get_cpuid(struct rd_call *c,
			 int (*fill)(struct kvm_cpuid_entry2 *e, u32 *nr, u32 max))
{
	struct kvm_cpuid2 __user *user = c->user;
	struct kvm_cpuid_entry2 *e;
	u32 room, nr = 0;
	long r;

	if (get_user(room, &user->nent))
		return -EFAULT;
	room = min_t(u32, room, RD_MAX_CPUID);
	e = kvcalloc(max_t(u32, room, 1), sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	r = fill(e, &nr, room);
	if (!r && (copy_to_user(user->entries, e, nr * sizeof(*e)) || put_user(nr, &user->nent)))
		r = -EFAULT;
	kvfree(e);
	return r;
}

static long rd_get_supported_cpuid(struct rd_call *c, void *data)
{
	return rd_get_cpuid(c, rd_cpuid_supported);
}

static long rd_get_emulated_cpuid(struct rd_call *c, void *data)
{
	return rd_get_cpuid(c, rd_cpuid_emulated);
}

/* Lists of MSRs: the number is written even when there is no room for the list itself (-E2BIG). */
static long rd_get_msr_list(struct rd_call *c, u32 (*fill)(u32 *out, u32 max))
{
	struct kvm_msr_list __user *user = c->user;
	u32 room, nr, *list;
	long r = 0;

	if (get_user(room, &user->nmsrs))
		return -EFAULT;
	list = kvcalloc(RD_MAX_MSR_LIST, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	nr = fill(list, RD_MAX_MSR_LIST);
	if (put_user(nr, &user->nmsrs))
		r = -EFAULT;
	else if (room < nr)
		r = -E2BIG;
	else if (copy_to_user(user->indices, list, nr * sizeof(*list)))
		r = -EFAULT;
	kvfree(list);
	return r;
}

static long rd_get_msr_index_list(struct rd_call *c, void *data)
{
	return rd_get_msr_list(c, rd_msr_index_list);
}

static long rd_get_msr_feature_list(struct rd_call *c, void *data)
{
	return rd_get_msr_list(c, rd_msr_feature_list);
}

/* Feature MSRs. Returns how many could be read before the first that could not. */
static long rd_get_feature_msrs(struct rd_call *c, void *data)
{
	struct kvm_msrs __user *user = c->user;
	struct kvm_msr_entry *e;
	u32 nr, i;
	long r;

	if (get_user(nr, &user->nmsrs))
		return -EFAULT;
	e = rd_copy_array(user->entries, nr, RD_MAX_MSR_IO - 1, sizeof(*e));
	if (IS_ERR_OR_NULL(e))
		return PTR_ERR(e);
	for (i = 0; i < nr; i++) {
		u64 val;

		if (rd_msr_feature_read(e[i].index, &val))
			break;
		e[i].data = val;
	}
	r = i;
	if (copy_to_user(user->entries, e, nr * sizeof(*e)))
		r = -EFAULT;
	kvfree(e);
	return r;
}

static long rd_get_mce_cap(struct rd_call *c, void *data)
{
	*(u64 *)data = rd_mce_cap_supported();
	return 0;
}

static long rd_dev_has_attr(struct rd_call *c, void *data)
{
	const struct kvm_device_attr *a = data;

	return a->group || a->attr != KVM_X86_XCOMP_GUEST_SUPP ? -ENXIO : 0;
}

static long rd_dev_get_attr(struct rd_call *c, void *data)
{
	const struct kvm_device_attr *a = data;
	long r = rd_dev_has_attr(c, data);

	if (r)
		return r;
	return put_user(rd_host_xstate()->supported, (u64 __user *)(unsigned long)a->addr);
}

static struct rd_ioctl_row rows[] = {
	{ KVM_GET_API_VERSION, RD_IOC_ZERO_ARG, rd_get_api_version },
	{ KVM_CREATE_VM, 0, rd_create_vm },
	{ KVM_CHECK_EXTENSION, 0, rd_check_extension },
	{ KVM_GET_VCPU_MMAP_SIZE, RD_IOC_ZERO_ARG, rd_get_mmap_size },
	{ KVM_GET_SUPPORTED_CPUID, RD_IOC_SELF, rd_get_supported_cpuid },
	{ KVM_GET_EMULATED_CPUID, RD_IOC_SELF, rd_get_emulated_cpuid },
	{ KVM_GET_MSR_INDEX_LIST, RD_IOC_SELF, rd_get_msr_index_list },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, RD_IOC_SELF, rd_get_msr_feature_list },
	{ KVM_GET_MSRS, RD_IOC_SELF, rd_get_feature_msrs },
	{ KVM_X86_GET_MCE_CAP_SUPPORTED, 0, rd_get_mce_cap },
	{ KVM_HAS_DEVICE_ATTR, 0, rd_dev_has_attr },
	{ KVM_GET_DEVICE_ATTR, 0, rd_dev_get_attr },
	{ RD_GET_VERSION, RD_IOC_ZERO_ARG, rd_get_version },
};

struct rd_ioctl_table rd_dev_ioctls = { .rows = rows, .nr = ARRAY_SIZE(rows), .unknown = -EINVAL };

static long rd_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct rd_ioctl_row *row = rd_ioctl_find(&rd_dev_ioctls, cmd);
	struct rd_call c = { .vm = NULL };

	return row ? rd_ioctl_call(row, &c, arg) : rd_dev_ioctls.unknown;
}

const struct file_operations rd_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = rd_dev_ioctl,
	.llseek = noop_llseek,
};
