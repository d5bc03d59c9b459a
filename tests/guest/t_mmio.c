// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to memory that no slot backs: every width, and every form of instruction that device
 * drivers and firmware use on registers. The device is plain bytes, so each instruction must do
 * exactly what it does on memory; the number and width of the exits is checked where it matters.
 */
#include "tests/guest/guest.h"

#define DEV ((volatile u8 *)RDP_MMIO_GPA)
#define DEV8 (*(volatile u8 *)RDP_MMIO_GPA)
#define DEV16 (*(volatile u16 *)RDP_MMIO_GPA)
#define DEV32 (*(volatile u32 *)RDP_MMIO_GPA)
#define DEV64 (*(volatile u64 *)RDP_MMIO_GPA)

static u8 buffer[2 * PAGE_SIZE] __attribute__((aligned(4096)));

static void check_seen(u64 reads, u64 writes, u64 len, const char *what)
{
	if (shared->mmio.reads != reads || shared->mmio.writes != writes || shared->mmio.len != len)
		rdg_fail("%s: %llu reads, %llu writes, last %llu bytes; want %llu, %llu, %llu",
			 what, shared->mmio.reads, shared->mmio.writes, shared->mmio.len, reads,
			 writes, len);
	shared->mmio.reads = 0;
	shared->mmio.writes = 0;
}

static void widths(void)
{
	DEV8 = 0x12;
	check_seen(0, 1, 1, "byte write");
	CHECK_EQ(DEV8, 0x12);
	check_seen(1, 0, 1, "byte read");
	DEV16 = 0x3456;
	check_seen(0, 1, 2, "word write");
	CHECK_EQ(DEV16, 0x3456);
	check_seen(1, 0, 2, "word read");
	DEV32 = 0x789abcde;
	check_seen(0, 1, 4, "dword write");
	CHECK_EQ(DEV32, 0x789abcde);
	check_seen(1, 0, 4, "dword read");
	DEV64 = 0x1122334455667788;
	check_seen(0, 1, 8, "qword write");
	CHECK_EQ(DEV64, 0x1122334455667788);
	check_seen(1, 0, 8, "qword read");
}

/* Sub-register results: what a read leaves of the register it goes to. */
static void register_merge(void)
{
	u64 v;

	DEV64 = 0x8182838485868788;
	v = ~0ull;
	asm volatile("movb (%1), %b0" : "+q"(v) : "r"(DEV));
	CHECK_EQ(v, 0xffffffffffffff88);
	v = ~0ull;
	asm volatile("movw (%1), %w0" : "+r"(v) : "r"(DEV));
	CHECK_EQ(v, 0xffffffffffff8788);
	v = ~0ull;
	asm volatile("movl (%1), %k0" : "+r"(v) : "r"(DEV));
	CHECK_EQ(v, 0x85868788);
	v = 0;
	asm volatile("movb (%1), %h0" : "+Q"(v) : "r"(DEV));
	CHECK_EQ(v, 0x8800);
	asm volatile("movb %h1, (%0)" : : "r"(DEV + 1), "Q"(0x4200));
	CHECK_EQ(DEV64, 0x8182838485864288);
}

static void immediate(void)
{
	asm volatile("movb $0x11, (%0)" : : "r"(DEV) : "memory");
	CHECK_EQ(DEV8, 0x11);
	asm volatile("movw $0x2222, (%0)" : : "r"(DEV) : "memory");
	CHECK_EQ(DEV16, 0x2222);
	asm volatile("movl $0x33333333, (%0)" : : "r"(DEV) : "memory");
	CHECK_EQ(DEV32, 0x33333333);
	asm volatile("movq $-2, (%0)" : : "r"(DEV) : "memory");
	CHECK_EQ(DEV64, -2ull);
}

