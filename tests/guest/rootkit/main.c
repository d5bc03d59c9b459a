// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in: a word written to /sys/module/rootkit/parameters/attack is an attack.
 * Invariant: one at a time; writes to a module's parameters are serialised.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>
#include "tests/guest/rootkit/rootkit.h"

static unsigned long (*lookup)(const char *name);

void *rk_symbol(const char *name)
{
	return (void *)lookup(name);
}

/* The function is not exported, but a probe can be put on it, and knows where it is. */
static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int ret = register_kprobe(&probe);

	if (ret)
		return ret;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static bool run_of(const struct rk_attack *attacks, const char *word)
{
	for (; attacks->name; attacks++) {
		if (!sysfs_streq(attacks->name, word))
			continue;
		attacks->run(attacks->name);
		return true;
	}
	return false;
}

static int attack_set(const char *word, const struct kernel_param *kp)
{
	return run_of(rk_kernel_attacks, word) || run_of(rk_driver_attacks, word) ? 0 : -EINVAL;
}

static const struct kernel_param_ops attack_ops = { .set = attack_set };
module_param_cb(attack, &attack_ops, NULL, 0200);
MODULE_PARM_DESC(attack, "what to attack now; see the sources");

static int __init rootkit_init(void)
{
	return find_lookup();
}

static void __exit rootkit_exit(void)
{
}

module_init(rootkit_init);
module_exit(rootkit_exit);
MODULE_DESCRIPTION("Attacks the kernel it runs in, for tests");
MODULE_LICENSE("GPL");
