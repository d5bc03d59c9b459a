// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarding modules: code from when it is complete, read-only data from when it is read-only, until
 * they go.
 * Invariant: what is in the list is what the image knows of; all of it under guest_lock. A module
 * that could not be guarded as a whole is not in it, and that was told.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include "tools/guest/driver.h"

/* So many pages are added, or taken off, in one go: integrity mode holds interrupts back. */
#define PAGES_PER_CALL 64
#define NODES_PER_CALL 64
#define MODULES_MAX 1024

struct guarded {
	struct list_head list;
	struct module *mod;
	u32 id[GUEST_PARTS]; /* 0: none */
	u32 pages;
};

static LIST_HEAD(all_guarded);
static u32 next_id = MODE_AREA_FIRST;
static struct rd_guest_driver *status; /* NULL: nothing is guarded yet */

/* --- talking to the image --------------------------------------------------------------------- */

/* These pages are the tree's from now on, also where the call failed in the middle. */
int guest_add_nodes(struct rd_guest_driver *count)
{
	u64 *gfn = (void *)__get_free_page(GFP_KERNEL);
	long ret = -ENOMEM;
	u32 i;

	for (i = 0; gfn && i < NODES_PER_CALL; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			break;
		gfn[i] = page_to_pfn(page);
	}
	if (gfn && i)
		ret = guest_enter(MODE_ADD_NODES, __pa(gfn), i, 0);
	if (ret > 0)
		count->own_pages += i;
	free_page((unsigned long)gfn);
	return ret < 0 ? ret : 0;
}

/* A list in pieces that fit into a page. */
static int tell_list(u64 op, u32 id, const void *from, u32 n, u32 size)
{
	u32 most = MODE_LIST_BYTES / size, now;
	long ret = 0;

	for (; ret >= 0 && n; n -= now, from += now * size) {
		now = min(n, most);
		memcpy(guest_settled.list_page, from, now * size);
		ret = guest_enter(op, __pa(guest_settled.list_page), now, id);
	}
	return ret < 0 ? ret : 0;
}

static int tell_pages(u32 id, const struct guest_range *r)
{
	unsigned long va = r->start;
	u64 *gfn = guest_settled.list_page;
	long ret;
	int err;
	u32 n;

	while (va < r->end) {
		for (n = 0; n < PAGES_PER_CALL && va + n * PAGE_SIZE < r->end; n++)
			gfn[n] = vmalloc_to_pfn((void *)(va + n * PAGE_SIZE));
		ret = guest_enter(MODE_AREA_PAGES, __pa(guest_settled.list_page), n, id);
		if (ret == -ENOMEM) {
			err = guest_add_nodes(status);
			if (err)
				return err;
			continue;
		}
		if (ret <= 0)
			return ret ? ret : -EIO;
		va += ret * PAGE_SIZE;
	}
	return 0;
}

static int forget_area(u32 id)
{
	long left;

	do {
		left = guest_enter(MODE_AREA_REMOVE, id, PAGES_PER_CALL, 0);
	} while (left > 0);
	return left == -ENOENT ? 0 : left;
}

/* --- one part of a module --------------------------------------------------------------------- */

/* guest_lock_code() holds. */
static int tell_code(u32 id, const struct guest_range *r, struct module *mod)
{
	struct guest_sites sites = { .n = 0 };
	struct guest_probes probes = { .n = 0 };
	int err = guest_collect_sites(&sites, r, mod);

	if (!err)
		err = guest_collect_probes(&probes, r);
	if (!err)
		err = tell_list(MODE_AREA_SITES, id, sites.site, sites.n, sizeof(*sites.site));
	if (!err)
		err = tell_list(MODE_AREA_PROBES, id, probes.probe, probes.n,
				sizeof(*probes.probe));
	kvfree(sites.site);
	kfree(probes.probe);
	return err;
}

static int tell_area(u32 id, const struct guest_range *r, struct module *mod, bool code)
{
	long ret = guest_enter(MODE_AREA_OPEN, id, r->start, code);
	int err = ret;

	if (err)
		return err;
	err = tell_pages(id, r);
	if (!err && code)
		err = tell_code(id, r, mod);
	if (!err)
		err = guest_enter(MODE_AREA_CLOSE, id, 0, 0);
	/* An area of the driver's own stays: what is guarded of it is guarded. */
	if (err && id >= MODE_AREA_FIRST && forget_area(id))
		pr_err("pages of %s stay guarded, though it is not guarded\n", mod->name);
	return err;
}

static int guard_range(struct module *mod, struct guest_range r, bool code, u32 id, u32 *pages)
{
	int err;

	r.start = PAGE_ALIGN_DOWN(r.start);
	r.end = PAGE_ALIGN(r.end);
	if (r.start >= r.end)
		return 0;
	/* No patch may begin before the judge knows of the place. */
	if (code)
		guest_lock_code();
	err = tell_area(id, &r, mod, code);
	if (code)
		guest_unlock_code();
	if (!err)
		*pages += (r.end - r.start) >> PAGE_SHIFT;
	return err;
}

static int guard_part(struct module *mod, enum guest_part part, u32 id, u32 *pages)
{
	return guard_range(mod, guest_module_part(mod, part), part == GUEST_TEXT, id, pages);
}

/* --- modules ---------------------------------------------------------------------------------- */

static struct guarded *find(const struct module *mod)
{
	struct guarded *g;

	list_for_each_entry (g, &all_guarded, list)
		if (g->mod == mod)
			return g;
	return NULL;
}

