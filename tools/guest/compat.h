/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the guest's driver builds for.
 * Invariant: no other file of the driver asks for a kernel version.
 */
#ifndef RD_TOOLS_GUEST_COMPAT_H
#define RD_TOOLS_GUEST_COMPAT_H

#include <linux/module.h>
#include <linux/version.h>

/* What of a module stays read-only while it is there. */
enum guest_part { GUEST_TEXT, GUEST_RODATA, GUEST_RO_AFTER_INIT, GUEST_PARTS };

struct guest_range {
	unsigned long start, end;
};

static inline struct guest_range guest_module_part(const struct module *mod, enum guest_part part)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	static const enum mod_mem_type type[GUEST_PARTS] = { MOD_TEXT, MOD_RODATA,
							     MOD_RO_AFTER_INIT };
	unsigned long start = (unsigned long)mod->mem[type[part]].base;

	return (struct guest_range){ start, start + mod->mem[type[part]].size };
#else
	const struct module_layout *l = &mod->core_layout;
	unsigned long base = (unsigned long)l->base;

	switch (part) {
	case GUEST_TEXT:
		return (struct guest_range){ base, base + l->text_size };
	case GUEST_RODATA:
		return (struct guest_range){ base + l->text_size, base + l->ro_size };
	default:
		return (struct guest_range){ base + l->ro_size, base + l->ro_after_init_size };
	}
#endif
}

#endif
