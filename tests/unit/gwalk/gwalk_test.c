// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk through a guest's page tables, on a small guest memory. Permissions are tried in all
 * combinations against a second statement of the manuals' rules, reserved bits one by one.
 */
#include "tests/unit/unit.h"
#include "vmm/gwalk_walk.h"

#define PAGES 16
#define TABLE(i) ((u64)(i) << 12)     /* tables lie in the first pages, the root in page 1 */
#define TOP_TABLE 1

static u64 memory[PAGES * 512];
static bool read_only;
static u64 meddle_at, meddle_xor; /* what "another CPU" changes before each exchange */
static int meddle_times, exchanges;

static bool mem_read(void *ctx, u64 gpa, unsigned int size, u64 *val)
{
	(void)ctx;
	if (gpa + size > sizeof(memory))
		return false;
	*val = 0;
	memcpy(val, (u8 *)memory + gpa, size);
	return true;
}

static int mem_exchange(void *ctx, u64 gpa, unsigned int size, u64 old, u64 new_val)
{
	u64 now;

	(void)ctx;
	exchanges++;
	if (read_only)
		return 0;
	if (meddle_times && gpa == meddle_at) {
		meddle_times--;
		memory[gpa / 8] ^= meddle_xor;
	}
	ck_assert(mem_read(NULL, gpa, size, &now));
	if (now != old)
		return 1;
	memcpy((u8 *)memory + gpa, &new_val, size);
	return 0;
}

static const struct rd_gwalk_io io = { .read = mem_read, .exchange = mem_exchange };

/* As the kernel's side does it: walk, and again when bits are missing. */
static int walk(const struct rd_paging *p, const struct rd_gwalk_acc *a, u64 gva, u64 *gpa,
		u32 *error)
{
	int ret = rd_gwalk(p, a, &io, NULL, gva, gpa, error, false);

	return ret < 0 ? rd_gwalk(p, a, &io, NULL, gva, gpa, error, true) : ret;
}

static void reset(void)
{
	memset(memory, 0, sizeof(memory));
	read_only = false;
	meddle_at = meddle_xor = 0;
	meddle_times = exchanges = 0;
}

#define CR0_PG_WP(wp) (BIT_ULL(31) | ((wp) ? BIT_ULL(16) : 0))
#define CR4(pse, pae, la57, smep, smap, pke)                                                       \
	(((pse) ? BIT_ULL(4) : 0) | ((pae) ? BIT_ULL(5) : 0) | ((la57) ? BIT_ULL(12) : 0) |        \
	 ((smep) ? BIT_ULL(20) : 0) | ((smap) ? BIT_ULL(21) : 0) | ((pke) ? BIT_ULL(22) : 0))
#define EFER(lma, nx) (((lma) ? BIT_ULL(10) : 0) | ((nx) ? BIT_ULL(11) : 0))

static struct rd_paging paging_for(int mode, bool wp, bool smep, bool smap, bool nx, bool pke,
				   u8 maxphyaddr, bool gbpages)
{
	struct rd_paging_regs r = {
		.cr0 = mode == RD_PAGING_NONE ? 0 : CR0_PG_WP(wp),
		.cr3 = TABLE(TOP_TABLE),
		.cr4 = CR4(mode == RD_PAGING_32, mode >= RD_PAGING_PAE, mode == RD_PAGING_5LEVEL,
			   smep, smap, pke),
		.efer = EFER(mode >= RD_PAGING_4LEVEL, nx),
	};
	struct rd_paging p;

	rd_paging_set(&p, &r, maxphyaddr, gbpages);
	return p;
}

static struct rd_paging plain(int mode)
{
	return paging_for(mode, true, false, false, true, false, 46, true);
}

static unsigned int shift_of(int mode, unsigned int level)
{
	return 12 + (mode == RD_PAGING_32 ? 10 : 9) * (level - 1);
}

static void put_entry(int mode, u64 table, u64 index, u64 e)
{
	if (mode == RD_PAGING_32)
		((u32 *)memory)[table / 4 + index] = e;
	else
		memory[table / 8 + index] = e;
}

static u64 get_entry(int mode, u64 table, u64 index)
{
	if (mode == RD_PAGING_32)
		return ((u32 *)memory)[table / 4 + index];
	return memory[table / 8 + index];
}

static u64 index_of(int mode, u64 gva, unsigned int level)
{
	return (gva >> shift_of(mode, level)) & (mode == RD_PAGING_32 ? 1023 : 511);
}

