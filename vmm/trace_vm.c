// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM's write traces, and what the VMM may know of them (K).
 * Invariant: vm->trace is set once, complete, and stays until the VM ends.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "vmm/mode.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

static struct rd_trace *trace_new(struct rd_vm *vm)
{
	struct rd_trace *t = kvzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	mutex_init(&t->lock);
	init_waitqueue_head(&t->wait);
	rd_trace_ring_init(&t->ring);
	rd_trace_step_init(t);
	rd_trace_guest_init(vm, t);
	rd_trace_want_init(t);
	rd_trace_tree_init(t);
	return t;
}

/* Without vm->lock, which is not to be taken under a vCPU's mutex. */
struct rd_trace *rd_trace_get(struct rd_vm *vm)
{
	struct rd_trace *t = READ_ONCE(vm->trace);

	if (t)
		return t;
	t = trace_new(vm);
	if (!t)
		return ERR_PTR(-ENOMEM);
	if (!cmpxchg(&vm->trace, NULL, t))
		return t;
	kvfree(t); /* somebody was faster */
	return READ_ONCE(vm->trace);
}

int rd_trace_serve(struct rd_vm *vm)
{
	struct rd_trace *t = rd_trace_get(vm);

	if (IS_ERR(t))
		return PTR_ERR(t);
	t->served = true;
	return 0;
}

#define RD_TRACE_COPY(name) s->name = atomic64_read(&t->count.name);

void rd_trace_get_stats(struct rd_vm *vm, struct rd_trace_stats *s)
{
	struct rd_trace *t = READ_ONCE(vm->trace);

	if (!t)
		return;
	RD_TRACE_COUNTS(RD_TRACE_COPY)
	mutex_lock(&t->lock);
	s->pages = t->pages;
	s->nodes = t->tree.nodes;
	mutex_unlock(&t->lock);
	s->lost = READ_ONCE(t->ring.lost);
}

void rd_trace_destroy(struct rd_vm *vm)
{
	if (!vm->trace)
		return;
	rd_mode_destroy(&vm->trace->guest);
	rd_trace_tree_destroy(vm->trace);
	kvfree(vm->trace);
	vm->trace = NULL;
}
