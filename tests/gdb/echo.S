/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints each byte that comes over the serial line, in brackets and plus one. Ends at `!`, with a triple
 * fault at `*`, halted with interrupts off at `%`, and reads no more after `~`. No timer and no interrupt:
 * the terminal is listened to all the same.
 */
	.set	COM1, 0x3f8
	.set	LSR_DATA, 1
	.set	MAGIC, 0x1badb002

	.section .text
	.long	MAGIC, 0, -MAGIC
	.globl	_start
_start:
	movl	$0x8000, %esp
	movb	$'>', %al
	call	put
	movb	$'\n', %al
	call	put
1:	movw	$COM1 + 5, %dx
	inb	%dx, %al
	testb	$LSR_DATA, %al
	jz	1b
	movw	$COM1, %dx
	inb	%dx, %al
	cmpb	$'!', %al
	je	2f
	cmpb	$'*', %al
	je	3f
	cmpb	$'%', %al
	je	4f
	cmpb	$'~', %al
	je	5f
	movb	%al, %bl
	movb	$'[', %al
	call	put
	leal	1(%ebx), %eax
	call	put
	movb	$']', %al
	call	put
	movb	$'\n', %al
	call	put
	jmp	1b
2:	movb	$0, %al
	outb	%al, $0xf4
	hlt
3:	ud2
4:	cli
	hlt
5:	jmp	5b
put:	movw	$COM1, %dx
	outb	%al, %dx
	ret
	.section .note.GNU-stack, "", @progbits
