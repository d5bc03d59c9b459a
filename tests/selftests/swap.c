// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory that the host takes away and brings back: swap for want of memory or by request,
 * and what reclaim must learn from the guest: which pages it wrote and which it uses.
 */
#include "tests/selftests/lib/load.h"

#include <sys/resource.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static long major_faults(void)
{
	struct rusage u;

	RDT_OK(getrusage(RUSAGE_SELF, &u));
	return u.ru_majflt;
}

static void page_out(const struct rdt_load *l)
{
	RDT_OK(madvise(l->host, l->pages * RDT_PAGE, MADV_PAGEOUT));
}

/* --- the control: the guest notices a single word that is not its own ------------------------- */

static enum rdt_end noticed;

static void *notice_main(void *arg)
{
	struct rdt_vm *vm = arg;

	do {
		noticed = rdt_step(vm->vcpu[0], NULL);
	} while (noticed == RDT_INTR);
	return NULL;
}

static void pattern_notices(void)
{
	struct rdt_load l = { .vm = rdt_payload_vm("pressure", "pattern"), .pages = 64 };

	l.host = rdt_slot_new(l.vm, 3, 0x10000000, l.pages * RDT_PAGE, 0, false);
	l.vm->shared->args[1] = 0x10000000;
	l.vm->shared->args[2] = l.pages;
	l.vm->shared->args[4] = 1;
	RDT_EQ(pthread_create(&l.thread, NULL, notice_main, l.vm), 0);
	rdt_load_generation(&l, 1);
	RDT_CHECK(rdt_load_holds(&l, 17, 1));
	*(uint64_t *)(l.host + 17 * RDT_PAGE + rdp_pattern_at(17, 3)) ^= 1ull << 40;
	pthread_join(l.thread, NULL);
	RDT_EQ(noticed, RDT_FAIL);
	RDT_CHECK(strstr((char *)l.vm->shared->message, "page 17 word 3"));
}

/* --- swap ------------------------------------------------------------------------------------- */

/* The group may have half of what the guest works on, so it lives on swap. */
static void memory_limit(void)
{
	uint64_t pages = 4096, out;
	const char *group;
	char path[200];
	struct rdt_load l;
	long faults;

	rdt_need_swap();
	group = rdt_need_cgroup();
	rdt_load_start(&l, "pattern_two", pages, true, 0);
	faults = major_faults();
	snprintf(path, sizeof(path), "%s/memory.max", group);
	RDT_CHECK(rdt_write_line(path, "%llu", (unsigned long long)pages / 2 * RDT_PAGE));
	rdt_load_round(&l);
	out = rdt_load_swapped(&l, 0, pages);
	rdt_note("%llu of %llu pages are out, %ld major faults in a round",
		 (unsigned long long)out, (unsigned long long)pages, major_faults() - faults);
	RDT_CHECK(out > pages / 4);
	RDT_CHECK(major_faults() - faults > (long)pages / 4);
	RDT_CHECK(rdt_write_line(path, "max"));
	rdt_load_round(&l);
	rdt_load_stop(&l);
}

/*
 * Pages that the guest has left alone go when they are asked to. Before 6.9 the first request only
 * takes note that the guest has used them, so a second one follows. MADV_COLD does not help: it
 * looks at the host's own accessed bits only.
 */
static void page_out_by_request(void)
{
	uint64_t pages = 2048, half = pages / 2, first, out, used;
	struct rdt_load l;
	long faults;

	rdt_need_swap();
	rdt_load_start(&l, "pattern_two", pages, false, 1);
	l.vm->shared->args[5] = half;
	rdt_load_round(&l);
	page_out(&l);
	first = rdt_load_swapped(&l, half, half);
	page_out(&l);
	out = rdt_load_swapped(&l, half, half);
	used = rdt_load_swapped(&l, 0, half);
	/* They stay out while the guest works on the others. */
	rdt_load_round(&l);
	RDT_EQ(rdt_load_swapped(&l, half, half), out);
	RDT_CHECK(out > half * 7 / 8);
	/* The guest verifies each page, so a round is proof that it found all of them. */
	faults = major_faults();
	l.vm->shared->args[5] = 0;
	rdt_load_round(&l);
	faults = major_faults() - faults;
	rdt_note("out of %llu pages left alone: %llu, then %llu; of those in use: %llu; "
		 "%ld major faults until all are back", (unsigned long long)half,
		 (unsigned long long)first, (unsigned long long)out, (unsigned long long)used,
		 faults);
	RDT_CHECK(faults >= (long)out);
	RDT_EQ(rdt_load_swapped(&l, 0, pages), 0);
	/* What the guest writes to pages that are out is not lost when they go once more. */
	l.vm->shared->args[5] = half;
	rdt_load_round(&l);
	for (int i = 0; i < 2; i++)
		page_out(&l);
	RDT_CHECK(rdt_load_swapped(&l, half, half) > half * 7 / 8);
	l.vm->shared->args[5] = 0;
	rdt_load_generation(&l, 2);
	l.vm->shared->args[5] = half;
	rdt_load_round(&l);
	for (int i = 0; i < 2; i++)
		page_out(&l);
	RDT_CHECK(rdt_load_swapped(&l, half, half) > half * 7 / 8);
	for (uint64_t i = 0; i < pages; i++)
		RDT_CHECK(rdt_load_holds(&l, i, 2));
	rdt_load_stop(&l);
}

