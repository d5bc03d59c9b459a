/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of redoubt_guest.ko share.
 * Invariant: after the tree has been handed over, nothing in the driver's own memory decides what
 * may be written; that is in the image, which the driver cannot reach any more.
 */
#ifndef RD_TOOLS_GUEST_DRIVER_H
#define RD_TOOLS_GUEST_DRIVER_H

/* Headers before this one have the kernel's own. */
#undef pr_fmt
#define pr_fmt(fmt) "redoubt_guest: " fmt

#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <asm/kvm_para.h>
#include "tools/guest/compat.h"
#include "tools/guest/mode.h"
#include "vmm/trace_tree.h"

/* The kernel's own names, for what it does not export. */
struct guest_symbols {
	unsigned long text, etext, rodata, erodata, idt;
	unsigned long jump, jump_end, calls, calls_end;
	unsigned long ftrace_call, ftrace_regs_call, ftrace_caller, ftrace_regs_caller;
	struct mutex *text_mutex, *ftrace_lock, *kprobe_mutex, *module_mutex;
	struct hlist_head *kprobe_table;
	unsigned long *max_pfn;
	bool *uniproc;                  /* the kernel runs without LOCK prefixes */
	struct ftrace_rec_iter *(*rec_start)(void);
	struct ftrace_rec_iter *(*rec_next)(struct ftrace_rec_iter *iter);
	struct dyn_ftrace *(*rec_record)(struct ftrace_rec_iter *iter);
};

extern struct guest_symbols guest_sym;
int guest_find_symbols(void);

/* What does not change once the kernel is guarded. */
union guest_settled {
	struct {
		bool guard, gdt, modules;
		char only[512]; /* names of modules between commas; empty: all */
		unsigned int interval;          /* ms */
		unsigned int allow;
		struct rd_guest_driver *shared; /* a page for the calls to the host */
		void *list_page;                /* and one for what is told to the image */
	};
	u8 page[PAGE_SIZE];
};

extern union guest_settled guest_settled;

/* A list of sites, or of probes, that grows. */
struct guest_sites {
	struct judge_site *site;
	u32 n, room;
	int error;
};

struct guest_probes {
	struct judge_probe *probe;
	u32 n, room;
	int error;
};

/*
 * What the kernel may patch in [start, end), in order. text_mutex and ftrace_lock are held for the
 * kernel's own code (mod: NULL), so that no patch is under way; text_mutex for a module's.
 */
int guest_collect_sites(struct guest_sites *s, const struct guest_range *code, struct module *mod);
/* Kprobes that are there. kprobe_mutex and text_mutex are held. */
int guest_collect_probes(struct guest_probes *p, const struct guest_range *code);
/* Around the two above. */
void guest_lock_code(void);
void guest_unlock_code(void);

/* The tree while it is built, and the image as it is handed over. */
struct guest_build {
	struct rd_tree tree;
	struct list_head nodes;         /* pages of the tree, by page->lru */
	u32 max_nodes;
	void *image;
	u32 image_pages;
	struct rd_guest_attach *attach;
	u64 *image_list;                /* a page with the numbers of the image's pages */
};

int guest_build_tree(struct guest_build *b, struct rd_guest_driver *count, bool gdt);
int guest_build_image(struct guest_build *b, const struct guest_sites *sites,
		      const struct guest_probes *probes, u32 allow);
void guest_build_free(struct guest_build *b);

/* Hands all over. 0, or an error, after which nothing is guarded. */
int guest_attach(struct rd_guest_driver *count, bool gdt);

static inline long guest_enter(u64 op, u64 first, u64 second, u64 third)
{
	return kvm_hypercall4(RD_HC_TRACE_ENTER, op, first, second, third);
}

/* Modules that are there and that come, from now on; before that, the driver's own code. */
int guest_modules_start(struct rd_guest_driver *count);
int guest_modules_register(void);
void guest_modules_unregister(void);

/* CPUs whose GDT is guarded. */
extern struct cpumask guest_gdt_cpus;
u64 guest_gdt_pfn(int cpu);
/* Before the kernel is guarded; where that failed; those that came later. */
void guest_cpus_note(bool gdt);
void guest_cpus_forget(void);
int guest_cpus_add(struct rd_guest_driver *count);
int guest_cpus_register(void);
void guest_cpus_unregister(void);

/* More nodes for the tree to grow into. */
int guest_add_nodes(struct rd_guest_driver *count);

/* Something is not guarded that was to be. */
void guest_failed(int error);

/* Protects what is told to the host, and the order of what is asked of the image. */
extern struct mutex guest_lock;

#endif
