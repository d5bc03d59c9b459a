// SPDX-License-Identifier: GPL-2.0-only
/* ECREATE, EADD, EEXTEND: what they take, what becomes of it, and each thing that they refuse. */
#include "enclave/measure.h"
#include "tests/unit/enclave_page/page_tests.h"

/* One number somewhere in the guest's memory, and whether the leaf still goes through with it. */
struct poke {
	u64 at;
	unsigned int len;
	u64 value;
	bool good;
};

/* Operands that are in order become that. */
static void expect_poked(unsigned int leaf, const struct poke *p)
{
	memcpy(w_ram(p->at), &p->value, p->len);
	if (p->good)
		expect_ok(leaf, A_PI, w_epc(P_FREE), 0);
	else
		expect_gp(leaf, A_PI, w_epc(P_FREE), 0);
}

#define PI(field) (A_PI + offsetof(struct rd_pageinfo, field))
#define SI(field) (A_SI + offsetof(struct rd_secinfo, field))
#define SECS(field) (A_SRC + offsetof(struct rd_secs, field))
#define TCS(field) (A_SRC + offsetof(struct rd_tcs, field))
#define FLAGS (SECS(attributes) + offsetof(struct rd_attributes, flags))
#define XFRM (SECS(attributes) + offsetof(struct rd_attributes, xfrm))

static const struct poke create_pokes[] = {
	{ PI(linaddr), 8, E_BASE, false },
	{ PI(secs), 8, 1, false },
	{ PI(srcpge), 8, A_SRC + 0x800, false },
	{ PI(secinfo), 8, A_SI + 0x20, false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG), false },
	{ SI(flags), 8, BIT_ULL(6), false },
	{ SI(flags), 8, BIT_ULL(16), false },
	{ SI(reserved), 1, 1, false },
	{ SI(reserved) + 55, 1, 0x80, false },
	{ SI(flags), 8, RD_SI_RWX, true },
	{ SECS(size), 8, 0, false },
	{ SECS(size), 8, 0x1000, false },
	{ SECS(size), 8, 0x2000, true },
	{ SECS(size), 8, 0x3000, false },
	{ SECS(size), 8, BIT_ULL(36), true },
	{ SECS(size), 8, BIT_ULL(37), false },
	{ SECS(size), 8, BIT_ULL(63), false },
	{ SECS(base), 8, E_BASE + E_SIZE / 2, false },
	{ SECS(base), 8, E_BASE + 0x1000, false },
	{ SECS(base), 8, 0, true },
	{ SECS(base), 8, 1ULL << 47, false },
	{ SECS(base), 8, 0xffff800000000000ULL, true },
	{ SECS(ssa_frame_size), 4, 0, false },
	{ SECS(ssa_frame_size), 4, U32_MAX, true },
	{ SECS(miscselect), 4, RD_MISC_EXINFO, true },
	{ SECS(miscselect), 4, 2, false },
	{ SECS(miscselect), 4, BIT(31), false },
	{ SECS(reserved1), 1, 1, false },
	{ SECS(reserved1) + 8, 1, 1, false }, /* CET_ATTRIBUTES */
	{ SECS(reserved1) + 23, 1, 1, false },
	{ SECS(reserved2), 1, 1, false },
	{ SECS(reserved2) + 31, 1, 1, false },
	{ SECS(reserved3) + 31, 1, 1, false },
	{ SECS(reserved4), 1, 1, false },
	{ SECS(reserved4) + 3833, 1, 1, false },
	{ SECS(configid) + 63, 1, 1, false },
	{ SECS(configsvn), 2, 1, false },
	{ SECS(isvprodid), 2, 0xffff, true },
	{ SECS(isvsvn), 2, 0xffff, true },
	{ SECS(mrenclave), 8, U64_MAX, true },
	{ SECS(mrsigner) + 24, 8, U64_MAX, true },
	{ FLAGS, 8, RD_ATTR_DEBUG, false },
	{ FLAGS, 8, RD_ATTR_MODE64, true },
	{ FLAGS, 8, RD_ATTR_MODE64 | RD_ATTR_INIT, false },
	{ FLAGS, 8, RD_ATTR_MODE64 | BIT_ULL(3), false },
	{ FLAGS, 8, RD_ATTR_MODE64 | BIT_ULL(6), false }, /* CET */
	{ FLAGS, 8, RD_ATTR_MODE64 | BIT_ULL(63), false },
	{ FLAGS, 8, RD_ATTR_MODE64 | RD_ATTR_PROVISIONKEY | RD_ATTR_EINITTOKENKEY, true },
	{ FLAGS, 8, RD_ATTR_MODE64 | RD_ATTR_KSS | RD_ATTR_AEXNOTIFY, true },
	{ XFRM, 8, 0, false },
	{ XFRM, 8, 1, false },
	{ XFRM, 8, 6, false },
	{ XFRM, 8, 3, true },
	{ XFRM, 8, 7, true },
	{ XFRM, 8, 0xe7, false }, /* the VM has no AVX-512 */
	{ XFRM, 8, 7 | BIT_ULL(63), false },
};

