# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	.macro nop3
	.byte 0x0f, 0x1f, 0x00
	.endm
	rep insb; nop3
	rep insb; nop3
	rep outsl; nop3
	rep insw; .byte 0x66, 0x90
	repne; scasb
	rep; ret
	rep
	movsb
	cs lgdt 4
	data16 lgdt (%eax); nop
	lock; cmpxchg %eax, (%ebx)
	es; movsb
