/* SPDX-License-Identifier: MIT */
/*
 * All the code of a user process that is not the guest's (userspace.h). It runs at USER_STUB, where it is
 * copied to, without a stack and without the C library.
 *
 * Guest code may jump to any instruction here with any registers, so nothing relies on what a register holds
 * over a system call, no loop is longer than the operations are, each system call instruction does one thing only by the filter, and from each there
 * is one way: to the hand-over, or by `handed` through all the operations to the state that the monitor ordered.
 */
#include <asm/unistd.h>
#include "wedge/linux/userarea.h"

#define MSG_DONTWAIT 0x40

#define ORDERS(offset) user_stub + (USER_ORDERS - USER_STUB) + (offset)(%rip)
#define REPORT(offset) user_stub + (USER_REPORT - USER_STUB) + (offset)(%rip)
#define GPR(n) REPORT(UR_GPR + 4 * (n))
#define SEL(n) REPORT(UR_SEL + 4 * (n))
#include "wedge/linux/registers.h"

/* A ucontext_t: general registers from 40 on, in the order of sys/ucontext.h. */
#define UC(n) (40 + 8 * (n))
#define UC_RDI UC(8)
#define UC_RSI UC(9)
#define UC_RBP UC(10)
#define UC_RBX UC(11)
#define UC_RDX UC(12)
#define UC_RAX UC(13)
#define UC_RCX UC(14)
#define UC_RSP UC(15)
#define UC_RIP UC(16)
#define UC_EFL UC(17)
#define UC_CS UC(18)
#define UC_SS (UC(18) + 6)
#define UC_ERR UC(19)
#define UC_TRAPNO UC(20)
#define UC_CR2 UC(22)
#define UC_FPREGS UC(23)


/* From a ucontext_t to the report; clobbers %eax. */
	.macro	copy from, to
	movl	\from, %eax
	movl	%eax, \to
	.endm

	.macro	copy_word from, to
	movzwl	\from, %eax
	movl	%eax, \to
	.endm

	.section .rodata
	.balign	4096
	.globl	user_stub
user_stub:

/* The far call over a padded `int $0x80`, in 64-bit mode by now. Of the registers low halves count. */
	.globl	user_stub_gate
user_stub_gate:
	save_gprs
	leaq	REPORT(UR_STACK_TOP), %rsp
	pushfq
	popq	%rax
	movl	%eax, REPORT(UR_EFLAGS)
	save_segment ss, 2
	movl	$USER_GATE, REPORT(UR_REASON)

save:
	pushq	$2			/* NT and AC off */
	popfq
	save_segment es, 0
	save_segment ds, 3
	save_segment fs, 4
	save_segment gs, 5
	movl	ORDERS(UO_XCR0), %eax
	movl	ORDERS(UO_XCR0 + 4), %edx
	xsave64	REPORT(UR_FPU)

/* The filter turns this call into a notification: the monitor knows where the process stands, and answers it
 * to let the process go on. */
hand_over:
	movl	$__NR_sched_yield, %eax
	syscall
	.globl	user_stub_handed
user_stub_handed:
	testq	%rax, %rax
	jnz	hand_over
	leaq	REPORT(UR_STACK_TOP), %rsp
	pushq	$2			/* flags may be guest code's, and of another process's: iretq checks NT */
	popfq
	cmpl	$0, ORDERS(UO_MEMORY)
	je	1f
	movl	$USER_SOCKET, %edi
	leaq	REPORT(UR_MESSAGE), %rsi
	movl	$MSG_DONTWAIT, %edx
	movl	$__NR_recvmsg, %eax
	syscall
	.globl	user_stub_received
user_stub_received:
1:	xorl	%ebx, %ebx
operate:
	cmpl	ORDERS(UO_NR_OPS), %ebx
	jae	operated
	movl	%ebx, %ebp
	shll	$5, %ebp
	leaq	ORDERS(UO_OPS), %rax
	addq	%rax, %rbp
	movl	OP_KIND(%rbp), %eax
	movq	OP_AT(%rbp), %rdi
	movq	OP_LENGTH(%rbp), %rsi
	cmpl	$OP_UNMAP, %eax
	je	unmap
	ja	set_ldt
	movl	OP_PROT(%rbp), %edx
	movl	OP_FLAGS(%rbp), %r10d
	movl	OP_OFFSET(%rbp), %r9d
	movl	$USER_MEMORY, %r8d
	movl	$__NR_mmap, %eax
	syscall
	.globl	user_stub_mapped
