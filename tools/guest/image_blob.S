/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image of integrity mode, as it was linked.
 * Invariant: read-only here; what runs is a copy.
 */
	.section .rodata, "a"
	.balign 16
	.globl guest_image_start
guest_image_start:
	.incbin RD_IMAGE
guest_image_end:
	.balign 8
	.globl guest_image_size
guest_image_size:
	.quad	guest_image_end - guest_image_start
	.section .note.GNU-stack, "", @progbits
