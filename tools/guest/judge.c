// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the judge decides about a write (P).
 * Invariant: as in tools/guest/judge.h. What it knows of code that was there before a patch, it
 * read before the patch began.
 */
#include "tools/guest/judge_priv.h"

#define INT3 0xcc
#define CALL32 0xe8
#define JMP32 0xe9
#define JMP8 0xeb
#define RET 0xc3

static const u8 nop2[] = { 0x66, 0x90 };
static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static const u8 ret5[] = { RET, INT3, INT3, INT3, INT3 };
/* xor %eax, %eax with prefixes that fill it up: what stands for a call that returns 0. */
static const u8 zero5[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
static const u8 zero5_rax[] = { 0x66, 0x66, 0x48, 0x31, 0xc0 };

/* A byte of guarded code: which area, and how far in. */
struct spot {
	u32 area;
	u32 off;
	u64 va;
	u64 bytes; /* of the area */
};

static bool same(const u8 *a, const u8 *b, u32 len)
{
	return !memcmp(a, b, len);
}

/* --- where things are ------------------------------------------------------------------------- */

static bool locate(const struct judge *j, u64 gpa, struct spot *s)
{
	u64 gfn = gpa >> RD_PAGE_SHIFT, in_core = gfn - j->core.text_gfn;
	u64 core = j->core.text_end - j->core.text;
	const struct judge_area *a;
	u32 found;

	if (in_core < DIV_ROUND_UP(core, RD_PAGE_SIZE)) {
		s->area = JUDGE_CORE;
		s->off = gpa - (j->core.text_gfn << RD_PAGE_SHIFT);
		s->va = j->core.text + s->off;
		s->bytes = core;
		return s->off < core;
	}
	if (!guest_map_get(&j->by_page, gfn, &found))
		return false;
	s->area = found >> 16;
	a = &j->area[s->area];
	s->off = (found & 0xffff) * RD_PAGE_SIZE + (gpa & ~RD_PAGE_MASK);
	s->va = a->base + s->off;
	s->bytes = (u64)a->pages << RD_PAGE_SHIFT;
	return a->code;
}

static u64 gpa_of(const struct judge *j, u32 area, u32 off)
{
	u64 gfn = area == JUDGE_CORE ? j->core.text_gfn + (off >> RD_PAGE_SHIFT)
				     : j->page[j->area[area].first_page + (off >> RD_PAGE_SHIFT)];

	return gfn << RD_PAGE_SHIFT | (off & ~RD_PAGE_MASK);
}

/* Bytes of an area, which may lie in two pages. */
static bool read_code(const struct judge *j, const struct spot *s, u32 off, u8 *buf, u32 len)
{
	u32 n;

	if (off > s->bytes || len > s->bytes - off)
		return false;
	for (; len; len -= n, off += n, buf += n) {
		n = min_t(u32, len, RD_PAGE_SIZE - (off & ~RD_PAGE_MASK));
		if (j->read(j->ctx, gpa_of(j, s->area, off), buf, n))
			return false;
	}
	return true;
}

static u32 site_at(const struct judge_site *s)
{
	return s->at & JUDGE_SITE_MASK;
}

static u32 site_kind(const struct judge_site *s)
{
	return s->at >> JUDGE_SITE_SHIFT;
}

static u32 site_len(const struct judge_site *s)
{
	switch (site_kind(s)) {
	case JUDGE_KEY2:
		return 2;
	case JUDGE_TAIL6:
		return 6;
	default:
		return 5;
	}
}

/* The sites of an area, and how many are at `off` or before. */
static const struct judge_site *sites_to(const struct judge *j, u32 area, u32 off, u32 *count,
					 u32 *all)
{
	const struct judge_site *site = j->core.site;
	u32 low = 0, high = j->core.sites;

	if (area != JUDGE_CORE) {
		site = &j->site[j->area[area].first_site];
		high = j->area[area].sites;
	}
	*all = high;
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (site_at(&site[mid]) <= off)
			low = mid + 1;
		else
			high = mid;
	}
	*count = low;
	return site;
}

/* --- places ----------------------------------------------------------------------------------- */

struct judge_place *judge_place_new(struct judge *j, u64 va)
{
	u32 i, at;

	for (i = 0; i < JUDGE_PLACES; i++) {
		at = (j->next_place + i) % JUDGE_PLACES;
		if (j->place[at].va)
			continue;
		if (guest_map_put(&j->by_va, va, at))
			return NULL;
		j->next_place = at + 1;
		j->places++;
		j->place[at] = (struct judge_place){ .va = va };
		return &j->place[at];
	}
	return NULL;
}

