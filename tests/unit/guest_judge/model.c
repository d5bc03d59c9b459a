// SPDX-License-Identifier: GPL-2.0-only
/* The kernel of the judge's tests. */
#include "tests/unit/guest_judge/model.h"

struct judge judge;
u8 text[TEXT_PAGES * 4096], mod[MOD_PAGES * 4096];
static u8 text_then[TEXT_PAGES * 4096], mod_then[MOD_PAGES * 4096];

/* The module's pages lie apart from each other, the later one lower. */
static const u64 mod_gfn[MOD_PAGES] = { 0x777, 0x555 };

static struct judge_site sites[KEYS + 16];
static u32 nr_sites;

static const u8 nop2[] = { 0x66, 0x90 };
static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static u8 *at_gpa(u64 gpa)
{
	u64 gfn = gpa >> 12;
	u32 i;

	if (gfn >= TEXT_GFN && gfn < TEXT_GFN + TEXT_PAGES)
		return &text[gpa - (TEXT_GFN << 12)];
	for (i = 0; i < MOD_PAGES; i++)
		if (gfn == mod_gfn[i])
			return &mod[i * 4096 + (gpa & 4095)];
	return NULL;
}

static int read_memory(void *ctx, u64 gpa, void *buf, u32 len)
{
	if (ctx != sites || (gpa & 4095) + len > 4096 || !at_gpa(gpa))
		ck_abort_msg("a read beyond code, at %llx", (unsigned long long)gpa);
	memcpy(buf, at_gpa(gpa), len);
	return 0;
}

u64 model_gpa(u64 va)
{
	if (va >= TEXT && va < TEXT + sizeof(text))
		return (TEXT_GFN << 12) + (va - TEXT);
	if (va < MOD || va >= MOD + sizeof(mod))
		ck_abort_msg("%llx is no code", (unsigned long long)va);
	return mod_gfn[(va - MOD) >> 12] << 12 | (va & 4095);
}

u8 *model_byte(u64 va)
{
	return at_gpa(model_gpa(va));
}

bool model_write(u64 va, const u8 *bytes, u32 len)
{
	u64 value = 0;

	memcpy(&value, bytes, len);
	if (!judge_allows(&judge, model_gpa(va), len, value))
		return false;
	memcpy(model_byte(va), bytes, len);
	return true;
}

bool model_write1(u64 va, u8 b)
{
	return model_write(va, &b, 1);
}

/* One piece, halved where a page ends. */
static bool piece(u64 va, const u8 *bytes, u32 len)
{
	u32 here = min_t(u32, len, 4096 - (va & 4095));

	return model_write(va, bytes, here) &&
	       (here == len || model_write(va + here, bytes + here, len - here));
}

bool model_copy(u64 va, const u8 *bytes, u32 len, enum style style)
{
	u32 i;

	/* From 4 on in two pieces that may overlap, as 4 bytes each. */
	if (style == PIECES && len >= 4)
		return piece(va, bytes, 4) && piece(va + len - 4, bytes + len - 4, 4);
	for (i = 0; i < len; i++)
		if (!model_write1(va + i, bytes[i]))
			return false;
	return true;
}

bool model_poke(u64 va, const u8 *insn, u32 len, enum style style)
{
	return model_write1(va, 0xcc) &&
	       (len == 1 || model_copy(va + 1, insn + 1, len - 1, style)) &&
	       model_write1(va, insn[0]);
}

bool model_is(u64 va, const u8 *insn, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (*model_byte(va + i) != insn[i])
			return false;
	return true;
}

void model_branch(u8 *insn, u8 opcode, u64 va, u64 target)
{
	s32 rel = target - va - 5;

	insn[0] = opcode;
	memcpy(insn + 1, &rel, 4);
}

static void add_site(u32 at, u32 kind, s32 target)
{
	sites[nr_sites++] = (struct judge_site){ JUDGE_SITE(at, kind), target };
}

static void lay_out_text(void)
{
	u32 i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = 0x50 + i % 8;
	nr_sites = 0;
	model_branch(&text[FTRACE_CALL_AT], 0xe8, TEXT + FTRACE_CALL_AT, TEXT + 0x700);
	add_site(FTRACE_CALL_AT, JUDGE_FTRACE_CALL, 0);
	memcpy(&text[KEY2_AT], nop2, 2);
	add_site(KEY2_AT, JUDGE_KEY2, -0x20);
	memcpy(&text[KEY5_AT], nop5, 5);
	add_site(KEY5_AT, JUDGE_KEY5, KEY5_TARGET);
	model_branch(&text[CALL_AT], 0xe8, TEXT + CALL_AT, TEXT + 0x500);
	add_site(CALL_AT, JUDGE_CALL, 0);
	model_branch(&text[TAIL_AT], 0xe9, TEXT + TAIL_AT, TEXT + 0x500);
	add_site(TAIL_AT, JUDGE_TAIL, 0);
	text[TAIL6_AT] = 0x0f;
	model_branch(&text[TAIL6_AT + 1], 0x84, TEXT + TAIL6_AT + 1, TEXT + 0x500);
	add_site(TAIL6_AT, JUDGE_TAIL6, 0);
	memcpy(&text[FTRACE_AT], nop5, 5);
	add_site(FTRACE_AT, JUDGE_FTRACE, 0);
	memcpy(&text[CROSSING_AT], nop5, 5);
	add_site(CROSSING_AT, JUDGE_KEY5, 0x400);
	for (i = 0; i < KEYS; i++) {
		memcpy(&text[KEYS_AT + i * KEYS_STEP], i % 2 ? nop2 : nop5, i % 2 ? 2 : 5);
		add_site(KEYS_AT + i * KEYS_STEP, i % 2 ? JUDGE_KEY2 : JUDGE_KEY5, 0x40);
	}
}

