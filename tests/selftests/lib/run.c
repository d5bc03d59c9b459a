// SPDX-License-Identifier: GPL-2.0-only
/*
 * Payloads and the run loop. The loop serves the ports and the memory of the test device and
 * notes each access in the shared page, so that payload and host program can both check the exit
 * itself and not only the data that came through.
 */
#include "tests/selftests/lib/rdt_priv.h"

#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

static struct rdt_vm *volatile kickable[16];

static const char *const exit_names[] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "EXCEPTION",
	[KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL",
	[KVM_EXIT_DEBUG] = "DEBUG",
	[KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR",
	[KVM_EXIT_SET_TPR] = "SET_TPR",
	[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
	[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
};

const char *rdt_exit_name(uint32_t reason)
{
	if (reason < ARRAY_SIZE(exit_names) && exit_names[reason])
		return exit_names[reason];
	return "other";
}

void rdt_kick_all(void)
{
	for (size_t m = 0; m < ARRAY_SIZE(kickable); m++)
		for (int i = 0; kickable[m] && i < kickable[m]->vcpus; i++)
			kickable[m]->vcpu[i]->run->immediate_exit = 1;
}

static void payload_path(const char *name, char *path, size_t size)
{
	const char *dir = getenv("RD_GUEST_DIR");
	char self[4096];
	ssize_t n;

	if (dir) {
		snprintf(path, size, "%s/%s.bin", dir, name);
		return;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		rdt_fail("/proc/self/exe: %s", strerror(errno));
	self[n] = 0;
	snprintf(path, size, "%s/../guest/%s.bin", dirname(self), name);
}

struct rdt_payload *rdt_payload_open(const char *name)
{
	struct rdt_payload *p = calloc(1, sizeof(*p));
	char path[4400];
	struct stat st;
	int fd;

	payload_path(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		rdt_fail("%s: %s", path, strerror(errno));
	p->size = st.st_size;
	p->image = mmap(NULL, p->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	p->header = (void *)p->image;
	if (p->image == MAP_FAILED || p->size < sizeof(*p->header) || p->header->magic != RDP_MAGIC)
		rdt_fail("%s: not a payload", path);
	return p;
}

const struct rdp_test *rdt_payload_test(const struct rdt_payload *p, unsigned int i)
{
	const struct rdp_test *t = (void *)(p->image + (p->header->tests.gva - p->header->load));

	return i < p->header->count ? t + i : NULL;
}

const char *rdt_payload_name(const struct rdt_payload *p, const struct rdp_test *t)
{
	return (char *)p->image + (t->name.gva - p->header->load);
}

static const struct rdp_test *find(const struct rdt_payload *p, const char *test)
{
	const struct rdp_test *t;

	for (unsigned int i = 0; (t = rdt_payload_test(p, i)); i++)
		if (!strcmp(rdt_payload_name(p, t), test))
			return t;
	rdt_fail("the payload has no test %s", test);
}

static void set_start(struct rdt_vcpu *vcpu, const struct rdp_header *h, const struct rdp_test *t)
{
	if (h->bits == 64)
		rdt_long_mode(vcpu, h->entry.gva, RDP_IMAGE_GPA, t->entry.gva);
	else if (h->bits == 32)
		rdt_prot_mode(vcpu, h->entry.gva, RDP_IMAGE_GPA, t->entry.gva);
	else
		rdt_real_mode(vcpu, h->load, h->entry.gva - h->load, t->entry.gva - h->load);
}

struct rdt_vm *rdt_payload_vm_flags(const char *payload, const char *test, uint64_t ram_size,
				    uint32_t more_flags)
{
	struct rdt_payload *p = rdt_payload_open(payload);
	const struct rdp_test *t = find(p, test);
	struct rdt_vm *vm;

	vm = rdt_vm_new(ram_size ? ram_size : RDP_RAM_MIN, t->flags | more_flags);
	if (p->header->load + p->size > vm->ram_size)
		rdt_fail("%s does not fit", payload);
	memcpy(rdt_gpa(vm, p->header->load), p->image, p->size);
	for (uint32_t i = 0; i < t->cpus; i++)
		rdt_vcpu_new(vm, i);
	set_start(vm->vcpu[0], p->header, t);
	vm->shared->args[RDP_ARG_EMULATED] = rdt_is_emulated();
	munmap(p->image, p->size);
	free(p);
	for (size_t m = 0; m < ARRAY_SIZE(kickable); m++) {
		struct rdt_vm *none = NULL;

		if (__atomic_compare_exchange_n(&kickable[m], &none, vm, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			break;
	}
	return vm;
}

struct rdt_vm *rdt_payload_vm(const char *payload, const char *test)
{
	return rdt_payload_vm_flags(payload, test, 0, 0);
}

static void note(volatile struct rdp_seen *seen, bool write, uint64_t addr, uint32_t len,
		 const void *data, uint32_t count)
{
	uint64_t v = 0;

	memcpy(&v, data, len > 8 ? 8 : len);
	if (write)
		seen->writes++;
	else
		seen->reads++;
	seen->addr = addr;
	seen->len = len;
	seen->data = v;
	seen->count = count;
}

static void stream(struct rdt_vm *vm, bool out, uint8_t *data, uint32_t size, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, data += size) {
		uint32_t v = 0;

		if (out) {
			memcpy(&v, data, size);
			vm->shared->stream_sum += v;
		} else {
			v = vm->stream++;
			memcpy(data, &v, size);
		}
	}
}

/* Ports nobody has float high, as on a board. */
static void serve_io(struct rdt_vm *vm, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	bool out = run->io.direction == KVM_EXIT_IO_OUT;
	uint32_t size = run->io.size, count = run->io.count, at = run->io.port - RDP_PORT_ECHO;

	pthread_mutex_lock(&vm->devices);
	if (run->io.port == RDP_PORT_STREAM) {
		stream(vm, out, data, size, count);
	} else if (at + size <= RDP_PORT_ECHO_SIZE) {
		for (uint32_t i = 0; i < count; i++, data += size) {
			if (out)
				memcpy(vm->echo + at, data, size);
			else
				memcpy(data, vm->echo + at, size);
		}
		data -= size * count;
	} else if (!out) {
		memset(data, 0xff, size * count);
	}
	note(&vm->shared->pio, out, run->io.port, size, data, count);
	pthread_mutex_unlock(&vm->devices);
}

static void serve_mmio(struct rdt_vm *vm, struct kvm_run *run)
{
	uint64_t at = run->mmio.phys_addr - RDP_MMIO_GPA;
	uint32_t len = run->mmio.len;

	pthread_mutex_lock(&vm->devices);
	if (at < RDP_MMIO_SIZE && len <= RDP_MMIO_SIZE - at) {
		if (run->mmio.is_write)
			memcpy(vm->mmio + at, run->mmio.data, len);
		else
			memcpy(run->mmio.data, vm->mmio + at, len);
	} else if (!run->mmio.is_write) {
		memset(run->mmio.data, 0xff, len);
	}
	note(&vm->shared->mmio, run->mmio.is_write, run->mmio.phys_addr, len, run->mmio.data, 1);
	pthread_mutex_unlock(&vm->devices);
}

static enum rdt_end serve_report(struct rdt_vcpu *vcpu, uint32_t *value)
{
	struct kvm_run *run = vcpu->run;
	uint32_t v = 0;

	memcpy(&v, (uint8_t *)run + run->io.data_offset, run->io.size);
	switch (run->io.port) {
	case RDP_PORT_PASS:
		return RDT_PASS;
	case RDP_PORT_FAIL:
		return RDT_FAIL;
	case RDP_PORT_SKIP:
		return RDT_SKIP;
	case RDP_PORT_MESSAGE:
		rdt_note("guest: %s", (char *)vcpu->vm->shared->message);
		return RDT_NONE;
	case RDP_PORT_YIELD:
		sched_yield();
		return RDT_NONE;
	case RDP_PORT_SYNC:
		if (value)
			*value = v;
		return RDT_SYNC;
	}
	return RDT_NONE;
}

enum rdt_end rdt_serve(struct rdt_vcpu *vcpu, uint32_t *value)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.port >= RDP_PORT_PASS && run->io.port <= RDP_PORT_YIELD)
			return serve_report(vcpu, value);
		serve_io(vcpu->vm, run);
		return RDT_NONE;
	case KVM_EXIT_MMIO:
		serve_mmio(vcpu->vm, run);
		return RDT_NONE;
	}
	return RDT_EXIT;
}

int rdt_run_once(struct rdt_vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, 0);
}

static void expired(struct rdt_vm *vm)
{
	rdt_note("time is over");
	for (int i = 0; i < vm->vcpus; i++)
		rdt_dump(vm->vcpu[i]);
	rdt_fail("no end in time");
}

static void ended_by_other(struct rdt_vm *vm)
{
	if (vm->verdict == RDT_FAIL)
		rdt_fail("guest: %s", (char *)vm->shared->message);
	if (vm->verdict == RDT_SKIP)
		rdt_skip("%s", (char *)vm->shared->message);
	if (vm->verdict == RDT_PASS)
		rdt_pass();
}

enum rdt_end rdt_step(struct rdt_vcpu *vcpu, uint32_t *value)
{
	enum rdt_end end;

	for (;;) {
		if (rdt_expired)
			expired(vcpu->vm);
		if (vcpu->vm->verdict)
			ended_by_other(vcpu->vm);
		if (rdt_run_once(vcpu)) {
			if (errno != EINTR && errno != EAGAIN) {
				rdt_dump(vcpu);
				rdt_fail("KVM_RUN: %s", strerror(errno));
			}
			if (!rdt_expired && !vcpu->vm->verdict)
				return RDT_INTR;
			continue;
		}
		vcpu->exits++;
		end = rdt_serve(vcpu, value);
		if (end != RDT_NONE)
			return end;
	}
}

static void unexpected(struct rdt_vcpu *vcpu, enum rdt_end end)
{
	if (end == RDT_FAIL)
		rdt_fail("guest: %s", (char *)vcpu->vm->shared->message);
	if (end == RDT_SKIP)
		rdt_skip("%s", (char *)vcpu->vm->shared->message);
	rdt_dump(vcpu);
	if (end == RDT_EXIT && vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		rdt_note("suberror %u, data %llx %llx %llx", vcpu->run->internal.suberror,
			 vcpu->run->internal.data[0], vcpu->run->internal.data[1],
			 vcpu->run->internal.data[2]);
	if (end == RDT_EXIT && vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		rdt_note("hardware reason %llx",
			 vcpu->run->fail_entry.hardware_entry_failure_reason);
	rdt_fail("unexpected end %d, exit %s", end, rdt_exit_name(vcpu->run->exit_reason));
}

uint32_t rdt_until_sync(struct rdt_vcpu *vcpu)
{
	enum rdt_end end;
	uint32_t value;

	do {
		end = rdt_step(vcpu, &value);
	} while (end == RDT_INTR);
	if (end != RDT_SYNC)
		unexpected(vcpu, end);
	return value;
}

void rdt_finish(struct rdt_vcpu *vcpu)
{
	enum rdt_end end;

	do {
		end = rdt_step(vcpu, NULL);
	} while (end == RDT_INTR || end == RDT_SYNC);
	if (end != RDT_PASS)
		unexpected(vcpu, end);
}

void rdt_until_exit(struct rdt_vcpu *vcpu, uint32_t reason)
{
	enum rdt_end end;

	do {
		end = rdt_step(vcpu, NULL);
	} while (end == RDT_INTR);
	if (end != RDT_EXIT || vcpu->run->exit_reason != reason)
		unexpected(vcpu, end);
}

static void ignore(int sig)
{
	(void)sig;
}

/* EINTR from wait-for-SIPI and from kicks is the normal way round the loop. */
static void *other_main(void *arg)
{
	struct rdt_vcpu *vcpu = arg;
	enum rdt_end end;

	while (!vcpu->stop && !rdt_expired) {
		if (rdt_run_once(vcpu)) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			rdt_dump(vcpu);
			rdt_fail("KVM_RUN of processor %d: %s", vcpu->id, strerror(errno));
		}
		vcpu->exits++;
		end = rdt_serve(vcpu, NULL);
		if (end == RDT_EXIT)
			unexpected(vcpu, end);
		if (end == RDT_PASS || end == RDT_FAIL || end == RDT_SKIP) {
			vcpu->vm->verdict = end;
			rdt_kick(vcpu->vm->vcpu[0]);
		}
	}
	return NULL;
}

void rdt_start_others(struct rdt_vm *vm)
{
	struct sigaction sa = { .sa_handler = ignore };
	sigset_t set, old;

	sigaction(SIGUSR1, &sa, NULL);
	vm->vcpu[0]->thread = pthread_self();
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	for (int i = 1; i < vm->vcpus; i++) {
		vm->vcpu[i]->threaded = true;
		RDT_EQ(pthread_create(&vm->vcpu[i]->thread, NULL, other_main, vm->vcpu[i]), 0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void rdt_kick(struct rdt_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	pthread_kill(vcpu->thread, SIGUSR1);
}

void rdt_stop_others(struct rdt_vm *vm)
{
	for (int i = 1; i < vm->vcpus; i++) {
		if (!vm->vcpu[i]->threaded)
			continue;
		vm->vcpu[i]->stop = true;
		rdt_kick(vm->vcpu[i]);
		pthread_join(vm->vcpu[i]->thread, NULL);
		vm->vcpu[i]->threaded = false;
	}
	for (size_t m = 0; m < ARRAY_SIZE(kickable); m++)
		if (kickable[m] == vm)
			kickable[m] = NULL;
}
