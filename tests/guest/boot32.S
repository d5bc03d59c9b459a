/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry and exception stubs of the 32-bit payloads; the test's address is in EDI. */
#define __ASSEMBLER__ 1
#include "tests/guest/protocol.h"

	.code32
	.text
	.globl	rdg_boot
rdg_boot:
	mov	$stack_top, %esp
	push	%edi
	call	rdg_init
	pop	%edi
	call	*%edi
	call	rdg_pass
	ud2

	.balign	16
	.globl	rdg_stubs
rdg_stubs:
	vector = 0
	.rept	256
	.balign	16
	.if	(vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17)
	.else
	push	$0
	.endif
	pushl	$vector
	jmp	common
	vector = vector + 1
	.endr

common:
	push	%eax
	push	%ecx
	push	%edx
	push	%ebx
	push	%ebp
	push	%esi
	push	%edi
	mov	%esp, %eax
	push	%eax
	cld
	call	rdg_exception
	add	$4, %esp
	pop	%edi
	pop	%esi
	pop	%ebp
	pop	%ebx
	pop	%edx
	pop	%ecx
	pop	%eax
	add	$8, %esp
	iret

	.bss
	.balign	4096
	.space	16384
stack_top:
