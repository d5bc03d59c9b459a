# SPDX-License-Identifier: GPL-2.0-only
#
# A 32-bit program that makes system calls in the ways that CPUs of different vendors have: as the
# kernel's own page says, which is SYSENTER on Intel's; then, if FOREIGN, by SYSCALL, which Intel's
# do not have here. Whatever that does to the program, the kernel must live.

	.macro say from, to
	mov $4, %eax
	mov $1, %ebx
	mov $\from, %ecx
	mov $(\to - \from), %edx
	.endm

	.globl _start
_start:
	mov %esp, %esi
	lodsl
	lea 4(%esi, %eax, 4), %esi
environment:
	lodsl
	test %eax, %eax
	jnz environment
auxv:
	lodsl
	mov %eax, %ecx
	lodsl
	cmp $32, %ecx		# AT_SYSINFO
	je found
	test %ecx, %ecx
	jnz auxv
	jmp end
found:
	mov %eax, %edi
	say own, foreign
	call *%edi
	.ifdef FOREIGN
	mov $39, %eax		# getpid, for 64-bit code
	syscall
	say foreign, again
	int $0x80
	say again, done		# now in 64-bit mode, where no CPU but Intel's has SYSENTER
	mov $landing, %esp
	mov %esp, %ebp
	sysenter
	.endif
end:
	xor %ebx, %ebx
	mov $1, %eax
	int $0x80

own:	.ascii "as the kernel says\n"
foreign: .ascii "SYSCALL came back\n"
again:	.ascii "SYSENTER came back\n"
done:
	.balign 8
	.fill 64, 8		# what the kernel's page takes back: EBP, EDX, ECX, and where to
landing: .long 0, 0, 0, end
