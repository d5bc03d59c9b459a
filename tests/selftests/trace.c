// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write traces that the host installs: what is told about a write, what becomes of it, and what
 * never happens. Every test that shows a write stopped has its control: without the trace the same
 * write lands and nothing is told.
 */
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "tests/selftests/lib/load.h"
#include "tests/selftests/lib/traces.h"

enum { PAGE = 4096, SLOT = 3, NONE = 0x100, UD = 6, DF = 8, GP = 13 };
#define REGION 0x10000000ull

static int events = -1;
static uint8_t *region;

static struct rdt_vm *machine_on(uint64_t pages, uint32_t flags, bool huge)
{
	struct rdt_vm *vm = rdt_payload_vm("trace", "writes");

	if (rdt_is_stock())
		rdt_skip("stock KVM has no write traces");
	region = rdt_slot_new(vm, SLOT, REGION, pages * PAGE, flags, huge);
	events = rdt_events_open(vm);
	return vm;
}

static struct rdt_vm *machine(uint64_t pages)
{
	return machine_on(pages, 0, false);
}

/* --- traces and events --- */

static struct rd_trace_range range(uint64_t gpa, uint64_t size, const char *actions)
{
	static const char letters[] = ".laRksSiNK"; /* in the order of enum rd_trace_action */
	struct rd_trace_range r = { .gpa = gpa, .size = size, .tag = 7 };

	for (int i = 0; actions && actions[i]; i++)
		r.action[i] = strchr(letters, actions[i]) - letters;
	return r;
}

static void trace(struct rdt_vm *vm, uint64_t gpa, uint64_t size, const char *actions)
{
	struct rd_trace_range r = range(gpa, size, actions);

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_ADD, &r));
}

static void untrace(struct rdt_vm *vm, uint64_t gpa, uint64_t size)
{
	struct rd_trace_range r = range(gpa, size, NULL);

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r));
}

/* --- the guest --- */

static void begin(struct rdt_vm *vm, uint64_t kind, uint64_t gpa, uint64_t value)
{
	vm->shared->args[0] = kind;
	vm->shared->args[1] = gpa;
	vm->shared->args[2] = value;
}

/* Let the guest carry it out: the exception it took. */
static uint64_t end(struct rdt_vm *vm)
{
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	return vm->shared->results[0];
}

static uint64_t put(struct rdt_vm *vm, uint64_t kind, uint64_t gpa, uint64_t value)
{
	begin(vm, kind, gpa, value);
	return end(vm);
}

/* To the first SYNC, after which the guest waits for orders. */
static void boot(struct rdt_vm *vm)
{
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
}

static uint64_t at(uint64_t gpa)
{
	uint64_t v;

	memcpy(&v, region + (gpa - REGION), sizeof(v));
	return v;
}

/* --- tests --- */

static void each_page_alerts(void)
{
	enum { PAGES = 600 };
	struct rdt_vm *vm = machine(PAGES);

	boot(vm);
	for (uint64_t i = 0; i < PAGES; i += 7)
		trace(vm, REGION + i * PAGE, PAGE, "lR");
	RDT_EQ(rdt_trace_stats(vm).pages, (PAGES + 6) / 7);
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t gpa = REGION + i * PAGE + i * 8 % 4088;
		bool traced = i % 7 == 0;
		struct rd_trace_event e;

		RDT_EQ(put(vm, RDP_W_QUAD, gpa, 0x1234 + i), traced ? GP : NONE);
		RDT_EQ(at(gpa), traced ? 0 : 0x1234 + i);
		if (!traced)
			continue;
		e = rdt_event();
		RDT_EQ(e.hit, RD_HIT_MAPPING);
		RDT_EQ(e.gpa, gpa);
		RDT_EQ(e.linear, gpa);
		RDT_EQ(e.len, 8);
		RDT_EQ(e.rip, vm->shared->results[1]);
		RDT_EQ(e.cr3, RDP_PML4_GPA);
		RDT_EQ(e.vcpu, 0);
		RDT_EQ(e.tag, 7);
		RDT_EQ(e.flags, 0);
		RDT_EQ(e.decision, RD_TRACE_REFUSE);
		RDT_EQ(e.outcome[0], RD_TRACE_DONE);
		RDT_EQ(e.outcome[1], RD_TRACE_DONE);
		RDT_EQ(e.outcome[2], RD_TRACE_NOT_RUN);
		RDT_EQ(*(uint64_t *)e.new_bytes, 0x1234 + i);
		RDT_EQ(*(uint64_t *)e.old_bytes, 0);
		RDT_EQ(e.seq, i / 7 + 1);
	}
	rdt_no_event();
	RDT_EQ(rdt_trace_stats(vm).refused, (PAGES + 6) / 7);
	untrace(vm, REGION, PAGES * PAGE);
	RDT_EQ(rdt_trace_stats(vm).pages, 0);
	for (uint64_t i = 0; i < PAGES; i += 7)
		RDT_EQ(put(vm, RDP_W_QUAD, REGION + i * PAGE, i), NONE);
	rdt_no_event();
}

