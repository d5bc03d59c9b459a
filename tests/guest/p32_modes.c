// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protected mode without and with paging in its three forms, segmentation, and device accesses
 * from 32-bit and 16-bit code. Self-contained: no library, little more than ports and an IDT.
 */
#include "tests/guest/guest.h"

extern char rdg_stubs[];
extern const ulong rdg_ex_start[], rdg_ex_end[];

struct rdg_fault rdg_fault = { .vector = RDG_NONE };
static u64 idt[256] __attribute__((aligned(16)));
static u32 pd[4][1024] __attribute__((aligned(4096)));
static u64 pdpt[4] __attribute__((aligned(32)));
static volatile u32 irqs;

void *memcpy(void *to, const void *from, ulong n)
{
	void *d = to;

	asm volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
	return to;
}

/* The text as it is: nothing is formatted here. */
static void say(const char *text)
{
	volatile char *p = shared->message;

	while (*text)
		*p++ = *text++;
	*p = 0;
}

void rdg_fail(const char *fmt, ...)
{
	say(fmt);
	for (;;) {
		outl(RDP_PORT_FAIL, 0);
		hlt();
	}
}

void rdg_skip(const char *fmt, ...)
{
	say(fmt);
	for (;;) {
		outl(RDP_PORT_SKIP, 0);
		hlt();
	}
}

void rdg_pass(void)
{
	for (;;) {
		outl(RDP_PORT_PASS, 0);
		hlt();
	}
}

