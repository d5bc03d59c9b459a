// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integrity mode: the image of a guest's driver does there what nobody else in the guest can do,
 * and nothing else. The image is tests/guest/mode_image.S, which does what it is told.
 */
#include <libgen.h>
#include <pthread.h>
#include <time.h>
#include "tests/selftests/tree/guest_tree.h"

/* Pages of the region: the image's list, code, data, stack, and pages that it may make nodes. */
enum { LIST = 200, CODE, DATA, STACK, SPARE = 210, IMAGE_PAGES = 3, LISTS_MODE = 3 };

#define CODE_LINEAR RD_MODE_BASE
#define DATA_LINEAR (RD_MODE_BASE + PAGE)
#define MEMORY(gpa) (RD_MODE_MEMORY + (gpa))

static uint64_t data_word(unsigned int i)
{
	return at(REGION + DATA * PAGE + i * 8);
}

static void load_image(struct rdt_vm *vm)
{
	char self[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	uint64_t pages[] = { GFN + CODE, GFN + DATA, GFN + STACK };
	FILE *f;

	RDT_CHECK(n > 0);
	self[n] = 0;
	snprintf(path, sizeof(path), "%s/../guest/mode.img", dirname(self));
	f = fopen(path, "r");
	RDT_CHECK(f != NULL);
	RDT_EQ(fread(rdt_gpa(vm, REGION + CODE * PAGE), PAGE, 2, f), 2);
	fclose(f);
	memset(rdt_gpa(vm, REGION + LIST * PAGE), 0, PAGE);
	memcpy(rdt_gpa(vm, REGION + LIST * PAGE), pages, sizeof(pages));
}

/* The list 3 asks the image. */
static struct rd_guest_attach attach_mode(void)
{
	struct rd_guest_attach a = attach_for(tree.root);

	a.nr_lists = LISTS_MODE;
	memcpy(a.list[2], (u8[]){ RD_TRACE_ASK, RD_TRACE_LOG, RD_TRACE_REFUSE }, 3);
	a.image = GFN + LIST;
	a.image_pages = IMAGE_PAGES;
	a.image_code = 1;
	return a;
}

static struct rdt_vm *with_image(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_attach a;

	for (unsigned int i = 10; i <= 100; i += 10)
		guard(GFN + i, i == 30 ? 3 : 1, i);
	a = attach_mode();
	load_image(vm);
	RDT_EQ(attach_with(vm, &a), 0);
	return vm;
}

static int64_t enter(struct rdt_vm *vm, uint64_t what, uint64_t a, uint64_t b, uint64_t c)
{
	vm->shared->args[3] = a;
	vm->shared->args[4] = b;
	vm->shared->args[5] = c;
	return hypercall(vm, RD_HC_TRACE_ENTER, what);
}

/* In the mode: a hypercall. */
static int64_t ask(struct rdt_vm *vm, uint64_t nr, uint64_t a, uint64_t b)
{
	return enter(vm, RDP_M_CALL, nr, a, b);
}

static void cut(struct rdt_vm *vm, uint8_t why, uint64_t what, uint64_t a, uint64_t b)
{
	struct rd_trace_event e;

	RDT_EQ(enter(vm, what, a, b, 0), -EIO);
	e = event(RD_HIT_MODE);
	RDT_EQ(e.code, why);
	RDT_EQ(e.decision, RD_TRACE_REFUSE);
	/* And it can be entered again. */
	RDT_EQ(enter(vm, RDP_M_SUM, 1, 2, 3), 6);
	rdt_no_event();
}

static void enters_and_leaves(void)
{
	struct rdt_vm *vm = with_image();

	RDT_EQ(enter(vm, RDP_M_SUM, 1000, 200, 30), 1230);
	RDT_EQ(enter(vm, RDP_M_STACK, 0, 0, 0), RD_MODE_BASE + IMAGE_PAGES * PAGE);
	RDT_EQ(enter(vm, RDP_M_UNKNOWN, 0, 0, 0), -EINVAL);
	RDT_EQ(enter(vm, RDP_M_READ, MEMORY(REGION + 20 * PAGE), 0, 0), at(REGION + 20 * PAGE));
	for (unsigned int i = 0; i < 1000; i++)
		RDT_EQ(enter(vm, RDP_M_SUM, i, i, i), 3 * i);
	RDT_EQ(rdt_trace_stats(vm).modes, 1004);
	RDT_EQ(rdt_trace_stats(vm).cut, 0);
	rdt_no_event();
}

/* Interrupts of the host come and go in it; those of the guest wait. */
static void goes_on_after_interrupts(void)
{
	struct rdt_vm *vm = with_image();
	struct timespec from, to;
	uint64_t n = 1 << 20, ms;

	do {
		n *= 2;
		clock_gettime(CLOCK_MONOTONIC, &from);
		RDT_EQ(enter(vm, RDP_M_COUNT, n, 0, 0), n);
		clock_gettime(CLOCK_MONOTONIC, &to);
		ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
	} while (ms < 200);
	RDT_EQ(enter(vm, RDP_M_STI, n, 0, 0), n);
	rdt_no_event();
}

static void what_ends_it(void)
{
	struct rdt_vm *vm = with_image();
	uint64_t other = MEMORY(REGION + 7 * PAGE);

	cut(vm, RD_MODE_FETCH, RDP_M_JUMP, DATA_LINEAR, 0);
	cut(vm, RD_MODE_FETCH, RDP_M_JUMP, other, 0);
	cut(vm, RD_MODE_FETCH, RDP_M_JUMP, MEMORY(REGION + CODE * PAGE), 0);
	cut(vm, RD_MODE_FETCH, RDP_M_JUMP, RDP_IMAGE_GPA, 0); /* where the guest's kernel lies */
	cut(vm, RD_MODE_FETCH, RDP_M_JUMP, 0x1234567890, 0);
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, other, 1);
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, MEMORY(REGION + 20 * PAGE), 1); /* guarded */
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, CODE_LINEAR + 64, 1);
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, MEMORY(REGION + CODE * PAGE), 1);
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, MEMORY(REGION + LIST * PAGE), 1);
	cut(vm, RD_MODE_READ, RDP_M_READ, MEMORY(0x3000000000), 0); /* no memory */
	cut(vm, RD_MODE_READ, RDP_M_READ, 0, 0);
	cut(vm, RD_MODE_INSN, RDP_M_CPUID, 0, 0);
	cut(vm, RD_MODE_EXCEPTION, RDP_M_UD, 0, 0);
	cut(vm, RD_MODE_EXCEPTION, RDP_M_SSE, 0, 0);
	cut(vm, RD_MODE_CALL, RDP_M_CALL, RD_HC_TRACE_DETACH, 0);
	cut(vm, RD_MODE_CALL, RDP_M_CALL, RD_HC_TRACE_ENTER, 0);
	cut(vm, RD_MODE_CALL, RDP_M_CALL, 11, 0);
	RDT_EQ(rdt_trace_stats(vm).cut, 18);
}

