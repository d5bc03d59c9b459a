// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmod/host.h on the kernel: time, timers, memory and randomness for P files.
 * Invariant: a timer that another thread re-armed while its function ran keeps the other thread's
 * expiry.
 */
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>
#include "kmod/host.h"
#include "kmod/compat.h"

u64 rd_host_now_ns(void)
{
	return ktime_get_ns();
}

u64 rd_host_real_ns(void)
{
	return ktime_get_real_ns();
}

u64 rd_host_tsc(void)
{
	return rdtsc_ordered();
}

u32 rd_host_tsc_khz(void)
{
	/* The kernel leaves it 0 when it could not calibrate; guests divide by it. */
	return likely(tsc_khz) ? tsc_khz : (cpu_khz ? cpu_khz : 1000000);
}

void rd_host_relax(void)
{
	cpu_relax();
}

static enum hrtimer_restart rd_timer_fire(struct hrtimer *raw)
{
	struct rd_timer *t = container_of(raw, struct rd_timer, raw);
	u64 next = t->fn(t);

	/*
	 * Not HRTIMER_RESTART with a new expiry: it must not be written while another CPU may have
	 * queued the timer.
	 */
	if (next && !hrtimer_is_queued(raw))
		hrtimer_start(raw, ns_to_ktime(next), HRTIMER_MODE_ABS_PINNED_HARD);
	return HRTIMER_NORESTART;
}

void rd_timer_init(struct rd_timer *t, u64 (*fn)(struct rd_timer *t))
{
	t->fn = fn;
	rd_hrtimer_setup(&t->raw, rd_timer_fire);
}

/*
 * Pinned: a vCPU's timer fires on the CPU that runs it, so that it interrupts the guest without an
 * IPI.
 */
void rd_timer_start(struct rd_timer *t, u64 expires_ns)
{
	/* ktime_t is signed: what does not fit will not come in a lifetime. */
	hrtimer_start(&t->raw, ns_to_ktime(min_t(u64, expires_ns, KTIME_MAX)),
		      HRTIMER_MODE_ABS_PINNED_HARD);
}

void rd_timer_cancel(struct rd_timer *t)
{
	hrtimer_cancel(&t->raw);
}

bool rd_timer_try_cancel(struct rd_timer *t)
{
	return hrtimer_try_to_cancel(&t->raw) >= 0;
}

void *rd_host_zalloc(size_t size)
{
	return kvzalloc(size, GFP_KERNEL_ACCOUNT);
}

void rd_host_free(void *p)
{
	kvfree(p);
}

void *rd_host_page_alloc(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

void rd_host_page_free(void *page)
{
	free_page((unsigned long)page);
}

u64 rd_host_page_pa(const void *page)
{
	return __pa(page);
}

void rd_host_random(void *buf, size_t len)
{
	get_random_bytes(buf, len);
}

void rd_host_rcu_sync(void)
{
	/* Expedited: a VMM replaces its interrupt routes hundreds of times while a guest boots. */
	synchronize_rcu_expedited();
}
