// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD: a file that describes the counters of a VM or a vCPU and then gives them.
 * Layout: struct kvm_stats_header, the name of the object, the descriptors, the values. Only the
 * values change.
 * Invariant: the descriptors and the structs of vmm/stats.h come from the same lists, so a value's
 * offset is its place in the struct.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "vmm/vm.h"

#define RD_STATS_NAME 48

/*
 * struct kvm_stats_desc with a name behind it. Spelled out, because in the kernel that struct has
 * room for a name of its own on newer kernels and none on older ones.
 */
struct rd_stats_desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[RD_STATS_NAME];
};

#define RD_STATS_FLAGS (KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)
#define RD_DESC(type, field, label)                                                                \
	{ .flags = RD_STATS_FLAGS, .size = 1, .offset = offsetof(type, field), .name = label },
#define RD_VM_DESC(field) RD_DESC(struct rd_vm_stats, field, #field)
#define RD_VCPU_DESC(field) RD_DESC(struct rd_vcpu_stats, field, #field)
#define RD_EXIT_DESC(kind) RD_DESC(struct rd_vcpu_stats, exit[RD_EXIT_##kind], "exit_" #kind)

static const struct rd_stats_desc rd_vm_descs[] = { RD_VM_STATS(RD_VM_DESC) };
static const struct rd_stats_desc rd_vcpu_descs[] = {
	RD_EXIT_KINDS(RD_EXIT_DESC)
	RD_VCPU_STATS(RD_VCPU_DESC)
};

struct rd_stats_file {
	struct rd_vm *vm;
	const struct rd_stats_desc *descs;
	const void *values;
	u32 desc_size, value_size;
	struct kvm_stats_header header;
	char id[RD_STATS_NAME];
};

struct rd_stats_part {
	loff_t off;
	const void *src;
	size_t size;
};

/* Copy what of the part the reader asked for. Returns the bytes copied, -EFAULT. */
static ssize_t rd_stats_part(char __user *buf, size_t len, loff_t *pos,
			     const struct rd_stats_part *p)
{
	size_t n;

	if (*pos < p->off || *pos >= p->off + p->size || !len)
		return 0;
	n = min_t(size_t, len, p->off + p->size - *pos);
	if (copy_to_user(buf, p->src + (*pos - p->off), n))
		return -EFAULT;
	*pos += n;
	return n;
}

static ssize_t rd_stats_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	const struct rd_stats_file *s = file->private_data;
	const struct rd_stats_part parts[] = {
		{ 0, &s->header, sizeof(s->header) },
		{ s->header.id_offset, s->id, sizeof(s->id) },
		{ s->header.desc_offset, s->descs, s->desc_size },
		{ s->header.data_offset, s->values, s->value_size },
	};
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		ssize_t n = rd_stats_part(buf + done, len - done, pos, &parts[i]);

		if (n < 0)
			return n;
		done += n;
	}
	return done;
}

static int rd_stats_release(struct inode *inode, struct file *file)
{
	struct rd_stats_file *s = file->private_data;

	rd_vm_put(s->vm);
	kfree(s);
	return 0;
}

static const struct file_operations rd_stats_fops = {
	.owner = THIS_MODULE,
	.read = rd_stats_read,
	.release = rd_stats_release,
	.llseek = noop_llseek,
};

static void rd_stats_fill(struct rd_stats_file *s, struct rd_vm *vm, struct rd_vcpu *v)
{
	unsigned int nr = v ? ARRAY_SIZE(rd_vcpu_descs) : ARRAY_SIZE(rd_vm_descs);

	s->vm = vm;
	s->descs = v ? rd_vcpu_descs : rd_vm_descs;
	s->desc_size = nr * sizeof(struct rd_stats_desc);
	s->values = v ? (void *)&v->stats : (void *)&vm->stats;
	s->value_size = v ? sizeof(v->stats) : sizeof(vm->stats);
	s->header.name_size = RD_STATS_NAME;
	s->header.num_desc = nr;
	s->header.id_offset = sizeof(s->header);
	s->header.desc_offset = s->header.id_offset + RD_STATS_NAME;
	s->header.data_offset = s->header.desc_offset + s->desc_size;
	/* Readers tell a file of this kind by the first three letters. */
	if (v)
		snprintf(s->id, sizeof(s->id), "kvm-redoubt-%llu/vcpu-%u", vm->id, v->id);
	else
		snprintf(s->id, sizeof(s->id), "kvm-redoubt-%llu", vm->id);
}

/* The descriptor, or -ENOMEM, -EMFILE. */
int rd_stats_fd_create(struct rd_vm *vm, struct rd_vcpu *v)
{
	struct rd_stats_file *s;
	struct file *file;
	int fd;

	BUILD_BUG_ON(sizeof(struct rd_vcpu_stats) != sizeof(u64) * ARRAY_SIZE(rd_vcpu_descs));
	BUILD_BUG_ON(sizeof(struct rd_vm_stats) != sizeof(u64) * ARRAY_SIZE(rd_vm_descs));
	BUILD_BUG_ON(offsetof(struct rd_stats_desc, name) !=
		     offsetof(struct kvm_stats_desc, name));
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	rd_stats_fill(s, vm, v);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto free;
	file = anon_inode_getfile(v ? "redoubt-vcpu-stats" : "redoubt-vm-stats", &rd_stats_fops, s,
				  O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto free;
	}
	/* It reads by position. */
	file->f_mode |= FMODE_PREAD;
	rd_vm_get(vm);
	fd_install(fd, file);
	return fd;
free:
	kfree(s);
	return fd;
}
