// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cryptography of kmod/host.h in user space, by OpenSSL.  A test program that uses it names
 * this file in `sources` and libcrypto in `libs`.
 * Invariant: what can fail for want of memory in the kernel can be made to fail here, by
 * rd_shim_fail_alloc(); a struct rd_gcm counts among rd_shim_allocations().
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include "kmod/host.h"

static void die(const char *what)
{
	fprintf(stderr, "crypto_shim: %s\n", what);
	abort();
}

/* The kernel allocates for each operation; so it may be without memory for each. */
static bool no_memory(void)
{
	void *p = rd_host_zalloc(1);

	rd_host_free(p);
	return !p;
}

static void sha256_from(SHA256_CTX *c, const struct rd_sha256 *h)
{
	u64 bits = h->bytes * 8;

	SHA256_Init(c);
	memcpy(c->h, h->state, sizeof(h->state));
	c->Nl = (u32)bits;
	c->Nh = bits >> 32;
	c->num = h->bytes % sizeof(h->rest);
	memcpy(c->data, h->rest, c->num);
}

static void sha256_to(struct rd_sha256 *h, const SHA256_CTX *c)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->state, c->h, sizeof(h->state));
	h->bytes = ((u64)c->Nh << 32 | c->Nl) / 8;
	memcpy(h->rest, c->data, c->num);
}

void rd_host_sha256_init(struct rd_sha256 *h)
{
	SHA256_CTX c;

	SHA256_Init(&c);
	sha256_to(h, &c);
}

void rd_host_sha256_update(struct rd_sha256 *h, const void *data, size_t len)
{
	SHA256_CTX c;

	sha256_from(&c, h);
	SHA256_Update(&c, data, len);
	sha256_to(h, &c);
}

void rd_host_sha256_final(struct rd_sha256 *h, u8 hash[32])
{
	SHA256_CTX c;

	sha256_from(&c, h);
	SHA256_Final(hash, &c);
	rd_host_wipe(h, sizeof(*h));
}

int rd_host_cmac(const u8 key[16], const void *data, size_t len, u8 mac[16])
{
	size_t out;

	if (no_memory())
		return -ENOMEM;
	if (!EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, data, len, mac, 16, &out))
		die("CMAC");
	return 0;
}

struct rd_gcm {
	u8 key[16];
};

struct rd_gcm *rd_host_gcm_new(const u8 key[16], int *err)
{
	struct rd_gcm *g = rd_host_zalloc(sizeof(*g));

	*err = g ? 0 : -ENOMEM;
	if (g)
		memcpy(g->key, key, sizeof(g->key));
	return g;
}

void rd_host_gcm_free(struct rd_gcm *g)
{
	rd_host_free(g);
}

static EVP_CIPHER_CTX *begin(const struct rd_gcm *g, const u8 *iv, const void *aad, size_t aad_len,
			     bool seal)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	/* OpenSSL's length for an IV of GCM is 12 unless it is told otherwise. */
	if (!c || !EVP_CipherInit_ex(c, EVP_aes_128_gcm(), NULL, g->key, iv, seal) ||
	    !EVP_CipherUpdate(c, NULL, &n, aad_len ? aad : "", aad_len))
		die("GCM");
	return c;
}

int rd_host_gcm_seal(struct rd_gcm *g, const u8 iv[12], const void *aad, size_t aad_len, void *buf,
		     size_t len, u8 tag[16])
{
	EVP_CIPHER_CTX *c;
	u8 none[16];
	int n;

	if (no_memory())
		return -ENOMEM;
	c = begin(g, iv, aad, aad_len, true);
	if ((len && !EVP_CipherUpdate(c, buf, &n, buf, len)) || !EVP_CipherFinal_ex(c, none, &n) ||
	    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag))
		die("GCM seal");
	EVP_CIPHER_CTX_free(c);
	return 0;
}

int rd_host_gcm_open(struct rd_gcm *g, const u8 iv[12], const void *aad, size_t aad_len, void *buf,
		     size_t len, const u8 tag[16])
{
	u8 none[16], want[16];
	EVP_CIPHER_CTX *c;
	int n, ok;

	if (no_memory())
		return -ENOMEM;
	memcpy(want, tag, sizeof(want));
	c = begin(g, iv, aad, aad_len, false);
	if ((len && !EVP_CipherUpdate(c, buf, &n, buf, len)) ||
	    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, want))
		die("GCM open");
	ok = EVP_CipherFinal_ex(c, none, &n);
	EVP_CIPHER_CTX_free(c);
	return ok > 0 ? 0 : -EBADMSG;
}

bool rd_host_equal(const void *a, const void *b, size_t len)
{
	return !CRYPTO_memcmp(a, b, len);
}

void rd_host_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}
