/* SPDX-License-Identifier: GPL-2.0-only */
/* Between load.c and call.c. */
#ifndef RD_KIT_LOADER_PRIV_H
#define RD_KIT_LOADER_PRIV_H

#include "tools/enclave-kit/abi.h"
#include "tools/enclave-kit/outside/enclave_loader.h"

#include <asm/sgx.h>
#include <stdbool.h>

struct rd_encl_thread {
	uint64_t tcs;
	bool busy; /* atomic */
	bool stuck; /* of its user */
	uint8_t area[RD_KIT_ARGS_MAX] __attribute__((aligned(16)));
};

struct rd_encl {
	int fd;
	uint64_t base, size;
	uint32_t n_threads;
	struct rd_encl_thread *threads;
	const void *enter; /* __vdso_sgx_enter_enclave() */
	struct rd_encl_options options;
};

/* What EENTER finds in registers; enter.S knows the offsets. */
struct rd_encl_regs {
	uint64_t rdi, rsi, rdx, r8, r9;
};

/* rd_encl_enter - EENTER by the vDSO's function ENTER; returns what it returns. */
int rd_encl_enter(const struct rd_encl_regs *regs, struct sgx_enclave_run *run, const void *enter);

/* rd_encl_fail - put one line into ERROR, which may be NULL. */
void rd_encl_fail(char error[RD_ENCL_ERROR_BYTES], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
