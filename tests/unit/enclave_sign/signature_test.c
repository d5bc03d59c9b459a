// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGSTRUCT: the signature as RSA's verification of one digest, Q1 and Q2 by the equations that
 * define them, and a bit flipped in each byte.
 */
#include "tests/unit/enclave_sign/enclave_sign_test.h"
#include "tools/src/vmctl/signing_key.h"
#include "tools/src/vmctl/sigstruct.h"
#include "tools/src/vmctl/util.h"

#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#define MODULUS 128
#define SIGNATURE 516

static EVP_PKEY *key;
static struct rd_sigstruct good;

static void setup(void)
{
	ck_assert_int_eq(rd_signing_key_new(&key), 0);
	rd_sigstruct_init(&good);
	good.date = 0x20261201;
	good.isvprodid = 7;
	good.isvsvn = 3;
	good.attributes.flags = RD_ATTR_MODE64;
	good.attributes.xfrm = 3;
	memset(good.enclavehash, 0x5a, sizeof(good.enclavehash));
	ck_assert_int_eq(rd_sigstruct_sign(&good, key), 0);
}

static void teardown(void)
{
	EVP_PKEY_free(key);
}

START_TEST(the_digest_is_signed)
{
	u8 message[256], digest[32], sig[RD_RSA_BYTES];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	memcpy(message, &good, 128);
	memcpy(message + 128, (u8 *)&good + 900, 128);
	SHA256(message, sizeof(message), digest);
	for (size_t n = 0; n < sizeof(sig); n++)
		sig[n] = good.signature[sizeof(sig) - 1 - n];
	ck_assert_int_eq(EVP_PKEY_verify_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
	ck_assert_int_eq(EVP_PKEY_verify(ctx, sig, sizeof(sig), digest, sizeof(digest)), 1);
	digest[0] ^= 1;
	ck_assert_int_ne(EVP_PKEY_verify(ctx, sig, sizeof(sig), digest, sizeof(digest)), 1);
	EVP_PKEY_CTX_free(ctx);
}
END_TEST

static BIGNUM *number(const u8 *le)
{
	return BN_lebin2bn(le, RD_RSA_BYTES, NULL);
}

/* q1 * n + r = s^2 and q2 * n + s^3 mod n = s * r, with r and the last term below n. */
START_TEST(the_quotients)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = number(good.modulus), *s = number(good.signature), *q1 = number(good.q1);
	BIGNUM *q2 = number(good.q2), *r = BN_new(), *a = BN_new(), *b = BN_new(), *e = BN_new();

	ck_assert(BN_sqr(a, s, ctx) && BN_mul(b, q1, n, ctx) && BN_sub(r, a, b));
	ck_assert(!BN_is_negative(r) && BN_cmp(r, n) < 0);
	ck_assert(BN_set_word(e, 3) && BN_mod_exp(a, s, e, n, ctx) && BN_mul(b, q2, n, ctx));
	ck_assert(BN_add(a, a, b) && BN_mul(b, s, r, ctx));
	ck_assert_int_eq(BN_cmp(a, b), 0);
	for (BIGNUM **p = (BIGNUM *[]){ n, s, q1, q2, r, a, b, e, NULL }; *p; p++)
		BN_free(*p);
	BN_CTX_free(ctx);
}
END_TEST

static const struct {
	size_t at, len;
	/* What may still hold when a byte here is wrong. */
	bool form, signature, q1, q2;
} parts[] = {
	{ 0, 20, false, false, true, true }, /* header, vendor */
	{ 20, 4, true, false, true, true }, /* date */
	{ 24, 16, false, false, true, true }, /* header 2 */
	{ 40, 4, true, false, true, true }, /* for software */
	{ 44, 84, false, false, true, true }, /* reserved */
	{ MODULUS, 384, true, false, false, false }, /* modulus */
	{ 512, 4, false, true, true, true }, /* exponent */
	{ SIGNATURE, 384, true, false, false, false }, /* signature */
	{ 900, 10, true, false, true, true },
	{ 910, 2, false, false, true, true }, /* reserved */
	{ 912, 80, true, false, true, true },
	{ 992, 16, false, false, true, true }, /* reserved */
	{ 1008, 20, true, false, true, true },
	{ 1028, 12, false, true, true, true }, /* reserved, not signed */
	{ 1040, 384, true, true, false, true },
	{ 1424, 384, true, true, true, false },
};

START_TEST(a_flipped_bit)
{
	struct rd_sigstruct_verdict v;

	ck_assert(rd_sigstruct_check(&good, &v));
	for (size_t n = parts[_i].at; n < parts[_i].at + parts[_i].len; n++) {
		struct rd_sigstruct s = good;

		((u8 *)&s)[n] ^= (u8)(1u << n % 8);
		ck_assert_msg(!rd_sigstruct_check(&s, &v), "byte %zu", n);
		ck_assert_int_eq(v.form, parts[_i].form);
		ck_assert_int_eq(v.signature, parts[_i].signature);
		/* A low bit of what they are made from may leave the quotients as they are. */
		if (parts[_i].at == MODULUS || parts[_i].at == SIGNATURE)
			continue;
		ck_assert_int_eq(v.q1, parts[_i].q1);
		ck_assert_int_eq(v.q2, parts[_i].q2);
	}
}
END_TEST

START_TEST(the_parts_cover_all)
{
	size_t end = 0;

	for (size_t n = 0; n < ARRAY_SIZE(parts); n++) {
		ck_assert_uint_eq(parts[n].at, end);
		end += parts[n].len;
	}
	ck_assert_uint_eq(end, sizeof(struct rd_sigstruct));
}
END_TEST

/* Numbers that a library may stumble over. */
START_TEST(strange_numbers)
{
	struct rd_sigstruct_verdict v;
	struct rd_sigstruct s = good;

	memset(s.modulus, 0, sizeof(s.modulus));
	ck_assert(!rd_sigstruct_check(&s, &v) && !v.signature && !v.q1 && !v.q2);
	s.modulus[0] = 1;
	ck_assert(!rd_sigstruct_check(&s, &v) && !v.signature && !v.q1 && !v.q2);
	s = good;
	memset(s.signature, 0xff, sizeof(s.signature));
	ck_assert(!rd_sigstruct_check(&s, &v) && !v.signature && !v.q1 && !v.q2);
	s = good;
	memset(s.signature, 0, sizeof(s.signature));
	memset(s.q1, 0, sizeof(s.q1));
	memset(s.q2, 0, sizeof(s.q2));
	ck_assert(!rd_sigstruct_check(&s, &v) && !v.signature && v.q1 && v.q2);
	memset(&s, 0xff, sizeof(s));
	ck_assert(!rd_sigstruct_check(&s, &v));
	memset(&s, 0, sizeof(s));
	ck_assert(!rd_sigstruct_check(&s, &v));
}
END_TEST

START_TEST(the_signer)
{
	u8 mrsigner[32], want[32];

	ck_assert_int_eq(rd_sigstruct_mrsigner(&good, mrsigner), 0);
	SHA256((u8 *)&good + 128, 384, want);
	ck_assert_mem_eq(mrsigner, want, 32);
}
END_TEST

TCase *signature_case(void)
{
	TCase *t = tcase_create("signature");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, the_digest_is_signed);
	tcase_add_test(t, the_quotients);
	tcase_add_loop_test(t, a_flipped_bit, 0, (int)ARRAY_SIZE(parts));
	tcase_add_test(t, the_parts_cover_all);
	tcase_add_test(t, strange_numbers);
	tcase_add_test(t, the_signer);
	return t;
}
