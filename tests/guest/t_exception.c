// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, and faults on the way to their handlers. The stacks and tables that delivery needs
 * lie in pages that nobody has touched, so the hypervisor meets nested page faults in the middle
 * of a delivery and must resume it with nothing lost and nothing doubled.
 */
#include "tests/guest/guest.h"

extern char rdg_stubs[];

static volatile u32 count, last_error;
static volatile ulong last_sp;

static void divide(void)
{
	u32 a = 1, d = 0;

	asm volatile(GUARDED("divl %2") : "+a"(a), "+d"(d) : "r"(0));
	CHECK_EQ(rdg_caught(), DE);
}

static void undefined(void)
{
	asm volatile(GUARDED("ud2"));
	CHECK_EQ(rdg_caught(), UD);
	CHECK_EQ(rdg_fault.error, 0);
	asm volatile(GUARDED(".byte 0x0f, 0xff, 0xc0"));	/* UD0 */
	CHECK_EQ(rdg_caught(), UD);
}

static void protection(void)
{
	asm volatile(GUARDED("mov %w0, %%ds") : : "r"(0x1230));
	CHECK_EQ(rdg_caught(), GP);
	CHECK_EQ(rdg_fault.error, 0x1230);
	asm volatile(GUARDED("ltr %w0") : : "r"(RDP_DS));
	CHECK_EQ(rdg_caught(), GP);
	CHECK_EQ(rdg_fault.error, RDP_DS);
}

static void on_count(struct rdg_frame *f)
{
	count++;
	last_error = f->error;
	last_sp = f->sp;
}

static void software_interrupts(void)
{
	rdg_handlers[BP] = on_count;
	rdg_handlers[0x80] = on_count;
	asm volatile("int3");
	CHECK_EQ(count, 1);
	asm volatile("int $0x80");
	CHECK_EQ(count, 2);
	asm volatile("int $3");
	CHECK_EQ(count, 3);
}

static void page_fault_codes(void)
{
	volatile u8 *absent = (u8 *)0x7ff000000000, *v = (u8 *)0x60000000;

	asm volatile(GUARDED("movb (%0), %%al") : : "r"(absent) : "rax");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 0);
	CHECK_EQ(rdg_fault.cr2, (ulong)absent);
	asm volatile(GUARDED("movb %%al, 5(%0)") : : "r"(absent) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 2);
	CHECK_EQ(rdg_fault.cr2, (ulong)absent + 5);
	map_page((ulong)v, (ulong)alloc_page(), PTE_P);
	asm volatile(GUARDED("movb %%al, (%0)") : : "r"(v) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 3);
}

static void on_fetch(struct rdg_frame *f)
{
	last_error = f->error;
	f->ip = *(ulong *)f->sp;	/* return from the call that went wrong */
	f->sp += 8;
	count++;
}

static void no_execute(void)
{
	void (*fn)(void) = (void (*)(void))0x60000000;
	u8 *page = alloc_page();

	page[0] = 0xc3;
	map_page(0x60000000, (ulong)page, PTE_P | PTE_W);
	fn();
	map_page(0x60000000, (ulong)page, PTE_P | PTE_W | PTE_NX);
	rdg_handlers[PF] = on_fetch;
	fn();
	CHECK_EQ(count, 1);
	CHECK_EQ(last_error, 0x11);
	CHECK_EQ(read_cr2(), 0x60000000);
}

static void not_canonical(void)
{
	asm volatile(GUARDED("movb (%0), %%al") : : "r"(0x8000000000000000ull) : "rax");
	CHECK_EQ(rdg_caught(), GP);
	CHECK_EQ(rdg_fault.error, 0);
}

/* Pages from the far end of memory, which the host has not mapped for the guest yet. */
static ulong fresh_page(void)
{
	static ulong next = RDP_RAM_MIN;

	next -= 2 * PAGE_SIZE;
	return next;
}

