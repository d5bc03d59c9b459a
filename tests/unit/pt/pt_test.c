// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-table arithmetic, with the format of ordinary x86 entries and with one that is as different
 * as a format can be: permissions are presence, and execution is granted instead of forbidden.
 */
#include "tests/unit/unit.h"
#include "vmm/pt.h"
#include "vmm/svm/npt.h"

static const struct rd_pt_format ept_like = {
	.table = 7,
	.leaf = 1,
	.large = BIT_ULL(7),
	.present = 7,
	.write = BIT_ULL(1),
	.exec_set = BIT_ULL(2),
	.accessed = BIT_ULL(8),
	.dirty = BIT_ULL(9),
	.memtype_wb = 6 << 3,
	.memtype_uc = 0,
	.pa_mask = GENMASK_ULL(51, 12),
	.soft_write = BIT_ULL(52),
	.levels = 4,
	.max_leaf_level = 3,
};

static const struct rd_pt_format *const formats[] = { &rd_npt_format, &ept_like };

#define NR_FORMATS ((int)ARRAY_SIZE(formats))

START_TEST(test_formats_are_consistent)
{
	struct rd_pt_format f = *formats[_i];

	ck_assert(rd_pt_format_ok(&f));
	f.soft_write = f.write;
	ck_assert(!rd_pt_format_ok(&f));
	f = *formats[_i];
	f.dirty = BIT_ULL(20);
	ck_assert(!rd_pt_format_ok(&f));
	f = *formats[_i];
	f.leaf |= f.write;
	ck_assert(!rd_pt_format_ok(&f));
	f = *formats[_i];
	f.table |= f.large;
	ck_assert(!rd_pt_format_ok(&f));
	f = *formats[_i];
	f.table = 0;
	ck_assert(!rd_pt_format_ok(&f));
	f = *formats[_i];
	f.levels = 6;
	ck_assert(!rd_pt_format_ok(&f));
	f = *formats[_i];
	f.max_leaf_level = 4;
	ck_assert(!rd_pt_format_ok(&f));
}
END_TEST

START_TEST(test_spans_and_indices)
{
	u64 gfn = 0x8765432ULL;
	u64 sum = 0;
	unsigned int l;

	ck_assert_uint_eq(rd_pt_span(1), 1);
	ck_assert_uint_eq(rd_pt_span(2), 512);
	ck_assert_uint_eq(rd_pt_span(3), 512 * 512);
	for (l = 1; l <= RD_PT_MAX_LEVEL; l++) {
		ck_assert_uint_lt(rd_pt_index(gfn, l), RD_PT_ENTRIES);
		sum += rd_pt_index(gfn, l) * rd_pt_span(l);
		ck_assert_uint_le(rd_pt_first(gfn, l), gfn);
		ck_assert_uint_gt(rd_pt_next(gfn, l), gfn);
		ck_assert_uint_eq(rd_pt_next(gfn, l) - rd_pt_first(gfn, l), rd_pt_span(l));
		ck_assert_uint_eq(rd_pt_first(gfn, l) % rd_pt_span(l), 0);
	}
	ck_assert_uint_eq(sum, gfn);
	ck_assert_uint_eq(rd_pt_max_gfn(&rd_npt_format), BIT_ULL(36));
}
END_TEST

/* Every combination of permissions at every level reads back as it was made. */
START_TEST(test_leaf_round_trip)
{
	const struct rd_pt_format *f = formats[_i];
	unsigned int l, bits;

	for (l = 1; l <= 3; l++) {
		u64 pa = 0x123456789ULL << 12 & ~((rd_pt_span(l) << 12) - 1);

		for (bits = 0; bits < 16; bits++) {
			struct rd_pt_perm p = { bits & 1, bits & 2, bits & 4, bits & 8 };
			u64 e = rd_pt_leaf(f, pa, l, p);

			ck_assert(rd_pt_present(f, e));
			ck_assert(rd_pt_is_leaf(f, e, l));
			ck_assert_uint_eq(rd_pt_leaf_pa(f, e, l), pa);
			ck_assert_int_eq(rd_pt_writable(f, e), p.write);
			ck_assert_int_eq(rd_pt_executable(f, e), p.exec);
			ck_assert_int_eq(!!(e & f->soft_write), p.host_write);
			ck_assert_int_eq(!!(e & f->dirty), p.write);
			ck_assert(e & f->accessed);
			ck_assert_uint_eq(e & (f->memtype_wb | f->memtype_uc),
					  p.uncached ? f->memtype_uc : f->memtype_wb);
			ck_assert(!rd_pt_writable(f, rd_pt_without_write(f, e)));
			ck_assert(rd_pt_writable(f, rd_pt_with_write(f, e)));
			ck_assert_int_eq(rd_pt_permits(f, e, true, false), p.write);
			ck_assert_int_eq(rd_pt_permits(f, e, false, true), p.exec);
			ck_assert_int_eq(rd_pt_permits(f, e, true, true), p.write && p.exec);
			ck_assert(rd_pt_permits(f, e, false, false));
		}
	}
}
END_TEST

