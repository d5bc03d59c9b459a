// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processor itself does for a guest: identification, MSRs, control registers, time,
 * extended state across exits, and the instructions that a hypervisor may have to intercept.
 */
#include "tests/guest/guest.h"

static u8 area[3][8192] __attribute__((aligned(64)));

static void cpuid_leaves(void)
{
	u32 r[4], max;

	cpuid(0, 0, r);
	max = r[0];
	CHECK(max >= 7);
	cpuid(max + 100, 0, r); /* beyond the end: something, but no fault */
	cpuid(0x40000000, 0, r);
	CHECK(r[0] == 0 || r[0] >= 0x40000001);
	cpuid(0x80000000, 0, r);
	CHECK(r[0] >= 0x80000008);
	cpuid(0x80000008, 0, r);
	CHECK((r[0] & 0xff) >= 32);
}

/* The upper halves of all four registers are cleared, all others are left alone. */
static void cpuid_registers(void)
{
	u64 a = 0xffffffff00000000, b = ~0ull, c = 0xffffffff00000000, d = ~0ull;
	register u64 r8 asm("r8") = 0x1234;
	register u64 r15 asm("r15") = 0x5678;

	asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+r"(r8), "+r"(r15));
	CHECK_EQ(a >> 32, 0);
	CHECK_EQ(b >> 32, 0);
	CHECK_EQ(c >> 32, 0);
	CHECK_EQ(d >> 32, 0);
	CHECK_EQ(r8, 0x1234);
	CHECK_EQ(r15, 0x5678);
}

