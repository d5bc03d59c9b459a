/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image for integrity mode that does what the test tells it to: a page of code, then a page of
 * data, then its stack. Invariant: whatever it is asked, it leaves by the hypercall, unless it was
 * asked for something that ends the mode.
 */
#include "tests/guest/protocol.h"

	.text
	.code64
	.globl _start
_start:
	bt $32, %rdi
	jc judge
	mov %rsi, %r8                   /* a */
	mov %rdx, %r9                   /* b */
	mov %rcx, %r10                  /* c */
	cmp $RDP_M_UNKNOWN, %rdi
	jae unknown
	lea table(%rip), %rax
	jmp *(%rax, %rdi, 8)

sum:
	lea (%r8, %r9), %rbx
	add %r10, %rbx
	jmp leave
write:
	mov %r9, (%r8)
read:
	mov (%r8), %rbx
	jmp leave
jump:
	jmp *%r8
call:
	mov %r8, %rax
	mov %r9, %rbx
	mov %r10, %rcx
	vmmcall
	mov %rax, %rbx
	jmp leave
do_cpuid:
	cpuid
	jmp leave
undefined:
	ud2
sse:
	movups (%rsp), %xmm0
	jmp leave
stack:
	mov %rsp, %rbx
	jmp leave
open:
	sti
count:
	xor %ebx, %ebx
1:	inc %rbx
	cmp %r8, %rbx
	jne 1b
	jmp leave
unknown:
	mov $-22, %rbx
leave:
	mov $0x52440006, %eax           /* RD_HC_MODE_LEAVE */
	vmmcall
	jmp leave

judge:
	lea data(%rip), %r11
	incq RDP_MD_ASKED * 8(%r11)
	mov %rsi, RDP_MD_GPA * 8(%r11)
	mov %rdx, RDP_MD_LEN * 8(%r11)
	mov %rcx, RDP_MD_BYTES * 8(%r11)
	xor %ebx, %ebx
	cmp %rsi, RDP_MD_LET_GPA * 8(%r11)
	jne leave
	cmp %rcx, RDP_MD_LET_BYTES * 8(%r11)
	jne leave
	inc %ebx
	jmp leave

	.balign 8
table:
	.quad sum, write, read, jump, call, do_cpuid, undefined, count, sse, stack, open

	.balign 4096
data:
	.fill 4096, 1, 0
