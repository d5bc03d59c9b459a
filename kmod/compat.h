/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module builds for, under one name each; no other file
 * asks for a kernel version. What a version number does not tell, because stable kernels take
 * changes back, Kbuild finds in the headers (RD_HAVE_*).
 */
#ifndef RD_KMOD_COMPAT_H
#define RD_KMOD_COMPAT_H

#include <linux/context_tracking.h>
#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <linux/version.h>
#include <linux/vtime.h>
#include <asm/reboot.h>
#include <trace/events/ipi.h>

/*
 * The hotplug state that stock KVM uses: a state has one owner, so whoever asks second gets -EBUSY,
 * and its place is right: on the way down all tasks have left the CPU before. The callbacks run
 * with interrupts off before 6.6, in a thread since.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define RD_CPUHP_STATE CPUHP_AP_KVM_ONLINE
#else
#define RD_CPUHP_STATE CPUHP_AP_KVM_STARTING
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
static inline void rd_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#else
static inline void rd_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#endif

/* The file of a struct fd, NULL if there is none. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define rd_fd_file(f) fd_file(f)
#else
#define rd_fd_file(f) ((f).file)
#endif

static inline void rd_hrtimer_setup(struct hrtimer *t,
				    enum hrtimer_restart (*fn)(struct hrtimer *t))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(t, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
#else
	hrtimer_init(t, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	t->function = fn;
#endif
}

/*
 * Suspend and resume with interrupts off on the last CPU: RD_SYSCORE(name, suspend function, resume
 * function).
 */
#ifdef RD_HAVE_SYSCORE_DATA
#define RD_SYSCORE(name, suspend_fn, resume_fn)                                                   \
	static int name##_suspend(void *data) { return suspend_fn(); }                            \
	static void name##_resume(void *data) { resume_fn(); }                                    \
	static const struct syscore_ops name##_ops = { .suspend = name##_suspend,                 \
						       .resume = name##_resume };                 \
	static struct syscore name = { .ops = &name##_ops }
#define rd_syscore_register(s) register_syscore(s)
#define rd_syscore_unregister(s) unregister_syscore(s)
#else
#define RD_SYSCORE(name, suspend_fn, resume_fn)                                                   \
	static struct syscore_ops name = { .suspend = suspend_fn, .resume = resume_fn }
#define rd_syscore_register(s) register_syscore_ops(s)
#define rd_syscore_unregister(s) unregister_syscore_ops(s)
#endif

/*
 * Accounting around guest mode. Enter and exit with interrupts off; irqs_done after the host took
 * the interrupts that ended guest mode, so that their time counts as the guest's as far as the tick
 * is concerned.
 */
static __always_inline void rd_compat_guest_enter(void)
{
	vtime_account_guest_enter();
	context_tracking_guest_enter();
}

static __always_inline void rd_compat_guest_exit(void)
{
	context_tracking_guest_exit();
	if (vtime_accounting_enabled_this_cpu())
		vtime_account_guest_exit();
}

static __always_inline void rd_compat_guest_irqs_done(void)
{
	current->flags &= ~PF_VCPU;
}

/*
 * A vCPU that ran a while without leaving for user space: this CPU is in no RCU read-side section
 * of before. RCU keeps its word per CPU, so nothing may move or interrupt the caller meanwhile.
 */
static inline void rd_compat_rcu_note(void)
{
	local_irq_disable();
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	rcu_virt_note_context_switch();
#else
	rcu_virt_note_context_switch(0);
#endif
	local_irq_enable();
}

/* User space may change it under us at any time: read it once a decision. */
static inline bool rd_compat_immediate_exit(const struct kvm_run *run)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return READ_ONCE(run->immediate_exit__unsafe);
#else
	return READ_ONCE(run->immediate_exit);
#endif
}

static inline void rd_compat_send_reschedule(int cpu)
{
	smp_send_reschedule(cpu);
}

/*
 * A crashing kernel turns virtualization off on each CPU through one callback, where the kernel has
 * it.
 */
#ifdef RD_HAVE_EMERGENCY_VIRT
#define rd_emergency_register(fn) cpu_emergency_register_virt_callback(fn)
#define rd_emergency_unregister(fn) cpu_emergency_unregister_virt_callback(fn)
#else
#define rd_emergency_register(fn) ((void)(fn))
#define rd_emergency_unregister(fn) ((void)(fn))
#endif

#endif
