/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 1: from the boot loader to C.
 *
 * A multiboot loader leaves us in 32-bit protected mode, flat segments, paging off, interrupts off
 * (Multiboot 0.6.96, 3.2). This code runs at its physical address, builds a page directory of 4 MiB
 * pages that shows physical memory at 0 and again at KERNEL_BASE, turns paging on and jumps up.
 */
#include "machine.h"

	.section .multiboot, "a"
	.balign	4
	.long	MULTIBOOT_MAGIC, MULTIBOOT_MEMORY, -(MULTIBOOT_MAGIC + MULTIBOOT_MEMORY)

	.section .boot.text, "ax"
	.globl	_start
_start:
	cli
	cld
	movl	%eax, %esi		/* MULTIBOOT_LOADED, if the loader is one */
	movl	%ebx, %edi		/* physical address of its information */

	/* The loader's GDT may be anywhere: SDM vol. 3, 9.9.1 wants our own, and a far jump into it. */
	lgdt	boot_gdtr
	ljmp	$KERNEL_CS, $1f
1:	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss

	/* 4 MiB pages, present, writable, for the kernel: SDM vol. 3, 4.3, table 4-4. */
	movl	$0x83, %eax
	movl	%eax, boot_directory	/* the first one also where we stand now */
	movl	$boot_directory + (KERNEL_BASE >> 20), %edx
	movl	$(DIRECT_SIZE >> 22), %ecx
2:	movl	%eax, (%edx)
	addl	$LARGE_PAGE_SIZE, %eax
	addl	$4, %edx
	loop	2b

	movl	%cr4, %eax
	orl	$0x10, %eax		/* CR4.PSE */
	movl	%eax, %cr4
	movl	$boot_directory, %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	$0x80010000, %eax	/* CR0.PG, and CR0.WP: the kernel respects read-only pages */
	movl	%eax, %cr0
	movl	$high, %eax
	jmp	*%eax

	.section .boot.data, "aw"
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* KERNEL_CS: flat code */
	.quad	0x00cf93000000ffff	/* KERNEL_DS: flat data */
boot_gdtr:
	.word	. - boot_gdt - 1
	.long	boot_gdt
	.balign	PAGE_SIZE
boot_directory:
	.fill	1024, 4, 0

	.text
high:
	movl	$boot_stack_top, %esp
	xorl	%ebp, %ebp		/* a backtrace ends here */
	pushl	%edi
	pushl	%esi
	call	kernel_main
	/* not reached */
	hlt

	.bss
	.balign	16
	.fill	16384
	.globl	boot_stack_top
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
