// SPDX-License-Identifier: GPL-2.0-only
/* Into an enclave and out of it, by registers and by what stands in the SSA. */
#include "tests/unit/enclave_world.h"
#include "tests/unit/own_stack.h"
#include "tests/unit/unit.h"
#include "vmm/gwalk.h"

enum { SECS, TCS, SSA0, SSA1, CODE, TCS2, SSA2, PAGES };

#define AEP 0x402000ULL
#define TCS_LA (W_ENCL + 4096)
#define SSA_LA (W_ENCL + 2 * 4096)
#define ALL (RD_ACC_READ | RD_ACC_WRITE | RD_ACC_FETCH)
#define F_TF 0x100ULL
#define PF_SGX_U (RD_PF_SGX | RD_PF_P | RD_PF_U)

static void page(u32 n, u8 type, u64 rwx)
{
	struct rd_epcm *e = &w.epc.map[n];

	ck_assert(!rd_epc_fill(&w.epc, n));
	e->state = RD_EPCM_VALID | RD_SI_PT(type) | rwx;
	if (n == SECS)
		return;
	e->addr = W_ENCL + n * 4096ULL;
	e->secs = SECS;
	w.epc.map[SECS].children++;
	world_map(e->addr, w_gpa(n), RD_ACC_READ | RD_ACC_WRITE | RD_ACC_FETCH);
}

static void tcs(u32 n, u64 ossa, u32 nssa)
{
	struct rd_tcs *t;

	page(n, RD_PT_TCS, 0);
	t = rd_epc_tcs(&w.epc, n);
	t->ossa = ossa;
	t->nssa = nssa;
	t->oentry = CODE * 4096 + 16;
	t->ofsbase = 0x1000;
	t->ogsbase = 0x2000;
	t->fslimit = t->gslimit = 0xfff;
}

/* An enclave with a TCS that has two frames, and one with a single frame. */
static void setup(void)
{
	struct rd_secs *s;

	world_reset(false);
	page(SECS, RD_PT_SECS, 0);
	s = rd_epc_secs(&w.epc, SECS);
	s->base = W_ENCL;
	s->size = 0x10000;
	s->ssa_frame_size = 1;
	s->miscselect = RD_MISC_EXINFO;
	s->attributes.flags = RD_ATTR_INIT | RD_ATTR_MODE64;
	s->attributes.xfrm = 3;
	tcs(TCS, SSA0 * 4096, 2);
	page(SSA0, RD_PT_REG, RD_SI_R | RD_SI_W);
	page(SSA1, RD_PT_REG, RD_SI_R | RD_SI_W);
	page(CODE, RD_PT_REG, RD_SI_R | RD_SI_X);
	tcs(TCS2, SSA2 * 4096, 1);
	page(SSA2, RD_PT_REG, RD_SI_R | RD_SI_W);
	w.l.fs = (struct kvm_segment){ .base = 0x1111, .selector = 0x33 };
	w.l.gs = (struct kvm_segment){ .base = 0x2222, .selector = 0x3b };
	w.l.gpr[RD_RSP] = 0x7fff0000;
	w.l.gpr[RD_RBP] = 0x7fff0100;
}

static int enter(void)
{
	return w_enclu(RD_EENTER, TCS_LA, AEP, 0);
}

static struct rd_tcs *the_tcs(void)
{
	return rd_epc_tcs(&w.epc, TCS);
}

static struct rd_gprsgx *gprs(u32 n)
{
	return (struct rd_gprsgx *)(w.epc.page[n] + 4096 - sizeof(struct rd_gprsgx));
}

static void interrupt(void)
{
	struct rd_aex why = {};

	rd_aex(&w.l, &why);
}

static void assert_outside(void)
{
	ck_assert(!w.l.in);
	ck_assert_uint_eq(w.epc.map[TCS].ops, 0);
	ck_assert(!rd_track_any(&w.epc.map[SECS]));
	ck_assert_uint_eq(w.epc.map[TCS].lock, 0);
}

