# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	nop
	.byte 0x0f, 0x1f, 0x40, 0x00
	sti
