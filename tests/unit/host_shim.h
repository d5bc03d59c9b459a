/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Controls of the user-space host (host_shim.c) for tests: a virtual clock that only the test
 * advances.
 * Invariant: one thread drives it; nothing here depends on real time or real randomness.
 */
#ifndef RD_TESTS_UNIT_HOST_SHIM_H
#define RD_TESTS_UNIT_HOST_SHIM_H

#include "kmod/base.h"
#include "kmod/host.h"

/*
 * Back to the start: 1 s on the monotonic clock, TSC 0 at 1 GHz, no timer armed, no allocation
 * failure planned.
 */
void rd_shim_reset(void);

/*
 * Advance all clocks by ns; timers that expire on the way fire in order, each with the clock at its
 * expiry. A timer started in the past fires in the next call, also with ns = 0: as with an
 * interrupt, never inside rd_timer_start().
 */
void rd_shim_advance(u64 ns);

/* Expiry of the earliest armed timer in ns of rd_host_now_ns(), 0 if none is armed. */
u64 rd_shim_next_expiry(void);

/* Set the TSC as of now, and its rate; the value is kept when the rate changes. */
void rd_shim_set_tsc(u64 tsc);
void rd_shim_set_tsc_khz(u32 khz);

/* Set the wall clock (ns since the epoch) as of now. */
void rd_shim_set_real(u64 ns);

/* Let the n-th allocation from here (1 = the next) fail, once; 0 takes the plan back. */
void rd_shim_fail_alloc(unsigned int n);

/* Number of allocations (zalloc and pages) that have not been freed. */
unsigned int rd_shim_allocations(void);

#endif
