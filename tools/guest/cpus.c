// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that come up, and their descriptor tables.
 * Invariant: a GDT is guarded once its CPU is up, and stays so when the CPU goes and comes back:
 * what is written to it then (the busy bit of its TSS, say) lies beside the guarded bytes. No
 * second CPU comes up in a kernel that runs without LOCK prefixes: it would put them back into
 * guarded code.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <asm/desc.h>
#include "tools/guest/driver.h"

struct cpumask guest_gdt_cpus;

static int state;
static bool only_one;

u64 guest_gdt_pfn(int cpu)
{
	void *at = get_cpu_gdt_rw(cpu);

	BUILD_BUG_ON(MODE_GDT_BYTES != GDT_ENTRY_TSS * 8);
	return is_vmalloc_addr(at) ? vmalloc_to_pfn(at) : __pa(at) >> PAGE_SHIFT;
}

void guest_cpus_note(bool gdt)
{
	WRITE_ONCE(only_one, guest_sym.uniproc && READ_ONCE(*guest_sym.uniproc));
	if (gdt)
		cpumask_copy(&guest_gdt_cpus, cpu_online_mask);
}

void guest_cpus_forget(void)
{
	WRITE_ONCE(only_one, false);
	cpumask_clear(&guest_gdt_cpus);
}

static int add(int cpu, struct rd_guest_driver *count)
{
	u64 *list = guest_settled.list_page;
	long ret;

	/* First, so that the CPU does not go and come meanwhile. */
	cpumask_set_cpu(cpu, &guest_gdt_cpus);
	*list = guest_gdt_pfn(cpu);
	ret = guest_enter(MODE_ADD_GDTS, __pa(list), 1, 0);
	if (ret == -ENOMEM && !guest_add_nodes(count))
		ret = guest_enter(MODE_ADD_GDTS, __pa(list), 1, 0);
	if (ret == 1) {
		count->table_pages++;
		return 0;
	}
	pr_err("the GDT of CPU %d is not guarded: %ld\n", cpu, ret);
	return ret < 0 ? ret : -EIO;
}

int guest_cpus_add(struct rd_guest_driver *count)
{
	int cpu, err = 0;

	for_each_online_cpu(cpu) if (!err && !cpumask_test_cpu(cpu, &guest_gdt_cpus))
		err = add(cpu, count);
	return err;
}

static int may_come(unsigned int cpu)
{
	if (READ_ONCE(only_one)) {
		pr_err("CPU %u stays offline: the kernel was guarded when it ran on one alone\n",
		       cpu);
		return -EPERM;
	}
	return 0;
}

int guest_cpus_register(void)
{
	state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "redoubt_guest:prepare", may_come,
					  NULL);
	return state < 0 ? state : 0;
}

void guest_cpus_unregister(void)
{
	cpuhp_remove_state_nocalls(state);
}
