// SPDX-License-Identifier: GPL-2.0-only
/* EWB, ELDU, ELDB: pages of each sort out and back, and each thing that these leaves refuse. */
#include "tests/unit/enclave_page/evict_tests.h"

void prepare_out(unsigned int n)
{
	*pi() = (struct rd_pageinfo){ .srcpge = A_OUT(n), .secinfo = PCMD_OF(n) };
}

void prepare_in(unsigned int n, u32 secs, u64 linaddr)
{
	*pi() = (struct rd_pageinfo){ .linaddr = linaddr,
				      .srcpge = A_OUT(n),
				      .secinfo = PCMD_OF(n),
				      .secs = secs == RD_NO_PAGE ? 0 : w_epc(secs) };
}

void make_evictable(u32 page)
{
	if (entry(page)->secs == RD_NO_PAGE)
		return;
	expect_done(RD_EBLOCK, 0, w_epc(page), 0);
	expect_done(RD_ETRACK, 0, w_epc(entry(page)->secs), 0);
}

u64 evict(u32 page, unsigned int n)
{
	make_evictable(page);
	prepare_out(n);
	expect_done(RD_EWB, A_PI, w_epc(page), a_slot(n));
	return pi()->linaddr;
}

static u64 eid_of(u32 secs)
{
	return rd_secs_own(rd_epc_secs(&w.epc, secs))->eid;
}

struct sort {
	u32 page;
	u64 set; /* besides, in its state */
	unsigned int leaf;
};

static const struct sort sorts[] = {
	{ P_REG, 0, RD_ELDU },
	{ P_REG, 0, RD_ELDB },
	{ P_REG2, RD_SI_PENDING, RD_ELDU },
	{ P_REG2, RD_SI_MODIFIED, RD_ELDB },
	{ P_REG2, RD_SI_PR, RD_ELDU },
	{ P_TCS, 0, RD_ELDU },
	{ P_TCS, RD_SI_MODIFIED, RD_ELDB },
	{ P_TRIM, 0, RD_ELDU },
	{ P_TRIM, RD_SI_MODIFIED, RD_ELDU },
	{ P_OTHER_REG, 0, RD_ELDU },
	{ P_FREE, 0, RD_ELDU },
	{ P_FREE, 0, RD_ELDB },
};

/* What EWB leaves for software, of a page that was in this state. */
static void check_out(u32 page, u64 state, u64 addr, u64 eid, unsigned int n, const u8 *was)
{
	static const u8 none[56];

	ck_assert_uint_eq(entry(page)->state, 0);
	ck_assert_uint_eq(entry(page)->secs, RD_NO_PAGE);
	ck_assert_ptr_null(w.epc.page[page]);
	ck_assert_uint_ne(*slot(P_VA, n), 0);
	ck_assert_uint_eq(pi()->linaddr, addr);
	ck_assert_uint_eq(pi()->srcpge, A_OUT(n));
	ck_assert_uint_eq(pi()->secinfo, PCMD_OF(n));
	ck_assert_uint_eq(pi()->secs, 0);
	ck_assert_uint_eq(pcmd(n)->secinfo.flags, state & RD_SI_DEFINED);
	ck_assert_mem_eq(pcmd(n)->secinfo.reserved, none, 56);
	ck_assert_mem_eq(pcmd(n)->reserved, none, 40);
	ck_assert_uint_eq(pcmd(n)->enclave_id, eid);
	ck_assert_mem_ne(w_ram(A_OUT(n)), was, 64);
	ck_assert_mem_ne((u8 *)w_ram(A_OUT(n)) + 4032, was + 4032, 64);
}

