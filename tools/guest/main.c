// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt_guest.ko: guards the kernel that it is loaded into, with the help of the hypervisor
 * Redoubt, when the host wants that or at once.
 * Invariant: once the kernel is guarded the driver stays, and says so to the host every second; the
 * state GUARDS is reported only while everything that was to be guarded is.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/workqueue.h>
#include "tools/guest/driver.h"

DEFINE_MUTEX(guest_lock);

static struct rd_guest_driver status = { .version = RD_GUEST_VERSION };

static void poll(struct work_struct *work);
static DECLARE_DELAYED_WORK(poll_work, poll);

void guest_failed(int error)
{
	status.state = RD_GUEST_FAILED;
	if (!status.error)
		status.error = error;
}

/* Says how it fares; what the host wants is in shared. */
static long call_host(void)
{
	struct rd_guest_driver *shared = guest_settled.shared;

	*shared = status;
	shared->want = 0;
	shared->allow = 0;
	memset(shared->action, 0, sizeof(shared->action));
	return kvm_hypercall1(RD_HC_GUEST_DRIVER, __pa(shared));
}

/* All or nothing of the kernel itself; what is missing of modules is told. */
static void start_guarding(bool host_wants)
{
	const struct rd_guest_driver *shared = guest_settled.shared;
	int err;

	status.allow = host_wants ? shared->allow & RD_ALLOW_ALL
				  : guest_settled.allow & RD_ALLOW_ALL;
	if (host_wants)
		memcpy(status.action, shared->action, sizeof(status.action));
	err = guest_attach(&status, guest_settled.gdt);
	if (!err) {
		/* Nobody could take it off again. */
		__module_get(THIS_MODULE);
		err = guest_modules_start(&status);
		pr_info("guarded pages: code %u, read-only data %u, tables %u, modules %u, own "
			"%u\n",
			status.text_pages, status.rodata_pages, status.table_pages,
			status.module_pages, status.own_pages);
	}
	if (err)
		guest_failed(err);
	else if (status.state == RD_GUEST_IDLE)
		status.state = RD_GUEST_GUARDS;
}

static void poll(struct work_struct *work)
{
	bool wants;
	int err;

	mutex_lock(&guest_lock);
	wants = !call_host() && guest_settled.shared->want == 1;
	/* Until it is live, parts of this module are still to be freed. */
	if (status.state == RD_GUEST_IDLE && (wants || guest_settled.guard) &&
	    THIS_MODULE->state == MODULE_STATE_LIVE) {
		start_guarding(wants);
		call_host();
	} else if (status.state == RD_GUEST_GUARDS && guest_settled.gdt) {
		err = guest_cpus_add(&status);
		if (err)
			guest_failed(err);
	}
	mutex_unlock(&guest_lock);
	schedule_delayed_work(&poll_work, msecs_to_jiffies(max(guest_settled.interval, 10U)));
}

/* Asked without a call, which would be an invalid instruction where no hypervisor is. */
static bool __init is_hypervisor(void)
{
	u32 leaf, eax, name[3];

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return false;
	for (leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
		cpuid(leaf, &eax, &name[0], &name[1], &name[2]);
		if (!memcmp(name, "KVMKVMKVM\0\0\0", sizeof(name)))
			return true;
	}
	return false;
}

static int __init guest_init(void)
{
	long version;
	int err;

	if (!is_hypervisor())
		return -ENODEV;
	version = kvm_hypercall0(RD_HC_INFO);
	if (version < RD_GUEST_VERSION) {
		pr_err("the hypervisor does not know these calls (%ld)\n", version);
		return -ENODEV;
	}
	err = guest_find_symbols();
	if (err)
		return err;
	guest_settled.shared = (void *)get_zeroed_page(GFP_KERNEL);
	if (!guest_settled.shared)
		return -ENOMEM;
	err = guest_cpus_register();
	if (err)
		goto no_cpus;
	err = guest_modules_register();
	if (err)
		goto no_modules;
	schedule_delayed_work(&poll_work, 0);
	return 0;

no_modules:
	guest_cpus_unregister();
no_cpus:
	free_page((unsigned long)guest_settled.shared);
	return err;
}

static void __exit guest_exit(void)
{
	guest_modules_unregister();
	guest_cpus_unregister();
	cancel_delayed_work_sync(&poll_work);
	free_page((unsigned long)guest_settled.shared);
}

module_init(guest_init);
module_exit(guest_exit);

MODULE_DESCRIPTION("Guards the kernel of a Redoubt guest against writes");
MODULE_LICENSE("GPL");