void judge_place_drop(struct judge *j, struct judge_place *p)
{
	guest_map_remove(&j->by_va, p->va);
	p->va = 0;
	j->places--;
}

/* The code as it is but for places: what was there before they came. */
static bool read_original(struct judge *j, const struct spot *s, u8 *buf, u32 len)
{
	const struct judge_place *p;
	int from, i, at;

	if (!read_code(j, s, s->off, buf, len))
		return false;
	for (from = 1 - JUDGE_INSN; from < (int)len; from++) {
		p = judge_place_at(j, s->va + from);
		for (i = 0; p && i < p->len; i++) {
			at = from + i;
			if (at >= 0 && at < (int)len)
				buf[at] = p->orig[i];
		}
	}
	return true;
}

int judge_add_probe(struct judge *j, const struct judge_probe *probe)
{
	struct judge_place *p;

	if (!probe->va || (probe->len != 1 && probe->len != sizeof(probe->orig)))
		return -EINVAL;
	if (judge_place_at(j, probe->va))
		return -EEXIST;
	p = judge_place_new(j, probe->va);
	if (!p)
		return -ENOSPC;
	p->kind = JUDGE_KPROBE;
	p->len = probe->len;
	p->jump = probe->len > 1;
	memcpy(p->orig, probe->orig, probe->len);
	return 0;
}

/* --- instructions ----------------------------------------------------------------------------- */

static u64 branch_target(const struct judge_place *p, const u8 *insn, u32 len)
{
	s32 rel;

	memcpy(&rel, insn + len - sizeof(rel), sizeof(rel));
	return p->va + len + (s64)rel;
}

static bool is_module(const struct judge *j, u64 va)
{
	return va >= j->core.modules && va < j->core.modules_end;
}

static bool is_code(const struct judge *j, u64 va)
{
	return is_module(j, va) || (va >= j->core.text && va < j->core.text_end);
}

static bool is_branch(const struct judge *j, const struct judge_place *p, const u8 *insn, u8 opcode)
{
	return insn[0] == opcode && is_code(j, branch_target(p, insn, 5));
}

/* The JMP of a static key. */
static void key_jump(const struct judge_place *p, u8 *insn)
{
	s32 rel = p->target - p->len;

	if (p->len == 2) {
		insn[0] = JMP8;
		insn[1] = rel;
	} else {
		insn[0] = JMP32;
		memcpy(insn + 1, &rel, sizeof(rel));
	}
}

static const u8 *key_nop(const struct judge_place *p)
{
	return p->len == 2 ? nop2 : nop5;
}

static bool is_key(const struct judge_place *p, const u8 *insn)
{
	u8 jump[5];

	key_jump(p, jump);
	return same(insn, key_nop(p), p->len) || same(insn, jump, p->len);
}

static bool is_call(const struct judge *j, const struct judge_place *p, const u8 *insn)
{
	return same(insn, nop5, 5) || same(insn, zero5, 5) || same(insn, zero5_rax, 5) ||
	       is_branch(j, p, insn, CALL32);
}

static bool is_jcc(const u8 *insn)
{
	return insn[0] == 0x0f && (insn[1] & 0xf0) == 0x80;
}

static bool is_tail(const struct judge *j, const struct judge_place *p, const u8 *insn)
{
	return same(insn, ret5, 5) || is_branch(j, p, insn, JMP32);
}

/* A conditional one keeps its condition. */
static bool is_tail6(const struct judge *j, const struct judge_place *p, const u8 *insn)
{
	return is_jcc(insn) && insn[1] == p->orig[1] && is_code(j, branch_target(p, insn, 6));
}

static bool is_ftrace(const struct judge *j, const struct judge_place *p, const u8 *insn)
{
	u64 target = branch_target(p, insn, 5);

	if (same(insn, nop5, 5))
		return true;
	return insn[0] == CALL32 &&
	       (is_module(j, target) || (target && (target == j->core.ftrace_caller ||
						    target == j->core.ftrace_regs_caller)));
}

static bool is_probe_jump(const struct judge *j, const struct judge_place *p, const u8 *insn)
{
	return p->len == 5 && insn[0] == JMP32 && is_module(j, branch_target(p, insn, 5));
}

