/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measures and signs enclaves for selftests, by libcrypto.
 * Invariant: nothing here comes from enclave/ but the layout of structures.
 */
#ifndef RDT_SGX_SIGNER_H
#define RDT_SGX_SIGNER_H

#include "enclave/arch.h"

/* The measurement under way; one at a time. */
void signer_create(uint64_t size, uint32_t ssa_frame_size);
void signer_add(uint64_t offset, uint64_t secinfo_flags);
void signer_extend(uint64_t offset, const void *chunk);
/* SIGSTRUCT for what was measured, with a key of this process; key: the hash of its modulus. */
void signer_sign(struct rd_sigstruct *g, uint64_t attributes, uint64_t xfrm, uint8_t key[32]);

#endif
