/* SPDX-License-Identifier: GPL-2.0-only */
/* SIGSTRUCT: what EINIT believes of an enclave. Made, signed and checked here. */
#ifndef RD_TOOLS_SIGSTRUCT_H
#define RD_TOOLS_SIGSTRUCT_H

#include "enclave/arch.h"

#include <openssl/evp.h>

/* rd_sigstruct_init - the parts that are always the same; the rest is zeros. */
void rd_sigstruct_init(struct rd_sigstruct *s);

/*
 * rd_sigstruct_sign - put in modulus, exponent, signature, Q1 and Q2 for a key that
 * rd_signing_key_load() has accepted, and check them. A status.
 */
int rd_sigstruct_sign(struct rd_sigstruct *s, EVP_PKEY *key);

/* What EINIT looks at. */
struct rd_sigstruct_verdict {
	bool form; /* headers, exponent, reserved bytes */
	bool signature;
	bool q1, q2;
};

/* rd_sigstruct_check - is all of it as EINIT wants it? S is hostile. */
bool rd_sigstruct_check(const struct rd_sigstruct *s, struct rd_sigstruct_verdict *v);

/* rd_sigstruct_mrsigner - the hash of the key. A status. */
int rd_sigstruct_mrsigner(const struct rd_sigstruct *s, uint8_t mrsigner[32]);

/* rd_sigstruct_load - from a file, unchecked but for its length. A status. */
int rd_sigstruct_load(const char *path, struct rd_sigstruct *s);

#endif
