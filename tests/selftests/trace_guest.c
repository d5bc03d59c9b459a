// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace tree in a guest's own memory: what is in it is guarded, the tree guards itself, and
 * nobody in the guest can end that. The tree is built here, in the guest's memory, as a driver in
 * the guest would build it. With --open-nodes the module must be one that leaves the nodes open
 * (tests/rig/module --open-nodes): then the same attack goes unnoticed.
 */
#include "tests/selftests/tree/guest_tree.h"

/* --- tests --- */

static void what_the_tree_names(void)
{
	struct rdt_vm *vm = machine();

	for (unsigned int i = 10; i <= 100; i += 10)
		guard(GFN + i, 1 + i / 10 % 2, i);
	lands(vm, REGION + 20 * PAGE); /* not yet */
	RDT_EQ(hypercall(vm, RD_HC_INFO, 0), RD_GUEST_VERSION);
	RDT_EQ(attach(vm), 0);
	for (unsigned int i = 1; i <= 110; i++) {
		uint64_t gpa = REGION + i * PAGE + i * 8;
		int64_t q = hypercall(vm, RD_HC_TRACE_QUERY, GFN + i);

		RDT_EQ(q, i % 10 || i > 100 ? 0 : RD_GUEST_GUARDED);
		if (!q) {
			lands(vm, gpa);
		} else if (i / 10 % 2) { /* list 2: told and allowed */
			RDT_EQ(put(vm, RDP_W_QUAD, gpa, i), NONE);
			RDT_EQ(at(gpa), i);
			RDT_EQ(event(RD_HIT_MAPPING).tag, i);
		} else {
			refused(vm, gpa, RD_HIT_MAPPING);
		}
	}
	rdt_no_event();
	RDT_EQ(hypercall(vm, RD_HC_TRACE_QUERY, tree.root), open_nodes() ? 0 : RD_GUEST_NODE);
	RDT_EQ(hypercall(vm, RD_HC_TRACE_QUERY, ~0ull), 0);
}

/* The base, an interior and a leaf node; what they name stays guarded. */
static void nodes_are_guarded(void)
{
	struct rdt_vm *vm = guarded();

	RDT_CHECK(tree.nodes >= 3);
	for (unsigned int i = 0; i < tree.nodes; i++) {
		uint64_t gpa = REGION + (FIRST_NODE + i) * PAGE;

		RDT_EQ(hypercall(vm, RD_HC_TRACE_QUERY, gpa / PAGE), RD_GUEST_NODE);
		refused(vm, gpa, RD_HIT_NODE);
		refused(vm, gpa + 2048 + 8 * (i % 256), RD_HIT_NODE);
		refused(vm, gpa + PAGE - 8, RD_HIT_NODE);
		refused(vm, REGION + 20 * PAGE, RD_HIT_MAPPING);
	}
	RDT_EQ(rdt_trace_stats(vm).node, 3 * tree.nodes);
	RDT_EQ(rdt_trace_stats(vm).corrupt, 0);
	lands(vm, REGION + (FIRST_NODE + tree.nodes) * PAGE);
}

/* Where in its leaf the entry of a page lies. */
static uint64_t entry_of(uint64_t gfn)
{
	struct rd_tree_hit hit;

	RDT_EQ(rd_tree_lookup(&tree, gfn, &hit), RD_TREE_MAPPED);
	return hit.node * PAGE + 2048 + gfn % 256 * 8;
}

/*
 * Somebody in the guest first takes the page out of the tree, then writes to it. Told at the first
 * step, and still at the second. Without the nodes' own traces nobody notices.
 */
static void attack(void)
{
	struct rdt_vm *vm = guarded();
	uint64_t entry = entry_of(GFN + 20), page = REGION + 20 * PAGE;

	if (!open_nodes()) {
		RDT_EQ(put(vm, RDP_W_QUAD, entry, 0), GP);
		RDT_CHECK(at(entry) != 0);
		RDT_EQ(event(RD_HIT_NODE).gpa, entry);
		refused(vm, page, RD_HIT_MAPPING);
		return;
	}
	RDT_EQ(put(vm, RDP_W_QUAD, entry, 0), NONE);
	RDT_EQ(at(entry), 0);
	rdt_no_event();
	lands(vm, page);
	RDT_EQ(rdt_trace_stats(vm).stale, 1);
	refused(vm, REGION + 40 * PAGE, RD_HIT_MAPPING); /* which is still in the tree */
}

/* The number of the root's page, or its address, is nowhere but in the root itself. */
static void root_is_not_in_the_guest(void)
{
	struct rdt_vm *vm = guarded();
	uint64_t self = tree.root * PAGE + offsetof(struct rd_tree_header, self), v;

	for (int i = 0; i < vm->slot_count; i++) {
		const struct rdt_slot *s = &vm->slots[i];

		for (uint64_t off = 0; off < s->size; off += 8) {
			memcpy(&v, s->host + off, 8);
			if ((v == tree.root || v == tree.root * PAGE) && s->gpa + off != self)
				rdt_fail("the root is at 0x%llx",
					 (unsigned long long)(s->gpa + off));
		}
	}
}

