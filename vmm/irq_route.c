// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a GSI or a message to local APICs: the routing table, MSI decoding, destination matching.
 * Invariant: a routing table is immutable once published; readers hold rd_rcu_read_lock() while
 * they walk one. Destinations are found by index (physical) or arithmetic (x2APIC cluster); only
 * xAPIC logical addressing and broadcasts look at every APIC.
 */
#include "vmm/irqchip.h"
#include "vmm/lapic_priv.h"

#define MSI_LOGICAL BIT(2)
#define MSI_HINT BIT(3)
#define MSI_LEVEL BIT(15)

/* A set of APIC ids. */
struct id_set {
	unsigned long bits[4];
};

static int add_result(int sum, int r)
{
	return r < 0 ? sum : r + max(sum, 0);
}

/*
 * A device's message to 0xff reaches APICs in x2APIC mode too, unless the VMM has switched that
 * quirk off.
 */
static bool broadcast_hits(const struct rd_irqchip *c, const struct rd_lapic *sender,
			   const struct rd_lapic *l)
{
	return sender || !c->x2apic_quirk_off || !rd_lapic_x2apic(l);
}

static bool is_broadcast(const struct rd_lapic *sender, u32 dest, bool x2dest)
{
	/* A sender in x2APIC mode that means everybody says so in 32 bits. */
	return dest == U32_MAX || (dest == 0xff && !(x2dest && sender));
}

/* xAPIC flat and cluster models ("Logical Destination Mode"), or the x2APIC's fixed logical id. */
static bool logical_hits(const struct rd_lapic *l, u32 dest)
{
	u32 ldr = rd_apic_reg(l, RD_APIC_LDR);

	if (READ_ONCE(l->base) & RD_APIC_BASE_X2APIC)
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	ldr >>= 24;
	if (rd_apic_reg(l, RD_APIC_DFR) >> 28)
		return dest & ldr;
	return dest >> 4 == ldr >> 4 && (dest & ldr & 0xf);
}

static void add_all(struct rd_irqchip *c, const struct rd_lapic *sender, u32 dest,
		    unsigned int shorthand, struct id_set *set)
{
	struct rd_lapic *l;
	u32 id, nr = READ_ONCE(c->nr_ids);

	for (id = 0; id < nr; id++) {
		l = READ_ONCE(c->lapic[id]);
		if (!l || (shorthand == RD_SHORT_OTHERS && l == sender))
			continue;
		if (shorthand == RD_SHORT_NONE && dest == 0xff && !broadcast_hits(c, sender, l))
			continue;
		__set_bit(id, set->bits);
	}
}

/* A cluster's sixteen ids are a quarter of one word of the set. */
static void add_cluster(u32 dest, struct id_set *set)
{
	u32 cluster = dest >> 16;

	if (cluster < 16)
		set->bits[cluster / 4] = (unsigned long)(dest & 0xffff) << (cluster % 4 * 16);
}

static void add_logical(struct rd_irqchip *c, u32 dest, struct id_set *set)
{
	struct rd_lapic *l;
	u32 id, nr = READ_ONCE(c->nr_ids);

	for (id = 0; id < nr; id++) {
		l = READ_ONCE(c->lapic[id]);
		if (l && logical_hits(l, dest))
			__set_bit(id, set->bits);
	}
}

static struct rd_lapic *lookup(struct rd_irqchip *c, u32 id)
{
	return id < READ_ONCE(c->nr_ids) ? READ_ONCE(c->lapic[id]) : NULL;
}

/*
 * Of the set, the APIC with the lowest priority class that takes interrupts; among equals one after
 * the other.
 */
static struct rd_lapic *lowest_priority(struct rd_irqchip *c, const struct id_set *set)
{
	u32 i, id, nr = READ_ONCE(c->nr_ids), first = READ_ONCE(c->lowest_next), best = U32_MAX;
	struct rd_lapic *l, *found = NULL;

