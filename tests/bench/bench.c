// SPDX-License-Identifier: GPL-2.0-only
/*
 * Client of the benchmark: runs each row's payload and takes the time stamp counter of its own
 * machine around the loops. Under the rig's instruction clock one tick is one executed
 * instruction; the first row of the output says how many ticks a known number of instructions
 * took, so that nobody reads cycles as instructions.
 *
 * Output, one line per row: name, operations per repetition, one figure per repetition.
 */
#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_tree.h"
#include "tests/selftests/lib/rdt.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <libgen.h>
#include <sys/wait.h>

enum { REPS = 3, HUGE = 2 << 20 };
#define TOUCH_GPA 0x10000000ull

enum kind { LOOP, RESULT, TOUCH, TOUCH_FRESH, TOUCH_HUGE };

/* What is traced where the guest writes; stock KVM has nothing like it. */
struct traced {
	uint64_t pages; /* behind those that the guest works on */
	int64_t page; /* of the guest's, from the one it measures: 0 that one, 1 the next */
	uint8_t action[RD_TRACE_MAX_ACTIONS];
	bool judged; /* in the guest's own tree; its driver is asked and lets the write through */
};

#define ALLOW { RD_TRACE_LOG, RD_TRACE_ALLOW }
static const struct traced refuse = { 0, 0, { RD_TRACE_REFUSE } };
static const struct traced allow = { 0, 0, ALLOW }, allow_1k = { 1000, 0, ALLOW };
static const struct traced allow_1m = { 1000000, 0, ALLOW }, beside = { 0, 1, ALLOW };
static const struct traced judged = { 0, 0, { RD_TRACE_ASK, RD_TRACE_REFUSE }, true };

/* An eventfd that the guest writes by a port and an address, and that may interrupt it. */
enum events { NO_EVENT, EVENT, EVENT_IRQ };

struct row {
	const char *name;
	const char *payload; /* test of the payload "bench" */
	uint32_t count;
	enum kind kind;
	uint32_t per; /* operations in one round of the loop, 0: one */
	bool threads; /* two processors that take turns on one host processor */
	enum events events;
	const struct traced *traced;
};

static const struct row rows[] = {
	{ "cpuid", "cpuid", 5000 },
	{ "hypercall", "hypercall", 5000 },
	{ "rdmsr", "rdmsr_adjust", 5000 },
	{ "wrmsr", "wrmsr_adjust", 5000 },
	{ "pio_in_kernel", "pio_in_kernel", 5000 },
	{ "pio_out_kernel", "pio_out_kernel", 5000 },
	{ "pio_in_user", "pio_in_user", 5000 },
	{ "pio_out_user", "pio_out_user", 5000 },
	{ "mmio_read_ioapic", "mmio_read_ioapic", 5000 },
	{ "mmio_write_ioapic", "mmio_write_ioapic", 5000 },
	{ "mmio_read_lapic", "mmio_read_lapic", 5000 },
	{ "mmio_write_lapic", "mmio_write_lapic", 5000 },
	{ "mmio_read_user", "mmio_read_user", 5000 },
	{ "mmio_write_user", "mmio_write_user", 5000 },
	{ "ioeventfd_pio", "ioeventfd_pio", 5000, LOOP, 0, false, EVENT },
	{ "ioeventfd_mmio", "ioeventfd_mmio", 5000, LOOP, 0, false, EVENT },
	{ "irqfd", "irqfd", 3000, LOOP, 0, false, EVENT_IRQ },
	{ "eoi_xapic", "eoi_xapic", 5000 },
	{ "eoi_x2apic", "eoi_x2apic", 5000 },
	{ "icr_xapic", "icr_xapic", 5000 },
	{ "icr_x2apic", "icr_x2apic", 5000 },
	{ "self_ipi_xapic", "self_ipi_xapic", 3000 },
	{ "self_ipi_xapic_hlt", "self_ipi_xapic_hlt", 3000 },
	{ "self_ipi_x2apic", "self_ipi_x2apic", 3000 },
	{ "self_ipi_x2apic_hlt", "self_ipi_x2apic_hlt", 3000 },
	{ "self_ipi_tpr", "self_ipi_tpr", 3000 },
	{ "ipi_xapic", "ipi_xapic", 1000, LOOP, 0, true },
	{ "ipi_xapic_hlt", "ipi_xapic_hlt", 1000, LOOP, 2, true },
	{ "ipi_x2apic", "ipi_x2apic", 1000, LOOP, 0, true },
	{ "ipi_x2apic_hlt", "ipi_x2apic_hlt", 1000, LOOP, 2, true },
	{ "deadline_arm", "deadline_arm", 3000 },
	{ "deadline_immediate", "deadline_immediate", 3000 },
	{ "deadline_hlt", "deadline_hlt", 1000, RESULT },
	{ "fault_4k", "touch", 2000, TOUCH },
	{ "fault_4k_fresh", "touch", 2000, TOUCH_FRESH },
	{ "fault_2m", "touch", 32, TOUCH_HUGE },
	{ "trace_refuse", "write_page", 5000, .traced = &refuse },
	{ "trace_log_allow", "write_page", 5000, .traced = &allow },
	{ "trace_log_allow_1k", "write_page", 5000, .traced = &allow_1k },
	{ "trace_log_allow_1m", "write_page", 5000, .traced = &allow_1m },
	{ "trace_beside", "write_page", 5000, .traced = &beside },
	{ "trace_judged", "write_page", 5000, .traced = &judged },
};

