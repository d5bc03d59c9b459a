/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An initialized enclave with a few pages of each kind, and one of somebody else's, for the tests
 * of dynamic memory.
 * Invariant: pages are written to the EPCM directly, as the leaves that make enclaves would.
 */
#ifndef RD_TESTS_UNIT_DYN_TESTS_H
#define RD_TESTS_UNIT_DYN_TESTS_H

#include <check.h>
#include "tests/unit/enclave_world.h"
#include "vmm/gwalk.h"

/* Pages of the EPC. */
enum {
	P_SECS,
	P_DATA, /* RW: SECINFO and what is copied */
	P_TARGET, /* RW: what the leaves change */
	P_TCS,
	P_FREE,
	P_OTHER_SECS,
	P_OTHER, /* RW, of the other enclave */
	P_VA,
};

#define SIZE (16 * 4096ULL)
/* Where they are in the enclave. */
#define LA_DATA (W_ENCL + 0x1000)
#define LA_TARGET (W_ENCL + 0x2000)
#define LA_TCS (W_ENCL + 0x3000)
#define LA_NEW (W_ENCL + 0x4000)
#define LA_RAM (W_ENCL + 0x5000) /* the guest maps something else here */
#define LA_NOTHING (W_ENCL + 0x6000)
#define LA_ALIAS (W_ENCL + 0x7000) /* the target again */
#define LA_OTHER (W_ENCL + 0x8000) /* a page of the other enclave */
#define LA_INVALID (W_ENCL + 0x9000) /* a free page */
#define LA_END (W_ENCL + SIZE)
#define NON_CANONICAL 0x8000000000000000ULL

#define REG(rwx) (RD_EPCM_VALID | RD_SI_PT(RD_PT_REG) | (rwx))
#define RW (RD_SI_R | RD_SI_W)
#define PENDING_PAGE (REG(RW) | RD_SI_PENDING)

/* How a leaf ends: a code for RAX, or these. */
enum { GP = 0x1000, PF_SECINFO, PF_TARGET, PF_TARGET_NO_EPC, PF_TARGET_ABSENT, PF_SOURCE, PF_SECS };
enum { PF_SECS_NO_EPC = PF_SECS + 1, PF_SECINFO_ABSENT, PF_TARGET_READONLY };
enum { QUIET = 0x2000 }; /* done, and neither RAX nor flags say so */

void dyn_begin(void);
void dyn_end(void);

static inline struct rd_epcm *entry(u32 page)
{
	return &w.epc.map[page];
}

/* The state becomes that; the page gets contents if it has none, and belongs to the enclave. */
void put_page(u32 page, u32 secs, u64 addr, u64 state);

/* The CPU is in the enclave by its TCS, or outside. */
void go_in(void);
void go_out(void);

/* SECINFO for ENCLS in memory, or for ENCLU in P_DATA: its address. */
u64 secinfo_outside(u64 flags);
u64 secinfo_inside(u64 flags);

/* Run a leaf, with all flags set before: user: ENCLU. */
int run(bool user, unsigned int leaf, u64 rbx, u64 rcx, u64 rdx);
/* Since then: EPCM, contents of the target, calls of revoke. */
bool epcm_unchanged(void);

struct ends {
	u64 secinfo, target, source, secs; /* addresses for the faults */
};

/* Did the leaf of run() end as wanted, and leave what it may not change? */
void check_end(int ret, int want, const struct ends *at);

Suite *rd_suite(void);
void add_encls(Suite *s);
void add_enclu(Suite *s);
void add_sequences(Suite *s);

#endif
