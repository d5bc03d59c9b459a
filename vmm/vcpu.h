/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual CPU (K). Invariant: all fields belong to the thread that holds v->mutex (KVM_RUN or
 * another vCPU ioctl), but for those marked [any]: requests, mode, cpu, lapic.irr/events, which any
 * context may touch as their comments say.
 */
#ifndef RD_VMM_VCPU_H
#define RD_VMM_VCPU_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <asm/fpu/api.h>
#include "vmm/dirty_ring.h"
#include "vmm/emul.h"
#include "vmm/gwalk.h"
#include "vmm/lapic.h"
#include "vmm/mmu.h"
#include "vmm/stats.h"
#include "vmm/trace.h"
#include "vmm/unit.h"

struct rd_vm;
struct rd_slot;
struct rd_cpuid;
struct rd_hw_vcpu; /* the backend's part */

/* [any] Requests: set with rd_vcpu_request(), handled by the vCPU's thread before the next entry.
 */
enum rd_request {
	RD_REQ_EVENT, /* look at interrupts again */
	RD_REQ_TLB_FLUSH,
	RD_REQ_QUIESCE, /* note the VM's epoch: let go of replaced tables */
	RD_REQ_CLOCK, /* rewrite the PV clock page */
	RD_REQ_STEAL,
	RD_REQ_TRIPLE_FAULT,
	RD_REQ_VM_DEAD,
	RD_REQ_IOAPIC_EOI, /* split irqchip: exit with v->user_eoi_vector */
	RD_REQ_MSR_FILTER,
	RD_REQ_TSC,
	RD_REQ_STEP, /* a single step into a traced page: its vCPU goes on, the others wait */
	RD_REQ_RING_FULL, /* of dirty pages: user space must reset it */
	RD_REQ_KICK, /* nothing but leave guest mode */
};

enum rd_vcpu_mode { RD_OUTSIDE, RD_IN_GUEST, RD_EXITING };

/* An exception on its way into the guest, as KVM_GET_VCPU_EVENTS shows it. */
struct rd_exception {
	bool pending, injected, has_error, has_payload;
	u8 vector;
	u8 soft_len; /* #BP and #OF: bytes of the INT3 or INTO at RIP, 0: none there */
	u32 error;
	u64 payload; /* CR2 for #PF, DR6 bits for #DB */
};

/* An interrupt whose delivery has begun (also software interrupts that were interrupted: soft). */
struct rd_interrupt {
	bool injected, soft;
	u8 vector;
	u8 soft_len; /* bytes of INT n */
};

/* What a user-space round trip must finish at the next KVM_RUN. */

typedef int (*rd_complete_fn)(struct rd_vcpu *v); /* 1 go on, 0 to user space again, -errno */

/* MMIO goes to user space at most 8 bytes at a time. */
struct rd_mmio_fragment {
	u64 gpa;
	u32 len;
	u8 data[8];
};

#define RD_MMIO_FRAGMENTS 10 /* 64 bytes that cross a page */

struct rd_vcpu {
	/* Hot. */
	struct rd_vm *vm;
	struct kvm_run *run; /* page 0 of the mmap area; page 1 PIO data; page 2 coalesced ring
				belongs to the VM */
	struct rd_hw_vcpu *hw;
	unsigned long requests; /* [any] bits, atomic */
	int mode; /* [any] enum rd_vcpu_mode */
	int cpu; /* [any] host CPU it is loaded on, -1 */
	u64 gpr[RD_NR_GPR]; /* valid outside guest mode; RSP included */
	u64 rip, rflags;
	struct rd_exception exc;
	struct rd_interrupt irq;
	bool nmi_injected;
	s16 user_irq; /* KVM_INTERRUPT: vector waiting, -1 none */
	u8 nmi_pending; /* 0..2 */
	bool has_lapic;
	bool event_window; /* user space wants an exit when the guest can take an interrupt */
	struct rd_slot *slot_cache; /* last slot found, of the table with slot_gen */
	u64 slot_gen;
	struct rd_mmu_cache mmu_cache;
	struct rd_mmu_view_ask view;
	struct rd_paging paging; /* rd_paging_refresh() */
	struct rd_walk_hit walks[RD_NR_WALK_HITS]; /* vmm/gwalk_vcpu.c */
	u32 paging_changes; /* how often paging was made anew */
	struct rd_lapic lapic;
	struct rd_vcpu_stats stats;

