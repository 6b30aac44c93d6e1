/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tasks for test-task.c. Each does its work, goes back the way that it was entered by, and finds itself
 * behind that instruction when it is entered again.
 */
#include "machine.h"

	.text
	.globl	task_jumped, task_called, task_faulted
task_jumped:
	call	task_note
	ljmp	$TSS_SEL, $0
	jmp	task_jumped

task_called:
	call	task_note
	iret
	jmp	task_called

task_faulted:			/* the CPU has pushed the error code */
	call	task_mend
	addl	$4, %esp
	iret
	jmp	task_faulted
	.section .note.GNU-stack, "", @progbits
