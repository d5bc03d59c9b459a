/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A module for test guests that attacks the kernel it runs in, one attack at a time, as a rootkit
 * would, and says in the log what became of each.
 * Invariant: a write that lands is taken back before anything else runs on this CPU, and lands
 * where nobody is harmed meanwhile; one that is refused is survived.
 */
#ifndef RD_TESTS_GUEST_ROOTKIT_H
#define RD_TESTS_GUEST_ROOTKIT_H

#include <linux/types.h>

/* Each word that can be written to the parameter "attack", and what it does. */
struct rk_attack {
	const char *name;
	void (*run)(const char *name);
};

/* Ended by one without a name. */
extern const struct rk_attack rk_kernel_attacks[], rk_driver_attacks[];

/* The address of a symbol of the kernel, exported or not; NULL: there is none. */
void *rk_symbol(const char *name);

/*
 * Write len bytes (1 or 8) of value at the address, with CR0.WP clear, and put back what was there.
 * Says in the log how it went:
 *
 *   ROOTKIT name: wrote|refused|skipped rip=0x... gpa=0x...
 *
 * rip is the address of the instruction that writes. skipped: no fault, but it did not land.
 */
void rk_poke(const char *name, void *at, u64 value, unsigned int len);
/* ROOTKIT name: none what. There is nothing to attack. */
void rk_none(const char *name, const char *what);

/* 8 bytes at any address. False: they cannot be read. */
bool rk_peek(const void *at, u64 *value);

#endif