	/* State without hardware home of its own. */
	u32 id; /* KVM_CREATE_VCPU argument = APIC id */
	u32 idx; /* index in vm->vcpus */
	u64 cr2, cr8, xcr0, xss, host_xcr0;
	u32 pkru, host_pkru;
	bool uses_pkru; /* the guest's CPUID has PKU */
	u64 db[4], dr6, dr7, eff_db[4];
	u32 mp_state; /* KVM_MP_STATE_* */
	u32 guest_debug; /* KVM_GUESTDBG_* */
	u64 guest_debug_dr7;
	u64 pat, misc_enable, feat_ctl, smbase, spec_ctrl, tsc_aux, mcg_cap, mcg_status, mcg_ctl,
		ucode_rev, platform_info, arch_caps;
	u64 lepubkeyhash[4]; /* IA32_SGXLEPUBKEYHASH */
	u64 hwcr, de_cfg, osvw_length, osvw_status, smi_count, power_ctl;
	u64 mce_ctl2[32];
	u64 mtrr[8 * 2 + 11 + 1 + 1], mce[4 * 32]; /* variable 0x200-0x20f, fixed, deftype, spare */
	struct {
		u64 offset, ratio_48, adjust; /* guest TSC = (host * ratio) >> 48 + offset */
		u32 khz;
	} tsc;
	struct {
		u64 system_time_msr, wall_clock_msr, steal_msr, eoi_msr, async_pf_en, async_pf_int,
			poll_control, migration;
		u32 version;
		u64 last_steal, steal_time;
		bool eoi_pending;
		bool guest_paused; /* KVM_KVMCLOCK_CTRL */
	} pv;
	struct rd_cpuid *cpuid; /* vmm/cpuid.c */

	/* FPU: the kernel's guest FPU container. */
	struct fpu_guest fpu;
	bool fpu_loaded;

	/* User-space exits. */
	rd_complete_fn complete;
	/*
	 * One emulated instruction's MMIO. Reads: frag[0..nr_read) are answered, used in order when
	 * the instruction runs again (cur); with read_wanted, frag[nr_read] is what user space is
	 * asked for. Writes: wfrag[cur_write..nr_write) have yet to go out.
	 */
	struct {
		bool read_wanted;
		u8 nr_read, cur, nr_write, cur_write;
		struct rd_mmio_fragment frag[RD_MMIO_FRAGMENTS], wfrag[RD_MMIO_FRAGMENTS];
	} mmio;
	struct {
		u16 port;
		u8 size;
		bool in, pending, data_ready;
		u32 count;
	} pio;
	u64 next_rip; /* where the instruction that waits for user space ends */
	int emul_error; /* -EFAULT: the VMM's memory could not be had */
	struct {
		u32 index;
		u64 data;
		bool write;
	} umsr;
	u8 user_eoi_vector;
	struct rd_emul emul;
	u64 fault_gpa; /* of the nested fault being emulated; ~0: of none */
	bool fault_gpa_valid; /* it is where the operand lies */
	struct rd_trace_write trace[RD_TRACE_PIECES]; /* the write that is being asked about */
	bool trace_exit; /* v->run is filled for it */
	bool stepping; /* owns the VM's step (vmm/trace_step.c) */
	bool judging; /* holds the guest tree's judge_lock (vmm/trace_mode.c) */

	/* Life. */
	void *parts[RD_MAX_UNITS]; /* the subsystems', by rd_unit.slot */
	struct mutex mutex;
	struct rcuwait wait; /* HLT, wait-for-SIPI */
	struct preempt_notifier preempt;
	struct pid __rcu *pid; /* who runs it, for kick by signal-less wake-ups */
	u64 epoch; /* [any reads] of the tables in use, 0: uses none (rd_vm_sync()) */
	int last_cpu;
	u32 halt_poll_ns;
	bool sigset_active;
	sigset_t sigset;
	bool first_run_done; /* SET_CPUID2 is restricted afterwards */
	bool preempted;
	u64 sched_out_ns;
	struct rd_ring ring;
	u64 cr3_lm_rsvd;
	u8 maxphyaddr;
	bool loaded;
};

