// SPDX-License-Identifier: GPL-2.0-only
/* EAUG, EMODPR, EMODT: what they do, and each thing that they check. */
#include "tests/unit/enclave_dyn/dyn_tests.h"
#include "tests/unit/host_shim.h"

#define TCS_PAGE (RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS))

static const u64 pageinfo_at = W_RAM + 0x2000;

static void setup(void)
{
	dyn_begin();
}

static int eaug(const struct rd_pageinfo *pi, u64 at, u64 target)
{
	if (at - W_RAM < sizeof(w.ram))
		memcpy(w_ram(at), pi, sizeof(*pi));
	return run(false, RD_EAUG, at, target, 0);
}

START_TEST(test_eaug_adds_a_page_that_waits)
{
	struct rd_pageinfo pi = { .linaddr = LA_NEW, .secs = w_epc(P_SECS) };
	u32 children = entry(P_SECS)->children, i;

	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), QUIET, NULL);
	ck_assert_uint_eq(entry(P_FREE)->state, PENDING_PAGE);
	ck_assert_uint_eq(entry(P_FREE)->addr, LA_NEW);
	ck_assert_uint_eq(entry(P_FREE)->secs, P_SECS);
	ck_assert_uint_eq(entry(P_FREE)->lock, 0);
	ck_assert_uint_eq(entry(P_SECS)->lock, 0);
	ck_assert_uint_eq(entry(P_SECS)->children, children + 1);
	ck_assert_ptr_nonnull(w.epc.page[P_FREE]);
	for (i = 0; i < 4096; i++)
		ck_assert_uint_eq(w.epc.page[P_FREE][i], 0);
}
END_TEST

START_TEST(test_eaug_at_both_ends_of_the_range)
{
	struct rd_pageinfo pi = { .linaddr = W_ENCL, .secs = w_epc(P_SECS) };

	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), QUIET, NULL);
	pi.linaddr = LA_END - 4096;
	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE + 10)), QUIET, NULL);
}
END_TEST

static const struct eaug_row {
	struct rd_pageinfo pi;
	u64 at, target;
	int want;
} eaug_rows[] = {
	{ .at = W_RAM + 0x2010, .want = GP },
	{ .at = NON_CANONICAL, .want = GP },
	{ .at = LA_NOTHING, .want = PF_SECINFO_ABSENT },
	{ .target = W_EPC + 0x800, .want = GP },
	{ .target = NON_CANONICAL, .want = GP },
	{ .target = LA_NOTHING, .want = PF_TARGET_ABSENT },
	{ .target = W_RAM, .want = PF_TARGET_NO_EPC },
	{ .pi = { .secinfo = W_RAM + 0x20 }, .want = GP },
	{ .pi = { .secinfo = W_RAM }, .want = GP },
	{ .pi = { .secinfo = LA_NOTHING }, .want = PF_SECINFO_ABSENT },
	{ .pi = { .linaddr = LA_NEW + 8 }, .want = GP },
	{ .pi = { .secs = W_EPC + 0x20 }, .want = GP },
	{ .pi = { .secs = NON_CANONICAL }, .want = GP },
	{ .pi = { .secs = W_RAM }, .want = PF_SECS_NO_EPC },
	{ .pi = { .srcpge = W_RAM }, .want = GP },
	{ .target = W_EPC + P_TARGET * 4096, .want = PF_TARGET },
	{ .target = W_EPC + P_SECS * 4096, .want = PF_TARGET },
	{ .pi = { .secs = W_EPC + P_TARGET * 4096 }, .want = PF_SECS },
	{ .pi = { .secs = W_EPC + P_VA * 4096 }, .want = PF_SECS },
	{ .pi = { .secs = W_EPC + 20 * 4096 }, .want = PF_SECS },
	{ .pi = { .secs = W_EPC + P_FREE * 4096 }, .want = GP }, /* owned as the target */
	{ .pi = { .linaddr = W_ENCL - 4096 }, .want = GP },
	{ .pi = { .linaddr = LA_END }, .want = GP },
	{ .pi = { .linaddr = -4096ULL }, .want = GP },
	/* Which comes first. */
	{ .at = W_RAM + 0x2010, .target = LA_NOTHING, .want = GP },
	{ .pi = { .secinfo = W_RAM + 0x20 }, .target = W_EPC + P_TARGET * 4096, .want = GP },
};

START_TEST(test_eaug_checks)
{
	const struct eaug_row *r = &eaug_rows[_i];
	struct rd_pageinfo pi = r->pi;
	u64 at = r->at ? r->at : pageinfo_at, target = r->target ? r->target : w_epc(P_FREE);
	struct ends ends = { .target = target };

	if (!pi.linaddr)
		pi.linaddr = LA_NEW;
	if (!pi.secs)
		pi.secs = w_epc(P_SECS);
	ends.secs = pi.secs;
	ends.secinfo = pi.secinfo ? pi.secinfo : at;
	check_end(eaug(&pi, at, target), r->want, &ends);
	ck_assert_ptr_null(w.epc.page[P_FREE]);
}
END_TEST

