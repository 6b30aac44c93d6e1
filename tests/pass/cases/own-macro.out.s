# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	nop
	.byte 0x2e, 0x2e, 0x2e, 0x2e
	sti
