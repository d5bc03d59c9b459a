// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 as FIPS 180-4 has it, HMAC as FIPS 198-1 has it.
 * Invariant: s->bytes % 64 bytes of s->block are filled; nothing depends on the data but values.
 */
#include "tools/enclave-kit/inside/sha256.h"

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);

static const uint32_t round_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static void wipe(void *p, size_t n)
{
	memset(p, 0, n);
	asm volatile("" : : "r"(p) : "memory");
}

static uint32_t ror(uint32_t v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_word(uint8_t *p, uint32_t v)
{
	for (unsigned int n = 0; n < 4; n++)
		p[n] = (uint8_t)(v >> (24 - 8 * n));
}

static void schedule(uint32_t w[64], const uint8_t *block)
{
	for (unsigned int n = 0; n < 16; n++)
		w[n] = word(block + 4 * n);
	for (unsigned int n = 16; n < 64; n++) {
		uint32_t a = w[n - 15], b = w[n - 2];

		w[n] = w[n - 16] + (ror(a, 7) ^ ror(a, 18) ^ a >> 3) + w[n - 7] +
		       (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
	}
}

static void one_block(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[64], v[8];

	schedule(w, block);
	memcpy(v, state, sizeof(v));
	for (unsigned int n = 0; n < 64; n++) {
		uint32_t t1 = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) +
			      ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constant[n] + w[n];
		uint32_t t2 = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) +
			      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		for (unsigned int k = 7; k > 0; k--)
			v[k] = v[k - 1];
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (unsigned int n = 0; n < 8; n++)
		state[n] += v[n];
	wipe(w, sizeof(w));
	wipe(v, sizeof(v));
}

void rd_sha256_init(struct rd_sha256 *s)
{
	static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memset(s, 0, sizeof(*s));
	memcpy(s->state, initial, sizeof(initial));
}

void rd_sha256_add(struct rd_sha256 *s, const void *data, size_t n)
{
	const uint8_t *from = data;

	while (n) {
		size_t at = s->bytes % 64, part = 64 - at < n ? 64 - at : n;

		memcpy(s->block + at, from, part);
		s->bytes += part;
		from += part;
		n -= part;
		if (s->bytes % 64 == 0)
			one_block(s->state, s->block);
	}
}

void rd_sha256_end(struct rd_sha256 *s, uint8_t hash[RD_SHA256_BYTES])
{
	static const uint8_t padding[64] = { 0x80 };
	uint64_t bits = s->bytes * 8;
	uint8_t length[8];

	rd_sha256_add(s, padding, 1 + (119 - s->bytes % 64) % 64);
	put_word(length, (uint32_t)(bits >> 32));
	put_word(length + 4, (uint32_t)bits);
	rd_sha256_add(s, length, sizeof(length));
	for (unsigned int n = 0; n < 8; n++)
		put_word(hash + 4 * n, s->state[n]);
	wipe(s, sizeof(*s));
}

void rd_hmac_init(struct rd_hmac *h, const void *key, size_t n)
{
	uint8_t pad[64] = { 0 };

	if (n > sizeof(pad)) {
		rd_sha256_init(&h->inner);
		rd_sha256_add(&h->inner, key, n);
		rd_sha256_end(&h->inner, pad);
	} else if (n) {
		memcpy(pad, key, n);
	}
	for (unsigned int k = 0; k < sizeof(pad); k++)
		pad[k] ^= 0x36;
	rd_sha256_init(&h->inner);
	rd_sha256_add(&h->inner, pad, sizeof(pad));
	for (unsigned int k = 0; k < sizeof(pad); k++)
		pad[k] ^= 0x36 ^ 0x5c;
	rd_sha256_init(&h->outer);
	rd_sha256_add(&h->outer, pad, sizeof(pad));
	wipe(pad, sizeof(pad));
}

void rd_hmac_add(struct rd_hmac *h, const void *data, size_t n)
{
	rd_sha256_add(&h->inner, data, n);
}

void rd_hmac_end(struct rd_hmac *h, uint8_t mac[RD_SHA256_BYTES])
{
	uint8_t inner[RD_SHA256_BYTES];

	rd_sha256_end(&h->inner, inner);
	rd_sha256_add(&h->outer, inner, sizeof(inner));
	rd_sha256_end(&h->outer, mac);
	wipe(inner, sizeof(inner));
}
