# --32
# SPDX-License-Identifier: GPL-3.0-or-later
# A macro of the source by the name of an instruction takes the place of ours.
	.macro cli
	nop
	.endm
	cli
	sti
