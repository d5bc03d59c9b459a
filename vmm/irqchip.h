/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt controllers shared by a VM's vCPUs: IOAPIC, the two 8259s, the 8254, the GSI
 * routing table, and message delivery to local APICs. Invariant: the id table only gains entries
 * while the VM lives; pic/ioapic/pit state changes only under their own lock; no two of these locks
 * are held together; with one held, nothing is called but rd_lapic_deliver(), rd_lapic_kick() and
 * rd_timer_start(). Hooks of the VM code (below) are called with none held.
 */
#ifndef RD_VMM_IRQCHIP_H
#define RD_VMM_IRQCHIP_H

#include "vmm/lapic.h"

enum rd_irqchip_mode { RD_IRQCHIP_NONE, RD_IRQCHIP_KERNEL, RD_IRQCHIP_SPLIT };

#define RD_IOAPIC_PINS 24
#define RD_IOAPIC_BASE 0xfec00000ULL
#define RD_MAX_GSI 1024
#define RD_MAX_ROUTES 4096

struct rd_ioapic {
	struct rd_lock lock;
	u64 base;
	u32 id, ioregsel;
	u32 irr;                /* pins: the lines that are high */
	u32 ack_pins;           /* pins whose EOI counts in edge mode too (the PIT's) */
	u64 redir[RD_IOAPIC_PINS];
	/*
	 * Vectors of level entries and of ack_pins: an EOI of another vector need not look here.
	 * Read without the lock.
	 */
	unsigned long handled[4];
};

/* In the order of struct kvm_pic_state. */
struct rd_pic8259 {
	u8 last_irr, irr, imr, isr, priority_add, irq_base, read_reg_select, poll;
	u8 special_mask, init_state, auto_eoi, rotate_on_auto_eoi, special_fully_nested, init4;
	u8 elcr, elcr_mask;
};

struct rd_pic {
	struct rd_lock lock;
	struct rd_pic8259 chip[2];
	bool output;            /* INTR line towards LINT0; vCPUs READ_ONCE() it without the lock */
};

struct rd_pit_channel {
	u32 count;              /* in effect, as programmed (BCD if bcd), 0x10000 for 0 */
	u32 reload;             /* last programmed: takes effect at the next trigger */
	u16 latched_count;
	u8 count_latched, status_latched, status, read_state, write_state, write_latch;
	u8 rw_mode, mode, bcd, gate;
	bool started;           /* a count was loaded and, in modes 1 and 5, triggered */
	u64 load_ns;            /* when counting began, as if it had never been stopped */
	u64 held;               /* ticks counted when the gate stopped it */
};

struct rd_pit {
	struct rd_lock lock;
	struct rd_pit_channel ch[3];
	u8 speaker_data_on;
	bool hpet_legacy, reinject, dummy_speaker;
	u64 expires_ns;         /* next tick of channel 0 on the host's clock, 0 none */
	u64 ticks_done;         /* periods of channel 0 since load_ns that have ticked */
	u32 pending;            /* ticks owed to the guest */
	u32 acked;              /* the last one was acknowledged: the next may go out */
	struct rd_timer timer;
	struct rd_irqchip *chip;
};

struct rd_msi {
	u64 address;
	u32 data;
	u32 devid;
};

/* One immutable table; replaced as a whole under RCU. */
struct rd_route {
	u32 type;               /* KVM_IRQ_ROUTING_IRQCHIP or _MSI */
	u32 chip, pin;          /* IRQCHIP */
	struct rd_msi msi;      /* MSI */
	u32 next;               /* index of the next route of the same GSI, 0 none */
};

struct rd_route_table {
	u32 nr;                 /* route[1..nr] */
	u32 first[RD_MAX_GSI];  /* per GSI: index of its first route, 0 none */
	s32 pin_gsi[3][RD_IOAPIC_PINS]; /* back from KVM_IRQCHIP_* and pin to the GSI, -1 none */
	struct rd_route route[];
};

