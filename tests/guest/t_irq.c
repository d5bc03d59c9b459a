// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts on one processor: local APIC in both modes, its timer in three, priorities, shadows,
 * NMI and its masking, and the chips of a PC behind it.
 */
#include "tests/guest/guest.h"

#define V 0x40
#define ONESHOT 0
#define PERIODIC (1 << 17)
#define DEADLINE (2 << 17)

static volatile u32 nmis, order[8], ordered;

static void setup(void)
{
	apic_enable();
	for (u32 v = V; v < 0xff; v++)
		rdg_handlers[v] = rdg_count_irq;
}

static void send_self(u32 vector)
{
	apic_icr(apic_id(), 0x4000 | vector);
}

/* Time enough for an interrupt to come that should not; not a wait for one that should. */
static void settle(void)
{
	for (u32 i = 0; i < 200; i++)
		inl(RDP_PORT_ECHO);
}

static void wait_irq(u32 vector, u32 n)
{
	u64 rounds = 0;

	while (rdg_irqs[vector] < n) {
		sti_hlt();
		cli();
		if (++rounds > 1000000)
			rdg_fail("no interrupt %u", vector);
	}
}

static void self_ipi(void)
{
	setup();
	send_self(V);
	CHECK_EQ(apic_test_bit(APIC_IRR, V), 1);
	settle();
	CHECK_EQ(rdg_irqs[V], 0);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[V], 1);
	CHECK_EQ(apic_test_bit(APIC_IRR, V), 0);
	CHECK_EQ(apic_test_bit(APIC_ISR, V), 0);
	sti();
	send_self(V);
	asm volatile("nop");
	cli();
	CHECK_EQ(rdg_irqs[V], 2);
}

static void self_ipi_x2(void)
{
	if (!apic_enable_x2())
		rdg_skip("no x2APIC");
	self_ipi();
	wrmsr(MSR_X2APIC + 0x3f, V + 1);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[V + 1], 1);
}

static void self_shorthand(void)
{
	setup();
	apic_icr(0, 0x44000 | V);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[V], 1);
}

static void wake_from_hlt(void)
{
	setup();
	for (u32 i = 1; i <= 200; i++) {
		send_self(V);
		sti_hlt();
		cli();
		CHECK_EQ(rdg_irqs[V], i);
	}
}

/* STI holds interrupts back for one more instruction; an interrupt does not come before it. */
static void sti_shadow(void)
{
	u32 before;

	setup();
	for (u32 i = 0; i < 50; i++) {
		u32 n = rdg_irqs[V];

		send_self(V);
		asm volatile("sti; movl %1, %0; nop; cli"
			     : "=r"(before) : "m"(rdg_irqs[V]) : "memory");
		CHECK_EQ(before, n);
		CHECK_EQ(rdg_irqs[V], n + 1);
		/* STI; CLI opens no window at all. */
		send_self(V);
		asm volatile("sti; cli" : : : "memory");
		CHECK_EQ(rdg_irqs[V], n + 1);
		sti_nop();
		cli();
		CHECK_EQ(rdg_irqs[V], n + 2);
	}
}

/* MOV SS holds them back as well, with interrupts on all the time. */
static void mov_ss_shadow(void)
{
	u32 during = 0;

	setup();
	for (u32 i = 1; i <= 20; i++) {
		send_self(V);
		asm volatile("mov %%ss, %%eax\n"
			     "sti; mov %%eax, %%ss; movl %1, %0; nop; cli"
			     : "=r"(during) : "m"(rdg_irqs[V]) : "eax", "memory");
		CHECK_EQ(rdg_irqs[V], i);
	}
}

static void popf_iret_window(void)
{
	setup();
	send_self(V);
	asm volatile("pushf; orl $0x200, (%%rsp); popf; nop; cli" : : : "memory", "cc");
	CHECK_EQ(rdg_irqs[V], 1);
}

