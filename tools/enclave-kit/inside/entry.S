/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into an enclave and out of it.
 *
 * Invariant: nothing of the host's is used before it is replaced: stack, flags (DF, AC), x87, SSE
 * and what else XSAVE knows. Out go the registers of abi.h and zeros. Addresses of our own come
 * from the TCS (the CPU has checked RBX) and from the thread's page, which GS points to, never from
 * the host.
 *
 * A thread is entered again at CSSA 1 while it is interrupted at any place, those below included.
 * So the code for exceptions shares nothing with that for calls: it has a stack and places of its
 * own. LFENCE stands where a branch that was guessed wrong would go on with the host's values.
 */
#include "tools/enclave-kit/abi.h"

#define EEXIT 4

	.text

/* To the thread's stack, whose end is so many bytes below the top; RAX: the enclave's base. */
.macro own_stack below
	movq %rbx, %rax
	subq %gs:RD_KIT_T_TCS, %rax
	movq %rax, %rsp
	addq %gs:RD_KIT_T_STACK, %rsp
	addq %gs:RD_KIT_T_STACK_SIZE, %rsp
	subq $\below, %rsp
.endm

/* Where C finds the thread's page, from a thread's first entry or exception on; R10 is lost. */
.macro own_page
	movq %rax, %r10
	addq %gs:RD_KIT_T_SELF, %r10
	movq %r10, %gs:RD_KIT_T_LINEAR
.endm

/* Flags as C has them; needs a stack. */
.macro clean_flags
	pushq $2
	popfq
.endm

/* Extended state in its initial configuration; RAX and RDX are lost. */
.macro clean_xstate
	movl $-1, %eax
	movl %eax, %edx
	xrstor clean_area(%rip)
	ldmxcsr clean_area + 24(%rip)
.endm

	.globl rd_kit_entry
	.type rd_kit_entry, @function
rd_kit_entry:
	cld
	testq %rax, %rax
	jnz exception
	lfence /* not on the way of calls with the CSSA of an exception */
	movq %rsp, %gs:RD_KIT_T_OUT_SP
	movq %rbp, %gs:RD_KIT_T_OUT_BP
	movq %rcx, %gs:RD_KIT_T_OUT_IP
	cmpq $RD_KIT_IN_BACK, %rdi
	je back
	cmpq $0, %gs:RD_KIT_T_OCALL_SP
	jne refuse_call
	lfence
	own_stack RD_KIT_EXC_STACK
	clean_flags
	own_page
	movq %r8, %gs:RD_KIT_T_AREA
	movq %r9, %gs:RD_KIT_T_AREA_SIZE
	cmpq $0, %gs:RD_KIT_T_CANARY
	jne 2f
1:	rdrand %r11
	jnc 1b
	xorb %r11b, %r11b /* strings end at it */
	movq %r11, %gs:RD_KIT_T_CANARY
2:	movq %rax, %rcx
	movq %rdx, %r10
	clean_xstate
	movq %r10, %rdx
	xorl %ebp, %ebp
	call rd_kit_call /* what, argument, size, base: why in RAX, RSI in RDX */
	movq %rax, %rdi
	movq %rdx, %rsi
	xorl %r10d, %r10d
	jmp leave_call

/* The end of an OCALL: on where rd_kit_leave_for_ocall() was called. */
back:
	movq %gs:RD_KIT_T_OCALL_SP, %r11
	testq %r11, %r11
	jz refuse_back
	lfence
	movq %r11, %rsp
	movq $0, %gs:RD_KIT_T_OCALL_SP
	clean_flags
	clean_xstate
	movq %rsi, %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* int64_t rd_kit_leave_for_ocall(number, size) */
	.globl rd_kit_leave_for_ocall
	.type rd_kit_leave_for_ocall, @function
rd_kit_leave_for_ocall:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %gs:RD_KIT_T_OCALL_SP
	movq %rsi, %r10
	movq %rdi, %rsi
	movl $RD_KIT_OUT_OCALL, %edi
	jmp leave_call

refuse_call:
	movl $RD_KIT_IN_OCALL, %esi
	jmp refuse
refuse_back:
	movl $RD_KIT_NOT_IN_OCALL, %esi
refuse:
	movl $RD_KIT_OUT_REFUSED, %edi
	xorl %r10d, %r10d
	jmp leave_call

/* CSSA is 1 or more: the thread was interrupted, and the host says by an exception. */
exception:
	lfence
	cmpq $1, %rax
	jne double_exception
	movq %rsp, %gs:RD_KIT_T_EXC_SP
	movq %rbp, %gs:RD_KIT_T_EXC_BP
	movq %rcx, %gs:RD_KIT_T_EXC_IP
	own_stack 0
	clean_flags
	own_page
	movq %rax, %rdi
	clean_xstate
	xorl %ebp, %ebp
	call rd_kit_interrupted /* base: why, and RSI */
	movq %rax, %rdi
	movq %rdx, %rsi
	xorl %r10d, %r10d
	movq %gs:RD_KIT_T_EXC_IP, %rbx
	movq %gs:RD_KIT_T_EXC_BP, %rbp
	movq %gs:RD_KIT_T_EXC_SP, %rsp
	jmp leave

/* An exception while one is dealt with. There is no stack for it, and nothing to save it for. */
double_exception:
	movb $1, rd_kit_dead(%rip)
	movl $RD_KIT_OUT_DEAD, %edi
	movl $8, %esi
	xorl %r10d, %r10d
	movq %rcx, %rbx
	jmp leave

leave_call:
	movq %gs:RD_KIT_T_OUT_IP, %rbx
	movq %gs:RD_KIT_T_OUT_BP, %rbp
	movq %gs:RD_KIT_T_OUT_SP, %rsp

/* RDI, RSI and R10 for RDX are set, and RBX, RBP, RSP of the host; the rest must tell nothing. */
leave:
	clean_xstate
	movq %r10, %rdx
	xorl %ecx, %ecx
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	xorl %r12d, %r12d
	xorl %r13d, %r13d
	xorl %r14d, %r14d
	xorl %r15d, %r15d
	movl $EEXIT, %eax
	testl %eax, %eax /* flags that depend on nothing */
	enclu
	ud2

/* An XSAVE area in which every component is said to be initial. */
	.section .rodata
	.balign 64
clean_area:
	.zero 24
	.long 0x1f80 /* MXCSR: all exceptions masked */
	.zero 576 - 28

	.section .note.GNU-stack, "", @progbits
