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

/* --- the driver ------------------------------------------------------------------------------- */

#define DRIVER_GPA (REGION + 254 * PAGE + 128)

static struct rd_guest_driver_status want_of(uint32_t want, uint32_t allow, uint8_t last)
{
	return (struct rd_guest_driver_status){
		.driver = { .want = want, .allow = allow, .action = { RD_TRACE_LOG, last } },
	};
}

static struct rd_guest_driver_status driver_of(const struct rdt_vm *vm)
{
	struct rd_guest_driver_status s;

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_DRIVER, &s));
	return s;
}

static struct rd_guest_driver guards(void)
{
	return (struct rd_guest_driver){
		.version = RD_GUEST_VERSION, .state = RD_GUEST_GUARDS, .text_pages = 1,
		.rodata_pages = 2, .table_pages = 3, .module_pages = 4, .own_pages = 5,
		.want = 77, .allow = 77, .action = { 77 }, .reserved = { 77, 77 },
	};
}

/* As the driver in the guest does it: what it says goes in, what the host wants comes out. */
static int64_t call_driver(struct rdt_vm *vm, uint64_t gpa, struct rd_guest_driver *d)
{
	int64_t r;

	memcpy(rdt_gpa(vm, gpa), d, sizeof(*d));
	r = hypercall(vm, RD_HC_GUEST_DRIVER, gpa);
	memcpy(d, rdt_gpa(vm, gpa), sizeof(*d));
	return r;
}

/* Both learn what the other says, and neither writes the other's half. */
static void host_and_driver(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_driver_status w = want_of(1, RD_ALLOW_FTRACE, RD_TRACE_SKIP), s;
	struct rd_guest_driver d = guards(), said = guards();

	RDT_EQ(driver_of(vm).age_ns, ~0ull);
	RDT_EQ(driver_of(vm).driver.want, 0);
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_WANT, &w));
	s = driver_of(vm);
	RDT_EQ(s.age_ns, ~0ull);
	RDT_EQ(memcmp(&s.driver, &w.driver, sizeof(w.driver)), 0);
	RDT_EQ(call_driver(vm, DRIVER_GPA, &d), 0);
	RDT_EQ(memcmp(&d, &said, offsetof(struct rd_guest_driver, want)), 0);
	RDT_EQ(d.want, 1);
	RDT_EQ(d.allow, RD_ALLOW_FTRACE);
	RDT_EQ(memcmp(d.action, w.driver.action, sizeof(d.action)), 0);
	RDT_EQ(d.reserved[0] | d.reserved[1], 0);
	s = driver_of(vm);
	RDT_CHECK(s.age_ns < 60000000000ull);
	RDT_EQ(memcmp(&s.driver, &d, sizeof(d)), 0);
	w = want_of(0, 0, RD_TRACE_REFUSE);
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_WANT, &w));
	d = (struct rd_guest_driver){ .version = RD_GUEST_VERSION, .state = RD_GUEST_FAILED,
				      .error = -ENOMEM, .want = 1 };
	RDT_EQ(call_driver(vm, DRIVER_GPA, &d), 0);
	RDT_EQ(d.want, 0);
	s = driver_of(vm);
	RDT_EQ(s.driver.error, -ENOMEM);
	RDT_EQ(s.driver.state, RD_GUEST_FAILED);
	RDT_EQ(s.driver.text_pages, 0);
}

static void driver_before_the_host(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_driver d = guards();
	struct rd_guest_driver_status s;

	RDT_EQ(call_driver(vm, DRIVER_GPA, &d), 0);
	/* A driver that guards of its own accord has something to go by. */
	RDT_EQ(d.want, 0);
	RDT_EQ(d.allow, RD_ALLOW_ALL);
	RDT_EQ(d.action[0], RD_TRACE_LOG);
	RDT_EQ(d.action[1], RD_TRACE_REFUSE);
	s = driver_of(vm);
	RDT_CHECK(s.age_ns != ~0ull);
	usleep(20000);
	RDT_CHECK(driver_of(vm).age_ns >= s.age_ns + 20000000);
}

static void bad_wants(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_driver_status good = want_of(1, RD_ALLOW_ALL, RD_TRACE_REFUSE), w;
	static const struct {
		size_t at;
		uint8_t byte;
	} bad[] = {
		{ offsetof(struct rd_guest_driver_status, age_ns), 1 },
		{ offsetof(struct rd_guest_driver_status, driver.version), RD_GUEST_VERSION },
		{ offsetof(struct rd_guest_driver_status, driver.state), RD_GUEST_GUARDS },
		{ offsetof(struct rd_guest_driver_status, driver.error), 1 },
		{ offsetof(struct rd_guest_driver_status, driver.text_pages), 1 },
		{ offsetof(struct rd_guest_driver_status, driver.own_pages), 1 },
		{ offsetof(struct rd_guest_driver_status, driver.want), 2 },
		{ offsetof(struct rd_guest_driver_status, driver.allow), RD_ALLOW_ALL + 1 },
		{ offsetof(struct rd_guest_driver_status, driver.action[1]), RD_TRACE_ASK },
		{ offsetof(struct rd_guest_driver_status, driver.action[1]), RD_TRACE_NR_ACTIONS },
		{ offsetof(struct rd_guest_driver_status, driver.action[5]), RD_TRACE_LOG },
		{ offsetof(struct rd_guest_driver_status, driver.reserved), 1 },
		{ sizeof(good) - 1, 1 },
	};

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_WANT, &good));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		w = good;
		((uint8_t *)&w)[bad[i].at] = bad[i].byte;
		RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_WANT, &w), EINVAL);
	}
	w = driver_of(vm);
	RDT_EQ(memcmp(&w.driver, &good.driver, sizeof(w.driver)), 0);
}

static void bad_driver_calls(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_driver d = guards();
	struct rd_trace_range r = { .gpa = REGION + 20 * PAGE, .size = PAGE,
				    .action = { RD_TRACE_LOG, RD_TRACE_REFUSE } };

	RDT_EQ(hypercall(vm, RD_HC_GUEST_DRIVER, 0xfffffffff000), -EFAULT);
	RDT_EQ(hypercall(vm, RD_HC_GUEST_DRIVER, ~0ull - 8), -EFAULT);
	RDT_EQ(call_driver(vm, REGION + 10 * PAGE - sizeof(d) + 1, &d), -EFAULT);
	RDT_EQ(driver_of(vm).age_ns, ~0ull);
	RDT_EQ(call_driver(vm, REGION + 10 * PAGE - sizeof(d), &d), 0);
	/* The answer is a write like any other. */
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_ADD, &r));
	d = guards();
	RDT_EQ(call_driver(vm, r.gpa, &d), -EFAULT);
	RDT_EQ(d.want, 77);
	RDT_EQ(event(RD_HIT_MAPPING).flags, RD_EVENT_MODULE);
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
	{ "host_and_driver", host_and_driver },
	{ "driver_before_the_host", driver_before_the_host },
	{ "bad_wants", bad_wants },
	{ "bad_driver_calls", bad_driver_calls },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
