// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a vCPU and its run loop: create, load on a CPU, enter, handle, block, leave to user
 * space. Invariant: the loop enters the guest only with no request, no signal and no reschedule
 * pending after mode became RD_IN_GUEST, so whoever sets one and then kicks is always seen.
 */
#include <linux/context_tracking.h>
#include <linux/entry-kvm.h>
#include <linux/mm.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include "kmod/compat.h"
#include "kmod/trace.h"
#include "kmod/work.h"
#include "vmm/clock.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/unit.h"
#include "vmm/xstate.h"
#include "vmm/vm.h"

unsigned int rd_halt_poll_ns = 200000;

static void rd_sched_in(struct preempt_notifier *n, int cpu)
{
	struct rd_vcpu *v = container_of(n, struct rd_vcpu, preempt);

	bool moved = v->last_cpu != cpu;

	if (moved) {
		v->last_cpu = cpu;
		rd_count(v, host_cpu_changes);
	}
	WRITE_ONCE(v->cpu, cpu);
	rd_hw->load(v, cpu);
	rd_clock_sched_in(v, moved);
}

static void rd_sched_out(struct preempt_notifier *n, struct task_struct *next)
{
	struct rd_vcpu *v = container_of(n, struct rd_vcpu, preempt);

	rd_count(v, preemptions);
	rd_hw->put(v);
}

static struct preempt_ops rd_preempt_ops = { .sched_in = rd_sched_in, .sched_out = rd_sched_out };

/* Bind v to this thread and CPU: from here until rd_vcpu_put() its state may be touched. v->mutex
 * held. */
void rd_vcpu_load(struct rd_vcpu *v)
{
	int cpu = get_cpu();

	v->loaded = true;
	preempt_notifier_register(&v->preempt);
	rd_sched_in(&v->preempt, cpu);
	put_cpu();
}

void rd_vcpu_put(struct rd_vcpu *v)
{
	preempt_disable();
	rd_hw->put(v);
	preempt_notifier_unregister(&v->preempt);
	WRITE_ONCE(v->cpu, -1);
	v->loaded = false;
	preempt_enable();
}

void rd_vcpu_fpu_load(struct rd_vcpu *v)
{
	fpu_swap_kvm_fpstate(&v->fpu, true);
	v->fpu_loaded = true;
}

void rd_vcpu_fpu_put(struct rd_vcpu *v)
{
	fpu_swap_kvm_fpstate(&v->fpu, false);
	v->fpu_loaded = false;
}

/* [any] Wake v from HLT, or force it out of guest mode. */
void rd_vcpu_kick(struct rd_vcpu *v)
{
	int cpu, me;

	if (rcuwait_active(&v->wait)) {
		rcuwait_wake_up(&v->wait);
		return;
	}
	if (READ_ONCE(v->mode) != RD_IN_GUEST)
		return;
	me = get_cpu();
	cpu = READ_ONCE(v->cpu);
	/* On its own CPU the interrupt that we run in has already ended guest mode. */
	if (cpu != me && cpu >= 0 && cmpxchg(&v->mode, RD_IN_GUEST, RD_EXITING) == RD_IN_GUEST)
		rd_compat_send_reschedule(cpu);
	put_cpu();
}

void rd_vcpu_request(struct rd_vcpu *v, enum rd_request r)
{
	rd_vcpu_set_request(v, r);
	rd_vcpu_kick(v);
}

void rd_lapic_kick(struct rd_lapic *l)
{
	rd_vcpu_kick(container_of(l, struct rd_vcpu, lapic));
}

/* vm->lock held. ERR_PTR: -EINVAL bad id, -EEXIST, -ENOMEM. */
struct rd_vcpu *rd_vcpu_create(struct rd_vm *vm, u32 id)
{
	struct rd_vcpu *v;
	struct page *page;
	int r = -ENOMEM;