static void million_other_writes(void)
{
	struct rdt_vm *vm = machine(64);
	struct rd_trace_stats s;

	boot(vm);
	trace(vm, REGION, PAGE, "lR");
	trace(vm, REGION + 63 * PAGE, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_MILLION, REGION + PAGE, 62), NONE);
	rdt_no_event();
	s = rdt_trace_stats(vm);
	RDT_EQ(s.traps, 0);
}

static void log_and_allow(void)
{
	struct rdt_vm *vm = machine(4);
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION, PAGE, "la");
	for (uint64_t i = 1; i < 20; i++) {
		RDT_EQ(put(vm, RDP_W_QUAD, REGION + 16, i), NONE);
		RDT_EQ(at(REGION + 16), i);
		e = rdt_event();
		RDT_EQ(e.decision, RD_TRACE_ALLOW);
		RDT_EQ(*(uint64_t *)e.old_bytes, i - 1);
		RDT_EQ(*(uint64_t *)e.new_bytes, i);
	}
	rdt_no_event();
	RDT_EQ(rdt_trace_stats(vm).allowed, 19);
}

/* The instruction goes on as if it had written. */
static void skip(void)
{
	struct rdt_vm *vm = machine(4);

	boot(vm);
	trace(vm, REGION, PAGE, "k");
	RDT_EQ(put(vm, RDP_W_QUAD, REGION + 16, 5), NONE);
	RDT_EQ(put(vm, RDP_W_EXCHANGE, REGION + 16, 5), NONE);
	RDT_EQ(at(REGION + 16), 0);
	rdt_no_event(); /* the list does not say so */
	RDT_EQ(rdt_trace_stats(vm).skipped, 2);
}

static void bytes_of_a_page(void)
{
	struct rdt_vm *vm = machine(4);
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION + 100, 8, "lR");
	trace(vm, REGION + 200, 1, "lR");
	for (uint64_t off = 80; off < 220; off++) {
		uint64_t gpa = REGION + off;
		bool hit = (off + 8 > 100 && off < 108) || (off + 8 > 200 && off < 201);

		RDT_EQ(put(vm, RDP_W_QUAD, gpa, ~0ull), hit ? GP : NONE);
		if (!hit)
			continue;
		e = rdt_event();
		RDT_EQ(e.gpa, gpa);
		RDT_EQ(e.len, 8);
	}
	rdt_no_event();
	RDT_EQ(at(REGION + 100), 0);
	RDT_CHECK(rdt_trace_stats(vm).beside > 0);
	untrace(vm, REGION + 100, 8);
	RDT_EQ(put(vm, RDP_W_QUAD, REGION + 100, 9), NONE);
	RDT_EQ(put(vm, RDP_W_BYTE, REGION + 200, 9), GP);
	untrace(vm, REGION + 200, 1);
	RDT_EQ(put(vm, RDP_W_BYTE, REGION + 200, 9), NONE);
	RDT_EQ(rdt_trace_stats(vm).pages, 0);
}

/* Every way to write: refused it leaves all as it was, allowed it does what it does. */
static void every_kind_of_write(void)
{
	static const struct {
		uint64_t kind, len, value, result, zero;
	} kinds[] = {
		{ RDP_W_BYTE, 1, 0x11, 0x11 },
		{ RDP_W_LONG, 4, 0x22222222, 0x22222222 },
		{ RDP_W_QUAD, 8, 0x3333333333333333, 0x3333333333333333 },
		{ RDP_W_ADD, 8, 0x44, 0x44 },
		{ RDP_W_LOCK_ADD, 8, 0x55, 0x55 },
		{ RDP_W_EXCHANGE, 8, 0x66, 0x66 },
		{ RDP_W_PUSH, 8, 0x77, 0x77 },
		{ RDP_W_STRING, 1, 0x88, 0x8888888888888888 },
		{ RDP_W_VECTOR, 16, 0, 0 },
	};
	struct rdt_vm *vm = machine(4);
	/* The frame of the #GP that a push gets goes to the page before. */
	uint64_t gpa = REGION + PAGE;

	boot(vm);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct rd_trace_event e;

		memset(region + PAGE, 0, PAGE);
		trace(vm, gpa, PAGE, "lR");
		RDT_EQ(put(vm, kinds[i].kind, gpa, kinds[i].value), GP);
		RDT_EQ(at(gpa), 0);
		e = rdt_event();
		RDT_EQ(e.gpa, gpa);
		RDT_EQ(e.len, kinds[i].len);
		RDT_EQ(e.rip, vm->shared->results[1]);
		RDT_EQ(memcmp(e.new_bytes, &kinds[i].result, kinds[i].len), 0);
		rdt_no_event();
		untrace(vm, gpa, PAGE);

		trace(vm, gpa, PAGE, "la");
		RDT_EQ(put(vm, kinds[i].kind, gpa, kinds[i].value), NONE);
		RDT_EQ(at(gpa), kinds[i].result);
		for (int n = kinds[i].kind == RDP_W_STRING ? 64 : 1; n--;)
			rdt_event();
		rdt_no_event();
		untrace(vm, gpa, PAGE);
	}
}

