// SPDX-License-Identifier: GPL-2.0-only
/*
 * EINIT without a token: each rule that SIGSTRUCT and the SECS have to keep, the code that breaking
 * it gives, and that nothing changes then.
 */
#include <openssl/sha.h>
#include "enclave/measure.h"
#include "tests/unit/enclave_keys/keys_tests.h"

#define N 4U /* the enclave's SECS */
#define FLAGS (RD_ATTR_MODE64 | RD_ATTR_KSS)

static struct rd_secs *secs;
static struct rd_sigstruct *g;
static u8 before[4096];

static void setup(void)
{
	u8 hash[32];

	world_reset(true);
	secs = enclave_new(N, W_ENCL, FLAGS);
	memcpy(w.l.pubkeyhash, signer_hash(ALICE), 32);
	g = w_ram(SIG_LA);
	enclave_hash(hash);
	sigstruct_init(g, hash);
	g->isvprodid = 0x1234;
	g->isvsvn = 0x5678;
	memset(g->isvfamilyid, 0x11, 16);
	memset(g->isvextprodid, 0x22, 16);
	sigstruct_sign(g, ALICE);
}

static void teardown(void)
{
	world_end();
}

static void check_code(u64 code)
{
	u64 want = code ? RD_ATTR_INIT : 0;

	memcpy(before, secs, sizeof(before));
	w.l.rflags = 0x202 | F_ALL;
	ck_assert_int_eq(einit(N), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], code);
	ck_assert_uint_eq(w.l.rflags, code ? 0x202 | F_ZF : 0x202);
	ck_assert_uint_eq(~secs->attributes.flags & RD_ATTR_INIT, want);
	if (code)
		ck_assert_mem_eq(secs, before, sizeof(before));
	check_quiet();
}

static void check_fault(u64 rbx, u64 rcx, u64 rdx, u8 vector, u64 cr2, u32 error)
{
	memcpy(before, secs, sizeof(before));
	ck_assert_int_eq(w_encls(RD_EINIT, rbx, rcx, rdx), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, vector);
	ck_assert_uint_eq(w.l.fault.cr2, cr2);
	ck_assert_uint_eq(w.l.fault.error, error);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_EINIT);
	ck_assert_uint_eq(w.l.rflags, 0x202);
	ck_assert_mem_eq(secs, before, sizeof(before));
}

START_TEST(test_success)
{
	u8 hash[32];

	check_code(0);
	enclave_hash(hash);
	ck_assert_mem_eq(secs->mrenclave, hash, 32);
	ck_assert_mem_eq(secs->mrsigner, signer_hash(ALICE), 32);
	ck_assert_uint_eq(secs->isvprodid, 0x1234);
	ck_assert_uint_eq(secs->isvsvn, 0x5678);
	ck_assert_mem_eq(rd_secs_own(secs)->isvfamilyid, g->isvfamilyid, 16);
	ck_assert_mem_eq(rd_secs_own(secs)->isvextprodid, g->isvextprodid, 16);
	ck_assert_uint_eq(secs->attributes.flags, FLAGS | RD_ATTR_INIT);
	/* Once only. */
	check_fault(SIG_LA, w_epc(N), TOKEN_LA, 13, 0, 0);
	check_quiet();
}
END_TEST

static bool is_constant(unsigned int at)
{
	return at < 16 || (at >= 24 && at < 40);
}

static bool is_reserved(unsigned int at)
{
	return (at >= 44 && at < 128) || (at >= 908 && at < 912) || (at >= 992 && at < 1008) ||
	       (at >= 1028 && at < 1040);
}

static bool is_form(unsigned int at)
{
	return is_constant(at) || is_reserved(at) || (at >= 16 && at < 20) /* VENDOR */ ||
	       (at >= 512 && at < 516) /* EXPONENT */;
}

/* A bit of each byte, as it may flip on the way: the form, or else the signature, tells. */
START_TEST(test_flips)
{
	u8 *p = (u8 *)g;
	unsigned int i;

	for (i = 0; i < sizeof(*g); i++) {
		p[i] ^= 1 << i % 8;
		check_code(is_form(i) ? RD_SGX_INVALID_SIG_STRUCT : RD_SGX_INVALID_SIGNATURE);
		p[i] ^= 1 << i % 8;
	}
	check_code(0);
}
END_TEST

#define AT(field) offsetof(struct rd_sigstruct, field)

