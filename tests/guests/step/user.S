/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program of ring 3 to be single-stepped, and marks in it. As written: each step is an instruction. */
	.set	.Lafterburner_off, 1
	.section .user.text, "ax", @progbits
	.globl	stepped
stepped:
	movl	$5, %ecx
1:	leal	(%ecx, %ecx, 2), %eax
	decl	%ecx
	jnz	1b
	call	2f
	pushl	%eax
	pushl	$step_data
	popl	%esi
	popl	%eax
	movl	$step_data + 64, %edi
	movl	$3, %ecx
	cld
	rep movsb			/* a trap after each repetition */
	movl	$0, %ecx
	rep stosl
	pushfl				/* TF is seen */
	popl	%ebx
	andl	$0x100, %ebx
	movl	%ds, %edx
	movl	%edx, %es
	movl	%ss, %edx
	movl	%edx, %ss		/* no trap behind this one */
	nop

	xchgl	%eax, step_data + 96
	lock incl step_data + 100
	int	$0x80			/* TF goes off for the handler, comes back with iret */
	nop
	int3
	nop
	movl	$step_hole, %esi
	movl	(%esi), %eax		/* a page fault, mended, then the trap */
	movl	%eax, (%esi)
	movl	$1, %eax
	xorl	%edx, %edx
	xorl	%ecx, %ecx
	.globl	step_divide
step_divide:
	divl	%ecx			/* the handler steps over it */
	nop
	pushfl
	andl	$~0x100, (%esp)
	popfl				/* a trap behind this one still, then no more */
	nop
	int	$0x81
2:	ret

	.set	.Lafterburner_off, 0
	.section .user.data, "aw", @progbits
	.balign	4096
	.globl	step_data, step_hole
step_data:
	.skip	4096
step_hole:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
