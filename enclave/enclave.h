/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Enclaves of a VM and of a vCPU (K): what hangs on struct rd_vm and struct rd_vcpu.
 * Invariant: the VM's part comes before the first vCPU and goes with the VM, so a vCPU has its part
 * exactly when the VM has an EPC.
 */
#ifndef RD_ENCLAVE_ENCLAVE_H
#define RD_ENCLAVE_ENCLAVE_H

#include "enclave/enter.h"
#include "vmm/vm.h"

extern unsigned int rd_enclave_slot;

struct rd_enclave_vm {
	struct rd_epc epc;
};

struct rd_enclave_vcpu {
	struct rd_inside stay, *in;
	struct rd_leaf leaf;
	u8 *xbuf;
};

static inline struct rd_enclave_vm *rd_vm_enclave(const struct rd_vm *vm)
{
	return vm->parts[rd_enclave_slot];
}

static inline struct rd_enclave_vcpu *rd_vcpu_enclave(const struct rd_vcpu *v)
{
	return v->parts[rd_enclave_slot];
}

/*
 * enclave/call.c. #UD of the guest: is it ENCLS or ENCLU? insn: n bytes at RIP.  -ENOENT: no; else
 * as handle_exit.
 */
int rd_enclave_insn(struct rd_vcpu *v, const u8 *insn, unsigned int n);

#endif
