/* SPDX-License-Identifier: MIT */
/*
 * The 32-bit fast paths. Each section .t.NAME is a template: trampoline.c copies it into a trampoline
 * and resolves its undefined symbols for the site at hand:
 *
 *	WIN	  the window's address		SITE_ID	  the site's number
 *	GATE	  the way to the monitor	SITE_END  where the guest goes on, behind the slot
 *	COUNTER	  the site's counter
 *	SEG_SEL SEG_HOST SEG_USER_HOST	  the window's words for the segment register at hand
 *
 * Rules. Data is reached through %ss, flat in every 32-bit kernel. What a native instruction leaves
 * alone stays: mov, lea, push, pop and jecxz touch no flags. A guest fault may only come before
 * anything but the scratch registers has changed; the platform then restores those from their save slots
 * (trampoline_rollback) and the monitor emulates the instruction. An interrupt inside a template is
 * delivered at its end: the platform single-steps to there.
 */
#include "wedge/stubs/window.h"

#define IF 0x200
#define SLOW_FLAGS 0x67100 /* TF IOPL NT VM AC: the monitor's business */
#define STEP_FLAGS 0x44100 /* TF NT AC of ring 3 */
#define M(field) %ss:WIN + (field)
#define ES 0
#define CS 4
#define SS 8
#define DS 12
#define FS 16
#define GS 20

	.macro	template name
	.section .t.\name, "ax", @progbits
	.endm

	/* Leave for the monitor; all registers are the guest's. */
	.macro	to_monitor
	movl	$SITE_ID, M(WIN_SITE)
	jmp	GATE
	.endm

	/* Jump to \fail unless the descriptor of a struct check stands as it did. Clobbers flags and \reg. */
	.macro	check which, reg, fail
	movl	M(\which + CHECK_PTR), \reg
	testl	\reg, \reg
	jz	\fail
	movl	%ss:4(\reg), \reg
	cmpl	M(\which + CHECK_HI), \reg
	jne	\fail
	movl	M(\which + CHECK_PTR), \reg
	movl	%ss:(\reg), \reg
	cmpl	M(\which + CHECK_LO), \reg
	jne	\fail
	.endm

	/* On the way to ring 3: a segment register gets its ring 3 variant, unless it has it. Clobbers flags and %eax. */
	.macro	load_user seg, offset
	movl	M(WIN_USER_HOST + \offset), %eax
	cmpl	M(WIN_HOST + \offset), %eax
	je	1f
	movl	%eax, M(WIN_HOST + \offset)
	mov	%eax, %\seg
1:
	.endm

template monitor
	to_monitor

/* --stats: goes in front of every other template. */
template count
	movl	%ecx, M(WIN_SAVE_ECX)
	movl	%ss:COUNTER, %ecx
	leal	1(%ecx), %ecx
	movl	%ecx, %ss:COUNTER
	movl	M(WIN_SAVE_ECX), %ecx

template cli
	movl	$-IF, M(WIN_IF_DELTA)
	jmp	SITE_END

/* The shadow: an interrupt that comes at SITE_END waits for one instruction. */
template sti
	movl	%ecx, M(WIN_SAVE_ECX)
	movl	M(WIN_PENDING), %ecx
	jecxz	1f
	movl	M(WIN_SAVE_ECX), %ecx
	to_monitor
1:	movl	$SITE_END, M(WIN_SHADOW_EIP)
	movl	%ecx, M(WIN_IF_DELTA)
	movl	M(WIN_SAVE_ECX), %ecx
	jmp	SITE_END

/* In ring 3 the real image has IF = 1 and IOPL = 0 at all times. */
template pushf
	pushfl
	movl	%eax, M(WIN_SAVE_EAX)
	movl	%ecx, M(WIN_SAVE_ECX)
	movl	(%esp), %eax
	movl	M(WIN_IF_DELTA), %ecx
	leal	(%eax, %ecx), %eax
	movl	M(WIN_FLAGS_EXTRA), %ecx
	leal	(%eax, %ecx), %eax
	movl	%eax, (%esp)
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	jmp	SITE_END

/* popf ends in loading all flags, so they are free before it. */
template popf
	movl	%ecx, M(WIN_SAVE_ECX)
	movl	(%esp), %ecx
	testl	$SLOW_FLAGS, %ecx
	jnz	9f
	cmpl	$0, M(WIN_FLAGS_EXTRA)
	jne	9f
	andl	$IF, %ecx
	jz	1f
	cmpl	$0, M(WIN_PENDING)
	jne	9f
1:	subl	$IF, %ecx
	movl	%ecx, M(WIN_IF_DELTA)
	movl	M(WIN_SAVE_ECX), %ecx
	popfl
	jmp	SITE_END
9:	movl	M(WIN_SAVE_ECX), %ecx
	to_monitor

template push_seg
	pushl	%ss:SEG_SEL
	jmp	SITE_END

/*
 * Loads of a data segment register: load_save, then the selector into %ecx (load_pop or an instruction
 * that trampoline.c writes), then load_check, then the load itself. The descriptor must stand in the
 * guest's GDT as the segment cache knows it; everything else is the monitor's business.
 */
