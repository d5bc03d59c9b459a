// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds what is handed over: the tree that names the kernel's pages, and the image with all that
 * the judge is to know.
 * Invariant: pages of a guest_build belong to it until it is handed over; then nobody frees them.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "image_layout.h"
#include "tools/guest/driver.h"

extern const u8 guest_image_start[];
extern const u64 guest_image_size;

/* Spare nodes for the first modules. */
#define SPARE 256
/* --- the tree --------------------------------------------------------------------------------- */

static void *node_memory(u64 node)
{
	return page_address(pfn_to_page(node));
}

static int read_node(void *ctx, u64 node, u32 offset, void *buf, u32 len)
{
	memcpy(buf, node_memory(node) + offset, len);
	return 0;
}

static int write_node(void *ctx, u64 node, u32 offset, const void *buf, u32 len)
{
	memcpy(node_memory(node) + offset, buf, len);
	return 0;
}

static int alloc_node(void *ctx, u64 *node)
{
	struct guest_build *b = ctx;
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return -ENOMEM;
	list_add_tail(&page->lru, &b->nodes);
	*node = page_to_pfn(page);
	return 0;
}

static void free_node(void *ctx, u64 node)
{
	struct page *page = pfn_to_page(node);

	list_del(&page->lru);
	__free_page(page);
}

/* Nobody else writes to nodes yet: what a node leads to is one. */
static bool is_node(void *ctx, u64 node)
{
	return pfn_valid(node);
}

static const struct rd_tree_ops tree_ops = {
	.read = read_node,
	.write = write_node,
	.alloc = alloc_node,
	.free = free_node,
	.is_node = is_node,
};

/* Low enough, and high enough for all memory of the guest. */
static u8 level_for(u64 pages)
{
	u8 level = 0;

	while (level < RD_TREE_LEVELS - 1 && pages >> ((level + 1) * RD_TREE_WAYS_SHIFT))
		level++;
	return level;
}

/* Pages of the kernel's own mapping, which lie in memory as they lie there. */
static int add_kernel(struct guest_build *b, unsigned long start, unsigned long end,
		      const struct rd_tree_mapping *m, u32 *count)
{
	unsigned long va;
	int err = 0;

	for (va = start & PAGE_MASK; !err && va < end; va += PAGE_SIZE) {
		err = rd_tree_insert(&b->tree, __pa(va) >> PAGE_SHIFT, m, NULL, 0);
		*count += !err;
		cond_resched();
	}
	return err;
}

static int add_gdts(struct guest_build *b, u32 *count)
{
	static const struct rd_tree_mapping m = { .flags = RD_TREE_RODATA,
						  .action = MODE_LIST_DATA,
						  .tag = MODE_TAG_GDT };
	static const struct rd_tree_bytes fixed = { 0, MODE_GDT_BYTES, MODE_TAG_GDT };
	int cpu, err;

	for_each_cpu(cpu, &guest_gdt_cpus)
	{
		err = rd_tree_insert(&b->tree, guest_gdt_pfn(cpu), &m, &fixed, 1);
		if (err)
			return err;
		++*count;
	}
	return 0;
}

int guest_build_tree(struct guest_build *b, struct rd_guest_driver *count, bool gdt)
{
	static const struct rd_tree_mapping text = { RD_TREE_CODE, MODE_LIST_CODE, MODE_TAG_TEXT };
	static const struct rd_tree_mapping rodata = { RD_TREE_RODATA, MODE_LIST_DATA,
						       MODE_TAG_RODATA };
	static const struct rd_tree_mapping idt = { RD_TREE_RODATA, MODE_LIST_DATA, MODE_TAG_IDT };
	const struct guest_symbols *s = &guest_sym;
	int err;

	INIT_LIST_HEAD(&b->nodes);
	rd_tree_init(&b->tree, &tree_ops, b, MODE_NODES_MAX - SPARE, false);
	b->tree.root_level = level_for(*guest_sym.max_pfn);
	err = add_kernel(b, s->text, s->etext, &text, &count->text_pages);
	if (!err)
		err = add_kernel(b, s->rodata, s->erodata, &rodata, &count->rodata_pages);
	if (!err)
		err = add_kernel(b, s->idt, s->idt + PAGE_SIZE, &idt, &count->table_pages);
	if (!err && gdt)
		err = add_gdts(b, &count->table_pages);
	return err;
}

/* --- the image -------------------------------------------------------------------------------- */

/* Where in the image the next table goes. */
struct layout {
	u32 next; /* page */
	u32 node, probe, site;
};

static u32 table_pages(u64 bytes)
{
	return DIV_ROUND_UP(bytes, PAGE_SIZE);
}

