# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop4
	.byte 0x0f, 0x1f, 0x40, 0x00
	.endm
	.section .rodata
	.string "x"
	.text
	cli; nop4
	.data
	cli
	mov %cr0, %eax
	cli
	.pushsection .text.other, "ax"
	cli; nop4
	.popsection
	cli
	.text
	cli; nop4
	.data
	.text
	hlt; nop4
	hlt; nop4
	hlt; nop4
	.section ".data", "aw"
	hlt
	.section .text.other
	hlt; nop4
