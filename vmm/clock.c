// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM's clock and the guests' time stamp counters.
 * Invariant: vm->clock is changed under its lock only; the clock never goes backwards but by
 * KVM_SET_CLOCK. A vCPU's tsc.offset and tsc.ratio_48 change only in its own thread, always
 * together with the copies in its local APIC and in the backend.
 */
#include "kmod/host.h"
#include "vmm/clock.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"

/* Clock values by the pair, vm->clock.lock held. */
static u64 paired_ns(const struct rd_vm *vm, u64 host_tsc)
{
	return vm->clock.pair_ns +
	       rd_clock_ticks_to_ns(&vm->clock.scale, host_tsc - vm->clock.pair_tsc);
}

/*
 * Start a new pair: the clock shows ns now. vm->clock.lock held, which keeps interrupts off between
 * the two readings.
 */
static void set_pair(struct rd_vm *vm, u64 ns)
{
	vm->clock.pair_tsc = rd_host_tsc();
	vm->clock.offset_ns = ns - rd_host_now_ns();
	vm->clock.pair_ns = ns;
	vm->clock.stable = rd_host_tsc_stable();
}

void rd_vm_clock_init(struct rd_vm *vm)
{
	unsigned long flags;

	rd_lock_init(&vm->clock.lock);
	vm->clock.scale = rd_clock_scale(rd_host_tsc_khz());
	if (!vm->clock.default_tsc_khz)
		vm->clock.default_tsc_khz = rd_host_tsc_khz();
	flags = rd_lock(&vm->clock.lock);
	set_pair(vm, 0);
	rd_unlock(&vm->clock.lock, flags);
}

/*
 * The kernel gave up on the TSC since the pair was made: go on by its other clock, from where the
 * pair stands. Lock held.
 */
static void leave_tsc(struct rd_vm *vm)
{
	vm->clock.offset_ns = paired_ns(vm, rd_host_tsc()) - rd_host_now_ns();
	vm->clock.stable = false;
}

void rd_vm_moment(struct rd_vm *vm, struct rd_moment *m)
{
	unsigned long flags = rd_lock(&vm->clock.lock);

	if (unlikely(vm->clock.stable && !rd_host_tsc_stable()))
		leave_tsc(vm);
	m->stable = vm->clock.stable;
	if (m->stable) {
		m->host_tsc = vm->clock.pair_tsc;
		m->ns = vm->clock.pair_ns;
	} else {
		m->host_tsc = rd_host_tsc();
		m->ns = rd_host_now_ns() + vm->clock.offset_ns;
	}
	rd_unlock(&vm->clock.lock, flags);
}

/* Time and host TSC now. */
static u64 clock_now(struct rd_vm *vm, u64 *host_tsc, bool *stable)
{
	unsigned long flags = rd_lock(&vm->clock.lock);
	u64 ns;

	if (unlikely(vm->clock.stable && !rd_host_tsc_stable()))
		leave_tsc(vm);
	*host_tsc = rd_host_tsc();
	*stable = vm->clock.stable;
	ns = *stable ? paired_ns(vm, *host_tsc) : rd_host_now_ns() + vm->clock.offset_ns;
	rd_unlock(&vm->clock.lock, flags);
	return ns;
}

u64 rd_vm_clock_ns(struct rd_vm *vm)
{
	u64 tsc;
	bool stable;

	return clock_now(vm, &tsc, &stable);
}

void rd_vm_set_clock(struct rd_vm *vm, u64 ns)
{
	unsigned long flags = rd_lock(&vm->clock.lock);

	set_pair(vm, ns);
	rd_unlock(&vm->clock.lock, flags);
	rd_vm_request_all(vm, RD_REQ_CLOCK, false);
}

void rd_vm_clock_resume(struct rd_vm *vm)
{
	unsigned long flags = rd_lock(&vm->clock.lock);

	/* The monotonic clock stopped in sleep and goes on: so does this one. */
	set_pair(vm, rd_host_now_ns() + vm->clock.offset_ns);
	rd_unlock(&vm->clock.lock, flags);
	rd_vm_request_all(vm, RD_REQ_CLOCK, false);
}

void rd_vm_get_clock_data(struct rd_vm *vm, struct kvm_clock_data *d)
{
	u64 tsc;
	bool stable;

	memset(d, 0, sizeof(*d));
	d->clock = clock_now(vm, &tsc, &stable);
	if (!stable)
		return;
	d->realtime = rd_host_real_ns();
	d->host_tsc = tsc;
	d->flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
}

