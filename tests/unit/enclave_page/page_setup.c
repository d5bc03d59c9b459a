// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enclaves that the tests try things on, and what a leaf may have changed.
 * Invariant: as in page_tests.h.
 */
#include "tests/unit/enclave_page/page_tests.h"

static struct {
	struct rd_epcm map[W_EPC_NR];
	u8 page[W_EPC_NR][4096];
	u32 used;
	unsigned int allocations, revoked;
	u64 gpr[RD_NR_GPR], rflags, rip;
} before;

void setup_empty(void)
{
	static const u8 key[16] = { 1, 2, 3 };
	unsigned int i;
	int err;

	world_reset(false);
	w.epc.keys.paging = rd_host_gcm_new(key, &err);
	ck_assert_ptr_nonnull(w.epc.keys.paging);
	for (i = 0; i < RD_NR_GPR; i++)
		w.l.gpr[i] = 0x1111111111111111ULL * i;
	w.l.rflags = F_FIXED | F_ARITH;
}

void teardown(void)
{
	rd_host_gcm_free(w.epc.keys.paging);
	w.epc.keys.paging = NULL;
	world_end();
}

void prepare_create(u64 base, u64 attributes)
{
	struct rd_secs *s = w_ram(A_SRC);

	memset(s, 0, sizeof(*s));
	s->size = E_SIZE;
	s->base = base;
	s->ssa_frame_size = 1;
	s->attributes.flags = attributes;
	s->attributes.xfrm = 7;
	memset(si(), 0, sizeof(*si()));
	*pi() = (struct rd_pageinfo){ .srcpge = A_SRC, .secinfo = A_SI };
}

void prepare_add(u32 secs, u64 la, u64 flags)
{
	memset(si(), 0, sizeof(*si()));
	si()->flags = flags;
	*pi() = (struct rd_pageinfo){
		.linaddr = la, .srcpge = A_SRC, .secinfo = A_SI, .secs = w_epc(secs)
	};
}

static void create(u32 page, u64 base)
{
	prepare_create(base, RD_ATTR_MODE64 | RD_ATTR_DEBUG);
	expect_ok(RD_ECREATE, A_PI, w_epc(page), 0);
}

static void add(u32 page, u32 secs, u64 la, u64 flags)
{
	memset(w_ram(A_SRC), page + 1, 4096);
	if ((flags & RD_SI_PT_MASK) == RD_SI_PT(RD_PT_TCS)) {
		memset(w_ram(A_SRC), 0, 4096);
		((struct rd_tcs *)w_ram(A_SRC))->oentry = 0x2000;
	}
	prepare_add(secs, la, flags);
	expect_ok(RD_EADD, A_PI, w_epc(page), 0);
}

void make_state(u32 page, u64 set, u64 clear)
{
	entry(page)->state = (entry(page)->state & ~clear) | set;
}

u64 *slot(u32 va, unsigned int n)
{
	return (u64 *)w.epc.page[va] + n;
}

void setup(void)
{
	const u64 reg = RD_SI_PT(RD_PT_REG);

	setup_empty();
	create(P_SECS, E_BASE);
	create(P_OTHER_SECS, E_OTHER);
	add(P_REG, P_SECS, E_REG, reg | RD_SI_R | RD_SI_W);
	add(P_REG2, P_SECS, E_REG2, reg | RD_SI_R | RD_SI_X);
	add(P_TCS, P_SECS, E_TCS, RD_SI_PT(RD_PT_TCS));
	add(P_TRIM, P_SECS, E_TRIM, reg | RD_SI_RWX);
	make_state(P_TRIM, RD_SI_PT(RD_PT_TRIM), RD_SI_PT_MASK | RD_SI_RWX);
	add(P_OTHER_REG, P_OTHER_SECS, E_OTHER, reg | RD_SI_R);
	expect_ok(RD_EPA, RD_PT_VA, w_epc(P_VA), 0);
	w.revoked = 0;
}