/* The emulator does not know FXSAVE: stopped without the bytes, allowed by a single step. */
static void instruction_not_emulated(void)
{
	struct rdt_vm *vm = machine(4);
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_FXSAVE, REGION, 0), GP);
	RDT_EQ(at(REGION), 0);
	e = rdt_event();
	RDT_EQ(e.flags, RD_EVENT_BLIND);
	RDT_EQ(e.len, 0);
	RDT_EQ(e.gpa & ~(PAGE - 1ull), REGION);
	RDT_EQ(e.rip, vm->shared->results[1]);
	RDT_EQ(e.decision, RD_TRACE_REFUSE);
	RDT_EQ(rdt_trace_stats(vm).blind, 1);
	untrace(vm, REGION, PAGE);
	RDT_EQ(put(vm, RDP_W_FXSAVE, REGION, 0), NONE);
	RDT_CHECK(at(REGION) != 0);
	rdt_no_event();
}

/* Bytes that an event of a single step tells, against the page before and after. */
static void check_change(const struct rd_trace_event *e, const uint8_t *before, uint64_t page)
{
	const uint8_t *after = region + page * PAGE;
	uint64_t off = e->gpa - REGION - page * PAGE;

	RDT_EQ(e->flags, RD_EVENT_BLIND);
	RDT_EQ(e->decision, RD_TRACE_ALLOW);
	RDT_CHECK(e->len > 0 && off + e->len <= PAGE);
	RDT_EQ(memcmp(before, after, off), 0);
	RDT_EQ(memcmp(before + off + e->len, after + off + e->len, PAGE - off - e->len), 0);
	RDT_CHECK(before[off] != after[off]);
	RDT_EQ(memcmp(e->old_bytes, before + off, e->len < 32 ? e->len : 32), 0);
	RDT_EQ(memcmp(e->new_bytes, after + off, e->len < 32 ? e->len : 32), 0);
}

static void instruction_by_single_step(void)
{
	struct rdt_vm *vm = machine(4);
	static uint8_t before[PAGE];
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION, 2 * PAGE, "la");
	for (int i = 0; i < 20; i++) {
		memset(region, i, 2 * PAGE);
		memset(before, i, PAGE);
		RDT_EQ(put(vm, RDP_W_FXSAVE, REGION + 64, 0), NONE);
		e = rdt_event();
		RDT_EQ(e.rip, vm->shared->results[1]);
		check_change(&e, before, 0);
		rdt_no_event();
		/* It is closed again. */
		RDT_EQ(put(vm, RDP_W_QUAD, REGION, 5), NONE);
		RDT_EQ(rdt_event().flags, 0);
	}
	/* Over the edge: a page that is not traced, one that is, and two that are. */
	untrace(vm, REGION, PAGE);
	memset(region, 0x5a, 2 * PAGE);
	memset(before, 0x5a, PAGE);
	RDT_EQ(put(vm, RDP_W_FXSAVE, REGION + PAGE - 256, 0), NONE);
	e = rdt_event();
	check_change(&e, before, 1);
	rdt_no_event();
	trace(vm, REGION, PAGE, "la");
	memset(region, 0x5a, 2 * PAGE);
	RDT_EQ(put(vm, RDP_W_FXSAVE, REGION + PAGE - 256, 0), NONE);
	for (uint64_t page = 0; page < 2; page++) {
		e = rdt_event();
		check_change(&e, before, (e.gpa - REGION) / PAGE);
	}
	rdt_no_event();
	RDT_EQ(rdt_trace_stats(vm).blind, rdt_trace_stats(vm).allowed - 20);
}

/* Into a page that is traced from one that is not: both or neither. */
static void across_pages(void)
{
	struct rdt_vm *vm = machine(4);
	uint64_t gpa = REGION + PAGE - 4;
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION + PAGE, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, ~0ull), GP);
	RDT_EQ(at(gpa), 0);
	e = rdt_event();
	RDT_EQ(e.gpa, REGION + PAGE);
	RDT_EQ(e.linear, REGION + PAGE);
	RDT_EQ(e.len, 4);
	untrace(vm, REGION + PAGE, PAGE);

	trace(vm, REGION, PAGE, "la");
	trace(vm, REGION + PAGE, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, ~0ull), GP);
	RDT_EQ(at(gpa), 0);
	RDT_EQ(rdt_event().gpa, REGION + PAGE); /* of the first half nothing happened */
	rdt_no_event();
	untrace(vm, REGION + PAGE, PAGE);
	trace(vm, REGION + PAGE, PAGE, "la");
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, 0x1122334455667788), NONE);
	RDT_EQ(at(gpa), 0x1122334455667788);
	RDT_EQ(rdt_event().gpa, gpa);
	RDT_EQ(rdt_event().gpa, REGION + PAGE);
	rdt_no_event();
}

static const struct rd_trace_exit *until_trace_exit(struct rdt_vm *vm)
{
	rdt_until_exit(vm->vcpu[0], RD_EXIT_TRACE);
	return (const void *)vm->vcpu[0]->run->padding;
}

