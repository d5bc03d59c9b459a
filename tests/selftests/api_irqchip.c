// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt controllers as calls: creation order, state, routing, lines, messages, descriptors. */
#include "tests/selftests/lib/rdt.h"

#include <sys/eventfd.h>

static void create_twice(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);

	RDT_OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
}

static void create_after_vcpu(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);

	rdt_vcpu_new(vm, 0);
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EINVAL);
}

static void pit_create(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct kvm_pit_config pit = { 0 };

	/* Without an irqchip: older kernels create it, to no use; it is not checked again. */
	if (!ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		vm = rdt_vm_new(0, 0);
	else
		RDT_EQ(errno, ENOENT);
	RDT_OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	RDT_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT2, &pit), EEXIST);
}

static void nothing_without_irqchip(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct kvm_irq_level line = { .irq = 1, .level = 1 };
	struct kvm_irqchip chip = { 0 };
	struct kvm_pit_state2 pit = { 0 };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x40 };

	RDT_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE, &line), ENXIO);
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_PIT2, &pit), ENXIO);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_PIT2, &pit), ENXIO);
	RDT_ERRNO(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
}

static void irq_lines(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	struct kvm_irq_level line;

	rdt_vcpu_new(vm, 0);
	for (uint32_t gsi = 0; gsi < 24; gsi++) {
		line = (struct kvm_irq_level){ .irq = gsi, .level = 1 };
		RDT_OK(ioctl(vm->fd, KVM_IRQ_LINE, &line));
	}
	RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	RDT_EQ(chip.chip.pic.last_irr & ~4, 0xfb & ~4);
	for (uint32_t gsi = 0; gsi < 24; gsi++) {
		line = (struct kvm_irq_level){ .irq = gsi, .level = 0 };
		RDT_OK(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	}
	RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	RDT_EQ(chip.chip.pic.last_irr & ~4, 0);
}

static void chip_state(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct kvm_irqchip chip, again;

	for (uint32_t id = 0; id < 3; id++) {
		memset(&chip, 0, sizeof(chip));
		chip.chip_id = id;
		RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
		RDT_EQ(chip.chip_id, id);
		RDT_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
		memset(&again, 0, sizeof(again));
		again.chip_id = id;
		RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &again));
		RDT_EQ(memcmp(&chip, &again, sizeof(chip)), 0);
	}
	chip.chip_id = 3;
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), EINVAL);
}

static void ioapic_state(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	RDT_EQ(chip.chip.ioapic.base_address, 0xfec00000);
	for (int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		RDT_CHECK(chip.chip.ioapic.redirtbl[i].fields.mask);
	chip.chip.ioapic.redirtbl[5].bits = 0x0000000000010045ull;
	chip.chip.ioapic.ioregsel = 0x10;
	RDT_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
	memset(&chip, 0, sizeof(chip));
	chip.chip_id = KVM_IRQCHIP_IOAPIC;
	RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	RDT_EQ(chip.chip.ioapic.redirtbl[5].bits, 0x10045);
	RDT_EQ(chip.chip.ioapic.ioregsel, 0x10);
}

static void pit_state(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_PIT);
	struct kvm_pit_state2 a = { 0 }, b = { 0 };

	RDT_OK(ioctl(vm->fd, KVM_GET_PIT2, &a));
	a.channels[0].mode = 2;
	a.channels[0].count = 11932;
	a.channels[0].gate = 1;
	a.channels[2].mode = 3;
	a.channels[2].count = 1000;
	RDT_OK(ioctl(vm->fd, KVM_SET_PIT2, &a));
	RDT_OK(ioctl(vm->fd, KVM_GET_PIT2, &b));
	RDT_EQ(b.channels[0].mode, 2);
	RDT_EQ(b.channels[0].count, 11932);
	RDT_EQ(b.channels[2].mode, 3);
	RDT_EQ(b.channels[2].count, 1000);
}

static void reinject(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct kvm_reinject_control c = { .pit_reinject = 0 };
	struct kvm_pit_config pit = { 0 };

	RDT_ERRNO(ioctl(vm->fd, KVM_REINJECT_CONTROL, &c), ENXIO);
	RDT_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	RDT_OK(ioctl(vm->fd, KVM_REINJECT_CONTROL, &c));
	c.pit_reinject = 1;
	RDT_OK(ioctl(vm->fd, KVM_REINJECT_CONTROL, &c));
}

struct routing {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry e[64];
};

static int set_route(int fd, const struct kvm_irq_routing_entry *e, uint32_t flags)
{
	struct routing r = { .head.nr = 1, .head.flags = flags };

	r.e[0] = *e;
	return ioctl(fd, KVM_SET_GSI_ROUTING, &r);
}

