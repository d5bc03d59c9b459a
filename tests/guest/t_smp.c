// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts between processors, and their start and restart by INIT and start-up IPI. */
#include "tests/guest/guest.h"

#define V 0x40

static volatile u32 per_cpu[16], ready, halting, nmis, stop;
static int use_x2;

static void setup(void)
{
	for (u32 v = V; v < 0xff; v++)
		rdg_handlers[v] = rdg_count_irq;
	if (use_x2 && !apic_enable_x2())
		rdg_skip("no x2APIC");
	apic_enable();
}

static void ap_common(u32 cpu)
{
	if (use_x2)
		apic_enable_x2();
	apic_enable();
	per_cpu[cpu] = apic_id() + 1;
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
}

static void ap_spins(u32 cpu)
{
	ap_common(cpu);
	sti();
	while (!stop)
		pause();
	cli();
}

static void ap_halts(u32 cpu)
{
	ap_common(cpu);
	for (;;) {
		halting = 1;
		sti_hlt();
		cli();
	}
}

/* All start from xAPIC mode and change over when the others run: the mode is each one's own. */
static void start_all(u32 cpus, void (*fn)(u32 cpu))
{
	apic_enable();
	for (u32 cpu = 1; cpu < cpus; cpu++) {
		smp_start(cpu, fn);
		smp_wait(&ready, cpu);
		CHECK_EQ(per_cpu[cpu], cpu + 1);
	}
	setup();
}

static void start_four(void)
{
	start_all(4, ap_spins);
	CHECK_EQ(smp_online, 3);
}

static void ipis_to(u32 n)
{
	for (u32 i = 1; i <= n; i++) {
		apic_icr(1, 0x4000 | V);
		smp_wait(&rdg_irqs[V], i);
	}
}

static void ipi_running(void)
{
	start_all(2, ap_spins);
	ipis_to(200);
}

static void ipi_halted(void)
{
	start_all(2, ap_halts);
	ipis_to(200);
}

static void ipi_running_x2(void)
{
	use_x2 = 1;
	start_all(2, ap_spins);
	ipis_to(200);
}

static void ipi_halted_x2(void)
{
	use_x2 = 1;
	start_all(2, ap_halts);
	ipis_to(200);
}

static void broadcast(void)
{
	start_all(3, ap_spins);
	apic_icr(0, 0xc4000 | V);		/* all but self */
	smp_wait(&rdg_irqs[V], 2);
	apic_icr(0, 0x84000 | (V + 1));		/* all and self */
	smp_wait(&rdg_irqs[V + 1], 2);
	sti_nop();
	cli();
	smp_wait(&rdg_irqs[V + 1], 3);
	apic_icr(0xff, 0x4000 | (V + 2));	/* the broadcast ID */
	sti_nop();
	cli();
	smp_wait(&rdg_irqs[V + 2], 3);
}

static void ap_logical(u32 cpu)
{
	xapic_write(APIC_DFR, 0xffffffff);
	xapic_write(APIC_LDR, 1u << (24 + cpu));
	ap_spins(cpu);
}

static void logical_flat(void)
{
	start_all(3, ap_logical);
	xapic_write(APIC_DFR, 0xffffffff);
	xapic_write(APIC_LDR, 1 << 24);
	apic_icr(6, 0x4800 | V);		/* processors 1 and 2 */
	smp_wait(&rdg_irqs[V], 2);
	apic_icr(4, 0x4800 | (V + 1));
	smp_wait(&rdg_irqs[V + 1], 1);
	apic_icr(8, 0x4800 | (V + 2));		/* nobody */
	for (u32 i = 0; i < 100; i++)
		inl(RDP_PORT_ECHO);
	CHECK_EQ(rdg_irqs[V + 2], 0);
}

static void logical_cluster_x2(void)
{
	use_x2 = 1;
	start_all(3, ap_spins);
	CHECK_EQ(rdmsr(MSR_X2APIC + 0xd), 1);
	wrmsr(MSR_X2APIC + 0x30, 6ull << 32 | 0x4800 | V);
	smp_wait(&rdg_irqs[V], 2);
}

/* One of the two gets it, whichever has the lower priority. */
static void lowest_priority(void)
{
	start_all(3, ap_logical);
	for (u32 i = 1; i <= 20; i++) {
		apic_icr(6, 0x4900 | V);
		smp_wait(&rdg_irqs[V], i);
	}
	for (u32 i = 0; i < 100; i++)
		inl(RDP_PORT_ECHO);
	CHECK_EQ(rdg_irqs[V], 20);
}

static void on_nmi(struct rdg_frame *f)
{
	(void)f;
	__atomic_fetch_add(&nmis, 1, __ATOMIC_SEQ_CST);
}

static void ap_closed(u32 cpu)
{
	ap_common(cpu);
	cli();
	for (;;)
		hlt();
}

