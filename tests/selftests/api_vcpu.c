// SPDX-License-Identifier: GPL-2.0-only
/* The calls on a vCPU descriptor: answers, errors, and state that must survive a round trip. */
#include "tests/selftests/lib/rdt.h"

#include <sys/wait.h>

static struct rdt_vcpu *one(uint32_t flags)
{
	return rdt_vcpu_new(rdt_vm_new(RDP_RAM_MIN, flags), 0);
}

static void unknown_calls(void)
{
	struct rdt_vcpu *v = one(0);

	RDT_ERRNO2(ioctl(v->fd, _IO(KVMIO, 0x8f), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(v->fd, _IO('x', 0x80), 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(v->fd, KVM_CREATE_VCPU, 0), ENOTTY, EINVAL);
	RDT_ERRNO2(ioctl(v->fd, KVM_CREATE_VM, 0), ENOTTY, EINVAL);
}

static void bad_pointers(void)
{
	static const struct {
		const char *name;
		unsigned long call;
		long cap;
	} calls[] = {
#define CALL(c) { #c, c, 0 }
#define CAP(c, k) { #c, c, k }
		CALL(KVM_GET_REGS), CALL(KVM_SET_REGS), CALL(KVM_GET_SREGS), CALL(KVM_SET_SREGS),
		CALL(KVM_GET_FPU), CALL(KVM_SET_FPU), CALL(KVM_GET_MSRS), CALL(KVM_SET_MSRS),
		CALL(KVM_SET_CPUID2), CALL(KVM_GET_CPUID2), CALL(KVM_GET_LAPIC),
		CALL(KVM_SET_LAPIC), CALL(KVM_GET_MP_STATE), CALL(KVM_SET_MP_STATE),
		CALL(KVM_GET_VCPU_EVENTS), CALL(KVM_SET_VCPU_EVENTS), CALL(KVM_GET_DEBUGREGS),
		CALL(KVM_SET_DEBUGREGS), CALL(KVM_GET_XSAVE), CALL(KVM_SET_XSAVE),
		CALL(KVM_GET_XCRS), CALL(KVM_SET_XCRS), CALL(KVM_X86_SETUP_MCE),
		CALL(KVM_SET_VAPIC_ADDR), CALL(KVM_SET_GUEST_DEBUG), CALL(KVM_TRANSLATE),
		CALL(KVM_INTERRUPT),
		CAP(KVM_GET_XSAVE2, KVM_CAP_XSAVE2),
		CAP(KVM_GET_SREGS2, KVM_CAP_SREGS2),
		CAP(KVM_SET_SREGS2, KVM_CAP_SREGS2),
	};
	struct rdt_vcpu *v = one(RDP_IRQCHIP);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].cap && rdt_cap(v->vm->fd, calls[i].cap) <= 0)
			continue;
		if (ioctl(v->fd, calls[i].call, RDT_BAD_PTR) >= 0 || errno != EFAULT)
			rdt_fail("%s with a bad pointer: %s", calls[i].name, strerror(errno));
	}
}

static void run_argument(void)
{
	struct rdt_vcpu *v = one(0);

	RDT_ERRNO(ioctl(v->fd, KVM_RUN, 1), EINVAL);
}

static void mapping(void)
{
	struct rdt_vcpu *v = one(0);
	uint8_t *p;
	int status;
	pid_t pid;

	p = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	RDT_CHECK(p != MAP_FAILED);
	p[8] = 1;	/* a second mapping shows the same page */
	RDT_EQ(((volatile uint8_t *)v->run)[8], 1);
	/* Pages beyond what the VM offers do not exist. */
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, v->fd, 4096 * 1000);
	if (p == MAP_FAILED)
		return;
	pid = fork();
	if (!pid) {
		status = *(volatile uint8_t *)p;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	RDT_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == 7);	/* SIGBUS */
}

static void reset_state(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_sregs s;
	struct kvm_regs r;

	rdt_get_regs(v, &r);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &s));
	RDT_EQ(r.rip, 0xfff0);
	RDT_EQ(r.rflags, 2);
	RDT_EQ(r.rsp, 0);
	RDT_EQ(s.cs.base, 0xffff0000);
	RDT_EQ(s.cs.selector, 0xf000);
	RDT_EQ(s.cs.limit, 0xffff);
	RDT_EQ(s.ds.base, 0);
	RDT_EQ(s.ds.limit, 0xffff);
	RDT_EQ(s.cr0, 0x60000010);
	RDT_EQ(s.cr3, 0);
	RDT_EQ(s.cr4, 0);
	RDT_EQ(s.efer, 0);
	RDT_EQ(s.idt.limit, 0xffff);
	RDT_EQ(s.gdt.limit, 0xffff);
}