static void takes_too_long(void)
{
	struct rdt_vm *vm = with_image();

	cut(vm, RD_MODE_TIME, RDP_M_COUNT, 0, 0);
}

static void what_it_writes(void)
{
	struct rdt_vm *vm = with_image();
	uint64_t node = tree.root * PAGE + 4000, was = at(node);

	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 512, 77, 0), 77);
	RDT_EQ(data_word(64), 77);
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(REGION + DATA * PAGE + 512), 78, 0), 78);
	RDT_EQ(enter(vm, RDP_M_READ, DATA_LINEAR + 512, 0, 0), 78);
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(node), ~was, 0), ~was);
	RDT_EQ(at(node), ~was);
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(node), was, 0), was);
	rdt_no_event();
	/* While nobody else does. */
	refused(vm, node, RD_HIT_NODE);
	refused(vm, REGION + CODE * PAGE + 8, RD_HIT_NODE);
	refused(vm, REGION + DATA * PAGE + 8, RD_HIT_NODE);
	refused(vm, REGION + STACK * PAGE + 8, RD_HIT_NODE);
	refused(vm, REGION + LIST * PAGE + 8, RD_HIT_NODE);
}

/* Taking a page out of the tree, and putting one in: what the driver is for. */
static void changes_the_tree(void)
{
	struct rdt_vm *vm = with_image();
	struct rd_tree_hit hit;
	uint64_t entry, count, val;

	RDT_EQ(rd_tree_lookup(&tree, GFN + 20, &hit), RD_TREE_MAPPED);
	entry = hit.node * PAGE + RD_TREE_ENTRIES_AT + (GFN + 20) % 256 * 8;
	count = hit.node * PAGE;
	val = at(entry);
	/* One more page. */
	RDT_EQ(ask(vm, RD_HC_TRACE_PROTECT, GFN + 21, 1), 0);
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(count), at(count) + (1ull << 48), 0),
	       (int64_t)at(count));
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(entry + 8), val, 0), (int64_t)val);
	RDT_EQ(hypercall(vm, RD_HC_TRACE_QUERY, GFN + 21), RD_GUEST_GUARDED);
	refused(vm, REGION + 21 * PAGE, RD_HIT_MAPPING);
	/* One less. */
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(entry), 0, 0), 0);
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(count), at(count) - (1ull << 48), 0),
	       (int64_t)at(count));
	RDT_EQ(ask(vm, RD_HC_TRACE_UNPROTECT, GFN + 20, 1), 0);
	lands(vm, REGION + 20 * PAGE);
	refused(vm, REGION + 21 * PAGE, RD_HIT_MAPPING);
	refused(vm, REGION + 40 * PAGE, RD_HIT_MAPPING);
	/* The same request from outside. */
	RDT_EQ(hypercall(vm, RD_HC_TRACE_UNPROTECT, GFN + 40), -EPERM);
	RDT_EQ(event(RD_HIT_DENIED).code, RD_HC_TRACE_UNPROTECT - RD_HC_BASE);
	refused(vm, REGION + 40 * PAGE, RD_HIT_MAPPING);
	/* Pages whose entry has gone are stale. */
	RDT_EQ(ask(vm, RD_HC_TRACE_PROTECT, GFN + 22, 2), 0);
	lands(vm, REGION + 22 * PAGE);
	RDT_EQ(rdt_trace_stats(vm).stale, 1);
}