START_TEST(test_enter_exit)
{
	setup();
	w.l.rflags |= F_TF;
	ck_assert_int_eq(enter(), 0);
	ck_assert_ptr_eq(w.l.in, &w.stay);
	ck_assert_uint_eq(w.l.rip, W_ENCL + CODE * 4096 + 16);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], 0);
	ck_assert_uint_eq(w.l.gpr[RD_RCX], 0x401000);
	ck_assert_uint_eq(w.l.gpr[RD_RBX], TCS_LA);
	ck_assert_uint_eq(w.l.gpr[RD_RSP], 0x7fff0000);
	ck_assert_uint_eq(w.l.fs.base, W_ENCL + 0x1000);
	ck_assert_uint_eq(w.l.gs.base, W_ENCL + 0x2000);
	ck_assert_uint_eq(w.l.xcr0, 3);
	ck_assert_uint_eq(w.l.rflags & F_TF, 0);
	ck_assert_uint_eq(w.epc.map[TCS].ops, BIT(RD_OP_BUSY));
	ck_assert(rd_track_any(&w.epc.map[SECS]));
	ck_assert_uint_eq(gprs(SSA0)->ursp, 0x7fff0000);
	ck_assert_uint_eq(gprs(SSA0)->urbp, 0x7fff0100);

	w.l.gpr[RD_RDX] = 0x5ec7e7;
	ck_assert_int_eq(w_enclu(RD_EEXIT, 0x403000, 0, 0x5ec7e7), 0);
	ck_assert_uint_eq(w.l.rip, 0x403000);
	ck_assert_uint_eq(w.l.gpr[RD_RCX], AEP);
	ck_assert_uint_eq(w.l.gpr[RD_RDX], 0x5ec7e7); /* what is left is the enclave's affair */
	ck_assert_uint_eq(w.l.fs.base, 0x1111);
	ck_assert_uint_eq(w.l.gs.selector, 0x3b);
	ck_assert_uint_eq(w.l.xcr0, 7);
	ck_assert_uint_eq(w.l.rflags & F_TF, F_TF);
	assert_outside();
	world_end();
}
END_TEST

/* What keeps an entry out; each is put right again before the next. */
struct refusal {
	const char *what;
	void (*spoil)(void);
	u8 vector;
	u32 error;
};

static void sp_align(void) { w.l.gpr[RD_RBX] += 8; }
static void sp_aep(void) { w.l.gpr[RD_RCX] = 1ULL << 63; }
static void sp_not_epc(void) { world_map(TCS_LA, W_RAM, ALL); }
static void sp_readonly(void) { world_map(TCS_LA, w_gpa(TCS), RD_ACC_READ); }
static void sp_unmapped(void) { world_map(TCS_LA, 0, 0); }
static void sp_alias(void) { world_map(TCS_LA, w_gpa(TCS2), ALL); }
static void sp_invalid(void) { w.epc.map[TCS].state &= ~RD_EPCM_VALID; }
static void sp_blocked(void) { w.epc.map[TCS].state |= RD_EPCM_BLOCKED; }
static void sp_pending(void) { w.epc.map[TCS].state |= RD_SI_PENDING; }
static void sp_modified(void) { w.epc.map[TCS].state |= RD_SI_MODIFIED; }
static void sp_type(void) { world_map(TCS_LA, w_gpa(CODE), ALL); }
static void sp_owned(void) { ck_assert(rd_epcm_own(&w.epc.map[TCS])); }
static void sp_busy(void) { ck_assert(rd_epcm_begin(&w.epc.map[TCS], RD_OP_BUSY)); }
static void sp_flags(void) { the_tcs()->flags = 4; }
static void sp_ossa(void) { the_tcs()->ossa += 2048; }
static void sp_ofsbase(void) { the_tcs()->ofsbase += 16; }
static void sp_ogsbase(void) { the_tcs()->ogsbase += 2048; }
static void sp_notify(void) { the_tcs()->flags = RD_TCS_AEXNOTIFY; }
static void sp_notify2(void) { rd_epc_secs(&w.epc, SECS)->attributes.flags |= RD_ATTR_AEXNOTIFY; }
static void sp_init(void) { rd_epc_secs(&w.epc, SECS)->attributes.flags = RD_ATTR_MODE64; }
static void sp_osfxsr(void) { w.l.osfxsr = false; }
static void sp_xcr0(void) { w.l.xcr0 = 1; }
static void sp_osxsave(void)
{
	w.l.osxsave = false;
	rd_epc_secs(&w.epc, SECS)->attributes.xfrm = 7;
}
static void sp_cssa(void) { the_tcs()->cssa = 2; }
static void sp_oentry(void) { the_tcs()->oentry = 1ULL << 60; }
static void sp_fsbase(void) { the_tcs()->ofsbase = 1ULL << 60; }
static void sp_gsbase(void) { the_tcs()->ogsbase = 1ULL << 60; }
static void sp_ssa_other(void) { world_map(SSA_LA, w_gpa(SSA1), ALL); }
static void sp_ssa_gone(void) { world_map(SSA_LA, 0, 0); }
static void sp_ssa_ram(void) { world_map(SSA_LA, W_RAM, ALL); }
static void sp_ssa_ro(void) { w.epc.map[SSA0].state &= ~RD_SI_W; }
static void sp_ssa_blocked(void) { w.epc.map[SSA0].state |= RD_EPCM_BLOCKED; }
static void sp_ssa_owned(void) { ck_assert(rd_epcm_own(&w.epc.map[SSA0])); }
static void sp_ssa_far(void) { the_tcs()->ossa = 1ULL << 60; }