#undef CHECK
#undef CHECK_EQ
#define CHECK(cond)								\
	do {									\
		if (!(cond))							\
			rdg_fail(__FILE__ ":" RDG_STR(__LINE__) ": " #cond);	\
	} while (0)
#define CHECK_EQ(got, want) CHECK((got) == (want))

u32 rdg_caught(void)
{
	u32 vector = *(volatile u32 *)&rdg_fault.vector;

	*(volatile u32 *)&rdg_fault.vector = RDG_NONE;
	return vector;
}

static char unexpected[] = "vector 00000000, error 00000000 at 00000000";

static void put_hex(char *at, u32 v)
{
	for (u32 i = 0; i < 8; i++, v <<= 4)
		at[i] = "0123456789abcdef"[v >> 28];
}

void rdg_exception(struct rdg_frame *f)
{
	if (f->vector == 0x80) {
		irqs++;
		return;
	}
	for (const ulong *e = rdg_ex_start; e < rdg_ex_end; e += 2) {
		if (e[0] != f->ip)
			continue;
		rdg_fault = (struct rdg_fault){ f->vector, f->error, f->ip, read_cr2() };
		f->ip = e[1];
		return;
	}
	put_hex(unexpected + 7, f->vector);
	put_hex(unexpected + 23, f->error);
	put_hex(unexpected + 35, f->ip);
	rdg_fail(unexpected);
}

void rdg_init(void)
{
	struct { u16 limit; u32 base; } __attribute__((packed)) idtr = {
		sizeof(idt) - 1, (ulong)idt
	};

	for (u32 v = 0; v < 256; v++) {
		u32 at = (ulong)rdg_stubs + 16 * v;

		idt[v] = (at & 0xffff) | RDP_CS32 << 16 | (u64)(0x8e00 | (at & 0xffff0000)) << 32;
	}
	asm volatile("lidt %0" : : "m"(idtr));
}

static void ports(void)
{
	outl(RDP_PORT_ECHO, 0x12345678);
	CHECK_EQ(inl(RDP_PORT_ECHO), 0x12345678);
	CHECK_EQ(inw(RDP_PORT_ECHO + 2), 0x1234);
	CHECK_EQ(inb(RDP_PORT_ECHO + 1), 0x56);
}

static void exceptions(void)
{
	asm volatile(GUARDED("ud2"));
	CHECK_EQ(rdg_caught(), UD);
	asm volatile("int $0x80");
	CHECK_EQ(irqs, 1);
	asm volatile(GUARDED("mov %w0, %%es") : : "r"(0x1230));
	CHECK_EQ(rdg_caught(), GP);
	CHECK_EQ(rdg_fault.error, 0x1230);
}

static void device(void)
{
	volatile u32 *p = (u32 *)RDP_MMIO_GPA;

	*p = 0xcafebabe;
	CHECK_EQ(*p, 0xcafebabe);
	asm volatile("addl $2, (%0)" : : "r"(p) : "memory");
	CHECK_EQ(*p, 0xcafebac0);
	CHECK_EQ(*(volatile u16 *)p, 0xbac0);
	asm volatile("movl %%eax, " RDG_STR(RDP_MMIO_GPA) : : "a"(77) : "memory");
	CHECK_EQ(*p, 77);
}

static void device_string(void)
{
	volatile u8 *di = (u8 *)RDP_MMIO_GPA;
	ulong n = 8;

	asm volatile("cld; rep stosl" : "+D"(di), "+c"(n) : "a"(0x01020304) : "memory");
	CHECK_EQ((ulong)di, RDP_MMIO_GPA + 32);
	CHECK_EQ(((volatile u32 *)RDP_MMIO_GPA)[7], 0x01020304);
}

/* A data segment with a base: the hypervisor's decoder must add it. */
static void segment_base(void)
{
	volatile u64 *gdt = (u64 *)RDP_GDT_GPA;
	u64 saved = gdt[RDP_USER_CS / 8];
	u32 v;

	*(volatile u32 *)RDP_MMIO_GPA = 0x5e6;
	gdt[RDP_USER_CS / 8] = 0xd0cf92000000ffffull;	/* base 0xd0000000 */
	asm volatile("mov %w0, %%gs" : : "r"(RDP_USER_CS & ~3));
	asm volatile("movl %%gs:0, %0" : "=r"(v));
	CHECK_EQ(v, 0x5e6);
	asm volatile("movl $0x77, %%gs:4" : : : "memory");
	CHECK_EQ(((volatile u32 *)RDP_MMIO_GPA)[1], 0x77);
	asm volatile("mov %w0, %%gs" : : "r"(RDP_DS));
	gdt[RDP_USER_CS / 8] = saved;
}

/* Beyond the limit is #GP, before anything reaches the device. */
static void segment_limit(void)
{
	volatile u64 *gdt = (u64 *)RDP_GDT_GPA;
	u64 saved = gdt[RDP_USER_CS / 8];

	gdt[RDP_USER_CS / 8] = 0xd04092000000000full;	/* 16 bytes at 0xd0000000 */
	asm volatile("mov %w0, %%gs" : : "r"(RDP_USER_CS & ~3));
	asm volatile("movl $1, %%gs:12" : : : "memory");
	CHECK_EQ(shared->mmio.writes, 1);
	asm volatile(GUARDED("movl $1, %%gs:13") : : : "memory");
	CHECK_EQ(rdg_caught(), GP);
	CHECK_EQ(shared->mmio.writes, 1);
	asm volatile("mov %w0, %%gs" : : "r"(RDP_DS));
	gdt[RDP_USER_CS / 8] = saved;
}

static void paging_on(ulong cr3, ulong cr4)
{
	write_cr4((read_cr4() & ~0x30ul) | cr4);
	write_cr3(cr3);
	write_cr0(read_cr0() | 0x80010000);
}

static void paging_off(void)
{
	write_cr0(read_cr0() & ~0x80000000ul);
}

static void check_paging(void)
{
	volatile u32 *p = (u32 *)RDP_MMIO_GPA;
	ulong cr0 = read_cr0();

	CHECK_EQ(cr0 >> 31, 1);
	*(volatile u32 *)0x200000 = 0xabcdef;
	CHECK_EQ(*(volatile u32 *)0x200000, 0xabcdef);
	*p = 0x1111;
	CHECK_EQ(*p, 0x1111);
	asm volatile(GUARDED("movl $1, (%0)") : : "r"(0x40000000) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 2);
	CHECK_EQ(rdg_fault.cr2, 0x40000000);
}

/* Two levels, 4 MiB pages. */
static void paging_pse(void)
{
	for (u32 i = 0; i < 1024; i++)
		pd[0][i] = i << 22 | 0x83;
	pd[0][0x100] = 0;
	paging_on((ulong)pd[0], 0x10);
	check_paging();
	paging_off();
	CHECK_EQ(*(volatile u32 *)0x200000, 0xabcdef);
}

/* Two levels, 4 KiB pages for the first 4 MiB and one window on the device. */
static void paging_two_level(void)
{
	for (u32 i = 0; i < 1024; i++)
		pd[1][i] = i << 12 | 3;
	for (u32 i = 0; i < 4; i++)
		pd[2][i] = (RDP_MMIO_GPA + (i << 12)) | 3;
	pd[0][0] = (ulong)pd[1] | 3;
	pd[0][RDP_MMIO_GPA >> 22] = (ulong)pd[2] | 3;
	paging_on((ulong)pd[0], 0);
	check_paging();
	paging_off();
}

/* Three levels, 2 MiB pages, NX. */
static void paging_pae(void)
{
	for (u32 i = 0; i < 4; i++) {
		u64 *table = (u64 *)pd[i];

		pdpt[i] = (ulong)table | 1;
		for (u32 j = 0; j < 512; j++)
			table[j] = (u64)(i * 512 + j) << 21 | 0x83;
	}
	((u64 *)pd[1])[0] = 0;
	paging_on((ulong)pdpt, 0x20);
	check_paging();
	paging_off();
}

/* Bad top-level entries are refused when CR3 is loaded, not when they are used. */
static void paging_pae_reserved(void)
{
	paging_pae();
	pdpt[3] |= 2;		/* a reserved bit */
	write_cr4(read_cr4() | 0x20);
	CHECK_EQ(write_cr0_safe(read_cr0() | 0x80000000), GP);
	CHECK_EQ(read_cr0() >> 31, 0);
}

/* To 64-bit mode and back, as firmware and boot loaders do. */
static void long_mode_round_trip(void)
{
	u64 *pml4 = (u64 *)RDP_PML4_GPA, *top = (u64 *)RDP_PDPT_GPA;
	u32 r15_low;

	if (emulated())
		rdg_skip("QEMU's TCG never comes back from 32-bit code in long mode in a guest");
	for (u32 i = 0; i < 4; i++) {
		u64 *table = (u64 *)pd[i];

		top[i] = (ulong)table | 3;
		for (u32 j = 0; j < 512; j++)
			table[j] = (u64)(i * 512 + j) << 21 | 0x83;
	}
	pml4[0] = RDP_PDPT_GPA | 3;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x100);
	paging_on(RDP_PML4_GPA, 0x20);
	CHECK_EQ(rdmsr(MSR_EFER) & 0x500, 0x500);
	asm volatile("ljmp %1, $1f\n"
		     ".code64\n"
		     "1: mov $0x123456789abcdef0, %%r15\n"
		     "shr $32, %%r15\n"
		     "mov %%r15d, %%eax\n"
		     "push %2; lea 2f(%%rip), %%rcx; push %%rcx; lretq\n"
		     ".code32\n"
		     "2:" : "=a"(r15_low) : "i"(RDP_CS64), "i"(RDP_CS32) : "ecx", "memory");
	CHECK_EQ(r15_low, 0x12345678);
	paging_off();
	CHECK_EQ(rdmsr(MSR_EFER) & 0x400, 0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~0x100ull);
}

