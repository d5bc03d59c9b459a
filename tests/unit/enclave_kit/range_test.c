// SPDX-License-Identifier: GPL-2.0-only
/* Inside and outside, at each edge; and that the kit's structures are the architecture's. */
#include "tests/unit/enclave_kit/enclave_kit_test.h"
#include "tools/enclave-kit/inside/range.h"

#include "enclave/arch.h"
#include "tools/enclave-kit/sgx.h"

#define BASE 0x7f0000000000ULL
#define BYTES 0x100000ULL
#define END (BASE + BYTES)

static bool outside(u64 addr, u64 n)
{
	return rd_kit_range_outside(BASE, BYTES, addr, n);
}

static bool inside(u64 addr, u64 n)
{
	return rd_kit_range_inside(BASE, BYTES, addr, n);
}

START_TEST(outside_at_the_edges)
{
	ck_assert(outside(0, 1));
	ck_assert(outside(BASE - 1, 1));
	ck_assert(outside(0, BASE));
	ck_assert(!outside(BASE - 1, 2));
	ck_assert(!outside(BASE, 1));
	ck_assert(!outside(END - 1, 1));
	ck_assert(outside(END, 1));
	ck_assert(!outside(BASE - 1, BYTES + 2));
	ck_assert(!outside(0, RD_KIT_USER_END));
	ck_assert(outside(END, RD_KIT_USER_END - END));
	ck_assert(!outside(END, RD_KIT_USER_END - END + 1));
}
END_TEST

START_TEST(outside_never_wraps)
{
	ck_assert(!outside(U64_MAX, 1));
	ck_assert(!outside(U64_MAX, 2));
	ck_assert(!outside(U64_MAX - 7, 8));
	ck_assert(!outside(1, U64_MAX));
	ck_assert(!outside(END, U64_MAX));
	ck_assert(!outside(END, U64_MAX - END + 1));
	ck_assert(!outside(RD_KIT_USER_END, 1));
	ck_assert(!outside(0xffff800000000000, 1));
	ck_assert(outside(BASE + 8, 0));
	ck_assert(outside(U64_MAX, 0));
}
END_TEST

START_TEST(inside_at_the_edges)
{
	ck_assert(inside(BASE, BYTES));
	ck_assert(!inside(BASE, BYTES + 1));
	ck_assert(!inside(BASE - 1, 1));
	ck_assert(inside(END - 1, 1));
	ck_assert(!inside(END - 1, 2));
	ck_assert(!inside(END + 1, 0));
	ck_assert(!inside(BASE + 1, U64_MAX));
	ck_assert(!inside(U64_MAX, 2));
}
END_TEST

#define SAME_SIZE(kit, arch) ck_assert_uint_eq(sizeof(struct kit), sizeof(struct arch))
#define SAME_PLACE(kit, arch, field)                                                               \
	ck_assert_uint_eq(offsetof(struct kit, field), offsetof(struct arch, field))

START_TEST(structures_are_the_architecture_s)
{
	SAME_PLACE(rd_kit_report, rd_report, miscselect);
	SAME_PLACE(rd_kit_report, rd_report, attributes);
	SAME_PLACE(rd_kit_report, rd_report, mrenclave);
	SAME_PLACE(rd_kit_report, rd_report, mrsigner);
	SAME_PLACE(rd_kit_report, rd_report, configid);
	SAME_PLACE(rd_kit_report, rd_report, isvprodid);
	SAME_PLACE(rd_kit_report, rd_report, isvfamilyid);
	SAME_PLACE(rd_kit_report, rd_report, reportdata);
	SAME_PLACE(rd_kit_report, rd_report, keyid);
	SAME_PLACE(rd_kit_report, rd_report, mac);
	ck_assert_uint_eq(RD_KIT_REPORT_BYTES, sizeof(struct rd_report));
	ck_assert_uint_eq(RD_KIT_REPORT_MACED, RD_REPORT_MACED);
	SAME_SIZE(rd_kit_targetinfo, rd_targetinfo);
	ck_assert_uint_eq(offsetof(struct rd_kit_targetinfo, mrenclave),
			  offsetof(struct rd_targetinfo, measurement));
	SAME_PLACE(rd_kit_targetinfo, rd_targetinfo, attributes);
	SAME_PLACE(rd_kit_targetinfo, rd_targetinfo, miscselect);
	SAME_PLACE(rd_kit_targetinfo, rd_targetinfo, configid);
	SAME_SIZE(rd_kit_keyrequest, rd_keyrequest);
	SAME_PLACE(rd_kit_keyrequest, rd_keyrequest, isvsvn);
	SAME_PLACE(rd_kit_keyrequest, rd_keyrequest, cpusvn);
	SAME_PLACE(rd_kit_keyrequest, rd_keyrequest, attributemask);
	SAME_PLACE(rd_kit_keyrequest, rd_keyrequest, keyid);
	SAME_PLACE(rd_kit_keyrequest, rd_keyrequest, miscmask);
	ck_assert_uint_eq(RD_KIT_KEY_SEAL, RD_KEY_SEAL);
	ck_assert_uint_eq(RD_KIT_KEY_REPORT, RD_KEY_REPORT);
	SAME_SIZE(rd_kit_gprs, rd_gprsgx);
	SAME_PLACE(rd_kit_gprs, rd_gprsgx, rip);
	SAME_PLACE(rd_kit_gprs, rd_gprsgx, exitinfo);
	ck_assert_uint_eq(RD_KIT_EXITINFO_VALID, RD_EXITINFO_VALID);
	SAME_SIZE(rd_kit_exinfo, rd_exinfo);
	SAME_PLACE(rd_kit_exinfo, rd_exinfo, errcd);
}
END_TEST

TCase *range_case(void)
{
	TCase *t = tcase_create("range");

	tcase_add_test(t, outside_at_the_edges);
	tcase_add_test(t, outside_never_wraps);
	tcase_add_test(t, inside_at_the_edges);
	tcase_add_test(t, structures_are_the_architecture_s);
	return t;
}
