// SPDX-License-Identifier: GPL-2.0-only
/* The calls on a VM descriptor, memory and interrupt controllers apart: answers and errors. */
#include "tests/selftests/lib/rdt.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

static struct rdt_vm *bare(void)
{
	return rdt_vm_new(0, 0);
}

static void unknown_calls(void)
{
	struct rdt_vm *vm = bare();

	RDT_ERRNO2(ioctl(vm->fd, _IO(KVMIO, 0x4f), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(vm->fd, _IO('x', 0x41), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(vm->fd, KVM_CREATE_VM, 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(vm->fd, KVM_RUN, 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(vm->fd, KVM_GET_REGS, 0), ENOTTY, EINVAL);
}

/* Every call that takes a structure, with an address that is not mapped. */
static void bad_pointers(void)
{
	static const struct {
		const char *name;
		unsigned long call;
		long cap;
	} calls[] = {
#define CALL(c) { #c, c, 0 }
#define CAP(c, k) { #c, c, k }
		CALL(KVM_SET_USER_MEMORY_REGION), CALL(KVM_GET_DIRTY_LOG), CALL(KVM_IRQ_LINE),
		CALL(KVM_IRQ_LINE_STATUS), CALL(KVM_SET_GSI_ROUTING), CALL(KVM_IRQFD),
		CALL(KVM_IOEVENTFD), CALL(KVM_SIGNAL_MSI), CALL(KVM_GET_IRQCHIP),
		CALL(KVM_SET_IRQCHIP), CALL(KVM_SET_PIT2), CALL(KVM_SET_CLOCK),
		CALL(KVM_GET_CLOCK), CALL(KVM_CREATE_PIT2), CALL(KVM_ENABLE_CAP),
		CALL(KVM_SET_IDENTITY_MAP_ADDR), CALL(KVM_REGISTER_COALESCED_MMIO),
		CALL(KVM_UNREGISTER_COALESCED_MMIO),
		CAP(KVM_X86_SET_MSR_FILTER, KVM_CAP_X86_MSR_FILTER),
		CAP(KVM_CLEAR_DIRTY_LOG, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2),
	};
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].cap && rdt_cap(vm->fd, calls[i].cap) <= 0)
			continue;
		if (ioctl(vm->fd, calls[i].call, RDT_BAD_PTR) >= 0 || errno != EFAULT)
			rdt_fail("%s with a bad pointer: %s", calls[i].name, strerror(errno));
		if (ioctl(vm->fd, calls[i].call, NULL) >= 0 || errno != EFAULT)
			rdt_fail("%s with NULL: %s", calls[i].name, strerror(errno));
	}
}

static void vcpu_ids(void)
{
	struct rdt_vm *vm = bare();
	long max = rdt_cap(vm->fd, KVM_CAP_MAX_VCPU_ID);
	int fd;

	if (max <= 0)
		max = rdt_cap(vm->fd, KVM_CAP_MAX_VCPUS);
	fd = RDT_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0), EEXIST);
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, max), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, max + 1), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, -1l), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0x7fffffffl), EINVAL);
	RDT_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 7l));
	/* Closing the descriptor does not free the number. */
	RDT_OK(close(fd));
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0), EEXIST);
}

static void vcpu_outlives_vm_fd(void)
{
	struct rdt_vm *vm = bare();
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);
	struct kvm_regs regs;

	RDT_OK(close(vm->fd));
	RDT_OK(close(vm->sys));
	RDT_OK(ioctl(vcpu->fd, KVM_GET_REGS, &regs));
	RDT_EQ(regs.rip, 0xfff0);
	RDT_OK(close(vcpu->fd));
	vcpu->run->immediate_exit = 1;		/* the mapping keeps the page */
}

static void tss_addr(void)
{
	struct rdt_vm *vm = bare();

	RDT_OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000ul));
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xffffffff000ul), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffff000ul), EINVAL);
}

static void identity_map(void)
{
	struct rdt_vm *vm = bare();
	uint64_t addr = 0xfffbc000;

	RDT_OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	rdt_vcpu_new(vm, 0);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr), EINVAL);
}

static void boot_cpu(void)
{
	struct rdt_vm *vm = bare();

	if (rdt_cap(vm->fd, KVM_CAP_SET_BOOT_CPU_ID) <= 0)
		rdt_skip("no KVM_CAP_SET_BOOT_CPU_ID");
	RDT_OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 0l));
	rdt_vcpu_new(vm, 0);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 0l), EBUSY);
}

static void enable_cap(void)
{
	struct rdt_vm *vm = bare();
	struct kvm_enable_cap cap = { .cap = 100000 };

	RDT_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap = (struct kvm_enable_cap){ .cap = KVM_CAP_SPLIT_IRQCHIP, .flags = 1, .args = { 24 } };
	RDT_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap = (struct kvm_enable_cap){ .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 100000 } };
	RDT_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 24;
	RDT_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	RDT_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EEXIST);
	RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
}

