/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of one vCPU, xAPIC and x2APIC, with its timer. Invariant: only irr, tmr, events,
 * esr_pending, irr_pending and sipi_vector are written by anyone; they are single words or atomic
 * bits. All else is written by the owning vCPU's thread alone (its vCPU mutex held); other CPUs
 * read base, sw_enabled and the LDR, DFR, PPR and LVT error registers with READ_ONCE() to match
 * destinations, and a value that is one write old is right too. A set IRR bit is followed by
 * rd_lapic_kick(), unless the owner sets it itself: it looks again before it enters the guest.
 */
#ifndef RD_VMM_LAPIC_H
#define RD_VMM_LAPIC_H

#include "kmod/host.h"

struct rd_irqchip;

#define RD_MAX_VCPUS 254        /* APIC ids 0..253: 255 is xAPIC broadcast */
#define RD_MAX_VCPU_IDS 255
#define RD_APIC_DEFAULT_BASE 0xfee00000ULL
#define RD_APIC_BASE_BSP BIT_ULL(8)
#define RD_APIC_BASE_X2APIC BIT_ULL(10)
#define RD_APIC_BASE_ENABLE BIT_ULL(11)

/*
 * Events that are not IRR vectors, for the vCPU's thread: bits of rd_lapic.events, set atomically,
 * consumed by vcpu.c. INIT takes back a SIPI that came before it. A SIPI counts only in
 * wait-for-SIPI state: vcpu.c drops it otherwise.
 */
enum { RD_LAPIC_EV_INIT, RD_LAPIC_EV_SIPI, RD_LAPIC_EV_NMI, RD_LAPIC_EV_SMI, RD_LAPIC_EV_TIMER };

struct rd_lapic {
	/* Hot: checked before every entry. */
	unsigned long irr_pending; /* 0: IRR is empty; rd_lapic_next() clears it */
	unsigned long events;      /* RD_LAPIC_EV_*: atomic bits */
	u64 base;                  /* IA32_APIC_BASE */
	u32 id;                    /* the vCPU id, never changes */
	s16 isrv;                  /* highest vector in service, -1 none (owner) */
	u8 sipi_vector;            /* of the last SIPI: written before RD_LAPIC_EV_SIPI is set */
	u8 divide_shift;           /* of the timer: log2 of the divisor */
	bool sw_enabled;           /* globally and by SVR: fixed interrupts are accepted */
	bool bsp;
	bool has_cmci;             /* the LVT has an entry for corrected machine checks */
	struct rd_irqchip *chip;   /* never NULL, in split mode neither */

	/*
	 * The timer is the owner's. The host timer only wakes it up (RD_LAPIC_EV_TIMER):
	 * rd_lapic_inject_timer() then looks at the clock. So an expiry that nobody waits for any
	 * more, or that came early, does no harm, and is cancelled by forgetting it.
	 */
	u64 tsc_deadline;          /* IA32_TSC_DEADLINE in guest TSC units, 0 disarmed */
	u64 tsc_offset;            /* guest TSC = host * ratio / 2^48 + offset: whoever */
	u64 tsc_ratio_48;          /* writes one calls rd_lapic_timer_rearm() then */
	u64 tsc_ns_mult;           /* guest TSC ticks to ns, scaled by 2^32 */
	u64 timer_expires_ns;      /* one-shot and periodic: next expiry, 0 stopped */
	u64 timer_period_ns;       /* of the periodic mode */
	u64 timer_armed_ns;        /* expiry that the host timer was last armed for, 0 unknown */
	u32 deadline_lead_ns;      /* the host timer is armed so much before a deadline */
	unsigned long esr_pending; /* errors since the last write of ESR: atomic bits */
	struct rd_timer timer;

	/* 256 vectors each. */
	unsigned long irr[4] __aligned(32);
	unsigned long isr[4], tmr[4];
	/* The other registers at offset/4, as KVM_GET_LAPIC lays them out. */
	u32 regs[0x400 / 4] __aligned(64);
};

/*
 * Provided by the vCPU code (vmm/vcpu.c, and by the tests): wake the vCPU or force it out of guest
 * mode. Any context.
 */
void rd_lapic_kick(struct rd_lapic *l);

/*
 * Life-cycle. init: -EINVAL if id is not below RD_MAX_VCPU_IDS, -EEXIST if the chip has that id; it
 * leaves the APIC as after RESET and enters it in the chip's id table, last. destroy cancels the
 * timer and leaves the table: nobody may deliver any more. reset: owner; INIT (init_event) keeps
 * base, RESET also drops events. May sleep, both.
 */
int rd_lapic_init(struct rd_lapic *l, struct rd_irqchip *chip, u32 id, bool bsp);
void rd_lapic_destroy(struct rd_lapic *l);
void rd_lapic_reset(struct rd_lapic *l, bool init_event);

/*
 * Guest accesses by the owner. MMIO never fails: bad widths, offsets and modes read as zero and
 * swallow writes. MSR (0x800..0x8ff) and base: -EINVAL where the access raises #GP. The caller of
 * set_base checks MAXPHYADDR and whether CPUID shows x2APIC.
 */
