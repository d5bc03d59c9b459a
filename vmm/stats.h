/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters of a VM and of a vCPU, in one list each: the struct, the names that KVM_GET_STATS_FD
 * gives and the order are made from it. Invariant: a counter has one writer (the vCPU's thread, or
 * the VM's lock); readers may be a little behind.
 */
#ifndef RD_VMM_STATS_H
#define RD_VMM_STATS_H

#include "kmod/base.h"

/* X(name): cumulative counts; one exit_* per exit kind: the names are those of enum rd_exit_kind.
 */
#define RD_EXIT_KINDS(X)                                                                           \
	X(intr)                                                                                    \
	X(nmi) X(smi) X(init) X(intr_window) X(nmi_window) X(cpuid) X(hlt) X(pause) X(msr_read)    \
		X(msr_write) X(io) X(npf) X(mmio) X(cr_read) X(cr_write) X(cr8_write) X(dr_access) \
			X(exception) X(task_switch) X(shutdown) X(hypercall) X(wbinvd) X(monitor)  \
				X(mwait) X(xsetbv) X(rdpmc) X(rdtsc) X(invlpg) X(invalid_insn)     \
					X(iret) X(dtable) X(other) X(fail_entry)

#define RD_VCPU_STATS(X)                                                                           \
	X(exits)                                                                                   \
	X(io_user) X(mmio_user) X(mmio_kernel) X(io_kernel) X(signal_exits) X(irq_injections)      \
		X(nmi_injections) X(exception_injections) X(reinjections) X(insn_emulation)        \
			X(insn_emulation_fail) X(halt_poll_success) X(halt_poll_fail)              \
				X(halt_block) X(halt_wakeup) X(halt_poll_ns) X(halt_wait_ns)       \
					X(host_cpu_changes) X(tlb_flush) X(requests) X(pf_fixed)   \
						X(pf_spurious) X(pf_retry) X(pf_write_protect)     \
							X(pf_map_4k) X(pf_map_2m) X(pf_map_1g)     \
								X(preemptions) X(ipi_sent)         \
									X(fast_exits)

#define RD_VM_STATS(X)                                                                             \
	X(mmu_notifier_invalidate)                                                                 \
	X(mmu_zapped) X(mmu_pages) X(remote_tlb_flush) X(slot_changes) X(irq_lines) X(msis)

#define RD_STAT_FIELD(name) u64 name;

/* enum rd_exit_kind: what backends report; RD_EXIT_cpuid and so on. */
#define RD_EXIT_ENUM(name) RD_EXIT_##name,
enum rd_exit_kind { RD_EXIT_KINDS(RD_EXIT_ENUM) RD_NR_EXIT_KINDS };

/* exit[] comes first so that counting is one indexed increment; it is reported as exit_<kind>. */
struct rd_vcpu_stats {
	u64 exit[RD_NR_EXIT_KINDS];
	RD_VCPU_STATS(RD_STAT_FIELD)
};

struct rd_vm_stats {
	RD_VM_STATS(RD_STAT_FIELD)
};

#endif
