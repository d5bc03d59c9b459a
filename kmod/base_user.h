/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space half of kmod/base.h: the kernel's names on top of libc and compiler builtins, for unit
 * tests, fuzzers and tools. Invariant: a lock assert that fails here aborts, so a P file's locking
 * is really checked under test.
 */
#ifndef RD_KMOD_BASE_USER_H
#define RD_KMOD_BASE_USER_H

#include <errno.h>
#include <limits.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#ifndef U64_MAX
#define U8_MAX 0xffU
#define U16_MAX 0xffffU
#define U32_MAX 0xffffffffU
#define U64_MAX 0xffffffffffffffffULL
#define S32_MAX 0x7fffffff
#define S64_MAX 0x7fffffffffffffffLL
#endif

#define BITS_PER_LONG 64
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(h, l) ((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l) ((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define BITS_TO_LONGS(n) (((n) + 63UL) / 64UL)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define BUILD_BUG_ON(c) _Static_assert(!(c), #c)
#define fallthrough __attribute__((__fallthrough__))
#define __always_inline inline __attribute__((__always_inline__))
#define noinline __attribute__((__noinline__))
#ifndef __packed
#define __packed __attribute__((__packed__))
#endif
#ifndef __aligned
#define __aligned(n) __attribute__((__aligned__(n)))
#endif
#define __maybe_unused __attribute__((__unused__))
#define __must_check __attribute__((__warn_unused_result__))
#define __printf(a, b) __attribute__((__format__(printf, a, b)))
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define cmpxchg(p, o, n) __sync_val_compare_and_swap(p, o, n)
#define xchg(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)

/* atomic_t, as far as P files need it. */
typedef struct {
	int counter;
} atomic_t;

static inline int atomic_read(const atomic_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void atomic_set(atomic_t *v, int i)
{
	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);
}

static inline void atomic_inc(atomic_t *v)
{
	__atomic_fetch_add(&v->counter, 1, __ATOMIC_SEQ_CST);
}

static inline int atomic_xchg(atomic_t *v, int n)
{
	return __atomic_exchange_n(&v->counter, n, __ATOMIC_SEQ_CST);
}

static inline int atomic_dec_return(atomic_t *v)
{
	return __atomic_fetch_sub(&v->counter, 1, __ATOMIC_SEQ_CST) - 1;
}

#define rd_min_(a, b, x, y)                                                                        \
	({                                                                                         \
		__typeof__(a) x = (a);                                                             \
		__typeof__(b) y = (b);                                                             \
		x < y ? x : y;                                                                     \
	})
#define rd_max_(a, b, x, y)                                                                        \
	({                                                                                         \
		__typeof__(a) x = (a);                                                             \
		__typeof__(b) y = (b);                                                             \
		x > y ? x : y;                                                                     \
	})
#define rd_cat_(a, b) a##b
#define rd_cat(a, b) rd_cat_(a, b)
#define min(a, b) rd_min_(a, b, rd_cat(rd_x_, __COUNTER__), rd_cat(rd_y_, __COUNTER__))
#define max(a, b) rd_max_(a, b, rd_cat(rd_x_, __COUNTER__), rd_cat(rd_y_, __COUNTER__))
#define min_t(t, a, b) min((t)(a), (t)(b))
#define max_t(t, a, b) max((t)(a), (t)(b))
#define clamp(v, lo, hi) min(max(v, lo), hi)

#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d) __builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)

/*
 * Bit operations on arrays of unsigned long; the ones without underscores are atomic, as in the
 * kernel.
 */
static inline bool test_bit(unsigned long n, const volatile unsigned long *p)
{
	return (__atomic_load_n(&p[n / 64], __ATOMIC_RELAXED) >> (n % 64)) & 1;
}

static inline void set_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_or(&p[n / 64], 1UL << (n % 64), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_and(&p[n / 64], ~(1UL << (n % 64)), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned long n, volatile unsigned long *p)
{
	return (__atomic_fetch_or(&p[n / 64], 1UL << (n % 64), __ATOMIC_SEQ_CST) >> (n % 64)) & 1;
}

static inline bool test_and_clear_bit(unsigned long n, volatile unsigned long *p)
{
	return (__atomic_fetch_and(&p[n / 64], ~(1UL << (n % 64)), __ATOMIC_SEQ_CST) >> (n % 64)) &
	       1;
}

static inline void __set_bit(unsigned long n, volatile unsigned long *p)
{
	p[n / 64] |= 1UL << (n % 64);
}

static inline void __clear_bit(unsigned long n, volatile unsigned long *p)
{
	p[n / 64] &= ~(1UL << (n % 64));
}

static inline unsigned long __ffs(unsigned long v)
{
	return __builtin_ctzl(v);
}

static inline unsigned long __fls(unsigned long v)
{
	return 63 - __builtin_clzl(v);
}

static inline int fls(unsigned int v)
{
	return v ? 32 - __builtin_clz(v) : 0;
}

static inline int fls64(u64 v)
{
	return v ? 64 - __builtin_clzll(v) : 0;
}

static inline unsigned int hweight32(u32 v)
{
	return __builtin_popcount(v);
}

static inline unsigned int hweight64(u64 v)
{
	return __builtin_popcountll(v);
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline void bitmap_zero(unsigned long *p, unsigned int bits)
{
	memset(p, 0, BITS_TO_LONGS(bits) * sizeof(*p));
}

static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)(((unsigned __int128)a * b) >> shift);
}

static inline u64 mul_u64_u32_shr(u64 a, u32 b, unsigned int shift)
{
	return mul_u64_u64_shr(a, b, shift);
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (u64)(((unsigned __int128)a * b) / c);
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rem)
{
	*rem = a % b;
	return a / b;
}

/* Lists, as far as P files need them. */
struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(n)                                                                          \
	{                                                                                          \
		&(n), &(n)                                                                         \
	}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(p, type, member) list_entry((p)->next, type, member)
#define list_for_each_entry(pos, head, member)                                                     \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);     \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, head, member)                                             \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),                             \
	    n = list_entry(pos->member.next, __typeof__(*pos), member);                            \
	     &pos->member != (head);                                                               \
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l;
	l->prev = l;
}

static inline void list_add_tail(struct list_head *n, struct list_head *head)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *head)
{
	n->next = head->next;
	n->prev = head;
	head->next->prev = n;
	head->next = n;
}

static inline void list_del(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->next = NULL;
	n->prev = NULL;
}

static inline bool list_empty(const struct list_head *l)
{
	return l->next == l;
}

/* Locks that know their owner, so that rd_assert_held() checks and a double lock aborts. */
struct rd_lock {
	pthread_mutex_t raw;
	pthread_t owner;
	bool held;
};

static inline void rd_lock_init(struct rd_lock *l)
{
	pthread_mutex_init(&l->raw, NULL);
	l->held = false;
}

static inline unsigned long rd_lock(struct rd_lock *l)
{
	if (l->held && pthread_equal(l->owner, pthread_self())) {
		fprintf(stderr, "rd_lock: taken twice by one thread\n");
		abort();
	}
	pthread_mutex_lock(&l->raw);
	l->owner = pthread_self();
	l->held = true;
	return 0;
}

static inline void rd_unlock(struct rd_lock *l, unsigned long flags)
{
	(void)flags;
	if (!l->held || !pthread_equal(l->owner, pthread_self())) {
		fprintf(stderr, "rd_unlock: not held by this thread\n");
		abort();
	}
	l->held = false;
	pthread_mutex_unlock(&l->raw);
}

static inline void rd_assert_held(struct rd_lock *l)
{
	if (!l->held || !pthread_equal(l->owner, pthread_self())) {
		fprintf(stderr, "rd_assert_held: lock not held\n");
		abort();
	}
}

#define rd_rcu_read_lock() ((void)0)
#define rd_rcu_read_unlock() ((void)0)
#define rd_rcu_deref(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rd_rcu_assign(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define RD_RCU

#endif