static void answer(struct rdt_vm *vm, uint32_t outcome)
{
	((struct rd_trace_exit *)vm->vcpu[0]->run->padding)->outcome = outcome;
}

/* The VMM's actions come one by one, before the write, and their outcomes are in the event. */
static void actions_of_the_vmm(void)
{
	struct rdt_vm *vm = machine(4);
	const struct rd_trace_exit *x;
	struct rd_trace_event e;

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_SERVE, 0));
	boot(vm);
	trace(vm, REGION, PAGE, "sSliNa");
	begin(vm, RDP_W_QUAD, REGION + 8, 0x99);
	x = until_trace_exit(vm);
	RDT_EQ(x->action, RD_TRACE_SUSPEND);
	RDT_EQ(x->event.gpa, REGION + 8);
	RDT_EQ(*(uint64_t *)x->event.new_bytes, 0x99);
	RDT_EQ(at(REGION + 8), 0);
	rdt_no_event();
	RDT_EQ(until_trace_exit(vm)->action, RD_TRACE_SNAPSHOT);
	answer(vm, RD_TRACE_UNSUPPORTED);
	RDT_EQ(until_trace_exit(vm)->action, RD_TRACE_ISOLATE);
	answer(vm, RD_TRACE_FAILED);
	RDT_EQ(until_trace_exit(vm)->action, RD_TRACE_NOTIFY);
	answer(vm, 12345);
	RDT_EQ(at(REGION + 8), 0);
	RDT_EQ(end(vm), NONE);
	RDT_EQ(at(REGION + 8), 0x99);
	e = rdt_event();
	RDT_EQ(e.outcome[0], RD_TRACE_DONE);
	RDT_EQ(e.outcome[1], RD_TRACE_UNSUPPORTED);
	RDT_EQ(e.outcome[2], RD_TRACE_DONE);
	RDT_EQ(e.outcome[3], RD_TRACE_FAILED);
	RDT_EQ(e.outcome[4], RD_TRACE_FAILED);
	RDT_EQ(e.outcome[5], RD_TRACE_DONE);
	rdt_no_event();
	RDT_EQ(rdt_trace_stats(vm).traps, 1);
}

/* A VMM that has not heard of traces stops; the others of its actions it is not asked for. */
static void vmm_without_traces(void)
{
	struct rdt_vm *vm = machine(4);
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION, PAGE, "lNsR");
	begin(vm, RDP_W_QUAD, REGION + 8, 0x99);
	rdt_until_exit(vm->vcpu[0], KVM_EXIT_INTERNAL_ERROR);
	RDT_EQ(vm->vcpu[0]->run->internal.suberror, RD_EXIT_TRACE);
	RDT_EQ(at(REGION + 8), 0);
	RDT_EQ(end(vm), GP);
	e = rdt_event();
	RDT_EQ(e.outcome[1], RD_TRACE_UNSUPPORTED);
	RDT_EQ(e.outcome[2], RD_TRACE_DONE);
	RDT_EQ(e.outcome[3], RD_TRACE_DONE);
	RDT_EQ(at(REGION + 8), 0);
}

/*
 * The first half of a write was allowed when the second was refused: that must not count any more
 * when the same instruction writes there under other traces.
 */
static void nothing_is_left_of_a_decision(void)
{
	struct rdt_vm *vm = machine(4);
	uint64_t gpa = REGION + PAGE - 4;

	boot(vm);
	trace(vm, REGION, PAGE, "la");
	trace(vm, REGION + PAGE, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, ~0ull), GP);
	RDT_EQ(rdt_event().gpa, REGION + PAGE);
	untrace(vm, REGION, 2 * PAGE);
	trace(vm, REGION, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_QUAD, gpa, ~0ull), GP);
	RDT_EQ(rdt_event().gpa, gpa);
	RDT_EQ(at(gpa), 0);
	rdt_no_event();
}

static void kill(void)
{
	struct rdt_vm *vm = machine(4);
	struct pollfd p = { .events = POLLIN };
	struct rd_trace_event e;

	boot(vm);
	p.fd = events;
	trace(vm, REGION, PAGE, "lK");
	begin(vm, RDP_W_QUAD, REGION + 8, 0x99);
	RDT_ERRNO(rdt_run_once(vm->vcpu[0]), EIO);
	RDT_EQ(at(REGION + 8), 0);
	RDT_EQ(poll(&p, 1, 0), 1);
	RDT_EQ(p.revents, POLLIN | POLLHUP);
	e = rdt_event();
	RDT_EQ(e.decision, RD_TRACE_REFUSE);
	RDT_EQ(e.outcome[1], RD_TRACE_DONE);
	RDT_EQ(read(events, &e, sizeof(e)), 0);
	RDT_ERRNO(rdt_run_once(vm->vcpu[0]), EIO);
}

