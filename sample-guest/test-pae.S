/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * void pae_call(uint32_t pdpt, void (*function)(void)): call a function with PAE paging on, its tables at
 * this physical address. SDM vol. 3, 4.4.
 *
 * The paging mode changes while paging is off (4.1.2), so this code must stand where linear and physical address
 * are the same: in a boot section, which both sets of tables have to map. While paging is off there is
 * no stack.
 */
	.section .boot.text, "ax"
	.globl	pae_call
pae_call:
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	16(%esp), %esi
	movl	20(%esp), %edi
	movl	%cr3, %ebx

	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	%esi, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0

	call	*%edi

	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	%ebx, %cr3
	movl	%cr4, %eax
	andl	$~0x20, %eax
	movl	%eax, %cr4
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0

	popl	%edi
	popl	%esi
	popl	%ebx
	ret
	.section .note.GNU-stack, "", @progbits
