// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests in which host and payload take turns: interrupt lines and messages raised from outside,
 * NMIs from the client, ends that only the host can see, pages taken away in mid-delivery.
 */
#include "tests/selftests/lib/rdt.h"

#include <sys/eventfd.h>

static void line(struct rdt_vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	RDT_OK(ioctl(vm->fd, KVM_IRQ_LINE, &l));
}

static void ioapic_edge(void)
{
	struct rdt_vm *vm = rdt_payload_vm("irq", "ioapic_edge");
	struct rdt_vcpu *v = vm->vcpu[0];

	for (int i = 0; i < 10; i++) {
		RDT_EQ(rdt_until_sync(v), 1);
		line(vm, 5, 1);
		line(vm, 5, 0);
	}
	RDT_EQ(rdt_until_sync(v), 3);
	line(vm, 5, 1); /* and stays there */
	rdt_finish(v);
}

static void ioapic_level(void)
{
	struct rdt_vm *vm = rdt_payload_vm("irq", "ioapic_level");
	struct rdt_vcpu *v = vm->vcpu[0];

	for (int i = 0; i < 5; i++) {
		RDT_EQ(rdt_until_sync(v), 1);
		line(vm, 9, 1);
		RDT_EQ(rdt_until_sync(v), 2);
		line(vm, 9, 0);
	}
	rdt_finish(v);
}

static void msi(void)
{
	struct rdt_vm *vm = rdt_payload_vm("irq", "msi");
	struct kvm_msi m = { .address_lo = 0xfee00000, .data = 0x43 };

	for (int i = 0; i < 10; i++) {
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		RDT_EQ(ioctl(vm->fd, KVM_SIGNAL_MSI, &m), 1);
	}
	rdt_finish(vm->vcpu[0]);
}

static void nmi_wakes_hlt(void)
{
	struct rdt_vm *vm = rdt_payload_vm("irq", "nmi_wakes_hlt");

	for (uint32_t i = 1; i <= 3; i++) {
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), i);
		RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_NMI, 0));
	}
	rdt_finish(vm->vcpu[0]);
}

static void triple_fault(void)
{
	struct rdt_vm *vm = rdt_payload_vm("exception", "triple_fault");

	rdt_until_exit(vm->vcpu[0], KVM_EXIT_SHUTDOWN);
}

/*
 * What KVM_RUN says does not matter much; that it comes back, and not as a success, does. The
 * guest may have met an exception of its own.
 */
static void ends_somehow(const char *payload, const char *test)
{
	struct rdt_vm *vm = rdt_payload_vm(payload, test);
	enum rdt_end end;

	do {
		end = rdt_step(vm->vcpu[0], NULL);
	} while (end == RDT_INTR);
	if (end == RDT_FAIL) {
		rdt_note("guest: %s", (char *)vm->shared->message);
		RDT_CHECK(strstr((char *)vm->shared->message, "unexpected vector"));
	} else {
		RDT_EQ(end, RDT_EXIT);
		if (vm->vcpu[0]->run->exit_reason != KVM_EXIT_INTERNAL_ERROR)
			RDT_EQ(vm->vcpu[0]->run->exit_reason, KVM_EXIT_SHUTDOWN);
	}
	rdt_vm_free(vm);
}

static void stack_in_mmio(void)
{
	ends_somehow("exception", "stack_in_mmio");
}

static void execute_nowhere(void)
{
	ends_somehow("memory", "execute_nowhere");
}

/* The page with the interrupt table and all others go between two exceptions. */
static void fresh_table(void)
{
	struct rdt_vm *vm = rdt_payload_vm("exception", "fresh_table");
	uint8_t *copy = malloc(RDP_RAM_MIN);

	for (uint32_t i = 1; i <= 5; i++) {
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), i);
		memcpy(copy, vm->ram, RDP_RAM_MIN);
		RDT_OK(madvise(vm->ram, RDP_RAM_MIN, MADV_DONTNEED));
		memcpy(vm->ram, copy, RDP_RAM_MIN);
	}
	rdt_finish(vm->vcpu[0]);
}

