/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Enclaves of a VM and of a vCPU (K): their parts of struct rd_vm and struct rd_vcpu.
 * Invariant: the VM's part comes before the first vCPU and goes with the VM, so a vCPU has its part
 * exactly when the VM has an EPC.
 */
#ifndef RD_ENCLAVE_ENCLAVE_H
#define RD_ENCLAVE_ENCLAVE_H

#include "enclave/enter.h"
#include "enclave/fill.h"
#include "vmm/apart.h"
#include "vmm/vm.h"

extern unsigned int rd_enclave_slot;

struct rd_enclave_vm {
	struct rd_vm *vm;
	struct rd_epc epc;
	u64 tables_gfn; /* page tables of vCPUs: in the view only, from this page on */
	/* While the EPC is reset, leaves wait for the lock. */
	struct mutex reset_lock;
	bool resetting;
};

/*
 * Why a page is in a vCPU's tables: a walk of the guest's, and the EPCM where it is the enclave's.
 */
struct rd_fill_note {
	struct rd_walk_hit walk;
	u64 la;
	u32 page; /* of the EPC, or RD_NO_PAGE */
	u32 acc;
};

#define RD_FILL_NOTES 48U

struct rd_enclave_vcpu {
	struct rd_inside stay;
	struct rd_leaf leaf; /* leaf.in: the vCPU is in an enclave, and its registers are here */
	struct rd_apart apart;
	struct rd_fills fills;
	/* Of all that is in fills; more than there is room for: not known, and nothing stays. */
	struct rd_fill_note note[RD_FILL_NOTES];
	struct rd_fill_note next; /* of the fault that is being looked at */
	u32 nr_notes;
	u32 code_note; /* of the page whose code was looked at last */
	u32 paging_changes, pkru; /* that the notes are good for */
	bool prepared; /* for its first entry */
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
 * enclave/call.c. #UD of the guest: is it ENCLS or ENCLU? insn: n bytes at RIP. -ENOENT: no; else
 * as handle_exit.
 */
int rd_enclave_insn(struct rd_vcpu *v, const u8 *insn, unsigned int n);

/*
 * enclave/run.c. The vCPU has entered an enclave: run it until it has left, whichever way, with
 * what waits for it queued.  As handle_exit.
 */
int rd_enclave_run(struct rd_vcpu *v);
/* Before EENTER and ERESUME: what a stay needs. -ENOMEM. */
int rd_enclave_prepare(struct rd_vcpu *v);

/* enclave/xstate.c: rd_leaf_ops of these names. */
void rd_enclave_xsave(struct rd_leaf *l, u8 *area, u64 xfrm);
bool rd_enclave_xrstor(struct rd_leaf *l, const u8 *area, u64 xfrm);
void rd_enclave_xinit(struct rd_leaf *l, u64 xfrm);

#endif