/* Exceptions whose stack is not there yet in the nested tables. */
static void fresh_stack(void)
{
	rdg_handlers[BP] = on_count;
	for (u32 i = 1; i <= 20; i++) {
		ulong top = fresh_page() + PAGE_SIZE;

		rdg_set_ist(1, top);
		rdg_set_gate(BP, (void (*)(void))(rdg_stubs + 16 * BP), 1, 0);
		asm volatile("int3");
		CHECK_EQ(count, i);
		rdg_set_ist(1, fresh_page() + PAGE_SIZE);
		rdg_set_gate(UD, (void (*)(void))(rdg_stubs + 16 * UD), 1, 0);
		asm volatile(GUARDED("ud2"));
		CHECK_EQ(rdg_caught(), UD);
	}
}

/* The error code must survive the interrupted delivery. */
static void fresh_stack_error_code(void)
{
	for (u32 i = 1; i <= 10; i++) {
		rdg_set_ist(1, fresh_page() + PAGE_SIZE);
		rdg_set_gate(PF, (void (*)(void))(rdg_stubs + 16 * PF), 1, 0);
		asm volatile(GUARDED("movb $0, (%0)") : : "r"(0x7ff000000000 + i) : "memory");
		CHECK_EQ(rdg_caught(), PF);
		CHECK_EQ(rdg_fault.error, 2);
		CHECK_EQ(rdg_fault.cr2, 0x7ff000000000 + i);
		rdg_set_ist(2, fresh_page() + PAGE_SIZE);
		rdg_set_gate(GP, (void (*)(void))(rdg_stubs + 16 * GP), 2, 0);
		asm volatile(GUARDED("mov %w0, %%es") : : "r"(0x1238));
		CHECK_EQ(rdg_caught(), GP);
		CHECK_EQ(rdg_fault.error, 0x1238);
	}
}

/* An external interrupt, its delivery interrupted, must come once and not be lost. */
static void fresh_stack_interrupt(void)
{
	apic_enable();
	rdg_handlers[0x40] = rdg_count_irq;
	for (u32 i = 1; i <= 20; i++) {
		rdg_set_ist(3, fresh_page() + PAGE_SIZE);
		rdg_set_gate(0x40, (void (*)(void))(rdg_stubs + 16 * 0x40), 3, 0);
		apic_icr(0, 0x40000 | 0x40);
		sti_nop();
		cli();
		CHECK_EQ(rdg_irqs[0x40], i);
		CHECK_EQ(apic_test_bit(APIC_ISR, 0x40), 0);
		CHECK_EQ(apic_test_bit(APIC_IRR, 0x40), 0);
	}
}

static void on_nmi(struct rdg_frame *f)
{
	(void)f;
	count++;
}

static void fresh_stack_nmi(void)
{
	apic_enable();
	rdg_handlers[NMI] = on_nmi;
	for (u32 i = 1; i <= 10; i++) {
		rdg_set_ist(3, fresh_page() + PAGE_SIZE);
		rdg_set_gate(NMI, (void (*)(void))(rdg_stubs + 16 * NMI), 3, 0);
		apic_icr(0, 0x40000 | 0x400);
		asm volatile("nop");
		CHECK_EQ(count, i);
	}
}

/* The interrupt table itself behind a mapping that is new to the processor each time. */
static void fresh_table(void)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) idtr, old;
	ulong page = fresh_page();

	rdg_handlers[BP] = on_count;
	asm volatile("sidt %0" : "=m"(old));
	memcpy((void *)page, (void *)old.base, PAGE_SIZE);
	idtr.limit = old.limit;
	for (u32 i = 1; i <= 5; i++) {
		idtr.base = 0x60000000 + i * PAGE_SIZE;
		map_page(idtr.base, page, PTE_P);
		asm volatile("lidt %0" : : "m"(idtr));
		rdg_sync(i);			/* the host takes the page away */
		asm volatile("int3");
		CHECK_EQ(count, i);
	}
	asm volatile("lidt %0" : : "m"(old));
}

