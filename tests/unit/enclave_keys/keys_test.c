// SPDX-License-Identifier: GPL-2.0-only
/*
 * EGETKEY: of each key, what it depends on and what it does not, from a table; who may have it; and
 * its operands.
 */
#include "tests/unit/enclave_keys/keys_tests.h"
#include "tests/unit/own_stack.h"

#define N 4U
#define FLAGS                                                                                      \
	(RD_ATTR_INIT | RD_ATTR_MODE64 | RD_ATTR_PROVISIONKEY | RD_ATTR_EINITTOKENKEY | RD_ATTR_KSS)

/* The keys that the table's columns stand for. */
static const struct {
	u16 name, policy;
} kinds[] = {
	{ RD_KEY_EINITTOKEN, 0 },
	{ RD_KEY_PROVISION, 0 },
	{ RD_KEY_PROVISION_SEAL, 0 },
	{ RD_KEY_PROVISION_SEAL, RD_POLICY_KSS },
	{ RD_KEY_REPORT, 0 },
	{ RD_KEY_SEAL, RD_POLICY_MRENCLAVE },
	{ RD_KEY_SEAL, RD_POLICY_MRSIGNER },
	{ RD_KEY_SEAL, RD_POLICY_MRSIGNER | RD_POLICY_KSS },
	{ RD_KEY_SEAL, 0 },
};

#define KINDS ARRAY_SIZE(kinds)

static struct rd_secs *secs;
static struct rd_keyrequest r;

static void setup(void)
{
	world_reset(true);
	secs = enclave_new(N, W_ENCL, FLAGS);
	secs->attributes.xfrm = 7;
	secs->miscselect = 3;
	secs->isvprodid = 7;
	secs->isvsvn = 5;
	secs->configsvn = 4;
	memset(secs->mrenclave, 0xe1, 32);
	memset(secs->mrsigner, 0x51, 32);
	memset(secs->configid, 0xc0, 64);
	memset(rd_secs_own(secs)->isvfamilyid, 0xfa, 16);
	memset(rd_secs_own(secs)->isvextprodid, 0xed, 16);
	r = (struct rd_keyrequest){
		.isvsvn = 3,
		.cpusvn[0] = w.epc.keys.cpusvn[0],
		.attributemask = { RD_ATTR_MODE64 | RD_ATTR_EINITTOKENKEY, 3 },
		.miscmask = 1,
		.configsvn = 2,
	};
	memset(r.keyid, 0x1d, 32);
}

static void teardown(void)
{
	world_end();
}

static void get(unsigned int kind, u8 key[16])
{
	r.keyname = kinds[kind].name;
	r.keypolicy = kinds[kind].policy;
	ck_assert_uint_eq(get_key(N, &r, key), 0);
	ck_assert_uint_eq(w.l.rflags, 0x202);
}

static void new_root(void)
{
	static const u8 root[RD_ROOT_KEY_BYTES] = { [31] = 1 };

	rd_keys_destroy(&w.epc.keys);
	ck_assert_int_eq(rd_keys_init(&w.epc.keys, root), 0);
}

static void reboot(void)
{
	static const u8 boot[32] = { 1, 2, 3 };

	ck_assert_int_eq(rd_keys_boot(&w.epc.keys, boot), 0);
	ck_assert_mem_eq(w.epc.keys.report_keyid, boot, 32);
}

#define CHANGE(name, what)                                                                         \
	static void name(void)                                                                     \
	{                                                                                          \
		what;                                                                              \
	}

