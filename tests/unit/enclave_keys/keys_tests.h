/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of measurements, signatures and keys share: signers, and enclaves that are written
 * into the EPC as ECREATE and EADD would have left them.
 * Invariant: what is computed here comes from OpenSSL, not from enclave/.
 */
#ifndef RD_TESTS_UNIT_ENCLAVE_KEYS_H
#define RD_TESTS_UNIT_ENCLAVE_KEYS_H

#include "tests/unit/enclave_world.h"
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/gwalk.h"

enum signer { ALICE, BOB, NR_SIGNERS };

#define SIG_LA W_RAM
#define TOKEN_LA (W_RAM + 0x1000)
#define ACC_ALL (RD_ACC_READ | RD_ACC_WRITE | RD_ACC_FETCH)
#define ENCLAVE_SIZE 0x10000ULL
#define F_ALL 0x8d5ULL /* CF, PF, AF, ZF, SF, OF */
#define F_ZF 0x40ULL

/* RSA keys, before the tests are forked. */
void signers_init(void);
/* MRSIGNER of what the signer signs. */
const u8 *signer_hash(enum signer who);
/* A signature of SHA-256 of data, and its quotients, all little endian. */
void signer_sign(enum signer who, const void *data, size_t len, struct rd_sigstruct *g);
/* The bare operation: the "signature" of a number, big endian. */
void signer_raw(enum signer who, const u8 number[RD_RSA_BYTES], struct rd_sigstruct *g);
/* The quotients of any signature; false: one does not fit. */
bool quotients(struct rd_sigstruct *g);
/* The whole SIGSTRUCT. */
void sigstruct_sign(struct rd_sigstruct *g, enum signer who);
/* A SIGSTRUCT that asks for nothing but this measurement; not signed. */
void sigstruct_init(struct rd_sigstruct *g, const u8 enclavehash[32]);
void cmac(const u8 key[16], const void *data, size_t len, u8 mac[16]);

/*
 * An enclave of ENCLAVE_SIZE at base, without contents that were measured: its SECS in EPC page n,
 * one page to read and write at base in page n + 1.  Not initialised.
 */
struct rd_secs *enclave_new(u32 n, u64 base, u64 flags);
/* What the measurement of such an enclave is. */
void enclave_hash(u8 hash[32]);
/* As a thread that is in the enclave of the SECS in page n. */
void enclave_enter(u32 n);
void enclave_leave(void);
u8 *enclave_data(u32 n); /* its page */
/* Locks and operations of all pages were given back. */
void check_quiet(void);

int einit(u32 n); /* with what is at SIG_LA and TOKEN_LA */
/* EGETKEY by the enclave in page n: RAX; a fault aborts. */
u64 get_key(u32 n, const struct rd_keyrequest *r, u8 key[16]);

void add_crypto_tests(Suite *s);
void add_measure_tests(Suite *s);
void add_rsa3_tests(Suite *s);
void add_init_tests(Suite *s);
void add_token_tests(Suite *s);
void add_key_tests(Suite *s);
void add_report_tests(Suite *s);

#endif