static void events_file(void)
{
	struct rdt_vm *vm = machine(4);
	struct pollfd p = { .events = POLLIN };
	struct rd_trace_event e[4];
	int second;

	boot(vm);
	p.fd = events;
	trace(vm, REGION, PAGE, "lR");
	RDT_EQ(poll(&p, 1, 0), 0);
	RDT_ERRNO(read(events, e, sizeof(e[0]) - 1), EINVAL);
	RDT_ERRNO(read(events, e, sizeof(e)), EAGAIN);
	for (int i = 0; i < RD_TRACE_RING + 5; i++)
		RDT_EQ(put(vm, RDP_W_BYTE, REGION + i % PAGE, i), GP);
	RDT_EQ(poll(&p, 1, 0), 1);
	RDT_ERRNO(read(events, RDT_BAD_PTR, sizeof(e)), EFAULT);
	second = RDT_OK(ioctl(vm->fd, RD_VM_TRACE_EVENTS, 0));
	RDT_OK(fcntl(second, F_SETFL, O_NONBLOCK));
	RDT_ERRNO(read(second, e, sizeof(e)), EAGAIN); /* from now on */
	RDT_EQ(read(events, e, sizeof(e) - 1), 3 * sizeof(e[0]));
	/* Five fell out at the other end, and one was lost to the bad address. */
	RDT_CHECK(e[0].seq == 6 || e[0].seq == 7);
	RDT_EQ(e[1].seq, e[0].seq + 1);
	RDT_EQ(e[1].flags & RD_EVENT_LOST, 0);
	RDT_EQ(rdt_trace_stats(vm).lost, 5);
	RDT_EQ(put(vm, RDP_W_BYTE, REGION, 1), GP);
	RDT_EQ(read(second, e, sizeof(e)), sizeof(e[0]));
	RDT_EQ(e[0].seq, RD_TRACE_RING + 6);
	close(second);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_EVENTS, 1), EINVAL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_SERVE, 1), EINVAL);
}

static void add_fails(struct rdt_vm *vm, struct rd_trace_range r, int want)
{
	if (ioctl(vm->fd, RD_VM_TRACE_ADD, &r) == 0 || errno != want)
		rdt_fail("0x%llx+0x%llx: %s, want %s", (unsigned long long)r.gpa,
			 (unsigned long long)r.size, strerror(errno), strerror(want));
}

static void bad_ranges(void)
{
	struct rdt_vm *vm = machine(16);
	struct rd_trace_range r = range(REGION, PAGE, "l");

	add_fails(vm, range(REGION, 0, "l"), EINVAL);
	add_fails(vm, range(~0ull, 2, "l"), EINVAL);
	add_fails(vm, range(0, ~0ull, "l"), EINVAL);
	add_fails(vm, range(1ull << 52, PAGE, "l"), EINVAL);
	r.action[1] = RD_TRACE_NR_ACTIONS;
	add_fails(vm, r, EINVAL);
	r.action[1] = 0;
	r.action[2] = RD_TRACE_LOG;
	add_fails(vm, r, EINVAL);
	r.action[2] = 0;
	r.flags = 1;
	add_fails(vm, r, EINVAL);
	r.flags = 0;
	r.pad = 1;
	add_fails(vm, r, EINVAL);
	r.pad = 0;
	r.reserved = 1;
	add_fails(vm, r, EINVAL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_ADD, RDT_BAD_PTR), EFAULT);
	RDT_EQ(rdt_trace_stats(vm).pages, 0);

	trace(vm, REGION + 4 * PAGE, 4 * PAGE, "lR");
	add_fails(vm, range(REGION + 2 * PAGE, 4 * PAGE, "lR"), EEXIST);
	RDT_EQ(rdt_trace_stats(vm).pages, 4); /* nothing of it has stayed */
	add_fails(vm, range(REGION + 3 * PAGE + 8, PAGE, "lR"), EEXIST);
	RDT_EQ(rdt_trace_stats(vm).pages, 4);
	trace(vm, REGION + 8, 8, "lR");
	add_fails(vm, range(REGION + 12, 8, "lR"), EEXIST);
	add_fails(vm, range(REGION + 16, 8, "la"), EEXIST);
	trace(vm, REGION + 16, 8, "lR");

	r = range(REGION + 5 * PAGE, 8, NULL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r), EINVAL);
	r = range(REGION + 12, 20, NULL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r), EINVAL);
	r = range(REGION + 24, 8, NULL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r), ENOENT);
	r = range(0, 0, NULL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r), EINVAL);
	untrace(vm, REGION + 5 * PAGE, PAGE);
	RDT_EQ(rdt_trace_stats(vm).pages, 4);
	untrace(vm, REGION, 16 * PAGE);
	RDT_EQ(rdt_trace_stats(vm).pages, 0);
	RDT_EQ(rdt_trace_stats(vm).nodes, 0);
	r = range(REGION, 16 * PAGE, NULL);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_REMOVE, &r), ENOENT);
	r.gpa = 0;
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_NEXT, &r), ENOENT);
}

