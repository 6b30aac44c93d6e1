/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 5: the way into the kernel and out again. SDM vol. 3, 6.12 to 6.14.
 *
 * The CPU pushes (ss, esp if it came from ring 3,) eflags, cs, eip and for some exceptions an error code.
 * The entry of each vector evens that out and adds its number; trap_common saves the rest, so that the
 * stack holds a struct frame.
 */
#include "machine.h"

	.text
	.balign	16
	.globl	vector_entries
vector_entries:
	.set	vector, 0
	.rept	256
	.balign	16
	/* #DF #TS #NP #SS #GP #PF #AC push an error code themselves: SDM vol. 3, table 6-1. */
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	pushl	$0
	.endif
	pushl	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

	.balign	16
trap_common:
	pushl	%gs
	pushl	%fs
	pushl	%es
	pushl	%ds
	pushal
	cld
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	xorl	%eax, %eax	/* and nothing of a program's own that could go stale while it is away */
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%esp, %eax
	pushl	%eax
	call	trap
	addl	$4, %esp

	.globl	trap_return
trap_return:
	popal
	/*
	 * A program may have left a selector here whose descriptor is gone by now. Popping it faults; the
	 * exception table then sends us to code that makes it null and tries again.
	 */
	.macro	restore reg
1:	popl	\reg
2:	.pushsection __ex_table, "a"
	.long	1b, 2b, 3f
	.popsection
	.pushsection .text.fixup, "ax"
3:	movl	$0, (%esp)
	jmp	1b
	.popsection
	.endm
	restore	%ds
	restore	%es
	restore	%fs
	restore	%gs
	addl	$8, %esp	/* vector and error code */
	iret

	/* void enter_user(struct frame *f) */
	.globl	enter_user
enter_user:
	movl	4(%esp), %esp
	jmp	trap_return

	/* What GATE_SEL leads to, from ring 3: the sum of the two parameters that the gate has copied here. */
	.globl	gate_entry
gate_entry:
	movl	8(%esp), %eax
	addl	12(%esp), %eax
	lret	$8
	.section .note.GNU-stack, "", @progbits
