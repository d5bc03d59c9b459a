// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loops for the benchmark. Each test runs its operation args[0] times between SYNC 1 and 2 and
 * the empty loop as often between SYNC 3 and 4, all of it args[1] times; the host takes the time
 * at the SYNCs. Memory rows find their memory at args[2], untouched, args[3] bytes per touch.
 */
#include "tests/guest/guest.h"

#define VECTOR 0x60
#define PEER_VECTOR 0x61

static volatile u32 got, peer_got;
static int x2;		/* the mode of all local APICs, so that nothing has to ask for it */

static inline void eoi(void)
{
	if (x2)
		wrmsr(0x80b, 0);
	else
		xapic_write(APIC_EOI, 0);
}

static inline void send(u32 dest, u32 vector)
{
	if (x2) {
		wrmsr(0x830, (u64)dest << 32 | 0x4000 | vector);
	} else {
		xapic_write(APIC_ICR2, dest << 24);
		xapic_write(APIC_ICR, 0x4000 | vector);
	}
}

#define MEASURE(op, empty)							\
	do {									\
		u64 count_ = shared->args[0];					\
		for (u64 rep_ = shared->args[1]; rep_; rep_--) {		\
			rdg_sync(1);						\
			for (u64 i = 0; i < count_; i++) {			\
				op;						\
				barrier();					\
			}							\
			rdg_sync(2);						\
			rdg_sync(3);						\
			for (u64 i = 0; i < count_; i++) {			\
				empty;						\
				barrier();					\
			}							\
			rdg_sync(4);						\
		}								\
	} while (0)
#define EMPTY ((void)0)

static void do_cpuid(void)
{
	u32 r[4];

	cpuid(0, 0, r);
}

static void bench_cpuid(void)
{
	MEASURE(do_cpuid(), EMPTY);
}

/* An unknown number: entry, decision, answer -ENOSYS. */
static void hypercall(void)
{
	MEASURE(asm volatile("vmmcall" : : "a"(0x7fff) : "memory"), EMPTY);
}

static void rdmsr_adjust(void)
{
	MEASURE(rdmsr(MSR_TSC_ADJUST), EMPTY);
}

static void wrmsr_adjust(void)
{
	MEASURE(wrmsr(MSR_TSC_ADJUST, 0), EMPTY);
}

static void pio_in_kernel(void)
{
	MEASURE(inb(0x21), EMPTY);
}

static void pio_out_kernel(void)
{
	MEASURE(outb(0x21, 0xff), EMPTY);
}

static void pio_in_user(void)
{
	MEASURE(inl(RDP_PORT_ECHO), EMPTY);
}

static void pio_out_user(void)
{
	MEASURE(outl(RDP_PORT_ECHO, 1), EMPTY);
}

static void mmio_read_ioapic(void)
{
	MEASURE(*(volatile u32 *)(IOAPIC_MMIO + 0x10), EMPTY);
}

static void mmio_write_ioapic(void)
{
	MEASURE(*(volatile u32 *)IOAPIC_MMIO = 1, EMPTY);
}

static void mmio_read_lapic(void)
{
	apic_enable();
	MEASURE(xapic_read(APIC_LVT0), EMPTY);
}

static void mmio_write_lapic(void)
{
	apic_enable();
	MEASURE(xapic_write(APIC_LVT0, 0x10000), EMPTY);
}

static void mmio_read_user(void)
{
	MEASURE(*(volatile u32 *)RDP_MMIO_GPA, EMPTY);
}

static void mmio_write_user(void)
{
	MEASURE(*(volatile u32 *)RDP_MMIO_GPA = 1, EMPTY);
}

/* The client has tied this port and this address to an eventfd. */
static void ioeventfd_pio(void)
{
	MEASURE(outl(RDP_PORT_EVENT, 1), EMPTY);
}

static void ioeventfd_mmio(void)
{
	MEASURE(*(volatile u32 *)RDP_MMIO_EVENT = 1, EMPTY);
}

static void need_x2(void)
{
	if (!apic_enable_x2())
		rdg_skip("no x2APIC");
	x2 = 1;
}

static void eoi_xapic(void)
{
	apic_enable();
	MEASURE(xapic_write(APIC_EOI, 0), EMPTY);
}

static void eoi_x2apic(void)
{
	need_x2();
	MEASURE(wrmsr(0x80b, 0), EMPTY);
}

/* To an APIC ID that nobody has: the length of the way to the decision. */
static void icr_xapic(void)
{
	apic_enable();
	xapic_write(APIC_ICR2, 77 << 24);
	MEASURE(xapic_write(APIC_ICR, 0x4000 | VECTOR), EMPTY);
}

