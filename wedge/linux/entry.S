/* SPDX-License-Identifier: MIT */
/*
 * Between the guest's 32-bit code and the monitor's C.
 *
 * Two ways in: the gate (a far jump from a trampoline) and signals. Either stores what the real CPU
 * holds into linux_state; one way out loads it again, by iretq. A signal's frame is given up: sigreturn
 * would cost a system call. Before any C runs, FS must be the C library's thread pointer: guest code loads %fs as it likes.
 *
 * The guest's FPU state stays in the registers while the gate's C runs: the wedge is compiled without
 * FPU and SSE. What calls the C library for more than a system call saves it around that (host.c).
 */
#include "wedge/linux/state.h"

#define STATE(offset) linux_state + (offset)(%rip)
#define UC_FPREGS 224 /* in a ucontext_t */
#define GPR(n) STATE(ST_GPR + 4 * (n))
#define SEL(n) STATE(ST_SEL + 4 * (n))
#include "wedge/linux/registers.h"

	.macro	load_changed seg, n
	movl	%\seg, %eax
	cmpw	SEL(\n), %ax
	je	1f
	movw	SEL(\n), %\seg
1:
	.endm

	.text

/* From the window's gate, in 64-bit mode. Only the low halves of the registers mean anything. */
	.globl	linux_gate_entry
	.type	linux_gate_entry, @function
linux_gate_entry:
	save_gprs
	movq	STATE(ST_HOST_RSP), %rsp
	pushfq
	popq	%rax
	movl	%eax, STATE(ST_EFLAGS)
	pushq	$2			/* DF, AC, NT and TF off for C */
	popfq
	save_segment es, 0
	save_segment ss, 2
	save_segment ds, 3
	save_segment fs, 4
	save_segment gs, 5
	rdfsbase %rax
	movq	%rax, STATE(ST_GUEST_FS)
	movq	STATE(ST_HOST_FS), %rax
	wrfsbase %rax
	xorl	%ebp, %ebp
	call	linux_gate
	jmp	linux_exit_begin
	.size	linux_gate_entry, . - linux_gate_entry

/* The guest's FPU state to linux_fpu, and back. */
	.globl	linux_fpu_save
	.type	linux_fpu_save, @function
linux_fpu_save:
	movl	STATE(ST_XCR0), %eax
	movl	STATE(ST_XCR0 + 4), %edx
	xsave64	linux_fpu(%rip)
	ret
	.size	linux_fpu_save, . - linux_fpu_save

	.globl	linux_fpu_restore
	.type	linux_fpu_restore, @function
linux_fpu_restore:
	movl	STATE(ST_XCR0), %eax
	movl	STATE(ST_XCR0 + 4), %edx
	xrstor64 linux_fpu(%rip)
	ret
	.size	linux_fpu_restore, . - linux_fpu_restore

	.globl	linux_resume
	.type	linux_resume, @function
linux_resume:
	movq	STATE(ST_HOST_RSP), %rsp
	call	linux_fpu_restore
/*
 * A signal that arrives from here to the iretq finds linux_state complete: it sets attention and
 * starts over at linux_exit_restart, so that no event is left waiting while the guest runs.
 */
	.globl	linux_exit_begin
linux_exit_begin:
	cmpl	$0, STATE(ST_ATTENTION)
	jne	linux_exit_restart
	cmpl	$0, STATE(ST_USER)
	jne	linux_exit_user
	cmpl	$0, STATE(ST_RELOAD)
	jne	3f
	/* C has left these alone but for the base of %fs; a load of %fs or %gs costs 100 cycles. */
	load_changed es, 0
	load_changed ds, 3
	load_changed gs, 5
	movl	%fs, %eax
	cmpw	SEL(4), %ax
	jne	1f
	movq	STATE(ST_GUEST_FS), %rax
	wrfsbase %rax
	jmp	2f
3:	movl	$0, STATE(ST_RELOAD)
	movw	SEL(0), %es
	movw	SEL(3), %ds
	movw	SEL(5), %gs
