// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests while they run: signals and immediate exit, several machines at once, threads that move
 * between processors, and clients that die.
 */
#include "tests/selftests/lib/rdt.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void catch(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	RDT_OK(sigaction(sig, &sa, NULL));
}

static struct rdt_vm *counter(void)
{
	return rdt_payload_vm("memory", "count_forever");
}

/* The flag is looked at before the guest is entered, and the guest has not moved. */
static void immediate_exit(void)
{
	struct rdt_vm *vm = counter();
	struct rdt_vcpu *v = vm->vcpu[0];
	struct kvm_regs a, b;

	rdt_get_regs(v, &a);
	v->run->immediate_exit = 1;
	for (int i = 0; i < 10; i++)
		RDT_ERRNO(rdt_run_once(v), EINTR);
	rdt_get_regs(v, &b);
	RDT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	v->run->immediate_exit = 0;
	vm->shared->args[3] = 1;
	RDT_EQ(rdt_until_sync(v), 2);
}

static void pending_signal(void)
{
	struct rdt_vm *vm = counter();
	sigset_t set;

	catch(SIGUSR2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	/* Blocked here and let in by the mask of the processor: the old way to kick it. */
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} mask = { .head.len = 8 };

	RDT_OK(pthread_sigmask(SIG_BLOCK, &set, NULL));
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_SET_SIGNAL_MASK, &mask));
	raise(SIGUSR2);
	RDT_ERRNO(rdt_run_once(vm->vcpu[0]), EINTR);
	RDT_EQ(vm->vcpu[0]->run->exit_reason, KVM_EXIT_INTR);
	RDT_EQ(vm->shared->results[0], 0);
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_SET_SIGNAL_MASK, NULL));
}

struct kicker {
	pthread_t target;
	volatile bool stop;
	useconds_t pause;
};

static void *kick_main(void *arg)
{
	struct kicker *k = arg;

	while (!k->stop) {
		usleep(k->pause);
		pthread_kill(k->target, SIGUSR2);
	}
	return NULL;
}

/* A guest that never exits by itself comes out for each signal, and loses nothing. */
static void signal_stops_loop(void)
{
	struct rdt_vm *vm = counter();
	struct kicker k = { .target = pthread_self(), .pause = 3000 };
	pthread_t t;

	catch(SIGUSR2);
	RDT_EQ(pthread_create(&t, NULL, kick_main, &k), 0);
	for (int i = 0; i < 50; i++) {
		uint64_t was = vm->shared->results[0];

		RDT_ERRNO(rdt_run_once(vm->vcpu[0]), EINTR);
		RDT_EQ(vm->vcpu[0]->run->exit_reason, KVM_EXIT_INTR);
		RDT_CHECK(vm->shared->results[0] >= was);
	}
	k.stop = true;
	pthread_join(t, NULL);
	RDT_CHECK(signals >= 50);
	RDT_CHECK(vm->shared->results[0] > 0);
	vm->shared->args[3] = 1;
	RDT_EQ(rdt_until_sync(vm->vcpu[0]), 2);
}

/* A halted processor without anything to wake it is woken by a signal. */
static void signal_stops_hlt(void)
{
	static const uint8_t code[] = { 0xfb, 0xf4, 0xeb, 0xfd };
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, RDP_IRQCHIP);
	struct rdt_vcpu *v = rdt_vcpu_new(vm, 0);
	struct kicker k = { .target = pthread_self(), .pause = 20000 };
	struct timespec a, b;
	pthread_t t;

	memcpy(rdt_gpa(vm, RDP_REAL_GPA), code, sizeof(code));
	rdt_real_mode(v, RDP_REAL_GPA, 0, 0);
	catch(SIGUSR2);
	RDT_EQ(pthread_create(&t, NULL, kick_main, &k), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 10; i++)
		RDT_ERRNO(rdt_run_once(v), EINTR);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	k.stop = true;
	pthread_join(t, NULL);
	/* It slept: ten waits of 20 ms do not take 150 ms of processor time. */
	RDT_CHECK((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 <
		  150 * rdt_time_scale());
}

