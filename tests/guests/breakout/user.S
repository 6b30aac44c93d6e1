/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of ring 3 that know the wedge. They go on in 64-bit code: natively that far jump is a #GP. As written:
 * user programs are not built with the toolchain.
 */
	.set	.Lafterburner_off, 1

#define HOST_CODE64 0x33
#define USER_STUB 0x1000000000
#define USER_ORDERS 0x1000010000
#define OPERATIONS 0x800 /* in the orders */

	.section .user.text, "ax", @progbits

/* Read and write what is at %ebx. */
	.globl	try_memory
try_memory:
	ljmp	$HOST_CODE64, $1f
	.code64
1:	movl	(%rbx), %eax
	movl	$loot, %ecx
	movl	%eax, (%rcx)
	movl	$0, (%rbx)
	ud2
	.code32

/* Read what is at %ebx, as any program does. */
	.globl	try_peek
try_peek:
	movl	(%ebx), %eax
	movl	%eax, loot
	ud2

/*
 * Go on at an offset (%ebx) into the stub, with registers that mean something there, and with flags: by iret the first
 * instruction there is executed whatever TF is. Once: it may lead back to here.
 */
	.globl	try_stub
try_stub:
	incl	visits
	cmpl	$1, visits
	jne	1f
	ljmp	$HOST_CODE64, $2f
1:	ud2
	.code64
2:	movabsq	$USER_STUB, %rcx
	addq	%rbx, %rcx
	movl	$registers, %ebx
	movl	%esp, %esi
	movl	%ss, %eax
	pushq	%rax
	pushq	%rsi
	movl	20(%rbx), %eax
	pushq	%rax
	movl	%cs, %eax
	pushq	%rax
	pushq	%rcx
	movl	(%rbx), %eax
	movl	4(%rbx), %edi
	movl	8(%rbx), %esi
	movl	12(%rbx), %edx
	movl	16(%rbx), %ebx
	movl	$0x11, %r10d		/* MAP_SHARED | MAP_FIXED */
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	movabsq	$USER_ORDERS + OPERATIONS, %rbp
	iretq
	.code32

	.set	.Lafterburner_off, 0

	.section .user.data, "aw", @progbits
	.balign	4
	.globl	loot, visits, registers
loot:	.long	0
visits:	.long	0
registers:
	.skip	24

	.section .note.GNU-stack, "", @progbits
