# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.intel_syntax noprefix
	.text
	cli
	mov eax, cr0
	mov cr0, eax
	mov ss, ax
	mov ax, ds
	push fs
	int 0x80
	in al, 0x60
	jmp 0x10:0x1000
	jmp far ptr [eax]
	jmp fword ptr [eax]
	retf
	rep insb
	ins byte ptr es:[edi], dx
	iretd
	pushfd
	lgdt [eax+4]
	jmp fs:[eax]
	mov eax, fs:[0]
	sti
	int 0x20
	int 3
	.macro foo a, b
	mov \a, \b
	nop
	.endm
	foo eax, cr3
	foo ecx, edx
	.att_syntax
	foo %eax, %cr0
	cli
