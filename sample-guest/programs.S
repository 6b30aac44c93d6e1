/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The programs, as the linker left them, inside the kernel's image. */
	.macro	program name
	.pushsection .rodata.images, "a"
	.balign	4096
1:	.incbin	"user/\name"
	.popsection
	.pushsection .rodata.names, "a"
2:	.asciz	"\name"
	.popsection
	.long	2b, 1b
	.endm

	.section .rodata
	.balign	4
	.globl	programs
programs:
	program	hello
	program	memory
	program	process
	program	tls
	program	fpu
	program	fault
	program	gate
	.long	0, 0
	.section .note.GNU-stack, "", @progbits
