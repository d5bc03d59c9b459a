// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ioctls of a VM do.
 * Invariant: a handler whose row does not ask for vm->lock calls only what takes its own locks.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kmod/ioctl.h"
#include "kmod/irqfd.h"
#include "kmod/uapi/redoubt.h"
#include "kmod/uapi/redoubt_trace.h"
#include "vmm/clock.h"
#include "vmm/hw.h"
#include "vmm/msr.h"
#include "vmm/tsc_math.h"
#include "vmm/vm.h"

/* --- creation, capabilities, memory ----------------------------------------------------------- */

static long rd_vm_check_extension(struct rd_call *c, void *data)
{
	return rd_cap_value(c->vm, c->arg);
}

static long rd_vm_do_enable_cap(struct rd_call *c, void *data)
{
	return rd_vm_enable_cap(c->vm, data);
}

static long rd_vm_create_vcpu(struct rd_call *c, void *data)
{
	return rd_vcpu_fd_create(c->vm, c->arg);
}

static long rd_vm_set_memory(struct rd_call *c, void *data)
{
	return rd_slots_set(c->vm, data);
}

static long rd_vm_get_dirty_log(struct rd_call *c, void *data)
{
	return rd_slots_get_dirty(c->vm, data);
}

static long rd_vm_reset_dirty_rings(struct rd_call *c, void *data)
{
	return rd_vm_reset_rings(c->vm);
}

static long rd_vm_clear_dirty_log(struct rd_call *c, void *data)
{
	return rd_slots_clear_dirty(c->vm, data);
}

/*
 * Nested tables come and go with the memory that they map: there is nothing to limit. Values that
 * stock KVM refuses are refused.
 */
static long rd_vm_set_nr_mmu_pages(struct rd_call *c, void *data)
{
	return (u32)c->arg < 64 ? -EINVAL : 0;
}

/* Real mode needs no pages of the VM's here, so the addresses are only kept. */
static long rd_vm_set_tss_addr(struct rd_call *c, void *data)
{
	if (c->arg > (unsigned int)(-3 * PAGE_SIZE))
		return -EINVAL;
	c->vm->tss_addr = c->arg;
	return 0;
}

static long rd_vm_set_identity_map(struct rd_call *c, void *data)
{
	if (c->vm->nr_vcpus)
		return -EINVAL;
	c->vm->identity_map_addr = *(u64 *)data;
	return 0;
}

static long rd_vm_set_boot_cpu(struct rd_call *c, void *data)
{
	if (c->vm->nr_vcpus)
		return -EBUSY;
	c->vm->bsp_id = c->arg;
	return 0;
}

static long rd_vm_do_set_msr_filter(struct rd_call *c, void *data)
{
	return rd_vm_set_msr_filter(c->vm, data);
}

static long rd_vm_stats_fd(struct rd_call *c, void *data)
{
	return rd_stats_fd_create(c->vm, NULL);
}

/* In-kernel devices of other kinds (VFIO, and so on) need stock KVM's own structures. */
static long rd_vm_create_device(struct rd_call *c, void *data)
{
	return -ENODEV;
}

/* --- clock ------------------------------------------------------------------------------------ */

static long rd_vm_get_clock(struct rd_call *c, void *data)
{
	rd_vm_get_clock_data(c->vm, data);
	return 0;
}

static long rd_vm_set_clock_ioctl(struct rd_call *c, void *data)
{
	return rd_vm_set_clock_data(c->vm, data);
}

/* The rate that vCPUs created from now on get. Without scaling only the host's own will do. */
static long rd_vm_set_tsc_khz(struct rd_call *c, void *data)
{
	u32 host = rd_host_tsc_khz(), khz = c->arg ? (u32)c->arg : host;

	if (c->arg != (u32)c->arg || c->vm->nr_vcpus)
		return -EINVAL;
	if (khz != host && (!rd_hw->tsc_frac_bits || !rd_tsc_ratio(khz, host)))
		return -EINVAL;
	c->vm->clock.default_tsc_khz = khz;
	return 0;
}

static long rd_vm_get_tsc_khz(struct rd_call *c, void *data)
{
	return c->vm->clock.default_tsc_khz;
}

/* --- interrupt controllers -------------------------------------------------------------------- */