static const struct refusal refusals[] = {
	{ "TCS not aligned", sp_align, 13, 0 },
	{ "AEP not canonical", sp_aep, 13, 0 },
	{ "TCS not in the EPC", sp_not_epc, 14, RD_PF_P | RD_PF_W | RD_PF_U },
	{ "TCS mapped read-only", sp_readonly, 14, RD_PF_P | RD_PF_W | RD_PF_U },
	{ "TCS not mapped", sp_unmapped, 14, RD_PF_W | RD_PF_U },
	{ "another TCS of the enclave", sp_alias, 14, PF_SGX_U },
	{ "free page", sp_invalid, 14, PF_SGX_U },
	{ "blocked", sp_blocked, 14, PF_SGX_U },
	{ "pending", sp_pending, 14, PF_SGX_U },
	{ "modified", sp_modified, 14, PF_SGX_U },
	{ "not a TCS", sp_type, 14, PF_SGX_U },
	{ "TCS owned by another leaf", sp_owned, 13, 0 },
	{ "TCS busy", sp_busy, 13, 0 },
	{ "reserved flag", sp_flags, 13, 0 },
	{ "SSA not at a page's start", sp_ossa, 13, 0 },
	{ "FS not at a page's start", sp_ofsbase, 13, 0 },
	{ "GS not at a page's start", sp_ogsbase, 13, 0 },
	{ "AEXNOTIFY in the TCS only", sp_notify, 13, 0 },
	{ "AEXNOTIFY in the SECS only", sp_notify2, 13, 0 },
	{ "not initialised", sp_init, 13, 0 },
	{ "OSFXSR clear", sp_osfxsr, 13, 0 },
	{ "XFRM not in XCR0", sp_xcr0, 13, 0 },
	{ "XFRM without OSXSAVE", sp_osxsave, 13, 0 },
	{ "no free frame", sp_cssa, 13, 0 },
	{ "entry not canonical", sp_oentry, 13, 0 },
	{ "FS not canonical", sp_fsbase, 13, 0 },
	{ "GS not canonical", sp_gsbase, 13, 0 },
	{ "SSA: another page of the enclave", sp_ssa_other, 14, PF_SGX_U | RD_PF_W },
	{ "SSA not mapped", sp_ssa_gone, 14, RD_PF_W | RD_PF_U },
	{ "SSA in ordinary memory", sp_ssa_ram, 14, RD_PF_P | RD_PF_W | RD_PF_U },
	{ "SSA not writable", sp_ssa_ro, 14, PF_SGX_U | RD_PF_W },
	{ "SSA blocked", sp_ssa_blocked, 14, PF_SGX_U | RD_PF_W },
	{ "SSA owned by another leaf", sp_ssa_owned, 14, PF_SGX_U },
	{ "SSA not canonical", sp_ssa_far, 13, 0 },
};

