// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shortest path through a hypervisor: what a bring-up tries first, in rising order of what
 * must work.
 */
#include "tests/guest/guest.h"

static void nothing(void)
{
}

static void message(void)
{
	rdg_message("hello from %s, %u + %d", "the guest", 40u, 2);
	rdg_sync(1);
	CHECK_EQ(shared->args[0], 0x1234);
	shared->results[0] = 0x5678;
	rdg_sync(2);
}

static void pio(void)
{
	outb(RDP_PORT_ECHO, 0x5a);
	CHECK_EQ(inb(RDP_PORT_ECHO), 0x5a);
	outl(RDP_PORT_ECHO + 4, 0xdeadbeef);
	CHECK_EQ(inl(RDP_PORT_ECHO + 4), 0xdeadbeef);
	CHECK_EQ(inw(RDP_PORT_ECHO + 6), 0xdead);
}

static void cpu_identification(void)
{
	u32 r[4];

	cpuid(0, 0, r);
	CHECK(r[0] >= 1);
	cpuid(0x80000000, 0, r);
	CHECK(r[0] >= 0x80000001);
	CHECK(has_feature(0x80000001, 0, 3, 29));	/* long mode */
	CHECK(has_feature(1, 0, 3, 9));			/* local APIC */
}

static void msr(void)
{
	wrmsr(MSR_KERNEL_GS_BASE, 0x123456789abcull);
	CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0x123456789abcull);
	wrmsr(MSR_PAT, 0x0007040600070406ull);
	CHECK_EQ(rdmsr(MSR_PAT), 0x0007040600070406ull);
	CHECK_EQ(rdmsr(MSR_EFER) & 0x500, 0x500);
}

static void exception(void)
{
	asm volatile(GUARDED("ud2"));
	CHECK_EQ(rdg_caught(), UD);
	asm volatile(GUARDED("movb $0, (%0)") : : "r"(0x7ff000000000ull) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 2);
	CHECK_EQ(rdg_fault.cr2, 0x7ff000000000ull);
}

static void memory(void)
{
	volatile u64 *p = (u64 *)RDP_RAM_MIN - 1024;

	for (u32 i = 0; i < 1024; i++)
		p[i] = i * 0x9e3779b97f4a7c15ull;
	for (u32 i = 0; i < 1024; i++)
		CHECK_EQ(p[i], i * 0x9e3779b97f4a7c15ull);
}

static void mmio(void)
{
	volatile u32 *p = (u32 *)RDP_MMIO_GPA;

	p[0] = 0xcafef00d;
	CHECK_EQ(p[0], 0xcafef00d);
	CHECK_EQ(shared->mmio.writes, 1);
	CHECK_EQ(shared->mmio.reads, 1);
}

static void apic_registers(void)
{
	apic_enable();
	CHECK_EQ(xapic_read(APIC_ID) >> 24, 0);
	CHECK(xapic_read(APIC_VERSION) & 0x10);
	xapic_write(APIC_TPR, 0x20);
	CHECK_EQ(xapic_read(APIC_TPR), 0x20);
	CHECK_EQ(read_cr8(), 2);
}

static void self_ipi(void)
{
	apic_enable();
	rdg_handlers[0x40] = rdg_count_irq;
	cli();
	apic_icr(0, 0x40000 | 0x40);
	CHECK_EQ(rdg_irqs[0x40], 0);
	sti();
	for (u32 i = 0; i < 100000 && !rdg_irqs[0x40]; i++)
		pause();
	cli();
	CHECK_EQ(rdg_irqs[0x40], 1);
}

static void hlt_timer(void)
{
	apic_enable();
	rdg_handlers[0x41] = rdg_count_irq;
	cli();
	xapic_write(APIC_TDCR, 0xb);
	xapic_write(APIC_LVTT, 0x41);
	xapic_write(APIC_TMICT, 1000000);
	while (!rdg_irqs[0x41]) {
		sti_hlt();
		cli();
	}
	CHECK_EQ(rdg_irqs[0x41], 1);
	CHECK_EQ(xapic_read(APIC_TMCCT), 0);
}

static void second_cpu_main(u32 cpu)
{
	shared->results[0] = cpu;
	shared->results[1] = 1;
}

static void second_cpu(void)
{
	apic_enable();
	smp_start(1, second_cpu_main);
	while (!shared->results[1])
		pause();
	CHECK_EQ(shared->results[0], 1);
}

static const struct rdp_test tests[] = {
	RDG_TEST(nothing, 1, 0),
	RDG_TEST(message, 1, RDP_PAIRED),
	RDG_TEST(pio, 1, 0),
	RDG_TEST(cpu_identification, 1, 0),
	RDG_TEST(msr, 1, 0),
	RDG_TEST(exception, 1, 0),
	RDG_TEST(memory, 1, 0),
	RDG_TEST(mmio, 1, 0),
	RDG_TEST(apic_registers, 1, RDP_IRQCHIP),
	RDG_TEST(self_ipi, 1, RDP_IRQCHIP),
	RDG_TEST(hlt_timer, 1, RDP_IRQCHIP),
	RDG_TEST(second_cpu, 2, RDP_IRQCHIP),
};
RDG_TESTS(tests, 64);
