// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that mean the same on every vendor: CPUID, HLT, MSRs, port I/O, hypercalls, nested faults.
 * Invariant: each function either finishes the guest's instruction, queues a fault, or fills v->run
 * and says what completes it.
 */
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <asm/msr-index.h>
#include "kmod/trace.h"
#include "vmm/cpuid.h"
#include "vmm/emul_glue.h"
#include "vmm/gwalk.h"
#include "vmm/hw.h"
#include "vmm/vm.h"

#define RFLAGS_TF BIT(8)
#define RFLAGS_RF BIT(16)
#define DR6_BS BIT(14)
#define VEC_UD 6
#define VEC_GP 13

int rd_exit_debug(struct rd_vcpu *v, u32 vector, u64 dr6)
{
	struct kvm_debug_exit_arch *d = &v->run->debug.arch;
	u64 base;

	rd_hw->code_mode(v, &base);
	v->run->exit_reason = KVM_EXIT_DEBUG;
	d->exception = vector;
	d->pc = base + v->rip;
	d->dr6 = dr6;
	d->dr7 = v->guest_debug_dr7;
	return 0;
}

static noinline int rd_single_step(struct rd_vcpu *v)
{
	if (rd_hw->end_step(v))
		return 1;
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		return rd_exit_debug(v, 1, 0xffff0ff0 | DR6_BS);
	rd_queue_db(v, DR6_BS);
	return 1;
}

/* Hot. */
int rd_finish_insn(struct rd_vcpu *v, u64 next_rip)
{
	bool step = v->rflags & RFLAGS_TF;

	v->rip = next_rip;
	v->rflags &= ~RFLAGS_RF;
	rd_hw->set_shadow(v, 0);
	return unlikely(step) ? rd_single_step(v) : 1;
}

/*
 * Where the instruction at RIP ends, its opcode known from the exit. 0, or 1: it could not be read
 * and a fault is queued, or the bytes changed under us and the guest is to run it again.
 */
static int rd_insn_end(struct rd_vcpu *v, unsigned int insn_len, const u8 *op, unsigned int op_len,
		       u64 *next)
{
	u8 bytes[RD_INSN_MAX];
	unsigned int n, want;
	u64 base;
	int mode;

	mode = rd_hw->code_mode(v, &base);
	if (!insn_len) {
		/* Nearly always there are no prefixes: ask for the opcode alone first. */
		for (want = op_len; !insn_len; want = RD_INSN_MAX) {
			n = rd_fetch_insn(v, base + v->rip, bytes, want);
			insn_len = n >= op_len && !memcmp(bytes, op, op_len)
					   ? op_len
					   : rd_emul_known_len(bytes, n, mode, op, op_len);
			if (want == RD_INSN_MAX)
				break;
		}
		if (!insn_len)
			return 1;
	}
	*next = v->rip + insn_len;
	if (mode != RD_MODE_LONG)
		*next = (u32)*next;
	return 0;
}

int rd_exit_skip(struct rd_vcpu *v, unsigned int insn_len, const u8 *op, unsigned int op_len)
{
	u64 next;

	if (rd_insn_end(v, insn_len, op, op_len, &next))
		return 1;
	return rd_finish_insn(v, next);
}

static bool rd_has_mwait(struct rd_vcpu *v)
{
	if (v->vm->disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT)
		return v->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT;
	return rd_cpuid_has(v, RD_F_MWAIT);
}

/* MONITOR and MWAIT do nothing, on a CPU without them too unless user space wants it exact. */
int rd_exit_mwait(struct rd_vcpu *v, unsigned int insn_len, const u8 *op, unsigned int op_len)
{
	if ((v->vm->disabled_quirks & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) && !rd_has_mwait(v)) {
		rd_queue_exception(v, VEC_UD);
		return 1;
	}
	return rd_exit_skip(v, insn_len, op, op_len);
}

/* Hot. */
int rd_exit_cpuid(struct rd_vcpu *v, unsigned int insn_len)
{
	static const u8 op[] = { 0x0f, 0xa2 };
	u32 eax = v->gpr[RD_RAX], ebx, ecx = v->gpr[RD_RCX], edx;
	u64 next;

	if (rd_insn_end(v, insn_len, op, sizeof(op), &next))
		return 1;
	rd_cpuid_read(v, &eax, &ebx, &ecx, &edx);
	v->gpr[RD_RAX] = eax;
	v->gpr[RD_RBX] = ebx;
	v->gpr[RD_RCX] = ecx;
	v->gpr[RD_RDX] = edx;
	return rd_finish_insn(v, next);
}