START_TEST(test_eaug_wants_an_initialized_enclave)
{
	struct rd_pageinfo pi = { .linaddr = LA_NEW, .secs = w_epc(P_SECS) };

	rd_epc_secs(&w.epc, P_SECS)->attributes.flags &= ~RD_ATTR_INIT;
	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), GP, NULL);
}
END_TEST

/* The transition asks for itself what the leaf has asked already. */
START_TEST(test_augment_wants_a_free_page)
{
	ck_assert_int_eq(rd_epcm_augment(&w.epc, P_TARGET, P_SECS, LA_NEW), RD_EPCM_PF);
	ck_assert_uint_eq(entry(P_TARGET)->addr, LA_TARGET);
}
END_TEST

START_TEST(test_eaug_conflicts)
{
	struct rd_pageinfo pi = { .linaddr = LA_NEW, .secs = w_epc(P_SECS) };

	rd_epcm_share(entry(P_FREE));
	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), GP, NULL);
	rd_epcm_unshare(entry(P_FREE));
	rd_epcm_own(entry(P_SECS));
	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), GP, NULL);
	rd_epcm_disown(entry(P_SECS));
	/* Others may look at the SECS meanwhile, and measure. */
	rd_epcm_share(entry(P_SECS));
	rd_epcm_begin(entry(P_SECS), RD_OP_MEASURE);
	rd_epcm_begin(entry(P_SECS), RD_OP_TRACK);
	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), QUIET, NULL);
}
END_TEST

START_TEST(test_eaug_without_memory_changes_nothing)
{
	struct rd_pageinfo pi = { .linaddr = LA_NEW, .secs = w_epc(P_SECS) };

	rd_shim_fail_alloc(1);
	ck_assert_int_eq(eaug(&pi, pageinfo_at, w_epc(P_FREE)), -ENOMEM);
	ck_assert(epcm_unchanged());
	ck_assert_uint_eq(w.l.gpr[RD_RAX], RD_EAUG);
	check_end(eaug(&pi, pageinfo_at, w_epc(P_FREE)), QUIET, NULL);
}
END_TEST

static int change(unsigned int leaf, u64 flags)
{
	return run(false, leaf, secinfo_outside(flags), w_epc(P_TARGET), 0);
}

/* All rights that a page may have, all masks. */
START_TEST(test_emodpr_takes_rights)
{
	u64 have = _i & 7, mask = _i >> 3;
	bool loses = have & ~mask;

	if (mask & RD_SI_W && !(mask & RD_SI_R))
		return;
	entry(P_TARGET)->state = REG(have);
	rd_track_begin(entry(P_SECS));
	check_end(change(RD_EMODPR, mask), 0, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state, REG(have & mask) | RD_SI_PR);
	ck_assert_uint_eq(entry(P_TARGET)->stamp, 1);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 0);
	ck_assert_uint_eq(entry(P_TARGET)->ops, 0);
	ck_assert_uint_eq(w.revoked, loses);
	if (loses)
		ck_assert_uint_eq(w.last_revoked, P_TARGET);
	ck_assert_uint_eq(w.epc.page[P_TARGET][0], 0x55);
}
END_TEST

/* A page that is blocked, or restricted already, can be restricted. The PT field says nothing. */
START_TEST(test_emodpr_does_not_ask_more)
{
	entry(P_TARGET)->state |= RD_EPCM_BLOCKED | RD_SI_PR;
	check_end(change(RD_EMODPR, RD_SI_R | RD_SI_PT(RD_PT_VA)), 0, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state, REG(RD_SI_R) | RD_EPCM_BLOCKED | RD_SI_PR);
}
END_TEST

START_TEST(test_emodt_gives_another_type)
{
	static const struct {
		u64 from;
		u8 to;
		bool revokes;
	} rows[] = {
		{ REG(RD_SI_RWX), RD_PT_TCS, true },
		{ REG(RD_SI_R) | RD_SI_PR, RD_PT_TRIM, true },
		{ REG(0), RD_PT_TRIM, false },
		{ TCS_PAGE, RD_PT_TRIM, false },
	};

	entry(P_TARGET)->state = rows[_i].from;
	rd_track_begin(entry(P_SECS));
	check_end(change(RD_EMODT, RD_SI_PT(rows[_i].to) | RD_SI_RWX), 0, NULL);
	ck_assert_uint_eq(entry(P_TARGET)->state,
			  RD_EPCM_VALID | RD_SI_PT(rows[_i].to) | RD_SI_MODIFIED);
	ck_assert_uint_eq(entry(P_TARGET)->stamp, 1);
	ck_assert_uint_eq(entry(P_TARGET)->lock, 0);
	ck_assert_uint_eq(entry(P_TARGET)->ops, 0);
	ck_assert_uint_eq(w.revoked, rows[_i].revokes);
	ck_assert_uint_eq(w.epc.page[P_TARGET][0], 0x55);
}
END_TEST

