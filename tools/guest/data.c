// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is settled about the driver before it guards, in a page of its own at the begin of its data.
 * Invariant: the page is guarded like code from then on; what the driver goes on writing is
 * elsewhere.
 */
#include <linux/moduleparam.h>
#include "tools/guest/driver.h"

union guest_settled guest_settled __aligned(PAGE_SIZE) = {
	.modules = true,
	.interval = 1000,
	.allow = RD_ALLOW_ALL,
};

module_param_named(guard, guest_settled.guard, bool, 0444);
MODULE_PARM_DESC(guard, "guard the kernel at once (default: when the host wants it)");

module_param_named(gdt, guest_settled.gdt, bool, 0444);
MODULE_PARM_DESC(gdt, "guard GDTs too: traps in every task switch");

module_param_named(modules, guest_settled.modules, bool, 0444);
MODULE_PARM_DESC(modules, "guard modules too, those that come included");

module_param_string(only, guest_settled.only, sizeof(guest_settled.only), 0444);
MODULE_PARM_DESC(only, "of modules guard these alone: names, separated by commas");

module_param_named(interval, guest_settled.interval, uint, 0444);
MODULE_PARM_DESC(interval, "milliseconds between calls to the host (default: 1000)");

module_param_named(allow, guest_settled.allow, uint, 0444);
MODULE_PARM_DESC(allow, "with guard=1: 1 static keys and calls, 2 ftrace, 4 kprobes (default: 7)");
