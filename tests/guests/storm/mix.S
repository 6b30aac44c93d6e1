/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * void mix(uint32_t state[7], uint32_t rounds): arithmetic whose every flag and register matters, with
 * cli, sti, pushf, popf and iret in between. An interrupt at any place must leave no trace in the result.
 * `disabled` is 1 where no interrupt may be delivered.
 */
	.macro	OFF
	movl	$1, disabled		/* mov touches no flags */
	.endm
	.macro	ON
	movl	$0, disabled
	.endm

/* One round over eax ebx ecx edx esi edi ebp. Clean: without the sensitive instructions. */
	.macro	ROUND clean=0
	addl	%ebx, %eax
	.ifeq	\clean
	cli
	OFF
	.endif
	adcl	%ecx, %edx
	.ifeq	\clean
	ON
	sti
	.endif
	rcll	$7, %esi
	.ifeq	\clean
	pushfl
	cli
	OFF
	.endif
	leal	(%esi, %edi, 2), %edi
	.ifeq	\clean
	ON
	popfl
	.endif
	sbbl	%edi, %ebp
	.ifeq	\clean
	pushfl
	pushl	%cs
	pushl	$1f
	iretl
1:
	.endif
	rcrl	$3, %ebx
	.ifeq	\clean
	pushfl
	cli
	OFF
	pushl	%ds
	popl	%ds
	pushl	%cs
	pushl	$1f
	ON
	iretl
1:
	.endif
	adcl	%ebp, %ecx
	std
	.ifeq	\clean
	cli
	OFF
	pushfl
	ON
	sti
	popfl				/* off again, whatever sti did */
	OFF
	ON
	sti
	.endif
	xorl	%eax, %edi
	.ifeq	\clean
	pushfl
	popfl
	.endif
	cld
	roll	$11, %eax
	adcl	$0x1234567, %edx
	.endm

	.macro	MIX name, clean
	.globl	\name
	.type	\name, @function
\name:
	pushal
	movl	36(%esp), %edi
	movl	40(%esp), %eax
	movl	%eax, rounds_left
	movl	0(%edi), %eax
	movl	4(%edi), %ebx
	movl	8(%edi), %ecx
	movl	12(%edi), %edx
	movl	16(%edi), %esi
	movl	24(%edi), %ebp
	movl	20(%edi), %edi
2:	ROUND	\clean
	decl	rounds_left
	jnz	2b
	pushl	%edi
	movl	40(%esp), %edi
	movl	%eax, 0(%edi)
	movl	%ebx, 4(%edi)
	movl	%ecx, 8(%edi)
	movl	%edx, 12(%edi)
	movl	%esi, 16(%edi)
	popl	20(%edi)
	movl	%ebp, 24(%edi)
	popal
	ret
	.size	\name, . - \name
	.endm

	.text
	MIX	mix, 0
	MIX	mix_clean, 1

/* uint32_t window_KIND(void): interrupts are off; opens for one instruction by KIND and shuts again. */
	.macro	WINDOW name
	.globl	\name
	.type	\name, @function
\name:
	.endm
	WINDOW	window_sti
	ON
	sti
	nop
	cli
	OFF
	ret
	WINDOW	window_popf
	pushl	$0x202
	ON
	popfl
	cli
	OFF
	ret
	WINDOW	window_iret
	pushl	$0x202
	pushl	%cs
	pushl	$1f
	ON
	iretl
1:	cli
	OFF
	ret

/*
 * The system call: counts, and looks at its frame and at the registers it finds. The data segments are
 * ring 3's, and flat.
 */
	.globl	syscall_entry
	.type	syscall_entry, @function
syscall_entry:
	incl	syscalls
	pushfl
	testl	$0x200, (%esp)		/* an interrupt gate: IF is clear */
	jnz	9f
	cmpl	$user_called, 4(%esp)
	jne	9f
	cmpl	$0x1b, 8(%esp)
	jne	9f
	testl	$0x200, 12(%esp)
	jz	9f
	cmpl	$0x23, 20(%esp)
	jne	9f
	cmpl	%ebp, 16(%esp)		/* ring 3 keeps its %esp there */
	jne	9f
	cmpl	%esi, %edi
	jne	9f
	popfl
	iretl
9:	incl	bad_frames
	popfl
	iretl
	.size	syscall_entry, . - syscall_entry

	.bss
	.globl	syscalls, bad_frames
syscalls:
	.skip	4
bad_frames:
	.skip	4

/* Ring 3: the same arithmetic, then the result by int 0x80 in eax ebx ecx edx esi edi ebp. */
	.section .user.text, "ax", @progbits
	.set	.Lafterburner_user, 1
	.globl	user_mix
user_mix:
	movl	$0x1000, user_rounds
3:	ROUND	1
	decl	user_rounds
	jnz	3b
	int	$0x80

/* 4096 system calls, then the carry that survived them all and a checksum by int 0x81. */
	.globl	user_calls, user_called
user_calls:
	movl	$0x1000, %ecx
	movl	%esp, %ebp
	xorl	%edx, %edx
	stc
4:	leal	1(%esi), %esi
	leal	1(%edi), %edi
	int	$0x80
user_called:
	adcl	%ecx, %edx
	stc
	leal	-1(%ecx), %ecx
	jecxz	5f
	jmp	4b
5:	setc	%cl
	int	$0x81
	.set	.Lafterburner_user, 0
	.section .user.data, "aw", @progbits
user_rounds:
	.long	0

	.section .note.GNU-stack, "", @progbits
