// SPDX-License-Identifier: GPL-2.0-only
/* Areas of modules: what they take, what they refuse, and that nothing is left of one that went. */
#include "tests/unit/guest_judge/model.h"

static void setup(void)
{
	model_start(RD_ALLOW_ALL);
}

static struct judge_site site(u32 at, u32 kind)
{
	return (struct judge_site){ JUDGE_SITE(at, kind), 0 };
}

START_TEST(test_open_and_close)
{
	struct judge_site s = site(0, JUDGE_FTRACE), late = site(0x1000, JUDGE_FTRACE);
	struct judge_site call = site(8, JUDGE_FTRACE_CALL), nothing = site(8, JUDGE_KPROBE);
	u64 base = MODULES + 0x100000;

	ck_assert_int_eq(judge_area_open(&judge, 0, base, true), -EINVAL);
	ck_assert_int_eq(judge_area_open(&judge, 1, base + 1, true), -EINVAL);
	ck_assert_int_eq(judge_area_open(&judge, 1, TEXT, true), -EINVAL);
	ck_assert_int_eq(judge_area_open(&judge, 1, MOD + 4096, true), -EINVAL);
	ck_assert_int_eq(judge_area_open(&judge, MOD_ID, base, true), -EEXIST);
	ck_assert_int_eq(judge_area_open(&judge, 1, base, true), 0);
	ck_assert_int_eq(judge_area_open(&judge, 2, base + 0x100000, true), -EBUSY);
	ck_assert_int_eq(judge_area_close(&judge, 1), -EINVAL);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0), -EINVAL);
	ck_assert_int_eq(judge_area_page(&judge, 1, 1ULL << 40), -EINVAL);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x777), -EEXIST);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x999), 0);
	ck_assert_int_eq(judge_area_site(&judge, 1, &late), -EINVAL);
	ck_assert_int_eq(judge_area_site(&judge, 1, &call), -EINVAL);
	ck_assert_int_eq(judge_area_site(&judge, 1, &nothing), -EINVAL);
	ck_assert_int_eq(judge_area_site(&judge, 1, &s), 0);
	ck_assert_int_eq(judge_area_site(&judge, 1, &s), -EINVAL);
	ck_assert_int_eq(judge_area_close(&judge, 1), 0);
	/* Closed, it stays what it is. */
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x99a), -EPERM);
	ck_assert_int_eq(judge_area_site(&judge, 1, &s), -EPERM);
	ck_assert_int_eq(judge_area_close(&judge, 1), -EPERM);
	ck_assert_int_eq(judge_area_page(&judge, 3, 0x99a), -ENOENT);
}
END_TEST

/* Whoever opens an area cannot reach into the next one. */
START_TEST(test_runs_into_another)
{
	ck_assert_int_eq(judge_area_open(&judge, 1, MOD - 4096, true), 0);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x10), 0);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x11), -EINVAL);
}
END_TEST

START_TEST(test_data_is_never_code)
{
	struct judge_site s = site(0, JUDGE_FTRACE);

	ck_assert_int_eq(judge_area_open(&judge, 1, MODULES, false), 0);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x10), 0);
	ck_assert_int_eq(judge_area_site(&judge, 1, &s), -EINVAL);
	ck_assert(!judge_allows(&judge, 0x10000, 1, 0xcc));
}
END_TEST

static void take_off(u32 id)
{
	u64 gfn;

	while (!judge_area_last(&judge, id, &gfn))
		ck_assert_int_eq(judge_area_drop_last(&judge, id), 0);
}

START_TEST(test_gone_with_its_places)
{
	u64 gfn, gpa = model_gpa(MOD + 0x100);

	ck_assert(model_write1(MOD + 0x100, 0xcc));
	ck_assert(model_write1(TEXT + 0x800, 0xcc));
	ck_assert_int_eq(judge_area_last(&judge, MOD_ID, &gfn), 0);
	ck_assert_uint_eq(gfn, 0x555);
	take_off(MOD_ID);
	ck_assert_int_eq(judge_area_drop_last(&judge, MOD_ID), -ENOENT);
	ck_assert_uint_eq(judge.places, 1);
	ck_assert_uint_eq(judge.pages | judge.sites | judge.by_page.used, 0);
	ck_assert(!judge_allows(&judge, gpa, 1, 0xcc));
	ck_assert(model_write1(TEXT + 0x800, 0x50));
}
END_TEST

