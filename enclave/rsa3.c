// SPDX-License-Identifier: GPL-2.0-only
/*
 * The signature of a SIGSTRUCT (P).
 *
 * Why not a library: the architecture has the signer put two quotients into SIGSTRUCT, Q1 of S^2 by
 * the modulus M and Q2 of the product of the remainder and S, so that the CPU need not divide.  A
 * SIGSTRUCT whose signature is good and whose quotients are not is refused, and no library looks at
 * quotients.  With them, S^3 modulo M takes four multiplications:
 *
 *	r1 = S * S - Q1 * M,  0 <= r1 < M
 *	r2 = r1 * S - Q2 * M, 0 <= r2 < M
 *
 * and r2 must be the encoded message.  The bounds make Q1 and Q2 the true quotients.
 * Invariant: numbers have WORDS words, products twice as many; nothing is ever cut off.
 */
#include "enclave/rsa3.h"
#include "kmod/host.h"

#define WORDS (RD_RSA_BYTES / 4)

struct work {
	u32 m[WORDS], s[WORDS], q[WORDS], r[WORDS];
	u32 ab[2 * WORDS], qm[2 * WORDS];
	u8 message[RD_RSA_BYTES];
};

static void multiply(u32 out[2 * WORDS], const u32 a[WORDS], const u32 b[WORDS])
{
	unsigned int i, j;

	memset(out, 0, 2 * RD_RSA_BYTES);
	for (i = 0; i < WORDS; i++) {
		u64 t = 0;

		for (j = 0; j < WORDS; j++) {
			/* At most 2^64 - 1: the carry is below 2^32. */
			t = (u64)a[i] * b[j] + out[i + j] + (t >> 32);
			out[i + j] = (u32)t;
		}
		out[i + WORDS] = t >> 32;
	}
}

/* a -= b; false: b was greater. */
static bool subtract(u32 *a, const u32 *b, unsigned int words)
{
	u64 borrow = 0;
	unsigned int i;

	for (i = 0; i < words; i++) {
		u64 t = (u64)a[i] - b[i] - borrow;

		a[i] = (u32)t;
		borrow = t >> 63;
	}
	return !borrow;
}

static bool below(const u32 a[WORDS], const u32 b[WORDS])
{
	unsigned int i = WORDS;

	while (i--)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}

/* r = a * s - q * m; false: that is not in [0, m). r may be a. */
static bool reduce(struct work *w, const u32 a[WORDS], const u8 q[RD_RSA_BYTES])
{
	unsigned int i;

	memcpy(w->q, q, RD_RSA_BYTES);
	multiply(w->ab, a, w->s);
	multiply(w->qm, w->q, w->m);
	if (!subtract(w->ab, w->qm, 2 * WORDS))
		return false;
	for (i = WORDS; i < 2 * WORDS; i++)
		if (w->ab[i])
			return false;
	memcpy(w->r, w->ab, RD_RSA_BYTES);
	return below(w->r, w->m);
}

/* EMSA-PKCS1-v1_5, from its last byte to its first. */
static void encode(u8 em[RD_RSA_BYTES], const u8 hash[32])
{
	/* DigestInfo of SHA-256: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING of 32 bytes } */
	static const u8 info[19] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	unsigned int i, n = 0;

	for (i = 0; i < 32; i++)
		em[n++] = hash[31 - i];
	for (i = 0; i < sizeof(info); i++)
		em[n++] = info[sizeof(info) - 1 - i];
	em[n++] = 0;
	while (n < RD_RSA_BYTES - 2)
		em[n++] = 0xff;
	em[n++] = 1;
	em[n] = 0;
}

int rd_rsa3_verify(const u8 m[RD_RSA_BYTES], const u8 s[RD_RSA_BYTES], const u8 q1[RD_RSA_BYTES],
		   const u8 q2[RD_RSA_BYTES], const u8 hash[32])
{
	struct work *w = rd_host_zalloc(sizeof(*w));
	int ret = -EBADMSG;

	if (!w)
		return -ENOMEM;
	memcpy(w->m, m, RD_RSA_BYTES);
	memcpy(w->s, s, RD_RSA_BYTES);
	encode(w->message, hash);
	if (below(w->s, w->m) && reduce(w, w->s, q1) && reduce(w, w->r, q2) &&
	    !memcmp(w->r, w->message, RD_RSA_BYTES))
		ret = 0;
	rd_host_free(w);
	return ret;
}
