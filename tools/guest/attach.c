// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarding the kernel: collects, builds, hands over.
 * Invariant: between reading the kernel's tables and the handing over, nobody patches code. Either
 * all of the kernel is guarded in the end or nothing.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "tools/guest/driver.h"

/* What the host said, or what goes without saying. */
static void set_actions(struct rd_guest_attach *a, const struct rd_guest_driver *said)
{
	static const u8 plain[RD_TRACE_MAX_ACTIONS] = { RD_TRACE_LOG, RD_TRACE_REFUSE };
	const u8 *action = said->action[0] ? said->action : plain;
	u8 *code = a->list[MODE_LIST_CODE - 1];

	BUILD_BUG_ON(MODE_LISTS > RD_GUEST_LISTS);
	memcpy(a->node_action, action, RD_TRACE_MAX_ACTIONS);
	memcpy(a->list[MODE_LIST_DATA - 1], action, RD_TRACE_MAX_ACTIONS);
	code[0] = RD_TRACE_ASK;
	memcpy(code + 1, action, RD_TRACE_MAX_ACTIONS - 1);
	a->nr_lists = MODE_LISTS;
}

static int hand_over(struct guest_build *b, const struct rd_guest_driver *said)
{
	long ret;

	set_actions(b->attach, said);
	ret = kvm_hypercall1(RD_HC_TRACE_ATTACH, __pa(b->attach));
	if (ret) {
		pr_err("the hypervisor did not take the tree: %ld\n", ret);
		return ret < 0 && ret >= -MAX_ERRNO ? ret : -EIO;
	}
	return 0;
}

/* guest_lock_code() holds. */
static int build_and_attach(struct guest_build *b, struct rd_guest_driver *count, bool gdt)
{
	const struct guest_range code = { guest_sym.text & PAGE_MASK, guest_sym.etext };
	struct guest_sites sites = { .n = 0 };
	struct guest_probes probes = { .n = 0 };
	int err = guest_collect_sites(&sites, &code, NULL);

	/* Kprobes in modules are told with the modules. */
	if (!err)
		err = guest_collect_probes(&probes, &code);
	if (!err)
		err = guest_build_tree(b, count, gdt);
	if (!err)
		err = guest_build_image(b, &sites, &probes, count->allow);
	if (!err)
		err = hand_over(b, count);
	if (!err)
		count->own_pages = b->image_pages + 1 + b->tree.nodes;
	kvfree(sites.site);
	kfree(probes.probe);
	return err;
}

int guest_attach(struct rd_guest_driver *count, bool gdt)
{
	struct guest_build b = { .image = NULL };
	int err;

	/* The list that asks the judge first has one place less. */
	if (count->action[RD_TRACE_MAX_ACTIONS - 1]) {
		pr_err("the host's list of actions has no room for one more\n");
		return -E2BIG;
	}
	INIT_LIST_HEAD(&b.nodes);
	guest_cpus_note(gdt);
	guest_lock_code();
	err = build_and_attach(&b, count, gdt);
	guest_unlock_code();
	if (!err) {
		/* The rest is the hypervisor's. */
		free_page((unsigned long)b.attach);
		return 0;
	}
	pr_err("the kernel is not guarded: %d\n", err);
	guest_build_free(&b);
	guest_cpus_forget();
	count->text_pages = 0;
	count->rodata_pages = 0;
	count->table_pages = 0;
	count->own_pages = 0;
	return err;
}
