# --64
# SPDX-License-Identifier: GPL-3.0-or-later
	.section .text.group, "axG", @progbits, foo, comdat
	.weak foo
foo:	cli
	ret
	.text
	call foo
	hlt