static void regs_round_trip(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_regs a, b;

	for (size_t i = 0; i < sizeof(a); i++)
		((uint8_t *)&a)[i] = i * 29 + 1;
	a.rflags = 0x246;
	rdt_set_regs(v, &a);
	rdt_get_regs(v, &b);
	RDT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	a.rflags = 0x244;		/* bit 1 always reads as one */
	rdt_set_regs(v, &a);
	rdt_get_regs(v, &b);
	RDT_EQ(b.rflags & 2, 2);
}

static void sregs_round_trip(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_sregs a, b;

	rdt_long_mode(v, 0x100000, 0x100000, 0);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &a));
	a.ds.selector = 0x10;
	a.fs.base = 0x123456789000;
	a.gs.base = 0xffff888812345000;
	a.gdt.base = 0xffff800000001000;
	a.gdt.limit = 0x7f;
	a.idt.base = 0x5000;
	a.idt.limit = 0xfff;
	a.cr2 = 0xdeadbeef000;
	a.cr8 = 5;
	RDT_OK(ioctl(v->fd, KVM_SET_SREGS, &a));
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &b));
	RDT_EQ(b.fs.base, a.fs.base);
	RDT_EQ(b.gs.base, a.gs.base);
	RDT_EQ(memcmp(&a.gdt, &b.gdt, 10), 0);
	RDT_EQ(memcmp(&a.idt, &b.idt, 10), 0);
	RDT_EQ(b.cr0, a.cr0);
	RDT_EQ(b.cr2, a.cr2);
	RDT_EQ(b.cr3, a.cr3);
	RDT_EQ(b.cr4, a.cr4);
	RDT_EQ(b.cr8, 5);
	RDT_EQ(b.efer, a.efer);
	RDT_EQ(b.cs.l, 1);
	RDT_EQ(b.cs.selector, a.cs.selector);
	RDT_EQ(b.tr.selector, a.tr.selector);
}

/* A refused state changes nothing. */
static void sregs_rejects(void)
{
	struct rdt_vcpu *v = one(RDP_IRQCHIP);
	struct kvm_sregs good, s, now;

	rdt_long_mode(v, 0x100000, 0x100000, 0);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &good));
#define REJECT(change)								\
	do {									\
		s = good;							\
		s.cr2 = 0x1234000;						\
		change;								\
		RDT_ERRNO(ioctl(v->fd, KVM_SET_SREGS, &s), EINVAL);		\
		RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &now));			\
		RDT_EQ(now.cr0, good.cr0);					\
		RDT_EQ(now.cr2, good.cr2);					\
		RDT_EQ(now.cr4, good.cr4);					\
		RDT_EQ(now.efer, good.efer);					\
		RDT_EQ(now.apic_base, good.apic_base);				\
	} while (0)
	REJECT(s.cr4 |= 1ull << 63);
	REJECT(s.cr4 |= 1ull << 15);
	REJECT(s.cr4 |= 1ull << 13);		/* VMXE: never offered here */
	REJECT(s.cr4 &= ~0x20ull);		/* long mode without PAE */
	REJECT(s.efer &= ~0x400ull);		/* LME and PG without LMA */
	REJECT(s.cr3 |= 1ull << 60);
	REJECT(s.apic_base = 1ull << 63);
	REJECT(s.apic_base |= 1 << 9);
	REJECT(s.apic_base = (s.apic_base & ~(1ull << 11)) | 1 << 10);
	RDT_OK(ioctl(v->fd, KVM_SET_SREGS, &good));
}

