// SPDX-License-Identifier: GPL-2.0-only
/* EREMOVE, EPA, EBLOCK, ETRACK: what each does to pages of each sort, and what it refuses. */
#include "tests/unit/enclave_page/page_tests.h"

/* RCX: what all four ask of it. */
START_TEST(test_operand)
{
	static const struct {
		unsigned int leaf;
		u64 rbx;
	} leaves[] = {
		{ RD_EREMOVE, 0 }, { RD_EPA, RD_PT_VA }, { RD_EBLOCK, 0 }, { RD_ETRACK, 0 }
	};
	unsigned int leaf = leaves[_i].leaf;
	u64 rbx = leaves[_i].rbx, ro = W_ENCL;

	expect_gp(leaf, rbx, w_epc(P_FREE) + 8, 0);
	expect_gp(leaf, rbx, 1ULL << 63, 0);
	expect_pf(leaf, rbx, A_NOWHERE, 0, A_NOWHERE, RD_PF_W);
	expect_pf(leaf, rbx, A_SRC, 0, A_SRC, RD_PF_P | RD_PF_W);
	world_map(ro, w_gpa(P_FREE), RD_ACC_READ);
	expect_pf(leaf, rbx, ro, 0, ro, RD_PF_P | RD_PF_W);
}
END_TEST

START_TEST(test_remove_free)
{
	expect_done(RD_EREMOVE, 0, w_epc(P_FREE), 0);
	ck_assert(!rd_epcm_valid(entry(P_FREE)));
	ck_assert_uint_eq(w.revoked, 0);
}
END_TEST

static void remove_page(u32 page, unsigned int revoked)
{
	w.revoked = 0;
	expect_done(RD_EREMOVE, 0, w_epc(page), 0);
	ck_assert_uint_eq(entry(page)->state, 0);
	ck_assert_uint_eq(entry(page)->secs, RD_NO_PAGE);
	ck_assert_ptr_null(w.epc.page[page]);
	ck_assert_uint_eq(w.revoked, revoked);
}

START_TEST(test_remove_all)
{
	ck_assert_uint_eq(entry(P_SECS)->children, 4);
	expect_zf(RD_EREMOVE, 0, w_epc(P_SECS), 0, RD_SGX_CHILD_PRESENT);
	remove_page(P_REG, 1);
	ck_assert_uint_eq(w.last_revoked, P_REG);
	remove_page(P_REG2, 1);
	remove_page(P_TCS, 1);
	expect_zf(RD_EREMOVE, 0, w_epc(P_SECS), 0, RD_SGX_CHILD_PRESENT);
	remove_page(P_TRIM, 1);
	ck_assert_uint_eq(entry(P_SECS)->children, 0);
	ck_assert_uint_eq(entry(P_OTHER_SECS)->children, 1);
	remove_page(P_SECS, 0);
	remove_page(P_VA, 0);
	remove_page(P_OTHER_REG, 1);
	remove_page(P_OTHER_SECS, 0);
	ck_assert_uint_eq(w.epc.used, 0);
}
END_TEST

/* The page is out of reach before the CPUs are told, and has contents until they were. */
static void look_at_revoked(struct rd_epc *epc, u32 page)
{
	w.revoked++;
	ck_assert(!rd_epcm_valid(&epc->map[page]));
	ck_assert_ptr_nonnull(epc->page[page]);
	ck_assert_uint_eq(entry(P_SECS)->children, 4);
}

START_TEST(test_remove_order)
{
	void (*usual)(struct rd_epc * epc, u32 page) = w.epc.revoke;

	w.epc.revoke = look_at_revoked;
	remove_page(P_REG, 1);
	w.epc.revoke = usual;
	ck_assert_uint_eq(entry(P_SECS)->children, 3);
}
END_TEST

START_TEST(test_remove_while_inside)
{
	static const u32 pages[] = { P_REG, P_REG2, P_TCS };
	u32 epoch = rd_track_enter(entry(P_SECS));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		expect_zf(RD_EREMOVE, 0, w_epc(pages[i]), 0, RD_SGX_ENCLAVE_ACT);
	make_state(P_TRIM, RD_SI_MODIFIED, 0);
	expect_zf(RD_EREMOVE, 0, w_epc(P_TRIM), 0, RD_SGX_ENCLAVE_ACT);
	make_state(P_TRIM, 0, RD_SI_MODIFIED);
	remove_page(P_TRIM, 1);
	remove_page(P_VA, 0);
	remove_page(P_OTHER_REG, 1);
	/* A thread of an epoch before is inside, too. */
	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	expect_zf(RD_EREMOVE, 0, w_epc(P_REG), 0, RD_SGX_ENCLAVE_ACT);
	rd_track_leave(entry(P_SECS), epoch);
	remove_page(P_REG, 1);
}
END_TEST

START_TEST(test_remove_conflict)
{
	static const u32 pages[] = { P_REG, P_SECS, P_VA, P_FREE };
	struct rd_epcm *e = entry(pages[_i]);

	ck_assert(rd_epcm_share(e));
	expect_gp(RD_EREMOVE, 0, w_epc(pages[_i]), 0);
	rd_epcm_unshare(e);
	ck_assert(rd_epcm_own(e));
	expect_gp(RD_EREMOVE, 0, w_epc(pages[_i]), 0);
	rd_epcm_disown(e);
}
END_TEST

START_TEST(test_epa)
{
	u8 zeros[4096] = {};

	expect_gp(RD_EPA, RD_PT_REG, w_epc(P_FREE), 0);
	expect_gp(RD_EPA, RD_PT_VA | 1ULL << 32, w_epc(P_FREE), 0);
	expect_no_memory(RD_EPA, RD_PT_VA, w_epc(P_FREE), 0, 1);
	expect_ok(RD_EPA, RD_PT_VA, w_epc(P_FREE), 0);
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_VA));
	ck_assert_uint_eq(entry(P_FREE)->secs, RD_NO_PAGE);
	ck_assert_mem_eq(w.epc.page[P_FREE], zeros, 4096);
	expect_pf(RD_EPA, RD_PT_VA, w_epc(P_FREE), 0, w_epc(P_FREE), PF_EPCM);
	expect_pf(RD_EPA, RD_PT_VA, w_epc(P_REG), 0, w_epc(P_REG), PF_EPCM);
	ck_assert(rd_epcm_share(entry(P_FREE + 1)));
	expect_gp(RD_EPA, RD_PT_VA, w_epc(P_FREE + 1), 0);
	rd_epcm_unshare(entry(P_FREE + 1));
}
END_TEST

START_TEST(test_block)
{
	static const u32 pages[] = { P_REG, P_TCS, P_TRIM };
	u32 page = pages[_i];
	u64 state = entry(page)->state;

	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	expect_done(RD_EBLOCK, 0, w_epc(page), 0);
	ck_assert_uint_eq(entry(page)->state, state | RD_EPCM_BLOCKED);
	ck_assert_uint_eq(entry(page)->stamp, 1);
	ck_assert_uint_eq(w.revoked, 1);
	ck_assert_uint_eq(w.last_revoked, page);
	/* Again: said, and the epoch stays. */
	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	expect_cf(RD_EBLOCK, 0, w_epc(page), 0, RD_SGX_BLKSTATE);
	ck_assert_uint_eq(entry(page)->stamp, 1);
}
END_TEST

START_TEST(test_block_refused)
{
	expect_zf(RD_EBLOCK, 0, w_epc(P_FREE), 0, RD_SGX_PG_INVLD);
	expect_cf(RD_EBLOCK, 0, w_epc(P_SECS), 0, RD_SGX_PG_IS_SECS);
	expect_cf(RD_EBLOCK, 0, w_epc(P_VA), 0, RD_SGX_NOTBLOCKABLE);
	ck_assert(rd_epcm_begin(entry(P_SECS), RD_OP_TRACK));
	expect_zf(RD_EBLOCK, 0, w_epc(P_REG), 0, RD_SGX_ENTRYEPOCH_LOCKED);
	expect_done(RD_EBLOCK, 0, w_epc(P_OTHER_REG), 0);
	rd_epcm_end(entry(P_SECS), RD_OP_TRACK);
	ck_assert(rd_epcm_own(entry(P_REG)));
	expect_zf(RD_EBLOCK, 0, w_epc(P_REG), 0, RD_SGX_EPC_PAGE_CONFLICT);
	rd_epcm_disown(entry(P_REG));
	/* Others may share it. */
	ck_assert(rd_epcm_share(entry(P_REG)));
	expect_done(RD_EBLOCK, 0, w_epc(P_REG), 0);
	rd_epcm_unshare(entry(P_REG));
}
END_TEST

START_TEST(test_track)
{
	struct rd_epcm *secs = entry(P_SECS);
	u32 first, second;

	first = rd_track_enter(secs);
	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	second = rd_track_enter(secs);
	ck_assert_uint_eq(second, first + 1);
	expect_zf(RD_ETRACK, 0, w_epc(P_SECS), 0, RD_SGX_PREV_TRK_INCMPL);
	expect_done(RD_ETRACK, 0, w_epc(P_OTHER_SECS), 0);
	rd_track_leave(secs, first);
	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	expect_zf(RD_ETRACK, 0, w_epc(P_SECS), 0, RD_SGX_PREV_TRK_INCMPL);
	rd_track_leave(secs, second);
	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	ck_assert_uint_eq(rd_track_epoch(secs), first + 3);
}
END_TEST

START_TEST(test_track_refused)
{
	static const u32 pages[] = { P_REG, P_TCS, P_VA, P_TRIM, P_FREE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		expect_pf(RD_ETRACK, 0, w_epc(pages[i]), 0, w_epc(pages[i]), PF_EPCM);
	ck_assert(rd_epcm_own(entry(P_SECS)));
	expect_gp(RD_ETRACK, 0, w_epc(P_SECS), 0);
	rd_epcm_disown(entry(P_SECS));
	ck_assert(rd_epcm_begin(entry(P_SECS), RD_OP_TRACK));
	expect_zf(RD_ETRACK, 0, w_epc(P_SECS), 0, RD_SGX_EPC_PAGE_CONFLICT);
	rd_epcm_end(entry(P_SECS), RD_OP_TRACK);
}
END_TEST

START_TEST(test_no_such_leaf)
{
	expect_gp(RD_NR_ENCLS, 0, 0, 0);
	expect_gp(U32_MAX, 0, 0, 0);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_page");
	TCase *c = tcase_create("page");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_operand, 0, 4);
	tcase_add_test(c, test_remove_free);
	tcase_add_test(c, test_remove_all);
	tcase_add_test(c, test_remove_order);
	tcase_add_test(c, test_remove_while_inside);
	tcase_add_loop_test(c, test_remove_conflict, 0, 4);
	tcase_add_test(c, test_epa);
	tcase_add_loop_test(c, test_block, 0, 3);
	tcase_add_test(c, test_block_refused);
	tcase_add_test(c, test_track);
	tcase_add_test(c, test_track_refused);
	tcase_add_test(c, test_no_such_leaf);
	suite_add_tcase(s, c);
	add_create_tests(s);
	add_evict_tests(s);
	add_tamper_tests(s);
	add_debug_tests(s);
	add_epcm_tests(s);
	return s;
}