static void on_ordered(struct rdg_frame *f)
{
	order[ordered++] = f->vector;
	apic_write(APIC_EOI, 0);
}

static void priority_order(void)
{
	setup();
	for (u32 i = 0; i < 4; i++)
		rdg_handlers[0x50 + 0x20 * i] = on_ordered;
	send_self(0x50);
	send_self(0x90);
	send_self(0x70);
	send_self(0xb0);
	sti_nop();
	for (u32 i = 0; i < 10; i++)
		asm volatile("nop");
	cli();
	CHECK_EQ(ordered, 4);
	CHECK_EQ(order[0], 0xb0);
	CHECK_EQ(order[1], 0x90);
	CHECK_EQ(order[2], 0x70);
	CHECK_EQ(order[3], 0x50);
}

/* The handler lets interrupts in: a higher class nests, its own class waits for the EOI. */
static void on_nesting(struct rdg_frame *f)
{
	(void)f;
	send_self(0x95);
	send_self(0x81);
	send_self(0x61);
	CHECK_EQ(apic_read(APIC_PPR), 0x80);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[0x95], 1);
	CHECK_EQ(rdg_irqs[0x81], 0);
	CHECK_EQ(rdg_irqs[0x61], 0);
	apic_write(APIC_EOI, 0);
}

static void nesting(void)
{
	setup();
	rdg_handlers[0x80] = on_nesting;
	send_self(0x80);
	sti_nop();
	asm volatile("nop; nop");
	cli();
	CHECK_EQ(rdg_irqs[0x81], 1);
	CHECK_EQ(rdg_irqs[0x61], 1);
	CHECK_EQ(apic_read(APIC_PPR), 0);
}

static void task_priority(void)
{
	setup();
	apic_write(APIC_TPR, 0x50);
	send_self(0x4f);
	send_self(0x60);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[0x60], 1);
	CHECK_EQ(rdg_irqs[0x4f], 0);
	sti();
	write_cr8(4);		/* class 4 is still held back */
	asm volatile("nop");
	CHECK_EQ(rdg_irqs[0x4f], 0);
	write_cr8(3);
	asm volatile("nop");
	cli();
	CHECK_EQ(rdg_irqs[0x4f], 1);
	CHECK_EQ(apic_read(APIC_TPR), 0x30);
}

static void software_disabled(void)
{
	setup();
	apic_write(APIC_SVR, 0xff);
	send_self(V);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[V], 0);
	CHECK(apic_read(APIC_LVT0) & 0x10000);
	apic_write(APIC_SVR, 0x1ff);
	send_self(V + 1);
	sti_nop();
	cli();
	CHECK_EQ(rdg_irqs[V + 1], 1);
}

/* Vectors 0 to 15 are illegal: whatever the registers say, none is delivered. */
static void illegal_vector(void)
{
	setup();
	apic_write(APIC_ESR, 0);
	apic_icr(0, 0x4000 | 5);
	apic_write(APIC_ESR, 0);
	sti();
	settle();
	cli();
	CHECK_EQ(apic_test_bit(APIC_ISR, 5), 0);
}

static void registers(void)
{
	setup();
	CHECK_EQ(apic_id(), 0);
	CHECK_EQ(xapic_read(APIC_VERSION) & 0xf0, 0x10);
	xapic_write(APIC_DFR, 0xffffffff);
	xapic_write(APIC_LDR, 0x01000000);
	CHECK_EQ(xapic_read(APIC_LDR), 0x01000000);
	xapic_write(APIC_LVT1, 0x10400);
	CHECK_EQ(xapic_read(APIC_LVT1), 0x10400);
	xapic_write(APIC_TMICT, 0);
	CHECK_EQ(xapic_read(APIC_TMCCT), 0);
}

