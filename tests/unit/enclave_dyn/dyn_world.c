// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enclave of these tests, and how a leaf's end is judged.
 * Invariant: as in dyn_tests.h.
 */
#include "tests/unit/enclave_dyn/dyn_tests.h"
#include "tests/unit/unit.h"

#define STATUS_FLAGS 0x8d5ULL
#define ZF BIT_ULL(6)

static struct {
	struct rd_epcm map[W_EPC_NR];
	u64 gpr[RD_NR_GPR], rip, rflags;
	u8 target[4096];
	unsigned int revoked;
	bool user;
} was;

void put_page(u32 page, u32 secs, u64 addr, u64 state)
{
	struct rd_epcm *e = entry(page);

	if (!w.epc.page[page] && rd_epc_fill(&w.epc, page))
		abort();
	if (secs != RD_NO_PAGE && e->secs == RD_NO_PAGE)
		entry(secs)->children++;
	e->secs = secs;
	e->addr = addr;
	e->state = state;
}

static void put_secs(u32 page, u64 base)
{
	put_page(page, RD_NO_PAGE, 0, RD_EPCM_VALID | RD_SI_PT(RD_PT_SECS));
	*rd_epc_secs(&w.epc, page) = (struct rd_secs){
		.base = base,
		.size = SIZE,
		.ssa_frame_size = 1,
		.attributes = { RD_ATTR_INIT | RD_ATTR_MODE64, RD_XFRM_X87_SSE },
	};
}

void dyn_begin(void)
{
	world_reset(false);
	put_secs(P_SECS, W_ENCL);
	put_secs(P_OTHER_SECS, W_ENCL + 0x100000);
	put_page(P_VA, RD_NO_PAGE, 0, RD_EPCM_VALID | RD_SI_PT(RD_PT_VA));
	put_page(P_DATA, P_SECS, LA_DATA, REG(RW));
	put_page(P_TARGET, P_SECS, LA_TARGET, REG(RW));
	put_page(P_TCS, P_SECS, LA_TCS, RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS));
	put_page(P_OTHER, P_OTHER_SECS, LA_OTHER, REG(RW));
	rd_epc_tcs(&w.epc, P_TCS)->nssa = 1;
	memset(w.epc.page[P_TARGET], 0x55, 4096);
	memset(w.epc.page[P_DATA] + 2048, 0xaa, 2048);
	world_map(LA_DATA, w_gpa(P_DATA), RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_TARGET, w_gpa(P_TARGET), RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_ALIAS, w_gpa(P_TARGET), RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_TCS, w_gpa(P_TCS), RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_NEW, w_gpa(P_FREE), RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_INVALID, w_gpa(P_FREE), RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_RAM, W_RAM, RD_ACC_READ | RD_ACC_WRITE);
	world_map(LA_OTHER, w_gpa(P_OTHER), RD_ACC_READ | RD_ACC_WRITE);
}

void dyn_end(void)
{
	world_end();
}

void go_in(void)
{
	w.stay = (struct rd_inside){
		.secs = P_SECS, .tcs = P_TCS, .base = W_ENCL, .size = SIZE, .tcs_la = LA_TCS
	};
	w.stay.epoch = rd_track_enter(entry(P_SECS));
	rd_epcm_begin(entry(P_TCS), RD_OP_BUSY);
	w.l.in = &w.stay;
}

void go_out(void)
{
	rd_epcm_end(entry(P_TCS), RD_OP_BUSY);
	rd_track_leave(entry(P_SECS), w.stay.epoch);
	w.l.in = NULL;
}

u64 secinfo_outside(u64 flags)
{
	u64 la = W_RAM + 0x40;

	*(struct rd_secinfo *)w_ram(la) = (struct rd_secinfo){ .flags = flags };
	return la;
}

u64 secinfo_inside(u64 flags)
{
	*(struct rd_secinfo *)(w.epc.page[P_DATA] + 0x40) = (struct rd_secinfo){ .flags = flags };
	return LA_DATA + 0x40;
}

