// SPDX-License-Identifier: GPL-2.0-only
/* EDBGRD and EDBGWR: what a debugger sees and changes, and of whom. */
#include "tests/unit/enclave_page/page_tests.h"

static u64 read_at(u64 at)
{
	expect_done(RD_EDBGRD, 0, at, 0);
	return w.l.gpr[RD_RBX];
}

START_TEST(test_read)
{
	struct rd_tcs *t = rd_epc_tcs(&w.epc, P_TCS);
	u64 word = 0x1234567890abcdefULL;

	memcpy(w.epc.page[P_REG] + 0xff8, &word, 8);
	ck_assert_uint_eq(read_at(w_epc(P_REG) + 0xff8), word);
	t->gslimit = 0xabc;
	t->fslimit = 0xdef;
	ck_assert_uint_eq(read_at(w_epc(P_TCS) + 64), 0xabc00000defULL);
	*slot(P_VA, 3) = 5;
	ck_assert_uint_eq(read_at(w_epc(P_VA) + 24), U64_MAX);
	ck_assert_uint_eq(read_at(w_epc(P_VA) + 32), 0);
	/* Rights are the enclave's own affair, and a page that waits for eviction is still there.
	 */
	make_state(P_REG, RD_EPCM_BLOCKED, RD_SI_RWX);
	ck_assert_uint_eq(read_at(w_epc(P_REG) + 0xff8), word);
}
END_TEST

START_TEST(test_write)
{
	u64 word;

	make_state(P_REG, 0, RD_SI_RWX);
	expect_done(RD_EDBGWR, 0xfedcba9876543210ULL, w_epc(P_REG) + 8, 0);
	memcpy(&word, w.epc.page[P_REG] + 8, 8);
	ck_assert_uint_eq(word, 0xfedcba9876543210ULL);
	expect_done(RD_EDBGWR, RD_TCS_DBGOPTIN, w_epc(P_TCS) + 8, 0);
	ck_assert_uint_eq(rd_epc_tcs(&w.epc, P_TCS)->flags, RD_TCS_DBGOPTIN);
}
END_TEST

/* What both refuse. */
START_TEST(test_refused)
{
	static const unsigned int leaves[] = { RD_EDBGRD, RD_EDBGWR };
	static const u32 not_valid[] = { P_SECS, P_TRIM, P_FREE };
	unsigned int leaf = leaves[_i], i;
	u32 write = leaf == RD_EDBGWR ? RD_PF_W : 0;

	expect_gp(leaf, 1, w_epc(P_REG) + 4, 0);
	expect_gp(leaf, 1, 1ULL << 63, 0);
	expect_pf(leaf, 1, A_SRC, 0, A_SRC, RD_PF_P | write);
	expect_pf(leaf, 1, A_NOWHERE, 0, A_NOWHERE, write);
	for (i = 0; i < ARRAY_SIZE(not_valid); i++)
		expect_pf(leaf, 1, w_epc(not_valid[i]) + 8, 0, w_epc(not_valid[i]) + 8, PF_EPCM);
	ck_assert(rd_epcm_own(entry(P_REG)));
	expect_gp(leaf, 1, w_epc(P_REG), 0);
	rd_epcm_disown(entry(P_REG));
	make_state(P_REG, RD_SI_PENDING, 0);
	make_state(P_REG2, RD_SI_MODIFIED, 0);
	make_state(P_TCS, RD_SI_MODIFIED, 0);
	expect_zf(leaf, 1, w_epc(P_REG), 0, RD_SGX_PAGE_NOT_DEBUGGABLE);
	expect_zf(leaf, 1, w_epc(P_REG2), 0, RD_SGX_PAGE_NOT_DEBUGGABLE);
	expect_zf(leaf, 1, w_epc(P_TCS), 0, RD_SGX_PAGE_NOT_DEBUGGABLE);
}
END_TEST

START_TEST(test_refused_by_type)
{
	unsigned int at;

	for (at = 72; at < 4096; at += 8)
		expect_gp(RD_EDBGRD, 1, w_epc(P_TCS) + at, 0);
	for (at = 0; at < 4096; at += 8)
		if (at != 8)
			expect_gp(RD_EDBGWR, 1, w_epc(P_TCS) + at, 0);
	expect_pf(RD_EDBGWR, 1, w_epc(P_VA), 0, w_epc(P_VA), PF_EPCM);
}
END_TEST

START_TEST(test_no_debug_enclave)
{
	struct rd_secs *s = rd_epc_secs(&w.epc, P_SECS);
	static const u32 pages[] = { P_REG, P_TCS };
	unsigned int i;

	s->attributes.flags &= ~RD_ATTR_DEBUG;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		expect_gp(RD_EDBGRD, 1, w_epc(pages[i]) + 8, 0);
		expect_gp(RD_EDBGWR, 1, w_epc(pages[i]) + 8, 0);
	}
	expect_done(RD_EDBGWR, 1, w_epc(P_OTHER_REG) + 8, 0);
}
END_TEST

void add_debug_tests(Suite *s)
{
	TCase *c = tcase_create("debug");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_read);
	tcase_add_test(c, test_write);
	tcase_add_loop_test(c, test_refused, 0, 2);
	tcase_add_test(c, test_refused_by_type);
	tcase_add_test(c, test_no_debug_enclave);
	suite_add_tcase(s, c);
}
