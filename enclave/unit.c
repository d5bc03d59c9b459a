// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subsystem of enclaves as the core sees it (K): its life with VMs and vCPUs, and its calls.
 * Invariant: as in enclave/enclave.h.
 */
#include <linux/moduleparam.h>
#include <linux/uaccess.h>
#include <asm/fpu/xstate.h>
#include "enclave/enclave.h"
#include "enclave/holes.h"
#include "enclave/unit.h"
#include "kmod/uapi/redoubt_sgx.h"
#include "vmm/cpuid.h"
#include "vmm/mode_tables.h"
#include "vmm/unit.h"
#include "vmm/vm.h"

unsigned int rd_enclave_slot;

#define SIZE_BITS 36
#define LEAVES (BIT(0) | BIT(1) | BIT(11)) /* SGX1, SGX2, EDECCSSA */

static void model(struct rd_sgx_model *m)
{
	const struct rd_xstate *x = rd_host_xstate();
	unsigned int i;

	m->attributes.flags = RD_ATTR_DEBUG | RD_ATTR_MODE64 | RD_ATTR_PROVISIONKEY |
			      RD_ATTR_EINITTOKENKEY | RD_ATTR_KSS | RD_ATTR_AEXNOTIFY;
	m->attributes.xfrm = RD_XFRM_X87_SSE;
	m->miscselect = RD_MISC_EXINFO;
	m->size_bits = SIZE_BITS;
	for (i = 2; i < RD_XSTATE_MAX; i++) {
		u32 end = x->comp[i].offset + x->comp[i].size;

		/*
		 * What does not fit into the first page of an SSA frame, enclaves do not have; nor
		 * PKRU, which the module keeps apart from the other state.
		 */
		if (!(x->supported & BIT_ULL(i)) || !x->comp[i].size || end > RD_SGX_PAGE ||
		    i == XFEATURE_PKRU)
			continue;
		m->attributes.xfrm |= BIT_ULL(i);
		m->xsave_end[i] = end;
	}
}

#ifdef RD_TEST_OPEN_ENCLAVES
unsigned int rd_enclave_holes;
module_param_named(enclave_holes, rd_enclave_holes, uint, 0600);
MODULE_PARM_DESC(enclave_holes, "checks that enclaves go without: enclave/holes.h");

static bool abort_hole(struct rd_vm *vm, u64 addr, unsigned int len, void *data, bool write)
{
	struct rd_enclave_vm *e = rd_vm_enclave(vm);
	u32 page = rd_epc_index(&e->epc, addr);
	u8 *at;

	if (!RD_HOLE(ABORT) || page == RD_NO_PAGE || !e->epc.page[page])
		return false;
	at = e->epc.page[page] + (addr & ~RD_PAGE_MASK);
	memcpy(write ? at : data, write ? data : at, len);
	return true;
}

static int open_holes(void)
{
	rd_bus_hole = abort_hole;
	return 0;
}
#else
#define open_holes NULL
#endif

/* No vCPU uses the page any more, wherever it was put in. */
static void revoke(struct rd_epc *epc, u32 page)
{
	struct rd_enclave_vm *e = container_of(epc, struct rd_enclave_vm, epc);

	rd_mmu_view_unmap(e->vm, RD_VIEW_APART, (epc->base >> RD_PAGE_SHIFT) + page);
}

/* vm->lock and slots_lock held. */
static int set_epc(struct rd_vm *vm, const struct rd_vm_epc *arg)
{
	u8 root[RD_ROOT_KEY_BYTES];
	struct rd_enclave_vm *e;
	int ret;

	if (rd_vm_enclave(vm))
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EBUSY;
	e = rd_host_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	ret = rd_epc_init(&e->epc, arg->base, arg->size / RD_SGX_PAGE);
	if (ret)
		goto free;
	model(&e->epc.model);
	mutex_init(&e->reset_lock);
	rd_host_random(root, sizeof(root));
	ret = rd_keys_init(&e->epc.keys, root);
	rd_host_wipe(root, sizeof(root));
	if (ret)
		goto destroy;
	e->vm = vm;
	e->epc.revoke = revoke;
	/* Below what integrity mode has for its tables. */
	e->tables_gfn = vm->mmu.max_gfn - RD_MODE_TABLES - RD_MAX_VCPUS * RD_FILL_TABLES;
	ret = arg->base + arg->size > e->tables_gfn << RD_PAGE_SHIFT ? -EINVAL : 0;
	if (!ret)
		ret = rd_mmu_view_init(vm, RD_VIEW_APART);
	if (!ret)
		ret = rd_slots_reserve(vm, arg->base >> RD_PAGE_SHIFT, e->epc.nr);
	if (ret)
		goto keys;
	vm->parts[rd_enclave_slot] = e;
	return 0;
keys:
	rd_keys_destroy(&e->epc.keys);
destroy:
	rd_epc_destroy(&e->epc);
free:
	rd_host_free(e);
	return ret == -ENOENT ? -EOPNOTSUPP : ret;
}

