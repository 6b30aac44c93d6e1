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
1:	mov %eax, %ds
	cli
	.code16gcc
	cli
	.code32
	hlt