static void listing(void)
{
	static const struct {
		uint64_t gpa, size;
		const char *actions;
	} want[] = {
		{ 0x5000, 0x3000, "lR" },
		{ 0x8000, 0x1000, "la" },
		{ 0x9010, 0x8, "la" },
		{ 0x9020, 0x10, "la" },
		{ 0x100000000, 0x100000, "lR" },
		{ 0xfffffffff000, 0x1000, "K" },
	};
	struct rdt_vm *vm = machine(1);
	struct rd_trace_range r = { 0 };

	for (unsigned int i = ARRAY_SIZE(want); i--;)
		trace(vm, want[i].gpa, want[i].size, want[i].actions);
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		struct rd_trace_range w = range(want[i].gpa, want[i].size, want[i].actions);

		RDT_OK(ioctl(vm->fd, RD_VM_TRACE_NEXT, &r));
		RDT_EQ(memcmp(&r, &w, sizeof(r)), 0);
		r.gpa += r.size;
	}
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_NEXT, &r), ENOENT);
	RDT_EQ(rdt_trace_stats(vm).pages, 3 + 1 + 1 + 256 + 1);
}

/* One page of a large one: its neighbours cost nothing, and the large page comes back. */
static void large_pages(void)
{
	struct rdt_vm *vm = machine_on(1024, 0, true);
	int64_t large, small;

	memset(region, 0, 1024 * PAGE);
	boot(vm);
	RDT_EQ(put(vm, RDP_W_PAGES, REGION, 1024), NONE);
	large = rdt_vcpu_stat(vm, "pf_map_2m");
	if (large < 2)
		rdt_skip("the host has no large pages for this");
	trace(vm, REGION + 700 * PAGE, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_PAGES, REGION, 1024), NONE);
	RDT_EQ(vm->shared->results[2], 1);
	RDT_EQ(rdt_event().gpa, REGION + 700 * PAGE + 700 % 512 * 8);
	RDT_EQ(rdt_vcpu_stat(vm, "pf_map_2m"), large); /* the other one has stayed */
	small = rdt_vcpu_stat(vm, "pf_map_4k");
	RDT_EQ(put(vm, RDP_W_PAGES, REGION, 1024), NONE);
	RDT_EQ(rdt_vcpu_stat(vm, "pf_map_4k"), small);
	rdt_event();
	untrace(vm, REGION + 700 * PAGE, PAGE);
	RDT_EQ(put(vm, RDP_W_PAGES, REGION, 1024), NONE);
	RDT_EQ(vm->shared->results[2], 0);
	RDT_EQ(rdt_vcpu_stat(vm, "pf_map_2m"), large + 1);
	RDT_EQ(rdt_vcpu_stat(vm, "pf_map_4k"), small);
	rdt_no_event();
}

/* The log of dirty pages has what landed, and nothing that did not. */
static void with_the_dirty_log(void)
{
	struct rdt_vm *vm = machine_on(64, KVM_MEM_LOG_DIRTY_PAGES, false);
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = &bits };

	boot(vm);
	trace(vm, REGION, 2 * PAGE, "lR");
	trace(vm, REGION + 2 * PAGE, 2 * PAGE, "la");
	for (int i = 0; i < 3; i++) {
		RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		RDT_EQ(put(vm, RDP_W_QUAD, REGION + PAGE, 1), GP);
		RDT_EQ(put(vm, RDP_W_QUAD, REGION + 3 * PAGE, 1), NONE);
		RDT_EQ(put(vm, RDP_W_QUAD, REGION + 5 * PAGE, 1), NONE);
		RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		RDT_EQ(bits, 1 << 3 | 1 << 5);
	}
}

/* A page that is traced before there is a slot, and after the slot was moved under it. */
static void slots_come_and_go(void)
{
	struct rdt_vm *vm = machine(8);

	boot(vm);
	trace(vm, REGION + 20 * PAGE, PAGE, "lR");
	RDT_OK(rdt_slot_set(vm, SLOT, REGION, 0, NULL, 0));
	RDT_OK(rdt_slot_set(vm, SLOT, REGION + 16 * PAGE, 8 * PAGE, region, 0));
	RDT_EQ(put(vm, RDP_W_QUAD, REGION + 20 * PAGE, 1), GP);
	RDT_EQ(put(vm, RDP_W_QUAD, REGION + 21 * PAGE, 1), NONE);
	rdt_event();
	RDT_OK(rdt_slot_set(vm, SLOT, REGION + 20 * PAGE, 8 * PAGE, region, 0));
	RDT_EQ(put(vm, RDP_W_QUAD, REGION + 20 * PAGE, 1), GP);
	RDT_EQ(rdt_event().gpa, REGION + 20 * PAGE);
	rdt_no_event();
}

/* The module writes for the guest where the guest says: it must not become the guest's hand. */
static void module_writes(void)
{
	struct rdt_vm *vm = machine(8);
	const uint64_t wall_clock = 0x4b564d00ull << 32;
	struct rd_trace_event e;

	boot(vm);
	RDT_EQ(put(vm, RDP_W_MSR, REGION + 64, wall_clock), NONE);
	RDT_CHECK(at(REGION + 64) != 0);
	memset(region, 0, PAGE);
	rdt_no_event();
	trace(vm, REGION, PAGE, "lR");
	RDT_EQ(put(vm, RDP_W_MSR, REGION + 64, wall_clock), NONE);
	RDT_EQ(at(REGION + 64), 0);
	e = rdt_event();
	RDT_EQ(e.flags, RD_EVENT_MODULE);
	RDT_EQ(e.gpa, REGION + 64);
	RDT_EQ(e.decision, RD_TRACE_REFUSE);
}