1:	movw	SEL(4), %fs
2:	movl	SEL(2), %eax
	pushq	%rax
	movl	GPR(4), %eax
	pushq	%rax
	movl	STATE(ST_EFLAGS), %eax
	pushq	%rax
	movl	SEL(1), %eax
	pushq	%rax
	movl	STATE(ST_EIP), %eax
	pushq	%rax
	movl	GPR(0), %eax
	movl	GPR(1), %ecx
	movl	GPR(2), %edx
	movl	GPR(3), %ebx
	movl	GPR(5), %ebp
	movl	GPR(6), %esi
	movl	GPR(7), %edi
	iretq
	.globl	linux_exit_end
linux_exit_end:
	.size	linux_resume, . - linux_resume

	.globl	linux_exit_restart
linux_exit_restart:
	movl	$1, STATE(ST_RELOAD)
	movq	STATE(ST_HOST_RSP), %rsp
	movq	STATE(ST_HOST_FS), %rax
	wrfsbase %rax
	call	linux_attention
	jmp	linux_exit_begin

linux_exit_user:
	movq	STATE(ST_HOST_RSP), %rsp
	call	linux_user
	jmp	linux_exit_begin

/* The guest's FPU state to and from memory that a user process writes. */
	.globl	linux_user_fpu_save
	.type	linux_user_fpu_save, @function
linux_user_fpu_save:
	movl	STATE(ST_XCR0), %eax
	movl	STATE(ST_XCR0 + 4), %edx
	xsave64	(%rdi)
	ret
	.size	linux_user_fpu_save, . - linux_user_fpu_save

	.globl	linux_user_fpu_restore
	.type	linux_user_fpu_restore, @function
linux_user_fpu_restore:
	movl	STATE(ST_XCR0), %eax
	movl	STATE(ST_XCR0 + 4), %edx
	.globl	linux_user_fpu_load
linux_user_fpu_load:
	xrstor64 (%rdi)
	movl	$1, %eax
	ret
	.globl	linux_user_fpu_refused
linux_user_fpu_refused:
	xorl	%eax, %eax
	ret
	.size	linux_user_fpu_restore, . - linux_user_fpu_restore

/*
 * Signal handler, on the alternate stack: (int sig, siginfo_t *, ucontext_t *). The kernel saved
 * general registers, %cs, %ss and the FPU in the context and leaves %ds %es %fs %gs alone. When the
 * monitor itself was interrupted, it returns; from guest code, it leaves as the gate does.
 */
	.globl	linux_signal_entry
	.type	linux_signal_entry, @function
linux_signal_entry:
	rdfsbase %rax
	pushq	%rax
	subq	$48, %rsp
	movq	%rdx, 32(%rsp)
	movl	%es, %eax
	movl	%eax, 0(%rsp)
	movl	%ds, %eax
	movl	%eax, 12(%rsp)
	movl	%fs, %eax
	movl	%eax, 16(%rsp)
	movl	%gs, %eax
	movl	%eax, 20(%rsp)
	pushq	$2
	popfq
	movq	STATE(ST_HOST_FS), %rax
	wrfsbase %rax
	movq	%rsp, %rcx
	call	linux_signal
	movq	32(%rsp), %rdx
	testl	%eax, %eax
	jnz	1f
	addq	$48, %rsp
	popq	%rcx
	wrfsbase %rcx
	ret
1:	movq	48(%rsp), %rax
	movq	%rax, STATE(ST_GUEST_FS)
	movq	UC_FPREGS(%rdx), %rcx
	movl	STATE(ST_XCR0), %eax
	movl	STATE(ST_XCR0 + 4), %edx
	xrstor64 (%rcx)
	movq	STATE(ST_HOST_RSP), %rsp
	jmp	linux_exit_begin
	.size	linux_signal_entry, . - linux_signal_entry

	.section .note.GNU-stack, "", @progbits
