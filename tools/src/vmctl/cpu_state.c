// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation of a vCPU and its state before the first instruction: CPUID, model-specific registers,
 * FPU, local interrupt pins; for the boot vCPU also the entry state of the Linux boot protocol.
 * The others wait for their start-up interrupt with the state that the hypervisor resets them to.
 */
#include "tools/src/vmctl/bzimage.h"
#include "tools/src/vmctl/cpu.h"
#include "tools/src/vmctl/cpuid.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/stats_report.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define APIC_BASE_X2APIC (1u << 10)
#define LAPIC_LVT0 0x350
#define LAPIC_LVT1 0x360
#define LVT_NMI 0x400u
#define LVT_EXTINT 0x700u

/* The local APIC timer of an in-kernel irqchip counts at 1 GHz. */
#define LAPIC_TIMER_KHZ 1000000u

struct msr {
	uint32_t index;
	uint64_t value;
};

static const struct msr reset_msrs[] = {
	{ 0x00000174, 0 },		/* SYSENTER_CS, ESP, EIP */
	{ 0x00000175, 0 },
	{ 0x00000176, 0 },
	{ 0x000001a0, 1 },		/* MISC_ENABLE: fast strings */
	{ 0x000002ff, 0x806 },		/* MTRRdefType: on, everything write-back */
	{ 0xc0000081, 0 },		/* STAR, LSTAR, CSTAR, SFMASK */
	{ 0xc0000082, 0 },
	{ 0xc0000083, 0 },
	{ 0xc0000084, 0 },
	{ 0xc0000102, 0 },		/* KERNEL_GS_BASE */
};

/* As firmware does where there are enclaves: IA32_FEAT_CTL locked, with SGX and launch control. */
static const struct msr enclave_msrs[] = {
	{ 0x0000003a, 1u << 0 | 1u << 17 | 1u << 18 },
};

static int set_msr_list(struct rd_cpu *cpu, const struct msr *list, uint32_t n)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[RD_ARRAY_SIZE(reset_msrs)];
	} msrs = { .head.nmsrs = n };
	int done;

	for (uint32_t i = 0; i < n; i++) {
		msrs.entries[i].index = list[i].index;
		msrs.entries[i].data = list[i].value;
	}
	done = ioctl(cpu->fd, KVM_SET_MSRS, &msrs);
	if (done < 0)
		return rd_kvm_fail("KVM_SET_MSRS");
	if ((uint32_t)done < n)
		return rd_fail(RD_HOST_ERROR, "KVM_SET_MSRS: MSR 0x%x is refused",
			       list[done].index);
	return RD_OK;
}

static int set_msrs(struct rd_cpu *cpu)
{
	int status = set_msr_list(cpu, reset_msrs, RD_ARRAY_SIZE(reset_msrs));

	if (!status && cpu->machine->sgx.size)
		status = set_msr_list(cpu, enclave_msrs, RD_ARRAY_SIZE(enclave_msrs));
	return status;
}

static int set_fpu(struct rd_cpu *cpu)
{
	struct kvm_fpu fpu = { .fcw = 0x37f, .mxcsr = 0x1f80 };

	if (ioctl(cpu->fd, KVM_SET_FPU, &fpu) < 0)
		return rd_kvm_fail("KVM_SET_FPU");
	return RD_OK;
}

/* LINT1 is the NMI line everywhere; the 8259 reaches the boot vCPU through LINT0. */
static int set_local_pins(struct rd_cpu *cpu)
{
	struct kvm_lapic_state lapic;
	uint32_t lvt0 = LVT_EXTINT, lvt1 = LVT_NMI;

	if (ioctl(cpu->fd, KVM_GET_LAPIC, &lapic) < 0)
		return rd_kvm_fail("KVM_GET_LAPIC");
	if (cpu->index == 0 && cpu->machine->legacy_pic)
		memcpy(lapic.regs + LAPIC_LVT0, &lvt0, sizeof(lvt0));
	memcpy(lapic.regs + LAPIC_LVT1, &lvt1, sizeof(lvt1));
	if (ioctl(cpu->fd, KVM_SET_LAPIC, &lapic) < 0)
		return rd_kvm_fail("KVM_SET_LAPIC");
	return RD_OK;
}

/* The frequency is a service to the guest: without it the guest measures. */
static uint32_t tsc_khz(const struct rd_cpu *cpu)
{
	int khz = 0;

	if (rd_kvm_cap(cpu->machine->kvm->fd, KVM_CAP_GET_TSC_KHZ))
		khz = ioctl(cpu->fd, KVM_GET_TSC_KHZ, 0);
	return khz > 0 ? (uint32_t)khz : 0;
}