/* CR4 bits of features that CPUID does not show are refused. */
static void sregs_cr4_by_cpuid(void)
{
	static const struct {
		uint32_t leaf, reg, bit, cr4;
	} bits[] = {
		{ 1, 2, 26, 18 },	/* XSAVE: OSXSAVE */
		{ 1, 2, 17, 17 },	/* PCID: PCIDE */
		{ 7, 1, 7, 20 },	/* SMEP */
		{ 7, 1, 20, 21 },	/* SMAP */
		{ 7, 2, 2, 11 },	/* UMIP */
		{ 7, 2, 3, 22 },	/* PKU: PKE */
		{ 7, 1, 0, 16 },	/* FSGSBASE */
		{ 7, 2, 16, 12 },	/* LA57 */
	};
	struct rdt_vcpu *v = one(RDP_IRQCHIP);
	struct kvm_cpuid2 *c = rdt_supported_cpuid(v->vm->sys);
	struct kvm_sregs good, s;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		struct kvm_cpuid_entry2 *e = rdt_cpuid_find(c, bits[i].leaf, 0);

		if (e)
			(&e->eax)[bits[i].reg] &= ~(1u << bits[i].bit);
	}
	RDT_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	rdt_long_mode(v, 0x100000, 0x100000, 0);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &good));
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		s = good;
		s.cr4 |= 1ull << bits[i].cr4;
		RDT_ERRNO(ioctl(v->fd, KVM_SET_SREGS, &s), EINVAL);
	}
	RDT_OK(ioctl(v->fd, KVM_SET_SREGS, &good));
}

static void cpuid_calls(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_cpuid2 *c = rdt_supported_cpuid(v->vm->sys), *back;
	uint32_t n = c->nent;

	back = calloc(1, sizeof(*back) + 256 * sizeof(back->entries[0]));
	RDT_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	back->nent = n - 1;
	RDT_ERRNO(ioctl(v->fd, KVM_GET_CPUID2, back), E2BIG);
	back->nent = 256;
	RDT_OK(ioctl(v->fd, KVM_GET_CPUID2, back));
	RDT_CHECK(back->nent == n || back->nent == 256);	/* older kernels leave it */
	for (uint32_t i = 0; i < n; i++)
		RDT_EQ(back->entries[i].function, c->entries[i].function);
	c->nent = 1 << 20;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, c), E2BIG);
	c->nent = 0;
	RDT_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
}

/* After the first KVM_RUN the same table is accepted and another one refused. */
static void cpuid_after_run(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_cpuid2 *c = rdt_supported_cpuid(v->vm->sys);

	RDT_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	((uint8_t *)rdt_gpa(v->vm, 0x10000))[0] = 0xf4;
	rdt_real_mode(v, 0x10000, 0, 0);
	rdt_until_exit(v, KVM_EXIT_HLT);
	RDT_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	rdt_cpuid_find(c, 7, 0)->ebx ^= 1 << 7;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, c), EINVAL);
}

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry e[300];
};

static void msr_calls(void)
{
	struct rdt_vcpu *v = one(0);
	struct msrs m = { .head.nmsrs = 3 };

	m.e[0].index = 0xc0000102;
	m.e[0].data = 0x7fff12345000;
	m.e[1].index = 0x12345678;		/* no such register: the call stops here */
	m.e[2].index = 0xc0000102;
	RDT_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 1);
	m.e[0].data = 0;
	RDT_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 1);
	RDT_EQ(m.e[0].data, 0x7fff12345000);
	m.head.nmsrs = 0;
	RDT_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 0);
	m.head.nmsrs = 300;
	RDT_ERRNO(ioctl(v->fd, KVM_GET_MSRS, &m), E2BIG);
	RDT_ERRNO(ioctl(v->fd, KVM_SET_MSRS, &m), E2BIG);
}

static void msr_bad_values(void)
{
	static const struct {
		uint32_t index;
		uint64_t data;
	} bad[] = {
		{ 0xc0000102, 0x8000000000000000 },	/* kernel GS base, not canonical */
		{ 0xc0000082, 0x0000800000000000 },	/* LSTAR */
		{ 0xc0000080, 1ull << 63 },		/* EFER */
		{ 0x277, 0x0202020202020202 },		/* PAT: no such memory type */
		{ 0x2ff, 0xff },			/* MTRR default type */
		{ 0x1b, 1ull << 63 },			/* APIC base */
	};
	struct rdt_vcpu *v = one(RDP_IRQCHIP);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t was = rdt_get_msr(v, bad[i].index);

		if (rdt_set_msr(v, bad[i].index, bad[i].data) != 0)
			rdt_fail("MSR 0x%x takes 0x%llx", bad[i].index,
				 (unsigned long long)bad[i].data);
		RDT_EQ(rdt_get_msr(v, bad[i].index), was);
	}
}

