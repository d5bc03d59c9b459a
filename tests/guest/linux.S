/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front of a payload that vmctl boots as if it were Linux: a setup header with no more in it
 * than the 64-bit boot protocol asks for, the entry, and one interrupt.
 *
 * The entry has the identity map of 4 GiB, flat segments and interrupts off; rdl_main() does not
 * return. Every vector but RDL_TIMER has no gate, so an exception is a triple fault.
 */
#include "tests/guest/linux.h"

#define BASE		0x100000	/* where the part behind the setup sectors goes */
#define SETUP		0x400		/* one sector that nobody runs, one that the header says */
#define EOI		0xfee000b0

	.section .setup, "a"
rdl_setup:
	.org	0x1f1
	.byte	1			/* setup_sects */
	.word	0			/* root_flags */
	.long	rdl_paragraphs		/* syssize */
	.word	0, 0, 0			/* ram_size, vid_mode, root_dev */
	.word	0xaa55			/* boot_flag */
	.word	0			/* jump */
	.ascii	"HdrS"
	.word	0x020f			/* version */
	.org	0x211
	.byte	1			/* loadflags: loaded high */
	.org	0x228
	.long	0			/* cmd_line_ptr, set by the loader */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x1000			/* kernel_alignment */
	.byte	0, 12			/* relocatable_kernel, min_alignment */
	.word	1			/* xloadflags: has a 64-bit entry point */
	.long	255			/* cmdline_size */
	.org	0x258
	.quad	BASE			/* pref_address */
	.long	rdl_init_size
	.org	SETUP

	.section .head, "ax"
	.code64
	.org	0x200
	.globl	rdl_entry
rdl_entry:
	lea	rdl_stack_top(%rip), %rsp
	mov	%rsi, %rdi
	call	rdl_main
	ud2

	.globl	rdl_timer
rdl_timer:
	push	%rax
	mov	$EOI, %eax
	movl	$0, (%rax)
	incl	rdl_ticks(%rip)
	pop	%rax
	iretq

	.bss
	.balign	4096
	.space	8192
rdl_stack_top:
