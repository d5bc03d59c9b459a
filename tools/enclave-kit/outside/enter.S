/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * int rd_encl_enter(regs, run, vdso's function): the vDSO leaves to its caller what an enclave does
 * to registers that C wants back: our enclaves zero R12 to R15 and reset MXCSR and the x87.
 */
	.text
	.globl rd_encl_enter
	.type rd_encl_enter, @function
rd_encl_enter:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq $16, %rsp
	stmxcsr -48(%rbp)
	fnstcw -44(%rbp)
	pushq %rsi /* the seventh argument */
	movq %rdi, %rax
	movq %rdx, %r11
	movq 0(%rax), %rdi
	movq 8(%rax), %rsi
	movq 16(%rax), %rdx
	movq 24(%rax), %r8
	movq 32(%rax), %r9
	movl $2, %ecx /* EENTER */
	call *%r11
	ldmxcsr -48(%rbp)
	fldcw -44(%rbp)
	leaq -40(%rbp), %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size rd_encl_enter, . - rd_encl_enter

	.section .note.GNU-stack, "", @progbits