static uint64_t ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* Two instructions a round; what a tick or two of the kernel adds stays below a percent. */
static void calibrate(void)
{
	uint64_t n = 20000000, left = n, start = ticks();

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(left));
	printf("calibration\t%llu\t%.4f\n", (unsigned long long)n,
	       (double)(ticks() - start) / (2.0 * n));
}

static void add_memory(struct rdt_vm *vm, const struct row *row)
{
	bool huge = row->kind == TOUCH_HUGE;
	uint64_t step = huge ? HUGE : 4096, size = step * row->count * REPS;
	uint8_t *p = rdt_slot_new(vm, 5, TOUCH_GPA, size, 0, true);

	if (!huge)
		madvise(p, size, MADV_NOHUGEPAGE);
	for (uint64_t at = 0; row->kind != TOUCH_FRESH && at < size; at += 4096)
		p[at] = 1;
	vm->shared->args[2] = TOUCH_GPA;
	vm->shared->args[3] = step;
}

static void add_events(struct rdt_vm *vm, const struct row *row)
{
	int efd = RDT_OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct kvm_ioeventfd port = {
		.addr = RDP_PORT_EVENT, .len = 4, .fd = efd, .flags = KVM_IOEVENTFD_FLAG_PIO
	};
	struct kvm_ioeventfd memory = { .addr = RDP_MMIO_EVENT, .len = 4, .fd = efd };
	struct kvm_irqfd irq = { .fd = efd, .gsi = 24 };
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} route = {
		.head.nr = 1,
		.entry = {
			.gsi = 24, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = RDP_EVENT_VECTOR },
		},
	};

	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &port));
	RDT_OK(ioctl(vm->fd, KVM_IOEVENTFD, &memory));
	if (row->events != EVENT_IRQ)
		return;
	RDT_OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &route));
	RDT_OK(ioctl(vm->fd, KVM_IRQFD, &irq));
}

static void add_trace(struct rdt_vm *vm, uint64_t gpa, uint64_t pages, const struct traced *t)
{
	struct rd_trace_range r = { .gpa = gpa, .size = pages * 4096 };

	memcpy(r.action, t->action, sizeof(r.action));
	if (pages)
		RDT_OK(ioctl(vm->fd, RD_VM_TRACE_ADD, &r));
}

/* Pages of the guest's tree and image, behind those that it works on. */
enum { LEAF = 8, LIST, CODE, DATA, STACK, TRACE_PAGES };

static void *page_at(struct rdt_vm *vm, unsigned int i)
{
	return rdt_gpa(vm, TOUCH_GPA + i * 4096);
}

