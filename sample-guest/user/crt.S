/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a program starts, and its way into the kernel. */
	.text
	.globl	_start
_start:
	popl	%eax			/* a return address that is none; the argument stays on the stack */
	call	main
	pushl	%eax
	call	exit

	/* int32_t system_call(number, a, b, c) */
	.globl	system_call
system_call:
	pushl	%ebx
	movl	8(%esp), %eax
	movl	12(%esp), %ebx
	movl	16(%esp), %ecx
	movl	20(%esp), %edx
	int	$0x80
	popl	%ebx
	ret
	.section .note.GNU-stack, "", @progbits
