// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that the host's tree of traces lies in (K).
 * Invariant: a node is a page of the module's own that carries its VM's mark, named by its frame
 * number; one that has left the tree stays as it is until every reader has gone.
 */
#include <linux/mm.h>
#include "vmm/trace.h"
#include "vmm/vm.h"

/* 256 MiB: what pages need that lie far apart, as many as there are nodes. */
#define MAX_NODES (1U << 16)

static bool is_node(void *ctx, u64 node)
{
	return pfn_valid(node) && page_private(pfn_to_page(node)) == (unsigned long)ctx;
}

static u64 *words_of(u64 node, u32 offset)
{
	return page_address(pfn_to_page(node)) + offset;
}

static int node_read(void *ctx, u64 node, u32 offset, void *buf, u32 len)
{
	const u64 *from = words_of(node, offset);
	u64 *to = buf;

	for (; len; len -= sizeof(*to))
		*to++ = READ_ONCE(*from++);
	return 0;
}

static int node_write(void *ctx, u64 node, u32 offset, const void *buf, u32 len)
{
	u64 *to = words_of(node, offset);
	const u64 *from = buf;

	for (; len; len -= sizeof(*to))
		smp_store_release(to++, *from++);
	return 0;
}

static int node_alloc(void *ctx, u64 *node)
{
	struct rd_trace *t = ctx;
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return -ENOMEM;
	set_page_private(page, (unsigned long)ctx);
	list_add(&page->lru, &t->nodes);
	*node = page_to_pfn(page);
	return 0;
}

static void node_free(void *ctx, u64 node)
{
	struct rd_trace *t = ctx;

	list_move(&pfn_to_page(node)->lru, &t->limbo);
}

static const struct rd_tree_ops node_ops = {
	.read = node_read,
	.write = node_write,
	.alloc = node_alloc,
	.free = node_free,
	.is_node = is_node,
};

static void free_pages_of(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		set_page_private(page, 0);
		__free_page(page);
	}
}

void rd_trace_unlock(struct rd_vm *vm)
{
	struct rd_trace *t = vm->trace;
	LIST_HEAD(pages);

	list_splice_init(&t->limbo, &pages);
	mutex_unlock(&t->lock);
	if (list_empty(&pages))
		return;
	rd_vm_sync(vm);
	free_pages_of(&pages);
}

void rd_trace_tree_init(struct rd_trace *t)
{
	INIT_LIST_HEAD(&t->nodes);
	INIT_LIST_HEAD(&t->limbo);
	rd_tree_init(&t->tree, &node_ops, t, MAX_NODES, false);
}

void rd_trace_tree_destroy(struct rd_trace *t)
{
	free_pages_of(&t->nodes);
	free_pages_of(&t->limbo);
}
