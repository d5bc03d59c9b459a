// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dynamic memory as a guest's kernel and an enclave carry it out together.
 */
#include "tests/unit/enclave_dyn/dyn_tests.h"

#define NEW_FLAGS (RD_SI_PT(RD_PT_REG) | RW | RD_SI_PENDING)

static void setup(void)
{
	dyn_begin();
	go_in();
}

/* The system software's part: the CPU is outside meanwhile, and comes back. */
static void ask_kernel(unsigned int leaf, u64 flags, u32 page)
{
	go_out();
	check_end(run(false, leaf, secinfo_outside(flags), w_epc(page), 0), 0, NULL);
	go_in();
}

/* Another CPU does something to a page meanwhile. */
static void beside(unsigned int leaf, u32 page, int want)
{
	struct rd_inside *in = w.l.in;

	w.l.in = NULL;
	check_end(run(false, leaf, 0, w_epc(page), 0), want, NULL);
	w.l.in = in;
}

/* As a guest's kernel does: a new epoch, and an interrupt to each CPU that is inside. */
static void track(void)
{
	go_out();
	beside(RD_ETRACK, P_SECS, 0);
	go_in();
}

static void augment(void)
{
	struct rd_pageinfo pi = { .linaddr = LA_NEW, .secs = w_epc(P_SECS) };

	go_out();
	memcpy(w_ram(W_RAM), &pi, sizeof(pi));
	check_end(run(false, RD_EAUG, W_RAM, w_epc(P_FREE), 0), QUIET, NULL);
	go_in();
}

static u32 access(unsigned int acc)
{
	u64 rights;

	return rd_epcm_check(entry(P_FREE), P_SECS, LA_NEW, acc, &rights);
}

static void accept(u64 flags, u64 la, int want)
{
	check_end(run(true, RD_EACCEPT, secinfo_inside(flags), la, 0), want, NULL);
}

START_TEST(test_a_fault_augments)
{
	ck_assert_uint_eq(access(RD_ACC_READ), RD_PF_SGX | RD_PF_P);
	augment();
	ck_assert_uint_eq(access(RD_ACC_READ), RD_PF_SGX | RD_PF_P);
	accept(NEW_FLAGS, LA_NEW, 0);
	ck_assert_uint_eq(access(RD_ACC_READ | RD_ACC_WRITE), 0);
	ck_assert_uint_ne(access(RD_ACC_FETCH), 0);
	accept(NEW_FLAGS, LA_NEW, RD_SGX_PAGE_ATTRIBUTES_MISMATCH);
}
END_TEST

START_TEST(test_code_is_loaded)
{
	u64 flags = RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_X;

	augment();
	check_end(run(true, RD_EACCEPTCOPY, secinfo_inside(flags), LA_NEW, LA_DATA), 0, NULL);
	ck_assert_uint_eq(access(RD_ACC_READ | RD_ACC_FETCH), 0);
	ck_assert_uint_ne(access(RD_ACC_WRITE), 0);
	check_end(run(true, RD_EACCEPTCOPY, secinfo_inside(flags), LA_NEW, LA_DATA),
		  RD_SGX_PAGE_ATTRIBUTES_MISMATCH, NULL);
}
END_TEST

/* Another thread that was inside from before has to leave first. */
START_TEST(test_rights_are_taken_when_all_have_left)
{
	u64 less = RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_PR;
	u32 other = rd_track_enter(entry(P_SECS));

	ask_kernel(RD_EMODPR, RD_SI_R, P_TARGET);
	accept(less, LA_TARGET, RD_SGX_NOT_TRACKED);
	track();
	accept(less, LA_TARGET, RD_SGX_NOT_TRACKED);
	rd_track_leave(entry(P_SECS), other);
	accept(less, LA_TARGET, 0);
	ck_assert_uint_eq(entry(P_TARGET)->state, REG(RD_SI_R));
}
END_TEST

/* Nor may the thread that accepts have stayed inside all the time. */
START_TEST(test_who_accepts_has_left_too)
{
	u64 less = RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_PR;

	ask_kernel(RD_EMODPR, RD_SI_R, P_TARGET);
	beside(RD_ETRACK, P_SECS, 0);
	accept(less, LA_TARGET, RD_SGX_NOT_TRACKED);
	go_out();
	go_in();
	accept(less, LA_TARGET, 0);
}
END_TEST

