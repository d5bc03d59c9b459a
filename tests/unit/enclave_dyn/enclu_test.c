// SPDX-License-Identifier: GPL-2.0-only
/* EACCEPT, EMODPE, EACCEPTCOPY: what they do, and each thing that they check. */
#include "tests/unit/enclave_dyn/dyn_tests.h"

#define TRIMMED (RD_EPCM_VALID | RD_SI_PT(RD_PT_TRIM) | RD_SI_MODIFIED)
#define NEW_TCS (RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS) | RD_SI_MODIFIED)
#define SI_NEW (RD_SI_PT(RD_PT_REG) | RW | RD_SI_PENDING)
#define SI_LESS (RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_PR)
#define SI_TRIM (RD_SI_PT(RD_PT_TRIM) | RD_SI_MODIFIED)
#define SI_TCS (RD_SI_PT(RD_PT_TCS) | RD_SI_MODIFIED)

static void setup(void)
{
	dyn_begin();
	go_in();
}

static int accept(u64 flags)
{
	return run(true, RD_EACCEPT, secinfo_inside(flags), LA_TARGET, 0);
}

/* Stamped so long ago that all threads have left since. */
static void put_target(u64 state)
{
	entry(P_TARGET)->state = state;
	entry(P_TARGET)->stamp = -2U;
}

static void put_new_tcs(void)
{
	struct rd_tcs *t = rd_epc_tcs(&w.epc, P_TARGET);

	put_target(NEW_TCS);
	memset(t, 0, sizeof(*t));
	t->nssa = 1;
}

START_TEST(test_eaccept_ends_what_was_proposed)
{
	static const struct {
		u64 state, flags, after;
	} rows[] = {
		{ PENDING_PAGE, SI_NEW, REG(RW) },
		{ REG(RD_SI_R) | RD_SI_PR, SI_LESS, REG(RD_SI_R) },
		{ REG(0) | RD_SI_PR, RD_SI_PT(RD_PT_REG) | RD_SI_PR, REG(0) },
		{ TRIMMED, SI_TRIM, RD_EPCM_VALID | RD_SI_PT(RD_PT_TRIM) },
		{ NEW_TCS, SI_TCS, RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS) },
		/* PR is not compared, and PENDING needs no tracking. */
		{ REG(RW), RD_SI_PT(RD_PT_REG) | RW | RD_SI_PR, REG(RW) },
		{ PENDING_PAGE, SI_NEW | RD_SI_PR, REG(RW) },
	};

	if (rows[_i].state == NEW_TCS)
		put_new_tcs();
	put_target(rows[_i].state);
	check_end(accept(rows[_i].flags), 0, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state, rows[_i].after);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 0);
	ck_assert_uint_eq(entry(P_TARGET)->ops, 0);
	ck_assert_uint_eq(entry(P_DATA)->lock, 0);
	ck_assert_uint_eq(w.revoked, 0);
}
END_TEST

/* What all three ask of SECINFO's place, and of the target's. */
static const struct place_row {
	u64 rbx, rcx, rdx, si_state;
	int want;
} place_rows[] = {
	{ .rbx = LA_DATA + 0x20, .want = GP },
	{ .rbx = W_RAM, .want = GP },
	{ .rbx = LA_END, .want = GP },
	{ .rbx = W_ENCL - 64, .want = GP },
	{ .rbx = LA_RAM, .want = PF_SECINFO },
	{ .rbx = LA_NOTHING, .want = PF_SECINFO_ABSENT },
	{ .rbx = LA_INVALID, .want = PF_SECINFO },
	{ .rbx = LA_TCS, .want = PF_SECINFO },
	{ .rbx = LA_OTHER, .want = PF_SECINFO },
	{ .rbx = LA_ALIAS, .want = PF_SECINFO },
	{ .si_state = REG(0), .want = PF_SECINFO },
	{ .si_state = REG(RD_SI_X), .want = PF_SECINFO },
	{ .si_state = REG(RW) | RD_SI_PENDING, .want = PF_SECINFO },
	{ .si_state = REG(RW) | RD_SI_MODIFIED, .want = PF_SECINFO },
	{ .si_state = REG(RW) | RD_EPCM_BLOCKED, .want = PF_SECINFO },
	{ .rcx = LA_TARGET + 64, .want = GP },
	{ .rcx = W_EPC + P_TARGET * 4096, .want = GP },
	{ .rcx = W_ENCL - 4096, .want = GP },
	{ .rcx = LA_END, .want = GP },
	{ .rcx = LA_RAM, .want = PF_TARGET_NO_EPC },
	{ .rcx = LA_NOTHING, .want = PF_TARGET_ABSENT },
};

