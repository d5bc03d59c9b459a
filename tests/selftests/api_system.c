// SPDX-License-Identifier: GPL-2.0-only
/* The calls on the device node itself: their answers and their errors. */
#include "tests/selftests/lib/rdt.h"

#include <fcntl.h>

static void api_version(void)
{
	int fd = rdt_open();

	RDT_EQ(ioctl(fd, KVM_GET_API_VERSION, 0), KVM_API_VERSION);
	RDT_ERRNO(ioctl(fd, KVM_GET_API_VERSION, 1), EINVAL);
}

static void mmap_size(void)
{
	int fd = rdt_open();
	long size = RDT_OK(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0));

	RDT_CHECK(size >= (long)sizeof(struct kvm_run));
	RDT_EQ(size % 4096, 0);
	RDT_ERRNO(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL);
}

static void create_vm(void)
{
	int fd = rdt_open(), vm = RDT_OK(ioctl(fd, KVM_CREATE_VM, 0));

	RDT_CHECK(fcntl(vm, F_GETFD) & FD_CLOEXEC);
	RDT_OK(close(vm));
	RDT_ERRNO(ioctl(fd, KVM_CREATE_VM, 0x1000), EINVAL);
	RDT_ERRNO(ioctl(fd, KVM_CREATE_VM, -1l), EINVAL);
}

static void unknown_calls(void)
{
	int fd = rdt_open();

	RDT_ERRNO2(ioctl(fd, _IO(KVMIO, 0x1f), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(fd, _IO('x', 0x01), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(fd, _IOW(KVMIO, 0x00, uint32_t), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(fd, KVM_RUN, 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(fd, KVM_CREATE_VCPU, 0), ENOTTY, EINVAL);
}

static void no_mapping_no_data(void)
{
	int fd = rdt_open();
	char c;

	RDT_CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	RDT_ERRNO(read(fd, &c, 1), EINVAL);
	RDT_ERRNO(write(fd, &c, 1), EINVAL);
}

/* What every client asks for, and what must be exactly 1 or 0. */
static void extensions(void)
{
	static const long required[] = {
		KVM_CAP_IRQCHIP, KVM_CAP_HLT, KVM_CAP_USER_MEMORY, KVM_CAP_SET_TSS_ADDR,
		KVM_CAP_EXT_CPUID, KVM_CAP_NR_VCPUS, KVM_CAP_NR_MEMSLOTS, KVM_CAP_PIT2,
		KVM_CAP_PIT_STATE2, KVM_CAP_IOEVENTFD, KVM_CAP_IRQFD, KVM_CAP_IRQ_ROUTING,
		KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,
		KVM_CAP_MP_STATE, KVM_CAP_SYNC_MMU, KVM_CAP_IRQ_INJECT_STATUS, KVM_CAP_MAX_VCPUS,
		KVM_CAP_SIGNAL_MSI, KVM_CAP_COALESCED_MMIO, KVM_CAP_VCPU_EVENTS,
		KVM_CAP_DEBUGREGS, KVM_CAP_XSAVE, KVM_CAP_XCRS, KVM_CAP_ADJUST_CLOCK,
		KVM_CAP_SET_IDENTITY_MAP_ADDR, KVM_CAP_USER_NMI, KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_IOEVENTFD_ANY_LENGTH, KVM_CAP_GET_TSC_KHZ, KVM_CAP_SET_GUEST_DEBUG,
	};
	static const long exactly_one[] = {
		KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_KVMCLOCK_CTRL, KVM_CAP_READONLY_MEM,
		KVM_CAP_TSC_DEADLINE_TIMER,
	};
	int fd = rdt_open(), vm = RDT_OK(ioctl(fd, KVM_CREATE_VM, 0));

	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		if (rdt_cap(fd, required[i]) < 1 || rdt_cap(vm, required[i]) < 1)
			rdt_fail("capability %ld is missing", required[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(exactly_one); i++)
		if (rdt_cap(fd, exactly_one[i]) != 1)
			rdt_fail("capability %ld is %d", exactly_one[i],
				 rdt_cap(fd, exactly_one[i]));
	RDT_EQ(rdt_cap(fd, KVM_CAP_MSI_DEVID), 0);
	RDT_EQ(rdt_cap(fd, 100000), 0);
	RDT_EQ(rdt_cap(fd, -1), 0);
	RDT_EQ(rdt_cap(vm, 100000), 0);
	RDT_CHECK(rdt_cap(fd, KVM_CAP_NR_MEMSLOTS) >= 32);
	RDT_CHECK(rdt_cap(fd, KVM_CAP_MAX_VCPUS) >= rdt_cap(fd, KVM_CAP_NR_VCPUS));
}

static void supported_cpuid(void)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} c = { 0 };
	struct kvm_cpuid2 *full;
	int fd = rdt_open();

	RDT_ERRNO(ioctl(fd, KVM_GET_SUPPORTED_CPUID, NULL), EFAULT);
	RDT_ERRNO(ioctl(fd, KVM_GET_SUPPORTED_CPUID, RDT_BAD_PTR), EFAULT);
	RDT_ERRNO(ioctl(fd, KVM_GET_SUPPORTED_CPUID, &c), E2BIG);
	c.head.nent = 1;
	RDT_ERRNO(ioctl(fd, KVM_GET_SUPPORTED_CPUID, &c), E2BIG);
	c.head.nent = 80;	/* what rust-vmm passes */
	RDT_OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, &c));
	RDT_CHECK(c.head.nent > 5 && c.head.nent <= 80);
	full = rdt_supported_cpuid(fd);
	RDT_EQ(full->nent, c.head.nent);
	RDT_CHECK(rdt_cpuid_find(full, 0, 0)->eax >= 7);
	RDT_CHECK(rdt_cpuid_find(full, 1, 0)->edx & 1 << 9);
	RDT_CHECK(rdt_cpuid_find(full, 0x80000001, 0)->edx & 1 << 29);
	c.head.nent = 0xffffffff;
	RDT_OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, &c));
}