	for (i = 0; i < nr; i++) {
		id = first + i < nr ? first + i : first + i - nr;
		l = id < nr && test_bit(id, set->bits) ? READ_ONCE(c->lapic[id]) : NULL;
		if (!l || !READ_ONCE(l->sw_enabled) || (rd_apic_reg(l, RD_APIC_PPR) & 0xf0) >= best)
			continue;
		best = rd_apic_reg(l, RD_APIC_PPR) & 0xf0;
		found = l;
	}
	if (found)
		WRITE_ONCE(c->lowest_next, found->id + 1 < nr ? found->id + 1 : 0);
	return found;
}

static int deliver_set(struct rd_irqchip *c, const struct id_set *set, unsigned int mode, u8 vector,
		       bool level)
{
	struct rd_lapic *l;
	unsigned int word;
	unsigned long left;
	int r = -1;

	if (mode == RD_DM_LOWEST) {
		l = lowest_priority(c, set);
		return l ? rd_lapic_deliver(l, RD_DM_FIXED, vector, level) : -1;
	}
	for (word = 0; word < 4; word++) {
		for (left = set->bits[word]; left; left &= left - 1) {
			l = lookup(c, word * 64 + (u32)__ffs(left));
			if (l)
				r = add_result(r, rd_lapic_deliver(l, mode, vector, level));
		}
	}
	return r;
}

int rd_irqchip_deliver(struct rd_irqchip *c, struct rd_lapic *sender, u32 dest, bool logical,
		       bool x2dest, unsigned int shorthand, unsigned int mode, u8 vector,
		       bool level)
{
	struct id_set set = { { 0 } };
	struct rd_lapic *l;

	if (shorthand == RD_SHORT_SELF)
		return rd_lapic_deliver(sender, mode, vector, level);
	if (shorthand != RD_SHORT_NONE || is_broadcast(sender, dest, x2dest)) {
		add_all(c, sender, dest, shorthand, &set);
	} else if (!logical) {
		l = lookup(c, dest);
		return l ? rd_lapic_deliver(l, mode, vector, level) : -1;
	} else if ((x2dest && (sender || dest > 0xff)) || !atomic_read(&c->nr_xapic)) {
		add_cluster(dest, &set);
	} else {
		add_logical(c, dest, &set);
	}
	return deliver_set(c, &set, mode, vector, level);
}

/* The redirection hint asks for one of several, as the lowest-priority mode does. */
static int msi_slow(struct rd_irqchip *c, const struct rd_msi *msi, u32 dest)
{
	u32 address = (u32)msi->address;
	unsigned int mode = RD_FIELD(msi->data, 10, 8);

	if (c->x2apic_format && (msi->address >> 32 & 0xff))
		return -1;
	if (mode == RD_DM_FIXED && (address & MSI_HINT))
		mode = RD_DM_LOWEST;
	return rd_irqchip_deliver(c, NULL, dest, address & MSI_LOGICAL, c->x2apic_format,
				  RD_SHORT_NONE, mode, msi->data & 0xff,
				  (msi->data & MSI_LEVEL) && mode <= RD_DM_LOWEST);
}

int rd_irqchip_msi(struct rd_irqchip *c, const struct rd_msi *msi)
{
	const u32 other = MSI_LEVEL | 7U << 8;
	u32 dest = (u32)RD_FIELD(msi->address, 19, 12);
	struct rd_lapic *l;

	if (c->x2apic_format)
		dest |= (u32)(msi->address >> 32) & 0xffffff00;
	if (unlikely((msi->data & other) || (msi->address & (MSI_LOGICAL | 0xffULL << 32)) ||
		     dest >= READ_ONCE(c->nr_ids)))
		return msi_slow(c, msi, dest);
	l = READ_ONCE(c->lapic[dest]);
	return likely(l) ? rd_apic_accept_edge(l, msi->data & 0xff, true) : -1;
}