static void nodes_come_and_go(void)
{
	struct rdt_vm *vm = with_image();
	uint64_t spare = REGION + SPARE * PAGE;

	lands(vm, spare);
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, MEMORY(spare), 1);
	RDT_EQ(ask(vm, RD_HC_TRACE_NODE, GFN + SPARE, 0), 0);
	RDT_EQ(ask(vm, RD_HC_TRACE_NODE, GFN + SPARE, 0), -EEXIST);
	RDT_EQ(ask(vm, RD_HC_TRACE_NODE, GFN + 40, 0), -EBUSY);
	RDT_EQ(ask(vm, RD_HC_TRACE_NODE, 0x3000000, 0), -EFAULT);
	RDT_EQ(ask(vm, RD_HC_TRACE_NODE, ~0ull, 0), -EINVAL);
	RDT_EQ(enter(vm, RDP_M_WRITE, MEMORY(spare), 5, 0), 5);
	refused(vm, spare, RD_HIT_NODE);
	RDT_EQ(ask(vm, RD_HC_TRACE_ROOT, GFN + SPARE + 1, 0), -EINVAL);
	RDT_EQ(ask(vm, RD_HC_TRACE_DROP_NODE, GFN + DATA, 0), -ENOENT);
	RDT_EQ(ask(vm, RD_HC_TRACE_DROP_NODE, GFN + LIST, 0), -ENOENT);
	RDT_EQ(ask(vm, RD_HC_TRACE_DROP_NODE, tree.root, 0), -ENOENT);
	RDT_EQ(ask(vm, RD_HC_TRACE_DROP_NODE, GFN + SPARE, 0), 0);
	RDT_EQ(ask(vm, RD_HC_TRACE_DROP_NODE, GFN + SPARE, 0), -ENOENT);
	lands(vm, spare);
	cut(vm, RD_MODE_WRITE, RDP_M_WRITE, MEMORY(spare), 1);
	/* Without a root nothing is mapped, and what is stopped still is stale. */
	RDT_EQ(ask(vm, RD_HC_TRACE_ROOT, RD_GUEST_NO_TREE, 0), 0);
	lands(vm, REGION + 40 * PAGE);
	RDT_EQ(ask(vm, RD_HC_TRACE_ROOT, tree.root, 0), 0);
	refused(vm, REGION + 50 * PAGE, RD_HIT_MAPPING);
}