user_stub_mapped:
	jmp	next
unmap:
	movl	$__NR_munmap, %eax
	syscall
	.globl	user_stub_unmapped
user_stub_unmapped:
	jmp	next
set_ldt:
	movl	$16, %edx
	xchgq	%rdi, %rsi		/* modify_ldt(0x11, descriptor, 16) */
	movl	$0x11, %edi
	movl	$__NR_modify_ldt, %eax
	syscall
	.globl	user_stub_ldt_set
user_stub_ldt_set:
	movslq	%eax, %rax
next:
	incl	%ebx
	cmpq	$-4096, %rax
	jb	operate
failed:
	movl	$USER_FAILED, REPORT(UR_REASON)
	xorl	%ebx, %ebx
	jmp	close
operated:
	movl	$1, %ebx
close:
	cmpl	$0, ORDERS(UO_MEMORY)
	je	1f
	movl	$USER_MEMORY, %edi
	movl	$__NR_close, %eax
	syscall
	.globl	user_stub_closed
user_stub_closed:
1:	testl	%ebx, %ebx
	jz	hand_over
	cmpl	$0, ORDERS(UO_RESUME)
	je	nothing

/*
 * On the way into the guest's code. A kick that comes before finds `kicked` read below; one that comes
 * from here to the iretq starts over at `nothing`.
 */
enter:
	cmpl	$0, REPORT(UR_KICKED)
	jne	nothing
	movl	ORDERS(UO_XCR0), %eax
	movl	ORDERS(UO_XCR0 + 4), %edx
	xrstor64 REPORT(UR_FPU)
	movw	ORDERS(UO_SEL), %es
	movw	ORDERS(UO_SEL + 12), %ds
	movw	ORDERS(UO_SEL + 16), %fs
	movw	ORDERS(UO_SEL + 20), %gs
	movl	ORDERS(UO_GPR), %eax
	movl	ORDERS(UO_GPR + 4), %ecx
	movl	ORDERS(UO_GPR + 8), %edx
	movl	ORDERS(UO_GPR + 12), %ebx
	movl	ORDERS(UO_GPR + 20), %ebp
	movl	ORDERS(UO_GPR + 24), %esi
	movl	ORDERS(UO_GPR + 28), %edi
	leaq	ORDERS(UO_FRAME), %rsp
	iretq
entered:

nothing:
	movl	$USER_NOTHING, REPORT(UR_REASON)
	jmp	hand_over

/*
 * Every signal, on the signal stack: (int sig, siginfo_t *, ucontext_t *). None is ever returned from by
 * sigreturn, which could load anything.
 */
	.globl	user_stub_signal
user_stub_signal:
	pushq	$2
	popfq
	movq	UC_RIP(%rdx), %rax
	movl	ORDERS(UO_GATE_AT), %ecx
	cmpq	%rax, %rcx
	je	at_gate
	andl	$~0xfff, %ecx
	movq	%rax, %r8
	subq	%rcx, %r8
	cmpq	$0x1000, %r8
	jb	inside
	leaq	user_stub(%rip), %rcx
	subq	%rcx, %rax
	cmpq	$(user_stub_end - user_stub), %rax
	jae	save_context
/* In the stub; elsewhere in it than here the registers of guest code are lost already, or never were. */
inside:
	movq	UC_RIP(%rdx), %rax
	leaq	user_stub_handed(%rip), %rcx
	subq	%rcx, %rax
	cmpq	$(enter - user_stub_handed), %rax
	jb	operating
	cmpq	$(entered - user_stub_handed), %rax
	jb	entering
	cmpl	$USER_KICK, %edi
	jne	save_context
	incl	REPORT(UR_KICKED)
	cmpl	$USER_PATIENCE, REPORT(UR_KICKED)
	ja	save_context		/* what guest code jumped into may loop for ever */
	jmp	back
entering:
	cmpl	$USER_KICK, %edi
	je	nothing
	movl	$USER_REFUSED, REPORT(UR_REASON)
	jmp	hand_over
operating:
	cmpl	$USER_KICK, %edi
	jne	abandon
	incl	REPORT(UR_KICKED)
	cmpl	$USER_PATIENCE, REPORT(UR_KICKED)
	ja	abandon
	jmp	back

/*
 * Whoever came to the hand-over with TF or AC set gets here with the operations undone. The monitor must not take
 * them for done, and the file that it lent must not stay.
 */
