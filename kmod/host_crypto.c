// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmod/host.h on the kernel's cryptography.
 * Invariant: a transform whose key can change belongs to one call; one that many threads share got
 * its key before anybody else knew it.  Each operation's buffers are its own.
 */
#include <linux/crypto.h>
#include <linux/err.h>
#include <linux/kmod.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <crypto/aead.h>
#include <crypto/algapi.h>
#include <crypto/hash.h>
#include <crypto/sha2.h>
#include "kmod/host.h"

#define GCM_IV 12
#define GCM_TAG 16

void rd_host_sha256_init(struct rd_sha256 *h)
{
	struct sha256_state s;

	memset(h, 0, sizeof(*h));
	sha256_init(&s);
	memcpy(h->state, s.state, sizeof(h->state));
}

static void sha256_from(struct sha256_state *s, const struct rd_sha256 *h)
{
	BUILD_BUG_ON(sizeof(s->state) != sizeof(h->state) || sizeof(s->buf) != sizeof(h->rest));
	memcpy(s->state, h->state, sizeof(s->state));
	memcpy(s->buf, h->rest, sizeof(s->buf));
	s->count = h->bytes;
}

void rd_host_sha256_update(struct rd_sha256 *h, const void *data, size_t len)
{
	struct sha256_state s;
	size_t done, n;

	sha256_from(&s, h);
	/* The kernel counts in unsigned int. */
	for (done = 0; done < len; done += n) {
		n = min_t(size_t, len - done, 1U << 30);
		sha256_update(&s, (const u8 *)data + done, n);
	}
	memcpy(h->state, s.state, sizeof(h->state));
	memcpy(h->rest, s.buf, sizeof(h->rest));
	h->bytes = s.count;
	memzero_explicit(&s, sizeof(s));
}

void rd_host_sha256_final(struct rd_sha256 *h, u8 hash[32])
{
	struct sha256_state s;

	sha256_from(&s, h);
	sha256_final(&s, hash);
	memzero_explicit(&s, sizeof(s));
	memzero_explicit(h, sizeof(*h));
}

/* Besides want of memory, the kernel has only one reason that lasts: it does not know the name. */
static int no_transform(long err)
{
	return err == -ENOENT ? -ENOENT : -ENOMEM;
}

int rd_host_cmac(const u8 key[16], const void *data, size_t len, u8 mac[16])
{
	struct crypto_shash *tfm = crypto_alloc_shash("cmac(aes)", 0, 0);
	int ret;

	if (IS_ERR(tfm))
		return no_transform(PTR_ERR(tfm));
	ret = crypto_shash_setkey(tfm, key, 16);
	if (!ret)
		ret = crypto_shash_tfm_digest(tfm, data, len, mac);
	/* Also forgets the key. */
	crypto_free_shash(tfm);
	return ret ? -ENOMEM : 0;
}

struct rd_gcm {
	struct crypto_aead *tfm;
};

struct rd_gcm *rd_host_gcm_new(const u8 key[16], int *err)
{
	struct rd_gcm *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	static bool asked;

	*err = -ENOMEM;
	if (!g)
		return NULL;
	/* Ten times as fast, where the CPU has it. udev loads it, if there is one. */
	if (!xchg(&asked, true))
		request_module("aesni_intel");
	g->tfm = crypto_alloc_aead("gcm(aes)", 0, 0);
	if (IS_ERR(g->tfm)) {
		*err = no_transform(PTR_ERR(g->tfm));
		kfree(g);
		return NULL;
	}
	if (crypto_aead_setkey(g->tfm, key, 16) || crypto_aead_setauthsize(g->tfm, GCM_TAG)) {
		rd_host_gcm_free(g);
		return NULL;
	}
	*err = 0;
	return g;
}

void rd_host_gcm_free(struct rd_gcm *g)
{
	if (!g)
		return;
	crypto_free_aead(g->tfm);
	kfree(g);
}