static void addressing(void)
{
	ulong base = RDP_MMIO_GPA, index = 4;
	u32 v;

	for (u32 i = 0; i < 64; i++)
		DEV[i] = i;
	asm volatile("movl 8(%1), %0" : "=r"(v) : "r"(base));
	CHECK_EQ(v, 0x0b0a0908);
	asm volatile("movl (%1,%2,4), %0" : "=r"(v) : "r"(base), "r"(index));
	CHECK_EQ(v, 0x13121110);
	asm volatile("movl 0x10(%1,%2,2), %0" : "=r"(v) : "r"(base), "r"(index));
	CHECK_EQ(v, 0x1b1a1918);
	asm volatile("movl -4(%1,%2), %0" : "=r"(v) : "r"(base), "r"(index));
	CHECK_EQ(v, 0x03020100);
}

/* R12 and R13 as base need a SIB byte or a displacement; EBX with 67h wraps at 32 bits. */
static void addressing_special(void)
{
	register ulong r12 asm("r12") = RDP_MMIO_GPA;
	register ulong r13 asm("r13") = RDP_MMIO_GPA;
	u32 v;

	DEV32 = 0xabcd1234;
	asm volatile("movl (%1), %0" : "=r"(v) : "r"(r12));
	CHECK_EQ(v, 0xabcd1234);
	asm volatile("movl (%1), %0" : "=r"(v) : "r"(r13));
	CHECK_EQ(v, 0xabcd1234);
	asm volatile("addr32 movl 0x10(%%ebx), %0"
		     : "=r"(v)
		     : "b"(0xffffffff00000000ull | (RDP_MMIO_GPA - 0x10)));
	CHECK_EQ(v, 0xabcd1234);
}

static void moffs(void)
{
	u64 v;

	asm volatile("movabs %%al, " RDG_STR(RDP_MMIO_GPA) : : "a"(0x77) : "memory");
	CHECK_EQ(DEV8, 0x77);
	asm volatile("movabs %%eax, " RDG_STR(RDP_MMIO_GPA) : : "a"(0x76543210) : "memory");
	asm volatile("movabs " RDG_STR(RDP_MMIO_GPA) ", %%eax" : "=a"(v));
	CHECK_EQ(v, 0x76543210);
	asm volatile("movabs %%rax, " RDG_STR(RDP_MMIO_GPA) : : "a"(0x123456789abcdef0) : "memory");
	asm volatile("movabs " RDG_STR(RDP_MMIO_GPA) ", %%rax" : "=a"(v));
	CHECK_EQ(v, 0x123456789abcdef0);
}

static void extend(void)
{
	u64 v;

	DEV64 = 0x80808080fffefdfcull;
#define EXT(insn, want)                                                                            \
	do {                                                                                       \
		asm volatile(insn : "=r"(v) : "r"(DEV), "0"(0x5555555555555555));                  \
		CHECK_EQ(v, want);                                                                 \
	} while (0)
	EXT("movzbw (%1), %w0", 0x55555555555500fc);
	EXT("movzbl (%1), %k0", 0xfc);
	EXT("movzbq (%1), %0", 0xfc);
	EXT("movzwl (%1), %k0", 0xfdfc);
	EXT("movzwq (%1), %0", 0xfdfc);
	EXT("movsbw (%1), %w0", 0x555555555555fffc);
	EXT("movsbl (%1), %k0", 0xfffffffc);
	EXT("movsbq (%1), %0", 0xfffffffffffffffc);
	EXT("movswl (%1), %k0", 0xfffffdfc);
	EXT("movswq (%1), %0", 0xfffffffffffffdfc);
	EXT("movslq (%1), %0", 0xfffffffffffefdfc);
}

static void movbe(void)
{
	u64 v;

	if (!HAS_MOVBE())
		rdg_skip("the processor has no MOVBE");
	DEV64 = 0x0102030405060708;
	asm volatile("movbe (%1), %k0" : "=r"(v) : "r"(DEV));
	CHECK_EQ(v, 0x08070605);
	asm volatile("movbe (%1), %0" : "=r"(v) : "r"(DEV));
	CHECK_EQ(v, 0x0807060504030201);
	asm volatile("movbe %0, (%1)" : : "r"(0x1122334455667788), "r"(DEV) : "memory");
	CHECK_EQ(DEV64, 0x8877665544332211);
}