static void x2apic_rules(void)
{
	u64 base = rdmsr(MSR_APICBASE), v;

	setup();
	if (!HAS_X2APIC())
		rdg_skip("no x2APIC");
	CHECK_EQ(rdmsr_safe(MSR_X2APIC + 2, &v), GP);		/* not in this mode */
	CHECK_EQ(wrmsr_safe(MSR_APICBASE, (base & ~(1ull << 11)) | 1 << 10), GP);
	apic_enable_x2();
	CHECK_EQ(rdmsr(MSR_X2APIC + 2), 0);
	CHECK_EQ(wrmsr_safe(MSR_X2APIC + 2, 1), GP);		/* read only */
	CHECK_EQ(rdmsr_safe(MSR_X2APIC + 0xb, &v), GP);		/* write only */
	CHECK_EQ(rdmsr_safe(MSR_X2APIC + 0x31, &v), GP);	/* no upper ICR */
	CHECK_EQ(rdmsr_safe(MSR_X2APIC + 0xe, &v), GP);		/* no DFR */
	CHECK_EQ(rdmsr(MSR_X2APIC + 0xd), 1);			/* LDR follows the ID */
	CHECK_EQ(wrmsr_safe(MSR_APICBASE, base), GP);		/* back to xAPIC: never at once */
	wrmsr(MSR_APICBASE, base & ~(3ull << 10));		/* off first */
	CHECK_EQ(has_feature(1, 0, 3, 9), 0);
	wrmsr(MSR_APICBASE, base);
	CHECK_EQ(has_feature(1, 0, 3, 9), 1);
}

static void timer_one_shot(void)
{
	setup();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, ONESHOT | V);
	for (u32 i = 1; i <= 5; i++) {
		apic_write(APIC_TMICT, 200000);
		CHECK(apic_read(APIC_TMCCT) <= 200000);
		wait_irq(V, i);
		CHECK_EQ(apic_read(APIC_TMCCT), 0);
	}
	settle();
	CHECK_EQ(rdg_irqs[V], 5);
}

static void timer_masked_and_stopped(void)
{
	setup();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x10000 | V);
	apic_write(APIC_TMICT, 1000);
	sti();
	settle();
	cli();
	CHECK_EQ(rdg_irqs[V], 0);
	apic_write(APIC_TMICT, 0);
	apic_write(APIC_LVTT, ONESHOT | V);
	apic_write(APIC_TMICT, 100000000);
	CHECK(apic_read(APIC_TMCCT) > 0);
	apic_write(APIC_TMICT, 0);
	CHECK_EQ(apic_read(APIC_TMCCT), 0);
	sti();
	settle();
	cli();
	CHECK_EQ(rdg_irqs[V], 0);
}

static void timer_periodic(void)
{
	setup();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, PERIODIC | V);
	apic_write(APIC_TMICT, 1000000);
	wait_irq(V, 10);
	CHECK(apic_read(APIC_TMCCT) <= 1000000);
	apic_write(APIC_LVTT, 0x10000 | V);
	apic_write(APIC_TMICT, 0);
	sti_nop();
	cli();
}

/* The shortest of some tries: a host that is busy elsewhere makes the others longer. */
static u64 one_shot_takes(u32 divider, u32 vector)
{
	u64 best = -1ull;

	apic_write(APIC_TDCR, divider);
	apic_write(APIC_LVTT, ONESHOT | vector);
	for (u32 i = 1; i <= 4; i++) {
		u64 start = rdtsc();

		apic_write(APIC_TMICT, 5000000);
		wait_irq(vector, i);
		if (rdtsc() - start < best)
			best = rdtsc() - start;
	}
	return best;
}

static void timer_divider(void)
{
	u64 t1, t8;

	setup();
	t1 = one_shot_takes(0xb, V);
	t8 = one_shot_takes(2, V + 1);
	if (t8 < 4 * t1)
		rdg_fail("%llu ticks undivided, %llu divided by eight", t1, t8);
}

static void need_deadline(void)
{
	setup();
	if (!HAS_DEADLINE())
		rdg_skip("no TSC deadline timer");
}

