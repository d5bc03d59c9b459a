// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop. Port and memory-mapped exits are tested first, because they are nearly all there
 * are; the rest go through a table.
 *
 * Stopping without a race: the machine's stop flag is set first, then every thread gets the kick
 * signal, whose handler sets immediate_exit in the thread's own run page. A kick before KVM_RUN
 * makes it return at once, a kick during it interrupts it, and the loop looks at the flag each
 * time it is interrupted.
 */
#include "tools/src/vmctl/cpu.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define KICK_SIGNAL SIGRTMIN
#define REKICK_NS 20000000

static __thread struct kvm_run *volatile kicked_run;

static void on_kick(int sig)
{
	(void)sig;
	if (kicked_run)
		__atomic_store_n(&kicked_run->immediate_exit, 1, __ATOMIC_RELAXED);
}

int rd_cpu_init_signals(void)
{
	struct sigaction sa = { .sa_handler = on_kick };

	sigemptyset(&sa.sa_mask);
	if (sigaction(KICK_SIGNAL, &sa, NULL))
		return rd_fail(RD_HOST_ERROR, "sigaction: %s", strerror(errno));
	return RD_OK;
}

static void count_exit(struct rd_cpu *cpu, uint32_t reason)
{
	uint64_t *n = &cpu->exits[reason < RD_EXIT_REASONS ? reason : RD_EXIT_REASONS];

	__atomic_store_n(n, *n + 1, __ATOMIC_RELAXED);
}

static void exit_io(struct rd_cpu *cpu)
{
	struct kvm_run *run = cpu->run;

	rd_bus_pio(&cpu->machine->bus, run->io.port, run->io.direction == KVM_EXIT_IO_OUT,
		   run->io.size, run->io.count, (uint8_t *)run + run->io.data_offset);
}

static void exit_mmio(struct rd_cpu *cpu)
{
	struct kvm_run *run = cpu->run;

	rd_bus_mmio(&cpu->machine->bus, run->mmio.phys_addr, run->mmio.is_write, run->mmio.len,
		    run->mmio.data);
}

static void exit_shutdown(struct rd_cpu *cpu)
{
	rd_machine_end(cpu->machine, RD_END_TRIPLE_FAULT);
}

static void exit_system_event(struct rd_cpu *cpu)
{
	switch (cpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		rd_machine_end(cpu->machine, RD_END_POWER_OFF);
		return;
	case KVM_SYSTEM_EVENT_CRASH:
		rd_machine_end(cpu->machine, RD_END_PANIC);
		return;
	default:
		rd_machine_end(cpu->machine, RD_END_RESET);
	}
}

static void exit_fail_entry(struct rd_cpu *cpu)
{
	rd_fail(RD_VM_ERROR, "vCPU %u cannot be entered: hardware reason 0x%llx", cpu->index,
		(unsigned long long)cpu->run->fail_entry.hardware_entry_failure_reason);
	rd_machine_end(cpu->machine, RD_END_VM_ERROR);
}

static void exit_internal_error(struct rd_cpu *cpu)
{
	const struct kvm_run *run = cpu->run;
	struct kvm_regs regs = { 0 };
	char data[96] = "";
	size_t n = 0;

	(void)ioctl(cpu->fd, KVM_GET_REGS, &regs);
	for (uint32_t i = 0; i < run->internal.ndata && i < 4; i++)
		n += (size_t)snprintf(data + n, sizeof(data) - n, " %llx",
				      (unsigned long long)run->internal.data[i]);
	rd_fail(RD_VM_ERROR, "vCPU %u: internal error %u of the hypervisor at rip 0x%llx, data%s",
		cpu->index, run->internal.suberror, (unsigned long long)regs.rip,
		*data ? data : " none");
	rd_machine_end(cpu->machine, RD_END_VM_ERROR);
}

static void exit_ioapic_eoi(struct rd_cpu *cpu)
{
	rd_ioapic_eoi(&cpu->machine->ioapic, cpu->run->eoi.vector);
}

static void exit_nothing(struct rd_cpu *cpu)
{
	(void)cpu;
}

static const struct {
	const char *name;
	void (*handle)(struct rd_cpu *cpu);	/* NULL: nothing here asked for such an exit */
} exits[RD_EXIT_REASONS] = {
	[KVM_EXIT_UNKNOWN] = { "unknown", NULL },
	[KVM_EXIT_EXCEPTION] = { "exception", NULL },
	[KVM_EXIT_IO] = { "io", exit_io },
	[KVM_EXIT_HYPERCALL] = { "hypercall", NULL },
	[KVM_EXIT_DEBUG] = { "debug", NULL },
	[KVM_EXIT_HLT] = { "hlt", exit_nothing },
	[KVM_EXIT_MMIO] = { "mmio", exit_mmio },
	[KVM_EXIT_IRQ_WINDOW_OPEN] = { "irq_window_open", exit_nothing },
	[KVM_EXIT_SHUTDOWN] = { "shutdown", exit_shutdown },
	[KVM_EXIT_FAIL_ENTRY] = { "fail_entry", exit_fail_entry },
	[KVM_EXIT_INTR] = { "intr", exit_nothing },
	[KVM_EXIT_SET_TPR] = { "set_tpr", exit_nothing },
	[KVM_EXIT_TPR_ACCESS] = { "tpr_access", exit_nothing },
	[KVM_EXIT_NMI] = { "nmi", exit_nothing },
	[KVM_EXIT_INTERNAL_ERROR] = { "internal_error", exit_internal_error },
	[KVM_EXIT_SYSTEM_EVENT] = { "system_event", exit_system_event },
	[KVM_EXIT_IOAPIC_EOI] = { "ioapic_eoi", exit_ioapic_eoi },
};

