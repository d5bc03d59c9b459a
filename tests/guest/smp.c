// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start of application processors, one at a time: each takes the stack and the function that
 * stand in the two variables below until it has said that it is on line.
 */
#include "tests/guest/guest.h"

extern char rdg_trampoline[], rdg_trampoline_end[];
void rdg_load_idt(void);

volatile ulong rdg_ap_stack;
volatile u32 smp_online;
static void (*volatile ap_fn)(u32 cpu);
static volatile u32 ap_cpu;

void rdg_ap_main(void)
{
	void (*fn)(u32 cpu) = ap_fn;
	u32 cpu = ap_cpu;

	rdg_load_idt();
	__atomic_fetch_add(&smp_online, 1, __ATOMIC_SEQ_CST);
	fn(cpu);
}

void smp_wait(volatile u32 *what, u32 value)
{
	u64 rounds = 0;

	while (*what != value) {
		pause();
		if (++rounds == 400000000)
			rdg_fail("waited for %u, still %u", value, *what);
	}
}

/* INIT and start-up IPI to APIC ID `cpu`; needs the local APIC on. */
void smp_start(u32 cpu, void (*fn)(u32 cpu))
{
	u32 want = smp_online + 1;

	memcpy((void *)RDP_TRAMPOLINE_GPA, rdg_trampoline, rdg_trampoline_end - rdg_trampoline);
	alloc_page();
	rdg_ap_stack = (ulong)alloc_page() + PAGE_SIZE;	/* two pages, growing down */
	ap_fn = fn;
	ap_cpu = cpu;
	barrier();
	apic_icr(cpu, 0x4500);
	apic_icr(cpu, 0x4600 | RDP_TRAMPOLINE_GPA >> 12);
	smp_wait(&smp_online, want);
}