/* The table for a level: the root is page 1, one page each below. */
static u64 table_at(const struct rd_paging *p, unsigned int level)
{
	return TABLE(TOP_TABLE + p->levels - level);
}

/*
 * Build one path to gva that ends in leaf at the given level; upper: flag bits of the tables.
 * Level 3 of PAE has the present bit only.
 */
static void build(const struct rd_paging *p, u64 gva, unsigned int leaf_level, u64 leaf, u64 upper)
{
	unsigned int l;

	for (l = p->levels; l > leaf_level; l--) {
		u64 e = table_at(p, l - 1) | upper;

		if (p->mode == RD_PAGING_PAE && l == 3)
			e = table_at(p, l - 1) | (upper & RD_GPTE_P);
		put_entry(p->mode, table_at(p, l), index_of(p->mode, gva, l), e);
	}
	put_entry(p->mode, table_at(p, leaf_level), index_of(p->mode, gva, leaf_level), leaf);
}

#define FULL (RD_GPTE_P | RD_GPTE_W | RD_GPTE_U | RD_GPTE_A | RD_GPTE_D)

/* --- control registers ------------------------------------------------------------------------ */

START_TEST(test_modes)
{
	static const u8 levels[] = { 0, 2, 3, 4, 5 };
	struct rd_paging p = plain(_i);

	ck_assert_uint_eq(p.mode, _i);
	ck_assert_uint_eq(p.levels, levels[_i]);
	ck_assert(p.valid);
	ck_assert_int_eq(p.nx, _i >= RD_PAGING_PAE);
	p = paging_for(_i, false, true, true, false, true, 40, false);
	ck_assert(!p.nx && !p.wp == true);
	ck_assert_int_eq(p.pke, _i >= RD_PAGING_4LEVEL);
	ck_assert(p.smep && p.smap);
}
END_TEST

START_TEST(test_without_paging_addresses_are_32_bit)
{
	struct rd_paging p = plain(RD_PAGING_NONE);
	struct rd_gwalk_acc a = { .write = true };
	u64 gpa;
	u32 error;

	ck_assert_int_eq(walk(&p, &a, 0x1fffffff0ULL, &gpa, &error), 0);
	ck_assert_uint_eq(gpa, 0xfffffff0);
}
END_TEST

/* --- addresses -------------------------------------------------------------------------------- */

