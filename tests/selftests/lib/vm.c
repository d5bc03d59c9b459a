// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines: descriptors, memory slots, CPUID. Every step must succeed; the error cases are the
 * tests' own business and go through the bare ioctls.
 */
#include "tests/selftests/lib/rdt_priv.h"

#include <fcntl.h>

enum { TSS_GPA = 0xfffbd000, IDENTITY_GPA = 0xfffbc000 };

int rdt_open(void)
{
	int fd = open(rdt_device(), O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		rdt_skip("no %s", rdt_device());
	if (fd < 0)
		rdt_fail("%s: %s", rdt_device(), strerror(errno));
	return fd;
}

int rdt_cap(int fd, long cap)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, cap);
}

struct kvm_cpuid2 *rdt_supported_cpuid(int sys)
{
	struct kvm_cpuid2 *c;

	for (uint32_t n = 64; n <= 1024; n *= 2) {
		c = calloc(1, sizeof(*c) + n * sizeof(c->entries[0]));
		c->nent = n;
		if (!ioctl(sys, KVM_GET_SUPPORTED_CPUID, c))
			return c;
		if (errno != E2BIG)
			break;
		free(c);
	}
	rdt_fail("KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
}

struct kvm_cpuid_entry2 *rdt_cpuid_find(struct kvm_cpuid2 *c, uint32_t leaf, uint32_t sub)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == leaf &&
		    (e->index == sub || !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

int rdt_slot_set(struct rdt_vm *vm, uint32_t id, uint64_t gpa, uint64_t size, void *host,
		 uint32_t flags)
{
	struct kvm_userspace_memory_region r = {
		.slot = id,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static uint8_t *map_memory(uint64_t size, bool align2m)
{
	uint64_t huge = 2 << 20, room = align2m ? size + huge : size;
	uint8_t *p = mmap(NULL, room, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		rdt_fail("mmap of %llu bytes: %s", (unsigned long long)room, strerror(errno));
	if (align2m) {
		p = (uint8_t *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
		madvise(p, size, MADV_HUGEPAGE);
	}
	return p;
}

uint8_t *rdt_slot_new(struct rdt_vm *vm, uint32_t id, uint64_t gpa, uint64_t size, uint32_t flags,
		      bool align2m)
{
	uint8_t *host = map_memory(size, align2m);

	if (rdt_slot_set(vm, id, gpa, size, host, flags))
		rdt_fail("slot %u at 0x%llx: %s", id, (unsigned long long)gpa, strerror(errno));
	if (vm->slot_count == RDT_MAX_SLOTS)
		rdt_fail("too many slots");
	vm->slots[vm->slot_count++] = (struct rdt_slot){ id, flags, gpa, size, host };
	return host;
}

void *rdt_gpa(struct rdt_vm *vm, uint64_t gpa)
{
	for (int i = 0; i < vm->slot_count; i++)
		if (gpa - vm->slots[i].gpa < vm->slots[i].size)
			return vm->slots[i].host + (gpa - vm->slots[i].gpa);
	rdt_fail("no slot at 0x%llx", (unsigned long long)gpa);
}

struct rdt_vm *rdt_vm_new(uint64_t ram_size, uint32_t flags)
{
	struct rdt_vm *vm = calloc(1, sizeof(*vm));
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = IDENTITY_GPA;

	vm->sys = rdt_open();
	vm->flags = flags;
	pthread_mutex_init(&vm->devices, NULL);
	vm->fd = RDT_OK(ioctl(vm->sys, KVM_CREATE_VM, 0));
	RDT_OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_GPA));
	if (rdt_cap(vm->sys, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
		RDT_OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity));
	if (flags & (RDP_IRQCHIP | RDP_PIT))
		RDT_OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	if (flags & RDP_PIT)
		RDT_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	if (!ram_size)
		return vm;
	vm->ram = rdt_slot_new(vm, 0, 0, ram_size, 0, false);
	vm->ram_size = ram_size;
	vm->shared = (void *)(vm->ram + RDP_SHARED_GPA);
	if (flags & RDP_ROM) {
		uint8_t *rom =
			rdt_slot_new(vm, 1, RDP_ROM_GPA, RDP_ROM_SIZE, KVM_MEM_READONLY, false);

		for (int i = 0; i < RDP_ROM_SIZE; i++)
			rom[i] = i ^ i >> 8;
	}
	return vm;
}

void rdt_vm_free(struct rdt_vm *vm)
{
	rdt_stop_others(vm);
	for (int i = 0; i < vm->vcpus; i++) {
		munmap(vm->vcpu[i]->run, vm->vcpu[i]->run_size);
		close(vm->vcpu[i]->fd);
		free(vm->vcpu[i]);
		vm->vcpu[i] = NULL;
	}
	close(vm->fd);
	close(vm->sys);
	for (int i = 0; i < vm->slot_count; i++)
		munmap(vm->slots[i].host, vm->slots[i].size);
	free(vm);
}

/* The supported set, with this processor's APIC ID where CPUID shows it. */
static void set_cpuid(struct rdt_vcpu *vcpu)
{
	struct rdt_vm *vm = vcpu->vm;
	struct kvm_cpuid2 *c = rdt_supported_cpuid(vm->sys);
	bool irqchip = vm->flags & (RDP_IRQCHIP | RDP_PIT);

	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0x0000ffff) | RDT_MAX_VCPUS << 16 |
				 (uint32_t)vcpu->id << 24;
			if (irqchip && rdt_cap(vm->sys, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
				e->ecx |= 1 << 24;
			if (vm->flags & RDP_NO_X2APIC)
				e->ecx &= ~(1 << 21);
		} else if (e->function == 0xb) {
			e->edx = vcpu->id;
		}
	}
	RDT_OK(ioctl(vcpu->fd, KVM_SET_CPUID2, c));
	free(c);
}

struct rdt_vcpu *rdt_vcpu_new(struct rdt_vm *vm, int id)
{
	struct rdt_vcpu *vcpu = calloc(1, sizeof(*vcpu));

	if (vm->vcpus == RDT_MAX_VCPUS)
		rdt_fail("too many processors");
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = RDT_OK(ioctl(vm->fd, KVM_CREATE_VCPU, (long)id));
	vcpu->run_size = RDT_OK(ioctl(vm->sys, KVM_GET_VCPU_MMAP_SIZE, 0));
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		rdt_fail("mmap of processor %d: %s", id, strerror(errno));
	set_cpuid(vcpu);
	vm->vcpu[vm->vcpus++] = vcpu;
	return vcpu;
}
