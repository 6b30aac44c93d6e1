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
	.pushsection .altinstr_replacement, "ax"
	.byte 0x2e, 0x2e; mov %cr3, %eax; .byte 0x0f, 0x01, 0xca; nop2
	nop
	.byte 0x2e, 0x2e, 0x2e, 0x2e; sti
	.popsection
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli; mov %eax, %ds; .byte 0x0f, 0x1f, 0x00
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
	.rept 2
	mov %cr0, %eax; nop2
	.endr
	.rept 2
	mov %eax, %cr4; nop2
	.endr
	mov %eax, %ecx; mov %eax, %ecx
	mov 4(%eax,%ebx,4), %ecx; mov 4(%eax,%ebx,4), %ecx
	.rept 2
	mov %ds, %eax; nop3
	.endr
	.rept 2
	nop3; mov %eax, %ss
	.endr
	push %eax; pop %eax; push %eax
	push %ds; nop4; pop %ds; nop4; push %ds; nop4
	push %ss; nop4; nop4; pop %ss; push %ss; nop4
	mov %cr3, %eax; nop2
	mov %eax, %cr3; nop2
	mov 8(%eax), %ecx
	mov $8, %ecx
	mov %cr3, %eax; nop2
	mov %cr3, %eax; nop2
	mov %cr0, %eax; nop2
1:	jmp 1b
	mov %eax, %ebx
1:	jmp 1b
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
	lgdt %cs:(%eax); nop
	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
	.byte 0x2e, 0x2e, 0x2e, 0x2e; hlt
	mov %cr2, %ebx; nop2
	mov %cr2, %ebx; nop2
	.data
	.ascii "out of memory; in time, int str"
