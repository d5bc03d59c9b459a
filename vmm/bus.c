// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who answers a guest's port or MMIO access without leaving the kernel: the interrupt controllers,
 * eventfds, coalesced zones. Invariant: the caller is the vCPU's thread or holds vm->srcu, so that
 * the tables stay.
 */
#include "kmod/compat.h"
#include "kmod/trace.h"
#include "vmm/bus_priv.h"

#define RD_RING_ENTRIES KVM_COALESCED_MMIO_MAX
#define RD_APIC_ICR 0x300
#define RD_APIC_ICR2 0x310
#define RD_IOAPIC_WINDOW 0x100

/* The value of an access: len is 1, 2, 4 or 8, or anything up to 16 where no value can match. */
static u64 rd_bus_value(const void *data, unsigned int len)
{
	u64 val = 0;

	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	return val;
}

static int rd_bus_signal(const struct rd_bus_table *t, u64 addr, unsigned int len, const void *data)
{
	u32 lo = 0, hi = t->nr_events;
	const struct rd_ioevent *e;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (t->events[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (e = t->events + lo; e < t->events + t->nr_events && e->addr == addr; e++) {
		if (e->len && e->len != len)
			continue;
		if (!e->any && e->match != rd_bus_value(data, len))
			continue;
		rd_eventfd_signal(e->ctx);
		return 0;
	}
	return -EOPNOTSUPP;
}

static bool rd_bus_in_zone(const struct rd_bus_table *t, u64 addr, unsigned int len)
{
	u32 lo = 0, hi = t->nr_zones;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (t->zones[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->nr_zones && addr >= t->zones[lo].start && addr + len <= t->zones[lo].end;
}

/* Put the write into the ring that user space empties. It can write the indices too: trust none. */
static int rd_bus_coalesce(struct rd_vm *vm, bool pio, u64 addr, unsigned int len, const void *data)
{
	struct kvm_coalesced_mmio_ring *ring = vm->coalesced;
	struct kvm_coalesced_mmio *slot;
	u32 last, next;

	if (len > sizeof(slot->data))
		return -EOPNOTSUPP;
	spin_lock(&vm->coalesced_lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % RD_RING_ENTRIES;
	if (last >= RD_RING_ENTRIES || next == READ_ONCE(ring->first)) {
		spin_unlock(&vm->coalesced_lock);
		return -EOPNOTSUPP;
	}
	slot = &ring->coalesced_mmio[last];
	slot->phys_addr = addr;
	slot->len = len;
	memcpy(slot->data, data, len);
	slot->pio = pio;
	/* The entry before its index. */
	smp_store_release(&ring->last, next);
	spin_unlock(&vm->coalesced_lock);
	return 0;
}

static int rd_bus_table_write(struct rd_vcpu *v, int bus, u64 addr, unsigned int len,
			      const void *data)
{
	struct rd_vm *vm = v->vm;
	bool pio = bus == RD_BUS_PIO;
	const struct rd_bus_table *t = rd_vm_table(vm->bus->table[pio]);

	if (!t)
		return -EOPNOTSUPP;
	if (t->nr_events && !rd_bus_signal(t, addr, len, data))
		return 0;
	if (t->nr_zones && bus != RD_BUS_FAST_MMIO && rd_bus_in_zone(t, addr, len))
		return rd_bus_coalesce(vm, pio, addr, len, data);
	return -EOPNOTSUPP;
}

/* Ports of the chips take one byte at a time: a wider access is one to consecutive ports. */
static bool rd_bus_chip_port(u16 port)
{
	switch (port) {
	case 0x20:
	case 0x21:
	case 0x40 ... 0x43:
	case 0x61:
	case 0xa0:
	case 0xa1:
	case 0x4d0:
	case 0x4d1:
		return true;
	default:
		return false;
	}
}

static bool rd_bus_port_byte_in(struct rd_irqchip *c, u16 port, u8 *val)
{
	if (port == 0x61 || (port & ~3) == 0x40)
		return rd_pit_port_read(c, port, val);
	return rd_pic_port_read(c, port, val);
}

static bool rd_bus_port_byte_out(struct rd_irqchip *c, u16 port, u8 val)
{
	if (port == 0x61 || (port & ~3) == 0x40)
		return rd_pit_port_write(c, port, val);
	return rd_pic_port_write(c, port, val);
}

static int rd_bus_pio_read(struct rd_vcpu *v, u16 port, unsigned int len, u8 *data)
{
	struct rd_irqchip *c = &v->vm->chip;
	unsigned int i;

	if (!rd_bus_chip_port(port) || !rd_bus_port_byte_in(c, port, data))
		return -EOPNOTSUPP;
	for (i = 1; i < len; i++)
		if (!rd_bus_chip_port(port + i) || !rd_bus_port_byte_in(c, port + i, data + i))
			data[i] = 0xff;
	return 0;
}

static int rd_bus_pio_write(struct rd_vcpu *v, u16 port, unsigned int len, const u8 *data)
{
	struct rd_irqchip *c = &v->vm->chip;
	unsigned int i;

	if (!rd_bus_chip_port(port) || !rd_bus_port_byte_out(c, port, data[0]))
		return -EOPNOTSUPP;
	for (i = 1; i < len; i++)
		if (rd_bus_chip_port(port + i))
			rd_bus_port_byte_out(c, port + i, data[i]);
	return 0;
}

/* The vCPU's own local APIC: only where its base says, and only in xAPIC mode. */
static bool rd_bus_is_lapic(const struct rd_vcpu *v, u64 addr)
{
	u64 base = v->lapic.base;

	return !((addr ^ base) & RD_PAGE_MASK) && v->has_lapic &&
	       (base & (RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC)) == RD_APIC_BASE_ENABLE;
}

static bool rd_bus_is_ioapic(const struct rd_irqchip *c, u64 addr)
{
	return addr - c->ioapic.base < RD_IOAPIC_WINDOW && c->mode == RD_IRQCHIP_KERNEL;
}

static void rd_bus_trace_ipi(struct rd_vcpu *v, unsigned int len, const void *data)
{
	u64 dest = v->lapic.regs[RD_APIC_ICR2 / 4];

	trace_rd_apic_ipi(v->id, dest << 32 | (u32)rd_bus_value(data, min(len, 4U)));
}

#ifdef RD_TEST_OPEN_ENCLAVES
bool (*rd_bus_hole)(struct rd_vm *vm, u64 addr, unsigned int len, void *data, bool write);
#define IN_HOLE(...) (rd_bus_hole && rd_bus_hole(__VA_ARGS__))
#else
#define IN_HOLE(...) false
#endif

/* The EPC, from outside an enclave: the abort page. */
static bool rd_bus_is_abort(const struct rd_vm *vm, u64 addr)
{
	return unlikely(vm->reserve_pages) &&
	       (addr >> RD_PAGE_SHIFT) - vm->reserve_gfn < vm->reserve_pages;
}

/*
 * RD_BUS_FAST_MMIO: a write of unknown length and value (len 0, data NULL), told from its address
 * alone before the instruction is decoded; only eventfds that take any length answer.
 */
int rd_bus_write(struct rd_vcpu *v, int bus, u64 addr, unsigned int len, const void *data)
{
	if (bus == RD_BUS_MMIO) {
		if (likely(rd_bus_is_lapic(v, addr))) {
			if ((addr & ~RD_PAGE_MASK) == RD_APIC_ICR && trace_rd_apic_ipi_enabled())
				rd_bus_trace_ipi(v, len, data);
			rd_lapic_mmio_write(&v->lapic, addr & ~RD_PAGE_MASK, len, data);
			return 0;
		}
		if (rd_bus_is_ioapic(&v->vm->chip, addr)) {
			rd_ioapic_write(&v->vm->chip, addr - v->vm->chip.ioapic.base, len, data);
			return 0;
		}
		if (rd_bus_is_abort(v->vm, addr)) {
			(void)IN_HOLE(v->vm, addr, len, (void *)data, true);
			return 0;
		}
	} else if (bus == RD_BUS_PIO && v->vm->chip.mode == RD_IRQCHIP_KERNEL) {
		if (!rd_bus_pio_write(v, addr, len, data))
			return 0;
	}
	return rd_bus_table_write(v, bus, addr, len, data);
}

int rd_bus_read(struct rd_vcpu *v, int bus, u64 addr, unsigned int len, void *data)
{
	if (bus == RD_BUS_MMIO) {
		if (likely(rd_bus_is_lapic(v, addr))) {
			rd_lapic_mmio_read(&v->lapic, addr & ~RD_PAGE_MASK, len, data);
			return 0;
		}
		if (rd_bus_is_ioapic(&v->vm->chip, addr)) {
			struct rd_ioapic *io = &v->vm->chip.ioapic;

			rd_ioapic_read(io, addr - io->base, len, data);
			return 0;
		}
		if (rd_bus_is_abort(v->vm, addr)) {
			memset(data, 0xff, len);
			(void)IN_HOLE(v->vm, addr, len, data, false);
			return 0;
		}
	} else if (bus == RD_BUS_PIO && v->vm->chip.mode == RD_IRQCHIP_KERNEL) {
		return rd_bus_pio_read(v, addr, len, data);
	}
	return -EOPNOTSUPP;
}
