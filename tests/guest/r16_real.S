/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real mode, where every machine starts: ports, interrupts through the vector table, segments and
 * their wrap, devices beyond 1 MiB by way of protected mode. Loaded at RDP_REAL_GPA, which is also
 * the base of CS; the host puts the offset of the test into DI.
 */
#define __ASSEMBLER__ 1
#include "tests/guest/protocol.h"

#define OFF(sym) ((sym) - base)

	.code16
	.text
	.globl	_start
_start:
base:
	/* struct rdp_header */
	.quad	RDP_MAGIC
	.long	16
	.long	(tests_end - tests) / 24
	.quad	RDP_REAL_GPA
	.long	entry, 0
	.long	tests, 0

	.balign	8
tests:
	.macro	test fn
	.long	name_\fn, 0
	.long	\fn, 0
	.long	1
	.long	0
	.endm
	test	ports
	test	string_ports
	test	interrupt
	test	fault
	test	segments
	test	halt_free
	test	big_real
	test	stack_wrap
	test	protected_and_back
tests_end:
	.macro	name fn
name_\fn: .asciz "\fn"
	.endm
	name	ports
	name	string_ports
	name	interrupt
	name	fault
	name	segments
	name	halt_free
	name	big_real
	name	stack_wrap
	name	protected_and_back

	/* Fail unless the two are equal; the number of the check goes into the message. */
	.macro	check a, b, n
	cmp	\b, \a
	mov	$\n, %bl
	jne	failed
	.endm

entry:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	xor	%ax, %ax
	mov	%ax, %ss
	mov	%ax, %es
	mov	$0x7000, %sp
	call	*%di
	mov	$RDP_PORT_PASS, %dx
	out	%al, %dx
1:	hlt
	jmp	1b

failed:
	push	%cs
	pop	%ds
	mov	%bl, %al
	aam
	add	$0x3030, %ax
	xchg	%al, %ah
	mov	%ax, OFF(number)
	xor	%ax, %ax
	mov	%ax, %es
	mov	$(RDP_SHARED_GPA + 2 * 8 * RDP_ARGS + 2 * 48 + 8), %di
	mov	$OFF(text), %si
	mov	$16, %cx
	cld
	rep movsb
	mov	$RDP_PORT_FAIL, %dx
	out	%al, %dx
1:	hlt
	jmp	1b
text:	.ascii	"real mode: "
number:	.asciz	"00  "
	.balign	4
scratch:
	.space	32

ports:
	mov	$RDP_PORT_ECHO, %dx
	mov	$0x12345678, %eax
	out	%eax, %dx
	xor	%eax, %eax
	in	%dx, %eax
	check	%eax, $0x12345678, 1
	mov	$0xffffffff, %eax
	in	%dx, %ax
	check	%eax, $0xffff5678, 2
	in	%dx, %al
	check	%al, $0x78, 3
	ret

string_ports:
	mov	$RDP_PORT_STREAM, %dx
	push	%cs
	pop	%es
	mov	$OFF(scratch), %di
	mov	$8, %cx
	rep insb
	check	%cx, $0, 1
	check	%di, $OFF(scratch) + 8, 2
	movb	OFF(scratch) + 5, %al
	check	%al, $5, 3
	mov	$OFF(scratch), %si
	mov	$4, %cx
	rep outsw
	check	%si, $OFF(scratch) + 8, 4
	ret

handler:
	incw	%cs:OFF(count)
	iret
count:	.word	0

set_vector:			/* BX: offset in the table, AX: offset of the handler */
	movw	%ax, %es:(%bx)
	movw	%cs, %es:2(%bx)
	ret

interrupt:
	mov	$0x60 * 4, %bx
	mov	$OFF(handler), %ax
	call	set_vector
	pushf
	pop	%cx
	int	$0x60
	int	$0x60
	pushf
	pop	%dx
	check	%cx, %dx, 1
	movw	OFF(count), %ax
	check	%ax, $2, 2
	check	%sp, $0x6ffe, 3
	ret

/* #DE goes through vector 0; the handler skips the two bytes of the instruction. */
skip2:
	push	%bp
	mov	%sp, %bp
	addw	$2, 2(%bp)
	pop	%bp
	incw	%cs:OFF(count)
	iret

fault:
	xor	%bx, %bx
	mov	$OFF(skip2), %ax
	call	set_vector
	mov	$6 * 4, %bx
	mov	$OFF(skip2), %ax
	call	set_vector
	xor	%cx, %cx
	mov	$1, %ax
	xor	%dx, %dx
	div	%cx
	movw	OFF(count), %ax
	check	%ax, $1, 1
	ud2
	movw	OFF(count), %ax
	check	%ax, $2, 2
	ret

segments:
	mov	$0x2000, %ax
	mov	%ax, %fs
	mov	$0x2010, %ax
	mov	%ax, %gs
	movl	$0xfeedf00d, %fs:0x100
	movl	%gs:0, %eax
	check	%eax, $0xfeedf00d, 1
	/* 0xffff0 + 0x110 is 1 MiB + 0x100: nothing wraps there. */
	mov	$0xffff, %ax
	mov	%ax, %fs
	movl	$0x11223344, %fs:0x110
	xor	%ax, %ax
	mov	%ax, %gs
	movl	%gs:0x100, %eax
	cmp	$0x11223344, %eax
	mov	$2, %bl
	je	failed
	ret

/* A pending exit between instructions leaves flags and segments alone. */
halt_free:
	stc
	std
	mov	$RDP_PORT_ECHO, %dx
	in	%dx, %al
	pushf
	cld
	pop	%ax
	and	$0x401, %ax
	check	%ax, $0x401, 1
	ret

/* Flat data segment with a 4 GiB limit kept in real mode: the device from 16-bit code. */
big_real:
	call	load_big
	mov	$RDP_MMIO_GPA, %esi
	addr32 movl $0x0badcafe, %fs:(%esi)
	addr32 movl %fs:(%esi), %eax
	check	%eax, $0x0badcafe, 1
	addr32 movw %fs:2(%esi), %ax
	check	%ax, $0x0bad, 2
	addr32 orb $0x80, %fs:3(%esi)
	addr32 movb %fs:3(%esi), %al
	check	%al, $0x8b, 3
	ret

load_big:
	lgdtl	OFF(gdtr)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	mov	$8, %cx
	mov	%cx, %fs
	and	$0xfe, %al
	mov	%eax, %cr0
	ret
	.balign	8
gdt:	.quad	0
	.quad	0x00cf92000000ffff
	.quad	0x00009a010000ffff	/* 16-bit code at RDP_REAL_GPA */
	.quad	0x0000920000 << 16 | 0xffff
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt

/* The stack pointer wraps within its 64 KiB. */
stack_wrap:
	mov	%sp, %bp
	mov	$0x2000, %ax
	mov	%ax, %ss
	mov	$2, %sp
	pushw	$0x1111
	pushw	$0x2222
	mov	%sp, %ax
	popw	%cx
	popw	%dx
	xor	%si, %si
	mov	%si, %ss
	mov	%bp, %sp
	check	%ax, $0xfffe, 1
	check	%cx, $0x2222, 2
	check	%dx, $0x1111, 3
	ret

protected_and_back:
	lgdtl	OFF(gdtr)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmp	$16, $OFF(1f)
1:	smsw	%cx
	and	$0xfe, %al
	mov	%eax, %cr0
	ljmp	$(RDP_REAL_GPA >> 4), $OFF(1f)
1:	and	$1, %cx
	check	%cx, $1, 1
	smsw	%cx
	and	$1, %cx
	check	%cx, $0, 2
	ret
