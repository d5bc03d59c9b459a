// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers, breakpoints and single steps: the guest's own, and those that user space asks
 * for (KVM_SET_GUEST_DEBUG). Invariant: what belongs to user space's debugger is never seen by the
 * guest; while it uses the debug registers, the guest's own values stay in v->db, v->dr6, v->dr7.
 */
#include <linux/module.h>
#include <linux/sched/task_stack.h>
#include <asm/debugreg.h>
#include "vmm/gwalk.h"
#include "vmm/svm/svm.h"

#define DR6_FIXED 0xffff0ff0ULL
#define DR6_BD BIT_ULL(13)
#define DR6_BS BIT_ULL(14)
#define DR7_GD BIT_ULL(13)
#define VEC_BP 3
#define VEC_OF 4

static bool rd_svm_user_bp(const struct rd_vcpu *v)
{
	return v->guest_debug & KVM_GUESTDBG_USE_HW_BP;
}

static bool rd_svm_sw_bp(const struct rd_vcpu *v)
{
	const u32 both = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;

	return (v->guest_debug & both) == both;
}

/* Fetch DR6, DR7 (always the guest's in the VMCB unless user space debugs); DR0-3 were taken after
 * the last exit. */
void rd_svm_sync_debug(struct rd_vcpu *v)
{
	if (rd_svm_user_bp(v))
		return;
	v->dr6 = v->hw->vmcb->s.dr6;
	v->dr7 = v->hw->vmcb->s.dr7;
}

void rd_svm_update_debug(struct rd_vcpu *v)
{
	struct rd_hw_vcpu *h = v->hw;
	struct rd_vmcb_control *c = &h->vmcb->c;
	bool user_bp = rd_svm_user_bp(v);

	if (!user_bp)
		memcpy(v->eff_db, v->db, sizeof(v->db));
	if (user_bp || (v->dr7 & 0xff))
		h->rare |= RD_SVM_DR_LIVE;
	c->dr_read = (h->rare & RD_SVM_DR_LIVE) && !user_bp ? 0 : 0xffff;
	c->dr_write = c->dr_read;
	h->vmcb->s.dr7 = user_bp ? v->guest_debug_dr7 : v->dr7;
	h->vmcb->s.dr6 = v->dr6;
	c->exceptions &= ~BIT(VEC_BP);
	if (rd_svm_sw_bp(v))
		c->exceptions |= BIT(VEC_BP);
	if (rd_svm_emulated)
		c->misc1 |= SVM_I_INTN; /* rd_svm_swint() */
	rd_svm_dirty(h, SVM_CLEAN_DR | SVM_CLEAN_INTERCEPTS);
}

/* --- entering with debug registers --- */

static void rd_svm_load_debug(struct rd_vcpu *v)
{
	set_debugreg(v->eff_db[0], 0);
	set_debugreg(v->eff_db[1], 1);
	set_debugreg(v->eff_db[2], 2);
	set_debugreg(v->eff_db[3], 3);
}

static void rd_svm_save_debug(struct rd_vcpu *v)
{
	if (rd_svm_user_bp(v))
		return;
	get_debugreg(v->db[0], 0);
	get_debugreg(v->db[1], 1);
	get_debugreg(v->db[2], 2);
	get_debugreg(v->db[3], 3);
	memcpy(v->eff_db, v->db, sizeof(v->db));
}

/*
 * VMRUN of QEMU's TCG loads DR7 but looks for no breakpoint until a MOV to DR7: that is done here,
 * in the host. From there to VMRUN and back the host itself runs with user space's breakpoints, so
 * that none may lie in that code or on this stack.
 */
static bool rd_svm_dr7_by_hand(const struct rd_vcpu *v)
{
	u64 stack = (unsigned long)task_stack_page(current);
	unsigned int i;

	if (likely(!rd_svm_emulated) || !rd_svm_user_bp(v) || v->guest_debug_dr7 >> 32)
		return false;
	for (i = 0; i < ARRAY_SIZE(v->eff_db); i++) {
		if (v->eff_db[i] - stack + sizeof(u64) < THREAD_SIZE + sizeof(u64) ||
		    within_module_core(v->eff_db[i], THIS_MODULE))
			return false;
	}
	return true;
}