CHANGE(mrenclave, secs->mrenclave[31] ^= 1)
CHANGE(mrsigner, secs->mrsigner[0] ^= 1)
CHANGE(isvprodid, secs->isvprodid ^= 0x100)
CHANGE(isvfamilyid, rd_secs_own(secs)->isvfamilyid[15] ^= 1)
CHANGE(isvextprodid, rd_secs_own(secs)->isvextprodid[0] ^= 1)
CHANGE(configid, secs->configid[63] ^= 1)
CHANGE(configsvn_rises, secs->configsvn++)
CHANGE(isvsvn_rises, secs->isvsvn++)
CHANGE(debug, secs->attributes.flags ^= RD_ATTR_DEBUG)
CHANGE(flag_in_mask, secs->attributes.flags ^= RD_ATTR_MODE64)
CHANGE(flag_not_in_mask, secs->attributes.flags ^= RD_ATTR_AEXNOTIFY)
CHANGE(xfrm_in_mask, secs->attributes.xfrm ^= 2)
CHANGE(xfrm_not_in_mask, secs->attributes.xfrm ^= 4)
CHANGE(misc_in_mask, secs->miscselect ^= 1)
CHANGE(misc_not_in_mask, secs->miscselect ^= 2)
CHANGE(ask_isvsvn, r.isvsvn--)
CHANGE(ask_cpusvn, r.cpusvn[0]--)
CHANGE(ask_keyid, r.keyid[31] ^= 0x80)
CHANGE(ask_configsvn, r.configsvn--)
CHANGE(mask_without_effect, r.attributemask.flags ^= RD_ATTR_AEXNOTIFY)
CHANGE(xfrm_mask_without_effect, r.attributemask.xfrm ^= 8)
CHANGE(misc_mask_without_effect, r.miscmask ^= 0x20)
CHANGE(owner_epoch, w.epc.keys.owner_epoch[7] ^= 1)
CHANGE(seal_fuses, w.epc.keys.seal_fuses[0] ^= 1)
CHANGE(nothing, )

/*
 * same[]: S: the same key as before, D: a different one; EINITTOKEN, PROVISION, PROVISION_SEAL
 * without and with KSS policies, REPORT, SEAL with MRENCLAVE, MRSIGNER, MRSIGNER and KSS, nothing.
 */
static const struct {
	void (*change)(void);
	const char *same;
} rows[] = {
	{ nothing, "SSSSSSSSS" },
	{ mrenclave, "SSSSDDSSS" },
	{ mrsigner, "DDDDSSDDS" },
	{ isvprodid, "DDDSSDDSD" },
	{ isvfamilyid, "SSSDSSSDS" },
	{ isvextprodid, "SSSDSSSDS" },
	{ configid, "SSSDDSSDS" },
	{ configsvn_rises, "SSSSDSSSS" },
	{ isvsvn_rises, "SSSSSSSSS" },
	{ debug, "DDDDDDDDD" },
	{ flag_in_mask, "DDDDDDDDD" },
	{ flag_not_in_mask, "SSSSDSSSS" },
	{ xfrm_in_mask, "DDDDDDDDD" },
	{ xfrm_not_in_mask, "SSSSDSSSS" },
	{ misc_in_mask, "DDDDDDDDD" },
	{ misc_not_in_mask, "SSSSDSSSS" },
	{ ask_isvsvn, "DDDDSDDDD" },
	{ ask_cpusvn, "DDDDSDDDD" },
	{ ask_keyid, "DSSSDDDDD" },
	{ ask_configsvn, "SSSDSSSDS" },
	{ mask_without_effect, "SDDDSDDDD" },
	{ xfrm_mask_without_effect, "SDDDSDDDD" },
	{ misc_mask_without_effect, "SDDDSDDDD" },
	{ owner_epoch, "DSSSDDDDD" },
	{ seal_fuses, "DSDDDDDDD" },
	{ new_root, "DDDDDDDDD" },
	{ reboot, "SSSSSSSSS" },
};

START_TEST(test_dependencies)
{
	u8 was[KINDS][16], is[16];
	unsigned int i;

	for (i = 0; i < KINDS; i++)
		get(i, was[i]);
	rows[_i].change();
	for (i = 0; i < KINDS; i++) {
		get(i, is);
		ck_assert_msg(!memcmp(is, was[i], 16) == (rows[_i].same[i] == 'S'),
			      "row %u, key %u", _i, i);
	}
}
END_TEST

/* Whatever is in common, two kinds of keys are never one. */
START_TEST(test_all_different)
{
	u8 key[KINDS][16];
	unsigned int i, j;

	for (i = 0; i < KINDS; i++) {
		get(i, key[i]);
		for (j = 0; j < i; j++)
			ck_assert_mem_ne(key[i], key[j], 16);
	}
	/* Nor is a policy that adds what is zero. */
	memset(secs->mrsigner, 0, 32);
	get(6, key[6]);
	get(8, key[8]);
	ck_assert_mem_ne(key[6], key[8], 16);
}
END_TEST