/* 16-bit code segment in protected mode: operand size comes from the segment. */
static void code16(void)
{
	u32 v;

	*(volatile u32 *)RDP_MMIO_GPA = 0xaaaabbbb;
	asm volatile("ljmp %1, $1f\n"
		     ".code16\n"
		     "1: xor %%eax, %%eax\n"
		     "addr32 movw (%%ebx), %%ax\n"
		     "addr32 movl $0x01020304, 4(%%ebx)\n"
		     "ljmpl %2, $2f\n"
		     ".code32\n"
		     "2:" : "=&a"(v) : "i"(RDP_CS16), "i"(RDP_CS32), "b"(RDP_MMIO_GPA) : "memory");
	CHECK_EQ(v, 0xbbbb);
	CHECK_EQ(((volatile u32 *)RDP_MMIO_GPA)[1], 0x01020304);
}

static const struct rdp_test tests[] = {
	RDG_TEST(ports, 1, 0),
	RDG_TEST(exceptions, 1, 0),
	RDG_TEST(device, 1, 0),
	RDG_TEST(device_string, 1, 0),
	RDG_TEST(segment_base, 1, 0),
	RDG_TEST(segment_limit, 1, 0),
	RDG_TEST(paging_pse, 1, 0),
	RDG_TEST(paging_two_level, 1, 0),
	RDG_TEST(paging_pae, 1, 0),
	RDG_TEST(paging_pae_reserved, 1, 0),
	RDG_TEST(long_mode_round_trip, 1, 0),
	RDG_TEST(code16, 1, 0),
};
RDG_TESTS(tests, 32);
