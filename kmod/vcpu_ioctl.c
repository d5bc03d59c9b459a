// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ioctls of a vCPU do, but for KVM_RUN (kmod/vcpu_fd.c) and those whose argument has no
 * fixed size (kmod/vcpu_ioctl_var.c).
 * Invariant: every handler runs with what its row asks for held, so none locks or loads by itself.
 */
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "kmod/vcpu_ioctl.h"
#include "vmm/clock.h"
#include "vmm/msr.h"
#include "vmm/vm.h"

/* --- registers -------------------------------------------------------------------------------- */

static long rd_get_regs(struct rd_call *c, void *data)
{
	rd_vcpu_get_regs(c->v, data);
	return 0;
}

static long rd_set_regs(struct rd_call *c, void *data)
{
	return rd_vcpu_set_regs(c->v, data);
}

static long rd_get_sregs(struct rd_call *c, void *data)
{
	rd_vcpu_get_sregs(c->v, data);
	return 0;
}

static long rd_set_sregs(struct rd_call *c, void *data)
{
	return rd_vcpu_set_sregs(c->v, data);
}

static long rd_get_sregs2(struct rd_call *c, void *data)
{
	rd_vcpu_get_sregs2(c->v, data);
	return 0;
}

static long rd_set_sregs2(struct rd_call *c, void *data)
{
	return rd_vcpu_set_sregs2(c->v, data);
}

static long rd_get_fpu(struct rd_call *c, void *data)
{
	rd_vcpu_get_fpu(c->v, data);
	return 0;
}

static long rd_set_fpu(struct rd_call *c, void *data)
{
	return rd_vcpu_set_fpu(c->v, data);
}

static long rd_get_xcrs(struct rd_call *c, void *data)
{
	return rd_vcpu_get_xcrs(c->v, data);
}

static long rd_set_xcrs(struct rd_call *c, void *data)
{
	return rd_vcpu_set_xcrs(c->v, data);
}

static long rd_get_events(struct rd_call *c, void *data)
{
	rd_vcpu_get_events(c->v, data);
	return 0;
}

static long rd_set_events(struct rd_call *c, void *data)
{
	return rd_vcpu_set_events(c->v, data);
}

static long rd_get_debugregs(struct rd_call *c, void *data)
{
	rd_vcpu_get_debugregs(c->v, data);
	return 0;
}

static long rd_set_debugregs(struct rd_call *c, void *data)
{
	return rd_vcpu_set_debugregs(c->v, data);
}

static long rd_get_mp_state(struct rd_call *c, void *data)
{
	return rd_vcpu_get_mp_state(c->v, data);
}

static long rd_set_mp_state(struct rd_call *c, void *data)
{
	return rd_vcpu_set_mp_state(c->v, data);
}

static long rd_set_guest_debug(struct rd_call *c, void *data)
{
	return rd_vcpu_set_guest_debug(c->v, data);
}

static long rd_translate(struct rd_call *c, void *data)
{
	return rd_vcpu_translate(c->v, data);
}

static long rd_get_lapic(struct rd_call *c, void *data)
{
	rd_lapic_get_state(&c->v->lapic, data, c->vm->chip.x2apic_format);
	return 0;
}

static long rd_set_lapic(struct rd_call *c, void *data)
{
	long r = rd_lapic_set_state(&c->v->lapic, data, c->vm->chip.x2apic_format);

	rd_vcpu_set_request(c->v, RD_REQ_EVENT);
	return r;
}

/* --- events ----------------------------------------------------------------------------------- */

/* For a PIC in user space: one vector waits at a time. */
static long rd_interrupt(struct rd_call *c, void *data)
{
	const struct kvm_interrupt *i = data;

	if (i->irq >= 256)
		return -EINVAL;
	if (c->vm->chip.mode == RD_IRQCHIP_KERNEL)
		return -ENXIO;
	if (c->v->user_irq >= 0)
		return -EEXIST;
	c->v->user_irq = i->irq;
	rd_vcpu_set_request(c->v, RD_REQ_EVENT);
	return 0;
}

