/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads enclaves of the kit by the kernel's driver, and calls them: libredoubt-enclave.a.
 *
 * Any thread of the program may call; each call takes a thread of the enclave for its time. The
 * enclave may call back (OCALL), and the function that it calls may call the enclave, which takes
 * another thread.
 */
#ifndef RD_KIT_ENCLAVE_LOADER_H
#define RD_KIT_ENCLAVE_LOADER_H

#include <stddef.h>
#include <stdint.h>

#define RD_ENCL_ERROR_BYTES 256

struct rd_encl;

/* ARGS is a copy that the enclave takes back when the function returns. */
typedef int64_t rd_encl_ocall_fn(void *ctx, void *args, size_t size);

struct rd_encl_options {
	rd_encl_ocall_fn *const *ocalls; /* by number; NULL: there is none */
	size_t n_ocalls;
	void *ctx; /* for them */
	const char *device; /* NULL: /dev/sgx_enclave */
	const char *provision; /* NULL: /dev/sgx_provision, opened if the enclave asks for it */
};

/*
 * rd_encl_load - create, fill and start the enclave in the ELF file with the signature in SIG.
 * OPTIONS may be NULL. Returns NULL and says why in ERROR, in one line.
 */
struct rd_encl *rd_encl_load(const char *elf, const char *sig,
			     const struct rd_encl_options *options,
			     char error[RD_ENCL_ERROR_BYTES]);

/* rd_encl_unload - when no thread is inside. NULL is nothing. */
void rd_encl_unload(struct rd_encl *e);

/*
 * rd_encl_call - call the enclave's function NUMBER with SIZE bytes of ARGS, which it may change.
 * 0: *RESULT is what it returned. Otherwise a negative errno, with the reason in ERROR:
 * -EBUSY no thread is free; -EINVAL the enclave has no such call, or not with this size; -EFAULT
 * the enclave could not be entered or is dead, once and for all.
 */
int rd_encl_call(struct rd_encl *e, unsigned int number, void *args, size_t size, int64_t *result,
		 char error[RD_ENCL_ERROR_BYTES]);

uint64_t rd_encl_base(const struct rd_encl *e);
uint64_t rd_encl_size(const struct rd_encl *e);

#endif
