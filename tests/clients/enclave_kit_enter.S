/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void hostile_enter(struct hostile_regs *r, struct sgx_enclave_run *run, vdso): into an enclave
 * with something in every register that a host can fill, DF and AC set; keeps what is in them
 * afterwards. The order of struct hostile_regs: RDI RSI RDX R8 R9, then R10 to R15, RFLAGS, XMM0,
 * XMM15.
 */
#define OUT_R10 40
#define OUT_FLAGS 88
#define OUT_XMM0 96
#define OUT_XMM15 112

	.text
	.globl hostile_enter
	.type hostile_enter, @function
hostile_enter:
	pushq %rbp
	movq %rsp, %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rdi /* -48 */
	subq $8, %rsp
	pushq %rsi /* the seventh argument */
	movq %rdi, %rbx
	movq %rdx, %rax
	movq $0x6767676767676767, %r10
	movq %r10, %r11
	movq %r10, %r12
	movq %r10, %r13
	movq %r10, %r14
	movq %r10, %r15
	movq %r10, %xmm0
	movq %r10, %xmm15
	movq 0(%rbx), %rdi
	movq 8(%rbx), %rsi
	movq 16(%rbx), %rdx
	movq 24(%rbx), %r8
	movq 32(%rbx), %r9
	movl $2, %ecx
	pushfq
	orq $0x40400, (%rsp)
	popfq
	call *%rax
	pushfq
	popq %rax
	pushq $2
	popfq
	movq -48(%rbp), %rbx
	movq %rdi, 0(%rbx)
	movq %rsi, 8(%rbx)
	movq %rdx, 16(%rbx)
	movq %r8, 24(%rbx)
	movq %r9, 32(%rbx)
	movq %r10, OUT_R10(%rbx)
	movq %r11, OUT_R10 + 8(%rbx)
	movq %r12, OUT_R10 + 16(%rbx)
	movq %r13, OUT_R10 + 24(%rbx)
	movq %r14, OUT_R10 + 32(%rbx)
	movq %r15, OUT_R10 + 40(%rbx)
	movq %rax, OUT_FLAGS(%rbx)
	movups %xmm0, OUT_XMM0(%rbx)
	movups %xmm15, OUT_XMM15(%rbx)
	leaq -40(%rbp), %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

	.section .note.GNU-stack, "", @progbits
