// SPDX-License-Identifier: GPL-2.0-only
/*
 * MRENCLAVE (P).
 * Invariant: as in enclave/measure.h.
 */
#include "enclave/measure.h"

/* Each step begins with one block: who it is, eight bytes of a name, and what it says. */
struct block {
	char name[8];
	union {
		struct {
			u32 ssa_frame_size;
			u64 size;
		} __packed create;
		struct {
			u64 offset;
			u8 secinfo[48];
		} __packed add;
		u64 offset;
		u8 all[56];
	};
} __packed;

_Static_assert(sizeof(struct block) == 64, "a block of SHA-256");

static void put(struct rd_secs *s, const struct block *b)
{
	rd_host_sha256_update(&rd_secs_own(s)->hash, b, sizeof(*b));
}

void rd_measure_create(struct rd_secs *s)
{
	struct block b = { .name = "ECREATE" };

	b.create.ssa_frame_size = s->ssa_frame_size;
	b.create.size = s->size;
	rd_host_sha256_init(&rd_secs_own(s)->hash);
	put(s, &b);
}

void rd_measure_add(struct rd_secs *s, u64 offset, const struct rd_secinfo *si)
{
	struct block b = { .name = "EADD" };

	b.add.offset = offset;
	memcpy(b.add.secinfo, si, sizeof(b.add.secinfo));
	put(s, &b);
}

void rd_measure_extend(struct rd_secs *s, u64 offset, const u8 chunk[RD_SGX_CHUNK])
{
	struct block b = { .name = "EEXTEND" };

	b.offset = offset;
	put(s, &b);
	rd_host_sha256_update(&rd_secs_own(s)->hash, chunk, RD_SGX_CHUNK);
}

void rd_measure_final(struct rd_secs *s, u8 hash[32])
{
	struct rd_sha256 h = rd_secs_own(s)->hash;

	rd_host_sha256_final(&h, hash);
}
