// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory under change: the dirty log down to the page, slots replaced under a running guest,
 * and the host's memory management working on the pages behind the slots.
 */
#include "tests/selftests/lib/load.h"
#include "tests/selftests/lib/rdt.h"

#include <sys/wait.h>
#include <time.h>

enum { PAGE = 4096, SLOT = 3, BITMAP_GPA = 0x200000 };
#define REGION_GPA 0x10000000ull

/* Start a payload of "memory" that works on a region of its own. */
static struct rdt_vm *start(const char *test, uint64_t pages, uint32_t flags, bool huge)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", test);

	rdt_slot_new(vm, SLOT, REGION_GPA, pages * PAGE, flags, huge);
	vm->shared->args[1] = REGION_GPA;
	vm->shared->args[2] = pages;
	return vm;
}

static void get_log(struct rdt_vm *vm, uint64_t *bitmap)
{
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };

	RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	return x * 0xc4ceb9fe1a85ec53ull ^ x >> 29;
}

/* Which pages the guest writes in this round: few, many, all, none. */
static void make_pattern(uint64_t *bits, uint64_t pages, uint32_t round)
{
	memset(bits, 0, (pages + 63) / 64 * 8);
	for (uint64_t i = 0; i < pages; i++) {
		bool on = round % 5 == 3   ? false
			  : round % 5 == 4 ? true
					   : mix(i * 7919 + round) % (round % 5 == 0 ? 97 : 3) == 0;

		if (on)
			bits[i / 64] |= 1ull << (i % 64);
	}
}

static void compare(const uint64_t *want, const uint64_t *got, uint64_t pages, uint32_t round)
{
	for (uint64_t i = 0; i < pages; i++) {
		bool w = want[i / 64] >> (i % 64) & 1, g = got[i / 64] >> (i % 64) & 1;

		if (w != g)
			rdt_fail("round %u: page %llu is %s and was %swritten", round,
				 (unsigned long long)i, g ? "dirty" : "clean", w ? "" : "not ");
	}
}

static void exact(uint64_t pages, bool huge, uint32_t rounds)
{
	struct rdt_vm *vm = start("write_pattern", pages, KVM_MEM_LOG_DIRTY_PAGES, huge);
	uint64_t *bits = rdt_gpa(vm, BITMAP_GPA), *log = calloc((pages + 63) / 64, 8);

	vm->shared->args[0] = BITMAP_GPA;
	for (uint32_t round = 0; round < rounds; round++) {
		make_pattern(bits, pages, round);
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		get_log(vm, log);
		compare(bits, log, pages, round);
		get_log(vm, log);
		memset(bits, 0, (pages + 63) / 64 * 8);
		compare(bits, log, pages, round); /* reading it has cleared it */
	}
	vm->shared->args[3] = 1;
	rdt_finish(vm->vcpu[0]);
	rdt_vm_free(vm);
}

static void dirty_log_exact(void)
{
	exact(2048, false, 12);
}

static void dirty_log_exact_huge(void)
{
	exact(4096, true, 12);
}

/* The slot's size is no multiple of anything. */
static void dirty_log_exact_odd(void)
{
	exact(777, false, 12);
}

/* Large mappings exist before logging starts; it must split them, and may join them again after. */
static void dirty_log_toggle(void)
{
	uint64_t pages = 4096;
	struct rdt_vm *vm = start("write_pattern", pages, 0, true);
	uint64_t *bits = rdt_gpa(vm, BITMAP_GPA), *log = calloc(pages / 64, 8);
	uint8_t *host = rdt_gpa(vm, REGION_GPA);

	vm->shared->args[0] = BITMAP_GPA;
	for (uint32_t round = 0; round < 10; round++) {
		make_pattern(bits, pages, 4);
		RDT_OK(rdt_slot_set(vm, SLOT, REGION_GPA, pages * PAGE, host, 0));
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		RDT_OK(rdt_slot_set(vm, SLOT, REGION_GPA, pages * PAGE, host,
				    KVM_MEM_LOG_DIRTY_PAGES));
		make_pattern(bits, pages, round);
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		get_log(vm, log);
		compare(bits, log, pages, round);
	}
}