static void load_image(struct rdt_vm *vm)
{
	const uint64_t first = TOUCH_GPA / 4096;
	uint64_t list[] = { first + CODE, first + DATA, first + STACK };
	char path[4200], self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *f;

	RDT_CHECK(n > 0);
	self[n] = 0;
	snprintf(path, sizeof(path), "%s/../guest/mode.img", dirname(self));
	f = fopen(path, "r");
	RDT_CHECK(f && fread(page_at(vm, CODE), 4096, 2, f) == 2);
	fclose(f);
	((uint64_t *)page_at(vm, DATA))[RDP_MD_LET_ALL] = 1;
	memcpy(page_at(vm, LIST), list, sizeof(list));
}

/* A tree of one leaf with one page, whose list asks the image. */
static void add_judge(struct rdt_vm *vm, uint64_t at, const struct traced *t)
{
	struct rd_guest_attach a = { .root = TOUCH_GPA / 4096 + LEAF, .nr_lists = 1,
				     .image = TOUCH_GPA / 4096 + LIST, .image_pages = 3,
				     .image_code = 1 };
	struct rd_tree_header h = { .magic = RD_TREE_MAGIC, .version = RD_TREE_VERSION, .count = 1,
				    .first = at / 4096 / 256 * 256, .self = a.root };
	uint64_t *entry = page_at(vm, LEAF);

	memcpy(entry, &h, sizeof(h));
	entry[RD_TREE_ENTRIES_AT / 8 + at / 4096 % 256] =
		RD_TREE_PRESENT | 1 << RD_TREE_ACTION_SHIFT;
	load_image(vm);
	memcpy(a.list[0], t->action, sizeof(a.list[0]));
	RDT_OK(ioctl(vm->fd, RD_VM_TRACE_SET_GUEST, &a));
}

static void add_traces(struct rdt_vm *vm, const struct traced *t)
{
	uint64_t at = TOUCH_GPA + 4096;

	if (rdt_is_stock())
		rdt_skip("stock KVM has no write traces");
	rdt_slot_new(vm, 5, TOUCH_GPA, TRACE_PAGES * 4096, 0, true);
	vm->shared->args[2] = at;
	if (t->judged) {
		add_judge(vm, at, t);
		return;
	}
	add_trace(vm, at + t->page * 4096, 1, t);
	add_trace(vm, TOUCH_GPA + HUGE, t->pages, t);
}

static void take_turns(struct rdt_vm *vm)
{
	struct sched_param p = { .sched_priority = 10 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	for (int i = 0; i < vm->vcpus; i++) {
		pthread_t t = vm->vcpu[i]->thread;

		RDT_EQ(pthread_setaffinity_np(t, sizeof(one), &one), 0);
		RDT_EQ(pthread_setschedparam(t, SCHED_FIFO, &p), 0);
	}
}

/*
 * Two processors on one: both threads at one fixed priority, so that sched_yield() passes the
 * processor in turn. Throttling of such threads would show up in the figures.
 */
static void stop_throttling(void)
{
	int fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "-1", 2) != 2)
		rdt_note("real-time throttling stays on");
	close(fd);
}

static double repetition(struct rdt_vm *vm, const struct row *row, bool first)
{
	struct rdt_vcpu *v = vm->vcpu[0];
	uint64_t t[5];

	for (uint32_t i = 1; i <= 4; i++) {
		uint32_t got = rdt_until_sync(v);

		if (row->threads && first)
			take_turns(vm);
		first = false;
		t[i] = ticks();
		if (got != i)
			rdt_fail("the payload is out of step");
	}
	if (row->kind == RESULT)
		return vm->shared->results[1];
	return (double)(int64_t)((t[2] - t[1]) - (t[4] - t[3])) / row->count /
	       (row->per ? row->per : 1);
}

static void measure(void)
{
	const struct row *row = rdt_arg();
	struct rdt_vm *vm = rdt_payload_vm("bench", row->payload);
	double figure[REPS];

	vm->shared->args[0] = row->count;
	vm->shared->args[1] = REPS;
	if (row->kind >= TOUCH)
		add_memory(vm, row);
	if (row->events)
		add_events(vm, row);
	if (row->traced)
		add_traces(vm, row->traced);
	if (row->threads)
		stop_throttling();
	rdt_start_others(vm);
	for (int i = 0; i < REPS; i++)
		figure[i] = repetition(vm, row, i == 0);
	dprintf(STDOUT_FILENO, "row\t%s\t%u\t%.1f\t%.1f\t%.1f\n", row->name, row->count, figure[0],
		figure[1], figure[2]);
	_exit(0);
}