static void movbe_word(void)
{
	u64 v = 0;

	if (!HAS_MOVBE())
		rdg_skip("the processor has no MOVBE");
	DEV64 = 0x0102030405060708;
	asm volatile("movbe (%1), %w0" : "+r"(v) : "r"(DEV));
	CHECK_EQ(v, 0x0807);
	asm volatile("movbe %w0, (%1)" : : "r"(0x1122), "r"(DEV) : "memory");
	CHECK_EQ(DEV64, 0x0102030405062211);
}

/*
 * ALU operation on memory: result in the device and flags as on real memory. The same instruction
 * is done on a variable first, and both results are compared.
 */
#define ARITH_FLAGS 0x8d5ul
#define ALU(insn, type, start, operand, undefined)                                                 \
	do {                                                                                       \
		type mem = (type)(start);                                                          \
		ulong fl, fm, set = read_flags() | 1;                                              \
		*(volatile type *)DEV = (type)(start);                                             \
		asm volatile("push %3; popf; " insn "; pushf; pop %1"                              \
			     : "+m"(mem), "=&r"(fl)                                                \
			     : "r"((type)(operand)), "r"(set)                                      \
			     : "memory", "cc");                                                    \
		asm volatile("push %3; popf; " insn "; pushf; pop %1"                              \
			     : "+m"(*(volatile type *)DEV), "=&r"(fm)                              \
			     : "r"((type)(operand)), "r"(set)                                      \
			     : "memory", "cc");                                                    \
		if (*(volatile type *)DEV != mem)                                                  \
			rdg_fail("%s: 0x%llx, want 0x%llx", insn, (u64) * (volatile type *)DEV,    \
				 (u64)mem);                                                        \
		if ((fl ^ fm) & ARITH_FLAGS & ~(ulong)(undefined))                                 \
			rdg_fail("%s: flags 0x%lx, want 0x%lx", insn, fm, fl);                     \
	} while (0)
#define AF 0x10

static void alu_widths(void)
{
	ALU("addb %2, %0", u8, 0xf0, 0x21, 0);
	ALU("addw %2, %0", u16, 0xfff0, 0x21, 0);
	ALU("addl %2, %0", u32, 0x7ffffff0, 0x21, 0);
	ALU("addq %2, %0", u64, 0x7ffffffffffffff0, 0x21, 0);
	ALU("subb %2, %0", u8, 0x10, 0x21, 0);
	ALU("subw %2, %0", u16, 0x10, 0x21, 0);
	ALU("subl %2, %0", u32, 0x10, 0x21, 0);
	ALU("subq %2, %0", u64, 0x10, 0x21, 0);
}

static void alu_kinds(void)
{
	ALU("adcl %2, %0", u32, 0xfffffffe, 1, 0);
	ALU("sbbl %2, %0", u32, 0, 0, 0);
	ALU("andl %2, %0", u32, 0xff00ff00, 0x0ff00ff0, AF);
	ALU("orl %2, %0", u32, 0xff00ff00, 0x0ff00ff0, AF);
	ALU("xorl %2, %0", u32, 0xff00ff00, 0xff00ff00, AF);
	ALU("cmpl %2, %0", u32, 5, 6, 0);
	ALU("testl %2, %0", u32, 0x80000000, 0xffffffff, AF);
	ALU("incl %0", u32, 0x7fffffff, 0, 0);
	ALU("decl %0", u32, 0, 0, 0);
	ALU("negl %0", u32, 5, 0, 0);
	ALU("notl %0", u32, 5, 0, 0);
	ALU("addl $0x12345, %0", u32, 5, 0, 0);
	ALU("addl $-3, %0", u32, 5, 0, 0);
	ALU("orb $0x80, %0", u8, 1, 0, AF);
	ALU("testb $0x10, %0", u8, 0x10, 0, AF);
	ALU("cmpw $0x1234, %0", u16, 0x1234, 0, 0);
}

