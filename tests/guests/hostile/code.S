/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What hostile code tries, in ring 3 or in ring 0. Each attempt starts with a selector or an address in %ebx
 * and ends in some exception; `ud2` means that it got through. As written: this is not built with the toolchain.
 */
	.set	.Lafterburner_off, 1

	.section .user.text, "ax", @progbits
	.macro	ATTEMPT name
	.globl	try_\name
try_\name:
	.endm

	.macro	LOAD seg
	ATTEMPT	read_\seg
	movl	hostile_address, %ecx
	movl	%ebx, %\seg
	movl	%\seg:(%ecx), %eax
	ud2
	ATTEMPT	write_\seg
	movl	hostile_address, %ecx
	movl	hostile_value, %edx
	movl	%ebx, %\seg
	movl	%edx, %\seg:(%ecx)
	ud2
	.endm
	LOAD	ds
	LOAD	es
	LOAD	fs
	LOAD	gs

	ATTEMPT	write_ss
	movl	hostile_address, %ecx
	movl	hostile_value, %edx
	addl	$4, %ecx
	movl	%ebx, %ss
	movl	%ecx, %esp
	pushl	%edx
	ud2

	ATTEMPT	jump
	jmp	*%ebx

	/* hostile_far: where to. */
	ATTEMPT	far_jump
	ljmp	*hostile_far
	ATTEMPT	far_call
	lcall	*hostile_far
	ATTEMPT	far_return
	pushl	%ebx
	pushl	hostile_far
	lret
	ATTEMPT	interrupt_return
	pushfl
	pushl	%ebx
	pushl	hostile_far
	iretl

	.globl	landing
landing:
	ud2

	ATTEMPT	int80
	movl	%ebx, %eax
	int	$0x80
	ud2
	ATTEMPT	sysenter
	movl	%ebx, %eax
	sysenter
	ud2
	ATTEMPT	syscall
	movl	%ebx, %eax
	syscall
	ud2

/*
 * For the host's 64-bit code segment. What of it runs in a 32-bit one instead does nothing worse. An absolute
 * address without a base register is the same in both.
 */
	.macro	LOAD64 modrm, from	/* movl from, %register */
	.byte	0x8b, \modrm, 0x25
	.long	\from
	.endm
	.macro	BEGIN64
	LOAD64	0x04, hostile_call		/* %eax */
	LOAD64	0x3c, hostile_args		/* %edi */
	LOAD64	0x34, hostile_args + 4		/* %esi */
	LOAD64	0x14, hostile_args + 8		/* %edx */
	.byte	0x45, 0x31, 0xd2		/* xorl %r10d, %r10d */
	.byte	0x45, 0x31, 0xc0		/* xorl %r8d, %r8d */
	.byte	0x45, 0x31, 0xc9		/* xorl %r9d, %r9d */
	.endm
	.macro	END64
	.byte	0xc7, 0x04, 0x25		/* movl $1, hostile_returned */
	.long	hostile_returned, 1
	ud2
	.endm

	.globl	call64, int80_64, sysenter64, loop64, reach64
call64:
	BEGIN64
	syscall
	END64
int80_64:
	BEGIN64
	int	$0x80
	END64
sysenter64:
	BEGIN64
	sysenter
	END64
loop64:
	jmp	loop64
reach64:
	.byte	0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0x10, 0	/* movabs $1 << 52, %rax */
	.byte	0x8b, 0x00				/* movl (%rax), %eax */
	END64

	.section .user.data, "aw", @progbits
	.globl	hostile_address, hostile_value, hostile_far, hostile_call, hostile_args, hostile_returned, hostile_bytes
	.balign	4
hostile_address:
	.long	0
hostile_value:
	.long	0
hostile_far:
	.long	0, 0
hostile_call:
	.long	0
hostile_args:
	.long	0, 0, 0
hostile_returned:
	.long	0
	.balign	64
hostile_bytes:
	.skip	64

	.section .note.GNU-stack, "", @progbits