int rd_exit_hlt(struct rd_vcpu *v, unsigned int insn_len)
{
	static const u8 op[] = { 0xf4 };
	u64 next;
	int r;

	if (rd_insn_end(v, insn_len, op, sizeof(op), &next))
		return 1;
	r = rd_finish_insn(v, next);
	if (v->vm->chip.mode == RD_IRQCHIP_NONE) {
		if (r == 0)
			return 0;
		v->run->exit_reason = KVM_EXIT_HLT;
		return 0;
	}
	v->mp_state = KVM_MP_STATE_HALTED;
	if (rd_vcpu_runnable(v))
		v->mp_state = KVM_MP_STATE_RUNNABLE;
	return r;
}

static int rd_complete_rdmsr(struct rd_vcpu *v)
{
	if (v->run->msr.error) {
		rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	v->gpr[RD_RAX] = (u32)v->run->msr.data;
	v->gpr[RD_RDX] = v->run->msr.data >> 32;
	return rd_finish_insn(v, v->next_rip);
}

static int rd_complete_wrmsr(struct rd_vcpu *v)
{
	if (v->run->msr.error) {
		rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	return rd_finish_insn(v, v->next_rip);
}

/* Hot. */
int rd_exit_msr(struct rd_vcpu *v, bool write, unsigned int insn_len)
{
	const u8 op[] = { 0x0f, write ? 0x30 : 0x32 };
	u32 msr = v->gpr[RD_RCX];
	u64 next, val = 0;
	int r;

	if (rd_insn_end(v, insn_len, op, sizeof(op), &next))
		return 1;
	if (write) {
		val = (u32)v->gpr[RD_RAX] | v->gpr[RD_RDX] << 32;
		r = rd_msr_guest_write(v, msr, val);
	} else {
		r = rd_msr_guest_read(v, msr, &val);
	}
	trace_rd_msr(v->id, write, msr, val, r);
	if (unlikely(r == RD_MSR_USER)) {
		v->next_rip = next;
		v->complete = write ? rd_complete_wrmsr : rd_complete_rdmsr;
		return 0;
	}
	if (unlikely(r)) {
		rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	if (!write) {
		v->gpr[RD_RAX] = (u32)val;
		v->gpr[RD_RDX] = val >> 32;
	}
	return rd_finish_insn(v, next);
}

/* The guest waits for a vCPU that does not run: let others have this CPU. */
static long rd_hc_sched_yield(struct rd_vcpu *v)
{
	if (v->vm->enforce_pv_features && !rd_cpuid_has(v, RD_F_PV_SCHED_YIELD))
		return -KVM_ENOSYS;
	if (!single_task_running())
		yield();
	return 0;
}

/* One of Redoubt's own, which the VMM may have to be told of. */
static noinline int rd_own_hypercall(struct rd_vcpu *v, u64 nr, u64 next)
{
	int r;

	v->gpr[RD_RAX] = rd_trace_hypercall(v, nr, v->gpr[RD_RBX]);
	r = rd_finish_insn(v, next);
	if (!v->trace_exit)
		return r;
	v->trace_exit = false;
	return 0;
}

/*
 * The KVM hypercall ABI: number in RAX, arguments in RBX RCX RDX RSI, result in RAX. op: the three
 * bytes of VMMCALL or VMCALL.
 */
int rd_exit_hypercall(struct rd_vcpu *v, unsigned int insn_len, const u8 *op)
{
	u64 nr = v->gpr[RD_RAX], base, next;
	long ret = -KVM_ENOSYS;

	if (rd_insn_end(v, insn_len, op, 3, &next))
		return 1;
	if (rd_hw->code_mode(v, &base) != RD_MODE_LONG)
		nr = (u32)nr;
	if (rd_hw->get_cpl(v))
		ret = -KVM_EPERM;
	else if (nr == KVM_HC_VAPIC_POLL_IRQ)
		ret = 0;
	else if (nr == KVM_HC_SCHED_YIELD)
		ret = rd_hc_sched_yield(v);
	else if (nr - RD_HC_BASE < RD_HC_COUNT)
		return rd_own_hypercall(v, nr, next);
	v->gpr[RD_RAX] = ret;
	return rd_finish_insn(v, next);
}

/* Put this CPU's opcode in the place of the other vendor's, as the guest itself could write it. */
static void rd_patch_code(struct rd_vcpu *v, u64 linear, const u8 *native, unsigned int len)
{
	struct rd_fault f;
	u64 gpa;

	if (offset_in_page(linear) + len > PAGE_SIZE ||
	    rd_gva_to_gpa(v, linear, RD_ACC_WRITE, 0, &gpa, &f))
		return;
	rd_vcpu_write_gpa(v, gpa, native, len);
}

/*
 * A guest that was built for the other vendor, or has moved from there: the call works, and the
 * instruction is replaced for the next time, where it can be written. Unless user space wants #UD.
 */
int rd_exit_foreign_hypercall(struct rd_vcpu *v, const u8 *native, unsigned int len)
{
	u64 base;

	if (v->vm->disabled_quirks & KVM_X86_QUIRK_FIX_HYPERCALL_INSN) {
		rd_queue_exception(v, VEC_UD);
		return 1;
	}
	rd_hw->code_mode(v, &base);
	rd_patch_code(v, base + v->rip, native, len);
	return rd_exit_hypercall(v, len, native);
}

int rd_exit_xsetbv(struct rd_vcpu *v, unsigned int insn_len)
{
	static const u8 op[] = { 0x0f, 0x01, 0xd1 };
	u64 next;

	if (rd_insn_end(v, insn_len, op, sizeof(op), &next))
		return 1;
	if (rd_hw->get_cpl(v) ||
	    rd_set_xcr(v, v->gpr[RD_RCX], (u32)v->gpr[RD_RAX] | v->gpr[RD_RDX] << 32)) {
		rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	return rd_finish_insn(v, next);
}

int rd_exit_triple_fault(struct rd_vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

static void rd_put_accumulator(struct rd_vcpu *v, unsigned int size, u32 val)
{
	if (size == 4)
		v->gpr[RD_RAX] = val;
	else if (size == 2)
		v->gpr[RD_RAX] = (v->gpr[RD_RAX] & ~0xffffULL) | (val & 0xffff);
	else
		v->gpr[RD_RAX] = (v->gpr[RD_RAX] & ~0xffULL) | (val & 0xff);
}

static int rd_complete_pio_in(struct rd_vcpu *v)
{
	u32 val = 0;

	memcpy(&val, (u8 *)v->run + PAGE_SIZE, v->pio.size);
	rd_put_accumulator(v, v->pio.size, val);
	return rd_finish_insn(v, v->next_rip);
}

static int rd_complete_pio_out(struct rd_vcpu *v)
{
	return rd_finish_insn(v, v->next_rip);
}

void rd_pio_to_user(struct rd_vcpu *v, u16 port, unsigned int size, bool in, u32 count)
{
	struct kvm_run *run = v->run;

	rd_count(v, io_user);
	v->pio.port = port;
	v->pio.size = size;
	v->pio.in = in;
	v->pio.count = count;
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = PAGE_SIZE;
}

/* Hot. IN and OUT of one item. */
int rd_exit_pio(struct rd_vcpu *v, u16 port, unsigned int size, bool in, u64 next_rip)
{
	u32 val = in ? 0 : v->gpr[RD_RAX];
	int r;

	if (in)
		r = rd_bus_read(v, RD_BUS_PIO, port, size, &val);
	else
		r = rd_bus_write(v, RD_BUS_PIO, port, size, &val);
	trace_rd_pio(v->id, in, port, size, 1);
	if (r == 0) {
		if (in)
			rd_put_accumulator(v, size, val);
		return rd_finish_insn(v, next_rip);
	}
	if (!in)
		memcpy((u8 *)v->run + PAGE_SIZE, &val, size);
	rd_pio_to_user(v, port, size, in, 1);
	v->next_rip = next_rip;
	v->complete = in ? rd_complete_pio_in : rd_complete_pio_out;
	return 0;
}

int rd_exit_emulate(struct rd_vcpu *v)
{
	v->fault_gpa_valid = false;
	v->fault_gpa = ~0ULL;
	return rd_emulate(v, NULL, 0);
}

/* Hot. */
int rd_exit_npf(struct rd_vcpu *v, u64 gpa, unsigned int acc, const u8 *insn, unsigned int insn_len)
{
	int r;

	r = rd_mmu_fault(v, gpa, acc & ~RD_ACC_SYSTEM);
	trace_rd_nested_fault(v->id, gpa, acc, r);
	if (likely(r == RD_PF_FIXED || r == RD_PF_RETRY))
		return 1;
	if (r == RD_PF_TRACED && (v->irq.injected || v->exc.injected || v->nmi_injected))
		return rd_trace_delivery(v, gpa);
	if (r == RD_PF_EMULATE || r == RD_PF_TRACED) {
		rd_count(v, exit[RD_EXIT_mmio]);
		v->fault_gpa = gpa;
		v->fault_gpa_valid = !(acc & (RD_ACC_SYSTEM | RD_ACC_FETCH));
		return rd_emulate(v, insn, insn_len);
	}
	return r == RD_PF_USER ? 0 : r;
}