template load_save
	movl	%eax, M(WIN_SAVE_EAX)
	movl	%ecx, M(WIN_SAVE_ECX)
	movl	%edx, M(WIN_SAVE_EDX)

template load_pop
	movzwl	(%esp), %ecx

template load_check
	lahf
	seto	%al
	movl	%eax, M(WIN_SAVE_FLAGS)
	movl	%ecx, %edx
	andl	$~3, %edx
	jz	7f			/* null: nothing to check, the real selector is the guest's */
	testl	$4, %ecx
	jnz	8f
	andl	$~7, %edx
	cmpl	$8 * SEGCACHE_ENTRIES, %edx
	jae	8f
	cmpw	M(WIN_SEGCACHE + SEGCACHE_SEL)(, %edx, 2), %cx
	jne	8f
	movl	M(WIN_GDT_BASE), %eax
	movl	%ss:(%eax, %edx), %eax
	cmpl	M(WIN_SEGCACHE + SEGCACHE_LO)(, %edx, 2), %eax
	jne	8f
	movl	M(WIN_GDT_BASE), %eax
	movl	%ss:4(%eax, %edx), %eax
	cmpl	M(WIN_SEGCACHE + SEGCACHE_HI)(, %edx, 2), %eax
	jne	8f
	movzwl	M(WIN_SEGCACHE + SEGCACHE_USER_HOST)(, %edx, 2), %eax
	movzwl	M(WIN_SEGCACHE + SEGCACHE_HOST)(, %edx, 2), %edx
	jmp	9f
7:	movl	%ecx, %edx
	movl	%ecx, %eax
	jmp	9f
8:	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	movl	M(WIN_SAVE_EDX), %edx
	to_monitor
9:

	.macro	load seg
template load_\seg
	movl	%edx, %\seg
	.endm
	load	es
	load	ds
	load	fs
	load	gs

template load_done
	movl	%ecx, %ss:SEG_SEL
	movl	%edx, %ss:SEG_HOST
	movl	%eax, %ss:SEG_USER_HOST
	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	movl	M(WIN_SAVE_EDX), %edx

template load_drop
	leal	4(%esp), %esp

template end
	jmp	SITE_END

/* The guest may have set its counter: WRMSR to IA32_TIME_STAMP_COUNTER. */
template rdtsc
	lahf
	seto	%al
	movl	%eax, M(WIN_SAVE_FLAGS)
	rdtsc
	addl	M(WIN_TSC_OFFSET), %eax
	adcl	M(WIN_TSC_OFFSET + 4), %edx
	movl	%eax, M(WIN_SAVE_EAX)
	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	movl	M(WIN_SAVE_EAX), %eax
	jmp	SITE_END

/*
 * A memory site: mem_save, then the operand's address into %ecx (trampoline.c), mem_check, the instruction itself, end.
 * The flags are the guest's all the way, and so is %ecx when the instruction runs.
 */
template mem_save
	movl	%ecx, M(WIN_SAVE_ECX)

template mem_check
	movl	%ecx, M(WIN_ADDRESS)
	movzwl	M(WIN_ADDRESS + 2), %ecx
	movzbl	M(WINDOW_SENSITIVE)(%ecx), %ecx
	jecxz	1f
	movl	M(WIN_SAVE_ECX), %ecx
	to_monitor
1:	movl	M(WIN_SAVE_ECX), %ecx

/*
 * iret: to the same ring, or from ring 0 to ring 3. RF of the image is dropped: it would only hold off an
 * instruction breakpoint, and none can be armed.
 */
template iret
	movl	%eax, M(WIN_SAVE_EAX)
	movl	%ecx, M(WIN_SAVE_ECX)
	lahf
	seto	%al
	movl	%eax, M(WIN_SAVE_FLAGS)
	movl	8(%esp), %ecx
	testl	$SLOW_FLAGS, %ecx
	jnz	9f
	cmpl	$0, M(WIN_FLAGS_EXTRA)
	jne	9f
	andl	$IF, %ecx
	jz	1f
	cmpl	$0, M(WIN_PENDING)
	jne	9f
1:	subl	$IF, %ecx
	movzwl	4(%esp), %eax
	cmpl	M(WIN_SEL + CS), %eax
	jne	2f

	/* Same ring. */
	check	WIN_CHECK_KCS, %eax, 9f
	movl	(%esp), %eax
	movl	%eax, M(WIN_FAR_EIP)
	movl	%ecx, M(WIN_IF_DELTA)
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	leal	8(%esp), %esp
	popfl
	jmp	*M(WIN_FAR_EIP)

	/* Outward. What the monitor last returned to is what we can return to. */
2:	cmpw	M(WIN_USER_CS_SEL), %ax
	jne	9f
	movzwl	16(%esp), %eax
	cmpw	M(WIN_USER_SS_SEL), %ax
	jne	9f
	check	WIN_CHECK_UCS, %eax, 9f
	check	WIN_CHECK_USS, %eax, 9f
	.irp	seg, ES, DS, FS, GS
	cmpl	$0, M(WIN_USER_HOST + \seg)
	jne	3f
	cmpl	$3, M(WIN_SEL + \seg)
	ja	9f
