// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM: made by rd_vm_create(), ended by the last reference or, before that, by
 * rd_vm_kill(); and what concerns all of its vCPUs at once. Invariant: a VM on rd_vms is complete;
 * once dead it stays dead, and no vCPU of it enters the guest again.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "kmod/compat.h"
#include "vmm/clock.h"
#include "vmm/hw.h"
#include "vmm/msr.h"
#include "vmm/unit.h"
#include "vmm/vm.h"

static LIST_HEAD(rd_vms);
static DEFINE_SPINLOCK(rd_vms_lock);
static u64 rd_vm_next_id;
static const char *rd_vms_closed; /* why there are to be no more VMs */

static int rd_vm_publish(struct rd_vm *vm)
{
	int r = 0;

	spin_lock(&rd_vms_lock);
	if (rd_vms_closed) {
		r = -EIO;
	} else {
		vm->id = ++rd_vm_next_id;
		list_add_tail(&vm->list, &rd_vms);
	}
	spin_unlock(&rd_vms_lock);
	return r;
}

/* Kill all VMs and let no new one come: the host goes down. Process context. */
void rd_vm_kill_all(const char *why)
{
	struct rd_vm *vm;

	spin_lock(&rd_vms_lock);
	rd_vms_closed = why;
	list_for_each_entry(vm, &rd_vms, list)
		rd_vm_kill(vm, why);
	spin_unlock(&rd_vms_lock);
}

/* The host woke up: clocks that stood still go on. Interrupts may be off. */
void rd_vm_resume_all(void)
{
	struct rd_vm *vm;
	unsigned long i;
	struct rd_vcpu *v;

	spin_lock(&rd_vms_lock);
	list_for_each_entry(vm, &rd_vms, list) {
		rd_vm_clock_resume(vm);
		rd_for_each_vcpu(i, v, vm)
			rd_vcpu_set_request(v, RD_REQ_TSC);
	}
	spin_unlock(&rd_vms_lock);
}

static void rd_vm_units_exit(struct rd_vm *vm, unsigned int nr)
{
	while (nr--)
		if (rd_units.unit[nr]->vm_exit)
			rd_units.unit[nr]->vm_exit(vm);
}

static int rd_vm_units_init(struct rd_vm *vm)
{
	unsigned int i;
	int r;

	for (i = 0; i < rd_units.nr; i++) {
		r = rd_units.unit[i]->vm_init ? rd_units.unit[i]->vm_init(vm) : 0;
		if (r) {
			rd_vm_units_exit(vm, i);
			return r;
		}
	}
	return 0;
}

static void rd_vm_init_fields(struct rd_vm *vm)
{
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irqfd_lock);
	spin_lock_init(&vm->coalesced_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->resamplers);
	INIT_LIST_HEAD(&vm->list);
	vm->max_vcpu_id = RD_MAX_VCPU_IDS;
	vm->platform_info_guest = true;
	atomic64_set(&vm->epoch, 1);
	init_waitqueue_head(&vm->epoch_wait);
	rd_irqchip_init(&vm->chip);
	rd_vm_clock_init(vm);
}

/* ERR_PTR: -ENOMEM, -EINTR, -EIO (the host goes down). The address space is the caller's. */
struct rd_vm *rd_vm_create(void)
{
	struct rd_vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int r;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	rd_vm_init_fields(vm);
	mmgrab(current->mm);
	vm->mm = current->mm;
	r = init_srcu_struct(&vm->srcu);
	if (r)
		goto drop_mm;
	r = rd_slots_init(vm);
	if (r)
		goto drop_srcu;
	r = rd_bus_init(vm);
	if (r)
		goto drop_slots;
	r = rd_hw->vm_init(vm);
	if (r)
		goto drop_bus;
	r = rd_vm_units_init(vm);
	if (r)
		goto drop_hw;
	/* Late: from here the host's memory management calls in. */
	r = rd_mmu_init(vm);
	if (r)
		goto drop_units;
	r = rd_vm_publish(vm);
	if (r)
		goto drop_mmu;
	return vm;
drop_mmu:
	rd_mmu_release(vm);
	rd_mmu_destroy(vm);
drop_units:
	rd_vm_units_exit(vm, rd_units.nr);
drop_hw:
	rd_hw->vm_destroy(vm);
drop_bus:
	rd_bus_destroy(vm);
drop_slots:
	rd_slots_destroy(vm);
drop_srcu:
	cleanup_srcu_struct(&vm->srcu);
drop_mm:
	mmdrop(vm->mm);
	rd_irqchip_destroy(&vm->chip);
	kvfree(vm);
	return ERR_PTR(r);
}