START_TEST(test_create_checks)
{
	prepare_create(E_BASE, RD_ATTR_MODE64 | RD_ATTR_DEBUG);
	expect_poked(RD_ECREATE, &create_pokes[_i]);
}
END_TEST

/* INIT is nobody's to ask for, not even when the model seems to allow it. */
START_TEST(test_create_init)
{
	w.epc.model.attributes.flags |= RD_ATTR_INIT;
	prepare_create(E_BASE, RD_ATTR_MODE64 | RD_ATTR_INIT);
	expect_gp(RD_ECREATE, A_PI, w_epc(P_FREE), 0);
}
END_TEST

START_TEST(test_create_config)
{
	struct rd_secs *s = w_ram(A_SRC);

	prepare_create(E_BASE, RD_ATTR_MODE64 | RD_ATTR_KSS);
	s->configid[5] = 7;
	s->configsvn = 9;
	expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE), 0);
	s = rd_epc_secs(&w.epc, P_FREE);
	ck_assert_uint_eq(s->configid[5], 7);
	ck_assert_uint_eq(s->configsvn, 9);
}
END_TEST

static const struct {
	u64 xfrm;
	bool good;
} xfrms[] = {
	{ 0x03, true },	 { 0x0b, false },    { 0x13, false },	 { 0x1b, true },
	{ 0x23, false }, { 0xe3, false },    { 0xe7, true },	 { 0x67, false },
	{ 0xc7, false }, { 0x20003, false }, { 0x40003, false }, { 0x60003, true },
};

/* Components that go together, of a VM that has them all. */
START_TEST(test_create_xfrm)
{
	struct rd_secs *s = w_ram(A_SRC);

	w.epc.model.attributes.xfrm = 0x600ff;
	prepare_create(E_BASE, RD_ATTR_MODE64);
	s->attributes.xfrm = xfrms[_i].xfrm;
	if (xfrms[_i].good)
		expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE), 0);
	else
		expect_gp(RD_ECREATE, A_PI, w_epc(P_FREE), 0);
}
END_TEST

/* The frame has to hold the XSAVE area, what MISCSELECT asks for, and the registers: no byte less.
 */
START_TEST(test_create_frame)
{
	struct rd_secs *s = w_ram(A_SRC);

	w.epc.model.xsave_end[2] = 4096 - sizeof(struct rd_gprsgx);
	prepare_create(E_BASE, RD_ATTR_MODE64);
	expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE), 0);
	s->miscselect = RD_MISC_EXINFO;
	expect_gp(RD_ECREATE, A_PI, w_epc(P_FREE + 1), 0);
	w.epc.model.xsave_end[2] -= sizeof(struct rd_exinfo);
	expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE + 1), 0);
	w.epc.model.xsave_end[2] += 1;
	expect_gp(RD_ECREATE, A_PI, w_epc(P_FREE + 2), 0);
	s->ssa_frame_size = 2;
	expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE + 2), 0);
}
END_TEST

