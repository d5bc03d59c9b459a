// SPDX-License-Identifier: GPL-2.0-only
/*
 * EREPORT: what a report says, and that its target, which gets its report key by EGETKEY, can check
 * it, and nobody else.
 */
#include "tests/unit/enclave_keys/keys_tests.h"

#define WHO 4U /* reports */
#define TARGET 8U /* verifies */
#define FLAGS (RD_ATTR_INIT | RD_ATTR_MODE64 | RD_ATTR_KSS)
#define TARGET_LA (W_ENCL + 0x100000)
#define TI 0U /* where the operands are in the page of WHO */
#define DATA 512U
#define OUT 1024U

static struct rd_secs *who, *target;

static void fill(struct rd_secs *s, u8 seed)
{
	s->isvprodid = 0x0101 * seed;
	s->isvsvn = 0x0202 * seed;
	s->configsvn = 0x0303 * seed;
	memset(s->mrenclave, seed + 1, 32);
	memset(s->mrsigner, seed + 2, 32);
	memset(s->configid, seed + 3, 64);
	memset(rd_secs_own(s)->isvfamilyid, seed + 4, 16);
	memset(rd_secs_own(s)->isvextprodid, seed + 5, 16);
}

static void setup(void)
{
	u8 *page;
	unsigned int i;
	struct rd_targetinfo *t;

	world_reset(true);
	who = enclave_new(WHO, W_ENCL, FLAGS);
	target = enclave_new(TARGET, TARGET_LA, FLAGS | RD_ATTR_DEBUG);
	fill(who, 0x10);
	fill(target, 0x20);
	target->miscselect = 0;
	page = enclave_data(WHO);
	t = (struct rd_targetinfo *)(page + TI);
	memcpy(t->measurement, target->mrenclave, 32);
	t->attributes = target->attributes;
	t->configsvn = target->configsvn;
	t->miscselect = target->miscselect;
	memcpy(t->configid, target->configid, 64);
	for (i = 0; i < 64; i++)
		page[DATA + i] = i;
}

static void teardown(void)
{
	world_end();
}

static struct rd_report *report(void)
{
	enclave_enter(WHO);
	w.l.rflags = 0x202 | F_ALL;
	ck_assert_int_eq(w_enclu(RD_EREPORT, W_ENCL + TI, W_ENCL + DATA, W_ENCL + OUT),
			 RD_LEAF_DONE);
	enclave_leave();
	check_quiet();
	/* Neither RAX nor a flag changes. */
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_EREPORT);
	ck_assert_uint_eq(w.l.rflags, 0x202 | F_ALL);
	return (struct rd_report *)(enclave_data(WHO) + OUT);
}

/* As the SDK does it: the enclave in page n asks for its report key and computes the MAC. */
static bool verified_by(u32 n, const struct rd_report *rep)
{
	struct rd_keyrequest r = { .keyname = RD_KEY_REPORT };
	u8 key[16], mac[16];

	memcpy(r.keyid, rep->keyid, 32);
	ck_assert_uint_eq(get_key(n, &r, key), 0);
	cmac(key, rep, 384, mac);
	return !memcmp(mac, rep->mac, 16);
}

static bool zeros(const u8 *p, size_t len)
{
	while (len--)
		if (*p++)
			return false;
	return true;
}