/* What is listed can be read, and what was read can be written back. */
static void listed_msrs(void)
{
	struct {
		struct kvm_msr_list head;
		uint32_t indices[1024];
	} list = { .head.nmsrs = 1024 };
	struct rdt_vcpu *v = one(RDP_IRQCHIP);

	RDT_OK(ioctl(v->vm->sys, KVM_GET_MSR_INDEX_LIST, &list));
	for (uint32_t i = 0; i < list.head.nmsrs; i++) {
		struct msrs m = { .head.nmsrs = 1 };

		m.e[0].index = list.head.indices[i];
		if (ioctl(v->fd, KVM_GET_MSRS, &m) != 1)
			rdt_fail("MSR 0x%x is listed and cannot be read", m.e[0].index);
		if (ioctl(v->fd, KVM_SET_MSRS, &m) != 1)
			rdt_fail("MSR 0x%x does not take its own value 0x%llx", m.e[0].index,
				 (unsigned long long)m.e[0].data);
	}
}

/* QEMU aborts when one of these fails, whatever the lists say. */
static void msrs_of_clients(void)
{
	static const uint32_t plain[] = {
		0x10, 0x174, 0x175, 0x176, 0x17a, 0x1b, 0x277, 0x2ff, 0x250, 0x258, 0x259, 0x268,
		0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x1a0, 0xc0000080, 0xc0000081,
		0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
	};
	struct rdt_vcpu *v = one(RDP_IRQCHIP);
	uint64_t mcg = 10 | 1 << 8;

	RDT_OK(ioctl(v->fd, KVM_X86_SETUP_MCE, &mcg));
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (rdt_set_msr(v, plain[i], rdt_get_msr(v, plain[i])) != 1)
			rdt_fail("MSR 0x%x does not take its own value", plain[i]);
	for (uint32_t msr = 0x200; msr < 0x210; msr++)
		RDT_EQ(rdt_set_msr(v, msr, rdt_get_msr(v, msr)), 1);
	for (uint32_t msr = 0x400; msr < 0x428; msr++)
		RDT_EQ(rdt_set_msr(v, msr, rdt_get_msr(v, msr)), 1);
	RDT_EQ(rdt_set_msr(v, 0x17b, ~0ull), 1);
}

static void fpu(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_fpu a, b;

	RDT_OK(ioctl(v->fd, KVM_GET_FPU, &a));
	RDT_EQ(a.fcw, 0x37f);
	for (size_t i = 0; i < sizeof(a.xmm); i++)
		((uint8_t *)a.xmm)[i] = i;
	for (size_t i = 0; i < 8; i++)
		memset(a.fpr[i], 0x10 + i, 10);
	a.fcw = 0x27f;
	RDT_OK(ioctl(v->fd, KVM_SET_FPU, &a));
	RDT_OK(ioctl(v->fd, KVM_GET_FPU, &b));
	RDT_EQ(memcmp(a.xmm, b.xmm, sizeof(a.xmm)), 0);
	RDT_EQ(b.fcw, 0x27f);
	for (size_t i = 0; i < 8; i++)
		RDT_EQ(memcmp(a.fpr[i], b.fpr[i], 10), 0);
}

static void signal_mask(void)
{
	struct {
		struct kvm_signal_mask head;
		uint8_t set[128];
	} m = { .head.len = 8 };
	struct rdt_vcpu *v = one(0);

	RDT_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	m.head.len = 128;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	m.head.len = 0;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	RDT_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL));
}

static void interrupt_errors(void)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, 0);
	struct rdt_vcpu *v = rdt_vcpu_new(vm, 0);

	RDT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	irq.irq = 256;
	RDT_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	irq.irq = 0x40;
	v = one(RDP_IRQCHIP);
	RDT_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), ENXIO);
	/* In split mode the client's 8259 has room for one vector. */
	vm = rdt_vm_new(RDP_RAM_MIN, 0);
	RDT_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &split));
	v = rdt_vcpu_new(vm, 0);
	RDT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	RDT_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), EEXIST);
}

static void nmi(void)
{
	struct kvm_vcpu_events ev = { 0 };
	struct rdt_vcpu *v = one(RDP_IRQCHIP);

	RDT_OK(ioctl(v->fd, KVM_NMI, 0));
	RDT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &ev));
	RDT_EQ(ev.nmi.pending, 1);
}

static void kvmclock_ctrl(void)
{
	struct rdt_vcpu *v = one(RDP_IRQCHIP);

	RDT_ERRNO(ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0), EINVAL);
}

static void guest_debug(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_guest_debug d = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };

	RDT_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
	d.control = 0;
	RDT_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
}

static void translate(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_translation t = { .linear_address = 0x123456 };

	rdt_long_mode(v, 0x100000, 0x100000, 0);
	RDT_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	RDT_EQ(t.valid, 1);
	RDT_EQ(t.physical_address, 0x123456);
	t = (struct kvm_translation){ .linear_address = 0x7ff000000000 };
	RDT_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	RDT_EQ(t.valid, 0);
}