static void check_place(unsigned int leaf, u64 flags, u64 state, const struct place_row *r)
{
	u64 rbx = secinfo_inside(flags), rcx = r->rcx ? r->rcx : LA_TARGET;
	struct ends ends;

	put_target(state);
	if (r->si_state)
		entry(P_DATA)->state = r->si_state;
	if (r->rbx)
		rbx = r->rbx;
	ends = (struct ends){ .secinfo = rbx, .target = rcx };
	if (r->rbx == LA_RAM) {
		/* Memory of the guest is no enclave page. */
		ck_assert_int_eq(run(true, leaf, rbx, rcx, LA_DATA), RD_LEAF_FAULT);
		ck_assert_uint_eq(w.l.fault.error, RD_PF_P | RD_PF_U);
		ck_assert(epcm_unchanged());
		return;
	}
	check_end(run(true, leaf, rbx, rcx, LA_DATA), r->want, &ends);
}

START_TEST(test_places)
{
	check_place(RD_EACCEPT, SI_NEW, PENDING_PAGE, &place_rows[_i]);
	check_place(RD_EMODPE, RD_SI_RWX, REG(RW), &place_rows[_i]);
	check_place(RD_EACCEPTCOPY, RD_SI_PT(RD_PT_REG) | RW, PENDING_PAGE, &place_rows[_i]);
}
END_TEST

/* Which SECINFOs EACCEPT takes: all combinations of types and state bits. */
START_TEST(test_eaccept_wants_a_legal_combination)
{
	u64 pt = _i >> 3, state = (u64)(_i & 7) << 3;
	bool pending = state & RD_SI_PENDING, modified = state & RD_SI_MODIFIED,
	     pr = state & RD_SI_PR, legal;

	if (pt == RD_PT_REG)
		legal = (pr || pending) && !modified;
	else
		legal = (pt == RD_PT_TCS || pt == RD_PT_TRIM) && modified && !pending && !pr;
	put_target(REG(0) | RD_SI_PENDING | RD_SI_MODIFIED); /* that nothing matches */
	check_end(accept(RD_SI_PT(pt) | state), legal ? RD_SGX_PAGE_ATTRIBUTES_MISMATCH : GP, NULL);
}
END_TEST

static const struct accept_row {
	u64 state, addr, flags, rcx;
	u32 secs;
	u8 reserved;
	bool stale; /* stamped now */
	int want;
} accept_rows[] = {
	{ .reserved = 8, .want = GP },
	{ .reserved = 63, .want = GP },
	{ .flags = SI_NEW | BIT(6), .want = GP },
	{ .flags = SI_NEW | BIT(63), .want = GP },
	{ .state = PENDING_PAGE & ~RD_EPCM_VALID, .want = PF_TARGET },
	{ .state = PENDING_PAGE | RD_EPCM_BLOCKED, .want = PF_TARGET },
	{ .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_SECS), .want = PF_TARGET },
	{ .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_VA), .want = PF_TARGET },
	{ .secs = P_OTHER_SECS, .want = PF_TARGET },
	{ .rcx = LA_INVALID, .want = PF_TARGET },
	{ .addr = LA_NEW, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .rcx = LA_ALIAS, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = REG(RW), .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = REG(RD_SI_R) | RD_SI_PENDING, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_NEW & ~RD_SI_W, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_NEW & ~RD_SI_R, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_NEW | RD_SI_X, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_LESS | RW, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_TRIM, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_TRIM, .state = NEW_TCS, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_TRIM | RW, .state = TRIMMED, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_TRIM,
	  .state = TRIMMED & ~RD_SI_MODIFIED,
	  .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .flags = SI_LESS,
	  .state = REG(RD_SI_R) | RD_SI_PR,
	  .stale = true,
	  .want = RD_SGX_NOT_TRACKED },
	{ .flags = SI_TRIM, .state = TRIMMED, .stale = true, .want = RD_SGX_NOT_TRACKED },
	{ .flags = SI_TCS, .state = NEW_TCS, .stale = true, .want = RD_SGX_NOT_TRACKED },
};

