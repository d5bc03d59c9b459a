// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legal and illegal values of control, debug and extended registers, memory types and machine-check
 * banks.
 */
#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"
#include "vmm/cpuid.h"
#include "vmm/regs.h"

#define PROT (RD_CR0_PE | RD_CR0_ET)
#define PAGED (PROT | RD_CR0_PG)
#define LONG_EFER (RD_EFER_LME | RD_EFER_LMA)

/* A guest with everything, 40 address bits. */
static const struct rd_cpuid full = {
	.cr4_allowed = RD_CR4_BASE | RD_CR4_LA57 | RD_CR4_PCIDE | RD_CR4_OSXSAVE | RD_CR4_SMEP,
	.efer_allowed = RD_EFER_SCE | LONG_EFER | RD_EFER_NX,
	.gpa_reserved = ~((1ULL << 40) - 1),
	.maxphyaddr = 40,
};

static const struct rd_cregs real_mode = { .cr0 = RD_CR0_ET };
static const struct rd_cregs prot_mode = { .cr0 = PROT };
static const struct rd_cregs paged_mode = { .cr0 = PAGED };
static const struct rd_cregs compat_mode = { .cr0 = PAGED, .cr4 = RD_CR4_PAE, .efer = LONG_EFER };
static const struct rd_cregs long_mode = {
	.cr0 = PAGED, .cr4 = RD_CR4_PAE, .efer = LONG_EFER, .cs_l = true
};
static const struct rd_cregs pcid_mode = {
	.cr0 = PAGED, .cr4 = RD_CR4_PAE | RD_CR4_PCIDE, .efer = LONG_EFER, .cs_l = true
};
/* LME set, paging still off. */
static const struct rd_cregs lme_mode = { .cr0 = PROT, .cr4 = RD_CR4_PAE, .efer = RD_EFER_LME };

START_TEST(cr0)
{
	struct rd_cregs r;

	ck_assert(rd_cr0_write_ok(&real_mode, RD_CR0_PE));
	ck_assert(rd_cr0_write_ok(&real_mode, 0x60000010));
	ck_assert(!rd_cr0_write_ok(&real_mode, RD_CR0_PG));
	ck_assert(!rd_cr0_write_ok(&real_mode, RD_CR0_NW));
	ck_assert(rd_cr0_write_ok(&real_mode, RD_CR0_NW | RD_CR0_CD));
	ck_assert(!rd_cr0_write_ok(&real_mode, 1ULL << 32));
	ck_assert(rd_cr0_write_ok(&prot_mode, PAGED));
	ck_assert(rd_cr0_write_ok(&paged_mode, PROT));
	/* Into long mode: PAE is needed, and CS must not be a 64-bit segment yet. */
	ck_assert(rd_cr0_write_ok(&lme_mode, PAGED));
	r = lme_mode;
	r.cr4 = 0;
	ck_assert(!rd_cr0_write_ok(&r, PAGED));
	r = lme_mode;
	r.cs_l = true;
	ck_assert(!rd_cr0_write_ok(&r, PAGED));
	/* Out of it: only from compatibility mode, and not with PCIDs. */
	ck_assert(rd_cr0_write_ok(&compat_mode, PROT));
	ck_assert(!rd_cr0_write_ok(&long_mode, PROT));
	r = pcid_mode;
	r.cs_l = false;
	ck_assert(!rd_cr0_write_ok(&r, PROT));
	ck_assert(rd_cr0_write_ok(&long_mode, PAGED | RD_CR0_WP));
}
END_TEST

START_TEST(lma_follows_paging)
{
	ck_assert_uint_eq(rd_efer_after_cr0(RD_EFER_LME, PAGED), LONG_EFER);
	ck_assert_uint_eq(rd_efer_after_cr0(LONG_EFER | RD_EFER_NX, PROT),
			  RD_EFER_LME | RD_EFER_NX);
	ck_assert_uint_eq(rd_efer_after_cr0(RD_EFER_NX, PAGED), RD_EFER_NX);
	ck_assert_uint_eq(rd_efer_after_cr0(LONG_EFER, PAGED), LONG_EFER);
}
END_TEST

