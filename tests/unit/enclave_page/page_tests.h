/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this directory share: where a guest keeps its structures, enclaves to try
 * things on, and what a leaf must leave alone.
 * Invariant: after a leaf that did nothing, the EPC with all its locks, the registers and the
 * memory of the host are as before.
 */
#ifndef RD_TESTS_UNIT_ENCLAVE_PAGE_PAGE_TESTS_H
#define RD_TESTS_UNIT_ENCLAVE_PAGE_PAGE_TESTS_H

#include "tests/unit/enclave_world.h"
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/gwalk.h"

/* In the guest's memory. */
#define A_PI W_RAM
#define A_SI (W_RAM + 0x40)
#define A_PCMD (W_RAM + 0x80)
#define A_SRC (W_RAM + 0x1000)
#define A_OUT(n) (W_RAM + 0x8000 + (n)*0x2000ULL) /* an evicted page; its PCMD behind it */
#define A_NOWHERE (W_RAM + W_RAM_NR * 4096ULL)

/* In the EPC. Free pages: P_FREE and above. */
enum { P_SECS, P_OTHER_SECS, P_REG, P_REG2, P_TCS, P_VA, P_TRIM, P_OTHER_REG, P_FREE };

#define E_SIZE 0x100000ULL
#define E_BASE W_ENCL
#define E_OTHER (W_ENCL + E_SIZE)
#define E_REG (E_BASE + 0x2000)
#define E_REG2 (E_BASE + 0x3000)
#define E_TCS (E_BASE + 0x4000)
#define E_TRIM (E_BASE + 0x5000)

#define F_FIXED 0x202ULL
#define F_CF 1ULL
#define F_ZF 0x40ULL
#define F_ARITH 0x8d5ULL

#define PF_EPCM (RD_PF_SGX | RD_PF_P)

/* A machine with keys: empty, or with two enclaves (both DEBUG) and a page of each sort. */
void setup_empty(void);
void setup(void);
void teardown(void);

static inline struct rd_pageinfo *pi(void)
{
	return w_ram(A_PI);
}

static inline struct rd_secinfo *si(void)
{
	return w_ram(A_SI);
}

static inline struct rd_epcm *entry(u32 page)
{
	return &w.epc.map[page];
}

/* A good SECS at A_SRC with PAGEINFO and SECINFO for ECREATE; the same for a page for EADD. */
void prepare_create(u64 base, u64 attributes);
void prepare_add(u32 secs, u64 la, u64 flags);
/* As SGX2 would have made it of a page of the enclave. */
void make_state(u32 page, u64 set, u64 clear);
u64 *slot(u32 va, unsigned int n);

/* Run a leaf and check how it ends, what it says, and, unless it succeeds, that nothing changed. */
void expect_ok(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx); /* RAX and flags say nothing */
void expect_done(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx); /* RAX 0, flags clear */
void expect_zf(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, u32 code);
void expect_cf(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, u32 code);
void expect_gp(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx);
void expect_pf(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, u64 la, u32 error);
/* The n-th allocation from here fails, and with it the leaf. */
void expect_no_memory(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, unsigned int n);

void add_create_tests(Suite *s);
void add_evict_tests(Suite *s);
void add_tamper_tests(Suite *s);
void add_debug_tests(Suite *s);
void add_epcm_tests(Suite *s);

#endif