/* Many areas, taken away in another order: what stays is still found. */
START_TEST(test_gaps_close)
{
	u32 id, i;
	u64 gfn;

	for (id = 100; id < 200; id++) {
		struct judge_site s = site(id, JUDGE_FTRACE);

		ck_assert_int_eq(judge_area_open(&judge, id, MODULES + 0x10000 * id, id % 2), 0);
		for (i = 0; i < 3; i++)
			ck_assert_int_eq(judge_area_page(&judge, id, 0x10000 * i + id), 0);
		if (id % 2)
			ck_assert_int_eq(judge_area_site(&judge, id, &s), 0);
		ck_assert_int_eq(judge_area_close(&judge, id), 0);
	}
	for (i = 0; i < 100; i++) {
		id = 100 + i * 37 % 100;
		if (id % 4) {
			take_off(id);
			continue;
		}
		ck_assert_int_eq(judge_area_last(&judge, id, &gfn), 0);
		ck_assert_uint_eq(gfn, 0x20000 + id);
	}
	for (id = 100; id < 200; id += 4) {
		ck_assert_int_eq(judge_area_last(&judge, id, &gfn), 0);
		ck_assert_uint_eq(gfn, 0x20000 + id);
		take_off(id);
	}
	ck_assert_uint_eq(judge.pages, MOD_PAGES);
	ck_assert_uint_eq(judge.sites, 2);
	ck_assert(model_write1(MOD, 0xcc));
	ck_assert_uint_eq(judge.place[0].kind, JUDGE_FTRACE);
}
END_TEST

START_TEST(test_probes_that_were_there)
{
	struct judge_probe p = { .va = TEXT + 0x800, .orig = { 0x50 }, .len = 1 };
	struct judge_probe jump = { .va = TEXT + 0x900,
				    .orig = { 0x50, 0x51, 0x52, 0x53, 0x54 },
				    .len = 5 };
	u32 i;

	ck_assert_int_eq(judge_add_probe(&judge, &p), 0);
	ck_assert_int_eq(judge_add_probe(&judge, &p), -EEXIST);
	*model_byte(p.va) = 0xcc;
	ck_assert_int_eq(judge_add_probe(&judge, &jump), 0);
	model_branch(model_byte(jump.va), 0xe9, jump.va, TRAMPOLINE);
	ck_assert(model_write1(p.va, 0x50));
	ck_assert(!model_write1(jump.va, 0x50));
	ck_assert(model_write1(jump.va, 0xcc));
	for (i = 1; i < 5; i++)
		ck_assert(model_write1(jump.va + i, 0x50 + i));
	ck_assert(model_write1(jump.va, 0x50));
	ck_assert_uint_eq(judge.places, 0);
	p.len = 3;
	ck_assert_int_eq(judge_add_probe(&judge, &p), -EINVAL);
	p.len = 1;
	ck_assert_int_eq(judge_area_probe(&judge, MOD_ID, &p), -EPERM);
	ck_assert_int_eq(judge_area_open(&judge, 1, MODULES, true), 0);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x10), 0);
	ck_assert_int_eq(judge_area_probe(&judge, 1, &p), -EINVAL);
	p.va = MODULES + 8;
	ck_assert_int_eq(judge_area_probe(&judge, 1, &p), 0);
}
END_TEST

/* As much as there is room for, and not more. */
START_TEST(test_full)
{
	u32 i;

	ck_assert_int_eq(judge_area_open(&judge, 1, MODULES + 0x100000, true), 0);
	for (i = MOD_PAGES; i < JUDGE_PAGES; i++)
		ck_assert_int_eq(judge_area_page(&judge, 1, 0x100000 + i), 0);
	ck_assert_int_eq(judge_area_page(&judge, 1, 0x100000), -ENOSPC);
	for (i = 2; i < JUDGE_SITES; i++) {
		struct judge_site s = site(8 * i, JUDGE_FTRACE);

		ck_assert_int_eq(judge_area_site(&judge, 1, &s), 0);
	}
	ck_assert_int_eq(
		judge_area_site(&judge, 1,
				&(struct judge_site){ JUDGE_SITE(8 * i, JUDGE_FTRACE), 0 }),
		-ENOSPC);
	take_off(1);
	for (i = 0; i < JUDGE_AREAS - 1; i++) {
		ck_assert_int_eq(
			judge_area_open(&judge, 100 + i, MODULES + 0x100000 + 4096 * i, false), 0);
		ck_assert_int_eq(judge_area_page(&judge, 100 + i, 0x100000 + i), 0);
		ck_assert_int_eq(judge_area_close(&judge, 100 + i), 0);
	}
	ck_assert_int_eq(judge_area_open(&judge, 1, MODULES, false), -ENOSPC);
}
END_TEST

TCase *area_tests(void)
{
	TCase *tc = tcase_create("areas");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_open_and_close);
	tcase_add_test(tc, test_runs_into_another);
	tcase_add_test(tc, test_data_is_never_code);
	tcase_add_test(tc, test_gone_with_its_places);
	tcase_add_test(tc, test_gaps_close);
	tcase_add_test(tc, test_probes_that_were_there);
	tcase_add_test(tc, test_full);
	return tc;
}