static void vmm_asks(void)
{
	struct rdt_vm *vm = machine(8);
	struct rd_trace_range r = range(REGION + PAGE - 16, 32, NULL);
	struct rd_trace_event e;

	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r));
	trace(vm, REGION + PAGE, PAGE, "lR");
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r), EPERM);
	e = rdt_event();
	RDT_EQ(e.flags, RD_EVENT_VMM);
	RDT_EQ(e.vcpu, ~0u);
	RDT_EQ(e.gpa, REGION + PAGE);
	RDT_EQ(e.len, 16);
	r.size = 16;
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r));
	r.size = 0;
	RDT_ERRNO(ioctl(vm->fd, RD_VM_TRACE_WRITE, &r), EINVAL);
	rdt_no_event();
}

/* The CPU writes to the guest's page tables by itself. */
static void guest_page_tables(void)
{
	struct rdt_vm *vm = machine(8);
	uint64_t there = REGION + 4 * PAGE, entry = there | 3;
	struct rd_trace_event e;

	boot(vm);
	memcpy(region, &entry, 8);
	RDT_EQ(put(vm, RDP_W_TABLES, REGION, 0x77), NONE);
	RDT_EQ(at(REGION), entry | 0x60); /* accessed and dirty */
	RDT_EQ(at(there), 0x77);
	memcpy(region, &entry, 8);
	trace(vm, REGION, PAGE, "la");
	RDT_EQ(put(vm, RDP_W_TABLES, REGION, 0x78), NONE);
	RDT_EQ(at(there), 0x78);
	RDT_EQ(at(REGION) & 0x60, 0x60);
	e = rdt_event();
	RDT_EQ(e.gpa, REGION);
	RDT_EQ(e.flags, RD_EVENT_MODULE);
}

/* An exception's frame would land in the page: there is no instruction that could be refused. */
static void exception_frame(void)
{
	struct rdt_vm *vm = machine(4);
	struct rd_trace_event e;

	boot(vm);
	RDT_EQ(put(vm, RDP_W_FRAME, REGION, 0), NONE);
	RDT_EQ(vm->shared->results[2], 1);
	memset(region, 0, PAGE);
	trace(vm, REGION, PAGE, "lR");
	begin(vm, RDP_W_FRAME, REGION, 0);
	rdt_until_exit(vm->vcpu[0], KVM_EXIT_SHUTDOWN);
	for (int i = 0; i < PAGE; i += 8)
		RDT_EQ(at(REGION + i), 0);
	e = rdt_event();
	RDT_EQ(e.flags, RD_EVENT_BLIND | RD_EVENT_DELIVERY);
}

/* Allowed, it is delivered, and what was pushed is told. */
static void exception_frame_allowed(void)
{
	struct rdt_vm *vm = machine(4);
	struct rd_trace_event e;

	boot(vm);
	trace(vm, REGION, PAGE, "la");
	for (int i = 1; i < 20; i++) {
		uint8_t before[PAGE];

		memset(region, i, PAGE);
		memset(before, i, PAGE);
		RDT_EQ(put(vm, RDP_W_FRAME, REGION, 0), NONE);
		RDT_EQ(vm->shared->results[2], i);
		e = rdt_event();
		RDT_EQ(e.flags, RD_EVENT_BLIND | RD_EVENT_DELIVERY);
		RDT_EQ(e.decision, RD_TRACE_ALLOW);
		/* At least the frame: SS, RSP, RFLAGS, CS, RIP, from the end of the page down. */
		RDT_CHECK(e.gpa + e.len > REGION + PAGE - 8 && e.len >= 32);
		while (rdt_event_next(&e)) /* what the handler saves there by itself */
			RDT_EQ(e.decision, RD_TRACE_ALLOW);
		RDT_EQ(put(vm, RDP_W_QUAD, REGION, 5), NONE); /* it is closed again */
		RDT_EQ(rdt_event().flags, 0);
		rdt_no_event();
	}
}

/* As many as an attacker's target has pages, and more. */
static void many_pages(void)
{
	const uint64_t pages = 100000, gpa = 1ull << 34;
	struct rdt_vm *vm = machine(16);
	uint64_t n = 0;
	struct rd_trace_range r = { 0 };

	boot(vm);
	trace(vm, gpa, pages * PAGE, "lR");
	trace(vm, REGION, PAGE, "lR");
	RDT_EQ(rdt_trace_stats(vm).pages, pages + 1);
	while (ioctl(vm->fd, RD_VM_TRACE_NEXT, &r) == 0) {
		n += r.size / PAGE;
		r.gpa += r.size;
	}
	RDT_EQ(n, pages + 1);
	RDT_EQ(put(vm, RDP_W_QUAD, REGION, 1), GP);
	rdt_event();
	untrace(vm, gpa, pages * PAGE);
	RDT_EQ(rdt_trace_stats(vm).pages, 1);
	RDT_EQ(rdt_trace_stats(vm).nodes, 1);
}

