// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtualization on and off on the host's CPUs: at load and unload, as CPUs come and go, in
 * suspend, at reboot and in a crash.
 * Invariant: a CPU's share is on from rd_cpu_up() to rd_cpu_down(), told by rd_cpu_is_on, which
 * only that CPU changes; every VM is dead before it is turned off for good.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include "kmod/base.h"
#include "kmod/compat.h"
#include "kmod/power.h"
#include "vmm/hw.h"
#include "vmm/vm.h"

static DEFINE_PER_CPU(bool, rd_cpu_is_on);
static int rd_cpu_error; /* of the last CPU that refused */

static int rd_cpu_enable_here(void)
{
	unsigned long flags;
	int r = 0;

	local_irq_save(flags);
	if (!__this_cpu_read(rd_cpu_is_on)) {
		r = rd_hw->cpu_enable();
		__this_cpu_write(rd_cpu_is_on, !r);
	}
	local_irq_restore(flags);
	return r;
}

/* Also in a crash, with anything interrupted: no lock, no trace. */
static void rd_cpu_disable_here(void)
{
	unsigned long flags;

	local_irq_save(flags);
	if (__this_cpu_read(rd_cpu_is_on)) {
		__this_cpu_write(rd_cpu_is_on, false);
		rd_hw->cpu_disable();
	}
	local_irq_restore(flags);
}

static int rd_cpu_up(unsigned int cpu)
{
	int r = rd_cpu_enable_here();

	if (r)
		WRITE_ONCE(rd_cpu_error, r);
	/*
	 * Where the kernel does not take no for an answer it says so itself; the CPU then runs no
	 * guest.
	 */
	return r;
}

static int rd_cpu_down(unsigned int cpu)
{
	rd_cpu_disable_here();
	return 0;
}

static void rd_cpu_down_ipi(void *unused)
{
	rd_cpu_disable_here();
}

/*
 * --- suspend: the other CPUs went through hotplug ------------------------------------------------
 */

static int rd_suspend(void)
{
	rd_cpu_disable_here();
	return 0;
}

static void rd_resume(void)
{
	if (rd_cpu_enable_here())
		rd_vm_kill_all("virtualization could not be turned on after sleep");
	else
		rd_vm_resume_all();
}

RD_SYSCORE(rd_syscore, rd_suspend, rd_resume);

/* --- reboot and crash ------------------------------------------------------------------------- */

/*
 * Firmware and the next kernel want it off. A vCPU that is in the guest leaves it for the IPI, and
 * none enters again, because its VM is dead before the IPI is sent.
 */
static int rd_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	rd_vm_kill_all("the host is going down");
	on_each_cpu(rd_cpu_down_ipi, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block rd_reboot_nb = { .notifier_call = rd_reboot };

static void rd_emergency(void)
{
	rd_cpu_disable_here();
}

/* ---------------------------------------------------------------------------------------------- */

int rd_power_on(void)
{
	int r;

	rd_cpu_error = 0;
	r = cpuhp_setup_state(RD_CPUHP_STATE, "redoubt:on", rd_cpu_up, rd_cpu_down);
	if (r == -EBUSY && !rd_cpu_error)
		pr_err("redoubt: stock KVM owns the CPU's virtualization extension (unload it)\n");
	if (r)
		return r;
	if (rd_cpu_error) {
		/* Before 6.6 a CPU cannot refuse in this state. */
		cpuhp_remove_state(RD_CPUHP_STATE);
		return rd_cpu_error;
	}
	rd_emergency_register(rd_emergency);
	register_reboot_notifier(&rd_reboot_nb);
	rd_syscore_register(&rd_syscore);
	return 0;
}

void rd_power_off(void)
{
	rd_syscore_unregister(&rd_syscore);
	unregister_reboot_notifier(&rd_reboot_nb);
	rd_emergency_unregister(rd_emergency);
	cpuhp_remove_state(RD_CPUHP_STATE);
}
