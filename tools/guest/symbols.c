// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the kernel's that it does not export.
 * Invariant: all that the driver needs is there, or it says which is not.
 */
#include <linux/cpufeature.h>
#include <linux/kprobes.h>
#include <asm/ibt.h>
#include "tools/guest/driver.h"

struct guest_symbols guest_sym __ro_after_init;

static unsigned long (*look_up)(const char *name);

/* A kprobe is told where its symbol is: behind the mark of a branch target, if there is one. */
static int find_look_up(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long at;
	int err;

	if (boot_cpu_has(X86_FEATURE_IBT)) {
		pr_err("this CPU checks branch targets: unexported functions cannot be called\n");
		return -EOPNOTSUPP;
	}
	err = register_kprobe(&kp);
	if (err) {
		pr_err("no kprobe to find symbols with: %d\n", err);
		return err;
	}
	at = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	if (is_endbr(*(u32 *)(at - 4)))
		at -= 4;
	look_up = (void *)at;
	return 0;
}

#define TABLE_ENTRY(field, name, needed)                                                           \
	{                                                                                          \
		(void *)&guest_sym.field, name, needed                                             \
	}

static const struct {
	unsigned long *to;
	const char *name;
	bool needed;
} table[] __initconst = {
	TABLE_ENTRY(text, "_text", true),
	TABLE_ENTRY(etext, "_etext", true),
	TABLE_ENTRY(rodata, "__start_rodata", true),
	TABLE_ENTRY(erodata, "__end_rodata", true),
	TABLE_ENTRY(idt, "idt_table", true),
	TABLE_ENTRY(jump, "__start___jump_table", true),
	TABLE_ENTRY(jump_end, "__stop___jump_table", true),
	TABLE_ENTRY(max_pfn, "max_pfn", true),
	TABLE_ENTRY(text_mutex, "text_mutex", true),
	TABLE_ENTRY(kprobe_mutex, "kprobe_mutex", true),
	TABLE_ENTRY(kprobe_table, "kprobe_table", true),
	TABLE_ENTRY(module_mutex, "module_mutex", true),
	TABLE_ENTRY(uniproc, "uniproc_patched", false),
	TABLE_ENTRY(calls, "__start_static_call_sites", false),
	TABLE_ENTRY(calls_end, "__stop_static_call_sites", false),
	TABLE_ENTRY(ftrace_call, "ftrace_call", false),
	TABLE_ENTRY(ftrace_regs_call, "ftrace_regs_call", false),
	TABLE_ENTRY(ftrace_caller, "ftrace_caller", false),
	TABLE_ENTRY(ftrace_regs_caller, "ftrace_regs_caller", false),
	TABLE_ENTRY(ftrace_lock, "ftrace_lock", false),
	TABLE_ENTRY(rec_start, "ftrace_rec_iter_start", false),
	TABLE_ENTRY(rec_next, "ftrace_rec_iter_next", false),
	TABLE_ENTRY(rec_record, "ftrace_rec_iter_record", false),
};

int __init guest_find_symbols(void)
{
	unsigned int i;
	int err = find_look_up();

	for (i = 0; !err && i < ARRAY_SIZE(table); i++) {
		*table[i].to = look_up(table[i].name);
		if (!*table[i].to && table[i].needed) {
			pr_err("this kernel has no symbol %s\n", table[i].name);
			err = -ENOENT;
		}
	}
	return err;
}
