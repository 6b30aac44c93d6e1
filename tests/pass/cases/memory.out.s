# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop2
	.byte 0x66, 0x90
	.endm
	.macro nop3
	.byte 0x0f, 0x1f, 0x00
	.endm
	.macro nop4
	.byte 0x0f, 0x1f, 0x40, 0x00
	.endm
	movl %eax, (%edx)
	movl %eax, (%edx)
	nop3
1:	movl (%edx), %eax
	nop3
2:	movw $5, 4(%ebp)
	movl %eax, x
	movl x, %edx
	movl $x, %edx
	movl $0x12345678, (%eax)
	mov %fs:4, %ecx
	movzbl (%eax), %eax
	nop2
	movzbl %al, %eax
	leal 4(%eax), %ecx
	lock cmpxchg8b (%esi)
	nop
	lock btsl $3, 8(%edi)
	lock btr %eax, (%ecx,%edx,4)
	rep stosl
	nop3
	rep movsb
	nop3
	cmpsb
	nop4
	es lodsb
	nop3
	es movl (%eax), %ecx
	nop2
	xchg %eax, (%edx)
	nop3
	xchgl %eax, %edx
	testb $1, %al
	setne (%eax)
	nop2
	cmovne (%eax), %edx
	nop2
	pushl (%eax)
	nop3
	popl 4(%esp)
	nop
	push %eax
	call *(%eax)
	jmp *x(,%eax,4)
	jne 1b
	prefetchnta (%eax)
	nopl (%eax)
	fldl (%eax)
	fxch %st(1)
	lgdt (%eax)
	nop2
	mov (%eax), %ds
	nop3
	.byte 0x2e, 0x2e, 0x2e, 0x2e
	sti
	movb %al, (%edx)
	nop3
	nop3
	mov (%eax), %ss
	movl 4(%eax), %esp
	nop2
	movl %eax, (%edx)
	incl (%eax)
	nop3
	incl (%eax)
	.data
x:	.long 0