static u64 next_random(void)
{
	static u64 x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static bool level_has_leaves(int mode, unsigned int level)
{
	return level == 1 || level == 2 || (level == 3 && mode >= RD_PAGING_4LEVEL);
}

START_TEST(test_translation)
{
	struct rd_paging p = plain(_i);
	struct rd_gwalk_acc a = { .user = true, .write = true };
	unsigned int round, level;

	for (round = 0; round < 2000; round++)
	for (level = 1; level <= p.levels; level++) {
		u64 size = 1ULL << shift_of(_i, level);
		u64 gva = next_random() >> (_i >= RD_PAGING_4LEVEL ? 0 : 32);
		u64 page = next_random() & (_i == RD_PAGING_32 ? U32_MAX : GENMASK_ULL(45, 12));
		u64 ps = level > 1 ? RD_GPTE_PS : 0, gpa = 0;
		u32 error = 0;

		if (!level_has_leaves(_i, level))
			continue;
		reset();
		page &= ~(size - 1);
		build(&p, gva, level, page | FULL | ps, FULL & ~RD_GPTE_D);
		ck_assert_int_eq(walk(&p, &a, gva, &gpa, &error), 0);
		ck_assert_uint_eq(gpa, page | (gva & (size - 1)));
		ck_assert_int_eq(exchanges, 0);
	}
}
END_TEST

/* PSE: bits 20:13 of a 4 MiB entry are address bits 39:32; without CR4.PSE bit 7 means nothing. */
START_TEST(test_pse)
{
	struct rd_paging p = plain(RD_PAGING_32);
	struct rd_gwalk_acc a = { .user = true };
	u64 gpa;
	u32 error;

	reset();
	build(&p, 0x00c12345, 2, 0x80000000 | 0x92 << 13 | FULL | RD_GPTE_PS, 0);
	ck_assert_int_eq(walk(&p, &a, 0x00c12345, &gpa, &error), 0);
	ck_assert_uint_eq(gpa, 0x9280012345ULL);
	p.pse = false;
	memset(p.rsvd, 0, sizeof(p.rsvd));
	build(&p, 0x00c12345, 1, 0x5000 | FULL, FULL | RD_GPTE_PS);
	ck_assert_int_eq(walk(&p, &a, 0x00c12345, &gpa, &error), 0);
	ck_assert_uint_eq(gpa, 0x5345);
}
END_TEST

/* PAE takes its four top entries from any 32-byte boundary, the others cut CR3 to the page. */
START_TEST(test_pae_root_alignment)
{
	struct rd_paging p = plain(RD_PAGING_PAE);
	struct rd_gwalk_acc a = { 0 };
	u64 gpa;
	u32 error;

	reset();
	p.cr3 = TABLE(TOP_TABLE) + 0x60 + 0x18;
	memory[p.cr3 / 32 * 4 + 3] = TABLE(2) | RD_GPTE_P;
	memory[TABLE(2) / 8 + 511] = TABLE(3) | FULL;
	memory[TABLE(3) / 8 + 511] = 0x7000 | FULL;
	ck_assert_int_eq(walk(&p, &a, 0xfffffabc, &gpa, &error), 0);
	ck_assert_uint_eq(gpa, 0x7abc);
}
END_TEST

/* --- permissions ------------------------------------------------------------------------------ */

/* The manuals' rules, said once more: 0, or the error code with which the access faults. */
static u32 expected(const struct rd_paging *p, const struct rd_gwalk_acc *a, u64 upper, u64 leaf)
{
	bool user_page = upper & leaf & RD_GPTE_U, writable = upper & leaf & RD_GPTE_W;
	bool no_exec = ((upper | leaf) & RD_GPTE_NX) && p->mode != RD_PAGING_32;
	u32 key = (a->pkru >> (2 * ((leaf >> 59) & 15))) & 3;
	u32 code = (a->write ? 2 : 0) | (a->user ? 4 : 0);
	bool fault = false;

	if (a->fetch && (p->smep || p->nx))
		code |= 16;
	if (!(upper & RD_GPTE_P) || !(leaf & RD_GPTE_P))
		return code | 0x100;
	if (a->user) {
		fault = !user_page || (a->write && !writable) || (a->fetch && no_exec);
	} else if (a->fetch) {
		fault = no_exec || (p->smep && user_page);
	} else {
		fault = (user_page && p->smap && !a->smap_off) || (a->write && p->wp && !writable);
	}
	if (fault)
		return code | 1;
	if (p->pke && user_page && !a->fetch &&
	    ((key & 1) || (a->write && (key & 2) && (a->user || p->wp))))
		return code | 1 | 32;
	return 0;
}

static void check_one(const struct rd_paging *p, const struct rd_gwalk_acc *a, u64 gva, u64 upper,
		      u64 leaf)
{
	u32 want = expected(p, a, upper, leaf), error = 0;
	u64 gpa;
	int ret = walk(p, a, gva, &gpa, &error);

	/* Millions of these: an assertion that holds costs a system call. */
	if (ret != (want != 0) || (want && error != (want & 0xff)))
		ck_abort_msg("mode %d write %d fetch %d user %d: got %d %#x, want %#x", p->mode,
			     a->write, a->fetch, a->user, ret, error, want);
}

static struct rd_gwalk_acc access_nr(unsigned int i)
{
	return (struct rd_gwalk_acc){
		.write = i % 3 == 1, .fetch = i % 3 == 2, .user = (i / 3) & 1, .smap_off = i / 6,
	};
}

#define NR_ACCESSES 12

static u64 flags_nr(unsigned int i, bool nx)
{
	return (i & 1 ? RD_GPTE_P : 0) | (i & 2 ? RD_GPTE_W : 0) | (i & 4 ? RD_GPTE_U : 0) |
	       (nx && (i & 8) ? RD_GPTE_NX : 0) | RD_GPTE_A;
}

/* One table with other flags than the rest: upper says at which level. */
static void build_mixed(const struct rd_paging *p, u64 gva, unsigned int level, u64 leaf,
			unsigned int odd_level, u64 odd)
{
	build(p, gva, level, leaf, FULL & ~RD_GPTE_D);
	if (odd_level > level)
		put_entry(p->mode, table_at(p, odd_level), index_of(p->mode, gva, odd_level),
			  table_at(p, odd_level - 1) | odd);
}

static void try_flags(const struct rd_paging *p, unsigned int level, unsigned int odd_level)
{
	const u64 gva = 0x40201000;
	unsigned int l, u, i;

	for (l = 0; l < 16; l++)
	for (u = 0; u < 16; u++) {
		u64 leaf = flags_nr(l, p->nx) | RD_GPTE_D | (level > 1 ? RD_GPTE_PS : 0);
		u64 odd = flags_nr(u, p->nx);

		build_mixed(p, gva, level, leaf, odd_level, odd);
		for (i = 0; i < NR_ACCESSES; i++) {
			struct rd_gwalk_acc a = access_nr(i);

			check_one(p, &a, gva, odd_level > level ? odd : FULL, leaf);
		}
	}
}

/* 16 settings of WP, SMEP, SMAP, NX; each leaf level; each level as the odd one out. */
START_TEST(test_permissions)
{
	unsigned int c, level, odd_level;

	for (c = 0; c < 16; c++) {
		struct rd_paging p = paging_for(_i, c & 1, c & 2, c & 4, c & 8, false, 46, true);

		for (level = 1; level <= p.levels; level++)
		for (odd_level = level; odd_level <= p.levels; odd_level++) {
			if (!level_has_leaves(_i, level))
				continue;
			if (_i == RD_PAGING_PAE && odd_level == 3)
				continue;
			reset();
			try_flags(&p, level, odd_level);
		}
	}
}
END_TEST

START_TEST(test_protection_keys)
{
	const u64 gva = 0x40201000;
	unsigned int c, key, rights, i;

	for (c = 0; c < 2; c++)
	for (key = 0; key < 16; key++)
	for (rights = 0; rights < 4; rights++)
	for (i = 0; i < NR_ACCESSES * 2; i++) {
		struct rd_paging p = paging_for(RD_PAGING_4LEVEL, c, false, false, true, true, 46,
						true);
		struct rd_gwalk_acc a = access_nr(i % NR_ACCESSES);
		u64 leaf = FULL | (u64)key << 59;

		/* Supervisor pages have no key. */
		if (i >= NR_ACCESSES)
			leaf &= ~(u64)RD_GPTE_U;
		a.pkru = rights << (2 * key);
		reset();
		build(&p, gva, 1, 0x5000 | leaf, FULL & ~RD_GPTE_D);
		check_one(&p, &a, gva, FULL, leaf);
	}
}
END_TEST

/* --- reserved bits ---------------------------------------------------------------------------- */

static bool in(unsigned int bit, unsigned int low, unsigned int high)
{
	return bit >= low && bit <= high;
}

/* Is this bit, set in an otherwise good entry, reserved? The manuals' figures as text. */
static bool reserved(const struct rd_paging *p, unsigned int level, bool leaf, bool gbpages,
		     unsigned int bit)
{
	unsigned int m = p->maxphyaddr;

	if (p->mode == RD_PAGING_32)
		return leaf && level == 2 && in(bit, 13 + (m > 40 ? 8 : m - 32), 21);
	/* The manuals have bit 5 too; emulated CPUs set it. */
	if (p->mode == RD_PAGING_PAE && level == 3)
		return in(bit, 1, 2) || in(bit, 6, 8) || in(bit, m, 63);
	if (bit == 63)
		return !p->nx;
	if (p->mode == RD_PAGING_PAE && in(bit, m, 62))
		return true;
	if (in(bit, m, 51))
		return true;
	if (leaf && level == 2)
		return in(bit, 13, 20);
	if (leaf && level == 3)
		return !gbpages || in(bit, 13, 29);
	return bit == 7 && (level > 3 || (level == 3 && !gbpages));
}

/* Bits whose meaning is another than "reserved or not", so that flipping them proves nothing. */
static bool has_meaning(const struct rd_paging *p, unsigned int level, bool leaf, unsigned int bit)
{
	unsigned int m = p->maxphyaddr;

	if (in(bit, 0, 0) || (bit == 7 && level > 1 && (leaf || level_has_leaves(p->mode, level))))
		return true;
	/* Another address: the table would be elsewhere. */
	return !leaf && in(bit, 12, p->mode == RD_PAGING_32 ? 31 : m - 1);
}

static void try_bits(const struct rd_paging *p, unsigned int at, unsigned int leaf_level,
		     bool gbpages)
{
	const u64 gva = 0x40201000;
	bool leaf = at == leaf_level;
	unsigned int bit;

	for (bit = 0; bit < (p->mode == RD_PAGING_32 ? 32 : 64); bit++) {
		struct rd_gwalk_acc a = { .user = false };
		u64 index = index_of(p->mode, gva, at), gpa;
		u64 ps = leaf_level > 1 ? RD_GPTE_PS : 0;
		bool want = reserved(p, at, leaf, gbpages, bit) ||
			    (leaf_level == 3 && !gbpages);
		u32 error = 0;
		int ret;

		if (has_meaning(p, at, leaf, bit) && !(bit == 7 && at == 3 && !gbpages && !leaf))
			continue;
		reset();
		build(p, gva, leaf_level, FULL | ps, FULL & ~RD_GPTE_D);
		put_entry(p->mode, table_at(p, at), index,
			  get_entry(p->mode, table_at(p, at), index) | 1ULL << bit);
		ret = walk(p, &a, gva, &gpa, &error);
		if (ret != want || (want && error != (RD_PF_P | RD_PF_RSVD)))
			ck_abort_msg("mode %d level %u leaf %d bit %u", p->mode, at, leaf, bit);
	}
}

START_TEST(test_reserved_bits)
{
	static const u8 widths[] = { 36, 40, 46, 52 };
	unsigned int w, nx, gb, at, leaf_level;

	for (w = 0; w < ARRAY_SIZE(widths); w++)
	for (nx = 0; nx < 2; nx++)
	for (gb = 0; gb < 2; gb++) {
		struct rd_paging p = paging_for(_i, true, false, false, nx, false, widths[w], gb);

		for (leaf_level = 1; leaf_level <= p.levels; leaf_level++)
			for (at = leaf_level; at <= p.levels; at++)
				if (level_has_leaves(_i, leaf_level))
					try_bits(&p, at, leaf_level, gb);
	}
}
END_TEST

/* Reserved bits come before permissions, and after presence. */
START_TEST(test_reserved_before_permission)
{
	struct rd_paging p = plain(RD_PAGING_4LEVEL);
	struct rd_gwalk_acc a = { .user = true, .write = true };
	u64 gpa;
	u32 error;

	reset();
	build(&p, 0x1000, 1, BIT_ULL(50) | RD_GPTE_P, FULL);
	ck_assert_int_eq(walk(&p, &a, 0x1000, &gpa, &error), 1);
	ck_assert_uint_eq(error, RD_PF_P | RD_PF_W | RD_PF_U | RD_PF_RSVD);
	build(&p, 0x1000, 1, BIT_ULL(50), FULL);
	ck_assert_int_eq(walk(&p, &a, 0x1000, &gpa, &error), 1);
	ck_assert_uint_eq(error, RD_PF_W | RD_PF_U);
}
END_TEST

/* --- accessed and dirty ----------------------------------------------------------------------- */

#define BARE (RD_GPTE_P | RD_GPTE_W | RD_GPTE_U)

START_TEST(test_accessed_and_dirty)
{
	struct rd_paging p = plain(_i);
	const u64 gva = 0x40201000;
	unsigned int write, l;

	for (write = 0; write < 2; write++) {
		struct rd_gwalk_acc a = { .user = true, .write = write };
		u64 gpa;
		u32 error;

		reset();
		build(&p, gva, 1, 0x5000 | BARE, BARE);
		ck_assert_int_eq(walk(&p, &a, gva, &gpa, &error), 0);
		ck_assert_uint_eq(gpa, 0x5000);
		for (l = 1; l <= p.levels; l++) {
			u64 e = get_entry(_i, table_at(&p, l), index_of(_i, gva, l));
			bool pdpte = _i == RD_PAGING_PAE && l == 3;

			ck_assert_int_eq(!!(e & RD_GPTE_A), !pdpte);
			ck_assert_int_eq(!!(e & RD_GPTE_D), l == 1 && write);
		}
		exchanges = 0;
		ck_assert_int_eq(walk(&p, &a, gva, &gpa, &error), 0);
		ck_assert_int_eq(exchanges, 0);
	}
}
END_TEST

START_TEST(test_faults_leave_the_leaf_alone)
{
	struct rd_paging p = plain(_i);
	struct rd_gwalk_acc a = { .user = true, .write = true };
	u64 gpa, leaf = 0x5000 | RD_GPTE_P | RD_GPTE_U;
	u32 error;

	reset();
	build(&p, 0x40201000, 1, leaf, BARE);
	ck_assert_int_eq(walk(&p, &a, 0x40201000, &gpa, &error), 1);
	ck_assert_uint_eq(get_entry(_i, table_at(&p, 1), index_of(_i, 0x40201000, 1)), leaf);
}
END_TEST

/* Another CPU takes write permission away while the dirty bit is being set: a fault, not dirty. */
START_TEST(test_entry_changes_under_the_walk)
{
	struct rd_paging p = plain(RD_PAGING_4LEVEL);
	struct rd_gwalk_acc a = { .user = true, .write = true };
	u64 gpa;
	u32 error;

	reset();
	build(&p, 0, 1, 0x5000 | BARE | RD_GPTE_A, FULL);
	meddle_at = table_at(&p, 1);
	meddle_xor = RD_GPTE_W;
	meddle_times = 1;
	ck_assert_int_eq(walk(&p, &a, 0, &gpa, &error), 1);
	ck_assert_uint_eq(error, RD_PF_P | RD_PF_W | RD_PF_U);
	ck_assert_uint_eq(memory[table_at(&p, 1) / 8] & RD_GPTE_D, 0);
}
END_TEST

/* One that changes all the time does not hold the walk for ever. */
START_TEST(test_restless_entry)
{
	struct rd_paging p = plain(RD_PAGING_4LEVEL);
	struct rd_gwalk_acc a = { .user = true, .write = true };
	u64 gpa;
	u32 error;

	reset();
	build(&p, 0, 1, 0x5000 | BARE | RD_GPTE_A, FULL);
	meddle_at = table_at(&p, 1);
	meddle_xor = BIT_ULL(9);
	meddle_times = 1000000;
	ck_assert_int_eq(walk(&p, &a, 0, &gpa, &error), 0);
	ck_assert_uint_eq(gpa, 0x5000);
	ck_assert_int_le(exchanges, RD_GWALK_TRIES + 1);
}
END_TEST

START_TEST(test_tables_in_rom)
{
	struct rd_paging p = plain(RD_PAGING_4LEVEL);
	struct rd_gwalk_acc a = { .user = true, .write = true };
	u64 gpa;
	u32 error;

	reset();
	read_only = true;
	build(&p, 0, 1, 0x5000 | BARE, BARE);
	ck_assert_int_eq(walk(&p, &a, 0, &gpa, &error), 0);
	ck_assert_uint_eq(gpa, 0x5000);
}
END_TEST

START_TEST(test_tables_outside_memory)
{
	struct rd_paging p = plain(_i);
	struct rd_gwalk_acc a = { .fetch = true };
	u64 gpa;
	u32 error;

	reset();
	p.cr3 = 0x7ffff000;
	ck_assert_int_eq(walk(&p, &a, 0x1234, &gpa, &error), 1);
	ck_assert_uint_eq(error, _i >= RD_PAGING_PAE ? RD_PF_I : 0);
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("gwalk");
	TCase *c = tcase_create("gwalk");

	tcase_add_loop_test(c, test_modes, RD_PAGING_NONE, RD_PAGING_5LEVEL + 1);
	tcase_add_test(c, test_without_paging_addresses_are_32_bit);
	tcase_add_loop_test(c, test_translation, RD_PAGING_32, RD_PAGING_5LEVEL + 1);
	tcase_add_test(c, test_pse);
	tcase_add_test(c, test_pae_root_alignment);
	tcase_add_loop_test(c, test_permissions, RD_PAGING_32, RD_PAGING_5LEVEL + 1);
	tcase_add_test(c, test_protection_keys);
	tcase_add_loop_test(c, test_reserved_bits, RD_PAGING_32, RD_PAGING_5LEVEL + 1);
	tcase_add_test(c, test_reserved_before_permission);
	tcase_add_loop_test(c, test_accessed_and_dirty, RD_PAGING_32, RD_PAGING_5LEVEL + 1);
	tcase_add_loop_test(c, test_faults_leave_the_leaf_alone, RD_PAGING_32,
			    RD_PAGING_5LEVEL + 1);
	tcase_add_test(c, test_entry_changes_under_the_walk);
	tcase_add_test(c, test_restless_entry);
	tcase_add_test(c, test_tables_in_rom);
	tcase_add_loop_test(c, test_tables_outside_memory, RD_PAGING_32, RD_PAGING_5LEVEL + 1);
	suite_add_tcase(s, c);
	return s;
}
