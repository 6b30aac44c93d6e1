/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One access each. The result is in eax; the ones of ring 3 end with a system call. */
	.text
	.macro	KERNEL name, body:vararg
	.globl	kernel_\name
	.type	kernel_\name, @function
kernel_\name:
	movl	4(%esp), %edx
	movl	8(%esp), %eax
	\body
	ret
	.size	kernel_\name, . - kernel_\name
	.endm

	KERNEL	read, movl (%edx), %eax
	KERNEL	write, movl %eax, (%edx)
	KERNEL	modify, lock xaddl %eax, (%edx)
	KERNEL	fetch, call *%edx

	.section .user.text, "ax", @progbits
	.set	.Lafterburner_user, 1
	.macro	USER name, body:vararg
	.globl	user_\name
user_\name:
	movl	user_address, %edx
	movl	user_value, %eax
	\body
	int	$0x80
	.endm

	USER	read, movl (%edx), %eax
	USER	write, movl %eax, (%edx)
	USER	modify, lock xaddl %eax, (%edx)
	USER	fetch, jmp *%edx
	.set	.Lafterburner_user, 0

	.section .user.data, "awx", @progbits
	.globl	user_address, user_value
user_address:
	.long	0
user_value:
	.long	0
	.skip	256
	.globl	user_stack_top
user_stack_top:

	.section .note.GNU-stack, "", @progbits
