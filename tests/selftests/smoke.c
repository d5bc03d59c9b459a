// SPDX-License-Identifier: GPL-2.0-only
/* Bring-up: one line per step, each needing a little more of the hypervisor than the one before. */
#include "tests/selftests/lib/rdt.h"

static void node(void)
{
	int fd = rdt_open();

	RDT_EQ(ioctl(fd, KVM_GET_API_VERSION, 0), 12);
	RDT_CHECK(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0) >= 4096);
	RDT_EQ(rdt_cap(fd, KVM_CAP_USER_MEMORY), 1);
}

static void create(void)
{
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);
	struct kvm_regs regs;

	rdt_long_mode(vcpu, 0x100000, 0x100000, 7);
	rdt_get_regs(vcpu, &regs);
	RDT_EQ(regs.rip, 0x100000);
	RDT_EQ(regs.rdi, 7);
	rdt_vm_free(vm);
}

/* Real mode, no interrupt controller: write a port and halt; both must exit. */
static void real_mode_exit(void)
{
	static const uint8_t code[] = { 0xb0, 0x2a, 0xba, 0x00, 0x06, 0xee, 0xf4 };
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);

	memcpy(rdt_gpa(vm, RDP_REAL_GPA), code, sizeof(code));
	rdt_real_mode(vcpu, RDP_REAL_GPA, 0, 0);
	rdt_until_exit(vcpu, KVM_EXIT_HLT);
	RDT_EQ(vm->shared->pio.writes, 1);
	RDT_EQ(vm->echo[0], 0x2a);
}

static void message(void)
{
	struct rdt_vm *vm = rdt_payload_vm("smoke", "message");
	struct rdt_vcpu *vcpu = vm->vcpu[0];

	vm->shared->args[0] = 0x1234;
	RDT_EQ(rdt_until_sync(vcpu), 1);
	RDT_CHECK(!strcmp((char *)vm->shared->message, "hello from the guest, 40 + 2"));
	RDT_EQ(rdt_until_sync(vcpu), 2);
	RDT_EQ(vm->shared->results[0], 0x5678);
	rdt_finish(vcpu);
}

static void payload(void)
{
	struct rdt_vm *vm = rdt_payload_vm("smoke", rdt_arg());

	rdt_start_others(vm);
	rdt_finish(vm->vcpu[0]);
	rdt_vm_free(vm);
}

#define PAYLOAD(name) { #name, payload, 0, #name }

static const struct rdt_test tests[] = {
	{ "node", node },
	{ "create", create },
	{ "real_mode_exit", real_mode_exit },
	PAYLOAD(nothing),
	{ "message", message },
	PAYLOAD(pio),
	PAYLOAD(cpu_identification),
	PAYLOAD(msr),
	PAYLOAD(exception),
	PAYLOAD(memory),
	PAYLOAD(mmio),
	PAYLOAD(apic_registers),
	PAYLOAD(self_ipi),
	PAYLOAD(hlt_timer),
	PAYLOAD(second_cpu),
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
