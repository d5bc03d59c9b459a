// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measuring and signing of enclaves.
 * Invariant: as in signer.h.
 */
#include "tests/selftests/sgx/signer.h"
#include "tests/selftests/lib/rdt.h"

#include <libgen.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

static EVP_MD_CTX *hash;
static EVP_PKEY *key;

static void block(const char *tag, uint64_t a, const void *rest, size_t len)
{
	uint8_t b[64] = {};

	memcpy(b, tag, strlen(tag));
	memcpy(b + 8, &a, sizeof(a));
	if (len)
		memcpy(b + 16, rest, len);
	RDT_CHECK(EVP_DigestUpdate(hash, b, sizeof(b)) > 0);
}

void signer_create(uint64_t size, uint32_t ssa_frame_size)
{
	uint8_t b[64] = "ECREATE";

	hash = EVP_MD_CTX_new();
	RDT_CHECK(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) > 0);
	memcpy(b + 8, &ssa_frame_size, sizeof(ssa_frame_size));
	memcpy(b + 12, &size, sizeof(size));
	RDT_CHECK(EVP_DigestUpdate(hash, b, sizeof(b)) > 0);
}

void signer_add(uint64_t offset, uint64_t secinfo_flags)
{
	block("EADD", offset, &secinfo_flags, sizeof(secinfo_flags));
}

void signer_extend(uint64_t offset, const void *chunk)
{
	block("EEXTEND", offset, NULL, 0);
	RDT_CHECK(EVP_DigestUpdate(hash, chunk, RD_SGX_CHUNK) > 0);
}

/* A key that the build made: an emulated CPU would take minutes. */
static void read_key(void)
{
	char self[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *f;

	RDT_CHECK(n > 0);
	self[n] = 0;
	snprintf(path, sizeof(path), "%s/sgx_key.pem", dirname(self));
	f = fopen(path, "r");
	RDT_CHECK(f != NULL);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	RDT_CHECK(key != NULL);
}

static void numbers(struct rd_sigstruct *g, const uint8_t sig[RD_RSA_BYTES])
{
	BIGNUM *n = NULL, *s = BN_bin2bn(sig, RD_RSA_BYTES, NULL);
	BIGNUM *q1 = BN_new(), *q2 = BN_new(), *r = BN_new(), *t = BN_new();
	BN_CTX *c = BN_CTX_new();

	RDT_CHECK(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) > 0);
	RDT_CHECK(BN_sqr(t, s, c) && BN_div(q1, r, t, n, c) && BN_mul(t, r, s, c) &&
		  BN_div(q2, r, t, n, c));
	RDT_CHECK(BN_bn2lebinpad(n, g->modulus, RD_RSA_BYTES) > 0 &&
		  BN_bn2lebinpad(s, g->signature, RD_RSA_BYTES) > 0 &&
		  BN_bn2lebinpad(q1, g->q1, RD_RSA_BYTES) > 0 &&
		  BN_bn2lebinpad(q2, g->q2, RD_RSA_BYTES) > 0);
	BN_free(n);
	BN_free(s);
	BN_free(q1);
	BN_free(q2);
	BN_free(r);
	BN_free(t);
	BN_CTX_free(c);
}

void signer_sign(struct rd_sigstruct *g, uint64_t attributes, uint64_t xfrm, uint8_t key_hash[32])
{
	static const uint8_t header[16] = { 6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1 };
	static const uint8_t header2[16] = { 1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1 };
	uint8_t message[256], sig[RD_RSA_BYTES];
	size_t len = sizeof(sig);
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!key)
		read_key();
	memset(g, 0, sizeof(*g));
	memcpy(g->header, header, sizeof(header));
	memcpy(g->header2, header2, sizeof(header2));
	g->date = 0x20261201;
	g->exponent = 3;
	g->attributes = (struct rd_attributes){ attributes, xfrm };
	g->attributemask = (struct rd_attributes){ ~RD_ATTR_INIT, ~0ULL };
	RDT_CHECK(EVP_DigestFinal_ex(hash, g->enclavehash, NULL) > 0);
	EVP_MD_CTX_free(hash);
	memcpy(message, g, 128);
	memcpy(message + 128, (uint8_t *)g + RD_SIG_BODY, 128);
	RDT_CHECK(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) > 0 &&
		  EVP_DigestSign(c, sig, &len, message, sizeof(message)) > 0 && len == sizeof(sig));
	EVP_MD_CTX_free(c);
	numbers(g, sig);
	SHA256(g->modulus, RD_RSA_BYTES, key_hash);
}