static void remember(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	u32 i;

	memcpy(before.map, w.epc.map, sizeof(before.map));
	for (i = 0; i < W_EPC_NR; i++)
		if (w.epc.page[i])
			memcpy(before.page[i], w.epc.page[i], 4096);
	before.used = w.epc.used;
	before.allocations = rd_shim_allocations();
	before.revoked = w.revoked;
	memcpy(before.gpr, w.l.gpr, sizeof(before.gpr));
	before.gpr[RD_RAX] = leaf;
	before.gpr[RD_RBX] = rbx;
	before.gpr[RD_RCX] = rcx;
	before.gpr[RD_RDX] = rdx;
	before.rflags = w.l.rflags;
	before.rip = w.l.rip;
}

static void same_registers(u64 rax, u64 rflags)
{
	before.gpr[RD_RAX] = rax;
	ck_assert_mem_eq(w.l.gpr, before.gpr, sizeof(before.gpr));
	ck_assert_uint_eq(w.l.rflags, rflags);
	ck_assert_uint_eq(w.l.rip, before.rip);
	w.l.rflags = F_FIXED | F_ARITH;
}

static void same_pages(void)
{
	u32 i;

	ck_assert_mem_eq(w.epc.map, before.map, sizeof(before.map));
	for (i = 0; i < W_EPC_NR; i++) {
		ck_assert_int_eq(!!w.epc.page[i], rd_epcm_valid(entry(i)));
		if (w.epc.page[i])
			ck_assert_mem_eq(w.epc.page[i], before.page[i], 4096);
	}
	ck_assert_uint_eq(w.epc.used, before.used);
	ck_assert_uint_eq(w.revoked, before.revoked);
	ck_assert_uint_eq(rd_shim_allocations(), before.allocations);
}

/* Nobody is at it any more, and a page has contents while it is valid. */
static void all_released(void)
{
	u32 i, n = 0;

	for (i = 0; i < W_EPC_NR; i++) {
		ck_assert_uint_eq(entry(i)->lock, before.map[i].lock);
		ck_assert_uint_eq(entry(i)->ops, before.map[i].ops);
		ck_assert_int_eq(!!w.epc.page[i], rd_epcm_valid(entry(i)));
		n += rd_epcm_valid(entry(i));
	}
	ck_assert_uint_eq(w.epc.used, n);
}

void expect_ok(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	remember(leaf, rbx, rcx, rdx);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), RD_LEAF_DONE);
	same_registers(leaf, before.rflags);
	all_released();
}

void expect_done(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	remember(leaf, rbx, rcx, rdx);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), RD_LEAF_DONE);
	if (leaf == RD_EDBGRD)
		before.gpr[RD_RBX] = w.l.gpr[RD_RBX];
	same_registers(0, before.rflags & ~F_ARITH);
	all_released();
}

void expect_zf(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, u32 code)
{
	remember(leaf, rbx, rcx, rdx);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), RD_LEAF_DONE);
	same_registers(code, (before.rflags & ~F_ARITH) | F_ZF);
	same_pages();
}

void expect_cf(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, u32 code)
{
	remember(leaf, rbx, rcx, rdx);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), RD_LEAF_DONE);
	same_registers(code, (before.rflags & ~F_ARITH) | F_CF);
	if (leaf == RD_EWB)
		all_released();
	else
		same_pages();
}

void expect_gp(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	remember(leaf, rbx, rcx, rdx);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 13);
	ck_assert(w.l.fault.has_error);
	ck_assert_uint_eq(w.l.fault.error, 0);
	same_registers(leaf, before.rflags);
	same_pages();
}

void expect_pf(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, u64 la, u32 error)
{
	remember(leaf, rbx, rcx, rdx);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), RD_LEAF_FAULT);
	ck_assert_uint_eq(w.l.fault.vector, 14);
	ck_assert(w.l.fault.has_error);
	ck_assert_uint_eq(w.l.fault.cr2, la);
	ck_assert_uint_eq(w.l.fault.error, error);
	same_registers(leaf, before.rflags);
	same_pages();
}

void expect_no_memory(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx, unsigned int n)
{
	remember(leaf, rbx, rcx, rdx);
	rd_shim_fail_alloc(n);
	ck_assert_int_eq(w_encls(leaf, rbx, rcx, rdx), -ENOMEM);
	rd_shim_fail_alloc(0);
	same_registers(leaf, before.rflags);
	same_pages();
}
