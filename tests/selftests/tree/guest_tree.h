/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine that runs the payload "trace", with a region of memory in which the test builds a trace
 * tree as a driver in the guest would. Invariant: one machine at a time; the tree's nodes are pages
 * of the region, from FIRST_NODE on; guest page numbers there begin with GFN.
 */
#ifndef RDT_GUEST_TREE_H
#define RDT_GUEST_TREE_H

#include "kmod/uapi/redoubt_guest.h"
#include "tests/selftests/lib/traces.h"
#include "vmm/trace_tree.h"

enum { PAGE = 4096, SLOT = 3, NONE = 0x100, GP = 13, PAGES = 512, FIRST_NODE = 256, LISTS = 2 };
#define REGION 0x10000000ull
#define GFN (REGION / PAGE)
#define ATTACH_GPA (REGION + 255 * PAGE)

extern uint8_t *region; /* its host address */
extern struct rd_tree tree;

/* The machine, whose events are read; its tree is empty. */
struct rdt_vm *machine(void);
/* Pages 10, 20, ... 100 of the region, and one of the first ones, so that there are more levels. */
struct rdt_vm *guarded(void);
/* Is the module one that leaves the nodes open? */
bool open_nodes(void);
void *node_at(uint64_t node, uint32_t offset);
void guard(uint64_t gfn, u8 list, u16 tag);
/* Hand the tree over: the list 1 tells and refuses, 2 tells and allows. */
struct rd_guest_attach attach_for(uint64_t root);
int64_t attach_with(struct rdt_vm *vm, const struct rd_guest_attach *a);
int64_t attach(struct rdt_vm *vm);

/* What the guest does (RDP_W_*): the exception that it took, or NONE. */
uint64_t put(struct rdt_vm *vm, uint64_t kind, uint64_t gpa, uint64_t value);
int64_t hypercall(struct rdt_vm *vm, uint64_t nr, uint64_t arg);
uint64_t at(uint64_t gpa); /* eight bytes of the region */

/* The next event, of that kind. */
struct rd_trace_event event(uint8_t hit);
/* The guest writes there: refused, told as a hit of this kind, and not done; or nobody minds. */
void refused(struct rdt_vm *vm, uint64_t gpa, uint8_t hit);
void lands(struct rdt_vm *vm, uint64_t gpa);

#endif