START_TEST(test_refusals)
{
	const struct refusal *r = &refusals[_i];
	struct rd_leaf before;
	int ret;

	setup();
	w.l.gpr[RD_RAX] = RD_EENTER;
	w.l.gpr[RD_RBX] = TCS_LA;
	w.l.gpr[RD_RCX] = AEP;
	r->spoil();
	before = w.l;
	ret = rd_enclu(&w.l);
	ck_assert_msg(ret == RD_LEAF_FAULT, "%s: %d", r->what, ret);
	ck_assert_msg(w.l.fault.vector == r->vector && w.l.fault.error == r->error,
		      "%s: vector %u error %#x", r->what, w.l.fault.vector, w.l.fault.error);
	ck_assert_mem_eq(before.gpr, w.l.gpr, sizeof(before.gpr));
	ck_assert_uint_eq(before.rip, w.l.rip);
	ck_assert_uint_eq(before.rflags, w.l.rflags);
	ck_assert_uint_eq(before.fs.base, w.l.fs.base);
	ck_assert_uint_eq(before.xcr0, w.l.xcr0);
	ck_assert(!w.l.in);
	ck_assert(!rd_track_any(&w.epc.map[SECS]));
	ck_assert(r->spoil == sp_busy || !w.epc.map[TCS].ops);
	ck_assert(r->spoil == sp_owned || !w.epc.map[TCS].lock);
	ck_assert(r->spoil == sp_ssa_owned || !w.epc.map[SSA0].lock);
	world_end();
}
END_TEST

