/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where integrity mode enters the image.
 * Invariant: the arguments come in the registers in which C expects them, and the stack is empty;
 * nobody returns here.
 */
	.section .text.entry, "ax"
	.globl image_entry
image_entry:
	cld
	xorl	%ebp, %ebp
	call	image_main
	ud2

	.section .note.GNU-stack, "", @progbits
