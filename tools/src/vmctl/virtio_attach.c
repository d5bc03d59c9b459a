// SPDX-License-Identifier: GPL-2.0-only
/* The machine's virtio devices on the hypervisor's API. */
#include "tools/src/vmctl/virtio_attach.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"
#include "tools/src/vmctl/virtio_save.h"

#include <sys/ioctl.h>

/* Notifications wake the I/O thread without an exit to user space, where the hypervisor can. */
static int catch_notifications(struct rd_machine *m, struct rd_virtio_slot *s)
{
	bool any_len = rd_kvm_cap(m->kvm->fd, KVM_CAP_IOEVENTFD_ANY_LENGTH);

	if (!rd_kvm_cap(m->kvm->fd, KVM_CAP_IOEVENTFD))
		return RD_OK;
	for (unsigned int q = 0; q < s->v.n_queues; q++) {
		struct kvm_ioeventfd io = {
			.addr = rd_virtio_pci_notify_gpa(&s->pci, q),
			.len = any_len ? 0 : 2,
			.fd = s->v.queues[q].kick_fd,
		};

		if (ioctl(m->vm_fd, KVM_IOEVENTFD, &io) < 0)
			return rd_kvm_fail("KVM_IOEVENTFD");
	}
	return RD_OK;
}

/* The thread ends before descriptors are closed: the device may be signalling a vector. */
static void destroy_slot(struct rd_virtio_slot *s)
{
	const struct rd_virtio_ops *ops = s->v.ops;

	rd_virtio_destroy(&s->v);
	rd_msi_destroy(&s->msi);
	ops->destroy(&s->v);
}

int rd_virtio_attach(struct rd_machine *m, struct rd_virtio_slot *s)
{
	int status;

	if (m->n_virtio == RD_PCI_SLOTS) {
		destroy_slot(s);
		return rd_fail(RD_USAGE, "more than %u devices", RD_PCI_SLOTS - 1);
	}
	m->virtio[m->n_virtio++] = s;
	status = rd_msi_init(&s->msi, m, rd_virtio_pci_vectors(&s->v));
	if (status)
		return status;
	if (!rd_virtio_pci_init(&s->pci, &s->v, &m->pci, rd_msi_host(&s->msi)))
		return rd_fail(RD_USAGE, "more than %u devices", RD_PCI_SLOTS - 1);
	if (!rd_virtio_register(&m->states, s))
		return rd_fail(RD_HOST_ERROR, "two devices have the same name");
	return catch_notifications(m, s);
}

int rd_virtio_create_all(struct rd_machine *m)
{
	int status = RD_OK;

	if (!m->has_pci)
		return RD_OK;
	if (!rd_kvm_cap(m->kvm->fd, KVM_CAP_SIGNAL_MSI))
		return rd_fail(RD_HOST_ERROR, "%s cannot deliver MSI", m->kvm->node);
	if (!rd_pci_init(&m->pci, &m->bus))
		return rd_fail(RD_HOST_ERROR, "two devices claim the same addresses");
	if (!rd_states_add(&m->states, "pci", &rd_pci_state, &m->pci))
		return rd_fail(RD_HOST_ERROR, "two devices have the same name");
	for (const struct rd_virtio_kind *k = rd_virtio_kinds; k->create && !status; k++)
		status = k->create(m);
	return status;
}

void rd_virtio_destroy_all(struct rd_machine *m)
{
	for (unsigned int i = 0; i < m->n_virtio; i++)
		destroy_slot(m->virtio[i]);
	m->n_virtio = 0;
}

int rd_virtio_start_all(struct rd_machine *m)
{
	int status = RD_OK;

	for (unsigned int i = 0; i < m->n_virtio && !status; i++)
		if (!m->virtio[i]->v.started)
			status = rd_virtio_start(&m->virtio[i]->v);
	return status;
}
