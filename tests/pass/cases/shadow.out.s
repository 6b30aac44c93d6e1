# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop4
	.byte 0x0f, 0x1f, 0x40, 0x00
	.endm
	.macro nop3
	.byte 0x0f, 0x1f, 0x00
	.endm
	.macro nop7
	.byte 0x0f, 0x1f, 0x80, 0, 0, 0, 0
	.endm
	nop4; sti
	hlt; nop4
	nop4; sti
	int $0x20; nop3
	nop4; sti
	int $0x80; nop3
	nop
	nop7; int $0x80
	nop4; sti
	nop
	nop7; int $0x80
	nop4; sti
	mwait; .byte 0x66, 0x90
	nop4; sti
	sysexit; nop3
	nop3; movl %eax, %ss
	int $0x20; nop3
	nop4; pop %ss
	sti; nop4
	hlt; nop4
	nop4; sti
	sti; nop4
	int3
	nop4; sti
	int3
	int3
	int1