/* _i: which sort. P_FREE is made a VA. */
START_TEST(test_round_trip)
{
	static u8 was[4096];
	const struct sort *s = &sorts[_i];
	u32 secs, children = 0;
	u64 state, addr, eid;

	if (s->page == P_FREE)
		expect_ok(RD_EPA, RD_PT_VA, w_epc(P_FREE), 0);
	memset(w_ram(PCMD_OF(2)), 0xff, 128);
	make_state(s->page, s->set, 0);
	memcpy(was, w.epc.page[s->page], 4096);
	state = entry(s->page)->state;
	addr = entry(s->page)->addr;
	secs = entry(s->page)->secs;
	eid = secs == RD_NO_PAGE ? 0 : eid_of(secs);
	if (secs != RD_NO_PAGE)
		children = entry(secs)->children;

	evict(s->page, 2);
	check_out(s->page, state, addr, eid, 2, was);
	if (secs != RD_NO_PAGE)
		ck_assert_uint_eq(entry(secs)->children, children - 1);

	prepare_in(2, secs, addr);
	expect_done(s->leaf, A_PI, w_epc(P_FREE + 5), a_slot(2));
	if (s->leaf == RD_ELDB && secs != RD_NO_PAGE)
		state |= RD_EPCM_BLOCKED;
	ck_assert_uint_eq(entry(P_FREE + 5)->state, state);
	ck_assert_uint_eq(entry(P_FREE + 5)->addr, addr);
	ck_assert_uint_eq(entry(P_FREE + 5)->secs, secs);
	ck_assert_mem_eq(w.epc.page[P_FREE + 5], was, 4096);
	ck_assert_uint_eq(*slot(P_VA, 2), 0);
	if (secs != RD_NO_PAGE)
		ck_assert_uint_eq(entry(secs)->children, children);
}
END_TEST

/* A whole enclave goes and comes back elsewhere, and is the same enclave. */
START_TEST(test_whole_enclave)
{
	static const u32 pages[] = { P_REG, P_REG2, P_TCS, P_TRIM };
	static struct rd_secs secs;
	u64 eid = eid_of(P_SECS), la[ARRAY_SIZE(pages)];
	unsigned int i;

	secs = *rd_epc_secs(&w.epc, P_SECS);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		prepare_out(9);
		expect_zf(RD_EWB, A_PI, w_epc(P_SECS), a_slot(9), RD_SGX_CHILD_PRESENT);
		la[i] = evict(pages[i], i);
	}
	ck_assert_uint_eq(evict(P_SECS, 9), 0);
	ck_assert_uint_eq(pcmd(9)->enclave_id, eid);
	ck_assert_uint_eq(pcmd(9)->secinfo.flags, 0);
	prepare_in(9, RD_NO_PAGE, 0);
	expect_done(RD_ELDB, A_PI, w_epc(P_FREE), a_slot(9));
	ck_assert_mem_eq(rd_epc_secs(&w.epc, P_FREE), &secs, sizeof(secs));
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_SECS));
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		prepare_in(i, P_FREE, la[i]);
		expect_done(RD_ELDU, A_PI, w_epc(P_FREE + 1 + i), a_slot(i));
		ck_assert_uint_eq(entry(P_FREE + 1 + i)->secs, P_FREE);
	}
	ck_assert_uint_eq(entry(P_FREE)->children, ARRAY_SIZE(pages));
	expect_zf(RD_EREMOVE, 0, w_epc(P_FREE), 0, RD_SGX_CHILD_PRESENT);
}
END_TEST

/* The version array of an evicted page may go itself; the page waits for both to be back. */
START_TEST(test_evicted_array)
{
	u64 la = evict(P_REG, 1);

	expect_ok(RD_EPA, RD_PT_VA, w_epc(P_FREE), 0);
	prepare_out(2);
	expect_done(RD_EWB, A_PI, w_epc(P_VA), w_epc(P_FREE));
	prepare_in(1, P_SECS, la);
	expect_pf(RD_ELDU, A_PI, w_epc(P_REG), a_slot(1), a_slot(1), PF_EPCM);
	prepare_in(2, RD_NO_PAGE, 0);
	expect_done(RD_ELDU, A_PI, w_epc(P_VA), w_epc(P_FREE));
	prepare_in(1, P_SECS, la);
	expect_done(RD_ELDU, A_PI, w_epc(P_REG), a_slot(1));
}
END_TEST

START_TEST(test_tracked)
{
	u32 first = rd_track_enter(entry(P_SECS)), second;

	prepare_out(0);
	expect_zf(RD_EWB, A_PI, w_epc(P_REG), a_slot(0), RD_SGX_PAGE_NOT_BLOCKED);
	expect_done(RD_EBLOCK, 0, w_epc(P_REG), 0);
	expect_zf(RD_EWB, A_PI, w_epc(P_REG), a_slot(0), RD_SGX_NOT_TRACKED);
	expect_done(RD_ETRACK, 0, w_epc(P_SECS), 0);
	expect_zf(RD_EWB, A_PI, w_epc(P_REG), a_slot(0), RD_SGX_NOT_TRACKED);
	/* Who comes in now never had the page. */
	second = rd_track_enter(entry(P_SECS));
	expect_zf(RD_EWB, A_PI, w_epc(P_REG), a_slot(0), RD_SGX_NOT_TRACKED);
	rd_track_leave(entry(P_SECS), first);
	expect_done(RD_EWB, A_PI, w_epc(P_REG), a_slot(0));
	rd_track_leave(entry(P_SECS), second);
}
END_TEST

