/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The 256 interrupt entries. Each leaves struct frame (runtime.h) on the stack and calls
 * trap_dispatch(). Vectors with an error code: SDM vol. 3, table 6-1.
 */
	.set	KERNEL_DS, 0x10

	.text
	.macro	ENTRY vector
	.align	16
	.if	(\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17)
	.else
	pushl	$0
	.endif
	pushl	$\vector
	jmp	entry_common
	.endm

	.align	16
	.globl	trap_entries
trap_entries:
	.set	i, 0
	.rept	256
	ENTRY	i
	.set	i, i + 1
	.endr

	.type	entry_common, @function
entry_common:
	pushal
	pushl	%ds
	pushl	%es
	pushl	%fs
	pushl	%gs
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	cld
	pushl	%esp
	call	trap_dispatch
	addl	$4, %esp
	.globl	trap_return
trap_return:
	popl	%gs
	popl	%fs
	popl	%es
	popl	%ds
	popal
	addl	$8, %esp
	iretl
	.size	entry_common, . - entry_common

/*
 * int context_save(struct context *): returns 0, and once more with the value that
 * context_restore(struct context *, int value) names. As setjmp and longjmp.
 */
	.globl	context_save
	.type	context_save, @function
context_save:
	movl	4(%esp), %eax
	movl	%ebx, 0(%eax)
	movl	%esi, 4(%eax)
	movl	%edi, 8(%eax)
	movl	%ebp, 12(%eax)
	movl	%esp, 16(%eax)
	movl	(%esp), %ecx
	movl	%ecx, 20(%eax)
	xorl	%eax, %eax
	ret
	.size	context_save, . - context_save

	.globl	context_restore
	.type	context_restore, @function
context_restore:
	movl	4(%esp), %edx
	movl	8(%esp), %eax
	movl	0(%edx), %ebx
	movl	4(%edx), %esi
	movl	8(%edx), %edi
	movl	12(%edx), %ebp
	movl	16(%edx), %esp
	movl	20(%edx), %ecx
	movl	%ecx, (%esp)
	ret
	.size	context_restore, . - context_restore

/*
 * void enter_user_with(uint32_t eip, uint32_t esp, uint32_t eflags, uint32_t ebx): to ring 3 with all
 * other registers 0, not to return.
 */
	.globl	enter_user_with
	.type	enter_user_with, @function
enter_user_with:
	movl	4(%esp), %eax
	movl	8(%esp), %ecx
	movl	12(%esp), %edx
	movl	16(%esp), %ebx
	movl	$0x23, %esi
	movl	%esi, %ds
	movl	%esi, %es
	pushl	%esi
	pushl	%ecx
	pushl	%edx
	pushl	$0x1b
	pushl	%eax
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	iretl
	.size	enter_user_with, . - enter_user_with

	.section .note.GNU-stack, "", @progbits
