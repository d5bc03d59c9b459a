// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on what guards the kernel: the trace tree, wherever it is in memory, the driver that
 * built it, and the hypervisor by hypercalls that only the driver may use.
 * Invariant: memory is only read before the one write that is the attack.
 */
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/version.h>
#include <asm/asm.h>
#include <asm/sections.h>
#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_tree.h"
#include "tests/guest/rootkit/rootkit.h"

#define DRIVER "redoubt_guest"

/* --- hypercalls ------------------------------------------------------------------------------- */

static unsigned long call_rip; /* of the one instruction */

/* -1000, too, where there is no hypervisor that takes it. */
static noinline long hypercall(u64 nr, u64 b, u64 c, u64 d, u64 s)
{
	long ret = nr;

	asm volatile("	leaq 1f(%%rip), %[rip]\n"
		     "1:	vmmcall\n"
		     "	jmp 3f\n"
		     "2:	movq $-1000, %%rax\n"
		     "3:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [rip] "=&r"(call_rip), "+a"(ret), "+b"(b), "+c"(c), "+d"(d), "+S"(s)
		     : : "memory", "cc", "rdi");
	return ret;
}

static void say_result(const char *name, long ret)
{
	pr_notice("ROOTKIT %s: ret=%ld rip=0x%lx\n", name, ret, call_rip);
}

static u64 guarded_pfn(void)
{
	void *table = rk_symbol("sys_call_table");

	return table ? slow_virt_to_phys(table) >> PAGE_SHIFT : 0;
}

static void unprotect(const char *name)
{
	say_result(name, hypercall(RD_HC_TRACE_UNPROTECT, guarded_pfn(), 1, 0, 0));
}

static void detach(const char *name)
{
	say_result(name, hypercall(RD_HC_TRACE_DETACH, 0, 0, 0, 0));
}

static void drop_node(const char *name)
{
	say_result(name, hypercall(RD_HC_TRACE_DROP_NODE, guarded_pfn(), 0, 0, 0));
}

static void leave(const char *name)
{
	say_result(name, hypercall(RD_HC_MODE_LEAVE, 1, 0, 0, 0));
}

static void judge(const char *name)
{
	say_result(name, hypercall(RD_HC_TRACE_ENTER, RD_MODE_JUDGE, guarded_pfn() << PAGE_SHIFT,
				   8, 0));
}

/*
 * The driver's image is entered at its one entry, with whatever arguments: it must stand them. The
 * results are its own.
 */
static void enter(const char *name)
{
	u64 pfn = guarded_pfn();
	long ret = 0;
	u64 what;

	for (what = 0; what < 16; what++) {
		ret = hypercall(RD_HC_TRACE_ENTER, what, pfn, 1, 0);
		hypercall(RD_HC_TRACE_ENTER, what, pfn << PAGE_SHIFT, 8, ~0ULL);
		hypercall(RD_HC_TRACE_ENTER, what, ~0ULL, ~0ULL, ~0ULL);
		hypercall(RD_HC_TRACE_ENTER, what, 0, 0, 0);
		hypercall(RD_HC_TRACE_ENTER, what, RD_MODE_BASE, RD_MODE_MEMORY, 1ULL << 63);
		cond_resched();
	}
	hypercall(RD_HC_TRACE_ENTER, RD_MODE_JUDGE - 1, pfn, 1, 0);
	say_result(name, ret);
}

/* --- memory, page by page --------------------------------------------------------------------- */

struct search {
	/* Is it one? The search goes on. */
	void (*look)(struct search *s, u64 pfn, void *page);
	unsigned int found;
	void *first, *last;     /* pages that were found, */
	void *leaf, *base;      /* or of the nodes the lowest and the highest */
	u8 level;               /* of base */
};

static void found(struct search *s, void *page)
{
	if (!s->found++)
		s->first = page;
	s->last = page;
}

static int walk(unsigned long pfn, unsigned long pages, void *arg)
{
	struct search *s = arg;
	unsigned long end = pfn + pages;

	for (; pfn < end; pfn++) {
		s->look(s, pfn, __va((u64)pfn << PAGE_SHIFT));
		if (!(pfn % 1024))
			cond_resched();
	}
	return 0;
}

static void search(struct search *s)
{
	typeof(&walk_system_ram_range) each = rk_symbol("walk_system_ram_range");

	if (each)
		each(0, ULONG_MAX >> PAGE_SHIFT, s, walk);
	else
		rk_none("search", "walk_system_ram_range");
}