/* EMODPR and EMODT: what is asked of operands and of the page. 0 for what is in order. */
static const struct change_row {
	unsigned int leaf;
	u64 rbx, rcx, flags;
	u64 state; /* of the target */
	u8 reserved; /* byte of SECINFO that is set */
	bool no_init;
	int want;
} change_rows[] = {
	{ RD_EMODPR, .rbx = W_RAM + 0x60, .want = GP },
	{ RD_EMODPR, .rbx = NON_CANONICAL, .want = GP },
	{ RD_EMODPR, .rbx = LA_NOTHING, .want = PF_SECINFO_ABSENT },
	{ RD_EMODPR, .rcx = W_EPC + 0x2008, .want = GP },
	{ RD_EMODPR, .rcx = NON_CANONICAL, .want = GP },
	{ RD_EMODPR, .rcx = W_RAM, .want = PF_TARGET_NO_EPC },
	{ RD_EMODPR, .rcx = LA_NOTHING, .want = PF_TARGET_ABSENT },
	{ RD_EMODPR, .flags = RD_SI_W, .want = GP },
	{ RD_EMODPR, .flags = RD_SI_W | RD_SI_X, .want = GP },
	{ RD_EMODPR, .flags = RD_SI_R | BIT(6), .want = GP },
	{ RD_EMODPR, .flags = RD_SI_R | BIT(7), .want = GP },
	{ RD_EMODPR, .flags = RD_SI_R | BIT(16), .want = GP },
	{ RD_EMODPR, .flags = RD_SI_R | BIT(63), .want = GP },
	{ RD_EMODPR, .reserved = 8, .want = GP },
	{ RD_EMODPR, .reserved = 63, .want = GP },
	{ RD_EMODPR, .rcx = W_EPC + P_FREE * 4096, .want = PF_TARGET },
	{ RD_EMODPR, .rcx = W_EPC + P_SECS * 4096, .want = PF_TARGET },
	{ RD_EMODPR, .rcx = W_EPC + P_VA * 4096, .want = PF_TARGET },
	{ RD_EMODPR, .state = REG(RW) & ~RD_EPCM_VALID, .want = PF_TARGET },
	{ RD_EMODPR, .rbx = W_RAM + 0x60, .rcx = LA_NOTHING, .want = GP },
	{ RD_EMODPR, .state = TCS_PAGE, .want = PF_TARGET },
	{ RD_EMODPR, .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_TRIM), .want = PF_TARGET },
	{ RD_EMODPR, .state = PENDING_PAGE, .want = RD_SGX_PAGE_NOT_MODIFIABLE },
	{ RD_EMODPR, .state = TCS_PAGE | RD_SI_MODIFIED, .want = RD_SGX_PAGE_NOT_MODIFIABLE },
	{ RD_EMODPR, .no_init = true, .want = GP },
	{ RD_EMODT, .rbx = W_RAM + 0x60, .want = GP },
	{ RD_EMODT, .rbx = NON_CANONICAL, .want = GP },
	{ RD_EMODT, .rbx = LA_NOTHING, .want = PF_SECINFO_ABSENT },
	{ RD_EMODT, .rcx = W_EPC + 0x2008, .want = GP },
	{ RD_EMODT, .rcx = NON_CANONICAL, .want = GP },
	{ RD_EMODT, .rcx = W_RAM, .want = PF_TARGET_NO_EPC },
	{ RD_EMODT, .rcx = LA_NOTHING, .want = PF_TARGET_ABSENT },
	{ RD_EMODT, .flags = RD_SI_PT(RD_PT_REG), .want = GP },
	{ RD_EMODT, .flags = RD_SI_PT(RD_PT_VA), .want = GP },
	{ RD_EMODT, .flags = RD_SI_PT(RD_PT_SECS) | RD_SI_R, .want = GP },
	{ RD_EMODT, .flags = RD_SI_PT(5), .want = GP },
	{ RD_EMODT, .flags = RD_SI_PT(RD_PT_TRIM) | BIT(6), .want = GP },
	{ RD_EMODT, .flags = RD_SI_PT(RD_PT_TRIM) | BIT(16), .want = GP },
	{ RD_EMODT, .reserved = 8, .want = GP },
	{ RD_EMODT, .reserved = 63, .want = GP },
	{ RD_EMODT, .rcx = W_EPC + P_FREE * 4096, .want = PF_TARGET },
	{ RD_EMODT, .rcx = W_EPC + P_SECS * 4096, .want = PF_TARGET },
	{ RD_EMODT, .rcx = W_EPC + P_VA * 4096, .want = PF_TARGET },
	{ RD_EMODT, .state = REG(RW) & ~RD_EPCM_VALID, .want = PF_TARGET },
	{ RD_EMODT, .state = TCS_PAGE, .flags = RD_SI_PT(RD_PT_TCS), .want = PF_TARGET },
	{ RD_EMODT, .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_TRIM), .want = PF_TARGET },
	{ RD_EMODT, .state = PENDING_PAGE, .want = RD_SGX_PAGE_NOT_MODIFIABLE },
	{ RD_EMODT, .state = TCS_PAGE | RD_SI_MODIFIED, .want = RD_SGX_PAGE_NOT_MODIFIABLE },
	{ RD_EMODT, .no_init = true, .want = GP },
};