static void lay_out_module(void)
{
	static const struct judge_site ftrace = { JUDGE_SITE(0, JUDGE_FTRACE), 0 };
	static const struct judge_site key = { JUDGE_SITE(MOD_KEY_AT, JUDGE_KEY5), -0x200 };
	u32 i;

	for (i = 0; i < sizeof(mod); i++)
		mod[i] = 0x58 + i % 8;
	memcpy(mod, nop5, 5);
	memcpy(&mod[MOD_KEY_AT], nop5, 5);
	ck_assert_int_eq(judge_area_open(&judge, MOD_ID, MOD, true), 0);
	for (i = 0; i < MOD_PAGES; i++)
		ck_assert_int_eq(judge_area_page(&judge, MOD_ID, mod_gfn[i]), 0);
	ck_assert_int_eq(judge_area_site(&judge, MOD_ID, &ftrace), 0);
	ck_assert_int_eq(judge_area_site(&judge, MOD_ID, &key), 0);
	ck_assert_int_eq(judge_area_close(&judge, MOD_ID), 0);
}

void model_start(u32 allow)
{
	struct judge_core core = {
		.text = TEXT,
		.text_end = TEXT + TEXT_BYTES,
		.text_gfn = TEXT_GFN,
		.modules = MODULES,
		.modules_end = MODULES_END,
		.ftrace_caller = FTRACE_CALLER,
		.ftrace_regs_caller = FTRACE_REGS_CALLER,
		.allow = allow,
		.site = sites,
	};

	memset(&judge, 0, sizeof(judge));
	lay_out_text();
	core.sites = nr_sites;
	judge_init(&judge, &core, read_memory, sites);
	lay_out_module();
	memcpy(text_then, text, sizeof(text));
	memcpy(mod_then, mod, sizeof(mod));
}

/* --- the check -------------------------------------------------------------------------------- */

static bool inside(u64 va, u64 from, u64 to)
{
	return va >= from && va < to;
}

static u64 target_of(u64 va, const u8 *insn, u32 len)
{
	s32 rel;

	memcpy(&rel, insn + len - 4, 4);
	return va + len + (s64)rel;
}

/* By the documentation of the rules, not by the judge's code. */
static bool permitted(u64 va, u32 kind, s32 target, const u8 *insn)
{
	static const u8 ret5[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };
	static const u8 zero[2][5] = { { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 },
				       { 0x66, 0x66, 0x48, 0x31, 0xc0 } };
	u64 to = target_of(va, insn, kind == JUDGE_TAIL6 ? 6 : 5);
	bool modules = inside(to, MODULES, MODULES_END);
	bool code = modules || inside(to, TEXT, TEXT + TEXT_BYTES);

	switch (kind) {
	case JUDGE_KEY2:
		return !memcmp(insn, nop2, 2) || (insn[0] == 0xeb && (s8)insn[1] == target - 2);
	case JUDGE_KEY5:
		return !memcmp(insn, nop5, 5) || (insn[0] == 0xe9 && to == va + target);
	case JUDGE_CALL:
		return !memcmp(insn, nop5, 5) || !memcmp(insn, zero[0], 5) ||
		       !memcmp(insn, zero[1], 5) || (insn[0] == 0xe8 && code);
	case JUDGE_TAIL:
		return !memcmp(insn, ret5, 5) || (insn[0] == 0xe9 && code);
	case JUDGE_TAIL6:
		return insn[0] == 0x0f && insn[1] == 0x84 && code;
	case JUDGE_FTRACE:
		return !memcmp(insn, nop5, 5) ||
		       (insn[0] == 0xe8 &&
			(modules || to == FTRACE_CALLER || to == FTRACE_REGS_CALLER));
	case JUDGE_FTRACE_CALL:
		return insn[0] == 0xe8 && code;
	default:
		return insn[0] == 0xe9 && modules;
	}
}

/* The assertions of the library write to a pipe every time: too slow for each byte. */
static void check_that(bool right, const char *what, u64 va)
{
	if (!right)
		ck_abort_msg("%s at %llx", what, (unsigned long long)va);
}

static void check_range(u64 va, const u8 *now, const u8 *then, u32 len,
			const struct judge_site *site, u32 n, u8 *covered)
{
	u32 i, k, at, kind, size;

	for (i = 0; i < n; i++) {
		at = site[i].at & JUDGE_SITE_MASK;
		kind = site[i].at >> JUDGE_SITE_SHIFT;
		size = kind == JUDGE_KEY2 ? 2 : kind == JUDGE_TAIL6 ? 6 : 5;
		check_that(now[at] == 0xcc || permitted(va + at, kind, site[i].target, now + at),
			   "site", va + at);
		for (k = 0; k < size; k++)
			covered[at + k] = 1;
	}
	for (i = 0; i < JUDGE_PLACES; i++) {
		const struct judge_place *p = &judge.place[i];

		if (!p->va || p->va < va || p->va >= va + len)
			continue;
		at = p->va - va;
		check_that(p->jump ? permitted(p->va, JUDGE_KPROBE, 0, now + at) : now[at] == 0xcc,
			   "place", p->va);
		for (k = 0; k < p->len; k++)
			covered[at + k] = 1;
	}
	for (i = 0; i < len; i++)
		check_that(covered[i] || now[i] == then[i], "byte", va + i);
}

void model_check(void)
{
	static u8 covered[sizeof(text) + 8];

	memset(covered, 0, sizeof(covered));
	check_range(TEXT, text, text_then, sizeof(text), sites, nr_sites, covered);
	memset(covered, 0, sizeof(covered));
	check_range(MOD, mod, mod_then, sizeof(mod), judge.site, judge.sites, covered);
}