START_TEST(test_contents)
{
	struct rd_report *rep = report();

	ck_assert_mem_eq(rep->cpusvn, w.epc.keys.cpusvn, 16);
	ck_assert_mem_eq(rep->keyid, w.epc.keys.report_keyid, 32);
	ck_assert(!zeros(rep->keyid, 32));
	ck_assert_uint_eq(rep->miscselect, who->miscselect);
	ck_assert_mem_eq(rep->isvextprodid, rd_secs_own(who)->isvextprodid, 16);
	ck_assert_mem_eq(rep->isvfamilyid, rd_secs_own(who)->isvfamilyid, 16);
	ck_assert_uint_eq(rep->attributes.flags, FLAGS);
	ck_assert_uint_eq(rep->attributes.xfrm, 3);
	ck_assert_mem_eq(rep->mrenclave, who->mrenclave, 32);
	ck_assert_mem_eq(rep->mrsigner, who->mrsigner, 32);
	ck_assert_mem_eq(rep->configid, who->configid, 64);
	ck_assert_uint_eq(rep->isvprodid, who->isvprodid);
	ck_assert_uint_eq(rep->isvsvn, who->isvsvn);
	ck_assert_uint_eq(rep->configsvn, who->configsvn);
	ck_assert_mem_eq(rep->reportdata, enclave_data(WHO) + DATA, 64);
	ck_assert(zeros(rep->reserved1, sizeof(rep->reserved1)));
	ck_assert(zeros(rep->reserved2, sizeof(rep->reserved2)));
	ck_assert(zeros(rep->reserved3, sizeof(rep->reserved3)));
	ck_assert(zeros(rep->reserved4, sizeof(rep->reserved4)));
}
END_TEST

START_TEST(test_target_verifies)
{
	struct rd_report rep = *report();

	ck_assert(verified_by(TARGET, &rep));
	ck_assert(!verified_by(WHO, &rep));
	rep.reportdata[63] ^= 1;
	ck_assert(!verified_by(TARGET, &rep));
	rep.reportdata[63] ^= 1;
	rep.keyid[0] ^= 1;
	ck_assert(!verified_by(TARGET, &rep));
	rep.keyid[0] ^= 1;
	/* Of the next boot, it can still be checked: KEYID says which key. */
	ck_assert_int_eq(rd_keys_boot(&w.epc.keys, rep.mrenclave), 0);
	ck_assert(verified_by(TARGET, &rep));
	ck_assert_mem_ne(report()->mac, rep.mac, 16);
}
END_TEST

/* An enclave that is the target in all but one respect. */
START_TEST(test_almost_target)
{
	struct rd_report rep = *report();
	struct rd_secs was = *target;

	target->mrenclave[0] ^= 1;
	ck_assert(!verified_by(TARGET, &rep));
	*target = was;
	target->attributes.flags ^= RD_ATTR_DEBUG;
	ck_assert(!verified_by(TARGET, &rep));
	*target = was;
	target->attributes.xfrm ^= 4;
	ck_assert(!verified_by(TARGET, &rep));
	*target = was;
	target->miscselect ^= 1;
	ck_assert(!verified_by(TARGET, &rep));
	*target = was;
	target->configid[63] ^= 1;
	ck_assert(!verified_by(TARGET, &rep));
	*target = was;
	target->configsvn ^= 1;
	ck_assert(!verified_by(TARGET, &rep));
	*target = was;
	/* Not of the target's identity: who signed it, and its versions. */
	target->mrsigner[0] ^= 1;
	target->isvsvn++;
	target->isvprodid++;
	ck_assert(verified_by(TARGET, &rep));
}
END_TEST

START_TEST(test_other_platform)
{
	static const u8 root[RD_ROOT_KEY_BYTES] = { 9 };
	struct rd_report rep = *report();

	rd_keys_destroy(&w.epc.keys);
	ck_assert_int_eq(rd_keys_init(&w.epc.keys, root), 0);
	ck_assert(!verified_by(TARGET, &rep));
	rep = *report();
	ck_assert(verified_by(TARGET, &rep));
}
END_TEST

static void check_fault(u64 rbx, u64 rcx, u64 rdx, u8 vector, u64 cr2, u32 error)
{
	enclave_enter(WHO);
	ck_assert_int_eq(w_enclu(RD_EREPORT, rbx, rcx, rdx), RD_LEAF_FAULT);
	enclave_leave();
	ck_assert_uint_eq(w.l.fault.vector, vector);
	ck_assert_uint_eq(w.l.fault.cr2, cr2);
	ck_assert_uint_eq(w.l.fault.error, error);
	ck_assert(zeros(enclave_data(WHO) + OUT, sizeof(struct rd_report)));
	check_quiet();
}