static void alu_shift(void)
{
	ALU("shll $3, %0", u32, 0xa5a5a5a5, 0, 0x810);
	ALU("shrl $3, %0", u32, 0xa5a5a5a5, 0, 0x810);
	ALU("sarl $3, %0", u32, 0xa5a5a5a5, 0, 0x810);
	ALU("roll $3, %0", u32, 0xa5a5a5a5, 0, 0x800);
	ALU("rorl $3, %0", u32, 0xa5a5a5a5, 0, 0x800);
	ALU("shll %0", u32, 0xa5a5a5a5, 0, AF);
}

static void alu_locked(void)
{
	ALU("lock addl %2, %0", u32, 0xfffffff0, 0x21, 0);
	ALU("lock orl %2, %0", u32, 0xf0, 0x21, AF);
	ALU("lock incl %0", u32, 0xffffffff, 0, 0);
	ALU("lock btsl $5, %0", u32, 0, 0, 0x8d4);
}

static void alu_to_register(void)
{
	u32 v = 1;

	DEV32 = 41;
	asm volatile("addl (%1), %0" : "+r"(v) : "r"(DEV));
	CHECK_EQ(v, 42);
	asm volatile("xorl (%1), %0" : "+r"(v) : "r"(DEV));
	CHECK_EQ(v, 42 ^ 41);
	v = 3;
	asm volatile("imull (%1), %0" : "+r"(v) : "r"(DEV));
	CHECK_EQ(v, 123);
}

static void bit_test(void)
{
	u8 carry;

	DEV64 = 0;
	asm volatile("btsl $3, (%1); setc %0" : "=q"(carry) : "r"(DEV) : "memory");
	CHECK_EQ(carry, 0);
	CHECK_EQ(DEV32, 8);
	asm volatile("btl $3, (%1); setc %0" : "=q"(carry) : "r"(DEV) : "memory");
	CHECK_EQ(carry, 1);
	asm volatile("btcl $4, (%1); setc %0" : "=q"(carry) : "r"(DEV) : "memory");
	CHECK_EQ(DEV32, 0x18);
	asm volatile("btrl $3, (%1); setc %0" : "=q"(carry) : "r"(DEV) : "memory");
	CHECK_EQ(carry, 1);
	CHECK_EQ(DEV32, 0x10);
	/* A register operand reaches beyond the addressed unit. */
	asm volatile("btsl %2, (%1); setc %0" : "=q"(carry) : "r"(DEV), "r"(40) : "memory");
	CHECK_EQ(DEV64, 0x10000000010);
	asm volatile("btsl %2, (%1)" : : "q"(carry), "r"(DEV + 8), "r"(-8) : "memory");
	CHECK_EQ(DEV64, 0x0100010000000010);
}

static void exchange(void)
{
	u32 v = 0x11111111;
	u8 b = 0x99, zf;
	u64 q = 5, rax;

	DEV64 = 0x2222222233333333;
	asm volatile("xchgl %0, (%1)" : "+r"(v) : "r"(DEV) : "memory");
	CHECK_EQ(v, 0x33333333);
	CHECK_EQ(DEV32, 0x11111111);
	asm volatile("xchgb %0, (%1)" : "+q"(b) : "r"(DEV) : "memory");
	CHECK_EQ(b, 0x11);
	CHECK_EQ(DEV8, 0x99);
	DEV64 = 100;
	asm volatile("lock xaddq %0, (%1)" : "+r"(q) : "r"(DEV) : "memory");
	CHECK_EQ(q, 100);
	CHECK_EQ(DEV64, 105);
	rax = 105;
	asm volatile("lock cmpxchgq %3, (%2); setz %1"
		     : "+a"(rax), "=q"(zf)
		     : "r"(DEV), "r"(7ull)
		     : "memory");
	CHECK_EQ(zf, 1);
	CHECK_EQ(DEV64, 7);
	rax = 1;
	asm volatile("lock cmpxchgq %3, (%2); setz %1"
		     : "+a"(rax), "=q"(zf)
		     : "r"(DEV), "r"(9ull)
		     : "memory");
	CHECK_EQ(zf, 0);
	CHECK_EQ(rax, 7);
	CHECK_EQ(DEV64, 7);
}