/* From outside, what only the image may ask. */
static void only_in_the_mode(void)
{
	static const uint64_t calls[] = { RD_HC_MODE_LEAVE, RD_HC_TRACE_PROTECT, RD_HC_TRACE_NODE,
					  RD_HC_TRACE_DROP_NODE, RD_HC_TRACE_ROOT };
	struct rdt_vm *vm = with_image();

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		RDT_EQ(hypercall(vm, calls[i], GFN + SPARE), -EPERM);
		RDT_EQ(event(RD_HIT_DENIED).code, calls[i] - RD_HC_BASE);
	}
	RDT_EQ(hypercall(vm, RD_HC_TRACE_ENTER, RD_MODE_JUDGE), -EINVAL);
	RDT_EQ(hypercall(vm, RD_HC_TRACE_ENTER, ~0ull), -EINVAL);
	rdt_no_event();
}

/* The driver is asked about a write, and what it says is done. */
static void judges_writes(void)
{
	struct rdt_vm *vm = with_image();
	uint64_t gpa = REGION + 30 * PAGE + 16;

	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 8 * RDP_MD_LET_GPA, gpa, 0), (int64_t)gpa);
	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 8 * RDP_MD_LET_BYTES, 0x1234, 0), 0x1234);
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, 0x1234), NONE);
	RDT_EQ(at(gpa), 0x1234);
	rdt_no_event(); /* nor is it told: that is what comes behind */
	RDT_EQ(data_word(RDP_MD_ASKED), 1);
	RDT_EQ(data_word(RDP_MD_GPA), gpa);
	RDT_EQ(data_word(RDP_MD_LEN), 8);
	RDT_EQ(data_word(RDP_MD_BYTES), 0x1234);
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, 0x1235), GP);
	RDT_EQ(at(gpa), 0x1234);
	RDT_EQ(event(RD_HIT_MAPPING).outcome[0], RD_TRACE_DONE);
	RDT_EQ(put(vm, RDP_W_QUAD, gpa + 8, 0x1234), GP);
	RDT_EQ(event(RD_HIT_MAPPING).gpa, gpa + 8);
	RDT_EQ(data_word(RDP_MD_ASKED), 3);
	/* Read, change, write: the bytes as they would be. */
	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 8 * RDP_MD_LET_BYTES, 0x1236, 0), 0x1236);
	RDT_EQ(put(vm, RDP_W_ADD, gpa, 2), NONE);
	RDT_EQ(at(gpa), 0x1236);
	RDT_EQ(put(vm, RDP_W_LOCK_ADD, gpa, 2), GP);
	RDT_EQ(event(RD_HIT_MAPPING).gpa, gpa);
	RDT_EQ(put(vm, RDP_W_EXCHANGE, gpa, 7), GP);
	RDT_EQ(event(RD_HIT_MAPPING).gpa, gpa);
	RDT_EQ(data_word(RDP_MD_ASKED), 6);
}

/* A write that lies in two pages is asked about twice, and lands as a whole or not at all. */
static void judges_both_pages(void)
{
	struct rdt_vm *vm = machine();
	uint64_t gpa = REGION + 31 * PAGE - 4, first = 0x11111111, second = 0x22222222;
	struct rd_guest_attach a;

	for (unsigned int i = 30; i <= 31; i++)
		guard(GFN + i, 3, i);
	a = attach_mode();
	load_image(vm);
	RDT_EQ(attach_with(vm, &a), 0);
	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 8 * RDP_MD_LET_GPA, gpa, 0), (int64_t)gpa);
	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 8 * RDP_MD_LET_BYTES, first, 0),
	       (int64_t)first);
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, second << 32 | first), GP);
	RDT_EQ(at(gpa), 0);
	RDT_EQ(event(RD_HIT_MAPPING).gpa, gpa + 4);
	RDT_EQ(data_word(RDP_MD_ASKED), 2);
	RDT_EQ(data_word(RDP_MD_LEN), 4);
	RDT_EQ(data_word(RDP_MD_BYTES), second);
	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 8 * RDP_MD_LET_ALL, 1, 0), 1);
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, second << 32 | first), NONE);
	RDT_EQ(at(gpa), second << 32 | first);
	RDT_EQ(data_word(RDP_MD_ASKED), 4);
	rdt_no_event();
}

/* Nobody is asked about what the driver could not look at. */
static void does_not_judge_blindly(void)
{
	struct rdt_vm *vm = with_image();
	uint64_t gpa = REGION + 30 * PAGE;
	struct rd_trace_range r = { .gpa = gpa, .size = 8 };

	RDT_EQ(put(vm, RDP_W_VECTOR, gpa, 0), GP); /* 16 bytes */
	RDT_EQ(event(RD_HIT_MAPPING).outcome[0], RD_TRACE_UNSUPPORTED);
	RDT_EQ(put(vm, RDP_W_FXSAVE, gpa, 0), GP);
	RDT_EQ(event(RD_HIT_MAPPING).outcome[0], RD_TRACE_UNSUPPORTED);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r), EPERM);
	RDT_EQ(event(RD_HIT_MAPPING).outcome[0], RD_TRACE_UNSUPPORTED);
	RDT_EQ(data_word(RDP_MD_ASKED), 0);
}

/* A list that asks, and no image. */
static void nobody_to_ask(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_attach a;

	guard(GFN + 30, 3, 0);
	a = attach_mode();
	a.image = a.image_pages = a.image_code = 0;
	RDT_EQ(attach_with(vm, &a), 0);
	RDT_EQ(put(vm, RDP_W_QUAD, REGION + 30 * PAGE, 1), GP);
	RDT_EQ(event(RD_HIT_MAPPING).outcome[0], RD_TRACE_UNSUPPORTED);
	RDT_EQ(enter(vm, RDP_M_SUM, 1, 2, 3), -ENOENT);
}

static void refuses(struct rdt_vm *vm, const struct rd_guest_attach *a, int64_t want)
{
	RDT_EQ(attach_with(vm, a), want);
	rdt_no_event();
	for (unsigned int i = 0; i < PAGES; i++)
		RDT_EQ(hypercall(vm, RD_HC_TRACE_QUERY, GFN + i), 0);
}

static void bad_images(void)
{
	struct rdt_vm *vm = machine();
	struct rd_guest_attach a, good;
	uint64_t *list;

	guard(GFN + 10, 1, 0);
	load_image(vm);
	list = rdt_gpa(vm, REGION + LIST * PAGE);
	good = attach_mode();
	a = good, a.image_pages = 1;
	refuses(vm, &a, -EINVAL);
	a = good, a.image_pages = RD_MODE_MAX_PAGES + 1;
	refuses(vm, &a, -EINVAL);
	a = good, a.image_pages = 4; /* the list names three: the fourth is page 0, of memory */
	list[3] = list[0];
	refuses(vm, &a, -EINVAL);
	list[3] = 0;
	a = good, a.image_pages = 2; /* it names more */
	refuses(vm, &a, -EINVAL);
	a = good, a.image_code = 0;
	refuses(vm, &a, -EINVAL);
	a = good, a.image_code = 3;
	refuses(vm, &a, -EINVAL);
	a = good, a.entry = PAGE;
	refuses(vm, &a, -EINVAL);
	a = good, a.pad = 1;
	refuses(vm, &a, -EINVAL);
	a = good, a.image = 0xfffffff;
	refuses(vm, &a, -EFAULT);
	a = good, a.image_pages = 0; /* nothing, but said how */
	refuses(vm, &a, -EINVAL);
	list[2] = tree.root; /* a node is not the image's */
	refuses(vm, &good, -EINVAL);
	list[2] = 0xfffffff;
	refuses(vm, &good, -EFAULT);
	list[2] = ~0ull;
	refuses(vm, &good, -EFAULT);
	list[2] = GFN + STACK;
	RDT_EQ(attach_with(vm, &good), 0);
	RDT_EQ(enter(vm, RDP_M_SUM, 1, 2, 3), 6);
}