/* These have no policy, and CONFIGSVN is asked of keys to seal with only. */
START_TEST(test_policy_of_no_effect)
{
	static const u8 of[] = { 0, 1, 4 };
	u8 was[16], is[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		get(of[i], was);
		r.keypolicy = 0x3f;
		ck_assert_uint_eq(get_key(N, &r, is), 0);
		ck_assert_mem_eq(is, was, 16);
	}
	/* The signer's it is in any case; but which policy was asked is in the key. */
	get(2, was);
	r.keypolicy = RD_POLICY_MRSIGNER;
	ck_assert_uint_eq(get_key(N, &r, is), 0);
	ck_assert_mem_ne(is, was, 16);
}
END_TEST

static void check_code(u64 code)
{
	static const u8 untouched[16] = { 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
					  0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc };
	u8 key[16];

	w.l.rflags = 0x202 | F_ALL;
	ck_assert_uint_eq(get_key(N, &r, key), code);
	ck_assert_uint_eq(w.l.rflags, code ? 0x202 | F_ZF : 0x202);
	ck_assert_int_eq(!memcmp(key, untouched, 16), !!code);
}

START_TEST(test_names)
{
	unsigned int name;

	for (name = 5; name < 0x10000; name += name < 300 ? 1 : 1009) {
		r.keyname = name;
		check_code(RD_SGX_INVALID_KEYNAME);
	}
	r.keyname = 0xffff;
	check_code(RD_SGX_INVALID_KEYNAME);
}
END_TEST

static u64 attribute_of(u16 name)
{
	if (name == RD_KEY_PROVISION || name == RD_KEY_PROVISION_SEAL)
		return RD_ATTR_PROVISIONKEY;
	return name == RD_KEY_EINITTOKEN ? RD_ATTR_EINITTOKENKEY : 0;
}

START_TEST(test_attributes)
{
	unsigned int i;

	for (i = 0; i < KINDS; i++) {
		u64 need = attribute_of(kinds[i].name);

		r.keyname = kinds[i].name;
		r.keypolicy = kinds[i].policy;
		secs->attributes.flags = FLAGS & ~need;
		check_code(need ? RD_SGX_INVALID_ATTRIBUTE : 0);
		secs->attributes.flags = RD_ATTR_INIT | RD_ATTR_KSS | need;
		check_code(0);
	}
}
END_TEST

START_TEST(test_versions)
{
	unsigned int i, j;

	for (i = 0; i < KINDS; i++) {
		bool report = kinds[i].name == RD_KEY_REPORT;
		bool seals = kinds[i].name == RD_KEY_SEAL || kinds[i].name == RD_KEY_PROVISION_SEAL;

		r.keyname = kinds[i].name;
		r.keypolicy = kinds[i].policy;
		for (j = 0; j < 16; j++) {
			r.cpusvn[j]++;
			check_code(report ? 0 : RD_SGX_INVALID_CPUSVN);
			r.cpusvn[j] += 0x7f;
			check_code(report ? 0 : RD_SGX_INVALID_CPUSVN);
			r.cpusvn[j] -= 0x80;
		}
		r.isvsvn = 5;
		check_code(0);
		r.isvsvn = 6;
		check_code(report ? 0 : RD_SGX_INVALID_ISVSVN);
		r.isvsvn = 3;
		r.configsvn = 4;
		check_code(0);
		r.configsvn = 5;
		check_code(seals ? RD_SGX_INVALID_ISVSVN : 0);
		r.configsvn = 2;
	}
}
END_TEST

static void check_fault(u64 rbx, u64 rcx, u8 vector, u64 cr2, u32 error)
{
	enclave_enter(N);
	w.l.rflags = 0x202 | F_ALL;
	ck_assert_int_eq(w_enclu(RD_EGETKEY, rbx, rcx, 0), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, vector);
	ck_assert_uint_eq(w.l.fault.cr2, cr2);
	ck_assert_uint_eq(w.l.fault.error, error);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_EGETKEY);
	ck_assert_uint_eq(w.l.rflags, 0x202 | F_ALL);
	enclave_leave();
	check_quiet();
}