/* May this instruction stand at the place, whatever was there? */
static bool is_permitted(const struct judge *j, const struct judge_place *p, const u8 *insn)
{
	switch (p->kind) {
	case JUDGE_KEY2:
	case JUDGE_KEY5:
		return is_key(p, insn);
	case JUDGE_CALL:
		return is_call(j, p, insn);
	case JUDGE_TAIL:
		return is_tail(j, p, insn);
	case JUDGE_TAIL6:
		return is_tail6(j, p, insn);
	case JUDGE_FTRACE:
		return is_ftrace(j, p, insn);
	case JUDGE_FTRACE_CALL:
		return is_branch(j, p, insn, CALL32);
	default:
		return is_probe_jump(j, p, insn);
	}
}

/* Is it what was there? Another kprobe inside counts as what that one stands for. */
static bool is_original(struct judge *j, const struct judge_place *p, const u8 *insn)
{
	const struct judge_place *inner;
	u32 i;

	if (insn[0] != p->orig[0])
		return false;
	for (i = 1; i < p->len; i++) {
		inner = judge_place_at(j, p->va + i);
		if (insn[i] != p->orig[i] && !(inner && inner->orig[0] == p->orig[i]))
			return false;
	}
	return true;
}

/* --- the three steps of a patch --------------------------------------------------------------- */

static u32 class_of(u32 kind)
{
	switch (kind) {
	case JUDGE_KPROBE:
		return RD_ALLOW_KPROBES;
	case JUDGE_FTRACE:
	case JUDGE_FTRACE_CALL:
		return RD_ALLOW_FTRACE;
	default:
		return RD_ALLOW_STATIC_KEYS;
	}
}

/* What is known of the place from the tables: kind, length, target. */
static bool look_up(const struct judge *j, const struct spot *s, struct judge_place *p)
{
	const struct judge_site *site, *before;
	u32 count, all;

	site = sites_to(j, s->area, s->off, &count, &all);
	before = count ? &site[count - 1] : NULL;
	if (before && site_at(before) == s->off) {
		p->kind = site_kind(before);
		p->len = site_len(before);
		p->target = before->target;
		return true;
	}
	/* Inside a place that the kernel patches as a whole. */
	if (before && s->off - site_at(before) < site_len(before))
		return false;
	p->kind = JUDGE_KPROBE;
	p->len = min_t(u64, 5, s->bytes - s->off);
	if (count < all)
		p->len = min_t(u32, p->len, site_at(&site[count]) - s->off);
	return true;
}

/* Is it a byte of a JMP that a kprobe has become? Nothing may change it without an INT3. */
static bool in_jump(struct judge *j, u64 va)
{
	const struct judge_place *p;
	u32 i;

	for (i = 1; i < JUDGE_INSN; i++) {
		p = judge_place_at(j, va - i);
		if (p && p->jump && i < p->len)
			return true;
	}
	return false;
}

/* INT3 where none was. */
static bool begin(struct judge *j, const struct spot *s)
{
	struct judge_place p = { .va = s->va }, *new;

	if (!look_up(j, s, &p) || !(j->core.allow & class_of(p.kind)) || in_jump(j, s->va))
		return false;
	if (!read_original(j, s, p.orig, min_t(u64, JUDGE_INSN, s->bytes - s->off)))
		return false;
	if (p.len > s->bytes - s->off)
		return false;
	/* Does it hold what the tables say of it? */
	if (p.kind != JUDGE_KPROBE && !is_permitted(j, &p, p.orig))
		return false;
	new = judge_place_new(j, s->va);
	if (!new)
		return false;
	*new = p;
	return true;
}

/* May a byte inside the instruction of this place become b? */
static bool fits(const struct judge_place *p, u32 i, u8 b)
{
	u8 jump[5];

	if (b == p->orig[i])
		return true;
	switch (p->kind) {
	case JUDGE_KEY2:
	case JUDGE_KEY5:
		key_jump(p, jump);
		return b == jump[i] || b == key_nop(p)[i];
	case JUDGE_KPROBE:
		/* A JMP, or nothing. */
		return p->len == 5;
	default:
		return true;
	}
}

/* A byte behind an INT3 of ours. */
static bool is_tail_byte(struct judge *j, u64 va, u8 b)
{
	const struct judge_place *p;
	u32 i;

	for (i = 1; i < JUDGE_INSN; i++) {
		p = judge_place_at(j, va - i);
		if (p && !p->jump && i < p->len && fits(p, i, b))
			return !in_jump(j, va);
	}
	return false;
}