const char *rd_exit_name(uint32_t reason)
{
	if (reason < RD_EXIT_REASONS && exits[reason].name)
		return exits[reason].name;
	return "other";
}

static void exit_other(struct rd_cpu *cpu)
{
	uint32_t reason = cpu->run->exit_reason;

	if (reason == RD_EXIT_TRACE) {
		rd_traces_exit(cpu);
		return;
	}
	if (reason < RD_EXIT_REASONS && exits[reason].handle) {
		exits[reason].handle(cpu);
		return;
	}
	rd_fail(RD_VM_ERROR, "vCPU %u: unexpected exit %u (%s)", cpu->index, reason,
		rd_exit_name(reason));
	rd_machine_end(cpu->machine, RD_END_VM_ERROR);
}

/* A VM that Redoubt has ended knows why. */
static void report_failure(const struct rd_cpu *cpu, int err)
{
	struct rd_vm_status st = { 0 };

	if (!ioctl(cpu->machine->vm_fd, RD_VM_GET_STATUS, &st) && st.dead)
		rd_fail(RD_VM_ERROR, "vCPU %u: the hypervisor has ended the VM: %.*s", cpu->index,
			(int)sizeof(st.reason), st.reason);
	else
		rd_fail(RD_VM_ERROR, "vCPU %u: KVM_RUN: %s", cpu->index, strerror(err));
}

/* KVM_RUN failed with errno. Returns whether to go on. */
static bool run_interrupted(struct rd_cpu *cpu)
{
	if (errno != EINTR && errno != EAGAIN) {
		report_failure(cpu, errno);
		rd_machine_end(cpu->machine, RD_END_VM_ERROR);
		return false;
	}
	__atomic_store_n(&cpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return !rd_machine_stopping(cpu->machine);
}

static void handle_exit(struct rd_cpu *cpu)
{
	count_exit(cpu, cpu->run->exit_reason);
	if (cpu->run->exit_reason == KVM_EXIT_IO)
		exit_io(cpu);
	else if (cpu->run->exit_reason == KVM_EXIT_MMIO)
		exit_mmio(cpu);
	else
		exit_other(cpu);
}

/*
 * The hypervisor takes the result of the last exit with the next KVM_RUN: with immediate_exit it
 * does so and no more, and only then are the registers those after the instruction. A string
 * instruction may need several rounds. One that a write trace holds is not to be finished: its
 * registers are those before it.
 */
static void finish_instruction(struct rd_cpu *cpu)
{
	while (!__atomic_load_n(&cpu->machine->end, __ATOMIC_RELAXED) && !cpu->held) {
		__atomic_store_n(&cpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
		if (ioctl(cpu->fd, KVM_RUN, 0) < 0)
			return;
		handle_exit(cpu);
	}
}

static void *cpu_thread(void *arg)
{
	struct rd_cpu *cpu = arg;
	bool go_on;

	__atomic_store_n(&cpu->tid, gettid(), __ATOMIC_RELAXED);
	kicked_run = cpu->run;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	go_on = !rd_machine_stopping(cpu->machine);
	while (go_on) {
		if (__builtin_expect(ioctl(cpu->fd, KVM_RUN, 0) < 0, 0)) {
			go_on = run_interrupted(cpu);
			continue;
		}
		handle_exit(cpu);
		go_on = !rd_machine_stopping(cpu->machine) && !cpu->held;
	}
	finish_instruction(cpu);
	kicked_run = NULL;
	__atomic_store_n(&cpu->tid, 0, __ATOMIC_RELAXED);
	return NULL;
}

int rd_cpu_start(struct rd_cpu *cpu)
{
	char name[16];
	int err = pthread_create(&cpu->thread, NULL, cpu_thread, cpu);

	if (err)
		return rd_fail(RD_HOST_ERROR, "thread for vCPU %u: %s", cpu->index, strerror(err));
	cpu->started = true;
	snprintf(name, sizeof(name), "vcpu%u", cpu->index);
	pthread_setname_np(cpu->thread, name);
	return RD_OK;
}

void rd_cpu_kick(struct rd_cpu *cpu)
{
	if (cpu->started)
		pthread_kill(cpu->thread, KICK_SIGNAL);
}

void rd_cpu_join(struct rd_cpu *cpu)
{
	struct timespec until;

	if (!cpu->started)
		return;
	/*
	 * One kick is enough for KVM_RUN. A thread that was just about to write to a slow console
	 * when it came needs another one.
	 */
	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REKICK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		rd_cpu_kick(cpu);
	} while (pthread_timedjoin_np(cpu->thread, NULL, &until) == ETIMEDOUT);
	cpu->started = false;
}
