/* SPDX-License-Identifier: MIT */
/*
 * Assembly: the CPU's registers into memory, as the guest left them. Who includes this has defined
 * GPR(n) and SEL(n), where the eight dwords by enum gpr and the six by enum segreg are.
 */
#ifndef WEDGE_LINUX_REGISTERS_H
#define WEDGE_LINUX_REGISTERS_H

/* clang-format off */
	.macro	save_gprs
	movl	%eax, GPR(0)
	movl	%ecx, GPR(1)
	movl	%edx, GPR(2)
	movl	%ebx, GPR(3)
	movl	%esp, GPR(4)
	movl	%ebp, GPR(5)
	movl	%esi, GPR(6)
	movl	%edi, GPR(7)
	.endm

	/* Clobbers %eax. */
	.macro	save_segment seg, n
	movl	%\seg, %eax
	movl	%eax, SEL(\n)
	.endm
/* clang-format on */

#endif
