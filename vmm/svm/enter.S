/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * World switch. Invariant: on return every callee-saved register, GS base and the return-prediction
 * state are the host's, and no guest value is left in a general register.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>

#ifndef UNTRAIN_RET_VM
#define UNTRAIN_RET_VM UNTRAIN_RET
#endif

#define DR7_RESET 0x400

/*
 * The body of both functions below. With dr7, what is in RCX stands in DR7 while the guest runs,
 * and from right before to right after: nothing but the stack is read there.
 */
	.macro SWITCH_TO_GUEST dr7=0
	push %rbp
	mov %rsp, %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx
	push %rdx
	push %rdi
	.if \dr7
	push %rsi
	push %rcx
	.else
	mov %rsi, %rax
	.endif

	mov 1*8(%rdi), %rcx
	mov 2*8(%rdi), %rdx
	mov 3*8(%rdi), %rbx
	mov 5*8(%rdi), %rbp
	mov 6*8(%rdi), %rsi
	mov 8*8(%rdi), %r8
	mov 9*8(%rdi), %r9
	mov 10*8(%rdi), %r10
	mov 11*8(%rdi), %r11
	mov 12*8(%rdi), %r12
	mov 13*8(%rdi), %r13
	mov 14*8(%rdi), %r14
	mov 15*8(%rdi), %r15
	mov 7*8(%rdi), %rdi

	.if \dr7
	pop %rax
	mov %rax, %dr7
	pop %rax
	.endif
	/* With V_INTR_MASKING the host's IF decides whether physical interrupts end guest mode. */
	sti
	vmload %rax
	vmrun %rax
	vmsave %rax
	cli
	.if \dr7
	mov $DR7_RESET, %eax
	mov %rax, %dr7
	.endif

	pop %rax
	mov %rcx, 1*8(%rax)
	mov %rdx, 2*8(%rax)
	mov %rbx, 3*8(%rax)
	mov %rbp, 5*8(%rax)
	mov %rsi, 6*8(%rax)
	mov %rdi, 7*8(%rax)
	mov %r8, 8*8(%rax)
	mov %r9, 9*8(%rax)
	mov %r10, 10*8(%rax)
	mov %r11, 11*8(%rax)
	mov %r12, 12*8(%rax)
	mov %r13, 13*8(%rax)
	mov %r14, 14*8(%rax)
	mov %r15, 15*8(%rax)
	pop %rax
	vmload %rax

	/* Returns predicted by the guest must not steer the host. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
		X86_FEATURE_RSB_VMEXIT_LITE
	UNTRAIN_RET_VM

	/* The callee-saved ones are popped over below; clear what C would otherwise inherit. */
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp
	RET
	.endm

/* void rd_svm_vmrun(u64 *gpr, u64 vmcb_pa, u64 host_state_pa): GIF and IF clear. */
SYM_FUNC_START(rd_svm_vmrun)
	SWITCH_TO_GUEST
SYM_FUNC_END(rd_svm_vmrun)

/* void rd_svm_vmrun_dr7(u64 *gpr, u64 vmcb_pa, u64 host_state_pa, u64 dr7): the same. */
SYM_FUNC_START(rd_svm_vmrun_dr7)
	SWITCH_TO_GUEST dr7=1
SYM_FUNC_END(rd_svm_vmrun_dr7)
