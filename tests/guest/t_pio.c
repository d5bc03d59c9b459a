// SPDX-License-Identifier: GPL-2.0-only
/* Port accesses that exit to user space: widths, immediate and DX forms, string forms. */
#include "tests/guest/guest.h"

#define SEEN_PIO(dir, prt, size, value)						\
	do {									\
		CHECK_EQ(shared->pio.dir, ++dir);				\
		CHECK_EQ(shared->pio.addr, prt);				\
		CHECK_EQ(shared->pio.len, size);				\
		CHECK_EQ(shared->pio.data, value);				\
	} while (0)

static u8 buffer[4 * PAGE_SIZE] __attribute__((aligned(4096)));

static void widths_out(void)
{
	u64 writes = 0;

	outb(RDP_PORT_ECHO, 0x12);
	SEEN_PIO(writes, RDP_PORT_ECHO, 1, 0x12);
	outw(RDP_PORT_ECHO + 2, 0x3456);
	SEEN_PIO(writes, RDP_PORT_ECHO + 2, 2, 0x3456);
	outl(RDP_PORT_ECHO + 4, 0x789abcde);
	SEEN_PIO(writes, RDP_PORT_ECHO + 4, 4, 0x789abcde);
	CHECK_EQ(shared->pio.reads, 0);
}

/* An 8 or 16-bit IN leaves the rest of RAX alone, a 32-bit one clears the upper half. */
static void widths_in(void)
{
	u64 rax, reads = 0;

	outl(RDP_PORT_ECHO, 0x87654321);
	rax = 0x1122334455667788;
	asm volatile("inb %%dx, %%al" : "+a"(rax) : "d"(RDP_PORT_ECHO));
	CHECK_EQ(rax, 0x1122334455667721);
	SEEN_PIO(reads, RDP_PORT_ECHO, 1, 0x21);
	rax = 0x1122334455667788;
	asm volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(RDP_PORT_ECHO));
	CHECK_EQ(rax, 0x1122334455664321);
	SEEN_PIO(reads, RDP_PORT_ECHO, 2, 0x4321);
	asm volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(RDP_PORT_ECHO));
	CHECK_EQ(rax, 0x87654321);
	SEEN_PIO(reads, RDP_PORT_ECHO, 4, 0x87654321);
}

static void immediate_port(void)
{
	u32 v;

	asm volatile("outb %%al, $0xe7" : : "a"(0x55));
	CHECK_EQ(shared->pio.addr, 0xe7);
	CHECK_EQ(shared->pio.writes, 1);
	asm volatile("inb $0xe8, %%al" : "=a"(v) : "0"(0));
	CHECK_EQ(v, 0xff);
	CHECK_EQ(shared->pio.addr, 0xe8);
}

#define REP(insn, di, si, n)							\
	asm volatile("cld; rep " insn : "+D"(di), "+S"(si), "+c"(n)		\
		     : "d"(RDP_PORT_STREAM) : "memory")

static void rep_ins(void)
{
	u8 *di = buffer, *si = NULL;
	ulong n = 100;

	REP("insb", di, si, n);
	CHECK_EQ(n, 0);
	CHECK_EQ(di - buffer, 100);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(buffer[i], i);
	n = 50;
	REP("insw", di, si, n);
	CHECK_EQ(di - buffer, 200);
	for (u32 i = 0; i < 50; i++)
		CHECK_EQ(((u16 *)(buffer + 100))[i], 100 + i);
	n = 0;
	REP("insb", di, si, n);
	CHECK_EQ(di - buffer, 200);
}

/* More than one exit's worth, over a page end, at an odd address. */
static void rep_ins_long(void)
{
	u8 *di = buffer + 3, *si = NULL;
	ulong n = 3000;

	REP("insl", di, si, n);
	CHECK_EQ(n, 0);
	CHECK_EQ(di - buffer, 3 + 12000);
	for (u32 i = 0; i < 3000; i++) {
		u32 v;

		memcpy(&v, buffer + 3 + 4 * i, 4);
		CHECK_EQ(v, i);
	}
}

