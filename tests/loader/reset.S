/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resets itself twice, with paging on and its linear space turned about, and tells at each boot what it
 * found: .data and .bss must be new, other RAM stays as it was (on a PC, too).
 */
	.text
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

	.globl _start
_start:	movl $stack, %esp
	movw $0x3f8, %dx
	movb data, %al
	addb $'0', %al
	outb %al, %dx			/* 0 */
	movb bss, %al
	addb $'0', %al
	outb %al, %dx			/* 0 */
	movb boots, %al
	addb $'0', %al
	outb %al, %dx			/* 0, 1, 2 */
	movb $'\n', %al
	outb %al, %dx
	incb data
	incb bss
	incb boots
	cmpb $3, boots
	jne 1f
	xorl %eax, %eax
	outb %al, $0xf4

	/* Identity, but for the page of boots, which becomes the page at 2 MiB. */
1:	movl $table + 3, directory
	movl $table, %edi
	movl $3, %eax
	movl $1024, %ecx
2:	stosl
	addl $4096, %eax
	loop 2b
	movl $0x200003, table + (boots >> 12) * 4
	movl $directory, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	jmp 3f
3:	movb $7, boots			/* not that boots: the page at 2 MiB */
	movb $0xfe, %al
	outb %al, $0x64			/* the keyboard controller pulls the reset line */
4:	jmp 4b

	.equ boots, 0x300000

	.data
data:	.byte 0

	.bss
bss:	.skip 4096
stack:
	.balign 4096
directory:
	.skip 4096
table:	.skip 4096
	.section .note.GNU-stack, "", @progbits