static void remember(void)
{
	memcpy(was.map, w.epc.map, sizeof(was.map));
	memcpy(was.gpr, w.l.gpr, sizeof(was.gpr));
	was.rip = w.l.rip;
	was.rflags = w.l.rflags;
	was.revoked = w.revoked;
	if (w.epc.page[P_TARGET])
		memcpy(was.target, w.epc.page[P_TARGET], 4096);
}

int run(bool user, unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	w.l.gpr[RD_RAX] = leaf;
	w.l.gpr[RD_RBX] = rbx;
	w.l.gpr[RD_RCX] = rcx;
	w.l.gpr[RD_RDX] = rdx;
	w.l.rflags |= STATUS_FLAGS;
	was.user = user;
	remember();
	return user ? rd_enclu(&w.l) : rd_encls(&w.l);
}

bool epcm_unchanged(void)
{
	return !memcmp(was.map, w.epc.map, sizeof(was.map)) && was.revoked == w.revoked &&
	       (!w.epc.page[P_TARGET] || !memcmp(was.target, w.epc.page[P_TARGET], 4096));
}

static void check_pf(u64 la, u32 error)
{
	ck_assert_uint_eq(w.l.fault.vector, 14);
	ck_assert(w.l.fault.has_error);
	ck_assert_uint_eq(w.l.fault.cr2, la);
	ck_assert_uint_eq(w.l.fault.error, error);
}

static void check_fault(int want, const struct ends *at, u32 u)
{
	switch (want) {
	case GP:
		ck_assert_uint_eq(w.l.fault.vector, 13);
		ck_assert(w.l.fault.has_error);
		ck_assert_uint_eq(w.l.fault.error, 0);
		break;
	case PF_SECINFO:
		check_pf(at->secinfo, RD_PF_SGX | RD_PF_P | u);
		break;
	case PF_SECINFO_ABSENT:
		check_pf(at->secinfo, u);
		break;
	case PF_TARGET:
		check_pf(at->target, RD_PF_SGX | RD_PF_P | u);
		break;
	case PF_TARGET_NO_EPC:
		ck_assert_uint_eq(w.l.fault.error & ~RD_PF_W, RD_PF_P | u);
		check_pf(at->target, w.l.fault.error);
		break;
	case PF_TARGET_READONLY:
		check_pf(at->target, RD_PF_P | RD_PF_W | u);
		break;
	case PF_TARGET_ABSENT:
		ck_assert_uint_eq(w.l.fault.error & ~RD_PF_W, u);
		check_pf(at->target, w.l.fault.error);
		break;
	case PF_SOURCE:
		check_pf(at->source, RD_PF_SGX | RD_PF_P | u);
		break;
	case PF_SECS:
		check_pf(at->secs, RD_PF_SGX | RD_PF_P);
		break;
	case PF_SECS_NO_EPC:
		check_pf(at->secs, RD_PF_P | RD_PF_W);
		break;
	default:
		ck_abort_msg("a fault where code %d was wanted", want);
	}
}

static void check_registers(int ret, int want)
{
	u64 flags = (was.rflags & ~STATUS_FLAGS) | (want ? ZF : 0);
	bool quiet = ret == RD_LEAF_FAULT || want == QUIET;

	ck_assert_uint_eq(w.l.gpr[RD_RAX], quiet ? was.gpr[RD_RAX] : (u64)want);
	ck_assert(!memcmp(was.gpr + 1, w.l.gpr + 1, sizeof(was.gpr) - sizeof(u64)));
	ck_assert_uint_eq(w.l.rflags, quiet ? was.rflags : flags);
	ck_assert_uint_eq(w.l.rip, was.rip);
}

void check_end(int ret, int want, const struct ends *at)
{
	if (ret == RD_LEAF_FAULT)
		check_fault(want, at, was.user ? RD_PF_U : 0);
	else
		ck_assert_int_eq(ret, RD_LEAF_DONE);
	check_registers(ret, want);
	if (want && want != QUIET)
		ck_assert(epcm_unchanged());
}

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_dyn");

	add_encls(s);
	add_enclu(s);
	add_sequences(s);
	return s;
}
