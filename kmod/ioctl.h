/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioctls as rows: what number, who handles it, what it needs. One dispatcher does the rest, so that
 * no handler copies, locks or checks what a row can say.
 * Invariant: an argument is copied in once, before any lock, and out only after success, from
 * memory that was zeroed.
 */
#ifndef RD_KMOD_IOCTL_H
#define RD_KMOD_IOCTL_H

#include <linux/file.h>
#include "kmod/base.h"

struct rd_vm;
struct rd_vcpu;

/* One call under way. */
struct rd_call {
	struct rd_vm *vm;          /* NULL on the system descriptor */
	struct rd_vcpu *v;         /* on a vCPU's descriptor */
	unsigned long arg;         /* as given */
	void __user *user;         /* the same as a pointer */
};

enum {
	/*
	 * How the argument travels. Default: by the direction bits of the number; numbers without
	 * any (_IO) carry a value in arg.
	 */
	RD_IOC_IN = 1 << 0,        /* copy in, though the number only says out */
	RD_IOC_NO_OUT = 1 << 1,    /* never copy out, though the number says so */
	RD_IOC_SELF = 1 << 2,      /* of variable size: the handler copies itself; data is NULL */
	RD_IOC_ZERO_ARG = 1 << 3,  /* arg must be 0 (-EINVAL) */
	/* What is held around the handler. Waiting for it can be killed: -EINTR. */
	RD_IOC_VM_LOCK = 1 << 4,   /* vm->lock */
	RD_IOC_VCPU = 1 << 5,      /* v->mutex, and v is loaded */
	RD_IOC_VCPU_MUTEX = 1 << 6,/* v->mutex only */
	/* What must be there. */
	RD_IOC_CHIP = 1 << 7,      /* PIC and IOAPIC in the kernel (-ENXIO) */
	RD_IOC_PIT = 1 << 8,       /* the PIT (-ENXIO) */
	RD_IOC_LAPIC = 1 << 9,     /* a local APIC in the kernel (-EINVAL) */
	RD_IOC_ANY_CHIP = 1 << 10, /* routing in the kernel: full or split (-ENXIO) */
	RD_IOC_DEAD_TOO = 1 << 11, /* answers for a dead VM */
};

/* data: the argument's bytes, NULL where there are none. Returns what the system call returns. */
typedef long (*rd_ioctl_fn)(struct rd_call *c, void *data);

struct rd_ioctl_row {
	u32 cmd;
	u32 flags;
	rd_ioctl_fn fn;
};

struct rd_ioctl_table {
	struct rd_ioctl_row *rows; /* sorted by rd_ioctl_sort() */
	unsigned int nr;
	int unknown;               /* for numbers that are not here, as stock KVM answers them */
};

/* At module load, before the first call. */
void rd_ioctl_sort(struct rd_ioctl_table *t);
const struct rd_ioctl_row *rd_ioctl_find(const struct rd_ioctl_table *t, u32 cmd);
/* Carry out row for c, whose arg is set. */
long rd_ioctl_call(const struct rd_ioctl_row *row, struct rd_call *c, unsigned long arg);

/*
 * An array behind a header in user space: copies nr elements of size from user into fresh memory
 * (kvfree()). ERR_PTR: -E2BIG when nr is above max, -ENOMEM, -EFAULT. nr 0 gives NULL.
 */
void *rd_copy_array(const void __user *user, u32 nr, u32 max, size_t size);

/* Descriptors. Each holds a reference on its VM. */
extern struct rd_ioctl_table rd_dev_ioctls, rd_vm_ioctls, rd_vcpu_ioctls;
extern const struct file_operations rd_dev_fops;
int rd_vm_fd_create(void);                         /* a new VM with its descriptor, or -errno */
long rd_vcpu_fd_create(struct rd_vm *vm, unsigned long id); /* vm->lock held */
int rd_trace_fd_create(struct rd_vm *vm);          /* events of its write traces */
int rd_stats_fd_create(struct rd_vm *vm, struct rd_vcpu *v); /* v NULL: the VM's */

/* kmod/caps.c. vm NULL: asked on the system descriptor. Never an error: 0 is no. */
long rd_cap_value(struct rd_vm *vm, unsigned long cap);
struct kvm_enable_cap;
int rd_vm_enable_cap(struct rd_vm *vm, const struct kvm_enable_cap *cap);
int rd_vcpu_enable_cap(struct rd_vcpu *v, const struct kvm_enable_cap *cap);

#endif
