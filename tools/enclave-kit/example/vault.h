/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the example's enclave and its host: numbers of calls and what each takes and gives. */
#ifndef RD_KIT_VAULT_H
#define RD_KIT_VAULT_H

#include "tools/enclave-kit/sgx.h"

#include <stdint.h>

enum vault_call {
	VAULT_COUNT,
	VAULT_HASH,
	VAULT_MAC,
	VAULT_REPORT,
	VAULT_KEY,
	VAULT_CPUID,
	VAULT_PROBE,
	VAULT_ASK,
	VAULT_HEAP,
	VAULT_CPU_STATE,
	VAULT_CRASH,
};

enum vault_ocall { VAULT_OCALL_ANSWER, VAULT_OCALL_MISSING };

/* The counter cannot be set, and counts for all threads. */
struct vault_count {
	uint64_t add, total;
};

/* SHA-256 of LEN bytes of the host's, or HMAC-SHA-256 under a key that no one outside knows. */
struct vault_digest {
	uint64_t data, len;
	uint8_t digest[32];
};

struct vault_report {
	uint8_t target[512]; /* all zeros: this enclave */
	uint8_t data[64];
	uint8_t report[RD_KIT_REPORT_BYTES];
};

/* A sealing key; what is given is its hash. */
struct vault_key {
	uint16_t policy;
	uint8_t id[32];
	uint8_t hash[32];
};

/* What the exception handler makes of CPUID, which enclaves do not have. */
struct vault_cpuid {
	uint32_t leaf, eax;
	uint64_t r15; /* must be as it was before */
};

/* Reads a byte at any address; a page fault is caught, and its page told. */
struct vault_probe {
	uint64_t address;
	uint64_t fault;
	uint32_t value, faulted;
};

/* Has the host answer a question. */
struct vault_ask {
	uint64_t question, answer;
	int64_t result, result_of_missing;
};

/* Allocates and frees; ROUNDS times; WRONG counts what was not as it was left. */
struct vault_heap {
	uint64_t rounds, wrong;
};

struct vault_cpu_state {
	uint64_t rflags;
	uint32_t mxcsr, x87_control;
	uint64_t xmm15[2]; /* as found at entry */
};

#endif
