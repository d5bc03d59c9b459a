// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR filter that user space sets: which of the guest's accesses are refused (and, if asked
 * for, sent to user space). Invariant: vm->msr_filter is replaced as a whole under vm->lock and
 * freed after all its readers have left (rd_vm_sync()).
 */
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vmm/msr.h"

#define BITMAP_MAX_BYTES 0x600

struct rd_msr_filter_range {
	u32 flags, base, nmsrs;
	unsigned long *bitmap;  /* set: allowed */
};

struct rd_msr_filter {
	bool default_allow;
	u32 nr;
	struct rd_msr_filter_range range[KVM_MSR_FILTER_MAX_RANGES];
};

bool rd_msr_filter_allows(struct rd_vcpu *v, u32 msr, bool write)
{
	const struct rd_msr_filter *f = rd_vm_table(v->vm->msr_filter);
	u32 flag = write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ, i;

	if (!f)
		return true;
	for (i = 0; i < f->nr; i++) {
		const struct rd_msr_filter_range *r = &f->range[i];

		if ((r->flags & flag) && msr - r->base < r->nmsrs)
			return test_bit(msr - r->base, r->bitmap);
	}
	return f->default_allow;
}

static void filter_free(struct rd_msr_filter *f)
{
	u32 i;

	if (!f)
		return;
	for (i = 0; i < f->nr; i++)
		kfree(f->range[i].bitmap);
	kfree(f);
}

static int filter_add(struct rd_msr_filter *f, const struct kvm_msr_filter_range *u)
{
	struct rd_msr_filter_range *r = &f->range[f->nr];
	size_t size = BITS_TO_LONGS((size_t)u->nmsrs) * sizeof(long);

	if (!u->nmsrs)
		return 0;
	if (u->flags & ~(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE))
		return -EINVAL;
	if (!u->flags || size > BITMAP_MAX_BYTES || u->base + u->nmsrs - 1 < u->base)
		return -EINVAL;
	r->bitmap = memdup_user((void __user *)u->bitmap, size);
	if (IS_ERR(r->bitmap))
		return PTR_ERR(r->bitmap);
	r->flags = u->flags;
	r->base = u->base;
	r->nmsrs = u->nmsrs;
	f->nr++;
	return 0;
}

static struct rd_msr_filter *filter_make(const struct kvm_msr_filter *u)
{
	struct rd_msr_filter *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	u32 i;
	int r;

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->default_allow = !(u->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	for (i = 0; i < ARRAY_SIZE(u->ranges); i++) {
		r = filter_add(f, &u->ranges[i]);
		if (r) {
			filter_free(f);
			return ERR_PTR(r);
		}
	}
	return f;
}

int rd_vm_set_msr_filter(struct rd_vm *vm, const struct kvm_msr_filter *u)
{
	struct rd_msr_filter *f, *old;
	bool empty = true;
	u32 i;

	if (u->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(u->ranges); i++)
		empty &= !u->ranges[i].nmsrs;
	if (empty && (u->flags & KVM_MSR_FILTER_DEFAULT_DENY))
		return -EINVAL; /* nothing would be left but the x2APIC */
	f = filter_make(u);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (empty) {
		/* Everything is allowed: no filter, and no cost. */
		filter_free(f);
		f = NULL;
	}
	mutex_lock(&vm->lock);
	old = rcu_replace_pointer(vm->msr_filter, f, lockdep_is_held(&vm->lock));
	rd_vm_sync(vm);
	mutex_unlock(&vm->lock);
	filter_free(old);
	rd_vm_request_all(vm, RD_REQ_MSR_FILTER, false);
	return 0;
}

void rd_vm_free_msr_filter(struct rd_vm *vm)
{
	filter_free(rcu_dereference_protected(vm->msr_filter, true));
	RCU_INIT_POINTER(vm->msr_filter, NULL);
}