static void cmpxchg8b(void)
{
	u32 lo = 0x55555555, hi = 0x66666666;
	u8 zf;

	DEV64 = 0x6666666655555555;
	asm volatile("lock cmpxchg8b (%3); setz %2"
		     : "+a"(lo), "+d"(hi), "=q"(zf)
		     : "r"(DEV), "b"(1), "c"(2)
		     : "memory");
	CHECK_EQ(zf, 1);
	CHECK_EQ(DEV64, 0x200000001);
}

static void string_stos(void)
{
	volatile u8 *di = DEV;
	ulong n = 16;

	asm volatile("cld; rep stosl" : "+D"(di), "+c"(n) : "a"(0xa1b2c3d4) : "memory");
	CHECK_EQ(n, 0);
	CHECK_EQ(di - DEV, 64);
	CHECK_EQ(shared->mmio.writes, 16);
	for (u32 i = 0; i < 16; i++)
		CHECK_EQ(((volatile u32 *)DEV)[i], 0xa1b2c3d4);
	asm volatile("stosb" : "+D"(di) : "a"(0x17) : "memory");
	CHECK_EQ(DEV[64], 0x17);
	di = DEV + 7;
	n = 8;
	asm volatile("std; rep stosb; cld" : "+D"(di), "+c"(n) : "a"(0) : "memory");
	CHECK_EQ(DEV64, 0);
	CHECK_EQ(DEV[8], 0xd4);
}

static void string_movs(void)
{
	const void *si = buffer;
	volatile u8 *di = DEV;
	ulong n = 100;

	for (u32 i = 0; i < 100; i++)
		buffer[i] = i * 3;
	asm volatile("cld; rep movsb" : "+D"(di), "+S"(si), "+c"(n) : : "memory");
	CHECK_EQ(n, 0);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(DEV[i], (u8)(i * 3));
	si = (void *)DEV;
	di = buffer + 1000;
	n = 25;
	asm volatile("rep movsl" : "+D"(di), "+S"(si), "+c"(n) : : "memory");
	CHECK_EQ(memcmp(buffer, buffer + 1000, 100), 0);
	si = (void *)DEV;
	di = DEV + 0x800;
	n = 12;
	asm volatile("rep movsq" : "+D"(di), "+S"(si), "+c"(n) : : "memory");
	CHECK_EQ(di - DEV, 0x800 + 96);
	for (u32 i = 0; i < 96; i++)
		CHECK_EQ(DEV[0x800 + i], (u8)(i * 3));
}

static void string_lods_scas_cmps(void)
{
	const volatile u8 *si = DEV;
	volatile u8 *di;
	ulong n;
	u64 rax = 0;
	u8 zf;

	for (u32 i = 0; i < 16; i++)
		DEV[i] = buffer[i] = i + 1;
	asm volatile("cld; lodsl" : "+S"(si), "+a"(rax) : : "memory");
	CHECK_EQ(rax, 0x04030201);
	CHECK_EQ(si - DEV, 4);
	di = DEV;
	n = 16;
	asm volatile("repne scasb; setz %2" : "+D"(di), "+c"(n), "=q"(zf) : "a"(9) : "memory");
	CHECK_EQ(zf, 1);
	CHECK_EQ(di - DEV, 9);
	buffer[10] = 0;
	di = buffer;
	si = DEV;
	n = 16;
	asm volatile("repe cmpsb; setz %3" : "+D"(di), "+S"(si), "+c"(n), "=q"(zf) : : "memory");
	CHECK_EQ(zf, 0);
	CHECK_EQ(si - DEV, 11);
	CHECK_EQ(n, 5);
}

static void stack_forms(void)
{
	u64 v;

	DEV64 = 0x0123456789abcdef;
	asm volatile("pushq (%1); popq %0" : "=r"(v) : "r"(DEV) : "memory");
	CHECK_EQ(v, 0x0123456789abcdef);
	asm volatile("pushq %0; popq (%1)" : : "r"(0x55aa55aaull), "r"(DEV) : "memory");
	CHECK_EQ(DEV64, 0x55aa55aa);
}

