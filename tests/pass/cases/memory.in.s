# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	movl %eax, (%edx)
	.set .Lafterburner_memory, 1
	movl %eax, (%edx)
1:	movl (%edx), %eax
2:	movw $5, 4(%ebp)
	movl %eax, x
	movl x, %edx
	movl $x, %edx
	movl $0x12345678, (%eax)
	mov %fs:4, %ecx
	movzbl (%eax), %eax ; movzbl %al, %eax
	leal 4(%eax), %ecx
	lock; cmpxchg8b (%esi)
	lock
	btsl $3, 8(%edi)
	lock btr %eax, (%ecx,%edx,4)	# a comment (with) parentheses
	rep; stosl
	rep movsb
	cmpsb
	es; lodsb
	es; movl (%eax), %ecx
	xchg %eax, (%edx)
	xchgl %eax, %edx
	testb $1, /* (not this) */ %al
	setne (%eax)
	cmovne (%eax), %edx
	pushl (%eax)
	popl 4(%esp)
	push %eax
	call *(%eax)
	jmp *x(,%eax,4)
	jne 1b
	prefetchnta (%eax)
	nopl (%eax)
	fldl (%eax)
	fxch %st(1)
	lgdt (%eax)
	mov (%eax), %ds
	sti
	movb %al, (%edx)
	.pushsection .rodata, "a"
	.macro frob a:vararg
	.long 7
	.endm
	frob (%eax)
	.popsection
	mov (%eax), %ss
	movl 4(%eax), %esp
	.set .Lafterburner_memory, 0
	movl %eax, (%edx)
	.Lafterburner_memory = 1
	incl (%eax)
	.Lafterburner_memory = 0
	incl (%eax)
	.data
x:	.long 0