#define rd_count(v, what) ((v)->stats.what++)

void rd_mode_settle_slow(struct rd_vcpu *v);
/* An emulated write is over: what has been judged may change again (vmm/mode.h). */
static inline void rd_mode_settle(struct rd_vcpu *v)
{
	if (unlikely(v->judging))
		rd_mode_settle_slow(v);
}

/* [any] Set a request; kicks the vCPU unless the caller is its own thread outside guest mode. */
static inline void rd_vcpu_set_request(struct rd_vcpu *v, enum rd_request r)
{
	/* Paired with the load of requests after mode = RD_IN_GUEST. */
	set_bit(r, &v->requests);
	smp_mb__after_atomic();
}

void rd_vcpu_request(struct rd_vcpu *v, enum rd_request r); /* set + kick */
void rd_vcpu_kick(struct rd_vcpu *v); /* wake from HLT, or force an exit */

static inline bool rd_vcpu_take_request(struct rd_vcpu *v, enum rd_request r)
{
	return test_bit(r, &v->requests) && test_and_clear_bit(r, &v->requests);
}

/* vmm/vcpu.c */
struct rd_vcpu *rd_vcpu_create(struct rd_vm *vm, u32 id); /* ERR_PTR; vm->lock held */
void rd_vcpu_destroy(struct rd_vcpu *v);
void rd_vcpu_load(struct rd_vcpu *v); /* around every vCPU ioctl that touches CPU state */
void rd_vcpu_put(struct rd_vcpu *v);
void rd_vcpu_reset(struct rd_vcpu *v, bool init_event);
void rd_vcpu_accept_startup(struct rd_vcpu *v); /* carry out an INIT and a SIPI that wait */
/*
 * From here to the end of KVM_RUN the thread may use the tables of the VM (rd_vm_sync()), as they
 * are now; what it has read of older ones is done with.
 */
void rd_vcpu_read_begin(struct rd_vcpu *v);
int rd_vcpu_run(struct rd_vcpu *v); /* KVM_RUN: 0 with v->run filled, -EINTR, -errno. mutex held */
void rd_vcpu_fpu_load(struct rd_vcpu *v);
void rd_vcpu_fpu_put(struct rd_vcpu *v);

/* vmm/event.c: queueing events. Later exceptions combine into #DF or a triple fault as the manuals'
 * table says. */
void rd_queue_exception(struct rd_vcpu *v, u8 vector);
void rd_queue_exception_err(struct rd_vcpu *v, u8 vector, u32 error);
void rd_queue_fault(struct rd_vcpu *v, const struct rd_fault *f);
void rd_queue_db(struct rd_vcpu *v, u64 dr6_bits);
void rd_find_soft_exception(struct rd_vcpu *v); /* before the entry, where user space queued it */
void rd_queue_nmi(struct rd_vcpu *v); /* owner; others: rd_lapic_local_nmi() */
int rd_vcpu_next_irq(
	struct rd_vcpu *v); /* vector to inject now from user, PIC or LAPIC, -1 none; consumes it */
bool rd_vcpu_has_irq(struct rd_vcpu *v);
bool rd_vcpu_runnable(struct rd_vcpu *v);

/* vmm/exit.c: exit handlers shared by backends; return as handle_exit. insn_len: from the CPU, 0
 * unknown. */
int rd_exit_cpuid(struct rd_vcpu *v, unsigned int insn_len);
int rd_exit_hlt(struct rd_vcpu *v, unsigned int insn_len);
int rd_exit_msr(struct rd_vcpu *v, bool write, unsigned int insn_len);
int rd_exit_hypercall(struct rd_vcpu *v, unsigned int insn_len, const u8 *op);
int rd_exit_foreign_hypercall(struct rd_vcpu *v, const u8 *native,
			      unsigned int len); /* the other vendor's opcode, as long as native */
int rd_exit_skip(struct rd_vcpu *v, unsigned int insn_len, const u8 *op,
		 unsigned int op_len); /* instructions that do nothing */
