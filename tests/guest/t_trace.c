// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that writes where, how and what the host says, and tells how that went. Each round begins
 * with a SYNC. In the shared page:
 *
 *   args[0]     RDP_W_*; 0 ends the payload
 *   args[1]     address
 *   args[2]     value, or what its comment says
 *   results[0]  exception that the instruction took, RDG_NONE if none
 *   results[1]  address of the instruction
 */
#include "tests/guest/guest.h"

#define ROUND_INSN(n) "lea 771f(%%rip), %0; " GUARDED(n)

/* One guarded instruction that writes to address a; gives its own address. */
#define WRITE(insn, ...)                                                                           \
	({                                                                                         \
		u64 ip_;                                                                           \
		asm volatile(ROUND_INSN(insn) : "=&r"(ip_) : __VA_ARGS__ : "memory", "cc");        \
		ip_;                                                                               \
	})

static u8 save_area[512] __attribute__((aligned(64)));

static u64 write_stack(u64 at, u64 val)
{
	u64 ip;

	asm volatile("mov %%rsp, %%r12; mov %1, %%rsp\n"
		     "lea 771f(%%rip), %0\n" GUARDED("push %2") "mov %%r12, %%rsp"
		     : "=&r"(ip)
		     : "r"(at + 8), "r"(val)
		     : "r12", "memory");
	return ip;
}

static u64 write_string(u64 at, u64 val, u64 n)
{
	u64 ip;

	asm volatile("lea 771f(%%rip), %0\n" GUARDED("rep stosb")
		     : "=&r"(ip), "+D"(at), "+c"(n)
		     : "a"(val)
		     : "memory");
	return ip;
}

static u64 write_exchange(u64 at, u64 val)
{
	u64 ip, old = *(volatile u64 *)at;

	asm volatile("lea 771f(%%rip), %0\n" GUARDED("lock cmpxchg %3, (%1)")
		     : "=&r"(ip), "+r"(at), "+a"(old)
		     : "r"(val)
		     : "memory", "cc");
	return ip;
}

/* An exception whose frame goes to the page: its stack is there. val: the #BP handler's count. */
static void count_bp(struct rdg_frame *f)
{
	(void)f;
	shared->results[2]++;
}

static u64 write_frame(u64 at)
{
	rdg_handlers[BP] = count_bp;
	asm volatile("mov %%rsp, %%r12; mov %0, %%rsp; int3; mov %%r12, %%rsp"
		     :
		     : "r"((at & ~(PAGE_SIZE - 1)) + PAGE_SIZE)
		     : "r12", "memory");
	return 0;
}

/*
 * Reach memory through a page table in the page: the CPU sets accessed and dirty bits there. val:
 * what is written at the end of it.
 */
static u64 write_tables(u64 at, u64 val)
{
	u64 *pde = pde_of(0x40000000), saved = *pde;
	volatile u64 *there = (void *)0x40000000;

	*pde = at | PTE_P | PTE_W | PTE_U;
	invlpg(there);
	*there = val;
	shared->results[2] = *(volatile u64 *)at;
	*pde = saved;
	invlpg(there);
	return 0;
}

static u64 write_all(u64 at, u64 pages)
{
	for (u64 i = 0; i < 1000000; i++)
		*(volatile u64 *)(at + i % pages * PAGE_SIZE + i / pages % 512 * 8) = i;
	return 0;
}

static u64 write_pages(u64 at, u64 pages)
{
	u64 faults = 0;

	for (u64 i = 0; i < pages; i++) {
		WRITE("movq %1, (%2)", "r"(i), "r"(at + i * PAGE_SIZE + i % 512 * 8));
		faults += rdg_caught() != RDG_NONE;
	}
	shared->results[2] = faults;
	return 0;
}

static u64 hypercall(u64 nr, u64 arg)
{
	u64 ret;

	asm volatile("vmmcall"
		     : "=a"(ret)
		     : "a"(nr), "b"(arg), "c"(shared->args[3]), "d"(shared->args[4]),
		       "S"(shared->args[5])
		     : "memory");
	return ret;
}

