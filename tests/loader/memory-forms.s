# SPDX-License-Identifier: GPL-3.0-or-later
# Memory operations for patches.sh: forms of address and of instruction; behind "left native" those that stay as they are.
	.set .Lafterburner_memory, 1
	movl %eax, (%ebx)
	movl (%ebx), %ecx
	movl %ecx, (%ecx)
	movb $1, 4(%ecx, %ecx)
	movl %edx, (%esp)
	movl 8(%esp, %eax, 8), %edx
	movl %eax, (, %esi, 4)
	movl %eax, 0x1234(, %edi, 2)
	movl %eax, x
	movl x, %eax
	movb %al, x
	movl $0x12345678, x
	movw $1, 0x7f(%ebp)
	movzbl -4(%ebp, %esi), %eax
	xchgl %eax, (%edx)
	xchgl %ecx, (%edx)
	lock btsl $1, (%ebx)
	lock btrl %eax, (%ebx)
	lock cmpxchg8b (%esi)
	lock cmpxchgl %ecx, (%edx)
	orl $0x67, (%eax)
	andl %ecx, 4(%eax, %ebx, 4)
	addl (%esi), %ecx
	movl %es:(%ebx), %eax
	movl %ss:(%ebx), %eax
	# left native
	movl %fs:(%ebx), %eax
	movl %gs:x, %eax
	movl (%bx), %eax
	movl (%ebx), %esp
	pushl (%ebx)
	popl (%ebx)
	rep stosl
	movsb
	.set .Lafterburner_memory, 0