int rd_exit_mwait(struct rd_vcpu *v, unsigned int insn_len, const u8 *op,
		  unsigned int op_len); /* MONITOR, too */
int rd_exit_debug(struct rd_vcpu *v, u32 vector, u64 dr6); /* KVM_EXIT_DEBUG */
int rd_exit_pio(struct rd_vcpu *v, u16 port, unsigned int size, bool in, u64 next_rip);
int rd_exit_emulate(struct rd_vcpu *v); /* at CS:RIP, no fault address known */
int rd_exit_npf(struct rd_vcpu *v, u64 gpa, unsigned int acc, const u8 *insn,
		unsigned int insn_len);
int rd_exit_xsetbv(struct rd_vcpu *v, unsigned int insn_len);
int rd_exit_triple_fault(struct rd_vcpu *v);
/* The instruction ended at next_rip: RIP moves, the interrupt shadow ends, single-stepping sees it.
 * Returns as handle_exit. */
int rd_finish_insn(struct rd_vcpu *v, u64 next_rip);

/* vmm/state.c (and fpu_state.c): the save/restore ioctls. vCPU loaded. */
void rd_vcpu_get_regs(struct rd_vcpu *v, struct kvm_regs *r);
int rd_vcpu_set_regs(struct rd_vcpu *v, const struct kvm_regs *r);
void rd_vcpu_get_sregs(struct rd_vcpu *v, struct kvm_sregs *s);
int rd_vcpu_set_sregs(struct rd_vcpu *v, const struct kvm_sregs *s);
void rd_vcpu_get_sregs2(struct rd_vcpu *v, struct kvm_sregs2 *s);
int rd_vcpu_set_sregs2(struct rd_vcpu *v, const struct kvm_sregs2 *s);
void rd_vcpu_get_fpu(struct rd_vcpu *v, struct kvm_fpu *f);
int rd_vcpu_set_fpu(struct rd_vcpu *v, const struct kvm_fpu *f);
int rd_vcpu_get_xsave(struct rd_vcpu *v, void *buf, u32 size); /* size 4096 or KVM_CAP_XSAVE2 */
int rd_vcpu_set_xsave(struct rd_vcpu *v, const void *buf);
int rd_vcpu_get_xcrs(struct rd_vcpu *v, struct kvm_xcrs *x);
int rd_vcpu_set_xcrs(struct rd_vcpu *v, const struct kvm_xcrs *x);
void rd_vcpu_get_events(struct rd_vcpu *v, struct kvm_vcpu_events *e);
int rd_vcpu_set_events(struct rd_vcpu *v, const struct kvm_vcpu_events *e);
void rd_vcpu_get_debugregs(struct rd_vcpu *v, struct kvm_debugregs *d);
int rd_vcpu_set_debugregs(struct rd_vcpu *v, const struct kvm_debugregs *d);
int rd_vcpu_get_mp_state(struct rd_vcpu *v, struct kvm_mp_state *m);
int rd_vcpu_set_mp_state(struct rd_vcpu *v, const struct kvm_mp_state *m);
int rd_vcpu_set_guest_debug(struct rd_vcpu *v, const struct kvm_guest_debug *d);
int rd_vcpu_translate(struct rd_vcpu *v, struct kvm_translation *t);
/*
 * vmm/sync_regs.c: registers in struct kvm_run. in: takes those that user space changed, -EINVAL.
 * out: shows those that it wants to see.
 */
int rd_sync_regs_in(struct rd_vcpu *v);
void rd_sync_regs_out(struct rd_vcpu *v);
/* Checks shared by the emulator, exits and SET_SREGS: 0, or 1 = #GP. The set_* carry it out (hw,
 * MMU context, CPUID bits). */
int rd_set_cr0(struct rd_vcpu *v, u64 val);
int rd_set_cr3(struct rd_vcpu *v, u64 val);
int rd_set_cr4(struct rd_vcpu *v, u64 val);
int rd_set_cr8(struct rd_vcpu *v, u64 val);

static inline u64 rd_get_cr8(struct rd_vcpu *v)
{
	return v->has_lapic ? rd_lapic_get_tpr(&v->lapic) : v->cr8;
}

