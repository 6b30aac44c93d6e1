# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.code16
	cli
	mov %cr0, %eax
	ljmp $8, $1f
	.section .text.other, "ax"
	hlt
	.previous
	.code32
1:	mov %eax, %ds; .byte 0x0f, 0x1f, 0x00
	cli; .byte 0x0f, 0x1f, 0x40, 0x00
	.code16gcc
	cli
	.code32
	hlt; .byte 0x0f, 0x1f, 0x40, 0x00
# left 5