static void sse_moves(void)
{
	static u8 out[16] __attribute__((aligned(16)));

	for (u32 i = 0; i < 16; i++)
		buffer[i] = 0xf0 + i;
#define SSE(load, store)                                                                           \
	do {                                                                                       \
		for (u32 i = 0; i < 16; i++)                                                       \
			DEV[i] = 0;                                                                \
		memset(out, 0, 16);                                                                \
		asm volatile("movdqu (%0), %%xmm3; " store " %%xmm3, (%1)"                         \
			     :                                                                     \
			     : "r"(buffer), "r"(DEV)                                               \
			     : "memory");                                                          \
		for (u32 i = 0; i < 16; i++)                                                       \
			CHECK_EQ(DEV[i], buffer[i]);                                               \
		asm volatile(load " (%0), %%xmm4; movdqu %%xmm4, (%1)"                             \
			     :                                                                     \
			     : "r"(DEV), "r"(out)                                                  \
			     : "memory");                                                          \
		CHECK_EQ(memcmp(out, buffer, 16), 0);                                              \
	} while (0)
	SSE("movdqu", "movdqu");
	SSE("movdqa", "movdqa");
	SSE("movups", "movups");
	SSE("movaps", "movaps");
	SSE("movupd", "movupd");
	SSE("movapd", "movapd");
	SSE("movdqa", "movntdq");
	SSE("movaps", "movntps");
}

static void nontemporal(void)
{
	asm volatile("movnti %0, (%1)" : : "r"(0x13572468u), "r"(DEV) : "memory");
	CHECK_EQ(DEV32, 0x13572468);
}

/* An access over a page end comes as one exit per page; the data must still be whole. */
static void page_crossing(void)
{
	volatile u8 *p = DEV + PAGE_SIZE - 3;

	*(volatile u64 *)p = 0x8877665544332211;
	for (u32 i = 0; i < 8; i++)
		CHECK_EQ(p[i], 0x11 * (i + 1));
	CHECK_EQ(*(volatile u64 *)p, 0x8877665544332211);
	*(volatile u32 *)(DEV + PAGE_SIZE - 1) = 0xddccbbaa;
	CHECK_EQ(DEV[PAGE_SIZE - 1], 0xaa);
	CHECK_EQ(DEV[PAGE_SIZE], 0xbb);
	CHECK_EQ(DEV[PAGE_SIZE + 2], 0xdd);
	CHECK_EQ(*(volatile u32 *)(DEV + PAGE_SIZE - 1), 0xddccbbaa);
	asm volatile("addl $1, (%0)" : : "r"(DEV + PAGE_SIZE - 1) : "memory");
	CHECK_EQ(*(volatile u32 *)(DEV + PAGE_SIZE - 1), 0xddccbbab);
}

/* First half in memory, second half in the device. */
static void half_memory(void)
{
	volatile u8 *ram = (u8 *)RDP_RAM_MIN - PAGE_SIZE;

	map_page(0x60000000, (ulong)ram, PTE_P | PTE_W);
	map_page(0x60001000, RDP_MMIO_GPA, PTE_P | PTE_W);
	*(volatile u32 *)0x60000ffe = 0x44332211;
	CHECK_EQ(ram[PAGE_SIZE - 2], 0x11);
	CHECK_EQ(ram[PAGE_SIZE - 1], 0x22);
	CHECK_EQ(DEV[0], 0x33);
	CHECK_EQ(DEV[1], 0x44);
	CHECK_EQ(*(volatile u32 *)0x60000ffe, 0x44332211);
}

static void segment_override(void)
{
	u32 v;

	DEV32 = 0x600df00d;
	wrmsr(MSR_GS_BASE, RDP_MMIO_GPA - 0x100);
	wrmsr(MSR_FS_BASE, RDP_MMIO_GPA - 0x200);
	asm volatile("movl %%gs:0x100, %0" : "=r"(v));
	CHECK_EQ(v, 0x600df00d);
	asm volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(0x200ul));
	CHECK_EQ(v, 0x600df00d);
}

