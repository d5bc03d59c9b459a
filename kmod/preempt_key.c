// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler's preemption notifiers: a static key, which the kernel switches by patching the
 * code of every context switch. Invariant: on an emulated CPU (QEMU's TCG) no other CPU switches
 * tasks while that code changes. TCG takes its translation back before the new bytes are stored,
 * so a CPU that comes by in between goes on with the old ones, INT3 among them, for ever.
 */
#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched/task.h>
#include <asm/processor.h>
#include "kmod/preempt_key.h"

static DEFINE_PER_CPU(struct task_struct *, rd_parker);
static atomic_t rd_parked;
static bool rd_unpark;

/* Interrupts stay on: the patching waits until every CPU has answered one. */
static int rd_park(void *unused)
{
	preempt_disable();
	atomic_inc(&rd_parked);
	while (!READ_ONCE(rd_unpark))
		cpu_relax();
	preempt_enable();
	return 0;
}

/* A thread for every other CPU; a CPU that gets none is only not protected. How many there are. */
static int rd_parkers_create(void)
{
	struct task_struct *t;
	int cpu, n = 0;

	for_each_online_cpu(cpu) {
		if (cpu == raw_smp_processor_id())
			continue;
		t = kthread_create(rd_park, NULL, "redoubt/park%d", cpu);
		if (IS_ERR(t))
			continue;
		per_cpu(rd_parker, cpu) = get_task_struct(t);
		kthread_bind(t, cpu);
		n++;
	}
	return n;
}

/*
 * None starts before the last is there: the kernel's thread that makes threads may be waiting for
 * a CPU that is parked already.
 */
static void rd_park_others(void)
{
	int cpu, n;

	atomic_set(&rd_parked, 0);
	WRITE_ONCE(rd_unpark, false);
	cpus_read_lock();
	n = rd_parkers_create();
	for_each_possible_cpu(cpu)
		if (per_cpu(rd_parker, cpu))
			wake_up_process(per_cpu(rd_parker, cpu));
	cpus_read_unlock();
	while (atomic_read(&rd_parked) < n)
		cond_resched();
}

/* Returns when the threads, which run this module's code, are gone. */
static void rd_unpark_others(void)
{
	struct task_struct *t;
	int cpu;

	WRITE_ONCE(rd_unpark, true);
	for_each_possible_cpu(cpu) {
		t = per_cpu(rd_parker, cpu);
		if (!t)
			continue;
		kthread_stop(t);
		put_task_struct(t);
		per_cpu(rd_parker, cpu) = NULL;
	}
}

static void rd_patch(void (*patch)(void))
{
	if (!hypervisor_cpuid_base("TCGTCGTCGTCG", 0)) {
		patch();
		return;
	}
	migrate_disable();
	rd_park_others();
	patch();
	rd_unpark_others();
	migrate_enable();
}

void rd_preempt_notifiers_on(void)
{
	rd_patch(preempt_notifier_inc);
}

void rd_preempt_notifiers_off(void)
{
	rd_patch(preempt_notifier_dec);
}