static bool is_node(u64 pfn, void *page, u8 *level)
{
	u64 head, self;

	if (!rk_peek(page, &head) || (u32)head != RD_TREE_MAGIC ||
	    !rk_peek(page + offsetof(struct rd_tree_header, self), &self) || self != pfn)
		return false;
	*level = head >> 40;
	return true;
}

static void look_for_node(struct search *s, u64 pfn, void *page)
{
	u8 level;

	if (!is_node(pfn, page, &level))
		return;
	found(s, page);
	if (!level)
		s->leaf = page;
	if (!s->base || level > s->level) {
		s->base = page;
		s->level = level;
	}
}

/* The first entry that is in use; a node has one. */
static u64 *entry_of(void *node)
{
	u64 *e = node + RD_TREE_ENTRIES_AT;
	unsigned int i;

	for (i = 0; i < RD_TREE_WAYS; i++)
		if (e[i])
			return &e[i];
	return e;
}

static void tree_leaf(const char *name)
{
	struct search s = { .look = look_for_node };

	search(&s);
	if (s.leaf)
		rk_poke(name, entry_of(s.leaf), 0, sizeof(u64));
	else
		rk_none(name, "tree");
}

static void tree_base(const char *name)
{
	struct search s = { .look = look_for_node };

	search(&s);
	if (s.base)
		rk_poke(name, entry_of(s.base), 0, sizeof(u64));
	else
		rk_none(name, "tree");
}

/* Out of the way like a node, but none: the driver's image, and the list of its pages. */
static void look_for_image(struct search *s, u64 pfn, void *page)
{
	long state = hypercall(RD_HC_TRACE_QUERY, pfn, 0, 0, 0);
	u8 level;

	if (state > 0 && state & RD_GUEST_NODE && !is_node(pfn, page, &level))
		found(s, page);
}

static void poke_other(const char *name, void *at)
{
	u64 was = 0;

	rk_peek(at, &was);
	rk_poke(name, at, ~was, sizeof(u64));
}

static void image(const char *name)
{
	struct search s = { .look = look_for_image };

	search(&s);
	if (!s.found) {
		rk_none(name, "image");
		return;
	}
	poke_other(name, s.first);
	poke_other(name, s.last);
}

/* --- the driver as a module ------------------------------------------------------------------- */

struct parts {
	void *text, *rodata, *data;
};

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static void parts_of(const struct module *m, struct parts *p)
{
	p->text = m->mem[MOD_TEXT].base;
	p->rodata = m->mem[MOD_RODATA].base;
	p->data = m->mem[MOD_DATA].base;
}
#else
static void parts_of(const struct module *m, struct parts *p)
{
	p->text = m->core_layout.base;
	p->rodata = m->core_layout.base + m->core_layout.text_size;
	p->data = m->core_layout.base + m->core_layout.ro_after_init_size;
}
#endif

static bool find_driver(struct parts *p)
{
	struct module *(*find)(const char *name) = rk_symbol("find_module");
	struct module *m = NULL;

	preempt_disable();
	if (find)
		m = find(DRIVER);
	if (m)
		parts_of(m, p);
	preempt_enable();
	return m;
}

static void driver_text(const char *name)
{
	struct parts p;

	if (find_driver(&p))
		rk_poke(name, p.text, 0xc3, 1);
	else
		rk_none(name, DRIVER);
}

static void driver_rodata(const char *name)
{
	struct parts p;

	if (find_driver(&p))
		poke_other(name, p.rodata);
	else
		rk_none(name, DRIVER);
}

/* Of the kind that any module may write: with the driver's state that is not its image's. */
static void driver_data(const char *name)
{
	struct parts p;

	if (find_driver(&p))
		poke_other(name, p.data);
	else
		rk_none(name, DRIVER);
}

const struct rk_attack rk_driver_attacks[] = {
	{ "tree-leaf", tree_leaf },
	{ "tree-base", tree_base },
	{ "image", image },
	{ "driver-text", driver_text },
	{ "driver-rodata", driver_rodata },
	{ "driver-data", driver_data },
	{ "hc-unprotect", unprotect },
	{ "hc-detach", detach },
	{ "hc-drop-node", drop_node },
	{ "hc-leave", leave },
	{ "hc-judge", judge },
	{ "hc-enter", enter },
	{ },
};