/* The dirty log tells of what the image writes, too. */
static void dirty_log_sees_it(void)
{
	struct rdt_vm *vm = with_image();
	uint64_t bitmap[PAGES / 64] = { 0 };
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };
	struct kvm_userspace_memory_region r = {
		.slot = SLOT,
		.flags = KVM_MEM_LOG_DIRTY_PAGES,
		.guest_phys_addr = REGION,
		.memory_size = PAGES * PAGE,
		.userspace_addr = (uintptr_t)region,
	};

	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 512, 1, 0), 1);
	RDT_OK(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
	for (unsigned int i = 0; i < 3; i++) {
		RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 512, i, 0), i);
		RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		RDT_EQ(bitmap[DATA / 64] >> DATA % 64 & 1, 1);
		RDT_EQ(bitmap[CODE / 64] >> CODE % 64 & 1, 0);
		RDT_EQ(enter(vm, RDP_M_READ, DATA_LINEAR + 512, 0, 0), i);
		RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		RDT_EQ(bitmap[DATA / 64] >> DATA % 64 & 1, 0);
	}
}

/* Its pages may move in the host. */
static void host_moves_its_pages(void)
{
	struct rdt_vm *vm = with_image();

	for (unsigned int i = 0; i < 20; i++) {
		uint8_t *page = region + DATA * PAGE, copy[PAGE];

		RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 512, i, 0), i);
		memcpy(copy, page, PAGE);
		RDT_CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
		memcpy(page, copy, PAGE);
		RDT_EQ(enter(vm, RDP_M_READ, DATA_LINEAR + 512, 0, 0), i);
	}
}

static void carried_to_another_machine(void)
{
	struct rdt_vm *vm = with_image(), *other;
	struct rd_guest_attach a;
	uint8_t *from = region;

	RDT_EQ(enter(vm, RDP_M_WRITE, DATA_LINEAR + 512, 77, 0), 77);
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_GET_GUEST, &a));
	RDT_EQ(a.image, GFN + LIST);
	other = rdt_payload_vm("trace", "writes");
	region = rdt_slot_new(other, SLOT, REGION, PAGES * PAGE, 0, false);
	memcpy(region, from, PAGES * PAGE);
	RDT_OK(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a));
	rdt_events_open(other);
	RDT_EQ(rdt_until_sync(other->vcpu[0]), 1);
	RDT_EQ(enter(other, RDP_M_READ, DATA_LINEAR + 512, 0, 0), 77);
	refused(other, REGION + DATA * PAGE + 512, RD_HIT_NODE);
	a.root = RD_GUEST_NO_TREE;
	RDT_OK(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a));
	RDT_EQ(enter(other, RDP_M_READ, DATA_LINEAR + 512, 0, 0), -ENOENT);
	lands(other, REGION + DATA * PAGE + 512);
	/* And once more. */
	a.root = tree.root;
	RDT_OK(ioctl(other->fd, RD_VM_TRACE_SET_GUEST, &a));
	RDT_EQ(enter(other, RDP_M_SUM, 1, 2, 3), 6);
}

/* --- four processors --- */

enum { STORM_PAGES = 24 };

struct storm {
	struct rdt_vm *vm;
	int seconds;
	uint64_t refused;
};

static void take_events(struct storm *s)
{
	struct rd_trace_event e;

	while (rdt_event_next(&e)) {
		RDT_EQ(e.hit, RD_HIT_MAPPING);
		RDT_EQ(e.decision, RD_TRACE_REFUSE);
		s->refused++;
	}
}

