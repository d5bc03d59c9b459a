// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: picks the backend, turns it on, opens the device node. The one file that
 * names the vendors and the subsystems.
 * Invariant: set-up steps are undone in reverse; the device node is the last to come and the first
 * to go.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "enclave/unit.h"
#include "kmod/ioctl.h"
#include "kmod/irqfd.h"
#include "kmod/power.h"
#include "kmod/preempt_key.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/svm/svm.h"
#include "vmm/unit.h"
#include "vmm/vcpu.h"

const struct rd_hw *rd_hw;
struct rd_unit_hooks rd_units;

extern unsigned int rd_halt_poll_ns;
module_param_named(halt_poll_ns, rd_halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns,
		 "longest time in ns that a halted vCPU is polled for before it sleeps (0: never)");

/* The backends, in the order in which they are asked. */
static const struct rd_hw *const rd_backends[] = { &rd_svm };

/* The subsystems, in the order of their hooks. */
static const struct rd_unit *const rd_all_units[] = { &rd_enclave_unit };

/*
 * The reason that speaks of this machine best: "switched off" and "in use" say more than "not
 * there".
 */
static int rd_pick_backend(void)
{
	const char *why = "no backend", *best_why = NULL;
	int best = -ENODEV, r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rd_backends); i++) {
		r = rd_backends[i]->probe(&why);
		if (!r) {
			rd_hw = rd_backends[i];
			return 0;
		}
		if (!best_why || best == -ENODEV) {
			best = r;
			best_why = why;
		}
	}
	pr_err("redoubt: %s\n", best_why);
	return best;
}

static void rd_units_exit(void)
{
	while (rd_units.nr) {
		const struct rd_unit *u = rd_units.unit[--rd_units.nr];

		if (u->exit)
			u->exit();
	}
}

/*
 * Start the units and collect their hot hooks, so that a hook that a unit does not have costs
 * nothing.
 */
static int rd_units_init(void)
{
	unsigned int i;
	int r;

	BUILD_BUG_ON(ARRAY_SIZE(rd_all_units) > RD_MAX_UNITS);
	for (i = 0; i < ARRAY_SIZE(rd_all_units); i++) {
		const struct rd_unit *u = rd_all_units[i];

		r = u->init ? u->init() : 0;
		if (r) {
			pr_err("redoubt: %s: error %d\n", u->name, r);
			rd_units_exit();
			return r;
		}
		if (u->slot)
			*u->slot = rd_units.nr;
		rd_units.unit[rd_units.nr++] = u;
		if (u->pre_run)
			rd_units.pre_run[rd_units.nr_pre_run++] = u->pre_run;
		if (u->insn)
			rd_units.insn[rd_units.nr_insn++] = u->insn;
		if (u->mem_fault)
			rd_units.mem_fault[rd_units.nr_mem_fault++] = u->mem_fault;
	}
	return 0;
}

/* Who may open it is a matter of the node's group: an installation sets it with a udev rule. */
static struct miscdevice rd_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "redoubt",
	.fops = &rd_dev_fops,
	.mode = 0660,
};

static bool rd_kvm_alias;
module_param_named(kvm_alias, rd_kvm_alias, bool, 0444);
MODULE_PARM_DESC(kvm_alias, "be /dev/kvm as well, for programs that can be told no other name");

/* The same node under stock KVM's name and number (10:232). */
static struct miscdevice rd_misc_kvm = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &rd_dev_fops,
	.mode = 0660,
};

/* Loading goes on without it: somebody else's /dev/kvm stays theirs. */
static void rd_alias_register(void)
{
	int r = rd_kvm_alias ? misc_register(&rd_misc_kvm) : 0;

	if (r) {
		pr_warn("redoubt: no alias /dev/kvm: %s\n",
			r == -EBUSY ? "another module has it" : "it cannot be registered");
		rd_kvm_alias = false;
	}
}

static int __init rd_init(void)
{
	int r;

	rd_ioctl_sort(&rd_dev_ioctls);
	rd_ioctl_sort(&rd_vm_ioctls);
	rd_ioctl_sort(&rd_vcpu_ioctls);
	r = rd_pick_backend();
	if (r)
		return r;
	r = rd_hw->setup();
	if (r)
		return r;
	r = rd_cpuid_setup();
	if (r)
		goto hw;
	r = rd_irqfd_setup();
	if (r)
		goto cpuid;
	r = rd_power_on();
	if (r)
		goto irqfd;
	r = rd_units_init();
	if (r)
		goto power;
	/*
	 * Once, not per VM: it patches the scheduler's code on all CPUs, which costs more than an
	 * empty list of notifiers at each switch, and now and then trips an emulated host
	 * (docs/rig.md).
	 */
	rd_preempt_notifiers_on();
	r = misc_register(&rd_misc);
	if (r)
		goto units;
	rd_alias_register();
	return 0;
units:
	rd_preempt_notifiers_off();
	rd_units_exit();
power:
	rd_power_off();
irqfd:
	rd_irqfd_unsetup();
cpuid:
	rd_cpuid_unsetup();
hw:
	rd_hw->unsetup();
	return r;
}

/* Open files hold the module, so there is no VM here. */
static void __exit rd_exit(void)
{
	if (rd_kvm_alias)
		misc_deregister(&rd_misc_kvm);
	misc_deregister(&rd_misc);
	rd_preempt_notifiers_off();
	rd_units_exit();
	rd_power_off();
	rd_irqfd_unsetup();
	rd_cpuid_unsetup();
	rd_hw->unsetup();
}

module_init(rd_init);
module_exit(rd_exit);
/* For enclaves: the algorithms are asked for by name, when the first VM has an EPC. */
MODULE_SOFTDEP("pre: aesni_intel cmac gcm");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Redoubt, a hypervisor that speaks the KVM API");
MODULE_VERSION("0.1");
