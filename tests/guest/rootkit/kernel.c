// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on the kernel: its system call table, IDT, GDT, a function pointer in read-only data, its
 * code.
 * Invariant: what is overwritten is used by nobody, or what is put there does what was there
 * before.
 */
#include <linux/fs.h>
#include <asm/desc.h>
#include <asm/unistd.h>
#include "tests/guest/rootkit/rootkit.h"

#define UNUSED_CALL 400 /* in the hole between 334 and 424 */
#define UNUSED_VECTOR 9 /* of the coprocessor, thirty years ago */

static long hooked_call(void)
{
	return -ENOSYS;
}

/* As that of /dev/null. */
static ssize_t hooked_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	return 0;
}

static void system_call_table(const char *name)
{
	u64 *table = rk_symbol("sys_call_table");

	if (table)
		rk_poke(name, &table[UNUSED_CALL], (u64)hooked_call, sizeof(u64));
	else
		rk_none(name, "sys_call_table");
}

static void interrupt_table(const char *name)
{
	struct desc_ptr idt;
	u64 *gate;

	store_idt(&idt);
	gate = (u64 *)(idt.address + UNUSED_VECTOR * sizeof(gate_desc));
	/* Another address, in the first half of the gate. */
	rk_poke(name, gate, *gate ^ 0x1000, sizeof(u64));
}

static void descriptor_table(const char *name)
{
	struct desc_ptr gdt;
	u64 *code;

	native_store_gdt(&gdt);
	code = (u64 *)(gdt.address + GDT_ENTRY_KERNEL32_CS * sizeof(u64));
	/* For everybody: DPL 3. */
	rk_poke(name, code, *code | 3ULL << 45, sizeof(u64));
}

static void function_pointer(const char *name)
{
	struct file_operations *null = rk_symbol("null_fops");

	if (null)
		rk_poke(name, &null->read, (u64)hooked_read, sizeof(u64));
	else
		rk_none(name, "null_fops");
}

/* A return: nothing that the kernel itself patches in begins with it. */
static void kernel_text(const char *name)
{
	void *code = rk_symbol("__x64_sys_sethostname");

	if (code)
		rk_poke(name, code, 0xc3, 1);
	else
		rk_none(name, "__x64_sys_sethostname");
}

const struct rk_attack rk_kernel_attacks[] = {
	{ "syscall-table", system_call_table },
	{ "idt", interrupt_table },
	{ "rodata", function_pointer },
	{ "text", kernel_text },
	{ "gdt", descriptor_table },
	{ },
};