/* --- a whole guest, run by a command ---------------------------------------------------------- */

static pid_t start_command(char **argv, int *output)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) || (pid = fork()) < 0) {
		perror("bench");
		exit(1);
	}
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	close(fds[1]);
	*output = fds[0];
	return pid;
}

/*
 * Instructions that this machine's clock went on by while it had nothing to do: nobody executed
 * them. Known to a hundredth of a second, which is a thousandth of a boot.
 */
static uint64_t idle_ticks(void)
{
	unsigned long long user, nice, system, idle, iowait;
	FILE *f = fopen("/proc/stat", "r");

	if (!f ||
	    fscanf(f, "cpu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait) != 5) {
		perror("bench: /proc/stat");
		exit(1);
	}
	fclose(f);
	return (idle + iowait) * (1000000000 / sysconf(_SC_CLK_TCK));
}

/* The clock, and how much of it was idle. */
struct moment {
	uint64_t ticks, idle;
};

static struct moment now(void)
{
	return (struct moment){ ticks(), idle_ticks() };
}

/*
 * What a guest may take before it counts as stuck, on stock KVM at times for ever (docs/rig.md).
 * The machine's clock runs ahead while it waits for the build machine, so what was executed is
 * limited, and idle time only by what no wait takes.
 */
#define BUSY_LIMIT 9000000000ull /* a boot takes 6.3 of these 9 */
#define STALL_LIMIT 500000000ull /* in this time a stream carries 15 MiB */
#define IDLE_LIMIT 3000000000000ull

static struct watch {
	pthread_t thread;
	pid_t pid;
	int listener; /* to be shut, too, -1: none */
	size_t progress; /* of a stream, in bytes */
} watched;

static uint64_t executed_since(struct moment start)
{
	struct moment m = now();

	return m.ticks - start.ticks - (m.idle - start.idle);
}

static void *watch(void *arg)
{
	struct moment since = now();
	struct watch *w = arg;
	size_t seen = 0;

	do {
		size_t progress;

		usleep(250000);
		progress = __atomic_load_n(&w->progress, __ATOMIC_RELAXED);
		if (progress != seen)
			since = now();
		seen = progress;
	} while (now().idle - since.idle < IDLE_LIMIT &&
		 executed_since(since) < (seen ? STALL_LIMIT : BUSY_LIMIT));
	fprintf(stderr, "bench: the guest is stuck\n");
	kill(w->pid, SIGKILL);
	if (w->listener >= 0)
		shutdown(w->listener, SHUT_RDWR);
	return NULL;
}

/* End the command when it takes too long, if unwatch() does not come first. */
static void watch_command(pid_t pid, int listener)
{
	watched = (struct watch){ .pid = pid, .listener = listener };
	if (pthread_create(&watched.thread, NULL, watch, &watched)) {
		fprintf(stderr, "bench: no thread\n");
		exit(1);
	}
}

static void unwatch(void)
{
	pthread_cancel(watched.thread);
	pthread_join(watched.thread, NULL);
}

/*
 * Read the command's output to its end; true when the marker came, at the time *when, with what
 * followed it on its line.
 */
static bool await_marker(int output, const char *marker, struct moment *when, char *rest,
			 size_t size)
{
	FILE *f = fdopen(output, "r");
	char line[1024], *at;
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		at = found ? NULL : strstr(line, marker);
		if (!at)
			continue;
		found = true;
		*when = now();
		snprintf(rest, size, "%s", at + strlen(marker));
	}
	return found;
}

/* Start the command, and count what is executed until it prints the marker. 0: it did not. */
static uint64_t count_until(const char *marker, char **argv)
{
	struct moment start = now(), end;
	uint64_t all, idle;
	char rest[256];
	int output, status;
	pid_t pid = start_command(argv, &output);
	bool found;

	watch_command(pid, -1);
	found = await_marker(output, marker, &end, rest, sizeof(rest));
	unwatch();
	waitpid(pid, &status, 0);
	if (!found) {
		fprintf(stderr, "bench: no \"%s\" in the output, status %x\n", marker, status);
		return 0;
	}
	all = end.ticks - start.ticks;
	idle = end.idle - start.idle;
	printf("# %llu from start to end, %llu of them idle\n", (unsigned long long)all,
	       (unsigned long long)idle);
	return all - idle;
}

