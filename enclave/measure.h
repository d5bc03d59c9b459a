/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MRENCLAVE (P): the measurement of an enclave under construction, which lives in its SECS.
 * Invariant: RD_OP_MEASURE of the SECS is the caller's, or nobody else knows the SECS yet; between
 * two calls the message is a whole number of the hash's blocks.
 */
#ifndef RD_ENCLAVE_MEASURE_H
#define RD_ENCLAVE_MEASURE_H

#include "enclave/epc.h"

/* ECREATE: begins the measurement with SIZE and SSAFRAMESIZE of s. */
void rd_measure_create(struct rd_secs *s);
/* EADD: a page at offset from the enclave's base; of si, the flags as they go into the EPCM. */
void rd_measure_add(struct rd_secs *s, u64 offset, const struct rd_secinfo *si);
/* EEXTEND: what chunk holds, at offset from the enclave's base. */
void rd_measure_extend(struct rd_secs *s, u64 offset, const u8 chunk[RD_SGX_CHUNK]);
/* EINIT: what was measured so far. The measurement stays as it is: EINIT may still fail. */
void rd_measure_final(struct rd_secs *s, u8 hash[32]);

#endif