static long ioctl_set_epc(struct rd_vm *vm, const void __user *user)
{
	struct rd_vm_epc arg;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.reserved[0] || arg.reserved[1] || (arg.base | arg.size) & ~RD_PAGE_MASK ||
	    !arg.size || arg.size / RD_SGX_PAGE > RD_EPC_MAX_PAGES)
		return -EINVAL;
	mutex_lock(&vm->lock);
	mutex_lock(&vm->slots_lock);
	ret = set_epc(vm, &arg);
	mutex_unlock(&vm->slots_lock);
	mutex_unlock(&vm->lock);
	return ret;
}

static long ioctl_get_info(struct rd_vm *vm, void __user *user)
{
	struct rd_vm_sgx_info info = {};
	const struct rd_enclave_vm *e;
	struct rd_sgx_model m = {};

	model(&m);
	info.attributes = m.attributes.flags;
	info.xfrm = m.attributes.xfrm;
	info.miscselect = m.miscselect;
	info.size_bits = m.size_bits;
	info.sgx_leaves = LEAVES;
	mutex_lock(&vm->lock);
	e = rd_vm_enclave(vm);
	if (e) {
		info.base = e->epc.base;
		info.size = (u64)e->epc.nr * RD_SGX_PAGE;
		info.used_pages = READ_ONCE(e->epc.used);
	}
	mutex_unlock(&vm->lock);
	return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

/*
 * A vCPU that is found outside KVM_RUN has no leaf under way, and sees before its next one that the
 * EPC is being reset.
 */
static bool all_outside(struct rd_vm *vm)
{
	struct rd_vcpu *v;
	unsigned long i;

	rd_for_each_vcpu(i, v, vm) {
		if (!mutex_trylock(&v->mutex))
			return false;
		mutex_unlock(&v->mutex);
	}
	return true;
}

static int reset_epc(struct rd_enclave_vm *e)
{
	bool outside;

	mutex_lock(&e->reset_lock);
	WRITE_ONCE(e->resetting, true);
	outside = all_outside(e->vm);
	if (outside)
		rd_epc_clear(&e->epc);
	WRITE_ONCE(e->resetting, false);
	mutex_unlock(&e->reset_lock);
	return outside ? 0 : -EBUSY;
}

static long ioctl_reset(struct rd_vm *vm)
{
	int ret;

	mutex_lock(&vm->lock);
	ret = rd_vm_enclave(vm) ? reset_epc(rd_vm_enclave(vm)) : -ENOENT;
	mutex_unlock(&vm->lock);
	return ret;
}

static long vm_ioctl(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case RD_VM_SET_EPC:
		return ioctl_set_epc(vm, (const void __user *)arg);
	case RD_VM_GET_SGX_INFO:
		return ioctl_get_info(vm, (void __user *)arg);
	case RD_VM_RESET_EPC:
		return ioctl_reset(vm);
	default:
		return -ENOTTY;
	}
}

static void vm_exit(struct rd_vm *vm)
{
	struct rd_enclave_vm *e = rd_vm_enclave(vm);

	if (!e)
		return;
	vm->parts[rd_enclave_slot] = NULL;
	/* The nested tables are gone already. */
	e->epc.revoke = NULL;
	rd_keys_destroy(&e->epc.keys);
	rd_epc_destroy(&e->epc);
	rd_host_free(e);
}

static int vcpu_init(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e;

	if (!rd_vm_enclave(v->vm))
		return 0;
	e = rd_host_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->xbuf = rd_host_page_alloc();
	if (!e->xbuf) {
		rd_host_free(e);
		return -ENOMEM;
	}
	v->parts[rd_enclave_slot] = e;
	return 0;
}

static void vcpu_exit(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);

	if (!e)
		return;
	v->parts[rd_enclave_slot] = NULL;
	if (e->prepared)
		rd_fills_destroy(&e->fills);
	/* Registers of enclaves pass through both. */
	rd_host_wipe(e->xbuf, RD_SGX_PAGE);
	rd_host_page_free(e->xbuf);
	rd_host_wipe(e, sizeof(*e));
	rd_host_free(e);
}

const struct rd_unit rd_enclave_unit = {
	.name = "enclave",
	.init = open_holes,
	.vm_exit = vm_exit,
	.vcpu_init = vcpu_init,
	.vcpu_exit = vcpu_exit,
	.insn = rd_enclave_insn,
	.vm_ioctl = vm_ioctl,
	.slot = &rd_enclave_slot,
};
