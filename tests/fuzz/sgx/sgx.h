/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two CPUs on one EPC, and what must hold after each thing that they do.
 * Invariant: what is asked for here is written from the SDM and the headers of enclave/, not from
 * its code.
 */
#ifndef RD_TESTS_FUZZ_SGX_H
#define RD_TESTS_FUZZ_SGX_H

#include "tests/unit/enclave_world.h"
#include "tests/unit/host_shim.h"

#define CPUS 2U

struct cpu {
	struct rd_leaf l;
	struct rd_inside stay;
	u8 xbuf[4096] __aligned(64);
};

extern struct cpu cpus[CPUS];

/* What another CPU holds of a page during a call. page RD_NO_PAGE: nothing. */
struct hold {
	u32 page;
	enum { HOLD_SHARED, HOLD_OWNED, HOLD_MEASURE, HOLD_TRACK, HOLD_CHANGE, NR_HOLDS } what;
};

/* A new machine, whose secret is of this seed; and its end, when all memory must be free. */
void sgx_begin(u64 seed);
void sgx_end(void);

/* Run the leaf in c's registers, and judge it. */
int sgx_call(struct cpu *c, bool encls, const struct hold *h);
/* Before the n-th step of the next call, if it has so many, the other CPU does this. */
void sgx_meanwhile(unsigned int steps, void (*fn)(struct cpu *c));

/* The enclave is left asynchronously. */
void sgx_aex(struct cpu *c, struct rd_aex *why);

/* A secret for this page, if it is of an enclave that nobody may debug. */
void sgx_plant(u32 page);

void sgx_die(const char *what);

#endif