static struct guarded *add(struct module *mod)
{
	struct guarded *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (g) {
		g->mod = mod;
		list_add(&g->list, &all_guarded);
	}
	return g;
}

static int forget(struct guarded *g)
{
	int err = 0, one, part;

	for (part = 0; part < GUEST_PARTS; part++) {
		one = g->id[part] ? forget_area(g->id[part]) : 0;
		err = err ? err : one;
	}
	status->module_pages -= g->pages;
	list_del(&g->list);
	kfree(g);
	return err;
}

/* The parts up to the last one, of those that are not guarded yet. */
static int guard_parts(struct module *mod, enum guest_part last)
{
	struct guarded *g = find(mod);
	int part, err = 0;
	u32 pages;

	if (!g)
		g = add(mod);
	if (!g)
		return -ENOMEM;
	for (part = GUEST_TEXT; !err && part <= last; part++) {
		if (g->id[part])
			continue;
		pages = 0;
		err = guard_part(mod, part, next_id, &pages);
		if (err || !pages)
			continue;
		g->id[part] = next_id++;
		g->pages += pages;
		status->module_pages += pages;
	}
	if (err)
		forget(g);
	return err;
}

static bool same_name(const char *asked, size_t len, const char *name)
{
	size_t i;

	/* As for modprobe, - and _ are the same. */
	for (i = 0; i < len; i++)
		if (asked[i] != name[i] && !(asked[i] == '-' && name[i] == '_'))
			return false;
	return !name[len];
}

/* Is the module one of those that are to be guarded? */
static bool is_chosen(const struct module *mod)
{
	const char *at = guest_settled.only;
	size_t len;

	if (!guest_settled.modules || mod == THIS_MODULE)
		return false;
	for (; *at; at += len + (at[len] == ',')) {
		len = strcspn(at, ",");
		if (len && same_name(at, len, mod->name))
			return true;
	}
	return !guest_settled.only[0];
}

static void say_failed(const struct module *mod, int err)
{
	pr_err("the module %s is not guarded: %d\n", mod->name, err);
	guest_failed(err);
}

static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	struct module *mod = data;
	struct guarded *g;
	int err = 0;

	mutex_lock(&guest_lock);
	if (!status || !is_chosen(mod))
		goto out;
	switch (event) {
	case MODULE_STATE_COMING:
		/* All others have been told: code is as it will run. */
		err = guard_parts(mod, GUEST_TEXT);
		break;
	case MODULE_STATE_LIVE:
		err = guard_parts(mod, GUEST_RO_AFTER_INIT);
		break;
	case MODULE_STATE_GOING:
		g = find(mod);
		err = g ? forget(g) : 0;
		break;
	}
	if (err)
		say_failed(mod, err);
out:
	mutex_unlock(&guest_lock);
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = {
	.notifier_call = on_module,
	.priority = INT_MIN,
};

int guest_modules_register(void)
{
	int err;

	guest_settled.list_page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!guest_settled.list_page)
		return -ENOMEM;
	err = register_module_notifier(&module_nb);
	if (err)
		free_page((unsigned long)guest_settled.list_page);
	return err;
}

void guest_modules_unregister(void)
{
	unregister_module_notifier(&module_nb);
	free_page((unsigned long)guest_settled.list_page);
}

/* --- those that are there --------------------------------------------------------------------- */

/* The list leads through all modules, and through its head, which is the kernel's. */
static bool is_module(const struct list_head *at)
{
	return (unsigned long)at >= MODULES_VADDR && (unsigned long)at < MODULES_END;
}

/* Modules that are live, held so that they stay. */
static u32 hold_modules(struct module **held)
{
	struct list_head *at;
	u32 n = 0;

	mutex_lock(guest_sym.module_mutex);
	for (at = THIS_MODULE->list.next; at != &THIS_MODULE->list; at = at->next) {
		struct module *mod = list_entry(at, struct module, list);

		if (is_module(at) && mod->state == MODULE_STATE_LIVE && n < MODULES_MAX &&
		    try_module_get(mod))
			held[n++] = mod;
	}
	mutex_unlock(guest_sym.module_mutex);
	return n;
}

static int guard_loaded(void)
{
	struct module **held = kvmalloc_array(MODULES_MAX, sizeof(*held), GFP_KERNEL);
	int err = 0, one;
	u32 i, n;

	if (!held)
		return -ENOMEM;
	n = hold_modules(held);
	for (i = 0; i < n; i++) {
		one = is_chosen(held[i]) ? guard_parts(held[i], GUEST_RO_AFTER_INIT) : 0;
		if (one)
			say_failed(held[i], one);
		err = err ? err : one;
		module_put(held[i]);
	}
	kvfree(held);
	return err;
}

/* Areas 1 to 4. */
static int guard_own(u32 *pages)
{
	unsigned long settled = (unsigned long)&guest_settled;
	struct guest_range data = { settled, settled + sizeof(guest_settled) };
	int part, err = 0;

	BUILD_BUG_ON(sizeof(guest_settled) != PAGE_SIZE);
	for (part = GUEST_TEXT; !err && part < GUEST_PARTS; part++)
		err = guard_part(THIS_MODULE, part, part + 1, pages);
	return err ? err : guard_range(THIS_MODULE, data, false, GUEST_PARTS + 1, pages);
}

int guest_modules_start(struct rd_guest_driver *count)
{
	u32 pages = 0;
	int err;

	status = count;
	err = guard_own(&pages);
	count->own_pages += pages;
	if (err)
		pr_err("the driver itself is not guarded as a whole: %d\n", err);
	if (guest_settled.modules && !err)
		err = guard_loaded();
	return err;
}
