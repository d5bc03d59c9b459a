// SPDX-License-Identifier: GPL-2.0-only
/* MRENCLAVE of made-up enclaves, against one SHA-256 over the message as the SDM describes it. */
#include <openssl/sha.h>
#include "enclave/measure.h"
#include "tests/unit/enclave_keys/keys_tests.h"

/* The message, put together byte by byte. */
static u8 message[64 * 1024];
static size_t len;

static void put(u64 value, unsigned int bytes)
{
	while (bytes--) {
		message[len++] = value;
		value >>= 8;
	}
}

static void put_create(u32 ssa_frame_size, u64 size)
{
	put(0x0045544145524345, 8);
	put(ssa_frame_size, 4);
	put(size, 8);
	len += 44;
}

static void put_add(u64 offset, u64 flags)
{
	put(0x0000000044444145, 8);
	put(offset, 8);
	put(flags, 8);
	len += 40;
}

static void put_extend(u64 offset, const u8 *chunk)
{
	put(0x00444e4554584545, 8);
	put(offset, 8);
	len += 48;
	memcpy(message + len, chunk, 256);
	len += 256;
}

static struct rd_secs *secs;

static void setup(void)
{
	memset(message, 0, sizeof(message));
	len = 0;
	secs = rd_host_page_alloc();
	memset(secs, 0, sizeof(*secs));
}

static void teardown(void)
{
	rd_host_page_free(secs);
}

static void create(u32 ssa_frame_size, u64 size)
{
	secs->ssa_frame_size = ssa_frame_size;
	secs->size = size;
	/* Nothing else of the SECS is measured. */
	secs->base = 0x7e0000000000;
	secs->attributes.flags = RD_ATTR_MODE64;
	secs->attributes.xfrm = 3;
	rd_measure_create(secs);
	put_create(ssa_frame_size, size);
}

static void add(u64 offset, u64 flags)
{
	struct rd_secinfo si = { .flags = flags };

	rd_measure_add(secs, offset, &si);
	put_add(offset, flags);
}

static void extend(u64 offset, u8 seed)
{
	u8 chunk[RD_SGX_CHUNK];
	unsigned int i;

	for (i = 0; i < sizeof(chunk); i++)
		chunk[i] = seed + i * 7;
	rd_measure_extend(secs, offset, chunk);
	put_extend(offset, chunk);
}

static void check(void)
{
	u8 got[32], again[32], want[32];

	SHA256(message, len, want);
	rd_measure_final(secs, got);
	ck_assert_mem_eq(got, want, 32);
	/* EINIT may be tried again. */
	rd_measure_final(secs, again);
	ck_assert_mem_eq(again, want, 32);
}

START_TEST(test_empty)
{
	create(1, 0x2000);
	check();
}
END_TEST

START_TEST(test_small)
{
	unsigned int i;

	create(1, 0x10000);
	add(0, RD_SI_PT(RD_PT_TCS));
	for (i = 0; i < 16; i++)
		extend(i * 256, i);
	check();
	add(0x1000, RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_X);
	for (i = 0; i < 16; i++)
		extend(0x1000 + i * 256, 0x40 + i);
	check();
}
END_TEST

/* Far offsets, pages that are not measured, and chunks in any order. */
START_TEST(test_odd)
{
	create(0x12345678, 1ULL << 36);
	add((1ULL << 36) - 4096, RD_SI_PT(RD_PT_REG) | RD_SI_RWX);
	add(0x1000, RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_W);
	extend((1ULL << 36) - 256, 1);
	extend(0x1f00, 2);
	extend(0x1000, 3);
	extend(0x1000, 3);
	check();
}
END_TEST

/* An evicted SECS goes on where it was. */
START_TEST(test_moves_with_its_secs)
{
	struct rd_secs *other = rd_host_page_alloc();

	create(1, 0x4000);
	extend(0, 9);
	memcpy(other, secs, sizeof(*other));
	rd_host_page_free(secs);
	secs = other;
	extend(256, 10);
	check();
}
END_TEST

/* Reserved bytes of SECINFO, beyond those that are measured, leave no trace; those before do. */
START_TEST(test_secinfo)
{
	struct rd_secinfo si = { .flags = 0x207 };
	u8 plain[32], got[32];
	unsigned int i;

	for (i = 0; i < sizeof(si); i++) {
		create(1, 0x4000);
		rd_measure_add(secs, 0, &si);
		rd_measure_final(secs, plain);
		create(1, 0x4000);
		((u8 *)&si)[i] ^= 1;
		rd_measure_add(secs, 0, &si);
		((u8 *)&si)[i] ^= 1;
		rd_measure_final(secs, got);
		ck_assert_int_eq(!memcmp(got, plain, 32), i >= 48);
	}
}
END_TEST

void add_measure_tests(Suite *s)
{
	TCase *c = tcase_create("measure");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_empty);
	tcase_add_test(c, test_small);
	tcase_add_test(c, test_odd);
	tcase_add_test(c, test_moves_with_its_secs);
	tcase_add_test(c, test_secinfo);
	suite_add_tcase(s, c);
}
