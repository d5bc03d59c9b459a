/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The project's vocabulary: the only header, with kmod/host.h, that a pure (P) file may include
 * from outside its own layer. It gives the same names in the kernel and in user space: fixed-width
 * types, errno, bits, lists, checked arithmetic, locks whose held-asserts really check in user
 * space. Invariant: nothing here has state.
 */
#ifndef RD_KMOD_BASE_H
#define RD_KMOD_BASE_H

#ifdef __KERNEL__
#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>

/*
 * A lock that may be taken from interrupt context; rd_lock() returns the state that rd_unlock()
 * needs.
 */
struct rd_lock {
	spinlock_t raw;
};

#define rd_lock_init(l) spin_lock_init(&(l)->raw)

static inline unsigned long rd_lock(struct rd_lock *l)
{
	unsigned long flags;

	spin_lock_irqsave(&l->raw, flags);
	return flags;
}

static inline void rd_unlock(struct rd_lock *l, unsigned long flags)
{
	spin_unlock_irqrestore(&l->raw, flags);
}

#define rd_assert_held(l) lockdep_assert_held(&(l)->raw)

/*
 * Read-mostly tables (interrupt routes): readers never block, writers wait for them with
 * rd_host_rcu_sync().
 */
#define rd_rcu_read_lock() rcu_read_lock()
#define rd_rcu_read_unlock() rcu_read_unlock()
#define rd_rcu_deref(p) rcu_dereference_check(p, 1)
#define rd_rcu_assign(p, v) rcu_assign_pointer(p, v)
#define RD_RCU __rcu

#else /* user space */
#include "kmod/base_user.h"
#endif

#define RD_PAGE_SHIFT 12
#define RD_PAGE_SIZE 4096UL
#define RD_PAGE_MASK (~(RD_PAGE_SIZE - 1))

/* A field of a register word: RD_FIELD(value, high bit, low bit). */
#define RD_FIELD(v, hi, lo) (((v) >> (lo)) & ((1ULL << ((hi) - (lo) + 1)) - 1))

#endif