static long rd_vm_create_irqchip(struct rd_call *c, void *data)
{
	if (c->vm->chip.mode != RD_IRQCHIP_NONE)
		return -EEXIST;
	if (c->vm->nr_vcpus)
		return -EINVAL;
	return rd_irqchip_create(&c->vm->chip);
}

static long rd_vm_create_pit(struct rd_call *c, void *data)
{
	return rd_irqchip_create_pit(&c->vm->chip, KVM_PIT_SPEAKER_DUMMY);
}

static long rd_vm_create_pit2(struct rd_call *c, void *data)
{
	const struct kvm_pit_config *p = data;

	return rd_irqchip_create_pit(&c->vm->chip, p->flags);
}

static long rd_vm_get_irqchip(struct rd_call *c, void *data)
{
	return rd_irqchip_get_state(&c->vm->chip, data);
}

static long rd_vm_set_irqchip(struct rd_call *c, void *data)
{
	return rd_irqchip_set_state(&c->vm->chip, data);
}

static long rd_vm_get_pit2(struct rd_call *c, void *data)
{
	rd_pit_get_state(&c->vm->chip, data);
	return 0;
}

static long rd_vm_set_pit2(struct rd_call *c, void *data)
{
	return rd_pit_set_state(&c->vm->chip, data);
}

/* The older pair carries the channels without the flags. */
static long rd_vm_get_pit(struct rd_call *c, void *data)
{
	struct kvm_pit_state2 s;

	memset(&s, 0, sizeof(s));
	rd_pit_get_state(&c->vm->chip, &s);
	memcpy(data, s.channels, sizeof(s.channels));
	return 0;
}

static long rd_vm_set_pit(struct rd_call *c, void *data)
{
	struct kvm_pit_state2 s;

	memset(&s, 0, sizeof(s));
	rd_pit_get_state(&c->vm->chip, &s);
	memcpy(s.channels, data, sizeof(s.channels));
	return rd_pit_set_state(&c->vm->chip, &s);
}

static long rd_vm_reinject(struct rd_call *c, void *data)
{
	struct kvm_reinject_control r; /* the number does not say that there is one */

	if (copy_from_user(&r, c->user, sizeof(r)))
		return -EFAULT;
	rd_pit_reinject(&c->vm->chip, r.pit_reinject);
	return 0;
}

static long rd_vm_irq_line(struct rd_call *c, void *data)
{
	const struct kvm_irq_level *l = data;

	c->vm->stats.irq_lines++;
	rd_irqchip_set_gsi(&c->vm->chip, l->irq, RD_IRQ_SOURCE_USER, l->level);
	return 0;
}

static long rd_vm_irq_line_status(struct rd_call *c, void *data)
{
	struct kvm_irq_level *l = data;

	c->vm->stats.irq_lines++;
	l->status = rd_irqchip_set_gsi(&c->vm->chip, l->irq, RD_IRQ_SOURCE_USER, l->level);
	return 0;
}

static long rd_vm_set_routing(struct rd_call *c, void *data)
{
	const struct kvm_irq_routing __user *user = c->user;
	struct kvm_irq_routing_entry *e;
	struct kvm_irq_routing head;
	long r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.flags || head.nr > RD_MAX_ROUTES)
		return -EINVAL;
	e = rd_copy_array(user->entries, head.nr, RD_MAX_ROUTES, sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	r = -EINTR;
	if (!mutex_lock_killable(&c->vm->lock)) {
		r = -EINVAL;
		if (c->vm->chip.mode != RD_IRQCHIP_NONE)
			r = rd_irqchip_set_routes(&c->vm->chip, e, head.nr);
		mutex_unlock(&c->vm->lock);
	}
	kvfree(e);
	return r;
}

/* Returns >0 delivered, 0 blocked by the guest, negative errno. */
static long rd_vm_signal_msi(struct rd_call *c, void *data)
{
	const struct kvm_msi *m = data;
	struct rd_msi msi = {
		.address = (u64)m->address_hi << 32 | m->address_lo,
		.data = m->data,
	};

	if (m->flags || c->vm->chip.mode == RD_IRQCHIP_NONE)
		return -EINVAL;
	c->vm->stats.msis++;
	return rd_irqchip_msi(&c->vm->chip, &msi);
}