static void timer_deadline(void)
{
	need_deadline();
	apic_write(APIC_LVTT, DEADLINE | V);
	for (u32 i = 1; i <= 20; i++) {
		u64 at = rdtsc() + 200000;

		wrmsr(MSR_TSC_DEADLINE, at);
		wait_irq(V, i);
		CHECK(rdtsc() >= at);
		CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	}
}

static void timer_deadline_past(void)
{
	need_deadline();
	apic_write(APIC_LVTT, DEADLINE | V);
	for (u32 i = 1; i <= 20; i++) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() - 1000);
		wait_irq(V, i);
	}
}

static void timer_deadline_cancel(void)
{
	need_deadline();
	apic_write(APIC_LVTT, DEADLINE | V);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 100000000);
	wrmsr(MSR_TSC_DEADLINE, 0);
	CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	sti();
	for (u64 end = rdtsc() + 150000000; rdtsc() < end;)
		pause();
	cli();
	CHECK_EQ(rdg_irqs[V], 0);
	/* In another mode the register reads zero and ignores writes. */
	apic_write(APIC_LVTT, ONESHOT | V);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000);
	CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
}

static void on_nmi_nested(struct rdg_frame *f)
{
	(void)f;
	nmis++;
	if (nmis != 1)
		return;
	send_self(0x400);	/* another NMI: held back until this handler's IRET */
	settle();
	CHECK_EQ(nmis, 1);
}

static void nmi(void)
{
	setup();
	rdg_handlers[NMI] = on_nmi_nested;
	send_self(0x400);
	asm volatile("nop");
	CHECK_EQ(nmis, 2);
	settle();
	CHECK_EQ(nmis, 2);
}

static void nmi_wakes_hlt(void)
{
	setup();
	rdg_handlers[NMI] = on_nmi_nested;
	nmis = 1;
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, ONESHOT | V);
	for (u32 i = 1; i <= 3; i++) {
		rdg_sync(i);		/* the host sends the NMI */
		while (nmis != 1 + i)
			hlt();
	}
}

/* An exception in the handler returns by IRET and so lets NMIs in again, as on the hardware. */
static void on_nmi_exception(struct rdg_frame *f)
{
	(void)f;
	nmis++;
	if (nmis != 1)
		return;
	send_self(0x400);
	asm volatile("nop");
	CHECK_EQ(nmis, 1);
	asm volatile(GUARDED("ud2"));
	rdg_caught();
	asm volatile("nop");
	CHECK_EQ(nmis, 2);
}

static void nmi_unmasked_by_iret(void)
{
	setup();
	rdg_handlers[NMI] = on_nmi_exception;
	send_self(0x400);
	asm volatile("nop");
	CHECK_EQ(nmis, 2);
}

static void pit_start(u32 count)
{
	outb(0x43, 0x34);
	outb(0x40, count);
	outb(0x40, count >> 8);
}

static void on_pic(struct rdg_frame *f)
{
	rdg_irqs[f->vector]++;
	if (f->vector >= 0x38)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

/* PIT, 8259, LINT0 as ExtINT: the way of a PC without IOAPIC. */
static void pit_by_pic(void)
{
	setup();
	for (u32 v = 0x30; v < 0x40; v++)
		rdg_handlers[v] = on_pic;
	pic_init(0x30, 0x38);
	apic_write(APIC_LVT0, 0x700);
	pic_mask(0xfffe);
	pit_start(5966);		/* 200 Hz */
	wait_irq(0x30, 5);
	pic_mask(0xffff);
}

static void pit_by_ioapic(void)
{
	setup();
	pic_mask(0xffff);
	apic_write(APIC_LVT0, 0x10000);
	ioapic_write(0x11, 0);
	ioapic_write(0x10, V);		/* pin 0, where the default routing has it */
	pit_start(5966);
	wait_irq(V, 5);
	ioapic_write(0x10, 0x10000 | V);
}

/* Calibration loops read the count and the output of channel 2. */
static void pit_counter(void)
{
	u32 last = 0x10000, v, changes = 0;

	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	for (u32 i = 0; i < 200; i++) {
		outb(0x43, 0x80);
		v = inb(0x42);
		v |= (u32)inb(0x42) << 8;
		if (inb(0x61) & 0x20)
			break; /* a slow host: the count is past its end, and begins anew */
		CHECK(v <= last);
		changes += v != last;
		last = v;
	}
	if (changes < 3)
		rdg_fail("the count stays at %u", last);
	while (!(inb(0x61) & 0x20))
		pause();
}

static void pic_registers(void)
{
	pic_init(0x30, 0x38);
	pic_mask(0xa55a);
	CHECK_EQ(inb(0x21), 0x5a);
	CHECK_EQ(inb(0xa1), 0xa5);
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0);		/* nothing in service */
	outb(0x20, 0x0a);
	CHECK_EQ(inb(0x20) & ~1, 0);	/* nothing requested but perhaps the timer */
}