/* --- what reclaim learns ---------------------------------------------------------------------- */

/* Pages in use stay, others go: the accessed bits of the nested table are heard. */
static void pages_in_use_stay(void)
{
	uint64_t pages = 4096, hot = 512, hot_out = 0, cold_out;
	const char *group;
	char path[200];
	struct rdt_load l;
	int steps = 8;

	rdt_need_swap();
	group = rdt_need_cgroup();
	rdt_load_start(&l, "pattern", pages, false, 1);
	l.vm->shared->args[5] = hot;
	rdt_load_round(&l);
	snprintf(path, sizeof(path), "%s/memory.reclaim", group);
	for (int i = 0; i < steps; i++) {
		/* Says EAGAIN when it finds less than it was asked for. */
		rdt_write_line(path, "%llu", (unsigned long long)pages / 16 * RDT_PAGE);
		hot_out += rdt_load_swapped(&l, 0, hot);
		rdt_load_round(&l);
	}
	cold_out = rdt_load_swapped(&l, hot, pages - hot);
	rdt_note("out: of pages in use %llu of %llu per step, of others %llu of %llu at the end",
		 (unsigned long long)hot_out / steps, (unsigned long long)hot,
		 (unsigned long long)cold_out, (unsigned long long)(pages - hot));
	RDT_CHECK(cold_out > (pages - hot) / 4);
	RDT_CHECK(hot_out / steps * (pages - hot) * 3 < cold_out * hot);
	/* Those that were out still hold what they held. */
	l.vm->shared->args[5] = 0;
	rdt_load_round(&l);
	rdt_load_stop(&l);
}

/*
 * After MADV_FREE the host drops pages, unless they are written again: what the guest wrote since
 * must stay, although the host's own entry never became dirty by it.
 */
static void written_after_free(void)
{
	uint64_t pages = 2048, half = pages / 2, dropped = 0;
	struct rdt_load l;

	rdt_need_swap();
	rdt_load_start(&l, "pattern_two", pages, false, 1);
	l.vm->shared->args[5] = half;
	rdt_load_round(&l);
	RDT_OK(madvise(l.host, pages * RDT_PAGE, MADV_FREE));
	rdt_load_generation(&l, 2);
	for (int i = 0; i < 3; i++) {
		page_out(&l);
		rdt_load_round(&l);
	}
	for (uint64_t i = 0; i < half; i++)
		if (!rdt_load_holds(&l, i, 2))
			rdt_fail("page %llu has lost what the guest wrote", (unsigned long long)i);
	for (uint64_t i = half; i < pages; i++) {
		bool gone = rdt_load_holds(&l, i, 0);

		dropped += gone;
		if (!gone && !rdt_load_holds(&l, i, 1))
			rdt_fail("page %llu is neither old nor empty", (unsigned long long)i);
	}
	rdt_note("%llu of %llu pages that nobody wrote were dropped", (unsigned long long)dropped,
		 (unsigned long long)half);
	RDT_CHECK(dropped > half / 2);
	rdt_load_stop(&l);
}

static const struct rdt_test tests[] = {
	{ "pattern_notices", pattern_notices },
	{ "memory_limit", memory_limit, 20 },
	{ "page_out_by_request", page_out_by_request, 20 },
	{ "pages_in_use_stay", pages_in_use_stay, 20 },
	{ "written_after_free", written_after_free, 20 },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
