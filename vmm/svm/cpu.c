// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM on the host's CPUs: is it there, turning it on and off, the permission maps that all vCPUs
 * share. Invariant: while EFER.SVME is ours on a CPU, VM_HSAVE_PA points to a page that is not
 * freed before SVME is off again.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>
#include "vmm/svm/npt.h"
#include "vmm/svm/svm.h"

#define MSR_SVM_VM_CR 0xc0010114
#define MSR_SVM_HSAVE_PA 0xc0010117
#define MSR_SVM_TSC_RATIO 0xc0000104
#define VM_CR_SVMDIS BIT(4)

DEFINE_PER_CPU(struct rd_svm_cpu, rd_svm_cpu);
u32 rd_svm_features;
bool rd_svm_emulated;
void *rd_svm_msrpm, *rd_svm_msrpm_all, *rd_svm_iopm;
static u32 rd_svm_nr_asids;

#define MSRPM_ORDER 1 /* 8 KiB */
#define IOPM_ORDER 2 /* 12 KiB used */

/* 0, or -ENODEV, -EPERM, -EBUSY with the reason in *why (APM volume 2, "Enabling SVM"). */
int rd_svm_probe(const char **why)
{
	u64 vm_cr, efer;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_AMD &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_HYGON) {
		*why = "this CPU is not from AMD or Hygon";
		return -ENODEV;
	}
	if (cpuid_eax(0x80000000) < 0x8000000a || !(cpuid_ecx(0x80000001) & BIT(2))) {
		*why = "this CPU does not have SVM";
		return -ENODEV;
	}
	rd_svm_features = cpuid_edx(0x8000000a);
	rd_svm_nr_asids = cpuid_ebx(0x8000000a);
	rd_svm_emulated = hypervisor_cpuid_base("TCGTCGTCGTCG", 0);
	if (!rd_svm_has(SVM_F_NPT)) {
		*why = "this CPU has SVM but no nested paging";
		return -ENODEV;
	}
	if (rd_svm_nr_asids < 2) {
		*why = "this CPU has SVM but no usable address space identifiers";
		return -ENODEV;
	}
	rdmsrl(MSR_SVM_VM_CR, vm_cr);
	if (vm_cr & VM_CR_SVMDIS) {
		*why = "SVM is switched off in the firmware";
		return -EPERM;
	}
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME) {
		*why = "SVM is already in use by another hypervisor";
		return -EBUSY;
	}
	return 0;
}

/* Two permission bits per MSR: 0 lets reads (even bit) or writes (odd bit) through. */
static void rd_msrpm_allow(unsigned long *map, u32 msr)
{
	static const u32 first[] = { 0, 0xc0000000, 0xc0010000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		if (msr - first[i] < 0x2000) {
			u32 bit = i * 0x4000 + (msr - first[i]) * 2;

			__clear_bit(bit, map);
			__clear_bit(bit + 1, map);
			return;
		}
	}
}

static void *rd_alloc_ones(unsigned int order)
{
	void *p = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT, order);

	if (p)
		memset(p, 0xff, PAGE_SIZE << order);
	return p;
}

int rd_svm_setup(void)
{
	/* MSRs that VMLOAD/VMSAVE or the save area switch anyway: the guest owns them. */
	static const u32 pass[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR,
		MSR_LSTAR,   MSR_CSTAR,	  MSR_SYSCALL_MASK,   MSR_IA32_SYSENTER_CS,
	};
	unsigned int i;
	int cpu;

	if (cr4_read_shadow() & X86_CR4_LA57)
		rd_svm.pt = &rd_npt_format_5;
	rd_svm_iopm = rd_alloc_ones(IOPM_ORDER);
	rd_svm_msrpm = rd_alloc_ones(MSRPM_ORDER);
	rd_svm_msrpm_all = rd_alloc_ones(MSRPM_ORDER);
	if (!rd_svm_iopm || !rd_svm_msrpm || !rd_svm_msrpm_all)
		goto fail;
	for (i = 0; i < ARRAY_SIZE(pass); i++)
		rd_msrpm_allow(rd_svm_msrpm, pass[i]);
	for_each_possible_cpu(cpu)
	{
		struct rd_svm_cpu *c = per_cpu_ptr(&rd_svm_cpu, cpu);

		c->hsave = (void *)get_zeroed_page(GFP_KERNEL);
		c->host_state = (void *)get_zeroed_page(GFP_KERNEL);
		if (!c->hsave || !c->host_state)
			goto fail;
		c->host_state_pa = __sme_pa(c->host_state);
	}
	pr_info("redoubt: SVM with nested paging, %u ASIDs%s%s%s%s%s%s\n", rd_svm_nr_asids,
		rd_svm_has(SVM_F_NRIPS) ? ", next-RIP" : "",
		rd_svm_has(SVM_F_DECODE) ? ", decode assists" : "",
		rd_svm_has(SVM_F_FLUSH_ASID) ? ", flush by ASID" : "",
		rd_svm_has(SVM_F_CLEAN) ? ", clean bits" : "",
		rd_svm_has(SVM_F_TSC_RATE) ? ", TSC ratio" : "",
		rd_svm_has(SVM_F_VGIF) ? ", virtual GIF" : "");
	return 0;
fail:
	rd_svm_unsetup();
	return -ENOMEM;
}

void rd_svm_unsetup(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
	{
		struct rd_svm_cpu *c = per_cpu_ptr(&rd_svm_cpu, cpu);

		free_page((unsigned long)c->hsave);
		free_page((unsigned long)c->host_state);
		c->hsave = NULL;
		c->host_state = NULL;
	}
	free_pages((unsigned long)rd_svm_iopm, IOPM_ORDER);
	free_pages((unsigned long)rd_svm_msrpm, MSRPM_ORDER);
	free_pages((unsigned long)rd_svm_msrpm_all, MSRPM_ORDER);
	rd_svm_iopm = NULL;
	rd_svm_msrpm = NULL;
	rd_svm_msrpm_all = NULL;
}

/* On the CPU itself, interrupts off. -EBUSY: somebody else turned SVM on here. */
int rd_svm_cpu_enable(void)
{
	struct rd_svm_cpu *c = this_cpu_ptr(&rd_svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	/* The generation starts above any vCPU's, so the first entry of each takes a fresh ASID. */
	c->asid_generation++;
	c->max_asid = rd_svm_nr_asids - 1;
	c->next_asid = c->max_asid + 1;
	c->last = NULL;
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, c->tsc_aux);
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_SVM_HSAVE_PA, __sme_pa(c->hsave));
	if (rd_svm_has(SVM_F_TSC_RATE))
		wrmsrl(MSR_SVM_TSC_RATIO, 1ULL << 32);
	return 0;
}

void rd_svm_cpu_disable(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (!(efer & EFER_SVME))
		return;
	wrmsrl(MSR_SVM_HSAVE_PA, 0);
	/* EFER.SVME may only be cleared with GIF set; an emergency may come with it clear. */
	asm volatile("stgi" ::: "memory");
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}
