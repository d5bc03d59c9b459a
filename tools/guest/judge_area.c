// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the judge knows of modules (P): areas of pages, with the sites in them.
 * Invariant: a page is in one area; pages and sites of an area lie together in the judge's arrays,
 * and those arrays have no gaps. The one area that may be open is the last in both.
 */
#include "tools/guest/judge_priv.h"

static struct judge_area *find(struct judge *j, u32 id)
{
	u32 i;

	for (i = 0; i < JUDGE_AREAS; i++)
		if (j->area[i].state != JUDGE_AREA_FREE && j->area[i].id == id)
			return &j->area[i];
	return NULL;
}

static bool any_open(const struct judge *j)
{
	u32 i;

	for (i = 0; i < JUDGE_AREAS; i++)
		if (j->area[i].state == JUDGE_AREA_OPEN)
			return true;
	return false;
}

/* Areas lie among the modules, and beside each other: an address names one instruction. */
static bool is_taken(const struct judge *j, u64 base)
{
	u32 i;

	for (i = 0; i < JUDGE_AREAS; i++) {
		const struct judge_area *a = &j->area[i];

		if (a->state != JUDGE_AREA_FREE && base >= a->base &&
		    base - a->base < (u64)a->pages << RD_PAGE_SHIFT)
			return true;
	}
	return false;
}

static bool place_ok(const struct judge *j, u64 va)
{
	return va >= j->core.modules && va < j->core.modules_end && !is_taken(j, va);
}

int judge_area_open(struct judge *j, u32 id, u64 base, bool code)
{
	u32 i;

	if (!id || base & ~RD_PAGE_MASK || !place_ok(j, base))
		return -EINVAL;
	if (find(j, id))
		return -EEXIST;
	if (any_open(j))
		return -EBUSY;
	for (i = 0; i < JUDGE_AREAS; i++) {
		if (j->area[i].state != JUDGE_AREA_FREE)
			continue;
		j->area[i] = (struct judge_area){
			.base = base,
			.id = id,
			.first_page = j->pages,
			.first_site = j->sites,
			.state = JUDGE_AREA_OPEN,
			.code = code,
		};
		return 0;
	}
	return -ENOSPC;
}

static int find_open(struct judge *j, u32 id, struct judge_area **a)
{
	*a = find(j, id);
	if (!*a)
		return -ENOENT;
	return (*a)->state == JUDGE_AREA_OPEN ? 0 : -EPERM;
}

static u64 area_end(const struct judge_area *a)
{
	return a->base + ((u64)a->pages << RD_PAGE_SHIFT);
}

int judge_area_ready(struct judge *j, u32 id, bool *code)
{
	struct judge_area *a;
	int err = find_open(j, id, &a);

	if (err)
		return err;
	*code = a->code;
	if (!place_ok(j, area_end(a)))
		return -EINVAL;
	return j->pages == JUDGE_PAGES ? -ENOSPC : 0;
}

int judge_area_page(struct judge *j, u32 id, u64 gfn)
{
	struct judge_area *a;
	int err = find_open(j, id, &a);

	if (err)
		return err;
	if (gfn >= 1ULL << RD_TREE_PAGE_BITS || !place_ok(j, area_end(a)))
		return -EINVAL;
	if (j->pages == JUDGE_PAGES)
		return -ENOSPC;
	err = guest_map_put(&j->by_page, gfn, (u32)(a - j->area) << 16 | a->pages);
	if (err)
		return err;
	j->page[j->pages++] = gfn;
	a->pages++;
	return 0;
}

int judge_area_site(struct judge *j, u32 id, const struct judge_site *site)
{
	u32 kind = site->at >> JUDGE_SITE_SHIFT, at = site->at & JUDGE_SITE_MASK;
	struct judge_area *a;
	int err = find_open(j, id, &a);

	if (err)
		return err;
	/* What calls on for ftrace is in the kernel itself. */
	if (!a->code || kind < JUDGE_KEY2 || kind > JUDGE_FTRACE ||
	    at >= (u64)a->pages << RD_PAGE_SHIFT)
		return -EINVAL;
	if (a->sites && at <= (j->site[j->sites - 1].at & JUDGE_SITE_MASK))
		return -EINVAL;
	if (j->sites == JUDGE_SITES)
		return -ENOSPC;
	j->site[j->sites++] = *site;
	a->sites++;
	return 0;
}

int judge_area_probe(struct judge *j, u32 id, const struct judge_probe *probe)
{
	struct judge_area *a;
	int err = find_open(j, id, &a);

	if (err)
		return err;
	if (!a->code || probe->va < a->base ||
	    probe->va - a->base >= (u64)a->pages << RD_PAGE_SHIFT)
		return -EINVAL;
	return judge_add_probe(j, probe);
}

int judge_area_close(struct judge *j, u32 id)
{
	struct judge_area *a;
	int err = find_open(j, id, &a);

	if (!err && !a->pages)
		err = -EINVAL;
	if (!err)
		a->state = JUDGE_AREA_CLOSED;
	return err;
}

int judge_area_last(const struct judge *j, u32 id, u64 *gfn)
{
	struct judge_area *a = find((struct judge *)j, id);

	if (!a || !a->pages)
		return -ENOENT;
	*gfn = j->page[a->first_page + a->pages - 1];
	return 0;
}

static void drop_places(struct judge *j, u64 va)
{
	u32 i;

	for (i = 0; j->places && i < JUDGE_PLACES; i++)
		if (j->place[i].va >= va && j->place[i].va - va < RD_PAGE_SIZE)
			judge_place_drop(j, &j->place[i]);
}

/* An element of the array of pages goes: those behind it move up. */
static void close_page_gap(struct judge *j, u32 at)
{
	u32 i;

	j->pages--;
	for (i = at; i < j->pages; i++)
		j->page[i] = j->page[i + 1];
	for (i = 0; i < JUDGE_AREAS; i++)
		if (j->area[i].state != JUDGE_AREA_FREE && j->area[i].first_page > at)
			j->area[i].first_page--;
}

static void drop_sites(struct judge *j, struct judge_area *a)
{
	u32 i;

	j->sites -= a->sites;
	for (i = a->first_site; i < j->sites; i++)
		j->site[i] = j->site[i + a->sites];
	for (i = 0; i < JUDGE_AREAS; i++)
		if (j->area[i].state != JUDGE_AREA_FREE && j->area[i].first_site > a->first_site)
			j->area[i].first_site -= a->sites;
}

int judge_area_drop_last(struct judge *j, u32 id)
{
	struct judge_area *a = find(j, id);
	u32 at;

	if (!a)
		return -ENOENT;
	if (a->pages) {
		at = a->first_page + --a->pages;
		drop_places(j, a->base + ((u64)a->pages << RD_PAGE_SHIFT));
		guest_map_remove(&j->by_page, j->page[at]);
		close_page_gap(j, at);
	}
	if (!a->pages) {
		drop_sites(j, a);
		a->state = JUDGE_AREA_FREE;
	}
	return 0;
}

u32 judge_area_pages(const struct judge *j, u32 id)
{
	struct judge_area *a = find((struct judge *)j, id);

	return a ? a->pages : 0;
}