static void icr_x2apic(void)
{
	need_x2();
	MEASURE(wrmsr(0x830, 77ull << 32 | 0x4000 | VECTOR), EMPTY);
}

static void on_vector(struct rdg_frame *f)
{
	(void)f;
	got++;
	eoi();
}

static void self_ipi_once(int halt)
{
	if (x2)
		wrmsr(0x83f, VECTOR);
	else
		xapic_write(APIC_ICR, 0x44000 | VECTOR);
	if (halt)
		sti_hlt();
	else
		sti_nop();
	cli();
}

/* The eventfd is tied to an interrupt as well. */
static void irqfd_once(void)
{
	u32 before = got;

	outl(RDP_PORT_EVENT, 1);
	while (got == before)
		sti_nop();
	cli();
}

static void irqfd(void)
{
	need_x2();
	rdg_handlers[RDP_EVENT_VECTOR] = on_vector;
	MEASURE(irqfd_once(), EMPTY);
	CHECK(got);
}

static void self_ipi_xapic(void)
{
	apic_enable();
	rdg_handlers[VECTOR] = on_vector;
	MEASURE(self_ipi_once(0), EMPTY);
	CHECK(got);
}

static void self_ipi_xapic_hlt(void)
{
	apic_enable();
	rdg_handlers[VECTOR] = on_vector;
	MEASURE(self_ipi_once(1), EMPTY);
	CHECK(got);
}

static void self_ipi_x2apic(void)
{
	need_x2();
	rdg_handlers[VECTOR] = on_vector;
	MEASURE(self_ipi_once(0), EMPTY);
	CHECK(got);
}

static void self_ipi_x2apic_hlt(void)
{
	need_x2();
	rdg_handlers[VECTOR] = on_vector;
	MEASURE(self_ipi_once(1), EMPTY);
	CHECK(got);
}

/* Held back by the task priority, delivered by lowering it. */
static void tpr_once(void)
{
	xapic_write(APIC_TPR, 0xff);
	xapic_write(APIC_ICR, 0x44000 | VECTOR);
	xapic_write(APIC_TPR, 0);
	asm volatile("nop");
}

static void self_ipi_tpr(void)
{
	apic_enable();
	rdg_handlers[VECTOR] = on_vector;
	sti();
	MEASURE(tpr_once(), EMPTY);
	cli();
	CHECK(got);
}

/* Ball play: each processor sends the other an interrupt and halts until its own comes. */
static void halt_until(volatile u32 *counter, u32 value)
{
	while (*counter != value) {
		sti_hlt();
		cli();
	}
}

static void on_peer_hlt(struct rdg_frame *f)
{
	(void)f;
	peer_got++;
	eoi();
	send(0, VECTOR);
}

static void peer_halts(u32 cpu)
{
	(void)cpu;
	apic_enable();
	shared->results[0] = 1;
	for (;;)
		sti_hlt();
}

static void peer_x2_halts(u32 cpu)
{
	apic_enable_x2();
	peer_halts(cpu);
}

static void start_peer(void (*fn)(u32 cpu), rdg_handler_fn handler)
{
	apic_enable();
	rdg_handlers[VECTOR] = on_vector;
	rdg_handlers[PEER_VECTOR] = handler;
	smp_start(1, fn);
	while (!shared->results[0])
		pause();
}

static void ping(void)
{
	u32 want = got + 1;

	send(1, PEER_VECTOR);
	halt_until(&got, want);
}

static void ipi_xapic_hlt(void)
{
	start_peer(peer_halts, on_peer_hlt);
	MEASURE(ping(), EMPTY);
}

static void ipi_x2apic_hlt(void)
{
	start_peer(peer_x2_halts, on_peer_hlt);
	need_x2();
	MEASURE(ping(), EMPTY);
}

/*
 * The peer runs all the time. Both give their processor away through a port, so that one host
 * processor is enough; the empty loop does the same without the interrupt.
 */
static void on_peer_run(struct rdg_frame *f)
{
	(void)f;
	peer_got++;
	eoi();
}

static void peer_runs(u32 cpu)
{
	(void)cpu;
	apic_enable();
	shared->results[0] = 1;
	sti();
	for (;;)
		outb(RDP_PORT_YIELD, 0);
}

static void peer_x2_runs(u32 cpu)
{
	apic_enable_x2();
	peer_runs(cpu);
}

static void hand_over(int ipi)
{
	u32 want = peer_got + ipi;

	if (ipi)
		send(1, PEER_VECTOR);
	do {
		outb(RDP_PORT_YIELD, 0);
	} while (peer_got != want);
}

static void ipi_xapic(void)
{
	start_peer(peer_runs, on_peer_run);
	MEASURE(hand_over(1), hand_over(0));
}

