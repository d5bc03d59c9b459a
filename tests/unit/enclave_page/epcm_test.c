// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPCM itself: locks, tracking, what it says of an access, and the EPC's memory; each against
 * the rules in prose.
 */
#include "tests/unit/enclave_page/page_tests.h"

START_TEST(test_locks)
{
	struct rd_epcm e = {};

	ck_assert(rd_epcm_share(&e));
	ck_assert(rd_epcm_share(&e));
	ck_assert(!rd_epcm_own(&e));
	rd_epcm_unshare(&e);
	ck_assert(!rd_epcm_own(&e));
	rd_epcm_unshare(&e);
	ck_assert(rd_epcm_own(&e));
	ck_assert(!rd_epcm_own(&e));
	ck_assert(!rd_epcm_share(&e));
	rd_epcm_disown(&e);
	ck_assert_uint_eq(e.lock, 0);
	/* So many sharers that one more would look like an owner. */
	e.lock = RD_EPCM_EXCLUSIVE - 1;
	ck_assert(!rd_epcm_share(&e));
	ck_assert_uint_eq(e.lock, RD_EPCM_EXCLUSIVE - 1);
}
END_TEST

START_TEST(test_ops)
{
	struct rd_epcm e = {};

	ck_assert(rd_epcm_begin(&e, RD_OP_TRACK));
	ck_assert(!rd_epcm_begin(&e, RD_OP_TRACK));
	ck_assert(rd_epcm_begin(&e, RD_OP_MEASURE));
	rd_epcm_end(&e, RD_OP_TRACK);
	ck_assert(rd_epcm_begin(&e, RD_OP_TRACK));
	ck_assert(!rd_epcm_begin(&e, RD_OP_MEASURE));
}
END_TEST

#define ROUNDS 20000
#define WORKERS 3

static struct {
	struct rd_epcm e;
	unsigned long owned, shared; /* plain: only an owner writes, or ASan's neighbours race */
} race;

/* Owners exclude everybody; whoever shares sees no owner's half-done work. */
static void *worker(void *arg)
{
	unsigned int i, failures = 0;
	u32 epoch;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		if (rd_epcm_own(&race.e)) {
			race.owned++;
			race.shared++;
			rd_epcm_disown(&race.e);
		}
		if (rd_epcm_share(&race.e)) {
			failures += READ_ONCE(race.owned) != READ_ONCE(race.shared);
			rd_epcm_unshare(&race.e);
		}
		epoch = rd_track_enter(&race.e);
		rd_track_begin(&race.e);
		rd_track_leave(&race.e, epoch);
	}
	return (void *)(unsigned long)failures;
}

START_TEST(test_race)
{
	pthread_t t[WORKERS];
	void *failures;
	unsigned int i;

	memset(&race, 0, sizeof(race));
	for (i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, worker, NULL), 0);
	for (i = 0; i < WORKERS; i++) {
		pthread_join(t[i], &failures);
		ck_assert_ptr_null(failures);
	}
	ck_assert_uint_eq(race.e.lock, 0);
	ck_assert(!rd_track_any(&race.e));
	ck_assert_uint_gt(race.owned, 0);
}
END_TEST

#define THREADS 8

/* Tracking against a list of who is inside since when. */
START_TEST(test_tracking)
{
	struct rd_epcm e = {};
	struct {
		bool inside;
		u32 epoch;
	} t[THREADS] = {};
	u32 epoch = 0, seed = _i + 1, stamp, i, step;

	for (step = 0; step < 400; step++) {
		bool older = false, any = false;
		u32 who;

		seed = seed * 1103515245 + 12345;
		who = (seed >> 16) % (THREADS + 3);
		if (who >= THREADS) {
			for (i = 0; i < THREADS; i++)
				older |= t[i].inside && t[i].epoch != epoch;
			ck_assert_int_eq(rd_track_begin(&e), !older);
			epoch += !older;
		} else if (t[who].inside) {
			rd_track_leave(&e, t[who].epoch);
			t[who].inside = false;
		} else {
			t[who].epoch = rd_track_enter(&e);
			t[who].inside = true;
			ck_assert_uint_eq(t[who].epoch, epoch);
		}
		ck_assert_uint_eq(rd_track_epoch(&e), epoch);
		for (i = 0; i < THREADS; i++)
			any |= t[i].inside;
		ck_assert_int_eq(rd_track_any(&e), any);
		for (stamp = epoch > 3 ? epoch - 3 : 0; stamp <= epoch; stamp++) {
			bool done = stamp < epoch;

			for (i = 0; i < THREADS; i++)
				done &= !(t[i].inside && t[i].epoch <= stamp);
			ck_assert_int_eq(rd_track_done(&e, stamp), done);
		}
	}
}
END_TEST

