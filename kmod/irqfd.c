// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts raised by eventfds (vhost, VFIO, a VMM's own device threads), also level-triggered
 * ones with a resample eventfd that tells the device about the guest's EOI.
 * Invariant: an irqfd is on vm->irqfds from its assignment until exactly one of deassignment, the
 * eventfd's last close and the VM descriptor's close takes it off (under rd_irqfds_lock); only that
 * one frees it.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "kmod/compat.h"
#include "kmod/irqfd.h"
#include "vmm/vm.h"

/* Level GSIs with a resample eventfd; the irqfds of one GSI share one. Under vm->irqfd_lock. */
struct rd_resampler {
	struct list_head link;   /* vm->resamplers, RCU */
	struct list_head irqfds; /* RCU */
	u32 gsi;
};

struct rd_irqfd {
	struct rd_vm *vm;
	struct eventfd_ctx *ctx, *resample_ctx;
	struct rd_resampler *resampler;
	u32 gsi;
	wait_queue_entry_t wait;
	poll_table poll;
	struct list_head link;            /* vm->irqfds; empty once somebody has taken it off */
	struct list_head resampler_link;
	struct work_struct shutdown;
};

/* Short, and taken inside the eventfd's own wait-queue lock: one for all VMs will do. */
static DEFINE_SPINLOCK(rd_irqfds_lock);
static struct workqueue_struct *rd_irqfd_wq;

int rd_irqfd_setup(void)
{
	rd_irqfd_wq = alloc_workqueue("redoubt-irqfd", 0, 0);
	return rd_irqfd_wq ? 0 : -ENOMEM;
}

void rd_irqfd_unsetup(void)
{
	destroy_workqueue(rd_irqfd_wq);
}

/* --- hot -------------------------------------------------------------------------------------- */

static void rd_irqfd_inject(struct rd_irqfd *i)
{
	struct rd_irqchip *c = &i->vm->chip;
	struct rd_msi msi;

	if (i->resampler) {
		/* Stays high until the guest's EOI. */
		rd_irqchip_set_gsi(c, i->gsi, RD_IRQ_SOURCE_IRQFD, true);
	} else if (rd_irqchip_msi_route(c, i->gsi, &msi)) {
		rd_irqchip_msi(c, &msi);
	} else {
		rd_irqchip_set_gsi(c, i->gsi, RD_IRQ_SOURCE_USER, true);
		rd_irqchip_set_gsi(c, i->gsi, RD_IRQ_SOURCE_USER, false);
	}
}

/*
 * Somebody signalled the eventfd, or closes it. Interrupts off, the eventfd's wait-queue lock held.
 */
static int rd_irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct rd_irqfd *i = container_of(wait, struct rd_irqfd, wait);
	__poll_t flags = key_to_poll(key);
	u64 count;

	if (flags & EPOLLIN) {
		eventfd_ctx_do_read(i->ctx, &count);
		rd_irqfd_inject(i);
	}
	if (flags & EPOLLHUP) {
		spin_lock(&rd_irqfds_lock);
		if (!list_empty(&i->link)) {
			list_del_init(&i->link);
			queue_work(rd_irqfd_wq, &i->shutdown);
		}
		spin_unlock(&rd_irqfds_lock);
	}
	return 0;
}

/*
 * The guest acknowledged a pin: lower the line and tell the devices, which raise it again if they
 * still want to.
 */
static void rd_irqfd_pin_eoi(struct rd_vm *vm, unsigned int chip, unsigned int pin)
{
	int gsi = rd_irqchip_pin_gsi(&vm->chip, chip, pin);
	struct rd_resampler *r;
	struct rd_irqfd *i;

	list_for_each_entry_rcu(r, &vm->resamplers, link) {
		if ((int)r->gsi != gsi)
			continue;
		rd_irqchip_set_gsi(&vm->chip, gsi, RD_IRQ_SOURCE_IRQFD, false);
		list_for_each_entry_rcu(i, &r->irqfds, resampler_link)
			rd_eventfd_signal(i->resample_ctx);
	}
}

/* --- resamplers ------------------------------------------------------------------------------- */

static int rd_resampler_join(struct rd_irqfd *i)
{
	struct rd_vm *vm = i->vm;
	struct rd_resampler *r;

	mutex_lock(&vm->irqfd_lock);
	list_for_each_entry(r, &vm->resamplers, link)
		if (r->gsi == i->gsi)
			goto found;
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r) {
		mutex_unlock(&vm->irqfd_lock);
		return -ENOMEM;
	}
	r->gsi = i->gsi;
	INIT_LIST_HEAD(&r->irqfds);
	list_add_rcu(&r->link, &vm->resamplers);
	WRITE_ONCE(vm->pin_eoi, rd_irqfd_pin_eoi);
found:
	list_add_rcu(&i->resampler_link, &r->irqfds);
	i->resampler = r;
	mutex_unlock(&vm->irqfd_lock);
	return 0;
}

static void rd_resampler_leave(struct rd_irqfd *i)
{
	struct rd_resampler *r = i->resampler;
	struct rd_vm *vm = i->vm;
	bool last;

	mutex_lock(&vm->irqfd_lock);
	list_del_rcu(&i->resampler_link);
	last = list_empty(&r->irqfds);
	if (last) {
		list_del_rcu(&r->link);
		if (list_empty(&vm->resamplers))
			WRITE_ONCE(vm->pin_eoi, NULL);
		/* Nobody is left who would lower it. */
		rd_irqchip_set_gsi(&vm->chip, r->gsi, RD_IRQ_SOURCE_IRQFD, false);
	}
	mutex_unlock(&vm->irqfd_lock);
	synchronize_rcu();
	if (last)
		kfree(r);
}