static void requests_are_denied(void)
{
	static const uint64_t calls[] = { RD_HC_TRACE_UNPROTECT, RD_HC_TRACE_DETACH };
	struct rdt_vm *vm = guarded();
	struct rd_guest_attach a = attach_for(GFN + 7);
	struct rd_trace_event e;

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		RDT_EQ(hypercall(vm, calls[i], GFN + 20), -EPERM);
		e = event(RD_HIT_DENIED);
		RDT_EQ(e.code, calls[i] - RD_HC_BASE);
		RDT_EQ(e.gpa, REGION + 20 * PAGE);
		RDT_EQ(e.cr3, RDP_PML4_GPA);
		refused(vm, REGION + 20 * PAGE, RD_HIT_MAPPING);
	}
	RDT_EQ(attach_with(vm, &a), -EEXIST);
	RDT_EQ(event(RD_HIT_DENIED).code, RD_HC_TRACE_ATTACH - RD_HC_BASE);
	refused(vm, REGION + 20 * PAGE, RD_HIT_MAPPING);
	RDT_EQ(rdt_trace_stats(vm).denied, 3);
	RDT_EQ(hypercall(vm, RD_HC_BASE + RD_HC_COUNT, 0), -1000);
	rdt_no_event();
}

/* The module's own pen: where the guest lets it write, and where it sets accessed bits. */
static void module_does_not_write_nodes(void)
{
	struct rdt_vm *vm = guarded();
	uint64_t node = REGION + FIRST_NODE * PAGE, was = at(node + 64);
	struct rd_trace_event e;

	RDT_EQ(put(vm, RDP_W_MSR, node + 64, 0x4b564d00ull << 32), NONE);
	RDT_EQ(at(node + 64), was);
	e = event(RD_HIT_NODE);
	RDT_EQ(e.flags, RD_EVENT_MODULE);
}

/* --- trees that are refused --- */

static void refuses(struct rdt_vm *vm, struct rd_guest_attach *a, int64_t want, u8 why)
{
	RDT_EQ(attach_with(vm, a), want);
	if (want == -EUCLEAN)
		RDT_EQ(event(RD_HIT_CORRUPT).code, why);
	rdt_no_event();
	/* And nothing of it has stayed. */
	for (unsigned int i = 0; i < PAGES; i++)
		RDT_EQ(hypercall(vm, RD_HC_TRACE_QUERY, GFN + i), 0);
}

static void damaged_trees(void)
{
	static const struct {
		uint32_t off;
		uint64_t value;
		u8 why;
	} damage[] = {
		{ 0, 0, RD_TREE_BAD_MAGIC },
		{ offsetof(struct rd_tree_header, first), 5, RD_TREE_BAD_FIRST },
		{ offsetof(struct rd_tree_header, self), GFN, RD_TREE_BAD_SELF },
		{ offsetof(struct rd_tree_header, reserved), 1, RD_TREE_BAD_BITS },
		{ 2048 + 200 * 8, RD_TREE_PRESENT | 1ull << 63, RD_TREE_BAD_BITS },
	};
	struct rdt_vm *vm = machine();
	struct rd_guest_attach a;
	uint64_t was;

	for (unsigned int i = 10; i <= 100; i += 10)
		guard(GFN + i, 1, i);
	a = attach_for(tree.root);
	for (unsigned int i = 0; i < ARRAY_SIZE(damage); i++) {
		void *p = node_at(tree.root, damage[i].off);

		memcpy(&was, p, 8);
		memcpy(p, &damage[i].value, 8);
		refuses(vm, &a, -EUCLEAN, damage[i].why);
		memcpy(p, &was, 8);
	}
	a.root = 0xfffffff; /* no memory */
	refuses(vm, &a, -EUCLEAN, RD_TREE_UNREADABLE);
	a.root = tree.root;
	RDT_EQ(attach_with(vm, &a), 0);
}

static void bad_requests(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_attach a, good;

	guard(GFN + 10, 2, 0);
	good = attach_for(tree.root);
	a = good, a.flags = 1;
	refuses(vm, &a, -EINVAL, 0);
	a = good, a.nr_lists = RD_GUEST_LISTS + 1;
	refuses(vm, &a, -EINVAL, 0);
	a = good, a.nr_lists = 1; /* there is a mapping with list 2 */
	refuses(vm, &a, -EINVAL, 0);
	a = good, a.list[1][0] = RD_TRACE_NR_ACTIONS;
	refuses(vm, &a, -EINVAL, 0);
	a = good, a.node_action[5] = RD_TRACE_LOG;
	refuses(vm, &a, -EINVAL, 0);
	a = good, a.root = 1ull << 40;
	refuses(vm, &a, -EINVAL, 0);
	RDT_EQ(hypercall(vm, RD_HC_TRACE_ATTACH, 0xfffffffff000), -EFAULT);
	guard(GFN + PAGES, 1, 0); /* behind the memory */
	a = attach_for(tree.root);
	refuses(vm, &a, -EFAULT, 0);
	RDT_EQ(rd_tree_remove(&tree, GFN + PAGES), 0);
	good.root = tree.root;
	RDT_EQ(attach_with(vm, &good), 0);
}