START_TEST(cr3)
{
	ck_assert(rd_cr3_write_ok(&full, &long_mode, 0xfffffff000ULL));
	ck_assert(rd_cr3_write_ok(&full, &long_mode, 0x1000 | 0x18));
	ck_assert(!rd_cr3_write_ok(&full, &long_mode, 1ULL << 40));
	ck_assert(!rd_cr3_write_ok(&full, &long_mode, RD_CR3_NOFLUSH));
	ck_assert(rd_cr3_write_ok(&full, &pcid_mode, RD_CR3_NOFLUSH | 0x5005));
	ck_assert(!rd_cr3_write_ok(&full, &pcid_mode, 1ULL << 62));
	/* Outside long mode only 32 bits exist to be written. */
	ck_assert(rd_cr3_write_ok(&full, &paged_mode, 0xffffffff));
}
END_TEST

START_TEST(cr4)
{
	struct rd_cregs r;
	unsigned int i;

	for (i = 0; i < 64; i++)
		ck_assert_int_eq(rd_cr4_write_ok(&full, &real_mode, 1ULL << i),
				 ((full.cr4_allowed >> i) & 1) &&
					 i != 17 /* PCIDE needs long mode */);
	ck_assert(!rd_cr4_write_ok(&full, &long_mode, 0));
	ck_assert(rd_cr4_write_ok(&full, &long_mode, RD_CR4_PAE | RD_CR4_PGE));
	ck_assert(!rd_cr4_write_ok(&full, &long_mode, RD_CR4_PAE | RD_CR4_LA57));
	ck_assert(rd_cr4_write_ok(&full, &lme_mode, RD_CR4_PAE | RD_CR4_LA57));
	ck_assert(rd_cr4_write_ok(&full, &long_mode, RD_CR4_PAE | RD_CR4_PCIDE));
	r = long_mode;
	r.cr3 = 0x1001;
	ck_assert(!rd_cr4_write_ok(&full, &r, RD_CR4_PAE | RD_CR4_PCIDE));
	r = pcid_mode;
	r.cr3 = 0x1001;
	ck_assert(rd_cr4_write_ok(&full, &r, RD_CR4_PAE | RD_CR4_PCIDE | RD_CR4_PGE));
	ck_assert(rd_cr4_write_ok(&full, &r, RD_CR4_PAE));
}
END_TEST

START_TEST(efer)
{
	ck_assert(rd_efer_write_ok(&full, &prot_mode, RD_EFER_LME | RD_EFER_SCE | RD_EFER_NX));
	ck_assert(!rd_efer_write_ok(&full, &prot_mode, RD_EFER_SVME));
	ck_assert(!rd_efer_write_ok(&full, &prot_mode, RD_EFER_FFXSR));
	ck_assert(!rd_efer_write_ok(&full, &prot_mode, 1ULL << 63));
	/* LME is fixed while paging is on. */
	ck_assert(!rd_efer_write_ok(&full, &paged_mode, RD_EFER_LME));
	ck_assert(!rd_efer_write_ok(&full, &long_mode, RD_EFER_LMA));
	ck_assert(rd_efer_write_ok(&full, &long_mode, LONG_EFER | RD_EFER_SCE));
}
END_TEST

START_TEST(whole_sets)
{
	struct rd_cregs r;
	unsigned int i;

	ck_assert(rd_cregs_ok(&full, &real_mode));
	ck_assert(rd_cregs_ok(&full, &prot_mode));
	ck_assert(rd_cregs_ok(&full, &paged_mode));
	ck_assert(rd_cregs_ok(&full, &compat_mode));
	ck_assert(rd_cregs_ok(&full, &long_mode));
	ck_assert(rd_cregs_ok(&full, &pcid_mode));
	ck_assert(rd_cregs_ok(&full, &lme_mode));
	r = long_mode;
	r.cr4 = 0;
	ck_assert(!rd_cregs_ok(&full, &r));
	r = long_mode;
	r.efer = RD_EFER_LME;
	ck_assert(!rd_cregs_ok(&full, &r));
	r = long_mode;
	r.cr3 = 1ULL << 45;
	ck_assert(!rd_cregs_ok(&full, &r));
	r = prot_mode;
	r.cs_l = true;
	ck_assert(!rd_cregs_ok(&full, &r));
	r = prot_mode;
	r.efer = RD_EFER_LMA;
	ck_assert(!rd_cregs_ok(&full, &r));
	r = prot_mode;
	r.cr0 |= RD_CR0_NW;
	ck_assert(!rd_cregs_ok(&full, &r));
	/* Every CR4 bit that CPUID does not give is refused, one by one. */
	for (i = 0; i < 64; i++) {
		r = long_mode;
		r.cr4 |= 1ULL << i;
		ck_assert_int_eq(rd_cregs_ok(&full, &r), (full.cr4_allowed >> i) & 1);
	}
}
END_TEST