/* Is it what an INT3 that stands before it would bring back? Then it is no new place. */
static bool is_tail_of_old(struct judge *j, u64 va, u8 b)
{
	const struct judge_place *p;
	u32 i;

	for (i = 1; i < JUDGE_INSN; i++) {
		p = judge_place_at(j, va - i);
		if (p && !p->jump && i < p->len && (p->kind != JUDGE_KPROBE || b == p->orig[i]) &&
		    fits(p, i, b))
			return !in_jump(j, va);
	}
	return false;
}

/* What an inner place could have changed behind the JMP is as it was. */
static bool is_clean_behind(struct judge *j, const struct spot *s, const struct judge_place *p,
			    const struct judge_place *inner)
{
	const struct judge_place *next;
	u32 i, at = inner->va - p->va;
	u8 now[JUDGE_INSN];

	if (!read_code(j, s, s->off + at, now, inner->len))
		return false;
	for (i = p->len - at; i < inner->len; i++) {
		next = judge_place_at(j, inner->va + i);
		if (now[i] != inner->orig[i] && !(next && next->orig[0] == inner->orig[i]))
			return false;
	}
	return true;
}

/*
 * Bytes of the new JMP that look like an INT3 were taken for kprobes of their own when they came
 * one by one: these places go.
 */
static bool absorb(struct judge *j, const struct spot *s, const struct judge_place *p)
{
	struct judge_place *inner;
	u32 i;

	for (i = 1; i < p->len; i++) {
		inner = judge_place_at(j, p->va + i);
		if (inner && (inner->jump || !is_clean_behind(j, s, p, inner)))
			return false;
	}
	for (i = 1; i < p->len; i++) {
		inner = judge_place_at(j, p->va + i);
		if (inner)
			judge_place_drop(j, inner);
	}
	return true;
}

/* The first byte of a place. */
static bool finish(struct judge *j, const struct spot *s, struct judge_place *p, u8 b)
{
	u8 insn[JUDGE_INSN];

	if (p->jump) {
		if (b != INT3 || !(j->core.allow & RD_ALLOW_KPROBES))
			return false;
		p->jump = 0;
		return true;
	}
	if (!read_code(j, s, s->off, insn, p->len))
		return false;
	insn[0] = b;
	if (is_original(j, p, insn)) {
		judge_place_drop(j, p);
		return true;
	}
	if (!is_permitted(j, p, insn))
		return false;
	if (p->kind != JUDGE_KPROBE) {
		judge_place_drop(j, p);
		return true;
	}
	if (!absorb(j, s, p))
		return false;
	p->jump = 1;
	return true;
}

static bool one_byte(struct judge *j, const struct spot *s, u8 b)
{
	struct judge_place *p = judge_place_at(j, s->va);

	if (p)
		return finish(j, s, p, b);
	if (b == INT3)
		return is_tail_of_old(j, s->va, b) || begin(j, s);
	return is_tail_byte(j, s->va, b);
}

bool judge_allows(struct judge *j, u64 gpa, u32 len, u64 bytes)
{
	u8 now[8], new[8];
	struct spot s;
	u32 i;

	if (!len || len > sizeof(new) || (gpa & ~RD_PAGE_MASK) + len > RD_PAGE_SIZE)
		return false;
	memcpy(new, &bytes, sizeof(new));
	if (!locate(j, gpa, &s) || !read_code(j, &s, s.off, now, len))
		return false;
	/* The kernel's copying writes some bytes twice. What changes nothing is no patch. */
	if (same(now, new, len))
		return true;
	if (len == 1)
		return one_byte(j, &s, new[0]);
	for (i = 0; i < len; i++)
		if (now[i] != new[i] &&
		    (judge_place_at(j, s.va + i) || !is_tail_byte(j, s.va + i, new[i])))
			return false;
	return true;
}

void judge_init(struct judge *j, const struct judge_core *core,
		int (*read)(void *ctx, u64 gpa, void *buf, u32 len), void *ctx)
{
	j->core = *core;
	j->read = read;
	j->ctx = ctx;
	j->by_page = (struct guest_map){ .key = j->by_page_key,
					 .value = j->by_page_value,
					 .mask = ARRAY_SIZE(j->by_page_key) - 1 };
	j->by_va = (struct guest_map){ .key = j->by_va_key,
				       .value = j->by_va_value,
				       .mask = ARRAY_SIZE(j->by_va_key) - 1 };
}
