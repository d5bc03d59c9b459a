// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's memory management at work on the pages of running guests: large pages split and made
 * again, equal pages merged, processors taken away, and all of that at once.
 *
 * Option: --seconds N, how long "all_at_once" lasts (8); --seed N, its random numbers.
 */
#include "tests/selftests/lib/load.h"

#include <sys/wait.h>
#include <time.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define KSM "/sys/kernel/mm/ksm/"
#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define SPLIT "/sys/kernel/debug/split_huge_pages"
#define CPU1 "/sys/devices/system/cpu/cpu1/online"

/* --- large pages ------------------------------------------------------------------------------ */

static bool split(const struct rdt_load *l)
{
	return rdt_write_line(SPLIT, "%d,0x%lx,0x%lx", getpid(), (unsigned long)l->host,
			      (unsigned long)l->host + l->pages * RDT_PAGE);
}

static int collapse(const struct rdt_load *l)
{
	return madvise(l->host, l->pages * RDT_PAGE, MADV_COLLAPSE);
}

/* The guest's mappings are as large as the host's pages, whatever happens to these. */
static void split_and_collapse(void)
{
	uint64_t pages = 4096, kb = pages * 4, after_split, after_collapse;
	struct rdt_load l;
	int64_t small, large;

	rdt_need_rig();
	if (access(SPLIT, W_OK))
		rdt_skip("this host splits no pages by request");
	rdt_load_start(&l, "pattern_two", pages, true, 0);
	for (int i = 0; i < 4; i++) {
		small = rdt_vcpu_stat(l.vm, "pf_map_4k");
		RDT_CHECK(split(&l));
		rdt_load_round(&l);
		after_split = rdt_load_huge_kb(&l);
		RDT_CHECK(after_split < kb / 2);
		RDT_CHECK(small < 0 ||
			  rdt_vcpu_stat(l.vm, "pf_map_4k") - small > (int64_t)pages / 4);
		large = rdt_vcpu_stat(l.vm, "pf_map_2m");
		if (collapse(&l) && errno == EINVAL)
			rdt_skip("this host makes no large pages by request");
		rdt_load_round(&l);
		after_collapse = rdt_load_huge_kb(&l);
		RDT_CHECK(after_collapse > kb / 2);
		RDT_CHECK(large < 0 ||
			  rdt_vcpu_stat(l.vm, "pf_map_2m") - large >= (int64_t)pages / 1024);
	}
	rdt_note("%llu KiB of %llu in large pages after a split, %llu after collapsing",
		 (unsigned long long)after_split, (unsigned long long)kb,
		 (unsigned long long)after_collapse);
	rdt_load_stop(&l);
}

/* Parts of a large page are given up, which splits it; the rest keeps what it held. */
static void split_by_holes(void)
{
	uint64_t pages = 2048;
	struct rdt_load l;

	rdt_load_start(&l, "pattern_two", pages, true, 1);
	RDT_CHECK(rdt_is_stock() || rdt_vcpu_stat(l.vm, "pf_map_2m") > 0);
	l.vm->shared->args[5] = pages / 2;
	rdt_load_round(&l);
	for (uint64_t i = pages / 2; i < pages; i += 64)
		RDT_OK(madvise(l.host + i * RDT_PAGE, RDT_PAGE, MADV_DONTNEED));
	rdt_load_round(&l);
	for (uint64_t i = 0; i < pages; i++)
		RDT_CHECK(rdt_load_holds(&l, i, i < pages / 2 || i % 64 ? 1 : 0));
	rdt_load_stop(&l);
}

/* The kernel's own thread makes large pages of small ones under the guest. */
static void khugepaged(void)
{
	uint64_t pages = 2048, kb = 0;
	struct rdt_load l;
	int64_t large;

	rdt_need_rig();
	if (!rdt_write_line(KHUGEPAGED "scan_sleep_millisecs", "10") ||
	    !rdt_write_line(KHUGEPAGED "alloc_sleep_millisecs", "10") ||
	    !rdt_write_line(KHUGEPAGED "pages_to_scan", "8192"))
		rdt_skip("no khugepaged on this host");
	rdt_load_start(&l, "pattern_two", pages, false, 0);
	RDT_EQ(rdt_load_huge_kb(&l), 0);
	large = rdt_vcpu_stat(l.vm, "pf_map_2m");
	RDT_OK(madvise(l.host, pages * RDT_PAGE, MADV_HUGEPAGE));
	for (int i = 0; i < 600 && kb < pages * 2; i++) {
		usleep(100000);
		kb = rdt_load_huge_kb(&l);
	}
	rdt_load_round(&l);
	rdt_note("%llu of %llu KiB collapsed", (unsigned long long)kb,
		 (unsigned long long)pages * 4);
	RDT_CHECK(kb >= pages * 2);
	RDT_CHECK(large < 0 || rdt_vcpu_stat(l.vm, "pf_map_2m") > large);
	rdt_load_stop(&l);
	rdt_write_line(KHUGEPAGED "scan_sleep_millisecs", "10000");
}

