// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine with a trace tree in its own memory, for the tests of it.
 * Invariant: as in guest_tree.h.
 */
#include "tests/selftests/tree/guest_tree.h"

uint8_t *region;
struct rd_tree tree;
static unsigned int nodes_used;

/* --- the tree, in pages of the region from FIRST_NODE on --- */

void *node_at(uint64_t node, uint32_t offset)
{
	if (node < GFN + FIRST_NODE || node >= GFN + PAGES)
		rdt_fail("node 0x%llx", (unsigned long long)node);
	return region + (node - GFN) * PAGE + offset;
}

static int node_read(void *ctx, u64 node, u32 offset, void *buf, u32 len)
{
	(void)ctx;
	memcpy(buf, node_at(node, offset), len);
	return 0;
}

static int node_write(void *ctx, u64 node, u32 offset, const void *buf, u32 len)
{
	(void)ctx;
	memcpy(node_at(node, offset), buf, len);
	return 0;
}

static int node_alloc(void *ctx, u64 *node)
{
	(void)ctx;
	*node = GFN + FIRST_NODE + nodes_used++;
	return nodes_used > PAGES - FIRST_NODE ? -ENOSPC : 0;
}

static void node_free(void *ctx, u64 node)
{
	(void)ctx;
	memset(node_at(node, 0), 0, PAGE);
}

static bool is_node(void *ctx, u64 node)
{
	(void)ctx;
	return node >= GFN + FIRST_NODE && node < GFN + FIRST_NODE + nodes_used;
}

static const struct rd_tree_ops ops = { node_read, node_write, node_alloc, node_free, is_node };

void guard(uint64_t gfn, u8 list, u16 tag)
{
	struct rd_tree_mapping m = { .action = list, .tag = tag };

	RDT_EQ(rd_tree_insert(&tree, gfn, &m, NULL, 0), 0);
}

/* --- the machine --- */

bool open_nodes(void)
{
	return rdt_option("open-nodes") != NULL;
}

struct rdt_vm *machine(void)
{
	struct rdt_vm *vm = rdt_payload_vm("trace", "writes");

	if (rdt_is_stock())
		rdt_skip("stock KVM has no write traces");
	region = rdt_slot_new(vm, SLOT, REGION, PAGES * PAGE, 0, false);
	nodes_used = 0;
	rd_tree_init(&tree, &ops, NULL, PAGES, false);
	rdt_events_open(vm);
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	return vm;
}

uint64_t put(struct rdt_vm *vm, uint64_t kind, uint64_t gpa, uint64_t value)
{
	vm->shared->args[0] = kind;
	vm->shared->args[1] = gpa;
	vm->shared->args[2] = value;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	return vm->shared->results[0];
}

int64_t hypercall(struct rdt_vm *vm, uint64_t nr, uint64_t arg)
{
	RDT_EQ(put(vm, RDP_W_HYPERCALL, arg, nr), NONE);
	return vm->shared->results[2];
}

struct rd_guest_attach attach_for(uint64_t root)
{
	return (struct rd_guest_attach){
		.root = root,
		.nr_lists = LISTS,
		.node_action = { RD_TRACE_LOG, RD_TRACE_REFUSE },
		.list = { { RD_TRACE_LOG, RD_TRACE_REFUSE }, { RD_TRACE_LOG, RD_TRACE_ALLOW } },
	};
}

int64_t attach_with(struct rdt_vm *vm, const struct rd_guest_attach *a)
{
	memcpy(rdt_gpa(vm, ATTACH_GPA), a, sizeof(*a));
	return hypercall(vm, RD_HC_TRACE_ATTACH, ATTACH_GPA);
}

int64_t attach(struct rdt_vm *vm)
{
	struct rd_guest_attach a = attach_for(tree.root);
	int64_t r = attach_with(vm, &a);

	memset(rdt_gpa(vm, ATTACH_GPA), 0, sizeof(a));
	return r;
}

uint64_t at(uint64_t gpa)
{
	uint64_t v;

	memcpy(&v, region + (gpa - REGION), sizeof(v));
	return v;
}

struct rd_trace_event event(uint8_t hit)
{
	struct rd_trace_event e = rdt_event();

	RDT_EQ(e.hit, hit);
	return e;
}

/* Refused, told as a hit of this kind, and not done. */
void refused(struct rdt_vm *vm, uint64_t gpa, uint8_t hit)
{
	uint64_t was = at(gpa);
	struct rd_trace_event e;

	RDT_EQ(put(vm, RDP_W_QUAD, gpa, ~was), GP);
	RDT_EQ(at(gpa), was);
	e = event(hit);
	RDT_EQ(e.gpa, gpa);
	RDT_EQ(e.rip, vm->shared->results[1]);
	RDT_EQ(e.decision, RD_TRACE_REFUSE);
	RDT_EQ(*(uint64_t *)e.old_bytes, was);
	RDT_EQ(*(uint64_t *)e.new_bytes, ~was);
}

void lands(struct rdt_vm *vm, uint64_t gpa)
{
	uint64_t want = ~at(gpa);

	RDT_EQ(put(vm, RDP_W_QUAD, gpa, want), NONE);
	RDT_EQ(at(gpa), want);
	rdt_no_event();
}

/* Pages 10, 20, ... 100 of the region, and one of the first ones, so that there are more levels. */
struct rdt_vm *guarded(void)
{
	struct rdt_vm *vm = machine();

	for (unsigned int i = 10; i <= 100; i += 10)
		guard(GFN + i, 1 + i / 10 % 2, i);
	guard(RDP_RAM_MIN / PAGE - 1, 1, 1);
	RDT_EQ(attach(vm), 0);
	return vm;
}