START_TEST(test_operands)
{
	const u64 t = W_ENCL + TI, d = W_ENCL + DATA, o = W_ENCL + OUT, no = W_ENCL + 0x1000;
	struct rd_epcm *e = &w.epc.map[WHO + 1];

	check_fault(t + 256, d, o, 13, 0, 0);
	check_fault(t, d + 64, o, 13, 0, 0);
	check_fault(t, d, o + 256, 13, 0, 0);
	check_fault(W_RAM, d, o, 13, 0, 0);
	check_fault(t, W_RAM, o, 13, 0, 0);
	check_fault(t, d, W_RAM, 13, 0, 0);
	check_fault(TARGET_LA, d, o, 13, 0, 0);
	check_fault(t, d, W_ENCL + ENCLAVE_SIZE, 13, 0, 0);
	check_fault(no, d, o, 14, no, RD_PF_U);
	check_fault(t, no, o, 14, no, RD_PF_U);
	check_fault(t, d, no, 14, no, RD_PF_U | RD_PF_W);
	e->state &= ~RD_SI_W;
	check_fault(t, d, o, 14, o, RD_PF_P | RD_PF_U | RD_PF_W | RD_PF_SGX);
	e->state |= RD_SI_W | RD_SI_PENDING;
	check_fault(t, d, o, 14, t, RD_PF_P | RD_PF_U | RD_PF_SGX);
	e->state &= ~RD_SI_PENDING;
	/* Another enclave's page in this one's range. */
	world_map(no, w_gpa(TARGET + 1), ACC_ALL);
	check_fault(no, d, o, 14, no, RD_PF_P | RD_PF_U | RD_PF_SGX);
	check_fault(t, no, o, 14, no, RD_PF_P | RD_PF_U | RD_PF_SGX);
	check_fault(t, d, no, 14, no, RD_PF_P | RD_PF_U | RD_PF_W | RD_PF_SGX);
	/* Only from inside. */
	ck_assert_int_eq(w_enclu(RD_EREPORT, t, d, o), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
}
END_TEST

/* The output may lie on the inputs: they have been read. */
START_TEST(test_overlap)
{
	struct rd_report apart = *report(), *over;

	enclave_enter(WHO);
	ck_assert_int_eq(w_enclu(RD_EREPORT, W_ENCL + TI, W_ENCL + DATA, W_ENCL + TI),
			 RD_LEAF_DONE);
	enclave_leave();
	over = (struct rd_report *)(enclave_data(WHO) + TI);
	ck_assert_mem_eq(over, &apart, sizeof(apart));
	/* What lies behind the 432 bytes is none of the output. */
	ck_assert(zeros(enclave_data(WHO) + OUT + 432, 80));
}
END_TEST

START_TEST(test_no_memory)
{
	unsigned int n;
	int ret;

	enclave_enter(WHO);
	for (n = 1;; n++) {
		rd_shim_fail_alloc(n);
		ret = w_enclu(RD_EREPORT, W_ENCL + TI, W_ENCL + DATA, W_ENCL + OUT);
		rd_shim_fail_alloc(0);
		check_quiet();
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert(zeros(enclave_data(WHO) + OUT, sizeof(struct rd_report)));
	}
	enclave_leave();
	ck_assert_uint_eq(n, 4);
}
END_TEST

void add_report_tests(Suite *s)
{
	TCase *c = tcase_create("report");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_contents);
	tcase_add_test(c, test_target_verifies);
	tcase_add_test(c, test_almost_target);
	tcase_add_test(c, test_other_platform);
	tcase_add_test(c, test_operands);
	tcase_add_test(c, test_overlap);
	tcase_add_test(c, test_no_memory);
	suite_add_tcase(s, c);
}
