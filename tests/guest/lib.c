// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every 64-bit payload stands on: reporting through the ports, the IDT and its one handler,
 * a TSS for interrupt stacks, and a page allocator over the memory behind the image.
 */
#include "tests/guest/guest.h"

#include <stdarg.h>

extern char rdg_stubs[], rdg_stack_top[];
extern const ulong rdg_ex_start[], rdg_ex_end[];

struct rdg_fault rdg_fault = { .vector = RDG_NONE };
rdg_handler_fn rdg_handlers[256];
volatile u32 rdg_irqs[256];

static struct {
	u64 low, high;
} idt[256] __attribute__((aligned(16)));
static u32 tss[26] __attribute__((aligned(128)));
static volatile u32 message_lock;
static ulong free_page;

void *memset(void *to, int c, ulong n)
{
	void *d = to;

	asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, ulong n)
{
	void *d = to;

	asm volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
	return to;
}

int memcmp(const void *a, const void *b, ulong n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

static volatile char *put(volatile char *p, volatile char *end, char c)
{
	if (p < end)
		*p++ = c;
	return p;
}

static volatile char *put_number(volatile char *p, volatile char *end, u64 v, u32 base)
{
	char digits[24];
	u32 n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		p = put(p, end, digits[--n]);
	return p;
}

static u64 next_number(va_list *ap, u32 longs, int is_signed)
{
	if (longs)
		return longs == 1 ? va_arg(*ap, ulong) : va_arg(*ap, u64);
	return is_signed ? (u64)va_arg(*ap, s32) : va_arg(*ap, u32);
}

/* Know %s, %c, %d, %u and %x with up to two l; nothing else is used. */
static void format(const char *fmt, va_list *ap)
{
	volatile char *p = shared->message, *end = p + RDP_MESSAGE_SIZE - 1;

	for (; *fmt; fmt++) {
		u32 longs = 0;

		if (*fmt != '%') {
			p = put(p, end, *fmt);
			continue;
		}
		while (*++fmt == 'l')
			longs++;
		if (*fmt == 's') {
			for (const char *s = va_arg(*ap, const char *); *s; s++)
				p = put(p, end, *s);
		} else if (*fmt == 'c') {
			p = put(p, end, va_arg(*ap, int));
		} else if (*fmt == 'd') {
			s64 v = next_number(ap, longs, 1);

			if (v < 0)
				p = put(p, end, '-');
			p = put_number(p, end, v < 0 ? -(u64)v : (u64)v, 10);
		} else if (*fmt == 'u' || *fmt == 'x') {
			p = put_number(p, end, next_number(ap, longs, 0), *fmt == 'u' ? 10 : 16);
		} else {
			p = put(p, end, *fmt);
		}
	}
	*p = 0;
}

/* Processors may report at once: one at a time owns the message buffer. */
static void lock_message(void)
{
	while (__atomic_exchange_n(&message_lock, 1, __ATOMIC_ACQUIRE))
		pause();
}

static void __attribute__((noreturn)) stop(u16 port)
{
	for (;;) {
		outl(port, 0);
		cli();
		hlt();
	}
}

void rdg_message(const char *fmt, ...)
{
	va_list ap;

	lock_message();
	va_start(ap, fmt);
	format(fmt, &ap);
	va_end(ap);
	outl(RDP_PORT_MESSAGE, 0);
	__atomic_store_n(&message_lock, 0, __ATOMIC_RELEASE);
}

void rdg_fail(const char *fmt, ...)
{
	va_list ap;

	cli();
	lock_message();
	va_start(ap, fmt);
	format(fmt, &ap);
	va_end(ap);
	stop(RDP_PORT_FAIL);
}

void rdg_skip(const char *fmt, ...)
{
	va_list ap;

	cli();
	lock_message();
	va_start(ap, fmt);
	format(fmt, &ap);
	va_end(ap);
	stop(RDP_PORT_SKIP);
}

void rdg_pass(void)
{
	stop(RDP_PORT_PASS);
}

void rdg_sync(u32 value)
{
	outl(RDP_PORT_SYNC, value);
	barrier();
}

u32 rdg_caught(void)
{
	u32 vector = *(volatile u32 *)&rdg_fault.vector;

	*(volatile u32 *)&rdg_fault.vector = RDG_NONE;
	return vector;
}

void rdg_count_irq(struct rdg_frame *f)
{
	__atomic_fetch_add(&rdg_irqs[f->vector], 1, __ATOMIC_SEQ_CST);
	apic_write(APIC_EOI, 0);
}

/* Called by the stubs for every vector. */
void rdg_exception(struct rdg_frame *f)
{
	ulong cr2 = read_cr2();

	if (rdg_handlers[f->vector]) {
		rdg_handlers[f->vector](f);
		return;
	}
	for (const ulong *e = rdg_ex_start; e < rdg_ex_end; e += 2) {
		if (e[0] != f->ip)
			continue;
		rdg_fault = (struct rdg_fault){ f->vector, f->error, f->ip, cr2 };
		f->ip = e[1];
		return;
	}
	rdg_fail("unexpected vector %lu, error 0x%lx at 0x%lx, cr2 0x%lx, rsp 0x%lx", f->vector,
		 f->error, f->ip, cr2, f->sp);
}

void rdg_set_gate(u32 vector, void (*entry)(void), u32 ist, u32 dpl)
{
	ulong at = (ulong)entry;

	idt[vector].low = (at & 0xffff) | RDP_CS64 << 16 | (u64)ist << 32 |
			  (u64)(0x8e00 | dpl << 13) << 32 | (at >> 16 & 0xffff) << 48;
	idt[vector].high = at >> 32;
}

void rdg_clear_gate(u32 vector)
{
	idt[vector].low &= ~(1ull << 47);
}

/* `ist` is 1 to 7; 0 sets the stack for entries from user mode. */
void rdg_set_ist(u32 ist, ulong top)
{
	u32 at = ist ? 7 + 2 * ist : 1;

	tss[at] = top;
	tss[at + 1] = top >> 32;
}

void rdg_load_idt(void)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) idtr = {
		sizeof(idt) - 1, (ulong)idt
	};

	asm volatile("lidt %0" : : "m"(idtr));
}

static void load_tss(void)
{
	volatile u64 *gdt = (u64 *)RDP_GDT_GPA;
	u64 base = (ulong)tss;

	tss[25] = sizeof(tss) << 16;	/* no I/O bitmap */
	gdt[RDP_TSS / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			   (base >> 24 & 0xff) << 56;
	gdt[RDP_TSS / 8 + 1] = base >> 32;
	asm volatile("ltr %w0" : : "r"(RDP_TSS));
}

/* Called once by boot.S before the test. */
void rdg_init(void)
{
	for (u32 v = 0; v < 256; v++)
		rdg_set_gate(v, (void (*)(void))(rdg_stubs + 16 * v), 0, 0);
	rdg_load_idt();
	rdg_set_ist(0, (ulong)rdg_stack_top - 8192);
	load_tss();
}

void *alloc_page(void)
{
	void *page;

	if (!free_page)
		free_page = ((ulong)rdg_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	page = (void *)free_page;
	free_page += PAGE_SIZE;
	return memset(page, 0, PAGE_SIZE);
}