static void check_gp_request(void)
{
	memcpy(enclave_data(N), &r, sizeof(r));
	memset(enclave_data(N) + 512, 0xcc, 16);
	check_fault(W_ENCL, W_ENCL + 512, 13, 0, 0);
	ck_assert_uint_eq(enclave_data(N)[512], 0xcc);
	ck_assert_uint_eq(enclave_data(N)[527], 0xcc);
}

START_TEST(test_reserved)
{
	unsigned int i;

	r.keyname = RD_KEY_SEAL;
	check_code(0);
	for (i = 6; i < 16; i++) {
		r.keypolicy = BIT(i);
		check_gp_request();
	}
	r.keypolicy = 0;
	r.cet_attributes_mask = 1;
	check_gp_request();
	r.cet_attributes_mask = 0;
	r.reserved1 = 0x80;
	check_gp_request();
	r.reserved1 = 0;
	for (i = 0; i < sizeof(r.reserved2); i++) {
		r.reserved2[i] = 1 << i % 8;
		check_gp_request();
		r.reserved2[i] = 0;
	}
	/* #GP comes before the name is looked at. */
	r.keyname = 9;
	r.reserved1 = 1;
	check_gp_request();
	r.reserved1 = 0;
	check_code(RD_SGX_INVALID_KEYNAME);
}
END_TEST

START_TEST(test_no_kss)
{
	unsigned int i;

	secs->attributes.flags &= ~RD_ATTR_KSS;
	r.keyname = RD_KEY_SEAL;
	check_gp_request(); /* CONFIGSVN */
	r.configsvn = 0;
	check_code(0);
	for (i = 0; i < 6; i++) {
		r.keypolicy = BIT(i);
		if (i < 2)
			check_code(0);
		else
			check_gp_request();
	}
}
END_TEST

START_TEST(test_operands)
{
	struct rd_epcm *e = &w.epc.map[N + 1];

	memcpy(enclave_data(N), &r, sizeof(r));
	check_fault(W_ENCL + 256, W_ENCL + 512, 13, 0, 0);
	check_fault(W_ENCL, W_ENCL + 520, 13, 0, 0);
	check_fault(W_ENCL - 512, W_ENCL + 512, 13, 0, 0);
	check_fault(W_ENCL, W_ENCL + ENCLAVE_SIZE, 13, 0, 0);
	check_fault(W_RAM, W_ENCL + 512, 13, 0, 0);
	/* Not mapped, not in the EPC, not the enclave's page at this address. */
	check_fault(W_ENCL + 0x1000, W_ENCL, 14, W_ENCL + 0x1000, RD_PF_U);
	check_fault(W_ENCL, W_ENCL + 0x1000, 14, W_ENCL + 0x1000, RD_PF_U | RD_PF_W);
	world_map(W_ENCL + 0x1000, W_RAM, ACC_ALL);
	check_fault(W_ENCL, W_ENCL + 0x1000, 14, W_ENCL + 0x1000, RD_PF_P | RD_PF_U | RD_PF_W);
	world_map(W_ENCL + 0x1000, w_gpa(N + 1), ACC_ALL);
	check_fault(W_ENCL, W_ENCL + 0x1010, 14, W_ENCL + 0x1010,
		    RD_PF_P | RD_PF_U | RD_PF_W | RD_PF_SGX);
	/* A page to read only; one that is blocked; one that is being taken away. */
	e->state &= ~RD_SI_W;
	check_fault(W_ENCL, W_ENCL + 512, 14, W_ENCL + 512,
		    RD_PF_P | RD_PF_U | RD_PF_W | RD_PF_SGX);
	e->state |= RD_SI_W | RD_EPCM_BLOCKED;
	check_fault(W_ENCL, W_ENCL + 512, 14, W_ENCL, RD_PF_P | RD_PF_U | RD_PF_SGX);
	e->state &= ~RD_EPCM_BLOCKED;
	ck_assert(rd_epcm_own(e));
	enclave_enter(N);
	ck_assert_int_eq(w_enclu(RD_EGETKEY, W_ENCL, W_ENCL + 512, 0), RD_LEAF_FAULT);
	enclave_leave();
	ck_assert_uint_eq(e->lock, RD_EPCM_EXCLUSIVE);
	rd_epcm_disown(e);
	/* Only from inside. */
	ck_assert_int_eq(w_enclu(RD_EGETKEY, W_ENCL, W_ENCL + 512, 0), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
}
END_TEST

START_TEST(test_no_memory)
{
	r.keyname = RD_KEY_SEAL;
	memcpy(enclave_data(N), &r, sizeof(r));
	memset(enclave_data(N) + 512, 0xcc, 16);
	enclave_enter(N);
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(w_enclu(RD_EGETKEY, W_ENCL, W_ENCL + 512, 0), -ENOMEM);
	enclave_leave();
	check_quiet();
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_EGETKEY);
	ck_assert_uint_eq(enclave_data(N)[512], 0xcc);
}
END_TEST

