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
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
	.code16gcc
	cli
	.code32
	.byte 0x2e, 0x2e, 0x2e, 0x2e; hlt
# left 5
