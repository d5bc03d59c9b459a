// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module can do: KVM_CHECK_EXTENSION and KVM_ENABLE_CAP.
 * Invariant: a capability that is not in the table is answered with 0; one that is there works, and
 * if it can be enabled, enabling it with any value that its answer announces works too.
 */
#include <linux/cpumask.h>
#include "kmod/ioctl.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/regs.h"
#include "vmm/vm.h"

#define RD_QUIRKS                                                                                  \
	(KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_FIX_HYPERCALL_INSN |                   \
	 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)
#define RD_DISABLE_EXITS (KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE)
#define RD_X2APIC_API (KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
#define RD_USER_MSR \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)
#define RD_GUEST_DEBUG                                                                             \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |                  \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |                \
	 KVM_GUESTDBG_BLOCKIRQ)
#define RD_DIRTY_MANUAL (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)
#define RD_CLOCK_FLAGS (KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

struct rd_cap {
	u32 cap;
	u32 value;
	long (*fn)(struct rd_vm *vm); /* where the value is not a constant */
};

/* As many as there are CPUs: more vCPUs work, but only take turns. */
static long rd_cap_nr_vcpus(struct rd_vm *vm)
{
	return min_t(long, num_online_cpus(), RD_MAX_VCPUS);
}

static long rd_cap_tsc_control(struct rd_vm *vm)
{
	return rd_hw->tsc_frac_bits != 0;
}

static long rd_cap_xsave2(struct rd_vm *vm)
{
	const struct rd_xstate *x = rd_host_xstate();

	return max_t(u32, rd_xstate_size(x, x->supported, false), sizeof(struct kvm_xsave));
}

/* Resampling follows EOIs, which only the chips in the kernel see. */
static long rd_cap_resample(struct rd_vm *vm)
{
	return !vm || vm->chip.mode == RD_IRQCHIP_KERNEL;
}

static const struct rd_cap caps[] = {
	/* The machine. */
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_NR_MEMSLOTS, RD_MAX_SLOTS },
	{ KVM_CAP_NR_VCPUS, 0, rd_cap_nr_vcpus },
	{ KVM_CAP_MAX_VCPUS, RD_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, RD_MAX_VCPU_IDS },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, RD_DIRTY_MANUAL },
	{ KVM_CAP_DIRTY_LOG_RING, RD_RING_MAX_BYTES },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, RD_RING_MAX_BYTES },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	/* Interrupts, ports and MMIO. Coalesced: the ring's page in the vCPU's mapping. */
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_IRQ_ROUTING, RD_MAX_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_X2APIC_API, RD_X2APIC_API },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 0, rd_cap_resample },
	{ KVM_CAP_PIT, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	/* vCPUs. */
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, RD_GUEST_DEBUG },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XSAVE2, 0, rd_cap_xsave2 },
	{ KVM_CAP_XCRS, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },
	{ KVM_CAP_X86_USER_SPACE_MSR, RD_USER_MSR },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_MCE, RD_MCE_BANKS },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_X86_DISABLE_EXITS, RD_DISABLE_EXITS },
	{ KVM_CAP_DISABLE_QUIRKS2, RD_QUIRKS },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_SYS_ATTRIBUTES, 1 },
	/* Time. */
	{ KVM_CAP_CLOCKSOURCE, 1 },
	{ KVM_CAP_ADJUST_CLOCK, RD_CLOCK_FLAGS },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, 0, rd_cap_tsc_control },
	{ KVM_CAP_VM_TSC_CONTROL, 0, rd_cap_tsc_control },
};

long rd_cap_value(struct rd_vm *vm, unsigned long cap)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == cap)
			return caps[i].fn ? caps[i].fn(vm) : caps[i].value;
	return 0;
}

/* --- enabling --------------------------------------------------------------------------------- */

static int rd_enable_split(struct rd_vm *vm, const u64 *args)
{
	if (args[0] > RD_MAX_GSI)
		return -EINVAL;
	if (vm->chip.mode != RD_IRQCHIP_NONE || vm->nr_vcpus)
		return -EEXIST;
	return rd_irqchip_create_split(&vm->chip, args[0]);
}

