// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGSTRUCT by libcrypto. Its numbers are little endian, as everything in it. Q1 and Q2 are the
 * quotients that spare EINIT the division in signature^3 mod modulus:
 *   q1 = signature^2 / modulus, q2 = signature * (signature^2 mod modulus) / modulus
 */
#include "tools/src/vmctl/sigstruct.h"

#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/whole_file.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define EXPONENT 3u
#define VENDOR_INTEL 0x8086u

static const uint8_t header[16] = { 6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1 };
static const uint8_t header2[16] = { 1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1 };

void rd_sigstruct_init(struct rd_sigstruct *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->header, header, sizeof(header));
	memcpy(s->header2, header2, sizeof(header2));
	s->exponent = EXPONENT;
}

/* --- quotients --- */

static bool quotients(const struct rd_sigstruct *s, uint8_t *q1, uint8_t *q2)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_lebin2bn(s->modulus, RD_RSA_BYTES, NULL);
	BIGNUM *sig = BN_lebin2bn(s->signature, RD_RSA_BYTES, NULL);
	BIGNUM *square = BN_new(), *q = BN_new(), *rest = BN_new();
	/* A signature that is not below the modulus has quotients that are too long. */
	bool ok = ctx && n && sig && square && q && rest && !BN_is_zero(n) && BN_cmp(sig, n) < 0 &&
		  BN_sqr(square, sig, ctx) && BN_div(q, rest, square, n, ctx) &&
		  BN_bn2lebinpad(q, q1, RD_RSA_BYTES) == (int)RD_RSA_BYTES &&
		  BN_mul(square, rest, sig, ctx) && BN_div(q, rest, square, n, ctx) &&
		  BN_bn2lebinpad(q, q2, RD_RSA_BYTES) == (int)RD_RSA_BYTES;

	BN_free(rest);
	BN_free(q);
	BN_free(square);
	BN_free(sig);
	BN_free(n);
	BN_CTX_free(ctx);
	return ok;
}

/* --- the signature --- */

static void reversed(uint8_t *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[n - 1 - i];
}

static bool sign(struct rd_sigstruct *s, EVP_PKEY *key)
{
	const uint8_t *bytes = (const uint8_t *)s;
	uint8_t sig[RD_RSA_BYTES];
	size_t len = sizeof(sig);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSignUpdate(md, bytes, RD_SIG_HEAD) == 1 &&
		  EVP_DigestSignUpdate(md, bytes + RD_SIG_BODY, RD_SIG_BODY_LEN) == 1 &&
		  EVP_DigestSignFinal(md, sig, &len) == 1 && len == sizeof(sig);

	EVP_MD_CTX_free(md);
	if (ok)
		reversed(s->signature, sig, sizeof(sig));
	return ok;
}

/* The key that is in the structure. */
static EVP_PKEY *public_key(const struct rd_sigstruct *s)
{
	/* Big numbers in parameters have the machine's byte order: that of the structure. */
	uint8_t n[RD_RSA_BYTES];
	unsigned int e = EXPONENT;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, sizeof(n)),
		OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &e),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	memcpy(n, s->modulus, sizeof(n));
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool signature_holds(const struct rd_sigstruct *s)
{
	const uint8_t *bytes = (const uint8_t *)s;
	uint8_t sig[RD_RSA_BYTES];
	EVP_PKEY *key = public_key(s);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok;

	reversed(sig, s->signature, sizeof(sig));
	ok = key && md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerifyUpdate(md, bytes, RD_SIG_HEAD) == 1 &&
	     EVP_DigestVerifyUpdate(md, bytes + RD_SIG_BODY, RD_SIG_BODY_LEN) == 1 &&
	     EVP_DigestVerifyFinal(md, sig, sizeof(sig)) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return ok;
}

/* --- checks --- */

static bool zeros(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n])
			return false;
	return true;
}

static bool form_holds(const struct rd_sigstruct *s)
{
	return !memcmp(s->header, header, sizeof(header)) &&
	       !memcmp(s->header2, header2, sizeof(header2)) && s->exponent == EXPONENT &&
	       (!s->vendor || s->vendor == VENDOR_INTEL) &&
	       zeros(s->reserved1, sizeof(s->reserved1)) &&
	       zeros(s->reserved2, sizeof(s->reserved2)) &&
	       zeros(s->reserved3, sizeof(s->reserved3)) &&
	       zeros(s->reserved4, sizeof(s->reserved4));
}

bool rd_sigstruct_check(const struct rd_sigstruct *s, struct rd_sigstruct_verdict *v)
{
	uint8_t q1[RD_RSA_BYTES], q2[RD_RSA_BYTES];
	bool have = quotients(s, q1, q2);

	v->form = form_holds(s);
	v->signature = signature_holds(s);
	v->q1 = have && !memcmp(q1, s->q1, sizeof(q1));
	v->q2 = have && !memcmp(q2, s->q2, sizeof(q2));
	ERR_clear_error();
	return v->form && v->signature && v->q1 && v->q2;
}

int rd_sigstruct_sign(struct rd_sigstruct *s, EVP_PKEY *key)
{
	struct rd_sigstruct_verdict v;
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		  BN_bn2lebinpad(n, s->modulus, RD_RSA_BYTES) == (int)RD_RSA_BYTES &&
		  sign(s, key) && quotients(s, s->q1, s->q2);

	BN_free(n);
	ERR_clear_error();
	/* A key whose parts do not belong together shows here, and is not used to sign. */
	if (ok && rd_sigstruct_check(s, &v))
		return RD_OK;
	return rd_fail(RD_USAGE, "the key makes no signature that holds");
}

int rd_sigstruct_mrsigner(const struct rd_sigstruct *s, uint8_t mrsigner[32])
{
	if (EVP_Digest(s->modulus, RD_RSA_BYTES, mrsigner, NULL, EVP_sha256(), NULL) == 1)
		return RD_OK;
	return rd_fail(RD_HOST_ERROR, "libcrypto cannot compute SHA-256");
}

int rd_sigstruct_load(const char *path, struct rd_sigstruct *s)
{
	uint8_t *data;
	size_t len;
	int status = rd_file_read(path, RD_MIB, &data, &len);

	if (status)
		return status;
	if (len == sizeof(*s))
		memcpy(s, data, len);
	else
		status = rd_fail(RD_USAGE, "%s: %zu bytes, not the %zu of a SIGSTRUCT", path, len,
				 sizeof(*s));
	free(data);
	return status;
}