/* --- traces that come and go under four processors --- */

enum { STORM_PAGES = 24 };

struct changer {
	struct rdt_vm *vm;
	int seconds;
	uint64_t refused, allowed, changes;
};

static void take_events(struct changer *c)
{
	struct rd_trace_event e;

	while (rdt_event_next(&e)) {
		c->refused += e.decision == RD_TRACE_REFUSE;
		c->allowed += e.decision == RD_TRACE_ALLOW;
		RDT_EQ(e.hit, RD_HIT_MAPPING);
		RDT_EQ(e.len, 8);
		RDT_EQ(*(uint64_t *)e.new_bytes, *(uint64_t *)e.old_bytes + 1);
	}
}

static void *change_main(void *arg)
{
	struct changer *c = arg;
	bool traced[STORM_PAGES] = { false };
	time_t end = time(NULL) + c->seconds;
	unsigned int seed = 1;

	while (time(NULL) < end) {
		unsigned int page = rand_r(&seed) % STORM_PAGES;

		if (traced[page])
			untrace(c->vm, REGION + page * PAGE, PAGE);
		else
			trace(c->vm, REGION + page * PAGE, PAGE, rand_r(&seed) % 2 ? "lR" : "la");
		traced[page] = !traced[page];
		c->changes++;
		take_events(c);
		usleep(rand_r(&seed) % 2000);
	}
	c->vm->shared->args[3] = 1;
	return NULL;
}

/*
 * Every word holds exactly what landed, and each write that was stopped was told once. --seconds N
 * makes it longer.
 */
static void storm(void)
{
	struct rdt_vm *vm = rdt_payload_vm("trace", "storms");
	const char *seconds = rdt_option("seconds");
	struct changer c = { .vm = vm, .seconds = seconds ? atoi(seconds) : 4 };
	uint64_t stopped = 0, tries = 0;
	struct rd_trace_stats s;
	pthread_t t;

	if (rdt_is_stock())
		rdt_skip("stock KVM has no write traces");
	region = rdt_slot_new(vm, SLOT, REGION, (STORM_PAGES + 4) * PAGE, 0, false);
	events = rdt_events_open(vm);
	vm->shared->args[1] = REGION;
	vm->shared->args[2] = STORM_PAGES;
	/* Of two processors, by single steps. */
	trace(vm, REGION + STORM_PAGES * PAGE, 2 * PAGE, "a");
	rdt_start_others(vm);
	RDT_EQ(pthread_create(&t, NULL, change_main, &c), 0);
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 2);
	pthread_join(t, NULL);
	take_events(&c);
	s = rdt_trace_stats(vm);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		uint64_t landed = 0;

		for (unsigned int page = 0; page < STORM_PAGES; page++)
			landed += at(REGION + page * PAGE + cpu * 8);
		RDT_EQ(landed + vm->shared->results[cpu], vm->shared->results[4 + cpu]);
		stopped += vm->shared->results[cpu];
		tries += vm->shared->results[4 + cpu];
	}
	RDT_EQ(s.refused, stopped);
	RDT_EQ(s.events, s.refused + s.allowed - s.blind);
	RDT_CHECK(s.blind > 0);
	RDT_EQ(c.refused + c.allowed + s.lost, s.events);
	RDT_CHECK(s.refused > 0 && s.allowed > 0);
	rdt_note("%llu writes, %llu refused, %llu told and allowed, %llu steps, %llu changes",
		 (unsigned long long)tries, (unsigned long long)stopped,
		 (unsigned long long)(s.allowed - s.blind), (unsigned long long)s.blind,
		 (unsigned long long)c.changes);
}

static const struct rdt_test tests[] = {
	{ "each_page_alerts", each_page_alerts },
	{ "million_other_writes", million_other_writes, 60 },
	{ "log_and_allow", log_and_allow },
	{ "skip", skip },
	{ "bytes_of_a_page", bytes_of_a_page },
	{ "every_kind_of_write", every_kind_of_write },
	{ "instruction_not_emulated", instruction_not_emulated },
	{ "instruction_by_single_step", instruction_by_single_step },
	{ "across_pages", across_pages },
	{ "actions_of_the_vmm", actions_of_the_vmm },
	{ "vmm_without_traces", vmm_without_traces },
	{ "nothing_is_left_of_a_decision", nothing_is_left_of_a_decision },
	{ "kill", kill },
	{ "events_file", events_file },
	{ "bad_ranges", bad_ranges },
	{ "listing", listing },
	{ "large_pages", large_pages },
	{ "with_the_dirty_log", with_the_dirty_log },
	{ "slots_come_and_go", slots_come_and_go },
	{ "module_writes", module_writes },
	{ "vmm_asks", vmm_asks },
	{ "guest_page_tables", guest_page_tables },
	{ "exception_frame", exception_frame },
	{ "exception_frame_allowed", exception_frame_allowed },
	{ "many_pages", many_pages, 60 },
	{ "storm", storm, 60 },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