/* Restricted again between ETRACK and EACCEPT: it counts from then. */
START_TEST(test_each_change_counts_anew)
{
	u64 none = RD_SI_PT(RD_PT_REG) | RD_SI_PR;

	ask_kernel(RD_EMODPR, RD_SI_R, P_TARGET);
	track();
	ask_kernel(RD_EMODPR, 0, P_TARGET);
	accept(none, LA_TARGET, RD_SGX_NOT_TRACKED);
	track();
	accept(none, LA_TARGET, 0);
	check_end(run(true, RD_EMODPE, secinfo_inside(RW), LA_TARGET, 0), QUIET, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state, REG(RW));
}
END_TEST

START_TEST(test_a_page_is_trimmed)
{
	u64 flags = RD_SI_PT(RD_PT_TRIM) | RD_SI_MODIFIED, rights;

	ask_kernel(RD_EMODT, RD_SI_PT(RD_PT_TRIM), P_TARGET);
	ck_assert_uint_ne(rd_epcm_check(entry(P_TARGET), P_SECS, LA_TARGET, RD_ACC_READ, &rights),
			  0);
	accept(flags, LA_TARGET, RD_SGX_NOT_TRACKED);
	track();
	accept(flags, LA_TARGET, 0);
	ck_assert_uint_eq(entry(P_TARGET)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_TRIM));
	ck_assert_uint_ne(rd_epcm_check(entry(P_TARGET), P_SECS, LA_TARGET, RD_ACC_READ, &rights),
			  0);
	accept(flags, LA_TARGET, RD_SGX_PAGE_ATTRIBUTES_MISMATCH);
	/* The thread that gave it up may still be inside. */
	beside(RD_EREMOVE, P_TARGET, 0);
	ck_assert(!rd_epcm_valid(entry(P_TARGET)));
	ck_assert_ptr_null(w.epc.page[P_TARGET]);
}
END_TEST

START_TEST(test_no_page_goes_before_the_enclave_gave_it_up)
{
	ask_kernel(RD_EMODT, RD_SI_PT(RD_PT_TRIM), P_TARGET);
	track();
	beside(RD_EREMOVE, P_TARGET, RD_SGX_ENCLAVE_ACT);
}
END_TEST

/* What is taken out of the EPC on the way keeps its state. */
START_TEST(test_a_blocked_page_is_not_accepted)
{
	struct ends ends = { .target = LA_NEW };

	augment();
	beside(RD_EBLOCK, P_FREE, 0);
	check_end(run(true, RD_EACCEPT, secinfo_inside(NEW_FLAGS), LA_NEW, 0), PF_TARGET, &ends);
}
END_TEST

static void enter_and_leave(void)
{
	go_out();
	ck_assert_int_eq(run(true, RD_EENTER, LA_NEW, 0x401000, 0), RD_LEAF_DONE);
	ck_assert_uint_eq(w.l.rip, LA_DATA);
	ck_assert_int_eq(run(true, RD_EEXIT, 0x402000, 0, 0), RD_LEAF_DONE);
	go_in();
}

START_TEST(test_a_thread_is_made)
{
	struct rd_tcs *t;

	augment();
	accept(NEW_FLAGS, LA_NEW, 0);
	t = rd_epc_tcs(&w.epc, P_FREE);
	t->nssa = 2;
	t->ossa = LA_TARGET - W_ENCL;
	t->oentry = 0x1000;
	ask_kernel(RD_EMODT, RD_SI_PT(RD_PT_TCS), P_FREE);
	track();
	accept(RD_SI_PT(RD_PT_TCS) | RD_SI_MODIFIED, LA_NEW, 0);
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS));
	ck_assert_uint_ne(access(RD_ACC_READ), 0);
	enter_and_leave();
	/* And it is taken away again. */
	ask_kernel(RD_EMODT, RD_SI_PT(RD_PT_TRIM), P_FREE);
	track();
	accept(RD_SI_PT(RD_PT_TRIM) | RD_SI_MODIFIED, LA_NEW, 0);
}
END_TEST

void add_sequences(Suite *s)
{
	TCase *c = tcase_create("sequences");

	tcase_add_checked_fixture(c, setup, dyn_end);
	tcase_add_test(c, test_a_fault_augments);
	tcase_add_test(c, test_code_is_loaded);
	tcase_add_test(c, test_rights_are_taken_when_all_have_left);
	tcase_add_test(c, test_who_accepts_has_left_too);
	tcase_add_test(c, test_each_change_counts_anew);
	tcase_add_test(c, test_a_page_is_trimmed);
	tcase_add_test(c, test_no_page_goes_before_the_enclave_gave_it_up);
	tcase_add_test(c, test_a_blocked_page_is_not_accepted);
	tcase_add_test(c, test_a_thread_is_made);
	suite_add_tcase(s, c);
}