/* What the leaf makes of fields that are the CPU's. */
START_TEST(test_create_makes)
{
	struct rd_secs *s = w_ram(A_SRC), want;
	u64 eid = w.epc.last_eid;

	entry(P_FREE)->track = 7ULL << 32; /* of an enclave that was here before */
	prepare_create(E_BASE, RD_ATTR_MODE64);
	memset(s->mrenclave, 0xee, 32);
	memset(s->mrsigner, 0xee, 32);
	s->isvprodid = 0xeeee;
	s->isvsvn = 0xeeee;
	expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE), 0);
	want = (struct rd_secs){ .size = E_SIZE,
				 .base = E_BASE,
				 .ssa_frame_size = 1,
				 .attributes = { RD_ATTR_MODE64, 7 } };
	rd_measure_create(&want);
	rd_secs_own(&want)->eid = eid + 1;
	ck_assert_mem_eq(rd_epc_secs(&w.epc, P_FREE), &want, sizeof(want));
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_SECS));
	ck_assert_uint_eq(entry(P_FREE)->secs, RD_NO_PAGE);
	ck_assert_uint_eq(entry(P_FREE)->addr, 0);
	ck_assert_uint_eq(entry(P_FREE)->children, 0);
	ck_assert_uint_eq(rd_track_epoch(entry(P_FREE)), 0);
	expect_ok(RD_ECREATE, A_PI, w_epc(P_FREE + 1), 0);
	ck_assert_uint_eq(rd_secs_own(rd_epc_secs(&w.epc, P_FREE + 1))->eid, eid + 2);
}
END_TEST

/* What ECREATE and EADD ask of where things are. */
static void operands(unsigned int leaf)
{
	const u64 page = w_epc(P_FREE);

	expect_gp(leaf, A_PI + 16, page, 0);
	expect_gp(leaf, 1ULL << 63, page, 0);
	expect_gp(leaf, A_PI, page + 0x10, 0);
	expect_gp(leaf, A_PI, 1ULL << 63, 0);
	expect_pf(leaf, A_PI, A_SRC, 0, A_SRC, RD_PF_P | RD_PF_W);
	expect_pf(leaf, A_PI, A_NOWHERE, 0, A_NOWHERE, RD_PF_W);
	expect_pf(leaf, A_NOWHERE, page, 0, A_NOWHERE, 0);
	expect_pf(leaf, A_PI, w_epc(P_REG), 0, w_epc(P_REG), PF_EPCM);
	pi()->srcpge = A_NOWHERE;
	expect_pf(leaf, A_PI, page, 0, A_NOWHERE, 0);
	pi()->srcpge = 1ULL << 63;
	expect_gp(leaf, A_PI, page, 0);
	pi()->srcpge = A_SRC;
	pi()->secinfo = A_NOWHERE;
	expect_pf(leaf, A_PI, page, 0, A_NOWHERE, 0);
	pi()->secinfo = w_epc(P_REG); /* reads as ones */
	expect_gp(leaf, A_PI, page, 0);
	pi()->secinfo = A_SI;
	ck_assert(rd_epcm_share(entry(P_FREE)));
	expect_gp(leaf, A_PI, page, 0);
	rd_epcm_unshare(entry(P_FREE));
	expect_no_memory(leaf, A_PI, page, 0, 1);
	expect_ok(leaf, A_PI, page, 0);
}

START_TEST(test_create_operands)
{
	prepare_create(E_BASE, RD_ATTR_MODE64);
	operands(RD_ECREATE);
}
END_TEST

START_TEST(test_add_operands)
{
	prepare_add(P_SECS, E_BASE, RD_SI_PT(RD_PT_REG) | RD_SI_R);
	operands(RD_EADD);
}
END_TEST

/* Several things wrong: what the operation's text looks at first is what the guest is told. */
START_TEST(test_order)
{
	const u64 page = w_epc(P_FREE);

	prepare_create(E_BASE, RD_ATTR_MODE64);
	pi()->secinfo = A_NOWHERE;
	pi()->linaddr = E_BASE;
	expect_gp(RD_ECREATE, A_PI, page, 0);
	expect_gp(RD_ECREATE, A_PI + 8, A_NOWHERE, 0);
	pi()->linaddr = 0;
	expect_pf(RD_ECREATE, A_PI, w_epc(P_REG), 0, A_NOWHERE, 0);
	pi()->secinfo = A_SI;
	pi()->srcpge = A_NOWHERE;
	expect_pf(RD_ECREATE, A_PI, w_epc(P_REG), 0, w_epc(P_REG), PF_EPCM);

	prepare_add(P_SECS, E_BASE + 1, RD_SI_PT(RD_PT_SECS));
	pi()->secinfo = A_NOWHERE;
	expect_gp(RD_EADD, A_PI, page, 0);
	pi()->linaddr = E_BASE;
	pi()->secs = A_SRC;
	expect_pf(RD_EADD, A_PI, page, 0, A_SRC, RD_PF_P | RD_PF_W);
	pi()->secs = w_epc(P_VA);
	expect_pf(RD_EADD, A_PI, page, 0, A_NOWHERE, 0);
	pi()->secinfo = A_SI;
	expect_gp(RD_EADD, A_PI, w_epc(P_REG), 0);
	si()->flags = RD_SI_PT(RD_PT_REG) | RD_SI_W;
	expect_pf(RD_EADD, A_PI, w_epc(P_REG), 0, w_epc(P_REG), PF_EPCM);
	expect_pf(RD_EADD, A_PI, page, 0, w_epc(P_VA), PF_EPCM);
	pi()->secs = w_epc(P_SECS);
	pi()->srcpge = A_NOWHERE;
	expect_pf(RD_EADD, A_PI, page, 0, A_NOWHERE, 0);
}
END_TEST

