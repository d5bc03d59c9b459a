/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual CPU: descriptor, shared page, thread, and the loop that runs it.
 *
 * The thread owns the descriptor's run page. Others only read the counters and kick.
 */
#ifndef RD_TOOLS_CPU_H
#define RD_TOOLS_CPU_H

#include "tools/src/vmctl/kvm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Exit reasons are counted one by one below this, and together above. */
#define RD_EXIT_REASONS 48u

struct rd_machine;

struct rd_cpu {
	struct rd_machine *machine;
	uint32_t index;			/* also the APIC id */
	int fd;
	int stats_fd;			/* -1: none */
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	uint32_t held;			/* atomic: rd_trace_action that stopped it, traces.h */
	int tid;			/* of the thread; atomic, 0 while there is none */
	uint64_t exits[RD_EXIT_REASONS + 1];	/* written by the thread, read by anyone, relaxed */
};

/* rd_cpu_init_signals - install the kick handler; once per process, before any vCPU. */
int rd_cpu_init_signals(void);

/* rd_cpu_create - make the vCPU, with CPUID from SUPPORTED and its reset state. A status. */
int rd_cpu_create(struct rd_cpu *cpu, struct rd_machine *machine, uint32_t index,
		  const struct kvm_cpuid2 *supported);
void rd_cpu_destroy(struct rd_cpu *cpu);

/* rd_cpu_set_entry - boot vCPU only: 64-bit Linux entry state at ENTRY. A status. */
int rd_cpu_set_entry(struct rd_cpu *cpu, uint64_t entry);

/* rd_cpu_start - start the thread. A status. */
int rd_cpu_start(struct rd_cpu *cpu);

/* rd_cpu_kick - interrupt the thread; it ends if the machine is stopping. */
void rd_cpu_kick(struct rd_cpu *cpu);

/* rd_cpu_join - kick and wait for the end of the thread. Nothing to do without a thread. */
void rd_cpu_join(struct rd_cpu *cpu);

/* rd_exit_name - the name of a KVM exit reason, for messages and counters. */
const char *rd_exit_name(uint32_t reason);

#endif
