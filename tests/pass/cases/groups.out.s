# --64
# SPDX-License-Identifier: GPL-3.0-or-later
	.section .text.group, "axG", @progbits, foo, comdat
	.weak foo
foo:	cli; .byte 0x0f, 0x1f, 0x40, 0x00
	ret
	.text
	call foo
	hlt; .byte 0x0f, 0x1f, 0x40, 0x00