/* What the signer may say, and what not; signed again after each change. */
static const struct {
	unsigned int at, bytes;
	u64 value;
	u64 code;
} changes[] = {
	{ AT(vendor), 4, 0x8086, 0 },
	{ AT(vendor), 4, 0x8087, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(vendor), 4, 0x10000, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(date), 4, 0xffffffff, 0 },
	{ AT(swdefined), 4, 0xffffffff, 0 },
	{ AT(header) + 4, 1, 0x61, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(header2), 1, 0, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(reserved1), 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(reserved1) + 83, 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(cet_attributes), 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(cet_mask), 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(reserved2) + 1, 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(reserved3) + 15, 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(reserved4), 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(reserved4) + 11, 1, 1, RD_SGX_INVALID_SIG_STRUCT },
	{ AT(isvfamilyid), 1, 0, 0 },
	{ AT(isvextprodid), 8, 0, 0 },
	{ AT(isvprodid), 2, 0xffff, 0 },
	{ AT(isvsvn), 2, 0, 0 },
	{ AT(enclavehash), 1, 0x5a, RD_SGX_INVALID_MEASUREMENT },
	{ AT(enclavehash) + 31, 1, 0x5a, RD_SGX_INVALID_MEASUREMENT },
	/* Without a mask nothing of these is asked. */
	{ AT(attributes), 8, ~0ULL, 0 },
	{ AT(attributes) + 8, 8, ~0ULL, 0 },
	{ AT(miscselect), 4, ~0U, 0 },
	/* With a mask, 0 is asked of the bits that are set in it. */
	{ AT(attributemask), 8, RD_ATTR_DEBUG, 0 },
	{ AT(attributemask), 8, ~(FLAGS | 0ULL), 0 },
	{ AT(attributemask), 8, RD_ATTR_MODE64, RD_SGX_INVALID_ATTRIBUTE },
	{ AT(attributemask), 8, RD_ATTR_KSS, RD_SGX_INVALID_ATTRIBUTE },
	{ AT(attributemask) + 8, 8, ~3ULL, 0 },
	{ AT(attributemask) + 8, 8, 2, RD_SGX_INVALID_ATTRIBUTE },
	{ AT(miscmask), 4, ~1U, 0 },
	{ AT(miscmask), 4, 1, RD_SGX_INVALID_ATTRIBUTE },
};

START_TEST(test_signed_changes)
{
	memcpy((u8 *)g + changes[_i].at, &changes[_i].value, changes[_i].bytes);
	sigstruct_sign(g, ALICE);
	check_code(changes[_i].code);
}
END_TEST

/* What is asked and is there. */
START_TEST(test_masks_met)
{
	g->attributes.flags = FLAGS | RD_ATTR_DEBUG;
	g->attributemask.flags = ~RD_ATTR_DEBUG;
	g->attributes.xfrm = 3;
	g->attributemask.xfrm = ~0ULL;
	g->miscselect = RD_MISC_EXINFO;
	g->miscmask = ~0U;
	sigstruct_sign(g, ALICE);
	check_code(0);
}
END_TEST

/* Without KSS: ISVFAMILYID is not to be used. */
START_TEST(test_no_kss)
{
	secs->attributes.flags = RD_ATTR_MODE64;
	check_code(RD_SGX_INVALID_SIG_STRUCT);
	memset(g->isvfamilyid, 0, 15);
	sigstruct_sign(g, ALICE);
	check_code(RD_SGX_INVALID_SIG_STRUCT);
	memset(g->isvfamilyid, 0, 16);
	sigstruct_sign(g, ALICE);
	check_code(0);
}
END_TEST

START_TEST(test_other_signer)
{
	sigstruct_sign(g, BOB);
	check_code(RD_SGX_INVALID_EINITTOKEN);
	/* Each of the four registers counts. */
	memcpy(w.l.pubkeyhash, signer_hash(BOB), 32);
	w.l.pubkeyhash[_i] ^= 1ULL << 63;
	check_code(RD_SGX_INVALID_EINITTOKEN);
	w.l.pubkeyhash[_i] ^= 1ULL << 63;
	check_code(0);
	ck_assert_mem_eq(secs->mrsigner, signer_hash(BOB), 32);
}
END_TEST

/* The signature of one under the key of another. */
START_TEST(test_wrong_key)
{
	struct rd_sigstruct bob = *g;

	sigstruct_sign(&bob, BOB);
	memcpy(g->modulus, bob.modulus, RD_RSA_BYTES);
	check_code(RD_SGX_INVALID_SIGNATURE);
	quotients(g);
	check_code(RD_SGX_INVALID_SIGNATURE);
}
END_TEST

/* Only the launch enclave's signer makes launch enclaves; provisioning is not EINIT's affair. */
START_TEST(test_controlled_attributes)
{
	secs->attributes.flags = FLAGS | RD_ATTR_EINITTOKENKEY;
	sigstruct_sign(g, BOB);
	check_code(RD_SGX_INVALID_ATTRIBUTE);
	sigstruct_sign(g, ALICE);
	check_code(0);
	secs->attributes.flags = FLAGS | RD_ATTR_PROVISIONKEY;
	check_code(0);
}
END_TEST

/* Another page, another chunk: another enclave. */
START_TEST(test_measurement)
{
	struct rd_secinfo si = { .flags = RD_SI_PT(RD_PT_REG) | RD_SI_R };

	rd_measure_add(secs, 0, &si);
	check_code(RD_SGX_INVALID_MEASUREMENT);
	rd_measure_create(secs);
	check_code(0);
}
END_TEST

