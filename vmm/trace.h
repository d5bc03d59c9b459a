/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write traces of a VM (K): which pages the host has asked to be told about, what a write to one
 * leads to, and the events.
 * Invariant: a page that the tree names has RD_PROT_TRACED from before rd_trace_add() returns until
 * rd_trace_remove() begins, so every write of the guest, the emulator or the module comes here
 * before it lands.
 */
#ifndef RD_VMM_TRACE_H
#define RD_VMM_TRACE_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "kmod/base.h"
#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_trace.h"
#include "vmm/prot.h"
#include "vmm/prot_map.h"
#include "vmm/trace_act.h"
#include "vmm/trace_ring.h"
#include "vmm/trace_tree.h"

struct rd_mode;
struct rd_mode_run;
struct rd_vm;
struct rd_vcpu;

#define RD_TRACE_LISTS 256

/* Bounds of a guest's tree. */
#define RD_TRACE_GUEST_NODES (1U << 16)
#define RD_TRACE_GUEST_PAGES (1U << 21)

/*
 * Only for the negative control of the tests: a module in which the guest's tree does not guard
 * itself, so that they can show what happens then (tests/rig/module --open-nodes).
 */
#ifdef RD_TEST_OPEN_NODES
#define RD_TRACE_NODES_OPEN true
#else
#define RD_TRACE_NODES_OPEN false
#endif

/* Counted by any vCPU; the names are those of struct rd_trace_stats. */
#define RD_TRACE_COUNTS(X)                                                                         \
	X(traps) X(mapping) X(beside) X(node) X(stale) X(corrupt) X(denied) X(allowed) X(refused)  \
	X(skipped) X(blind) X(events) X(modes) X(cut)
#define RD_TRACE_COUNT_FIELD(name) atomic64_t name;

#define RD_TRACE_PIECES 2

/*
 * One instruction that is not emulated, let through: while a vCPU takes it as a single step with
 * the pages open to it, no other vCPU is in the guest.
 */
struct rd_trace_step {
	struct mutex lock;        /* held by the thread of owner while there is one */
	struct rd_vcpu *owner;
	u64 rip;
	unsigned int nr;          /* pages that are open, v->trace[] in this order */
	u64 gfn[RD_TRACE_PIECES];
	bool done;                /* the single step has ended */
	wait_queue_head_t wait;   /* the other vCPUs */
	u8 before[RD_TRACE_PIECES][RD_PAGE_SIZE], after[RD_PAGE_SIZE];
};

/*
 * The tree in the guest's memory, and what the guest's driver said of it when it handed it over.
 * Changes: t->lock. Read by vCPUs without: the tree is in force from the moment its root is set.
 */
struct rd_trace_guest {
	struct rd_vm *vm;
	struct rd_tree tree;
	u64 pages;                /* that it names */
	struct rd_guest_attach said;
	/*
	 * Integrity mode (vmm/mode.h), in which the tree changes: held by the vCPU that is in it,
	 * and by whoever wants a tree that nobody edits. Under judge_lock, which is held from
	 * before a write is judged until it has landed; both under t->lock.
	 */
	struct mutex mode_lock, judge_lock;
	struct rd_mode *mode;     /* NULL: the tree stays as it is */
	int error;                /* of the walk that puts it in force */
	u64 run_gfn, run_pages;   /* pages that follow each other, not protected yet */
};

/* What the host wants of the guest's driver, and what that said last (vmm/trace_want.c). */
struct rd_trace_want {
	spinlock_t lock;          /* innermost; held for a copy only */
	struct rd_guest_driver driver;
	bool called;              /* the driver has called, */
	u64 called_ns;            /* last at this time of rd_host_now_ns() */
};

/* Made when the VM's traces are first used, and there until the VM ends. */
struct rd_trace {
	struct mutex lock;        /* edits of the tree */
	struct rd_tree tree;      /* read without a lock, by vCPUs in KVM_RUN or under vm->srcu */
	struct list_head nodes;   /* pages of the tree, */
	struct list_head limbo;   /* and those that have left it, but readers may still be in */
	/* Lists of actions by number, from 1; never changed once in use. */
	u8 list[RD_TRACE_LISTS][RD_TRACE_MAX_ACTIONS];
	unsigned int nr_lists;
	u64 pages;
	bool served;              /* the VMM carries out what comes with RD_EXIT_TRACE */
	struct { RD_TRACE_COUNTS(RD_TRACE_COUNT_FIELD) } count;
	struct rd_trace_step step;
	struct rd_trace_guest guest;
	struct rd_trace_want want;
	wait_queue_head_t wait;   /* readers of events */
	struct rd_trace_ring ring;
};

/* One write that is being asked about; a vCPU has two, for the two pages that it may touch. */
struct rd_trace_write {
	struct rd_trace_act act;
	u64 rip, exits;           /* of the vCPU: it holds until the guest is entered again */
	bool open;                /* act holds a list that is not through, or a write to come */
};

enum rd_trace_answer {
	RD_WRITE_GO,       /* write; then rd_trace_landed() */
	RD_WRITE_PASS,     /* write: it is none of the traces' business */
	RD_WRITE_REFUSE,   /* #GP(0) */
	RD_WRITE_SKIP,     /* as if written */
	RD_WRITE_USER,     /* v->run is filled: leave to user space, and ask again afterwards */
};

/*
 * Hot: asked before every write of the emulator and the module. Any context. The VM's map is given
 * to keep this header free of struct rd_vm.
 */