static u32 lay_out(struct layout *l, u64 bytes)
{
	u32 at = l->next;

	l->next += table_pages(bytes);
	return at;
}

static u64 image_address(u32 page)
{
	return RD_MODE_BASE + ((u64)page << PAGE_SHIFT);
}

static void *image_at(const struct guest_build *b, u32 page)
{
	return b->image + ((size_t)page << PAGE_SHIFT);
}

/* Pages of the tree, and more that it may grow into. */
static int list_nodes(struct guest_build *b, u64 *to)
{
	struct page *page;
	u64 node;
	u32 i = 0;

	list_for_each_entry (page, &b->nodes, lru)
		to[i++] = page_to_pfn(page);
	for (; i < b->tree.nodes + SPARE; i++) {
		if (alloc_node(b, &node))
			return -ENOMEM;
		to[i] = node;
	}
	return 0;
}

static void fill_core(struct judge_core *c, u32 sites, u32 allow)
{
	const struct guest_symbols *s = &guest_sym;

	c->text = s->text & PAGE_MASK;
	c->text_end = s->etext;
	c->text_gfn = __pa(c->text) >> PAGE_SHIFT;
	c->modules = MODULES_VADDR;
	c->modules_end = MODULES_END;
	c->ftrace_caller = s->ftrace_caller;
	c->ftrace_regs_caller = s->ftrace_regs_caller;
	c->allow = allow;
	c->sites = sites;
}

static int fill_image(struct guest_build *b, const struct layout *l,
		      const struct guest_sites *sites, const struct guest_probes *probes, u32 allow)
{
	struct mode_setup *s = image_at(b, IMAGE_CODE);

	memcpy(b->image, guest_image_start, guest_image_size);
	if (s->magic != MODE_MAGIC)
		return -EINVAL;
	s->root = b->tree.root;
	s->root_level = b->tree.root_level;
	s->max_gfn = *guest_sym.max_pfn;
	s->nodes = b->tree.nodes;
	s->spare = SPARE;
	s->probes = probes->n;
	s->vmcall = !boot_cpu_has(X86_FEATURE_VMMCALL);
	s->node_at = image_address(l->node);
	s->probe_at = image_address(l->probe);
	s->site_at = image_address(l->site);
	fill_core(&s->core, sites->n, allow);
	memcpy(image_at(b, l->probe), probes->probe, probes->n * sizeof(*probes->probe));
	memcpy(image_at(b, l->site), sites->site, sites->n * sizeof(*sites->site));
	return list_nodes(b, image_at(b, l->node));
}

static void fill_attach(struct guest_build *b)
{
	u32 i;

	for (i = 0; i < b->image_pages; i++)
		b->image_list[i] = vmalloc_to_pfn(image_at(b, i));
	b->attach->root = b->tree.root;
	b->attach->image = __pa(b->image_list) >> PAGE_SHIFT;
	b->attach->image_pages = b->image_pages;
	b->attach->image_code = IMAGE_CODE;
	b->attach->entry = 0;
}

int guest_build_image(struct guest_build *b, const struct guest_sites *sites,
		      const struct guest_probes *probes, u32 allow)
{
	struct layout l = { .next = IMAGE_PAGES };
	int err;

	BUILD_BUG_ON(IMAGE_PAGES + MODE_STACK_PAGES >= RD_MODE_MAX_PAGES);
	l.node = lay_out(&l, (b->tree.nodes + SPARE) * sizeof(u64));
	l.probe = lay_out(&l, probes->n * sizeof(*probes->probe));
	l.site = lay_out(&l, sites->n * sizeof(*sites->site));
	b->image_pages = l.next + MODE_STACK_PAGES;
	if (b->image_pages > RD_MODE_MAX_PAGES) {
		pr_err("the image is too large: %u pages, with %u places that are patched\n",
		       b->image_pages, sites->n);
		return -ENOSPC;
	}
	b->image = vzalloc((size_t)b->image_pages << PAGE_SHIFT);
	b->image_list = (void *)get_zeroed_page(GFP_KERNEL);
	b->attach = (void *)get_zeroed_page(GFP_KERNEL);
	if (!b->image || !b->image_list || !b->attach)
		return -ENOMEM;
	err = fill_image(b, &l, sites, probes, allow);
	if (!err)
		fill_attach(b);
	return err;
}

void guest_build_free(struct guest_build *b)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, &b->nodes, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	vfree(b->image);
	free_page((unsigned long)b->image_list);
	free_page((unsigned long)b->attach);
	b->image = NULL;
	b->image_list = NULL;
	b->attach = NULL;
}