static void routing_errors(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct kvm_irq_routing_entry msi = { .gsi = 30, .type = KVM_IRQ_ROUTING_MSI }, e;
	struct kvm_irq_routing huge = { .nr = 1 << 20 };

	msi.u.msi.address_lo = 0xfee00000;
	msi.u.msi.data = 0x41;
	RDT_OK(set_route(vm->fd, &msi, 0));
	RDT_ERRNO(set_route(vm->fd, &msi, 1), EINVAL);
	e = msi, e.type = 77;
	RDT_ERRNO(set_route(vm->fd, &e, 0), EINVAL);
	e = msi, e.flags = 0x100;
	RDT_ERRNO(set_route(vm->fd, &e, 0), EINVAL);
	e = msi, e.gsi = 1 << 20;
	RDT_ERRNO(set_route(vm->fd, &e, 0), EINVAL);
	e = (struct kvm_irq_routing_entry){ .gsi = 3, .type = KVM_IRQ_ROUTING_IRQCHIP };
	e.u.irqchip.irqchip = 9;
	RDT_ERRNO(set_route(vm->fd, &e, 0), EINVAL);
	e.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	e.u.irqchip.pin = KVM_IOAPIC_NUM_PINS;
	RDT_ERRNO(set_route(vm->fd, &e, 0), EINVAL);
	e.u.irqchip.irqchip = KVM_IRQCHIP_PIC_MASTER;
	e.u.irqchip.pin = 8;
	RDT_ERRNO(set_route(vm->fd, &e, 0), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &huge), EINVAL);
	huge.nr = 0;
	RDT_OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &huge));
}

static void routing_without_chip(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct kvm_irq_routing empty = { .nr = 0 };

	RDT_ERRNO(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &empty), EINVAL);
}

/* A line with a message route is a message: what QEMU's split mode does. */
static void line_with_msi_route(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);
	struct kvm_irq_routing_entry e = { .gsi = 30, .type = KVM_IRQ_ROUTING_MSI };
	struct kvm_irq_level line = { .irq = 30, .level = 1 };
	struct kvm_lapic_state lapic;

	RDT_OK(ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	*(uint32_t *)(lapic.regs + 0xf0) = 0x1ff;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic));
	e.u.msi.address_lo = 0xfee00000;
	e.u.msi.data = 0x41;
	RDT_OK(set_route(vm->fd, &e, 0));
	RDT_OK(ioctl(vm->fd, KVM_IRQ_LINE, &line));
	RDT_OK(ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	RDT_EQ(*(uint32_t *)(lapic.regs + 0x220), 2);
}

static void signal_msi(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x42 };
	struct kvm_lapic_state lapic;

	RDT_OK(ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	*(uint32_t *)(lapic.regs + 0xf0) = 0x1ff;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic));
	RDT_CHECK(RDT_OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)) > 0);
	RDT_OK(ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	RDT_EQ(*(uint32_t *)(lapic.regs + 0x220), 4);
	msi.flags = 0x10;
	RDT_ERRNO(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
}

static void irqfd_errors(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	int efd = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC), pipefd[2];
	struct kvm_irqfd good = { .fd = efd, .gsi = 5 }, e;

	RDT_OK(pipe(pipefd));
	e = good, e.flags = 0x100;
	RDT_ERRNO(ioctl(vm->fd, KVM_IRQFD, &e), EINVAL);
	e = good, e.fd = 1000;
	RDT_ERRNO(ioctl(vm->fd, KVM_IRQFD, &e), EBADF);
	e = good, e.fd = pipefd[0];
	RDT_ERRNO(ioctl(vm->fd, KVM_IRQFD, &e), EINVAL);
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &good));
	RDT_ERRNO(ioctl(vm->fd, KVM_IRQFD, &good), EBUSY);
	e = good, e.fd = other;
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &e));
	good.flags = KVM_IRQFD_FLAG_DEASSIGN;
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &good));
	good.flags = 0;
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &good));
	RDT_OK(close(efd)); /* the VM lets go of a descriptor that is closed */
	RDT_OK(close(other));
}

static struct {
	int vm, efd;
	volatile bool stop;
} contest;

static void *irqfd_contestant(void *flags)
{
	struct kvm_irqfd fd = { .fd = contest.efd, .gsi = 5, .flags = (uintptr_t)flags };

	while (!contest.stop)
		ioctl(contest.vm, KVM_IRQFD, &fd);
	return NULL;
}

/* One thread takes away what another is still assigning: the eventfd is pending, so that matters.
 */