/* --- the VMM's side --- */

/* Another machine with the same memory: guarded before its first instruction. */
static void carried_to_another_machine(void)
{
	struct rdt_vm *vm = guarded(), *other;
	struct rd_guest_attach a, b;
	uint8_t *from = region;

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_GET_GUEST, &a));
	RDT_EQ(a.root, tree.root);
	other = rdt_payload_vm("trace", "writes");
	region = rdt_slot_new(other, SLOT, REGION, PAGES * PAGE, 0, false);
	RDT_ERRNO(ioctl(other->fd, RD_VM_TRACE_GET_GUEST, &b), ENOENT);
	RDT_ERRNO(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a), EUCLEAN); /* memory is not there */
	memcpy(region, from, PAGES * PAGE);
	RDT_OK(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a));
	RDT_ERRNO(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a), EEXIST);
	rdt_events_open(other);
	RDT_EQ(rdt_until_sync(other->vcpu[0]), 1);
	refused(other, REGION + 20 * PAGE, RD_HIT_MAPPING);
	refused(other, tree.root * PAGE, RD_HIT_NODE);
	a.root = RD_GUEST_NO_TREE;
	RDT_OK(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a));
	lands(other, tree.root * PAGE);
	lands(other, REGION + 20 * PAGE);
	RDT_ERRNO(ioctl(other->fd, RD_VM_TRACE_GET_GUEST, &b), ENOENT);
}

/* A VMM that serves traces is told, because its devices have to ask from then on. */
static void vmm_is_told(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_attach a;
	const struct rd_trace_exit *x = (const void *)vm->vcpu[0]->run->padding;
	struct rd_trace_range r = { .gpa = REGION + 20 * PAGE, .size = 8 };

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_SERVE, 0));
	guard(GFN + 20, 1, 1);
	a = attach_for(tree.root);
	memcpy(rdt_gpa(vm, ATTACH_GPA), &a, sizeof(a));
	vm->shared->args[0] = RDP_W_HYPERCALL;
	vm->shared->args[1] = ATTACH_GPA;
	vm->shared->args[2] = RD_HC_TRACE_ATTACH;
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r));
	rdt_until_exit(vm->vcpu[0], RD_EXIT_TRACE);
	RDT_EQ(x->action, RD_TRACE_NONE);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r), EPERM);
	RDT_EQ(event(RD_HIT_MAPPING).flags, RD_EVENT_VMM);
	r.gpa = tree.root * PAGE;
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r), EPERM);
	RDT_EQ(event(RD_HIT_NODE).flags, RD_EVENT_VMM);
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	RDT_EQ(vm->shared->results[2], 0);
	refused(vm, REGION + 20 * PAGE, RD_HIT_MAPPING);
}

/* A page that host and guest both guard: the stricter list. */
static void with_traces_of_the_host(void)
{
	struct rdt_vm *vm = guarded();
	struct rd_trace_range r = { .size = PAGE, .tag = 99,
				    .action = { RD_TRACE_LOG, RD_TRACE_REFUSE } };

	r.gpa = REGION + 10 * PAGE; /* the guest: told and allowed */
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_ADD, &r));
	RDT_EQ(put(vm, RDP_W_QUAD, r.gpa, 1), GP);
	RDT_EQ(event(RD_HIT_MAPPING).tag, 99);
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r));
	RDT_EQ(put(vm, RDP_W_QUAD, r.gpa, 1), NONE);
	RDT_EQ(event(RD_HIT_MAPPING).tag, 10);
	r.gpa = REGION + 20 * PAGE; /* the guest: refused */
	r.action[1] = RD_TRACE_ALLOW;
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_ADD, &r));
	RDT_EQ(put(vm, RDP_W_QUAD, r.gpa, 1), GP);
	RDT_EQ(event(RD_HIT_MAPPING).tag, 20);
	rdt_no_event();
}

static const struct rdt_test tests[] = {
	{ "what_the_tree_names", what_the_tree_names },
	{ "nodes_are_guarded", nodes_are_guarded },
	{ "attack", attack },
	{ "root_is_not_in_the_guest", root_is_not_in_the_guest },
	{ "requests_are_denied", requests_are_denied },
	{ "module_does_not_write_nodes", module_does_not_write_nodes },
	{ "damaged_trees", damaged_trees },
	{ "bad_requests", bad_requests },
	{ "carried_to_another_machine", carried_to_another_machine },
	{ "vmm_is_told", vmm_is_told },
	{ "with_traces_of_the_host", with_traces_of_the_host },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
