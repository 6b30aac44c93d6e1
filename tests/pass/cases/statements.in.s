# --32
# SPDX-License-Identifier: GPL-3.0-or-later
# Statements, labels, comments and strings as people and compilers write them.
foo:	cli; nop; mov %cr0, %eax; nop
bar: baz:CLI	# comment; cli
	/* a comment
	   cli; of two lines */ movl %eax , %cr0 /* behind it */ ; nop
	1: pushf; 2:popf
	jmp 1b
	je 2b
	movb $';', %al; cli
	movb $'", %al; cli
	.ascii "cli; mov %cr0, %eax"
	lock; incl (%eax)
	mov %cs:4(%eax), %edx
	mov %ds:(%esi), %al; mov %fs:0, %eax
	movw %ax, %ds:(%edi)
	push %eax; pushl %fs:4
	push	%fs ;pop %gs
	in = 3
	movl $in, %eax
int:	jmp int
	.if 1
	cli
	.else
	hlt
	.endif
	.rept 2
	cli
	.endr
	.irp r, ds, es
	mov %\r, %eax
	.endr
	.section .text.other, "ax"
	cli
	.previous
	cli
	{disp32} lgdt 4(%eax)
	mov	%db7,%eax
	ret