	v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);
	if (!v)
		return ERR_PTR(-ENOMEM);
	page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 1);
	if (!page)
		goto free_v;
	split_page(page, 1); /* each page is mapped to user space by itself */
	v->run = page_address(page);
	v->vm = vm;
	v->id = id;
	v->cpu = -1;
	v->last_cpu = -1;
	v->user_irq = -1;
	v->host_xcr0 = boot_cpu_has(X86_FEATURE_XSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK)
						       : v->xcr0;
	mutex_init(&v->mutex);
	rcuwait_init(&v->wait);
	preempt_notifier_init(&v->preempt, &rd_preempt_ops);
	if (rd_ring_alloc(v))
		goto free_run;
	if (!fpu_alloc_guest_fpstate(&v->fpu))
		goto free_ring;
	r = rd_lapic_init(&v->lapic, &vm->chip, id, id == vm->bsp_id);
	if (r)
		goto free_fpu;
	v->has_lapic = vm->chip.mode != RD_IRQCHIP_NONE;
	r = rd_hw->vcpu_create(v);
	if (r)
		goto free_lapic;
	r = rd_vcpu_init_state(v);
	if (r)
		goto free_hw;
	mutex_lock(&v->mutex);
	rd_vcpu_load(v);
	rd_vcpu_reset(v, false);
	rd_vcpu_put(v);
	mutex_unlock(&v->mutex);
	v->mp_state = vm->chip.mode == RD_IRQCHIP_NONE || id == vm->bsp_id
			      ? KVM_MP_STATE_RUNNABLE
			      : KVM_MP_STATE_UNINITIALIZED;
	return v;
free_hw:
	rd_hw->vcpu_free(v);
free_lapic:
	rd_lapic_destroy(&v->lapic);
free_fpu:
	fpu_free_guest_fpstate(&v->fpu);
free_ring:
	rd_ring_free(v);
free_run:
	free_page((unsigned long)v->run);
	free_page((unsigned long)v->run + PAGE_SIZE);
free_v:
	kfree(v);
	return ERR_PTR(r);
}

void rd_vcpu_destroy(struct rd_vcpu *v)
{
	rd_lapic_destroy(&v->lapic);
	rd_hw->vcpu_free(v);
	rd_cpuid_free(v);
	rd_vcpu_exit_state(v);
	fpu_free_guest_fpstate(&v->fpu);
	rd_ring_free(v);
	free_page((unsigned long)v->run);
	free_page((unsigned long)v->run + PAGE_SIZE);
	kfree(v);
}

void rd_vcpu_reset(struct rd_vcpu *v, bool init_event)
{
	u32 eax = 1, ebx, ecx = 0, edx, i;

	memset(v->gpr, 0, sizeof(v->gpr));
	rd_cpuid_read(v, &eax, &ebx, &ecx, &edx);
	v->gpr[RD_RDX] = eax ? eax : 0x600; /* family 6 when the VMM has not said yet */
	v->rip = 0xfff0;
	v->rflags = 2;
	v->cr2 = 0;
	memset(&v->exc, 0, sizeof(v->exc));
	memset(&v->irq, 0, sizeof(v->irq));
	v->nmi_injected = false;
	v->nmi_pending = 0;
	v->user_irq = -1;
	for (i = 0; i < RD_TRACE_PIECES; i++)
		v->trace[i].open = false;
	rd_state_reset(v, init_event);
	rd_hw->vcpu_reset(v, init_event);
	rd_lapic_reset(&v->lapic, init_event);
	for (i = 0; i < rd_units.nr; i++)
		if (rd_units.unit[i]->vcpu_reset)
			rd_units.unit[i]->vcpu_reset(v, init_event);
}

static void rd_vcpu_take_init(struct rd_vcpu *v)
{
	rd_vcpu_reset(v, true);
	v->mp_state = v->id == v->vm->bsp_id ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED;
}

static void rd_vcpu_take_sipi(struct rd_vcpu *v)
{
	struct kvm_segment cs;

	if (v->mp_state != KVM_MP_STATE_INIT_RECEIVED)
		return;
	rd_hw->get_segment(v, RD_SEG_CS, &cs);
	cs.selector = v->lapic.sipi_vector << 8;
	cs.base = v->lapic.sipi_vector << 12;
	rd_hw->set_segment(v, RD_SEG_CS, &cs);
	v->rip = 0;
	v->mp_state = KVM_MP_STATE_RUNNABLE;
}

/* INIT and SIPI, in the order in which they have an effect. v->mutex held and v loaded. */
void rd_vcpu_accept_startup(struct rd_vcpu *v)
{
	struct rd_lapic *l = &v->lapic;

	if (test_and_clear_bit(RD_LAPIC_EV_INIT, &l->events))
		rd_vcpu_take_init(v);
	if (test_and_clear_bit(RD_LAPIC_EV_SIPI, &l->events))
		rd_vcpu_take_sipi(v);
}