static const struct poke add_pokes[] = {
	{ PI(linaddr), 8, E_BASE + 0x800, false },
	{ PI(linaddr), 8, E_BASE, true },
	{ PI(linaddr), 8, E_BASE - 0x1000, false },
	{ PI(linaddr), 8, E_BASE + E_SIZE - 0x1000, true },
	{ PI(linaddr), 8, E_BASE + E_SIZE, false },
	{ PI(linaddr), 8, 0, false },
	{ PI(linaddr), 8, -0x1000ULL, false },
	{ PI(srcpge), 8, A_SRC + 0x10, false },
	{ PI(secinfo), 8, A_SI + 0x20, false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_SECS), false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_VA), false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_TRIM), false },
	{ SI(flags), 8, RD_SI_PT(5), false },
	{ SI(flags), 8, RD_SI_PT(0xff), false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | BIT_ULL(6), false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | BIT_ULL(32),
	  false }, /* not RD_EPCM_VALID by SECINFO */
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | BIT_ULL(33), false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | RD_SI_W, false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | RD_SI_W | RD_SI_X, false },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG), true },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | RD_SI_X, true },
	{ SI(flags), 8, RD_SI_PT(RD_PT_REG) | RD_SI_RWX, true },
	{ SI(reserved) + 55, 1, 1, false },
};

START_TEST(test_add_checks)
{
	prepare_add(P_SECS, E_BASE, RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_W);
	expect_poked(RD_EADD, &add_pokes[_i]);
}
END_TEST

static const struct poke tcs_pokes[] = {
	{ TCS(flags), 8, RD_TCS_AEXNOTIFY | RD_TCS_DBGOPTIN, true },
	{ TCS(flags), 8, BIT_ULL(2), false },
	{ TCS(flags), 8, BIT_ULL(63), false },
	{ TCS(reserved), 1, 1, false },
	{ TCS(reserved) + 4023, 1, 0x80, false },
	{ TCS(nssa), 4, U32_MAX, true },
	{ TCS(fslimit), 4, 0x123, true }, /* asked of 32-bit enclaves only */
	{ TCS(gslimit), 4, 0x123, true },
};

START_TEST(test_add_tcs_checks)
{
	memset(w_ram(A_SRC), 0, 4096);
	prepare_add(P_SECS, E_BASE, RD_SI_PT(RD_PT_TCS));
	expect_poked(RD_EADD, &tcs_pokes[_i]);
}
END_TEST

