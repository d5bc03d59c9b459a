// SPDX-License-Identifier: GPL-2.0-only
/* Signatures with quotients, made with OpenSSL's numbers. */
#include <openssl/bn.h>
#include <openssl/sha.h>
#include "enclave/rsa3.h"
#include "tests/unit/enclave_keys/keys_tests.h"

static struct rd_sigstruct g;
static u8 hash[32];

static void sign(enum signer who, unsigned int what)
{
	signer_sign(who, &what, sizeof(what), &g);
	SHA256((const u8 *)&what, sizeof(what), hash);
}

static int verify(void)
{
	int ret = rd_rsa3_verify(g.modulus, g.signature, g.q1, g.q2, hash);

	ck_assert_uint_eq(rd_shim_allocations(), 0);
	return ret;
}

START_TEST(test_good)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		sign(i % NR_SIGNERS, i);
		ck_assert_int_eq(verify(), 0);
	}
}
END_TEST

static void check_flips(u8 *p, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes * 8; i++) {
		p[i / 8] ^= 1 << i % 8;
		ck_assert_int_eq(verify(), -EBADMSG);
		p[i / 8] ^= 1 << i % 8;
		i += i / 8 < bytes - 1 ? 6 : 0; /* of most bytes one, each time another */
	}
	ck_assert_int_eq(verify(), 0);
}

START_TEST(test_flips)
{
	sign(ALICE, 1);
	check_flips(g.modulus, RD_RSA_BYTES);
	check_flips(g.signature, RD_RSA_BYTES);
	check_flips(g.q1, RD_RSA_BYTES);
	check_flips(g.q2, RD_RSA_BYTES);
	check_flips(hash, sizeof(hash));
}
END_TEST

/* p += by, which is 1 or -1. */
static void step(u8 *p, int by)
{
	BIGNUM *n = BN_lebin2bn(p, RD_RSA_BYTES, NULL);

	ck_assert(by > 0 ? BN_add_word(n, 1) : BN_sub_word(n, 1));
	ck_assert_int_gt(BN_bn2lebinpad(n, p, RD_RSA_BYTES), 0);
	BN_free(n);
}

static bool r1_plus_m_fits(void)
{
	BIGNUM *m = BN_lebin2bn(g.modulus, RD_RSA_BYTES, NULL);
	BIGNUM *r = BN_lebin2bn(g.signature, RD_RSA_BYTES, NULL);
	BN_CTX *c = BN_CTX_new();
	bool fits;

	ck_assert(BN_mod_sqr(r, r, m, c));
	BN_add(r, r, m);
	fits = BN_num_bits(r) <= 3072;
	BN_free(m);
	BN_free(r);
	BN_CTX_free(c);
	return fits;
}

/* Q1 or Q2 that are off by one leave a remainder below 0 or not below M. */
START_TEST(test_quotient_off_by_one)
{
	unsigned int i;

	sign(BOB, 2);
	for (i = 0; i < 4; i++) {
		u8 *q = i & 1 ? g.q1 : g.q2;
		int by = i & 2 ? 1 : -1;

		step(q, by);
		ck_assert_int_eq(verify(), -EBADMSG);
		step(q, -by);
		ck_assert_int_eq(verify(), 0);
	}
}
END_TEST

/*
 * Q1 - 1 leaves R1 + M, and with Q2 + S that comes to the same R2: a pair of quotients that are not
 * quotients, and may fit.
 */
START_TEST(test_quotients_that_make_up_for_each_other)
{
	unsigned int what, seen = 0;

	for (what = 0; what < 2000 && !seen; what++) {
		BIGNUM *s, *q2;

		sign(what % NR_SIGNERS, what);
		s = BN_lebin2bn(g.signature, RD_RSA_BYTES, NULL);
		q2 = BN_lebin2bn(g.q2, RD_RSA_BYTES, NULL);
		BN_add(q2, q2, s);
		if (r1_plus_m_fits() && BN_bn2lebinpad(q2, g.q2, RD_RSA_BYTES) > 0) {
			step(g.q1, -1);
			ck_assert_int_eq(verify(), -EBADMSG);
			seen++;
		}
		BN_free(s);
		BN_free(q2);
	}
	if (!seen)
		fprintf(stderr, "rsa3_test: both moduli are too great for R1 + M\n");
}
END_TEST

/* out = (a * b - c) / m modulo 2^3072. */
static void quotient_cut_off(u8 *out, const BIGNUM *a, const BIGNUM *b, const BIGNUM *c,
			     const BIGNUM *m)
{
	BIGNUM *r = BN_new(), *t = BN_new();
	BN_CTX *ctx = BN_CTX_new();

	ck_assert(BN_set_bit(r, 3072) && BN_mod_inverse(t, m, r, ctx) == t);
	ck_assert(BN_mul(r, a, b, ctx) && BN_sub(r, r, c) && BN_mul(t, t, r, ctx));
	BN_zero(r);
	BN_set_bit(r, 3072);
	ck_assert(BN_nnmod(t, t, r, ctx));
	ck_assert_int_gt(BN_bn2lebinpad(t, out, RD_RSA_BYTES), 0);
	BN_free(r);
	BN_free(t);
	BN_CTX_free(ctx);
}