/* With the manual mode a page stays dirty until it is cleared by name. */
static void dirty_log_manual(void)
{
	uint64_t pages = 256, *bits, *log = calloc(4, 8);
	struct rdt_vm *vm = rdt_payload_vm("memory", "write_pattern");
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 1 } };
	struct kvm_clear_dirty_log clear = {
		.slot = SLOT, .num_pages = 128, .first_page = 64, .dirty_bitmap = log
	};

	if (rdt_cap(vm->fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) <= 0)
		rdt_skip("no KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	RDT_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	rdt_slot_new(vm, SLOT, REGION_GPA, pages * PAGE, KVM_MEM_LOG_DIRTY_PAGES, false);
	bits = rdt_gpa(vm, BITMAP_GPA);
	vm->shared->args[0] = BITMAP_GPA;
	vm->shared->args[1] = REGION_GPA;
	vm->shared->args[2] = pages;
	bits[0] = bits[1] = bits[2] = bits[3] = 0x00ff00ff00ff00ff;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	get_log(vm, log);
	compare(bits, log, pages, 0);
	get_log(vm, log);
	compare(bits, log, pages, 1); /* not cleared by reading */
	log[0] = log[1] = 0x00000000ffffffff;
	RDT_OK(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
	bits[1] = bits[2] = 0x00ff00ff00000000;
	get_log(vm, log);
	compare(bits, log, pages, 2);
	/* What was cleared is protected again: a write shows. */
	bits[0] = bits[3] = 0;
	bits[1] = bits[2] = 1;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	get_log(vm, log);
	RDT_EQ(log[1], 0x00ff00ff00000001);
	RDT_EQ(log[2], 0x00ff00ff00000001);
}

/* Writes by the client are its own business, writes by the hypervisor for the guest are logged. */
static void dirty_log_string_io(void)
{
	struct rdt_vm *vm = rdt_payload_vm_flags("pio", "rep_ins_long", 0, 0);
	uint64_t log[RDP_RAM_MIN / PAGE / 64] = { 0 }, dirty = 0;
	struct kvm_dirty_log l = { .slot = 0, .dirty_bitmap = log };

	RDT_OK(rdt_slot_set(vm, 0, 0, vm->ram_size, vm->ram, KVM_MEM_LOG_DIRTY_PAGES));
	rdt_finish(vm->vcpu[0]);
	RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &l));
	for (size_t i = 0; i < ARRAY_SIZE(log); i++)
		dirty += __builtin_popcountll(log[i]);
	/* Stack, data and the three pages of the buffer at least; not the whole of memory. */
	RDT_CHECK(dirty >= 4 && dirty < 64);
}

struct runner {
	struct rdt_vm *vm;
	pthread_t thread;
	volatile bool done;
};

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	RDT_EQ(rdt_until_sync(r->vm->vcpu[0]), 2);
	r->done = true;
	return NULL;
}

static void run_aside(struct runner *r, struct rdt_vm *vm)
{
	r->vm = vm;
	RDT_EQ(pthread_create(&r->thread, NULL, runner_main, r), 0);
}

static void stop_aside(struct runner *r)
{
	r->vm->shared->args[3] = 1;
	pthread_join(r->thread, NULL);
	rdt_vm_free(r->vm);
}

/* Wait until the guest has come round once more, so that it has met each change. */
static void next_round(struct rdt_vm *vm)
{
	uint64_t was = vm->shared->results[0];

	while (vm->shared->results[0] < was + 2)
		usleep(100);
}