static int repeat_until(const char *marker, char **argv)
{
	uint64_t figure[REPS];

	for (int i = 0; i < REPS; i++) {
		figure[i] = count_until(marker, argv);
		if (!figure[i])
			return 1;
	}
	printf("row\tboot\t1\t%llu\t%llu\t%llu\n", (unsigned long long)figure[0],
	       (unsigned long long)figure[1], (unsigned long long)figure[2]);
	return 0;
}

/* The guest counts: it prints "BENCH figures COUNT FIGURE…". */
static int guest_figures(const char *row, char **argv)
{
	unsigned long long f[REPS];
	struct moment when;
	char rest[256];
	int output, status, count;
	pid_t pid = start_command(argv, &output);
	bool found;

	watch_command(pid, -1);
	found = await_marker(output, "BENCH figures ", &when, rest, sizeof(rest));
	unwatch();
	waitpid(pid, &status, 0);
	if (!found || sscanf(rest, "%d %llu %llu %llu", &count, &f[0], &f[1], &f[2]) != 4) {
		fprintf(stderr, "bench: %s: no figures in the output, status %x\n", row, status);
		return 1;
	}
	printf("row\t%s\t%d\t%llu\t%llu\t%llu\n", row, count, f[0], f[1], f[2]);
	return 0;
}

/* Take a stream from the guest: instructions for each KiB, in REPS stretches after a first one. */
static int sink(const char *row, int port, char **argv)
{
	/* Long, so that it evens out how many frames come at a time. */
	enum { STRETCH = 24 << 20 };
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), s, output, status;
	static char buf[64 << 10];
	uint64_t mark[REPS + 2];
	struct moment when;
	char rest[256];
	size_t have = 0;
	int marks = 0;
	ssize_t n;
	pid_t pid;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 1)) {
		perror("bench: listen");
		return 1;
	}
	pid = start_command(argv, &output);
	watch_command(pid, listener);
	s = accept(listener, NULL, NULL);
	/* Wakes once for much, not in turns with the sender: how often is chance. */
	setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &(int){ sizeof(buf) }, sizeof(int));
	mark[marks++] = ticks();
	while (marks < REPS + 2 && (n = read(s, buf, sizeof(buf))) > 0) {
		have += n;
		__atomic_store_n(&watched.progress, have, __ATOMIC_RELAXED);
		if (have >= (size_t)STRETCH * marks)
			mark[marks++] = ticks();
	}
	close(s);
	if (marks < REPS + 2)
		kill(pid, SIGKILL);
	if (await_marker(output, "BENCH failed: ", &when, rest, sizeof(rest)))
		fprintf(stderr, "bench: %s: %s", row, rest);
	unwatch();
	waitpid(pid, &status, 0);
	if (marks < REPS + 2) {
		fprintf(stderr, "bench: %s: the stream ended after %zu bytes\n", row, have);
		return 1;
	}
	printf("row\t%s\t%d\t%.1f\t%.1f\t%.1f\n", row, STRETCH >> 10,
	       (double)(mark[2] - mark[1]) / (STRETCH >> 10),
	       (double)(mark[3] - mark[2]) / (STRETCH >> 10),
	       (double)(mark[4] - mark[3]) / (STRETCH >> 10));
	return 0;
}

int main(int argc, char **argv)
{
	static struct rdt_test tests[ARRAY_SIZE(rows)];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 3 && !strcmp(argv[1], "--until"))
		return repeat_until(argv[2], argv + 3);
	if (argc > 3 && !strcmp(argv[1], "--guest"))
		return guest_figures(argv[2], argv + 3);
	if (argc > 4 && !strcmp(argv[1], "--sink"))
		return sink(argv[2], atoi(argv[3]), argv + 4);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct rdt_test){ rows[i].name, measure, 30, &rows[i] };
	if (argc < 2 || strcmp(argv[argc - 1], "--list"))
		calibrate();
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
