// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor of a VM.
 * Invariant: an open file holds one reference on the VM; when it goes, the irqfds go first, because
 * they hold files of their own.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include "kmod/ioctl.h"
#include "kmod/irqfd.h"
#include "vmm/unit.h"
#include "vmm/vm.h"

static long rd_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct rd_ioctl_row *row = rd_ioctl_find(&rd_vm_ioctls, cmd);
	struct rd_call c = { .vm = file->private_data };
	unsigned int i;
	long r;

	if (row)
		return rd_ioctl_call(row, &c, arg);
	if (c.vm->mm != current->mm || READ_ONCE(c.vm->dead))
		return -EIO;
	for (i = 0; i < rd_units.nr; i++) {
		const struct rd_unit *u = rd_units.unit[i];

		r = u->vm_ioctl ? u->vm_ioctl(c.vm, cmd, arg) : -ENOTTY;
		if (r != -ENOTTY)
			return r;
	}
	return rd_vm_ioctls.unknown;
}

static int rd_vm_release(struct inode *inode, struct file *file)
{
	struct rd_vm *vm = file->private_data;

	rd_irqfd_release(vm);
	rd_vm_put(vm);
	return 0;
}

static const struct file_operations rd_vm_fops = {
	.owner = THIS_MODULE,
	.release = rd_vm_release,
	.unlocked_ioctl = rd_vm_ioctl,
	.llseek = noop_llseek,
};

/* -ENOMEM, -EMFILE, -EIO. */
int rd_vm_fd_create(void)
{
	struct rd_vm *vm;
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	vm = rd_vm_create();
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	file = anon_inode_getfile("redoubt-vm", &rd_vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		rd_vm_put(vm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}