/* Another slot comes and goes, moves and changes while the guest works beside it. */
static void slot_churn(void)
{
	struct rdt_vm *vm = start("write_forever", 64, 0, false);
	uint8_t *other =
		mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct runner r = { 0 };

	run_aside(&r, vm);
	for (int i = 0; i < 300 / rdt_time_scale() + 50; i++) {
		RDT_OK(rdt_slot_set(vm, 9, 0x20000000, 64 * PAGE, other, 0));
		RDT_OK(rdt_slot_set(vm, 9, 0x30000000, 64 * PAGE, other, 0));
		RDT_OK(rdt_slot_set(vm, 9, 0x30000000, 64 * PAGE, other, KVM_MEM_LOG_DIRTY_PAGES));
		RDT_OK(rdt_slot_set(vm, 9, 0x30000000, 0, other, 0));
	}
	next_round(vm);
	stop_aside(&r);
}

/* The slot that the guest works on is deleted and made again: the guest may see the hole. */
static void slot_replaced_in_use(void)
{
	struct rdt_vm *vm = start("read_forever", 64, 0, false);
	uint8_t *host = rdt_gpa(vm, REGION_GPA);
	struct runner r = { 0 };

	run_aside(&r, vm);
	for (int i = 0; i < 100 / rdt_time_scale() + 30; i++) {
		RDT_OK(rdt_slot_set(vm, SLOT, REGION_GPA, 0, host, 0));
		RDT_OK(rdt_slot_set(vm, SLOT, REGION_GPA, 64 * PAGE, host,
				    i & 1 ? KVM_MEM_READONLY : 0));
	}
	next_round(vm);
	stop_aside(&r);
}

/* After the call returns the guest must not reach the old memory through anything stale. */
static void slot_swap_is_seen(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	uint8_t *a =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	a[0] = 1;
	a[PAGE] = 2;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	vm->shared->args[1] = REGION_GPA;
	for (int i = 0; i < 50; i++) {
		RDT_OK(rdt_slot_set(vm, 5, REGION_GPA, PAGE, a + (i & 1) * PAGE, 0));
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		RDT_EQ(vm->shared->results[0], 1 + (i & 1));
		RDT_OK(rdt_slot_set(vm, 5, REGION_GPA, 0, a, 0));
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		RDT_EQ(vm->shared->results[0], ~0ull);
	}
}

/* Dirty logging on and off under a guest that writes all the time. */
static void log_churn(void)
{
	struct rdt_vm *vm = start("write_forever", 1024, 0, true);
	uint8_t *host = rdt_gpa(vm, REGION_GPA);
	uint64_t *log = calloc(16, 8);
	struct runner r = { 0 };

	run_aside(&r, vm);
	for (int i = 0; i < 60 / rdt_time_scale() + 20; i++) {
		RDT_OK(rdt_slot_set(vm, SLOT, REGION_GPA, 1024 * PAGE, host,
				    KVM_MEM_LOG_DIRTY_PAGES));
		for (int k = 0; k < 10; k++)
			get_log(vm, log);
		next_round(vm);
		get_log(vm, log);
		for (int k = 0; k < 16; k++)
			RDT_EQ(log[k], ~0ull);
		RDT_OK(rdt_slot_set(vm, SLOT, REGION_GPA, 1024 * PAGE, host, 0));
	}
	stop_aside(&r);
}

/* The host takes pages away: the guest finds zeros and goes on. */
static void madvise_dontneed(void)
{
	struct rdt_vm *vm = start("write_forever", 512, 0, false);
	uint8_t *host = rdt_gpa(vm, REGION_GPA);
	struct runner r = { 0 };

	run_aside(&r, vm);
	for (int i = 0; i < 200 / rdt_time_scale() + 50; i++) {
		RDT_OK(madvise(host, 512 * PAGE, MADV_DONTNEED));
		if (!(i & 7))
			next_round(vm);
	}
	next_round(vm);
	/* The guest's last writes are in the memory that is there now. */
	vm->shared->args[3] = 1;
	pthread_join(r.thread, NULL);
	for (uint64_t i = 1; i < 512; i++)
		RDT_EQ(*(uint64_t *)(host + i * PAGE) >> 32, i);
}

