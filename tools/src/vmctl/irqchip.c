// SPDX-License-Identifier: GPL-2.0-only
/* The two wirings of the interrupt controllers. */
#include "tools/src/vmctl/irqchip.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

void rd_irqchip_failed(struct rd_machine *m, const char *ioctl_name)
{
	if (rd_machine_stopping(m))
		return;
	rd_kvm_fail(ioctl_name);
	rd_machine_end(m, RD_END_VM_ERROR);
}

static void set_kernel_line(void *ctx, unsigned int gsi, bool level)
{
	struct rd_machine *m = ctx;
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (ioctl(m->vm_fd, KVM_IRQ_LINE, &line) < 0)
		rd_irqchip_failed(m, "KVM_IRQ_LINE");
}

/* The 8254 is optional: a guest that knows its TSC frequency does without. */
static int create_kernel(struct rd_machine *m)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(m->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return rd_kvm_fail("KVM_CREATE_IRQCHIP");
	m->legacy_pic = m->kernel_irqchip = true;
	if (!rd_kvm_cap(m->kvm->fd, KVM_CAP_PIT2))
		return RD_OK;
	if (ioctl(m->vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return rd_kvm_fail("KVM_CREATE_PIT2");
	m->has_pit = rd_kvm_cap(m->kvm->fd, KVM_CAP_PIT_STATE2);
	return RD_OK;
}

static void send_msi(void *ctx, const struct rd_msi *msi)
{
	struct rd_machine *m = ctx;
	struct kvm_msi k = {
		.address_lo = (uint32_t)msi->address,
		.address_hi = (uint32_t)(msi->address >> 32),
		.data = msi->data,
	};

	/* Zero means that no vCPU takes the message, which is the guest's own affair. */
	if (ioctl(m->vm_fd, KVM_SIGNAL_MSI, &k) < 0)
		rd_irqchip_failed(m, "KVM_SIGNAL_MSI");
}

/* The kernel reports acknowledgements of the level-triggered vectors in this table. */
static void set_routes(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS])
{
	struct rd_machine *m = ctx;
	struct kvm_irq_routing_entry entries[RD_IOAPIC_PINS];
	uint32_t n = 0;

	memset(entries, 0, sizeof(entries));
	for (uint32_t pin = 0; pin < RD_IOAPIC_PINS; pin++) {
		struct kvm_irq_routing_entry *e = &entries[n];

		if (msi[pin].masked)
			continue;
		e->gsi = pin;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = (uint32_t)msi[pin].address;
		e->u.msi.address_hi = (uint32_t)(msi[pin].address >> 32);
		e->u.msi.data = msi[pin].data;
		n++;
	}
	if (rd_routes_set_chip(m, entries, n) < 0)
		rd_irqchip_failed(m, "KVM_SET_GSI_ROUTING");
}

static int create_split(struct rd_machine *m)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = RD_IOAPIC_PINS };
	struct rd_ioapic_host host = { .send = send_msi, .route = set_routes, .ctx = m };

	if (!rd_kvm_cap(m->kvm->fd, KVM_CAP_SPLIT_IRQCHIP) ||
	    !rd_kvm_cap(m->kvm->fd, KVM_CAP_SIGNAL_MSI))
		return rd_fail(RD_HOST_ERROR, "--irqchip split: %s cannot", m->kvm->node);
	if (ioctl(m->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		return rd_kvm_fail("KVM_ENABLE_CAP(KVM_CAP_SPLIT_IRQCHIP)");
	if (!rd_ioapic_init(&m->ioapic, &m->bus, host))
		return rd_fail(RD_HOST_ERROR, "two devices claim the I/O APIC's addresses");
	return RD_OK;
}

int rd_irqchip_create(struct rd_machine *m)
{
	int status = m->config->split_irqchip ? create_split(m) : create_kernel(m);

	return status ? status : rd_routes_init(m);
}

struct rd_irq rd_irqchip_line(struct rd_machine *m, unsigned int gsi)
{
	if (m->config->split_irqchip)
		return (struct rd_irq){ .set = rd_ioapic_set, .ctx = &m->ioapic, .gsi = gsi };
	return (struct rd_irq){ .set = set_kernel_line, .ctx = m, .gsi = gsi };
}