/* The page of the instruction and the device need not be neighbours: code at a page end. */
static void code_over_page_end(void)
{
	static const u8 code[] = { 0x8b, 0x87, 0x00, 0x01, 0x00, 0x00, 0xc3 };
	u32 (*fn)(ulong);

	for (u32 split = 1; split < 6; split++) {
		u8 *at = buffer + PAGE_SIZE - split;

		memcpy(at, code, sizeof(code));
		fn = (void *)at;
		*(volatile u32 *)(DEV + 0x100) = 0xc0de0000 + split;
		CHECK_EQ(fn(RDP_MMIO_GPA), 0xc0de0000 + split);
	}
}

/* RIP after the instruction must be right even with prefixes that do nothing. */
static void prefixes(void)
{
	u32 v = 0;

	DEV32 = 0x1234;
	asm volatile(".byte 0x3e, 0x2e, 0x40; movl (%1), %0" : "=a"(v) : "D"(DEV));
	CHECK_EQ(v, 0x1234);
	asm volatile(".byte 0x66, 0x66; movl (%1), %k0" : "=a"(v) : "D"(DEV), "0"(0));
	CHECK_EQ(v, 0x1234);
}

/* A write to a page that is not writable in the guest's tables faults before the device sees it. */
static void guest_fault_first(void)
{
	map_page(0x60000000, RDP_MMIO_GPA, PTE_P);
	write_cr0(read_cr0() | 0x10000);
	asm volatile(GUARDED("movl $1, (%0)") : : "r"(0x60000000ul) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 3);
	CHECK_EQ(rdg_fault.cr2, 0x60000000);
	CHECK_EQ(shared->mmio.writes, 0);
}

/* A read-modify-write instruction reads and writes once each. */
static void single_access(void)
{
	asm volatile("addl $1, (%0)" : : "r"(DEV) : "memory");
	check_seen(1, 1, 4, "add to memory");
	asm volatile("testl $1, (%0)" : : "r"(DEV) : "memory");
	check_seen(1, 0, 4, "test of memory");
	asm volatile("movl $1, (%0)" : : "r"(DEV) : "memory");
	check_seen(0, 1, 4, "mov to memory");
}

static void many(void)
{
	for (u32 i = 0; i < 3000; i++) {
		DEV32 = i;
		CHECK_EQ(DEV32, i);
	}
	CHECK_EQ(shared->mmio.reads, 3000);
	CHECK_EQ(shared->mmio.writes, 3000);
}

static const struct rdp_test tests[] = {
	RDG_TEST(widths, 1, 0),
	RDG_TEST(register_merge, 1, 0),
	RDG_TEST(immediate, 1, 0),
	RDG_TEST(addressing, 1, 0),
	RDG_TEST(addressing_special, 1, 0),
	RDG_TEST(moffs, 1, 0),
	RDG_TEST(extend, 1, 0),
	RDG_TEST(movbe, 1, 0),
	RDG_TEST(movbe_word, 1, RDP_BEYOND),
	RDG_TEST(alu_widths, 1, 0),
	RDG_TEST(alu_kinds, 1, 0),
	RDG_TEST(alu_shift, 1, 0),
	RDG_TEST(alu_locked, 1, 0),
	RDG_TEST(alu_to_register, 1, 0),
	RDG_TEST(bit_test, 1, 0),
	RDG_TEST(exchange, 1, 0),
	RDG_TEST(cmpxchg8b, 1, 0),
	RDG_TEST(string_stos, 1, 0),
	RDG_TEST(string_movs, 1, 0),
	RDG_TEST(string_lods_scas_cmps, 1, 0),
	RDG_TEST(stack_forms, 1, 0),
	RDG_TEST(sse_moves, 1, 0),
	RDG_TEST(nontemporal, 1, 0),
	RDG_TEST(page_crossing, 1, 0),
	RDG_TEST(half_memory, 1, 0),
	RDG_TEST(segment_override, 1, 0),
	RDG_TEST(code_over_page_end, 1, 0),
	RDG_TEST(prefixes, 1, 0),
	RDG_TEST(guest_fault_first, 1, 0),
	RDG_TEST(single_access, 1, 0),
	RDG_TEST(many, 1, 0),
};
RDG_TESTS(tests, 64);
