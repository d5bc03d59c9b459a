/* SPDX-License-Identifier: GPL-2.0-only */
/* SHA-256 and HMAC with it (pure), for enclaves that need no more than that. */
#ifndef RD_KIT_SHA256_H
#define RD_KIT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define RD_SHA256_BYTES 32

struct rd_sha256 {
	uint32_t state[8];
	uint64_t bytes;
	uint8_t block[64];
};

void rd_sha256_init(struct rd_sha256 *s);
void rd_sha256_add(struct rd_sha256 *s, const void *data, size_t n);
/* rd_sha256_end - the hash; S is wiped. */
void rd_sha256_end(struct rd_sha256 *s, uint8_t hash[RD_SHA256_BYTES]);

struct rd_hmac {
	struct rd_sha256 inner, outer;
};

void rd_hmac_init(struct rd_hmac *h, const void *key, size_t n);
void rd_hmac_add(struct rd_hmac *h, const void *data, size_t n);
/* rd_hmac_end - the code; H is wiped. */
void rd_hmac_end(struct rd_hmac *h, uint8_t mac[RD_SHA256_BYTES]);

#endif
