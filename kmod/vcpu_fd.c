// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor of a vCPU: running it, and the pages that it shares with user space.
 * Invariant: an open file holds one reference on the VM, which owns the vCPU; only the thread that
 * holds v->mutex touches its state.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include "kmod/ioctl.h"
#include "vmm/unit.h"
#include "vmm/vm.h"

static noinline long rd_vcpu_ioctl_slow(struct rd_vcpu *v, unsigned int cmd, unsigned long arg)
{
	const struct rd_ioctl_row *row = rd_ioctl_find(&rd_vcpu_ioctls, cmd);
	struct rd_call c = { .vm = v->vm, .v = v };
	unsigned int i;
	long r;

	if (row)
		return rd_ioctl_call(row, &c, arg);
	if (c.vm->mm != current->mm || READ_ONCE(c.vm->dead))
		return -EIO;
	for (i = 0; i < rd_units.nr; i++) {
		const struct rd_unit *u = rd_units.unit[i];

		r = u->vcpu_ioctl ? u->vcpu_ioctl(v, cmd, arg) : -ENOTTY;
		if (r != -ENOTTY)
			return r;
	}
	return rd_vcpu_ioctls.unknown;
}

/* KVM_RUN is what a VMM calls all the time: no table, no copy. */
static long rd_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct rd_vcpu *v = file->private_data;
	long r;

	if (unlikely(cmd != KVM_RUN))
		return rd_vcpu_ioctl_slow(v, cmd, arg);
	if (unlikely(v->vm->mm != current->mm || READ_ONCE(v->vm->dead)))
		return -EIO;
	if (unlikely(arg))
		return -EINVAL;
	if (unlikely(mutex_lock_killable(&v->mutex)))
		return -EINTR;
	r = rd_vcpu_run(v);
	mutex_unlock(&v->mutex);
	return r;
}

/*
 * Page 0 and 1 are the vCPU's (struct kvm_run, PIO data), page 2 the VM's ring of coalesced writes,
 * from page 64 on the vCPU's dirty ring, if it has one.
 */
static vm_fault_t rd_vcpu_mmap_fault(struct vm_fault *vmf)
{
	struct rd_vcpu *v = vmf->vma->vm_file->private_data;
	void *page;

	switch (vmf->pgoff) {
	case 0:
	case KVM_PIO_PAGE_OFFSET:
		page = (void *)v->run + vmf->pgoff * PAGE_SIZE;
		break;
	case KVM_COALESCED_MMIO_PAGE_OFFSET:
		page = v->vm->coalesced;
		break;
	default:
		vmf->page = rd_ring_page(v, vmf->pgoff);
		if (!vmf->page)
			return VM_FAULT_SIGBUS;
		get_page(vmf->page);
		return 0;
	}
	vmf->page = virt_to_page(page);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct rd_vcpu_vm_ops = { .fault = rd_vcpu_mmap_fault };

static int rd_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct rd_vcpu *v = file->private_data;
	unsigned long first = vma->vm_pgoff, end = first + vma_pages(vma);

	/* A private copy of the dirty ring would stay as it is. */
	if (rd_ring_page(v, first)) {
		if (!rd_ring_page(v, end - 1) || !(vma->vm_flags & VM_SHARED) ||
		    (vma->vm_flags & VM_EXEC))
			return -EINVAL;
	} else if (end > 3) {
		return -EINVAL;
	}
	vma->vm_ops = &rd_vcpu_vm_ops;
	return 0;
}

static int rd_vcpu_release(struct inode *inode, struct file *file)
{
	struct rd_vcpu *v = file->private_data;

	rd_vm_put(v->vm);
	return 0;
}

static const struct file_operations rd_vcpu_fops = {
	.owner = THIS_MODULE,
	.release = rd_vcpu_release,
	.unlocked_ioctl = rd_vcpu_ioctl,
	.mmap = rd_vcpu_mmap,
	.llseek = noop_llseek,
};

/*
 * The descriptor, or -errno. Everything that can fail comes before the VM's other threads can see
 * the vCPU.
 */
long rd_vcpu_fd_create(struct rd_vm *vm, unsigned long id)
{
	char name[32];
	struct rd_vcpu *v;
	struct file *file;
	int fd;

	v = rd_vm_new_vcpu(vm, id);
	if (IS_ERR(v))
		return PTR_ERR(v);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto remove;
	snprintf(name, sizeof(name), "redoubt-vcpu:%lu", id);
	file = anon_inode_getfile(name, &rd_vcpu_fops, v, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto remove;
	}
	rd_vm_get(vm);
	rd_vm_add_vcpu(vm, v);
	fd_install(fd, file);
	return fd;
remove:
	rd_vcpu_remove(v);
	return fd;
}
