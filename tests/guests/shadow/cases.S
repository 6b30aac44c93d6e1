/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each case is called with interrupts off and IRQ 0 pending, and comes back with interrupts off. The
 * interrupt must find its return address behind NAME_low and not behind NAME_high. `order` counts
 * what ran before it. A label behind a padded instruction is behind the padding.
 */
#include "tests/guests/shadow/cases.h"

	.set	EFLAGS_ON, 0x202
	.set	EFLAGS_OFF, 0x002

	.macro	CASE name
	.globl	case_\name, \name\()_low, \name\()_high
	.type	case_\name, @function
case_\name:
	.endm

	.text
	CASE	sti_plain
	sti
sti_plain_low:
	incl	order
sti_plain_high:
	incl	order
	cli
	ret

	CASE	sti_jump
	sti
sti_jump_low:
	jmp	1f
	incl	order
sti_jump_high:
1:	incl	order
	cli
	ret

	CASE	sti_branch
	xorl	%eax, %eax
	sti
sti_branch_low:
	jz	1f
	incl	order
1:	incl	order
sti_branch_high:
	cli
	ret

	CASE	sti_call
	sti
sti_call_low:
	call	1f
	cli
	ret
sti_call_high:
1:	incl	order
	ret

	CASE	sti_return
	call	2f
1:	incl	order
	cli
	ret
2:	sti
	ret
	.set	sti_return_low, 1b - 1
	.set	sti_return_high, 1b

	CASE	sti_load
	sti
sti_load_low:
	movl	order, %ecx
sti_load_high:
	incl	order
	cli
	ret

	CASE	sti_sti
	sti
sti_sti_low:
	sti
sti_sti_high:
	incl	order
	cli
	ret

	CASE	sti_cli
	sti
sti_cli_low:
	cli
sti_cli_high:
	incl	order
	ret

	CASE	sti_pushf
	sti
sti_pushf_low:
	pushfl
sti_pushf_high:
	incl	order
	cli
	popl	pushed_flags
	ret

	CASE	sti_popf_off
	pushl	$EFLAGS_OFF
	sti
sti_popf_off_low:
	popfl
sti_popf_off_high:
	incl	order
	ret

	CASE	sti_popf_on
	pushl	$EFLAGS_ON
	sti
sti_popf_on_low:
	popfl
sti_popf_on_high:
	incl	order
	cli
	ret

	CASE	sti_iret_off
	pushl	$EFLAGS_OFF
	pushl	%cs
	pushl	$1f
	sti
sti_iret_off_low:
	iretl
sti_iret_off_high:
1:	incl	order
	ret

	CASE	sti_iret_on
	pushl	$EFLAGS_ON
	pushl	%cs
	pushl	$1f
	sti
sti_iret_on_low:
	iretl
sti_iret_on_high:
1:	incl	order
	cli
	ret

	CASE	sti_hlt
	sti
sti_hlt_low:
	hlt
sti_hlt_high:
	incl	order
	cli
	ret

/* Through a trap gate: IF stays set, so the timer comes before the handler's first instruction (or
 * behind it: see cases.h). */
	CASE	sti_int
	sti
	int	$VECTOR_TRAP_GATE
	cli
	ret
	.globl	trap_gate_entry
	.set	sti_int_low, trap_gate_entry - 1
trap_gate_entry:
	incl	order
sti_int_high:
	iretl

/* Through an interrupt gate: the handler runs to its end. */
	CASE	sti_int_off
	sti
sti_int_off_low:
	int	$VECTOR_INTERRUPT_GATE
sti_int_off_high:
	incl	order
	cli
	ret
	.globl	interrupt_gate_entry
interrupt_gate_entry:
	incl	order
	iretl

	CASE	sti_in
	sti
sti_in_low:
	inb	$0x80, %al
sti_in_high:
	incl	order
	cli
	ret

	CASE	sti_ds
	movl	%ds, %eax
	sti
sti_ds_low:
	movl	%eax, %ds
sti_ds_high:
	incl	order
	cli
	ret

	CASE	sti_cr3
	movl	%cr3, %eax
	sti
sti_cr3_low:
	movl	%eax, %cr3
sti_cr3_high:
	incl	order
	cli
	ret

	CASE	sti_far
	sti
sti_far_low:
	ljmp	$0x08, $1f
	incl	order
sti_far_high:
1:	incl	order
	cli
	ret

	CASE	popf_on
	pushl	$EFLAGS_ON
popf_on_low:
	popfl
popf_on_high:
	incl	order
	cli
	ret

	CASE	iret_on
	pushl	$EFLAGS_ON
	pushl	%cs
	pushl	$1f
iret_on_low:
	iretl
iret_on_high:
1:	incl	order
	cli
	ret

/* Asynchronous: many loads of ss, each followed by an instruction that must not be parted from it. */
	.globl	ss_loop
	.type	ss_loop, @function
ss_loop:
	movl	4(%esp), %ecx
	movl	%ss, %eax
1:
	.rept	16
	movl	%eax, %ss
	.pushsection .rodata.parts, "a"
	.long	2f
	.popsection
2:	nop
	.endr
	decl	%ecx
	jnz	1b
	ret
	.section .rodata.parts, "a"
	.globl	ss_parts
ss_parts:
	.previous

/* Single step over a load of ss: no debug trap before the instruction behind it has run. */
	.text
	.globl	step_over_ss, step_between, step_after
	.type	step_over_ss, @function
step_over_ss:
	movl	%ss, %eax
	pushl	$0x102
	popfl
	movl	%eax, %ss
step_between:
	incl	order
step_after:
	incl	order
	pushl	$EFLAGS_OFF
	popfl
	ret

	.section .user.text, "ax", @progbits
	.set	.Lafterburner_user, 1
	.globl	user_entry
user_entry:
	int	$0x80

	.set	.Lafterburner_user, 0
	.section .note.GNU-stack, "", @progbits
