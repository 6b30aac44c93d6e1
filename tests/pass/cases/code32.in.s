# --64
# SPDX-License-Identifier: GPL-3.0-or-later
	.code32
start:	cli
	push %ds
	lgdt 8(%eax)
	ljmp $0x10, $start
	.code64
	swapgs
	iretq
	mov %cr8, %rax