/* Signals between device accesses: none is done twice, none is lost. */
static void signals_among_exits(void)
{
	struct rdt_vm *vm = rdt_payload_vm("pio", "many");
	struct kicker k = { .target = pthread_self(), .pause = 300 };
	pthread_t t;

	catch(SIGUSR2);
	RDT_EQ(pthread_create(&t, NULL, kick_main, &k), 0);
	rdt_finish(vm->vcpu[0]);
	k.stop = true;
	pthread_join(t, NULL);
	RDT_CHECK(signals > 0);
	RDT_EQ(vm->shared->pio.reads, 5000);
}

static void wait_for_sipi(void)
{
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, RDP_IRQCHIP);
	struct kicker k = { .target = pthread_self(), .pause = 10000 };
	struct rdt_vcpu *v;
	pthread_t t;

	rdt_vcpu_new(vm, 0);
	v = rdt_vcpu_new(vm, 1);
	catch(SIGUSR2);
	RDT_EQ(pthread_create(&t, NULL, kick_main, &k), 0);
	for (int i = 0; i < 3; i++)
		RDT_ERRNO2(rdt_run_once(v), EINTR, EAGAIN);
	k.stop = true;
	pthread_join(t, NULL);
}

struct machine {
	const char *payload;
	const char *test;
	pthread_t thread;
	uint32_t rounds;
};

static void *machine_main(void *arg)
{
	struct machine *m = arg;

	for (uint32_t i = 0; i < m->rounds; i++) {
		struct rdt_vm *vm = rdt_payload_vm(m->payload, m->test);
		enum rdt_end end;

		do {
			end = rdt_step(vm->vcpu[0], NULL);
		} while (end == RDT_INTR || end == RDT_SYNC);
		if (end != RDT_PASS)
			rdt_fail("%s/%s: end %d, %s", m->payload, m->test, end,
				 (char *)vm->shared->message);
		rdt_vm_free(vm);
	}
	return NULL;
}

