// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys of enclave signers. Invariant: whatever leaves rd_signing_key_load() is a private RSA key of
 * 3072 bits with the exponent 3, the only kind that EINIT takes.
 */
#include "tools/src/vmctl/signing_key.h"

#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/whole_file.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define BITS 3072
#define EXPONENT 3u
#define FILE_MAX (64 * RD_KIB)

/* A key with a passphrase is refused: nobody is asked for one. */
static int no_passphrase(char *buf, int size, int rwflag, void *asked)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(bool *)asked = true;
	return -1;
}

static bool has_exponent_3(EVP_PKEY *key)
{
	BIGNUM *e = NULL, *d = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		  BN_is_word(e, EXPONENT) &&
		  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &d) == 1;

	BN_free(e);
	BN_clear_free(d);
	return ok;
}

static int check(const char *path, EVP_PKEY *key)
{
	if (!EVP_PKEY_is_a(key, "RSA"))
		return rd_fail(RD_USAGE, "%s: not an RSA key", path);
	if (EVP_PKEY_get_bits(key) != BITS)
		return rd_fail(RD_USAGE, "%s: the key has %d bits, not %d", path,
			       EVP_PKEY_get_bits(key), BITS);
	if (!has_exponent_3(key))
		return rd_fail(RD_USAGE, "%s: the key's exponent is not %u", path, EXPONENT);
	return RD_OK;
}

static int parse(const char *path, const uint8_t *data, size_t len, EVP_PKEY **key)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	bool asked = false;
	int status;

	*key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!*key && asked)
		return rd_fail(RD_USAGE, "%s: the key has a passphrase, and none is asked for",
			       path);
	if (!*key)
		return rd_fail(RD_USAGE, "%s: no private key in PEM form", path);
	status = check(path, *key);
	if (status) {
		EVP_PKEY_free(*key);
		*key = NULL;
	}
	return status;
}

int rd_signing_key_load(const char *path, EVP_PKEY **key)
{
	uint8_t *data;
	size_t len;
	int status = rd_file_read(path, FILE_MAX, &data, &len);

	*key = NULL;
	if (status)
		return status;
	status = parse(path, data, len, key);
	OPENSSL_cleanse(data, len);
	free(data);
	return status;
}

int rd_signing_key_new(EVP_PKEY **key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();

	*key = NULL;
	if (!ctx || !e || !BN_set_word(e, EXPONENT) || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, BITS) != 1 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) != 1 || EVP_PKEY_generate(ctx, key) != 1)
		*key = NULL;
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return *key ? RD_OK : rd_fail(RD_HOST_ERROR, "libcrypto cannot make a key");
}

int rd_signing_key_save(const char *path, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	int status;

	if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(bio);
		return rd_fail(RD_HOST_ERROR, "libcrypto cannot write a key");
	}
	len = BIO_get_mem_data(bio, &text);
	status = rd_file_create(path, text, (size_t)len);
	OPENSSL_cleanse(text, (size_t)len);
	BIO_free(bio);
	return status;
}