static inline bool rd_prot_traced(const struct rd_prot_map *m, u64 gfn)
{
	return rd_prot_map_get(m, gfn) & RD_PROT_TRACES;
}

/* --- what writes ask; vCPU thread in KVM_RUN, may sleep --- */

/*
 * An emulated instruction of the guest is about to write len bytes (1 to 4096, inside one page that
 * is traced) at gpa, piece 0 or 1 of the operand.
 */
enum rd_trace_answer rd_trace_write(struct rd_vcpu *v, unsigned int piece, u64 gpa, u64 linear,
				    const void *bytes, unsigned int len);
/* What became of the write that RD_WRITE_GO let through. */
void rd_trace_landed(struct rd_vcpu *v, unsigned int piece, bool ok);
/*
 * The write that faulted at v->fault_gpa is of an instruction that is not emulated, so its bytes
 * are not known. It is let through by a single step or refused, also where the list says to skip
 * it. Returns as handle_exit.
 */
int rd_trace_blind(struct rd_vcpu *v);
/*
 * The CPU could not push the frame of an event, because the page at gpa is traced. Let through, the
 * event is delivered with the page open until the next exit; refused, the guest gets a double fault
 * instead. As above.
 */
int rd_trace_delivery(struct rd_vcpu *v, u64 gpa);
/*
 * The module itself is about to write for the guest. bytes may be NULL: not known yet. True: it
 * must not.
 */
bool rd_trace_stops_module(struct rd_vcpu *v, u64 gpa, const void *bytes, unsigned int len);

/* --- what the VMM asks; process context, current->mm is the VM's --- */

/* The calls of kmod/uapi/redoubt_trace.h; errors as there. */
int rd_trace_add(struct rd_vm *vm, const struct rd_trace_range *r);
int rd_trace_remove(struct rd_vm *vm, const struct rd_trace_range *r);
int rd_trace_next(struct rd_vm *vm, struct rd_trace_range *r);
int rd_trace_vmm_write(struct rd_vm *vm, const struct rd_trace_range *r);
int rd_trace_serve(struct rd_vm *vm);
int rd_trace_get_guest(struct rd_vm *vm, struct rd_guest_attach *g);
int rd_trace_set_guest(struct rd_vm *vm, const struct rd_guest_attach *g);
int rd_trace_want(struct rd_vm *vm, const struct rd_guest_driver_status *s);
void rd_trace_driver(struct rd_vm *vm, struct rd_guest_driver_status *s); /* s: zeroed */
/* A hypercall of Redoubt's own (kmod/uapi/redoubt_guest.h), at CPL 0: its result. vCPU thread. */
long rd_trace_hypercall(struct rd_vcpu *v, u64 nr, u64 arg);
void rd_trace_get_stats(struct rd_vm *vm, struct rd_trace_stats *s);
/* The VM's traces, made if they are not there yet. ERR_PTR: -ENOMEM. Sleeps. */
struct rd_trace *rd_trace_get(struct rd_vm *vm);
/* The VM ends; no vCPU and no reader is left. */
void rd_trace_destroy(struct rd_vm *vm);

/* --- single steps (vmm/trace_step.c) --- */

/* RD_REQ_STEP, before an entry. Owner: go on or end. Others: false, they have to wait. */
bool rd_trace_step_turn(struct rd_vcpu *v);
/* Is v about to take its step? A change of the thread's CPU undoes what its turn has prepared. */
bool rd_trace_step_ready(const struct rd_vcpu *v);
/* Sleep until there is no step of another vCPU, or a signal. */
void rd_trace_step_wait(struct rd_vcpu *v);
/* v leaves KVM_RUN: its step ends, whether the instruction was carried out or not. */
void rd_trace_step_leave(struct rd_vcpu *v);
/* Is the page open to v? Hot for writes to traced pages only. */
bool rd_trace_step_opens(const struct rd_vcpu *v, u64 gfn);

/* --- between the files of the traces --- */

/* Begin a step of v, or open one more page in it. Returns as handle_exit. */
int rd_trace_step_begin(struct rd_vcpu *v, u64 gpa);
/* The number of the page that would be opened next by v: RD_TRACE_PIECES: no more. */
unsigned int rd_trace_step_pieces(const struct rd_vcpu *v);
void rd_trace_step_init(struct rd_trace *t);
void rd_trace_guest_init(struct rd_vm *vm, struct rd_trace *t);
void rd_trace_want_init(struct rd_trace *t);
/* RD_HC_GUEST_DRIVER: its result. */
long rd_trace_hc_driver(struct rd_vcpu *v, u64 gpa);
/*
 * Something was found without a write that could be stopped: a damaged tree, a request that is
 * refused. Runs the list, without the VMM.
 */
void rd_trace_alert(struct rd_vcpu *v, u8 hit, u8 code, u64 gpa, const u8 *list);
/* Integrity mode ended early: m->why. mode_lock held. */
void rd_trace_alert_mode(struct rd_vcpu *v, const struct rd_mode_run *m);
/* RD_HC_TRACE_QUERY. */
long rd_trace_guest_query(struct rd_vcpu *v, u64 gfn);
/* A write is over: count it, and put its event into the ring if its list says so. */
void rd_trace_report(struct rd_trace *t, struct rd_trace_act *a);

/* Let go of t->lock after an edit: what has left the tree is freed once nobody can be in it. */
void rd_trace_unlock(struct rd_vm *vm);
void rd_trace_tree_init(struct rd_trace *t);
void rd_trace_tree_destroy(struct rd_trace *t);

#endif