/* Interrupts off. Enters the guest like rd_svm_enter(), with its or user space's DR0-3. */
void rd_svm_enter_debug(struct rd_vcpu *v, u64 host_state_pa)
{
	struct rd_hw_vcpu *h = v->hw;
	bool by_hand = rd_svm_dr7_by_hand(v);

	rd_svm_load_debug(v);
	asm volatile("clgi" ::: "memory");
	if (by_hand)
		rd_svm_vmrun_dr7(v->gpr, h->vmcb_pa, host_state_pa, v->guest_debug_dr7 & ~DR7_GD);
	else
		rd_svm_vmrun(v->gpr, h->vmcb_pa, host_state_pa);
	asm volatile("stgi" ::: "memory");
	rd_svm_save_debug(v);
}

/* --- exits --- */

int rd_svm_db(struct rd_vcpu *v)
{
	u64 dr6 = v->hw->vmcb->s.dr6;
	u64 bits = dr6 ^ DR6_FIXED; /* BLD, RTM and the reserved ones are active low */

	if (rd_svm_end_step(v)) {
		if (v->stepping)
			v->vm->trace->step.done = true;
		/* The guest sees nothing of a step that it did not ask for. */
		v->hw->vmcb->s.dr6 = v->hw->step_dr6;
		rd_svm_dirty(v->hw, SVM_CLEAN_DR);
		bits = dr6 & ~v->hw->step_dr6 & ~DR6_BS;
		if (!bits)
			return 1;
	}
	if (v->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP)) {
		v->hw->vmcb->s.dr6 = v->dr6;
		rd_svm_dirty(v->hw, SVM_CLEAN_DR);
		return rd_exit_debug(v, VEC_DB, dr6);
	}
	rd_queue_db(v, bits);
	return 1;
}

int rd_svm_bp(struct rd_vcpu *v)
{
	return rd_exit_debug(v, VEC_BP, 0);
}

/*
 * QEMU's TCG may go on with the old translation of an instruction that one CPU changed while
 * another translated it: an INT3 that is no longer there, as a kernel that patches itself leaves
 * it. A write to the byte, of the value it has, makes it translate anew.
 */
static int rd_svm_translate_anew(struct rd_vcpu *v, u64 linear)
{
	struct rd_fault f;
	u64 gpa;
	u8 byte;

	if (!rd_gva_to_gpa(v, linear, RD_ACC_FETCH, 0, &gpa, &f) &&
	    !rd_vcpu_read_gpa(v, gpa, &byte, 1) &&
	    rd_vcpu_cmpxchg_gpa(v, gpa, &byte, &byte, 1) >= 0)
		pr_info_ratelimited("redoubt: the emulated CPU went on with code that was changed, "
				    "translate anew\n");
	return 1;
}

/*
 * QEMU's TCG does not ask the intercept of #BP for INT3, but takes it for an INT n, and intercepts
 * it as such. Every software interrupt that is not the debugger's is carried out. Should its
 * delivery fault, the guest finds the RIP behind the instruction.
 */
int rd_svm_swint(struct rd_vcpu *v)
{
	static const u8 int3 = 0xcc, intn = 0xcd, into = 0xce;
	u8 insn[RD_INSN_MAX], vector = VEC_OF;
	unsigned int n, len;
	u64 base;
	int mode = rd_svm_code_mode(v, &base);

	n = rd_fetch_insn(v, base + v->rip, insn, sizeof(insn));
	len = rd_emul_known_len(insn, n, mode, &int3, 1);
	if (len && rd_svm_sw_bp(v))
		return rd_svm_bp(v);
	if (len) {
		rd_svm_end_step(v);
		rd_queue_exception(v, VEC_BP);
		v->exc.soft_len = len;
		return 1;
	}
	len = rd_emul_known_len(insn, n, mode, &intn, 1);
	if (len && rd_fetch_insn(v, base + v->rip + len, &vector, 1))
		len++;
	else
		len = rd_emul_known_len(insn, n, mode, &into, 1);
	if (!len)
		return rd_svm_translate_anew(v, base + v->rip);
	/* The handler's frame must not show a step that the guest did not ask for. */
	rd_svm_end_step(v);
	v->irq = (struct rd_interrupt){
		.injected = true, .soft = true, .vector = vector, .soft_len = len
	};
	return 1;
}

/* First touch of a debug register: give them to the guest for good (until the vCPU is put), then
 * run the access again. */
int rd_svm_dr(struct rd_vcpu *v)
{
	if (rd_svm_user_bp(v)) {
		/* A CPU asks for GD before it asks for the intercept; QEMU's TCG does not. */
		if (v->guest_debug_dr7 & DR7_GD)
			return rd_exit_debug(v, VEC_DB, DR6_FIXED | DR6_BD);
		return rd_exit_emulate(v);
	}
	v->hw->rare |= RD_SVM_DR_LIVE;
	rd_svm_update_debug(v);
	return 1;
}