START_TEST(test_eaccept_checks)
{
	const struct accept_row *r = &accept_rows[_i];
	u64 rbx = secinfo_inside(r->flags ? r->flags : SI_NEW), rcx = r->rcx ? r->rcx : LA_TARGET;
	struct ends ends = { .target = rcx };

	put_target(r->state ? r->state : PENDING_PAGE);
	if (r->stale)
		entry(P_TARGET)->stamp = rd_track_epoch(entry(P_SECS));
	if (r->addr)
		entry(P_TARGET)->addr = r->addr;
	if (r->secs)
		entry(P_TARGET)->secs = r->secs;
	if (r->reserved)
		w.epc.page[P_DATA][0x40 + r->reserved] = 1;
	check_end(run(true, RD_EACCEPT, rbx, rcx, 0), r->want, &ends);
}
END_TEST

/* Fields of a TCS that must be in order: offset, value. */
static const struct {
	unsigned int at;
	u64 value;
	int want;
} tcs_rows[] = {
	{ offsetof(struct rd_tcs, state), 1, .want = GP },
	{ offsetof(struct rd_tcs, flags), RD_TCS_DBGOPTIN, .want = GP },
	{ offsetof(struct rd_tcs, flags), RD_TCS_AEXNOTIFY, .want = 0 },
	{ offsetof(struct rd_tcs, flags), BIT(2), .want = GP },
	{ offsetof(struct rd_tcs, flags), BIT(63), .want = GP },
	{ offsetof(struct rd_tcs, ossa), 0x123000, .want = 0 },
	{ offsetof(struct rd_tcs, cssa), 1 | 1ULL << 32, .want = GP },
	{ offsetof(struct rd_tcs, cssa), 1 | 2ULL << 32, .want = 0 },
	{ offsetof(struct rd_tcs, cssa), 0, .want = GP },
	{ offsetof(struct rd_tcs, aep), 1, .want = GP },
	{ offsetof(struct rd_tcs, reserved), 1, .want = GP },
	{ 4088, 1ULL << 63, .want = GP },
	{ offsetof(struct rd_tcs, fslimit), 0, .want = 0 },
};

START_TEST(test_eaccept_looks_at_a_new_tcs)
{
	put_new_tcs();
	memcpy(w.epc.page[P_TARGET] + tcs_rows[_i].at, &tcs_rows[_i].value, 8);
	check_end(accept(SI_TCS), tcs_rows[_i].want, NULL);
	if (!tcs_rows[_i].want)
		ck_assert_uint_eq(entry(P_TARGET)->state, NEW_TCS & ~RD_SI_MODIFIED);
}
END_TEST

static int extend(u64 flags)
{
	return run(true, RD_EMODPE, secinfo_inside(flags), LA_TARGET, 0);
}

/* All rights, all additions. */
START_TEST(test_emodpe_gives_rights)
{
	u64 have = _i & 7, more = _i >> 3, sum = have | more;
	bool bad = more & RD_SI_W && !(sum & RD_SI_R);

	put_target(REG(have) | RD_SI_PR);
	check_end(extend(more), bad ? GP : QUIET, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state, REG(bad ? have : sum) | RD_SI_PR);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 0);
	ck_assert_uint_eq(entry(P_TARGET)->ops, 0);
	ck_assert_uint_eq(w.revoked, 0);
}
END_TEST