static void rd_vm_destroy(struct kref *ref)
{
	struct rd_vm *vm = container_of(ref, struct rd_vm, ref);
	u32 i;

	spin_lock(&rd_vms_lock);
	list_del(&vm->list);
	spin_unlock(&rd_vms_lock);
	/*
	 * First what may still call in: the notifier looks at vCPUs, the PIT's timer delivers to
	 * them.
	 */
	rd_mmu_release(vm);
	rd_irqchip_destroy(&vm->chip);
	for (i = vm->nr_vcpus; i-- > 0;)
		rd_vcpu_remove(vm->vcpus[i]);
	rd_mmu_destroy(vm);
	rd_trace_destroy(vm);
	rd_vm_units_exit(vm, rd_units.nr);
	rd_hw->vm_destroy(vm);
	rd_bus_destroy(vm);
	rd_slots_destroy(vm);
	rd_vm_free_msr_filter(vm);
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	kvfree(vm);
}

void rd_vm_get(struct rd_vm *vm)
{
	kref_get(&vm->ref);
}

void rd_vm_put(struct rd_vm *vm)
{
	kref_put(&vm->ref, rd_vm_destroy);
}

/* --- its vCPUs -------------------------------------------------------------------------------- */

static void rd_vcpu_units_exit(struct rd_vcpu *v, unsigned int nr)
{
	while (nr--)
		if (rd_units.unit[nr]->vcpu_exit)
			rd_units.unit[nr]->vcpu_exit(v);
}

/*
 * Create a vCPU with its units' parts; nobody sees it before rd_vm_add_vcpu(). vm->lock held.
 * ERR_PTR as rd_vcpu_create(), -EINVAL also when the VM is full or user space set a lower limit for
 * ids.
 */
struct rd_vcpu *rd_vm_new_vcpu(struct rd_vm *vm, unsigned long id)
{
	struct rd_vcpu *v;
	unsigned int i;
	int r;

	if (id >= vm->max_vcpu_id || vm->nr_vcpus >= RD_MAX_VCPUS)
		return ERR_PTR(-EINVAL);
	v = rd_vcpu_create(vm, id);
	if (IS_ERR(v))
		return v;
	for (i = 0; i < rd_units.nr; i++) {
		r = rd_units.unit[i]->vcpu_init ? rd_units.unit[i]->vcpu_init(v) : 0;
		if (r) {
			rd_vcpu_units_exit(v, i);
			rd_vcpu_destroy(v);
			return ERR_PTR(r);
		}
	}
	return v;
}

/* The counterpart of rd_vm_new_vcpu(). */
void rd_vcpu_remove(struct rd_vcpu *v)
{
	rd_vcpu_units_exit(v, rd_units.nr);
	rd_vcpu_destroy(v);
}

/* Let the VM's other threads see v. vm->lock held. Cannot fail. */
void rd_vm_add_vcpu(struct rd_vm *vm, struct rd_vcpu *v)
{
	v->idx = vm->nr_vcpus;
	vm->vcpus[v->idx] = v;
	smp_store_release(&vm->nr_vcpus, v->idx + 1);
	/* A kill that looked before must not miss it. */
	smp_mb();
	if (unlikely(READ_ONCE(vm->dead)))
		rd_vcpu_set_request(v, RD_REQ_VM_DEAD);
	if (vm->trace)
		rd_vcpu_set_request(v, RD_REQ_STEP); /* should one be under way */
}

void rd_vm_kill(struct rd_vm *vm, const char *why)
{
	struct rd_vcpu *v;
	u32 i;

	if (cmpxchg(&vm->dead_reason, NULL, why))
		return;
	smp_store_mb(vm->dead, true);
	pr_warn("redoubt: VM %llu is dead: %s\n", vm->id, why);
	if (vm->trace)
		wake_up_all(&vm->trace->wait);
	rd_for_each_vcpu(i, v, vm)
		rd_vcpu_request(v, RD_REQ_VM_DEAD);
}

