# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop4
	.byte 0x0f, 0x1f, 0x40, 0x00
	.endm
	.macro nop2
	.byte 0x66, 0x90
	.endm
foo:	cli; nop4; nop; mov %cr0, %eax; nop2; nop
bar: baz: cli; nop4
	mov %eax, %cr0; nop2; nop
1:	pushf; nop4
2:	popf; nop4
	jmp 1b
	je 2b
	movb $59, %al; cli; nop4
	movb $34, %al; cli; nop4
	.ascii "cli; mov %cr0, %eax"
	lock; incl (%eax)
	mov %cs:4(%eax), %edx
	mov %ds:(%esi), %al; mov %fs:0, %eax
	movw %ax, %ds:(%edi)
	push %eax; pushl %fs:4
	push %fs; .byte 0x0f, 0x1f, 0x00
	pop %gs; .byte 0x0f, 0x1f, 0x00
	movl $3, %eax
int:	jmp int
	cli; nop4
	cli; nop4
	cli; nop4
	mov %ds, %eax; .byte 0x0f, 0x1f, 0x00
	mov %es, %eax; .byte 0x0f, 0x1f, 0x00
	.section .text.other, "ax"
	cli; nop4
	.previous
	cli; nop4
	{disp32} lgdt 4(%eax)
	mov %db7, %eax; nop2
	ret