/*
 * One operation.  What the caller may have on its stack or in the module's data is copied here,
 * since a scatter list wants memory that has a struct page.
 */
struct gcm_op {
	struct scatterlist sg[3]; /* aad, buf, tag */
	u8 iv[GCM_IV];
	u8 tag[GCM_TAG];
	u8 aad[];
};

static void sg_add(struct scatterlist *sg, unsigned int *n, void *p, size_t len)
{
	struct page *page = is_vmalloc_addr(p) ? vmalloc_to_page(p) : virt_to_page(p);

	if (len)
		sg_set_page(&sg[(*n)++], page, len, offset_in_page(p));
}

static struct gcm_op *op_new(const u8 *iv, const void *aad, size_t aad_len, void *buf, size_t len,
			     const u8 *tag)
{
	struct gcm_op *op;
	unsigned int n = 0;

	/* Within one page, all of it: this is what a scatter list's entry can say. */
	if (WARN_ON_ONCE(aad_len > PAGE_SIZE || len > PAGE_SIZE - offset_in_page(buf)))
		return NULL;
	op = kmalloc(sizeof(*op) + aad_len, GFP_KERNEL_ACCOUNT);
	if (!op)
		return NULL;
	memcpy(op->iv, iv, GCM_IV);
	memcpy(op->aad, aad, aad_len);
	if (tag)
		memcpy(op->tag, tag, GCM_TAG);
	sg_init_table(op->sg, ARRAY_SIZE(op->sg));
	sg_add(op->sg, &n, op->aad, aad_len);
	sg_add(op->sg, &n, buf, len);
	sg_add(op->sg, &n, op->tag, GCM_TAG);
	sg_mark_end(&op->sg[n - 1]);
	return op;
}

/* What uses the CPU's vector unit says that it is asynchronous, and finishes at once as a rule. */
static struct aead_request *request(struct rd_gcm *g, struct gcm_op *op, size_t aad_len, size_t len,
				    struct crypto_wait *wait)
{
	struct aead_request *req = aead_request_alloc(g->tfm, GFP_KERNEL);

	if (!req)
		return NULL;
	crypto_init_wait(wait);
	aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_SLEEP | CRYPTO_TFM_REQ_MAY_BACKLOG,
				  crypto_req_done, wait);
	aead_request_set_ad(req, aad_len);
	aead_request_set_crypt(req, op->sg, op->sg, len, op->iv);
	return req;
}

int rd_host_gcm_seal(struct rd_gcm *g, const u8 iv[12], const void *aad, size_t aad_len, void *buf,
		     size_t len, u8 tag[16])
{
	struct gcm_op *op = op_new(iv, aad, aad_len, buf, len, NULL);
	struct crypto_wait wait;
	struct aead_request *req = op ? request(g, op, aad_len, len, &wait) : NULL;
	int ret = -ENOMEM;

	if (req && !crypto_wait_req(crypto_aead_encrypt(req), &wait)) {
		memcpy(tag, op->tag, GCM_TAG);
		ret = 0;
	}
	aead_request_free(req);
	kfree_sensitive(op);
	return ret;
}

int rd_host_gcm_open(struct rd_gcm *g, const u8 iv[12], const void *aad, size_t aad_len, void *buf,
		     size_t len, const u8 tag[16])
{
	struct gcm_op *op = op_new(iv, aad, aad_len, buf, len, tag);
	struct crypto_wait wait;
	struct aead_request *req = op ? request(g, op, aad_len, len + GCM_TAG, &wait) : NULL;
	int ret = -ENOMEM;

	if (req) {
		ret = crypto_wait_req(crypto_aead_decrypt(req), &wait);
		if (ret && ret != -EBADMSG)
			ret = -ENOMEM;
	}
	aead_request_free(req);
	kfree_sensitive(op);
	return ret;
}

bool rd_host_equal(const void *a, const void *b, size_t len)
{
	return !crypto_memneq(a, b, len);
}

void rd_host_wipe(void *p, size_t len)
{
	memzero_explicit(p, len);
}
