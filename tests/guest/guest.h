/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vocabulary of the freestanding payloads: instructions, checks that report through the ports of
 * protocol.h, guarded instructions whose faults are caught, interrupts and processors.
 *
 * A payload is one C file with a table of tests; RDG_TESTS() makes it the image's header. Each
 * test runs in a fresh machine and ends by returning (passed), by a failed check, or by a skip.
 */
#ifndef RD_GUEST_H
#define RD_GUEST_H

#include "tests/guest/protocol.h"

typedef rdp_u8 u8;
typedef rdp_u16 u16;
typedef rdp_u32 u32;
typedef rdp_u64 u64;
typedef signed int s32;
typedef signed long long s64;
typedef unsigned long ulong;

#define NULL ((void *)0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE 4096ul
#define noinline __attribute__((noinline))

#define RDG_STR2(x) #x
#define RDG_STR(x) RDG_STR2(x)
#define RDG_TESTS(table, mode)                                                                     \
	const struct rdp_header rdg_header __attribute__((section(".header"), used)) = {           \
		.magic = RDP_MAGIC,                                                                \
		.bits = mode,                                                                      \
		.count = ARRAY_SIZE(table),                                                        \
		.load = RDP_IMAGE_GPA,                                                             \
		.entry.p = rdg_boot,                                                               \
		.tests.p = table,                                                                  \
	}
#define RDG_TEST(fn, ncpus, what)                                                                  \
	{                                                                                          \
		{ #fn }, { fn }, ncpus, what                                                       \
	}

extern const char rdg_boot[], rdg_end[];

#define shared ((volatile struct rdp_shared *)RDP_SHARED_GPA)

/* Reporting. The functions that end the test do not return. */
void rdg_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rdg_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void rdg_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void rdg_pass(void) __attribute__((noreturn));
void rdg_sync(u32 value);
void *memset(void *to, int c, ulong n);
void *memcpy(void *to, const void *from, ulong n);
int memcmp(const void *a, const void *b, ulong n);

/* The machine below is an emulator: leave out what it is known not to do, name it in a comment. */
static inline int emulated(void)
{
	return shared->args[RDP_ARG_EMULATED] != 0;
}

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			rdg_fail("%s:%d: %s", __FILE__, __LINE__, #cond);                          \
	} while (0)
#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		u64 got_ = (u64)(got), want_ = (u64)(want);                                        \
		if (got_ != want_)                                                                 \
			rdg_fail("%s:%d: %s is 0x%llx, want 0x%llx", __FILE__, __LINE__, #got,     \
				 got_, want_);                                                     \
	} while (0)

/*
 * Exceptions. GUARDED("insn") is a piece of an asm statement: when the instruction faults the
 * fault is noted and execution goes on after it. rdg_caught() gives the vector, or RDG_NONE.
 */
#ifdef __x86_64__
#define RDG_PTR ".quad "
#else
#define RDG_PTR ".long "
#endif
#define GUARDED(insn)                                                                              \
	"771: " insn "\n772:\n.pushsection .ex_table, \"a\"\n" RDG_PTR "771b, 772b\n.popsection\n"
#define RDG_NONE 0x100u

struct rdg_frame {
#ifdef __x86_64__
	ulong r15, r14, r13, r12, r11, r10, r9, r8;
#endif
	ulong di, si, bp, bx, dx, cx, ax;
	ulong vector, error;
	ulong ip, cs, flags, sp, ss;
};

struct rdg_fault {
	u32 vector;
	u32 error;
	ulong ip;
	ulong cr2;
};

extern struct rdg_fault rdg_fault;
typedef void (*rdg_handler_fn)(struct rdg_frame *f);
extern rdg_handler_fn rdg_handlers[256];
extern volatile u32 rdg_irqs[256]; /* interrupts counted by rdg_count_irq() */

u32 rdg_caught(void);
void rdg_count_irq(struct rdg_frame *f); /* handler: count and EOI by the mode in use */
void rdg_set_gate(u32 vector, void (*entry)(void), u32 ist, u32 dpl);
void rdg_clear_gate(u32 vector); /* not present */
void rdg_set_ist(u32 ist, ulong top);

enum {
	DE = 0,
	DB = 1,
	NMI = 2,
	BP = 3,
	OF = 4,
	UD = 6,
	NM = 7,
	DF = 8,
	TS = 10,
	NP = 11,
	SS = 12,
	GP = 13,
	PF = 14,
	MF = 16,
	AC = 17,
	XM = 19
};

