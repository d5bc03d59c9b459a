/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of enclave/ compiled so that another CPU can come in between: before each access that
 * other CPUs are meant to see, step() is called.
 * Invariant: included before everything else; what the files do stays the same.
 */
#ifndef RD_TESTS_UNIT_ENCLAVE_RACE_STEP_H
#define RD_TESTS_UNIT_ENCLAVE_RACE_STEP_H

#include "kmod/base.h"

void step(void);

#define STEP_THEN(x)                                                                               \
	({                                                                                         \
		step();                                                                            \
		x;                                                                                 \
	})

#undef READ_ONCE
#undef WRITE_ONCE
#undef smp_mb
#undef smp_load_acquire
#undef smp_store_release
#undef cmpxchg
#undef xchg
#define READ_ONCE(x) STEP_THEN(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)                                                                           \
	({                                                                                         \
		__typeof__(x) step_v = (v);                                                        \
		STEP_THEN(*(volatile __typeof__(x) *)&(x) = step_v);                               \
	})
#define smp_mb() STEP_THEN(__atomic_thread_fence(__ATOMIC_SEQ_CST))
#define smp_load_acquire(p) STEP_THEN(__atomic_load_n(p, __ATOMIC_ACQUIRE))
#define smp_store_release(p, v) STEP_THEN(__atomic_store_n(p, v, __ATOMIC_RELEASE))
#define cmpxchg(p, o, n) STEP_THEN(__sync_val_compare_and_swap(p, o, n))
#define xchg(p, v) STEP_THEN(__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
#define test_bit(n, p) STEP_THEN((test_bit)(n, p))
#define test_and_set_bit(n, p) STEP_THEN((test_and_set_bit)(n, p))
#define clear_bit(n, p) STEP_THEN((clear_bit)(n, p))

#endif