/* Blocked again after ETRACK of a page before: that one does not count for it. */
START_TEST(test_tracked_each)
{
	make_evictable(P_REG);
	expect_done(RD_EBLOCK, 0, w_epc(P_REG2), 0);
	prepare_out(0);
	expect_zf(RD_EWB, A_PI, w_epc(P_REG2), a_slot(0), RD_SGX_NOT_TRACKED);
	expect_done(RD_EWB, A_PI, w_epc(P_REG), a_slot(0));
}
END_TEST

/* A page that came back blocked was seen by nobody since: it may go again at once. */
START_TEST(test_loaded_blocked)
{
	u64 la = evict(P_REG, 0);
	u32 epoch = rd_track_enter(entry(P_SECS));

	entry(P_REG)->stamp = epoch; /* of another page that was here */
	prepare_in(0, P_SECS, la);
	expect_done(RD_ELDB, A_PI, w_epc(P_REG), a_slot(0));
	prepare_out(1);
	expect_done(RD_EWB, A_PI, w_epc(P_REG), a_slot(1));
	/* Unblocked it is a page like any other. */
	prepare_in(1, P_SECS, la);
	expect_done(RD_ELDU, A_PI, w_epc(P_REG), a_slot(1));
	expect_done(RD_EBLOCK, 0, w_epc(P_REG), 0);
	prepare_out(2);
	expect_zf(RD_EWB, A_PI, w_epc(P_REG), a_slot(2), RD_SGX_NOT_TRACKED);
	rd_track_leave(entry(P_SECS), epoch);
}
END_TEST

START_TEST(test_slot_occupied)
{
	u64 la = evict(P_REG, 0), first = *slot(P_VA, 0);

	make_evictable(P_REG2);
	prepare_out(1);
	expect_cf(RD_EWB, A_PI, w_epc(P_REG2), a_slot(0), RD_SGX_VA_SLOT_OCCUPIED);
	ck_assert(!rd_epcm_valid(entry(P_REG2)));
	ck_assert_uint_ne(*slot(P_VA, 0), first);
	prepare_in(0, P_SECS, la);
	expect_zf(RD_ELDU, A_PI, w_epc(P_REG), a_slot(0), RD_SGX_MAC_COMPARE_FAIL);
	prepare_in(1, P_SECS, E_REG2);
	expect_done(RD_ELDU, A_PI, w_epc(P_REG), a_slot(0));
}
END_TEST