static void mce(void)
{
	struct rdt_vcpu *v = one(0);
	uint64_t cap = 0;

	RDT_ERRNO(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap), EINVAL);	/* no bank */
	cap = 100;
	RDT_ERRNO(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap), EINVAL);
	cap = 10 | 1ull << 60;
	RDT_ERRNO(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap), EINVAL);
	cap = 10;
	RDT_OK(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
}

static void tsc_khz(void)
{
	struct rdt_vcpu *v = one(0);
	long khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);

	if (khz < 0)
		RDT_EQ(errno, EIO);
	else
		RDT_CHECK(khz > 100000);
}

static void vapic_addr(void)
{
	struct rdt_vcpu *v = one(RDP_IRQCHIP);
	struct kvm_vapic_addr a = { .vapic_addr = 0 };

	RDT_OK(ioctl(v->fd, KVM_SET_VAPIC_ADDR, &a));
}

/* An emulated CPU that refuses a state leaves the host's in its place: none of it may come out. */
static void failed_entry_tells_nothing(void)
{
	const uint64_t kernel = 1ull << 63;
	struct rdt_vcpu *v = one(0);
	struct kvm_sregs s;
	struct kvm_regs r;

	rdt_real_mode(v, RDP_REAL_GPA, 0, 0);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &s));
	s.cr3 = 1ull << 60;
	RDT_OK(ioctl(v->fd, KVM_SET_SREGS, &s));
	RDT_OK(rdt_run_once(v));
	if (v->run->exit_reason != KVM_EXIT_FAIL_ENTRY)
		rdt_skip("this CPU takes the state that was to be refused");
	rdt_get_regs(v, &r);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &s));
	for (const uint64_t *w = (uint64_t *)&r; w < (uint64_t *)(&r + 1); w++)
		RDT_CHECK(!(*w & kernel));
	RDT_CHECK(!(s.gdt.base & kernel) && !(s.idt.base & kernel) && !(s.tr.base & kernel));
	RDT_CHECK(!(s.gs.base & kernel) && !(s.cr0 & 1) && !s.cr3);
	/* And the vCPU is not lost. */
	rdt_real_mode(v, RDP_REAL_GPA, 0, 0);
	*(uint8_t *)rdt_gpa(v->vm, RDP_REAL_GPA) = 0xf4;
	rdt_until_exit(v, KVM_EXIT_HLT);
}

/* On stock KVM this takes an emulated host down (QEMU's TCG does not restore the host's CR0). */
static void lme_without_paging(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_sregs s;

	if (rdt_is_emulated() && rdt_is_stock())
		rdt_skip("QEMU's TCG loses the host");
	rdt_real_mode(v, RDP_REAL_GPA, 0, 0);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &s));
	s.efer = 0x100;
	RDT_OK(ioctl(v->fd, KVM_SET_SREGS, &s));
	*(uint8_t *)rdt_gpa(v->vm, RDP_REAL_GPA) = 0xf4;
	rdt_until_exit(v, KVM_EXIT_HLT);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &s));
	RDT_EQ(s.efer, 0x100);
}

static const struct rdt_test tests[] = {
	{ "unknown_calls", unknown_calls },
	{ "bad_pointers", bad_pointers },
	{ "run_argument", run_argument },
	{ "mapping", mapping },
	{ "reset_state", reset_state },
	{ "regs_round_trip", regs_round_trip },
	{ "sregs_round_trip", sregs_round_trip },
	{ "sregs_rejects", sregs_rejects },
	{ "sregs_cr4_by_cpuid", sregs_cr4_by_cpuid },
	{ "cpuid_calls", cpuid_calls },
	{ "cpuid_after_run", cpuid_after_run },
	{ "msr_calls", msr_calls },
	{ "msr_bad_values", msr_bad_values },
	{ "listed_msrs", listed_msrs },
	{ "msrs_of_clients", msrs_of_clients },
	{ "fpu", fpu },
	{ "signal_mask", signal_mask },
	{ "interrupt_errors", interrupt_errors },
	{ "nmi", nmi },
	{ "kvmclock_ctrl", kvmclock_ctrl },
	{ "guest_debug", guest_debug },
	{ "translate", translate },
	{ "mce", mce },
	{ "tsc_khz", tsc_khz },
	{ "vapic_addr", vapic_addr },
	{ "failed_entry_tells_nothing", failed_entry_tells_nothing },
	{ "lme_without_paging", lme_without_paging },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
