/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The switch itself: void switch_stacks(uint32_t *save, uint32_t load). C wants %ebx, %esi, %edi, %ebp and
 * %esp kept across a call (System V ABI for i386, 2.2.1); everything else the caller has saved.
 */
	.text
	.globl	switch_stacks
switch_stacks:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	20(%esp), %eax
	movl	24(%esp), %edx
	movl	%esp, (%eax)
	movl	%edx, %esp
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret
	.section .note.GNU-stack, "", @progbits