/* --- merging ---------------------------------------------------------------------------------- */

/*
 * smart_scan (from 6.7 on) visits pages that it could not merge in every ninth scan only. Two equal
 * pages whose turns differ then never meet.
 */
static const struct {
	const char *file;
	long value;
} ksm_fast[] = {
	{ KSM "smart_scan", 0 },
	{ KSM "pages_to_scan", 5000 },
	{ KSM "sleep_millisecs", 10 },
	{ KSM "run", 1 },
};
static long ksm_was[ARRAY_SIZE(ksm_fast)];

static bool ksm_on(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ksm_fast); i++) {
		ksm_was[i] = rdt_read_number(ksm_fast[i].file);
		if (ksm_was[i] < 0 && !i)
			continue;
		if (!rdt_write_line(ksm_fast[i].file, "%ld", ksm_fast[i].value))
			return false;
	}
	return true;
}

/* Parts what is merged first. */
static void ksm_off(void)
{
	RDT_CHECK(rdt_write_line(KSM "run", "2"));
	for (size_t i = 0; i < ARRAY_SIZE(ksm_fast); i++)
		if (ksm_was[i] >= 0)
			rdt_write_line(ksm_fast[i].file, "%ld", ksm_was[i]);
}

/* Wait until both guests have their first n pages in common. */
static void wait_merged(const struct rdt_load *a, const struct rdt_load *b, uint64_t n)
{
	long scans = rdt_read_number(KSM "full_scans");
	uint64_t shared = 0;
	int i;

	for (i = 0; i < 400 * rdt_time_scale() && shared < n; i++) {
		usleep(10000);
		shared = rdt_load_shared(a, b, 0, n);
	}
	rdt_note("%llu of %llu pages are shared after %ld scans and %d ms",
		 (unsigned long long)shared, (unsigned long long)n,
		 rdt_read_number(KSM "full_scans") - scans, i * 10);
	RDT_EQ(shared, n);
}

static void check_holds(const struct rdt_load *l, uint64_t first, uint64_t n, uint64_t generation)
{
	for (uint64_t i = first; i < first + n; i++)
		RDT_CHECK(rdt_load_holds(l, i, generation));
}

/*
 * Two guests hold the same, and the host keeps it once. One of them writes to half of it: the other
 * does not see that, and the rest stays common.
 */
static void merge_two(uint64_t pages, bool huge)
{
	uint64_t half = pages / 2;
	struct rdt_load a, b;

	rdt_need_rig();
	if (!ksm_on())
		rdt_skip("no KSM on this host");
	rdt_load_start(&a, "pattern", pages, huge, 1);
	rdt_load_start(&b, "pattern", pages, huge, 1);
	RDT_EQ(rdt_load_shared(&a, &b, 0, pages), 0);
	RDT_OK(madvise(a.host, pages * RDT_PAGE, MADV_MERGEABLE));
	RDT_OK(madvise(b.host, pages * RDT_PAGE, MADV_MERGEABLE));
	wait_merged(&a, &b, pages);
	rdt_load_round(&a);
	rdt_load_round(&b);
	RDT_EQ(rdt_load_shared(&a, &b, 0, pages), pages);

	a.vm->shared->args[5] = half;
	rdt_load_generation(&a, 2);
	rdt_load_round(&a);
	rdt_load_round(&b);
	RDT_EQ(rdt_load_shared(&a, &b, 0, half), 0);
	RDT_EQ(rdt_load_shared(&a, &b, half, pages - half), pages - half);
	check_holds(&a, 0, half, 2);
	check_holds(&b, 0, half, 1);
	check_holds(&a, half, pages - half, 1);
	check_holds(&b, half, pages - half, 1);

	/* Equal again, they are merged again; then the host parts all of them under the guests. */
	b.vm->shared->args[5] = half;
	rdt_load_generation(&b, 2);
	wait_merged(&a, &b, half);
	ksm_off();
	RDT_EQ(rdt_load_shared(&a, &b, 0, pages), 0);
	rdt_load_generation(&a, 3);
	rdt_load_round(&b);
	check_holds(&a, 0, half, 3);
	check_holds(&b, 0, half, 2);
	check_holds(&a, half, pages - half, 1);
	check_holds(&b, half, pages - half, 1);
	rdt_load_stop(&a);
	rdt_load_stop(&b);
}

static void merged_guests(void)
{
	merge_two(256, false);
}

/* Merging splits the large pages that the guests have, and their mappings. */
static void merged_guests_huge(void)
{
	merge_two(512, true);
}

