// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cryptography that P files are given, against published vectors: FIPS 180-2's examples,
 * SP 800-38B's examples, and the test cases of the GCM specification.
 */
#include "tests/unit/enclave_keys/keys_tests.h"

static size_t from_hex(const char *hex, u8 *out)
{
	size_t n;

	for (n = 0; hex[2 * n]; n++) {
		unsigned int byte;

		ck_assert_int_eq(sscanf(hex + 2 * n, "%2x", &byte), 1);
		out[n] = byte;
	}
	return n;
}

static void check_hex(const u8 *got, const char *hex)
{
	u8 want[256];
	size_t n = from_hex(hex, want);

	ck_assert_mem_eq(got, want, n);
}

static const struct {
	const char *piece;
	unsigned int times;
	const char *hash;
} hashes[] = {
	{ "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaa", 40000,
	  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

START_TEST(test_sha256)
{
	struct rd_sha256 h, copy;
	unsigned int i;
	u8 hash[32];

	rd_host_sha256_init(&h);
	for (i = 0; i < hashes[_i].times; i++) {
		rd_host_sha256_update(&h, hashes[_i].piece, strlen(hashes[_i].piece));
		/* It is plain data. */
		copy = h;
		memset(&h, 0xee, sizeof(h));
		h = copy;
	}
	ck_assert_uint_eq(h.bytes, strlen(hashes[_i].piece) * hashes[_i].times);
	rd_host_sha256_final(&h, hash);
	check_hex(hash, hashes[_i].hash);
}
END_TEST

static const struct {
	unsigned int len;
	const char *mac;
} macs[] = {
	{ 0, "bb1d6929e95937287fa37d129b756746" },
	{ 16, "070a16b46b4d4144f79bdd9dd04a287c" },
	{ 40, "dfa66747de9ae63030ca32611497c827" },
	{ 64, "51f0bebf7e3b9d92fc49741779363cfe" },
};

START_TEST(test_cmac)
{
	u8 key[16], message[64], mac[16];

	from_hex("2b7e151628aed2a6abf7158809cf4f3c", key);
	from_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
		 "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		 message);
	ck_assert_int_eq(rd_host_cmac(key, message, macs[_i].len, mac), 0);
	check_hex(mac, macs[_i].mac);
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(rd_host_cmac(key, message, macs[_i].len, mac), -ENOMEM);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_IV "cafebabefacedbaddecaf888"
#define GCM_PLAIN                                                                                  \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                         \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_CIPHER                                                                                 \
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"                         \
	"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"

static const struct {
	const char *key, *iv, *aad, *plain, *cipher, *tag;
} gcms[] = {
	{ "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
	  "58e2fccefa7e3061367f1d57a4e7455a" },
	{ "00000000000000000000000000000000", "000000000000000000000000", "",
	  "00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78",
	  "ab6e47d42cec13bdf53a67b21257bddf" },
	{ GCM_KEY, GCM_IV, "", GCM_PLAIN "1aafd255", GCM_CIPHER "473f5985",
	  "4d5c2af327cd64a62cf35abd2ba6fab4" },
	{ GCM_KEY, GCM_IV, "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_PLAIN, GCM_CIPHER,
	  "5bc94fbc3221a5db94fae95ae7121a47" },
};

/* A message: what a receiver is given. */
struct message {
	u8 tag[16], iv[12], aad[32], buf[64];
	size_t aad_len, len;
	const char *cipher;
};

/* A bit of each byte of one part, the others as they were. */
static void tamper(struct rd_gcm *g, struct message *m, u8 *part, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		from_hex(m->cipher, m->buf);
		part[i] ^= 1 << i % 8;
		ck_assert_int_eq(
			rd_host_gcm_open(g, m->iv, m->aad, m->aad_len, m->buf, m->len, m->tag),
			-EBADMSG);
		part[i] ^= 1 << i % 8;
	}
}

static void check_tamper(struct rd_gcm *g, struct message *m)
{
	tamper(g, m, m->tag, sizeof(m->tag));
	tamper(g, m, m->iv, sizeof(m->iv));
	tamper(g, m, m->aad, m->aad_len);
	tamper(g, m, m->buf, m->len);
	from_hex(m->cipher, m->buf);
	ck_assert_int_eq(rd_host_gcm_open(g, m->iv, m->aad, m->aad_len, m->buf, m->len, m->tag), 0);
}

START_TEST(test_gcm)
{
	struct message m = { .cipher = gcms[_i].cipher };
	u8 key[16], plain[64];
	struct rd_gcm *g;
	int err = 1;

	m.aad_len = from_hex(gcms[_i].aad, m.aad);
	m.len = from_hex(gcms[_i].plain, m.buf);
	from_hex(gcms[_i].key, key);
	from_hex(gcms[_i].iv, m.iv);
	memcpy(plain, m.buf, m.len);
	g = rd_host_gcm_new(key, &err);
	ck_assert_ptr_nonnull(g);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(rd_host_gcm_seal(g, m.iv, m.aad, m.aad_len, m.buf, m.len, m.tag), 0);
	check_hex(m.buf, gcms[_i].cipher);
	check_hex(m.tag, gcms[_i].tag);
	ck_assert_int_eq(rd_host_gcm_open(g, m.iv, m.aad, m.aad_len, m.buf, m.len, m.tag), 0);
	ck_assert_mem_eq(m.buf, plain, m.len);
	check_tamper(g, &m);
	rd_host_gcm_free(g);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

START_TEST(test_gcm_no_memory)
{
	u8 key[16] = { 1 }, iv[12] = { 2 }, buf[16] = { 3 }, tag[16] = { 0 };
	struct rd_gcm *g;
	int err = 0;

	rd_shim_fail_alloc(1);
	ck_assert_ptr_null(rd_host_gcm_new(key, &err));
	ck_assert_int_eq(err, -ENOMEM);
	g = rd_host_gcm_new(key, &err);
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(rd_host_gcm_seal(g, iv, NULL, 0, buf, sizeof(buf), tag), -ENOMEM);
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(rd_host_gcm_open(g, iv, NULL, 0, buf, sizeof(buf), tag), -ENOMEM);
	ck_assert_uint_eq(rd_shim_allocations(), 1);
	rd_host_gcm_free(g);
	rd_host_gcm_free(NULL);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

START_TEST(test_equal_and_wipe)
{
	u8 a[33] = { 0 }, b[33] = { 0 };
	unsigned int i;

	ck_assert(rd_host_equal(a, b, sizeof(a)));
	for (i = 0; i < sizeof(a); i++) {
		a[i] = 0x80;
		ck_assert(!rd_host_equal(a, b, sizeof(a)));
		ck_assert(rd_host_equal(a, b, i));
		rd_host_wipe(a, sizeof(a));
		ck_assert_mem_eq(a, b, sizeof(a));
	}
}
END_TEST

void add_crypto_tests(Suite *s)
{
	TCase *c = tcase_create("crypto");

	tcase_add_loop_test(c, test_sha256, 0, ARRAY_SIZE(hashes));
	tcase_add_loop_test(c, test_cmac, 0, ARRAY_SIZE(macs));
	tcase_add_loop_test(c, test_gcm, 0, ARRAY_SIZE(gcms));
	tcase_add_test(c, test_gcm_no_memory);
	tcase_add_test(c, test_equal_and_wipe);
	suite_add_tcase(s, c);
}
