// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signers of enclaves: RSA keys of 3072 bits with exponent 3, new in each run.
 * Invariant: as in keys_tests.h.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include "tests/unit/enclave_keys/keys_tests.h"

static struct {
	EVP_PKEY *key;
	u8 modulus[RD_RSA_BYTES], hash[32];
} signers[NR_SIGNERS];

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "signer: OpenSSL failed\n");
	abort();
}

void signers_init(void)
{
	unsigned int i;

	for (i = 0; i < NR_SIGNERS; i++) {
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
		BIGNUM *three = BN_new(), *n = NULL;

		must(c && three && BN_set_word(three, 3) && EVP_PKEY_keygen_init(c) > 0 &&
		     EVP_PKEY_CTX_set_rsa_keygen_bits(c, 3072) > 0 &&
		     EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, three) > 0 &&
		     EVP_PKEY_keygen(c, &signers[i].key) > 0);
		must(EVP_PKEY_get_bn_param(signers[i].key, OSSL_PKEY_PARAM_RSA_N, &n) &&
		     BN_bn2lebinpad(n, signers[i].modulus, RD_RSA_BYTES) > 0);
		SHA256(signers[i].modulus, RD_RSA_BYTES, signers[i].hash);
		BN_free(n);
		BN_free(three);
		EVP_PKEY_CTX_free(c);
	}
}

const u8 *signer_hash(enum signer who)
{
	return signers[who].hash;
}

bool quotients(struct rd_sigstruct *g)
{
	BIGNUM *m = BN_lebin2bn(g->modulus, RD_RSA_BYTES, NULL);
	BIGNUM *s = BN_lebin2bn(g->signature, RD_RSA_BYTES, NULL);
	BIGNUM *q1 = BN_new(), *q2 = BN_new(), *r = BN_new(), *t = BN_new();
	BN_CTX *c = BN_CTX_new();
	bool fit;

	must(m && s && q1 && q2 && r && t && c && BN_sqr(t, s, c) && BN_div(q1, r, t, m, c) &&
	     BN_mul(t, r, s, c) && BN_div(q2, r, t, m, c));
	fit = BN_bn2lebinpad(q1, g->q1, RD_RSA_BYTES) > 0 &&
	      BN_bn2lebinpad(q2, g->q2, RD_RSA_BYTES) > 0;
	BN_free(m);
	BN_free(s);
	BN_free(q1);
	BN_free(q2);
	BN_free(r);
	BN_free(t);
	BN_CTX_free(c);
	return fit;
}

/* sig: big endian. */
static void put_signature(enum signer who, const u8 sig[RD_RSA_BYTES], struct rd_sigstruct *g)
{
	unsigned int i;

	for (i = 0; i < RD_RSA_BYTES; i++)
		g->signature[i] = sig[RD_RSA_BYTES - 1 - i];
	memcpy(g->modulus, signers[who].modulus, RD_RSA_BYTES);
	must(quotients(g));
}

void signer_sign(enum signer who, const void *data, size_t len, struct rd_sigstruct *g)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	u8 sig[RD_RSA_BYTES];
	size_t n = sizeof(sig);

	must(c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, signers[who].key) > 0 &&
	     EVP_DigestSign(c, sig, &n, data, len) > 0 && n == sizeof(sig));
	EVP_MD_CTX_free(c);
	put_signature(who, sig, g);
}

void signer_raw(enum signer who, const u8 number[RD_RSA_BYTES], struct rd_sigstruct *g)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(signers[who].key, NULL);
	u8 sig[RD_RSA_BYTES];
	size_t n = sizeof(sig);

	must(c && EVP_PKEY_sign_init(c) > 0 &&
	     EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) > 0 &&
	     EVP_PKEY_sign(c, sig, &n, number, RD_RSA_BYTES) > 0 && n == sizeof(sig));
	EVP_PKEY_CTX_free(c);
	put_signature(who, sig, g);
}

void sigstruct_sign(struct rd_sigstruct *g, enum signer who)
{
	u8 message[256];

	memcpy(message, g, 128);
	memcpy(message + 128, (u8 *)g + 900, 128);
	g->exponent = 3;
	signer_sign(who, message, sizeof(message), g);
}

void sigstruct_init(struct rd_sigstruct *g, const u8 enclavehash[32])
{
	static const u64 words[] = { 0x000000e100000006, 0x0000000000010000, 0x20261201ULL << 32,
				     0x0000006000000101, 0x0000000100000060 };

	memset(g, 0, sizeof(*g));
	memcpy(g, words, sizeof(words));
	memcpy(g->enclavehash, enclavehash, 32);
}

void cmac(const u8 key[16], const void *data, size_t len, u8 mac[16])
{
	size_t out;

	must(EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, data, len, mac, 16, &out));
}
