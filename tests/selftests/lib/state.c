// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processor state: the three modes in which payloads start, and readable dumps of a processor
 * whose test went wrong.
 */
#include "tests/selftests/lib/rdt_priv.h"

enum { CR0_PE = 1, CR0_MP = 2, CR0_ET = 0x10, CR0_NE = 0x20, CR0_WP = 0x10000 };
#define CR0_PG 0x80000000u
enum { CR4_PAE = 0x20, CR4_OSFXSR = 0x200, CR4_OSXMMEXCPT = 0x400 };
enum { EFER_LME = 0x100, EFER_LMA = 0x400, EFER_NX = 0x800 };
enum { CODE = 0xb, DATA = 0x3 };

static void build_gdt(struct rdt_vm *vm)
{
	uint64_t *gdt = rdt_gpa(vm, RDP_GDT_GPA);

	memset(gdt, 0, RDP_GDT_LIMIT + 1);
	gdt[RDP_CS64 / 8] = 0x00af9b000000ffffull;
	gdt[RDP_DS / 8] = 0x00cf93000000ffffull;
	gdt[RDP_CS32 / 8] = 0x00cf9b000000ffffull;
	gdt[RDP_CS16 / 8] = 0x008f9b000000ffffull;	/* 16-bit code, 4 GiB */
	gdt[RDP_DS16 / 8] = 0x000093000000ffffull;
	gdt[RDP_USER_CS / 8] = 0x00affb000000ffffull;
	gdt[RDP_USER_DS / 8] = 0x00cff3000000ffffull;
}

/* Identity map of the first 4 GiB; user access is left to payloads that build their own. */
static void build_tables(struct rdt_vm *vm)
{
	uint64_t *pml4 = rdt_gpa(vm, RDP_PML4_GPA), *pdpt = rdt_gpa(vm, RDP_PDPT_GPA);
	uint64_t *pd = rdt_gpa(vm, RDP_PD_GPA);

	memset(pml4, 0, 4096);
	memset(pdpt, 0, 4096);
	pml4[0] = RDP_PDPT_GPA | 7;
	for (int i = 0; i < 4; i++)
		pdpt[i] = (RDP_PD_GPA + i * 4096) | 7;
	for (uint64_t i = 0; i < 2048; i++)
		pd[i] = i << 21 | 0x83;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool l, bool db)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = l,
		.db = db,
		.g = 1,
	};
}

static void set_data(struct kvm_sregs *s, struct kvm_segment seg)
{
	s->ds = s->es = s->fs = s->gs = s->ss = seg;
}

static void set_entry(struct rdt_vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t arg)
{
	struct kvm_regs regs = { .rip = rip, .rsp = rsp, .rdi = arg, .rflags = 2 };

	rdt_set_regs(vcpu, &regs);
}

static void set_tr(struct kvm_sregs *s)
{
	s->tr = (struct kvm_segment){
		.limit = 0x67, .selector = RDP_TSS, .type = 0xb, .present = 1
	};
	s->ldt = (struct kvm_segment){ .unusable = 1, .type = 2 };
	s->gdt.base = RDP_GDT_GPA;
	s->gdt.limit = RDP_GDT_LIMIT;
	s->idt.limit = 0;
}

void rdt_long_mode(struct rdt_vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t arg)
{
	struct kvm_sregs s;

	build_gdt(vcpu->vm);
	build_tables(vcpu->vm);
	RDT_OK(ioctl(vcpu->fd, KVM_GET_SREGS, &s));
	s.cs = segment(RDP_CS64, CODE, true, false);
	set_data(&s, segment(RDP_DS, DATA, false, true));
	set_tr(&s);
	s.cr3 = RDP_PML4_GPA;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	s.efer = EFER_LME | EFER_LMA | EFER_NX;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	set_entry(vcpu, rip, rsp, arg);
}

void rdt_prot_mode(struct rdt_vcpu *vcpu, uint32_t eip, uint32_t esp, uint32_t arg)
{
	struct kvm_sregs s;

	build_gdt(vcpu->vm);
	RDT_OK(ioctl(vcpu->fd, KVM_GET_SREGS, &s));
	s.cs = segment(RDP_CS32, CODE, false, true);
	set_data(&s, segment(RDP_DS, DATA, false, true));
	set_tr(&s);
	s.cr0 = CR0_PE | CR0_ET | CR0_NE;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	set_entry(vcpu, eip, esp, arg);
}

void rdt_real_mode(struct rdt_vcpu *vcpu, uint64_t base, uint16_t ip, uint16_t arg)
{
	struct kvm_sregs s;

	RDT_OK(ioctl(vcpu->fd, KVM_GET_SREGS, &s));
	s.cs.base = base;
	s.cs.selector = base >> 4;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	set_entry(vcpu, ip, 0xff00, arg);
}

void rdt_get_regs(struct rdt_vcpu *vcpu, struct kvm_regs *regs)
{
	RDT_OK(ioctl(vcpu->fd, KVM_GET_REGS, regs));
}

void rdt_set_regs(struct rdt_vcpu *vcpu, const struct kvm_regs *regs)
{
	RDT_OK(ioctl(vcpu->fd, KVM_SET_REGS, regs));
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

uint64_t rdt_get_msr(struct rdt_vcpu *vcpu, uint32_t msr)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = msr };

	if (ioctl(vcpu->fd, KVM_GET_MSRS, &m) != 1)
		rdt_fail("KVM_GET_MSRS of 0x%x: %s", msr, strerror(errno));
	return m.entry.data;
}

int rdt_set_msr(struct rdt_vcpu *vcpu, uint32_t msr, uint64_t value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = msr, .entry.data = value };

	return ioctl(vcpu->fd, KVM_SET_MSRS, &m);
}

void rdt_dump(struct rdt_vcpu *vcpu)
{
	struct kvm_regs r;
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &r) || ioctl(vcpu->fd, KVM_GET_SREGS, &s)) {
		rdt_note("processor %d: no registers: %s", vcpu->id, strerror(errno));
		return;
	}
	rdt_note("processor %d: rip %llx rflags %llx rsp %llx rax %llx rcx %llx rdx %llx", vcpu->id,
		 r.rip, r.rflags, r.rsp, r.rax, r.rcx, r.rdx);
	rdt_note("  cs %x base %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx", s.cs.selector,
		 s.cs.base, s.cr0, s.cr2, s.cr3, s.cr4, s.efer);
	rdt_note("  %llu exits, last %s", (unsigned long long)vcpu->exits,
		 rdt_exit_name(vcpu->run->exit_reason));
}