static void rd_vcpu_lapic_events(struct rd_vcpu *v)
{
	struct rd_lapic *l = &v->lapic;

	if (test_and_clear_bit(RD_LAPIC_EV_TIMER, &l->events))
		rd_lapic_inject_timer(l);
	if (test_and_clear_bit(RD_LAPIC_EV_NMI, &l->events))
		rd_queue_nmi(v);
	clear_bit(RD_LAPIC_EV_SMI, &l->events); /* no SMM: the message has no effect */
	rd_vcpu_accept_startup(v);
}

static void rd_vcpu_note_epoch(struct rd_vcpu *v, u64 epoch)
{
	v->slot_cache = NULL;
	/* What was read before is done with; what is read after is at least as new as the epoch. */
	smp_store_mb(v->epoch, epoch);
	if (unlikely(waitqueue_active(&v->vm->epoch_wait)))
		wake_up_all(&v->vm->epoch_wait);
}

void rd_vcpu_read_begin(struct rd_vcpu *v)
{
	rd_vcpu_note_epoch(v, atomic64_read(&v->vm->epoch));
}

static void rd_vcpu_read_end(struct rd_vcpu *v)
{
	rd_vcpu_note_epoch(v, 0);
}

/* A single step is under way (vmm/trace_step.c). The request stays while it is v's. */
static void rd_vcpu_step(struct rd_vcpu *v)
{
	if (rd_trace_step_turn(v))
		return;
	rd_vcpu_take_request(v, RD_REQ_STEP);
	rd_vcpu_read_end(v);
	rd_trace_step_wait(v);
	rd_vcpu_read_begin(v);
}

/* May v enter the guest with what is pending? Only for its own step. */
static bool rd_vcpu_may_step(const struct rd_vcpu *v)
{
	return READ_ONCE(v->requests) == BIT(RD_REQ_STEP) && !READ_ONCE(v->lapic.events) &&
	       rd_trace_step_ready(v);
}