/* Where EWB and ELDx want things to be. */
static void operands(unsigned int leaf, u64 page, u64 at, u64 valid_or_not)
{
	struct rd_pageinfo good = *pi();
	const u64 odd[] = { 1ULL << 63, A_NOWHERE + 8 };
	unsigned int i;

	expect_gp(leaf, A_PI + 16, page, at);
	expect_gp(leaf, 1ULL << 63, page, at);
	expect_pf(leaf, A_NOWHERE, page, at, A_NOWHERE, 0);
	expect_gp(leaf, A_PI, page + 8, at);
	expect_gp(leaf, A_PI, odd[0], at);
	expect_pf(leaf, A_PI, A_SRC, at, A_SRC, RD_PF_P | RD_PF_W);
	expect_pf(leaf, A_PI, A_NOWHERE, at, A_NOWHERE, RD_PF_W);
	expect_pf(leaf, A_PI, valid_or_not, at, valid_or_not, PF_EPCM);
	expect_gp(leaf, A_PI, page, at + 4);
	expect_gp(leaf, A_PI, page, odd[0]);
	expect_pf(leaf, A_PI, page, A_SRC + 8, A_SRC + 8, RD_PF_P | RD_PF_W);
	expect_pf(leaf, A_PI, page, odd[1], odd[1], RD_PF_W);
	expect_pf(leaf, A_PI, page, w_epc(P_OTHER_REG), w_epc(P_OTHER_REG), PF_EPCM);
	expect_pf(leaf, A_PI, page, w_epc(P_FREE + 9), w_epc(P_FREE + 9), PF_EPCM);
	/* The same page twice, whatever else there is to be found. */
	expect_gp(leaf, A_NOWHERE, page, page);
	expect_gp(leaf, A_NOWHERE, w_epc(P_VA), a_slot(0));
	pi()->srcpge |= 8;
	expect_gp(leaf, A_PI, page, at);
	*pi() = good;
	pi()->secinfo |= 0x40;
	expect_gp(leaf, A_PI, page, at);
	for (i = 0; i < 2; i++) {
		*pi() = good;
		pi()->srcpge = i ? A_NOWHERE : 1ULL << 63;
		if (i)
			expect_pf(leaf, A_PI, page, at, A_NOWHERE, leaf == RD_EWB ? RD_PF_W : 0);
		else
			expect_gp(leaf, A_PI, page, at);
		*pi() = good;
		pi()->secinfo = i ? A_NOWHERE : 1ULL << 63;
		if (i)
			expect_pf(leaf, A_PI, page, at, A_NOWHERE, leaf == RD_EWB ? RD_PF_W : 0);
		else
			expect_gp(leaf, A_PI, page, at);
	}
	*pi() = good;
	ck_assert(rd_epcm_own(entry(P_VA)));
	expect_gp(leaf, A_PI, page, at);
	rd_epcm_disown(entry(P_VA));
	/* Others may use other slots at the same time. */
	ck_assert(rd_epcm_share(entry(P_VA)));
}

START_TEST(test_out_operands)
{
	u64 page = w_epc(P_REG);

	make_evictable(P_REG);
	prepare_out(0);
	operands(RD_EWB, page, a_slot(0), w_epc(P_FREE));
	pi()->linaddr = E_REG;
	expect_gp(RD_EWB, A_PI, page, a_slot(0));
	prepare_out(0);
	pi()->secs = w_epc(P_SECS);
	expect_gp(RD_EWB, A_PI, page, a_slot(0));
	prepare_out(0);
	ck_assert(rd_epcm_share(entry(P_REG)));
	expect_gp(RD_EWB, A_PI, page, a_slot(0));
	rd_epcm_unshare(entry(P_REG));
	expect_no_memory(RD_EWB, A_PI, page, a_slot(0), 1);
	expect_no_memory(RD_EWB, A_PI, page, a_slot(0), 2);
	expect_done(RD_EWB, A_PI, page, a_slot(0));
	rd_epcm_unshare(entry(P_VA));
}
END_TEST

START_TEST(test_in_operands)
{
	static const u32 pages[] = { P_REG2, P_TCS, P_VA, P_TRIM, P_FREE + 1 };
	u64 page = w_epc(P_FREE), la = evict(P_REG, 0);
	unsigned int i;

	prepare_in(0, P_SECS, la);
	operands(RD_ELDU, page, a_slot(0), w_epc(P_REG2));
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		prepare_in(0, pages[i], la);
		expect_pf(RD_ELDU, A_PI, page, a_slot(0), w_epc(pages[i]), PF_EPCM);
	}
	pi()->secs = w_epc(P_SECS) + 8;
	expect_gp(RD_ELDU, A_PI, page, a_slot(0));
	pi()->secs = A_SRC;
	expect_pf(RD_ELDU, A_PI, page, a_slot(0), A_SRC, RD_PF_P | RD_PF_W);
	pi()->secs = page;
	expect_gp(RD_ELDU, A_PI, page, a_slot(0));
	prepare_in(0, P_SECS, la);
	ck_assert(rd_epcm_own(entry(P_SECS)));
	expect_gp(RD_ELDU, A_PI, page, a_slot(0));
	rd_epcm_disown(entry(P_SECS));
	ck_assert(rd_epcm_share(entry(P_FREE)));
	expect_gp(RD_ELDU, A_PI, page, a_slot(0));
	rd_epcm_unshare(entry(P_FREE));
	expect_no_memory(RD_ELDU, A_PI, page, a_slot(0), 1);
	expect_no_memory(RD_ELDU, A_PI, page, a_slot(0), 2);
	expect_done(RD_ELDU, A_PI, page, a_slot(0));
	rd_epcm_unshare(entry(P_VA));
}
END_TEST