static int set_cpuid(struct rd_cpu *cpu, const struct kvm_cpuid2 *supported)
{
	struct rd_cpuid_config config = {
		.apic_id = cpu->index,
		.n_cpus = cpu->machine->n_cpus,
		.tsc_khz = tsc_khz(cpu),
		.lapic_khz = LAPIC_TIMER_KHZ,
		.ext_dest_id = rd_machine_wide_ids(cpu->machine),
		.tsc_deadline = rd_kvm_cap(cpu->machine->kvm->fd, KVM_CAP_TSC_DEADLINE_TIMER),
		.sgx = cpu->machine->sgx.size ? &cpu->machine->sgx : NULL,
	};
	size_t room = supported->nent + RD_CPUID_EXTRA;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
	int ret;

	if (!cpuid)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	rd_cpuid_for_vcpu(supported, &config, cpuid);
	ret = ioctl(cpu->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return ret < 0 ? rd_kvm_fail("KVM_SET_CPUID2") : RD_OK;
}

static int map_run(struct rd_cpu *cpu)
{
	void *run = mmap(NULL, cpu->machine->kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 cpu->fd, 0);

	if (run == MAP_FAILED)
		return rd_fail(RD_HOST_ERROR, "mapping vCPU %u: %s", cpu->index, strerror(errno));
	cpu->run = run;
	return RD_OK;
}

int rd_cpu_create(struct rd_cpu *cpu, struct rd_machine *machine, uint32_t index,
		  const struct kvm_cpuid2 *supported)
{
	int status;

	cpu->machine = machine;
	cpu->index = index;
	cpu->fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (cpu->fd < 0)
		return rd_fail(RD_HOST_ERROR, "KVM_CREATE_VCPU %u: %s", index, strerror(errno));
	cpu->stats_fd = rd_stats_open(machine->kvm, cpu->fd);
	status = map_run(cpu);
	if (!status)
		status = set_cpuid(cpu, supported);
	if (!status)
		status = set_msrs(cpu);
	if (!status)
		status = set_fpu(cpu);
	if (!status)
		status = set_local_pins(cpu);
	return status;
}

void rd_cpu_destroy(struct rd_cpu *cpu)
{
	if (cpu->run)
		munmap(cpu->run, cpu->machine->kvm->run_size);
	if (cpu->stats_fd >= 0)
		close(cpu->stats_fd);
	if (cpu->fd >= 0)
		close(cpu->fd);
	cpu->run = NULL;
	cpu->fd = cpu->stats_fd = -1;
}

static struct kvm_segment flat(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
		.g = 1, .l = code, .db = !code,
	};
}

/* Long mode with the identity map, flat segments, interrupts off. */
static void entry_sregs(struct kvm_sregs *s)
{
	s->cs = flat(0x10, 0xb, true);
	s->ds = flat(0x18, 0x3, false);
	s->es = s->fs = s->gs = s->ss = s->ds;
	s->tr = (struct kvm_segment){ .limit = 0x67, .selector = 0x20, .type = 0xb, .present = 1 };
	s->ldt = (struct kvm_segment){ .unusable = 1 };
	s->gdt.base = RD_GDT_GPA;
	s->gdt.limit = RD_GDT_ENTRIES * 8 - 1;
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cr0 = 0x80000031;	/* PG, NE, ET, PE */
	s->cr3 = RD_PML4_GPA;
	s->cr4 = 0x20;		/* PAE */
	s->efer = 0x500;	/* LMA, LME */
}

int rd_cpu_set_entry(struct rd_cpu *cpu, uint64_t entry)
{
	struct kvm_regs regs = {
		.rip = entry, .rsi = RD_ZERO_PAGE_GPA, .rsp = RD_STACK_GPA, .rflags = 2,
	};
	struct kvm_sregs sregs;

	if (ioctl(cpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return rd_kvm_fail("KVM_GET_SREGS");
	entry_sregs(&sregs);
	/* A guest takes wide ids from the tables only if it finds itself in x2APIC mode. */
	if (rd_machine_wide_ids(cpu->machine))
		sregs.apic_base |= APIC_BASE_X2APIC;
	if (ioctl(cpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return rd_kvm_fail("KVM_SET_SREGS");
	if (ioctl(cpu->fd, KVM_SET_REGS, &regs) < 0)
		return rd_kvm_fail("KVM_SET_REGS");
	return RD_OK;
}
