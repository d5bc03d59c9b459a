/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks by which a subsystem (tsc, enclave, write trace, migrate) takes part in the life of VMs and
 * vCPUs without the core naming it. Invariant: units are called in the order of the array in
 * kmod/main.c and unwound in reverse; a NULL hook costs nothing on hot paths, because the arrays of
 * non-NULL hooks are compacted once at load.
 */
#ifndef RD_VMM_UNIT_H
#define RD_VMM_UNIT_H

#include "kmod/base.h"

struct rd_vm;
struct rd_vcpu;

#define RD_MAX_UNITS 12

struct rd_unit {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	int (*vm_init)(struct rd_vm *vm);
	void (*vm_exit)(struct rd_vm *vm);
	int (*vcpu_init)(struct rd_vcpu *v);
	void (*vcpu_exit)(struct rd_vcpu *v);
	void (*vcpu_reset)(struct rd_vcpu *v, bool init_event);
	int (*pre_run)(struct rd_vcpu *v); /* before entry, preemption on: 1 go on, 0 to user space,
					      -errno */
	/*
	 * The guest is to have #UD at RIP, where n bytes are insn: -ENOENT not mine, else as
	 * handle_exit.
	 */
	int (*insn)(struct rd_vcpu *v, const u8 *insn, unsigned int n);
	int (*mem_fault)(struct rd_vcpu *v, u64 gpa,
			 unsigned int acc); /* -ENOENT not mine, else enum rd_fault_result */
	long (*vm_ioctl)(struct rd_vm *vm, unsigned int cmd,
			 unsigned long arg); /* -ENOTTY not mine */
	long (*vcpu_ioctl)(struct rd_vcpu *v, unsigned int cmd, unsigned long arg);
	unsigned int *slot; /* filled at load: its place in rd_vm.parts and rd_vcpu.parts */
};

/* From kmod/main.c: registered units, compacted per hook. */
struct rd_unit_hooks {
	unsigned int nr_pre_run, nr_insn, nr_mem_fault, nr;
	int (*pre_run[RD_MAX_UNITS])(struct rd_vcpu *v);
	int (*insn[RD_MAX_UNITS])(struct rd_vcpu *v, const u8 *insn, unsigned int n);
	int (*mem_fault[RD_MAX_UNITS])(struct rd_vcpu *v, u64 gpa, unsigned int acc);
	const struct rd_unit *unit[RD_MAX_UNITS];
};

extern struct rd_unit_hooks rd_units;

#endif