static long rd_nmi(struct rd_call *c, void *data)
{
	rd_queue_nmi(c->v);
	rd_vcpu_set_request(c->v, RD_REQ_EVENT);
	return 0;
}

static long rd_clock_ctrl(struct rd_call *c, void *data)
{
	return rd_vcpu_clock_ctrl(c->v);
}

static long rd_setup_mce(struct rd_call *c, void *data)
{
	return rd_vcpu_setup_mce(c->v, *(u64 *)data);
}

static long rd_set_mce(struct rd_call *c, void *data)
{
	return rd_vcpu_set_mce(c->v, data);
}

/*
 * Reporting of TPR accesses exists for a guest that is patched while it runs, which Redoubt does
 * not take part in: it is refused, and the page that would go with it is accepted and never used,
 * because clients set it without asking.
 */
static long rd_tpr_reporting(struct rd_call *c, void *data)
{
	return -EINVAL;
}

static long rd_set_vapic_addr(struct rd_call *c, void *data)
{
	return 0;
}

/* --- clock, capabilities, attributes ---------------------------------------------------------- */

static long rd_set_tsc_khz(struct rd_call *c, void *data)
{
	if (c->arg != (u32)c->arg)
		return -EINVAL;
	return rd_vcpu_set_tsc_khz(c->v, c->arg);
}

static long rd_get_tsc_khz(struct rd_call *c, void *data)
{
	return c->v->tsc.khz;
}

static long rd_do_enable_cap(struct rd_call *c, void *data)
{
	return rd_vcpu_enable_cap(c->v, data);
}

static long rd_has_attr(struct rd_call *c, void *data)
{
	const struct kvm_device_attr *a = data;

	return a->group != KVM_VCPU_TSC_CTRL || a->attr != KVM_VCPU_TSC_OFFSET ? -ENXIO : 0;
}

static long rd_get_attr(struct rd_call *c, void *data)
{
	const struct kvm_device_attr *a = data;
	u64 val;
	long r = rd_has_attr(c, data);

	if (!r)
		r = rd_vcpu_tsc_attr_get(c->v, a->attr, &val);
	return r ? r : put_user(val, (u64 __user *)(unsigned long)a->addr);
}

static long rd_set_attr(struct rd_call *c, void *data)
{
	const struct kvm_device_attr *a = data;
	u64 val;
	long r = rd_has_attr(c, data);

	if (r)
		return r;
	if (get_user(val, (u64 __user *)(unsigned long)a->addr))
		return -EFAULT;
	return rd_vcpu_tsc_attr_set(c->v, a->attr, val);
}

static long rd_vcpu_stats_fd(struct rd_call *c, void *data)
{
	return rd_stats_fd_create(c->vm, c->v);
}

