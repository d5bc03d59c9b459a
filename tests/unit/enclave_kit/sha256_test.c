// SPDX-License-Identifier: GPL-2.0-only
/* SHA-256 and HMAC of enclaves against libcrypto's, for each length near a block and each split. */
#include "tests/unit/enclave_kit/enclave_kit_test.h"
#include "tools/enclave-kit/inside/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

static uint8_t data[1000];

static void fill(void)
{
	for (size_t n = 0; n < sizeof(data); n++)
		data[n] = (uint8_t)(n * 31 + 7);
}

START_TEST(hashes)
{
	static const struct rd_sha256 nothing;
	uint8_t ours[32], theirs[32];
	struct rd_sha256 s;

	fill();
	for (size_t len = 0; len <= sizeof(data); len++) {
		rd_sha256_init(&s);
		rd_sha256_add(&s, data, len / 3);
		rd_sha256_add(&s, data + len / 3, len - len / 3);
		rd_sha256_end(&s, ours);
		SHA256(data, len, theirs);
		ck_assert_msg(!memcmp(ours, theirs, 32), "%zu bytes", len);
		ck_assert(!memcmp(&s, &nothing, sizeof(s)));
	}
}
END_TEST

START_TEST(long_hash)
{
	uint8_t ours[32], theirs[32];
	struct rd_sha256 s;
	EVP_MD_CTX *m = EVP_MD_CTX_new();

	fill();
	rd_sha256_init(&s);
	ck_assert(EVP_DigestInit_ex(m, EVP_sha256(), NULL));
	for (unsigned int n = 0; n < 3000; n++) {
		rd_sha256_add(&s, data, n % 1000);
		ck_assert(EVP_DigestUpdate(m, data, n % 1000));
	}
	rd_sha256_end(&s, ours);
	ck_assert(EVP_DigestFinal_ex(m, theirs, NULL));
	EVP_MD_CTX_free(m);
	ck_assert(!memcmp(ours, theirs, 32));
}
END_TEST

START_TEST(codes)
{
	uint8_t ours[32], theirs[32];
	struct rd_hmac h;

	fill();
	for (size_t key = 0; key < 140; key++) {
		size_t len = key * 7;

		rd_hmac_init(&h, data + 1, key);
		rd_hmac_add(&h, data, len / 2);
		rd_hmac_add(&h, data + len / 2, len - len / 2);
		rd_hmac_end(&h, ours);
		ck_assert(HMAC(EVP_sha256(), data + 1, (int)key, data, len, theirs, NULL) != NULL);
		ck_assert_msg(!memcmp(ours, theirs, 32), "a key of %zu bytes", key);
	}
}
END_TEST

TCase *sha256_case(void)
{
	TCase *t = tcase_create("sha256");

	tcase_add_test(t, hashes);
	tcase_add_test(t, long_hash);
	tcase_add_test(t, codes);
	return t;
}