/* A processor in real mode at the code, with the handler at vector 0x20. */
static struct rdt_vcpu *real_mode_machine(struct rdt_vm *vm, const uint8_t *code, size_t code_len,
					  const uint8_t *handler, size_t handler_len)
{
	struct rdt_vcpu *v = rdt_vcpu_new(vm, 0);
	uint16_t *ivt = rdt_gpa(vm, 0);

	memcpy(rdt_gpa(vm, RDP_REAL_GPA), code, code_len);
	memcpy(rdt_gpa(vm, RDP_REAL_GPA + 0x100), handler, handler_len);
	ivt[0x20 * 2] = 0x100;
	ivt[0x20 * 2 + 1] = RDP_REAL_GPA >> 4;
	rdt_real_mode(v, RDP_REAL_GPA, 0, 0);
	return v;
}

/* Without irqchip: interrupts by KVM_INTERRUPT, windows by request, HLT as an exit. */
static void user_irqchip(void)
{
	static const uint8_t code[] = {
		0xfa, /* cli */
		0xb0, 0x01, 0xe6, 0x60, /* mov $1, %al; out %al, $0x60 */
		0xfb, 0x90, /* sti; nop */
		0xf4, /* hlt */
		0xeb, 0xfd, /* jmp -3 */
	};
	static const uint8_t handler[] = { 0xb0, 0x02, 0xe6, 0x60, 0xcf };
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *v = real_mode_machine(vm, code, sizeof(code), handler, sizeof(handler));
	struct kvm_interrupt irq = { .irq = 0x20 };

	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	RDT_EQ(v->run->if_flag, 0);
	v->run->request_interrupt_window = 1;
	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
	RDT_EQ(v->run->ready_for_interrupt_injection, 1);
	RDT_EQ(v->run->if_flag, 1);
	v->run->request_interrupt_window = 0;
	RDT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	RDT_EQ(*((uint8_t *)v->run + v->run->io.data_offset), 2);
	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_HLT);
	RDT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_HLT);
}

/* An interrupt that waits for STI's shadow to end is delivered behind it, without a trace in DR6.
 */
static void interrupt_behind_shadow(void)
{
	static const uint8_t code[] = {
		0xfa, /* cli */
		0xb0, 0x01, 0xe6, 0x60, /* mov $1, %al; out %al, $0x60 */
		0x0f, 0x21, 0xf8, /* mov %dr7, %eax: the debug registers are live now */
		0xfb, /* sti */
		0xa0, 0x00, 0x90, /* mov 0x9000, %al: a nested fault in the shadow */
		0xf4, /* hlt */
	};
	static const uint8_t handler[] = {
		0x0f, 0x21, 0xf0, /* mov %dr6, %eax */
		0x66, 0xc1, 0xe8, 0x0e, /* shr $14, %eax */
		0xe6, 0x60, 0xcf, /* out %al, $0x60; iret */
	};
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *v = real_mode_machine(vm, code, sizeof(code), handler, sizeof(handler));
	struct kvm_interrupt irq = { .irq = 0x20 };

	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	/* A page that the code has not touched yet, and the host has taken away. */
	RDT_OK(madvise(rdt_gpa(vm, 0x9000), 0x1000, MADV_DONTNEED));
	RDT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	RDT_OK(rdt_run_once(v));
	RDT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	RDT_EQ(*((uint8_t *)v->run + v->run->io.data_offset), 0xfc);
}

/* A device in the kernel by eventfd: the write is no exit, and the descriptor counts it. */
static void ioeventfd(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	struct rdt_vcpu *v = vm->vcpu[0];
	int efd = RDT_OK(eventfd(0, EFD_CLOEXEC));
	struct kvm_ioeventfd e = { .addr = RDP_MMIO_GPA + 8, .len = 8, .fd = efd };
	uint64_t n = 0;

	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	for (int i = 0; i < 5; i++) {
		RDT_EQ(rdt_until_sync(v), 1);
		vm->shared->args[0] = 1;
		vm->shared->args[1] = RDP_MMIO_GPA + 8;
	}
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(read(efd, &n, 8), 8);
	RDT_EQ(n, 5);
	RDT_EQ(vm->shared->mmio.writes, 0);
	e.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->mmio.writes, 1);
	/* With a value to match, only that value counts. */
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
	e.datamatch = 77;
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	vm->shared->args[2] = 76;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->mmio.writes, 2);
	vm->shared->args[2] = 77;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->mmio.writes, 2);
	RDT_EQ(read(efd, &n, 8), 8);
	RDT_EQ(n, 1);
}

