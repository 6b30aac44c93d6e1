/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Task switches as code: where they start, and what the other task runs. */
#include "tests/guests/task/task.h"

	.text
/* void jump_to_task(void), void call_task(void), void interrupt_task(void): registers are known. */
	.macro	SWITCH name, insn:vararg
	.globl	\name, \name\()_at, \name\()_behind
	.type	\name, @function
\name:
	pushal
	movl	$0x11111111, %eax
	movl	$0x22222222, %ecx
	movl	$0x33333333, %edx
	movl	$0x44444444, %ebx
	movl	$0x55555555, %ebp
	movl	$0x66666666, %esi
	movl	$0x77777777, %edi
	movl	%esp, switch_esp
	stc
\name\()_at:
	\insn
\name\()_behind:
	pushfl
	popl	flags_behind
	movl	%eax, regs_behind
	movl	%ecx, regs_behind + 4
	movl	%edx, regs_behind + 8
	movl	%ebx, regs_behind + 12
	movl	%esp, regs_behind + 16
	movl	%ebp, regs_behind + 20
	movl	%esi, regs_behind + 24
	movl	%edi, regs_behind + 28
	popal
	ret
	.size	\name, . - \name
	.endm

	SWITCH	jump_to_task, ljmpl $SEL_TASK, $0
	SWITCH	call_task, lcalll $SEL_TASK, $0
	SWITCH	interrupt_task, int $VEC_TASK

/* The other task: notes what it finds, goes back. Runs on each time it is entered. */
	.globl	task_by_jump
task_by_jump:
	call	task_notes
	ljmpl	$SEL_TSS, $0
	jmp	task_by_jump

	.globl	task_by_iret
task_by_iret:
	call	task_notes
	iretl
	jmp	task_by_iret

/* Does not go back where it came from. */
	.globl	task_of_double_fault
task_of_double_fault:
	popl	task_error
	call	task_notes
	call	double_fault_over

/* void fault_without_stack(uint32_t esp): a push where no page is. */
	.globl	fault_without_stack, fault_without_stack_at
fault_without_stack:
	movl	4(%esp), %esp
fault_without_stack_at:
	pushl	%eax
	ud2

	.bss
	.globl	regs_behind, flags_behind, switch_esp, task_error
regs_behind:
	.skip	32
flags_behind:
	.skip	4
switch_esp:
	.skip	4
task_error:
	.skip	4

	.section .note.GNU-stack, "", @progbits
