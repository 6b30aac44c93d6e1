/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the multiboot state to the 32-bit boot protocol of Linux. Runs at whatever address the loader
 * gave it. It is linked at 0 (stub.lds), so the value of a symbol is its distance from %ebx.
 */
#include "loader/multiboot.h"
#include "loader/native-stub/stub.h"

#define FLAGS (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO)

	.section .head, "ax"
	.globl stub_header
stub_header:
	.long MULTIBOOT_MAGIC
	.long FLAGS
	.long -(MULTIBOOT_MAGIC + FLAGS)
	.long STUB_MAGIC
	.long 0			/* entry: filled in by link_native */
	.long stub_start - stub_header

	.text
stub_start:
	cli
	cld
	cmpl $MULTIBOOT_LOADER_MAGIC, %eax
	jne stop
	movl %ebx, %edi			/* the information structure */
	movl $0x1000, %esp		/* four bytes of stack for the call: below 4 KiB is free */
	call 1f
1:	popl %ebx
	subl $1b, %ebx
	leal stack_end(%ebx), %esp
	pushl %edi
	call stub_main			/* gives the zero page */
	movl %eax, %esi

	leal gdt(%ebx), %eax
	movl %eax, gdtr+2(%ebx)
	lgdt gdtr(%ebx)
	movl $STUB_DATA_SELECTOR, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
	movl 16(%ebx), %ecx		/* struct stub_header: entry */
	pushl $STUB_CODE_SELECTOR
	pushl %ecx
	xorl %ebx, %ebx
	xorl %ebp, %ebp
	xorl %edi, %edi
	lret

	/* Not started by a multiboot loader: nothing can be said anywhere. */
stop:	hlt
	jmp stop

	.data
	.balign 8
gdt:	.quad 0, 0
	.quad 0x00cf9b000000ffff	/* flat code */
	.quad 0x00cf93000000ffff	/* flat data */
gdtr:	.word 31
	.long 0

	.bss
	.balign 16
	.skip 1024
stack_end:

	.section .note.GNU-stack, "", @progbits
