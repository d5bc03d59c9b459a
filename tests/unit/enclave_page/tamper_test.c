// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel may try with evicted pages: change them, swap them, bring old ones back, give them
 * to another enclave. None of it loads, and the page itself still does afterwards.
 */
#include "tests/unit/enclave_page/evict_tests.h"

static void refuse(unsigned int leaf, u32 page, unsigned int n)
{
	expect_zf(leaf, A_PI, w_epc(page), a_slot(n), RD_SGX_MAC_COMPARE_FAIL);
}

/* Each bit of a range flipped on its own. step: not to take all day. */
static void flip(u64 at, unsigned int len, unsigned int step)
{
	unsigned int bit;

	for (bit = 0; bit < len * 8; bit += step) {
		((u8 *)w_ram(at))[bit / 8] ^= 1 << (bit % 8);
		refuse(RD_ELDU, P_FREE, 0);
		((u8 *)w_ram(at))[bit / 8] ^= 1 << (bit % 8);
	}
}

START_TEST(test_flipped_page)
{
	u64 la = evict(P_REG, 0);

	prepare_in(0, P_SECS, la);
	flip(A_OUT(0), 4096, 509);
	flip(A_OUT(0) + 4095, 1, 1);
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0));
}
END_TEST

START_TEST(test_flipped_pcmd)
{
	u64 la = evict(P_REG, 0), flags = pcmd(0)->secinfo.flags;

	prepare_in(0, P_SECS, la);
	flip(PCMD_OF(0) + offsetof(struct rd_pcmd, mac), 16, 1);
	flip(PCMD_OF(0) + offsetof(struct rd_pcmd, secinfo.reserved), 56, 7);
	flip(PCMD_OF(0) + offsetof(struct rd_pcmd, reserved), 40, 7);
	flip(PCMD_OF(0), 8, 1);
	/* More rights, another state, another sort of page. */
	pcmd(0)->secinfo.flags = flags | RD_SI_X;
	refuse(RD_ELDU, P_FREE, 0);
	pcmd(0)->secinfo.flags = RD_SI_PT(RD_PT_TCS);
	refuse(RD_ELDU, P_FREE, 0);
	pcmd(0)->secinfo.flags = RD_SI_PT(RD_PT_SECS);
	refuse(RD_ELDU, P_FREE, 0);
	pcmd(0)->secinfo.flags = RD_SI_PT(RD_PT_VA);
	refuse(RD_ELDU, P_FREE, 0);
	pcmd(0)->secinfo.flags = flags | RD_EPCM_VALID | RD_EPCM_BLOCKED;
	refuse(RD_ELDU, P_FREE, 0);
	pcmd(0)->secinfo.flags = flags;
	/* ENCLAVEID is for software to know whose page it is, and binds nothing. */
	pcmd(0)->enclave_id ^= 1;
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0));
}
END_TEST

START_TEST(test_moved)
{
	u64 la = evict(P_REG, 0), bit;

	for (bit = 0; bit < 64; bit++) {
		prepare_in(0, P_SECS, la ^ 1ULL << bit);
		refuse(RD_ELDU, P_FREE, 0);
	}
	prepare_in(0, P_SECS, la + 0x1000);
	refuse(RD_ELDB, P_FREE, 0);
	/* Into another enclave, whose EID is another. */
	prepare_in(0, P_OTHER_SECS, la);
	refuse(RD_ELDU, P_FREE, 0);
	prepare_in(0, P_SECS, la);
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0));
}
END_TEST

/* An enclave that is built in place of one that is gone has another EID. */
START_TEST(test_successor)
{
	u64 la = evict(P_OTHER_REG, 0);

	expect_done(RD_EREMOVE, 0, w_epc(P_OTHER_SECS), 0);
	prepare_create(E_OTHER, RD_ATTR_MODE64 | RD_ATTR_DEBUG);
	expect_ok(RD_ECREATE, A_PI, w_epc(P_OTHER_SECS), 0);
	prepare_in(0, P_OTHER_SECS, la);
	refuse(RD_ELDU, P_FREE, 0);
}
END_TEST