/* What a write accepts must be a legal state as a whole. */
START_TEST(writes_lead_to_legal_states)
{
	const struct rd_cregs *modes[] = { &real_mode, &prot_mode, &paged_mode, &compat_mode,
					   &long_mode, &pcid_mode, &lme_mode };
	unsigned int i, bits, accepted = 0;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		for (bits = 0; bits < 1024; bits++) {
			struct rd_cregs r = *modes[i];
			u64 new_cr0 = (bits & 1) | ((bits & 2) << 30) | ((bits & 4ULL) << 27) |
				      ((bits & 8ULL) << 27);
			u64 new_cr4 =
				((bits & 16) ? RD_CR4_PAE : 0) | ((bits & 32) ? RD_CR4_LA57 : 0) |
				((bits & 64) ? RD_CR4_PCIDE : 0) | ((bits & 128) ? RD_CR4_SMEP : 0);
			u64 new_efer =
				((bits & 256) ? RD_EFER_LME : 0) | ((bits & 512) ? RD_EFER_NX : 0);

			if (rd_cr0_write_ok(&r, new_cr0)) {
				r.cr0 = new_cr0 | RD_CR0_ET;
				r.efer = rd_efer_after_cr0(r.efer, r.cr0);
				ck_assert(rd_cregs_ok(&full, &r));
				accepted++;
			}
			r = *modes[i];
			if (rd_cr4_write_ok(&full, &r, new_cr4)) {
				r.cr4 = new_cr4;
				ck_assert(rd_cregs_ok(&full, &r));
				accepted++;
			}
			r = *modes[i];
			if (rd_efer_write_ok(&full, &r, new_efer)) {
				r.efer = new_efer | (r.efer & RD_EFER_LMA);
				ck_assert(rd_cregs_ok(&full, &r));
				accepted++;
			}
		}
	}
	ck_assert_uint_gt(accepted, 1000);
}
END_TEST