/* NMIs reach a processor that has interrupts off, halted or not. */
static void nmi_to_other(void)
{
	rdg_handlers[NMI] = on_nmi;
	start_all(2, ap_closed);
	for (u32 i = 1; i <= 50; i++) {
		apic_icr(1, 0x4400);
		smp_wait(&nmis, i);
	}
}

/* INIT stops a processor where it is; a start-up IPI starts it again. */
static void restart(void)
{
	apic_enable();
	for (u32 i = 1; i <= 5; i++) {
		smp_start(1, ap_spins);
		smp_wait(&ready, i);
	}
}

static void restart_halted(void)
{
	apic_enable();
	for (u32 i = 1; i <= 5; i++) {
		smp_start(1, ap_halts);
		smp_wait(&ready, i);
	}
}

/* A second start-up IPI to a processor that runs does nothing. */
static void second_startup(void)
{
	start_all(2, ap_spins);
	apic_icr(1, 0x4600 | RDP_TRAMPOLINE_GPA >> 12);
	ipis_to(10);
	CHECK_EQ(smp_online, 1);
	CHECK_EQ(ready, 1);
}

static volatile u64 tsc_of_other, turn;

static void ap_tells_time(u32 cpu)
{
	ap_common(cpu);
	for (u32 i = 1; ; i++) {
		while (turn != 2 * i - 1)
			pause();
		tsc_of_other = rdtsc();
		barrier();
		turn = 2 * i;
	}
}

/* The clocks of both processors, read in turn, never go backwards. */
static void tsc_in_step(void)
{
	u64 last = 0;

	start_all(2, ap_tells_time);
	for (u32 i = 1; i <= 300; i++) {
		u64 mine = rdtsc();

		CHECK(mine >= last);
		turn = 2 * i - 1;
		while (turn != 2 * i)
			pause();
		if (tsc_of_other < mine)
			rdg_fail("clock of processor 1 is 0x%llx behind", mine - tsc_of_other);
		last = tsc_of_other;
	}
}

static volatile u64 counter;

static void ap_adds(u32 cpu)
{
	ap_common(cpu);
	for (u32 i = 0; i < 100000; i++)
		__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&halting, 1, __ATOMIC_SEQ_CST);
	for (;;)
		sti_hlt();
}

static void atomics(void)
{
	start_all(4, ap_adds);
	smp_wait(&halting, 3);
	CHECK_EQ(counter, 300000);
}

/* A change to the tables, told to the other processor by an interrupt, is seen by it. */
static volatile u32 seen;
static volatile u8 *const window = (u8 *)0x60000000;

static void on_flush(struct rdg_frame *f)
{
	(void)f;
	invlpg(window);
	seen = *window;
	apic_write(APIC_EOI, 0);
}

static void shootdown(void)
{
	u8 *page[2] = { alloc_page(), alloc_page() };

	*page[0] = 1;
	*page[1] = 2;
	map_page((ulong)window, (ulong)page[0], PTE_P | PTE_W);
	rdg_handlers[0x30] = on_flush;
	start_all(2, ap_spins);
	for (u32 i = 0; i < 100; i++) {
		*pte_of((ulong)window) = (ulong)page[i & 1] | PTE_P | PTE_W;
		invlpg(window);
		seen = 0;
		apic_icr(1, 0x4000 | 0x30);
		smp_wait(&seen, (i & 1) + 1);
	}
}

static const struct rdp_test tests[] = {
	RDG_TEST(start_four, 4, RDP_IRQCHIP),
	RDG_TEST(ipi_running, 2, RDP_IRQCHIP),
	RDG_TEST(ipi_halted, 2, RDP_IRQCHIP),
	RDG_TEST(ipi_running_x2, 2, RDP_IRQCHIP),
	RDG_TEST(ipi_halted_x2, 2, RDP_IRQCHIP),
	RDG_TEST(broadcast, 3, RDP_IRQCHIP),
	RDG_TEST(logical_flat, 3, RDP_IRQCHIP),
	RDG_TEST(logical_cluster_x2, 3, RDP_IRQCHIP),
	RDG_TEST(lowest_priority, 3, RDP_IRQCHIP),
	RDG_TEST(nmi_to_other, 2, RDP_IRQCHIP),
	RDG_TEST(restart, 2, RDP_IRQCHIP),
	RDG_TEST(restart_halted, 2, RDP_IRQCHIP),
	RDG_TEST(second_startup, 2, RDP_IRQCHIP),
	RDG_TEST(tsc_in_step, 2, RDP_IRQCHIP),
	RDG_TEST(atomics, 4, RDP_IRQCHIP),
	RDG_TEST(shootdown, 2, RDP_IRQCHIP),
};
RDG_TESTS(tests, 64);