int rd_set_efer(struct rd_vcpu *v, u64 val, bool host);
int rd_set_xcr(struct rd_vcpu *v, u32 index, u64 val);
int rd_get_dr(
	struct rd_vcpu *v, unsigned int n,
	u64 *val); /* 0; 1: #GP queued by the caller; DR4/5 aliasing by CR4.DE is the caller's */
int rd_set_dr(struct rd_vcpu *v, unsigned int n, u64 val);

/* Everything outside the backend that RESET or INIT sets; what create and destroy need besides. */
void rd_state_reset(struct rd_vcpu *v, bool init_event);
int rd_vcpu_init_state(struct rd_vcpu *v); /* before the first reset */
void rd_vcpu_exit_state(struct rd_vcpu *v);

/* vmm/cpuid.c */
int rd_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 *nr,
		       u32 max); /* GET_SUPPORTED_CPUID: -E2BIG */
int rd_cpuid_emulated(struct kvm_cpuid_entry2 *e, u32 *nr, u32 max);
int rd_vcpu_set_cpuid(
	struct rd_vcpu *v, struct kvm_cpuid_entry2 *e,
	u32 nr); /* takes over nothing: copies. -EINVAL after the first run unless equal */
int rd_vcpu_get_cpuid(struct rd_vcpu *v, struct kvm_cpuid_entry2 *e,
		      u32 *nr); /* *nr: room in, count out; -E2BIG */
void rd_cpuid_read(struct rd_vcpu *v, u32 *eax, u32 *ebx, u32 *ecx,
		   u32 *edx); /* hot: what the guest sees, with OSXSAVE, APIC bits live */
void rd_cpuid_free(struct rd_vcpu *v);
/* A feature bit of the guest's CPUID. word: see vmm/cpuid.h's list; resolved at SET_CPUID2 time
 * into v->cpuid. */

/* vmm/msr.c */
enum {
	RD_MSR_OK = 0,
	RD_MSR_GP = 1,
	RD_MSR_USER = 2 /* v->run filled for KVM_EXIT_X86_RDMSR/WRMSR */
};
int rd_msr_read(struct rd_vcpu *v, u32 msr, u64 *val, bool host);
int rd_msr_write(struct rd_vcpu *v, u32 msr, u64 val, bool host);
int rd_msr_guest_read(struct rd_vcpu *v, u32 msr,
		      u64 *val); /* hot first, then filter, table; may return RD_MSR_USER */
int rd_msr_guest_write(struct rd_vcpu *v, u32 msr, u64 val);
u32 rd_msr_index_list(u32 *out, u32 max); /* KVM_GET_MSR_INDEX_LIST: count */
u32 rd_msr_feature_list(u32 *out, u32 max);
int rd_msr_feature_read(u32 msr, u64 *val); /* system fd KVM_GET_MSRS: 0 or 1 */

/* vmm/pv.c: PV clock, steal time, PV EOI, wall clock */
int rd_pv_msr_write(struct rd_vcpu *v, u32 msr, u64 val, bool host); /* RD_MSR_* */
int rd_pv_msr_read(struct rd_vcpu *v, u32 msr, u64 *val);
void rd_pv_clock_update(struct rd_vcpu *v); /* RD_REQ_CLOCK: process context, vCPU thread */
void rd_pv_steal_update(struct rd_vcpu *v); /* RD_REQ_STEAL */
void rd_pv_eoi_sync_in(struct rd_vcpu *v); /* before entry, when pv.eoi_msr is enabled: offer the
					      flag if exactly one edge vector is in service */
void rd_pv_eoi_sync_out(struct rd_vcpu *v); /* after exit: take the guest's acknowledgement */
u64 rd_vm_clock_ns(struct rd_vm *vm); /* KVM_GET_CLOCK */
void rd_vm_set_clock(struct rd_vm *vm, u64 ns);
/* Guest TSC. */
u64 rd_vcpu_tsc(struct rd_vcpu *v);
void rd_vcpu_write_tsc(struct rd_vcpu *v, u64 guest_tsc, bool host);
int rd_vcpu_set_tsc_khz(struct rd_vcpu *v, u32 khz);

#endif