static void madvise_dontneed_huge(void)
{
	struct rdt_vm *vm = start("write_forever", 1024, 0, true);
	uint8_t *host = rdt_gpa(vm, REGION_GPA);
	struct runner r = { 0 };

	run_aside(&r, vm);
	for (int i = 0; i < 60 / rdt_time_scale() + 20; i++) {
		RDT_OK(madvise(host + (i & 1 ? 0 : 300 * PAGE), 200 * PAGE, MADV_DONTNEED));
		madvise(host, 1024 * PAGE, i & 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		next_round(vm);
	}
	stop_aside(&r);
}

/* New memory at the same place: the guest must see it at once. */
static void remap_is_seen(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	uint8_t *host = rdt_slot_new(vm, 5, REGION_GPA, 4 * PAGE, 0, false);

	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	vm->shared->args[1] = REGION_GPA;
	for (uint64_t i = 1; i < 50; i++) {
		uint8_t *fresh = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*(uint64_t *)fresh = i;
		RDT_CHECK(mremap(fresh, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, host) ==
			  host);
		RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
		RDT_EQ(vm->shared->results[0], i);
	}
}

/* Memory that is gone: the access fails, and works again when memory is there again. */
static void unmapped_and_back(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	struct rdt_vcpu *v = vm->vcpu[0];
	uint8_t *host = rdt_slot_new(vm, 5, REGION_GPA, 4 * PAGE, 0, false);

	*(uint64_t *)host = 11;
	RDT_EQ(rdt_until_sync(v), 1);
	vm->shared->args[1] = REGION_GPA;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->results[0], 11);
	RDT_OK(munmap(host, 4 * PAGE));
	RDT_ERRNO(rdt_run_once(v), EFAULT);
	RDT_ERRNO(rdt_run_once(v), EFAULT);
	RDT_CHECK(mmap(host, 4 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == host);
	*(uint64_t *)host = 12;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->results[0], 12);
}

/* Host memory that may only be read can be read by the guest; a write fails in the host. */
static void host_read_only(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	struct rdt_vcpu *v = vm->vcpu[0];
	uint8_t *host = rdt_slot_new(vm, 5, REGION_GPA, 4 * PAGE, 0, false);

	*(uint64_t *)host = 21;
	RDT_EQ(rdt_until_sync(v), 1);
	vm->shared->args[1] = REGION_GPA;
	vm->shared->args[0] = 1;
	vm->shared->args[2] = 22;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(*(volatile uint64_t *)host, 22);
	RDT_OK(mprotect(host, 4 * PAGE, PROT_READ));
	vm->shared->args[0] = 0;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(vm->shared->results[0], 22);
	vm->shared->args[0] = 1;
	vm->shared->args[2] = 23;
	RDT_ERRNO(rdt_run_once(v), EFAULT);
	RDT_OK(mprotect(host, 4 * PAGE, PROT_READ | PROT_WRITE));
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(*(volatile uint64_t *)host, 23);
}

/* A fork makes the pages copy-on-write: the guest's later writes must not reach the child. */
static void fork_copies(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	struct rdt_vcpu *v = vm->vcpu[0];
	volatile uint64_t *host = (void *)rdt_slot_new(vm, 5, REGION_GPA, PAGE, 0, false);
	int go[2], status;
	pid_t pid;
	char c = 0;

	RDT_OK(pipe(go));
	RDT_EQ(rdt_until_sync(v), 1);
	vm->shared->args[0] = 1;
	vm->shared->args[1] = REGION_GPA;
	vm->shared->args[2] = 1;
	RDT_EQ(rdt_until_sync(v), 1);
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1) < 0)
			_exit(2);
		_exit(*host == 1 ? 0 : 1);
	}
	vm->shared->args[2] = 2;
	RDT_EQ(rdt_until_sync(v), 1);
	RDT_EQ(*host, 2);
	RDT_EQ(write(go[1], &c, 1), 1);
	RDT_EQ(waitpid(pid, &status, 0), pid);
	RDT_EQ(status, 0);
}

static bool write_number(const char *path, long v)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fprintf(f, "%ld\n", v) > 0;

	if (f)
		ok = !fclose(f) && ok;
	return ok;
}

