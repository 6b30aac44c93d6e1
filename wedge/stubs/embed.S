/* SPDX-License-Identifier: MIT */
/* The assembled templates, as the ELF object they are: trampoline.c links from it. */
	.section .rodata
	.globl	stub_templates
	.balign	16
stub_templates:
	.incbin	TEMPLATES_O
	.globl	stub_templates_end
stub_templates_end:

	.section .note.GNU-stack, "", @progbits