/* Epochs may wrap. */
START_TEST(test_tracking_wraps)
{
	struct rd_epcm e = { .track = (u64)U32_MAX << 32 };
	u32 epoch = rd_track_enter(&e);

	ck_assert_uint_eq(epoch, U32_MAX);
	ck_assert(rd_track_begin(&e));
	ck_assert_uint_eq(rd_track_epoch(&e), 0);
	ck_assert(!rd_track_done(&e, epoch));
	rd_track_leave(&e, epoch);
	ck_assert(rd_track_done(&e, epoch));
	ck_assert(!rd_track_done(&e, 0));
}
END_TEST

static bool allowed(u64 state, unsigned int acc)
{
	if (!(state & RD_EPCM_VALID) || (state & RD_SI_PT_MASK) != RD_SI_PT(RD_PT_REG))
		return false;
	if (state & (RD_EPCM_BLOCKED | RD_SI_PENDING | RD_SI_MODIFIED))
		return false;
	if (acc & RD_ACC_READ && !(state & RD_SI_R))
		return false;
	if (acc & RD_ACC_WRITE && !(state & RD_SI_W))
		return false;
	return !(acc & RD_ACC_FETCH) || state & RD_SI_X;
}

/* All states with all accesses. _i: VALID, BLOCKED, and SECINFO's low six bits. */
START_TEST(test_check)
{
	struct rd_epcm e = { .secs = 3, .addr = E_REG };
	unsigned int acc, type;
	u64 rights;

	for (type = 0; type < RD_NR_PT; type++)
		for (acc = 1; acc < 8; acc++) {
			u32 error, want = PF_EPCM;

			e.state = (_i & 63) | RD_SI_PT(type) | (_i & 64 ? RD_EPCM_VALID : 0) |
				  (_i & 128 ? RD_EPCM_BLOCKED : 0);
			want |= (acc & RD_ACC_WRITE ? RD_PF_W : 0) |
				(acc & RD_ACC_FETCH ? RD_PF_I : 0);
			rights = 99;
			error = rd_epcm_check(&e, 3, E_REG + 0x123, acc, &rights);
			ck_assert_uint_eq(error, allowed(e.state, acc) ? 0 : want);
			ck_assert_uint_eq(rights, error ? 99 : e.state & RD_SI_RWX);
			ck_assert_uint_ne(rd_epcm_check(&e, 4, E_REG, acc, &rights), 0);
			ck_assert_uint_ne(rd_epcm_check(&e, 3, E_REG2, acc, &rights), 0);
			ck_assert_uint_ne(rd_epcm_check(&e, 3, E_REG - 1, acc, &rights), 0);
		}
}
END_TEST

/* A transition keeps its own checks, whatever the leaf looked at before. */
START_TEST(test_transitions_refuse)
{
	u32 epoch;

	ck_assert_int_eq(rd_epcm_make_secs(&w.epc, P_REG), RD_EPCM_PF);
	ck_assert_int_eq(rd_epcm_make_va(&w.epc, P_REG), RD_EPCM_PF);
	ck_assert_int_eq(rd_epcm_add(&w.epc, P_REG, P_SECS, E_REG, 0), RD_EPCM_PF);
	ck_assert_int_eq(rd_epcm_load(&w.epc, P_REG, P_SECS, E_REG, 0), RD_EPCM_PF);
	ck_assert_uint_eq(entry(P_SECS)->children, 4);
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_FREE), RD_EPCM_PF);
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_SECS), RD_SGX_CHILD_PRESENT);
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_VA), 0);
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_REG), RD_SGX_PAGE_NOT_BLOCKED);
	epoch = rd_track_enter(entry(P_SECS));
	ck_assert_int_eq(rd_epcm_block(&w.epc, P_REG), 0);
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_REG), RD_SGX_NOT_TRACKED);
	ck_assert(rd_track_begin(entry(P_SECS)));
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_REG), RD_SGX_NOT_TRACKED);
	rd_track_leave(entry(P_SECS), epoch);
	ck_assert_int_eq(rd_epcm_may_evict(&w.epc, P_REG), 0);
}
END_TEST