/* Pages that only may be read, found before anything is written. */
START_TEST(test_out_to_read_only)
{
	const u64 ro = W_ENCL + 0x40000000;
	static u8 ram[0x8000];
	unsigned int i;

	world_map(ro, A_SRC, RD_ACC_READ);
	make_evictable(P_REG);
	for (i = 0; i < 3; i++) {
		u64 rbx = A_PI;

		prepare_out(0);
		if (i == 0)
			pi()->srcpge = ro;
		else if (i == 1)
			pi()->secinfo = ro;
		else
			memcpy(w_ram(A_SRC), pi(), sizeof(*pi()));
		if (i == 2)
			rbx = ro;
		memcpy(ram, w_ram(A_OUT(0)), 0x2000);
		expect_pf(RD_EWB, rbx, w_epc(P_REG), a_slot(0), ro, RD_PF_P | RD_PF_W);
		ck_assert_mem_eq(ram, w_ram(A_OUT(0)), 0x2000);
	}
}
END_TEST

static struct {
	struct rd_leaf_ops ops;
	const struct rd_leaf_ops *real;
	unsigned int left; /* writes that still go through */
} hook;

static int failing_write(struct rd_leaf *l, u64 la, const void *buf, unsigned int len)
{
	if (!hook.left--)
		return rd_leaf_pf(l, la, RD_PF_W);
	return hook.real->write(l, la, buf, len);
}

/* The guest takes its pages away between the look and the write: nothing has left the EPC. */
START_TEST(test_out_fault_in_the_middle)
{
	const u64 at[] = { A_OUT(0), PCMD_OF(0), A_PI };
	u64 version = w.epc.last_version;
	unsigned int i;

	hook.real = w.l.ops;
	hook.ops = *w.l.ops;
	hook.ops.write = failing_write;
	make_evictable(P_REG);
	for (i = 0; i < 3; i++) {
		w.l.ops = &hook.ops;
		hook.left = i;
		prepare_out(0);
		expect_pf(RD_EWB, A_PI, w_epc(P_REG), a_slot(0), at[i], RD_PF_W);
		w.l.ops = hook.real;
	}
	/* The page that was written is of no use, and its number is not used again. */
	prepare_in(0, P_SECS, E_REG);
	expect_zf(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0), RD_SGX_MAC_COMPARE_FAIL);
	prepare_out(0);
	expect_done(RD_EWB, A_PI, w_epc(P_REG), a_slot(0));
	ck_assert_uint_eq(*slot(P_VA, 0), version + 4);
}
END_TEST

static int racing_read(struct rd_leaf *l, u64 la, void *buf, unsigned int len)
{
	if (la == A_OUT(0))
		*slot(P_VA, 0) = 0;
	return hook.real->read(l, la, buf, len);
}

/* Another CPU loads the same page by the same slot while this one opens it: one of them has it. */
START_TEST(test_loaded_once)
{
	u64 la = evict(P_REG, 0);

	hook.real = w.l.ops;
	hook.ops = *w.l.ops;
	hook.ops.read = racing_read;
	w.l.ops = &hook.ops;
	prepare_in(0, P_SECS, la);
	ck_assert_int_eq(w_encls(RD_ELDU, A_PI, w_epc(P_FREE), a_slot(0)), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
	ck_assert(!rd_epcm_valid(entry(P_FREE)));
	ck_assert_ptr_null(w.epc.page[P_FREE]);
	ck_assert_uint_eq(entry(P_FREE)->lock | entry(P_VA)->lock | entry(P_SECS)->lock, 0);
	ck_assert_uint_eq(entry(P_SECS)->children, 3);
	w.l.ops = hook.real;
}
END_TEST

void add_evict_tests(Suite *s)
{
	TCase *c = tcase_create("evict");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_round_trip, 0, ARRAY_SIZE(sorts));
	tcase_add_test(c, test_whole_enclave);
	tcase_add_test(c, test_evicted_array);
	tcase_add_test(c, test_tracked);
	tcase_add_test(c, test_tracked_each);
	tcase_add_test(c, test_loaded_blocked);
	tcase_add_test(c, test_slot_occupied);
	tcase_add_test(c, test_out_operands);
	tcase_add_test(c, test_in_operands);
	tcase_add_test(c, test_out_to_read_only);
	tcase_add_test(c, test_out_fault_in_the_middle);
	tcase_add_test(c, test_loaded_once);
	suite_add_tcase(s, c);
}
