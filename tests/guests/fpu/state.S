/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of x87, SSE and AVX to and from memory. */
	.text
	.globl	fx_load, fx_store, avx_load, avx_store
	.type	fx_load, @function
fx_load:
	movl	4(%esp), %eax
	fxrstor	(%eax)
	ret
	.type	fx_store, @function
fx_store:
	movl	4(%esp), %eax
	fxsave	(%eax)
	ret

	.type	avx_load, @function
avx_load:
	movl	4(%esp), %eax
	vmovdqu	0(%eax), %ymm0
	vmovdqu	32(%eax), %ymm1
	vmovdqu	64(%eax), %ymm2
	vmovdqu	96(%eax), %ymm3
	vmovdqu	128(%eax), %ymm4
	vmovdqu	160(%eax), %ymm5
	vmovdqu	192(%eax), %ymm6
	vmovdqu	224(%eax), %ymm7
	ret
	.type	avx_store, @function
avx_store:
	movl	4(%esp), %eax
	vmovdqu	%ymm0, 0(%eax)
	vmovdqu	%ymm1, 32(%eax)
	vmovdqu	%ymm2, 64(%eax)
	vmovdqu	%ymm3, 96(%eax)
	vmovdqu	%ymm4, 128(%eax)
	vmovdqu	%ymm5, 160(%eax)
	vmovdqu	%ymm6, 192(%eax)
	vmovdqu	%ymm7, 224(%eax)
	ret

/* Traps on a wedge: cli that nobody padded. */
	.globl	unpadded_cli
	.type	unpadded_cli, @function
	.set	.Lafterburner_off, 1
unpadded_cli:
	cli
	ret
	.set	.Lafterburner_off, 0

/* Ring 3: a system call, a page fault, and a while under the timer; int 0x81 ends it. */
	.section .user.text, "ax", @progbits
	.set	.Lafterburner_user, 1
	.globl	user_visit
user_visit:
	int	$0x80
	int	$0x80
	movl	user_hole, %eax
	movl	$200000, %ecx
1:	decl	%ecx
	jnz	1b
	int	$0x81
	.set	.Lafterburner_user, 0

	.section .user.data, "aw", @progbits
	.balign	4096
	.globl	user_hole
user_hole:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
