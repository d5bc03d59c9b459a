/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Services that the host gives to P files: time, timers, memory, randomness, cryptography.
 * kmod/host.c and kmod/host_crypto.c implement them on the kernel, tests/unit/host_shim.c (with a
 * virtual clock that only the test advances) and tests/unit/crypto_shim.c for user space.
 * Invariant: no function here sleeps unless its comment says so.
 */
#ifndef RD_KMOD_HOST_H
#define RD_KMOD_HOST_H

#include "kmod/base.h"
#ifdef __KERNEL__
#include <linux/hrtimer.h>
#endif

/*
 * Nanoseconds of the host's monotonic clock (stops in suspend) and of its wall clock since the
 * epoch.
 */
u64 rd_host_now_ns(void);
u64 rd_host_real_ns(void);

/* The host's time stamp counter now, and its frequency in kHz (never 0). */
u64 rd_host_tsc(void);
u32 rd_host_tsc_khz(void);

/* One turn of a loop that waits a microsecond or so for the counter above. */
void rd_host_relax(void);

/*
 * One-shot timer on the monotonic clock. fn runs in interrupt context, without locks; it returns
 * the next expiry in nanoseconds to go on, or 0 to stop.
 */
struct rd_timer {
#ifdef __KERNEL__
	struct hrtimer raw;
#else
	u64 expires;
	bool armed;
	struct rd_timer *next;
#endif
	u64 (*fn)(struct rd_timer *t);
};

void rd_timer_init(struct rd_timer *t, u64 (*fn)(struct rd_timer *t));

/*
 * Arm or re-arm for an absolute time in nanoseconds of rd_host_now_ns(); a time in the past fires
 * at once.
 */
void rd_timer_start(struct rd_timer *t, u64 expires_ns);

/*
 * Disarm; rd_timer_cancel() also waits for a running fn (so: never from fn, never under a lock that
 * fn takes). rd_timer_try_cancel() does not wait and returns false if fn is running right now.
 */
void rd_timer_cancel(struct rd_timer *t);
bool rd_timer_try_cancel(struct rd_timer *t);

/* Zeroed memory, charged to the VM's owner. May sleep. NULL when there is none. */
void *rd_host_zalloc(size_t size);
void rd_host_free(void *p);

/* One zeroed page for tables that hardware reads, and its host-physical address. May sleep. */
void *rd_host_page_alloc(void);
void rd_host_page_free(void *page);
u64 rd_host_page_pa(const void *page);

/* Cryptographically strong random bytes. */
void rd_host_random(void *buf, size_t len);

/* SHA-256 of a message that comes in pieces. The state is plain data and may be copied and kept. */
struct rd_sha256 {
	u32 state[8];
	u64 bytes; /* so far */
	u8 rest[64];
};

void rd_host_sha256_init(struct rd_sha256 *h);
void rd_host_sha256_update(struct rd_sha256 *h, const void *data, size_t len);
void rd_host_sha256_final(struct rd_sha256 *h, u8 hash[32]);

/* AES-128-CMAC (SP 800-38B). 0; -ENOENT: the host has none; -ENOMEM. May sleep. */
int rd_host_cmac(const u8 key[16], const void *data, size_t len, u8 mac[16]);

/*
 * AES-128-GCM under one key, in place: any number of threads may use it. new: NULL with
 * *err -ENOENT or -ENOMEM. seal: 0, -ENOMEM. open: -EBADMSG as well, and then buf is of no use. buf
 * is memory of rd_host_page_alloc() or rd_host_zalloc(), within one page. They may sleep.
 */
struct rd_gcm;
struct rd_gcm *rd_host_gcm_new(const u8 key[16], int *err);
void rd_host_gcm_free(struct rd_gcm *g);
int rd_host_gcm_seal(struct rd_gcm *g, const u8 iv[12], const void *aad, size_t aad_len, void *buf,
		     size_t len, u8 tag[16]);
int rd_host_gcm_open(struct rd_gcm *g, const u8 iv[12], const void *aad, size_t aad_len, void *buf,
		     size_t len, const u8 tag[16]);

/* Compare in a time that does not depend on the bytes; overwrite, whatever the compiler thinks. */
bool rd_host_equal(const void *a, const void *b, size_t len);
void rd_host_wipe(void *p, size_t len);

/* Wait until every reader that entered rd_rcu_read_lock() before has left. May sleep. */
void rd_host_rcu_sync(void);

#endif