struct rd_irqchip {
	enum rd_irqchip_mode mode;
	u32 nr_ids;             /* highest id in lapic[] plus one, so always below a broadcast */
	u32 lowest_next;        /* where the search for the lowest priority begins; a racy hint */
	atomic_t nr_xapic;      /* local APICs in xAPIC mode; 0: logical ids are arithmetic */
	struct rd_lapic *lapic[RD_MAX_VCPU_IDS];
	bool x2apic_quirk_off;  /* KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK */
	bool x2apic_format;     /* KVM_X2APIC_API_USE_32BIT_IDS */
	struct rd_route_table RD_RCU *routes;
	unsigned long irq_sources; /* bitmap of source ids in use */
	/* Per GSI: which sources hold the line high (atomic bits); the level is their OR. */
	unsigned long line[RD_MAX_GSI];
	/*
	 * Split mode: vectors whose EOI user space wants (from level MSI routes of GSI
	 * 0..split_pins-1); such an EOI exits.
	 */
	u32 split_pins;
	unsigned long split_eoi[4];
	struct rd_ioapic ioapic;
	struct rd_pic pic;
	struct rd_pit pit;
	bool has_pit;
};

enum { RD_IRQ_SOURCE_USER, RD_IRQ_SOURCE_PIT, RD_IRQ_SOURCE_IRQFD };

/*
 * Provided by the VM code (vmm/vm.c, and by the tests). Any context. pic_changed: the PIC's output
 * rose, wake the vCPUs whose LINT0 takes it. user_eoi: split mode, the owner must exit with
 * KVM_EXIT_IOAPIC_EOI. pin_eoi: a pin was EOIed (resample); pins of a PIC are 0..7.
 */
void rd_irqchip_pic_changed(struct rd_irqchip *c);
void rd_irqchip_user_eoi(struct rd_lapic *l, u8 vector);
void rd_irqchip_pin_eoi(struct rd_irqchip *c, unsigned int chip, unsigned int pin);

/* Mode NONE: the id table only. destroy: once, after it; may sleep. */
void rd_irqchip_init(struct rd_irqchip *c);
void rd_irqchip_destroy(struct rd_irqchip *c);

/*
 * All under the VM's lock, may sleep. create: KVM_CREATE_IRQCHIP, brings PIC, IOAPIC and default
 * routes; -EEXIST, -ENOMEM. create_split: KVM_CAP_SPLIT_IRQCHIP; -EINVAL above RD_MAX_GSI pins too.
 * create_pit: KVM_CREATE_PIT2; -EEXIST, -ENOENT without KVM_CREATE_IRQCHIP, -EINVAL on flags other
 * than KVM_PIT_SPEAKER_DUMMY.
 */
int rd_irqchip_create(struct rd_irqchip *c);
int rd_irqchip_create_split(struct rd_irqchip *c, u32 pins);
int rd_irqchip_create_pit(struct rd_irqchip *c, u32 flags);

/*
 * Level change of a GSI by one source. Any context. Returns >0 delivered to that many, 0 coalesced,
 * -1 masked/ignored (as KVM_IRQ_LINE_STATUS).
 */
int rd_irqchip_set_gsi(struct rd_irqchip *c, u32 gsi, unsigned int source, bool level);

/*
 * KVM_SET_GSI_ROUTING, under the VM's lock. entries were copied in. -EINVAL on bad entries or more
 * than RD_MAX_ROUTES, -ENOMEM; then nothing has changed. May sleep.
 */
int rd_irqchip_set_routes(struct rd_irqchip *c, const struct kvm_irq_routing_entry *entries,
			  u32 nr);
/* The routes of GSI 0 or the PIT are new: tell the IOAPIC which pin the PIT listens to. */
void rd_irqchip_route_pit(struct rd_irqchip *c);
/* The GSI that is routed to a pin of KVM_IRQCHIP_* (PIC pins 0..7), -1 if none is. Any context. */
int rd_irqchip_pin_gsi(struct rd_irqchip *c, unsigned int chip, unsigned int pin);
/* The message of a GSI that has one MSI route: false if there is none. */
bool rd_irqchip_msi_route(struct rd_irqchip *c, u32 gsi, struct rd_msi *msi);
/* Deliver a message (KVM_SIGNAL_MSI, irqfd). Hot. Returns as rd_irqchip_set_gsi(). */
int rd_irqchip_msi(struct rd_irqchip *c, const struct rd_msi *msi);

/*
 * Deliver to all local APICs that match. sender NULL unless an IPI. shorthand as in the ICR (0
 * none, 1 self, 2 all, 3 all but self). x2dest: dest is a 32-bit x2APIC destination.
 * Lowest-priority picks one. Any context.
 */
int rd_irqchip_deliver(struct rd_irqchip *c, struct rd_lapic *sender, u32 dest, bool logical,
		       bool x2dest, unsigned int shorthand, unsigned int delivery_mode, u8 vector,
		       bool level);
