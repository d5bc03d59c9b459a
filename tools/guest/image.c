// SPDX-License-Identifier: GPL-2.0-only
/*
 * The image's main function: what the driver may ask in integrity mode, and what the hypervisor
 * asks the judge.
 * Invariant: whoever asks is not trusted: a list is copied before anything is changed by it, and
 * the pages of the kernel and of the driver, which are in no area, cannot be taken off.
 */
#include "tools/guest/image.h"

struct mode_setup image_setup __attribute__((section(".setup"))) = { .magic = MODE_MAGIC };

static struct judge judge;
static u64 list[MODE_LIST_BYTES / sizeof(u64)];
static bool started;
/*
 * An edit is under way. If the mode ended in it, what is in here can no longer be relied on for
 * edits; the judge goes on.
 */
static bool editing;

static void set_editing(bool on)
{
	/* The mode may end at any instruction: in that order. */
	smp_mb();
	WRITE_ONCE(editing, on);
	smp_mb();
}

static int read_code(void *ctx, u64 gpa, void *buf, u32 len)
{
	(void)ctx;
	memcpy(buf, image_memory(gpa), len);
	return 0;
}

static int start(void)
{
	const struct judge_probe *probe = (const void *)image_setup.probe_at;
	struct judge_core core = image_setup.core;
	int err;
	u32 i;

	core.site = (const void *)image_setup.site_at;
	judge_init(&judge, &core, read_code, NULL);
	for (i = 0; i < image_setup.probes; i++) {
		err = judge_add_probe(&judge, &probe[i]);
		if (err)
			return err;
	}
	started = true;
	return 0;
}

/* Copies a list of the caller's, which may change under our eyes, once. */
static int take_list(u64 gpa, u64 n, u32 size)
{
	u64 bytes = n * size, last = gpa + bytes - 1;

	if (!n || n > MODE_LIST_BYTES / size || gpa >= image_setup.max_gfn << RD_PAGE_SHIFT ||
	    last >> RD_PAGE_SHIFT != gpa >> RD_PAGE_SHIFT)
		return -EINVAL;
	memcpy(list, image_memory(gpa), bytes);
	return 0;
}

/* Stopped first, then named by the tree. */
static int guard_page(u32 id, u64 gfn)
{
	bool own = id < MODE_AREA_FIRST;
	struct rd_tree_mapping m = { .flags = RD_TREE_RODATA,
				     .action = MODE_LIST_DATA,
				     .tag = own ? MODE_TAG_OWN : MODE_TAG_MODULE_RODATA };
	bool code;
	int err = judge_area_ready(&judge, id, &code);

	if (!err && (!gfn || gfn >= image_setup.max_gfn))
		err = -EINVAL;
	if (!err && image_spare() < MODE_SPARE_MIN)
		err = -ENOMEM;
	if (err)
		return err;
	if (code)
		m = (struct rd_tree_mapping){ .flags = RD_TREE_CODE,
					      .action = MODE_LIST_CODE,
					      .tag = own ? MODE_TAG_OWN : MODE_TAG_MODULE_TEXT };
	if (own)
		m.flags |= RD_TREE_DRIVER;
	/* A node is out of everybody's reach by itself, and the tree does not name it. */
	if (image_tree.ops->is_node(NULL, gfn))
		return -EEXIST;
	err = image_hypercall(RD_HC_TRACE_PROTECT, gfn, 1);
	if (!err)
		err = rd_tree_insert(&image_tree, gfn, &m, NULL, 0);
	if (err)
		return err;
	err = judge_area_page(&judge, id, gfn);
	if (err) {
		rd_tree_remove(&image_tree, gfn);
		image_hypercall(RD_HC_TRACE_UNPROTECT, gfn, 1);
	}
	return err;
}

static long add_pages(u64 n, u32 id)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < n; i++)
		err = guard_page(id, list[i]);
	if (!err)
		return n;
	return i > 1 ? (long)i - 1 : err;
}