static long rd_vm_irqfd(struct rd_call *c, void *data)
{
	return rd_irqfd(c->vm, data);
}

/* --- buses ------------------------------------------------------------------------------------ */

static long rd_vm_ioeventfd(struct rd_call *c, void *data)
{
	return rd_bus_ioeventfd(c->vm, data);
}

static long rd_vm_register_zone(struct rd_call *c, void *data)
{
	return rd_bus_register_coalesced(c->vm, data);
}

static long rd_vm_unregister_zone(struct rd_call *c, void *data)
{
	return rd_bus_unregister_coalesced(c->vm, data);
}

/* --- Redoubt's own ---------------------------------------------------------------------------- */

static long rd_vm_set_name(struct rd_call *c, void *data)
{
	const struct rd_vm_name *n = data;
	size_t i, len = strnlen(n->name, sizeof(n->name));

	BUILD_BUG_ON(sizeof(n->name) != sizeof(c->vm->name));
	if (len == sizeof(n->name))
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (n->name[i] < 0x20 || n->name[i] > 0x7e)
			return -EINVAL;
	memset(c->vm->name, 0, sizeof(c->vm->name));
	memcpy(c->vm->name, n->name, len);
	return 0;
}

static long rd_vm_get_status(struct rd_call *c, void *data)
{
	struct rd_vm_status *s = data;

	s->id = c->vm->id;
	s->dead = READ_ONCE(c->vm->dead);
	s->nr_vcpus = smp_load_acquire(&c->vm->nr_vcpus);
	memcpy(s->name, c->vm->name, sizeof(s->name));
	if (s->dead)
		strscpy(s->reason, c->vm->dead_reason, sizeof(s->reason));
	return 0;
}

static long rd_vm_trace_add(struct rd_call *c, void *data)
{
	return rd_trace_add(c->vm, data);
}

static long rd_vm_trace_remove(struct rd_call *c, void *data)
{
	return rd_trace_remove(c->vm, data);
}

static long rd_vm_trace_next(struct rd_call *c, void *data)
{
	return rd_trace_next(c->vm, data);
}

static long rd_vm_trace_stats(struct rd_call *c, void *data)
{
	rd_trace_get_stats(c->vm, data);
	return 0;
}

static long rd_vm_trace_events(struct rd_call *c, void *data)
{
	return rd_trace_fd_create(c->vm);
}

static long rd_vm_trace_write(struct rd_call *c, void *data)
{
	return rd_trace_vmm_write(c->vm, data);
}

static long rd_vm_trace_get_guest(struct rd_call *c, void *data)
{
	return rd_trace_get_guest(c->vm, data);
}

static long rd_vm_trace_set_guest(struct rd_call *c, void *data)
{
	return rd_trace_set_guest(c->vm, data);
}

static long rd_vm_trace_want(struct rd_call *c, void *data)
{
	return rd_trace_want(c->vm, data);
}

static long rd_vm_trace_driver(struct rd_call *c, void *data)
{
	rd_trace_driver(c->vm, data);
	return 0;
}

static long rd_vm_trace_serve(struct rd_call *c, void *data)
{
	return rd_trace_serve(c->vm);
}

