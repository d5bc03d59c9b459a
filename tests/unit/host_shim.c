// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host services of kmod/host.h in user space, with a virtual clock that only the test advances.
 * Invariant: armed timers are on one list sorted by expiry; a callback runs without locks and never
 * nested.
 */
#include "tests/unit/host_shim.h"

#define START_NS 1000000000ULL
#define START_REAL_NS 1767225600000000000ULL /* 2026-01-01 */
#define START_KHZ 1000000U
#define MAX_FIRINGS 10000000U

static struct {
	u64 now, real_offset;
	u64 tsc_base, tsc_base_ns;
	u32 tsc_khz;
	u64 random;
	unsigned int fail_alloc, allocations;
	struct rd_timer *timers, *running;
} shim = { .now = START_NS,
	   .real_offset = START_REAL_NS - START_NS,
	   .tsc_base_ns = START_NS,
	   .tsc_khz = START_KHZ,
	   .random = 1 };

static void die(const char *what)
{
	fprintf(stderr, "host_shim: %s\n", what);
	abort();
}

void rd_shim_reset(void)
{
	while (shim.timers)
		rd_timer_cancel(shim.timers);
	shim.now = START_NS;
	shim.real_offset = START_REAL_NS - START_NS;
	shim.tsc_base = 0;
	shim.tsc_base_ns = START_NS;
	shim.tsc_khz = START_KHZ;
	shim.random = 1;
	shim.fail_alloc = 0;
}

u64 rd_host_now_ns(void)
{
	return shim.now;
}

u64 rd_host_real_ns(void)
{
	return shim.now + shim.real_offset;
}

u64 rd_host_tsc(void)
{
	return shim.tsc_base +
	       mul_u64_u64_div_u64(shim.now - shim.tsc_base_ns, shim.tsc_khz, 1000000);
}

u32 rd_host_tsc_khz(void)
{
	return shim.tsc_khz;
}

void rd_host_relax(void)
{
	shim.now++;
}

void rd_shim_set_tsc(u64 tsc)
{
	shim.tsc_base = tsc;
	shim.tsc_base_ns = shim.now;
}

void rd_shim_set_tsc_khz(u32 khz)
{
	if (!khz)
		die("a TSC frequency of 0");
	rd_shim_set_tsc(rd_host_tsc());
	shim.tsc_khz = khz;
}

void rd_shim_set_real(u64 ns)
{
	shim.real_offset = ns - shim.now;
}

void rd_timer_init(struct rd_timer *t, u64 (*fn)(struct rd_timer *t))
{
	memset(t, 0, sizeof(*t));
	t->fn = fn;
}

static void unlink_timer(struct rd_timer *t)
{
	struct rd_timer **p = &shim.timers;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->next = NULL;
	t->armed = false;
}

void rd_timer_start(struct rd_timer *t, u64 expires_ns)
{
	struct rd_timer **p = &shim.timers;

	if (!t->fn)
		die("rd_timer_start() before rd_timer_init()");
	if (t->armed)
		unlink_timer(t);
	while (*p && (*p)->expires <= expires_ns)
		p = &(*p)->next;
	t->expires = expires_ns;
	t->armed = true;
	t->next = *p;
	*p = t;
}

void rd_timer_cancel(struct rd_timer *t)
{
	if (shim.running == t)
		die("rd_timer_cancel() from the timer's own callback");
	if (t->armed)
		unlink_timer(t);
}

bool rd_timer_try_cancel(struct rd_timer *t)
{
	if (shim.running == t)
		return false;
	if (t->armed)
		unlink_timer(t);
	return true;
}

static void fire(struct rd_timer *t)
{
	u64 again;

	unlink_timer(t);
	if (t->expires > shim.now)
		shim.now = t->expires;
	shim.running = t;
	again = t->fn(t);
	shim.running = NULL;
	if (again)
		rd_timer_start(t, again);
}

void rd_shim_advance(u64 ns)
{
	u64 end = shim.now + ns;
	unsigned int fired = 0;

	if (shim.running)
		die("rd_shim_advance() from a timer callback");
	while (shim.timers && shim.timers->expires <= end) {
		if (++fired > MAX_FIRINGS)
			die("a timer fires without end");
		fire(shim.timers);
	}
	shim.now = end;
}

u64 rd_shim_next_expiry(void)
{
	return shim.timers ? shim.timers->expires : 0;
}

void rd_shim_fail_alloc(unsigned int n)
{
	shim.fail_alloc = n;
}

unsigned int rd_shim_allocations(void)
{
	return shim.allocations;
}

static bool alloc_fails(void)
{
	return shim.fail_alloc && !--shim.fail_alloc;
}

void *rd_host_zalloc(size_t size)
{
	void *p = alloc_fails() ? NULL : calloc(1, size);

	shim.allocations += p != NULL;
	return p;
}

void rd_host_free(void *p)
{
	shim.allocations -= p != NULL;
	free(p);
}

void *rd_host_page_alloc(void)
{
	void *p = alloc_fails() ? NULL : aligned_alloc(RD_PAGE_SIZE, RD_PAGE_SIZE);

	if (!p)
		return NULL;
	shim.allocations++;
	return memset(p, 0, RD_PAGE_SIZE);
}

void rd_host_page_free(void *page)
{
	rd_host_free(page);
}

u64 rd_host_page_pa(const void *page)
{
	return (u64)(uintptr_t)page;
}

/* Good enough for tests and the same in every run (splitmix64). */
void rd_host_random(void *buf, size_t len)
{
	u8 *out = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		u64 z = shim.random += 0x9e3779b97f4a7c15ULL;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		out[i] = (u8)(z ^ (z >> 31));
	}
}

void rd_host_rcu_sync(void)
{
}
