/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of eviction share. Invariant: slot n of P_VA goes with A_OUT(n). */
#ifndef RD_TESTS_UNIT_ENCLAVE_PAGE_EVICT_TESTS_H
#define RD_TESTS_UNIT_ENCLAVE_PAGE_EVICT_TESTS_H

#include "tests/unit/enclave_page/page_tests.h"

#define PCMD_OF(n) (A_OUT(n) + 0x1000)

static inline u64 a_slot(unsigned int n)
{
	return w_epc(P_VA) + n * 8ULL;
}

static inline struct rd_pcmd *pcmd(unsigned int n)
{
	return w_ram(PCMD_OF(n));
}

/* PAGEINFO for EWB to A_OUT(n); for ELDx from there. secs: RD_NO_PAGE: none. */
void prepare_out(unsigned int n);
void prepare_in(unsigned int n, u32 secs, u64 linaddr);
/* EBLOCK and ETRACK, so that EWB may follow. */
void make_evictable(u32 page);
/* All three, and EWB by slot n. The linear address that ELDx wants. */
u64 evict(u32 page, unsigned int n);

#endif