/* Leaves of the inside are no leaves outside, and the other way round. */
START_TEST(test_sides)
{
	static const u8 inside[] = { RD_EREPORT, RD_EGETKEY, RD_EEXIT, RD_EACCEPT,
				     RD_EMODPE,	 RD_EACCEPTCOPY, RD_EDECCSSA };
	unsigned int i;

	setup();
	for (i = 0; i < sizeof(inside); i++) {
		ck_assert_int_eq(w_enclu(inside[i], TCS_LA, AEP, 0), RD_LEAF_FAULT);
		ck_assert_uint_eq(w.l.fault.vector, 13);
	}
	ck_assert_int_eq(w_enclu(8, TCS_LA, AEP, 0), RD_LEAF_FAULT);
	ck_assert_int_eq(w_enclu(10, TCS_LA, AEP, 0), RD_LEAF_FAULT);
	ck_assert_int_eq(w_encls(16, 0, 0, 0), RD_LEAF_FAULT);
	ck_assert_int_eq(enter(), 0);
	ck_assert_int_eq(w_enclu(RD_EENTER, W_ENCL + TCS2 * 4096, AEP, 0), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
	ck_assert_int_eq(w_enclu(RD_ERESUME, W_ENCL + TCS2 * 4096, AEP, 0), RD_LEAF_FAULT);
	ck_assert_int_eq(w_enclu(RD_EEXIT, 1ULL << 50, 0, 0), RD_LEAF_FAULT);
	ck_assert(w.l.in);
	ck_assert_int_eq(w_enclu(RD_EEXIT, 0x1000, 0, 0), 0);
	assert_outside();
	world_end();
}
END_TEST

static void fill_registers(void)
{
	unsigned int i;

	for (i = 0; i < RD_NR_GPR; i++)
		w.l.gpr[i] = 0x1000100010001000ULL * (i + 1);
	for (i = 0; i < sizeof(w.xstate); i++)
		w.xstate[i] = i * 7 + 1;
	memset(w.xstate + 512, 0, 64);
	w.xstate[512] = 3;
	memset(w.xstate + 520, 0xee, 16); /* XSAVE leaves old bytes there */
}

START_TEST(test_aex_resume)
{
	u64 inside[RD_NR_GPR];
	u8 xstate[576];
	unsigned int i;

	setup();
	ck_assert_int_eq(enter(), 0);
	fill_registers();
	w.l.rip = W_ENCL + CODE * 4096 + 100;
	w.l.rflags = 0x202 | 0x4cd5; /* status flags, DF, NT */
	w.l.fs.base = 0x7e0000001000;
	memcpy(inside, w.l.gpr, sizeof(inside));
	memcpy(xstate, w.xstate, sizeof(xstate));
	interrupt();

	/* Nothing of the enclave is left in the registers. */
	for (i = 0; i < RD_NR_GPR; i++)
		ck_assert_uint_eq(w.l.gpr[i], i == RD_RAX   ? RD_ERESUME
					      : i == RD_RBX ? TCS_LA
					      : i == RD_RCX ? AEP
					      : i == RD_RSP ? 0x7fff0000
					      : i == RD_RBP ? 0x7fff0100
							    : 0);
	for (i = 0; i < 576; i++)
		ck_assert_uint_eq(w.xstate[i], 0);
	ck_assert_uint_eq(w.l.rip, AEP);
	ck_assert_uint_eq(w.l.rflags & 0x8d5, 0);
	ck_assert_uint_eq(w.l.fs.base, 0x1111);
	ck_assert_uint_eq(w.l.xcr0, 7);
	ck_assert_uint_eq(the_tcs()->cssa, 1);
	ck_assert_uint_eq(gprs(SSA0)->exitinfo, 0);
	ck_assert_uint_eq(gprs(SSA0)->rflags & F_TF, 0);
	for (i = 0; i < 16; i++)
		ck_assert_uint_eq(w.epc.page[SSA0][520 + i], 0);
	assert_outside();

	/* A second thread of control may enter on the next frame meanwhile, and leave again. */
	ck_assert_int_eq(enter(), 0);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], 1);
	ck_assert_int_eq(w_enclu(RD_EEXIT, 0x1000, 0, 0), 0);

	memset(w.xstate, 0x55, sizeof(w.xstate));
	ck_assert_int_eq(w_enclu(RD_ERESUME, TCS_LA, AEP + 1, 0), 0);
	ck_assert_mem_eq(w.l.gpr, inside, sizeof(inside));
	memset(xstate + 520, 0, 16);
	ck_assert_mem_eq(w.xstate, xstate, sizeof(xstate));
	ck_assert_uint_eq(w.l.rip, W_ENCL + CODE * 4096 + 100);
	ck_assert_uint_eq(w.l.rflags & 0x4cd5, 0x4cd5);
	ck_assert_uint_eq(w.l.fs.base, 0x7e0000001000);
	ck_assert_uint_eq(the_tcs()->cssa, 0);
	interrupt();
	ck_assert_uint_eq(w.l.rip, AEP + 1);
	world_end();
}
END_TEST

/* Nothing is asserted here: that would write over what the leaf left on the stack. */
static void resume(void)
{
	(void)w_enclu(RD_ERESUME, TCS_LA, AEP, 0);
}

/* What ERESUME copied from the SSA does not stay where the enclave's end cannot reach it. */
START_TEST(test_resume_leaves_no_copy)
{
	u8 any = 0;
	unsigned int i;

	setup();
	ck_assert_int_eq(enter(), 0);
	fill_registers();
	w.l.rip = W_ENCL + CODE * 4096 + 100;
	interrupt();
	own_stack_run(resume);
	ck_assert_ptr_eq(w.l.in, &w.stay);
	ck_assert(!own_stack_has(&w.l.gpr[RD_R8], 64));
	for (i = 0; i < sizeof(w.xbuf); i++)
		any |= w.xbuf[i];
	ck_assert_uint_eq(any, 0);
	interrupt();
	world_end();
}
END_TEST

static void rs_none(void) { the_tcs()->cssa = 0; }
static void rs_bv(void) { w.epc.page[SSA0][512] = 7; }
static void rs_compact(void) { w.epc.page[SSA0][527] = 0x80; }
static void rs_header(void) { w.epc.page[SSA0][535] = 1; }
static void rs_mxcsr(void) { w.xrstor_refuses = true; }
static void rs_rip(void) { gprs(SSA0)->rip = 1ULL << 63; }
static void rs_fs(void) { gprs(SSA0)->fsbase = 1ULL << 63; }
static void rs_gs(void) { gprs(SSA0)->gsbase = 1ULL << 63; }
static void rs_owned(void) { w.epc.map[SSA0].state |= RD_SI_PENDING; }

