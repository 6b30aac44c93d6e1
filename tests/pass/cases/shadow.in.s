# --32
# SPDX-License-Identifier: GPL-3.0-or-later
# What makes an interrupt shadow and what stands behind it stay adjacent.
	sti
	hlt
	sti; int $0x20
	sti
	# a comment and a label do not part them
1:	int $0x80
	nop
	int $0x80
	sti
	nop
	int $0x80
	sti; mwait
	sti; sysexit
	movl %eax, %ss
	int $0x20
	pop %ss; sti
	hlt
	sti; sti
	int $3
	sti; int $3
	int3
	int1