/* Everything that is offered and enabled by a call must also take the call. */
static void offered_caps_enable(void)
{
	static const struct {
		long cap;
		uint64_t arg;
	} caps[] = {
		{ KVM_CAP_EXCEPTION_PAYLOAD, 1 }, { KVM_CAP_X86_USER_SPACE_MSR, 0 },
		{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1 },
#ifdef KVM_CAP_X86_TRIPLE_FAULT_EVENT
		{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct rdt_vm *vm = bare();
		struct kvm_enable_cap e = { .cap = caps[i].cap, .args = { caps[i].arg } };

		if (rdt_cap(vm->fd, caps[i].cap) > 0 && ioctl(vm->fd, KVM_ENABLE_CAP, &e))
			rdt_fail("capability %ld is offered, enabling it: %s", caps[i].cap,
				 strerror(errno));
		rdt_vm_free(vm);
	}
}

static void clock_state(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, RDP_IRQCHIP);
	struct kvm_clock_data a = { 0 }, b = { 0 };

	RDT_OK(ioctl(vm->fd, KVM_GET_CLOCK, &a));
	usleep(2000);
	RDT_OK(ioctl(vm->fd, KVM_GET_CLOCK, &b));
	RDT_CHECK(b.clock >= a.clock + 1000000);
	a = (struct kvm_clock_data){ .clock = 5000000000000ull };
	RDT_OK(ioctl(vm->fd, KVM_SET_CLOCK, &a));
	RDT_OK(ioctl(vm->fd, KVM_GET_CLOCK, &b));
	RDT_CHECK(b.clock >= a.clock && b.clock < a.clock + 60000000000ull);
	a.flags = 0x80000000;
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_CLOCK, &a), EINVAL);
}

static void ioeventfd_errors(void)
{
	struct rdt_vm *vm = bare();
	int efd = eventfd(0, EFD_CLOEXEC), pipefd[2];
	struct kvm_ioeventfd good = {
		.addr = 0x700, .len = 2, .fd = efd, .flags = KVM_IOEVENTFD_FLAG_PIO,
	}, e;

	RDT_OK(pipe(pipefd));
	e = good, e.flags |= 0x1000;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e = good, e.len = 3;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e = good, e.len = 16;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e = good, e.addr = -1ull;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e = good, e.fd = 1000;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EBADF);
	e = good, e.fd = pipefd[0];
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e = good, e.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), ENOENT);
	e = good, e.len = 0, e.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &good));
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &good), EEXIST);
	/* Another value to match at the same place is another device. */
	e = (struct kvm_ioeventfd){ .addr = 0x710, .len = 4, .fd = efd, .datamatch = 1,
		.flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH };
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	e.datamatch = 2;
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EEXIST);
	good.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &good));
	RDT_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &good), ENOENT);
}

static void coalesced(void)
{
	struct rdt_vm *vm = bare();
	struct kvm_coalesced_mmio_zone z = { .addr = 0xd0000000, .size = 0x1000 };

	RDT_OK(ioctl(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &z));
	RDT_OK(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z));
	RDT_OK(ioctl(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &z));
	z.pio = 2;
	RDT_ERRNO(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z), EINVAL);
}

static void mmu_pages(void)
{
	struct rdt_vm *vm = bare();

	RDT_OK(ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 64l));
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 1l), EINVAL);
}

/* The descriptors belong to the process that made them, whoever inherits them. */
static void other_process(void)
{
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);
	struct kvm_regs regs;
	int status;
	pid_t pid = fork();

	if (!pid) {
		RDT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 1l), EIO);
		RDT_ERRNO(ioctl(vcpu->fd, KVM_GET_REGS, &regs), EIO);
		RDT_ERRNO(ioctl(vcpu->fd, KVM_RUN, 0), EIO);
		RDT_CHECK(ioctl(vm->sys, KVM_GET_API_VERSION, 0) == 12);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	RDT_EQ(status, 0);
	RDT_OK(ioctl(vcpu->fd, KVM_GET_REGS, &regs));
}

static void msr_filter(void)
{
	struct rdt_vm *vm = bare();
	struct kvm_msr_filter f = { 0 };

	if (rdt_cap(vm->fd, KVM_CAP_X86_MSR_FILTER) <= 0)
		rdt_skip("no KVM_CAP_X86_MSR_FILTER");
	RDT_OK(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &f));
	f.flags = 0x100;
	RDT_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &f), EINVAL);
	f.flags = 0;
	f.ranges[0].flags = 0x100;
	f.ranges[0].nmsrs = 8;
	RDT_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &f), EINVAL);
	f.ranges[0].flags = KVM_MSR_FILTER_READ;
	f.ranges[0].bitmap = RDT_BAD_PTR;
	RDT_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &f), EFAULT);
}

static const struct rdt_test tests[] = {
	{ "unknown_calls", unknown_calls },
	{ "bad_pointers", bad_pointers },
	{ "vcpu_ids", vcpu_ids },
	{ "vcpu_outlives_vm_fd", vcpu_outlives_vm_fd },
	{ "tss_addr", tss_addr },
	{ "identity_map", identity_map },
	{ "boot_cpu", boot_cpu },
	{ "enable_cap", enable_cap },
	{ "offered_caps_enable", offered_caps_enable },
	{ "clock_state", clock_state },
	{ "ioeventfd_errors", ioeventfd_errors },
	{ "coalesced", coalesced },
	{ "mmu_pages", mmu_pages },
	{ "other_process", other_process },
	{ "msr_filter", msr_filter },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
