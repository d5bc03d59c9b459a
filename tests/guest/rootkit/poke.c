// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes that may fault: a write that a hypervisor refuses is a #GP at the instruction.
 * Invariant: CR0.WP is clear only with interrupts off, and set again before they are on.
 */
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/printk.h>
#include <asm/asm.h>
#include <asm/pgtable_types.h>
#include <asm/processor-flags.h>
#include "tests/guest/rootkit/rootkit.h"

bool rk_peek(const void *at, u64 *value)
{
	u32 bad = 1;

	asm volatile("1:	movq (%[at]), %[v]\n"
		     "	xorl %[bad], %[bad]\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : [v] "=&r"(*value), [bad] "+r"(bad)
		     : [at] "r"(at)
		     : "memory", "cc");
	return !bad;
}

/* False: the instruction faulted. Its address is in *rip. */
#define PUT(insn, at, v, rip)                                                                      \
	({                                                                                         \
		u32 bad_ = 1;                                                                      \
		asm volatile("leaq 1f(%%rip), %[rip]\n"                                            \
			     "1: " insn " %[val], (%[to])\n"                                       \
			     "xorl %[bad], %[bad]\n"                                               \
			     "2:\n" _ASM_EXTABLE(1b, 2b)                                           \
			     : [rip] "=&r"(*(rip)), [bad] "+r"(bad_)                               \
			     : [to] "r"(at), [val] "q"(v)                                          \
			     : "memory", "cc");                                                    \
		!bad_;                                                                             \
	})

static bool put(void *at, u64 v, unsigned int len, unsigned long *rip)
{
	return len == 1 ? PUT("movb", at, (u8)v, rip) : PUT("movq", at, v, rip);
}

/* The kernel's own native_write_cr0() would set WP again. */
static unsigned long swap_cr0(unsigned long clear, unsigned long set)
{
	unsigned long old;

	asm volatile("mov %%cr0, %0" : "=r"(old) : : "memory");
	asm volatile("mov %0, %%cr0" : : "r"((old & ~clear) | set) : "memory");
	return old;
}

/* Nothing but this runs on this CPU between the write and its undoing. */
static const char *overwrite(void *at, u64 value, unsigned int len, unsigned long *rip)
{
	const char *how = "refused";
	unsigned long flags, cr0, undo;
	u64 old, now;

	if (!rk_peek(at, &old))
		return "unreadable";
	local_irq_save(flags);
	cr0 = swap_cr0(X86_CR0_WP, 0);
	if (put(at, value, len, rip)) {
		how = "skipped";
		if (rk_peek(at, &now) && now != old) {
			how = "wrote";
			if (!put(at, old, len, &undo))
				how = "wrote, not undone";
		}
	}
	swap_cr0(0, cr0 & X86_CR0_WP);
	local_irq_restore(flags);
	return how;
}

void rk_poke(const char *name, void *at, u64 value, unsigned int len)
{
	unsigned long rip = 0;
	const char *how = overwrite(at, value, len, &rip);

	pr_notice("ROOTKIT %s: %s rip=0x%lx gpa=0x%llx\n", name, how, rip,
		  (u64)slow_virt_to_phys(at));
}

void rk_none(const char *name, const char *what)
{
	pr_notice("ROOTKIT %s: none %s\n", name, what);
}