3:
	.endr
	movl	(%esp), %eax
	cmpl	M(WIN_USER_LIMIT), %eax
	jae	9f
	/* From here on nothing can fail. */
	movl	%eax, M(WIN_FAR_EIP)
	movl	M(WIN_USER_HOST + CS), %eax
	movl	%eax, M(WIN_FAR_CS)
	movl	%eax, M(WIN_HOST + CS)
	movl	12(%esp), %eax
	movl	%eax, M(WIN_USER_ESP)
	movl	M(WIN_USER_HOST + SS), %eax
	movl	%eax, M(WIN_USER_SS)
	movl	%eax, M(WIN_HOST + SS)
	movl	%ecx, M(WIN_IF_DELTA)
	movzwl	4(%esp), %eax
	movl	%eax, M(WIN_SEL + CS)
	movzwl	16(%esp), %eax
	movl	%eax, M(WIN_SEL + SS)
	/* Loads of %fs and %gs cost as much as all else here; most registers hold what they should. */
	load_user es, ES
	load_user ds, DS
	load_user fs, FS
	load_user gs, GS
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	leal	8(%esp), %esp
	popfl
	lss	M(WIN_USER_ESP), %esp
	ljmp	*%cs:WIN + WIN_FAR_EIP

9:	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	to_monitor

/*
 * `int $0x80` of guest user code: its slot holds `lcall $ENTRY, $here`, so the user's stack has the address of the
 * `int` on top. Ends in the guest's handler for vector 0x80 as the CPU would get there (SDM vol. 3,
 * 6.12.1), on the stack that the guest's TSS names. One copy for all such slots.
 *
 * %ss is the user's here: the first instruction changes it, and faults if the path is disarmed.
 */
template int80
	mov	%cs:WIN + WIN_KERNEL_SS, %ss
	movl	%esp, M(WIN_SAVE_ESP)
	movl	%eax, M(WIN_SAVE_EAX)
	movl	%ecx, M(WIN_SAVE_ECX)
	lahf
	seto	%al
	movl	%eax, M(WIN_SAVE_FLAGS)
	/* The registers are as the way out left them, the tables as when the path was armed. */
	movl	M(WIN_SAVE_ESP), %ecx
	movl	%ss:4(%ecx), %eax
	cmpw	%ax, M(WIN_HOST + CS)
	jne	9f
	.irp	pair, es, ds, fs, gs
	movl	%\pair, %eax
	.ifc	\pair, es
	cmpl	M(WIN_HOST + ES), %eax
	.endif
	.ifc	\pair, ds
	cmpl	M(WIN_HOST + DS), %eax
	.endif
	.ifc	\pair, fs
	cmpl	M(WIN_HOST + FS), %eax
	.endif
	.ifc	\pair, gs
	cmpl	M(WIN_HOST + GS), %eax
	.endif
	jne	9f
	.endr
	check	WIN_CHECK_GATE, %eax, 9f
	check	WIN_CHECK_INT_CS, %eax, 9f
	check	WIN_CHECK_KSS, %eax, 9f
	movl	M(WIN_TSS_BASE), %ecx
	movl	%ss:8(%ecx), %eax
	cmpw	M(WIN_TSS_SS0), %ax
	jne	9f
	movl	%ss:4(%ecx), %ecx	/* esp0 */
	movl	%ecx, %esp
	/* The frame: ss esp eflags cs eip. */
	movl	M(WIN_SAVE_ESP), %ecx
	pushl	M(WIN_SEL + SS)
	leal	8(%ecx), %eax
	pushl	%eax
	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	pushfl
	testl	$STEP_FLAGS, (%esp)
	jnz	9f
	movl	M(WIN_IF_DELTA), %eax
	addl	%eax, (%esp)
	movl	M(WIN_FLAGS_EXTRA), %eax
	addl	%eax, (%esp)
	pushl	M(WIN_SEL + CS)
	movl	%ss:(%ecx), %eax
	addl	$2, %eax
	pushl	%eax
	/* The handler's side. */
	movl	M(WIN_INT_IF), %eax
	orl	%eax, M(WIN_IF_DELTA)
	movl	M(WIN_INT_SEL), %eax
	movl	%eax, M(WIN_SEL + CS)
	movl	M(WIN_INT_CS), %eax
	movl	%eax, M(WIN_HOST + CS)
	movl	M(WIN_TSS_SS0), %eax
	movl	%eax, M(WIN_SEL + SS)
	movl	M(WIN_KERNEL_SS), %eax
	movl	%eax, M(WIN_HOST + SS)
	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	ljmp	*M(WIN_INT_EIP)

9:	movl	M(WIN_SAVE_FLAGS), %eax
	addb	$0x7f, %al
	sahf
	movl	M(WIN_SAVE_EAX), %eax
	movl	M(WIN_SAVE_ECX), %ecx
	movl	M(WIN_SAVE_ESP), %esp
	movl	$SITE_SYSCALL, M(WIN_SITE)
	jmp	GATE

	.section .note.GNU-stack, "", @progbits
