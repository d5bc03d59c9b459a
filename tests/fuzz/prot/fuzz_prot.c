// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-protection layer: reasons that come and go, for single pages and for slots, and what a
 * fault would then map.
 * Invariant checked: the map says what a flat list says; no mapping that the verdict and the size
 * allow reaches a page that has a reason to stop it.
 */
#include "tests/fuzz/input.h"
#include "vmm/prot.h"
#include "vmm/prot_map.h"
#include "vmm/pt.h"

#define WINDOW 64U              /* pages of the flat list around each place */
#define PLACES ARRAY_SIZE(places)
#define SINGLE (RD_PROT_TRACES | BIT(RD_PROT_OWNED))

/* Around the borders of blocks of all sizes, and the ends. */
static const u64 places[] = { 0, 512 - 32, 2 * 512 - 32, (1ULL << 18) - 32, (1ULL << 27) - 32,
			      (1ULL << 36) - 32, RD_PROT_MAX_GFN - WINDOW };

static u8 flat[ARRAY_SIZE(places)][WINDOW];
static struct rd_prot_map map;

static u8 *flat_of(u64 gfn)
{
	for (unsigned int i = 0; i < PLACES; i++)
		if (gfn - places[i] < WINDOW)
			return &flat[i][gfn - places[i]];
	return NULL;
}

static u8 flat_get(u64 gfn)
{
	u8 *f = flat_of(gfn);

	return f ? *f : 0;
}

/* Nothing lies outside the windows. */
static bool flat_block_empty(u64 first, u64 n)
{
	for (unsigned int i = 0; i < PLACES; i++)
		for (unsigned int j = 0; j < WINDOW; j++)
			if (flat[i][j] && places[i] + j - first < n)
				return false;
	return true;
}

static unsigned int flat_level(u64 gfn, unsigned int max)
{
	for (unsigned int l = max; l > 1; l--) {
		u64 n = 1ULL << 9 * (l - 1);

		if (flat_block_empty(gfn & ~(n - 1), n))
			return l;
	}
	return 1;
}

static u64 flat_next(u64 gfn, u64 end, u8 reasons)
{
	for (unsigned int i = 0; i < PLACES; i++)
		for (unsigned int j = 0; j < WINDOW; j++)
			if (places[i] + j >= gfn && places[i] + j < end && (flat[i][j] & reasons))
				return places[i] + j;
	return end;
}

static u64 take_gfn(void)
{
	u8 place = take();

	return places[place % PLACES] + take() % WINDOW;
}

static u8 take_reasons(void)
{
	return take() & SINGLE;
}

static void change(void)
{
	u64 gfn = take_gfn(), n = 1 + take() % 8, i;
	u8 reasons = take_reasons();
	bool add = take() & 1;

	if (add && rd_prot_map_reserve(&map, gfn, n)) {
		if (gfn + n <= RD_PROT_MAX_GFN)
			fuzz_die("there is room, and it says there is not");
		return;
	}
	for (i = gfn; i < gfn + n; i++) {
		u8 *f = flat_of(i), was = f ? *f : 0;
		u8 said = add && f ? rd_prot_map_set(&map, i, reasons)
			  : !add   ? rd_prot_map_clear(&map, i, reasons)
				   : was;

		if (said != was)
			fuzz_die("a page had other reasons");
		if (f)
			*f = add ? was | reasons : was & ~reasons;
	}
}

/* Would what a fault maps now let anything through that a page's reasons stop? */
static void map_page(void)
{
	u32 slot = take() & (BIT(RD_PROT_READONLY) | BIT(RD_PROT_DIRTY));
	unsigned int acc = 1U << take() % 3, level, max = 1 + take() % 3;
	u64 gfn = take_gfn(), n, first;
	u8 reasons = rd_prot_map_get(&map, gfn);
	struct rd_prot_verdict v = rd_prot_decide(slot | reasons, acc);

	if (reasons != flat_get(gfn))
		fuzz_die("a page has other reasons");
	level = v.small ? 1 : rd_prot_map_level(&map, gfn, max);
	if (!v.small && level != flat_level(gfn, max))
		fuzz_die("a mapping of another size");
	if (v.action != RD_PROT_MAP && v.action != RD_PROT_LOG)
		return;
	n = 1ULL << 9 * (level - 1);
	first = gfn & ~(n - 1);
	if (level > 1 && !flat_block_empty(first, n))
		fuzz_die("a large mapping over a page that is stopped");
	if ((v.allow & RD_ACC_WRITE) && (reasons & RD_PROT_TRACES))
		fuzz_die("a traced page would be writable");
	if (v.allow && (reasons & BIT(RD_PROT_OWNED)))
		fuzz_die("a page of somebody else's would be mapped");
	if ((v.allow & RD_ACC_WRITE) && (slot & BIT(RD_PROT_READONLY)))
		fuzz_die("a read-only page would be writable");
	if ((v.allow & RD_ACC_WRITE) && (slot & BIT(RD_PROT_DIRTY)) && v.action != RD_PROT_LOG)
		fuzz_die("a write would not be recorded");
}

static void search(void)
{
	u64 from = take_gfn(), end = take_gfn(), gfn = from;
	u8 reasons = take_reasons();
	bool found = rd_prot_map_next(&map, &gfn, end, reasons);
	u64 want = flat_next(from, end, reasons);

	if (found != (want < end && from < end) || (found && gfn != want))
		fuzz_die("another page is found");
}

static void count(void)
{
	u64 n = 0;

	for (unsigned int i = 0; i < PLACES; i++)
		for (unsigned int j = 0; j < WINDOW; j++)
			n += flat[i][j] != 0;
	if (map.nr != n)
		fuzz_die("the number of pages is wrong");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_begin(data, size);
	memset(flat, 0, sizeof(flat));
	memset(&map, 0, sizeof(map));
	while (fuzz_more()) {
		switch (take() % 4) {
		case 0:
		case 1:
			change();
			break;
		case 2:
			map_page();
			break;
		default:
			search();
			break;
		}
	}
	count();
	rd_prot_map_destroy(&map);
	return 0;
}