static void irqfd_two_threads(void)
{
	static const uintptr_t flags[] = { 0, KVM_IRQFD_FLAG_DEASSIGN };
	struct rdt_vm *vm = rdt_vm_new(1 << 20, RDP_IRQCHIP);
	struct kvm_irqfd fd = { .gsi = 5 };
	pthread_t t[4];
	unsigned int i;

	contest.vm = vm->fd;
	contest.efd = RDT_OK(eventfd(1, 0));
	for (i = 0; i < ARRAY_SIZE(t); i++)
		RDT_EQ(pthread_create(&t[i], NULL, irqfd_contestant, (void *)flags[i % 2]), 0);
	sleep(2);
	contest.stop = true;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		RDT_EQ(pthread_join(t[i], NULL), 0);
	/* Whoever came last: it can be assigned again once it is away. */
	fd.fd = contest.efd;
	fd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &fd));
	fd.flags = 0;
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &fd));
	RDT_ERRNO(ioctl(vm->fd, KVM_IRQFD, &fd), EBUSY);
	rdt_vm_free(vm);
}

/* A write to the descriptor raises the line; checked at the controller. */
static void irqfd_signal(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	int efd = eventfd(0, EFD_CLOEXEC);
	struct kvm_irqfd fd = { .fd = efd, .gsi = 5 };
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	rdt_vcpu_new(vm, 0);
	RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	chip.chip.pic.init_state = 0;
	RDT_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &fd));
	RDT_OK(eventfd_write(efd, 1));
	for (int i = 0; i < 1000; i++) {
		RDT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
		if (chip.chip.pic.irr & 1 << 5)
			return;
		usleep(1000);
	}
	rdt_fail("the line never rose");
}

static void lapic_state(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct rdt_vcpu *a = rdt_vcpu_new(vm, 0), *b = rdt_vcpu_new(vm, 3);
	struct kvm_lapic_state s, t;

	RDT_OK(ioctl(a->fd, KVM_GET_LAPIC, &s));
	RDT_EQ(*(uint32_t *)(s.regs + 0x20), 0);
	RDT_OK(ioctl(b->fd, KVM_GET_LAPIC, &s));
	RDT_EQ(*(uint32_t *)(s.regs + 0x20), 3 << 24);
	RDT_EQ(*(uint32_t *)(s.regs + 0xf0), 0xff);
	RDT_EQ(*(uint32_t *)(s.regs + 0xe0), 0xffffffff);
	RDT_EQ(*(uint32_t *)(s.regs + 0x350) & 0x10000, 0x10000);
	*(uint32_t *)(s.regs + 0x350) = 0x700; /* LINT0: ExtINT */
	*(uint32_t *)(s.regs + 0x360) = 0x400; /* LINT1: NMI */
	*(uint32_t *)(s.regs + 0x80) = 0x30;
	RDT_OK(ioctl(b->fd, KVM_SET_LAPIC, &s));
	RDT_OK(ioctl(b->fd, KVM_GET_LAPIC, &t));
	RDT_EQ(*(uint32_t *)(t.regs + 0x350), 0x700);
	RDT_EQ(*(uint32_t *)(t.regs + 0x360), 0x400);
	RDT_EQ(*(uint32_t *)(t.regs + 0x80), 0x30);
}

/* On the first processor LINT0 comes up as ExtINT, so that a PC's firmware sees its timer. */
static void lapic_reset_lint0(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct rdt_vcpu *a = rdt_vcpu_new(vm, 0);
	struct kvm_lapic_state s;

	RDT_OK(ioctl(a->fd, KVM_GET_LAPIC, &s));
	RDT_EQ(*(uint32_t *)(s.regs + 0x350), 0x700);
}

static void lapic_without_chip(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);
	struct kvm_lapic_state s = { 0 };

	RDT_ERRNO(ioctl(vcpu->fd, KVM_GET_LAPIC, &s), EINVAL);
	RDT_ERRNO(ioctl(vcpu->fd, KVM_SET_LAPIC, &s), EINVAL);
}

static void split(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_irqchip chip = { 0 };
	struct kvm_lapic_state s;
	struct rdt_vcpu *vcpu;

	RDT_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	vcpu = rdt_vcpu_new(vm, 0);
	RDT_OK(ioctl(vcpu->fd, KVM_GET_LAPIC, &s));
}

static const struct rdt_test tests[] = {
	{ "create_twice", create_twice },
	{ "create_after_vcpu", create_after_vcpu },
	{ "pit_create", pit_create },
	{ "nothing_without_irqchip", nothing_without_irqchip },
	{ "irq_lines", irq_lines },
	{ "chip_state", chip_state },
	{ "ioapic_state", ioapic_state },
	{ "pit_state", pit_state },
	{ "reinject", reinject },
	{ "routing_errors", routing_errors },
	{ "routing_without_chip", routing_without_chip },
	{ "line_with_msi_route", line_with_msi_route },
	{ "signal_msi", signal_msi },
	{ "irqfd_errors", irqfd_errors },
	{ "irqfd_signal", irqfd_signal },
	{ "irqfd_two_threads", irqfd_two_threads, 10 },
	{ "lapic_state", lapic_state },
	{ "lapic_reset_lint0", lapic_reset_lint0 },
	{ "lapic_without_chip", lapic_without_chip },
	{ "split", split },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