/* What rd_keys_init() makes, and that it leaves nothing when it fails. */
START_TEST(test_init)
{
	static const u8 root[RD_ROOT_KEY_BYTES] = { 5 };
	u8 buf[2][32] = { { 1 }, { 1 } }, tag[2][16], iv[12] = { 0 };
	struct rd_sgx_keys a, b;
	unsigned int n, had = rd_shim_allocations();

	for (n = 1;; n++) {
		rd_shim_fail_alloc(n);
		if (!rd_keys_init(&a, root))
			break;
		ck_assert_uint_eq(rd_shim_allocations(), had);
		ck_assert_ptr_null(a.paging);
	}
	rd_shim_fail_alloc(0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(rd_keys_init(&b, root), 0);
	/* Each boot has its own report and paging keys; they come back with its name. */
	ck_assert_mem_eq(a.derive, b.derive, 16);
	ck_assert_mem_ne(a.derive, a.seal_fuses, 16);
	ck_assert_mem_ne(a.report_keyid, b.report_keyid, 32);
	rd_host_gcm_seal(a.paging, iv, NULL, 0, buf[0], 32, tag[0]);
	rd_host_gcm_seal(b.paging, iv, NULL, 0, buf[1], 32, tag[1]);
	ck_assert_mem_ne(tag[0], tag[1], 16);
	rd_shim_fail_alloc(2);
	ck_assert_int_eq(rd_keys_boot(&b, a.report_keyid), -ENOMEM);
	ck_assert_mem_ne(a.report_keyid, b.report_keyid, 32);
	ck_assert_int_eq(rd_host_gcm_open(b.paging, iv, NULL, 0, buf[1], 32, tag[1]), 0);
	ck_assert_int_eq(rd_keys_boot(&b, a.report_keyid), 0);
	ck_assert_int_eq(rd_host_gcm_open(b.paging, iv, NULL, 0, buf[0], 32, tag[0]), 0);
	ck_assert_mem_eq(buf[0], buf[1], 32);
	rd_keys_destroy(&a);
	rd_keys_destroy(&b);
	ck_assert_uint_eq(rd_shim_allocations(), had);
}
END_TEST

static void get_it(void)
{
	u8 key[16];

	get(KINDS - 1, key);
}

static void start_again(void)
{
	ck_assert_int_eq(rd_keys_boot(&w.epc.keys, r.keyid), 0);
}

/* The fuses go into the derivation of keys, and nowhere else. */
START_TEST(test_stack)
{
	own_stack_run(get_it);
	ck_assert(!own_stack_has(w.epc.keys.seal_fuses, 16));
	own_stack_run(start_again);
	ck_assert(!own_stack_has(w.epc.keys.seal_fuses, 16));
}
END_TEST

void add_key_tests(Suite *s)
{
	TCase *c = tcase_create("keys");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_dependencies, 0, ARRAY_SIZE(rows));
	tcase_add_test(c, test_all_different);
	tcase_add_test(c, test_policy_of_no_effect);
	tcase_add_test(c, test_names);
	tcase_add_test(c, test_attributes);
	tcase_add_test(c, test_versions);
	tcase_add_test(c, test_reserved);
	tcase_add_test(c, test_no_kss);
	tcase_add_test(c, test_operands);
	tcase_add_test(c, test_no_memory);
	tcase_add_test(c, test_init);
	tcase_add_test(c, test_stack);
	suite_add_tcase(s, c);
}
