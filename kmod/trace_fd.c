// SPDX-License-Identifier: GPL-2.0-only
/*
 * RD_VM_TRACE_EVENTS: a file from which the events of a VM's write traces are read.
 * Invariant: a file holds a reference on its VM and a place in the ring; a reader that is slow, or
 * gone, holds up nobody.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

struct rd_trace_file {
	struct rd_vm *vm;
	struct mutex lock;  /* one reader at a time */
	u64 place;
};

static bool rd_trace_ready(struct rd_trace_file *f)
{
	return READ_ONCE(f->place) != rd_trace_ring_end(&f->vm->trace->ring);
}

/* Something to read, or the end. */
static bool rd_trace_news(struct rd_trace_file *f)
{
	return rd_trace_ready(f) || READ_ONCE(f->vm->dead);
}

/* As many whole events as there are and fit. Bytes copied, or -EFAULT where none was. */
static ssize_t rd_trace_take(struct rd_trace_file *f, char __user *buf, size_t len)
{
	struct rd_trace_event e;
	size_t done = 0;

	while (len - done >= sizeof(e) && rd_trace_ring_get(&f->vm->trace->ring, &f->place, &e)) {
		if (copy_to_user(buf + done, &e, sizeof(e)))
			return done ? done : -EFAULT;
		done += sizeof(e);
	}
	return done;
}

static ssize_t rd_trace_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct rd_trace_file *f = file->private_data;
	bool dead;
	ssize_t r;

	if (len < sizeof(struct rd_trace_event))
		return -EINVAL;
	for (;;) {
		/* First: what came before the end is read before the end. */
		dead = READ_ONCE(f->vm->dead);
		if (mutex_lock_interruptible(&f->lock))
			return -EINTR;
		r = rd_trace_take(f, buf, len);
		mutex_unlock(&f->lock);
		if (r || dead)
			return r;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		r = wait_event_interruptible(f->vm->trace->wait, rd_trace_news(f));
		if (r)
			return r;
	}
}

static __poll_t rd_trace_poll(struct file *file, poll_table *wait)
{
	struct rd_trace_file *f = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &f->vm->trace->wait, wait);
	if (rd_trace_ready(f))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(f->vm->dead))
		events |= EPOLLHUP;
	return events;
}

static int rd_trace_release(struct inode *inode, struct file *file)
{
	struct rd_trace_file *f = file->private_data;

	rd_vm_put(f->vm);
	kfree(f);
	return 0;
}

static const struct file_operations rd_trace_fops = {
	.owner = THIS_MODULE,
	.read = rd_trace_read,
	.poll = rd_trace_poll,
	.release = rd_trace_release,
	.llseek = noop_llseek,
};

/* The descriptor, or -ENOMEM, -EMFILE. */
int rd_trace_fd_create(struct rd_vm *vm)
{
	struct rd_trace *t = rd_trace_get(vm);
	struct rd_trace_file *f;
	struct file *file;
	int fd;

	if (IS_ERR(t))
		return PTR_ERR(t);
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->vm = vm;
	mutex_init(&f->lock);
	f->place = rd_trace_ring_end(&t->ring);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto free;
	file = anon_inode_getfile("redoubt-trace", &rd_trace_fops, f, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto free;
	}
	rd_vm_get(vm);
	fd_install(fd, file);
	return fd;
free:
	kfree(f);
	return fd;
}
