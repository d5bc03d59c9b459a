// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest for vmctl that does what it is told on its serial port, one line each, and answers with
 * one line. Numbers are hexadecimal without 0x; a line that is none of these is answered "?".
 *
 *   w ADDRESS VALUE   write 8 bytes: "W ok", or "W gp" when the instruction got #GP
 *   r ADDRESS         read 8 bytes: "R VALUE"
 *   d ADDRESS         let the virtio entropy device write 16 bytes there: "D LENGTH" as the used
 *                     ring has it, "D none" without an answer, "D no device"
 *   q                 power off: "BYE"
 *
 * It begins with "READY". Memory from 4 MiB on is free for the tests.
 */
#include "tests/guest/linux.h"

enum {
	COM1 = 0x3f8,
	FCR = 2, MCR = 4, LSR = 5,
	LSR_DATA = 1,
	PM1_CONTROL = 0x604,
	CONTROL_OFF = 5 << 10 | 1 << 13,
	PCI_INDEX = 0xcf8, PCI_DATA = 0xcfc,
	TICK_NS = 10000000,	/* the timer counts nanoseconds */
	ANSWER_TICKS = 300,
	LINE_MAX = 80,
	VECTOR_GP = 13,
};
#define APIC		0xfee00000ul
#define CODE		0x10	/* the boot protocol's selector */
#define RNG_ID		0x10441af4u
#define QUEUE		0x200000ul	/* descriptors, available and used ring, a page each */

volatile u32 rdl_ticks;
volatile u32 poke_faulted;

static struct gate {
	u16 low, selector;
	u16 flags, middle;
	u32 high, zero;
} idt[256] __attribute__((aligned(16)));

/* The one instruction that may fault, and where it goes on. */
extern char poke_gp[];
asm("	.text\n"
    "	.globl	poke_gp\n"
    "poke_gp:\n"
    "	movl	$1, poke_faulted(%rip)\n"
    "	add	$8, %rsp\n"		/* the error code */
    "	movq	$poke_stored, (%rsp)\n"
    "	iretq\n"
    "	.globl	poke_store\n"
    "poke_store:\n"
    "	mov	%rsi, (%rdi)\n"
    "poke_stored:\n"
    "	ret\n");
void poke_store(u64 address, u64 value);

/* --- serial port --- */

static void say(const char *s)
{
	for (; *s; s++)
		outb(COM1, *s);
}

static void say_hex(u64 n)
{
	char digits[17], *p = digits + 16;

	*p = 0;
	do {
		*--p = "0123456789abcdef"[n & 15];
		n >>= 4;
	} while (n);
	say(p);
}