/* Writes to a coalesced zone pile up in the ring and come with the next exit. */
static void coalesced_mmio(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	struct rdt_vcpu *v = vm->vcpu[0];
	struct kvm_coalesced_mmio_zone z = { .addr = RDP_MMIO_GPA, .size = 0x1000 };
	long page = rdt_cap(vm->fd, KVM_CAP_COALESCED_MMIO);
	struct kvm_coalesced_mmio_ring *ring;

	RDT_CHECK(page > 0);
	ring = (void *)((uint8_t *)v->run + page * 4096);
	RDT_OK(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z));
	for (uint32_t i = 0; i < 5; i++) {
		RDT_EQ(rdt_until_sync(v), 1);
		vm->shared->args[0] = 1;
		vm->shared->args[1] = RDP_MMIO_GPA + 16 * i;
		vm->shared->args[2] = i;
	}
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->mmio.writes, 0);
	RDT_EQ(ring->last - ring->first, 5);
	for (uint32_t i = 0; i < 5; i++) {
		RDT_EQ(ring->coalesced_mmio[i].phys_addr, RDP_MMIO_GPA + 16 * i);
		RDT_EQ(ring->coalesced_mmio[i].len, 8);
		RDT_EQ(ring->coalesced_mmio[i].data[0], i);
	}
	ring->first = ring->last;
}

/* Stock KVM does not get INT3 or a hit of DR7 from QEMU's TCG. */
static bool no_breakpoints(void)
{
	return rdt_is_emulated() && rdt_is_stock();
}

static void set_debug(struct rdt_vcpu *v, struct kvm_guest_debug *d, uint32_t what)
{
	d->control = what ? KVM_GUESTDBG_ENABLE | what : 0;
	RDT_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, d));
}

static void debug_exit(struct rdt_vcpu *v, uint32_t exception, uint64_t pc)
{
	rdt_until_exit(v, KVM_EXIT_DEBUG);
	RDT_EQ(v->run->debug.arch.exception, exception);
	RDT_EQ(v->run->debug.arch.pc, pc);
}

/* Single steps and a breakpoint asked for by the client end as debug exits. */
static void guest_debug(void)
{
	static const uint8_t code[] = { 0x90, 0x90, 0xcc, 0x90, 0xf4 };
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *v = rdt_vcpu_new(vm, 0);
	struct kvm_guest_debug d = {};

	memcpy(rdt_gpa(vm, RDP_IMAGE_GPA), code, sizeof(code));
	rdt_long_mode(v, RDP_IMAGE_GPA, RDP_IMAGE_GPA, 0);
	set_debug(v, &d, KVM_GUESTDBG_SINGLESTEP);
	for (uint32_t i = 1; i <= 2; i++) {
		debug_exit(v, 1, RDP_IMAGE_GPA + i);
		RDT_EQ(v->run->debug.arch.dr6 & 0x4000, 0x4000);
	}
	if (no_breakpoints())
		return;
	set_debug(v, &d, KVM_GUESTDBG_USE_SW_BP);
	debug_exit(v, 3, RDP_IMAGE_GPA + 2);
}

