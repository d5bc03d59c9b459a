/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of one vCPU, xAPIC and x2APIC, with its timer.
 * Invariant: irr is changed with atomic bit operations from any CPU; everything else only by the owning vCPU's thread (its
 * vCPU mutex held) or by the timer callback where the comment says so. A set IRR bit is always followed by rd_lapic_kick().
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

/* Events that are not IRR vectors, for the vCPU's thread: bits of rd_lapic.events, set atomically, consumed by vcpu.c. */
enum { RD_LAPIC_EV_INIT, RD_LAPIC_EV_SIPI, RD_LAPIC_EV_NMI, RD_LAPIC_EV_SMI, RD_LAPIC_EV_TIMER };

struct rd_lapic {
	/* Hot: checked before every entry. */
	unsigned long irr_pending;  /* nonzero: IRR may hold something; cleared by the owner when it found IRR empty */
	unsigned long events;       /* RD_LAPIC_EV_*: atomic bits */
	u64 base;                   /* IA32_APIC_BASE */
	u32 id;
	u8 sipi_vector;
	s16 isrv;                   /* highest vector in service, -1 none (owner) */
	struct rd_irqchip *chip;    /* NULL: no I/O APIC/PIC in the kernel (split) still has a chip object */
	struct rd_timer timer;
	u64 tsc_deadline;           /* IA32_TSC_DEADLINE in guest TSC units, 0 disarmed */
	/* The guest's clock as the timer needs it; vcpu.c keeps them right: guest = mul_u64_u64_shr(host, ratio, 48) + offset */
	u64 tsc_offset, tsc_ratio_48;
	u64 timer_start_ns, timer_period_ns, timer_expires_ns; /* one-shot/periodic */
	u32 divide_shift;
	atomic_t timer_pending;     /* expiries not yet turned into an interrupt */
	/* PV EOI: the owner may let the guest acknowledge by a memory flag; handled by pv.c */
	unsigned long irr[4] __aligned(32); /* 256 bits: pending vectors */
	unsigned long isr[4], tmr[4];
	u32 regs[0x400 / 4] __aligned(64);  /* other registers, at offset/4 (one per 16 bytes used), as KVM_GET_LAPIC lays them out */
};

/* Provided by the vCPU code (vmm/vcpu.c, and by the tests): wake the vCPU or force it out of guest mode. Any context. */
void rd_lapic_kick(struct rd_lapic *l);

/* Life-cycle. id below RD_MAX_VCPU_IDS; init leaves the APIC as after RESET and enters it in chip's id table. */
int rd_lapic_init(struct rd_lapic *l, struct rd_irqchip *chip, u32 id, bool bsp);
void rd_lapic_destroy(struct rd_lapic *l);                /* also cancels the timer */
void rd_lapic_reset(struct rd_lapic *l, bool init_event); /* INIT keeps id and base */

/* Guest accesses by the owner. 0, or -EINVAL: the access raises #GP (x2APIC, base) or is ignored (xAPIC: always 0). */
int rd_lapic_mmio_read(struct rd_lapic *l, u32 offset, unsigned int len, void *data);
int rd_lapic_mmio_write(struct rd_lapic *l, u32 offset, unsigned int len, const void *data);
int rd_lapic_msr_read(struct rd_lapic *l, u32 msr, u64 *val);  /* 0x800..0x8ff, needs x2APIC mode */
int rd_lapic_msr_write(struct rd_lapic *l, u32 msr, u64 val);
int rd_lapic_set_base(struct rd_lapic *l, u64 base, bool host); /* mode transition checks, as IA32_APIC_BASE */
void rd_lapic_eoi(struct rd_lapic *l);      /* hot: EOI register write */
int rd_lapic_icr_write(struct rd_lapic *l, u32 low, u32 high_or_x2apic_dest); /* hot: send an IPI */
u64 rd_lapic_get_tpr(const struct rd_lapic *l);             /* CR8 value: TPR >> 4 */
void rd_lapic_set_tpr(struct rd_lapic *l, u64 cr8);
void rd_lapic_set_tsc_deadline(struct rd_lapic *l, u64 guest_tsc); /* hot; in TSC-deadline mode only; past: pending at once */
u64 rd_lapic_get_tsc_deadline(const struct rd_lapic *l);

static inline bool rd_lapic_enabled(const struct rd_lapic *l)
{
	return l->base & RD_APIC_BASE_ENABLE;
}

static inline bool rd_lapic_x2apic(const struct rd_lapic *l)
{
	return (l->base & (RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC)) == (RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC);
}

/*
 * Delivery to the CPU, by the owner. rd_lapic_next(): the highest vector that may be delivered now (above PPR), or -1.
 * rd_lapic_ack(): it has been injected: IRR -> ISR. rd_lapic_unack(): the injection was cancelled before the guest saw it.
 * rd_lapic_inject_timer(): turn expired timers into IRR bits (hot, called when RD_LAPIC_EV_TIMER is set).
 */
int rd_lapic_next(struct rd_lapic *l);
void rd_lapic_ack(struct rd_lapic *l, int vector);
void rd_lapic_unack(struct rd_lapic *l, int vector);
void rd_lapic_inject_timer(struct rd_lapic *l);
bool rd_lapic_accepts_pic(const struct rd_lapic *l);       /* LVT0 = ExtINT unmasked or APIC disabled: PIC output reaches this vCPU */
/* True: HLT may sleep; false: something could be delivered or is pending. */
bool rd_lapic_has_pending(struct rd_lapic *l);

/* Delivery to this APIC from outside (IPI, MSI, IOAPIC), any context. delivery_mode as in the ICR (0 fixed .. 7 ExtINT). Returns 1
 * delivered, 0 coalesced (already pending), -1 not accepted (APIC software-disabled and so on). */
int rd_lapic_deliver(struct rd_lapic *l, unsigned int delivery_mode, u8 vector, bool level);
void rd_lapic_local_nmi(struct rd_lapic *l); /* KVM_NMI / LINT1 */

/* KVM_GET/SET_LAPIC layouts (x2APIC form: 32-bit ID in 0x20 when x2apic_format). set: -EINVAL on nonsense. */
void rd_lapic_get_state(struct rd_lapic *l, struct kvm_lapic_state *s, bool x2apic_format);
int rd_lapic_set_state(struct rd_lapic *l, const struct kvm_lapic_state *s, bool x2apic_format);
/* The guest's TSC rate or offset changed, or the machine resumed: re-arm the timer for the new relation. */
void rd_lapic_timer_rearm(struct rd_lapic *l);

#endif