static void ioapic_registers(void)
{
	CHECK_EQ(ioapic_read(1) >> 16 & 0xff, 23);
	for (u32 pin = 0; pin < 24; pin++)
		CHECK(ioapic_read(0x10 + 2 * pin) & 0x10000);
	ioapic_write(0x10 + 2 * 7, 0x18000 | V);
	ioapic_write(0x11 + 2 * 7, 0x05000000);
	CHECK_EQ(ioapic_read(0x10 + 2 * 7), 0x18000 | V);
	CHECK_EQ(ioapic_read(0x11 + 2 * 7), 0x05000000);
}

/* The host raises and lowers lines of the IOAPIC at each SYNC; see the program "irq". */
static void ioapic_edge(void)
{
	setup();
	pic_init(0x30, 0x38);		/* the lines go to the 8259 too */
	ioapic_write(0x11 + 2 * 5, 0);
	ioapic_write(0x10 + 2 * 5, V);
	for (u32 i = 1; i <= 10; i++) {
		rdg_sync(1);
		wait_irq(V, i);
	}
	settle();
	CHECK_EQ(rdg_irqs[V], 10);
	/* An edge while masked is lost or kept, but a line that stays high makes no new one. */
	rdg_sync(3);
	wait_irq(V, 11);
	sti();
	settle();
	cli();
	CHECK_EQ(rdg_irqs[V], 11);
}

static volatile u32 level_rounds;

static void on_level(struct rdg_frame *f)
{
	rdg_irqs[f->vector]++;
	CHECK_EQ(apic_test_bit(0x180, f->vector), 1);	/* TMR: level */
	CHECK_EQ(ioapic_read(0x10 + 2 * 9) & 0x4000, 0x4000);	/* remote IRR */
	if (!--level_rounds)
		rdg_sync(2);		/* the host lowers the line */
	apic_write(APIC_EOI, 0);
}

/* A level that stays up comes again after each EOI, until it is lowered. */
static void ioapic_level(void)
{
	setup();
	pic_init(0x30, 0x38);
	rdg_handlers[V] = on_level;
	ioapic_write(0x11 + 2 * 9, 0);
	ioapic_write(0x10 + 2 * 9, 0x8000 | V);
	for (u32 i = 1; i <= 5; i++) {
		level_rounds = 3;
		rdg_sync(1);
		wait_irq(V, 3 * i);
		sti();
		settle();
		cli();
		CHECK_EQ(rdg_irqs[V], 3 * i);
		CHECK_EQ(ioapic_read(0x10 + 2 * 9) & 0x4000, 0);
	}
}

/* Message at SYNC 1: the vector that the host sends. */
static void msi(void)
{
	setup();
	for (u32 i = 1; i <= 10; i++) {
		rdg_sync(1);
		wait_irq(V + 3, i);
	}
}