/* Bits that mean nothing, or something else, do not come in. */
START_TEST(test_load_keeps_its_bits)
{
	u64 flags = RD_SI_RWX | RD_SI_STATE | RD_SI_PT(RD_PT_REG) | RD_EPCM_BLOCKED;

	ck_assert_int_eq(rd_epc_fill(&w.epc, P_FREE), 0);
	ck_assert_int_eq(rd_epcm_load(&w.epc, P_FREE, P_SECS, E_BASE, flags | ~RD_SI_PT_MASK), 0);
	ck_assert_uint_eq(entry(P_FREE)->state, flags | RD_EPCM_VALID);
}
END_TEST

START_TEST(test_epc_init)
{
	struct rd_epc epc;
	unsigned int n;

	rd_shim_reset();
	ck_assert_int_eq(rd_epc_init(&epc, W_EPC_BASE, 0), -EINVAL);
	ck_assert_int_eq(rd_epc_init(&epc, W_EPC_BASE, RD_EPC_MAX_PAGES + 1), -EINVAL);
	ck_assert_int_eq(rd_epc_init(&epc, W_EPC_BASE + 1, 4), -EINVAL);
	for (n = 1; n < 3; n++) {
		rd_shim_fail_alloc(n);
		ck_assert_int_eq(rd_epc_init(&epc, W_EPC_BASE, 4), -ENOMEM);
		rd_shim_fail_alloc(0);
		ck_assert_uint_eq(rd_shim_allocations(), 0);
	}
	ck_assert_int_eq(rd_epc_init(&epc, W_EPC_BASE, 4), 0);
	ck_assert_uint_eq(rd_epc_index(&epc, W_EPC_BASE - 1), RD_NO_PAGE);
	ck_assert_uint_eq(rd_epc_index(&epc, W_EPC_BASE), 0);
	ck_assert_uint_eq(rd_epc_index(&epc, W_EPC_BASE + 0x3fff), 3);
	ck_assert_uint_eq(rd_epc_index(&epc, W_EPC_BASE + 0x4000), RD_NO_PAGE);
	ck_assert_uint_eq(rd_epc_index(&epc, 0), RD_NO_PAGE);
	for (n = 0; n < 4; n++)
		ck_assert_uint_eq(epc.map[n].secs, RD_NO_PAGE);
	rd_epc_destroy(&epc);
	ck_assert_uint_eq(rd_shim_allocations(), 0);
}
END_TEST

START_TEST(test_epc_clear)
{
	u32 valid = w.epc.used, i;

	rd_track_enter(entry(P_SECS));
	rd_epc_clear(&w.epc);
	ck_assert_uint_eq(w.epc.used, 0);
	ck_assert_uint_eq(w.revoked, valid);
	for (i = 0; i < W_EPC_NR; i++) {
		ck_assert_uint_eq(entry(i)->state, 0);
		ck_assert_uint_eq(entry(i)->track, 0);
		ck_assert_uint_eq(entry(i)->children, 0);
		ck_assert_uint_eq(entry(i)->secs, RD_NO_PAGE);
		ck_assert_ptr_null(w.epc.page[i]);
	}
}
END_TEST

void add_epcm_tests(Suite *s)
{
	TCase *c = tcase_create("epcm"), *d = tcase_create("epc");

	tcase_add_test(c, test_locks);
	tcase_add_test(c, test_ops);
	tcase_add_test(c, test_race);
	tcase_add_loop_test(c, test_tracking, 0, 20);
	tcase_add_test(c, test_tracking_wraps);
	tcase_add_loop_test(c, test_check, 0, 256);
	tcase_add_test(c, test_epc_init);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(d, setup, teardown);
	tcase_add_test(d, test_transitions_refuse);
	tcase_add_test(d, test_load_keeps_its_bits);
	tcase_add_test(d, test_epc_clear);
	suite_add_tcase(s, d);
}