static struct rd_ioctl_row rows[] = {
	{ KVM_GET_REGS, RD_IOC_VCPU, rd_get_regs },
	{ KVM_SET_REGS, RD_IOC_VCPU, rd_set_regs },
	{ KVM_GET_SREGS, RD_IOC_VCPU, rd_get_sregs },
	{ KVM_SET_SREGS, RD_IOC_VCPU, rd_set_sregs },
	{ KVM_GET_SREGS2, RD_IOC_VCPU, rd_get_sregs2 },
	{ KVM_SET_SREGS2, RD_IOC_VCPU, rd_set_sregs2 },
	{ KVM_GET_FPU, RD_IOC_VCPU, rd_get_fpu },
	{ KVM_SET_FPU, RD_IOC_VCPU, rd_set_fpu },
	{ KVM_GET_XCRS, RD_IOC_VCPU, rd_get_xcrs },
	{ KVM_SET_XCRS, RD_IOC_VCPU, rd_set_xcrs },
	{ KVM_GET_VCPU_EVENTS, RD_IOC_VCPU, rd_get_events },
	{ KVM_SET_VCPU_EVENTS, RD_IOC_VCPU, rd_set_events },
	{ KVM_GET_DEBUGREGS, RD_IOC_VCPU, rd_get_debugregs },
	{ KVM_SET_DEBUGREGS, RD_IOC_VCPU, rd_set_debugregs },
	{ KVM_GET_MP_STATE, RD_IOC_VCPU, rd_get_mp_state },
	{ KVM_SET_MP_STATE, RD_IOC_VCPU, rd_set_mp_state },
	{ KVM_SET_GUEST_DEBUG, RD_IOC_VCPU, rd_set_guest_debug },
	{ KVM_TRANSLATE, RD_IOC_VCPU, rd_translate },
	{ KVM_GET_LAPIC, RD_IOC_VCPU | RD_IOC_LAPIC, rd_get_lapic },
	{ KVM_SET_LAPIC, RD_IOC_VCPU | RD_IOC_LAPIC, rd_set_lapic },
	{ KVM_GET_XSAVE, RD_IOC_VCPU | RD_IOC_SELF, rd_get_xsave },
	{ KVM_GET_XSAVE2, RD_IOC_VCPU | RD_IOC_SELF, rd_get_xsave2 },
	{ KVM_SET_XSAVE, RD_IOC_VCPU | RD_IOC_SELF, rd_set_xsave },
	{ KVM_SET_CPUID, RD_IOC_VCPU | RD_IOC_SELF, rd_set_cpuid1 },
	{ KVM_SET_CPUID2, RD_IOC_VCPU | RD_IOC_SELF, rd_set_cpuid2 },
	{ KVM_GET_CPUID2, RD_IOC_VCPU | RD_IOC_SELF, rd_get_cpuid2 },
	{ KVM_GET_MSRS, RD_IOC_VCPU | RD_IOC_SELF, rd_get_msrs },
	{ KVM_SET_MSRS, RD_IOC_VCPU | RD_IOC_SELF, rd_set_msrs },
	{ KVM_SET_SIGNAL_MASK, RD_IOC_VCPU_MUTEX | RD_IOC_SELF, rd_set_signal_mask },
	{ KVM_INTERRUPT, RD_IOC_VCPU_MUTEX, rd_interrupt },
	{ KVM_NMI, RD_IOC_VCPU, rd_nmi },
	{ KVM_KVMCLOCK_CTRL, RD_IOC_VCPU, rd_clock_ctrl },
	{ KVM_X86_SETUP_MCE, RD_IOC_VCPU, rd_setup_mce },
	{ KVM_X86_SET_MCE, RD_IOC_VCPU, rd_set_mce },
	{ KVM_TPR_ACCESS_REPORTING, 0, rd_tpr_reporting },
	{ KVM_SET_VAPIC_ADDR, RD_IOC_LAPIC, rd_set_vapic_addr },
	{ KVM_SET_TSC_KHZ, RD_IOC_VCPU, rd_set_tsc_khz },
	{ KVM_GET_TSC_KHZ, RD_IOC_VCPU_MUTEX, rd_get_tsc_khz },
	{ KVM_ENABLE_CAP, RD_IOC_VCPU_MUTEX, rd_do_enable_cap },
	{ KVM_HAS_DEVICE_ATTR, 0, rd_has_attr },
	{ KVM_GET_DEVICE_ATTR, RD_IOC_VCPU, rd_get_attr },
	{ KVM_SET_DEVICE_ATTR, RD_IOC_VCPU, rd_set_attr },
	{ KVM_GET_NESTED_STATE, RD_IOC_SELF, rd_get_nested_state },
	{ KVM_SET_NESTED_STATE, 0, rd_set_nested_state },
	{ KVM_GET_STATS_FD, 0, rd_vcpu_stats_fd },
};

struct rd_ioctl_table rd_vcpu_ioctls = { .rows = rows, .nr = ARRAY_SIZE(rows), .unknown = -EINVAL };
