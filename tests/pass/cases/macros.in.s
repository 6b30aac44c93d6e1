# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro ALTERNATIVE old, new
	\old
	.pushsection .altinstr_replacement, "ax"
	\new
	.popsection
	.endm
	.macro move from, to
	mov \from, \to
	movl	\from , \to
	.endm
	.macro save reg, op=push
	push \reg
	pop \reg
	\op \reg
	.endm
	.macro number n
	mov %cr\n, %eax
	mov %eax, %cr\n
	.endm
	.macro memory off
	mov \off(%eax), %ecx
	mov $\off, %ecx
	.endm
	ALTERNATIVE "", "mov %cr3, %eax; .byte 0x0f,0x01,0xca"
	ALTERNATIVE "cli; mov %eax, %ds", nop
	ALTERNATIVE cli, sti
	move %cr0, %eax
	move %eax, %cr4
	move %eax, %ecx
	move "4(%eax,%ebx,4)", %ecx
	move %ds, %eax
	move %eax, %ss
	save %eax
	save %ds
	save %ss
	number 3
	memory 8
	.macro ops op
	\op %cr3, %eax
	.endm
	ops mov
	ops movl
	.altmacro
	.macro alt from, to
	mov from, to
	local label
label:	jmp label
	.endm
	alt <%cr0>, <%eax>
	alt <%eax>, <%ebx>
	cli
	lgdt %cs:(%eax)
	.noaltmacro
	.irp insn, cli, hlt
	\insn
	.endr
	.macro nested x
	move \x, %ebx
	.endm
	nested %cr2
	.macro text s
	.ascii "\s"
	.endm
	.data
	text "out of memory; in time, int str"