static void wait_tick(void)
{
	u32 ticks = rdl_ticks;

	while (rdl_ticks == ticks)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void read_line(char *line)
{
	u32 n = 0;

	for (;;) {
		char c;

		while (!(inb(COM1 + LSR) & LSR_DATA))
			wait_tick();
		c = inb(COM1);
		if (c == '\n')
			break;
		if (n < LINE_MAX - 1)
			line[n++] = c;
	}
	line[n] = 0;
}

/* A number and the space before it. */
static u64 take_hex(const char **p)
{
	u64 v = 0;

	while (**p == ' ')
		(*p)++;
	for (;; (*p)++) {
		if (**p >= '0' && **p <= '9')
			v = v << 4 | (u64)(**p - '0');
		else if (**p >= 'a' && **p <= 'f')
			v = v << 4 | (u64)(**p - 'a' + 10);
		else
			return v;
	}
}

/* --- entropy device --- */

static volatile u8 *common, *notify;

static u32 pci_read(u32 slot, u32 reg)
{
	outl(PCI_INDEX, 1u << 31 | slot << 11 | reg);
	return inl(PCI_DATA);
}

static void pci_write(u32 slot, u32 reg, u32 v)
{
	outl(PCI_INDEX, 1u << 31 | slot << 11 | reg);
	outl(PCI_DATA, v);
}

/* Virtio's capabilities: of the common and of the notification structure, both in BAR 0. */
static void find_structures(u32 slot)
{
	u64 bar = pci_read(slot, 0x10) & ~15u;

	for (u32 at = pci_read(slot, 0x34) & 0xfc; at; at = pci_read(slot, at) >> 8 & 0xfc) {
		u32 head = pci_read(slot, at);

		if ((head & 0xff) != 9)
			continue;
		if (head >> 24 == 1)
			common = (u8 *)(bar + pci_read(slot, at + 8));
		if (head >> 24 == 2)
			notify = (u8 *)(bar + pci_read(slot, at + 8));
	}
}

static void w32(u32 off, u32 v)
{
	*(volatile u32 *)(common + off) = v;
}

static void w16(u32 off, u16 v)
{
	*(volatile u16 *)(common + off) = v;
}

static int start_rng(void)
{
	u32 slot = 0;

	while (slot < 32 && pci_read(slot, 0) != RNG_ID)
		slot++;
	if (slot == 32)
		return 0;
	pci_write(slot, 4, 6);		/* memory, bus master */
	find_structures(slot);
	common[0x14] = 0;		/* status */
	while (common[0x14])
		wait_tick();
	common[0x14] = 3;
	w32(0x8, 1);			/* the driver's features: VERSION_1 */
	w32(0xc, 1);
	common[0x14] = 11;
	w16(0x16, 0);			/* queue 0, of 4 entries */
	w16(0x18, 4);
	w32(0x20, QUEUE);
	w32(0x24, 0);
	w32(0x28, QUEUE + 0x1000);
	w32(0x2c, 0);
	w32(0x30, QUEUE + 0x2000);
	w32(0x34, 0);
	w16(0x1c, 1);
	common[0x14] = 15;
	return 1;
}

/* One request in a queue that is new each time. */
static void do_dma(u64 address)
{
	volatile u64 *desc = (u64 *)QUEUE;
	volatile u16 *avail = (u16 *)(QUEUE + 0x1000);
	volatile u32 *used = (u32 *)(QUEUE + 0x2000);

	for (u32 i = 0; i < 3 * PAGE_SIZE / 8; i++)
		desc[i] = 0;
	if (!start_rng()) {
		say("D no device\n");
		return;
	}
	desc[0] = address;
	desc[1] = 16 | 2ull << 32;	/* length; for the device to write */
	avail[2] = 0;
	asm volatile("mfence" : : : "memory");
	avail[1] = 1;
	asm volatile("mfence" : : : "memory");
	*(volatile u16 *)notify = 0;
	for (u32 i = 0; i < ANSWER_TICKS && !(used[0] >> 16); i++)
		wait_tick();
	if (used[0] >> 16) {
		say("D ");
		say_hex(used[2]);
		say("\n");
	} else {
		say("D none\n");
	}
}

/* --- what it is told --- */

static void obey(const char *line)
{
	const char *p = line + 1;
	u64 address = take_hex(&p);

	switch (line[0]) {
	case 'w':
		poke_faulted = 0;
		poke_store(address, take_hex(&p));
		say(poke_faulted ? "W gp\n" : "W ok\n");
		break;
	case 'r':
		say("R ");
		say_hex(*(volatile u64 *)address);
		say("\n");
		break;
	case 'd':
		do_dma(address);
		break;
	case 'q':
		say("BYE\n");
		outw(PM1_CONTROL, CONTROL_OFF);
		for (;;)
			asm volatile("cli; hlt");
	default:
		say("?\n");
	}
}

static void set_gate(u32 vector, const char *to)
{
	u64 at = (u64)to;

	idt[vector] = (struct gate){ .low = at, .selector = CODE, .flags = 0x8e00,
				     .middle = at >> 16, .high = at >> 32 };
}

static void write_apic(u32 reg, u32 v)
{
	*(volatile u32 *)(APIC + reg) = v;
}

static void start_interrupts(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (u64)idt };

	set_gate(RDL_TIMER, rdl_timer);
	set_gate(VECTOR_GP, poke_gp);
	asm volatile("lidt %0" : : "m"(idtr));
	write_apic(0xf0, 0x1ff);		/* on */
	write_apic(0x3e0, 0xb);			/* divide by 1 */
	write_apic(0x320, 0x20000 | RDL_TIMER);	/* periodic */
	write_apic(0x380, TICK_NS);
}

void rdl_main(const u8 *zero_page)
{
	static char line[LINE_MAX];

	(void)zero_page;
	start_interrupts();
	outb(COM1 + FCR, 1);
	outb(COM1 + MCR, 3);
	say("READY\n");
	for (;;) {
		read_line(line);
		obey(line);
	}
}