START_TEST(test_add_secs)
{
	static const u32 pages[] = { P_REG, P_TCS, P_VA, P_TRIM, P_FREE + 1 };
	unsigned int i;

	prepare_add(P_SECS, E_BASE, RD_SI_PT(RD_PT_REG) | RD_SI_R);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pi()->secs = w_epc(pages[i]);
		expect_pf(RD_EADD, A_PI, w_epc(P_FREE), 0, w_epc(pages[i]), PF_EPCM);
	}
	pi()->secs = w_epc(P_SECS) + 8;
	expect_gp(RD_EADD, A_PI, w_epc(P_FREE), 0);
	pi()->secs = w_epc(P_FREE); /* the page itself, which is owned */
	expect_gp(RD_EADD, A_PI, w_epc(P_FREE), 0);
	pi()->secs = A_SRC;
	expect_pf(RD_EADD, A_PI, w_epc(P_FREE), 0, A_SRC, RD_PF_P | RD_PF_W);
	pi()->secs = A_NOWHERE;
	expect_pf(RD_EADD, A_PI, w_epc(P_FREE), 0, A_NOWHERE, RD_PF_W);
	pi()->secs = w_epc(P_SECS);
	ck_assert(rd_epcm_own(entry(P_SECS)));
	expect_gp(RD_EADD, A_PI, w_epc(P_FREE), 0);
	rd_epcm_disown(entry(P_SECS));
	ck_assert(rd_epcm_begin(entry(P_SECS), RD_OP_MEASURE));
	expect_gp(RD_EADD, A_PI, w_epc(P_FREE), 0);
	rd_epcm_end(entry(P_SECS), RD_OP_MEASURE);
	rd_epc_secs(&w.epc, P_SECS)->attributes.flags |= RD_ATTR_INIT;
	expect_gp(RD_EADD, A_PI, w_epc(P_FREE), 0);
	pi()->secs = w_epc(P_OTHER_SECS);
	expect_gp(RD_EADD, A_PI, w_epc(P_FREE), 0); /* not in that one's range */
	pi()->linaddr = E_OTHER;
	expect_ok(RD_EADD, A_PI, w_epc(P_FREE), 0);
}
END_TEST

/* The measurement of the enclave as it should be by now. */
static struct rd_sha256 *hash(void)
{
	return &rd_secs_own(rd_epc_secs(&w.epc, P_SECS))->hash;
}

START_TEST(test_add_makes)
{
	static struct rd_secs want;
	struct rd_secinfo flags = { RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_X, {} };

	want = *rd_epc_secs(&w.epc, P_SECS);
	prepare_add(P_SECS, E_BASE + 0x7000, flags.flags);
	memset(w_ram(A_SRC), 0xa5, 4096);
	expect_ok(RD_EADD, A_PI, w_epc(P_FREE), 0);
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | flags.flags);
	ck_assert_uint_eq(entry(P_FREE)->addr, E_BASE + 0x7000);
	ck_assert_uint_eq(entry(P_FREE)->secs, P_SECS);
	ck_assert_uint_eq(entry(P_SECS)->children, 5);
	ck_assert_mem_eq(w.epc.page[P_FREE], w_ram(A_SRC), 4096);
	rd_measure_add(&want, 0x7000, &flags);
	ck_assert_mem_eq(hash(), &rd_secs_own(&want)->hash, sizeof(struct rd_sha256));
	ck_assert_uint_eq(w.revoked, 0);
}
END_TEST

/* Whatever SECINFO says, the page waits for nothing; but it is measured what SECINFO said. */
START_TEST(test_add_states)
{
	static struct rd_secs want;
	struct rd_secinfo flags = { RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_STATE, {} };

	want = *rd_epc_secs(&w.epc, P_SECS);
	prepare_add(P_SECS, E_BASE, flags.flags);
	expect_ok(RD_EADD, A_PI, w_epc(P_FREE), 0);
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_REG) | RD_SI_R);
	rd_measure_add(&want, 0, &flags);
	ck_assert_mem_eq(hash(), &rd_secs_own(&want)->hash, sizeof(struct rd_sha256));
}
END_TEST

START_TEST(test_add_makes_tcs)
{
	static struct rd_secs want;
	struct rd_secinfo flags = { RD_SI_PT(RD_PT_TCS), {} };
	struct rd_tcs *t = w_ram(A_SRC), made;

	want = *rd_epc_secs(&w.epc, P_SECS);
	memset(t, 0, sizeof(*t));
	t->state = 7;
	t->flags = RD_TCS_DBGOPTIN | RD_TCS_AEXNOTIFY;
	t->ossa = 0x1000;
	t->cssa = 3;
	t->nssa = 2;
	t->oentry = 0x2345;
	t->aep = 9;
	t->ofsbase = 0x3000;
	t->ogsbase = 0x4000;
	made = *t;
	prepare_add(P_SECS, E_BASE, flags.flags | RD_SI_RWX);
	expect_ok(RD_EADD, A_PI, w_epc(P_FREE), 0);
	made.state = 0;
	made.flags = RD_TCS_AEXNOTIFY;
	made.cssa = 0;
	made.aep = 0;
	ck_assert_mem_eq(rd_epc_tcs(&w.epc, P_FREE), &made, sizeof(made));
	ck_assert_uint_eq(entry(P_FREE)->state, RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS));
	rd_measure_add(&want, 0, &flags); /* without the rights that it did not get */
	ck_assert_mem_eq(hash(), &rd_secs_own(&want)->hash, sizeof(struct rd_sha256));
}
END_TEST