START_TEST(xcr0)
{
	static const struct {
		u64 val;
		bool ok;
	} cases[] = {
		{ 1, true },	    { 3, true },	{ 7, true },
		{ 0, false },	    { 2, false },	{ 5, false },
		{ 0xe7, true },	    { 0x27, false },	{ 0x67, false },
		{ 0xe3, false },    { 0x1f, true },	{ 0x0f, false },
		{ 0x17, false },    { 0x201, true },	{ 0x60003, true },
		{ 0x20003, false }, { 0x40003, false }, { 0x400000003ULL, false },
		{ ~0ULL, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(rd_xcr0_ok(cases[i].val, 0x602ff) == cases[i].ok, "%#llx",
			      (unsigned long long)cases[i].val);
	ck_assert(!rd_xcr0_ok(7, 3));
}
END_TEST

START_TEST(debug_registers)
{
	ck_assert(rd_dr_write_ok(0, ~0ULL));
	ck_assert(rd_dr_write_ok(6, 0xffffffff));
	ck_assert(!rd_dr_write_ok(6, 1ULL << 32));
	ck_assert(!rd_dr_write_ok(7, 1ULL << 63));
	ck_assert_uint_eq(rd_dr6_stored(0, false), 0xffff0ff0);
	ck_assert_uint_eq(rd_dr6_stored(0xffffffff, false), 0xffffeff0 | 0xf);
	ck_assert_uint_eq(rd_dr6_stored(0, true), 0xfffe0ff0);
	ck_assert_uint_eq(rd_dr7_stored(0), 0x400);
	ck_assert_uint_eq(rd_dr7_stored(0xffffffff), 0xffff2fff);
}
END_TEST

START_TEST(canonical_addresses)
{
	ck_assert(rd_canonical(0x00007fffffffffffULL, 48));
	ck_assert(!rd_canonical(0x0000800000000000ULL, 48));
	ck_assert(rd_canonical(0xffff800000000000ULL, 48));
	ck_assert(!rd_canonical(0xffff7fffffffffffULL, 48));
	ck_assert(rd_canonical(0x0000800000000000ULL, 57));
	ck_assert(!rd_canonical(0x0100000000000000ULL, 57));
}
END_TEST

START_TEST(pat)
{
	unsigned int i, t;

	ck_assert(rd_pat_ok(RD_PAT_RESET));
	for (i = 0; i < 8; i++)
		for (t = 0; t < 256; t++)
			ck_assert_int_eq(rd_pat_ok((u64)t << (8 * i)),
					 t == 0 || t == 1 || t == 4 || t == 5 || t == 6 || t == 7);
}
END_TEST

START_TEST(mtrr_slots)
{
	bool used[RD_NR_MTRR] = { false };
	u32 msr, n = 0;
	int slot;

	for (msr = 0; msr < 0x1000; msr++) {
		slot = rd_mtrr_slot(msr);
		if (slot < 0)
			continue;
		ck_assert_int_lt(slot, RD_NR_MTRR);
		ck_assert(!used[slot]);
		used[slot] = true;
		n++;
	}
	ck_assert_uint_eq(n, RD_NR_MTRR);
	ck_assert_int_eq(rd_mtrr_slot(0x1ff), -1);
	ck_assert_int_eq(rd_mtrr_slot(0x210), -1);
	ck_assert_int_eq(rd_mtrr_slot(0x251), -1);
	ck_assert_int_eq(rd_mtrr_slot(0x277), -1);
}
END_TEST

START_TEST(mtrr_values)
{
	u64 rsvd = full.gpa_reserved;
	unsigned int t;

	for (t = 0; t < 256; t++) {
		bool ok = t == 0 || t == 1 || t == 4 || t == 5 || t == 6;

		ck_assert_int_eq(rd_mtrr_ok(0x2ff, 0xc00 | t, rsvd), ok);
		ck_assert_int_eq(rd_mtrr_ok(0x200, 0x80000000ULL | t, rsvd), ok);
		ck_assert_int_eq(rd_mtrr_ok(0x250, t, rsvd), ok);
		ck_assert_int_eq(rd_mtrr_ok(0x26f, (u64)t << 56, rsvd), ok);
	}
	ck_assert(!rd_mtrr_ok(0x2ff, 0x100, rsvd));
	ck_assert(!rd_mtrr_ok(0x2ff, 1ULL << 12, rsvd));
	ck_assert(rd_mtrr_ok(0x201, 0xff80000800ULL, rsvd));
	ck_assert(!rd_mtrr_ok(0x201, 0xff80000001ULL, rsvd));
	ck_assert(!rd_mtrr_ok(0x201, 1ULL << 40, rsvd));
	ck_assert(!rd_mtrr_ok(0x200, 1ULL << 40, rsvd));
	ck_assert(!rd_mtrr_ok(0x20e, 0x100, rsvd));
}
END_TEST

START_TEST(mce_bank_writes)
{
	ck_assert(rd_mce_write_ok(0, 0, false, false));
	ck_assert(rd_mce_write_ok(0, ~0ULL, false, false));
	ck_assert(rd_mce_write_ok(0, ~BIT_ULL(10), false, false));
	ck_assert(rd_mce_write_ok(0, ~1ULL, false, false));
	ck_assert(!rd_mce_write_ok(0, 0xff, false, false));
	ck_assert(!rd_mce_write_ok(0, 0xff, true, false));
	ck_assert(rd_mce_write_ok(1, 0, false, false));
	ck_assert(!rd_mce_write_ok(1, 5, false, false));
	ck_assert(rd_mce_write_ok(1, 5, false, true));
	ck_assert(rd_mce_write_ok(1, 5, true, false));
	ck_assert(rd_mce_write_ok(2, 5, false, false));
	ck_assert(rd_mce_write_ok(3, ~0ULL, false, false));
}
END_TEST

struct mce {
	u64 status, bank[4];
	struct rd_mce_state s;
};

static void mce_init(struct mce *m)
{
	*m = (struct mce) { .bank = { ~0ULL } };
	m->s = (struct rd_mce_state) {
		.mcg_cap = 10 | RD_MCG_CTL_P,
		.mcg_ctl = ~0ULL,
		.cr4 = RD_CR4_MCE,
		.mcg_status = &m->status,
		.bank = m->bank,
	};
}

START_TEST(mce_injection)
{
	struct kvm_x86_mce corrected = {
		.status = RD_MCI_VAL | 5, .addr = 0x1000, .misc = 7, .bank = 3
	};
	struct kvm_x86_mce fatal = {
		.status = RD_MCI_VAL | RD_MCI_UC | 9, .addr = 0x2000, .mcg_status = 5, .bank = 9
	};
	struct kvm_x86_mce bad = { .status = RD_MCI_VAL, .bank = 10 };
	struct mce m;

	mce_init(&m);
	ck_assert_int_eq(rd_mce_inject(&m.s, &bad), RD_MCE_BAD);
	bad.bank = 0;
	bad.status = 5;
	ck_assert_int_eq(rd_mce_inject(&m.s, &bad), RD_MCE_BAD);

	ck_assert_int_eq(rd_mce_inject(&m.s, &corrected), RD_MCE_STORED);
	ck_assert_uint_eq(m.bank[1], RD_MCI_VAL | 5);
	ck_assert_uint_eq(m.bank[2], 0x1000);
	ck_assert_uint_eq(m.bank[3], 7);
	ck_assert_int_eq(rd_mce_inject(&m.s, &corrected), RD_MCE_STORED);
	ck_assert_uint_eq(m.bank[1], RD_MCI_VAL | RD_MCI_OVER | 5);

	ck_assert_int_eq(rd_mce_inject(&m.s, &fatal), RD_MCE_RAISE);
	ck_assert_uint_eq(m.status, 5);
	ck_assert_uint_eq(m.bank[1], RD_MCI_VAL | RD_MCI_OVER | RD_MCI_UC | 9);
	/* A corrected error leaves it in place. */
	ck_assert_int_eq(rd_mce_inject(&m.s, &corrected), RD_MCE_STORED);
	ck_assert_uint_eq(m.bank[2], 0x2000);
	/* The next fatal one finds the first still in progress. */
	m.status = RD_MCG_STATUS_MCIP;
	ck_assert_int_eq(rd_mce_inject(&m.s, &fatal), RD_MCE_SHUTDOWN);

	mce_init(&m);
	m.s.cr4 = 0;
	ck_assert_int_eq(rd_mce_inject(&m.s, &fatal), RD_MCE_SHUTDOWN);
	ck_assert_uint_eq(m.bank[1], 0);
	mce_init(&m);
	m.s.mcg_ctl = 0;
	ck_assert_int_eq(rd_mce_inject(&m.s, &fatal), RD_MCE_IGNORED);
	mce_init(&m);
	m.bank[0] = 0;
	ck_assert_int_eq(rd_mce_inject(&m.s, &fatal), RD_MCE_IGNORED);
}
END_TEST

START_TEST(mce_without_need_of_action)
{
	struct kvm_x86_mce ucna = {
		.status = RD_MCI_VAL | RD_MCI_UC | RD_MCI_EN | 9, .addr = 0x3000, .bank = 9
	};
	struct mce m;

	mce_init(&m);
	/* It stops nobody, whatever the guest has enabled. */
	m.s.cr4 = 0;
	m.s.mcg_ctl = 0;
	ck_assert_int_eq(rd_mce_inject(&m.s, &ucna), RD_MCE_SIGNAL);
	ck_assert_uint_eq(m.bank[1], ucna.status);
	ck_assert_uint_eq(m.bank[2], 0x3000);
	/* With any of these it is another kind of error. */
	ucna.status |= RD_MCI_AR;
	ck_assert_int_eq(rd_mce_inject(&m.s, &ucna), RD_MCE_IGNORED);
	ucna.status ^= RD_MCI_AR | RD_MCI_PCC;
	ck_assert_int_eq(rd_mce_inject(&m.s, &ucna), RD_MCE_IGNORED);
	ucna.status ^= RD_MCI_PCC | RD_MCI_S;
	ck_assert_int_eq(rd_mce_inject(&m.s, &ucna), RD_MCE_IGNORED);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("msr");
	TCase *cr = tcase_create("control"), *mem = tcase_create("memory types"),
	      *mce = tcase_create("machine checks");

	tcase_add_test(cr, cr0);
	tcase_add_test(cr, lma_follows_paging);
	tcase_add_test(cr, cr3);
	tcase_add_test(cr, cr4);
	tcase_add_test(cr, efer);
	tcase_add_test(cr, whole_sets);
	tcase_add_test(cr, writes_lead_to_legal_states);
	tcase_add_test(cr, xcr0);
	tcase_add_test(cr, debug_registers);
	tcase_add_test(cr, canonical_addresses);
	tcase_add_test(mem, pat);
	tcase_add_test(mem, mtrr_slots);
	tcase_add_test(mem, mtrr_values);
	tcase_add_test(mce, mce_bank_writes);
	tcase_add_test(mce, mce_injection);
	tcase_add_test(mce, mce_without_need_of_action);
	suite_add_tcase(s, cr);
	suite_add_tcase(s, mem);
	suite_add_tcase(s, mce);
	return s;
}