/* --- processors of the host ------------------------------------------------------------------- */

static void hotplug(int times)
{
	for (int i = 0; i < times; i++) {
		RDT_CHECK(rdt_write_line(CPU1, "0"));
		usleep(50000);
		RDT_CHECK(rdt_write_line(CPU1, "1"));
		usleep(50000);
	}
}

/* A processor of the host goes and comes back; the guests on it move and go on. */
static void cpu_hotplug(void)
{
	struct rdt_load a, b;
	int64_t moves;

	rdt_need_rig();
	if (access(CPU1, W_OK))
		rdt_skip("this host has one processor only");
	rdt_load_start(&a, "pattern_two", 512, true, 0);
	rdt_load_start(&b, "pattern", 512, false, 0);
	moves = rdt_vcpu_stat(a.vm, "host_cpu_changes");
	for (int i = 0; i < 3; i++) {
		hotplug(2);
		rdt_load_round(&a);
		rdt_load_round(&b);
	}
	if (moves >= 0) {
		moves = rdt_vcpu_stat(a.vm, "host_cpu_changes") - moves;
		rdt_note("the processors of the guest changed the host's %lld times",
			 (long long)moves);
		RDT_CHECK(moves > 0);
	}
	rdt_load_stop(&a);
	rdt_load_stop(&b);
}

/* --- everything ------------------------------------------------------------------------------- */

struct storm {
	struct rdt_load *load;
	pthread_t thread;
	unsigned int seed;
	volatile bool stop;
	int done;
};

/* Another process has all pages, too, for a moment: each must be copied for the next write. */
static void copy_on_write(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

/* One thing that a host does to a guest's memory, over a random part of it. */
static void disturb(struct storm *s)
{
	struct rdt_load l = *s->load;
	uint64_t first = rand_r(&s->seed) % l.pages, n = 1 + rand_r(&s->seed) % (l.pages - first);
	int kind = rand_r(&s->seed) % 8;

	l.host += first * RDT_PAGE;
	l.pages = n;
	/* None of these must work; what counts is what the guest finds. */
	if (kind < 2)
		madvise(l.host, n * RDT_PAGE, MADV_PAGEOUT);
	else if (kind == 2)
		split(&l);
	else if (kind == 3)
		collapse(&l);
	else if (kind == 4)
		madvise(l.host, n * RDT_PAGE, MADV_MERGEABLE);
	else if (kind == 5)
		madvise(l.host, n * RDT_PAGE, MADV_UNMERGEABLE);
	else if (kind == 6)
		copy_on_write();
	else
		rdt_write_line("/proc/sys/vm/compact_memory", "1");
	s->done++;
}

static void *storm_main(void *arg)
{
	struct storm *s = arg;

	while (!s->stop)
		disturb(s);
	return NULL;
}

static long option(const char *name, long otherwise)
{
	return rdt_option(name) ? atol(rdt_option(name)) : otherwise;
}

static void all_at_once(void)
{
	unsigned int seed = option("seed", time(NULL));
	time_t end = time(NULL) + option("seconds", 8);
	struct rdt_load a, b;
	struct storm s[2] = { { .load = &a, .seed = seed }, { .load = &b, .seed = seed + 1 } };

	rdt_need_swap();
	rdt_need_rig();
	rdt_note("seed %u", seed);
	ksm_on();
	rdt_load_start(&a, "pattern_two", 2048, true, 0);
	rdt_load_start(&b, "pattern", 2048, true, 1);
	for (int i = 0; i < 2; i++)
		RDT_EQ(pthread_create(&s[i].thread, NULL, storm_main, &s[i]), 0);
	while (time(NULL) < end) {
		if (!access(CPU1, W_OK))
			hotplug(1);
		usleep(500000);
	}
	for (int i = 0; i < 2; i++) {
		s[i].stop = true;
		pthread_join(s[i].thread, NULL);
	}
	rdt_load_round(&a);
	rdt_load_round(&b);
	rdt_note("%d and %d disturbances, %llu and %llu rounds", s[0].done, s[1].done,
		 a.vm->shared->results[0], b.vm->shared->results[0]);
	RDT_CHECK(s[0].done > 5 && s[1].done > 5);
	rdt_load_stop(&a);
	rdt_load_stop(&b);
	ksm_off();
	rdt_drop_swap();
}

static const struct rdt_test tests[] = {
	{ "split_and_collapse", split_and_collapse, 20 },
	{ "split_by_holes", split_by_holes, 20 },
	{ "khugepaged", khugepaged, 20 },
	{ "merged_guests", merged_guests, 20 },
	{ "merged_guests_huge", merged_guests_huge, 20 },
	{ "cpu_hotplug", cpu_hotplug, 20 },
	{ "all_at_once", all_at_once, 30 },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