START_TEST(test_resume_refused)
{
	static void (*const spoil[])(void) = { rs_none, rs_bv, rs_compact, rs_header, rs_mxcsr,
					       rs_rip,	rs_fs, rs_gs,	   rs_owned };
	struct rd_leaf before;
	u32 cssa;

	setup();
	ck_assert_int_eq(enter(), 0);
	fill_registers();
	w.l.rip = W_ENCL;
	interrupt();
	spoil[_i]();
	w.l.gpr[RD_RAX] = RD_ERESUME;
	before = w.l;
	cssa = the_tcs()->cssa;
	ck_assert_int_eq(rd_enclu(&w.l), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, spoil[_i] == rs_owned ? 14 : 13);
	ck_assert_mem_eq(before.gpr, w.l.gpr, sizeof(before.gpr));
	ck_assert_uint_eq(before.rip, w.l.rip);
	ck_assert_uint_eq(the_tcs()->cssa, cssa);
	assert_outside();
	world_end();
}
END_TEST

/* What the enclave is told: by vector, with EXINFO and without. */
START_TEST(test_exitinfo)
{
	static const u8 always[] = { 0, 1, 3, 5, 6, 16, 17, 19 };
	struct rd_exinfo *x;
	u32 want;
	bool misc = _i & 64;
	u8 vector = _i & 63, i;

	setup();
	if (!misc)
		rd_epc_secs(&w.epc, SECS)->miscselect = 0;
	ck_assert_int_eq(enter(), 0);
	x = (struct rd_exinfo *)((u8 *)gprs(SSA0) - sizeof(*x));
	x->maddr = 77;
	{
		struct rd_aex why = { .exception = true,
				      .vector = vector,
				      .has_error = true,
				      .error = 0x8007,
				      .cr2 = 0x7e0000001234 };

		rd_aex(&w.l, &why);
		ck_assert_uint_eq(why.cr2, vector == 14 ? 0x7e0000001000 : 0x7e0000001234);
	}
	want = 0;
	for (i = 0; i < sizeof(always); i++)
		if (always[i] == vector)
			want = BIT(31) | vector | (vector == 3 ? 6 : 3) << 8;
	if (misc && (vector == 13 || vector == 14)) {
		want = BIT(31) | vector | 3 << 8;
		ck_assert_uint_eq(x->maddr, vector == 14 ? 0x7e0000001234 : 0);
		ck_assert_uint_eq(x->errcd, 0x8007);
	} else {
		ck_assert_uint_eq(x->maddr, 77);
	}
	ck_assert_uint_eq(gprs(SSA0)->exitinfo, want);
	world_end();
}
END_TEST