static int deliver_route(struct rd_irqchip *c, const struct rd_route *route,
			 const unsigned long *line, bool level)
{
	if (route->type == KVM_IRQ_ROUTING_MSI)
		return level ? rd_irqchip_msi(c, &route->msi) : -1;
	if (route->chip == KVM_IRQCHIP_IOAPIC)
		return rd_ioapic_set_pin(c, route->pin, line);
	return rd_pic_set_pin(c, route->pin + (route->chip == KVM_IRQCHIP_PIC_SLAVE ? 8 : 0), line);
}

int rd_irqchip_set_gsi(struct rd_irqchip *c, u32 gsi, unsigned int source, bool level)
{
	struct rd_route_table *t;
	unsigned long *line;
	int r = -1;
	u32 i;

	if (gsi >= RD_MAX_GSI)
		return -1;
	line = &c->line[gsi];
	if (level)
		set_bit(source, line);
	else
		clear_bit(source, line);
	rd_rcu_read_lock();
	t = rd_rcu_deref(c->routes);
	for (i = t ? t->first[gsi] : 0; i; i = t->route[i].next)
		r = add_result(r, deliver_route(c, &t->route[i], line, level));
	rd_rcu_read_unlock();
	return r;
}

bool rd_irqchip_msi_route(struct rd_irqchip *c, u32 gsi, struct rd_msi *msi)
{
	struct rd_route_table *t;
	bool found = false;
	u32 i;

	rd_rcu_read_lock();
	t = rd_rcu_deref(c->routes);
	i = t && gsi < RD_MAX_GSI ? t->first[gsi] : 0;
	if (i && t->route[i].type == KVM_IRQ_ROUTING_MSI) {
		*msi = t->route[i].msi;
		found = true;
	}
	rd_rcu_read_unlock();
	return found;
}

int rd_irqchip_pin_gsi(struct rd_irqchip *c, unsigned int chip, unsigned int pin)
{
	struct rd_route_table *t;
	int gsi = -1;

	rd_rcu_read_lock();
	t = rd_rcu_deref(c->routes);
	if (t && chip < ARRAY_SIZE(t->pin_gsi) && pin < RD_IOAPIC_PINS)
		gsi = t->pin_gsi[chip][pin];
	rd_rcu_read_unlock();
	return gsi;
}

void rd_irqchip_eoi(struct rd_irqchip *c, struct rd_lapic *l, u8 vector)
{
	bool level = test_bit(vector, l->tmr);

	if (c->mode == RD_IRQCHIP_SPLIT) {
		if (level)
			rd_irqchip_user_eoi(l, vector);
		return;
	}
	rd_ioapic_eoi(c, vector, level);
}

static bool valid_irqchip_route(const struct rd_irqchip *c, const struct kvm_irq_routing_entry *e)
{
	u32 pins = e->u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC ? RD_IOAPIC_PINS : 8;

	return c->mode == RD_IRQCHIP_KERNEL && !e->flags &&
	       e->u.irqchip.irqchip <= KVM_IRQCHIP_IOAPIC && e->u.irqchip.pin < pins;
}

static bool valid_msi_route(const struct rd_irqchip *c, const struct kvm_irq_routing_entry *e)
{
	return !(e->flags & ~KVM_MSI_VALID_DEVID) &&
	       !(c->x2apic_format && (e->u.msi.address_hi & 0xff));
}

/* A GSI leads to at most one pin of each chip, or to one message alone. */
static bool clashes(const struct rd_route_table *t, u32 gsi, const struct rd_route *new)
{
	u32 i;

	for (i = t->first[gsi]; i; i = t->route[i].next)
		if (new->type == KVM_IRQ_ROUTING_MSI || t->route[i].type == KVM_IRQ_ROUTING_MSI ||
		    t->route[i].chip == new->chip)
			return true;
	return false;
}