static int guard_gdt(u64 gfn)
{
	static const struct rd_tree_mapping m = { .flags = RD_TREE_RODATA,
						  .action = MODE_LIST_DATA,
						  .tag = MODE_TAG_GDT };
	static const struct rd_tree_bytes fixed = { .len = MODE_GDT_BYTES, .tag = MODE_TAG_GDT };
	int err;

	if (!gfn || gfn >= image_setup.max_gfn)
		return -EINVAL;
	if (image_spare() < MODE_SPARE_MIN)
		return -ENOMEM;
	if (image_tree.ops->is_node(NULL, gfn))
		return -EEXIST;
	err = image_hypercall(RD_HC_TRACE_PROTECT, gfn, 1);
	return err ? err : rd_tree_insert(&image_tree, gfn, &m, &fixed, 1);
}

static long add_gdts(u64 n)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < n; i++)
		err = guard_gdt(list[i]);
	if (!err)
		return n;
	return i > 1 ? (long)i - 1 : err;
}

static long add_sites(u64 n, u32 id)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < n; i++)
		err = judge_area_site(&judge, id, (const struct judge_site *)list + i);
	return err;
}

static long add_probes(u64 n, u32 id)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < n; i++)
		err = judge_area_probe(&judge, id, (const struct judge_probe *)list + i);
	return err;
}

/* Unnamed first, then open to writes. */
static long remove_pages(u32 id, u64 n)
{
	u64 gfn;
	int err;

	if (id < MODE_AREA_FIRST)
		return -EPERM;
	for (; n && !judge_area_last(&judge, id, &gfn); n--) {
		err = rd_tree_remove(&image_tree, gfn);
		if (!err)
			err = image_hypercall(RD_HC_TRACE_UNPROTECT, gfn, 1);
		if (err)
			return err;
		judge_area_drop_last(&judge, id);
		if (!judge_area_pages(&judge, id))
			return 0;
	}
	if (!judge_area_pages(&judge, id))
		return judge_area_drop_last(&judge, id);
	return judge_area_pages(&judge, id);
}

/* What an element of the list has, of those operations that come with one; else 0. */
static u32 element_size(u64 op)
{
	switch (op) {
	case MODE_ADD_NODES:
	case MODE_ADD_GDTS:
	case MODE_AREA_PAGES:
		return sizeof(u64);
	case MODE_AREA_SITES:
		return sizeof(struct judge_site);
	case MODE_AREA_PROBES:
		return sizeof(struct judge_probe);
	default:
		return 0;
	}
}

static long edit(u64 op, u64 first, u64 second, u64 third)
{
	switch (op) {
	case MODE_ADD_NODES:
		return image_add_nodes(list, second);
	case MODE_AREA_OPEN:
		if (first > U32_MAX || third > 1)
			return -EINVAL;
		return judge_area_open(&judge, first, second, third);
	case MODE_AREA_PAGES:
		return add_pages(second, third);
	case MODE_AREA_SITES:
		return add_sites(second, third);
	case MODE_AREA_PROBES:
		return add_probes(second, third);
	case MODE_AREA_CLOSE:
		return judge_area_close(&judge, first);
	case MODE_AREA_REMOVE:
		return remove_pages(first, second);
	case MODE_SPARE:
		return image_spare();
	case MODE_ADD_GDTS:
		return add_gdts(second);
	default:
		return -EINVAL;
	}
}

static long asked(u64 op, u64 first, u64 second, u64 third)
{
	static bool tree_started;
	u32 size = element_size(op);
	long ret = 0;

	if (editing)
		return -EUCLEAN;
	/* An address that is no memory ends the mode: here, where nothing has begun yet. */
	if (size)
		ret = take_list(first, second, size);
	if (ret)
		return ret;
	set_editing(true);
	if (!tree_started) {
		ret = image_tree_start();
		tree_started = !ret;
	}
	if (!ret)
		ret = edit(op, first, second, third);
	set_editing(false);
	return ret;
}

void image_main(u64 op, u64 first, u64 second, u64 third)
{
	long ret = started ? 0 : start();

	if (!ret && op == RD_MODE_JUDGE)
		ret = judge_allows(&judge, first, second, third);
	else if (!ret)
		ret = asked(op, first, second, third);
	image_hypercall(RD_HC_MODE_LEAVE, ret, 0);
}