START_TEST(test_swapped)
{
	u64 la = evict(P_REG, 0), la2 = evict(P_REG2, 1);
	u64 swapped[] = { *slot(P_VA, 1), *slot(P_VA, 0) };

	ck_assert_uint_ne(swapped[0], swapped[1]);
	/* One's contents with the other's PCMD, each with each slot and address. */
	prepare_in(0, P_SECS, la);
	pi()->srcpge = A_OUT(1);
	refuse(RD_ELDU, P_FREE, 0);
	refuse(RD_ELDU, P_FREE, 1);
	pi()->linaddr = la2;
	refuse(RD_ELDU, P_FREE, 0);
	refuse(RD_ELDU, P_FREE, 1);
	/* All of one, by the other's slot, by an empty one. */
	prepare_in(0, P_SECS, la);
	refuse(RD_ELDU, P_FREE, 1);
	refuse(RD_ELDU, P_FREE, 2);
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0));
	prepare_in(1, P_SECS, la2);
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE + 1), a_slot(1));
}
END_TEST

START_TEST(test_replayed)
{
	static u8 old[0x2000];
	u64 la = evict(P_REG, 0);

	memcpy(old, w_ram(A_OUT(0)), sizeof(old));
	prepare_in(0, P_SECS, la);
	expect_done(RD_ELDU, A_PI, w_epc(P_REG), a_slot(0));
	/* Twice. */
	refuse(RD_ELDU, P_FREE, 0);
	/* The old one in place of the new one, which is there all the same. */
	w.epc.page[P_REG][0] ^= 0xff;
	evict(P_REG, 0);
	ck_assert_mem_ne(old, w_ram(A_OUT(0)), 4096);
	memcpy(w_ram(A_OUT(1)), old, sizeof(old));
	prepare_in(1, P_SECS, la);
	refuse(RD_ELDU, P_FREE, 0);
	prepare_in(0, P_SECS, la);
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0));
	ck_assert_uint_eq(w.epc.page[P_FREE][0], (u8) ~(P_REG + 1));
}
END_TEST

/* The same contents never look the same twice. */
START_TEST(test_sealed_anew)
{
	static u8 old[4096];
	u64 la = evict(P_REG, 0), version = *slot(P_VA, 0);

	memcpy(old, w_ram(A_OUT(0)), 4096);
	prepare_in(0, P_SECS, la);
	expect_done(RD_ELDU, A_PI, w_epc(P_REG), a_slot(0));
	evict(P_REG, 0);
	ck_assert_mem_ne(old, w_ram(A_OUT(0)), 64);
	ck_assert_uint_gt(*slot(P_VA, 0), version);
}
END_TEST

/* SECS and VA are sealed as well, and have no enclave that could be wrong. */
START_TEST(test_flipped_secs_and_va)
{
	u64 la;

	expect_ok(RD_EPA, RD_PT_VA, w_epc(P_FREE + 1), 0);
	if (_i)
		expect_done(RD_EREMOVE, 0, w_epc(P_OTHER_REG), 0);
	la = evict(_i ? P_OTHER_SECS : P_FREE + 1, 0);
	ck_assert_uint_eq(la, 0);
	prepare_in(0, RD_NO_PAGE, 0);
	flip(A_OUT(0), 4096, 1021);
	flip(PCMD_OF(0) + offsetof(struct rd_pcmd, mac), 16, 5);
	pi()->linaddr = 0x1000;
	refuse(RD_ELDU, P_FREE, 0);
	prepare_in(0, RD_NO_PAGE, 0);
	pcmd(0)->secinfo.flags = RD_SI_PT(_i ? RD_PT_VA : RD_PT_SECS);
	refuse(RD_ELDU, P_FREE, 0);
	pcmd(0)->secinfo.flags = RD_SI_PT(_i ? RD_PT_SECS : RD_PT_VA);
	expect_done(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0));
}
END_TEST

void add_tamper_tests(Suite *s)
{
	TCase *c = tcase_create("tamper");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_flipped_page);
	tcase_add_test(c, test_flipped_pcmd);
	tcase_add_test(c, test_moved);
	tcase_add_test(c, test_successor);
	tcase_add_test(c, test_swapped);
	tcase_add_test(c, test_replayed);
	tcase_add_test(c, test_sealed_anew);
	tcase_add_loop_test(c, test_flipped_secs_and_va, 0, 2);
	suite_add_tcase(s, c);
}