START_TEST(test_frames)
{
	setup();
	ck_assert_int_eq(enter(), 0);
	ck_assert_int_eq(w_enclu(RD_EDECCSSA, 0, 0, 0), RD_LEAF_FAULT);
	interrupt();
	ck_assert_int_eq(enter(), 0);
	ck_assert_uint_eq(w.stay.gpr, SSA1);
	ck_assert_int_eq(w_enclu(RD_EDECCSSA, 0, 0, 0), 0);
	ck_assert_uint_eq(w.stay.gpr, SSA0);
	ck_assert_uint_eq(w.stay.xsave, SSA0);
	ck_assert_uint_eq(the_tcs()->cssa, 0);
	w.l.gpr[RD_RDI] = 99;
	interrupt();
	ck_assert_uint_eq(gprs(SSA0)->rdi, 99);
	ck_assert_int_eq(enter(), 0);
	w.epc.map[SSA0].state |= RD_EPCM_BLOCKED;
	ck_assert_int_eq(w_enclu(RD_EDECCSSA, 0, 0, 0), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 14);
	ck_assert_uint_eq(the_tcs()->cssa, 1);
	interrupt();
	/* Both frames are in use. */
	ck_assert_int_eq(enter(), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
	world_end();
}
END_TEST

/* An enclave that asked for it is entered by ERESUME at its entry, on the next frame. */
START_TEST(test_notify)
{
	setup();
	rd_epc_secs(&w.epc, SECS)->attributes.flags |= RD_ATTR_AEXNOTIFY;
	the_tcs()->flags = RD_TCS_AEXNOTIFY;
	ck_assert_int_eq(enter(), 0);
	w.l.rip = W_ENCL + CODE * 4096 + 200;
	w.l.gpr[RD_RDI] = 5;
	gprs(SSA0)->aexnotify = 1;
	interrupt();
	ck_assert_int_eq(w_enclu(RD_ERESUME, TCS_LA, AEP, 0), 0);
	ck_assert_uint_eq(w.l.rip, W_ENCL + CODE * 4096 + 16);
	ck_assert_uint_eq(w.l.gpr[RD_RAX], 1);
	ck_assert_uint_eq(w.l.gpr[RD_RCX], AEP);
	ck_assert_uint_eq(w.stay.gpr, SSA1);
	ck_assert_uint_eq(the_tcs()->cssa, 1);
	ck_assert_uint_eq(gprs(SSA1)->ursp, 0x7fff0000);
	/* Its handler has seen to it, drops the frame, and goes on where it was. */
	ck_assert_int_eq(w_enclu(RD_EDECCSSA, 0, 0, 0), 0);
	ck_assert_uint_eq(gprs(SSA0)->rdi, 5);
	interrupt();
	/* With no frame left there is nothing to be told on. */
	the_tcs()->nssa = 1;
	ck_assert_int_eq(w_enclu(RD_ERESUME, TCS_LA, AEP, 0), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
	gprs(SSA0)->aexnotify = 0;
	ck_assert_int_eq(w_enclu(RD_ERESUME, TCS_LA, AEP, 0), 0);
	interrupt();
	world_end();
}
END_TEST

/* Opted in: single steps are the guest's, inside too. */
START_TEST(test_debug)
{
	setup();
	the_tcs()->flags = RD_TCS_DBGOPTIN;
	w.l.rflags |= F_TF;
	ck_assert_int_eq(enter(), 0);
	ck_assert_uint_eq(w.l.rflags & F_TF, F_TF);
	ck_assert(w.stay.debug);
	interrupt();
	ck_assert_uint_eq(gprs(SSA0)->rflags & F_TF, 0);
	ck_assert_uint_eq(w.l.rflags & F_TF, F_TF);
	world_end();
}
END_TEST

/* A thread inside is in the way of ETRACK's second call, and of nothing once it has left. */
START_TEST(test_tracking)
{
	struct rd_epcm *s;
	u32 stamp;

	setup();
	s = &w.epc.map[SECS];
	ck_assert_int_eq(enter(), 0);
	stamp = rd_track_epoch(s);
	ck_assert(!rd_track_done(s, stamp));
	ck_assert(rd_track_begin(s));
	ck_assert(!rd_track_done(s, stamp));
	ck_assert(!rd_track_begin(s));
	interrupt();
	ck_assert(rd_track_done(s, stamp));
	ck_assert_int_eq(enter(), 0);
	ck_assert(rd_track_done(s, stamp));
	ck_assert(rd_track_begin(s));
	ck_assert(rd_track_done(s, stamp));
	interrupt();
	world_end();
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_enter");
	TCase *t = tcase_create("enter");

	tcase_add_test(t, test_enter_exit);
	tcase_add_loop_test(t, test_refusals, 0, ARRAY_SIZE(refusals));
	tcase_add_test(t, test_sides);
	tcase_add_test(t, test_aex_resume);
	tcase_add_test(t, test_resume_leaves_no_copy);
	tcase_add_loop_test(t, test_resume_refused, 0, 9);
	tcase_add_loop_test(t, test_exitinfo, 0, 128);
	tcase_add_test(t, test_frames);
	tcase_add_test(t, test_notify);
	tcase_add_test(t, test_debug);
	tcase_add_test(t, test_tracking);
	suite_add_tcase(s, t);
	return s;
}