static void ipi_x2apic(void)
{
	start_peer(peer_x2_runs, on_peer_run);
	need_x2();
	MEASURE(hand_over(1), hand_over(0));
}

static void prepare_deadline(void)
{
	apic_enable();
	if (!HAS_DEADLINE())
		rdg_skip("no TSC deadline timer");
	rdg_handlers[VECTOR] = on_vector;
	xapic_write(APIC_LVTT, 2 << 17 | VECTOR);
	asm volatile("mfence" : : : "memory");
}

/* Arm a timer that never fires: what each tick of an idle kernel pays first. */
static void deadline_arm(void)
{
	prepare_deadline();
	MEASURE(wrmsr(MSR_TSC_DEADLINE, rdtsc() + (1ull << 40)), rdtsc());
	wrmsr(MSR_TSC_DEADLINE, 0);
}

static void immediate_once(void)
{
	u32 want = got + 1;

	wrmsr(MSR_TSC_DEADLINE, rdtsc());
	while (got != want)
		barrier();
}

static void deadline_immediate(void)
{
	prepare_deadline();
	sti();
	MEASURE(immediate_once(), EMPTY);
	cli();
}

/* From the deadline to the end of the handler, the processor halted in between. */
static volatile u64 late;

static void wait_deadline(void)
{
	u64 at = rdtsc() + 50000;

	wrmsr(MSR_TSC_DEADLINE, at);
	halt_until(&got, got + 1);
	late += rdtsc() - at;
}

static void deadline_hlt(void)
{
	u64 reps = shared->args[1], n = shared->args[0];

	prepare_deadline();
	for (u64 rep = 0; rep < reps; rep++) {
		late = 0;
		rdg_sync(1);
		for (u64 i = 0; i < n; i++)
			wait_deadline();
		shared->results[1] = late / n;
		rdg_sync(2);
		rdg_sync(3);
		rdg_sync(4);
	}
}

static void touch(void)
{
	u64 at = shared->args[2], step = shared->args[3], n = shared->args[0];

	for (u64 rep = shared->args[1]; rep; rep--) {
		rdg_sync(1);
		for (u64 i = 0; i < n; i++, at += step)
			*(volatile u8 *)at = 1;
		at -= n * step;
		rdg_sync(2);
		rdg_sync(3);
		for (u64 i = 0; i < n; i++, at += step)
			*(volatile u8 *)at = 1;
		rdg_sync(4);
	}
}

/* One word in a page, whatever becomes of it; the empty loop writes to the page before. */
static inline void store(u64 at)
{
	asm volatile(GUARDED("movq %0, (%0)") : : "r"(at) : "memory");
}

static void write_page(void)
{
	u64 at = shared->args[2];

	store(at);
	store(at - PAGE_SIZE);
	MEASURE(store(at), store(at - PAGE_SIZE));
}

static const struct rdp_test tests[] = {
	{ { "cpuid" }, { bench_cpuid }, 1, RDP_PAIRED | RDP_IRQCHIP },
#define BENCH(fn, cpus) RDG_TEST(fn, cpus, RDP_PAIRED | RDP_IRQCHIP)
	BENCH(hypercall, 1),
	BENCH(rdmsr_adjust, 1),
	BENCH(wrmsr_adjust, 1),
	BENCH(pio_in_kernel, 1),
	BENCH(pio_out_kernel, 1),
	BENCH(pio_in_user, 1),
	BENCH(pio_out_user, 1),
	BENCH(mmio_read_ioapic, 1),
	BENCH(mmio_write_ioapic, 1),
	BENCH(mmio_read_lapic, 1),
	BENCH(mmio_write_lapic, 1),
	BENCH(mmio_read_user, 1),
	BENCH(mmio_write_user, 1),
	BENCH(ioeventfd_pio, 1),
	BENCH(ioeventfd_mmio, 1),
	BENCH(irqfd, 1),
	BENCH(eoi_xapic, 1),
	BENCH(eoi_x2apic, 1),
	BENCH(icr_xapic, 1),
	BENCH(icr_x2apic, 1),
	BENCH(self_ipi_xapic, 1),
	BENCH(self_ipi_xapic_hlt, 1),
	BENCH(self_ipi_x2apic, 1),
	BENCH(self_ipi_x2apic_hlt, 1),
	BENCH(self_ipi_tpr, 1),
	BENCH(ipi_xapic, 2),
	BENCH(ipi_xapic_hlt, 2),
	BENCH(ipi_x2apic, 2),
	BENCH(ipi_x2apic_hlt, 2),
	BENCH(deadline_arm, 1),
	BENCH(deadline_immediate, 1),
	BENCH(deadline_hlt, 1),
	BENCH(touch, 1),
	BENCH(write_page, 1),
};
RDG_TESTS(tests, 64);