abandon:
	movl	$USER_SOCKET, %edi
	leaq	REPORT(UR_MESSAGE), %rsi
	movl	$MSG_DONTWAIT, %edx
	movl	$__NR_recvmsg, %eax
	syscall
	.globl	user_stub_taken
user_stub_taken:
	jmp	failed

back:
/* Back to what was interrupted. */
	movq	UC_FPREGS(%rdx), %rcx
	movq	%rdx, %rbx
	movl	ORDERS(UO_XCR0), %eax
	movl	ORDERS(UO_XCR0 + 4), %edx
	xrstor64 (%rcx)
	movzwl	UC_SS(%rbx), %eax
	pushq	%rax
	pushq	UC_RSP(%rbx)
	pushq	UC_EFL(%rbx)
	movzwl	UC_CS(%rbx), %eax
	pushq	%rax
	pushq	UC_RIP(%rbx)
	movq	UC(0)(%rbx), %r8
	movq	UC(1)(%rbx), %r9
	movq	UC(2)(%rbx), %r10
	movq	UC(3)(%rbx), %r11
	movq	UC_RDI(%rbx), %rdi
	movq	UC_RSI(%rbx), %rsi
	movq	UC_RBP(%rbx), %rbp
	movq	UC_RDX(%rbx), %rdx
	movq	UC_RAX(%rbx), %rax
	movq	UC_RCX(%rbx), %rcx
	movq	UC_RBX(%rbx), %rbx
	iretq

/* At the user gate's first instruction, where a kick or the guest's own TF may come, all is as the far call
 * left it. */
at_gate:
	movl	$USER_GATE, REPORT(UR_REASON)
	jmp	1f
save_context:
	movl	$USER_SIGNAL, REPORT(UR_REASON)
1:	movl	%edi, REPORT(UR_SIGNAL)
	copy	UC_TRAPNO(%rdx), REPORT(UR_VECTOR)
	copy	UC_ERR(%rdx), REPORT(UR_ERROR)
	movq	UC_CR2(%rdx), %rax
	movq	%rax, REPORT(UR_ADDRESS)
	copy	UC_RAX(%rdx), GPR(0)
	copy	UC_RCX(%rdx), GPR(1)
	copy	UC_RDX(%rdx), GPR(2)
	copy	UC_RBX(%rdx), GPR(3)
	copy	UC_RSP(%rdx), GPR(4)
	copy	UC_RBP(%rdx), GPR(5)
	copy	UC_RSI(%rdx), GPR(6)
	copy	UC_RDI(%rdx), GPR(7)
	copy	UC_RIP(%rdx), REPORT(UR_EIP)
	copy	UC_EFL(%rdx), REPORT(UR_EFLAGS)
	copy_word	UC_CS(%rdx), SEL(1)
	copy_word	UC_SS(%rdx), SEL(2)
	movq	UC_FPREGS(%rdx), %rcx
	movl	ORDERS(UO_XCR0), %eax
	movl	ORDERS(UO_XCR0 + 4), %edx
	xrstor64 (%rcx)
	leaq	REPORT(UR_STACK_TOP), %rsp
	jmp	save

/* A new process: what it has of the monitor's goes, then the sandbox closes; its listener becomes the
 * monitor's. */
	.globl	user_stub_start
user_stub_start:
	movl	$__NR_munmap, %eax
	movl	$1, %edi
	shlq	$32, %rdi		/* from 4 GiB on */
	movabsq	$(USER_STUB - 0x100000000), %rsi
	syscall
	movl	$__NR_munmap, %eax
	movabsq	$USER_END, %rdi
	movabsq	$(USER_TOP - USER_END), %rsi
	syscall
	movl	$__NR_seccomp, %eax
	movl	$1, %edi		/* SECCOMP_SET_MODE_FILTER */
	movl	$40, %esi		/* NEW_LISTENER, WAIT_KILLABLE_RECV */
	leaq	ORDERS(UO_FILTER), %rdx
	syscall
	movl	$__NR_sendmsg, %eax
	movl	$USER_SOCKET, %edi
	leaq	ORDERS(UO_MESSAGE), %rsi
	xorl	%edx, %edx
	syscall
	.globl	user_stub_sent
user_stub_sent:
	movl	$__NR_close, %eax
	movl	$USER_MEMORY, %edi
	syscall
	.globl	user_stub_sent_closed
user_stub_sent_closed:
	jmp	nothing

/* Named to the host because it wants one; nothing returns by it. */
	.globl	user_stub_restorer
user_stub_restorer:
	ud2
	.globl	user_stub_end
user_stub_end:

	.section .note.GNU-stack, "", @progbits