static int rd_enable_x2apic(struct rd_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)RD_X2APIC_API)
		return -EINVAL;
	if (args[0] & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->chip.x2apic_format = true;
	if (args[0] & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->chip.x2apic_quirk_off = true;
	return 0;
}

static int rd_enable_payload(struct rd_vm *vm, const u64 *args)
{
	vm->exception_payload = args[0];
	return 0;
}

static int rd_enable_triple_fault(struct rd_vm *vm, const u64 *args)
{
	vm->triple_fault_event = args[0];
	return 0;
}

static int rd_enable_user_msr(struct rd_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)RD_USER_MSR)
		return -EINVAL;
	vm->user_msr_mask = args[0];
	return 0;
}

static int rd_enable_platform_info(struct rd_vm *vm, const u64 *args)
{
	vm->platform_info_guest = args[0];
	return 0;
}

static int rd_enable_quirks2(struct rd_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)RD_QUIRKS)
		return -EINVAL;
	vm->disabled_quirks = args[0];
	return 0;
}

/* Once, and never above what there is: the limit is a promise to user space. */
static int rd_enable_max_id(struct rd_vm *vm, const u64 *args)
{
	if (args[0] > RD_MAX_VCPU_IDS || !args[0])
		return -EINVAL;
	if (vm->max_vcpu_id != RD_MAX_VCPU_IDS && vm->max_vcpu_id != args[0])
		return -EINVAL;
	vm->max_vcpu_id = args[0];
	return 0;
}

static int rd_enable_dirty_manual(struct rd_vm *vm, const u64 *args)
{
	u64 allowed = args[0] & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE ? RD_DIRTY_MANUAL : 0;

	if (args[0] & ~allowed)
		return -EINVAL;
	vm->manual_dirty_protect = args[0];
	return 0;
}

static int rd_enable_dirty_ring(struct rd_vm *vm, const u64 *args)
{
	return rd_vm_enable_ring(vm, args[0]);
}

/* Intercepts are chosen when a vCPU is made. */
static int rd_enable_disable_exits(struct rd_vm *vm, const u64 *args)
{
	if ((args[0] & ~(u64)RD_DISABLE_EXITS) || vm->nr_vcpus)
		return -EINVAL;
	vm->disabled_exits |= args[0];
	return 0;
}

static const struct {
	u32 cap;
	int (*fn)(struct rd_vm *vm, const u64 *args);
} enables[] = {
	{ KVM_CAP_SPLIT_IRQCHIP, rd_enable_split },
	{ KVM_CAP_X2APIC_API, rd_enable_x2apic },
	{ KVM_CAP_EXCEPTION_PAYLOAD, rd_enable_payload },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, rd_enable_triple_fault },
	{ KVM_CAP_X86_USER_SPACE_MSR, rd_enable_user_msr },
	{ KVM_CAP_MSR_PLATFORM_INFO, rd_enable_platform_info },
	{ KVM_CAP_DISABLE_QUIRKS2, rd_enable_quirks2 },
	{ KVM_CAP_MAX_VCPU_ID, rd_enable_max_id },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, rd_enable_dirty_manual },
	{ KVM_CAP_DIRTY_LOG_RING, rd_enable_dirty_ring },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, rd_enable_dirty_ring },
	{ KVM_CAP_X86_DISABLE_EXITS, rd_enable_disable_exits },
};

/*
 * vm->lock held. -EINVAL: unknown, or arguments that are not allowed; the others as the
 * capability's.
 */
int rd_vm_enable_cap(struct rd_vm *vm, const struct kvm_enable_cap *cap)
{
	unsigned int i;

	if (cap->flags)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(enables); i++)
		if (enables[i].cap == cap->cap)
			return enables[i].fn(vm, cap->args);
	return -EINVAL;
}

/* v->mutex held. One vCPU's word counts for all: the features belong to the VM. */
int rd_vcpu_enable_cap(struct rd_vcpu *v, const struct kvm_enable_cap *cap)
{
	if (cap->flags || cap->cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	v->vm->enforce_pv_features = cap->args[0];
	return 0;
}
