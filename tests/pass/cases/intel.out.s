# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop4
	.byte 0x0f, 0x1f, 0x40, 0x00
	.endm
	.macro nop3
	.byte 0x0f, 0x1f, 0x00
	.endm
	.macro nop2
	.byte 0x66, 0x90
	.endm
	.macro nop7
	.byte 0x0f, 0x1f, 0x80, 0, 0, 0, 0
	.endm
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
	mov %cr0, %eax; nop2
	mov %eax, %cr0; nop2
	nop3; mov %eax, %ss
	mov %ds, %ax; nop2
	push %fs; nop3
	nop7; int $0x80
	in $0x60, %al; nop3
	ljmp $0x10, $0x1000
	ljmp *(%eax); nop3
	ljmp *(%eax); nop3
	lret; nop4
	rep insb; nop3
	insb; nop4
	iret; .byte 0x0f, 0x1f, 0x40, 0x00
	.byte 0x2e, 0x2e, 0x2e, 0x2e; pushf
	lgdt 4(%eax); nop
	jmp *%fs:(%eax)
	mov %fs:0, %eax
	.byte 0x2e, 0x2e, 0x2e, 0x2e; sti
	int $0x20; nop3
	int3
	mov %cr3, %eax; nop2
	nop
	mov %edx, %ecx
	nop
	mov %eax, %cr0; nop2
	nop
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