static void msr_round_trip(void)
{
	static const struct {
		u32 msr;
		u64 value;
	} good[] = {
		{ MSR_SYSENTER_CS, 0x10 },
		{ MSR_SYSENTER_ESP, 0x123456789000 },
		{ MSR_SYSENTER_ESP + 1, 0x7fff00001000 },
		{ MSR_STAR, 0x0023001000000000 },
		{ MSR_LSTAR, 0xffffffff81000000 },
		{ MSR_CSTAR, 0xffffffff82000000 },
		{ MSR_SFMASK, 0x47700 },
		{ MSR_FS_BASE, 0x111122223000 },
		{ MSR_GS_BASE, 0xffff888000000000 },
		{ MSR_KERNEL_GS_BASE, 0xffffc90000000000 },
		{ MSR_PAT, 0x0407050600070106 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		wrmsr(good[i].msr, good[i].value);
		CHECK_EQ(rdmsr(good[i].msr), good[i].value);
	}
}

static void msr_bad(void)
{
	u64 v;

	CHECK_EQ(rdmsr_safe(0x12345678, &v), GP);
	CHECK_EQ(rdg_fault.error, 0);
	CHECK_EQ(wrmsr_safe(0x12345678, 0), GP);
	CHECK_EQ(wrmsr_safe(MSR_PAT, 0x0202020202020202), GP);
	CHECK_EQ(wrmsr_safe(MSR_EFER, rdmsr(MSR_EFER) | 1ull << 63), GP);
	CHECK_EQ(wrmsr_safe(MSR_APICBASE, rdmsr(MSR_APICBASE) | 1ull << 63), GP);
	CHECK_EQ(rdg_caught(), RDG_NONE);
}

static void msr_not_canonical(void)
{
	if (emulated())
		rdg_skip("QEMU's TCG takes addresses that are not canonical");
	CHECK_EQ(wrmsr_safe(MSR_LSTAR, 0x0000800000000000), GP);
	CHECK_EQ(wrmsr_safe(MSR_KERNEL_GS_BASE, 0x8000000000000000), GP);
}

static void efer_rules(void)
{
	u64 efer = rdmsr(MSR_EFER);

	CHECK_EQ(efer & 0x500, 0x500);
	wrmsr(MSR_EFER, efer | 1); /* SCE */
	CHECK_EQ(rdmsr(MSR_EFER), efer | 1);
	CHECK_EQ(wrmsr_safe(MSR_EFER, efer & ~0x100ull), GP); /* LME off under paging */
	CHECK_EQ(rdmsr(MSR_EFER), efer | 1);
	wrmsr(MSR_EFER, efer & ~0x400ull); /* LMA follows LME, the write is ignored */
	CHECK_EQ(rdmsr(MSR_EFER), efer);
}

static void cr0_rules(void)
{
	ulong cr0 = read_cr0();

	write_cr0(cr0 & ~0x10000ul);
	CHECK_EQ(read_cr0(), cr0 & ~0x10000ul);
	write_cr0(cr0);
	CHECK_EQ(read_cr0(), cr0);
	write_cr0(cr0 | 1 << 30); /* CD */
	CHECK_EQ(read_cr0(), cr0 | 1 << 30);
	write_cr0(cr0);
	CHECK_EQ(write_cr0_safe(cr0 & ~1ul), GP); /* PG without PE */
	CHECK_EQ(write_cr0_safe((cr0 | 1 << 29) & ~(1ul << 30)), GP); /* NW without CD */
	if (!emulated()) /* TCG cuts the value off */
		CHECK_EQ(write_cr0_safe(cr0 | 1ul << 32), GP);
	CHECK_EQ(read_cr0(), cr0);
}

static void clts_lmsw_smsw(void)
{
	ulong cr0 = read_cr0(), msw = 0;

	write_cr0(cr0 | 8);
	CHECK_EQ(read_cr0(), cr0 | 8);
	asm volatile(GUARDED("fninit"));
	CHECK_EQ(rdg_caught(), NM);
	asm volatile("clts");
	CHECK_EQ(read_cr0(), cr0 & ~8ul);
	asm volatile("fninit");
	asm volatile("lmsw %w0" : : "r"(cr0 | 8));
	CHECK_EQ(read_cr0(), cr0 | 8);
	asm volatile("smsw %0" : "=r"(msw));
	CHECK_EQ(msw & 0xffff, (cr0 | 8) & 0xffff);
	asm volatile("lmsw %w0" : : "r"(cr0 & ~9ul)); /* PE cannot be cleared this way */
	CHECK_EQ(read_cr0(), cr0 & ~8ul);
}

static void cr4_rules(void)
{
	ulong cr4 = read_cr4();

	write_cr4(cr4 | 0x80); /* PGE */
	CHECK_EQ(read_cr4(), cr4 | 0x80);
	write_cr4(cr4);
	CHECK_EQ(write_cr4_safe(cr4 & ~0x20ul), GP); /* PAE in long mode */
	CHECK_EQ(write_cr4_safe(cr4 | 1ul << 15), GP);
	if (!emulated()) /* TCG cuts the value off */
		CHECK_EQ(write_cr4_safe(cr4 | 1ul << 40), GP);
	CHECK_EQ(write_cr4_safe(cr4 | 1ul << 13), GP); /* VMXE */
	CHECK_EQ(read_cr4(), cr4);
}

static void cr3_cr8(void)
{
	ulong cr3 = read_cr3();

	write_cr3(cr3);
	CHECK_EQ(read_cr3(), cr3);
	for (ulong tpr = 0; tpr < 16; tpr++) {
		write_cr8(tpr);
		CHECK_EQ(read_cr8(), tpr);
	}
	if (!emulated()) /* TCG cuts the value off */
		CHECK_EQ(write_cr8_safe(16), GP);
	write_cr8(0);
}

static void cr2_survives(void)
{
	write_cr2(0xdeadbeef000);
	inl(RDP_PORT_ECHO);
	CHECK_EQ(read_cr2(), 0xdeadbeef000);
}

static void tsc_monotonic(void)
{
	u64 last = rdtsc();

	for (u32 i = 0; i < 3000; i++) {
		u64 now = rdtsc();

		if (now < last)
			rdg_fail("the clock went back from 0x%llx to 0x%llx", last, now);
		last = now;
		if (!(i & 7))
			inl(RDP_PORT_ECHO);
	}
}

static void tsc_write(void)
{
	wrmsr(MSR_TSC, 1ull << 48);
	CHECK(rdtsc() - (1ull << 48) < 1ull << 40);
	CHECK(rdmsr(MSR_TSC) - (1ull << 48) < 1ull << 40);
}

/* TSC_ADJUST moves the clock by its own change, and a write of the clock shows in TSC_ADJUST. */
static void tsc_adjust(void)
{
	u64 before, after, adjust;

	if (!HAS_TSC_ADJUST())
		rdg_skip("no TSC_ADJUST");
	adjust = rdmsr(MSR_TSC_ADJUST);
	before = rdtsc();
	wrmsr(MSR_TSC_ADJUST, adjust + (1ull << 44));
	after = rdtsc();
	CHECK_EQ(rdmsr(MSR_TSC_ADJUST), adjust + (1ull << 44));
	CHECK(after - before >= 1ull << 44);
	CHECK(after - before < (1ull << 44) + (1ull << 38));
	adjust = rdmsr(MSR_TSC_ADJUST);
	before = rdtsc();
	wrmsr(MSR_TSC, before + (1ull << 45));
	CHECK(rdmsr(MSR_TSC_ADJUST) - adjust > (1ull << 45) - (1ull << 38));
	CHECK(rdmsr(MSR_TSC_ADJUST) - adjust <= 1ull << 45);
}

static void rdtscp(void)
{
	u32 lo, hi, aux;

	if (!has_feature(0x80000001, 0, 3, 27))
		rdg_skip("no RDTSCP");
	wrmsr(MSR_TSC_AUX, 0x2a);
	inl(RDP_PORT_ECHO);
	asm volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	CHECK_EQ(aux, 0x2a);
	CHECK_EQ(rdmsr(MSR_TSC_AUX), 0x2a);
}

static void fill(u8 *p, ulong n, u32 seed)
{
	for (ulong i = 0; i < n; i++)
		p[i] = i * 13 + seed;
}

/* Sixteen XMM registers across exits to the kernel and to user space. */
static void sse_state(void)
{
	fill(area[0], 256, 7);
#define EACH(m)                                                                                    \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD(n) "movdqu " #n "*16(%0), %%xmm" #n "\n"
#define STORE(n) "movdqu %%xmm" #n ", " #n "*16(%0)\n"
	asm volatile(EACH(LOAD) : : "r"(area[0]) : "memory");
	for (u32 i = 0; i < 200; i++) {
		u32 r[4];

		inl(RDP_PORT_ECHO);
		cpuid(0, 0, r);
	}
	asm volatile(EACH(STORE) : : "r"(area[1]) : "memory");
	CHECK_EQ(memcmp(area[0], area[1], 256), 0);
}

static void fpu_state(void)
{
	u16 cw = 0x27f, got = 0;
	u64 v = 0x400921fb54442d18, back = 0;

	asm volatile("fninit; fldcw %0; fldl %1" : : "m"(cw), "m"(v));
	for (u32 i = 0; i < 100; i++)
		inl(RDP_PORT_ECHO);
	asm volatile("fnstcw %0; fstpl %1" : "=m"(got), "=m"(back));
	CHECK_EQ(got, 0x27f);
	CHECK_EQ(back, v);
}

static void set_xcr0(u64 v)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

static u32 set_xcr0_safe(u32 index, u64 v)
{
	asm volatile(GUARDED("xsetbv") : : "c"(index), "a"((u32)v), "d"((u32)(v >> 32)));
	return rdg_caught();
}

static u64 get_xcr0(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

static void need_xsave(void)
{
	if (!HAS_XSAVE())
		rdg_skip("no XSAVE");
	write_cr4(read_cr4() | 1 << 18);
}

static void xsetbv_rules(void)
{
	if (!HAS_XSAVE())
		rdg_skip("no XSAVE");
	CHECK_EQ(set_xcr0_safe(0, 1), UD); /* CR4.OSXSAVE is off */
	CHECK_EQ(has_feature(1, 0, 2, 27), 0);
	need_xsave();
	CHECK_EQ(has_feature(1, 0, 2, 27), 1);
	CHECK_EQ(get_xcr0(), 1);
	set_xcr0(3);
	CHECK_EQ(get_xcr0(), 3);
	CHECK_EQ(set_xcr0_safe(0, 0), GP);
	CHECK_EQ(set_xcr0_safe(0, 2), GP);
	CHECK_EQ(set_xcr0_safe(0, 5), GP);
	CHECK_EQ(set_xcr0_safe(1, 1), GP);
	CHECK_EQ(set_xcr0_safe(0, 1ull << 62 | 1), GP);
	CHECK_EQ(get_xcr0(), 3);
}

/* TCG does not intercept XSETBV, so that the hypervisor cannot know of it. */
static void need_xcr0_kept(u64 v)
{
	need_xsave();
	set_xcr0(v);
	inl(RDP_PORT_ECHO);
	if (emulated() && get_xcr0() != v)
		rdg_skip("QEMU's TCG does not intercept XSETBV");
	CHECK_EQ(get_xcr0(), v);
}

static void avx_state(void)
{
	if (!HAS_AVX())
		rdg_skip("no AVX");
	need_xcr0_kept(7);
	fill(area[0], 512, 99);
#define VLOAD(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n"
#define VSTORE(n) "vmovdqu %%ymm" #n ", " #n "*32(%0)\n"
	asm volatile(EACH(VLOAD) : : "r"(area[0]) : "memory");
	for (u32 i = 0; i < 200; i++) {
		u32 r[4];

		inl(RDP_PORT_ECHO);
		cpuid(0, 0, r);
	}
	asm volatile(EACH(VSTORE) : : "r"(area[1]) : "memory");
	CHECK_EQ(memcmp(area[0], area[1], 512), 0);
}

/* Long enough that the host takes the processor away in between. */
static void state_over_preemption(void)
{
	u64 end;

	fill(area[0], 256, 42);
	asm volatile(EACH(LOAD) : : "r"(area[0]) : "memory");
	end = rdtsc() + 300000000;
	while (rdtsc() < end)
		pause();
	asm volatile(EACH(STORE) : : "r"(area[1]) : "memory");
	CHECK_EQ(memcmp(area[0], area[1], 256), 0);
}

/* Size of the area as CPUID tells it follows XCR0. */
static void cpuid_xsave_size(void)
{
	u32 r[4];

	need_xsave();
	cpuid(0xd, 0, r);
	CHECK_EQ(r[1], 576);
	if (!(r[0] & 4))
		return;
	need_xcr0_kept(7);
	cpuid(0xd, 0, r);
	CHECK_EQ(r[1], 832);
	CHECK(r[2] >= r[1]);
}

static void pause_loop(void)
{
	for (u32 i = 0; i < 100000; i++)
		pause();
}

static void hypercall(void)
{
	u64 rax = 0x7fff;

	asm volatile(GUARDED("vmmcall") : "+a"(rax) : : "memory");
	if (rdg_caught() == UD)
		rdg_skip("VMMCALL is not this processor's hypercall");
	CHECK_EQ(rax, -1000); /* KVM_ENOSYS */
	/* Prefixes that mean nothing are part of the instruction. */
	rax = 0x7fff;
	asm volatile(GUARDED(".byte 0x3e, 0x48; vmmcall") : "+a"(rax) : : "memory");
	CHECK_EQ(rdg_caught(), RDG_NONE);
	CHECK_EQ(rax, -1000);
}

static void caches(void)
{
	asm volatile("wbinvd" : : : "memory");
	asm volatile("invd" : : : "memory");
	asm volatile("clflush %0" : "+m"(area[0][0]));
}

static void invlpg_takes_effect(void)
{
	volatile u8 *a = alloc_page(), *b = alloc_page(), *v = (u8 *)0x60000000;

	*a = 1;
	*b = 2;
	map_page((ulong)v, (ulong)a, PTE_P | PTE_W);
	CHECK_EQ(*v, 1);
	*pte_of((ulong)v) = (ulong)b | PTE_P | PTE_W;
	invlpg(v);
	CHECK_EQ(*v, 2);
}

/* A hypervisor offers MONITOR or not; either way it behaves as CPUID says, or does nothing. */
static void monitor_mwait(void)
{
	asm volatile(GUARDED("monitor") : : "a"(area[0]), "c"(0), "d"(0));
	if (HAS_MONITOR()) {
		CHECK_EQ(rdg_caught(), RDG_NONE);
		return;
	}
	if (rdg_caught() == UD)
		return;
	asm volatile(GUARDED("mwait") : : "a"(0), "c"(0));
	CHECK_EQ(rdg_caught(), RDG_NONE);
}

static void vmx_svm_absent(void)
{
	if (has_feature(0x80000001, 0, 2, 2))
		rdg_skip("this hypervisor offers SVM to its guests");
	asm volatile(GUARDED("vmrun") : : "a"(0));
	CHECK_EQ(rdg_caught(), UD);
	asm volatile(GUARDED("clgi"));
	CHECK_EQ(rdg_caught(), UD);
	asm volatile(GUARDED("vmload") : : "a"(0));
	CHECK_EQ(rdg_caught(), UD);
	CHECK_EQ(wrmsr_safe(MSR_EFER, rdmsr(MSR_EFER) | 1 << 12), GP);
}

static volatile u32 user_vector, user_error;
static ulong back_rsp, back_rip;

/* Leave user mode by the interrupt gate: the handler goes back to where enter_user() was called. */
static void user_only_once(struct rdg_frame *f)
{
	user_vector = f->vector;
	user_error = f->error;
	f->cs = RDP_CS64;
	f->ss = RDP_DS;
	f->sp = back_rsp;
	f->ip = back_rip;
	f->flags &= ~0x3000ul;
}

static noinline void enter_user(void *code)
{
	asm volatile("push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n"
		     "mov %%rsp, %1\n"
		     "lea 1f(%%rip), %%rcx\n"
		     "mov %%rcx, %2\n"
		     "push %3\npush $0x60001000\npush $2\npush %4\npush %0\niretq\n"
		     "1: pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx"
		     :
		     : "D"(code), "m"(back_rsp), "m"(back_rip), "i"(RDP_USER_DS), "i"(RDP_USER_CS)
		     : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
}

static void run_user(const void *code, ulong n)
{
	u8 *page = alloc_page();

	memcpy(page, code, n);
	map_page(0x60000000, (ulong)page, PTE_P | PTE_U);
	map_page(0x60002000, (ulong)alloc_page(), PTE_P | PTE_W | PTE_U);
	enter_user((void *)0x60000000);
}

/* Ring 3: gates, and what it must not do. */
static void user_mode(void)
{
	static const u8 int50[] = { 0xcd, 0x50 }, hlt_code[] = { 0xf4 }, in_code[] = { 0xe4, 0x60 },
			rdmsr_code[] = { 0x0f, 0x32 }, cpuid_code[] = { 0x0f, 0xa2, 0xcd, 0x50 },
			vmmcall_code[] = { 0x0f, 0x01, 0xd9, 0xcd, 0x50 };
	extern char rdg_stubs[];

	rdg_handlers[0x50] = user_only_once;
	rdg_handlers[GP] = user_only_once;
	rdg_handlers[UD] = user_only_once;
	rdg_set_gate(0x50, (void (*)(void))(rdg_stubs + 16 * 0x50), 0, 3);
	run_user(int50, sizeof(int50));
	CHECK_EQ(user_vector, 0x50);
	run_user(cpuid_code, sizeof(cpuid_code));
	CHECK_EQ(user_vector, 0x50);
	run_user(hlt_code, sizeof(hlt_code));
	CHECK_EQ(user_vector, GP);
	CHECK_EQ(user_error, 0);
	run_user(in_code, sizeof(in_code));
	CHECK_EQ(user_vector, GP);
	run_user(rdmsr_code, sizeof(rdmsr_code));
	CHECK_EQ(user_vector, GP);
	run_user(vmmcall_code, sizeof(vmmcall_code));
	CHECK(user_vector == 0x50 || user_vector == UD);
}

static volatile u32 steps;
static volatile ulong step_dr6;

static void on_step(struct rdg_frame *f)
{
	steps++;
	step_dr6 = read_dr6();
	if (steps == 5)
		f->flags &= ~0x100ul;
}

/* RFLAGS.TF: one #DB after each instruction, also after one that exits. */
static void single_step(void)
{
	ulong flags = read_flags() | 0x100;
	u32 a = 0, b, c = 0, d;

	rdg_handlers[DB] = on_step;
	write_dr6(0);
	asm volatile("push %4; popf\n" /* TF takes effect after the next instruction */
		     "nop\n"
		     "cpuid\n"
		     "nop\n"
		     "nop\n"
		     "nop\n"
		     : "+a"(a), "=b"(b), "+c"(c), "=d"(d)
		     : "r"(flags)
		     : "memory");
	CHECK_EQ(steps, 5);
	CHECK_EQ(step_dr6 & 0x4000, 0x4000);
}

static void on_debug(struct rdg_frame *f)
{
	steps++;
	step_dr6 = read_dr6();
	f->flags |= 0x10000; /* RF: do not stop at the same place again */
}

static volatile u32 watched;

static void data_breakpoint(void)
{
	rdg_handlers[DB] = on_debug;
	write_dr6(0);
	write_dr0((ulong)&watched);
	write_dr7(0x400 | 1 | 0xd << 16); /* write, four bytes, local */
	watched = 1;
	CHECK_EQ(steps, 1);
	CHECK_EQ(step_dr6 & 0xf, 1);
	(void)watched;
	CHECK_EQ(steps, 1);
	inl(RDP_PORT_ECHO); /* the registers survive exits */
	watched = 2;
	CHECK_EQ(steps, 2);
	CHECK_EQ(read_dr0(), (ulong)&watched);
	write_dr7(0x400);
	watched = 3;
	CHECK_EQ(steps, 2);
}

static noinline void landing(void)
{
	asm volatile("nop");
}

static void code_breakpoint(void)
{
	rdg_handlers[DB] = on_debug;
	write_dr6(0);
	write_dr1((ulong)landing);
	write_dr7(0x400 | 4);
	landing();
	CHECK_EQ(steps, 1);
	CHECK_EQ(step_dr6 & 0xf, 2);
	landing();
	CHECK_EQ(steps, 2);
	write_dr7(0x400);
	landing();
	CHECK_EQ(steps, 2);
}

static void debug_registers(void)
{
	write_dr0(0x1111);
	write_dr1(0x2222);
	write_dr6(0xffff0ff0);
	for (u32 i = 0; i < 10; i++)
		inl(RDP_PORT_ECHO);
	CHECK_EQ(read_dr0(), 0x1111);
	CHECK_EQ(read_dr1(), 0x2222);
	CHECK_EQ(read_dr6() & 0xffff0ff0, 0xffff0ff0);
	CHECK_EQ(read_dr7(), 0x400);
}

static const struct rdp_test tests[] = {
	RDG_TEST(cpuid_leaves, 1, 0),
	RDG_TEST(cpuid_registers, 1, 0),
	RDG_TEST(msr_round_trip, 1, 0),
	RDG_TEST(msr_bad, 1, RDP_IRQCHIP),
	RDG_TEST(msr_not_canonical, 1, 0),
	RDG_TEST(efer_rules, 1, 0),
	RDG_TEST(cr0_rules, 1, 0),
	RDG_TEST(clts_lmsw_smsw, 1, 0),
	RDG_TEST(cr4_rules, 1, 0),
	RDG_TEST(cr3_cr8, 1, RDP_IRQCHIP),
	RDG_TEST(cr2_survives, 1, 0),
	RDG_TEST(tsc_monotonic, 1, 0),
	RDG_TEST(tsc_write, 1, 0),
	RDG_TEST(tsc_adjust, 1, 0),
	RDG_TEST(rdtscp, 1, 0),
	RDG_TEST(sse_state, 1, 0),
	RDG_TEST(fpu_state, 1, 0),
	RDG_TEST(xsetbv_rules, 1, 0),
	RDG_TEST(avx_state, 1, 0),
	RDG_TEST(state_over_preemption, 1, 0),
	RDG_TEST(cpuid_xsave_size, 1, 0),
	RDG_TEST(pause_loop, 1, 0),
	RDG_TEST(hypercall, 1, 0),
	RDG_TEST(caches, 1, 0),
	RDG_TEST(invlpg_takes_effect, 1, 0),
	RDG_TEST(monitor_mwait, 1, 0),
	RDG_TEST(vmx_svm_absent, 1, 0),
	RDG_TEST(user_mode, 1, 0),
	RDG_TEST(single_step, 1, 0),
	RDG_TEST(data_breakpoint, 1, 0),
	RDG_TEST(code_breakpoint, 1, 0),
	RDG_TEST(debug_registers, 1, 0),
};
RDG_TESTS(tests, 64);