/* There is no real-time clock in the kernel: its ports go to the client. */
static void rtc_absent(void)
{
	u64 before = shared->pio.reads;

	outb(0x70, 0);
	CHECK_EQ(inb(0x71), 0xff);
	CHECK_EQ(shared->pio.reads, before + 1);
}

/* Interrupts taken while the client works, many of them, none lost. */
static void storm(void)
{
	setup();
	sti();
	for (u32 i = 0; i < 2000; i++) {
		send_self(V + (i & 15));
		if (!(i & 3))
			inl(RDP_PORT_ECHO);
	}
	asm volatile("nop");
	cli();
	for (u32 v = V; v < V + 16; v++)
		CHECK_EQ(rdg_irqs[v], 125);
}

static void hlt_with_timer(void)
{
	setup();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, ONESHOT | V);
	for (u32 i = 1; i <= 30; i++) {
		apic_write(APIC_TMICT, 10000 * i);
		wait_irq(V, i);
	}
}

static const struct rdp_test tests[] = {
	RDG_TEST(self_ipi, 1, RDP_IRQCHIP),
	RDG_TEST(self_ipi_x2, 1, RDP_IRQCHIP),
	RDG_TEST(self_shorthand, 1, RDP_IRQCHIP),
	RDG_TEST(wake_from_hlt, 1, RDP_IRQCHIP),
	RDG_TEST(sti_shadow, 1, RDP_IRQCHIP),
	RDG_TEST(mov_ss_shadow, 1, RDP_IRQCHIP),
	RDG_TEST(popf_iret_window, 1, RDP_IRQCHIP),
	RDG_TEST(priority_order, 1, RDP_IRQCHIP),
	RDG_TEST(nesting, 1, RDP_IRQCHIP),
	RDG_TEST(task_priority, 1, RDP_IRQCHIP),
	RDG_TEST(software_disabled, 1, RDP_IRQCHIP),
	RDG_TEST(illegal_vector, 1, RDP_IRQCHIP),
	RDG_TEST(registers, 1, RDP_IRQCHIP),
	RDG_TEST(x2apic_rules, 1, RDP_IRQCHIP),
	RDG_TEST(timer_one_shot, 1, RDP_IRQCHIP),
	RDG_TEST(timer_masked_and_stopped, 1, RDP_IRQCHIP),
	RDG_TEST(timer_periodic, 1, RDP_IRQCHIP),
	RDG_TEST(timer_divider, 1, RDP_IRQCHIP),
	RDG_TEST(timer_deadline, 1, RDP_IRQCHIP),
	RDG_TEST(timer_deadline_past, 1, RDP_IRQCHIP),
	RDG_TEST(timer_deadline_cancel, 1, RDP_IRQCHIP),
	RDG_TEST(nmi, 1, RDP_IRQCHIP),
	RDG_TEST(nmi_wakes_hlt, 1, RDP_IRQCHIP | RDP_PAIRED),
	RDG_TEST(nmi_unmasked_by_iret, 1, RDP_IRQCHIP),
	RDG_TEST(pit_by_pic, 1, RDP_PIT),
	RDG_TEST(pit_by_ioapic, 1, RDP_PIT),
	RDG_TEST(pit_counter, 1, RDP_PIT),
	RDG_TEST(pic_registers, 1, RDP_IRQCHIP),
	RDG_TEST(ioapic_registers, 1, RDP_IRQCHIP),
	RDG_TEST(ioapic_edge, 1, RDP_IRQCHIP | RDP_PAIRED),
	RDG_TEST(ioapic_level, 1, RDP_IRQCHIP | RDP_PAIRED),
	RDG_TEST(msi, 1, RDP_IRQCHIP | RDP_PAIRED),
	RDG_TEST(rtc_absent, 1, RDP_IRQCHIP),
	RDG_TEST(storm, 1, RDP_IRQCHIP),
	RDG_TEST(hlt_with_timer, 1, RDP_IRQCHIP),
};
RDG_TESTS(tests, 64);
