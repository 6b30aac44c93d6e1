# --64
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop2
	.byte 0x66, 0x90
	.endm
	clac; nop2
	stac; nop2; nop
	.byte 0x48, 0x0f,0xc7,0x2f; nop
	rdtscp; nop2
	rdfsbase %rax
	vmcall
	mov %cr3, %rax; nop2
	.byte 0x0f,0x1f,0x00
	clac; nop2
	.data
	.byte 0x0f,0x01,0xca
	.section .rodata
	.byte 0x0f,0x01,0xca
	.section .text.other,"ax",@progbits
	clac; nop2
	.section .rodata
	.byte 0x0f,0x01,0xca
	.section .text.other
	clac; nop2
