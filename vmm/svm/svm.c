// SPDX-License-Identifier: GPL-2.0-only
/* The SVM backend's row in the seam. Invariant: every entry of struct rd_hw is filled. */
#include "vmm/svm/npt.h"
#include "vmm/svm/svm.h"


static int rd_svm_vm_init(struct rd_vm *vm)
{
	return 0;
}

static void rd_svm_vm_destroy(struct rd_vm *vm)
{
}

struct rd_hw rd_svm = {
	.name = "svm",
	.nested_format = KVM_STATE_NESTED_FORMAT_SVM,
	.pt = &rd_npt_format,
	.probe = rd_svm_probe,
	.setup = rd_svm_setup,
	.unsetup = rd_svm_unsetup,
	.cpu_enable = rd_svm_cpu_enable,
	.cpu_disable = rd_svm_cpu_disable,
	.vm_init = rd_svm_vm_init,
	.vm_destroy = rd_svm_vm_destroy,
	.vcpu_create = rd_svm_vcpu_create,
	.vcpu_free = rd_svm_vcpu_free,
	.vcpu_reset = rd_svm_vcpu_reset,
	.load = rd_svm_load,
	.put = rd_svm_put,
	.enter = rd_svm_enter,
	.handle_exit = rd_svm_handle_exit,
	.inject = rd_svm_inject,
	.cancel_injection = rd_svm_cancel_injection,
	.irq_allowed = rd_svm_irq_allowed,
	.nmi_allowed = rd_svm_nmi_allowed,
	.get_shadow = rd_svm_get_shadow,
	.set_shadow = rd_svm_set_shadow,
	.get_nmi_mask = rd_svm_get_nmi_mask,
	.set_nmi_mask = rd_svm_set_nmi_mask,
	.step = rd_svm_step,
	.end_step = rd_svm_end_step,
	.get_segment = rd_svm_get_segment,
	.set_segment = rd_svm_set_segment,
	.get_dtable = rd_svm_get_dtable,
	.set_dtable = rd_svm_set_dtable,
	.get_cr = rd_svm_get_cr,
	.set_cr = rd_svm_set_cr,
	.get_efer = rd_svm_get_efer,
	.set_efer = rd_svm_set_efer,
	.get_cpl = rd_svm_get_cpl,
	.paging_regs = rd_svm_paging_regs,
	.code_mode = rd_svm_code_mode,
	.get_msr = rd_svm_get_msr,
	.set_msr = rd_svm_set_msr,
	.update_debug = rd_svm_update_debug,
	.sync_debug = rd_svm_sync_debug,
	.update_cpuid = rd_svm_update_cpuid,
	.update_tsc = rd_svm_update_tsc,
	.update_msr_filter = rd_svm_update_msr_filter,
	.flush_tlb = rd_svm_flush_tlb,
	.mode_prepare = rd_svm_mode_prepare,
	.mode_enter = rd_svm_mode_enter,
	.apart_prepare = rd_svm_apart_prepare,
	.apart_enter = rd_svm_apart_enter,
};