/* Force v out of guest mode. Unlike rd_vcpu_kick() it lets a sleeping vCPU sleep. */
static void rd_vcpu_force_exit(struct rd_vcpu *v)
{
	int cpu;

	if (READ_ONCE(v->mode) != RD_IN_GUEST)
		return;
	cpu = READ_ONCE(v->cpu);
	/* EXITING: somebody has sent the interrupt already. */
	if (cpu >= 0 && cmpxchg(&v->mode, RD_IN_GUEST, RD_EXITING) == RD_IN_GUEST)
		rd_compat_send_reschedule(cpu);
}

void rd_vm_request_all(struct rd_vm *vm, enum rd_request r, bool wait)
{
	struct rd_vcpu *v;
	u32 i;

	/*
	 * The vCPU sets mode and then looks at requests, this sets the request and then looks at
	 * mode: one of the two sees the other. Bit and barrier come from rd_vcpu_set_request().
	 */
	rd_for_each_vcpu(i, v, vm) {
		rd_vcpu_set_request(v, r);
		rd_vcpu_force_exit(v);
	}
	if (!wait)
		return;
	/* A vCPU that took the request has left the guest since, wherever it is now. */
	rd_for_each_vcpu(i, v, vm)
		while (smp_load_acquire(&v->mode) != RD_OUTSIDE && test_bit(r, &v->requests))
			cpu_relax();
}

static bool rd_vcpu_passed(const struct rd_vcpu *v, u64 epoch)
{
	u64 seen = smp_load_acquire(&v->epoch);

	return !seen || seen >= epoch;
}

/*
 * The epoch goes up after the new table is in place, and a vCPU that notes an epoch does so before
 * it reads a table, each with a full barrier in between: either the vCPU reads the new table, or it
 * is waited for. SRCU alone would not do for readers as long as a vCPU's stay in the guest: a vCPU
 * that is asked to leave and re-enter may do so on the counter that the grace period looks at last.
 */
void rd_vm_sync(struct rd_vm *vm)
{
	u64 epoch = atomic64_inc_return(&vm->epoch);
	struct rd_vcpu *v;
	u32 i;

	rd_vm_request_all(vm, RD_REQ_QUIESCE, false);
	rd_for_each_vcpu(i, v, vm)
		wait_event(vm->epoch_wait, rd_vcpu_passed(v, epoch));
	synchronize_srcu_expedited(&vm->srcu);
}

void rd_vm_flush_tlbs(struct rd_vm *vm)
{
	vm->stats.remote_tlb_flush++;
	rd_vm_request_all(vm, RD_REQ_TLB_FLUSH, true);
}

/* --- what the interrupt controllers ask of the VM --------------------------------------------- */

void rd_irqchip_pic_changed(struct rd_irqchip *c)
{
	struct rd_vm *vm = container_of(c, struct rd_vm, chip);
	struct rd_vcpu *v;
	u32 i;

	rd_for_each_vcpu(i, v, vm)
		if (rd_lapic_accepts_pic(&v->lapic))
			rd_vcpu_request(v, RD_REQ_EVENT);
}

void rd_irqchip_user_eoi(struct rd_lapic *l, u8 vector)
{
	struct rd_vcpu *v = container_of(l, struct rd_vcpu, lapic);

	/* The owner itself, outside guest mode: it sees the request before it enters again. */
	v->user_eoi_vector = vector;
	rd_vcpu_set_request(v, RD_REQ_IOAPIC_EOI);
}

void rd_irqchip_pin_eoi(struct rd_irqchip *c, unsigned int chip, unsigned int pin)
{
	struct rd_vm *vm = container_of(c, struct rd_vm, chip);
	void (*fn)(struct rd_vm *vm, unsigned int chip, unsigned int pin);

	if (likely(!READ_ONCE(vm->pin_eoi)))
		return;
	rcu_read_lock();
	fn = READ_ONCE(vm->pin_eoi);
	if (fn)
		fn(vm, chip, pin);
	rcu_read_unlock();
}
