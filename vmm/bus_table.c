// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IOEVENTFD and coalesced zones: the tables that vmm/bus.c looks into, and their replacement.
 * Invariant: a call that fails has changed nothing; writers hold vm->bus->lock.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "vmm/bus_priv.h"

/* As stock KVM's limit per bus. */
#define RD_BUS_MAX 1000

static struct rd_bus_table *rd_bus_table_of(struct rd_vm *vm, bool pio)
{
	return rcu_dereference_protected(vm->bus->table[pio], lockdep_is_held(&vm->bus->lock));
}

static struct rd_bus_table *rd_bus_table_new(u32 nr_events, u32 nr_zones)
{
	size_t zones_at = struct_size((struct rd_bus_table *)NULL, events, nr_events);
	struct rd_bus_table *t;

	t = kvzalloc(zones_at + nr_zones * sizeof(struct rd_zone), GFP_KERNEL_ACCOUNT);
	if (t)
		t->zones = (void *)t + zones_at;
	return t;
}

/* Replace a bus's table; afterwards no reader is left on the old one. */
static void rd_bus_publish(struct rd_vm *vm, bool pio, struct rd_bus_table *new)
{
	struct rd_bus_table *old = rd_bus_table_of(vm, pio);

	rcu_assign_pointer(vm->bus->table[pio], new);
	rd_vm_sync(vm);
	kvfree(old);
}

int rd_bus_init(struct rd_vm *vm)
{
	vm->bus = kzalloc(sizeof(*vm->bus), GFP_KERNEL_ACCOUNT);
	vm->coalesced = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vm->bus || !vm->coalesced) {
		kfree(vm->bus);
		free_page((unsigned long)vm->coalesced);
		return -ENOMEM;
	}
	mutex_init(&vm->bus->lock);
	return 0;
}

/* No vCPU is left. */
void rd_bus_destroy(struct rd_vm *vm)
{
	u32 i;
	int b;

	for (b = 0; b < 2; b++) {
		struct rd_bus_table *t = rcu_dereference_protected(vm->bus->table[b], true);

		for (i = 0; t && i < t->nr_events; i++)
			eventfd_ctx_put(t->events[i].ctx);
		kvfree(t);
	}
	kvfree(vm->bus->zones);
	kfree(vm->bus);
	free_page((unsigned long)vm->coalesced);
}

/* --- ioeventfd -------------------------------------------------------------------------------- */

/* Would both take the same write? */
static bool rd_ioevent_collides(const struct rd_ioevent *a, const struct rd_ioevent *b)
{
	if (a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (a->any || b->any || a->match == b->match);
}

static bool rd_ioevent_same(const struct rd_ioevent *a, const struct rd_ioevent *b)
{
	return a->addr == b->addr && a->len == b->len && a->ctx == b->ctx && a->any == b->any &&
	       (a->any || a->match == b->match);
}

/* A copy of a bus's table (NULL: empty) with room for one more event. */
static struct rd_bus_table *rd_bus_table_copy(const struct rd_bus_table *t, u32 more)
{
	struct rd_bus_table *n;

	n = rd_bus_table_new((t ? t->nr_events : 0) + more, t ? t->nr_zones : 0);
	if (!n || !t)
		return n;
	n->nr_events = t->nr_events;
	n->nr_zones = t->nr_zones;
	memcpy(n->events, t->events, t->nr_events * sizeof(*t->events));
	memcpy(n->zones, t->zones, t->nr_zones * sizeof(*t->zones));
	return n;
}

/* On success the table keeps e's reference to the eventfd. */
static int rd_ioevent_add(struct rd_vm *vm, bool pio, const struct rd_ioevent *e)
{
	struct rd_bus_table *t = rd_bus_table_of(vm, pio), *n;
	u32 i;

	for (i = 0; t && i < t->nr_events; i++)
		if (rd_ioevent_collides(&t->events[i], e))
			return -EEXIST;
	if (t && t->nr_events + t->nr_zones >= RD_BUS_MAX)
		return -ENOSPC;
	n = rd_bus_table_copy(t, 1);
	if (!n)
		return -ENOMEM;
	for (i = n->nr_events++; i && n->events[i - 1].addr > e->addr; i--)
		n->events[i] = n->events[i - 1];
	n->events[i] = *e;
	rd_bus_publish(vm, pio, n);
	return 0;
}

static int rd_ioevent_del(struct rd_vm *vm, bool pio, const struct rd_ioevent *e)
{
	struct rd_bus_table *t = rd_bus_table_of(vm, pio), *n;
	struct eventfd_ctx *ctx;
	u32 i;

	for (i = 0; t && i < t->nr_events; i++)
		if (rd_ioevent_same(&t->events[i], e))
			break;
	if (!t || i == t->nr_events)
		return -ENOENT;
	n = rd_bus_table_copy(t, 0);
	if (!n)
		return -ENOMEM;
	ctx = n->events[i].ctx;
	n->nr_events--;
	memmove(&n->events[i], &n->events[i + 1], (n->nr_events - i) * sizeof(*n->events));
	rd_bus_publish(vm, pio, n);
	eventfd_ctx_put(ctx);
	return 0;
}

#define RD_IOEVENTFD_FLAGS                                                                         \
	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN)

