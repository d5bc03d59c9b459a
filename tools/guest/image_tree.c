// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree, in integrity mode: how its nodes are read and written, and the pages that it can grow
 * into.
 * Invariant: a page is a node if and only if it is in `known`, and those are what the hypervisor
 * keeps away from everybody else. Spare pages are in everybody's reach: nothing in one is relied on
 * before it has become a node.
 */
#include "tools/guest/image.h"

struct rd_tree image_tree;

static u64 known_key[2 * MODE_NODES_MAX];
static u32 known_value[2 * MODE_NODES_MAX];
static struct guest_map known = {
	.key = known_key,
	.value = known_value,
	.mask = 2 * MODE_NODES_MAX - 1,
};

/* Pages that may become nodes, a queue: what has just left the tree is used again last. */
static u64 spare[MODE_NODES_MAX];
static u32 first_spare, nr_spare;

static void put_spare(u64 gfn)
{
	spare[(first_spare + nr_spare++) % MODE_NODES_MAX] = gfn;
}

u32 image_spare(void)
{
	return nr_spare;
}

static int read_node(void *ctx, u64 node, u32 offset, void *buf, u32 len)
{
	const volatile u64 *from = image_memory((node << RD_PAGE_SHIFT) + offset);
	u64 *to = buf;

	(void)ctx;
	for (; len; len -= sizeof(*to))
		*to++ = *from++;
	return 0;
}

static int write_node(void *ctx, u64 node, u32 offset, const void *buf, u32 len)
{
	volatile u64 *to = image_memory((node << RD_PAGE_SHIFT) + offset);
	const u64 *from = buf;

	(void)ctx;
	for (; len; len -= sizeof(*to))
		*to++ = *from++;
	return 0;
}

static bool take_spare(u64 *gfn)
{
	if (!nr_spare)
		return false;
	*gfn = spare[first_spare];
	first_spare = (first_spare + 1) % MODE_NODES_MAX;
	nr_spare--;
	return true;
}

static int alloc_node(void *ctx, u64 *node)
{
	volatile u64 *word;
	u32 i;

	(void)ctx;
	/* Whoever gave us a page that is guarded, or a node, or no memory, gave us nothing. */
	do {
		if (known.used == MODE_NODES_MAX || !take_spare(node))
			return -ENOMEM;
	} while (image_hypercall(RD_HC_TRACE_NODE, *node, 0));
	guest_map_put(&known, *node, 0);
	word = image_memory(*node << RD_PAGE_SHIFT);
	for (i = 0; i < RD_PAGE_SIZE / sizeof(*word); i++)
		word[i] = 0;
	return 0;
}

static void free_node(void *ctx, u64 node)
{
	(void)ctx;
	guest_map_remove(&known, node);
	image_hypercall(RD_HC_TRACE_DROP_NODE, node, 0);
	put_spare(node);
}

static bool is_node(void *ctx, u64 page)
{
	(void)ctx;
	return guest_map_has(&known, page);
}

static const struct rd_tree_ops ops = {
	.read = read_node,
	.write = write_node,
	.alloc = alloc_node,
	.free = free_node,
	.is_node = is_node,
};

static int add_spare(u64 gfn)
{
	if (!gfn || gfn >= image_setup.max_gfn)
		return -EINVAL;
	if (nr_spare + known.used >= MODE_NODES_MAX)
		return -ENOSPC;
	put_spare(gfn);
	return 0;
}

long image_add_nodes(const u64 *gfn, u32 n)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < n; i++)
		err = add_spare(gfn[i]);
	return err ? err : (long)nr_spare;
}

int image_tree_start(void)
{
	const struct mode_setup *s = &image_setup;
	const u64 *gfn = (const u64 *)s->node_at;
	int err = 0;
	u32 i;

	rd_tree_init(&image_tree, &ops, NULL, MODE_NODES_MAX, true);
	image_tree.root = s->root;
	image_tree.root_level = s->root_level;
	image_tree.nodes = s->nodes;
	for (i = 0; !err && i < s->nodes; i++)
		err = guest_map_put(&known, gfn[i], 0);
	for (; !err && i < s->nodes + s->spare; i++)
		err = add_spare(gfn[i]);
	return err;
}