/* Breakpoints in the debug registers: on an instruction, on a write. */
static void hardware_breakpoints(void)
{
	enum { DATA = RDP_IMAGE_GPA + 0x800, AFTER = RDP_IMAGE_GPA + 10 };
	/* nop; nop; mov %rax, DATA; nop; hlt */
	static const uint8_t code[] = { 0x90, 0x90, 0x48, 0x89, 0x04, 0x25, DATA & 0xff,
					DATA >> 8 & 0xff, DATA >> 16 & 0xff, DATA >> 24, 0x90,
					0xf4 };
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *v = rdt_vcpu_new(vm, 0);
	struct kvm_guest_debug d = {};

	if (no_breakpoints())
		rdt_skip("QEMU's TCG does not act on a DR7 that VMRUN loads");
	memcpy(rdt_gpa(vm, RDP_IMAGE_GPA), code, sizeof(code));
	rdt_long_mode(v, RDP_IMAGE_GPA, RDP_IMAGE_GPA, 0);
	d.arch.debugreg[3] = RDP_IMAGE_GPA + 1;
	d.arch.debugreg[7] = 0x480; /* G3 */
	set_debug(v, &d, KVM_GUESTDBG_USE_HW_BP);
	debug_exit(v, 1, RDP_IMAGE_GPA + 1);
	RDT_EQ(v->run->debug.arch.dr6 & 0xf, 8);
	RDT_EQ(v->run->debug.arch.dr7, 0x480);
	d.arch.debugreg[1] = DATA;
	d.arch.debugreg[7] = 0x408 | 1 << 20 | 2 << 22; /* G1, eight bytes written */
	set_debug(v, &d, KVM_GUESTDBG_USE_HW_BP);
	debug_exit(v, 1, AFTER);
	RDT_EQ(v->run->debug.arch.dr6 & 0xf, 2);
	set_debug(v, &d, 0);
	rdt_until_exit(v, KVM_EXIT_HLT);
}

/*
 * With breakpoints asked for, the guest's own INT3 comes to the client, who gives it back, and all
 * other software interrupts go their way: each handler returns behind its instruction.
 */
static void guest_has_int3_itself(void)
{
	struct rdt_vm *vm = rdt_payload_vm("exception", "software_interrupts");
	struct rdt_vcpu *v = vm->vcpu[0];
	struct kvm_vcpu_events e;
	struct kvm_guest_debug d = {};

	if (no_breakpoints())
		rdt_skip("QEMU's TCG does not intercept INT3");
	set_debug(v, &d, KVM_GUESTDBG_USE_SW_BP);
	for (int i = 0; i < 2; i++) { /* INT $3 is assembled as INT3, too */
		rdt_until_exit(v, KVM_EXIT_DEBUG);
		RDT_EQ(v->run->debug.arch.exception, 3);
		RDT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
		e.flags = 0;
		e.exception.injected = 1;
		e.exception.nr = 3;
		RDT_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	}
	rdt_finish(v);
}

/* Registers read and written back between two exits: the port access is complete by then. */
static void registers_between_exits(void)
{
	struct rdt_vm *vm = rdt_payload_vm("smoke", "message");
	struct rdt_vcpu *v = vm->vcpu[0];
	struct kvm_regs regs;

	vm->shared->args[0] = 0x1234;
	RDT_EQ(rdt_until_sync(v), 1);
	rdt_get_regs(v, &regs);
	rdt_set_regs(v, &regs);
	RDT_EQ(rdt_until_sync(v), 2);
	rdt_finish(v);
}

static const struct rdt_test tests[] = {
	{ "ioapic_edge", ioapic_edge },
	{ "ioapic_level", ioapic_level },
	{ "msi", msi },
	{ "nmi_wakes_hlt", nmi_wakes_hlt },
	{ "triple_fault", triple_fault },
	{ "stack_in_mmio", stack_in_mmio },
	{ "execute_nowhere", execute_nowhere },
	{ "fresh_table", fresh_table },
	{ "user_irqchip", user_irqchip },
	{ "interrupt_behind_shadow", interrupt_behind_shadow },
	{ "ioeventfd", ioeventfd },
	{ "coalesced_mmio", coalesced_mmio },
	{ "guest_debug", guest_debug },
	{ "hardware_breakpoints", hardware_breakpoints },
	{ "guest_has_int3_itself", guest_has_int3_itself },
	{ "registers_between_exits", registers_between_exits },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