static const struct {
	u64 state, addr, rcx;
	u32 secs;
	u8 reserved;
	int want;
} extend_rows[] = {
	{ .reserved = 8, .want = GP },
	{ .reserved = 7, .want = GP }, /* of FLAGS */
	{ .state = REG(RW) & ~RD_EPCM_VALID, .want = PF_TARGET },
	{ .state = REG(RW) | RD_EPCM_BLOCKED, .want = PF_TARGET },
	{ .state = PENDING_PAGE, .want = PF_TARGET },
	{ .state = REG(RW) | RD_SI_MODIFIED, .want = PF_TARGET },
	{ .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS), .want = PF_TARGET },
	{ .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_TRIM), .want = PF_TARGET },
	{ .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_VA), .want = PF_TARGET },
	{ .secs = P_OTHER_SECS, .want = PF_TARGET },
	{ .addr = LA_NEW, .want = PF_TARGET },
	{ .rcx = LA_ALIAS, .want = PF_TARGET },
	{ .rcx = LA_OTHER, .want = PF_TARGET },
};

START_TEST(test_emodpe_checks)
{
	u64 rbx = secinfo_inside(RD_SI_RWX);
	u64 rcx = extend_rows[_i].rcx ? extend_rows[_i].rcx : LA_TARGET;
	struct ends ends = { .target = rcx };

	if (extend_rows[_i].state)
		entry(P_TARGET)->state = extend_rows[_i].state;
	if (extend_rows[_i].addr)
		entry(P_TARGET)->addr = extend_rows[_i].addr;
	if (extend_rows[_i].secs)
		entry(P_TARGET)->secs = extend_rows[_i].secs;
	if (extend_rows[_i].reserved)
		w.epc.page[P_DATA][0x40 + extend_rows[_i].reserved] = 1;
	check_end(run(true, RD_EMODPE, rbx, rcx, 0), extend_rows[_i].want, &ends);
}
END_TEST

static int copy(u64 flags)
{
	return run(true, RD_EACCEPTCOPY, secinfo_inside(flags), LA_TARGET, LA_DATA);
}

START_TEST(test_eacceptcopy_fills_a_new_page)
{
	static const u64 rights[] = { 0, RD_SI_R, RW, RD_SI_X, RD_SI_R | RD_SI_X, RD_SI_RWX };

	put_target(PENDING_PAGE);
	check_end(copy(RD_SI_PT(RD_PT_REG) | rights[_i]), 0, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state, REG(rights[_i]));
	ck_assert(!memcmp(w.epc.page[P_TARGET], w.epc.page[P_DATA], 4096));
	ck_assert_uint_eq(w.epc.page[P_TARGET][4095], 0xaa);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 0);
	ck_assert_uint_eq(entry(P_TARGET)->ops, 0);
	ck_assert_uint_eq(entry(P_DATA)->lock, 0);
}
END_TEST

