// SPDX-License-Identifier: GPL-2.0-only
/*
 * Launch control: a launch enclave of Alice's gets the EINITTOKEN key as it would, and makes tokens
 * for an enclave of Bob's.
 */
#include "tests/unit/enclave_keys/keys_tests.h"
#include "tests/unit/own_stack.h"

#define LAUNCH 4U
#define ENCLAVE 8U
#define FLAGS (RD_ATTR_MODE64 | RD_ATTR_KSS)

static struct rd_secs *launch, *secs;
static struct rd_sigstruct *g;
static struct rd_einittoken *t;
static struct rd_keyrequest request;

static void start_launch_enclave(u64 flags)
{
	u8 hash[32];

	launch = enclave_new(LAUNCH, W_ENCL, flags | RD_ATTR_EINITTOKENKEY);
	enclave_hash(hash);
	sigstruct_init(g, hash);
	g->isvprodid = 3;
	g->isvsvn = 2;
	sigstruct_sign(g, ALICE);
	ck_assert_int_eq(einit(LAUNCH), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], 0);
}

static void setup_flags(u64 flags)
{
	u8 hash[32];

	world_reset(true);
	memcpy(w.l.pubkeyhash, signer_hash(ALICE), 32);
	g = w_ram(SIG_LA);
	t = w_ram(TOKEN_LA);
	start_launch_enclave(flags);
	secs = enclave_new(ENCLAVE, W_ENCL + 0x100000, FLAGS);
	enclave_hash(hash);
	sigstruct_init(g, hash);
	sigstruct_sign(g, BOB);
	memset(&request, 0, sizeof(request));
	request.keyname = RD_KEY_EINITTOKEN;
	request.isvsvn = 2;
	request.cpusvn[0] = w.epc.keys.cpusvn[0];
	request.attributemask.flags = ~0ULL;
	request.attributemask.xfrm = ~0ULL;
	request.miscmask = ~0U;
	memset(request.keyid, 0x77, sizeof(request.keyid));
}

static void setup(void)
{
	setup_flags(RD_ATTR_MODE64);
}

static void teardown(void)
{
	world_end();
}

static void mac_token(void)
{
	u8 key[16];

	ck_assert_uint_eq(get_key(LAUNCH, &request, key), 0);
	cmac(key, t, 192, t->mac);
}

/* As the launch enclave makes it. */
static void make_token(void)
{
	memset(t, 0, sizeof(*t));
	t->valid = 1;
	t->attributes = secs->attributes;
	enclave_hash(t->mrenclave);
	memcpy(t->mrsigner, signer_hash(BOB), 32);
	memcpy(t->cpusvnle, request.cpusvn, 16);
	t->isvprodidle = launch->isvprodid;
	t->isvsvnle = request.isvsvn;
	t->maskedmiscselectle = request.miscmask & launch->miscselect;
	t->maskedattributesle.flags = request.attributemask.flags & launch->attributes.flags;
	t->maskedattributesle.xfrm = request.attributemask.xfrm & launch->attributes.xfrm;
	memcpy(t->keyid, request.keyid, 32);
	mac_token();
}

static void check_code(u64 code)
{
	u8 before[4096];

	memcpy(before, secs, sizeof(before));
	ck_assert_int_eq(einit(ENCLAVE), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], code);
	if (code)
		ck_assert_mem_eq(secs, before, sizeof(before));
	ck_assert_int_eq(!(secs->attributes.flags & RD_ATTR_INIT), !!code);
	check_quiet();
}

START_TEST(test_token)
{
	check_code(RD_SGX_INVALID_EINITTOKEN); /* none */
	make_token();
	t->valid = 0;
	check_code(RD_SGX_INVALID_EINITTOKEN);
	make_token();
	check_code(0);
	ck_assert_mem_eq(secs->mrsigner, signer_hash(BOB), 32);
}
END_TEST

/* The launch signer's own enclave needs none, and then what lies there does not matter. */
START_TEST(test_own_without_token)
{
	memset(t, 0xee, sizeof(*t));
	t->valid = 0xfffffffe;
	sigstruct_sign(g, ALICE);
	check_code(0);
}
END_TEST

/* A valid token decides even for the launch signer's own. */
START_TEST(test_own_with_bad_token)
{
	make_token();
	sigstruct_sign(g, ALICE);
	check_code(RD_SGX_INVALID_MEASUREMENT);
	memcpy(t->mrsigner, signer_hash(ALICE), 32);
	check_code(RD_SGX_INVALID_EINITTOKEN);
	mac_token();
	check_code(0);
}
END_TEST

/* Each byte of the token counts: it is under the MAC, or the key depends on it, or it is zero. */
START_TEST(test_flips)
{
	unsigned int i;

	make_token();
	for (i = 0; i < sizeof(*t); i++) {
		u8 *p = (u8 *)t + i, was = *p;
		bool cpusvn = i >= 192 && i < 208;

		*p ^= 1 << i % 8;
		if (i == 0)
			*p = 3; /* VALID itself is another matter */
		check_code(cpusvn && *p > w.epc.keys.cpusvn[i - 192] ? RD_SGX_INVALID_CPUSVN
								     : RD_SGX_INVALID_EINITTOKEN);
		*p = was;
	}
	check_code(0);
}
END_TEST

