/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multiboot entry: a stack, known flags, then C. */
	.section .multiboot, "a"
	.align 4
	.set	FLAGS, 0x3		/* page-aligned modules, memory information */
	.long	0x1badb002, FLAGS, -(0x1badb002 + FLAGS)

	.text
	.globl	_start
	.type	_start, @function
_start:
	movl	$boot_stack_top, %esp
	pushl	$0
	popfl
	pushl	%ebx
	pushl	%eax
	call	runtime_start
1:	cli
	hlt
	jmp	1b
	.size	_start, . - _start

	.bss
	.align	16
	.skip	16384
	.globl	boot_stack_top
boot_stack_top:
	.skip	16384
	.globl	trap_stack_top		/* where traps from ring 3 push */
trap_stack_top:

/* A segment without contents would be linked at address 0. */
	.section .user.data, "awx", @progbits
	.long	0

	.section .note.GNU-stack, "", @progbits