/* 1 go on, 0 to user space, -errno. */
static int rd_vcpu_requests(struct rd_vcpu *v)
{
	rd_count(v, requests);
	if (READ_ONCE(v->lapic.events))
		rd_vcpu_lapic_events(v);
	if (!READ_ONCE(v->requests))
		return 1;
	if (rd_vcpu_take_request(v, RD_REQ_VM_DEAD))
		return -EIO;
	if (rd_vcpu_take_request(v, RD_REQ_QUIESCE))
		rd_vcpu_read_begin(v);
	if (rd_vcpu_take_request(v, RD_REQ_TLB_FLUSH)) {
		rd_count(v, tlb_flush);
		rd_hw->flush_tlb(v);
	}
	if (rd_vcpu_take_request(v, RD_REQ_TSC)) {
		rd_hw->update_tsc(v);
		rd_lapic_timer_rearm(&v->lapic);
	}
	if (rd_vcpu_take_request(v, RD_REQ_CLOCK))
		rd_pv_clock_update(v);
	if (rd_vcpu_take_request(v, RD_REQ_STEAL))
		rd_pv_steal_update(v);
	if (rd_vcpu_take_request(v, RD_REQ_MSR_FILTER))
		rd_hw->update_msr_filter(v);
	if (rd_vcpu_take_request(v, RD_REQ_EVENT))
		rd_find_soft_exception(v);
	if (unlikely(test_bit(RD_REQ_STEP, &v->requests)))
		rd_vcpu_step(v);
	rd_vcpu_take_request(v, RD_REQ_KICK);
	if (rd_vcpu_take_request(v, RD_REQ_IOAPIC_EOI)) {
		v->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
		v->run->eoi.vector = v->user_eoi_vector;
		return 0;
	}
	if (rd_vcpu_take_request(v, RD_REQ_TRIPLE_FAULT)) {
		v->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	if (rd_vcpu_take_request(v, RD_REQ_RING_FULL) && rd_ring_full(v)) {
		rd_vcpu_set_request(v, RD_REQ_RING_FULL); /* until there is room again */
		v->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		return 0;
	}
	return 1;
}

/* User space waits for the moment when it may use KVM_INTERRUPT. */
static bool rd_wants_irq_window(struct rd_vcpu *v)
{
	return v->vm->chip.mode != RD_IRQCHIP_KERNEL && v->user_irq < 0 &&
	       READ_ONCE(v->run->request_interrupt_window);
}

static bool rd_ready_for_user_irq(struct rd_vcpu *v)
{
	return rd_hw->irq_allowed(v) && !rd_vcpu_has_irq(v) && !v->irq.injected &&
	       !v->exc.pending && !v->exc.injected;
}

/* Hot. One entry and exit with its handling: 1 go on, 0 to user space, -errno. */
static int rd_vcpu_enter(struct rd_vcpu *v)
{
	bool xstate;
	u32 i;

	if (unlikely(READ_ONCE(v->requests) | READ_ONCE(v->lapic.events))) {
		int r = rd_vcpu_requests(v);

		if (r <= 0 || unlikely(v->mp_state != KVM_MP_STATE_RUNNABLE))
			return r;
	}
	for (i = 0; i < rd_units.nr_pre_run; i++) {
		int r = rd_units.pre_run[i](v);

		if (r <= 0)
			return r;
	}
	preempt_disable();
	local_irq_disable();
	/* Whoever sets IRR, an event or a request after this sends an IPI; whoever did before is
	 * seen below. */
	(void)xchg(&v->mode, RD_IN_GUEST);
	if ((unlikely(READ_ONCE(v->requests) | READ_ONCE(v->lapic.events)) &&
	     !rd_vcpu_may_step(v)) ||
	    xfer_to_guest_mode_work_pending()) {
		WRITE_ONCE(v->mode, RD_OUTSIDE);
		local_irq_enable();
		preempt_enable();
		return 1;
	}
	v->event_window = rd_wants_irq_window(v);
	rd_hw->inject(v);
	if (unlikely(v->pv.eoi_msr & 1))
		rd_pv_eoi_sync_in(v);
	if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
		switch_fpu_return();
	xstate = rd_xstate_differs(v);
	if (unlikely(xstate))
		rd_load_xstate(v);

	trace_rd_entry(v->id, v->rip);
	rd_compat_guest_enter();
	rd_hw->enter(v);
	rd_compat_guest_exit();
	v->stats.exits++;

	if (unlikely(xstate))
		rd_restore_xstate(v);
	WRITE_ONCE(v->mode, RD_OUTSIDE);
	/* Host interrupts that ended guest mode are taken here and counted as guest time. */
	local_irq_enable();
	rd_compat_guest_irqs_done();
	preempt_enable();
	if (unlikely(v->pv.eoi_pending))
		rd_pv_eoi_sync_out(v);
	return rd_hw->handle_exit(v);
}

static void rd_grow_halt_poll(struct rd_vcpu *v, u64 waited, bool polled_enough)
{
	if (polled_enough)
		return;
	if (waited > rd_halt_poll_ns)
		v->halt_poll_ns = 0;
	else if (v->halt_poll_ns < rd_halt_poll_ns)
		v->halt_poll_ns =
			min(rd_halt_poll_ns, v->halt_poll_ns ? v->halt_poll_ns * 2 : 10000);
}

static bool rd_halt_poll(struct rd_vcpu *v, u64 start)
{
	u64 end = start + v->halt_poll_ns, now;

	if (!v->halt_poll_ns)
		return false;
	do {
		if (rd_vcpu_runnable(v)) {
			rd_count(v, halt_poll_success);
			return true;
		}
		cpu_relax();
		now = rd_host_now_ns();
	} while (now < end && single_task_running() && !need_resched() && !signal_pending(current));
	rd_count(v, halt_poll_fail);
	return false;
}

/* HLT and waiting for INIT or SIPI: sleep until there is something to do. 1 go on, -EINTR. */
static int rd_vcpu_block(struct rd_vcpu *v)
{
	u64 start;
	int r = 1;

	/* What arrived before or while we look is handled without sleeping. */
	if (!rd_vcpu_runnable(v)) {
		start = rd_host_now_ns();
		if (!rd_halt_poll(v, start)) {
			rd_count(v, halt_block);
			rd_vcpu_read_end(v);
			prepare_to_rcuwait(&v->wait);
			for (;;) {
				set_current_state(TASK_INTERRUPTIBLE);
				if (rd_vcpu_runnable(v) || signal_pending(current))
					break;
				schedule();
			}
			finish_rcuwait(&v->wait);
			rd_vcpu_read_begin(v);
			v->stats.halt_wait_ns += rd_host_now_ns() - start;
			rd_count(v, halt_wakeup);
			rd_grow_halt_poll(v, rd_host_now_ns() - start, false);
		}
	}
	if (signal_pending(current))
		return -EINTR;
	if (READ_ONCE(v->requests) | READ_ONCE(v->lapic.events))
		r = rd_vcpu_requests(v);
	if (v->mp_state == KVM_MP_STATE_HALTED && rd_vcpu_runnable(v))
		v->mp_state = KVM_MP_STATE_RUNNABLE;
	return r;
}

static int rd_vcpu_loop(struct rd_vcpu *v)
{
	int r;

	for (;;) {
		if (likely(v->mp_state == KVM_MP_STATE_RUNNABLE))
			r = rd_vcpu_enter(v);
		else
			r = rd_vcpu_block(v);
		if (unlikely(r <= 0))
			return r;
		if (rd_wants_irq_window(v) && rd_ready_for_user_irq(v)) {
			v->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			return 0;
		}
		if (unlikely(__xfer_to_guest_mode_work_pending())) {
			rd_vcpu_read_end(v);
			r = rd_handle_thread_work();
			rd_vcpu_read_begin(v);
			if (r)
				return r;
		}
	}
}

static void rd_vcpu_fill_run(struct rd_vcpu *v)
{
	struct kvm_run *run = v->run;

	run->if_flag = v->rflags >> 9 & 1;
	run->cr8 = rd_get_cr8(v);
	run->apic_base = v->lapic.base;
	run->flags = 0;
	run->ready_for_interrupt_injection = v->vm->chip.mode == RD_IRQCHIP_KERNEL ||
					     (v->user_irq < 0 && rd_ready_for_user_irq(v));
}

/* A signal ended the run. With immediate_exit user space's last exit stays as it was instead. */
static int rd_vcpu_interrupted(struct rd_vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_INTR;
	rd_count(v, signal_exits);
	return -EINTR;
}

static int rd_vcpu_run_inner(struct rd_vcpu *v)
{
	int r;

	if (unlikely(v->mp_state == KVM_MP_STATE_UNINITIALIZED)) {
		if (rd_compat_immediate_exit(v->run))
			return -EINTR;
		r = rd_vcpu_block(v);
		if (r == -EINTR)
			return rd_vcpu_interrupted(v);
		return r < 0 ? r : -EAGAIN;
	}
	if (v->complete) {
		rd_complete_fn fn = v->complete;

		v->complete = NULL;
		r = fn(v);
		if (r <= 0)
			return r;
	}
	if (rd_compat_immediate_exit(v->run))
		return -EINTR;
	v->run->exit_reason = KVM_EXIT_UNKNOWN;
	r = rd_vcpu_loop(v);
	return unlikely(r == -EINTR) ? rd_vcpu_interrupted(v) : r;
}

/*
 * KVM_SET_SIGNAL_MASK holds for the run. The thread's own mask is kept where the kernel looks, too,
 * when it sends a signal: one that is let in only to end the run must not kill the process.
 */
static void rd_vcpu_swap_sigmask(struct rd_vcpu *v)
{
	sigprocmask(SIG_SETMASK, &v->sigset, &current->real_blocked);
}

static void rd_vcpu_restore_sigmask(void)
{
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

/* KVM_RUN. v->mutex held; loads and puts v itself. */
int rd_vcpu_run(struct rd_vcpu *v)
{
	int r = 0;

	if (v->sigset_active)
		rd_vcpu_swap_sigmask(v);
	rd_vcpu_load(v);
	rd_vcpu_fpu_load(v);
	rd_vcpu_read_begin(v);
	v->first_run_done = true;
	if (v->uses_pkru)
		v->host_pkru = rdpkru();
	if (unlikely(READ_ONCE(v->run->kvm_valid_regs) | READ_ONCE(v->run->kvm_dirty_regs)))
		r = rd_sync_regs_in(v);
	/* The task priority is user space's only where the local APIC is. */
	if (!v->has_lapic)
		rd_set_cr8(v, READ_ONCE(v->run->cr8) & 15);

	if (likely(!r))
		r = rd_vcpu_run_inner(v);
	if (unlikely(v->stepping))
		rd_trace_step_leave(v);
	rd_vcpu_read_end(v);
	rd_vcpu_fpu_put(v);
	if (unlikely(READ_ONCE(v->run->kvm_valid_regs)))
		rd_sync_regs_out(v);
	rd_vcpu_fill_run(v);
	rd_vcpu_put(v);
	if (v->sigset_active)
		rd_vcpu_restore_sigmask();
	return r;
}