/* Go on at the place that the test has noted. */
static void on_double(struct rdg_frame *f)
{
	count = 100 + f->error;
	f->ip = *(volatile ulong *)&shared->results[1];
	f->sp = *(volatile ulong *)&shared->results[2];
	f->flags &= ~0x200ul;
}

/* #UD, and #PF on the way to its handler, and #PF on the way to the handler of that. */
static void double_fault(void)
{
	map_page(0x60000000, 0, 0);
	rdg_set_ist(1, 0x60000800);		/* the stack of #UD is not there */
	rdg_set_ist(2, (ulong)alloc_page() + PAGE_SIZE);
	rdg_set_gate(UD, (void (*)(void))(rdg_stubs + 16 * UD), 1, 0);
	rdg_set_gate(PF, (void (*)(void))(rdg_stubs + 16 * PF), 1, 0);
	rdg_set_gate(DF, (void (*)(void))(rdg_stubs + 16 * DF), 2, 0);
	rdg_handlers[DF] = on_double;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; mov %%rsp, %1; ud2\n1:"
		     : "=m"(shared->results[1]), "=m"(shared->results[2]) : : "rax", "memory");
	CHECK_EQ(count, 100);
	CHECK(read_cr2() >= 0x60000000 && read_cr2() < 0x60000800);
}

/* A contributory fault on the way to the handler of another: the gate of #GP is not present. */
static void double_fault_gp(void)
{
	rdg_set_ist(2, (ulong)alloc_page() + PAGE_SIZE);
	rdg_set_gate(DF, (void (*)(void))(rdg_stubs + 16 * DF), 2, 0);
	rdg_clear_gate(GP);
	rdg_handlers[DF] = on_double;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; mov %%rsp, %1\n"
		     "mov $0x1230, %%eax; mov %%eax, %%ds\n1:"
		     : "=m"(shared->results[1]), "=m"(shared->results[2]) : : "rax", "memory");
	CHECK_EQ(count, 100);
}

/* With an empty table every exception ends in the triple fault: the host sees a shutdown. */
static void triple_fault(void)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) idtr = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(idtr));
	rdg_fail("went on after a triple fault");
}

/* Delivery whose stack lies where no memory is cannot be carried out as MMIO: an error, no hang. */
static void stack_in_mmio(void)
{
	rdg_set_ist(1, RDP_MMIO_GPA + 0x800);
	rdg_set_gate(BP, (void (*)(void))(rdg_stubs + 16 * BP), 1, 0);
	asm volatile("int3");
	rdg_fail("went on with its stack in a device");
}

static void nested_exceptions(void)
{
	rdg_handlers[BP] = on_count;
	for (u32 i = 0; i < 2000; i++) {
		asm volatile("int3");
		asm volatile(GUARDED("ud2"));
		CHECK_EQ(rdg_caught(), UD);
	}
	CHECK_EQ(count, 2000);
}

static const struct rdp_test tests[] = {
	RDG_TEST(divide, 1, 0),
	RDG_TEST(undefined, 1, 0),
	RDG_TEST(protection, 1, 0),
	RDG_TEST(software_interrupts, 1, 0),
	RDG_TEST(page_fault_codes, 1, 0),
	RDG_TEST(no_execute, 1, 0),
	RDG_TEST(not_canonical, 1, 0),
	RDG_TEST(fresh_stack, 1, 0),
	RDG_TEST(fresh_stack_error_code, 1, 0),
	RDG_TEST(fresh_stack_interrupt, 1, RDP_IRQCHIP),
	RDG_TEST(fresh_stack_nmi, 1, RDP_IRQCHIP),
	RDG_TEST(fresh_table, 1, RDP_PAIRED),
	RDG_TEST(double_fault, 1, 0),
	RDG_TEST(double_fault_gp, 1, 0),
	RDG_TEST(triple_fault, 1, RDP_PAIRED),
	RDG_TEST(stack_in_mmio, 1, RDP_PAIRED),
	RDG_TEST(nested_exceptions, 1, 0),
};
RDG_TESTS(tests, 64);
