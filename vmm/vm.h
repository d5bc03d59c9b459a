/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine (K). Lock order: vm->lock, slots_lock, vCPU mutex (never two), srcu (read),
 * mmu.lock, then irqchip locks. Invariant: a VM lives as long as one of its descriptors (VM, vCPU,
 * stats) or a running ioctl refers to it; dead is set once, with a reason, and from then on every
 * ioctl but close answers -EIO.
 */
#ifndef RD_VMM_VM_H
#define RD_VMM_VM_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include "vmm/irqchip.h"
#include "vmm/memslot.h"
#include "vmm/mmu.h"
#include "vmm/pvclock.h"
#include "vmm/stats.h"
#include "vmm/trace.h"
#include "vmm/unit.h"
#include "vmm/vcpu.h"

struct rd_hw_vm;
struct rd_msr_filter;
struct rd_bus; /* vmm/bus.c: ioeventfd and coalesced ranges */

struct rd_vm {
	struct kref ref;
	struct mm_struct *mm;
	/*
	 * Tables that are replaced whole (slots, buses, MSR filter): read by vCPU threads between
	 * rd_vcpu_read_begin() and rd_vcpu_read_end() at no cost, by all others under srcu;
	 * rd_vm_sync() waits for both.
	 */
	struct rd_slots __rcu *slots;
	struct srcu_struct srcu;
	atomic64_t epoch; /* counts the replacements, from 1 */
	wait_queue_head_t epoch_wait;
	u64 reserve_gfn, reserve_pages; /* rd_slots_reserve() */
	struct rd_mmu mmu;
	struct rd_trace *trace; /* NULL until its write traces are first used; then for good */
	struct rd_irqchip chip;
	struct rd_vcpu
		*vcpus[RD_MAX_VCPUS]; /* [any] append-only; nr_vcpus published with release */
	u32 nr_vcpus;
	struct rd_hw_vm *hw;
	void *parts[RD_MAX_UNITS]; /* the subsystems', by rd_unit.slot */
	struct mutex lock; /* vCPU creation, irqchip creation, capabilities, routes */
	struct mutex slots_lock;
	struct rd_vm_stats stats;
	bool dead;
	const char *dead_reason;

	/* Machine-wide clock. */
	struct {
		struct rd_lock lock;
		s64 offset_ns; /* kvmclock = rd_host_now_ns() + offset */
		u32 default_tsc_khz;
		u64 pair_tsc, pair_ns; /* with a stable host TSC: kvmclock = pair_ns + ns(host TSC -
					  pair_tsc) */
		struct rd_clock_scale scale; /* of the host TSC */
		bool stable;
		struct rd_tsc_write
			last_write; /* writes close together give the same offset to all vCPUs */
	} clock;

	/* Capabilities enabled with KVM_ENABLE_CAP. */
	u32 bsp_id;
	u32 max_vcpu_id;
	u32 user_msr_mask; /* KVM_MSR_EXIT_REASON_* */
	struct rd_msr_filter __rcu *msr_filter; /* as slots */
	u64 disabled_quirks;
	u64 manual_dirty_protect;
	u32 dirty_ring_bytes; /* of each vCPU; 0: the slots have bitmaps */
	bool exception_payload, triple_fault_event, platform_info_guest, exit_on_emul_fail,
		enforce_pv_features;
	u32 disabled_exits; /* KVM_X86_DISABLE_EXITS_* */
	u64 tss_addr, identity_map_addr;

	/* Buses: immutable tables, replaced as slots. */
	struct rd_bus *bus; /* owned by vmm/bus.c */
	struct kvm_coalesced_mmio_ring *coalesced; /* one page */
	spinlock_t coalesced_lock;

	struct list_head irqfds; /* kmod/irqfd.c */
	struct mutex irqfd_lock;
	struct list_head resamplers; /* RCU; kmod/irqfd.c */
	void (*pin_eoi)(
		struct rd_vm *vm, unsigned int chip,
		unsigned int pin); /* set while there is a resampler; rcu_read_lock() held */
	struct list_head list; /* of all VMs, for diagnosis */
	u64 id;
	char name[32];
};

struct rd_vm *rd_vm_create(void); /* ERR_PTR */
void rd_vm_get(struct rd_vm *vm);
void rd_vm_put(struct rd_vm *vm); /* the last one destroys; process context */
void rd_vm_kill(struct rd_vm *vm,
		const char *why); /* any context: an internal contradiction; the host goes on */
void rd_vm_kill_all(const char *why); /* the host goes down: kill all, let no new one come */
void rd_vm_resume_all(void); /* the host woke up; interrupts may be off */
/* vCPUs with their units' parts. vm->lock held for new and add; remove only when nobody can see it
 * (any more). */
struct rd_vcpu *rd_vm_new_vcpu(struct rd_vm *vm,
			       unsigned long id); /* ERR_PTR: as rd_vcpu_create(), -EINVAL */
void rd_vm_add_vcpu(struct rd_vm *vm, struct rd_vcpu *v);
void rd_vcpu_remove(struct rd_vcpu *v);
/* Set a request on all vCPUs; with wait, return only after each has left guest mode once (so the
 * request was or will be seen). Process context. */
void rd_vm_request_all(struct rd_vm *vm, enum rd_request r, bool wait);
/* Wait until nobody uses what was replaced before the call. Sleeps; not from a vCPU's thread inside
 * KVM_RUN, nor under srcu. */
void rd_vm_sync(struct rd_vm *vm);
/* A table that rd_vm_sync() guards, for a vCPU's thread or under srcu. */
#define rd_vm_table(p) rcu_dereference_raw(p)
void rd_vm_flush_tlbs(struct rd_vm *vm); /* RD_REQ_TLB_FLUSH on all and wait. May be called with
					    mmu.lock held: does not sleep */

static inline struct rd_vcpu *rd_vm_vcpu(struct rd_vm *vm, u32 idx)
{
	return vm->vcpus[idx];
}

#define rd_for_each_vcpu(i, v, vm)                                                                 \
	for ((i) = 0; (i) < smp_load_acquire(&(vm)->nr_vcpus) && ((v) = (vm)->vcpus[i], true);     \
	     (i)++)

/* vmm/bus.c: devices that live in the kernel or are consumed by eventfds, by port and by address.
 */
enum { RD_BUS_PIO, RD_BUS_MMIO, RD_BUS_FAST_MMIO, RD_NR_BUSES };
int rd_bus_init(struct rd_vm *vm);
void rd_bus_destroy(struct rd_vm *vm);
/* Hot. 0: handled; -EOPNOTSUPP: nobody's, go to user space. vCPU thread or vm->srcu held. LAPIC,
 * IOAPIC, PIC, PIT, ioeventfds, coalesced zones. */
int rd_bus_write(struct rd_vcpu *v, int bus, u64 addr, unsigned int len, const void *data);
int rd_bus_read(struct rd_vcpu *v, int bus, u64 addr, unsigned int len, void *data);
#ifdef RD_TEST_OPEN_ENCLAVES
/* For a negative control only (enclave/holes.h): what is behind the abort page. */
extern bool (*rd_bus_hole)(struct rd_vm *vm, u64 addr, unsigned int len, void *data, bool write);
#endif
int rd_bus_ioeventfd(struct rd_vm *vm, const struct kvm_ioeventfd *args);
int rd_bus_register_coalesced(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *z);
int rd_bus_unregister_coalesced(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *z);

#endif