/* Too small a list gives E2BIG and the right size; the second try succeeds. */
static void list_protocol(int fd, unsigned long call)
{
	struct kvm_msr_list small = { 0 }, *list;

	RDT_ERRNO(ioctl(fd, call, NULL), EFAULT);
	RDT_ERRNO(ioctl(fd, call, RDT_BAD_PTR), EFAULT);
	RDT_ERRNO(ioctl(fd, call, &small), E2BIG);
	RDT_CHECK(small.nmsrs > 0 && small.nmsrs < 1024);
	list = calloc(1, sizeof(*list) + small.nmsrs * sizeof(list->indices[0]));
	list->nmsrs = small.nmsrs - 1;
	RDT_ERRNO(ioctl(fd, call, list), E2BIG);
	RDT_EQ(list->nmsrs, small.nmsrs);
	RDT_OK(ioctl(fd, call, list));
	RDT_EQ(list->nmsrs, small.nmsrs);
	for (uint32_t i = 0; i < list->nmsrs; i++)
		for (uint32_t j = 0; j < i; j++)
			RDT_CHECK(list->indices[i] != list->indices[j]);
}

static void msr_lists(void)
{
	int fd = rdt_open();

	list_protocol(fd, KVM_GET_MSR_INDEX_LIST);
	if (rdt_cap(fd, KVM_CAP_GET_MSR_FEATURES) > 0)
		list_protocol(fd, KVM_GET_MSR_FEATURE_INDEX_LIST);
}

/* Clients stop at the first feature MSR that is listed and cannot be read. */
static void feature_msrs(void)
{
	struct {
		struct kvm_msr_list head;
		uint32_t indices[1024];
	} list = { .head.nmsrs = 1024 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e;
	} m = { .head.nmsrs = 1 };
	int fd = rdt_open();

	if (rdt_cap(fd, KVM_CAP_GET_MSR_FEATURES) <= 0)
		rdt_skip("no feature MSRs");
	RDT_OK(ioctl(fd, KVM_GET_MSR_FEATURE_INDEX_LIST, &list));
	for (uint32_t i = 0; i < list.head.nmsrs; i++) {
		m.e.index = list.head.indices[i];
		if (ioctl(fd, KVM_GET_MSRS, &m) != 1)
			rdt_fail("feature MSR 0x%x is listed and cannot be read", m.e.index);
	}
	m.e.index = 0x12345678;
	RDT_EQ(ioctl(fd, KVM_GET_MSRS, &m), 0);
	m.head.nmsrs = 100000;
	RDT_ERRNO(ioctl(fd, KVM_GET_MSRS, &m), E2BIG);
	RDT_ERRNO(ioctl(fd, KVM_GET_MSRS, RDT_BAD_PTR), EFAULT);
}

static void mce_cap(void)
{
	uint64_t cap = 0;
	int fd = rdt_open();

	RDT_OK(ioctl(fd, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	RDT_CHECK(cap & 0x100);
	RDT_ERRNO(ioctl(fd, KVM_X86_GET_MCE_CAP_SUPPORTED, RDT_BAD_PTR), EFAULT);
}

static void many_vms(void)
{
	int fd = rdt_open(), vms[32];

	for (int i = 0; i < 32; i++)
		vms[i] = RDT_OK(ioctl(fd, KVM_CREATE_VM, 0));
	for (int i = 0; i < 32; i++)
		RDT_OK(close(vms[i]));
}

static const struct rdt_test tests[] = {
	{ "api_version", api_version },
	{ "mmap_size", mmap_size },
	{ "create_vm", create_vm },
	{ "unknown_calls", unknown_calls },
	{ "no_mapping_no_data", no_mapping_no_data },
	{ "extensions", extensions },
	{ "supported_cpuid", supported_cpuid },
	{ "msr_lists", msr_lists },
	{ "feature_msrs", feature_msrs },
	{ "mce_cap", mce_cap },
	{ "many_vms", many_vms },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
