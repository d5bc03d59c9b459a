// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that writes and verifies a pattern all over a region, for hosts that work on the pages
 * behind it. In the shared page:
 *
 *   args[1], args[2]  address of the region and its pages
 *   args[3]           not 0: end
 *   args[4]           generation to bring the pages to; 0: a new one in each round. With the one
 *                     that they have, nothing is written
 *   args[5]           after the first round visit only so many pages, 0: all
 *   results[0], [1]   rounds of each processor, [2], [3] the generation it has reached
 */
#include "tests/guest/guest.h"

static volatile u32 other_done;

static void verify(ulong at, ulong page, u64 generation)
{
	for (u32 i = 0; i < RDP_PATTERN_WORDS; i++) {
		u64 got = *(volatile u64 *)(at + rdp_pattern_at(page, i));
		u64 want = rdp_pattern_word(page, generation, i);

		if (got != want)
			rdg_fail("page %lu word %u holds 0x%llx, want 0x%llx of generation %llu",
				 page, i, got, want, generation);
	}
}

static void fill(ulong at, ulong page, u64 generation)
{
	for (u32 i = 0; i < RDP_PATTERN_WORDS; i++)
		*(volatile u64 *)(at + rdp_pattern_at(page, i)) =
			rdp_pattern_word(page, generation, i);
}

/* Processors share the pages out one by one, so that they meet in every table of the host. */
static void work(u32 cpu, u32 cpus)
{
	u64 generation = 0;

	while (!shared->args[3]) {
		ulong base = shared->args[1], pages = shared->args[2];
		u64 next = shared->args[4] ? shared->args[4] : generation + 1;

		if (generation && shared->args[5])
			pages = shared->args[5];
		for (ulong page = cpu; page < pages; page += cpus) {
			ulong at = base + page * PAGE_SIZE;

			if (generation)
				verify(at, page, generation);
			if (next != generation)
				fill(at, page, next);
		}
		generation = next;
		shared->results[2 + cpu] = generation;
		shared->results[cpu]++;
	}
}

static void pattern(void)
{
	work(0, 1);
	rdg_sync(2);
}

static void second(u32 cpu)
{
	work(cpu, 2);
	other_done = 1;
	for (;;)
		hlt();
}

static void pattern_two(void)
{
	apic_enable();
	smp_start(1, second);
	work(0, 2);
	smp_wait(&other_done, 1);
	rdg_sync(2);
}

static const struct rdp_test tests[] = {
	RDG_TEST(pattern, 1, RDP_PAIRED),
	RDG_TEST(pattern_two, 2, RDP_PAIRED | RDP_IRQCHIP),
};
RDG_TESTS(tests, 64);