/* Instructions, one each. */
static inline void outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(u16 port, u16 v)
{
	asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(u16 port, u32 v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
	u8 v;
	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u16 inw(u16 port)
{
	u16 v;
	asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u32 inl(u16 port)
{
	u32 v;
	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline void pause(void)
{
	asm volatile("pause" : : : "memory");
}
static inline void barrier(void)
{
	asm volatile("" : : : "memory");
}
static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}
static inline void sti(void)
{
	asm volatile("sti" : : : "memory");
}
static inline void sti_nop(void)
{
	asm volatile("sti; nop" : : : "memory");
}
static inline void sti_hlt(void)
{
	asm volatile("sti; hlt" : : : "memory");
}
static inline void hlt(void)
{
	asm volatile("hlt" : : : "memory");
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* Give the vector of the fault, or RDG_NONE. */
static inline u32 rdmsr_safe(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;

	asm volatile(GUARDED("rdmsr") : "+a"(lo), "+d"(hi) : "c"(msr));
	*v = (u64)hi << 32 | lo;
	return rdg_caught();
}

static inline u32 wrmsr_safe(u32 msr, u64 v)
{
	asm volatile(GUARDED("wrmsr") : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
	return rdg_caught();
}

static inline void cpuid(u32 leaf, u32 sub, u32 r[4])
{
	asm volatile("cpuid"
		     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "0"(leaf), "2"(sub));
}

#define RDG_CR(n)                                                                                  \
	static inline ulong read_cr##n(void)                                                       \
	{                                                                                          \
		ulong v;                                                                           \
		asm volatile("mov %%cr" #n ", %0" : "=r"(v));                                      \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_cr##n(ulong v)                                                    \
	{                                                                                          \
		asm volatile("mov %0, %%cr" #n : : "r"(v) : "memory");                             \
	}                                                                                          \
	static inline u32 write_cr##n##_safe(ulong v)                                              \
	{                                                                                          \
		asm volatile(GUARDED("mov %0, %%cr" #n) : : "r"(v) : "memory");                    \
		return rdg_caught();                                                               \
	}
RDG_CR(0)
RDG_CR(2)
RDG_CR(3)
RDG_CR(4)
#ifdef __x86_64__
RDG_CR(8)
#endif
#define RDG_DR(n)                                                                                  \
	static inline ulong read_dr##n(void)                                                       \
	{                                                                                          \
		ulong v;                                                                           \
		asm volatile("mov %%db" #n ", %0" : "=r"(v));                                      \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_dr##n(ulong v)                                                    \
	{                                                                                          \
		asm volatile("mov %0, %%db" #n : : "r"(v) : "memory");                             \
	}
RDG_DR(0)
RDG_DR(1)
RDG_DR(6)
RDG_DR(7)

static inline ulong read_flags(void)
{
	ulong v;

	asm volatile("pushf; pop %0" : "=r"(v) : : "memory");
	return v;
}

static inline void invlpg(volatile void *p)
{
	asm volatile("invlpg %0" : : "m"(*(volatile char *)p) : "memory");
}

/* Feature bits: leaf, sub-leaf, register (0 eax … 3 edx), bit. */
static inline int has_feature(u32 leaf, u32 sub, u32 reg, u32 bit)
{
	u32 r[4];

	cpuid(leaf & 0x80000000, 0, r);
	if (r[0] < leaf)
		return 0;
	cpuid(leaf, sub, r);
	return r[reg] >> bit & 1;
}
#define HAS_XSAVE() has_feature(1, 0, 2, 26)
#define HAS_X2APIC() has_feature(1, 0, 2, 21)
#define HAS_DEADLINE() has_feature(1, 0, 2, 24)
#define HAS_AVX() has_feature(1, 0, 2, 28)
#define HAS_MOVBE() has_feature(1, 0, 2, 22)
#define HAS_MONITOR() has_feature(1, 0, 2, 3)
#define HAS_TSC_ADJUST() has_feature(7, 0, 1, 1)
#define HAS_SMEP() has_feature(7, 0, 1, 7)
#define HAS_SMAP() has_feature(7, 0, 1, 20)

/* MSRs that payloads use. */
enum {
	MSR_TSC = 0x10,
	MSR_APICBASE = 0x1b,
	MSR_TSC_ADJUST = 0x3b,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_PAT = 0x277,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800,
	MSR_EFER = 0xc0000080,
	MSR_STAR = 0xc0000081,
	MSR_LSTAR = 0xc0000082,
	MSR_CSTAR = 0xc0000083,
	MSR_SFMASK = 0xc0000084,
	MSR_FS_BASE = 0xc0000100,
	MSR_GS_BASE = 0xc0000101,
	MSR_KERNEL_GS_BASE = 0xc0000102,
	MSR_TSC_AUX = 0xc0000103,
};

/* Local APIC, in the mode it is in (apic.c). Offsets are those of the memory-mapped form. */
enum {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TPR = 0x80,
	APIC_PPR = 0xa0,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR2 = 0x310,
	APIC_LVTT = 0x320,
	APIC_LVT0 = 0x350,
	APIC_LVT1 = 0x360,
	APIC_TMICT = 0x380,
	APIC_TMCCT = 0x390,
	APIC_TDCR = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};
#define APIC_MMIO 0xfee00000ul

void apic_enable(void); /* xAPIC or what the mode is; software enable, TPR 0 */
int apic_enable_x2(void); /* 0 when the guest has no x2APIC */
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 v);
void apic_icr(u32 dest, u32 low); /* waits until it is delivered */
u32 apic_id(void);
int apic_is_x2(void);
static inline u32 xapic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_MMIO + reg);
}
static inline void xapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)(APIC_MMIO + reg) = v;
}
int apic_test_bit(u32 base, u32 vector); /* of ISR, IRR, TMR */

#define IOAPIC_MMIO 0xfec00000ul
u32 ioapic_read(u32 reg);
void ioapic_write(u32 reg, u32 v);
void pic_init(u32 master_base, u32 slave_base); /* all lines masked */
void pic_mask(u32 mask); /* 16 bits, slave on top */

/* Application processors: start number `cpu` in `fn`, wait until it runs (smp.c). */
void smp_start(u32 cpu, void (*fn)(u32 cpu));
void smp_wait(volatile u32 *what, u32 value); /* spin, fails after about ten seconds */
extern volatile u32 smp_online;

/* Page tables of the payload's own over the identity map, 4 KiB granularity on demand (paging.c).
 */
#define PTE_P 1ull
#define PTE_W 2ull
#define PTE_U 4ull
#define PTE_PS 0x80ull
#define PTE_A 0x20ull
#define PTE_D 0x40ull
#define PTE_NX (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull
u64 *pte_of(ulong gva); /* splits the large page that covers it */
u64 *pde_of(ulong gva);
void map_page(ulong gva, u64 gpa, u64 flags);
void *alloc_page(void); /* zeroed, from the end of the image on; never freed */

#endif