int rd_vm_set_clock_data(struct rd_vm *vm, const struct kvm_clock_data *d)
{
	u64 ns = d->clock, now;

	if (d->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	if (d->flags & KVM_CLOCK_REALTIME) {
		/*
		 * The wall clock says how long ago it was read; time does not go back for a host
		 * that is behind.
		 */
		now = rd_host_real_ns();
		if (now > d->realtime)
			ns += now - d->realtime;
	}
	rd_vm_set_clock(vm, ns);
	return 0;
}

int rd_vcpu_clock_ctrl(struct rd_vcpu *v)
{
	if (!(v->pv.system_time_msr & 1))
		return -EINVAL;
	v->pv.guest_paused = true;
	rd_vcpu_set_request(v, RD_REQ_CLOCK);
	return 0;
}

/* --- guest TSC --- */

u64 rd_vcpu_tsc(struct rd_vcpu *v)
{
	return rd_tsc_guest(rd_host_tsc(), v->tsc.ratio_48, v->tsc.offset);
}

static void apply_tsc(struct rd_vcpu *v)
{
	v->lapic.tsc_offset = v->tsc.offset;
	v->lapic.tsc_ratio_48 = v->tsc.ratio_48;
	rd_hw->update_tsc(v);
	rd_lapic_timer_rearm(&v->lapic);
	/* The clock page holds a guest TSC value. */
	if (v->pv.system_time_msr & 1)
		rd_vcpu_set_request(v, RD_REQ_CLOCK);
}

void rd_vcpu_shift_tsc(struct rd_vcpu *v, u64 delta)
{
	v->tsc.offset += delta;
	apply_tsc(v);
}

/* Take offset, and remember the write for the next vCPU to be matched with. vm->clock.lock held. */
static void record_write(struct rd_vcpu *v, u64 offset, u64 tsc, u64 ns)
{
	v->vm->clock.last_write =
		(struct rd_tsc_write){ .tsc = tsc, .ns = ns, .offset = offset, .khz = v->tsc.khz };
	v->tsc.offset = offset;
}

void rd_vcpu_write_tsc(struct rd_vcpu *v, u64 guest_tsc, bool host)
{
	struct rd_vm *vm = v->vm;
	const struct rd_tsc_write *last = &vm->clock.last_write;
	unsigned long flags = rd_lock(&vm->clock.lock);
	u64 ns = rd_host_now_ns(), scaled = rd_tsc_scale(rd_host_tsc(), v->tsc.ratio_48), offset;

	offset = guest_tsc - scaled;
	if (rd_tsc_write_matches(last, guest_tsc, ns, v->tsc.khz, host)) {
		/*
		 * Without a common TSC the best is to make up for the time that passed since the
		 * other write.
		 */
		if (rd_host_tsc_stable())
			offset = last->offset;
		else
			offset = last->tsc + rd_clock_ns_to_ticks(v->tsc.khz, ns - last->ns) -
				 scaled;
	}
	record_write(v, offset, scaled + offset, ns);
	rd_unlock(&vm->clock.lock, flags);
	apply_tsc(v);
}

void rd_vcpu_tsc_init(struct rd_vcpu *v)
{
	v->tsc.ratio_48 = RD_TSC_RATIO_ONE;
	v->tsc.khz = rd_host_tsc_khz();
	if (v->vm->clock.default_tsc_khz && rd_vcpu_set_tsc_khz(v, v->vm->clock.default_tsc_khz))
		pr_debug("redoubt: vCPU %u keeps the host's TSC rate\n", v->id);
	rd_vcpu_write_tsc(v, 0, true);
}

int rd_vcpu_set_tsc_khz(struct rd_vcpu *v, u32 khz)
{
	u64 ratio, now, old_scaled;
	u32 host = rd_host_tsc_khz();

	if (!khz)
		khz = host;
	ratio = rd_tsc_ratio_for(khz, host, rd_hw->tsc_frac_bits,
				 rd_hw->tsc_frac_bits == 32 ? 8 : 16);
	if (!ratio)
		return -EINVAL;
	/* The counter goes on from where it is. */
	now = rd_host_tsc();
	old_scaled = rd_tsc_scale(now, v->tsc.ratio_48);
	v->tsc.offset += old_scaled - rd_tsc_scale(now, ratio);
	v->tsc.ratio_48 = ratio;
	v->tsc.khz = khz;
	apply_tsc(v);
	return 0;
}

int rd_vcpu_tsc_attr_get(struct rd_vcpu *v, u64 attr, u64 *val)
{
	if (attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	*val = v->tsc.offset;
	return 0;
}

int rd_vcpu_tsc_attr_set(struct rd_vcpu *v, u64 attr, u64 val)
{
	unsigned long flags;

	if (attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	flags = rd_lock(&v->vm->clock.lock);
	record_write(v, val, rd_tsc_guest(rd_host_tsc(), v->tsc.ratio_48, val), rd_host_now_ns());
	rd_unlock(&v->vm->clock.lock, flags);
	apply_tsc(v);
	return 0;
}
