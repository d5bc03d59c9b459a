/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The judge (P): is a write to guarded code one of the kernel's own patches? It runs in integrity
 * mode, out of reach of the kernel that it judges.
 *
 * Linux changes an instruction under the feet of CPUs that may be running it: the first byte
 * becomes INT3, then the other bytes change, then the first. So every change has a place where an
 * INT3 stands meanwhile, and what the place is says what may come of it:
 *
 *   static key     NOP or JMP to the one target that the kernel's table names
 *   static call    CALL, or at the end of a function JMP, to code; NOP; RET; clearing of EAX
 *   ftrace         NOP, or CALL of ftrace's own entry, or of a trampoline among the modules
 *   kprobe         any other place: what was there before; or JMP to a trampoline among the
 *                  modules, after which it can only go back
 *
 * Invariant: nothing changes in here but by a write that is allowed. Code is, at every moment, what
 * it was or a permitted instruction, but for places with INT3 as first byte.
 */
#ifndef RD_TOOLS_GUEST_JUDGE_H
#define RD_TOOLS_GUEST_JUDGE_H

#include "kmod/base.h"
#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_tree.h"
#include "tools/guest/map.h"

#define JUDGE_PLACES 4096       /* patches under way, and kprobes */
#define JUDGE_AREAS 1024        /* of modules: code, and data */
#define JUDGE_PAGES 8192        /* of those */
#define JUDGE_SITES 49152       /* in the code of modules */
#define JUDGE_INSN 6            /* longest instruction that is patched */

enum judge_kind {
	JUDGE_KPROBE = 0,       /* in no table */
	JUDGE_KEY2 = 1,         /* static key, 2 bytes */
	JUDGE_KEY5 = 2,
	JUDGE_CALL = 3,         /* static call */
	JUDGE_TAIL = 4,         /* one that ends its function, or a trampoline */
	JUDGE_TAIL6 = 5,        /* the same behind a condition: 6 bytes */
	JUDGE_FTRACE = 6,       /* entry of a function */
	JUDGE_FTRACE_CALL = 7,  /* where ftrace's own entry calls on */
};

/* A place that the kernel may patch. A list of them is in ascending order of places. */
struct judge_site {
	u32 at;                 /* bytes from the begin of the area, and kind */
	s32 target;             /* of a static key: bytes from the place on; else 0 */
};
#define JUDGE_SITE_SHIFT 28
#define JUDGE_SITE_MASK ((1U << JUDGE_SITE_SHIFT) - 1)
#define JUDGE_SITE(at, kind) ((at) | (u32)(kind) << JUDGE_SITE_SHIFT)

/* A kprobe that was there before the code was guarded. */
struct judge_probe {
	u64 va;
	u8 orig[5];             /* before the kprobe came; as many as count */
	u8 len;                 /* 1, or 5 where it has become a JMP */
	u8 pad[2];
};

/* What is known of the kernel itself, and stays as it is. */
struct judge_core {
	u64 text, text_end;     /* virtual addresses, a page's begin and the end of the code */
	u64 text_gfn;           /* its first page; the pages follow each other in memory too */
	u64 modules, modules_end;
	u64 ftrace_caller, ftrace_regs_caller; /* 0: there is none */
	u32 allow;              /* RD_ALLOW_ */
	u32 sites;
	const struct judge_site *site;
};

/* Code, or data, of a module. */
struct judge_area {
	u64 base;               /* virtual address of its first page */
	u32 id;                 /* the owner's name for it */
	u32 pages, first_page;  /* in judge.page */
	u32 sites, first_site;  /* in judge.site */
	u8 state;               /* enum judge_area_state */
	u8 code;
};

enum judge_area_state {
	JUDGE_AREA_FREE = 0,
	JUDGE_AREA_OPEN = 1,    /* pages and sites may come */
	JUDGE_AREA_CLOSED = 2,
};

struct judge_place {
	u64 va;                 /* 0: not in use */
	s32 target;             /* as in the site */
	u8 kind;
	u8 len;                 /* bytes that may change */
	u8 jump;                /* a kprobe that has become a JMP: no INT3 there */
	u8 orig[JUDGE_INSN];
};

struct judge {
	struct judge_core core;
	/* Reads guarded code; the bytes lie in one page. 0 or a negative errno. */
	int (*read)(void *ctx, u64 gpa, void *buf, u32 len);
	void *ctx;

	struct judge_area area[JUDGE_AREAS];
	u64 page[JUDGE_PAGES];          /* page numbers, area after area */
	struct judge_site site[JUDGE_SITES];
	u32 pages, sites;
	struct guest_map by_page;       /* page number: area << 16 | number in the area */
	u64 by_page_key[2 * JUDGE_PAGES];
	u32 by_page_value[2 * JUDGE_PAGES];

	struct judge_place place[JUDGE_PLACES];
	u32 next_place;                 /* where to look for a free one */
	u32 places;
	struct guest_map by_va;         /* virtual address: index into place */
	u64 by_va_key[2 * JUDGE_PLACES];
	u32 by_va_value[2 * JUDGE_PLACES];
};

/* j is all 0; core is copied, its sites are not. */
void judge_init(struct judge *j, const struct judge_core *core,
		int (*read)(void *ctx, u64 gpa, void *buf, u32 len), void *ctx);

/* May these bytes, the first one lowest, be written? If so, they are about to be. */
bool judge_allows(struct judge *j, u64 gpa, u32 len, u64 bytes);

/* A kprobe that is there already. 0, -EINVAL, -EEXIST, -ENOSPC. */
int judge_add_probe(struct judge *j, const struct judge_probe *probe);

/* --- areas --- */

/*
 * A new area, named id, not 0; it is open. base: the virtual address of its first page. 0, -EINVAL,
 * -EEXIST, -ENOSPC.
 */
int judge_area_open(struct judge *j, u32 id, u64 base, bool code);
/*
 * The next page of an open area, or the next site in its code. Only one area is open at a time:
 * -EBUSY. -ENOENT: there is no such area; -EPERM: it is closed.
 */
int judge_area_page(struct judge *j, u32 id, u64 gfn);
/* Could it take a page? *code says what the area is. */
int judge_area_ready(struct judge *j, u32 id, bool *code);
int judge_area_site(struct judge *j, u32 id, const struct judge_site *site);
int judge_area_probe(struct judge *j, u32 id, const struct judge_probe *probe);
int judge_area_close(struct judge *j, u32 id);
/* The last page of an area, for whoever takes them off one by one. -ENOENT: it has none left. */
int judge_area_last(const struct judge *j, u32 id, u64 *gfn);
/* Forgets the last page; with the first one, the area with all that is known of it. */
int judge_area_drop_last(struct judge *j, u32 id);
/* How many pages it has; 0: there is no such area, or none left. */
u32 judge_area_pages(const struct judge *j, u32 id);

#endif