static int add_route(const struct rd_irqchip *c, struct rd_route_table *t,
		     const struct kvm_irq_routing_entry *e)
{
	struct rd_route *new = &t->route[t->nr + 1];

	if (e->gsi >= RD_MAX_GSI)
		return -EINVAL;
	new->type = e->type;
	if (e->type == KVM_IRQ_ROUTING_IRQCHIP && valid_irqchip_route(c, e)) {
		new->chip = e->u.irqchip.irqchip;
		new->pin = e->u.irqchip.pin;
		t->pin_gsi[new->chip][new->pin] = (s32)e->gsi;
	} else if (e->type == KVM_IRQ_ROUTING_MSI && valid_msi_route(c, e)) {
		new->msi.address = (u64)e->u.msi.address_hi << 32 | e->u.msi.address_lo;
		new->msi.data = e->u.msi.data;
		new->msi.devid = e->flags & KVM_MSI_VALID_DEVID ? e->u.msi.devid : 0;
	} else {
		return -EINVAL;
	}
	if (clashes(t, e->gsi, new))
		return -EINVAL;
	new->next = t->first[e->gsi];
	t->first[e->gsi] = ++t->nr;
	return 0;
}

/*
 * A level vector that is on its way through some local APIC: its EOI is still owed to user space.
 */
static bool in_flight(const struct rd_irqchip *c, unsigned int vector)
{
	const struct rd_lapic *l;
	u32 id;

	for (id = 0; id < c->nr_ids; id++) {
		l = c->lapic[id];
		if (l && test_bit(vector, l->tmr) &&
		    (test_bit(vector, l->irr) || test_bit(vector, l->isr)))
			return true;
	}
	return false;
}

static void update_split_eoi(struct rd_irqchip *c, const struct rd_route_table *t)
{
	unsigned long wanted[4] = { 0 };
	unsigned int vector, gsi;
	u32 i;

	for (gsi = 0; gsi < c->split_pins; gsi++) {
		i = t->first[gsi];
		if (i && (t->route[i].msi.data & MSI_LEVEL))
			__set_bit(t->route[i].msi.data & 0xff, wanted);
	}
	for (vector = RD_APIC_FIRST_VECTOR; vector < 256; vector++)
		if (test_bit(vector, c->split_eoi) && in_flight(c, vector))
			__set_bit(vector, wanted);
	for (i = 0; i < 4; i++)
		WRITE_ONCE(c->split_eoi[i], wanted[i]);
}

void rd_irqchip_route_pit(struct rd_irqchip *c)
{
	struct rd_route_table *t = rd_rcu_deref(c->routes);
	u32 i, pins = 0;

	for (i = c->has_pit ? t->first[0] : 0; i; i = t->route[i].next)
		if (t->route[i].type == KVM_IRQ_ROUTING_IRQCHIP &&
		    t->route[i].chip == KVM_IRQCHIP_IOAPIC)
			pins = 1U << t->route[i].pin;
	rd_ioapic_set_ack_pins(&c->ioapic, pins);
}

int rd_irqchip_set_routes(struct rd_irqchip *c, const struct kvm_irq_routing_entry *entries, u32 nr)
{
	struct rd_route_table *old = rd_rcu_deref(c->routes), *t;
	u32 i;
	int r = 0;

	if (nr > RD_MAX_ROUTES)
		return -EINVAL;
	t = rd_host_zalloc(sizeof(*t) + (nr + 1) * sizeof(t->route[0]));
	if (!t)
		return -ENOMEM;
	memset(t->pin_gsi, 0xff, sizeof(t->pin_gsi));
	for (i = 0; i < nr && !r; i++)
		r = add_route(c, t, &entries[i]);
	if (r) {
		rd_host_free(t);
		return r;
	}
	rd_rcu_assign(c->routes, t);
	update_split_eoi(c, t);
	rd_irqchip_route_pit(c);
	if (!old)
		return 0;
	rd_host_rcu_sync();
	rd_host_free(old);
	return 0;
}