int rd_lapic_mmio_read(struct rd_lapic *l, u32 offset, unsigned int len, void *data);
int rd_lapic_mmio_write(struct rd_lapic *l, u32 offset, unsigned int len, const void *data);
int rd_lapic_msr_read(struct rd_lapic *l, u32 msr, u64 *val);
int rd_lapic_msr_write(struct rd_lapic *l, u32 msr, u64 val);
int rd_lapic_set_base(struct rd_lapic *l, u64 base, bool host);
void rd_lapic_set_cmci(struct rd_lapic *l, bool on); /* give it the CMCI entry, masked, or not */
void rd_lapic_eoi(struct rd_lapic *l); /* hot: EOI register write */
/*
 * Hot: send an IPI. high: the xAPIC's ICR bits 63:32 (destination in bits 31:24) or the x2APIC's
 * 32-bit destination. Always 0.
 */
int rd_lapic_icr_write(struct rd_lapic *l, u32 low, u32 high_or_x2apic_dest);
u64 rd_lapic_get_tpr(const struct rd_lapic *l); /* CR8 value: TPR >> 4 */
void rd_lapic_set_tpr(struct rd_lapic *l, u64 cr8);
/*
 * Hot; ignored outside TSC-deadline mode. A deadline in the past is pending at once, without a host
 * timer.
 */
void rd_lapic_set_tsc_deadline(struct rd_lapic *l, u64 guest_tsc);
u64 rd_lapic_get_tsc_deadline(const struct rd_lapic *l);

static inline bool rd_lapic_enabled(const struct rd_lapic *l)
{
	return l->base & RD_APIC_BASE_ENABLE;
}

static inline bool rd_lapic_x2apic(const struct rd_lapic *l)
{
	return (l->base & (RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC)) ==
	       (RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC);
}

/* True: this guest-physical address is in the window of this APIC, which is in xAPIC mode. */
static inline bool rd_lapic_mmio_hit(const struct rd_lapic *l, u64 gpa)
{
	const u64 mode = RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC;

	return ((gpa ^ l->base) & 0xffffffffff000ULL) == 0 &&
	       (l->base & mode) == RD_APIC_BASE_ENABLE;
}

/*
 * Delivery to the CPU, by the owner. rd_lapic_next(): the highest vector that may be delivered now
 * (above PPR), or -1. rd_lapic_ack(): it has been injected: IRR -> ISR. rd_lapic_unack(): the
 * injection was cancelled before the guest saw it. rd_lapic_inject_timer(): take RD_LAPIC_EV_TIMER
 * back and turn an expired timer into an IRR bit.
 */
int rd_lapic_next_pending(struct rd_lapic *l);
void rd_lapic_ack(struct rd_lapic *l, int vector);
void rd_lapic_unack(struct rd_lapic *l, int vector);
void rd_lapic_inject_timer(struct rd_lapic *l);

static __always_inline int rd_lapic_next(struct rd_lapic *l)
{
	return likely(!READ_ONCE(l->irr_pending)) ? -1 : rd_lapic_next_pending(l);
}

/* LINT0 = ExtINT, unmasked, or the APIC globally disabled: the PIC's output reaches this vCPU. */
bool rd_lapic_accepts_pic(const struct rd_lapic *l);
/* True: an event, a deliverable vector or the PIC's output waits: HLT must not sleep. The owner. */
bool rd_lapic_has_pending(struct rd_lapic *l);

/*
 * Delivery to this APIC from outside (IPI, MSI, IOAPIC), any context. delivery_mode as in the ICR
 * (0 fixed .. 7 ExtINT). Returns 1 delivered, 0 coalesced (already pending), -1 not accepted (APIC
 * software-disabled, illegal vector and so on).
 */
int rd_lapic_deliver(struct rd_lapic *l, unsigned int delivery_mode, u8 vector, bool level);
void rd_lapic_raise_cmci(struct rd_lapic *l); /* the owner: the LVT's CMCI entry, if there is one */
void rd_lapic_local_nmi(struct rd_lapic *l); /* KVM_NMI: whatever LINT1 says */

/*
 * KVM_GET/SET_LAPIC layouts, by the owner; x2apic_format: in x2APIC mode the ID register holds the
 * 32-bit id, otherwise id << 24. set: -EINVAL if it names another x2APIC id; read-only registers
 * and reserved bits in it are ignored. What is delivered while it runs may be lost. May sleep.
 */
void rd_lapic_get_state(struct rd_lapic *l, struct kvm_lapic_state *s, bool x2apic_format);
int rd_lapic_set_state(struct rd_lapic *l, const struct kvm_lapic_state *s, bool x2apic_format);
/*
 * The guest's TSC rate or offset changed, or the machine resumed: re-arm the timer for the new
 * relation. Owner.
 */
void rd_lapic_timer_rearm(struct rd_lapic *l);

#endif