/* Meanwhile the host ends the log of dirty pages and begins it again. */
static void *disturb(void *arg)
{
	struct kvm_userspace_memory_region r = {
		.slot = SLOT,
		.guest_phys_addr = REGION,
		.memory_size = PAGES * PAGE,
		.userspace_addr = (uintptr_t)region,
	};
	struct storm *s = arg;
	time_t end = time(NULL) + s->seconds;

	while (time(NULL) < end) {
		r.flags ^= KVM_MEM_LOG_DIRTY_PAGES;
		RDT_OK(ioctl(s->vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
		take_events(s);
		usleep(3000);
	}
	s->vm->shared->args[3] = 1;
	return NULL;
}

/*
 * All write to pages that the driver is asked about, to pages that are refused and to others, and
 * enter the mode in between. Every word holds exactly what landed. --seconds N makes it longer.
 */
static void storm(void)
{
	struct rdt_vm *vm = rdt_payload_vm("trace", "storms");
	const char *seconds = rdt_option("seconds");
	struct storm s = { .vm = vm, .seconds = seconds ? atoi(seconds) : 4 };
	uint64_t landed = 0, stopped = 0, tries = 0;
	struct rd_guest_attach a;
	struct rd_trace_stats st;
	pthread_t t;

	if (rdt_is_stock())
		rdt_skip("stock KVM has no write traces");
	use_region(vm);
	for (unsigned int i = 0; i < 16; i++)
		guard(GFN + i, i < 8 ? 3 : 1, i);
	a = attach_mode();
	load_image(vm);
	((uint64_t *)rdt_gpa(vm, REGION + DATA * PAGE))[RDP_MD_LET_ALL] = 1;
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_SET_GUEST, &a));
	vm->shared->args[1] = REGION;
	vm->shared->args[2] = STORM_PAGES;
	vm->shared->args[4] = 1;
	rdt_start_others(vm);
	RDT_EQ(pthread_create(&t, NULL, disturb, &s), 0);
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 2);
	pthread_join(t, NULL);
	take_events(&s);
	st = rdt_trace_stats(vm);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		for (unsigned int page = 0; page < STORM_PAGES; page++)
			landed += at(REGION + page * PAGE + cpu * 8);
		stopped += vm->shared->results[cpu];
		tries += vm->shared->results[4 + cpu];
	}
	RDT_EQ(landed + stopped, tries);
	RDT_EQ(st.refused, stopped);
	RDT_EQ(s.refused + st.lost, stopped);
	RDT_EQ(st.cut, 0);
	RDT_EQ(st.corrupt, 0);
	RDT_EQ(data_word(RDP_MD_ASKED), st.allowed);
	RDT_CHECK(st.allowed > 0 && stopped > 0 && st.stale > 0);
	RDT_CHECK(st.modes > st.allowed);
	rdt_note("%llu writes, %llu refused, %llu judged, %llu stays, %llu stale",
		 (unsigned long long)tries, (unsigned long long)stopped,
		 (unsigned long long)st.allowed, (unsigned long long)st.modes,
		 (unsigned long long)st.stale);
}

static const struct rdt_test tests[] = {
	{ "enters_and_leaves", enters_and_leaves },
	{ "goes_on_after_interrupts", goes_on_after_interrupts },
	{ "what_ends_it", what_ends_it },
	{ "takes_too_long", takes_too_long },
	{ "what_it_writes", what_it_writes },
	{ "changes_the_tree", changes_the_tree },
	{ "nodes_come_and_go", nodes_come_and_go },
	{ "only_in_the_mode", only_in_the_mode },
	{ "judges_writes", judges_writes },
	{ "judges_both_pages", judges_both_pages },
	{ "does_not_judge_blindly", does_not_judge_blindly },
	{ "nobody_to_ask", nobody_to_ask },
	{ "bad_images", bad_images },
	{ "dirty_log_sees_it", dirty_log_sees_it },
	{ "host_moves_its_pages", host_moves_its_pages },
	{ "carried_to_another_machine", carried_to_another_machine },
	{ "storm", storm, 60 },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