static void rep_outs(void)
{
	u8 *di = NULL, *si = buffer;
	u64 sum = 0;
	ulong n = 3000;

	for (u32 i = 0; i < 3000; i++) {
		((u32 *)buffer)[i] = i * 7;
		sum += i * 7;
	}
	REP("outsl", di, si, n);
	CHECK_EQ(n, 0);
	CHECK_EQ(si - buffer, 12000);
	CHECK_EQ(shared->stream_sum, sum);
	si = buffer + 1;
	n = 4;
	REP("outsb", di, si, n);
	CHECK_EQ(si - buffer, 5);
	CHECK_EQ(shared->stream_sum, sum + 7);
}

static void string_single(void)
{
	u8 *di = buffer, *si = buffer;

	asm volatile("cld; insb" : "+D"(di) : "d"(RDP_PORT_STREAM) : "memory");
	asm volatile("insl" : "+D"(di) : "d"(RDP_PORT_STREAM) : "memory");
	CHECK_EQ(di - buffer, 5);
	CHECK_EQ(buffer[0], 0);
	CHECK_EQ(*(u32 *)(buffer + 1), 1);
	asm volatile("outsw" : "+S"(si) : "d"(RDP_PORT_STREAM) : "memory");
	CHECK_EQ(si - buffer, 2);
	CHECK_EQ(shared->stream_sum, 0x100);
}

static void string_backwards(void)
{
	u8 *di = buffer + 99, *si;
	ulong n = 100;

	asm volatile("std; rep insb; cld" : "+D"(di), "+c"(n) : "d"(RDP_PORT_STREAM) : "memory");
	CHECK_EQ(di - buffer, -1);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(buffer[99 - i], i);
	si = buffer + 99;
	n = 10;
	asm volatile("std; rep outsb; cld" : "+S"(si), "+c"(n) : "d"(RDP_PORT_STREAM) : "memory");
	CHECK_EQ(si - buffer, 89);
	CHECK_EQ(shared->stream_sum, 45);
}

/* The destination is not mapped: the fault comes before the port is read, and again after. */
static void ins_fault(void)
{
	u8 *di = (u8 *)0x7ff000000000;

	asm volatile("cld\n" GUARDED("insb") : "+D"(di) : "d"(RDP_PORT_STREAM) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.cr2, 0x7ff000000000);
	CHECK_EQ(rdg_fault.error, 2);
	CHECK_EQ((ulong)di, 0x7ff000000000);
}

static void unclaimed(void)
{
	CHECK_EQ(inb(0x3333), 0xff);
	CHECK_EQ(inw(0x3333), 0xffff);
	CHECK_EQ(inl(0x3333), 0xffffffff);
}

static void in_kernel(void)
{
	pic_init(0x20, 0x28);
	outb(0x21, 0xa5);
	outb(0xa1, 0x5a);
	CHECK_EQ(inb(0x21), 0xa5);
	CHECK_EQ(inb(0xa1), 0x5a);
	CHECK_EQ(shared->pio.reads + shared->pio.writes, 0);
}

static void many(void)
{
	for (u32 i = 0; i < 5000; i++) {
		outl(RDP_PORT_ECHO, i);
		CHECK_EQ(inl(RDP_PORT_ECHO), i);
	}
	CHECK_EQ(shared->pio.reads, 5000);
	CHECK_EQ(shared->pio.writes, 5000);
}

static const struct rdp_test tests[] = {
	RDG_TEST(widths_out, 1, 0),
	RDG_TEST(widths_in, 1, 0),
	RDG_TEST(immediate_port, 1, 0),
	RDG_TEST(rep_ins, 1, 0),
	RDG_TEST(rep_ins_long, 1, 0),
	RDG_TEST(rep_outs, 1, 0),
	RDG_TEST(string_single, 1, 0),
	RDG_TEST(string_backwards, 1, 0),
	RDG_TEST(ins_fault, 1, 0),
	RDG_TEST(unclaimed, 1, 0),
	RDG_TEST(in_kernel, 1, RDP_IRQCHIP),
	RDG_TEST(many, 1, 0),
};
RDG_TESTS(tests, 64);