/* A vector that is wanted was EOIed by l: tell the IOAPIC (or user space in split mode). */
void rd_irqchip_eoi(struct rd_irqchip *c, struct rd_lapic *l, u8 vector);

static __always_inline bool rd_irqchip_wants_eoi(const struct rd_irqchip *c, u8 vector)
{
	unsigned long wanted = READ_ONCE(c->ioapic.handled[vector / 64]) |
			       READ_ONCE(c->split_eoi[vector / 64]);

	return (wanted >> (vector % 64)) & 1;
}

/*
 * Pins, for irq_route.c. *line is the GSI's word of line[]: whether it is 0 is looked at under the
 * chip's lock, so that two sources that change at once leave the pin at the right level. Return as
 * rd_irqchip_set_gsi(). Any context. PIC pins 0..15.
 */
int rd_ioapic_set_pin(struct rd_irqchip *c, unsigned int pin, const unsigned long *line);
int rd_pic_set_pin(struct rd_irqchip *c, unsigned int pin, const unsigned long *line);
/* An EOI reached these pins (bits) of a chip: tells the PIT and the VM code. No lock held. */
void rd_irqchip_pins_acked(struct rd_irqchip *c, unsigned int chip, u32 pins);
void rd_ioapic_reset(struct rd_ioapic *io);
void rd_ioapic_set_ack_pins(struct rd_ioapic *io, u32 pins);
void rd_ioapic_eoi(struct rd_irqchip *c, u8 vector, bool level);
void rd_pic_reset(struct rd_pic *p);

/*
 * ack: the guest acknowledged the last tick. forget: it has set up the tick's pin anew, so whatever
 * it still owed or was owed is void. No lock held.
 */
void rd_pit_ack(struct rd_irqchip *c);
void rd_pit_forget(struct rd_irqchip *c);

/*
 * Guest and user access. offset in the 4 KiB window; len 1, 2, 4 (others are ignored, read as all
 * ones).
 */
void rd_ioapic_read(struct rd_ioapic *io, u32 offset, unsigned int len, void *data);
void rd_ioapic_write(struct rd_irqchip *c, u32 offset, unsigned int len, const void *data);

/*
 * Ports 0x20 0x21 0xa0 0xa1 0x4d0 0x4d1, and 0x40..0x43 0x61: true when the port is one of theirs.
 * One byte at a time. They are nobody's before the chip exists, and 0x61 is the PIT's only if it
 * was created with KVM_PIT_SPEAKER_DUMMY.
 */
bool rd_pic_port_read(struct rd_irqchip *c, u16 port, u8 *val);
bool rd_pic_port_write(struct rd_irqchip *c, u16 port, u8 val);
bool rd_pit_port_read(struct rd_irqchip *c, u16 port, u8 *val);
bool rd_pit_port_write(struct rd_irqchip *c, u16 port, u8 val);
/*
 * INTA cycle: the vector to inject (spurious included); may be called by a vCPU only after it saw
 * pic.output.
 */
int rd_pic_ack(struct rd_irqchip *c);

/*
 * KVM_GET/SET_IRQCHIP (chip_id KVM_IRQCHIP_*). -ENXIO without the chips in the kernel, -EINVAL on a
 * bad chip_id or state.
 */
int rd_irqchip_get_state(struct rd_irqchip *c, struct kvm_irqchip *s);
int rd_irqchip_set_state(struct rd_irqchip *c, const struct kvm_irqchip *s);
void rd_ioapic_get_state(struct rd_ioapic *io, struct kvm_ioapic_state *s);
int rd_ioapic_set_state(struct rd_irqchip *c, const struct kvm_ioapic_state *s);
void rd_pic_get_state(struct rd_pic *p, unsigned int which, struct kvm_pic_state *s);
int rd_pic_set_state(struct rd_irqchip *c, unsigned int which, const struct kvm_pic_state *s);

/*
 * KVM_GET/SET_PIT2, KVM_REINJECT_CONTROL; has_pit is the caller's to check. set: -EINVAL on a bad
 * state, nothing changed.
 */
void rd_pit_get_state(struct rd_irqchip *c, struct kvm_pit_state2 *s);
int rd_pit_set_state(struct rd_irqchip *c, const struct kvm_pit_state2 *s);
void rd_pit_reinject(struct rd_irqchip *c, bool on);
/* Begin and end of the PIT's life, for irqchip.c. */
void rd_pit_init(struct rd_irqchip *c, u32 flags);
void rd_pit_destroy(struct rd_irqchip *c);

#endif