static u64 carry_out(u64 kind, u64 at, u64 val)
{
	switch (kind) {
	case RDP_W_BYTE:
		return WRITE("movb %b1, (%2)", "q"(val), "r"(at));
	case RDP_W_LONG:
		return WRITE("movl %k1, (%2)", "r"(val), "r"(at));
	case RDP_W_QUAD:
		return WRITE("movq %1, (%2)", "r"(val), "r"(at));
	case RDP_W_ADD:
		return WRITE("addq %1, (%2)", "r"(val), "r"(at));
	case RDP_W_LOCK_ADD:
		return WRITE("lock addq %1, (%2)", "r"(val), "r"(at));
	case RDP_W_EXCHANGE:
		return write_exchange(at, val);
	case RDP_W_PUSH:
		return write_stack(at, val);
	case RDP_W_STRING:
		return write_string(at, val, 64);
	case RDP_W_VECTOR:
		return WRITE("movups %%xmm0, (%1)", "r"(at));
	case RDP_W_FXSAVE:
		return WRITE("fxsave (%1)", "r"(at));
	case RDP_W_FRAME:
		return write_frame(at);
	case RDP_W_TABLES:
		return write_tables(at, val);
	case RDP_W_MILLION:
		return write_all(at, val);
	case RDP_W_PAGES:
		return write_pages(at, val);
	case RDP_W_MSR:
		wrmsr(val >> 32, at | (u32)val);
		return 0;
	case RDP_W_HYPERCALL:
		shared->results[2] = hypercall(val, at);
		return 0;
	case RDP_W_READ:
		shared->results[2] = *(volatile u64 *)at;
		return 0;
	}
	rdg_fail("kind %llu", kind);
}

static void writes(void)
{
	asm volatile("fxsave (%0)" : : "r"(save_area) : "memory");
	for (;;) {
		rdg_sync(1);
		if (!shared->args[0])
			return;
		shared->results[0] = RDG_NONE;
		shared->results[1] = carry_out(shared->args[0], shared->args[1], shared->args[2]);
		shared->results[0] = rdg_caught();
	}
}

/*
 * Processors that write everywhere in a region, each words of its own, and count what they wrote:
 * word cpu of page p holds how often it was written there. args[1]: region, args[2]: its pages;
 * behind these is one for each processor, which gets its FXSAVE now and then. args[3]: not 0: end.
 * results[cpu]: writes that did not land, results[4 + cpu]: of how many.
 */
static volatile u32 ended;

static void storm(u32 cpu)
{
	u64 seed = cpu * 0x9e3779b97f4a7c15ull + 1, faults = 0;

	while (!shared->args[3]) {
		volatile u64 *word;
		u64 was;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		word = (void *)(shared->args[1] + (seed >> 33) % shared->args[2] * PAGE_SIZE +
				cpu * 8);
		was = *word;
		WRITE("incq (%1)", "r"(word));
		if (!(seed >> 33 & 0xff))
			WRITE("fxsave (%1)", "r"(shared->args[1] +
						 (shared->args[2] + cpu) * PAGE_SIZE));
		/* What a fault left behind may be another processor's. */
		faults += *word == was;
		shared->results[4 + cpu]++;
	}
	shared->results[cpu] = faults;
}

static void storm_other(u32 cpu)
{
	storm(cpu);
	__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
	for (;;)
		hlt();
}

static void storms(void)
{
	apic_enable();
	for (u32 cpu = 1; cpu < 4; cpu++)
		smp_start(cpu, storm_other);
	storm(0);
	smp_wait(&ended, 3);
	rdg_sync(2);
}

static const struct rdp_test tests[] = {
	RDG_TEST(writes, 1, RDP_PAIRED),
	RDG_TEST(storms, 4, RDP_PAIRED | RDP_IRQCHIP),
};
RDG_TESTS(tests, 64);
