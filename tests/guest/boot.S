/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of the 64-bit payloads, exception stubs, and the trampoline of application processors.
 *
 * The host starts the first processor in long mode on the identity map, with the address of the
 * test in RDI. Everything else (stack, IDT, TSS) is set up here and in lib.c.
 */
#define __ASSEMBLER__ 1
#include "tests/guest/protocol.h"

	.code64
	.text
	.globl	rdg_boot
rdg_boot:
	lea	rdg_stack_top(%rip), %rsp
	push	%rdi
	call	rdg_init
	pop	%rdi
	sub	$8, %rsp
	call	*%rdi
	call	rdg_pass
	ud2

/* One stub per vector, 16 bytes each; those without an error code push a zero in its place. */
	.balign	16
	.globl	rdg_stubs
rdg_stubs:
	vector = 0
	.rept	256
	.balign	16
	/* #DF, #TS to #PF, #AC, #CP, #VC, #SX: the CPU pushes an error code. */
	.if	(vector < 32) && ((0x60227d00 >> (vector & 31)) & 1)
	.else
	push	$0
	.endif
	pushq	$vector
	jmp	rdg_common
	vector = vector + 1
	.endr

	.balign	16
rdg_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	cld
	call	rdg_exception
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

/*
 * Copied to RDP_TRAMPOLINE_GPA. An application processor comes here in real mode with CS at the
 * page, goes straight to long mode on the boot processor's tables and calls rdg_ap_main().
 */
#define TRAMPOLINE(sym) (RDP_TRAMPOLINE_GPA + (sym) - rdg_trampoline)

	.balign	16
	.globl	rdg_trampoline, rdg_trampoline_end
	.code16
rdg_trampoline:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	TRAMPOLINE(ap_gdtr)
	mov	%cr4, %eax
	or	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$RDP_PML4_GPA, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x900, %eax		/* LME, NXE */
	wrmsr
	mov	%cr0, %eax
	and	$0x9fffffff, %eax	/* caches on: CD and NW off */
	or	$0x80010023, %eax	/* PG, WP, NE, MP, PE */
	mov	%eax, %cr0
	ljmpl	$RDP_CS64, $TRAMPOLINE(ap_long)
	.code64
ap_long:
	mov	$RDP_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	rdg_ap_stack, %rsp
	mov	$rdg_ap_main, %rax
	call	*%rax
1:	cli
	hlt
	jmp	1b
	.balign	8
	.word	0
ap_gdtr:
	.word	RDP_GDT_LIMIT
	.long	RDP_GDT_GPA
rdg_trampoline_end:

	.bss
	.balign	4096
	.space	16384
	.globl	rdg_stack_top
rdg_stack_top:
