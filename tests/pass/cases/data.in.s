# --32
# SPDX-License-Identifier: GPL-3.0-or-later
# Code in sections of data is copied before it runs: it stays as it is.
	.section .rodata
	.string "x"
	.text
	cli
	.data
	cli
	mov %cr0, %eax
	.set .Lafterburner_off, 1
	.set .Lafterburner_off, 0
	cli
	.pushsection .text.other, "ax"
	cli
	.popsection
	cli
	.previous
	cli
	.data
	.macro in_text
	.pushsection .text
	hlt
	.popsection
	.endm
	.text
	in_text
	hlt
	.macro in_data
	.pushsection .data
	hlt
	.popsection
	.endm
	in_text
	.section ".data", "aw"
	hlt
	.section .text.other
	hlt
