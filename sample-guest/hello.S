/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The smallest guest: no memory of its own, no interrupts, no paging. It prints one line on the first
 * serial port and leaves through the debug-exit port. If this runs, a loader and a machine are there.
 */
#include "machine.h"

	.section .multiboot, "a"
	.balign	4
	.long	MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl	_start
_start:
	cli
	movl	$message, %esi
1:	movb	(%esi), %al
	testb	%al, %al
	jz	3f
	movb	%al, %bl
	movl	$COM1 + UART_LSR, %edx
2:	inb	%dx, %al	/* wait for room in the transmitter */
	testb	$UART_LSR_THRE, %al
	jz	2b
	movb	%bl, %al
	movl	$COM1 + UART_THR, %edx
	outb	%al, %dx
	incl	%esi
	jmp	1b
3:	xorl	%eax, %eax
	outl	%eax, $DEBUG_EXIT
4:	hlt			/* a machine without the debug-exit port stops here */
	jmp	4b

	.section .rodata
message:
	.asciz	"hello, world\r\n"
	.section .note.GNU-stack, "", @progbits