START_TEST(test_change_checks)
{
	const struct change_row *r = &change_rows[_i];
	u64 good = r->leaf == RD_EMODT ? RD_SI_PT(RD_PT_TRIM) : RD_SI_R, rbx, rcx;
	struct ends ends;

	rbx = secinfo_outside(r->flags ? r->flags : good);
	if (r->reserved)
		*(u8 *)w_ram(rbx + r->reserved) = 1;
	if (r->state)
		entry(P_TARGET)->state = r->state;
	if (r->no_init)
		rd_epc_secs(&w.epc, P_SECS)->attributes.flags &= ~RD_ATTR_INIT;
	rbx = r->rbx ? r->rbx : rbx;
	rcx = r->rcx ? r->rcx : w_epc(P_TARGET);
	ends = (struct ends){ .secinfo = rbx, .target = rcx };
	check_end(run(false, r->leaf, rbx, rcx, 0), r->want, &ends);
}
END_TEST

/* Base concurrency: EMODPR shares the page and faults, EMODT owns it and returns. */
START_TEST(test_change_conflicts)
{
	check_end(change(RD_EMODPR, RD_SI_R), 0, NULL);
	rd_epcm_own(entry(P_TARGET));
	check_end(change(RD_EMODPR, RD_SI_R), GP, NULL);
	check_end(change(RD_EMODT, RD_SI_PT(RD_PT_TRIM)), RD_SGX_EPC_PAGE_CONFLICT, NULL);
	rd_epcm_disown(entry(P_TARGET));
	rd_epcm_begin(entry(P_TARGET), RD_OP_CHANGE);
	check_end(change(RD_EMODPR, RD_SI_R), RD_SGX_EPC_PAGE_CONFLICT, NULL);
	check_end(change(RD_EMODT, RD_SI_PT(RD_PT_TRIM)), RD_SGX_EPC_PAGE_CONFLICT, NULL);
	rd_epcm_end(entry(P_TARGET), RD_OP_CHANGE);
	rd_epcm_share(entry(P_TARGET));
	check_end(change(RD_EMODPR, RD_SI_R), 0, NULL);
	check_end(change(RD_EMODT, RD_SI_PT(RD_PT_TRIM)), RD_SGX_EPC_PAGE_CONFLICT, NULL);
	rd_epcm_unshare(entry(P_TARGET));
	check_end(change(RD_EMODT, RD_SI_PT(RD_PT_TRIM)), 0, NULL);
}
END_TEST

void add_encls(Suite *s)
{
	TCase *c = tcase_create("encls");

	tcase_add_checked_fixture(c, setup, dyn_end);
	tcase_add_test(c, test_eaug_adds_a_page_that_waits);
	tcase_add_test(c, test_eaug_at_both_ends_of_the_range);
	tcase_add_loop_test(c, test_eaug_checks, 0, ARRAY_SIZE(eaug_rows));
	tcase_add_test(c, test_eaug_wants_an_initialized_enclave);
	tcase_add_test(c, test_augment_wants_a_free_page);
	tcase_add_test(c, test_eaug_conflicts);
	tcase_add_test(c, test_eaug_without_memory_changes_nothing);
	tcase_add_loop_test(c, test_emodpr_takes_rights, 0, 64);
	tcase_add_test(c, test_emodpr_does_not_ask_more);
	tcase_add_loop_test(c, test_emodt_gives_another_type, 0, 4);
	tcase_add_loop_test(c, test_change_checks, 0, ARRAY_SIZE(change_rows));
	tcase_add_test(c, test_change_conflicts);
	suite_add_tcase(s, c);
}
