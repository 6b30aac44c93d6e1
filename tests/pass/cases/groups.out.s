# --64
# SPDX-License-Identifier: GPL-3.0-or-later
	.section .text.group, "axG", @progbits, foo, comdat
	.weak foo
foo:	.byte 0x2e, 0x2e, 0x2e, 0x2e; cli
	ret
	.text
	call foo
	.byte 0x2e, 0x2e, 0x2e, 0x2e; hlt