static struct rd_ioctl_row rows[] = {
	{ KVM_CHECK_EXTENSION, 0, rd_vm_check_extension },
	{ KVM_ENABLE_CAP, RD_IOC_VM_LOCK, rd_vm_do_enable_cap },
	{ KVM_CREATE_VCPU, RD_IOC_VM_LOCK, rd_vm_create_vcpu },
	{ KVM_SET_USER_MEMORY_REGION, 0, rd_vm_set_memory },
	{ KVM_GET_DIRTY_LOG, 0, rd_vm_get_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, RD_IOC_NO_OUT, rd_vm_clear_dirty_log },
	{ KVM_RESET_DIRTY_RINGS, 0, rd_vm_reset_dirty_rings },
	{ KVM_SET_NR_MMU_PAGES, 0, rd_vm_set_nr_mmu_pages },
	{ KVM_SET_TSS_ADDR, 0, rd_vm_set_tss_addr },
	{ KVM_SET_IDENTITY_MAP_ADDR, RD_IOC_VM_LOCK, rd_vm_set_identity_map },
	{ KVM_SET_BOOT_CPU_ID, RD_IOC_VM_LOCK, rd_vm_set_boot_cpu },
	{ KVM_X86_SET_MSR_FILTER, 0, rd_vm_do_set_msr_filter },
	{ KVM_GET_STATS_FD, 0, rd_vm_stats_fd },
	{ KVM_CREATE_DEVICE, 0, rd_vm_create_device },
	{ KVM_GET_CLOCK, 0, rd_vm_get_clock },
	{ KVM_SET_CLOCK, 0, rd_vm_set_clock_ioctl },
	{ KVM_SET_TSC_KHZ, RD_IOC_VM_LOCK, rd_vm_set_tsc_khz },
	{ KVM_GET_TSC_KHZ, 0, rd_vm_get_tsc_khz },
	{ KVM_CREATE_IRQCHIP, RD_IOC_VM_LOCK, rd_vm_create_irqchip },
	{ KVM_CREATE_PIT, RD_IOC_VM_LOCK, rd_vm_create_pit },
	{ KVM_CREATE_PIT2, RD_IOC_VM_LOCK, rd_vm_create_pit2 },
	{ KVM_GET_IRQCHIP, RD_IOC_CHIP, rd_vm_get_irqchip },
	{ KVM_SET_IRQCHIP, RD_IOC_CHIP | RD_IOC_IN | RD_IOC_NO_OUT, rd_vm_set_irqchip },
	{ KVM_GET_PIT, RD_IOC_PIT, rd_vm_get_pit },
	{ KVM_SET_PIT, RD_IOC_PIT | RD_IOC_IN | RD_IOC_NO_OUT, rd_vm_set_pit },
	{ KVM_GET_PIT2, RD_IOC_PIT, rd_vm_get_pit2 },
	{ KVM_SET_PIT2, RD_IOC_PIT, rd_vm_set_pit2 },
	{ KVM_REINJECT_CONTROL, RD_IOC_PIT, rd_vm_reinject },
	{ KVM_IRQ_LINE, RD_IOC_ANY_CHIP, rd_vm_irq_line },
	{ KVM_IRQ_LINE_STATUS, RD_IOC_ANY_CHIP, rd_vm_irq_line_status },
	{ KVM_SET_GSI_ROUTING, RD_IOC_SELF, rd_vm_set_routing },
	{ KVM_SIGNAL_MSI, 0, rd_vm_signal_msi },
	{ KVM_IRQFD, 0, rd_vm_irqfd },
	{ KVM_IOEVENTFD, 0, rd_vm_ioeventfd },
	{ KVM_REGISTER_COALESCED_MMIO, 0, rd_vm_register_zone },
	{ KVM_UNREGISTER_COALESCED_MMIO, 0, rd_vm_unregister_zone },
	{ RD_VM_SET_NAME, RD_IOC_VM_LOCK, rd_vm_set_name },
	{ RD_VM_GET_STATUS, RD_IOC_DEAD_TOO, rd_vm_get_status },
	{ RD_VM_TRACE_ADD, 0, rd_vm_trace_add },
	{ RD_VM_TRACE_REMOVE, 0, rd_vm_trace_remove },
	{ RD_VM_TRACE_NEXT, 0, rd_vm_trace_next },
	{ RD_VM_TRACE_STATS, RD_IOC_DEAD_TOO, rd_vm_trace_stats },
	{ RD_VM_TRACE_EVENTS, RD_IOC_ZERO_ARG, rd_vm_trace_events },
	{ RD_VM_TRACE_WRITE, 0, rd_vm_trace_write },
	{ RD_VM_TRACE_SERVE, RD_IOC_ZERO_ARG, rd_vm_trace_serve },
	{ RD_VM_TRACE_GET_GUEST, 0, rd_vm_trace_get_guest },
	{ RD_VM_TRACE_SET_GUEST, 0, rd_vm_trace_set_guest },
	{ RD_VM_TRACE_WANT, 0, rd_vm_trace_want },
	{ RD_VM_TRACE_DRIVER, RD_IOC_DEAD_TOO, rd_vm_trace_driver },
};

struct rd_ioctl_table rd_vm_ioctls = { .rows = rows, .nr = ARRAY_SIZE(rows), .unknown = -ENOTTY };
