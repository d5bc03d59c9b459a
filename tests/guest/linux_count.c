// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest for vmctl that starts at once, sleeps most of the time, and says on its serial port that
 * it is alive: at each tick of its timer it verifies every page of a region, writes it anew and
 * prints how many times it has, and no more, because each character is an exit to vmctl. It has not
 * lost anything as long as it counts.
 *
 * It powers itself off, after "BYE", when its power button is pressed, or with "end=N" on its
 * command line after so many counts. A page that holds something else is a panic.
 */
#include "tests/guest/linux.h"

enum {
	COM1 = 0x3f8,
	PANIC = 0x505,
	PM1_STATUS = 0x600,
	PM1_CONTROL = 0x604,
	STATUS_BUTTON = 1 << 8,
	CONTROL_OFF = 5 << 10 | 1 << 13,
	TICK_NS = 100000000,	/* the timer counts nanoseconds */
	PAGES = 256,
};
#define REGION		0x400000ul
#define APIC		0xfee00000ul
#define CMD_LINE_PTR	0x228
#define CODE		0x10	/* the boot protocol's selector */

volatile u32 rdl_ticks;

static struct gate {
	u16 low, selector;
	u16 flags, middle;
	u32 high, zero;
} idt[256] __attribute__((aligned(16)));

static void say(const char *s)
{
	for (; *s; s++)
		outb(COM1, *s);
}

static void say_number(u32 n)
{
	char digits[11], *p = digits + 10;

	*p = 0;
	do {
		*--p = '0' + n % 10;
		n /= 10;
	} while (n);
	say(p);
}

static void __attribute__((noreturn)) stop(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

static void power_off(void)
{
	say("BYE\n");
	outw(PM1_CONTROL, CONTROL_OFF);
	stop();
}

static void lost(u32 page, u32 round)
{
	say("LOST page ");
	say_number(page);
	say(" in round ");
	say_number(round);
	say("\n");
	outb(PANIC, 1);
	stop();
}

/* Two words of each page, the first and one that moves. Memory is zero in round 0. */
static void work(u32 round)
{
	for (u32 page = 0; page < PAGES; page++) {
		volatile u64 *at = (u64 *)(REGION + page * 4096ul);
		u64 was = round ? (u64)page << 32 | round : 0;
		u64 is = (u64)page << 32 | (round + 1);

		if (at[0] != was || at[1 + round % 511] != was)
			lost(page, round);
		at[1 + round % 511] = 0;
		at[0] = is;
		at[1 + (round + 1) % 511] = is;
	}
}

static void write_apic(u32 reg, u32 v)
{
	*(volatile u32 *)(APIC + reg) = v;
}

static void start_timer(void)
{
	u64 at = (u64)rdl_timer;
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (u64)idt };

	idt[RDL_TIMER] = (struct gate){ .low = at, .selector = CODE, .flags = 0x8e00,
					.middle = at >> 16, .high = at >> 32 };
	asm volatile("lidt %0" : : "m"(idtr));
	write_apic(0xf0, 0x1ff);		/* on */
	write_apic(0x3e0, 0xb);			/* divide by 1 */
	write_apic(0x320, 0x20000 | RDL_TIMER);	/* periodic */
	write_apic(0x380, TICK_NS);
}

/* N of "end=N" on the command line, 0 without it. */
static u32 end_after(const char *line)
{
	u32 n = 0;

	for (; *line; line++) {
		if (line[0] != 'e' || line[1] != 'n' || line[2] != 'd' || line[3] != '=')
			continue;
		for (line += 4; *line >= '0' && *line <= '9'; line++)
			n = n * 10 + *line - '0';
		return n;
	}
	return 0;
}

void rdl_main(const u8 *zero_page)
{
	u32 end = end_after((const char *)(u64) * (const u32 *)(zero_page + CMD_LINE_PTR));

	start_timer();
	for (u32 round = 0;; round++) {
		u32 ticks = rdl_ticks;

		work(round);
		say_number(round + 1);
		say("\n");
		if (round + 1 == end || (inw(PM1_STATUS) & STATUS_BUTTON))
			power_off();
		while (rdl_ticks == ticks)
			asm volatile("sti; hlt; cli" : : : "memory");
	}
}
