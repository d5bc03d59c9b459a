// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dispatcher: finds a row, copies the argument in, checks, locks, calls, unlocks, copies the
 * answer out.
 * Invariant: see kmod/ioctl.h.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "vmm/vm.h"

/* Arguments up to this size travel over the stack. */
#define RD_SMALL 256

static int rd_row_cmp(const void *a, const void *b)
{
	const struct rd_ioctl_row *x = a, *y = b;

	return x->cmd < y->cmd ? -1 : x->cmd > y->cmd;
}

void rd_ioctl_sort(struct rd_ioctl_table *t)
{
	sort(t->rows, t->nr, sizeof(*t->rows), rd_row_cmp, NULL);
}

const struct rd_ioctl_row *rd_ioctl_find(const struct rd_ioctl_table *t, u32 cmd)
{
	unsigned int lo = 0, hi = t->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (t->rows[mid].cmd == cmd)
			return &t->rows[mid];
		if (t->rows[mid].cmd < cmd)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* What cannot change once it is there, or is looked at again by what is called. */
static int rd_row_check(const struct rd_ioctl_row *row, const struct rd_call *c)
{
	if (c->vm) {
		/*
		 * Guest memory is that of the process that made the VM: a child or a receiver of
		 * the descriptor has another.
		 */
		if (c->vm->mm != current->mm)
			return -EIO;
		if (READ_ONCE(c->vm->dead) && !(row->flags & RD_IOC_DEAD_TOO))
			return -EIO;
	}
	if ((row->flags & RD_IOC_ZERO_ARG) && c->arg)
		return -EINVAL;
	return 0;
}

static int rd_row_state(const struct rd_ioctl_row *row, const struct rd_call *c)
{
	if ((row->flags & RD_IOC_CHIP) && c->vm->chip.mode != RD_IRQCHIP_KERNEL)
		return -ENXIO;
	if ((row->flags & RD_IOC_ANY_CHIP) && c->vm->chip.mode == RD_IRQCHIP_NONE)
		return -ENXIO;
	if ((row->flags & RD_IOC_PIT) && !c->vm->chip.has_pit)
		return -ENXIO;
	if ((row->flags & RD_IOC_LAPIC) && !c->v->has_lapic)
		return -EINVAL;
	return 0;
}

static long rd_row_locked(const struct rd_ioctl_row *row, struct rd_call *c, void *data)
{
	long r = rd_row_state(row, c);

	return r ? r : row->fn(c, data);
}

static long rd_row_run(const struct rd_ioctl_row *row, struct rd_call *c, void *data)
{
	long r;

	if (row->flags & RD_IOC_VM_LOCK) {
		if (mutex_lock_killable(&c->vm->lock))
			return -EINTR;
		r = rd_row_locked(row, c, data);
		mutex_unlock(&c->vm->lock);
		return r;
	}
	if (row->flags & (RD_IOC_VCPU | RD_IOC_VCPU_MUTEX)) {
		if (mutex_lock_killable(&c->v->mutex))
			return -EINTR;
		if (row->flags & RD_IOC_VCPU)
			rd_vcpu_load(c->v);
		r = rd_row_locked(row, c, data);
		if (row->flags & RD_IOC_VCPU)
			rd_vcpu_put(c->v);
		mutex_unlock(&c->v->mutex);
		return r;
	}
	return rd_row_locked(row, c, data);
}

static long rd_row_copy(const struct rd_ioctl_row *row, struct rd_call *c, void *data, size_t size)
{
	unsigned int dir = _IOC_DIR(row->cmd);
	long r;

	/* Named from the kernel's side: the user writes the argument. */
	if ((dir & _IOC_WRITE) || (row->flags & RD_IOC_IN)) {
		if (copy_from_user(data, c->user, size))
			return -EFAULT;
	} else {
		memset(data, 0, size);
	}
	r = rd_row_run(row, c, data);
	if (r >= 0 && (dir & _IOC_READ) && !(row->flags & RD_IOC_NO_OUT) &&
	    copy_to_user(c->user, data, size))
		return -EFAULT;
	return r;
}

static noinline long rd_row_copy_small(const struct rd_ioctl_row *row, struct rd_call *c,
				       size_t size)
{
	u64 data[RD_SMALL / sizeof(u64)];

	return rd_row_copy(row, c, data, size);
}

static noinline long rd_row_copy_large(const struct rd_ioctl_row *row, struct rd_call *c,
				       size_t size)
{
	void *data = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	long r;

	if (!data)
		return -ENOMEM;
	r = rd_row_copy(row, c, data, size);
	kvfree(data);
	return r;
}

long rd_ioctl_call(const struct rd_ioctl_row *row, struct rd_call *c, unsigned long arg)
{
	size_t size = _IOC_SIZE(row->cmd);
	int r;

	c->arg = arg;
	c->user = (void __user *)arg;
	r = rd_row_check(row, c);
	if (r)
		return r;
	if (!size || (row->flags & RD_IOC_SELF))
		return rd_row_run(row, c, NULL);
	if (size <= RD_SMALL)
		return rd_row_copy_small(row, c, size);
	return rd_row_copy_large(row, c, size);
}

void *rd_copy_array(const void __user *user, u32 nr, u32 max, size_t size)
{
	void *p;

	if (nr > max)
		return ERR_PTR(-E2BIG);
	if (!nr)
		return NULL;
	p = kvmalloc_array(nr, size, GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(p, user, nr * size)) {
		kvfree(p);
		return ERR_PTR(-EFAULT);
	}
	return p;
}