/* Reserved fields under the MAC are refused even when the launch enclave itself has set them. */
START_TEST(test_reserved)
{
	static const unsigned int at[] = { 1, 3, 4, 47, 96, 127, 160, 191 };

	make_token();
	((u8 *)t)[at[_i]] = 1;
	mac_token();
	check_code(RD_SGX_INVALID_EINITTOKEN);
}
END_TEST

/* A good token, for another. */
START_TEST(test_for_another)
{
	make_token();
	t->mrenclave[31] ^= 1;
	mac_token();
	check_code(RD_SGX_INVALID_MEASUREMENT);
	make_token();
	memcpy(t->mrsigner, signer_hash(ALICE), 32);
	mac_token();
	check_code(RD_SGX_INVALID_MEASUREMENT);
	make_token();
	t->attributes.flags ^= RD_ATTR_DEBUG;
	mac_token();
	check_code(RD_SGX_INVALID_ATTRIBUTE);
	make_token();
	t->attributes.xfrm ^= 4;
	mac_token();
	check_code(RD_SGX_INVALID_ATTRIBUTE);
}
END_TEST

/* Launch enclaves of earlier versions, theirs or the CPU's, keep their keys. */
START_TEST(test_versions)
{
	request.isvsvn = 1;
	make_token();
	t->isvsvnle = 2;
	check_code(RD_SGX_INVALID_EINITTOKEN);
	t->isvsvnle = 1;
	request.cpusvn[0]--;
	make_token();
	check_code(0);
}
END_TEST

/* The platform's launch enclave has become another's, or the root key is another. */
START_TEST(test_elsewhere)
{
	static const u8 other[RD_ROOT_KEY_BYTES] = { 1 };

	make_token();
	memcpy(w.l.pubkeyhash, signer_hash(BOB), 32);
	check_code(RD_SGX_INVALID_EINITTOKEN);
	memcpy(w.l.pubkeyhash, signer_hash(ALICE), 32);
	rd_keys_destroy(&w.epc.keys);
	ck_assert_int_eq(rd_keys_init(&w.epc.keys, other), 0);
	check_code(RD_SGX_INVALID_EINITTOKEN);
}
END_TEST

/* A launch enclave that can be debugged launches only such. */
START_TEST(test_debug_launch_enclave)
{
	world_end();
	setup_flags(RD_ATTR_MODE64 | RD_ATTR_DEBUG);
	make_token();
	check_code(RD_SGX_INVALID_EINITTOKEN);
	secs->attributes.flags |= RD_ATTR_DEBUG;
	make_token();
	check_code(0);
}
END_TEST

/* The mask does not hide it: DEBUG always is in the key. */
START_TEST(test_debug_is_not_masked)
{
	world_end();
	setup_flags(RD_ATTR_MODE64 | RD_ATTR_DEBUG);
	request.attributemask.flags = 0;
	make_token();
	ck_assert_uint_eq(t->maskedattributesle.flags, 0);
	check_code(RD_SGX_INVALID_EINITTOKEN);
	t->maskedattributesle.flags = RD_ATTR_INIT | RD_ATTR_DEBUG;
	secs->attributes.flags |= RD_ATTR_DEBUG;
	t->attributes = secs->attributes;
	mac_token();
	check_code(0);
}
END_TEST

START_TEST(test_no_memory)
{
	unsigned int n;
	int ret;

	make_token();
	for (n = 1;; n++) {
		rd_shim_fail_alloc(n);
		ret = einit(ENCLAVE);
		rd_shim_fail_alloc(0);
		check_quiet();
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert(!(secs->attributes.flags & RD_ATTR_INIT));
	}
	ck_assert_uint_eq(n, 5);
}
END_TEST

static void try_token(void)
{
	ck_assert_int_eq(einit(ENCLAVE), RD_LEAF_DONE);
}

/* A kernel that guesses does not find out from the stack what would have been right. */
START_TEST(test_stack)
{
	u8 mac[16];

	make_token();
	memcpy(mac, t->mac, sizeof(mac));
	t->mac[0] ^= 1;
	own_stack_run(try_token);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_SGX_INVALID_EINITTOKEN);
	ck_assert(!own_stack_has(mac, sizeof(mac)));
	ck_assert(!own_stack_has(w.epc.keys.seal_fuses, 16));
}
END_TEST

void add_token_tests(Suite *s)
{
	TCase *c = tcase_create("token");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_token);
	tcase_add_test(c, test_own_without_token);
	tcase_add_test(c, test_own_with_bad_token);
	tcase_add_test(c, test_flips);
	tcase_add_loop_test(c, test_reserved, 0, 8);
	tcase_add_test(c, test_for_another);
	tcase_add_test(c, test_versions);
	tcase_add_test(c, test_elsewhere);
	tcase_add_test(c, test_debug_launch_enclave);
	tcase_add_test(c, test_debug_is_not_masked);
	tcase_add_test(c, test_no_memory);
	tcase_add_test(c, test_stack);
	suite_add_tcase(s, c);
}