static int rd_ioeventfd_check(const struct kvm_ioeventfd *a)
{
	if (a->flags & ~RD_IOEVENTFD_FLAGS)
		return -EINVAL;
	if (a->len != 0 && a->len != 1 && a->len != 2 && a->len != 4 && a->len != 8)
		return -EINVAL;
	if (a->addr + a->len < a->addr)
		return -EINVAL;
	/* Without a length there is no value to compare with. */
	if (!a->len && (a->flags & KVM_IOEVENTFD_FLAG_DATAMATCH))
		return -EINVAL;
	return 0;
}

/*
 * KVM_IOEVENTFD. -EINVAL bad arguments, -EBADF or -EINVAL not an eventfd, -EEXIST something takes
 * the same writes, -ENOENT nothing to take away, -ENOSPC, -ENOMEM. May sleep.
 */
int rd_bus_ioeventfd(struct rd_vm *vm, const struct kvm_ioeventfd *a)
{
	bool pio = a->flags & KVM_IOEVENTFD_FLAG_PIO;
	bool del = a->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct rd_ioevent e;
	int r = rd_ioeventfd_check(a);

	if (r)
		return r;
	e.addr = a->addr;
	e.len = a->len;
	e.any = !(a->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	e.match = e.any ? 0 : a->datamatch;
	e.ctx = eventfd_ctx_fdget(a->fd);
	if (IS_ERR(e.ctx))
		return PTR_ERR(e.ctx);
	mutex_lock(&vm->bus->lock);
	r = del ? rd_ioevent_del(vm, pio, &e) : rd_ioevent_add(vm, pio, &e);
	mutex_unlock(&vm->bus->lock);
	if (r || del)
		eventfd_ctx_put(e.ctx);
	return r;
}

/* --- coalesced zones -------------------------------------------------------------------------- */

static int rd_zone_cmp(const void *a, const void *b)
{
	const struct rd_zone *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/*
 * Sort the zones of a bus into its table, joining those that overlap (registered twice, or one
 * within another).
 */
static struct rd_bus_table *rd_bus_table_with_zones(struct rd_vm *vm, bool pio)
{
	const struct rd_bus_table *t = rd_bus_table_of(vm, pio);
	struct rd_bus *b = vm->bus;
	struct rd_bus_table *n;
	u32 i, nr = 0;

	n = rd_bus_table_new(t ? t->nr_events : 0, b->nr_zones);
	if (!n)
		return NULL;
	if (t) {
		n->nr_events = t->nr_events;
		memcpy(n->events, t->events, t->nr_events * sizeof(*t->events));
	}
	for (i = 0; i < b->nr_zones; i++) {
		if (!!b->zones[i].pio != pio)
			continue;
		n->zones[nr].start = b->zones[i].addr;
		n->zones[nr++].end = b->zones[i].addr + b->zones[i].size;
	}
	sort(n->zones, nr, sizeof(*n->zones), rd_zone_cmp, NULL);
	for (i = 0; i < nr; i++) {
		struct rd_zone *prev = n->nr_zones ? &n->zones[n->nr_zones - 1] : NULL;

		if (prev && n->zones[i].start < prev->end)
			prev->end = max(prev->end, n->zones[i].end);
		else
			n->zones[n->nr_zones++] = n->zones[i];
	}
	return n;
}

/* Make the list of zones the one in use. -ENOMEM: the caller takes its change back. */
static int rd_bus_zones_changed(struct rd_vm *vm, bool pio)
{
	struct rd_bus_table *new = rd_bus_table_with_zones(vm, pio);

	if (!new)
		return -ENOMEM;
	rd_bus_publish(vm, pio, new);
	return 0;
}

/* KVM_REGISTER_COALESCED_MMIO. -EINVAL bad zone, -ENOSPC, -ENOMEM. May sleep. */
int rd_bus_register_coalesced(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	struct rd_bus *b = vm->bus;
	struct kvm_coalesced_mmio_zone *more;
	int r = -ENOMEM;

	if (z->pio > 1 || z->addr + z->size < z->addr)
		return -EINVAL;
	mutex_lock(&b->lock);
	if (b->nr_zones >= RD_BUS_MAX) {
		r = -ENOSPC;
		goto unlock;
	}
	more = kvmalloc_array(b->nr_zones + 1, sizeof(*more), GFP_KERNEL_ACCOUNT);
	if (!more)
		goto unlock;
	if (b->nr_zones)
		memcpy(more, b->zones, b->nr_zones * sizeof(*more));
	more[b->nr_zones++] = *z;
	swap(more, b->zones);
	r = rd_bus_zones_changed(vm, z->pio);
	if (r) {
		swap(more, b->zones);
		b->nr_zones--;
	}
	kvfree(more);
unlock:
	mutex_unlock(&b->lock);
	return r;
}

static bool rd_zone_contains(const struct kvm_coalesced_mmio_zone *outer,
			     const struct kvm_coalesced_mmio_zone *z)
{
	return z->addr >= outer->addr && z->addr + z->size >= z->addr &&
	       z->addr + z->size <= outer->addr + outer->size;
}

/*
 * KVM_UNREGISTER_COALESCED_MMIO: forget the zones that contain the range given; to have none is no
 * error. -EINVAL, -ENOMEM (nothing has changed then). May sleep.
 */
int rd_bus_unregister_coalesced(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	struct rd_bus *b = vm->bus;
	struct kvm_coalesced_mmio_zone *fewer;
	u32 i, nr = 0, old_nr;
	int r = 0;

	if (z->pio > 1)
		return -EINVAL;
	mutex_lock(&b->lock);
	old_nr = b->nr_zones;
	if (!old_nr)
		goto unlock;
	fewer = kvmalloc_array(old_nr, sizeof(*fewer), GFP_KERNEL_ACCOUNT);
	if (!fewer) {
		r = -ENOMEM;
		goto unlock;
	}
	for (i = 0; i < old_nr; i++) {
		const struct kvm_coalesced_mmio_zone *o = &b->zones[i];

		if (o->pio != z->pio || !rd_zone_contains(o, z))
			fewer[nr++] = *o;
	}
	if (nr != old_nr) {
		swap(fewer, b->zones);
		b->nr_zones = nr;
		r = rd_bus_zones_changed(vm, z->pio);
		if (r) {
			swap(fewer, b->zones);
			b->nr_zones = old_nr;
		}
	}
	kvfree(fewer);
unlock:
	mutex_unlock(&b->lock);
	return r;
}
