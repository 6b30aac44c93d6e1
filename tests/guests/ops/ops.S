/* SPDX-License-Identifier: GPL-3.0-or-later */
/* void op_NAME(uint32_t rounds): the operation ten times a round. */
#define UNROLL 10

#define BEGIN(name) \
	.globl	op_##name; \
	.type	op_##name, @function; \
op_##name: \
	movl	4(%esp), %ecx; \
1: \
	.rept	UNROLL

#define END(name) \
	.endr; \
	decl	%ecx; \
	jnz	1b; \
	ret; \
	.size	op_##name, . - op_##name

	.text
BEGIN(stores)
	movb	$0, scratch
	movb	$1, scratch
END(stores)

BEGIN(cli_sti)
	cli
	sti
END(cli_sti)

BEGIN(pushf_popf)
	pushfl
	popfl
END(pushf_popf)

BEGIN(iret)
	pushfl
	pushl	%cs
	pushl	$2f
	iretl
2:
END(iret)

BEGIN(mov_from_ds)
	movl	%ds, %eax
END(mov_from_ds)

BEGIN(mov_to_ds)
	movl	%ds, %eax
	movl	%eax, %ds
END(mov_to_ds)

BEGIN(mov_from_cr2)
	movl	%cr2, %eax
END(mov_from_cr2)

BEGIN(mov_to_cr3)
	movl	%cr3, %eax
	movl	%eax, %cr3
END(mov_to_cr3)

BEGIN(invlpg)
	invlpg	scratch
END(invlpg)

BEGIN(in)
	inb	$0x21, %al
END(in)

BEGIN(out)
	outb	%al, $0x80
END(out)

/* void op_touch(const char *pages, uint32_t n): a page fault each. */
	.globl	op_touch
	.type	op_touch, @function
op_touch:
	movl	4(%esp), %edx
	movl	8(%esp), %ecx
1:	movb	$1, (%edx)
	addl	$4096, %edx
	decl	%ecx
	jnz	1b
	ret
	.size	op_touch, . - op_touch

/* The page-fault handler: makes the page of CR2 present, counts, returns. */
	.globl	fault_entry
	.type	fault_entry, @function
fault_entry:
	pushl	%eax
	movl	%cr2, %eax
	shrl	$12, %eax
	orl	$1, page_tables(, %eax, 4)
	incl	faults
	popl	%eax
	addl	$4, %esp
	iretl
	.size	fault_entry, . - fault_entry

/* The system call that does nothing. */
	.globl	syscall_entry
	.type	syscall_entry, @function
syscall_entry:
	iretl
	.size	syscall_entry, . - syscall_entry

/* The timer's handler: acknowledges, counts. */
	.globl	timer_entry
	.type	timer_entry, @function
timer_entry:
	pushl	%eax
	incl	ticks
	movb	$0x20, %al
	outb	%al, $0x20
	popl	%eax
	iretl
	.size	timer_entry, . - timer_entry

/* Ring 3. Each ends by int 0x81 with the cycles in edx:eax. */
	.section .user.text, "ax", @progbits
	.set	.Lafterburner_user, 1
	.globl	user_syscalls
user_syscalls:
	movl	$1000, %edi
	rdtsc
	movl	%eax, %esi
	movl	%edx, %ebp
1:	int	$0x80
	decl	%edi
	jnz	1b
	jmp	user_done
	.globl	user_touch
user_touch:
	movl	$user_pages, %ebx
	movl	$64, %edi
	rdtsc
	movl	%eax, %esi
	movl	%edx, %ebp
1:	movb	$1, (%ebx)
	addl	$4096, %ebx
	decl	%edi
	jnz	1b
user_done:
	rdtsc
	subl	%esi, %eax
	sbbl	%ebp, %edx
	int	$0x81

	.set	.Lafterburner_user, 0
	.section .user.data, "aw", @progbits
	.balign	4096
	.globl	user_pages
user_pages:
	.skip	64 * 4096

	.data
	.balign	64
	.globl	scratch
scratch:
	.skip	64

	.section .note.GNU-stack, "", @progbits
