/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for the tests of enclave/: a guest's memory, page tables that a test fills, an EPC, and
 * one CPU. Invariant: linear addresses that a test has not mapped fault.
 */
#ifndef RD_TESTS_UNIT_ENCLAVE_WORLD_H
#define RD_TESTS_UNIT_ENCLAVE_WORLD_H

#include "enclave/enter.h"

#define W_EPC_BASE 0x100000000ULL
#define W_EPC_NR 64U
#define W_RAM_NR 64U
#define W_RAM 0x10000000ULL /* linear = guest-physical: ordinary memory, all rights */
#define W_EPC 0x7f0000000000ULL /* linear address of EPC page 0, as a kernel maps it */
#define W_ENCL 0x7e0000000000ULL /* where tests put enclaves */
#define W_MAPS 128U

struct world {
	struct rd_epc epc;
	struct rd_leaf l;
	struct rd_inside stay;
	u8 ram[W_RAM_NR * 4096] __aligned(4096);
	struct {
		u64 la, gpa;
		unsigned int acc;
	} map[W_MAPS];
	unsigned int maps;
	unsigned int revoked; /* calls */
	u32 last_revoked;
	u8 xbuf[4096] __aligned(64);
	u8 xstate[4096]; /* what xsave gives and xrstor takes */
	bool xrstor_refuses;
};

extern struct world w;

/* All anew: no enclave, the CPU outside, registers 0, keys from a root key of zeros where has_keys.
 */
void world_reset(bool has_keys);
/* Back with all memory; dies when something has leaked. */
void world_end(void);

/* Map a page (again). acc 0: take the mapping away. */
void world_map(u64 la, u64 gpa, unsigned int acc);
/* The linear address of an EPC page for the kernel, its guest-physical one, and that of a byte of
 * w.ram. */
static inline u64 w_epc(u32 page)
{
	return W_EPC + page * 4096ULL;
}

static inline u64 w_gpa(u32 page)
{
	return W_EPC_BASE + page * 4096ULL;
}

static inline void *w_ram(u64 la)
{
	return &w.ram[la - W_RAM];
}

/* Run a leaf by number. Registers are in w.l.gpr before and after; RAX is set here. */
int w_encls(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx);
int w_enclu(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx);

#endif