START_TEST(test_operands)
{
	u64 s = w_epc(N);

	check_fault(SIG_LA + 2048, s, TOKEN_LA, 13, 0, 0);
	check_fault(SIG_LA + 1, s, TOKEN_LA, 13, 0, 0);
	check_fault(SIG_LA, s + 512, TOKEN_LA, 13, 0, 0);
	check_fault(SIG_LA, s, TOKEN_LA + 256, 13, 0, 0);
	check_fault(0x800000000000, s, TOKEN_LA, 13, 0, 0);
	check_fault(SIG_LA, 0x800000000000, TOKEN_LA, 13, 0, 0);
	check_fault(SIG_LA, s, 0x800000000000, 13, 0, 0);
	/* Not mapped; not in the EPC. */
	check_fault(0x1000, s, TOKEN_LA, 14, 0x1000, 0);
	check_fault(SIG_LA, 0x2000, TOKEN_LA, 14, 0x2000, RD_PF_W);
	check_fault(SIG_LA, s, 0x3000, 14, 0x3000, 0);
	check_fault(SIG_LA, TOKEN_LA, TOKEN_LA, 14, TOKEN_LA, RD_PF_P | RD_PF_W);
	/* Not a SECS: free, another type. */
	check_fault(SIG_LA, w_epc(N + 1), TOKEN_LA, 14, w_epc(N + 1), RD_PF_SGX | RD_PF_P);
	check_fault(SIG_LA, w_epc(N + 2), TOKEN_LA, 14, w_epc(N + 2), RD_PF_SGX | RD_PF_P);
	check_quiet();
	/* In the EPC, SIGSTRUCT reads as ones, and so does a token. */
	ck_assert_int_eq(w_encls(RD_EINIT, w_epc(N + 1), s, TOKEN_LA), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_SGX_INVALID_SIG_STRUCT);
	ck_assert_int_eq(w_encls(RD_EINIT, SIG_LA, s, w_epc(N + 1)), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_SGX_INVALID_EINITTOKEN);
	check_code(0);
}
END_TEST

/* Others at work with the SECS. */
START_TEST(test_conflicts)
{
	struct rd_epcm *e = &w.epc.map[N];

	ck_assert(rd_epcm_own(e));
	check_fault(SIG_LA, w_epc(N), TOKEN_LA, 13, 0, 0);
	ck_assert_uint_eq(e->lock, RD_EPCM_EXCLUSIVE);
	rd_epcm_disown(e);
	ck_assert(rd_epcm_begin(e, RD_OP_MEASURE));
	check_fault(SIG_LA, w_epc(N), TOKEN_LA, 13, 0, 0);
	ck_assert_uint_eq(e->ops, BIT(RD_OP_MEASURE));
	rd_epcm_end(e, RD_OP_MEASURE);
	/* What does not matter. */
	ck_assert(rd_epcm_share(e));
	ck_assert(rd_epcm_begin(e, RD_OP_TRACK));
	ck_assert_int_eq(einit(N), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], 0);
	ck_assert_uint_eq(e->lock, 1);
	ck_assert_uint_eq(e->ops, BIT(RD_OP_TRACK));
}
END_TEST

/* A bad SIGSTRUCT is told before the SECS is looked at. */
START_TEST(test_order)
{
	struct rd_epcm *e = &w.epc.map[N];

	ck_assert(rd_epcm_own(e));
	g->exponent = 65537;
	ck_assert_int_eq(einit(N), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_SGX_INVALID_SIG_STRUCT);
	g->exponent = 3;
	g->q2[0] ^= 1;
	ck_assert_int_eq(einit(N), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_SGX_INVALID_SIGNATURE);
	rd_epcm_disown(e);
}
END_TEST

START_TEST(test_no_memory)
{
	unsigned int n;

	for (n = 1;; n++) {
		int ret;

		memcpy(before, secs, sizeof(before));
		rd_shim_fail_alloc(n);
		ret = einit(N);
		rd_shim_fail_alloc(0);
		check_quiet();
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_EINIT);
		ck_assert_uint_eq(w.l.rflags, 0x202);
		ck_assert_mem_eq(secs, before, sizeof(before));
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], 0);
}
END_TEST

void add_init_tests(Suite *s)
{
	TCase *c = tcase_create("init");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_success);
	tcase_add_test(c, test_flips);
	tcase_add_loop_test(c, test_signed_changes, 0, ARRAY_SIZE(changes));
	tcase_add_test(c, test_masks_met);
	tcase_add_test(c, test_no_kss);
	tcase_add_loop_test(c, test_other_signer, 0, 4);
	tcase_add_test(c, test_wrong_key);
	tcase_add_test(c, test_controlled_attributes);
	tcase_add_test(c, test_measurement);
	tcase_add_test(c, test_operands);
	tcase_add_test(c, test_conflicts);
	tcase_add_test(c, test_order);
	tcase_add_test(c, test_no_memory);
	suite_add_tcase(s, c);
}
