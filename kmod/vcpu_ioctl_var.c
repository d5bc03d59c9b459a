// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a vCPU whose argument has no fixed size: XSAVE areas, CPUID tables, lists of MSRs,
 * the signal mask, nested state.
 * Invariant: a count or size is read once and bounded before anything is allocated or copied by it.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "kmod/vcpu_ioctl.h"
#include "vmm/hw.h"
#include "vmm/msr.h"
#include "vmm/vm.h"

#define RD_MAX_CPUID 256
#define RD_MAX_MSR_IO 256
#define RD_XSAVE_SIZE 4096

static long rd_xsave_out(struct rd_call *c, u32 size)
{
	void *buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	long r;

	if (!buf)
		return -ENOMEM;
	r = rd_vcpu_get_xsave(c->v, buf, size);
	if (!r && copy_to_user(c->user, buf, size))
		r = -EFAULT;
	kvfree(buf);
	return r;
}

long rd_get_xsave(struct rd_call *c, void *data)
{
	/* The old call has no room for states that came later. */
	if (c->v->fpu.uabi_size > RD_XSAVE_SIZE)
		return -EINVAL;
	return rd_xsave_out(c, RD_XSAVE_SIZE);
}

long rd_get_xsave2(struct rd_call *c, void *data)
{
	return rd_xsave_out(c, max_t(u32, c->v->fpu.uabi_size, RD_XSAVE_SIZE));
}

long rd_set_xsave(struct rd_call *c, void *data)
{
	u32 size = max_t(u32, c->v->fpu.uabi_size, RD_XSAVE_SIZE);
	void *buf = vmemdup_user(c->user, size);
	long r;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	r = rd_vcpu_set_xsave(c->v, buf);
	kvfree(buf);
	return r;
}

/*
 * The table that the argument is: a count, four bytes of nothing, so many entries of the size. As
 * rd_copy_array(), -EFAULT too.
 */
static void *rd_copy_table(struct rd_call *c, u32 *nr, u32 max, size_t size)
{
	const size_t head = 2 * sizeof(u32);

	BUILD_BUG_ON(offsetof(struct kvm_cpuid, entries) != head ||
		     offsetof(struct kvm_cpuid2, entries) != head ||
		     offsetof(struct kvm_msrs, entries) != head);
	if (get_user(*nr, (u32 __user *)c->user))
		return ERR_PTR(-EFAULT);
	return rd_copy_array(c->user + head, *nr, max, size);
}

long rd_set_cpuid2(struct rd_call *c, void *data)
{
	struct kvm_cpuid_entry2 *e;
	u32 nr;
	long r;

	e = rd_copy_table(c, &nr, RD_MAX_CPUID, sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	r = rd_vcpu_set_cpuid(c->v, e, nr);
	kvfree(e);
	return r;
}

/* KVM_SET_CPUID: the first form of the table, without sub-leaves. */
long rd_set_cpuid1(struct rd_call *c, void *data)
{
	struct kvm_cpuid_entry *old;
	struct kvm_cpuid_entry2 *e;
	u32 nr, i;
	long r;

	old = rd_copy_table(c, &nr, RD_MAX_CPUID, sizeof(*old));
	if (IS_ERR(old))
		return PTR_ERR(old);
	e = kvcalloc(max_t(u32, nr, 1), sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e) {
		kvfree(old);
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++) {
		e[i].function = old[i].function;
		e[i].eax = old[i].eax;
		e[i].ebx = old[i].ebx;
		e[i].ecx = old[i].ecx;
		e[i].edx = old[i].edx;
	}
	r = rd_vcpu_set_cpuid(c->v, e, nr);
	kvfree(e);
	kvfree(old);
	return r;
}

long rd_get_cpuid2(struct rd_call *c, void *data)
{
	struct kvm_cpuid2 __user *user = c->user;
	struct kvm_cpuid_entry2 *e;
	u32 nr;
	long r;

	if (get_user(nr, &user->nent))
		return -EFAULT;
	nr = min_t(u32, nr, RD_MAX_CPUID);
	e = kvcalloc(max_t(u32, nr, 1), sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	r = rd_vcpu_get_cpuid(c->v, e, &nr);
	if (!r && (copy_to_user(user->entries, e, nr * sizeof(*e)) || put_user(nr, &user->nent)))
		r = -EFAULT;
	kvfree(e);
	return r;
}

/* Both return how many were carried out before the first that could not be. */
static long rd_msrs(struct rd_call *c, bool write)
{
	struct kvm_msrs __user *user = c->user;
	struct kvm_msr_entry *e;
	u32 nr, i;
	long r;
	int idx;

	e = rd_copy_table(c, &nr, RD_MAX_MSR_IO - 1, sizeof(*e));
	if (IS_ERR_OR_NULL(e))
		return PTR_ERR(e);
	idx = srcu_read_lock(&c->vm->srcu); /* some live in guest memory */
	for (i = 0; i < nr; i++) {
		u64 val = e[i].data;

		if (write ? rd_msr_write(c->v, e[i].index, val, true) :
			    rd_msr_read(c->v, e[i].index, &val, true))
			break;
		e[i].data = val;
	}
	srcu_read_unlock(&c->vm->srcu, idx);
	r = i;
	if (!write && copy_to_user(user->entries, e, nr * sizeof(*e)))
		r = -EFAULT;
	kvfree(e);
	return r;
}

long rd_get_msrs(struct rd_call *c, void *data)
{
	return rd_msrs(c, false);
}

long rd_set_msrs(struct rd_call *c, void *data)
{
	return rd_msrs(c, true);
}

long rd_set_signal_mask(struct rd_call *c, void *data)
{
	struct kvm_signal_mask __user *user = c->user;
	sigset_t set;
	u32 len;

	if (!user) {
		c->v->sigset_active = false;
		return 0;
	}
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	c->v->sigset = set;
	c->v->sigset_active = true;
	return 0;
}

/*
 * There is no nested virtualization, and KVM_CAP_NESTED_STATE says so. Some VMMs save its state
 * without asking and give up when that fails: they get a header that says that there is nothing.
 */
long rd_get_nested_state(struct rd_call *c, void *data)
{
	struct kvm_nested_state __user *user = c->user;
	struct kvm_nested_state s = {
		.format = rd_hw->nested_format,
		.size = sizeof(s),
	};
	u32 room;

	if (get_user(room, &user->size))
		return -EFAULT;
	if (room < sizeof(s))
		return put_user((u32)sizeof(s), &user->size) ? -EFAULT : -E2BIG;
	return copy_to_user(user, &s, sizeof(s)) ? -EFAULT : 0;
}

long rd_set_nested_state(struct rd_call *c, void *data)
{
	const struct kvm_nested_state *s = data;

	return s->size < sizeof(*s) || s->flags ? -EINVAL : 0;
}
