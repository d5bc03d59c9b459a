/* SPDX-License-Identifier: GPL-2.0-only */
/* Where an address lies, for an enclave at BASE of SIZE bytes. Pure; no sum may wrap. */
#ifndef RD_KIT_RANGE_H
#define RD_KIT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* What a user program can have below: nothing beyond is the host's either. */
#define RD_KIT_USER_END (1ULL << 47)

/* No byte is the enclave's, and each could be the host's. No bytes are outside at any address. */
static inline bool rd_kit_range_outside(uint64_t base, uint64_t size, uint64_t addr, uint64_t n)
{
	if (!n)
		return true;
	if (addr >= RD_KIT_USER_END || n > RD_KIT_USER_END - addr)
		return false;
	return addr >= base + size || addr + n <= base;
}

static inline bool rd_kit_range_inside(uint64_t base, uint64_t size, uint64_t addr, uint64_t n)
{
	return addr >= base && addr - base <= size && n <= size - (addr - base);
}

#endif
