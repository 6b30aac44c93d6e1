/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of ring 3 that try what is not theirs. Each runs with the address to try in %ebx; ATTEMPT marks
 * the instruction that must trap. As written: user programs are not built with the toolchain.
 */
	.set	.Lafterburner_off, 1

	.macro	ATTEMPT name, insn:vararg
	.globl	try_\name, at_\name
try_\name:
at_\name:
	\insn
	ud2
	.endm

	.section .user.text, "ax", @progbits
	ATTEMPT	read, movl (%ebx), %eax
	ATTEMPT	write, movl %eax, (%ebx)
	ATTEMPT	jump, jmp *%ebx
	ATTEMPT	call, call *%ebx
	ATTEMPT	push, pushl (%ebx)
	ATTEMPT	load_ds, movl %ebx, %ds
	ATTEMPT	load_ss, movl %ebx, %ss
	ATTEMPT	far_call, lcall $0x08, $0x100000
	ATTEMPT	far_jump, ljmp $0x08, $0x100000
	ATTEMPT	sysenter, sysenter
	ATTEMPT	syscall, syscall
	ATTEMPT	int80, int $0x80
	ATTEMPT	int81, int $0x81
	ATTEMPT	int_device, int $0x20
	ATTEMPT	divide, divl %ecx
	ATTEMPT	undefined, ud2
	ATTEMPT	bound, boundl %eax, user_bounds
	ATTEMPT	breakpoint, int3
	ATTEMPT	hlt, hlt
	ATTEMPT	cli, cli
	ATTEMPT	rdmsr, rdmsr
	ATTEMPT	mov_cr0, movl %eax, %cr0
	ATTEMPT	out, outb %al, $0x80

	.globl	try_movs, at_movs
try_movs:
	movl	%ebx, %esi
at_movs:
	movsl
	ud2

	.globl	try_return
try_return:
	pushl	%ebx
	ret

	.globl	try_stack
try_stack:
	movl	%ebx, %esp
	.globl	at_stack
at_stack:
	pushl	%eax
	ud2

	.globl	try_step, at_step
try_step:
	pushl	$0x102
	popfl
	nop
at_step:
	nop
	ud2

	.set	.Lafterburner_off, 0

/* A padded system call, whatever the stack pointer is. */
	.set	.Lafterburner_user, 1
	.globl	try_padded, after_padded
try_padded:
	movl	%ebx, %esp
	int	$0x80
after_padded:
	ud2
	.set	.Lafterburner_user, 0
	.section .user.data, "aw", @progbits
	.globl	user_bounds
user_bounds:
	.long	1, 1

	.section .note.GNU-stack, "", @progbits