/* Equal pages are merged by the host under the guest, and parted when the guest writes. */
static void ksm(void)
{
	uint64_t pages = 256;
	struct rdt_vm *vm = start("write_pattern", pages, 0, false);
	uint8_t *host = rdt_gpa(vm, REGION_GPA);
	uint64_t *bits = rdt_gpa(vm, BITMAP_GPA);
	long before;

	if (rdt_read_number("/sys/kernel/mm/ksm/run") < 0 ||
	    !write_number("/sys/kernel/mm/ksm/pages_to_scan", 5000) ||
	    !write_number("/sys/kernel/mm/ksm/run", 1))
		rdt_skip("no KSM on this host");
	vm->shared->args[0] = BITMAP_GPA;
	memset(bits, 0xff, pages / 8);
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1); /* every page now holds a one */
	RDT_OK(madvise(host, pages * PAGE, MADV_MERGEABLE));
	before = rdt_read_number("/sys/kernel/mm/ksm/full_scans");
	for (int i = 0; i < 400 && rdt_read_number("/sys/kernel/mm/ksm/full_scans") < before + 3;
	     i++)
		usleep(10000);
	if (rdt_read_number("/sys/kernel/mm/ksm/pages_sharing") < 100)
		rdt_skip("KSM did not merge in time");
	memset(bits, 0, pages / 8);
	bits[0] = 0xf;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	for (uint64_t i = 0; i < pages; i++)
		RDT_EQ(host[i * PAGE], i < 4 ? 2 : 1);
	write_number("/sys/kernel/mm/ksm/run", 2);
}

/* Pages moved by compaction: the guest never notices. */
static void compaction(void)
{
	struct rdt_vm *vm = start("write_forever", 2048, 0, false);
	struct runner r = { 0 };

	if (access("/proc/sys/vm/compact_memory", W_OK))
		rdt_skip("this host compacts no memory by request");
	run_aside(&r, vm);
	for (int i = 0; i < 5; i++) {
		write_number("/proc/sys/vm/compact_memory", 1);
		next_round(vm);
	}
	stop_aside(&r);
}

/* Untouched memory is not allocated by having a slot; touched memory is the client's own. */
static void memory_is_the_clients(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	uint8_t *host = rdt_slot_new(vm, 5, REGION_GPA, 64 * PAGE, 0, false);
	unsigned char in[64];
	int present = 0;

	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	vm->shared->args[0] = 1;
	vm->shared->args[1] = REGION_GPA + 7 * PAGE;
	vm->shared->args[2] = 5;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 1);
	RDT_OK(mincore(host, 64 * PAGE, in));
	for (int i = 0; i < 64; i++)
		present += in[i] & 1;
	RDT_CHECK(in[7] & 1);
	RDT_EQ(present, 1);
}

static const struct rdt_test tests[] = {
	{ "dirty_log_exact", dirty_log_exact, 20 },
	{ "dirty_log_exact_huge", dirty_log_exact_huge, 20 },
	{ "dirty_log_exact_odd", dirty_log_exact_odd, 20 },
	{ "dirty_log_toggle", dirty_log_toggle, 20 },
	{ "dirty_log_manual", dirty_log_manual },
	{ "dirty_log_string_io", dirty_log_string_io },
	{ "slot_churn", slot_churn, 20 },
	{ "slot_replaced_in_use", slot_replaced_in_use, 20 },
	{ "slot_swap_is_seen", slot_swap_is_seen, 20 },
	{ "log_churn", log_churn, 20 },
	{ "madvise_dontneed", madvise_dontneed, 20 },
	{ "madvise_dontneed_huge", madvise_dontneed_huge, 20 },
	{ "remap_is_seen", remap_is_seen },
	{ "unmapped_and_back", unmapped_and_back },
	{ "host_read_only", host_read_only },
	{ "fork_copies", fork_copies },
	{ "ksm", ksm, 20 },
	{ "compaction", compaction, 20 },
	{ "memory_is_the_clients", memory_is_the_clients },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