/*
 * Whoever cuts the products off at 3072 bits takes these: S and R1 are any numbers, and Q1 and Q2
 * those that give R1 and the message modulo 2^3072.
 */
START_TEST(test_forgery_modulo_word_size)
{
	BIGNUM *m, *s, *r1, *em;
	unsigned int i;
	BN_CTX *c;

	sign(ALICE, 5);
	m = BN_lebin2bn(g.modulus, RD_RSA_BYTES, NULL);
	s = BN_lebin2bn(g.signature, RD_RSA_BYTES, NULL);
	em = BN_new();
	r1 = BN_new();
	c = BN_CTX_new();
	ck_assert(BN_mod_sqr(em, s, m, c) && BN_mod_mul(em, em, s, m, c));
	BN_CTX_free(c);
	for (i = 0; i < 40; i++) {
		ck_assert(BN_rand_range(s, m) && BN_rand_range(r1, m));
		ck_assert_int_gt(BN_bn2lebinpad(s, g.signature, RD_RSA_BYTES), 0);
		quotient_cut_off(g.q1, s, s, r1, m);
		quotient_cut_off(g.q2, r1, s, em, m);
		ck_assert_int_eq(verify(), -EBADMSG);
	}
	BN_free(m);
	BN_free(s);
	BN_free(r1);
	BN_free(em);
}
END_TEST

/* S + M has the same cube modulo M, and quotients that may fit; it is no signature. */
START_TEST(test_signature_not_below_modulus)
{
	unsigned int what, seen = 0;

	for (what = 0; what < 2000 && !seen; what++) {
		BIGNUM *m, *n;

		sign(what % NR_SIGNERS, what);
		m = BN_lebin2bn(g.modulus, RD_RSA_BYTES, NULL);
		n = BN_lebin2bn(g.signature, RD_RSA_BYTES, NULL);
		BN_add(n, n, m);
		if (BN_bn2lebinpad(n, g.signature, RD_RSA_BYTES) > 0 && quotients(&g)) {
			ck_assert_int_eq(verify(), -EBADMSG);
			seen++;
		}
		BN_free(m);
		BN_free(n);
	}
	if (!seen)
		fprintf(stderr, "rsa3_test: both moduli are too great for S + M\n");
}
END_TEST

/* The encoded message has no byte that may be another: not one of the padding either. */
START_TEST(test_padding)
{
	static const u8 info[] = { 0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
				   0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	u8 em[RD_RSA_BYTES] = { 0, 1 };
	unsigned int i;

	SHA256((const u8 *)"abc", 3, hash);
	memset(em + 2, 0xff, RD_RSA_BYTES - 2);
	memcpy(em + RD_RSA_BYTES - 32 - sizeof(info), info, sizeof(info));
	memcpy(em + RD_RSA_BYTES - 32, hash, 32);
	signer_raw(BOB, em, &g);
	ck_assert_int_eq(verify(), 0);
	for (i = 0; i<RD_RSA_BYTES; i += i> 2 && i < 320 ? 9 : 1) {
		em[i] ^= 1 << i % 7;
		signer_raw(BOB, em, &g);
		ck_assert_int_eq(verify(), -EBADMSG);
		em[i] ^= 1 << i % 7;
	}
}
END_TEST

/* Signatures of something else than PKCS#1 v1.5 with SHA-256: as bare numbers, by the key. */
START_TEST(test_nonsense)
{
	static const u8 zeros[RD_RSA_BYTES];
	unsigned int i;

	sign(ALICE, 3);
	memcpy(g.signature, zeros, RD_RSA_BYTES);
	memcpy(g.q1, zeros, RD_RSA_BYTES);
	memcpy(g.q2, zeros, RD_RSA_BYTES);
	ck_assert_int_eq(verify(), -EBADMSG);
	memcpy(g.modulus, zeros, RD_RSA_BYTES);
	ck_assert_int_eq(verify(), -EBADMSG);
	memset(&g, 0xff, sizeof(g));
	ck_assert_int_eq(verify(), -EBADMSG);
	for (i = 0; i < 200; i++) {
		rd_host_random(&g, sizeof(g));
		quotients(&g);
		ck_assert_int_eq(verify(), -EBADMSG);
	}
}
END_TEST

START_TEST(test_no_memory)
{
	sign(ALICE, 4);
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(verify(), -ENOMEM);
	ck_assert_int_eq(verify(), 0);
}
END_TEST

void add_rsa3_tests(Suite *s)
{
	TCase *c = tcase_create("rsa3");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, test_good);
	tcase_add_test(c, test_flips);
	tcase_add_test(c, test_quotient_off_by_one);
	tcase_add_test(c, test_quotients_that_make_up_for_each_other);
	tcase_add_test(c, test_forgery_modulo_word_size);
	tcase_add_test(c, test_signature_not_below_modulus);
	tcase_add_test(c, test_padding);
	tcase_add_test(c, test_nonsense);
	tcase_add_test(c, test_no_memory);
	suite_add_tcase(s, c);
}
