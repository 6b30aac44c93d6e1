/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Into a case and out of it again. case_enter(const struct input *) loads the whole state and goes to
 * the instruction by iret; whatever vector then arrives is where it returns, with struct outcome filled.
 * No C code runs on the case's stack or segments.
 */
#include "tests/guests/runtime/selectors.h"

/* struct input, differential guest's main.h */
	.set	IN_GPR, 0
	.set	IN_ES, 32
	.set	IN_DS, 36
	.set	IN_FS, 40
	.set	IN_GS, 44
	.set	IN_FRAME, 48
/* struct outcome */
	.set	OUT_EFLAGS, outcome + 32
	.set	OUT_EIP, outcome + 36
	.set	OUT_CS, outcome + 40
	.set	OUT_SS, outcome + 44
	.set	OUT_DS, outcome + 48
	.set	OUT_ES, outcome + 52
	.set	OUT_FS, outcome + 56
	.set	OUT_GS, outcome + 60
	.set	OUT_VECTOR, outcome + 64
	.set	OUT_ERROR, outcome + 68

	.text
	.globl	case_enter
	.type	case_enter, @function
case_enter:
	movl	4(%esp), %eax
	pushal
	movl	%esp, harness_esp
	movl	IN_FRAME(%eax), %esp
	movl	IN_FS(%eax), %ecx
	movl	%ecx, %fs
	movl	IN_GS(%eax), %ecx
	movl	%ecx, %gs
	movl	IN_ES(%eax), %ecx
	movl	%ecx, %es
	movl	IN_DS(%eax), %ecx
	movl	%ecx, %ds
	movl	IN_GPR + 4(%eax), %ecx
	movl	IN_GPR + 8(%eax), %edx
	movl	IN_GPR + 12(%eax), %ebx
	movl	IN_GPR + 20(%eax), %ebp
	movl	IN_GPR + 24(%eax), %esi
	movl	IN_GPR + 28(%eax), %edi
	movl	IN_GPR(%eax), %eax
	iretl
	.size	case_enter, . - case_enter

	.macro	CAPTURE vector
	.align	16
	.if	(\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17)
	.else
	pushl	$0
	.endif
	pushl	$\vector
	jmp	capture
	.endm

	.align	16
	.globl	capture_entries
capture_entries:
	.set	i, 0
	.rept	256
	CAPTURE	i
	.set	i, i + 1
	.endr

	.type	capture, @function
capture:
	pushl	%eax
	movl	%ds, %eax
	pushl	%eax
	movl	$SEL_KDATA, %eax
	movl	%eax, %ds
	popl	OUT_DS
	popl	outcome
	movl	%ecx, outcome + 4
	movl	%edx, outcome + 8
	movl	%ebx, outcome + 12
	movl	%ebp, outcome + 20
	movl	%esi, outcome + 24
	movl	%edi, outcome + 28
	movl	%es, %eax
	movl	%eax, OUT_ES
	movl	%fs, %eax
	movl	%eax, OUT_FS
	movl	%gs, %eax
	movl	%eax, OUT_GS
	movl	%ss, %eax
	movl	%eax, OUT_SS
	popl	OUT_VECTOR
	popl	OUT_ERROR
	popl	OUT_EIP
	popl	OUT_CS
	popl	OUT_EFLAGS
	movl	%esp, outcome + 16
	testl	$3, OUT_CS
	jz	1f
	popl	outcome + 16
	popl	OUT_SS
1:	movl	$SEL_KDATA, %eax
	movl	%eax, %es
	movl	%eax, %ss
	cmpl	$0, harness_esp
	je	stray_trap		/* the harness itself trapped */
	movl	harness_esp, %esp
	movl	$0, harness_esp
	cld
	popal
	ret
	.size	capture, . - capture

	.globl	kernel_landing
kernel_landing:
	ud2

/*
 * What a case may touch: a stack and data at the ends of their pages, with nothing mapped behind them.
 * Page 0 is scratch, 1 the stack, 2 a hole, 3 data, 4 a hole, 5 read-only, 6 not for ring 3.
 */
	.section .user.data, "aw", @progbits
	.balign	4096
	.globl	arena, diff_data
arena:
	.skip	4 * 4096 - 128
diff_data:
	.skip	128 + 3 * 4096

	.section .note.GNU-stack, "", @progbits
