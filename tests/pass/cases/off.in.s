# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	cli
	.set .Lafterburner_off, 1
	cli
	mov %cr0, %eax
	.pushsection .text.other, "ax"
	hlt
	.popsection
	sti; int $0x80
	.byte 0x0f, 0x01, 0xca
	.Lafterburner_off = 0
	cli
	.set .Lafterburner_user, 1
	int $0x80
	cpuid
	mov %gs, %eax
	.set .Lafterburner_user, 0
	cpuid