/*
 * --- assign and take away ----------------------------------------------------------------------
 */

/* In the work queue: it waits for readers and may drop the last reference of a file. */
static void rd_irqfd_shutdown(struct work_struct *work)
{
	struct rd_irqfd *i = container_of(work, struct rd_irqfd, shutdown);
	u64 count;

	/* Taken off as soon as it was published: let its assignment finish first. */
	mutex_lock(&i->vm->irqfd_lock);
	mutex_unlock(&i->vm->irqfd_lock);
	/* After this no wake-up runs or will run. */
	eventfd_ctx_remove_wait_queue(i->ctx, &i->wait, &count);
	if (i->resampler) {
		rd_resampler_leave(i);
		eventfd_ctx_put(i->resample_ctx);
	}
	eventfd_ctx_put(i->ctx);
	kfree(i);
}

static void rd_irqfd_enqueue(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	add_wait_queue_priority(head, &container_of(poll, struct rd_irqfd, poll)->wait);
}

static int rd_irqfd_publish(struct rd_vm *vm, struct rd_irqfd *i)
{
	struct rd_irqfd *other;

	spin_lock_irq(&rd_irqfds_lock);
	list_for_each_entry(other, &vm->irqfds, link) {
		if (other->ctx == i->ctx) {
			spin_unlock_irq(&rd_irqfds_lock);
			return -EBUSY;
		}
	}
	list_add_tail(&i->link, &vm->irqfds);
	spin_unlock_irq(&rd_irqfds_lock);
	return 0;
}

static struct rd_irqfd *rd_irqfd_alloc(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	struct rd_irqfd *i = kzalloc(sizeof(*i), GFP_KERNEL_ACCOUNT);

	if (!i)
		return ERR_PTR(-ENOMEM);
	i->vm = vm;
	i->gsi = args->gsi;
	INIT_LIST_HEAD(&i->link);
	INIT_WORK(&i->shutdown, rd_irqfd_shutdown);
	init_waitqueue_func_entry(&i->wait, rd_irqfd_wake);
	init_poll_funcptr(&i->poll, rd_irqfd_enqueue);
	return i;
}

static int rd_irqfd_assign_to(struct rd_vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct rd_irqfd *i = rd_irqfd_alloc(vm, args);
	int r;

	if (IS_ERR(i))
		return PTR_ERR(i);
	i->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(i->ctx)) {
		r = PTR_ERR(i->ctx);
		goto free;
	}
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		i->resample_ctx = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(i->resample_ctx)) {
			r = PTR_ERR(i->resample_ctx);
			goto put_ctx;
		}
		r = rd_resampler_join(i);
		if (r)
			goto put_resample;
	}
	/*
	 * What was signalled before counts too; the file is held, so its close cannot come in
	 * between. Another thread's deassignment can: the lock keeps it from ending an irqfd that
	 * is not in the eventfd's wait queue yet.
	 */
	mutex_lock(&vm->irqfd_lock);
	r = rd_irqfd_publish(vm, i);
	if (!r && vfs_poll(file, &i->poll) & EPOLLIN)
		rd_irqfd_inject(i);
	mutex_unlock(&vm->irqfd_lock);
	if (r)
		goto leave;
	return 0;
leave:
	if (i->resampler)
		rd_resampler_leave(i);
put_resample:
	if (i->resample_ctx)
		eventfd_ctx_put(i->resample_ctx);
put_ctx:
	eventfd_ctx_put(i->ctx);
free:
	kfree(i);
	return r;
}

static int rd_irqfd_assign(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	struct fd f;
	int r;

	if (vm->chip.mode == RD_IRQCHIP_NONE || args->gsi >= RD_MAX_GSI)
		return -EINVAL;
	if ((args->flags & KVM_IRQFD_FLAG_RESAMPLE) && vm->chip.mode != RD_IRQCHIP_KERNEL)
		return -EINVAL;
	f = fdget(args->fd);
	if (!rd_fd_file(f))
		return -EBADF;
	r = rd_irqfd_assign_to(vm, args, rd_fd_file(f));
	fdput(f);
	return r;
}

/*
 * Takes the irqfds for which ctx is NULL or theirs, and gsi fits, off and waits until they are
 * gone.
 */
static void rd_irqfd_take(struct rd_vm *vm, struct eventfd_ctx *ctx, u32 gsi)
{
	struct rd_irqfd *i, *next;

	spin_lock_irq(&rd_irqfds_lock);
	list_for_each_entry_safe(i, next, &vm->irqfds, link) {
		if (ctx && (i->ctx != ctx || i->gsi != gsi))
			continue;
		list_del_init(&i->link);
		queue_work(rd_irqfd_wq, &i->shutdown);
	}
	spin_unlock_irq(&rd_irqfds_lock);
	flush_workqueue(rd_irqfd_wq);
}

static int rd_irqfd_deassign(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	rd_irqfd_take(vm, ctx, args->gsi);
	eventfd_ctx_put(ctx);
	return 0;
}

int rd_irqfd(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	return args->flags & KVM_IRQFD_FLAG_DEASSIGN ? rd_irqfd_deassign(vm, args) :
						       rd_irqfd_assign(vm, args);
}

/* The VM's descriptor is closed. */
void rd_irqfd_release(struct rd_vm *vm)
{
	rd_irqfd_take(vm, NULL, 0);
}