static const struct {
	u64 state, addr, flags, rcx, rdx;
	u32 secs;
	u8 reserved;
	int want;
} copy_rows[] = {
	{ .reserved = 8, .want = GP },
	{ .reserved = 7, .want = GP },
	{ .flags = RD_SI_PT(RD_PT_REG) | RD_SI_W, .want = GP },
	{ .flags = RD_SI_PT(RD_PT_TCS), .want = GP },
	{ .flags = RD_SI_PT(RD_PT_SECS) | RW, .want = GP },
	{ .flags = RD_SI_PT(RD_PT_REG) | RW | BIT(6), .want = GP },
	{ .rdx = LA_DATA + 64, .want = GP },
	{ .rdx = W_ENCL - 4096, .want = GP },
	{ .rdx = LA_END, .want = GP },
	{ .rdx = LA_TCS, .want = PF_SOURCE },
	{ .rdx = LA_TARGET, .want = PF_SOURCE }, /* it waits itself */
	{ .rdx = LA_OTHER, .want = PF_SOURCE },
	{ .rdx = LA_ALIAS, .want = PF_SOURCE },
	{ .rdx = LA_INVALID, .want = PF_SOURCE },
	{ .state = REG(RW), .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = PENDING_PAGE & ~RD_EPCM_VALID, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = PENDING_PAGE | RD_EPCM_BLOCKED, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = PENDING_PAGE | RD_SI_MODIFIED, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = PENDING_PAGE | RD_SI_X, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = PENDING_PAGE & ~RD_SI_W, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .state = TRIMMED | RD_SI_PENDING | RW, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .secs = P_OTHER_SECS, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .addr = LA_NEW, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .rcx = LA_ALIAS, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
	{ .rcx = LA_INVALID, .want = RD_SGX_PAGE_ATTRIBUTES_MISMATCH },
};

START_TEST(test_eacceptcopy_checks)
{
	u64 flags = copy_rows[_i].flags ? copy_rows[_i].flags : RD_SI_PT(RD_PT_REG) | RW;
	u64 rbx = secinfo_inside(flags);
	u64 rcx = copy_rows[_i].rcx ? copy_rows[_i].rcx : LA_TARGET;
	u64 rdx = copy_rows[_i].rdx ? copy_rows[_i].rdx : LA_DATA;
	struct ends ends = { .target = rcx, .source = rdx };

	put_target(copy_rows[_i].state ? copy_rows[_i].state : PENDING_PAGE);
	if (copy_rows[_i].addr)
		entry(P_TARGET)->addr = copy_rows[_i].addr;
	if (copy_rows[_i].secs)
		entry(P_TARGET)->secs = copy_rows[_i].secs;
	if (copy_rows[_i].reserved)
		w.epc.page[P_DATA][0x40 + copy_rows[_i].reserved] = 1;
	check_end(run(true, RD_EACCEPTCOPY, rbx, rcx, rdx), copy_rows[_i].want, &ends);
	ck_assert_uint_eq(entry(P_DATA)->lock, 0);
}
END_TEST

/* It is written to, so the guest's tables must say that it may be; to accept, it need not be. */
START_TEST(test_rights_in_the_guests_tables)
{
	struct ends ends = { .target = LA_TARGET };

	world_map(LA_TARGET, w_gpa(P_TARGET), RD_ACC_READ);
	put_target(PENDING_PAGE);
	check_end(copy(RD_SI_PT(RD_PT_REG) | RW), PF_TARGET_READONLY, &ends);
	check_end(accept(SI_NEW), 0, NULL);
	check_end(extend(RD_SI_X), QUIET, NULL);
}
END_TEST

/* Alignment comes before everything that can be a page fault. */
START_TEST(test_alignment_comes_first)
{
	check_end(run(true, RD_EACCEPTCOPY, LA_NOTHING, LA_TARGET, LA_DATA + 64), GP, NULL);
	check_end(run(true, RD_EACCEPTCOPY, LA_NOTHING, LA_TARGET + 64, LA_DATA), GP, NULL);
	check_end(run(true, RD_EMODPE, LA_NOTHING, LA_TARGET + 64, 0), GP, NULL);
}
END_TEST

START_TEST(test_source_must_be_readable)
{
	struct ends ends = { .source = LA_NEW };

	put_page(P_FREE, P_SECS, LA_NEW, REG(RD_SI_X));
	put_target(PENDING_PAGE);
	check_end(run(true, RD_EACCEPTCOPY, secinfo_inside(RD_SI_PT(RD_PT_REG) | RW), LA_TARGET,
		      LA_NEW),
		  PF_SOURCE, &ends);
}
END_TEST

static int run_leaf(int n)
{
	put_target(n == 1 ? REG(RW) : PENDING_PAGE);
	return n == 0 ? accept(SI_NEW) : n == 1 ? extend(RD_SI_X) : copy(RD_SI_PT(RD_PT_REG) | RW);
}

/* The target: somebody owns it, or is changing it: #GP. Somebody shares it: fine. */
START_TEST(test_conflicts)
{
	struct ends ends = { .secinfo = LA_DATA + 0x40 };

	rd_epcm_own(entry(P_TARGET));
	check_end(run_leaf(_i), GP, NULL);
	rd_epcm_disown(entry(P_TARGET));
	rd_epcm_begin(entry(P_TARGET), RD_OP_CHANGE);
	check_end(run_leaf(_i), GP, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 0);
	rd_epcm_end(entry(P_TARGET), RD_OP_CHANGE);
	rd_epcm_own(entry(P_DATA));
	check_end(run_leaf(_i), PF_SECINFO, &ends);
	rd_epcm_disown(entry(P_DATA));
	rd_epcm_share(entry(P_TARGET));
	rd_epcm_share(entry(P_DATA));
	rd_epcm_begin(entry(P_DATA), RD_OP_CHANGE);
	check_end(run_leaf(_i), _i == 1 ? QUIET : 0, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 1);
	ck_assert_uint_eq(entry(P_DATA)->lock, 1);
}
END_TEST

/* SECINFO lies in the page that is changed, and in the page that is copied. */
START_TEST(test_no_leaf_stands_in_its_own_way)
{
	u64 si = secinfo_inside(RD_SI_X);

	check_end(run(true, RD_EMODPE, si, LA_DATA, 0), QUIET, NULL);
	ck_assert_uint_eq(entry(P_DATA)->state, REG(RD_SI_RWX));
	entry(P_DATA)->state = REG(RD_SI_R) | RD_SI_PR;
	entry(P_DATA)->stamp = -2U;
	check_end(run(true, RD_EACCEPT, secinfo_inside(SI_LESS), LA_DATA, 0), 0, NULL);
	ck_assert_uint_eq(entry(P_DATA)->state, REG(RD_SI_R));
	put_target(PENDING_PAGE);
	check_end(copy(RD_SI_PT(RD_PT_REG) | RW), 0, NULL);
	ck_assert_uint_eq(entry(P_DATA)->lock, 0);
}
END_TEST

START_TEST(test_inside_only)
{
	u64 si = secinfo_inside(SI_NEW);

	go_out();
	check_end(run(true, RD_EACCEPT, si, LA_TARGET, 0), GP, NULL);
	check_end(run(true, RD_EMODPE, si, LA_TARGET, 0), GP, NULL);
	check_end(run(true, RD_EACCEPTCOPY, si, LA_TARGET, LA_DATA), GP, NULL);
}
END_TEST

void add_enclu(Suite *s)
{
	TCase *c = tcase_create("enclu");

	tcase_add_checked_fixture(c, setup, dyn_end);
	tcase_add_loop_test(c, test_eaccept_ends_what_was_proposed, 0, 7);
	tcase_add_loop_test(c, test_places, 0, ARRAY_SIZE(place_rows));
	tcase_add_loop_test(c, test_eaccept_wants_a_legal_combination, 0, 8 * 8);
	tcase_add_loop_test(c, test_eaccept_checks, 0, ARRAY_SIZE(accept_rows));
	tcase_add_loop_test(c, test_eaccept_looks_at_a_new_tcs, 0, ARRAY_SIZE(tcs_rows));
	tcase_add_loop_test(c, test_emodpe_gives_rights, 0, 64);
	tcase_add_loop_test(c, test_emodpe_checks, 0, ARRAY_SIZE(extend_rows));
	tcase_add_loop_test(c, test_eacceptcopy_fills_a_new_page, 0, 6);
	tcase_add_loop_test(c, test_eacceptcopy_checks, 0, ARRAY_SIZE(copy_rows));
	tcase_add_test(c, test_rights_in_the_guests_tables);
	tcase_add_test(c, test_alignment_comes_first);
	tcase_add_test(c, test_source_must_be_readable);
	tcase_add_loop_test(c, test_conflicts, 0, 3);
	tcase_add_test(c, test_no_leaf_stands_in_its_own_way);
	tcase_add_test(c, test_inside_only);
	suite_add_tcase(s, c);
}