START_TEST(test_extend)
{
	static struct rd_secs want;
	u64 at = w_epc(P_REG) + 0xf00;

	want = *rd_epc_secs(&w.epc, P_SECS);
	w.epc.page[P_REG][0xf00] = 0x77;
	expect_ok(RD_EEXTEND, w_epc(P_SECS), at, 0);
	rd_measure_extend(&want, E_REG + 0xf00 - E_BASE, w.epc.page[P_REG] + 0xf00);
	ck_assert_mem_eq(hash(), &rd_secs_own(&want)->hash, sizeof(struct rd_sha256));
	expect_ok(RD_EEXTEND, w_epc(P_SECS), w_epc(P_TCS), 0);
	rd_measure_extend(&want, E_TCS - E_BASE, w.epc.page[P_TCS]);
	ck_assert_mem_eq(hash(), &rd_secs_own(&want)->hash, sizeof(struct rd_sha256));
}
END_TEST

START_TEST(test_extend_refused)
{
	static const u32 pages[] = { P_SECS, P_VA, P_TRIM, P_FREE };
	const u64 secs = w_epc(P_SECS), at = w_epc(P_REG);
	unsigned int i;

	expect_gp(RD_EEXTEND, secs, at + 0x80, 0);
	expect_gp(RD_EEXTEND, secs + 0x800, at, 0);
	expect_pf(RD_EEXTEND, A_SRC, at, 0, A_SRC, RD_PF_P);
	expect_pf(RD_EEXTEND, secs, A_SRC, 0, A_SRC, RD_PF_P);
	expect_pf(RD_EEXTEND, secs, A_NOWHERE, 0, A_NOWHERE, 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		expect_pf(RD_EEXTEND, secs, w_epc(pages[i]), 0, w_epc(pages[i]), PF_EPCM);
	expect_gp(RD_EEXTEND, w_epc(P_OTHER_SECS), at, 0);
	expect_gp(RD_EEXTEND, w_epc(P_REG), at, 0);
	ck_assert(rd_epcm_own(entry(P_REG)));
	expect_gp(RD_EEXTEND, secs, at, 0);
	rd_epcm_disown(entry(P_REG));
	ck_assert(rd_epcm_begin(entry(P_SECS), RD_OP_MEASURE));
	expect_gp(RD_EEXTEND, secs, at, 0);
	rd_epcm_end(entry(P_SECS), RD_OP_MEASURE);
	rd_epc_secs(&w.epc, P_SECS)->attributes.flags |= RD_ATTR_INIT;
	expect_gp(RD_EEXTEND, secs, at, 0);
	ck_assert_uint_eq(entry(P_SECS)->ops, 0);
}
END_TEST

void add_create_tests(Suite *s)
{
	TCase *c = tcase_create("create");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_create_checks, 0, ARRAY_SIZE(create_pokes));
	tcase_add_test(c, test_create_init);
	tcase_add_test(c, test_create_config);
	tcase_add_loop_test(c, test_create_xfrm, 0, ARRAY_SIZE(xfrms));
	tcase_add_test(c, test_create_frame);
	tcase_add_test(c, test_create_makes);
	tcase_add_test(c, test_create_operands);
	tcase_add_test(c, test_add_operands);
	tcase_add_test(c, test_order);
	tcase_add_loop_test(c, test_add_checks, 0, ARRAY_SIZE(add_pokes));
	tcase_add_loop_test(c, test_add_tcs_checks, 0, ARRAY_SIZE(tcs_pokes));
	tcase_add_test(c, test_add_secs);
	tcase_add_test(c, test_add_makes);
	tcase_add_test(c, test_add_states);
	tcase_add_test(c, test_add_makes_tcs);
	tcase_add_test(c, test_extend);
	tcase_add_test(c, test_extend_refused);
	suite_add_tcase(s, c);
}