/* Machines side by side in one process, with different work. */
static void two_machines(void)
{
	struct machine m[] = {
		{ "mmio", "string_movs", 0, 5 }, { "irq", "storm", 0, 5 },
		{ "memory", "all_of_memory", 0, 5 }, { "cpu", "sse_state", 0, 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(m); i++)
		RDT_EQ(pthread_create(&m[i].thread, NULL, machine_main, &m[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(m); i++)
		pthread_join(m[i].thread, NULL);
}

/* And in two processes. */
static void two_processes(void)
{
	pid_t pid[3];
	int status;

	for (int i = 0; i < 3; i++) {
		struct machine m = { "irq", i ? "hlt_with_timer" : "timer_periodic", 0, 5 };

		pid[i] = fork();
		if (!pid[i]) {
			machine_main(&m);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++) {
		RDT_EQ(waitpid(pid[i], &status, 0), pid[i]);
		RDT_EQ(status, 0);
	}
}

struct mover {
	volatile pthread_t target;
	volatile bool stop;
	int moves;
};

static void *mover_main(void *arg)
{
	struct mover *m = arg;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	while (!m->stop) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(m->moves++ % cpus, &set);
		pthread_setaffinity_np(m->target, sizeof(set), &set);
		usleep(500);
	}
	return NULL;
}

static void with_moves(const char *payload, const char *test)
{
	struct rdt_vm *vm = rdt_payload_vm(payload, test);
	struct mover m = { .target = pthread_self() };
	pthread_t t;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		rdt_skip("one processor only");
	RDT_EQ(pthread_create(&t, NULL, mover_main, &m), 0);
	rdt_start_others(vm);
	rdt_finish(vm->vcpu[0]);
	m.stop = true;
	pthread_join(t, NULL);
	rdt_vm_free(vm);
}

/* A thread that moves between processors while its guest runs: state, clock, timers follow. */
static void moves_sse(void)
{
	with_moves("cpu", "state_over_preemption");
}

static void moves_tsc(void)
{
	with_moves("cpu", "tsc_monotonic");
}

static void moves_timer(void)
{
	with_moves("irq", "timer_periodic");
}

static void moves_deadline(void)
{
	with_moves("irq", "timer_deadline");
}

static void moves_memory(void)
{
	with_moves("memory", "remap");
}

static void moves_exits(void)
{
	with_moves("pio", "many");
}

/* Another thread of the process runs the processor each time. */
struct once {
	struct rdt_vcpu *vcpu;
	enum rdt_end end;
};

static void *once_main(void *arg)
{
	struct once *o = arg;

	o->end = rdt_step(o->vcpu, NULL);
	return NULL;
}

static void other_threads(void)
{
	struct rdt_vm *vm = rdt_payload_vm("memory", "access_on_demand");
	struct once o = { .vcpu = vm->vcpu[0] };

	for (int i = 0; i < 20; i++) {
		pthread_t t;

		RDT_EQ(pthread_create(&t, NULL, once_main, &o), 0);
		pthread_join(t, NULL);
		RDT_EQ(o.end, RDT_SYNC);
		vm->shared->args[1] = RDP_IMAGE_GPA;
	}
}

/* Descriptors closed in any order, and a process that just ends. */
static void abandoned(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			struct rdt_vm *vm = rdt_payload_vm("smp", "ipi_halted");

			if (i & 1)
				close(vm->fd);
			if (i & 2)
				close(vm->sys);
			if (i & 4)
				close(vm->vcpu[1]->fd);
			if (i == 8)
				munmap(vm->ram, vm->ram_size);
			_exit(0);
		}
		RDT_EQ(waitpid(pid, &status, 0), pid);
		RDT_EQ(status, 0);
	}
}

/* Killed in the middle of running, with four processors. */
static void killed(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			struct rdt_vm *vm = rdt_payload_vm("smp", "start_four");

			rdt_start_others(vm);
			for (;;)
				rdt_step(vm->vcpu[0], NULL);
		}
		usleep(5000 * i * rdt_time_scale());
		kill(pid, SIGKILL);
		RDT_EQ(waitpid(pid, &status, 0), pid);
	}
}

static void *reader_main(void *arg)
{
	struct rdt_vcpu *v = arg;
	struct kvm_regs regs;

	/* Waits for KVM_RUN to come out; must be served then and not for ever be put off. */
	ioctl(v->fd, KVM_GET_REGS, &regs);
	return NULL;
}

/* State is read while the processor runs: the call waits until it is out. */
static void state_while_running(void)
{
	struct rdt_vm *vm = counter();
	struct kicker k = { .target = pthread_self(), .pause = 5000 };
	pthread_t t, reader;

	catch(SIGUSR2);
	RDT_EQ(pthread_create(&t, NULL, kick_main, &k), 0);
	for (int i = 0; i < 10; i++) {
		RDT_EQ(pthread_create(&reader, NULL, reader_main, vm->vcpu[0]), 0);
		RDT_ERRNO(rdt_run_once(vm->vcpu[0]), EINTR);
		pthread_join(reader, NULL);
	}
	k.stop = true;
	pthread_join(t, NULL);
}

static const struct rdt_test tests[] = {
	{ "immediate_exit", immediate_exit },
	{ "pending_signal", pending_signal },
	{ "signal_stops_loop", signal_stops_loop },
	{ "signal_stops_hlt", signal_stops_hlt },
	{ "signals_among_exits", signals_among_exits },
	{ "wait_for_sipi", wait_for_sipi },
	{ "two_machines", two_machines, 20 },
	{ "two_processes", two_processes, 20 },
	{ "moves_sse", moves_sse },
	{ "moves_tsc", moves_tsc },
	{ "moves_timer", moves_timer },
	{ "moves_deadline", moves_deadline },
	{ "moves_memory", moves_memory },
	{ "moves_exits", moves_exits },
	{ "other_threads", other_threads },
	{ "abandoned", abandoned },
	{ "killed", killed },
	{ "state_while_running", state_while_running },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
