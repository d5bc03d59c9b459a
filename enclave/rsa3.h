/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signature of a SIGSTRUCT (P): RSA-3072, exponent 3, PKCS#1 v1.5 with SHA-256.
 * Invariant: all that is looked at is public, so time may depend on it.
 */
#ifndef RD_ENCLAVE_RSA3_H
#define RD_ENCLAVE_RSA3_H

#include "enclave/arch.h"

/*
 * Is s the signature of hash under modulus m?  q1 and q2 are the quotients that the signer has
 * worked out; all numbers are little endian.  0, -EBADMSG, -ENOMEM.  May sleep.
 */
int rd_rsa3_verify(const u8 m[RD_RSA_BYTES], const u8 s[RD_RSA_BYTES], const u8 q1[RD_RSA_BYTES],
		   const u8 q2[RD_RSA_BYTES], const u8 hash[32]);

#endif