START_TEST(test_tables_are_not_leaves)
{
	const struct rd_pt_format *f = formats[_i];
	u64 e = rd_pt_table(f, 0xabcdef000ULL);

	ck_assert(rd_pt_present(f, e));
	ck_assert(!rd_pt_present(f, 0));
	ck_assert(!rd_pt_is_leaf(f, e, 2));
	ck_assert(!rd_pt_is_leaf(f, e, 4));
	ck_assert_uint_eq(rd_pt_table_pa(f, e), 0xabcdef000ULL);
	ck_assert(rd_pt_writable(f, e) && rd_pt_executable(f, e));
}
END_TEST

/* The 512 children of a large page are the leaves that would have been made for its parts. */
START_TEST(test_split_maps_the_same)
{
	const struct rd_pt_format *f = formats[_i];
	unsigned int l, bits, i;

	for (l = 2; l <= 3; l++) {
		u64 pa = 0x80000000ULL * 5;

		for (bits = 0; bits < 16; bits++) {
			struct rd_pt_perm p = { bits & 1, bits & 2, bits & 4, bits & 8 };
			u64 e = rd_pt_leaf(f, pa, l, p);

			for (i = 0; i < RD_PT_ENTRIES; i++) {
				u64 part = pa + ((i * rd_pt_span(l - 1)) << 12);

				ck_assert_uint_eq(rd_pt_split(f, e, l, i),
						  rd_pt_leaf(f, part, l - 1, p));
			}
		}
	}
}
END_TEST

/* The definition: the page lies in the slot, and its host address is aligned as well. */
static bool fits(u64 gfn, u64 base, u64 npages, u64 hva, unsigned int level)
{
	u64 first = gfn / rd_pt_span(level) * rd_pt_span(level);
	u64 host = hva + (first << 12) - (base << 12);

	return first >= base && first + rd_pt_span(level) <= base + npages &&
	       host % (rd_pt_span(level) << 12) == 0;
}

START_TEST(test_fit)
{
	static const u64 bases[] = { 0, 1, 511, 512, 0x40000, 0x40000 - 512, 0x100 };
	static const u64 sizes[] = { 1, 511, 512, 513, 1024, 0x40000, 0x80000 + 77 };
	static const u64 hvas[] = {
		0x7f0000000000, 0x7f0000001000, 0x7f0000200000, 0x7f0040100000,
	};
	static const u64 steps[] = { 0, 1, 255, 511, 512, 600, 0x3ffff, 0x40000, 0x7ffff };
	unsigned int b, s, h, t, max;

	for (b = 0; b < ARRAY_SIZE(bases); b++)
	for (s = 0; s < ARRAY_SIZE(sizes); s++)
	for (h = 0; h < ARRAY_SIZE(hvas); h++)
	for (t = 0; t < ARRAY_SIZE(steps); t++)
	for (max = 1; max <= 3; max++) {
		u64 gfn = bases[b] + steps[t];
		unsigned int want = max;

		if (steps[t] >= sizes[s])
			continue;
		while (want > 1 && !fits(gfn, bases[b], sizes[s], hvas[h], want))
			want--;
		ck_assert_uint_eq(rd_pt_fit(gfn, bases[b], sizes[s], hvas[h], max), want);
	}
}
END_TEST

/* What the CPU insists on: the user bit everywhere, and no reserved bit in a large page. */
START_TEST(test_npt_bits)
{
	struct rd_pt_perm p = { .write = true, .exec = true, .host_write = true };

	ck_assert_uint_eq(rd_pt_table(&rd_npt_format, 0x1000), 0x1027);
	ck_assert_uint_eq(rd_pt_leaf(&rd_npt_format, 0x1000, 1, p), 0x10000000001067ULL);
	ck_assert_uint_eq(rd_pt_leaf(&rd_npt_format, 0x200000, 2, p), 0x100000002000e7ULL);
	p = (struct rd_pt_perm){ .uncached = true };
	ck_assert_uint_eq(rd_pt_leaf(&rd_npt_format, 0x1000, 1, p), 0x800000000000103dULL);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("pt");
	TCase *c = tcase_create("pt");

	tcase_add_loop_test(c, test_formats_are_consistent, 0, NR_FORMATS);
	tcase_add_test(c, test_spans_and_indices);
	tcase_add_loop_test(c, test_leaf_round_trip, 0, NR_FORMATS);
	tcase_add_loop_test(c, test_tables_are_not_leaves, 0, NR_FORMATS);
	tcase_add_loop_test(c, test_split_maps_the_same, 0, NR_FORMATS);
	tcase_add_test(c, test_fit);
	tcase_add_test(c, test_npt_bits);
	suite_add_tcase(s, c);
	return s;
}
